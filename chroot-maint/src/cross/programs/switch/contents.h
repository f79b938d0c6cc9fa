/* What stands in the place of a program or script. Does not know whether it is to stand there. */

#ifndef SWITCH_CONTENTS_H
#define SWITCH_CONTENTS_H

#include "list.h"

int put(const struct group *group, const struct file *file, const char *path);
int is_put(const struct group *group, const struct file *file, const char *path);
int is_ours(const struct group *group, const char *path);

#endif
