/* Tests of vars.c: names for expressions. */

#include "config.h"

#include "unit.h"

#include "vars.h"

static struct vars
some_vars(void)
{
	struct vars vars;
	char error[RULE_ERROR_CAP];

	memset(&vars, 0, sizeof(vars));
	ck_assert(vars_define(&vars, SPAN("A"), SPAN("a|b"), error));
	ck_assert(vars_define(&vars, SPAN("B2"), SPAN("x{A}{1,2}"), error));
	ck_assert(vars_define(&vars, SPAN("LONG_NAME"), SPAN("[{}]"), error));
	return vars;
}

/* What a line becomes; NULL: an error. */
static const struct {
	const char *line, *expanded;
} rows[] = {
	{ "", "" },
	{ "GET /a", "GET /a" },
	{ "GET /{A}", "GET /(?:a|b)" },
	{ "{A}{A}", "(?:a|b)(?:a|b)" },
	{ "{A}{2}{A}{2,}", "(?:a|b){2}(?:a|b){2,}" },
	{ "{B2}?", "(?:x(?:a|b){1,2})?" },
	{ "{LONG_NAME}", "(?:[{}])" },
	/* no names */
	{ "a{2}", "a{2}" },
	{ "{a}{_A}{2A}{}{ A}{A }{A-B}", "{a}{_A}{2A}{}{ A}{A }{A-B}" },
	{ "{A", "{A" },
	{ "{", "{" },
	{ "A}", "A}" },
	{ "\\{A}", "\\{A}" },
	{ "\\\\{A}", "\\\\(?:a|b)" },
	{ "\\p{A}\\P{A}\\x{A}\\N{A}\\o{A}\\g{A}\\k{A}",
	    "\\p{A}\\P{A}\\x{A}\\N{A}\\o{A}\\g{A}\\k{A}" },
	{ "\\d{A}", "\\d(?:a|b)" },
	{ "\\p{A", "\\p{A" },
	{ "\\Q{A}\\E{A}", "\\Q{A}\\E(?:a|b)" },
	{ "\\Q{A}", "\\Q{A}" },
	{ "\\", "\\" },
	/* classes */
	{ "[a]{A}", "[a](?:a|b)" },
	{ "[]]{A}", "[]](?:a|b)" },
	{ "[^]]{A}", "[^]](?:a|b)" },
	{ "[\\]]{A}", "[\\]](?:a|b)" },
	{ "[[:digit:]]{A}", "[[:digit:]](?:a|b)" },
	{ "[[]{A}", "[[](?:a|b)" },
	{ "[a[:b]{A}", "[a[:b](?:a|b)" },
	{ "\\[{A}", "\\[(?:a|b)" },
	{ "[{A}]", NULL },
	{ "[]{A}]", NULL },
	{ "[[:digit:]{A}]", NULL },
	/* not defined */
	{ "{B}", NULL },
	{ "{AA}", NULL },
};

START_TEST(test_expand)
{
	struct vars vars = some_vars();
	char buf[256], error[RULE_ERROR_CAP];
	struct text t;
	struct span line;
	int side;
	bool is_good;

	for (side = 0; side < UNIT_SIDES; side++) {
		line = unit_span(rows[_i].line, strlen(rows[_i].line),
		    (enum unit_side)side);
		text_init(&t, buf, sizeof(buf));
		error[0] = '\0';
		is_good = vars_expand(&vars, line, &t, error);
		ck_assert_msg(is_good == (rows[_i].expanded != NULL), "%s: %s",
		    rows[_i].line, error);
		if (is_good)
			ck_assert_str_eq(text_string(&t), rows[_i].expanded);
		else
			ck_assert_str_ne(error, "");
	}
}
END_TEST

/* Whatever a piece of the buffer is too small for. */
START_TEST(test_too_long)
{
	struct vars vars = some_vars();
	char buf[64], error[RULE_ERROR_CAP];
	struct text t;
	size_t cap;

	for (cap = 1; cap < sizeof(buf); cap++) {
		text_init(&t, buf, cap);
		ck_assert_int_eq(vars_expand(&vars, SPAN("GET /{B2}x"), &t,
		    error), cap >= strlen("GET /(?:x(?:a|b){1,2})x"));
	}
}
END_TEST

/* Values that double each time stay within a line, and cost no more. */
START_TEST(test_doubling)
{
	static const char names[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static char values[26][8];
	struct vars vars;
	char error[RULE_ERROR_CAP];
	size_t i;

	memset(&vars, 0, sizeof(vars));
	ck_assert(vars_define(&vars, SPAN("A"), SPAN("a"), error));
	for (i = 1; i < 26; i++) {
		(void)snprintf(values[i], sizeof(values[i]), "{%c}{%c}",
		    names[i - 1], names[i - 1]);
		if (!vars_define(&vars, (struct span){ names + i, 1 },
		    span_of(values[i]), error))
			break;
	}
	ck_assert_uint_gt(i, 5);
	ck_assert_uint_lt(i, 15);
	ck_assert_msg(strstr(error, "too long") != NULL, "%s", error);
}
END_TEST

START_TEST(test_many)
{
	static char names[BOUNDS_VARS_CAP + 1][8];
	struct vars vars;
	char error[RULE_ERROR_CAP];
	size_t i;

	memset(&vars, 0, sizeof(vars));
	for (i = 0; i <= BOUNDS_VARS_CAP; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "N%zu", i);
		ck_assert_int_eq(vars_define(&vars, span_of(names[i]),
		    SPAN("x"), error), i < BOUNDS_VARS_CAP);
	}
	ck_assert_msg(strstr(error, "64") != NULL, "%s", error);
	ck_assert_int_eq(BOUNDS_VARS_CAP, 64);
}
END_TEST

static const struct {
	const char *name, *value;
	bool is_good;
} definitions[] = {
	{ "X", "x", true },
	{ "X_1", "x", true },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "x", true },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456", "x", false },
	{ "", "x", false },
	{ "x", "x", false },
	{ "_X", "x", false },
	{ "1", "x", false },
	{ "X-Y", "x", false },
	{ "{X}", "x", false },
	{ "A", "x", false },		/* defined */
	{ "X", "", false },
	{ "X", "(", false },
	{ "X", ")", false },
	{ "X", "a)(b", false },
	{ "X", "[", false },
	{ "X", "a\\", false },
	{ "X", "\\Qa", false },
	{ "X", "a b", false },
	{ "X", "{X}", false },
	{ "X", "{B2}{A}", true },
};

START_TEST(test_define)
{
	struct vars vars = some_vars();
	char error[RULE_ERROR_CAP];
	size_t had = vars.n;
	bool is_good;

	error[0] = '\0';
	is_good = vars_define(&vars, span_of(definitions[_i].name),
	    span_of(definitions[_i].value), error);
	ck_assert_msg(is_good == definitions[_i].is_good, "%s %s: %s",
	    definitions[_i].name, definitions[_i].value, error);
	ck_assert_int_eq(error[0] == '\0', is_good);
	ck_assert_uint_eq(vars.n, had + is_good);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("vars");
	tc = unit_case(s, "vars");
	tcase_add_loop_test(tc, test_expand, 0, ROWS(rows));
	tcase_add_test(tc, test_too_long);
	tcase_add_test(tc, test_doubling);
	tcase_add_test(tc, test_many);
	tcase_add_loop_test(tc, test_define, 0, ROWS(definitions));
	return s;
}
