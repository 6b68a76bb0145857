/*
 * What must hold of every profile that --learn prints: it loads, allows what it
 * was made from, and nothing dangerous that was not asked for.  The requests
 * are those that the tables of tests/corpus/rules allow, and made-up ones.
 */

#include "config.h"

#include "learnunit.h"

#include <dirent.h>

#include "expr.h"
#include "learnquery.h"
#include "route.h"

#define TEXT_CAP (1 << 20)
#define TABLES_CAP 64
#define ROUNDS 60

static char	tables[TABLES_CAP][256];
static int	ntables;
static char	requests[TEXT_CAP], dangers[TEXT_CAP], file_text[TEXT_CAP];
static size_t	requests_len;

static const char *
rules_path(const char *name)
{
	static char text[1024];
	const char *top = getenv("srcdir");

	(void)snprintf(text, sizeof(text), "%s/tests/corpus/rules/%s",
	    top == NULL || top[0] == '\0' ? "." : top, name);
	return text;
}

static void
read_rules(const char *name, char text[TEXT_CAP])
{
	FILE *f = fopen(rules_path(name), "r");
	size_t len;

	ck_assert_msg(f != NULL, "%s", name);
	len = fread(text, 1, TEXT_CAP, f);
	ck_assert_uint_lt(len, TEXT_CAP);
	text[len] = '\0';
	(void)fclose(f);
}

