/* Tests of span.c: slices, numbers, byte classes. */

#include "config.h"

#include "unit.h"

#include "span.h"

static const struct {
	const char	*a;
	size_t		 a_len;
	const char	*b;
	size_t		 b_len;
	bool		 same;
	bool		 same_nocase;
	bool		 starts_nocase;	/* a begins with b */
	bool		 has;		/* b somewhere in a; b not empty */
} pairs[] = {
	{ B(""), B(""), true, true, true, false },
	{ B("a"), B(""), false, false, true, false },
	{ B(""), B("a"), false, false, false, false },
	{ B("close"), B("close"), true, true, true, true },
	{ B("Close"), B("cLOSE"), false, true, true, false },
	{ B("closed"), B("close"), false, false, true, true },
	{ B("CLOSED"), B("close"), false, false, true, false },
	{ B("clos"), B("close"), false, false, false, false },
	{ B("x-close"), B("close"), false, false, false, true },
	{ B("xclos"), B("close"), false, false, false, false },
	{ B("a\0b"), B("a\0c"), false, false, false, false },
	{ B("a\0b"), B("A\0B"), false, true, true, false },
	{ B("a\0b"), B("\0b"), false, false, false, true },
	{ B("aab"), B("ab"), false, false, false, true },
	{ B("ababac"), B("abac"), false, false, false, true },
	/* Only letters have a case: 0x20 apart is not enough. */
	{ B("@"), B("`"), false, false, false, false },
	{ B("["), B("{"), false, false, false, false },
	{ B("0"), B("\x10"), false, false, false, false },
	{ B("\xc4"), B("\xe4"), false, false, false, false },
	{ B("\xe4"), B("\xe4"), true, true, true, true },
};

START_TEST(test_pairs)
{
	struct span a, b;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		a = unit_span(pairs[_i].a, pairs[_i].a_len,
		    (enum unit_side)side);
		b = unit_span(pairs[_i].b, pairs[_i].b_len,
		    (enum unit_side)side);
		ck_assert_msg(span_eq(a, b) == pairs[_i].same, "eq: %s / %s",
		    unit_show(a.p, a.len), unit_show(b.p, b.len));
		ck_assert_msg(span_eq(b, a) == pairs[_i].same,
		    "eq turned: %s / %s", unit_show(a.p, a.len),
		    unit_show(b.p, b.len));
		ck_assert_msg(
		    span_eq_nocase(a, b) == pairs[_i].same_nocase,
		    "eq_nocase: %s / %s", unit_show(a.p, a.len),
		    unit_show(b.p, b.len));
		ck_assert_msg(
		    span_starts_nocase(a, b) == pairs[_i].starts_nocase,
		    "starts: %s / %s", unit_show(a.p, a.len),
		    unit_show(b.p, b.len));
		if (b.len > 0)
			ck_assert_msg(span_has(a, b) == pairs[_i].has,
			    "has: %s / %s", unit_show(a.p, a.len),
			    unit_show(b.p, b.len));
	}
}
END_TEST

static const struct {
	const char	*in;
	size_t		 in_len;
	const char	*out;
	size_t		 out_len;
} trims[] = {
	{ B(""), B("") },
	{ B(" "), B("") },
	{ B(" \t \t"), B("") },
	{ B("a"), B("a") },
	{ B(" a"), B("a") },
	{ B("a\t"), B("a") },
	{ B("\t a b \t"), B("a b") },
	{ B("\na\r"), B("\na\r") },
	{ B("\va\f"), B("\va\f") },
	{ B("\xa0" "a"), B("\xa0" "a") },
	{ B("\0 "), B("\0") },
};

START_TEST(test_trim)
{
	struct span in, out;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		in = unit_span(trims[_i].in, trims[_i].in_len,
		    (enum unit_side)side);
		out = span_trim(in);
		ck_assert_msg(out.len == trims[_i].out_len &&
		    memcmp(out.p, trims[_i].out, out.len) == 0,
		    "trim: %s gave %s", unit_show(in.p, in.len),
		    unit_show(out.p, out.len));
	}
}
END_TEST

static const struct {
	const char	*in;
	size_t		 in_len;
	const char	*out;	/* elements, each ended by | */
} lists[] = {
	{ B(""), "|" },
	{ B("a"), "a|" },
	{ B("a,b"), "a|b|" },
	{ B("a,,b"), "a||b|" },
	{ B(","), "||" },
	{ B(",a"), "|a|" },
	{ B("a,"), "a||" },
	{ B(" a , b "), " a | b |" },
	{ B("a;b"), "a;b|" },
};

