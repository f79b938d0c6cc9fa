/* What dpkg has been told of other names, by this program and by others. Knows the names of files; neither the list, nor what is
 * in those files. */

#ifndef SWITCH_DIVERSIONS_H
#define SWITCH_DIVERSIONS_H

/* What dpkg has been told: the files that packages have at one name are to be at another. */
struct diversion {
	const char *from, *to;
	const char *by; /* a package; of the administrator, and of this program, a colon */
	struct diversion *next;
};

void read_diversions(void);
int is_diverted(const char *path);
const struct diversion *other_diversion(const char *name);
const struct diversion *obstacle(const char *path);
int divert(const char *what, const char *path);

#endif