/* Called outside of tests, too: no assertions. */
static void
find_tables(void)
{
	struct dirent *entry;
	DIR *d = opendir(rules_path(""));
	const char *dot;

	ntables = 0;
	while (d != NULL && (entry = readdir(d)) != NULL) {
		dot = strrchr(entry->d_name, '.');
		if (dot == NULL || strcmp(dot, ".tab") != 0 ||
		    ntables == TABLES_CAP)
			continue;
		(void)snprintf(tables[ntables++], sizeof(tables[0]), "%s",
		    entry->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
}

static void
add_request(struct span method, struct span target)
{
	int n = snprintf(requests + requests_len, TEXT_CAP - requests_len,
	    "%.*s %.*s\n", (int)method.len, method.p, (int)target.len,
	    target.p);

	ck_assert(n > 0 && (size_t)n < TEXT_CAP - requests_len);
	requests_len += (size_t)n;
}

/* The rows of a table that are allowed. */
static void
add_table(const char *name)
{
	struct span rest, line, cell[3];
	int n;

	read_rules(name, file_text);
	rest = span_of(file_text);
	while (span_next(&rest, '\n', &line)) {
		for (n = 0; n < 3 && span_next(&line, '\t', &cell[n]); n++)
			continue;
		if (n == 3 && span_eq(cell[0], SPAN("ALLOW")))
			add_request(cell[1], cell[2]);
	}
}

/* Whether the endpoint is one of the requests, or the request itself is. */
static bool
was_asked(struct span method, struct span target)
{
	struct span rest = { requests, requests_len }, line, m;
	const struct route *route = NULL;
	struct target t, seen;

	if (target_parse(target, &t) == REASON_NONE)
		route = route_find(method, &t);
	while (span_next(&rest, '\n', &line)) {
		if (!span_next(&line, ' ', &m) || line.p == NULL)
			continue;
		if (span_eq(m, method) && span_eq(line, target))
			return true;
		if (route != NULL &&
		    target_parse(line, &seen) == REASON_NONE &&
		    route_find(m, &seen) == route)
			return true;
	}
	return false;
}

static void
check_dangers(const struct conf *c)
{
	struct span rest, line, cell[3];
	int n, nrows = 0;

	read_rules("DANGERS", dangers);
	rest = span_of(dangers);
	while (span_next(&rest, '\n', &line)) {
		if (line.len == 0 || line.p[0] == '#')
			continue;
		for (n = 0; n < 3; n++)
			ck_assert(span_next(&line, '\t', &cell[n]));
		nrows++;
		if (was_asked(cell[1], cell[2]))
			continue;
		ck_assert_msg(verdict_on(c, cell[1], cell[2]) != REASON_NONE,
		    "allowed, but not learned: %.*s %.*s", (int)cell[1].len,
		    cell[1].p, (int)cell[2].len, cell[2].p);
	}
	ck_assert_int_gt(nrows, 100);
}

/* Each request is allowed, or refused whatever a profile says: how many are
 * allowed. */
static size_t
check_asked(const struct conf *c)
{
	struct span rest = { requests, requests_len }, line, method;
	enum reason reason;
	size_t n = 0;

	while (span_next(&rest, '\n', &line)) {
		if (line.len == 0)
			continue;
		ck_assert(span_next(&line, ' ', &method));
		reason = verdict_on(c, method, line);
		ck_assert_msg(reason == REASON_NONE ||
		    reason_info(reason)->status == 400 ||
		    reason == REASON_MIN_API,
		    "%s: %.*s %.*s in %s", reason_info(reason)->word,
		    (int)method.len, method.p, (int)line.len, line.p, path("first/learned"));
		n += reason == REASON_NONE;
	}
	return n;
}

/* No "." that matches anything, and nothing that only PCRE2 understands. */
static void
check_dots(const struct profile *p)
{
	struct expr_piece piece;
	struct span rest, method;
	size_t i;

	for (i = 0; i < p->nrules; i++) {
		ck_assert(rule_cut(p->rules[i].text, &method, &rest));
		while (expr_next(&rest, &piece))
			ck_assert_msg(piece.kind != EXPR_DOT &&
			    piece.kind != EXPR_OTHER, "line %zu of %.1000s",
			    p->rules[i].line_no, output);
		while (p->rules[i].file == NULL && expr_next(&method, &piece))
			ck_assert_int_eq((int)piece.kind, (int)EXPR_BYTE);
	}
}

/* Learn from the requests, and look at the profile. */
static size_t
check_laws(const char *more)
{
	struct conf *c;
	size_t n;

	write_log(requests);
	learn(join("--learn ", path("log"), more, ""));
	ck_assert_int_eq(learn_code, 0);
	c = learned();
	check_dots(c->profile);
	n = check_asked(c);
	check_dangers(c);
	conf_free(c);
	return n;
}

START_TEST(test_table)
{
	find_tables();
	ck_assert_msg(_i < ntables, "there are fewer tables than tests");
	requests_len = 0;
	add_table(tables[_i]);
	ck_assert_uint_gt(check_laws(""), 0);
}
END_TEST

START_TEST(test_all_tables)
{
	int i;

	find_tables();
	ck_assert_int_gt(ntables, 10);
	requests_len = 0;
	for (i = 0; i < ntables; i++)
		add_table(tables[i]);
	ck_assert_uint_gt(check_laws(""), 300);
}
END_TEST

/* What is added to a profile makes it allow the rest; the profile allows none
 * of the dangers itself. */
START_TEST(test_kept)
{
	find_tables();
	ck_assert_msg(_i < ntables, "there are fewer tables than tests");
	write_file("first/mine", "# mine\nGET  /_ping\nGET  /version\n");
	requests_len = 0;
	add_table(tables[_i]);
	ck_assert_uint_gt(check_laws(" --keep mine"), 0);
}
END_TEST

/* -- made-up requests -- */

static uint64_t	state;

static size_t
any(size_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 33) % n;
}

/* Bytes that a query may have, the special ones of expressions more often. */
static size_t
make_word(char *out, size_t cap)
{
	static const char special[] = "\\.+*?()|[]{}^$-&=%/:,\"'<>`~!@_";
	size_t i, n = any(cap);

	for (i = 0; i < n; i++)
		out[i] = any(2) ? special[any(sizeof(special) - 1)] :
		    (char)('!' + (int)any('~' - '!' + 1));
	return n;
}

static void
make_request(void)
{
	static const char *const methods[] = { "GET", "POST", "DELETE", "*",
		"#", "G|T", "^$" };
	static const char *const paths[] = { "/containers/json",
		"/v1.51/containers/json", "/v1.24/containers/a/json",
		"/images/a:b/json", "/images/a%2Fb/json", "/images/create",
		"/v5.0.0/libpod/images/json", "/libpod/images/a/json",
		"/x(/y)", "/containers/a$b/json", "/containers/{V}/json",
		"/containers/a/attach/ws", "/x/attach%2Fws",
		"/containers/a/attach%2fws", "/containers/b%2Fattach%2Fws" };
	static const char *const names[] = { "a", "limit", "name", "{V}", "[",
		"since" };
	char target[256], word[24];
	size_t i, n;

	n = (size_t)sprintf(target, "%s", paths[any(ROWS(paths))]);
	for (i = any(4); i > 0; i--)
		n += (size_t)sprintf(target + n, "%c%s=%.*s",
		    strchr(target, '?') == NULL ? '?' : '&',
		    names[any(ROWS(names))],
		    (int)make_word(word, sizeof(word)), word);
	add_request(span_of(methods[any(ROWS(methods))]),
	    (struct span){ target, n });
}

START_TEST(test_made_up)
{
	size_t i;

	state = (uint64_t)_i;
	requests_len = 0;
	/* One that is good, so that there is a profile. */
	add_request(SPAN("GET"), SPAN("/info"));
	for (i = any(200) + 1; i > 0; i--)
		make_request();
	ck_assert_uint_gt(check_laws(""), 0);
}
END_TEST

/* -- limits -- */

/* More endpoints than a profile has rules. */
START_TEST(test_rules_cap)
{
	struct conf *c;
	char target[32];
	int i, n;

	requests_len = 0;
	for (i = 0; i < BOUNDS_RULE_CAP + 10; i++) {
		n = sprintf(target, "/none/%d", i);
		add_request(SPAN("GET"), (struct span){ target, (size_t)n });
	}
	write_log(requests);
	learn(join("--learn ", path("log"), "", ""));
	ck_assert_ptr_nonnull(strstr(output, "\n# 10 requests have no rule: a "
	    "profile has at most 4096 rules.\n"));
	c = learned();
	ck_assert_uint_eq(c->profile->nrules, BOUNDS_RULE_CAP);
	ck_assert_int_eq((int)verdict_on(c, SPAN("GET"), SPAN("/none/4095")),
	    (int)REASON_NONE);
	ck_assert_int_eq((int)verdict_on(c, SPAN("GET"), SPAN("/none/4096")),
	    (int)REASON_NO_RULE);
	conf_free(c);
}
END_TEST

/* The number of lines that begin with a word. */
static int
count_lines(const char *word)
{
	struct span rest = { output, output_len }, line;
	int n = 0;

	while (span_next(&rest, '\n', &line))
		n += span_starts_nocase(line, span_of(word));
	return n;
}

/* Long values, n of them, on "GET /images/json?x=". */
static void
ask_long(size_t n, size_t len)
{
	char *target = unit_fill('z', len);
	size_t i;

	memcpy(target, "/images/json?x=", 15);
	requests_len = 0;
	for (i = 0; i < n; i++) {
		target[15] = (char)('a' + i);
		add_request(SPAN("GET"), (struct span){ target, len });
	}
	/* The same rule again. */
	add_request(SPAN("GET"), SPAN("/v1.50/images/json?x=b"));
	add_request(SPAN("GET"), SPAN("/images/json?x=b"));
	free(target);
}

/* As many bytes as a line may have, with its variables, and one more: with
 * "GET", blanks, "/{V}images/json\?x=b" and its length. */
START_TEST(test_line_cap)
{
	/* "GET" to the slash, the version as a group, the rest with one more
	 * backslash. */
	size_t len = BOUNDS_RULE_LINE_CAP - 13 - strlen("(?:(v1\\.\\d+/)?)") -
	    strlen("\\") + (size_t)_i;
	char *target = unit_fill('z', len);
	struct conf *c;

	memcpy(target, "/images/json?x=", 15);
	requests_len = 0;
	add_request(SPAN("GET"), (struct span){ target, len });
	add_request(SPAN("GET"), SPAN("/info"));
	write_log(requests);
	learn(join("--learn ", path("log"), "", ""));
	ck_assert_int_eq(count_lines("GET "), _i == 0 ? 2 : 1);
	ck_assert_int_eq(count_lines("# Too long for a rule: GET /images"),
	    _i);
	c = learned();
	ck_assert_int_eq((int)verdict_on(c, SPAN("GET"),
	    (struct span){ target, len }),
	    (int)(_i == 0 ? REASON_NONE : REASON_NO_RULE));
	conf_free(c);
	free(target);
}
END_TEST

/* Values that fit in a rule each, but not together. */
START_TEST(test_apart)
{
	ask_long(5, 1200);
	ck_assert_uint_eq(check_laws(""), 7);
	ck_assert_int_eq(count_lines("GET "), 6);
	ck_assert_int_eq(count_lines("# Too long for one rule,"), 1);
	/* Together. */
	ask_long(5, 100);
	ck_assert_uint_eq(check_laws(""), 7);
	ck_assert_int_eq(count_lines("GET "), 1);
}
END_TEST

/* Values that fit in no rule stand for all of their bytes. */
START_TEST(test_long_values)
{
	ask_long(2, BOUNDS_REQUEST_LINE_CAP - 32);
	ck_assert_uint_eq(check_laws(""), 4);
	ck_assert_int_eq(count_lines("# WIDE"), 1);
}
END_TEST

/* More parameters than an endpoint has. */
START_TEST(test_parameters)
{
	char target[64];
	int i, n;

	requests_len = 0;
	for (i = 0; i < LEARNQUERY_PARAMS + 1; i++) {
		n = sprintf(target, "/images/json?x%c%c=%d", 'a' + i / 26,
		    'a' + i % 26, i);
		add_request(SPAN("GET"), (struct span){ target, (size_t)n });
		if (i == LEARNQUERY_PARAMS - 1) {
			(void)check_laws("");
			ck_assert_int_eq(count_lines("GET "), 1);
		}
	}
	ck_assert_uint_eq(check_laws(""), LEARNQUERY_PARAMS + 1);
	ck_assert_int_eq(count_lines("GET "), LEARNQUERY_PARAMS + 1);
}
END_TEST

/* The filters that are written down, and one more. */
START_TEST(test_filters)
{
	char target[64];
	int i, n;

	requests_len = 0;
	for (i = 0; i < LEARNQUERY_FILTERS + 1; i++) {
		n = sprintf(target, "/images/json?filters=x%c%c", 'a' + i / 26,
		    'a' + i % 26);
		add_request(SPAN("GET"), (struct span){ target, (size_t)n });
		if (i < LEARNQUERY_FILTERS - 1)
			continue;
		ck_assert_uint_eq(check_laws(""), (size_t)i + 1);
		ck_assert_int_eq(count_lines("GET "), 1);
		ck_assert_int_eq(count_lines("# WIDE"),
		    i == LEARNQUERY_FILTERS);
	}
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("learnlaws");
	TCase *tc;

	find_tables();
	tc = with_folder(s, "learnlaws");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_table, 0, ntables);
	tcase_add_test(tc, test_all_tables);
	tcase_add_loop_test(tc, test_kept, 0, ntables);
	tcase_add_loop_test(tc, test_made_up, 0, ROUNDS);
	tcase_add_test(tc, test_rules_cap);
	tcase_add_loop_test(tc, test_line_cap, 0, 2);
	tcase_add_test(tc, test_apart);
	tcase_add_test(tc, test_long_values);
	tcase_add_test(tc, test_parameters);
	tcase_add_test(tc, test_filters);
	return s;
}
