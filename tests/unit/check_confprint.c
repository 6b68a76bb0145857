/*
 * What is printed of the configuration: --help, --version, --test,
 * --explain.
 */
#include "config.h"

#include "conf.h"

#include <fcntl.h>

#include "confopt.h"
#include "confunit.h"

#include "confprint.h"

static int explained;

static void
explain(const struct conf *c)
{
	explained = confprint_explain(c);
}

static const struct {
	const char *flags;
	int code;
	const char *text;
} explains[] = {
	{ "-p one -e GET /_ping", 0, "allow one:2 GET /_ping\n" },
	{ "-p one --explain=GET /v1.40/containers/json?all=1", 0,
	    "allow one:3 GET /v1\\.[0-9]+/containers/json(\\?.*)?\n" },
	{ "-p one -e POST /_ping", 1,
	    "deny no-rule: denied by profile one\nnearest one:2 GET /_ping\n"
	    "  it takes the target, but not the method\n" },
	{ "-p one -e get /_png", 1,
	    "deny no-rule: denied by profile one\nnearest one:2 GET /_ping\n"
	    "  /_png\n     ^ byte 4: expected i; nor does it take the "
	    "method\n" },
	{ "-p one -e GET /v1./containers/json", 1,
	    "deny target-version: malformed API version in the path\n" },
	{ "-p one -e GET /v1.40/containers/json2", 1,
	    "deny no-rule: denied by profile one\nnearest one:3 "
	    "GET /v1\\.[0-9]+/containers/json(\\?.*)?\n"
	    "  /v1.40/containers/json2\n                        ^ byte 23: "
	    "expected ? or the end\n" },
	{ "-p one -e GET /v1.40", 1,
	    "deny no-rule: denied by profile one\nnearest one:3 "
	    "GET /v1\\.[0-9]+/containers/json(\\?.*)?\n"
	    "  /v1.40\n        ^ byte 7: expected [/0-9]\n" },
	{ "-p one -e GET //", 1,
	    "deny target-segment: empty or dot segment in the path\n" },
	{ "-p one -e GET /v1.23/containers/json", 1,
	    "deny min-api: this API version is refused: too old\n" },
	{ "-p one --min-api 1.23 -e GET /v1.23/containers/json", 0,
	    "allow one:3 GET /v1\\.[0-9]+/containers/json(\\?.*)?\n" },
	{ "-t -p one -e GET /_ping", 0, "allow one:2 GET /_ping\n" },
	/* All requests of a log. */
	{ "-p one -e --log @/log", 1, "2 x GET /_ping\n    allow one:2 "
	    "GET /_ping\n1 x POST /_ping\n    deny no-rule\n1 x GET //\n"
	    "    deny target-segment\n4 requests: 2 allowed, 2 denied\n" },
	{ "-p one -e --log @/first/one", 1,
	    "0 requests: 0 allowed, 0 denied\n" },
	{ "-p unprotected --explain --log @/log", 1,
	    "2 x GET /_ping\n    allow unprotected:1 .* /.*\n"
	    "1 x POST /_ping\n    allow unprotected:1 .* /.*\n1 x GET //\n"
	    "    deny target-segment\n4 requests: 3 allowed, 1 denied\n" },
	/* Nothing is served, so nothing need be logged. */
	{ "-p unprotected -e DELETE /x", 0, "allow unprotected:1 .* /.*\n" },
	/* The profile that all listeners share. */
	{ "-l tcp://a:1,profile=two -l tcp://b:1,profile=two -e GET /two", 0,
	    "allow two:1 GET /two\n" },
	/* A file that is included, from the same directories. */
	{ "-P @/first -P @/second -p user -e GET /xyz", 0, "allow user:2 GET /{X}\n" },
	{ "-P @/first -P @/second -p user -e GET /a/x", 0,
	    "allow user:1 @/second/names:3 GET /a/{X}\n" },
	{ "-P @/first -P @/second -p user -e GET /a", 1,
	    "deny no-rule: denied by profile user\nnearest user:1 "
	    "GET /a/{X}\n  /a\n    ^ byte 3: expected /\n" },
	{ "-p one -l tcp://a:1,profile=two -e GET /two", 1,
	    "deny no-rule: denied by profile one\nnearest one:2 GET /_ping\n"
	    "  /two\n   ^ byte 2: expected _\n" }
};

/* "@" is the folder. */
static const char *
with_dir(const char *text)
{
	static char buf[512];
	const char *at = strchr(text, '@');

	if (at == NULL)
		return text;
	(void)snprintf(buf, sizeof(buf), "%.*s%s%s", (int)(at - text), text,
	    dir, at + 1);
	return buf;
}

START_TEST(print_explain)
{
	struct conf *c;
	const char *text;

	write_file("log", "request rule:  GET /_ping\nrequest rule:  POST "
	    "/_ping\nrequest rule:  GET /_ping\nrequest rule:  GET //\n");
	c = load_good(explains[_i].flags, "", "profile-dir @/first\n");
	ck_assert_int_eq((int)c->mode, (int)CONF_EXPLAIN);
	text = printed(explain, c);
	ck_assert_str_eq(text, with_dir(explains[_i].text));
	ck_assert_int_eq(explained, explains[_i].code);
	conf_free(c);
}
END_TEST

