#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "table.h"

static int is_odd(const struct entry *entry) { return (int)(entry->count & 1); }

int main(int argc, char **argv)
{
	struct entry entries[16];
	for (int i = 0; i < 16; i++) {
		entries[i].key = argv[i % argc];
		entries[i].weight = sqrt(i + 0.5) * 1.0e10;
		entries[i].count = (long long)i * i * i - 77;
	}
	printf("%.17g %lld %zu\n", weigh(entries, 16), gather(entries, 16, is_odd), sizeof(long double));
	printf("%s\n%s\n", where(), argc > 1 ? argv[1] : "no argument");
	return argc > 1 ? atoi(argv[1]) : 0;
}
