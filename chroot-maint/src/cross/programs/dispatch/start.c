/* Knows where the tree keeps programs, and under what name the chroot's own are. Does not know which of them is wanted, and why. */

#include "start.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "words.h"

void fail(const char *what)
{
	fprintf(stderr, "chroot-maint: can't run %s: %s\n", what, strerror(errno));
	_exit(127);
}

void emulated(const char *path, char **argv)
{
	char own[PATH_MAX + sizeof SUFFIX];
	snprintf(own, sizeof own, "%s" SUFFIX, path);
	restore_driver();
	execv(own, argv);
	fail(own);
}

void direct(const char *name, char **argv, enum words words)
{
	static char program[PATH_MAX];
	snprintf(program, sizeof program, PRIVATE "/bin/%s", name);
	execv(program, argv);
	if (errno == E2BIG && words == SPREAD) {
		char *again[] = { argv[0], as_response(argv), NULL };
		if (again[1])
			execv(program, again);
	}
	if (errno != ENOENT)
		fail(program);
}

/* The loader is told where to look. */
static void __attribute__((noreturn)) by_loader(const char *name, const char *argv0, char **words, int count)
{
	static char program[PATH_MAX];
	char **all = calloc((size_t)count + 8, sizeof *all);
	int n = 0;
	if (!all)
		fail(name);
	snprintf(program, sizeof program, PRIVATE "/libexec/%s", name);
	all[n++] = PRIVATE "/ld.so";
	all[n++] = "--argv0";
	all[n++] = (char *)argv0;
	all[n++] = "--library-path";
	all[n++] = PRIVATE "/lib";
	all[n++] = program;
	for (int i = 0; i < count; i++)
		all[n++] = words[i];
	all[n] = NULL;
	execv(all[0], all);
	fail(program);
}

void native(const char *name, const char *argv0, char **words, int count, enum words origin)
{
	char **all = calloc((size_t)count + 2, sizeof *all);
	if (!all)
		fail(name);
	all[0] = (char *)argv0;
	memcpy(all + 1, words, (size_t)count * sizeof *all);
	direct(name, all, origin);
	by_loader(name, argv0, words, count);
}
