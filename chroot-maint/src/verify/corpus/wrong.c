#include <stdio.h>
struct pair { int one; char *other; };
int undefined_elsewhere(struct pair *);
static int unused(int n) { int never; return n; }
int main(void)
{
	struct pair pair = { 1, 2, 3 };
	printf("%s %d\n", pair.one, "text");
	int x = pair.nothing + undeclared;
	return undefined_elsewhere(&pair) +
}
