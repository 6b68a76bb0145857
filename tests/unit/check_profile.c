/* Tests of profile.c: the text of a profile to rules. */

#include "config.h"

#include "profileunit.h"

/* No memory for what PCRE2 needs besides rules. */
static bool is_memory_short;

/* The linker puts the first in the place of the library's own, which then has
 * the second name (--wrap). */
pcre2_match_data *__wrap_pcre2_match_data_create_8(uint32_t size,
    pcre2_general_context *context);
pcre2_match_data *__real_pcre2_match_data_create_8(uint32_t size,
    pcre2_general_context *context);

pcre2_match_data *
__wrap_pcre2_match_data_create_8(uint32_t size,
    pcre2_general_context *context)
{
	return is_memory_short ? NULL :
	    __real_pcre2_match_data_create_8(size, context);
}

static const struct {
	const char	*text;
	size_t		 len;
	size_t		 nrules;
	size_t		 last_line;	/* line number of the last rule */
} good[] = {
	{ B("GET /a"), 1, 1 },
	{ B("GET /a\n"), 1, 1 },
	{ B("GET /a\nPOST /b\n"), 2, 2 },
	{ B("GET /a\nPOST /b"), 2, 2 },
	{ B("# comment\nGET /a\n"), 1, 2 },
	{ B("\n\n\nGET /a\n\n\n"), 1, 4 },
	{ B("#\n#GET /b\n# x\n\nGET /a\n#"), 1, 5 },
	{ B("  \t \nGET /a\n \n"), 1, 2 },
	{ B("GET /a\r\n"), 1, 1 },
	{ B("GET /a\r\nGET /b\r\n"), 2, 2 },
	{ B("# c\r\n\r\nGET /a\r\n\r\n"), 1, 3 },
	{ B("GET /a\r\nGET /b"), 2, 2 },
	{ B("GET      /v1\\.41/a\n"), 1, 1 },
	{ B("GET\t/a\n"), 1, 1 },
	{ B("GET /a\nGET /a\n"), 2, 2 },
};

START_TEST(test_good)
{
	struct rule rules[8];
	struct profile p;
	struct reports r;
	struct span text;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		text = unit_span(good[_i].text, good[_i].len,
		    (enum unit_side)side);
		ck_assert_msg(parse(&p, rules, 8, text, &r), "%s: %s",
		    unit_show(text.p, text.len), r.what[0]);
		ck_assert_uint_eq(r.n, 0);
		ck_assert_msg(p.nrules == good[_i].nrules, "%zu rules: %s",
		    p.nrules, unit_show(text.p, text.len));
		ck_assert_msg(p.rules[p.nrules - 1].line_no ==
		    good[_i].last_line, "line %zu: %s",
		    p.rules[p.nrules - 1].line_no,
		    unit_show(text.p, text.len));
		profile_free(&p);
	}
}
END_TEST

/* The line end is no part of a rule, whatever it is. */
START_TEST(test_line_ends)
{
	static const char *const texts[] = {
		"GET /a", "GET /a\n", "GET /a\r\n", "GET /a\r",
	};
	struct rule rules[2];
	struct profile p;
	struct reports r;

	ck_assert_msg(parse(&p, rules, 2, span_of(texts[_i]), &r), "%s",
	    unit_show(texts[_i], strlen(texts[_i])));
	ck_assert_int_eq(rule_match(&p.rules[0], &p.matcher, SPAN("GET"),
	    SPAN("/a")), RULE_MATCH);
	ck_assert_int_eq(rule_match(&p.rules[0], &p.matcher, SPAN("GET"),
	    SPAN("/a\r")), RULE_NO_MATCH);
	ck_assert_int_eq(rule_match(&p.rules[0], &p.matcher, SPAN("GET"),
	    SPAN("/a\n")), RULE_NO_MATCH);
	profile_free(&p);
}
END_TEST

