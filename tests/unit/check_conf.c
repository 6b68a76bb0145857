/*
 * The configuration: every option from every source, which source wins, and the
 * profiles found.
 */
#include "config.h"

#include "conf.h"

#include "confopt.h"
#include "confunit.h"

#define SHOWN_CAP 512	/* of a value as text */

/* -- every option from every source -- */

static const char *
show_profile(const struct conf *c, char *buf)
{
	(void)snprintf(buf, SHOWN_CAP, "%s:%zu", c->profile->name,
	    c->profile->nrules);
	return buf;
}

static const char *
show_listen(const struct conf *c, char *buf)
{
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < c->nlisten; i++)
		(void)snprintf(buf + strlen(buf), SHOWN_CAP - strlen(buf),
		    "%s%s", i == 0 ? "" : " ", c->listen[i].text);
	return buf;
}

static const char *
show_clients(const struct conf *c, char *buf)
{
	size_t i;

	(void)snprintf(buf, SHOWN_CAP, "%s", c->nclients == 0 ? "none" : "");
	for (i = 0; i < c->nclients; i++)
		(void)snprintf(buf + strlen(buf), SHOWN_CAP - strlen(buf),
		    "%s%s=%s", i == 0 ? "" : " ", c->clients[i].text,
		    c->clients[i].profile->name);
	return buf;
}

static const char *
number(char *buf, long long n)
{
	(void)snprintf(buf, SHOWN_CAP, "%lld", n);
	return buf;
}

static const char *
text_or_none(const char *s)
{
	return s != NULL ? s : "none";
}

/* The value of an option in c, as text. */
static const char *
show(const struct conf *c, const char *name, char *buf)
{
	static const char *const levels[] = { "error", "warn", "info",
		"debug" };

	if (strncmp(name, "profile", 7) == 0)
		return show_profile(c, buf);
	if (strcmp(name, "listen") == 0)
		return show_listen(c, buf);
	if (strcmp(name, "authz") == 0)
		return c->listen[0].is_authz ? "yes" : "no";
	if (strcmp(name, "client") == 0)
		return show_clients(c, buf);
	if (strcmp(name, "docker-socket") == 0)
		return c->docker_socket;
	if (strcmp(name, "log-requests") == 0)
		return c->log_requests ? "yes" : "no";
	if (strcmp(name, "learn-for") == 0)
		return number(buf, c->learn_for_ms);
	if (strcmp(name, "log-level") == 0)
		return levels[c->log_level];
	if (strcmp(name, "log-format") == 0)
		return c->log_format == LOG_FORMAT_JSON ? "json" : "text";
	if (strcmp(name, "log-to") == 0)
		return c->log_to == LOG_TO_SYSLOG ? "syslog" : "stderr";
	if (strcmp(name, "workers") == 0)
		return number(buf, c->workers);
	if (strcmp(name, "max-workers") == 0)
		return number(buf, c->max_workers);
	if (strcmp(name, "max-per-client") == 0)
		return number(buf, c->max_per_client);
	if (strcmp(name, "metrics") == 0)
		return text_or_none(c->has_metrics ? c->metrics.text : NULL);
	if (strcmp(name, "head-timeout") == 0)
		return number(buf, c->head_timeout_ms);
	if (strcmp(name, "idle-timeout") == 0)
		return number(buf, c->idle_timeout_ms);
	if (strcmp(name, "stop-timeout") == 0)
		return number(buf, c->stop_timeout_ms);
	if (strcmp(name, "min-api") == 0)
		return number(buf, c->min_api);
	if (strcmp(name, "user") == 0)
		return text_or_none(c->user);
	if (strcmp(name, "group") == 0)
		return text_or_none(c->group);
	if (strcmp(name, "sandbox") == 0)
		return sandbox_mode_word(c->sandbox);
	if (strcmp(name, "daemon") == 0)
		return c->is_daemon ? "yes" : "no";
	if (strcmp(name, "pid-file") == 0)
		return text_or_none(c->pid_file);
	ck_abort_msg("no way to show %s", name);
}

