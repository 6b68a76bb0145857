/*
 * The option table, and how single values are read.  Where values come from
 * is left to confargs and conffile, listeners to conflisten, and what must
 * fit together to conf.
 */
#include "config.h"

#include "confopt.h"

#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "bounds.h"
#include "confclient.h"
#include "conflisten.h"
#include "confwork.h"

#define WORKERS_CAP	1024		/* of --workers, per listener */
#define TIMEOUT_CAP	86400		/* seconds: a day */
#define API_MINOR_MIN	12		/* 1.12: Docker 1.0 */
#define API_MINOR_CAP	999
#ifdef WITH_SANDBOX
#define SANDBOX_DEFAULT	"trap"
#else
#define SANDBOX_DEFAULT	"off"
#endif
#define NUMBER_DIGITS	9		/* more are out of any range */

bool
confopt_bool(const char *s, bool *out)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on", "0", "1" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(s, words[i]) == 0) {
			*out = i % 2 == 1;
			return true;
		}
	}
	return false;
}

static void
set_bool(struct confwork *w, const struct confopt_value *v, bool *out)
{
	if (!confopt_bool(v->text, out))
		confwork_mistake(w, "%s: must be true or false (yes, no, on, "
		    "off, 1, 0)", v->place);
}

static bool
set_number(struct confwork *w, const struct confopt_value *v, unsigned min,
    unsigned max, unsigned *out)
{
	uint64_t n;

	if (span_number(span_of(v->text), NUMBER_DIGITS, &n) && n >= min &&
	    n <= max) {
		*out = (unsigned)n;
		return true;
	}
	confwork_mistake(w, "%s: must be a whole number from %u to %u",
	    v->place, min, max);
	return false;
}

static void
set_seconds(struct confwork *w, const struct confopt_value *v, unsigned min,
    int64_t *out_ms)
{
	unsigned seconds;

	if (set_number(w, v, min, TIMEOUT_CAP, &seconds))
		*out_ms = (int64_t)seconds * 1000;
}

/* The index of the value in n words, or -1. */
static int
set_word(struct confwork *w, const struct confopt_value *v,
    const char *const *words, int n)
{
	const char *list = words[0];
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(v->text, words[i]) == 0)
			return i;
	for (i = 1; i < n; i++)
		list = confwork_format(w, "%s%s%s", list,
		    i == n - 1 ? " or " : ", ", words[i]);
	confwork_mistake(w, "%s: must be %s", v->place, list);
	return -1;
}

static void
set_config(struct confwork *w, const struct confopt_value *v)
{
	w->conf.config_path = v->text;
}

static void
set_profile(struct confwork *w, const struct confopt_value *v)
{
	w->conf.profile_name = v->text;
}

static void
set_profile_dir(struct confwork *w, const struct confopt_value *v)
{
	struct confwork_dir *dir;

	if (w->dirs_source != v->source) {
		w->dirs_source = v->source;
		w->dirs = NULL;
		w->dirs_end = &w->dirs;
	}
	dir = confwork_alloc(w, sizeof(*dir));
	dir->path = v->text;
	*w->dirs_end = dir;
	w->dirs_end = &dir->next;
}

static void
set_listen(struct confwork *w, const struct confopt_value *v)
{
	struct conf *c = &w->conf;
	struct conf_listen l;
	size_t i;

	if (w->listen_source != v->source) {
		w->listen_source = v->source;
		c->nlisten = 0;
	}
	if (!conflisten_parse(w, v, &l))
		return;
	for (i = 0; i < c->nlisten; i++) {
		if (conflisten_is_same(&c->listen[i], &l)) {
			confwork_mistake(w, "%s: this address is given twice",
			    v->place);
			return;
		}
	}
	if (c->nlisten == BOUNDS_LISTEN_CAP) {
		confwork_mistake(w, "%s: too many listeners, at most %d",
		    v->place, BOUNDS_LISTEN_CAP);
		return;
	}
	c->listen[c->nlisten++] = l;
}

