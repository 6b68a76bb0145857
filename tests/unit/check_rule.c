/* Tests of rule.c: one profile line, and what it matches. */

#include "config.h"

#include "unit.h"

#include "bounds.h"
#include "rule.h"

/* -- matches -- */

static const struct {
	const char	*line;
	const char	*method;
	const char	*target;
	size_t		 target_len;
	enum rule_result result;
} matches[] = {
	{ "GET /a", "GET", B("/a"), RULE_MATCH },
	{ "GET /a", "GET", B("/ab"), RULE_NO_MATCH },
	{ "GET /a", "GET", B("/"), RULE_NO_MATCH },
	{ "GET /a", "GET", B("x/a"), RULE_NO_MATCH },
	{ "GET /a", "GET", B(""), RULE_NO_MATCH },
	{ "GET /a", "GET", B("/a\0"), RULE_NO_MATCH },
	{ "GET /a", "GET", B("/A"), RULE_NO_MATCH },
	{ "GET \t /a", "GET", B("/a"), RULE_MATCH },
	{ "GET\t/a", "GET", B("/a"), RULE_MATCH },
	/* the method: whole, in one case */
	{ "GET /a", "get", B("/a"), RULE_NO_MATCH },
	{ "GET /a", "GETX", B("/a"), RULE_NO_MATCH },
	{ "GET /a", "XGET", B("/a"), RULE_NO_MATCH },
	{ "GET /a", "GE", B("/a"), RULE_NO_MATCH },
	{ "GET /a", "", B("/a"), RULE_NO_MATCH },
	{ "GET /a", "POST", B("/a"), RULE_NO_MATCH },
	{ "GET|HEAD /a", "GET", B("/a"), RULE_MATCH },
	{ "GET|HEAD /a", "HEAD", B("/a"), RULE_MATCH },
	{ "GET|HEAD /a", "GETX", B("/a"), RULE_NO_MATCH },
	{ "GET|HEAD /a", "XHEAD", B("/a"), RULE_NO_MATCH },
	{ "GET|HEAD /a", "GET|HEAD", B("/a"), RULE_NO_MATCH },
	{ "(GET|HEAD) /a", "HEAD", B("/a"), RULE_MATCH },
	{ "G.T /a", "GET", B("/a"), RULE_MATCH },
	{ "G.T /a", "GEET", B("/a"), RULE_NO_MATCH },
	{ "[A-Z]+ /a", "POST", B("/a"), RULE_MATCH },
	{ "[A-Z]+ /a", "post", B("/a"), RULE_NO_MATCH },
	{ "GET? /a", "GE", B("/a"), RULE_MATCH },
	{ "^GET$ /a", "GET", B("/a"), RULE_MATCH },
	{ "^GET$ /a", "GETX", B("/a"), RULE_NO_MATCH },
	{ "GE|GET /a", "GET", B("/a"), RULE_MATCH },
	/* alternation is anchored as a whole */
	{ "GET /a|/b", "GET", B("/a"), RULE_MATCH },
	{ "GET /a|/b", "GET", B("/b"), RULE_MATCH },
	{ "GET /a|/b", "GET", B("/ax"), RULE_NO_MATCH },
	{ "GET /a|/b", "GET", B("x/b"), RULE_NO_MATCH },
	{ "GET /a|/b", "GET", B("/a|/b"), RULE_NO_MATCH },
	{ "GET /a|/b", "GET", B("/a/b"), RULE_NO_MATCH },
	{ "GET /a|/ab", "GET", B("/ab"), RULE_MATCH },
	{ "GET ^/a|/b$", "GET", B("/a"), RULE_MATCH },
	{ "GET ^/a|/b$", "GET", B("/b"), RULE_MATCH },
	{ "GET ^/a|/b$", "GET", B("/ax"), RULE_NO_MATCH },
	{ "GET ^/a|/b$", "GET", B("x/b"), RULE_NO_MATCH },
	/* ^ and $ are tolerated */
	{ "GET ^/a", "GET", B("/a"), RULE_MATCH },
	{ "GET /a$", "GET", B("/a"), RULE_MATCH },
	{ "GET ^/a$", "GET", B("/a"), RULE_MATCH },
	{ "GET ^/a$", "GET", B("/ab"), RULE_NO_MATCH },
	{ "GET ^/a$", "GET", B("^/a$"), RULE_NO_MATCH },
	{ "GET /a\\$", "GET", B("/a$"), RULE_MATCH },
	{ "GET /a\\$", "GET", B("/a"), RULE_NO_MATCH },
	{ "GET /a\\\\$", "GET", B("/a\\"), RULE_MATCH },
	{ "GET /a\\\\$", "GET", B("/a\\$"), RULE_NO_MATCH },
	{ "GET /a\\\\\\$", "GET", B("/a\\$"), RULE_MATCH },
	{ "GET /a[$]", "GET", B("/a$"), RULE_MATCH },
	/* newlines never match */
	{ "GET /a", "GET", B("/a\n"), RULE_NO_MATCH },
	{ "GET /a$", "GET", B("/a\n"), RULE_NO_MATCH },
	{ "GET ^/a$", "GET", B("/a\r\n"), RULE_NO_MATCH },
	{ "GET /a\\Z", "GET", B("/a\n"), RULE_NO_MATCH },
	{ "GET /a.*", "GET", B("/a\n"), RULE_NO_MATCH },
	{ "GET /a.*", "GET", B("/a\nb"), RULE_NO_MATCH },
	{ "GET /a", "GET\n", B("/a"), RULE_NO_MATCH },
	{ "G.T$ /a", "GET\n", B("/a"), RULE_NO_MATCH },
	/* bytes, not characters */
	{ "GET /.", "GET", B("/\xc3\xa9"), RULE_NO_MATCH },
	{ "GET /..", "GET", B("/\xc3\xa9"), RULE_MATCH },
	{ "GET /\\d", "GET", B("/\xb2"), RULE_NO_MATCH },
	{ "GET /\\w", "GET", B("/\xe9"), RULE_NO_MATCH },
	/* nothing inside can loosen the anchors */
	{ "GET /a(*ACCEPT)", "GET", B("/ab"), RULE_NO_MATCH },
	{ "GET /a(?:(*ACCEPT)|b)", "GET", B("/abc"), RULE_NO_MATCH },
	{ "GET /a\\Kb", "GET", B("/abc"), RULE_NO_MATCH },
	{ "GET /(?i)a", "GET", B("/A"), RULE_MATCH },
	{ "GET /a(?#x", "GET", B("/a"), RULE_NO_MATCH },
	{ "(*UTF)G.T /a", "G\xc3\xa9T", B("/a"), RULE_NO_MATCH },
	{ "(*LIMIT_MATCH=1)G.T /a", "POST", B("/a"), RULE_NO_MATCH },
	/* the logs of the original, pasted */
	{ "GET /v1\\.51/containers/json\\?all=1", "GET",
	    B("/v1.51/containers/json?all=1"), RULE_MATCH },
	{ "GET /v1\\.51/containers/json\\?all=1", "GET",
	    B("/v1x51/containers/json?all=1"), RULE_NO_MATCH },
	{ "GET /v\\d+\\.\\d+/containers/json", "GET",
	    B("/v1.41/containers/json"), RULE_MATCH },
	{ "GET /v\\d+\\.\\d+/containers/json", "GET",
	    B("/v1.41/containers/json?all=1"), RULE_NO_MATCH },
	{ "GET /.*", "GET", B("/anything?at=all"), RULE_MATCH },
};

