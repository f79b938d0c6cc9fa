/* Reads the two lists into the structs of list.h. Does not judge: a line that it does not know is passed over. */

#include "list.h"

#include <string.h>

#include "place.h"
#include "text.h"

const char *arch = "";
struct package *packages;
struct group *groups;
struct library *libraries;

static struct package *package_called(const char *name)
{
	struct package *one;
	for (one = packages; one; one = one->next)
		if (strcmp(one->name, name) == 0)
			return one;
	one = allocate(sizeof *one);
	one->name = name;
	one->next = packages;
	packages = one;
	return one;
}

static void add_file(struct group *group, char *fields[])
{
	struct file *file = allocate(sizeof *file);
	char *names[FIELDS];
	int i, all = split(fields[2], '|', names, FIELDS - 1);
	for (i = 0; i < all; i++)
		file->packages[i] = package_called(names[i]);
	split(fields[1], '|', file->paths, FIELDS - 1);
	file->donor = fields[3];
	file->version = fields[4];
	file->is_needed = strcmp(fields[5], "needed") == 0;
	*group->last = file;
	group->last = &file->next;
}

static void add_library(char *fields[])
{
	struct library *library = allocate(sizeof *library);
	library->name = fields[1];
	library->package = package_called(fields[2]);
	library->version = fields[3];
	library->next = libraries;
	libraries = library;
}

/* The group of this name, which is a new one at the end unless there is one. */
static struct group *group_called(const char *name)
{
	struct group **last = &groups;
	while (*last && strcmp((*last)->name, name) != 0)
		last = &(*last)->next;
	if (!*last) {
		*last = allocate(sizeof **last);
		(*last)->name = name;
		(*last)->last = &(*last)->files;
	}
	return *last;
}

static void read_list(char *text)
{
	char *line;
	struct group *group = NULL;
	for (line = text; line && *line;) {
		char *fields[FIELDS], *end = strchr(line, '\n');
		int count;
		if (end)
			*end = 0;
		count = split(line, '\t', fields, FIELDS);
		line = end ? end + 1 : NULL;
		if (strcmp(fields[0], "arch") == 0 && count == 2) {
			arch = fields[1];
		} else if (strcmp(fields[0], "group") == 0 && count == 2) {
			group = group_called(fields[1]);
		} else if (group && strcmp(fields[0], "refuse") == 0 && count == 2) {
			group->refusal = fields[1];
		} else if (group && strcmp(fields[0], "scripts") == 0 && count == 3) {
			group->interpreter = package_called(fields[1]);
			group->interpreter_version = fields[2];
		} else if (group && strcmp(fields[0], "file") == 0 && count == 6) {
			add_file(group, fields);
		} else if (strcmp(fields[0], "library") == 0 && count == 4) {
			add_library(fields);
		}
	}
}

/* The list that the tools come with, and what was found out about them in this chroot. */
int read_lists(void)
{
	const char *path = join(root, PRIVATE, "/switch.list");
	char *list = read_file(path), *refused = read_file(join(root, PRIVATE, "/refused"));
	if (!list) {
		fail("read", path);
		return 0;
	}
	read_list(list);
	if (refused)
		read_list(refused);
	return 1;
}