static void
usage(const struct conf *c)
{
	(void)c; /* the same for all */
	confprint_usage();
}

static void
version(const struct conf *c)
{
	(void)c; /* the same for all */
	confprint_version();
}

START_TEST(print_usage)
{
	const struct confopt *o;
	const char *text, *line;
	char name[64];

	text = printed(usage, NULL);
	for (o = confopt_table; o->name != NULL; o++) {
		(void)snprintf(name, sizeof(name), "--%s ", o->name);
		ck_assert_msg(strstr(text, name) != NULL, "%s is missing",
		    name);
		ck_assert_ptr_nonnull(strstr(text, o->help));
		ck_assert(o->fallback == NULL || o->argument == NULL ||
		    strstr(text, o->fallback) != NULL);
	}
	/* What the text below the list says of it: options above --test have
	 * a variable, and no others. */
	for (o = confopt_table; strcmp(o->name, "test") != 0; o++)
		ck_assert_msg((o->places & CONFOPT_IN_ENV) != 0, "%s",
		    o->name);
	for (; o->name != NULL; o++)
		ck_assert_msg(o->places == 0, "%s", o->name);
	ck_assert_ptr_nonnull(strstr(text, "Every option above --test "));
	ck_assert_ptr_nonnull(strstr(text, "\n  /profiles\n  "
	    PROFILE_DIR_ADMIN "\n  " PROFILE_DIR_SHIPPED "\n"));
	for (line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") < 80 ||
		    line[strspn(line, " [")] == '/', "long: %.90s", line);
	text = printed(version, NULL);
	ck_assert_ptr_eq(strstr(text, PACKAGE_STRING "\n"), text);
	ck_assert_ptr_nonnull(strstr(text, "pcre2 10."));
}
END_TEST

START_TEST(print_summary)
{
	struct conf *c;
	const char *text;

	c = load_good("-t -r -l tcp://*:1 -l unix:///x,mode=0660,profile=two "
	    "-s /none/there --log-format json", "", GOOD);
	ck_assert_int_eq((int)c->mode, (int)CONF_TEST);
	text = printed(confprint_summary, c);
	ck_assert_ptr_nonnull(strstr(text, path("conf")));
	ck_assert_ptr_nonnull(strstr(text, "listener: tcp://*:1, profile one "
	    "(2 rules, "));
	ck_assert_ptr_nonnull(strstr(text, "listener: unix:///x mode 0660, "
	    "profile two (1 rule, "));
	ck_assert_ptr_nonnull(strstr(text, path("first/two")));
	ck_assert_ptr_nonnull(strstr(text, "/none/there (not there now)\n"));
	ck_assert_ptr_nonnull(strstr(text, "json"));
	ck_assert_ptr_nonnull(strstr(text, "\nprofile one opens:\n"
	    "  harmless      GET /_ping (line 2)\n"
	    "  harmless      GET /containers/json (line 3)\n"
	    "profile two opens:\n"));
	ck_assert_ptr_nonnull(strstr(text, "/first/two:1: warning: opens no "
	    "endpoint that is known: "));
#ifdef WITH_SANDBOX
	ck_assert_ptr_nonnull(strstr(text, "\nsandbox: trap\n"));
#else
	ck_assert_ptr_nonnull(strstr(text, "\nsandbox: off\n"));
#endif
	conf_free(c);
}
END_TEST

/* --help and --version read nothing else, so nothing else can be wrong. */
START_TEST(print_modes)
{
	static const struct {
		const char *flags;
		enum conf_mode mode;
	} rows[] = {
		{ "-h", CONF_HELP }, { "--help", CONF_HELP },
		{ "-V", CONF_VERSION }, { "--version -r", CONF_VERSION },
		{ "-Vh", CONF_HELP }, { "-h -V", CONF_HELP },
		{ "-t -V", CONF_VERSION }, { "-w 0 -h", CONF_HELP }
	};
	struct conf *c;
	int i;

	for (i = 0; i < ROWS(rows); i++) {
		c = load_good(rows[i].flags, "DSP_NONSENSE=1", "nonsense");
		ck_assert_int_eq((int)c->mode, (int)rows[i].mode);
		conf_free(c);
	}
	ck_assert_ptr_null(load("--help --nonsense", "", ""));
	/* Of several modes the least harmful. */
	c = load_good("--status -t", "", GOOD);
	ck_assert_int_eq((int)c->mode, (int)CONF_STATUS);
	conf_free(c);
	c = load_good("", "", GOOD);
	ck_assert_int_eq((int)c->mode, (int)CONF_RUN);
	conf_free(c);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("confprint");
	TCase *tc;

	tc = with_folder(s, "print");
	tcase_add_loop_test(tc, print_explain, 0, ROWS(explains));
	tcase_add_test(tc, print_usage);
	tcase_add_test(tc, print_summary);
	tcase_add_test(tc, print_modes);
	return s;
}
