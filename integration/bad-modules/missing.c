/* libmissing.so: there to link missing-dependency against, then deleted. */
int from_missing(void);

int from_missing(void) { return 0; }
