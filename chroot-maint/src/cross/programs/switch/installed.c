/* Reads the status file of dpkg, and writes down in the packages of the list which version of each is installed. Knows nothing of
 * groups and programs, nor what a version means. */

#include "installed.h"

#include <stddef.h>
#include <string.h>

#include "list.h"
#include "text.h"

static int is_there(const char *status)
{
	static const char *const absent[] = { "not-installed", "config-files", "half-installed", 0 };
	const char *state = strrchr(status, ' ');
	int i;
	for (i = 0; state && absent[i]; i++)
		if (strcmp(state + 1, absent[i]) == 0)
			return 0;
	return state != NULL;
}

/* What of a line comes after the name of a field. */
static char *value(char *line, const char *name)
{
	size_t length = strlen(name);
	return strncmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0 ? line + length + 2 : NULL;
}

int read_installed(const char *path)
{
	char *text = read_file(path), *line;
	const char *name = NULL, *version = NULL, *its_arch = "", *status = "";
	if (!text) {
		fail("read", path);
		return 0;
	}
	for (line = text; line;) {
		char *end = strchr(line, '\n'), *found;
		if (end)
			*end = 0;
		if (*line == 0 || !end) {
			int is_ours = strcmp(its_arch, arch) == 0 || strcmp(its_arch, "all") == 0;
			if (name && version && is_ours && is_there(status)) {
				struct package *one;
				for (one = packages; one; one = one->next)
					if (strcmp(one->name, name) == 0)
						one->version = version;
			}
			name = version = NULL;
			its_arch = status = "";
		} else if ((found = value(line, "Package"))) {
			name = found;
		} else if ((found = value(line, "Version"))) {
			version = found;
		} else if ((found = value(line, "Architecture"))) {
			its_arch = found;
		} else if ((found = value(line, "Status"))) {
			status = found;
		}
		line = end ? end + 1 : NULL;
	}
	return 1;
}