static void
set_metrics(struct confwork *w, const struct confopt_value *v)
{
	if (conflisten_metrics(w, v, &w->conf.metrics))
		w->conf.has_metrics = true;
}

static void
set_docker_socket(struct confwork *w, const struct confopt_value *v)
{
	struct sockaddr_un sun;

	if (v->text[0] != '/')
		confwork_mistake(w, "%s: must be an absolute path, as in "
		    "/var/run/docker.sock", v->place);
	else if (strlen(v->text) >= sizeof(sun.sun_path))
		confwork_mistake(w, "%s: the path of a socket has at most "
		    "%zu bytes", v->place, sizeof(sun.sun_path) - 1);
	else
		w->conf.docker_socket = v->text;
}

static void
set_log_requests(struct confwork *w, const struct confopt_value *v)
{
	set_bool(w, v, &w->conf.log_requests);
}

static void
set_learn_for(struct confwork *w, const struct confopt_value *v)
{
	set_seconds(w, v, 1, &w->conf.learn_for_ms);
}

static void
set_log_level(struct confwork *w, const struct confopt_value *v)
{
	static const char *const words[] = { "error", "warn", "info",
		"debug" };
	int i = set_word(w, v, words, 4);

	if (i >= 0)
		w->conf.log_level = (enum log_level)i;
}

static void
set_log_format(struct confwork *w, const struct confopt_value *v)
{
	static const char *const words[] = { "text", "json" };
	int i = set_word(w, v, words, 2);

	if (i >= 0)
		w->conf.log_format = (enum log_format)i;
}

static void
set_log_to(struct confwork *w, const struct confopt_value *v)
{
	static const char *const words[] = { "stderr", "syslog" };
	int i = set_word(w, v, words, 2);

	if (i >= 0)
		w->conf.log_to = (enum log_to)i;
}

static void
set_sandbox(struct confwork *w, const struct confopt_value *v)
{
	static const char *const words[] = { "trap", "kill", "log", "off" };
	int i = set_word(w, v, words, 4);

	if (i < 0)
		return;
	w->conf.sandbox = (enum sandbox_mode)i;
	if (w->conf.sandbox != SANDBOX_OFF && !sandbox_is_built())
		confwork_mistake(w, "%s: this program was built without it; "
		    "only off works", v->place);
}

static void
set_workers(struct confwork *w, const struct confopt_value *v)
{
	(void)set_number(w, v, 1, WORKERS_CAP, &w->conf.workers);
}

static void
set_max_workers(struct confwork *w, const struct confopt_value *v)
{
	(void)set_number(w, v, 1, BOUNDS_WORKERS_CAP, &w->conf.max_workers);
}

static void
set_max_per_client(struct confwork *w, const struct confopt_value *v)
{
	(void)set_number(w, v, 0, BOUNDS_WORKERS_CAP,
	    &w->conf.max_per_client);
}

static void
set_head_timeout(struct confwork *w, const struct confopt_value *v)
{
	set_seconds(w, v, 1, &w->conf.head_timeout_ms);
}

static void
set_idle_timeout(struct confwork *w, const struct confopt_value *v)
{
	set_seconds(w, v, 1, &w->conf.idle_timeout_ms);
}

static void
set_stop_timeout(struct confwork *w, const struct confopt_value *v)
{
	set_seconds(w, v, 0, &w->conf.stop_timeout_ms);
}

static void
set_min_api(struct confwork *w, const struct confopt_value *v)
{
	struct span minor = span_of(v->text);
	uint64_t n;

	if (minor.len > 2 && memcmp(minor.p, "1.", 2) == 0) {
		minor.p += 2;
		minor.len -= 2;
		if (span_number(minor, 3, &n) && n >= API_MINOR_MIN) {
			w->conf.min_api = (unsigned)n;
			return;
		}
	}
	confwork_mistake(w, "%s: must be an API version from 1.%d to 1.%d",
	    v->place, API_MINOR_MIN, API_MINOR_CAP);
}

static void
set_user(struct confwork *w, const struct confopt_value *v)
{
	w->conf.user = v->text;
}

static void
set_group(struct confwork *w, const struct confopt_value *v)
{
	w->conf.group = v->text;
}

