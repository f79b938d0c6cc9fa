#include <stdio.h>
int entry_point(int n);
int cycles = 3;
int twice(int n) { return n <= 0 ? 0 : 2 * n + entry_point(n - 2); }
int main(void)
{
	printf("%d\n", entry_point(9));
	return 0;
}
