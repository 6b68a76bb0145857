/*
 * A profile made from a log: which requests it is for, and what is said of
 * its rules.  How they are written is left to learnrule.
 */
#include "config.h"

#include "learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "learnrule.h"
#include "learnset.h"
#include "log.h"
#include "memory.h"
#include "policy.h"
#include "reason.h"
#include "reqlog.h"
#include "route.h"
#include "target.h"

/* Bytes of a request that a comment shows, and requests without a rule that
 * are named. */
#define SHOWN_CAP	160
#define NAMED_CAP	20

/* One that is refused whatever a profile says. */
struct refused {
	const struct reqlog_entry *entry;
	enum reason	 reason;
	struct refused	*next;
};

struct learn {
	const struct conf	*conf;
	struct reqlog		 log;
	struct learnrule_list	 rules;
	struct refused		*refused, **refused_end;
	bool			 is_inline;
	size_t			 nrules;	/* of the profile so far */
	size_t			 nleft;		/* that found no room there */
	struct learnrule_line	 line;
};

/* The verdict of the kept profile, or that of none. */
static enum reason
judge(const struct learn *l, const struct reqlog_entry *e)
{
	static const struct profile none;
	const struct profile *kept = l->conf->profile;
	struct policy_request request = { .method = e->method };
	struct policy_verdict verdict;
	enum reason reason;

	if (!http_is_token(e->method))
		return REASON_METHOD;
	request.body.kind = BODY_NONE;
	reason = target_parse(e->target, &request.target);
	if (reason == REASON_NONE)
		(void)policy_decide(&request, kept == NULL ? &none : kept,
		    l->conf->min_api, &verdict);
	return reason == REASON_NONE ? verdict.reason : reason;
}

static void
refuse(struct learn *l, const struct reqlog_entry *e, enum reason reason)
{
	struct refused *r = memory_take(sizeof(*r));

	r->entry = e;
	r->reason = reason;
	*l->refused_end = r;
	l->refused_end = &r->next;
}

static void
collect(struct learn *l)
{
	const struct reqlog_entry *e;
	enum reason reason;

	for (e = l->log.first; e != NULL; e = e->next) {
		reason = judge(l, e);
		if (reason == REASON_NO_RULE)
			learnrule_add(&l->rules, e);
		else if (reason != REASON_NONE)
			refuse(l, e, reason);
	}
}

/* "GET /_ping", cut where it is long. */
static void
print_request(const struct reqlog_entry *e)
{
	char buf[SHOWN_CAP];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	text_escaped(&t, e->method);
	text_char(&t, ' ');
	text_escaped(&t, e->target);
	printf("%.*s%s", (int)t.len, buf, t.is_full ? "..." : "");
}

static void
print_refused(const struct learn *l)
{
	const struct refused *r;
	size_t n;

	if (l->refused == NULL)
		return;
	printf("#\n# Refused whatever a profile says, so there is no rule:\n");
	for (r = l->refused, n = 0; r != NULL; r = r->next, n++) {
		if (n >= NAMED_CAP)
			continue;
		printf("#   %zu x ", r->entry->count);
		print_request(r->entry);
		printf(" (%s)\n", reason_info(r->reason)->word);
	}
	if (n > NAMED_CAP)
		printf("#   and %zu more\n", n - NAMED_CAP);
}

/* What the log has and the profile has not. */
static void
print_missing(const struct learn *l)
{
	print_refused(l);
	if (l->log.ncut > 0)
		printf("#\n# %zu %s of the log %s cut short, so there is no "
		    "rule.\n", l->log.ncut, l->log.ncut == 1 ? "line" :
		    "lines", l->log.ncut == 1 ? "is" : "are");
}

/* Calls what for each rule, in the order of route_table, others behind. */
static void
for_each(struct learn *l, void (*what)(struct learn *l,
    const struct learnrule *rule))
{
	const struct learnrule *rule;
	size_t i;

	for (i = 0; i < route_count; i++)
		for (rule = l->rules.first; rule != NULL; rule = rule->next)
			if (rule->route == &route_table[i])
				what(l, rule);
	for (rule = l->rules.first; rule != NULL; rule = rule->next)
		if (rule->route == NULL)
			what(l, rule);
}

/* The line by which a profile says that it gives root away; false when there
 * is no need to. */
