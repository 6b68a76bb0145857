/*
 * What is said about mistakes in flags, variables, configuration file and
 * profiles.
 */
#include "config.h"

#include "confwork.h"

#include "confunit.h"

static const struct {
	const char *flags;
	const char *variables;
	const char *file;
	const char *expect;	/* a whole message; "*" at its end: begins */
} mistakes[] = {
	/* unknown words */
	{ "--profil one", "", GOOD,
	    "unknown option --profil: did you mean --profile?" },
	{ "--profil=one", "", GOOD,
	    "unknown option --profil: did you mean --profile?" },
	{ "--worker 3", "", GOOD,
	    "unknown option --worker: did you mean --workers?" },
	{ "--zzzzzzzzzzzz", "", GOOD,
	    "unknown option --zzzzzzzzzzzz: the nearest known one is --*" },
	{ "--sandbax off", "", GOOD,
	    "unknown option --sandbax: did you mean --sandbox?" },
	{ "-x", "", GOOD, "unknown option -x: --help lists all" },
	{ "-rx", "", GOOD, "unknown option -x: --help lists all" },
	{ "--a\nb", "", GOOD, "unknown option --a?b: *" },
	{ "", "DSP_PROFIL=x", GOOD,
	    "unknown variable DSP_PROFIL: did you mean DSP_PROFILE?" },
	{ "", "DSP_DOCKERSOCKET=x", GOOD, "unknown variable DSP_DOCKERSOCKET:"
	    " did you mean DSP_DOCKER_SOCKET?" },
	{ "", "DSP_=x", GOOD, "unknown variable DSP_: *" },
	{ "", "", GOOD "idel-timeout 3", "@/conf:3: unknown word "
	    "idel-timeout: did you mean idle-timeout?" },
	{ "", "", GOOD "workers=3", "@/conf:3: unknown word workers=3: did "
	    "you mean workers?" },
	{ "-l unix:///a,mod=1", "", GOOD, "-l unix:///a,mod=1: unknown key "
	    "mod: did you mean mode?" },
	/* the wrong place */
	{ "stray", "", GOOD, "unexpected argument stray: *" },
	{ "-", "", GOOD, "unexpected argument -: *" },
	{ "-- -r", "", GOOD, "unexpected argument -r: *" },
	{ "", "DSP_TEST=1", GOOD, "DSP_TEST: only a flag can say this: "
	    "--test" },
	{ "", "DSP_STATUS=1", GOOD, "DSP_STATUS: only a flag can say this: "
	    "--status" },
	{ "", "DSP_HELP=", GOOD, "DSP_HELP: only a flag can say this: "
	    "--help" },
	{ "", "", GOOD "daemon yes", "@/conf:3: daemon has no place in this "
	    "file: use the flag --daemon" },
	{ "", "", GOOD "config /x", "@/conf:3: config has no place in this "
	    "file: *" },
	{ "", "", GOOD "explain GET /x", "@/conf:3: explain has no place in "
	    "this file: *" },
	{ "", "", GOOD "workers 3\nworkers 3", "@/conf:4: workers is given "
	    "twice in this file" },
	/* values missing or too many */
	{ "--workers", "", GOOD, "--workers: needs an argument: N" },
	{ "-w", "", GOOD, "-w: needs an argument: N" },
	{ "-e GET", "", GOOD, "-e: needs an argument: METHOD TARGET" },
	{ "--explain", "", GOOD, "--explain: needs an argument: METHOD "
	    "TARGET" },
	{ "--log-requests=yes", "", GOOD, "--log-requests: takes no value" },
	{ "--workers=", "", GOOD, "--workers : the value is empty" },
	{ "", "DSP_PROFILE=", GOOD, "DSP_PROFILE=: the value is empty" },
	{ "", "DSP_LISTEN=\t", GOOD, "DSP_LISTEN=: the value is empty" },
	{ "", "", GOOD "workers", "@/conf:3: workers: the value is missing: "
	    "N" },
	{ "", "", GOOD "log-requests ", "@/conf:3: log-requests: the value "
	    "is missing: yes or no" },
	/* values out of range */
	{ "-w 0", "", GOOD, "-w 0: must be a whole number from 1 to 1024" },
	{ "-w 1025", "", GOOD, "-w 1025: must be a whole number from 1 to "
	    "1024" },
	{ "", "DSP_WORKERS=1e3", GOOD, "DSP_WORKERS=1e3: must be a whole "
	    "number from 1 to 1024" },
	{ "-w -1", "", GOOD, "-w -1: must be *" },
	{ "-w 4294967297", "", GOOD, "-w 4294967297: must be *" },
	{ "-w 99999999999999999999", "", GOOD, "-w 9999*" },
	{ "-m 0", "", GOOD, "-m 0: must be a whole number from 1 to 16384" },
	{ "-m 16385", "", GOOD, "-m 16385: must be *" },
	{ "-m 3", "", GOOD, "max-workers 3: must be at least 4: workers (4) "
	    "times listeners (1)" },
	{ "-m 7 -l tcp://a:1 -l tcp://b:1", "", GOOD, "max-workers 7: must "
	    "be at least 8: workers (4) times listeners (2)" },
	{ "--head-timeout 0", "", GOOD, "--head-timeout 0: must be a whole "
	    "number from 1 to 86400" },
	{ "--idle-timeout 0", "", GOOD, "--idle-timeout 0: must be *" },
	{ "--idle-timeout 86401", "", GOOD, "--idle-timeout 86401: *" },
	{ "--learn-for 0", "", GOOD, "--learn-for 0: must be a whole number "
	    "from 1 to 86400" },
	{ "", "DSP_LEARN_FOR=86401", GOOD, "DSP_LEARN_FOR=86401: must be *" },
	{ "--stop-timeout 1s", "", GOOD, "--stop-timeout 1s: must be a whole "
	    "number from 0 to 86400" },
	{ "", "", GOOD "min-api 1.11", "@/conf:3: min-api 1.11: must be an "
	    "API version from 1.12 to 1.999" },
	{ "--min-api 1.1000", "", GOOD, "--min-api 1.1000: *" },
	{ "--min-api 1.", "", GOOD, "--min-api 1.: *" },
	{ "--min-api 1.024", "", GOOD, "--min-api 1.024: *" },
	{ "--min-api 24", "", GOOD, "--min-api 24: *" },
	{ "--min-api v1.24", "", GOOD, "--min-api v1.24: *" },
	{ "--log-level inof", "", GOOD, "--log-level inof: must be error, "
	    "warn, info or debug" },
	{ "--log-format xml", "", GOOD, "--log-format xml: must be text or "
	    "json" },
	{ "--log-to file", "", GOOD, "--log-to file: must be stderr or "
	    "syslog" },
	{ "--sandbox on", "", GOOD, "--sandbox on: must be trap, kill, log "
	    "or off" },
#ifndef WITH_SANDBOX
	{ "--sandbox trap", "", GOOD, "--sandbox trap: this program was built "
	    "without it; only off works" },
#endif
	{ "", "LOG_REQUESTS=maybe", GOOD, "LOG_REQUESTS=maybe: must be true "
	    "or false *" },
	{ "-s docker.sock", "", GOOD, "-s docker.sock: must be an absolute "
	    "path, *" },
	{ "-s unix:///x", "", GOOD, "-s unix:///x: must be an absolute *" },
	{ "--user no-such-user", "", GOOD, "user no-such-user: no such user "
	    "on this machine*" },
	{ "", "DSP_GROUP=no-such-group", GOOD, "group no-such-group: no such "
	    "group on this machine*" },
	/* a value that a stronger source replaces is still wrong */
	{ "-w 3", "", GOOD "workers x", "@/conf:3: workers x: must be *" },
	/* profiles */
	{ "", "", "", "no profile: say what tcp://localhost:2375 allows with "
	    "--profile NAME *" },
	{ "-l tcp://a:1,profile=@/first/one -l tcp://b:2", "", "",
	    "no profile: say what tcp://b:2 allows *" },
	{ "", "", "profile-dir @/first\nprofile-dir @/second\nprofile twos",
	    "no profile twos in @/first, @/second: did you mean two?" },
	{ "", "", "profile-dir @/none\nprofile one",
	    "no profile one in @/none: there is no profile at all" },
	/* an open time needs none, but what --explain is asked about does,
	 * and so does what follows it have to be right */
	{ "--learn-for 5 -e GET /x", "", "", "no profile: say what *" },
	{ "--learn-for 5 -p unprotected", "", GOOD, "profile unprotected: "
	    "allows everything, *" },
	{ "--learn-for 5 -p twos", "", GOOD, "no profile twos in *" },
	{ "-p .one", "", GOOD, "profile .one: a name must not start *" },
	{ "-p @/first/none", "", "", "cannot open @/first/none: No such "
	    "file or directory" },
	{ "-p folder", "", GOOD, "cannot read @/first/folder: Is a "
	    "directory" },
	{ "-p @/first/", "", "", "cannot read @/first/: Is a directory" },
	{ "-p empty", "", GOOD, "@/first/empty: *" },
	{ "-p unprotected", "", GOOD, "profile unprotected: allows "
	    "everything, so requests must be logged: add --log-requests *" },
	{ "-l tcp://a:1,profile=unprotected", "", GOOD, "profile "
	    "unprotected: allows everything, *" },
	/* a daemon works in the root directory */
	{ "-d --pid-file run/pid", "", GOOD, "pid-file run/pid: must be an "
	    "absolute path with --daemon, *" },
	{ "-d", "", "profile-dir x\nprofile @/first/one", "profile-dir x: "
	    "must be an absolute path with --daemon, *" },
	/* explain */
	{ "-e P@T /x", "", GOOD, "--explain P@T: not a method, *" },
	{ "-e GET /x -l tcp://a:1,profile=one -l tcp://b:1,profile=two", "",
	    "profile-dir @/first", "--explain: tcp://b:1 has a profile of "
	    "its own: say which one with --profile" }
};