START_TEST(test_matches)
{
	char error[RULE_ERROR_CAP];
	struct rule_matcher m;
	struct rule rule;
	enum rule_result got;
	struct span method, target;
	bool is_rule;
	int side;

	/* A row may also show that such a line is refused: that denies. */
	is_rule = rule_parse(span_of(matches[_i].line), 7, &rule, error);
	if (!is_rule && matches[_i].result == RULE_NO_MATCH)
		return;
	ck_assert_msg(is_rule, "%s: %s", matches[_i].line, error);
	ck_assert(rule_matcher_init(&m));
	for (side = 0; side < UNIT_SIDES; side++) {
		method = unit_span(matches[_i].method,
		    strlen(matches[_i].method), (enum unit_side)side);
		target = unit_span(matches[_i].target,
		    matches[_i].target_len, (enum unit_side)side);
		got = rule_match(&rule, &m, method, target);
		ck_assert_msg(got == matches[_i].result,
		    "result %d: %s: %s %s", (int)got, matches[_i].line,
		    matches[_i].method, unit_show(target.p, target.len));
	}
	rule_matcher_free(&m);
	rule_free(&rule);
}
END_TEST

/* -- wrong lines -- */

static const struct {
	const char	*line;
	size_t		 len;
	const char	*names;	/* what the error must tell */
} bad_lines[] = {
	{ B("GET"), "" },
	{ B("GET "), "" },
	{ B("GET\t \t"), "" },
	{ B("/v1.41/x"), "" },
	{ B("GET x"), "/" },
	{ B("GET v1/x"), "/" },
	{ B("GET .*"), "/" },
	{ B("GET ^x"), "/" },
	{ B("GET ^"), "/" },
	{ B("GET $"), "/" },
	{ B("GET (/a)"), "/" },
	{ B("GET /a("), "3" },
	{ B("GET /abc[d"), "" },
	{ B("GET /a**+"), "" },
	{ B("GET /a)"), "" },
	{ B("GET /a)|(/b"), "" },
	{ B("GET /a\\"), "" },
	{ B("GET /a{2,1}"), "" },
	{ B("GET /(?<n"), "" },
	{ B("G( /a"), "" },
	{ B("GET)|(POST /a"), "" },
	{ B("[ /a"), "" },
	{ B("*GET /a"), "" },
};

