/* What sanitizers check: operands that are longer than a register, or of several types. */
#ifdef __SIZEOF_INT128__
typedef __int128 longest;
#else
typedef long long longest;
#endif

longest both(longest a, longest b) { return a / b + a * b; }
int cut(double a, int b) { return (int)a << b; }
long scaled(long a, long b) { return a + b * a / b; }
double per(double a, long b) { return a / b; }

int picked(int *from, int i)
{
	int copy[10];
	for (int n = 0; n < 10; n++)
		copy[n] = from[n];
	return copy[i];
}
