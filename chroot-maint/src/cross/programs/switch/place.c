/* Puts together the names of files, under the root. Does not look at files. */

#include "place.h"

#include "text.h"

const char *root = "";

/* The place of a path for this process. */
char *here(const char *path) { return join(root, path, ""); }

char *aside(const char *path) { return join(root, path, SUFFIX); }

/* What is being written, until it is renamed. */
char *unfinished(const char *path) { return join(root, path, ".chroot-maint-new"); }
