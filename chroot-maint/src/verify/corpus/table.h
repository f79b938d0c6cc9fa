#ifndef TABLE_H
#define TABLE_H
#include <stddef.h>
struct entry { const char *key; double weight; long long count; };
double weigh(const struct entry *entries, size_t length);
long long gather(const struct entry *entries, size_t length, int (*wanted)(const struct entry *));
const char *where(void);
#define SQUARE(x) ((x) * (x))
#endif
