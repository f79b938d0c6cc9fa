#include "table.h"
/* Only to be seen across files when they are optimized as one. */
int twice(int n);
extern int cycles;
static int depth;
__attribute__((noinline)) static int step(int n) { return ++depth > 40 ? n : twice(n - 1) + cycles; }
int entry_point(int n) { return step(n) * 2; }
