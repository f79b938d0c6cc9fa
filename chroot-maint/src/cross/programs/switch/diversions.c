/* Reads the diversions that dpkg has written down, and has dpkg-divert write down others. Moves no file itself, and reads what
 * dpkg-divert has written only when it is told to. */

#include "diversions.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"
#include "text.h"

static struct diversion *diversions;

/* Three lines for each diversion. Read once, and anew before a group is taken out again that could not all be put in. */
void read_diversions(void)
{
	char *text = read_file(join(root, "/var/lib/dpkg/diversions", ""));
	diversions = NULL;
	while (text && *text) {
		struct diversion *one = allocate(sizeof *one);
		const char **const fields[] = { &one->from, &one->to, &one->by };
		int i;
		for (i = 0; i < 3 && text && *text; i++) {
			char *end = strchr(text, '\n');
			*fields[i] = text;
			if (end)
				*end = 0;
			text = end ? end + 1 : NULL;
		}
		if (i < 3)
			break;
		one->next = diversions;
		diversions = one;
	}
}

/* Whether a diversion is one that this program makes. */
static int is_by_switch(const struct diversion *one)
{
	size_t length = strlen(one->from);
	return strcmp(one->by, ":") == 0 && strncmp(one->to, one->from, length) == 0 && strcmp(one->to + length, SUFFIX) == 0;
}

/* Whether dpkg has been told that the chroot's own program has its other name. */
int is_diverted(const char *path)
{
	const struct diversion *one;
	for (one = diversions; one; one = one->next)
		if (is_by_switch(one) && strcmp(one->from, path) == 0)
			return 1;
	return 0;
}

/* Somebody else's diversion of this name, or to it; NULL if there is none. dpkg allows of one only. */
const struct diversion *other_diversion(const char *name)
{
	const struct diversion *one;
	for (one = diversions; one; one = one->next)
		if (!is_by_switch(one) && (strcmp(one->from, name) == 0 || strcmp(one->to, name) == 0))
			return one;
	return NULL;
}

const struct diversion *obstacle(const char *path)
{
	const struct diversion *one = other_diversion(path);
	return one ? one : other_diversion(join(path, SUFFIX, ""));
}

/* dpkg-divert of the host's architecture, which is the same as the chroot's own: it only writes down what it is told. */
int divert(const char *what, const char *path)
{
	char *program = join(root, PRIVATE, "/bin/dpkg-divert"), *admin = join(root, "/var/lib/dpkg", "");
	char *to = join(path, SUFFIX, "");
	int status = -1;
	pid_t child = fork();
	if (child == 0) {
		execl(program, "dpkg-divert", "--admindir", admin, "--quiet", "--local", "--no-rename", "--divert", to, what,
		      path, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "chroot-maint: dpkg-divert %s %s failed\n", what, path);
		failures++;
		return 0;
	}
	return 1;
}
