/* Knows how words are written in response files, as libiberty does. Does not know what any of them means. */

#define _GNU_SOURCE
#include "words.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 16 };

int starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

int ends(const char *text, const char *with)
{
	size_t length = strlen(text), tail = strlen(with);
	return length >= tail && strcmp(text + length - tail, with) == 0;
}

const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

int is_one_of(const char *text, const char *const all[])
{
	for (int i = 0; all[i]; i++)
		if (strcmp(text, all[i]) == 0)
			return 1;
	return 0;
}

/* Words are what is between blanks, but for those that are quoted or have a backslash before them. NULL if the file can't be read: that
 * is for the program itself to complain about. */
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

static int response_asks(const char *name, int (*asks)(const char *), int depth)
{
	int count = 0, found = 0;
	char **words = depth < DEPTH ? words_of(name, &count) : NULL;
	for (int i = 0; i < count && !found; i++)
		found = *words[i] == '@' ? response_asks(words[i] + 1, asks, depth + 1) : asks(words[i]);
	return found;
}

int any(char **words, int (*asks)(const char *))
{
	for (; *words; words++) {
		if (asks(*words))
			return 1;
		if (**words == '@' && response_asks(*words + 1, asks, 0))
			return 1;
	}
	return 0;
}

void spread(int *argc, char ***argv, int (*wanted)(const char *))
{
	for (int i = 1; i < *argc; i++) {
		int count = 0, is_wanted = 0;
		char **words = (*argv)[i][0] == '@' ? words_of((*argv)[i] + 1, &count) : NULL, **all;
		for (int k = 0; words && k < count; k++)
			is_wanted |= wanted(words[k]);
		if (!is_wanted || !(all = calloc((size_t)(*argc + count) + 1, sizeof *all)))
			continue;
		memcpy(all, *argv, (size_t)i * sizeof *all);
		memcpy(all + i, words, (size_t)count * sizeof *all);
		memcpy(all + i + count, *argv + i + 1, (size_t)(*argc - i) * sizeof *all);
		*argv = all;
		*argc += count - 1;
		i += count - 1;
	}
}

char *as_response(char **argv)
{
	static char name[64];
	int file = memfd_create("words", 0);
	FILE *stream = file < 0 ? NULL : fdopen(file, "w");
	if (!stream)
		return NULL;
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
	/* Left open: the program reads it by its number. */
	if (fflush(stream) != 0)
		return NULL;
	snprintf(name, sizeof name, "@/proc/self/fd/%d", file);
	return name;
}
