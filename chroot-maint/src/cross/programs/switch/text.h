/* Memory, texts, whole files and the words of a failure: what every other file here uses. Knows nothing of groups, of dpkg, or
 * of where the chroot is. */

#ifndef SWITCH_TEXT_H
#define SWITCH_TEXT_H

#include <stddef.h>

enum { PATH_SIZE = 4096 };

/* How many there were: the exit status of this program says whether any. */
extern int failures;

void fail(const char *what, const char *path);
void *allocate(size_t size);
char *join(const char *one, const char *two, const char *three);
char *read_bytes(const char *path, size_t *size);
char *read_file(const char *path);
int split(char *text, char separator, char *parts[], int most);
int exists(const char *path);
int is_file(const char *path);

#endif
