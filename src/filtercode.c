/*
 * From rows to instructions: a search for the number, then tests of
 * arguments.
 */

#include "config.h"

#include "filtercode.h"

#ifdef WITH_SANDBOX

#include <stdbool.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "filter.h"
#include "log.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && !defined(__ILP32__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#elif defined(__ARM_EABI__)
#define FILTER_ARCH AUDIT_ARCH_ARM
#else
#error "no system call filter for this machine: configure --disable-sandbox"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "no system call filter for big-endian machines"
#endif

/* Where the numbers of x32 programs begin on x86_64.  Nowhere does a table
 * of ours reach so far. */
#define FOREIGN_NR 0x40000000

/* Rows of one process at most, and of one stretch of them that is gone through
 * from top to bottom: longer ones make shorter programs, which take longer. */
#define ROWS_CAP 64
#define LEAF_ROWS 6

/* Offsets in what the kernel shows to the program. */
#define AT_NR		((uint32_t)offsetof(struct seccomp_data, nr))
#define AT_ARCH		((uint32_t)offsetof(struct seccomp_data, arch))
#define AT_LOW(arg)	((uint32_t)(offsetof(struct seccomp_data, args) + \
			    sizeof(uint64_t) * (arg)))
#define AT_HIGH(arg)	(AT_LOW(arg) + (uint32_t)sizeof(uint32_t))

static void
add(struct filter_program *p, struct sock_filter instruction)
{
	if (p->len == FILTER_CAP)
		bug("filter: the program is too long");
	p->code[p->len++] = instruction;
}

static void
add_load(struct filter_program *p, uint32_t offset)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void
add_return(struct filter_program *p, uint32_t action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* How far it is to the instruction numbered other; one that is too far away
 * would be another one. */
static uint8_t
distance(const struct filter_program *p, size_t other)
{
	if (other - p->len - 1 > UINT8_MAX)
		bug("filter: a jump is too long");
	return (uint8_t)(other - p->len - 1);
}

/* Compare what was loaded with value: go to the instruction numbered yes, or
 * to the one numbered no. */
static void
add_jump(struct filter_program *p, int how, uint32_t value, size_t yes,
    size_t no)
{
	add(p, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | how | BPF_K),
	    value, distance(p, yes), distance(p, no)));
}

static size_t
test_len(const struct filtercode_test *t)
{
	if (t->kind == FILTERCODE_NONE)
		return 0;
	return t->kind == FILTERCODE_WIDE ? 4 : 2;
}

static void
add_test(struct filter_program *p, const struct filtercode_test *t,
    const uint32_t own[FILTER_OWN_COUNT], size_t yes, size_t no)
{
	add_load(p, AT_LOW(t->arg));
	switch (t->kind) {
	case FILTERCODE_IS_OWN:
		add_jump(p, BPF_JEQ, own[t->value], yes, no);
		break;
	case FILTERCODE_NOT_OWN:
		add_jump(p, BPF_JEQ, own[t->value], no, yes);
		break;
	case FILTERCODE_ABOVE_OWN:
		add_jump(p, BPF_JGT, own[t->value], yes, no);
		break;
	case FILTERCODE_UP_TO_OWN:
		add_jump(p, BPF_JGT, own[t->value], no, yes);
		break;
	case FILTERCODE_WIDE:
		add_jump(p, BPF_JEQ, (uint32_t)t->value, p->len + 1, no);
		add_load(p, AT_HIGH(t->arg));
		add_jump(p, BPF_JEQ, (uint32_t)((uint64_t)t->value >> 32),
		    yes, no);
		break;
	default:
		add_jump(p, BPF_JEQ, (uint32_t)t->value, yes, no);
		break;
	}
}

/* What all parts of a program need. */
struct maker {
	struct filter_program		*program;
	const struct filtercode_wish	*wish;
};

/* The tests of a row. */
static size_t
row_len(const struct filtercode_row *row)
{
	size_t i, len;

	len = 0;
	for (i = 0; i < FILTERCODE_TESTS; i++)
		len += test_len(&row->tests[i]);
	return len;
}

static bool
has_test(const struct filtercode_row *row, size_t i)
{
	return i < FILTERCODE_TESTS && row->tests[i].kind != FILTERCODE_NONE;
}

/* What a row allows goes to yes. */
static void
add_row(const struct maker *m, const struct filtercode_row *row, size_t yes,
    size_t no)
{
	const struct filtercode_test *t;
	size_t i, next;

	for (i = 0; has_test(row, i); i++) {
		t = &row->tests[i];
		next = m->program->len + test_len(t);
		add_test(m->program, t, m->wish->own,
		    has_test(row, i + 1) ? next : yes, no);
	}
}