START_TEST(test_bad_lines)
{
	char error[RULE_ERROR_CAP], *line;
	struct rule rule;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		line = unit_place(bad_lines[_i].line, bad_lines[_i].len,
		    (enum unit_side)side);
		memset(error, 'x', sizeof(error));
		ck_assert_msg(!rule_parse((struct span){ line,
		    bad_lines[_i].len }, 1, &rule, error), "%s",
		    bad_lines[_i].line);
		ck_assert_msg(memchr(error, '\0', sizeof(error)) != NULL &&
		    error[0] != '\0', "%s: no error text",
		    bad_lines[_i].line);
		ck_assert_msg(strstr(error, bad_lines[_i].names) != NULL,
		    "%s: %s", bad_lines[_i].line, error);
	}
}
END_TEST

/* A bad expression is told with PCRE2's words and the place. */
START_TEST(test_position)
{
	char error[RULE_ERROR_CAP];
	struct rule rule;
	char *line;

	ck_assert(!rule_parse(SPAN("GET /abc(def"), 1, &rule, error));
	ck_assert_msg(strstr(error, "parenthes") != NULL, "%s", error);
	ck_assert_msg(strpbrk(error, "0123456789") != NULL, "%s", error);
	/* The longest line does not make the text too long. */
	line = unit_fill('[', BOUNDS_RULE_LINE_CAP);
	memcpy(line, "GET /", 5);
	ck_assert(!rule_parse((struct span){ line, BOUNDS_RULE_LINE_CAP },
	    1, &rule, error));
	ck_assert(memchr(error, '\0', sizeof(error)) != NULL);
	free(line);
}
END_TEST

/* -- what a rule says about itself -- */