static const struct {
	const char	*text;
	size_t		 len;
	size_t		 nreports;
	size_t		 line_no[4];
	const char	*lines[4];	/* NULL: not looked at */
} bad[] = {
	/* no rule at all */
	{ B(""), 1, { 0 }, { NULL } },
	{ B("\n"), 1, { 0 }, { NULL } },
	{ B("# only\n# comments\n"), 1, { 0 }, { NULL } },
	{ B(" \t\r\n"), 1, { 0 }, { NULL } },
	{ B("#"), 1, { 0 }, { NULL } },
	/* wrong lines, all of them */
	{ B("GET /a\nGET\n"), 1, { 2 }, { "GET" } },
	{ B("GET /a\nGET x\nPOST /b\nPOST /(\n\nPUT\n"), 3, { 2, 4, 6 },
	    { "GET x", "POST /(", "PUT" } },
	{ B("GET /a\r\nGET x\r\n"), 1, { 2 }, { "GET x" } },
	{ B("GET /a\nGET /("), 1, { 2 }, { "GET /(" } },
	/* NUL bytes */
	{ B("GET /a\0b\n"), 1, { 1 }, { NULL } },
	{ B("GET /a\nG\0T /b\n"), 1, { 2 }, { NULL } },
	{ B("GET /a\n\0\n"), 1, { 2 }, { NULL } },
	{ B("GET /a\nGET /b\0"), 1, { 2 }, { NULL } },
};

START_TEST(test_bad)
{
	struct rule rules[8];
	struct profile p;
	struct reports r;
	struct span text;
	size_t i, n;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		text = unit_span(bad[_i].text, bad[_i].len,
		    (enum unit_side)side);
		ck_assert_msg(!parse(&p, rules, 8, text, &r), "%s",
		    unit_show(text.p, text.len));
		/* "no rule" may be told in addition to wrong lines */
		n = r.n;
		ck_assert_msg(n == bad[_i].nreports ||
		    (n == bad[_i].nreports + 1 && p.nrules == 0),
		    "%zu reports: %s", n, unit_show(text.p, text.len));
		for (i = 0; i < bad[_i].nreports; i++) {
			ck_assert_msg(r.line_no[i] == bad[_i].line_no[i],
			    "line %zu: %s: %s", r.line_no[i], r.what[i],
			    unit_show(text.p, text.len));
			ck_assert_msg(bad[_i].lines[i] == NULL ||
			    span_eq(r.line[i], span_of(bad[_i].lines[i])),
			    "line text %s: %s",
			    unit_show(r.line[i].p, r.line[i].len),
			    unit_show(text.p, text.len));
		}
		profile_free(&p);
	}
}
END_TEST

/* A comment line may hold anything but must not hide what follows. */
START_TEST(test_comment_bytes)
{
	struct rule rules[2];
	struct profile p;
	struct reports r;

	ck_assert(parse(&p, rules, 2, SPAN("# \xff\x01(\nGET /a\n"), &r));
	ck_assert_uint_eq(p.nrules, 1);
	ck_assert_uint_eq(p.rules[0].line_no, 2);
	profile_free(&p);
}
END_TEST

/* -- limits -- */

START_TEST(test_long_line)
{
	struct rule rules[4];
	struct profile p;
	struct reports r;
	char *text;
	size_t len;

	/* _i 0: at the limit; 1: one byte over it */
	len = BOUNDS_RULE_LINE_CAP + (size_t)_i;
	text = unit_fill('a', len + 7);
	memcpy(text, "GET /", 5);
	memcpy(text + len, "\nGET /b", 7);
	ck_assert_int_eq(parse(&p, rules, 4, (struct span){ text, len + 7 },
	    &r), _i == 0);
	ck_assert_uint_eq(r.n, (size_t)_i);
	ck_assert_uint_eq(r.line_no[0], (size_t)_i);
	ck_assert_uint_eq(p.nrules, 2 - (size_t)_i);
	profile_free(&p);
	/* The same with CR LF: the CR does not count. */
	text[len] = '\r';
	text[len + 1] = '\n';
	ck_assert_int_eq(parse(&p, rules, 4, (struct span){ text, len + 2 },
	    &r), _i == 0);
	profile_free(&p);
	free(text);
}
END_TEST

