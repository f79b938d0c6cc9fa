/* Where a path of the chroot is for this process, and the names beside it. Knows the root and SUFFIX; does not look whether
 * anything is there, nor know what dpkg has been told. */

#ifndef SWITCH_PLACE_H
#define SWITCH_PLACE_H

/* Where / is; only main sets it. */
extern const char *root;

char *here(const char *path);
char *aside(const char *path);
char *unfinished(const char *path);

#endif