/* "@/" in text is the folder. */
static const char *
expanded(const char *text)
{
	static char out[2048];
	size_t used = 0;

	for (; *text != '\0'; text++)
		if (*text == '@' && text[1] == '/')
			used += (size_t)snprintf(out + used, sizeof(dir),
			    "%s", dir);
		else
			out[used++] = *text;
	out[used] = '\0';
	return out;
}

START_TEST(mistake_is_told)
{
	const char *expected = expanded(mistakes[_i].expect);
	size_t len = strlen(expected);
	struct conf *c;
	bool is_told;

	c = load(mistakes[_i].flags, mistakes[_i].variables,
	    mistakes[_i].file);
	ck_assert_msg(c == NULL, "accepted: %s", expected);
	if (expected[len - 1] == '*')
		is_told = strncmp(messages, expected, len - 1) == 0;
	else
		is_told = strncmp(messages, expected, len) == 0 &&
		    messages[len] == '\n';
	ck_assert_msg(is_told, "expected: %s\ntold: %s", expected, messages);
	ck_assert_msg(nmessages == 1, "more than one message: %s", messages);
}
END_TEST

START_TEST(mistake_every_one)
{
	ck_assert_ptr_null(load("--profil one -w 0 -l tcp://x",
	    "DSP_NONE=1 LOG_REQUESTS=2",
	    "nonsense\nworkers 0\nlisten unix:///a,mode=9,mode=8,x=1\n"
	    "profile @/first/one\n"));
	ck_assert_msg(nmessages == 10, "%d messages: %s", nmessages,
	    messages);
}
END_TEST