static const struct {
	const char	*line;
	bool		 is_literal;
	bool		 names_attach_ws;
	bool		 names_slash_escape;
} marks[] = {
	{ "GET /a", true, false, false },
	{ "POST /v1\\.41/containers/.*", true, false, false },
	{ "GET|HEAD /a", false, false, false },
	{ "G.T /a", false, false, false },
	{ "GET? /a", false, false, false },
	{ "GET /.*", true, false, false },
	{ "GET /.*/attach/ws\\?.*", true, true, false },
	{ "GET /.*/attach/ws", true, true, false },
	{ "GET /.*/attach.ws", true, false, false },
	{ "GET /.*/attach(/ws)?", true, false, false },
	{ "GET /images/[a-z]+%2F[a-z]+/json", true, false, true },
	{ "GET /images/[a-z]+%2.[a-z]+/json", true, false, false },
	{ "GET /a/attach%2Fws", true, false, true },
	{ "GET /(a%2F|attach/ws)", true, true, true },
};

START_TEST(test_marks)
{
	char error[RULE_ERROR_CAP];
	struct rule rule;

	ck_assert_msg(rule_parse(span_of(marks[_i].line), 12, &rule, error),
	    "%s: %s", marks[_i].line, error);
	ck_assert_uint_eq(rule.line_no, 12);
	ck_assert(rule.text.p == marks[_i].line);
	ck_assert(span_eq(rule.text, span_of(marks[_i].line)));
	ck_assert_msg((rule.method == NULL) == marks[_i].is_literal, "%s",
	    marks[_i].line);
	ck_assert_msg(!marks[_i].is_literal || span_eq(rule.literal,
	    (struct span){ marks[_i].line,
	    strcspn(marks[_i].line, " ") }), "%s", marks[_i].line);
	ck_assert(rule.target != NULL);
	ck_assert_msg(rule.names_attach_ws == marks[_i].names_attach_ws,
	    "%s", marks[_i].line);
	ck_assert_msg(rule.names_slash_escape ==
	    marks[_i].names_slash_escape, "%s", marks[_i].line);
	rule_free(&rule);
}
END_TEST

/* -- limits -- */

#define LONG_PATH 8192

/* Expressions that backtrack without end: an error, soon, and never a match
 * or a crash. */
static const char *const slow[] = {
	"GET /([^/]+/?)*x",
	"GET /(a+)+x",
	"GET /(a|aa)+x",
	"GET /(a*)*(a*)*(a*)*x",
	"GET /(?:a?){200}a{8000}x",
	"GET /((a+)+)+x",
};

START_TEST(test_slow)
{
	char error[RULE_ERROR_CAP], *path;
	struct rule_matcher m;
	struct rule rule;
	struct span target;
	enum rule_result got;

	path = unit_fill('a', LONG_PATH);
	path[0] = '/';
	path[LONG_PATH - 2] = 'x';	/* so that a look for x goes on */
	target = unit_span(path, LONG_PATH, UNIT_END);
	ck_assert_msg(rule_parse(span_of(slow[_i]), 1, &rule, error),
	    "%s: %s", slow[_i], error);
	ck_assert(rule_matcher_init(&m));
	got = rule_match(&rule, &m, SPAN("GET"), target);
	ck_assert_msg(got != RULE_MATCH, "%s", slow[_i]);
	if (_i == 0)
		ck_assert_msg(got == RULE_ERROR, "%s", slow[_i]);
	/* The next match is not disturbed by the failed one. */
	ck_assert_int_eq(rule_match(&rule, &m, SPAN("POST"), target),
	    RULE_NO_MATCH);
	rule_matcher_free(&m);
	rule_free(&rule);
	free(path);
}
END_TEST

/*
 * The limit is ours, not PCRE2's own of ten million: each further "a"
 * doubles the work, so a few are no matter and 21 are too much.
 */