static void
set_daemon(struct confwork *w, const struct confopt_value *v)
{
	set_bool(w, v, &w->conf.is_daemon);
}

static void
set_pid_file(struct confwork *w, const struct confopt_value *v)
{
	w->conf.pid_file = v->text;
}

/* Of several modes the last in enum conf_mode wins: it does less harm. */
static void
set_mode(struct confwork *w, enum conf_mode mode)
{
	if (mode > w->conf.mode)
		w->conf.mode = mode;
}

static void
set_test(struct confwork *w, const struct confopt_value *v)
{
	(void)v; /* a switch */
	set_mode(w, CONF_TEST);
}

static void
set_explain(struct confwork *w, const struct confopt_value *v)
{
	set_mode(w, CONF_EXPLAIN);
	w->conf.explain_method = v->text;
	w->conf.explain_target = v->text2;
	w->conf.explain_log = strcmp(v->text, "--log") == 0 ? v->text2 :
	    NULL;
}

static void
set_learn(struct confwork *w, const struct confopt_value *v)
{
	set_mode(w, CONF_LEARN);
	w->conf.learn_log = v->text;
}

static void
set_keep(struct confwork *w, const struct confopt_value *v)
{
	w->conf.keep_name = v->text;
}

static void
set_status(struct confwork *w, const struct confopt_value *v)
{
	(void)v; /* a switch */
	set_mode(w, CONF_STATUS);
}

static void
set_healthcheck(struct confwork *w, const struct confopt_value *v)
{
	(void)v; /* a switch */
	set_mode(w, CONF_HEALTHCHECK);
}

static void
set_version(struct confwork *w, const struct confopt_value *v)
{
	(void)v; /* a switch */
	set_mode(w, CONF_VERSION);
}

static void
set_help(struct confwork *w, const struct confopt_value *v)
{
	(void)v; /* a switch */
	set_mode(w, CONF_HELP);
}

/* name, letter, is_list, is_early, places, argument, fallback, inherited,
 * set, help */
