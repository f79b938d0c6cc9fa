/* Stands where a foreign chroot's own program would: starts the host's build of it, or where that one would not do the
 * same, the chroot's own under emulation. Named in the first line of a script, it stands for the script's interpreter. Of compilers, binutils and sort it knows
 * when that is; all others only depend on the environment.
 *
 * Compiled statically in the donor, against a C library that starts without a look at the processor (in a virtual machine
 * each of those costs more than all of the rest), with these set:
 *   PRIVATE   the directory of the tree in the chroot
 *   TRIPLET   the GNU name of the chroot's architecture
 *   BITS      how long its addresses are
 *   GCC       the compiler's version, as in its directories
 *   SUFFIX    what dpkg-divert has put after the name of the chroot's own program
 * Static, so that nothing that is preloaded for emulated programs gets into its way. It decides by what its own file says that it
 * stands for, its arguments and its environment; besides that, it reads no file but response files, and writes none that has a name. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBEXEC "/usr/libexec/gcc/" TRIPLET "/" GCC "/"
#define OLD_LIBEXEC "/usr/lib/gcc/" TRIPLET "/" GCC "/"
#define EXEC_PREFIX "/usr/lib/gcc/"
#define IPREFIX EXEC_PREFIX TRIPLET "/" GCC "/"
#define PLUGIN "liblto_plugin.so"
#define NATIVE_PLUGIN PRIVATE "/lib/" PLUGIN
#define BFD_PLUGIN "/usr/lib/bfd-plugins/" PLUGIN

/* What stands between words, as for isspace. */
#define BLANKS " \t\n\v\f\r"

static int starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static int ends(const char *text, const char *with)
{
	size_t length = strlen(text), tail = strlen(with);
	return length >= tail && strcmp(text + length - tail, with) == 0;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static void fail(const char *what)
{
	fprintf(stderr, "chroot-maint: can't run %s: %s\n", what, strerror(errno));
	_exit(127);
}

/* At the end of the copy of this program that stands in the place of another one; the switch writes it. */
struct trailer {
	char mark[16];
	char path[352];
	char versions[144];
};

static int read_trailer(const char *file, char path[PATH_MAX])
{
	struct trailer trailer;
	int fd = open(file, O_RDONLY);
	if (fd < 0)
		return 0;
	int is_one = lseek(fd, -(off_t)sizeof trailer, SEEK_END) >= 0 &&
		     read(fd, &trailer, sizeof trailer) == (ssize_t)sizeof trailer &&
		     memcmp(trailer.mark, "chroot-maint for", sizeof trailer.mark) == 0;
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

/* What the host's driver would do otherwise than the chroot's own, or would say otherwise about itself. */
static int is_for_emulated_driver(const char *word)
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
	for (int i = 0; whole[i]; i++)
		if (strcmp(word, whole[i]) == 0)
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
	for (int i = 0; stops[i]; i++)
		if (strcmp(word, stops[i]) == 0)
			return 1;
	return 0;
}

static int is_about_itself(const char *word)
{
	return strcmp(word, "-v") == 0 || strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0 ||
	       strcmp(word, "--help") == 0;
}

/* Which of the operands to check is kept first, a compiler that was built for another architecture decides otherwise: the order
 * in which C evaluates arguments differs, and the source of gcc takes none for granted. */
static int is_order_dependent(const char *word)
{
	static const char *const others[] = { "address", "kernel-address", "hwaddress", "kernel-hwaddress", "pointer-compare",
					      "pointer-subtract", "thread", "leak", "shadow-call-stack", 0 };
	static const char option[] = "-fsanitize=";
	if (!starts(word, option))
		return 0;
	for (word += sizeof option - 1; *word; word += strspn(word, ",")) {
		size_t length = strcspn(word, ",");
		int i = 0;
		while (others[i] && (strlen(others[i]) != length || strncmp(word, others[i], length) != 0))
			i++;
		if (!others[i])
			return 1;
		word += length;
	}
	return 0;
}

static int is_for_emulated_collector(const char *word)
{
	return is_about_itself(word) || starts(word, "-fuse-ld=");
}

static int is_for_emulated_compiler(const char *word)
{
	return is_order_dependent(word) || strcmp(word, "-v") == 0 || strcmp(word, "-version") == 0 || strcmp(word, "--version") == 0 ||
	       starts(word, "-fplugin") || starts(word, "-fopenacc") || starts(word, "--help") ||
	       starts(word, "--target-help") || starts(word, "-iwithprefix");
}

/* The words of a response file, as libiberty takes them: between blanks, but for those that are quoted or have a backslash before
 * them. NULL if it can't be read: that is for the program itself to complain about. */
static char **words_of(const char *name, int *count)
{
	int file = open(name, O_RDONLY | O_CLOEXEC);
	struct stat found;
	char *text, *to, **words;
	ssize_t got;
	if (file < 0)
		return NULL;
	if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode) || !(text = calloc(1, (size_t)found.st_size + 1)) ||
	    !(words = calloc((size_t)found.st_size / 2 + 2, sizeof *words))) {
		close(file);
		return NULL;
	}
	got = read(file, text, (size_t)found.st_size);
	close(file);
	if (got != found.st_size)
		return NULL;
	*count = 0;
	for (char *from = to = text; *from;) {
		char quote = 0;
		from += strspn(from, BLANKS);
		if (!*from)
			break;
		words[(*count)++] = to;
		for (; *from && (quote || !strchr(BLANKS, *from)); from++) {
			if (*from == '\\' && from[1])
				*to++ = *++from;
			else if (quote ? *from == quote : *from == '\'' || *from == '"')
				quote = quote ? 0 : *from;
			else
				*to++ = *from;
		}
		from += *from != 0;
		*to++ = 0;
	}
	return words;
}

