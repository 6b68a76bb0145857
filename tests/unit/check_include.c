/* Tests of profile.c: what profiles include, and variables in rules. */

#include "config.h"

#include "profileunit.h"

/* Rules, as "LINE FILE:LINE EXPANDED;". */
static const struct {
	const char *text, *rules;
} included[] = {
	{ "include ping\n", "1 ping:3 GET /(?:(v1\\.\\d+/)?)_ping;"
	    "1 ping:4 HEAD /(?:(v1\\.\\d+/)?)_ping;" },
	/* Names are known behind the line that includes them. */
	{ "GET /a\n\ninclude classes\nGET /{ID}\n",
	    "1 GET /a;4 GET /(?:[0-9a-f]+);" },
	/* Once is enough, on whatever ways. */
	{ "include classes\ninclude ping\ninclude more\ninclude ping\n"
	    "GET /{V}{ID}\n", "2 ping:3 GET /(?:(v1\\.\\d+/)?)_ping;"
	    "2 ping:4 HEAD /(?:(v1\\.\\d+/)?)_ping;3 more:3 GET /more;"
	    "5 GET /(?:(v1\\.\\d+/)?)(?:[0-9a-f]+);" },
	{ "define X a|b\r\n  GET\t /{X}\r\n", "2 GET\t /(?:a|b);" },
	{ "define A_1 x\ndefine B ({A_1}|y)\n{B} /{B}{2}\n",
	    "3 (?:((?:x)|y)) /(?:((?:x)|y)){2};" },
	/* Rules as ever: the second word starts with a slash. */
	{ "include /a\ndefine ^/b\n", "1 include /a;2 define ^/b;" },
	{ "# include nothing\nGET /\\{ID}\n", "2 GET /\\{ID};" },
};

static const char *
describe(const struct profile *p)
{
	static char buf[4096];
	const struct rule *rule;
	size_t i, n;

	n = 0;
	for (i = 0; i < p->nrules; i++) {
		rule = &p->rules[i];
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%zu ",
		    rule->line_no);
		if (rule->file != NULL)
			n += (size_t)snprintf(buf + n, sizeof(buf) - n,
			    "%s:%zu ", rule->file, rule->file_line_no);
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%.*s;",
		    (int)rule->text.len, rule->text.p);
		ck_assert_uint_lt(n, sizeof(buf));
	}
	return buf;
}

START_TEST(test_included)
{
	struct rule rules[16];
	struct profile p;
	struct reports r;
	struct span text;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		text = unit_span(included[_i].text, strlen(included[_i].text),
		    (enum unit_side)side);
		ck_assert_msg(parse(&p, rules, 16, text, &r), "%s: %s",
		    included[_i].text, r.what[0]);
		ck_assert_str_eq(describe(&p), included[_i].rules);
		profile_free(&p);
	}
}
END_TEST

/* An expression is a group: nothing of it reaches what stands around it. */
START_TEST(test_is_group)
{
	struct rule rules[2];
	struct profile p;
	struct reports r;

	ck_assert(parse(&p, rules, 2, SPAN("define X a|b\nGET /{X}/c\n"), &r));
	ck_assert_int_eq(rule_match(&p.rules[0], &p.matcher, SPAN("GET"),
	    SPAN("/b/c")), RULE_MATCH);
	ck_assert_int_eq(rule_match(&p.rules[0], &p.matcher, SPAN("GET"),
	    SPAN("/a")), RULE_NO_MATCH);
	ck_assert(span_eq(p.rules[0].written, SPAN("GET /{X}/c")));
	profile_free(&p);
}
END_TEST

/* The first complaint. */
static const struct {
	const char *text, *file;
	size_t line_no;
	const char *what;
} wrong_included[] = {
	{ "GET /a\ninclude other\n", NULL, 2, "cannot be included" },
	{ "include self\n", "self", 2, "it includes itself" },
	{ "GET /a\ninclude round\n", "about", 1, "it includes itself" },
	{ "include wrong\nGET /b\n", "wrong", 2, "target expression" },
	{ "include classes\n", NULL, 0, "no rule" },
	{ "include classes\ninclude again\nGET /a\n", "again", 1,
	    "ID is defined already" },
	{ "GET /{ID}\ninclude classes\n", NULL, 1, "no variable ID" },
	{ "GET /a\ninclude\n", NULL, 2, "two expressions" },
	{ "GET /a\ndefine id x\n", NULL, 2, "define NAME EXPRESSION" },
	{ "GET /a\ndefine ID\n", NULL, 2, "there is no expression" },
	{ "GET /a\ndefine ID a)|(b\n", NULL, 2, "expression: " },
	{ "GET /a\ndefine ID a b\n", NULL, 2, "blank or control byte" },
	{ "GET /a\ndefine ID \\Qa\n", NULL, 2, "\\Q cannot be used" },
	{ "GET /a\ndefine B {A}\ndefine A {B}\n", NULL, 2, "no variable A" },
	{ "GET /a\ndefine B {B}\n", NULL, 2, "no variable B" },
	{ "include n1\ninclude n2\ninclude n3\ninclude n4\ninclude n5\n"
	    "include n6\ninclude n7\ninclude n8\ninclude n9\ninclude na\n"
	    "include nb\ninclude nc\ninclude nd\ninclude ne\ninclude nf\n"
	    "include ng\ninclude nh\nGET /a\n", NULL, 17, "too many files" },
};

START_TEST(test_wrong_included)
{
	struct rule rules[16];
	struct profile p;
	struct reports r;

	ck_assert_msg(!parse(&p, rules, 16, span_of(wrong_included[_i].text),
	    &r), "%s", wrong_included[_i].text);
	ck_assert_msg(strncmp(r.what[0], wrong_included[_i].what,
	    strlen(wrong_included[_i].what)) == 0, "%s: %s",
	    wrong_included[_i].text, r.what[0]);
	ck_assert_msg(r.line_no[0] == wrong_included[_i].line_no,
	    "%s: line %zu", wrong_included[_i].text, r.line_no[0]);
	ck_assert_msg((r.file[0] == NULL) == (wrong_included[_i].file == NULL),
	    "%s", wrong_included[_i].text);
	if (r.file[0] != NULL)
		ck_assert_str_eq(r.file[0], wrong_included[_i].file);
	profile_free(&p);
}
END_TEST

/* Where the caller reads no files and keeps nothing. */
START_TEST(test_alone)
{
	struct profile_reader reader = { NULL, take_report, NULL, NULL };
	struct rule rules[2];
	struct profile p = { .rules = rules, .rules_cap = 2 };
	struct reports r;

	reader.arg = &r;
	memset(&r, 0, sizeof(r));
	ck_assert(!profile_parse(&p, SPAN("GET /a\ninclude ping\n"), &reader));
	ck_assert_str_eq(r.what[0], "nothing can be included here");
	profile_free(&p);
	memset(&r, 0, sizeof(r));
	ck_assert(!profile_parse(&p, SPAN("define A a\nGET /{A}\n"), &reader));
	ck_assert_str_eq(r.what[0], "no memory for variables");
	profile_free(&p);
	memset(&r, 0, sizeof(r));
	ck_assert(profile_parse(&p, SPAN("define A a\nGET /b\n"), &reader));
	profile_free(&p);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("include");
	tc = unit_case(s, "include");
	tcase_add_loop_test(tc, test_included, 0, ROWS(included));
	tcase_add_test(tc, test_is_group);
	tcase_add_loop_test(tc, test_wrong_included, 0,
	    ROWS(wrong_included));
	tcase_add_test(tc, test_alone);
	return s;
}
