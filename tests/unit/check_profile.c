/* Tests of profile.c: the text of a profile to rules. */

#include "config.h"

#include "unit.h"

#include <dlfcn.h>

#include "profile.h"

#define REPORTS_CAP 16

/* No memory for what PCRE2 needs besides rules. */
static bool is_memory_short;

/* This comes before the library's own. */
pcre2_match_data *
pcre2_match_data_create(uint32_t size, pcre2_general_context *context)
{
	pcre2_match_data *(*real)(uint32_t, pcre2_general_context *);
	void *found;

	if (is_memory_short)
		return NULL;
	found = dlsym(RTLD_NEXT, "pcre2_match_data_create_8");
	ck_assert_ptr_nonnull(found);
	memcpy(&real, &found, sizeof(real));
	return real(size, context);
}

/* What profile_parse complained about. */
struct reports {
	size_t		 n;
	size_t		 line_no[REPORTS_CAP];
	struct span	 line[REPORTS_CAP];
	const char	*file[REPORTS_CAP];
	char		 what[REPORTS_CAP][256];
};

static void
take_report(void *arg, const char *file, size_t line_no, const char *what,
    struct span line)
{
	struct reports *r = arg;

	ck_assert(what != NULL && what[0] != '\0');
	if (r->n < REPORTS_CAP) {
		r->line_no[r->n] = line_no;
		r->line[r->n] = line;
		r->file[r->n] = file;
		(void)snprintf(r->what[r->n], sizeof(r->what[0]), "%s",
		    what);
	}
	r->n++;
}

/* Fragments, by name. */
static const struct {
	const char *name, *text;
} fragments[] = {
	{ "classes", "# no rule\ndefine ID [0-9a-f]+\ndefine V (v1\\.\\d+/)?\n" },
	{ "ping", "include classes\n\nGET /{V}_ping\nHEAD /{V}_ping\n" },
	{ "more", "include classes\ninclude ping\nGET /more\n" },
	{ "self", "GET /self\ninclude self\n" },
	{ "round", "include about\n" },
	{ "about", "include round\n" },
	{ "wrong", "GET /good\nGET /(\n" },
	{ "again", "define ID x\n" },
};

static bool
fetch(void *arg, struct span name, const char **file, struct span *text)
{
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++)
		if (span_eq(name, span_of(fragments[i].name))) {
			*file = fragments[i].name;
			*text = span_of(fragments[i].text);
			return true;
		}
	if (span_starts_nocase(name, SPAN("n"))) {
		*file = name.p;
		*text = SPAN("# empty\n");
		return true;
	}
	return false;
}

static char kept[65536];
static size_t kept_len;

static const char *
keep(void *arg, struct span s)
{
	char *p;

	(void)arg;
	if (s.len > sizeof(kept) - kept_len)
		return NULL;
	p = memcpy(kept + kept_len, s.p, s.len);
	kept_len += s.len;
	return p;
}

static bool
parse(struct profile *p, struct rule *rules, size_t cap, struct span text,
    struct reports *r)
{
	const struct profile_reader reader = { r, take_report, fetch, keep };

	kept_len = 0;
	memset(p, 0, sizeof(*p));
	memset(r, 0, sizeof(*r));
	p->rules = rules;
	p->rules_cap = cap;
	(void)snprintf(p->name, sizeof(p->name), "test");
	return profile_parse(p, text, &reader);
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

/* -- what is included -- */

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

/* -- limits -- */

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
	tc = unit_case(s, "included");
	tcase_add_loop_test(tc, test_included, 0, ROWS(included));
	tcase_add_test(tc, test_is_group);
	tcase_add_loop_test(tc, test_wrong_included, 0,
	    ROWS(wrong_included));
	tcase_add_test(tc, test_alone);
	tc = unit_case(s, "limits");
	tcase_add_loop_test(tc, test_long_line, 0, 2);
	tcase_add_test(tc, test_many_rules);
	tcase_add_test(tc, test_small_storage);
	tcase_add_test(tc, test_short_memory);
	return s;
}
