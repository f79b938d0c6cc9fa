/* Stands where a foreign chroot's own program would: starts the host's build of it, or where that one would not do the same, the
 * chroot's own under emulation. Named in the first line of a script, it stands for the script's interpreter. Of compilers, binutils and
 * a few others it knows when that is; all others only depend on the environment.
 *
 * Compiled statically in the donor, against a C library that starts without a look at the processor (in a virtual machine each of those
 * costs more than all of the rest), with these set:
 *   PRIVATE   the directory of the tree in the chroot
 *   TRIPLET   the GNU name of the chroot's architecture
 *   BITS      how long its addresses are
 *   GCC       the compiler's version, as in its directories
 *   SUFFIX    what dpkg-divert has put after the name of the chroot's own program
 * Static, so that nothing that is preloaded for emulated programs gets into its way. It decides by what its own file says that it
 * stands for, its arguments and its environment; besides that, it reads no file but response files, and writes none that has a name.
 *
 *   words                     response files, and what is in words     environment   which variables count
 *   start                     becomes another program
 *   driver, parts, binutils   what is theirs to decide                 main          what this stands for; scripts, and all others
 * Each knows only those before it. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "../trailer.h"
#include "compiler.h"
#include "environment.h"
#include "start.h"
#include "words.h"

static int read_trailer(const char *file, char path[PATH_MAX])
{
	struct trailer trailer;
	int fd = open(file, O_RDONLY);
	if (fd < 0)
		return 0;
	int is_one = lseek(fd, -(off_t)sizeof trailer, SEEK_END) >= 0 &&
		     read(fd, &trailer, sizeof trailer) == (ssize_t)sizeof trailer &&
		     memcmp(trailer.mark, TRAILER_MARK, sizeof trailer.mark) == 0;
	close(fd);
	if (is_one)
		memcpy(path, trailer.path, sizeof trailer.path);
	return is_one;
}

/* The path of the program that this one stands for, whatever it was copied to or linked to or called by; where that is not written
 * down, its own. */
static void own_path(char path[PATH_MAX])
{
	static const char self[] = "/proc/self/exe";
	const char *called = (const char *)getauxval(AT_EXECFN);
	if (read_trailer(self, path) || (called && read_trailer(called, path)))
		return;
	ssize_t length = readlink(self, path, PATH_MAX - 1);
	if (length > 0) {
		path[length] = 0;
		return;
	}
	if (!called || !realpath(called, path))
		fail("a compiler whose name can't be found out");
}

/* In the first line of a script of the chroot: runs it with the host's perl, whose own modules are found first; or with the
 * chroot's, where it is told to look for modules in other places. */
static void script(int is_emulated, int argc, char **argv)
{
	static char perl[] = "/usr/bin/perl";
	char **words = calloc((size_t)argc + 5, sizeof *words);
	int n = 0;
	if (!words)
		fail(perl);
	words[n++] = perl;
	if (!is_emulated && !leads_perl()) {
		if (access(PRIVATE "/modules/own", F_OK) == 0)
			words[n++] = "-I" PRIVATE "/modules/more";
		words[n++] = "-I" PRIVATE "/modules/base";
		words[n++] = "-MChrootMaint";
		memcpy(words + n, argv + 1, (size_t)argc * sizeof *words);
		direct("perl", words, CALLED);
	}
	memcpy(words + 1, argv + 1, (size_t)argc * sizeof *words);
	execv(perl, words);
	fail(perl);
}

/* Whether another program than a compiler or a binutil would do something that depends on the machine it runs on. */
static int depends_on_machine(const char *name, char **argv)
{
	char **words = argv + 1;
	/* With options, and by its other names (dnsdomainname), it asks name services, whose libraries are the chroot's. */
	if (strcmp(name, "hostname") == 0)
		return *words || strcmp(base(argv[0]), name) != 0;
	/* It calculates with `long double', which is not the same on every machine: a look at its letters tells enough. */
	for (; strcmp(name, "sort") == 0 && *words; words++)
		if (strchr("-+0123456789", **words) && strchr(*words, 'g'))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	static char path[PATH_MAX];
	int is_emulated = argc < 1 || is_off();
	if (argc > 0 && strcmp(argv[0], PRIVATE "/perl") == 0)
		script(is_emulated, argc, argv);
	own_path(path);
	const char *name = base(path);
	if (is_emulated || depends_on_machine(name, argv))
		emulated(path, argv);
	driver(path, name, argc, argv);
	part_of_compiler(path, name, argc, argv);
	binutil(path, name, argc, argv);
	native(name, argv[0], argv + 1, argc - 1, CALLED);
}