/* All wrong lines, with file and line; a profile named twice is told once. */
START_TEST(mistake_profile_lines)
{
	static const int lines[] = { 2, 3, 5 };
	char start[256];
	size_t i;

	ck_assert_ptr_null(load("-p wrong -l tcp://a:1,profile=wrong", "",
	    "profile-dir @/first"));
	ck_assert_msg(nmessages == 3, "%s", messages);
	for (i = 0; i < 3; i++) {
		(void)snprintf(start, sizeof(start), "%s/first/wrong:%d: ",
		    dir, lines[i]);
		ck_assert_msg(strstr(messages, start) != NULL,
		    "%s: not in: %s", start, messages);
	}
	ck_assert_ptr_nonnull(strstr(messages, ": (( /b\n"));
}
END_TEST

/* What is included: named in its own place, and in the profile's. */
START_TEST(mistake_included)
{
	write_file("first/one", "GET /a\ninclude none\ninclude wrong\n"
	    "GET /{Y}\n");
	ck_assert_ptr_null(load("-p one", "", "profile-dir @/first"));
	ck_assert_msg(nmessages == 6, "%s", messages);
	ck_assert_ptr_nonnull(strstr(messages, "no profile none in "));
	ck_assert_ptr_nonnull(strstr(messages,
	    "/first/one:2: cannot be included: include none\n"));
	ck_assert_ptr_nonnull(strstr(messages, "/first/wrong:2: "));
	ck_assert_ptr_nonnull(strstr(messages, "/first/wrong:3: "));
	ck_assert_ptr_nonnull(strstr(messages, "/first/wrong:5: "));
	ck_assert_ptr_nonnull(strstr(messages, "/first/one:4: no variable Y "
	    "is defined above (a brace is written \\{): GET /{Y}\n"));
}
END_TEST