static bool
print_danger(const struct learn *l)
{
	const char *const begin = "# HOST ROOT: ";
	const struct learnrule *rule;
	const char *before = begin;
	size_t i;

	for (i = 0; i < route_count; i++) {
		if (route_table[i].risk != ROUTE_ROOT)
			continue;
		for (rule = l->rules.first; rule != NULL; rule = rule->next)
			if (rule->route == &route_table[i])
				break;
		if (rule == NULL)
			continue;
		printf("%s%s %s", before, route_table[i].method,
		    route_table[i].path);
		before = ", ";
	}
	if (before != begin)
		printf(".\n");
	return before != begin;
}

/* Words for what is dangerous about a rule. */
static void
print_risk(const struct route *route)
{
	static const char *const words[] = {
		[ROUTE_READS] = "READS-SECRETS",
		[ROUTE_DISRUPTS] = "DISRUPTS",
		[ROUTE_WRITES] = "WRITES-HOST",
		[ROUTE_ROOT] = "HOST-ROOT",
	};

	if (route == NULL)
		printf("ENDPOINT-NOT-KNOWN: ");
	else if (route->risk >= ROUTE_READS)
		printf("%s%s: ", words[route->risk],
		    route->calls_out ? ", CALLS-OUT" : "");
	else if (route->calls_out)
		printf("CALLS-OUT: ");
}

/* Parameters of which too much was seen to write it down. */
static void
print_wide(const struct learnrule *rule)
{
	const char *before = "# WIDE, any value of its kind: ";
	size_t i;

	for (i = 0; i < rule->query.nparams; i++) {
		if (!learnquery_is_wide(&rule->query.params[i]))
			continue;
		printf("%s%.*s", before, (int)rule->query.params[i].name.len,
		    rule->query.params[i].name.p);
		before = ", ";
	}
	if (before[0] == ',')
		printf("\n");
}

/* The line that was written; false when the profile is full. */
static bool
print_line(struct learn *l)
{
	const struct text *t = &l->line.out.text;

	if (l->nrules == BOUNDS_RULE_CAP)
		return false;
	l->nrules++;
	printf("%.*s\n", (int)t->len, t->buf);
	return true;
}

/* A rule that would be too long: many short ones instead. */
static void
print_apart(struct learn *l, const struct learnrule *rule)
{
	const struct learnrule_source *source;
	struct learnset printed;

	learnset_init(&printed);
	printf("# Too long for one rule, so there is one for each request:\n");
	for (source = rule->sources; source != NULL; source = source->next) {
		if (!learnrule_write_one(rule, source->entry, l->is_inline,
		    &l->line)) {
			printf("# Too long for a rule: ");
			print_request(source->entry);
			printf("\n");
		} else if (learnset_add(&printed, (struct span){ l->line.buf,
		    l->line.out.text.len }) && !print_line(l)) {
			l->nleft += source->entry->count;
		}
	}
	learnset_free(&printed);
}

static void
print_rule(struct learn *l, const struct learnrule *rule)
{
	if (l->nrules == BOUNDS_RULE_CAP) {
		l->nleft += rule->count;
		return;
	}
	printf("# ");
	print_risk(rule->route);
	printf("%zu x, as ", rule->count);
	print_request(rule->sources->entry);
	printf("\n");
	if (!learnrule_write(rule, l->is_inline, &l->line)) {
		print_apart(l, rule);
		return;
	}
	print_wide(rule);
	(void)print_line(l); /* there was room */
}

static bool
is_asked_path(const struct learnrule *rule, const char *path)
{
	return rule->route != NULL && strcmp(rule->route->path, path) == 0;
}

static bool
is_of_ping(const struct learnrule *rule)
{
	return is_asked_path(rule, "/_ping") || is_asked_path(rule, "/version");
}

/* What "include ping" has rules for. */
static bool
is_pinging(const struct learn *l)
{
	const struct learnrule *rule;
	bool has_ping = false, has_version = false;

	for (rule = l->rules.first; rule != NULL; rule = rule->next) {
		if (!is_of_ping(rule))
			continue;
		if (!learnrule_is_asked_plainly(rule))
			return false;
		if (is_asked_path(rule, "/_ping"))
			has_ping = true;
		else
			has_version = true;
	}
	return has_ping && has_version;
}

static void
print_unless_of_ping(struct learn *l, const struct learnrule *rule)
{
	if (!is_of_ping(rule))
		print_rule(l, rule);
}

