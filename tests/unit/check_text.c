/* Tests of text.c: writing into a fixed buffer, and the three escapings. */

#include "config.h"

#include <time.h>

#include "unit.h"

#include "text.h"

static const struct {
	const char	*in;
	size_t		 in_len;
	const char	*escaped;
	const char	*json;
	const char	*literal;
} rows[] = {
	{ B(""), "", "", "" },
	{ B("abcXYZ019"), "abcXYZ019", "abcXYZ019", "abcXYZ019" },
	{ B("/v1.41/containers/json?all=1"), "/v1.41/containers/json?all=1",
	    "/v1.41/containers/json?all=1",
	    "/v1\\.41/containers/json\\?all=1" },
	{ B("\\"), "\\\\", "\\\\", "\\\\" },
	{ B("a b"), "a\\x20b", "a b", "a b" },
	{ B("\""), "\"", "\\\"", "\"" },
	{ B("."), ".", ".", "\\." },
	{ B("+*?"), "+*?", "+*?", "\\+\\*\\?" },
	{ B("()|"), "()|", "()|", "\\(\\)\\|" },
	{ B("[]{}^$"), "[]{}^$", "[]{}^$", "\\[\\]\\{\\}\\^\\$" },
	{ B("-_~!#%&',:;<=>@`/"), "-_~!#%&',:;<=>@`/",
	    "-_~!#%&',:;<=>@`/", "-_~!#%&',:;<=>@`/" },
	{ B("a\0b"), "a\\x00b", "a\\u0000b", NULL },
	{ B("\n\r\t"), "\\x0a\\x0d\\x09", "\\u000a\\u000d\\u0009", NULL },
	{ B("\x1b[2J"), "\\x1b[2J", "\\u001b[2J", NULL },
	{ B("\x7f"), "\\x7f", "\\u007f", NULL },
	{ B("\x80\xff"), "\\x80\\xff", "\\u0080\\u00ff", NULL },
};

typedef void text_writer(struct text *, struct span);

/*
 * Write in with every capacity from none to enough: what comes out is
 * always whole pieces from the front, and nothing lies behind it.
 */
static void
try_all_caps(text_writer *write, struct span in, const char *want)
{
	struct text t;
	char *end, *buf;
	size_t cap, n, last;

	n = strlen(want);
	last = 0;
	end = unit_place("", 0, UNIT_END);
	for (cap = 0; cap <= n + 3; cap++) {
		buf = end - cap;
		text_init(&t, buf, cap);
		write(&t, in);
		ck_assert_msg(t.len <= cap && t.len >= last &&
		    memcmp(buf, want, t.len) == 0, "cap %zu: %s gave %s", cap,
		    unit_show(in.p, in.len), unit_show(buf, t.len));
		ck_assert_msg(t.is_full == (cap < n),
		    "cap %zu: %s, is_full %d", cap, unit_show(in.p, in.len),
		    t.is_full);
		if (cap >= n)
			ck_assert_uint_eq(t.len, n);
		last = t.len;
	}
}

START_TEST(test_escapings)
{
	struct span in;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		in = unit_span(rows[_i].in, rows[_i].in_len,
		    (enum unit_side)side);
		try_all_caps(text_escaped, in, rows[_i].escaped);
		in = unit_span(rows[_i].in, rows[_i].in_len,
		    (enum unit_side)side);
		try_all_caps(text_json, in, rows[_i].json);
		if (rows[_i].literal == NULL)
			continue;
		in = unit_span(rows[_i].in, rows[_i].in_len,
		    (enum unit_side)side);
		try_all_caps(text_literal, in, rows[_i].literal);
	}
}
END_TEST

/* Every byte: only visible ASCII comes out (JSON: and space). */
START_TEST(test_visible)
{
	char in[1], buf[8];
	struct text t;
	size_t i;

	in[0] = (char)_i;
	text_init(&t, buf, sizeof(buf));
	text_escaped(&t, (struct span){ in, 1 });
	ck_assert(t.len > 0 && !t.is_full);
	for (i = 0; i < t.len; i++)
		ck_assert_msg(buf[i] > ' ' && buf[i] < 0x7f, "byte %d", _i);
	text_init(&t, buf, sizeof(buf));
	text_json(&t, (struct span){ in, 1 });
	ck_assert(t.len > 0 && !t.is_full);
	for (i = 0; i < t.len; i++)
		ck_assert_msg(buf[i] >= ' ' && buf[i] < 0x7f, "byte %d", _i);
}
END_TEST

