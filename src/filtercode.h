#ifndef DSP_FILTERCODE_H
#define DSP_FILTERCODE_H

#include <stddef.h>
#include <stdint.h>

struct filter_program;

/*
 * From tables of system calls to the program for the kernel.  Only compiled
 * with the sandbox.
 * Source: Linux Documentation/userspace-api/seccomp_filter.rst.
 */

/*
 * Tests of arguments.  The kernel reads an int as the lower half of a
 * register and does not look at the rest, so the tests of integers do the
 * same.  Of pointers, sizes and offsets both halves count.
 */
enum filtercode_kind {
	FILTERCODE_NONE,
	FILTERCODE_IS,		/* an int is value */
	FILTERCODE_IS_OWN,	/* an int is our own one, by enum filter_own */
	FILTERCODE_NOT_OWN,
	FILTERCODE_ABOVE_OWN,
	FILTERCODE_UP_TO_OWN,
	FILTERCODE_WIDE		/* a pointer, size or offset is value */
};

struct filtercode_test {
	enum filtercode_kind	kind;
	unsigned		arg;
	unsigned long		value;
};

#define FILTERCODE_TESTS 5

/* A call that is allowed when all tests hold.  Rows of one call are
 * alternatives. */
struct filtercode_row {
	int			nr;
	struct filtercode_test	tests[FILTERCODE_TESTS];
};

struct filtercode_table {
	const struct filtercode_row	*rows;
	size_t				 n;
};

/* A program, as filter_make gets it.  Rows of one call stay in the order in
 * which the tables have them; else order says nothing. */
struct filtercode_wish {
	const struct filtercode_table	*tables;
	size_t				 ntables;
	const uint32_t			*own;
	uint32_t			 refuse;
	uint32_t			 foreign;
};

/* filtercode_make(program, wish): write it.  Tables that are too large, or
 * against the rules above, are a bug. */
void filtercode_make(struct filter_program *program,
    const struct filtercode_wish *wish);

#endif /* DSP_FILTERCODE_H */