static int is_plugin(const char *word)
{
	return strcmp(word, "-plugin") == 0 || strcmp(word, "--plugin") == 0 || starts(word, "-plugin=") || starts(word, "--plugin=");
}

static int response_asks(const char *name, int (*asks)(const char *), int depth)
{
	int count = 0, found = 0;
	char **words = depth < 16 ? words_of(name, &count) : NULL;
	for (int i = 0; i < count && !found; i++)
		found = *words[i] == '@' ? response_asks(words[i] + 1, asks, depth + 1) : asks(words[i]);
	return found;
}

/* Puts the words of response files that name a plugin into the place of these: a driver that was given one gives the linker one, too. */
static void spread(int *argc, char ***argv)
{
	for (int i = 1; i < *argc; i++) {
		int count = 0, names_plugin = 0;
		char **words = (*argv)[i][0] == '@' ? words_of((*argv)[i] + 1, &count) : NULL, **all;
		for (int k = 0; words && k < count; k++)
			names_plugin |= is_plugin(words[k]);
		if (!names_plugin || !(all = calloc((size_t)(*argc + count) + 1, sizeof *all)))
			continue;
		memcpy(all, *argv, (size_t)i * sizeof *all);
		memcpy(all + i, words, (size_t)count * sizeof *all);
		memcpy(all + i + count, *argv + i + 1, (size_t)(*argc - i) * sizeof *all);
		*argv = all;
		*argc += count - 1;
		i += count - 1;
	}
}

static int any(char **words, int (*asks)(const char *))
{
	for (; *words; words++) {
		if (asks(*words))
			return 1;
		if (**words == '@' && response_asks(*words + 1, asks, 0))
			return 1;
	}
	return 0;
}

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

static int is_gcc_plugin(const char *path)
{
	return strcmp(path, LIBEXEC PLUGIN) == 0 || strcmp(path, OLD_LIBEXEC PLUGIN) == 0 ||
	       strcmp(path, BFD_PLUGIN) == 0;
}

static void emulated(const char *path, char **argv)
{
	char own[PATH_MAX + sizeof SUFFIX];
	const char *prefix = getenv("GCC_EXEC_PREFIX");
	snprintf(own, sizeof own, "%s" SUFFIX, path);
	if (prefix && strcmp(prefix, EXEC_PREFIX) == 0)
		unsetenv("GCC_EXEC_PREFIX");
	execv(own, argv);
	fail(own);
}

static int is_binutil(const char *name)
{
	static const char *const names[] = { "as", "ld.bfd", "ar", "nm", "ranlib", "strip", "objcopy", "objdump", "readelf", 0 };
	for (int i = 0; names[i] && starts(name, TRIPLET "-"); i++)
		if (strcmp(name + sizeof TRIPLET, names[i]) == 0)
			return 1;
	return 0;
}

