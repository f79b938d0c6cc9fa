/* Puts the host's builds of programs into their places in a foreign chroot, and gives the chroot its own back.
 *
 *   switch            bring every group into the state that the installed packages ask for; dpkg calls this after each run
 *   switch off | on   give the chroot all of its own programs back until `on' is said
 *   switch status     a line for each group, and change nothing
 *
 * A group is in where all of its programs are there and none of their packages is of another upstream version than the
 * host's, and nobody else has diverted one of them; else it is out, as a whole, and so it is if one of them can't be put in.
 * Its own programs keep a name with SUFFIX, of which dpkg knows by a diversion: an upgrade then unpacks to that name, and
 * `dpkg --verify' looks there. In the place of a program is the dispatcher with a trailer, which tells it what it stands for
 * wherever it is copied or linked to; no symbolic link, for whoever asks where a program really is gets its usual path. In the
 * place of a script is the same script but for its interpreter. Both have the date of the chroot's own: by that, caches tell
 * one compiler from another.
 * What is to be done shows in the files themselves, so a call that was killed is made good by the next one.
 *
 * Compiled statically, with PRIVATE and SUFFIX set as for the dispatcher.
 * For tests: --root DIR is where / is; --installed FILE is read instead of dpkg's own file.
 *
 * This file knows the words of the call, and what is done in which order. Each of the others knows only those before it:
 *   text         memory, texts, whole files
 *   place        where a path of the chroot is
 *   list         groups, packages and libraries, and the format of the list
 *   installed    which packages there are
 *   versions     how alike two versions are
 *   diversions   what dpkg has been told
 *   script       the first line of a script
 *   own          what the chroot has of its own
 *   judge        whether a group is to be in
 *   contents     what stands in a program's place
 *   bring        puts in and takes out */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bring.h"
#include "diversions.h"
#include "installed.h"
#include "judge.h"
#include "list.h"
#include "place.h"
#include "text.h"

int main(int argc, char **argv)
{
	const char *what = "sync", *installed = NULL, *mark;
	struct group *group;
	struct library *library;
	int i, is_off;
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--root") == 0 && i + 1 < argc)
			root = argv[++i];
		else if (strcmp(argv[i], "--installed") == 0 && i + 1 < argc)
			installed = argv[++i];
		else
			what = argv[i];
	}
	if (strcmp(what, "sync") && strcmp(what, "off") && strcmp(what, "on") && strcmp(what, "status")) {
		fprintf(stderr, "chroot-maint: unknown word `%s'; say %s/switch off, on or status\n", what, PRIVATE);
		return 64;
	}
	/* What this starts is to see the host's libraries alone. */
	unsetenv("LD_PRELOAD");
	mark = join(root, PRIVATE, "/off");
	if (strcmp(what, "off") == 0) {
		FILE *file = fopen(mark, "w");
		if (!file || fclose(file) != 0) {
			fail("write", mark);
			return 1;
		}
	} else if (strcmp(what, "on") == 0 && unlink(mark) != 0 && errno != ENOENT) {
		fail("delete", mark);
		return 1;
	}
	is_off = exists(mark);
	if (!read_lists() || !read_installed(installed ? installed : join(root, "/var/lib/dpkg/status", "")))
		return 1;
	read_diversions();
	for (group = groups; group; group = group->next) {
		struct verdict verdict = judge(group, is_off);
		if (strcmp(what, "status") == 0) {
			observe(group, &verdict);
			printf("%s\t%s\t%s\n", group->name, verdict.is_in ? "in" : "out", verdict.reason);
			continue;
		}
		/* All is well with what is exact, and who says `off' knows what comes of it. */
		if (bring(group, &verdict) && !is_off && verdict.likeness != EXACT)
			printf("chroot-maint: %s, %s\n", group->name, verdict.reason);
	}
	for (library = libraries; library && strcmp(what, "status") != 0; library = library->next)
		bring_library(library);
	return failures ? 1 : 0;
}
