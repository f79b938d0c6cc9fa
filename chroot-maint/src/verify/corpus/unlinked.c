int is_nowhere(int);
int main(void) { return is_nowhere(1); }