const struct confopt confopt_table[] = {
	{ "config", 'c', false, true, CONFOPT_IN_ENV, "FILE",
	    CONFIG_FILE, NULL, set_config,
	    "configuration file" },
	{ "profile", 'p', false, false, CONFOPT_ANYWHERE, "NAME|PATH",
	    NULL, "PROFILE", set_profile,
	    "what is allowed; required" },
	{ "profile-dir", 'P', true, false, CONFOPT_ANYWHERE, "DIR",
	    NULL, NULL, set_profile_dir,
	    "where profiles are searched; repeatable" },
	{ "listen", 'l', true, false, CONFOPT_ANYWHERE, "ADDR[,KEY=VALUE]",
	    "tcp://localhost:2375", NULL, set_listen,
	    "where clients connect; repeatable" },
	{ "authz", 0, false, false, CONFOPT_ANYWHERE, NULL,
	    "no", NULL, conflisten_authz,
	    "be dockerd's authorization plugin" },
	{ "client", 0, true, false, CONFOPT_ANYWHERE, "WHO,profile=NAME",
	    NULL, NULL, confclient_set,
	    "whose profile is another; repeatable" },
	{ "docker-socket", 's', false, false, CONFOPT_ANYWHERE, "PATH",
	    "/var/run/docker.sock", "SOCKET_PATH", set_docker_socket,
	    "the protected socket" },
	{ "log-requests", 'r', false, false, CONFOPT_ANYWHERE, NULL,
	    "no", "LOG_REQUESTS", set_log_requests,
	    "print each request as a rule" },
	{ "learn-for", 0, false, false, CONFOPT_ANYWHERE, "S",
	    NULL, NULL, set_learn_for,
	    "seconds in which all passes, logged" },
	{ "log-level", 0, false, false, CONFOPT_ANYWHERE, "LEVEL",
	    "info", NULL, set_log_level,
	    "error, warn, info or debug" },
	{ "log-format", 0, false, false, CONFOPT_ANYWHERE, "FORMAT",
	    "text", NULL, set_log_format,
	    "text or json" },
	{ "log-to", 0, false, false, CONFOPT_ANYWHERE, "WHERE",
	    "stderr", NULL, set_log_to,
	    "stderr or syslog" },
	{ "metrics", 0, false, false, CONFOPT_ANYWHERE, "ADDR[,KEY=VALUE]",
	    NULL, NULL, set_metrics,
	    "where Prometheus connects; nowhere" },
	{ "workers", 'w', false, false, CONFOPT_ANYWHERE, "N",
	    "4", NULL, set_workers,
	    "workers kept idle per listener" },
	{ "max-workers", 'm', false, false, CONFOPT_ANYWHERE, "N",
	    "1024", NULL, set_max_workers,
	    "most workers in all, 503 beyond" },
	{ "max-per-client", 0, false, false, CONFOPT_ANYWHERE, "N",
	    "0", NULL, set_max_per_client,
	    "from one address or uid; 0: no limit" },
	{ "head-timeout", 0, false, false, CONFOPT_ANYWHERE, "S",
	    "10", NULL, set_head_timeout,
	    "seconds for a whole request head" },
	{ "idle-timeout", 0, false, false, CONFOPT_ANYWHERE, "S",
	    "60", NULL, set_idle_timeout,
	    "seconds between two requests" },
	{ "stop-timeout", 0, false, false, CONFOPT_ANYWHERE, "S",
	    "10", NULL, set_stop_timeout,
	    "seconds for requests when stopping" },
	{ "min-api", 0, false, false, CONFOPT_ANYWHERE, "VERSION",
	    "1.24", NULL, set_min_api,
	    "lowest API version allowed" },
	{ "user", 'u', false, false, CONFOPT_ANYWHERE, "NAME",
	    NULL, NULL, set_user,
	    "user of workers; nobody for root" },
	{ "group", 'g', false, false, CONFOPT_ANYWHERE, "NAME",
	    NULL, NULL, set_group,
	    "group of workers; that of the user" },
	{ "sandbox", 0, false, false, CONFOPT_ANYWHERE, "MODE",
	    SANDBOX_DEFAULT, NULL, set_sandbox,
	    "trap, kill, log or off" },
	{ "daemon", 'd', false, false, CONFOPT_IN_ENV, NULL,
	    "no", NULL, set_daemon,
	    "detach from the terminal" },
	{ "pid-file", 0, false, false, CONFOPT_ANYWHERE, "FILE",
	    NULL, NULL, set_pid_file,
	    "write the process id to FILE" },
	{ "test", 't', false, true, 0, NULL, NULL, NULL, set_test,
	    "check the configuration and exit" },
	{ "explain", 'e', false, true, 0, "METHOD TARGET",
	    NULL, NULL, set_explain,
	    "which rule decides; for a log: --log FILE" },
	{ "learn", 0, false, true, 0, "[FILE]", NULL, NULL, set_learn,
	    "print a profile for a log; -: standard input" },
	{ "keep", 0, false, true, 0, "NAME|PATH", NULL, NULL, set_keep,
	    "with --learn: add to this profile" },
	{ "status", 0, false, true, 0, NULL, NULL, NULL, set_status,
	    "show what a running instance does" },
	{ "healthcheck", 0, false, true, 0, NULL, NULL, NULL, set_healthcheck,
	    "does it serve, and dockerd answer it?" },
	{ "version", 'V', false, true, 0, NULL, NULL, NULL, set_version,
	    "print version and features" },
	{ "help", 'h', false, true, 0, NULL, NULL, NULL, set_help,
	    "print this text" },
	{ .name = NULL }
};

const struct confopt *
confopt_by_name(struct span name)
{
	const struct confopt *o;

	for (o = confopt_table; o->name != NULL; o++)
		if (span_eq(span_of(o->name), name))
			return o;
	return NULL;
}

const struct confopt *
confopt_by_letter(char c)
{
	const struct confopt *o;

	for (o = confopt_table; o->name != NULL; o++)
		if (o->letter != 0 && o->letter == c)
			return o;
	return NULL;
}
