/* Judges a group by the versions of its packages, what is there of it and what others have diverted. Changes nothing, and does
 * not know what stands in the place of a program now. */

#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diversions.h"
#include "own.h"

void say(struct verdict *verdict, const char *format, ...)
{
	va_list words;
	va_start(words, format);
	vsnprintf(verdict->reason, sizeof verdict->reason, format, words);
	va_end(words);
}

/* Takes a package into account, of which the host's has this name and this version. */
static void compare(struct verdict *verdict, const char *donor, const char *version, const struct package *package)
{
	enum likeness likeness = package->version ? likeness_of(version, package->version) : REFUSED;
	if (likeness >= verdict->likeness)
		return;
	verdict->likeness = likeness;
	if (package->version)
		say(verdict, "%s: %s is %s, but %s is %s", likeness == REFUSED ? "refused" : "close", donor, version,
		    package->name, package->version);
	else
		say(verdict, "absent: %s is not installed", package->name);
}

struct verdict judge(const struct group *group, int is_off)
{
	struct verdict verdict = { !is_off, EXACT, "" };
	const struct diversion *other;
	const struct file *file;
	int present = 0;
	if (group->interpreter)
		compare(&verdict, group->interpreter->name, group->interpreter_version, group->interpreter);
	for (file = group->files; file; file = file->next) {
		const struct package *package = package_of(file);
		if (package->version && (other = obstacle(path_of(file)))) {
			const char *by = strcmp(other->by, ":") == 0 ? "the administrator" : other->by;
			verdict.is_in = 0;
			verdict.likeness = REFUSED;
			if (strcmp(other->from, path_of(file)) == 0)
				say(&verdict, "refused: %s is diverted by %s", other->from, by);
			else
				say(&verdict, "refused: %s is diverted to %s by %s", other->from, other->to, by);
			return verdict;
		}
		if (!is_present(group, file)) {
			if (!file->is_needed)
				continue;
			verdict.is_in = 0;
			verdict.likeness = REFUSED;
			say(&verdict, package->version ? "absent: there is no %s" : "absent: %s is not installed",
			    package->version ? path_of(file) : package->name);
			return verdict;
		}
		present++;
		compare(&verdict, file->donor, file->version, package);
	}
	if (!present) {
		verdict.likeness = REFUSED;
		say(&verdict, "absent: none of its programs is installed");
	} else if (group->refusal) {
		verdict.likeness = REFUSED;
		say(&verdict, "refused: %s", group->refusal);
	}
	if (verdict.likeness == REFUSED)
		verdict.is_in = 0;
	else if (is_off)
		say(&verdict, "off");
	else if (verdict.likeness == EXACT)
		say(&verdict, "exact");
	return verdict;
}
