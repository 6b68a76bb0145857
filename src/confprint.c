/*
 * What is printed of the configuration: --help, --version, --test and
 * --explain.
 */
#include "config.h"

#include "confprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"
#include "confopt.h"
#include "confpool.h"
#include "confprofile.h"
#include "confwork.h"
#include "near.h"
#include "policy.h"
#include "privs.h"
#include "reason.h"
#include "reqlog.h"
#include "route.h"
#include "survey.h"
#include "target.h"
#include "text.h"

/* Columns of --help: where the text begins, where a default that needs a
 * line of its own does, and all. */
#define USAGE_COLUMN	34
#define USAGE_INDENT	10
#define USAGE_WIDTH	80

/* Bytes of the addresses of a client; more are left out. */
#define CLIENT_CAP	2048

/* What --help says above an option: the table is in the order of these. */
static const struct {
	const char	*first;		/* name of the option below */
	const char	*text;
} headings[] = {
	{ "config", "What is protected, from whom" },
	{ "log-requests", "What is told" },
	{ "workers", "Limits" },
	{ "user", "Processes" },
	{ "test", "Instead of serving" }
};

static void
print_heading(const struct confopt *o)
{
	size_t i;

	for (i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		if (strcmp(headings[i].first, o->name) == 0)
			printf("\n%s:\n", headings[i].text);
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
confprint_usage(void)
{
	const struct confopt *o;
	size_t i;
	int n;

	printf("Usage: %s [OPTION]...\n"
	    "Let through to the Docker socket only what a profile allows.\n"
	    "Defaults are in brackets.\n", PACKAGE_NAME);
	for (o = confopt_table; o->name != NULL; o++) {
		print_heading(o);
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
confprint_version(void)
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
	if (l->only_warns)
		printf(" ONLY WARNS");
	if (l->profile == NULL) {
		printf(", no profile\n");
		return;
	}
	printf(", profile %s (%zu %s, %s)\n", l->profile->name,
	    l->profile->nrules, l->profile->nrules == 1 ? "rule" : "rules",
	    confprofile_path(w, l->profile));
}

/* Who it is, and on which kind of listener. */
static void
print_client(const struct confwork *w, const struct conf_client *c)
{
	char buf[CLIENT_CAP];
	struct text t;
	size_t i, n;

	text_init(&t, buf, sizeof(buf));
	for (i = 0; c->host != NULL && i < c->nentries; i++) {
		text_char(&t, ' ');
		allow_put(&t, &c->entries[i]);
	}
	for (i = n = 0; i < w->conf.nlisten; i++)
		n += confpool_fits(c, &w->conf.listen[i]);
	printf("client: %s%s%s%s, profile %s (%zu %s, %s)\n", c->text,
	    text_string(&t), c->nentries == 0 && c->container == NULL &&
	    c->tls_user == NULL ?
	    " NOBODY KNOWS THIS NAME" : "",
	    n > 0 ? "" : " NO LISTENER TELLS CLIENTS SO", c->profile->name,
	    c->profile->nrules, c->profile->nrules == 1 ? "rule" : "rules",
	    confprofile_path(w, c->profile));
}

static void
print_warning(void *arg, enum advice_kind kind, size_t line_no,
    const char *text)
{
	(void)kind; /* the text says it */
	printf("%s:%zu: warning: %s\n", *(const char *const *)arg, line_no,
	    text);
}

/* The endpoints of one risk that a profile opens, on lines of their own. */
static void
print_risk(const struct survey *s, enum route_risk risk)
{
	const struct route *route;
	size_t i;

	for (i = 0; i < route_count; i++) {
		route = &route_table[i];
		if (s->by[i] == NULL || route->risk != risk)
			continue;
		printf("  %-13s %s %s (line %zu)%s\n", route_risk_word(risk),
		    route->method, route->path, s->by[i]->line_no,
		    route->calls_out ? ", dockerd calls out" : "");
	}
}

/* What a profile opens, the worst first, and what looks wrong in it. */
static void
print_survey(const struct conf *conf, const struct profile *p,
    const char *path)
{
	static struct survey survey;
	size_t i;
	int risk;

	survey_make(&survey, p, conf->min_api);
	printf("profile %s opens:\n", p->name);
	for (risk = ROUTE_RISKS - 1; risk >= 0; risk--)
		print_risk(&survey, (enum route_risk)risk);
	for (i = 0; i < p->nrules; i++)
		if (!survey.is_known[i])
			printf("%s:%zu: warning: opens no endpoint that is "
			    "known: look for a slip of the pen\n", path,
			    p->rules[i].line_no);
	advice_give(p, conf->min_api, print_warning, &path);
}

/* The profiles that listeners and clients use, each once. */
static void
print_profiles(const struct conf *conf)
{
	const struct confwork *w = (const struct confwork *)conf;
	const struct profile *p;
	struct profile plain;
	size_t i, before;

	for (i = 0; i < conf->npools; i++) {
		p = conf->listen[i].profile;
		for (before = 0; before < i && p != NULL; before++)
			if (conf->listen[before].profile != NULL &&
			    conf->listen[before].profile->rules == p->rules)
				break;
		if (before < i || p == NULL)
			continue;
		plain = *p;
		plain.only_warns = false;
		print_survey(conf, &plain, confprofile_path(w, p));
	}
}

void
confprint_summary(const struct conf *conf)
{
	static const char *const levels[] = { "error", "warn", "info",
		"debug" };
	const struct confwork *w = (const struct confwork *)conf;
	size_t i;

	printf("configuration file: %s\n",
	    conf->config_path != NULL ? conf->config_path : "none");
	for (i = 0; i < conf->nlisten; i++)
		print_listener(w, &conf->listen[i]);
	for (i = 0; i < conf->nclients; i++)
		print_client(w, &conf->clients[i]);
	if (conf->nclients > 0)
		printf("all other clients: the profile of their listener\n");
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
	if (conf->learn_for_ms > 0)
		printf("LEARNING: for %" PRId64 " s every request passes and "
		    "is logged\n", conf->learn_for_ms / 1000);
	print_profiles(conf);
	if (conf->switches != NULL)
		printf("profile to keep:\n%s", conf->switches);
	printf("configuration is good\n");
}

/* The bytes that could follow, as a class. */
static void
print_class(const struct near *near)
{
	int c, end;

	printf("[");
	for (c = NEAR_FIRST; c <= NEAR_LAST; c++) {
		if (!near->may_go_on[c])
			continue;
		/* Ranges of digits or of letters only. */
		for (end = c; end < NEAR_LAST && near->may_go_on[end + 1] &&
		    span_is_alnum((char)c) &&
		    span_is_alnum((char)(end + 1)); )
			end++;
		if (end - c < 3) {
			printf("%c", c);
			continue;
		}
		printf("%c-%c", c, end);
		c = end;
	}
	printf("]");
}

/* What a rule expects where a target parts from it. */
static void
print_expected(const struct near *near)
{
	int c, n;

	for (c = NEAR_FIRST, n = 0; c <= NEAR_LAST; c++)
		n += near->may_go_on[c];
	printf("expected ");
	if (n > 1)
		print_class(near);
	for (c = NEAR_FIRST; n == 1 && c <= NEAR_LAST; c++)
		if (near->may_go_on[c])
			printf("%c", c);
	if (near->may_end)
		printf("%sthe end", n > 0 ? " or " : "");
}

/* The rule that comes nearest to a request that none allows. */
static void
print_near(const struct profile *p, struct span method, struct span target)
{
	struct near near;

	if (!near_find(p, method, target, &near)) {
		printf("no rule is like it\n");
		return;
	}
	printf("nearest %s:%zu %.*s\n", p->name, near.rule->line_no,
	    (int)near.rule->written.len, near.rule->written.p);
	if (near.takes_target) {
		printf("  it takes the target, but not the method\n");
		return;
	}
	printf("  %.*s\n  %*s^ byte %zu: ", (int)target.len, target.p,
	    (int)near.at, "", near.at + 1);
	print_expected(&near);
	printf("%s\n", near.takes_method ? "" :
	    "; nor does it take the method");
}

static void
print_denial(enum reason reason, const struct profile *p)
{
	const struct reason_info *info = reason_info(reason);
	bool has_name = reason == REASON_NO_RULE ||
	    reason == REASON_MATCH_ERROR;

	printf("deny %s: %s%s%s\n", info->word, info->text,
	    has_name ? " " : "", has_name ? p->name : "");
}

/* Judge a request without body and fields. */
static enum reason
judge(const struct conf *conf, struct policy_request *request,
    struct span method, struct span target, struct policy_verdict *verdict)
{
	enum reason reason;

	*request = (struct policy_request){ .method = method };
	request->body.kind = BODY_NONE;
	reason = target_parse(target, &request->target);
	if (reason != REASON_NONE)
		return reason;
	return policy_decide(request, conf->profile, conf->min_api,
	    verdict) == POLICY_ALLOW ? REASON_NONE : verdict->reason;
}

static void
print_rule(const struct profile *p, const struct rule *rule)
{
	printf("allow %s:%zu ", p->name, rule->line_no);
	if (rule->file != NULL)
		printf("%s:%zu ", rule->file, rule->file_line_no);
	printf("%.*s", (int)rule->written.len, rule->written.p);
}

/* All requests of a log, and their sum. */
static int
explain_log(const struct conf *conf)
{
	const struct reqlog_entry *e;
	struct policy_request request;
	struct policy_verdict verdict;
	size_t ndenied = 0;
	struct reqlog log;
	enum reason reason;
	int code;

	if (!reqlog_read(&log, conf->explain_log)) {
		reqlog_free(&log);
		return 2;
	}
	for (e = log.first; e != NULL; e = e->next) {
		reason = judge(conf, &request, e->method, e->target, &verdict);
		printf("%zu x %.*s %.*s\n    ", e->count, (int)e->method.len,
		    e->method.p, (int)e->target.len, e->target.p);
		if (reason == REASON_NONE) {
			print_rule(conf->profile, verdict.rule);
			printf("\n");
			continue;
		}
		ndenied += e->count;
		printf("deny %s\n", reason_info(reason)->word);
	}
	if (log.ncut > 0)
		printf("%zu lines of the log are cut short: not judged\n",
		    log.ncut);
	printf("%zu requests: %zu allowed, %zu denied\n", log.nrequests,
	    log.nrequests - ndenied, ndenied);
	code = ndenied > 0 || log.ncut > 0 || log.nrequests == 0;
	reqlog_free(&log);
	return code;
}

int
confprint_explain(const struct conf *conf)
{
	struct span method, target;
	struct policy_request request;
	struct policy_verdict verdict;
	enum reason reason;

	if (conf->explain_log != NULL)
		return explain_log(conf);
	method = span_of(conf->explain_method);
	target = span_of(conf->explain_target);
	reason = judge(conf, &request, method, target, &verdict);
	if (reason == REASON_NONE) {
		print_rule(conf->profile, verdict.rule);
		printf("\n");
		return 0;
	}
	print_denial(reason, conf->profile);
	if (reason == REASON_NO_RULE)
		print_near(conf->profile, method, target);
	return 1;
}
