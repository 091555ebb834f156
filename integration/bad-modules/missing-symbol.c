/* A library like any other: no entry. */
int answer(void);

int answer(void) { return 42; }
