/* Allocates, takes texts apart, reads whole files, and counts failures. Without memory the program ends here; what any other
 * failure means, the caller knows. Does not know what is in the files. */

#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int failures;

void fail(const char *what, const char *path)
{
	fprintf(stderr, "chroot-maint: can't %s %s: %s\n", what, path, strerror(errno));
	failures++;
}

void *allocate(size_t size)
{
	void *memory = calloc(1, size);
	if (!memory) {
		fputs("chroot-maint: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

char *join(const char *one, const char *two, const char *three)
{
	size_t size = strlen(one) + strlen(two) + strlen(three) + 1;
	char *whole = allocate(size);
	snprintf(whole, size, "%s%s%s", one, two, three);
	return whole;
}

/* A whole file, with a zero at its end that its size does not count; NULL if it can't be read. */
char *read_bytes(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	struct stat found;
	char *text;
	if (!file)
		return NULL;
	if (fstat(fileno(file), &found) != 0) {
		fclose(file);
		return NULL;
	}
	text = allocate((size_t)found.st_size + 1);
	*size = fread(text, 1, (size_t)found.st_size, file);
	text[*size] = 0;
	fclose(file);
	return text;
}

char *read_file(const char *path)
{
	size_t size;
	return read_bytes(path, &size);
}

/* Splits a text in place; gives how many parts there are, of which `most' are kept. */
int split(char *text, char separator, char *parts[], int most)
{
	int count = 0;
	while (text) {
		char *end = strchr(text, separator);
		if (end)
			*end = 0;
		if (count < most)
			parts[count++] = text;
		text = end ? end + 1 : NULL;
	}
	return count;
}

int exists(const char *path)
{
	struct stat found;
	return lstat(path, &found) == 0;
}

int is_file(const char *path)
{
	struct stat found;
	return lstat(path, &found) == 0 && S_ISREG(found.st_mode);
}