/* The same words in a response file again, if they are too many for the kernel: in one that has no name. */
static void by_response(const char *program, char **argv)
{
	static char name[64], *words[3];
	int file = memfd_create("words", 0);
	FILE *stream = file < 0 ? NULL : fdopen(file, "w");
	if (!stream)
		return;
	for (char **word = argv + 1; *word; word++) {
		if (!**word)
			fputs("\"\"", stream);
		for (const char *c = *word; *c; c++) {
			if (strchr(BLANKS "\\'\"", *c))
				putc('\\', stream);
			putc(*c, stream);
		}
		putc('\n', stream);
	}
	if (fflush(stream) != 0)
		return;
	snprintf(name, sizeof name, "@/proc/self/fd/%d", file);
	words[0] = argv[0];
	words[1] = name;
	execv(program, words);
}

/* A program that knows by itself where its loader and its libraries are. */
static void direct(const char *name, char **argv)
{
	static char program[PATH_MAX];
	snprintf(program, sizeof program, PRIVATE "/bin/%s", name);
	execv(program, argv);
	if (errno == E2BIG && is_binutil(name))
		by_response(program, argv);
	if (errno != ENOENT)
		fail(program);
}

/* One that does not: the loader is told where to look. */
static void by_loader(const char *name, const char *argv0, char **words, int count)
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

static void native(const char *name, const char *argv0, char **words, int count)
{
	char **all = calloc((size_t)count + 2, sizeof *all);
	if (!all)
		fail(name);
	all[0] = (char *)argv0;
	memcpy(all + 1, words, (size_t)count * sizeof *all);
	direct(name, all);
	by_loader(name, argv0, words, count);
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

/* A compiler, one of its parts, or a binutil: gives back if it is none. */
static void compiler(const char *path, const char *name, int argc, char **argv)
{
	char **words = calloc((size_t)argc + 4, sizeof *words);
	int n = 0;
	if (!words)
		fail(name);
	if (ends(name, "-gcc-" GCC) || ends(name, "-g++-" GCC) || ends(name, "-cpp-" GCC)) {
		/* It would ignore the first of these, being a cross compiler; the others it is given itself. */
		if (!getenv("COLLECT_GCC") &&
		    (getenv("LIBRARY_PATH") || getenv("GCC_EXEC_PREFIX") || getenv("COMPILER_PATH")))
			emulated(path, argv);
		if (any(argv + 1, is_for_emulated_driver))
			emulated(path, argv);
		/* That of C++ adds -lm itself. */
		if (ends(name, "-g++-" GCC) && !any(argv + 1, is_no_link))
			emulated(path, argv);
		setenv("GCC_EXEC_PREFIX", EXEC_PREFIX, 1);
		put_first("COMPILER_PATH", LIBEXEC);
		native(name, argv[0], argv + 1, argc - 1);
	}
	if (strcmp(name, "cc1") == 0 || strcmp(name, "cc1plus") == 0) {
		/* That comes of how the host's driver is called, and would move directories in both. */
		words[n++] = argv[0];
		for (int i = 1; i < argc; i++) {
			if (i + 1 < argc && strcmp(argv[i], "-iprefix") == 0 && strcmp(argv[i + 1], IPREFIX) == 0)
				i++;
			else
				words[n++] = argv[i];
		}
		if (any(argv + 1, is_for_emulated_compiler))
			emulated(path, words);
		unsetenv("GCC_EXEC_PREFIX");
		native(name, argv[0], words + 1, n - 1);
	}
	/* It shows how it calls the linker, which has another name; and looks for others by longer names. */
	if (strcmp(name, "collect2") == 0 && any(argv + 1, is_for_emulated_collector))
		emulated(path, argv);
	if (strcmp(name, "lto1") == 0 && any(argv + 1, is_order_dependent))
		emulated(path, argv);
	/* These hand the plugin on, and the linker knows which one it can load. */
	if (strcmp(name, "collect2") == 0 || strcmp(name, "lto-wrapper") == 0 || strcmp(name, "lto1") == 0)
		native(name, argv[0], argv + 1, argc - 1);
	if (!is_binutil(name))
		return;
	/* It shows the numbers in instructions in as many bits as the host has. */
	if (ends(name, "-objdump") && sizeof(void *) * CHAR_BIT != BITS)
		emulated(path, argv);
	/* Only the linker of the same architecture heeds these. */
	if (ends(name, "-ld.bfd") && (getenv("LD_RUN_PATH") || !all_fit("LD_LIBRARY_PATH", is_of_preload)))
		emulated(path, argv);
	spread(&argc, &argv);
	if (!(words = calloc((size_t)argc + 4, sizeof *words)))
		fail(name);
	n = 0;
	int has_plugin = 0;
	int takes_plugin = ends(name, "-ar") || ends(name, "-nm") || ends(name, "-ranlib");
	if (takes_plugin)
		n = 2;
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];
		words[n++] = word;
		if (strcmp(word, "-plugin") == 0 || strcmp(word, "--plugin") == 0) {
			has_plugin = 1;
			if (i + 1 < argc) {
				words[n++] = is_gcc_plugin(argv[i + 1]) ? NATIVE_PLUGIN : argv[i + 1];
				i++;
				if (!is_gcc_plugin(argv[i]))
					emulated(path, argv);
			}
		} else if (starts(word, "-plugin=") || starts(word, "--plugin=")) {
			has_plugin = 1;
			if (!is_gcc_plugin(strchr(word, '=') + 1))
				emulated(path, argv);
			words[n - 1] = word[1] == '-' ? "--plugin=" NATIVE_PLUGIN : "-plugin=" NATIVE_PLUGIN;
		}
	}
	if (takes_plugin && !has_plugin && (argc > 1 || ends(name, "-nm")) && access(BFD_PLUGIN, F_OK) == 0) {
		/* ar takes the word before its letters for its own name, in what it complains about. */
		int at = argc > 1 && ends(name, "-ar") && argv[1][0] != '-';
		if (at)
			words[0] = words[2];
		words[at] = "--plugin";
		words[at + 1] = NATIVE_PLUGIN;
		native(name, argv[0], words, n);
	}
	/* A cross compiler asks for it by its long name, and it begins every message with how it is called. */
	const char *called = argv[0];
	if (getenv("COLLECT_GCC") && strcmp(called, "/usr/bin/" TRIPLET "-ld") == 0)
		called = "/usr/bin/ld";
	native(name, called, takes_plugin ? words + 2 : words, takes_plugin ? n - 2 : n);
}