/* Without the sandbox compiled in there is one value only. */
#ifdef WITH_SANDBOX
#define SANDBOX "trap"
#define SANDBOX_A "kill"
#define SANDBOX_B "log"
#else
#define SANDBOX "off"
#define SANDBOX_A "off"
#define SANDBOX_B "off"
#endif

static const struct {
	const char *name;
	const char *letter;	/* NULL: none */
	const char *fallback;	/* shown when nothing is said */
	const char *a;		/* a value, and how it is shown */
	const char *shown_a;
	const char *b;		/* another */
	const char *shown_b;
	const char *inherited;	/* an older name, or NULL */
} options[] = {
	{ "profile", "p", NULL, "one", "one:2", "two", "two:1", "PROFILE" },
	{ "profile-dir", "P", NULL, "@/first", "one:2", "@/second", "one:3",
	    NULL },
	{ "listen", "l", "tcp://localhost:2375", "unix:///a,mode=0600",
	    "unix:///a", "tcp://*:1", "tcp://*:1", NULL },
	{ "authz", NULL, "no", "yes", "yes", "no", "no", NULL },
	{ "client", NULL, "none", "10.0.0.1,profile=one", "10.0.0.1=one",
	    "uid:7,profile=one", "uid:7=one", NULL },
	{ "metrics", NULL, NULL, "unix:///a,mode=0600", "unix:///a",
	    "tcp://*:1", "tcp://*:1", NULL },
	{ "docker-socket", "s", "/var/run/docker.sock", "/a", "/a", "/b",
	    "/b", "SOCKET_PATH" },
	{ "log-requests", "r", "no", "yes", "yes", "no", "no",
	    "LOG_REQUESTS" },
	{ "learn-for", NULL, "0", "1", "1000", "86400", "86400000", NULL },
	{ "log-level", NULL, "info", "warn", "warn", "debug", "debug", NULL },
	{ "log-format", NULL, "text", "json", "json", "text", "text", NULL },
	{ "log-to", NULL, "stderr", "syslog", "syslog", "stderr", "stderr",
	    NULL },
	{ "workers", "w", "4", "1", "1", "1024", "1024", NULL },
	{ "max-workers", "m", "1024", "16384", "16384", "4", "4", NULL },
	{ "max-per-client", NULL, "0", "50", "50", "16384", "16384", NULL },
	{ "head-timeout", NULL, "10000", "1", "1000", "86400", "86400000",
	    NULL },
	{ "idle-timeout", NULL, "60000", "1", "1000", "86400", "86400000",
	    NULL },
	{ "stop-timeout", NULL, "10000", "0", "0", "86400", "86400000",
	    NULL },
	{ "min-api", NULL, "24", "1.12", "12", "1.999", "999", NULL },
	{ "user", "u", "none", "daemon", "daemon", "12", "12", NULL },
	{ "group", "g", "none", "nogroup", "nogroup", "34", "34", NULL },
	{ "sandbox", NULL, SANDBOX, SANDBOX_A, SANDBOX_A, SANDBOX_B,
	    SANDBOX_B, NULL },
	{ "daemon", "d", "no", "yes", "yes", "no", "no", NULL },
	{ "pid-file", NULL, "none", "/run/a", "/run/a", "b", "b", NULL }
};

static bool
is_switch(const char *name)
{
	return confopt_by_name(span_of(name))->argument == NULL;
}

