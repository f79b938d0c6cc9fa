/* What the chroot has of its own, of the files in the list. Knows nothing of the host's. */

#ifndef SWITCH_OWN_H
#define SWITCH_OWN_H

#include "list.h"

const char *path_of(const struct file *file);
const struct package *package_of(const struct file *file);
int is_present(const struct group *group, const struct file *file);

#endif
