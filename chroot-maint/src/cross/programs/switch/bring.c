/* Brings groups and libraries into the state that they are to have, in steps of which each may be the last one: a call that was
 * killed is made good by the next. Knows how a verdict is carried out, not how it is reached nor what was said in the call. */

#include "bring.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "contents.h"
#include "diversions.h"
#include "own.h"
#include "place.h"
#include "text.h"

static int put_in(const struct group *group, const struct file *file, const char *path)
{
	if (link(here(path), aside(path)) != 0) {
		fail("keep", path);
		return 0;
	}
	if (!divert("--add", path)) {
		unlink(aside(path));
		return 0;
	}
	return put(group, file, path);
}

static int take_out(const struct group *group, const char *path)
{
	if (!divert("--remove", path))
		return 0;
	/* Without it, its package was removed meanwhile. */
	if (exists(aside(path)) ? rename(aside(path), here(path)) : is_ours(group, path) && unlink(here(path))) {
		fail("give back", path);
		return 0;
	}
	/* Where both were one file, because nothing had been put there yet, there was nothing to rename. */
	unlink(aside(path));
	return 1;
}

/* Clears up what a call has left that was killed when dpkg did not know of the other name yet, or no longer. */
static void make_good(const struct group *group, const char *path)
{
	unlink(unfinished(path));
	if (is_diverted(path) || !exists(aside(path)) || other_diversion(join(path, SUFFIX, "")))
		return;
	if (is_ours(group, path) ? rename(aside(path), here(path)) : exists(here(path)) && unlink(aside(path)))
		fail("give back", path);
}

/* Puts every program of a group in that is there, until one can't be, or takes all of them out. Gives whether that was done. */
static int bring_all(const struct group *group, int is_in, int *changes)
{
	const struct file *file;
	int is_done = 1;
	for (file = group->files; file && (is_done || !is_in); file = file->next) {
		const char *path = path_of(file);
		int was_in = is_diverted(path), is_wanted;
		make_good(group, path);
		is_wanted = is_in && is_present(group, file);
		if (was_in && !is_wanted)
			is_done &= take_out(group, path);
		else if (is_wanted && !was_in)
			is_done &= put_in(group, file, path);
		else if (is_wanted && !is_put(group, file, path))
			is_done &= put(group, file, path);
		*changes += was_in != is_wanted;
	}
	return is_done;
}

static void say_failed(struct verdict *verdict)
{
	verdict->likeness = REFUSED;
	say(verdict, "failed: not all of it could be put in");
}

/* Gives whether anything was changed. */
int bring(const struct group *group, struct verdict *verdict)
{
	int changes = 0;
	if (!bring_all(group, verdict->is_in, &changes) && verdict->is_in) {
		say_failed(verdict);
		read_diversions();
		bring_all(group, 0, &changes);
	}
	return changes;
}

/* Has a verdict say how it is rather than how it is to be. A group is in if all of its programs are. */
void observe(const struct group *group, struct verdict *verdict)
{
	const struct file *file;
	const char *wanted = strcpy(allocate(sizeof verdict->reason), verdict->reason);
	int present = 0, in = 0, all_in = 1, all_current = 1, is_wanted = verdict->is_in;
	for (file = group->files; file; file = file->next) {
		const char *path = path_of(file);
		int is_in = is_diverted(path) && is_ours(group, path);
		in += is_in;
		if (!is_present(group, file))
			continue;
		present++;
		all_in &= is_in;
		all_current &= is_put(group, file, path);
	}
	verdict->is_in = present && all_in;
	if (is_wanted && !verdict->is_in)
		say_failed(verdict);
	else if (is_wanted && !all_current)
		say(verdict, "failed: not all of it could be renewed");
	else if (!is_wanted && in)
		say(verdict, "failed: not all of it could be taken out (%.*s)", PATH_SIZE - 64, wanted);
}

/* The dispatcher uses a library where it finds it, and leaves programs that preload any other one to the emulator. */
void bring_library(const struct library *library)
{
	const char *version = library->package->version;
	char *in = join(root, PRIVATE "/lib/", library->name), *out = join(in, ".unlike", "");
	int is_wanted = !version || likeness_of(library->version, version) != REFUSED;
	if (is_wanted != exists(in) && rename(is_wanted ? out : in, is_wanted ? in : out) != 0)
		fail("rename", in);
}