static size_t
many_rules(char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		memcpy(text + 7 * i, "GET /a\n", 7);
	return 7 * n;
}

START_TEST(test_many_rules)
{
	static struct rule rules[BOUNDS_RULE_CAP];
	static char text[7 * (BOUNDS_RULE_CAP + 2)];
	struct profile p;
	struct reports r;
	size_t len;

	len = many_rules(text, BOUNDS_RULE_CAP);
	ck_assert(parse(&p, rules, BOUNDS_RULE_CAP,
	    (struct span){ text, len }, &r));
	ck_assert_uint_eq(p.nrules, BOUNDS_RULE_CAP);
	profile_free(&p);
	len = many_rules(text, BOUNDS_RULE_CAP + 1);
	ck_assert(!parse(&p, rules, BOUNDS_RULE_CAP,
	    (struct span){ text, len }, &r));
	ck_assert_uint_ge(r.n, 1);
	ck_assert_uint_le(p.nrules, BOUNDS_RULE_CAP);
	profile_free(&p);
}
END_TEST

/* The caller's storage is the limit when it is smaller. */
START_TEST(test_small_storage)
{
	struct rule rules[2];
	struct profile p;
	struct reports r;

	ck_assert(parse(&p, rules, 2, SPAN("GET /a\nGET /b\n"), &r));
	profile_free(&p);
	ck_assert(!parse(&p, rules, 2, SPAN("GET /a\nGET /b\nGET /c\n"),
	    &r));
	ck_assert_uint_ge(r.n, 1);
	ck_assert_uint_le(p.nrules, 2);
	profile_free(&p);
	ck_assert(!parse(&p, rules, 0, SPAN("GET /a\n"), &r));
	profile_free(&p);
}
END_TEST

/* Said, and then nothing is left to release. */
START_TEST(test_short_memory)
{
	struct profile p;
	struct reports r;
	struct rule rules[2];

	is_memory_short = true;
	ck_assert(!parse(&p, rules, 2, SPAN("GET /a\n"), &r));
	ck_assert_uint_eq(r.n, 1);
	ck_assert_uint_eq(r.line_no[0], 0);
	ck_assert_str_eq(r.what[0], "out of memory");
	ck_assert_uint_eq(p.nrules, 0);
	profile_free(&p);
	is_memory_short = false;
	ck_assert(parse(&p, rules, 2, SPAN("GET /a\n"), &r));
	profile_free(&p);
}
END_TEST

/* What the first line warns of. */
static const struct {
	const char *text, *danger;
} dangers[] = {
	{ "# HOST ROOT: create.\nGET /a\n", "HOST ROOT: create." },
	{ "# HOST ROOT: create.\r\nGET /a\n", "HOST ROOT: create." },
	{ "# HOST ROOT\nGET /a\n", "HOST ROOT" },
	{ "# Harmless.\n# HOST ROOT: no.\nGET /a\n", "" },
	{ "\n# HOST ROOT: no.\nGET /a\n", "" },
	{ "# HOST ROO\nGET /a\n", "" },
	{ "GET /a\n", "" },
};

START_TEST(test_danger)
{
	struct rule rules[2];
	struct profile p;
	struct reports r;

	ck_assert(parse(&p, rules, 2, span_of(dangers[_i].text), &r));
	ck_assert(span_eq(p.danger, span_of(dangers[_i].danger)));
	profile_free(&p);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("profile");
	tc = unit_case(s, "profile");
	tcase_add_loop_test(tc, test_good, 0, ROWS(good));
	tcase_add_loop_test(tc, test_line_ends, 0, 4);
	tcase_add_loop_test(tc, test_bad, 0, ROWS(bad));
	tcase_add_test(tc, test_comment_bytes);
	tcase_add_loop_test(tc, test_danger, 0, ROWS(dangers));
	tc = unit_case(s, "limits");
	tcase_add_loop_test(tc, test_long_line, 0, 2);
	tcase_add_test(tc, test_many_rules);
	tcase_add_test(tc, test_small_storage);
	tcase_add_test(tc, test_short_memory);
	return s;
}