START_TEST(mistake_config_file)
{
	char *argv[] = { strdup("prog"), strdup("-p"),
		strdup(path("first/one")), strdup("-c"), NULL, NULL };
	char *envp[] = { NULL };
	int i;

	argv[4] = strdup(path("absent"));
	messages[0] = '\0';
	ck_assert_ptr_null(conf_load(5, argv, envp, report));
	ck_assert_str_eq(messages, join("cannot open ", path("absent"),
	    ": No such file or directory\n", ""));
	free(argv[4]);
	argv[4] = strdup(path("first"));
	messages[0] = '\0';
	ck_assert_ptr_null(conf_load(5, argv, envp, report));
	ck_assert_str_eq(messages, join("cannot read ", path("first"),
	    ": Is a directory\n", ""));
	free(argv[4]);
	argv[4] = strdup(path("binary"));
	write_bytes("binary", "workers 4\0\n", 11);
	messages[0] = '\0';
	ck_assert_ptr_null(conf_load(5, argv, envp, report));
	ck_assert_str_eq(messages, join(path("binary"),
	    ":1: a NUL byte: this is not a text file\n", "", ""));
	for (i = 0; i < 5; i++)
		free(argv[i]);
}
END_TEST

/* A file at the limit is read, one beyond is not. */
START_TEST(mistake_profile_size)
{
	static const char rule[] = "GET /a\n";
	char *text = unit_fill('#', BOUNDS_PROFILE_CAP + 1);

	memcpy(text, rule, strlen(rule));
	write_bytes("first/large", text, BOUNDS_PROFILE_CAP);
	conf_free(load_good("-p large", "", GOOD));
	write_bytes("first/large", text, BOUNDS_PROFILE_CAP + 1);
	ck_assert_ptr_null(load("-p large", "", GOOD));
	ck_assert_msg(strstr(messages, "first/large: too large, at most "
	    "1048576 bytes\n") != NULL, "%s", messages);
	ck_assert_int_eq(nmessages, 1);
	free(text);
}
END_TEST

START_TEST(mistake_too_many_listeners)
{
	char file[4096];
	int i, used = 0;

	for (i = 1; i <= BOUNDS_LISTEN_CAP; i++)
		used += snprintf(file + used, sizeof(file) - (size_t)used,
		    "listen tcp://*:%d\n", i);
	(void)snprintf(file + used, sizeof(file) - (size_t)used,
	    "profile @/first/one\n");
	conf_free(load_good("", "", file));
	(void)snprintf(file + used, sizeof(file) - (size_t)used,
	    "profile @/first/one\nlisten tcp://*:9999\n");
	ck_assert_ptr_null(load("", "", file));
	ck_assert_msg(strstr(messages, "listen tcp://*:9999: too many "
	    "listeners, at most 32\n") != NULL, "%s", messages);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("confwork");
	TCase *tc;

	tc = with_folder(s, "mistake");
	tcase_add_loop_test(tc, mistake_is_told, 0, ROWS(mistakes));
	tcase_add_test(tc, mistake_every_one);
	tcase_add_test(tc, mistake_profile_lines);
	tcase_add_test(tc, mistake_included);
	tcase_add_test(tc, mistake_config_file);
	tcase_add_test(tc, mistake_profile_size);
	tcase_add_test(tc, mistake_too_many_listeners);
	return s;
}
