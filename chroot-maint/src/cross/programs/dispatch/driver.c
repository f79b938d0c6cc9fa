/* Knows the options of gcc, g++ and cpp that the host's driver would do otherwise than the chroot's own, or that have it say
 * something about itself. Does not know what the programs do that a driver starts. */

#include "compiler.h"

#include <string.h>

#include "environment.h"
#include "start.h"
#include "words.h"

/* Whether an option of the linker, of a list with commas, has it show the paths of files that the host's driver has found
 * another way to, or has it speak about itself. */
static int shows_paths(const char *list)
{
	static const char *const options[] = { "-M", "--print-map", "-t", "--trace", "--verbose", "-verbose", "--cref", "-cref", "--help",
					       "-help", "-v", "-V", "--version", "-version", 0 };
	while (*list) {
		size_t length = strcspn(list, ",");
		for (int i = 0; options[i]; i++)
			if (starts(list, options[i]) && !starts(list, "--version-") && !starts(list, "-version-"))
				return 1;
		list += length + (list[length] == ',');
	}
	return 0;
}

static int is_for_emulated(const char *word)
{
	/* A compiler that can offload notes -lm in the debugging information of what it compiles and links at once. */
	static const char *const whole[] = { "-v", "--verbose", "-###", "--version", "-l", "-lm", 0 };
	static const char *const parts[] = {
		"-print-", "--print-", "-dump", "--help", "--target-help", "-wrapper", "-specs", "--specs",
		/* Where it looks for things is another matter with these. */
		"--sysroot", "-isysroot", "-fuse-ld", "-iprefix", "-iwithprefix",
		/* They are for the architecture that the compiler runs on. */
		"-fplugin", "-march=native", "-mcpu=native", "-mtune=native",
		/* Only the chroot's own may have been built to offload. */
		"-fopenmp", "-fopenacc", "-foffload", "-lgfortran",
		/* Other character sets are modules, of the architecture that the compiler runs on. */
		"-finput-charset", "-fexec-charset", "-fwide-exec-charset",
		/* What the linker is told by the word after this is not looked at. */
		"-Xlinker", 0,
	};
	if (starts(word, "-Wl,"))
		return shows_paths(word + 4);
	if (is_one_of(word, whole))
		return 1;
	for (int i = 0; parts[i]; i++)
		if (starts(word, parts[i]))
			/* -dumpdir, -dumpbase and -dumpbase-ext only name files. */
			return !(starts(word, "-dumpbase") || starts(word, "-dumpdir"));
	return 0;
}

static int is_no_link(const char *word)
{
	static const char *const stops[] = { "-c", "-S", "-E", "-M", "-MM", "-fsyntax-only", 0 };
	return is_one_of(word, stops);
}

void driver(const char *path, const char *name, int argc, char **argv)
{
	if (!ends(name, "-gcc-" GCC) && !ends(name, "-g++-" GCC) && !ends(name, "-cpp-" GCC))
		return;
	if (leads_driver() || any(argv + 1, is_for_emulated))
		emulated(path, argv);
	/* That of C++ adds -lm itself. */
	if (ends(name, "-g++-" GCC) && !any(argv + 1, is_no_link))
		emulated(path, argv);
	prepare_driver();
	native(name, argv[0], argv + 1, argc - 1, CALLED);
}
