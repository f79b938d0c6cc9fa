/* What only the assembler finds wrong, or the compiler when it has written something already. */
int before(int n) { return n + 1; }
#if defined WRONG
void wrong(void) { __asm__("there is no such instruction"); }
void wrong_too(void) { __asm__(".no-such-directive"); }
#elif defined ODD
__asm__(".warning \"odd\"");
#elif defined LATE
int late(int n) { __asm__("%0" : : "i"(n)); return n; }
#endif
int after(int n) { return n - 1; }