/* "DSP_LOG_LEVEL=value" */
static const char *
variable(const char *name, const char *value)
{
	static char texts[4][512];
	static size_t turn;
	char *p;

	turn = (turn + 1) % 4;
	(void)snprintf(texts[turn], sizeof(texts[0]), "DSP_%s", name);
	for (p = texts[turn]; *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
		else if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	(void)snprintf(p, 256, "=%s", value);
	return texts[turn];
}

/* A file that says all that is required besides the option. */
static const char *
base_file(const char *name)
{
	if (strcmp(name, "profile") == 0)
		return "profile-dir @/first\n";
	if (strcmp(name, "profile-dir") == 0)
		return "profile one\n";
	return "profile-dir @/first\nprofile one\n";
}

static void
expect(const char *name, const char *flags, const char *variables,
    const char *file, const char *shown)
{
	struct conf *c;
	char buf[SHOWN_CAP];
	const char *s;

	c = load_good(flags, variables, file);
	s = show(c, name, buf);
	ck_assert_msg(strcmp(s, shown) == 0,
	    "%s: flags [%s], variables [%s], file [%s]: %s, not %s", name,
	    flags, variables, file, s, shown);
	conf_free(c);
}

START_TEST(option_from_flag)
{
	const char *name = options[_i].name, *base = base_file(name);
	const char *a = options[_i].a, *shown = options[_i].shown_a;
	const char *letter = options[_i].letter;

	if (options[_i].fallback != NULL)
		expect(name, "", "", base, options[_i].fallback);
	if (is_switch(name)) {
		expect(name, join("--", name, "", ""), "", base, shown);
		if (letter != NULL)
			expect(name, join("-", letter, "", ""), "", base,
			    shown);
		return;
	}
	expect(name, join("--", name, " ", a), "", base, shown);
	expect(name, join("--", name, "=", a), "", base, shown);
	if (letter != NULL) {
		expect(name, join("-", letter, " ", a), "", base, shown);
		expect(name, join("-", letter, a, ""), "", base, shown);
		expect(name, join("-r", letter, a, ""), "", base, shown);
	}
}
END_TEST

START_TEST(option_from_variable_and_file)
{
	const char *name = options[_i].name, *base = base_file(name);
	const char *a = options[_i].a, *b = options[_i].b;
	const char *inherited = options[_i].inherited;

	expect(name, "", variable(name, a), base, options[_i].shown_a);
	expect(name, "", variable(name, b), base, options[_i].shown_b);
	if (inherited != NULL) {
		expect(name, "", join(inherited, "=", a, ""), base,
		    options[_i].shown_a);
		/* Empty is not set. */
		expect(name, "", join(inherited, "=", "", ""),
		    join(base, name, " ", b), options[_i].shown_b);
	}
	if ((confopt_by_name(span_of(name))->places & CONFOPT_IN_FILE) == 0)
		return;
	expect(name, "", "", join(base, name, " ", a), options[_i].shown_a);
	expect(name, "", "", join(base, join("# \n\n \t", name, "\t ", b),
	    " \t\r\n", ""), options[_i].shown_b);
}
END_TEST

START_TEST(option_precedence)
{
	const char *name = options[_i].name, *base = base_file(name);
	const char *a = options[_i].a, *b = options[_i].b;
	const char *shown = options[_i].shown_a, *file;
	const char *inherited = options[_i].inherited;
	const char *flag = is_switch(name) ? join("--", name, "", "") :
	    join("--", name, " ", a);

	file = (confopt_by_name(span_of(name))->places & CONFOPT_IN_FILE) ==
	    0 ? base : join(base, name, " ", b);
	expect(name, flag, "", file, shown);
	expect(name, flag, variable(name, b), file, shown);
	expect(name, "", variable(name, a), file, shown);
	if (inherited == NULL)
		return;
	expect(name, "", join(inherited, "=", a, ""), file, shown);
	expect(name, "", join(join(inherited, "=", b, " "),
	    variable(name, a), "", ""), file, shown);
	expect(name, "", join(variable(name, a), " ", inherited,
	    join("=", b, "", "")), file, shown);
	expect(name, flag, join(inherited, "=", b, ""), file, shown);
}
END_TEST

/* Each row of the table is in the test, but for what is not a setting. */
START_TEST(option_all_tested)
{
	const struct confopt *o;
	int i, n = 0;

	for (o = confopt_table; o->name != NULL; o++)
		n += !o->is_early;
	ck_assert_int_eq(n, ROWS(options));
	for (i = 0; i < ROWS(options); i++)
		ck_assert_ptr_nonnull(confopt_by_name(
		    span_of(options[i].name)));
}
END_TEST

START_TEST(option_config)
{
	char *argv[] = { strdup("prog"), strdup("-p"), strdup("@"), NULL };
	char *envp[] = { NULL, NULL };
	struct conf *c;

	free(argv[2]);
	argv[2] = strdup(path("first/one"));
	envp[0] = strdup(join("DSP_CONFIG=", path("other"), "", ""));
	write_file("other", "workers 7\n");
	c = conf_load(3, argv, envp, report);
	ck_assert_msg(c != NULL, "%s", messages);
	ck_assert_uint_eq(c->workers, 7);
	ck_assert_str_eq(c->config_path, path("other"));
	conf_free(c);
	/* The flag, which load adds, is stronger. */
	expect("workers", "", join("DSP_CONFIG=", path("other"), "", ""),
	    "profile @/first/one\nworkers 8\n", "8");
	free(argv[0]);
	free(argv[1]);
	free(argv[2]);
	free(envp[0]);
}
END_TEST

/* A stronger source replaces the whole list of a weaker one. */
START_TEST(option_lists)
{
	static const char file[] = "profile @/first/one\nlisten tcp://a:1\n"
	    "listen tcp://b:2\n";
	static const char two[] = "profile one\nprofile-dir @/none\n"
	    "profile-dir @/second\nprofile-dir @/first";

	expect("listen", "", "", file, "tcp://a:1 tcp://b:2");
	expect("listen", "", "DSP_LISTEN=tcp://c:3", file, "tcp://c:3");
	expect("listen", "", "DSP_LISTEN=\ttcp://c:3\t\tunix:///d,mode=600\t",
	    file, "tcp://c:3 unix:///d");
	expect("listen", "-l tcp://e:5 --listen unix://@f",
	    "DSP_LISTEN=tcp://c:3", file, "tcp://e:5 unix://@f");
	expect("profile", "", "", two, "one:3");
	expect("profile", "-P @/first -P @/second", "", two, "one:2");
	expect("profile", "", "DSP_PROFILE_DIR=@/none\t@/first", two,
	    "one:2");
}
END_TEST

START_TEST(option_bools)
{
	static const struct {
		const char *word;
		const char *shown;
	} words[] = {
		{ "true", "yes" }, { "True", "yes" }, { "1", "yes" },
		{ "yes", "yes" }, { "on", "yes" }, { "ON", "yes" },
		{ "false", "no" }, { "FALSE", "no" }, { "0", "no" },
		{ "no", "no" }, { "off", "no" }, { "Off", "no" }
	};
	const char *word = words[_i].word;

	expect("log-requests", "", join("LOG_REQUESTS=", word, "", ""),
	    base_file(""), words[_i].shown);
	expect("log-requests", "", join("DSP_LOG_REQUESTS=", word, "", ""),
	    base_file(""), words[_i].shown);
	expect("log-requests", "", "", join(base_file(""), "log-requests ",
	    word, "\n"), words[_i].shown);
}
END_TEST
#define NBOOLS 12

/* off is there in every build. */
START_TEST(option_sandbox_off)
{
	expect("sandbox", "--sandbox off", "", base_file(""), "off");
	expect("sandbox", "", "DSP_SANDBOX=off", base_file(""), "off");
	expect("sandbox", "", "", join(base_file(""), "sandbox off\n", "",
	    ""), "off");
}
END_TEST

/* Which instance is asked follows from the listeners: no profile is needed,
 * nor read. */
START_TEST(option_status)
{
	struct conf *c;

	c = load_good("--status -l unix:///a -p none", "", "listen tcp://b:1");
	ck_assert_int_eq((int)c->mode, (int)CONF_STATUS);
	ck_assert_str_eq(c->listen[0].text, "unix:///a");
	ck_assert_ptr_null(c->listen[0].profile);
	conf_free(c);
	c = load_good("--status", "", "");
	ck_assert_str_eq(c->listen[0].text, "tcp://localhost:2375");
	conf_free(c);
	ck_assert_ptr_null(load("--status -l nonsense", "", ""));
}
END_TEST

/* -- profiles -- */

START_TEST(profile_search)
{
	/* The first directory wins, a path needs none. */
	expect("profile", "-p one -P @/first -P @/second", "", "", "one:2");
	expect("profile", "-p one -P @/second -P @/first", "", "", "one:3");
	expect("profile", "-p one -P @/none -P @/first/two -P @/second", "",
	    "", "one:3");
	expect("profile", "-p two -P @/second -P @/first", "", "", "two:1");
	expect("profile", "-p @/second/one -P @/first", "", "", "one:3");
	expect("profile", "-rp unprotected", "", GOOD, "unprotected:1");
}
END_TEST

START_TEST(profile_shared)
{
	struct conf *c;

	c = load_good("-l tcp://a:1 -l tcp://b:1,profile=one "
	    "-l tcp://c:1,profile=two -l tcp://d:1,profile=two "
	    "-l tcp://e:1,profile=@/second/one", "", GOOD);
	ck_assert_ptr_eq(c->listen[0].profile, c->profile);
	ck_assert_ptr_eq(c->listen[1].profile, c->profile);
	ck_assert_ptr_ne(c->listen[2].profile, c->profile);
	ck_assert_ptr_eq(c->listen[3].profile, c->listen[2].profile);
	ck_assert_str_eq(c->listen[2].profile->name, "two");
	ck_assert_str_eq(c->listen[4].profile->name, "one");
	ck_assert_uint_eq(c->listen[4].profile->nrules, 3);
	conf_free(c);
	/* No global one is needed when each listener has its own. */
	c = load_good("-l tcp://b:1,profile=@/first/one", "", "");
	ck_assert_ptr_null(c->profile);
	ck_assert_str_eq(c->listen[0].profile->name, "one");
	conf_free(c);
}
END_TEST

/* The same words give the same again, and new files are seen. */
START_TEST(profile_reload)
{
	struct conf *old, *new;
	int i;

	for (i = 0; i < 3; i++) {
		expect("profile", "-p one", "DSP_WORKERS=5", GOOD, "one:2");
		expect("workers", "-p one", "DSP_WORKERS=5", GOOD, "5");
	}
	old = load_good("", "", GOOD);
	write_file("first/one", "GET /new\n");
	new = load_good("", "", GOOD "workers 9");
	ck_assert_uint_eq(old->profile->nrules, 2);
	ck_assert_uint_eq(new->profile->nrules, 1);
	ck_assert_uint_eq(old->workers, 4);
	ck_assert_uint_eq(new->workers, 9);
	conf_free(old);
	ck_assert_uint_eq(new->profile->nrules, 1);
	ck_assert_str_eq(new->listen[0].host, "localhost");
	conf_free(new);
	conf_free(NULL);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("conf");
	TCase *tc;

	tc = with_folder(s, "option");
	tcase_add_loop_test(tc, option_from_flag, 0, ROWS(options));
	tcase_add_loop_test(tc, option_from_variable_and_file, 0,
	    ROWS(options));
	tcase_add_loop_test(tc, option_precedence, 0, ROWS(options));
	tcase_add_test(tc, option_all_tested);
	tcase_add_test(tc, option_config);
	tcase_add_test(tc, option_lists);
	tcase_add_loop_test(tc, option_bools, 0, NBOOLS);
	tcase_add_test(tc, option_sandbox_off);
	tcase_add_test(tc, option_status);
	tc = with_folder(s, "profile");
	tcase_add_test(tc, profile_search);
	tcase_add_test(tc, profile_shared);
	tcase_add_test(tc, profile_reload);
	return s;
}