START_TEST(test_next)
{
	char got[64];
	struct span rest, out;
	size_t n;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		rest = unit_span(lists[_i].in, lists[_i].in_len,
		    (enum unit_side)side);
		n = 0;
		while (span_next(&rest, ',', &out)) {
			ck_assert_uint_lt(n + out.len, sizeof(got) - 1);
			memcpy(got + n, out.p, out.len);
			n += out.len;
			got[n++] = '|';
		}
		got[n] = '\0';
		ck_assert_msg(strcmp(got, lists[_i].out) == 0,
		    "next: %s gave %s", lists[_i].in, got);
		ck_assert_msg(rest.p == NULL, "next: rest of %s not NULL",
		    lists[_i].in);
		ck_assert(!span_next(&rest, ',', &out));
	}
}
END_TEST

static const struct {
	const char	*in;
	size_t		 in_len;
	size_t		 max;
	bool		 is_good;
	uint64_t	 out;
} numbers[] = {
	{ B("0"), 18, true, 0 },
	{ B("7"), 18, true, 7 },
	{ B("10"), 18, true, 10 },
	{ B("2375"), 4, true, 2375 },
	{ B("2375"), 3, false, 0 },
	{ B("999999999999999999"), 18, true, 999999999999999999 },
	{ B("1000000000000000000"), 18, false, 0 },
	{ B("000000000000000000"), 18, false, 0 },
	{ B(""), 18, false, 0 },
	{ B("00"), 18, false, 0 },
	{ B("05"), 18, false, 0 },
	{ B("+5"), 18, false, 0 },
	{ B("-5"), 18, false, 0 },
	{ B("-0"), 18, false, 0 },
	{ B(" 5"), 18, false, 0 },
	{ B("5 "), 18, false, 0 },
	{ B("5\0"), 18, false, 0 },
	{ B("0x5"), 18, false, 0 },
	{ B("5a"), 18, false, 0 },
	{ B("a5"), 18, false, 0 },
	{ B("5.0"), 18, false, 0 },
	{ B("1_0"), 18, false, 0 },
	{ B("5/"), 18, false, 0 },
	{ B("5:"), 18, false, 0 },
	{ B("\xb2"), 18, false, 0 },
};

START_TEST(test_number)
{
	struct span in;
	uint64_t out;
	bool is_good;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		in = unit_span(numbers[_i].in, numbers[_i].in_len,
		    (enum unit_side)side);
		out = 4711;
		is_good = span_number(in, numbers[_i].max, &out);
		ck_assert_msg(is_good == numbers[_i].is_good, "number: %s",
		    unit_show(in.p, in.len));
		ck_assert_msg(
		    out == (is_good ? numbers[_i].out : (uint64_t)4711),
		    "number: %s gave %llu", unit_show(in.p, in.len),
		    (unsigned long long)out);
	}
}
END_TEST

START_TEST(test_bytes)
{
	static const char digits[] = "0123456789";
	static const char hex[] = "0123456789abcdefABCDEF";
	static const char alnum[] = "0123456789"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *at;
	int c, want;

	for (c = 0; c < 256; c++) {
		ck_assert_msg(span_is_digit((char)c) ==
		    (memchr(digits, c, sizeof(digits) - 1) != NULL),
		    "is_digit: %d", c);
		ck_assert_msg(span_is_alnum((char)c) ==
		    (memchr(alnum, c, sizeof(alnum) - 1) != NULL),
		    "is_alnum: %d", c);
		at = memchr(hex, c, sizeof(hex) - 1);
		want = at == NULL ? -1 : (int)(at - hex);
		if (want > 15)
			want -= 6;
		ck_assert_msg(span_hex((char)c) == want, "hex: %d", c);
	}
}
END_TEST

START_TEST(test_of)
{
	ck_assert_uint_eq(span_of("").len, 0);
	ck_assert_uint_eq(span_of("abc").len, 3);
	ck_assert(span_eq(span_of("abc"), SPAN("abc")));
	ck_assert_uint_eq(SPAN("a\0b").len, 3);
	ck_assert(span_eq(span_trim((struct span){ NULL, 0 }), SPAN("")));
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("span");
	tc = unit_case(s, "span");
	tcase_add_loop_test(tc, test_pairs, 0, ROWS(pairs));
	tcase_add_loop_test(tc, test_trim, 0, ROWS(trims));
	tcase_add_loop_test(tc, test_next, 0, ROWS(lists));
	tcase_add_loop_test(tc, test_number, 0, ROWS(numbers));
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_of);
	return s;
}