/* How many of these n sorted rows are of the first one's call, and their
 * instructions: where a row has no tests, what others say does not count. */
static size_t
call_rows(const struct filtercode_row *const *rows, size_t n, size_t *len)
{
	bool has_tests;
	size_t i;

	has_tests = true;
	*len = 1;
	for (i = 0; i < n && rows[i]->nr == rows[0]->nr; i++) {
		if (!has_test(rows[i], 0))
			has_tests = false;
		*len += row_len(rows[i]);
	}
	if (!has_tests)
		*len = 1;
	return i;
}

/* One call: where its number is another one, what follows.  A row whose tests
 * fail leads to the next one, the last one to no. */
static void
add_call(const struct maker *m, const struct filtercode_row *const *rows,
    size_t n, size_t yes, size_t no)
{
	struct filter_program *p = m->program;
	size_t i, len;

	(void)call_rows(rows, n, &len);
	add_jump(p, BPF_JEQ, (uint32_t)rows[0]->nr,
	    len == 1 ? yes : p->len + 1, p->len + len);
	for (i = 0; len > 1 && i < n; i++)
		add_row(m, rows[i], yes, i + 1 == n ? no :
		    p->len + row_len(rows[i]));
}

/* Few rows: one call behind the other, then the refusal of all others, and
 * the place where all that is allowed leads to. */
static void
add_leaf(const struct maker *m, const struct filtercode_row *const *rows,
    size_t n)
{
	struct filter_program *p = m->program;
	size_t end, i, len, same;

	end = p->len;
	for (i = 0; i < n; i += same) {
		same = call_rows(rows + i, n - i, &len);
		end += len;
	}
	for (i = 0; i < n; i += same) {
		same = call_rows(rows + i, n - i, &len);
		add_call(m, rows + i, same, end + 1, end);
	}
	add_return(p, m->wish->refuse);
	add_return(p, SECCOMP_RET_ALLOW);
}

/*
 * Rows sorted by number: a jump to the half that it is in.  When a filter is
 * made, newer kernels run it once for each number, to know what needs no
 * filter, so the way to a refusal counts; and so does the length.
 */
static void
add_rows(const struct maker *m, const struct filtercode_row *const *rows,
    size_t n)
{
	struct filter_program *p = m->program;
	size_t at, half;

	/* Rows of one call stay together. */
	half = n / 2;
	while (half > 0 && rows[half]->nr == rows[half - 1]->nr)
		half--;
	if (n <= LEAF_ROWS || half == 0) {
		add_leaf(m, rows, n);
		return;
	}
	add_jump(p, BPF_JGE, (uint32_t)rows[half]->nr, p->len + 1,
	    p->len + 2);
	/* A conditional jump may be too short for this one. */
	at = p->len;
	add_return(p, m->wish->refuse);
	add_rows(m, rows, half);
	p->code[at] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
	    (uint32_t)(p->len - at - 1));
	add_rows(m, rows + half, n - half);
}

/* All rows by number; those of one call stay in their order. */
static size_t
sort_rows(const struct filtercode_wish *wish,
    const struct filtercode_row *sorted[ROWS_CAP])
{
	const struct filtercode_row *row;
	size_t at, i, k, n;

	n = 0;
	for (i = 0; i < wish->ntables; i++) {
		if (wish->tables[i].n > ROWS_CAP - n)
			bug("filter: too many rows");
		for (k = 0; k < wish->tables[i].n; k++) {
			row = &wish->tables[i].rows[k];
			for (at = n++; at > 0 && sorted[at - 1]->nr > row->nr;
			    at--)
				sorted[at] = sorted[at - 1];
			sorted[at] = row;
		}
	}
	return n;
}

void
filtercode_make(struct filter_program *p, const struct filtercode_wish *wish)
{
	const struct maker m = { p, wish };
	const struct filtercode_row *sorted[ROWS_CAP];
	size_t n;

	n = sort_rows(wish, sorted);
	p->len = 0;
	/* The same numbers mean other calls on another architecture. */
	add_load(p, AT_ARCH);
	add_jump(p, BPF_JEQ, FILTER_ARCH, p->len + 2, p->len + 1);
	add_return(p, wish->foreign);
	add_load(p, AT_NR);
	add_jump(p, BPF_JGE, FOREIGN_NR, p->len + 1, p->len + 2);
	add_return(p, wish->foreign);
	add_rows(&m, sorted, n);
}

#endif /* WITH_SANDBOX */
