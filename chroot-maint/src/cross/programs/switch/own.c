/* Looks for what the chroot has of its own: under which name, of which package, and whether it is there. Knows the list,
 * diversions and scripts; neither what the host has, nor whether that will do. */

#include "own.h"

#include "diversions.h"
#include "place.h"
#include "script.h"
#include "text.h"

/* The name that a program has in this chroot, of those that it may have. */
const char *path_of(const struct file *file)
{
	int i;
	for (i = 0; file->paths[i]; i++)
		if (exists(aside(file->paths[i])) || exists(here(file->paths[i])))
			return file->paths[i];
	return file->paths[0];
}

const struct package *package_of(const struct file *file)
{
	int i;
	for (i = 0; file->packages[i]; i++)
		if (file->packages[i]->version)
			return file->packages[i];
	return file->packages[0];
}

/* Whether the chroot has a program of its own, or a script that can be run in another way. */
int is_present(const struct group *group, const struct file *file)
{
	const char *path = path_of(file), *own = is_diverted(path) ? aside(path) : here(path);
	if (!package_of(file)->version || !is_file(own))
		return 0;
	/* Not diverted, and yet not its own: left by a call that was killed. */
	return !group->interpreter || is_script(own) || (is_file(aside(path)) && is_script(aside(path)));
}
