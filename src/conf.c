/*
 * The configuration as a whole: the order of sources, what must fit
 * together, and what is printed of it.  Where values are found is the
 * business of confargs and conffile, their form that of confopt.
 */
#include "config.h"

#include "conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"
#include "confargs.h"
#include "conffile.h"
#include "conflisten.h"
#include "confopt.h"
#include "confprofile.h"
#include "confwork.h"
#include "http.h"
#include "policy.h"
#include "privs.h"
#include "reason.h"
#include "target.h"

/* The profile that allows everything. */
#define UNPROTECTED "unprotected"

/* Columns of --help: where the text begins, where a default that needs a
 * line of its own does, and all. */
#define USAGE_COLUMN	34
#define USAGE_INDENT	10
#define USAGE_WIDTH	80

/* Set what the given source said, early options only or all others. */
static void
apply(struct confwork *w, enum confopt_source source, bool is_early)
{
	const struct confopt_value *v;

	for (v = w->values; v != NULL; v = v->next)
		if (v->source == source && v->opt->is_early == is_early)
			v->opt->set(w, v);
}

static void
add_fallbacks(struct confwork *w)
{
	const struct confopt *o;

	for (o = confopt_table; o->name != NULL; o++)
		if (o->fallback != NULL)
			(void)confwork_add(w, o, CONFOPT_DEFAULT, o->fallback,
			    o->name);
}

/* Everything but --help and --version: all other sources, the weaker ones
 * first, so that a stronger one has the last word. */
static void
read_sources(struct confwork *w, char *const envp[])
{
	enum confopt_source source;

	confargs_environment(w, envp);
	apply(w, CONFOPT_DEFAULT, true);
	apply(w, CONFOPT_ENV, true);
	apply(w, CONFOPT_FLAG, true);
	conffile_load(w, w->conf.config_path,
	    strcmp(w->conf.config_path, CONFIG_FILE) == 0);
	for (source = CONFOPT_DEFAULT; source <= CONFOPT_FLAG; source++)
		apply(w, source, false);
}

static void
check_identity(struct confwork *w)
{
	const struct conf *c = &w->conf;
	uid_t uid;
	gid_t gid;

	if (c->user != NULL && !privs_user(c->user, &uid, &gid))
		confwork_mistake(w, "user %s: no such user on this machine; a "
		    "number is taken as it is", c->user);
	if (c->group != NULL && !privs_group(c->group, &gid))
		confwork_mistake(w, "group %s: no such group on this machine; "
		    "a number is taken as it is", c->group);
}

static void
check_workers(struct confwork *w)
{
	const struct conf *c = &w->conf;

	if (c->workers * c->nlisten > c->max_workers)
		confwork_mistake(w, "max-workers %u: must be at least %zu: "
		    "workers (%u) times listeners (%zu)", c->max_workers,
		    c->workers * c->nlisten, c->workers, c->nlisten);
}

static void
check_metrics(struct confwork *w)
{
	const struct conf *c = &w->conf;
	size_t i;

	for (i = 0; c->has_metrics && i < c->nlisten; i++)
		if (conflisten_is_same(&c->metrics, &c->listen[i]))
			confwork_mistake(w, "metrics %s: this is the address "
			    "of a listener", c->metrics.text);
}

static void
check_absolute(struct confwork *w, const char *what, const char *path)
{
	if (path != NULL && path[0] != '/')
		confwork_mistake(w, "%s %s: must be an absolute path with "
		    "--daemon, which leaves the working directory", what,
		    path);
}

/* The daemon works in the root directory, and a reload reads files again. */
static void
check_daemon(struct confwork *w)
{
	const struct conf *c = &w->conf;
	const struct confwork_dir *dir;
	const struct conf_listen *l;

	if (!c->is_daemon)
		return;
	check_absolute(w, "config", c->config_path);
	check_absolute(w, "pid-file", c->pid_file);
	for (dir = w->dirs; dir != NULL; dir = dir->next)
		check_absolute(w, "profile-dir", dir->path);
	if (c->profile_name != NULL && strchr(c->profile_name, '/') != NULL)
		check_absolute(w, "profile", c->profile_name);
	for (l = c->listen; l < c->listen + c->nlisten; l++)
		if (l->profile_name != NULL &&
		    strchr(l->profile_name, '/') != NULL)
			check_absolute(w, "profile", l->profile_name);
}