static const struct {
	uint64_t	 n;
	const char	*decimal;
	const char	*hex;
} numbers[] = {
	{ 0, "0", "0" },
	{ 9, "9", "9" },
	{ 10, "10", "a" },
	{ 255, "255", "ff" },
	{ 256, "256", "100" },
	{ 3735928559U, "3735928559", "deadbeef" },
	{ INT64_MAX, "9223372036854775807", "7fffffffffffffff" },
	{ UINT64_MAX, "18446744073709551615", "ffffffffffffffff" },
};

START_TEST(test_numbers)
{
	char buf[32];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	text_number(&t, numbers[_i].n);
	ck_assert_str_eq(text_string(&t), numbers[_i].decimal);
	text_init(&t, buf, sizeof(buf));
	text_hex(&t, numbers[_i].n);
	ck_assert_str_eq(text_string(&t), numbers[_i].hex);
	/* A number that does not fit is left out whole. */
	text_init(&t, buf, strlen(numbers[_i].decimal) - 1);
	text_number(&t, numbers[_i].n);
	ck_assert_uint_eq(t.len, 0);
	ck_assert(t.is_full);
}
END_TEST

/* A piece that does not fit is left out whole, and so is all after it. */
/* Of a time, those around it, against the C library. */
static const int64_t times[] = { 0, 59, 3600, 86400, 951782400, 951868800,
	1772323200, 1798761600, 4107542400, 4107456000, 13574563200, 253402300800 };

START_TEST(test_utc)
{
	char buf[TEXT_UTC_LEN + 1], want[64];
	struct text t;
	struct tm tm;
	time_t at;
	int i;

	for (i = -2; i <= 2; i++) {
		at = (time_t)times[_i] + i;
		if (at < 0)
			continue;
		if (at > 253402300799)
			at = 253402300799;
		ck_assert_ptr_nonnull(gmtime_r(&at, &tm));
		ck_assert_uint_eq(strftime(want, sizeof(want),
		    "%Y-%m-%dT%H:%M:%SZ", &tm), TEXT_UTC_LEN);
		text_init(&t, buf, sizeof(buf));
		text_utc(&t, (uint64_t)times[_i] + (uint64_t)i);
		ck_assert_str_eq(text_string(&t), want);
	}
}
END_TEST

/* Each day of four centuries. */
START_TEST(test_days)
{
	char buf[TEXT_UTC_LEN + 1], want[64];
	struct text t;
	struct tm tm;
	time_t day;

	for (day = 0; day < 400 * 366; day++) {
		const time_t at = day * 86400 + day % 86400;

		ck_assert_ptr_nonnull(gmtime_r(&at, &tm));
		(void)strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		text_init(&t, buf, sizeof(buf));
		text_utc(&t, (uint64_t)at);
		ck_assert_str_eq(text_string(&t), want);
	}
}
END_TEST

START_TEST(test_full)
{
	struct text t;
	char *buf;

	buf = unit_place("........", 8, UNIT_END);
	text_init(&t, buf, 8);
	text_str(&t, "abc");
	text_char(&t, 'd');
	text_span(&t, SPAN("e\0"));
	ck_assert(t.len == 6 && !t.is_full);
	text_str(&t, "xyz");
	ck_assert(t.len == 6 && t.is_full);
	text_char(&t, 'f');
	text_str(&t, "g");
	text_span(&t, SPAN("h"));
	text_number(&t, 1);
	text_hex(&t, 1);
	text_escaped(&t, SPAN("i"));
	text_json(&t, SPAN("j"));
	text_literal(&t, SPAN("k"));
	ck_assert(t.len == 6 && t.is_full);
	ck_assert(memcmp(buf, "abcde\0..", 8) == 0);
}
END_TEST

START_TEST(test_exact)
{
	struct text t;
	char *buf;

	buf = unit_place("....", 4, UNIT_END);
	text_init(&t, buf, 4);
	text_str(&t, "abcd");
	ck_assert(t.len == 4 && !t.is_full);
	ck_assert_str_eq(text_string(&t), "abc");
	text_init(&t, buf, 4);
	text_str(&t, "abc");
	ck_assert_str_eq(text_string(&t), "abc");
	ck_assert(!t.is_full);
	text_init(&t, buf, 1);
	ck_assert_str_eq(text_string(&t), "");
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("text");
	tc = unit_case(s, "text");
	tcase_add_loop_test(tc, test_escapings, 0, ROWS(rows));
	tcase_add_loop_test(tc, test_visible, 0, 256);
	tcase_add_loop_test(tc, test_numbers, 0, ROWS(numbers));
	tcase_add_loop_test(tc, test_utc, 0, ROWS(times));
	tcase_add_test(tc, test_days);
	tcase_add_test(tc, test_full);
	tcase_add_test(tc, test_exact);
	return s;
}
