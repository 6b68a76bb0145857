/* Tests of near.c: the nearest rule of a request that none allows. */

#include "config.h"

#include "profileunit.h"

#include "near.h"

static const char rules_text[] =
    "(GET|HEAD) /(v1\\.\\d+/)?_ping\n"			/* 1 */
    "GET /(v1\\.\\d+/)?containers/json(\\?(all=1|limit=0))?\n"	/* 2 */
    "GET /(v1\\.\\d+/)?containers/[a-z]+/json\n"		/* 3 */
    "POST /(v1\\.\\d+/)?containers/[a-z]+/kill\\?signal=(SIG)?HUP\n"/* 4 */
    "GET /a|/b\n"						/* 5 */
    "DELETE ^/volumes/x$\n";					/* 6 */

static const struct {
	const char *method, *target;
	size_t line_no;			/* 0: none */
	const char *says;		/* M method, T target, E may end */
	size_t at;
	const char *next;		/* the bytes that could follow */
} rows[] = {
	{ "POST", "/_ping", 1, "T", 6, "" },
	{ "GET", "/_pin", 1, "M", 5, "g" },
	{ "GET", "/_pingx", 1, "ME", 6, "" },
	{ "GET", "/v1.x/_ping", 1, "M", 4, "0123456789" },
	{ "GET", "/v1.4_ping", 1, "M", 5, "/0123456789" },
	/* The first of those that go equally far and take the method. */
	{ "GET", "/containers/", 2, "M", 12, "j" },
	{ "POST", "/containers/", 4, "M", 12,
	    "abcdefghijklmnopqrstuvwxyz" },
	{ "GET", "/containers/json?all=0", 2, "M", 21, "1" },
	{ "GET", "/containers/json?", 2, "M", 17, "al" },
	{ "GET", "/containers/json?limit=0&x", 2, "ME", 24, "" },
	{ "GET", "/containers/web-1/json", 3, "M", 15,
	    "/abcdefghijklmnopqrstuvwxyz" },
	{ "PUT", "/containers/web/json", 3, "T", 20, "" },
	{ "POST", "/containers/web/kill?signal=KILL", 4, "M", 28, "HS" },
	{ "GET", "/containers/web/kill", 4, "", 20, "?" },
	{ "GET", "/bc", 5, "ME", 2, "" },
	{ "GET", "/volumes/x", 6, "T", 10, "" },
	{ "DELETE", "/volumes/xy", 6, "ME", 10, "" },
	{ "GET", "x", 0, "", 0, "" },
	{ "GET", "", 0, "", 0, "" },
};

START_TEST(test_near)
{
	struct rule rules[8];
	struct profile p;
	struct reports r;
	struct near near;
	struct span target;
	char says[4] = "", next[128] = "";
	size_t n;
	int c;

	ck_assert_msg(parse(&p, rules, 8, SPAN(rules_text), &r), "%s",
	    r.what[0]);
	target = unit_span(rows[_i].target, strlen(rows[_i].target),
	    UNIT_END);
	if (!near_find(&p, span_of(rows[_i].method), target, &near)) {
		ck_assert_uint_eq(rows[_i].line_no, 0);
		profile_free(&p);
		return;
	}
	ck_assert_msg(near.rule->line_no == rows[_i].line_no, "%s: line %zu",
	    rows[_i].target, near.rule->line_no);
	(void)snprintf(says, sizeof(says), "%s%s%s", near.takes_method ?
	    "M" : "", near.takes_target ? "T" : "", near.may_end ? "E" : "");
	ck_assert_str_eq(says, rows[_i].says);
	ck_assert_uint_eq(near.at, rows[_i].at);
	for (c = NEAR_FIRST, n = 0; c <= NEAR_LAST; c++)
		if (near.may_go_on[c])
			next[n++] = (char)c;
	ck_assert_str_eq(next, rows[_i].next);
	profile_free(&p);
}
END_TEST

/* A target beyond what is ever served: where it parts, and no more. */
START_TEST(test_long)
{
	static char target[BOUNDS_REQUEST_LINE_CAP + 8];
	struct rule rules[2];
	struct profile p;
	struct reports r;
	struct near near;

	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[sizeof(target) - 1] = 'b';
	ck_assert(parse(&p, rules, 2, SPAN("GET /a+c\n"), &r));
	ck_assert(near_find(&p, SPAN("GET"),
	    (struct span){ target, sizeof(target) }, &near));
	ck_assert_uint_eq(near.at, sizeof(target) - 1);
	ck_assert(near.takes_method && !near.may_end && !near.may_go_on['c']);
	profile_free(&p);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("near");
	tc = unit_case(s, "near");
	tcase_add_loop_test(tc, test_near, 0, ROWS(rows));
	tcase_add_test(tc, test_long);
	return s;
}