static void
check_explain(struct confwork *w)
{
	struct conf *c = &w->conf;
	size_t i;

	if (!http_is_token(span_of(c->explain_method)))
		confwork_mistake(w, "--explain %s: not a method, as GET is",
		    c->explain_method);
	/* One profile must decide: the global one, or what all share. */
	for (i = 0; i < c->nlisten; i++) {
		if (c->profile == NULL && c->profile_name == NULL && i == 0)
			c->profile = c->listen[0].profile;
		else if (c->profile_name == NULL &&
		    c->profile != c->listen[i].profile)
			confwork_mistake(w, "--explain: %s has a profile of "
			    "its own: say which one with --profile",
			    c->listen[i].text);
	}
}

/* The original of this program has the same rule: who opens everything must
 * at least leave a trace. */
static void
check_unprotected(struct confwork *w, const struct profile *p)
{
	if (p != NULL && strcmp(p->name, UNPROTECTED) == 0 &&
	    !w->conf.log_requests && w->conf.mode != CONF_EXPLAIN)
		confwork_mistake(w, "profile %s: allows everything, so "
		    "requests must be logged: add --log-requests (or "
		    "LOG_REQUESTS=true)", p->name);
}

static void
load_profiles(struct confwork *w)
{
	/* A mistake before this may have been in the name of the option. */
	bool may_be_missing = w->has_mistake;
	struct conf *c = &w->conf;
	struct conf_listen *l;

	if (c->profile_name != NULL)
		c->profile = confprofile_load(w, c->profile_name);
	check_unprotected(w, c->profile);
	for (l = c->listen; l < c->listen + c->nlisten; l++) {
		if (l->profile_name != NULL) {
			l->profile = confprofile_load(w, l->profile_name);
			if (l->profile != c->profile)
				check_unprotected(w, l->profile);
		} else if (c->profile_name != NULL) {
			l->profile = c->profile;
		} else if (!may_be_missing) {
			confwork_mistake(w, "no profile: say what %s allows "
			    "with --profile NAME (or PROFILE=NAME), for "
			    "example readonly", l->text);
		}
	}
}

struct conf *
conf_load(int argc, char *const argv[], char *const envp[],
    conf_report *report)
{
	struct confwork *w;

	w = confwork_new(report);
	add_fallbacks(w);
	confargs_flags(w, argc, argv);
	apply(w, CONFOPT_FLAG, true);
	if (w->conf.mode == CONF_STATUS) {
		/* Its addresses are all that is asked with. */
		read_sources(w, envp);
	} else if (w->conf.mode != CONF_HELP &&
	    w->conf.mode != CONF_VERSION) {
		read_sources(w, envp);
		load_profiles(w);
		check_identity(w);
		check_workers(w);
		check_metrics(w);
		check_daemon(w);
		if (w->conf.mode == CONF_EXPLAIN)
			check_explain(w);
	}
	if (w->has_mistake) {
		conf_free(&w->conf);
		return NULL;
	}
	return &w->conf;
}

/* Every struct conf is the head of a struct confwork. */
void
conf_free(struct conf *conf)
{
	struct confwork *w = (struct confwork *)conf;

	if (w == NULL)
		return;
	confprofile_free(w->profiles);
	confwork_free(w);
}

/* The help of one option behind the n columns of its name, and its default
 * on the same line where there is room. */
static void
print_help(const struct confopt *o, int n)
{
	bool has_default = o->fallback != NULL && o->argument != NULL;
	size_t len = USAGE_COLUMN + strlen(o->help);

	printf("%*s%s", USAGE_COLUMN - n, "", o->help);
	if (has_default && len + strlen(o->fallback) + 3 > USAGE_WIDTH)
		printf("\n%*s[%s]\n", USAGE_INDENT, "", o->fallback);
	else if (has_default)
		printf(" [%s]\n", o->fallback);
	else
		printf("\n");
}

void
conf_usage(void)
{
	const struct confopt *o;
	size_t i;
	int n;

	printf("Usage: %s [OPTION]...\n"
	    "Let through to the Docker socket only what a profile allows.\n"
	    "Defaults are in brackets.\n\n", PACKAGE_NAME);
	for (o = confopt_table; o->name != NULL; o++) {
		if (o->letter != 0)
			n = printf("  -%c, --%s", o->letter, o->name);
		else
			n = printf("      --%s", o->name);
		if (o->argument != NULL)
			n += printf(" %s", o->argument);
		print_help(o, n);
	}
	printf("\nEvery option above --test can be set in the environment "
	    "too, as DSP_NAME,\nand most in the configuration file.  See "
	    "docker-socket-protector(8).\n"
	    "Profiles are searched in\n");
	for (i = 0; confprofile_directories[i] != NULL; i++)
		printf("  %s\n", confprofile_directories[i]);
}

