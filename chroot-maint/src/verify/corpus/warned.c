#include <stdio.h>
#include <string.h>
#warning "so it is wanted"
static int unused(int n) { int never; return n; }
int main(int argc, char **argv)
{
	char small[4];
	unsigned u = argc;
	if (u < 0 || (argc = 3))
		strcpy(small, "far too long for it");
	for (int i = 0; i < u; i++)
		printf("%s %d\n", i, argv[i]);
	switch (argc) { case 1: puts("1"); case 2: puts("2"); }
}
