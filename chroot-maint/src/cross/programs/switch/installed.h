/* Which versions of the packages in the list are installed. Knows nothing of groups and programs. */

#ifndef SWITCH_INSTALLED_H
#define SWITCH_INSTALLED_H

int read_installed(const char *path);

#endif