void
conf_version(void)
{
	char pcre2[64] = "unknown";

	if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= (int)sizeof(pcre2))
		(void)pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
	printf("%s\n", PACKAGE_STRING);
	printf("features: pcre2 %s, %s, %s, %s\n", pcre2,
	    rule_has_jit() ? "jit" : "no jit",
	    sandbox_is_built() ? "sandbox" : "no sandbox",
	    privs_has_limits() ? "resource limits" : "no resource limits");
}

static void
print_listener(const struct confwork *w, const struct conf_listen *l)
{
	printf("listener: %s", l->text);
	if (l->kind == CONF_UNIX)
		printf(" mode %04o", (unsigned)l->mode);
	printf(", profile %s (%zu %s, %s)\n", l->profile->name,
	    l->profile->nrules, l->profile->nrules == 1 ? "rule" : "rules",
	    confprofile_path(w, l->profile));
}

static void
print_warning(void *arg, enum advice_kind kind, size_t line_no,
    const char *text)
{
	(void)kind; /* the text says it */
	printf("%s:%zu: warning: %s\n", *(const char *const *)arg, line_no,
	    text);
}

/* Of the profiles that listeners use, each once. */
static void
print_advice(const struct conf *conf)
{
	const struct confwork *w = (const struct confwork *)conf;
	const char *path;
	size_t i, before;

	for (i = 0; i < conf->nlisten; i++) {
		for (before = 0; before < i; before++)
			if (conf->listen[before].profile ==
			    conf->listen[i].profile)
				break;
		if (before < i)
			continue;
		path = confprofile_path(w, conf->listen[i].profile);
		advice_give(conf->listen[i].profile, conf->min_api,
		    print_warning, &path);
	}
}

void
conf_summary(const struct conf *conf)
{
	static const char *const levels[] = { "error", "warn", "info",
		"debug" };
	const struct confwork *w = (const struct confwork *)conf;
	size_t i;

	printf("configuration file: %s\n",
	    conf->config_path != NULL ? conf->config_path : "none");
	for (i = 0; i < conf->nlisten; i++)
		print_listener(w, &conf->listen[i]);
	printf("docker socket: %s%s\n", conf->docker_socket,
	    access(conf->docker_socket, F_OK) == 0 ? "" : " (not there now)");
	if (conf->has_metrics)
		printf("metrics: %s\n", conf->metrics.text);
	printf("workers: %u idle per listener, at most %u in all\n",
	    conf->workers, conf->max_workers);
	if (conf->max_per_client > 0)
		printf("connections: at most %u from one client\n",
		    conf->max_per_client);
	printf("timeouts: head %" PRId64 " s, idle %" PRId64 " s, stop %"
	    PRId64 " s\n", conf->head_timeout_ms / 1000,
	    conf->idle_timeout_ms / 1000, conf->stop_timeout_ms / 1000);
	printf("sandbox: %s\n", sandbox_mode_word(conf->sandbox));
	printf("lowest API version: 1.%u\n", conf->min_api);
	printf("log: %s, %s, to %s; requests are %slogged\n",
	    levels[conf->log_level],
	    conf->log_format == LOG_FORMAT_JSON ? "json" : "text",
	    conf->log_to == LOG_TO_SYSLOG ? "syslog" : "stderr",
	    conf->log_requests ? "" : "not ");
	print_advice(conf);
	printf("configuration is good\n");
}

static int
print_denial(enum reason reason, const struct profile *p)
{
	const struct reason_info *info = reason_info(reason);
	bool has_name = reason == REASON_NO_RULE ||
	    reason == REASON_MATCH_ERROR;

	printf("deny %s: %s%s%s\n", info->word, info->text,
	    has_name ? " " : "", has_name ? p->name : "");
	return 1;
}

int
conf_explain(const struct conf *conf)
{
	struct policy_request request = { .body = { .kind = BODY_NONE } };
	struct policy_verdict verdict;
	enum reason reason;

	request.method = span_of(conf->explain_method);
	reason = target_parse(span_of(conf->explain_target), &request.target);
	if (reason != REASON_NONE)
		return print_denial(reason, conf->profile);
	if (policy_decide(&request, conf->profile, conf->min_api, &verdict) !=
	    POLICY_ALLOW)
		return print_denial(verdict.reason, conf->profile);
	printf("allow %s:%zu ", conf->profile->name, verdict.rule->line_no);
	if (verdict.rule->file != NULL)
		printf("%s:%zu ", verdict.rule->file,
		    verdict.rule->file_line_no);
	printf("%.*s\n", (int)verdict.rule->written.len,
	    verdict.rule->written.p);
	return 0;
}
