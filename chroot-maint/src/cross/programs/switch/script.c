/* Reads the first line of a script, which names its interpreter. It is given a text or a file: knows neither the list nor the
 * chroot. */

#include "script.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* What follows the interpreter in a script for it; NULL in any other file. */
const char *after_interpreter(const char *text, const char *interpreter)
{
	if (!text || strncmp(text, "#!", 2) != 0)
		return NULL;
	text += 2 + strspn(text + 2, " \t");
	if (strncmp(text, interpreter, strlen(interpreter)) != 0)
		return NULL;
	text += strlen(interpreter);
	return strchr(" \t\n", *text) ? text : NULL;
}

int is_script(const char *path)
{
	char *text = read_file(path);
	int is = after_interpreter(text, "/usr/bin/perl") != NULL;
	free(text);
	return is;
}
