/* The first line of a script. Knows neither the list nor the chroot. */

#ifndef SWITCH_SCRIPT_H
#define SWITCH_SCRIPT_H

const char *after_interpreter(const char *text, const char *interpreter);
int is_script(const char *path);

#endif
