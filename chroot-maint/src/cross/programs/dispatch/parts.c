/* Knows what drivers tell cc1, cc1plus, lto1, collect2 and lto-wrapper. Does not know what drivers themselves are told. */

#include "compiler.h"

#include <stdlib.h>
#include <string.h>

#include "start.h"
#include "words.h"

#define IPREFIX "/usr/lib/gcc/" TRIPLET "/" GCC "/"

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

static int is_for_emulated_compiler(const char *word)
{
	static const char *const whole[] = { "-v", "-version", "--version", 0 };
	return is_order_dependent(word) || is_one_of(word, whole) || starts(word, "-fplugin") || starts(word, "-fopenacc") ||
	       starts(word, "--help") || starts(word, "--target-help") || starts(word, "-iwithprefix");
}

/* It shows how it calls the linker, which has another name; and looks for others by longer names. */
static int is_for_emulated_collector(const char *word)
{
	static const char *const whole[] = { "-v", "-V", "--version", "--help", 0 };
	return is_one_of(word, whole) || starts(word, "-fuse-ld=");
}

static void __attribute__((noreturn)) compiler(const char *path, const char *name, int argc, char **argv)
{
	char **words = calloc((size_t)argc + 1, sizeof *words);
	int n = 0;
	if (!words)
		fail(name);
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
	native(name, argv[0], words + 1, n - 1, CALLED);
}

void part_of_compiler(const char *path, const char *name, int argc, char **argv)
{
	int is_collector = strcmp(name, "collect2") == 0, is_lto = strcmp(name, "lto1") == 0;
	if (strcmp(name, "cc1") == 0 || strcmp(name, "cc1plus") == 0)
		compiler(path, name, argc, argv);
	if (!is_collector && !is_lto && strcmp(name, "lto-wrapper") != 0)
		return;
	if ((is_collector && any(argv + 1, is_for_emulated_collector)) || (is_lto && any(argv + 1, is_order_dependent)))
		emulated(path, argv);
	/* They hand the linker's plugin on, and the linker knows which one it can load. */
	native(name, argv[0], argv + 1, argc - 1, CALLED);
}