/* Whether a rule, with or without those of ping, has a variable. */
static bool
has_variables(struct learn *l, bool has_ping)
{
	const struct learnrule *rule;

	for (rule = l->rules.first; rule != NULL; rule = rule->next) {
		if (has_ping && is_of_ping(rule))
			continue;
		(void)learnrule_write(rule, false, &l->line);
		if (l->line.out.nvars > 0)
			return true;
	}
	return false;
}

static void
print_ping(struct learn *l)
{
	const struct learnrule *rule;
	size_t count = 0;

	for (rule = l->rules.first; rule != NULL; rule = rule->next)
		if (is_of_ping(rule))
			count += rule->count;
	printf("# %zu x _ping and version\ninclude ping\n", count);
	l->nrules += 2;
}

static void
print_left(const struct learn *l)
{
	size_t n = l->nleft + l->rules.nleft;

	if (n > 0)
		printf("# %zu requests have no rule: a profile has at most %d "
		    "rules.\n", n, BOUNDS_RULE_CAP);
}

/* A profile of its own. */
static void
print_profile(struct learn *l)
{
	bool has_ping = is_pinging(l);

	if (print_danger(l))
		printf("#\n");
	printf("# Made by docker-socket-protector --learn from %zu %s.\n"
	    "# Say here what it is for, and what a malicious client could do "
	    "with it.\n"
	    "# Delete rules that are not needed, and narrow those that are "
	    "too wide.\n", l->log.nrequests,
	    l->log.nrequests == 1 ? "request" : "requests");
	print_missing(l);
	printf("\n");
	if (has_ping)
		print_ping(l);
	if (has_variables(l, has_ping))
		printf("include classes\n");
	printf("\n");
	for_each(l, has_ping ? print_unless_of_ping : print_rule);
	print_left(l);
}

/* Whether the kept profile has the variables: then rules may use them. */
static bool
includes_classes(struct span text)
{
	struct span line, word;

	while (span_next(&text, '\n', &line)) {
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		line = span_trim(line);
		if (!span_next(&line, ' ', &word) ||
		    !span_eq(word, SPAN("include")) || line.p == NULL)
			continue;
		line = span_trim(line);
		if (span_eq(line, SPAN("classes")) ||
		    span_eq(line, SPAN("ping")))
			return true;
	}
	return false;
}

/* The kept profile, and what is missing in it. */
static void
print_kept(struct learn *l)
{
	const struct span text = l->conf->keep_text;

	(void)fwrite(text.p, 1, text.len, stdout); /* main looks */
	if (l->rules.n == 0) {
		log_info("nothing is missing in profile %s",
		    l->conf->profile->name);
		return;
	}
	l->is_inline = !includes_classes(text);
	l->nrules = l->conf->profile->nrules;
	if (text.len > 0 && text.p[text.len - 1] != '\n')
		printf("\n");
	printf("\n# Added by docker-socket-protector --learn, for what is not "
	    "allowed above.\n");
	if (print_danger(l) && l->conf->profile->danger.len == 0)
		log_warn("what was added gives root on the host: its line "
		    "that says so should be the first of the profile");
	print_missing(l);
	printf("\n");
	for_each(l, print_rule);
	print_left(l);
}

/* The exit code. */
static int
print(struct learn *l)
{
	if (l->conf->profile != NULL) {
		print_kept(l);
		return 0;
	}
	if (l->rules.n > 0) {
		print_profile(l);
		return 0;
	}
	if (l->log.nrequests == 0)
		log_error("nothing to learn from: no line of the log is a "
		    "whole \"request rule:\"");
	else
		log_error("nothing to learn from: all requests of the log are "
		    "refused whatever a profile says");
	return 1;
}

static void
end(struct learn *l)
{
	struct refused *r;

	while ((r = l->refused) != NULL) {
		l->refused = r->next;
		free(r);
	}
	learnrule_free(&l->rules);
	reqlog_free(&l->log);
	free(l);
}

int
learn_run(const struct conf *conf)
{
	struct learn *l = memory_take(sizeof(*l));
	int code = 2;

	l->conf = conf;
	l->refused_end = &l->refused;
	learnrule_init(&l->rules);
	if (reqlog_read(&l->log, conf->learn_log)) {
		collect(l);
		code = print(l);
	}
	end(l);
	return code;
}