/* In the first line of a script of the chroot: runs it with the host's perl, whose own modules are found first; or with the
 * chroot's, where it is told to look for modules in other places. */
static void script(int is_off, int argc, char **argv)
{
	static const char perl[] = "/usr/bin/perl";
	char **words = calloc((size_t)argc + 5, sizeof *words);
	int n = 0;
	if (!words)
		fail(perl);
	words[n++] = (char *)perl;
	if (!is_off && !getenv("PERL5LIB") && !getenv("PERLLIB") && !getenv("PERL5OPT")) {
		if (access(PRIVATE "/modules/own", F_OK) == 0)
			words[n++] = "-I" PRIVATE "/modules/more";
		words[n++] = "-I" PRIVATE "/modules/base";
		words[n++] = "-MChrootMaint";
		memcpy(words + n, argv + 1, (size_t)argc * sizeof *words);
		direct("perl", words);
	}
	memcpy(words + 1, argv + 1, (size_t)argc * sizeof *words);
	execv(perl, words);
	fail(perl);
}

/* What calculates with `long double`, which is not the same on every machine: a look at its letters tells enough. */
static int is_general_sort(const char *name, char **words)
{
	if (strcmp(name, "sort") != 0)
		return 0;
	for (; *words; words++)
		if (strchr("-+0123456789", **words) && strchr(*words, 'g'))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	static char path[PATH_MAX];
	const char *off = getenv("CHROOT_MAINT_EMULATE");
	int is_off = (off && *off && strcmp(off, "0") != 0) || !all_fit("LD_PRELOAD", is_in_tree) || argc < 1 ||
		     access("/etc/ld.so.preload", F_OK) == 0;
	if (argc > 0 && strcmp(argv[0], PRIVATE "/perl") == 0)
		script(is_off, argc, argv);
	own_path(path);
	const char *name = base(path);
	if (is_off || is_general_sort(name, argv + 1))
		emulated(path, argv);
	compiler(path, name, argc, argv);
	direct(name, argv);
	by_loader(name, argv[0], argv + 1, argc - 1);
}