START_TEST(test_limit)
{
	static const struct {
		const char	*target;
		enum rule_result result;
	} rows[] = {
		{ "/aaaaaxy", RULE_NO_MATCH },
		{ "/aaaaaaaaxy", RULE_NO_MATCH },
		{ "/aaaaaaaaaaaaaaaaaaaaax", RULE_MATCH },
		{ "/aaaaaaaaaaaaaaaaaaaaaxy", RULE_ERROR },
	};
	char error[RULE_ERROR_CAP];
	struct rule_matcher m;
	struct rule rule;
	int i;

	ck_assert(rule_parse(SPAN("GET /(a+)+(x|xx|yx)"), 1, &rule, error));
	ck_assert(rule_matcher_init(&m));
	for (i = 0; i < ROWS(rows); i++)
		ck_assert_msg(rule_match(&rule, &m, SPAN("GET"),
		    span_of(rows[i].target)) == rows[i].result, "%s",
		    rows[i].target);
	rule_matcher_free(&m);
	rule_free(&rule);
}
END_TEST

/* Deep recursion in a pattern must not eat the stack. */
START_TEST(test_deep)
{
	char error[RULE_ERROR_CAP], *path;
	struct rule_matcher m;
	struct rule rule;
	enum rule_result got;

	path = unit_fill('(', LONG_PATH);
	path[0] = '/';
	ck_assert_msg(rule_parse(SPAN("GET /(\\((?1)*\\)|x)*"), 1, &rule,
	    error), "%s", error);
	ck_assert(rule_matcher_init(&m));
	got = rule_match(&rule, &m, SPAN("GET"),
	    (struct span){ path, LONG_PATH });
	ck_assert_int_ne(got, RULE_MATCH);
	rule_matcher_free(&m);
	rule_free(&rule);
	free(path);
}
END_TEST

/* Every rule that is not slow must match a target of full length. */
START_TEST(test_long)
{
	char error[RULE_ERROR_CAP], *path;
	struct rule_matcher m;
	struct rule rule;
	struct span target;

	path = unit_fill('a', BOUNDS_REQUEST_LINE_CAP);
	path[0] = '/';
	target = unit_span(path, BOUNDS_REQUEST_LINE_CAP, UNIT_END);
	ck_assert(rule_parse(SPAN("GET /.*"), 1, &rule, error));
	ck_assert(rule_matcher_init(&m));
	ck_assert_int_eq(rule_match(&rule, &m, SPAN("GET"), target),
	    RULE_MATCH);
	rule_free(&rule);
	ck_assert(rule_parse(SPAN("GET /[a-z0-9]+(\\?.*)?"), 1, &rule,
	    error));
	ck_assert_int_eq(rule_match(&rule, &m, SPAN("GET"), target),
	    RULE_MATCH);
	rule_free(&rule);
	rule_matcher_free(&m);
	free(path);
}
END_TEST

START_TEST(test_jit)
{
	char error[RULE_ERROR_CAP];
	struct rule rule;
	size_t size;

	ck_assert(rule_parse(SPAN("GET /a+"), 1, &rule, error));
	size = 0;
	(void)pcre2_pattern_info(rule.target, PCRE2_INFO_JITSIZE, &size);
	ck_assert_int_eq(rule_has_jit(), size > 0);
	rule_free(&rule);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("rule");
	tc = unit_case(s, "rule");
	tcase_add_loop_test(tc, test_matches, 0, ROWS(matches));
	tcase_add_loop_test(tc, test_bad_lines, 0, ROWS(bad_lines));
	tcase_add_test(tc, test_position);
	tcase_add_loop_test(tc, test_marks, 0, ROWS(marks));
	tc = unit_case(s, "limits");
	tcase_add_loop_test(tc, test_slow, 0, ROWS(slow));
	tcase_add_test(tc, test_limit);
	tcase_add_test(tc, test_deep);
	tcase_add_test(tc, test_long);
	tcase_add_test(tc, test_jit);
	return s;
}
