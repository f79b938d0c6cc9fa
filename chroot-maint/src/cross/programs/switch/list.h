/* The groups with their files, the packages and the libraries: what is written down of them, and the version of each package that
 * is installed, which others find out. Knows nothing of what the chroot has in their places.
 *
 * What there is, read_lists reads in PRIVATE/switch.list, and in PRIVATE/refused, lines of fields between tabs:
 *   arch ARCHITECTURE
 *   group NAME                                                      what follows belongs to it
 *   file PATH[|PATH] PACKAGE[|PACKAGE] DONOR VERSION needed|optional  a program, its package here, and the host's
 *   refuse REASON                                                   out, whatever the versions
 *   scripts PACKAGE VERSION                                         its files are scripts; whose their interpreter is, and the host's
 *   library NAME PACKAGE VERSION                                    the host's build of what builds preload */

#ifndef SWITCH_LIST_H
#define SWITCH_LIST_H

enum { FIELDS = 8 };

struct package {
	const char *name;
	const char *version; /* NULL if it is not installed */
	struct package *next;
};

struct file {
	char *paths[FIELDS];
	struct package *packages[FIELDS];
	const char *donor, *version;
	int is_needed;
	struct file *next;
};

struct library {
	const char *name, *version;
	struct package *package;
	struct library *next;
};

struct group {
	const char *name, *refusal;
	struct package *interpreter; /* NULL if it has programs */
	const char *interpreter_version;
	struct file *files, **last;
	struct group *next;
};

extern const char *arch;
extern struct package *packages;
extern struct group *groups;
extern struct library *libraries;

int read_lists(void);

#endif
