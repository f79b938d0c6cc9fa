/* Knows the linker's plugin, and who loads which one; and what else of binutils depends on where they run. Does not know who calls
 * them, but for what a driver shows in the environment. */

#include "compiler.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "start.h"
#include "words.h"

#define PLUGIN "liblto_plugin.so"
#define NATIVE_PLUGIN PRIVATE "/lib/" PLUGIN
#define BFD_PLUGIN "/usr/lib/bfd-plugins/" PLUGIN

static int is_binutil(const char *name)
{
	static const char *const names[] = { "as", "ld.bfd", "ar", "nm", "ranlib", "strip", "objcopy", "objdump", "readelf", 0 };
	return starts(name, TRIPLET "-") && is_one_of(name + sizeof TRIPLET, names);
}

static int is_gcc_plugin(const char *path)
{
	static const char *const places[] = { "/usr/libexec/gcc/" TRIPLET "/" GCC "/" PLUGIN, "/usr/lib/gcc/" TRIPLET "/" GCC "/" PLUGIN,
					      BFD_PLUGIN, 0 };
	return is_one_of(path, places);
}

static int is_plugin(const char *word)
{
	return strcmp(word, "-plugin") == 0 || strcmp(word, "--plugin") == 0 || starts(word, "-plugin=") || starts(word, "--plugin=");
}

/* Only reads files of any kind, with the plugin that stands in a directory for that. */
static int takes_plugin(const char *name) { return ends(name, "-ar") || ends(name, "-nm") || ends(name, "-ranlib"); }

/* A cross compiler asks for it by its long name, and it begins every message with how it is called. */
static const char *called(const char *name, const char *argv0)
{
	int is_by_collector = ends(name, "-ld.bfd") && getenv("COLLECT_GCC");
	return is_by_collector && strcmp(argv0, "/usr/bin/" TRIPLET "-ld") == 0 ? "/usr/bin/ld" : argv0;
}

void binutil(const char *path, const char *name, int argc, char **argv)
{
	char **words;
	int n = 0, has_plugin = 0;
	if (!is_binutil(name))
		return;
	/* It shows the numbers in instructions in as many bits as the host has. */
	if (ends(name, "-objdump") && sizeof(void *) * CHAR_BIT != BITS)
		emulated(path, argv);
	/* Only the linker of the same architecture heeds these. */
	if (ends(name, "-ld.bfd") && leads_linker())
		emulated(path, argv);
	/* A driver that was given a response file gives the linker one, too. */
	spread(&argc, &argv, is_plugin);
	if (!(words = calloc((size_t)argc + 3, sizeof *words)))
		fail(name);
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];
		words[n++] = word;
		if (!is_plugin(word))
			continue;
		has_plugin = 1;
		char *value = strchr(word, '=');
		if (!value && i + 1 == argc)
			continue;
		if (!is_gcc_plugin(value ? value + 1 : argv[i + 1]))
			emulated(path, argv);
		if (value) {
			words[n - 1] = word[1] == '-' ? "--plugin=" NATIVE_PLUGIN : "-plugin=" NATIVE_PLUGIN;
		} else {
			words[n++] = NATIVE_PLUGIN;
			i++;
		}
	}
	if (takes_plugin(name) && !has_plugin && (argc > 1 || ends(name, "-nm")) && access(BFD_PLUGIN, F_OK) == 0) {
		/* ar takes the word before its letters for its own name, in what it complains about. */
		int at = argc > 1 && ends(name, "-ar") && argv[1][0] != '-';
		memmove(words + at + 2, words + at, (size_t)(n - at) * sizeof *words);
		words[at] = "--plugin";
		words[at + 1] = NATIVE_PLUGIN;
		n += 2;
	}
	native(name, called(name, argv[0]), words, n, SPREAD);
}
