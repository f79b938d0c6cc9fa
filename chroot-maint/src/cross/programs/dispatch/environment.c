/* Knows the variables that programs heed. Does not know which program is to be run. */

#include "environment.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

#define LIBEXEC "/usr/libexec/gcc/" TRIPLET "/" GCC "/"
#define EXEC_PREFIX "/usr/lib/gcc/"

/* Whether `fits' holds for every part of a list in the environment. */
static int all_fit(const char *variable, int (*fits)(const char *))
{
	const char *list = getenv(variable);
	while (list && *list) {
		char part[PATH_MAX];
		list += strspn(list, ": ");
		size_t length = strcspn(list, ": ");
		if (length >= sizeof part)
			return 0;
		memcpy(part, list, length);
		part[length] = 0;
		if (length && !fits(part))
			return 0;
		list += length;
	}
	return 1;
}

/* What builds preload to change owners or not to wait for the disk: the tree has the host's build of it under the same name,
 * and that is found first. */
static int is_in_tree(const char *library)
{
	char path[PATH_MAX + sizeof PRIVATE];
	snprintf(path, sizeof path, PRIVATE "/lib/%s", library);
	return !strchr(library, '/') && access(path, F_OK) == 0;
}

/* Where fakeroot and eatmydata say that these libraries are: no linker looks for anything there. */
static int is_of_preload(const char *dir)
{
	return starts(base(dir), "libfakeroot") || starts(base(dir), "libeatmydata");
}

static void put_first(const char *variable, const char *value)
{
	const char *old = getenv(variable);
	static char joined[65536];
	if (!old || !*old) {
		setenv(variable, value, 1);
		return;
	}
	if (starts(old, value))
		return;
	snprintf(joined, sizeof joined, "%s:%s", value, old);
	setenv(variable, joined, 1);
}

int is_off(void)
{
	const char *off = getenv("CHROOT_MAINT_EMULATE");
	return (off && *off && strcmp(off, "0") != 0) || !all_fit("LD_PRELOAD", is_in_tree) || access("/etc/ld.so.preload", F_OK) == 0;
}

int leads_linker(void) { return getenv("LD_RUN_PATH") || !all_fit("LD_LIBRARY_PATH", is_of_preload); }

int leads_perl(void) { return getenv("PERL5LIB") || getenv("PERLLIB") || getenv("PERL5OPT"); }

void prepare_driver(void)
{
	setenv("GCC_EXEC_PREFIX", EXEC_PREFIX, 1);
	put_first("COMPILER_PATH", LIBEXEC);
}

/* Of these, a cross compiler would ignore the first; the others it is given itself. */
int leads_driver(void)
{
	return !getenv("COLLECT_GCC") && (getenv("LIBRARY_PATH") || getenv("GCC_EXEC_PREFIX") || getenv("COMPILER_PATH"));
}

void restore_driver(void)
{
	const char *prefix = getenv("GCC_EXEC_PREFIX");
	if (prefix && strcmp(prefix, EXEC_PREFIX) == 0)
		unsetenv("GCC_EXEC_PREFIX");
}
