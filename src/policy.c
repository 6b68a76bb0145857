/*
 * The verdict.  Whatever is not allowed here is denied.
 */

#include "config.h"

#include "policy.h"

#include "bounds.h"

/*
 * A form body: dockerd merges it into the query, and it wins.  Everything
 * that starts like one counts, so that no odd parameter makes a difference.
 */
static bool
is_form(const struct policy_request *r)
{
	struct span type;

	if (r->body.kind == BODY_NONE || r->content_type.p == NULL)
		return false;
	type = span_trim(r->content_type);
	return span_starts_nocase(type,
	    SPAN("application/x-www-form-urlencoded")) ||
	    span_starts_nocase(type, SPAN("multipart/"));
}

/* A body on start, larger than an empty JSON object: old daemons take a
 * host configuration from it. */
static bool
is_start_with_body(const struct policy_request *r)
{
	if (r->target.route != TARGET_START || r->body.kind == BODY_NONE)
		return false;
	return r->body.kind != BODY_LENGTH ||
	    r->body.left > BOUNDS_START_BODY_CAP;
}

/* What is refused whatever the profile says. */
static enum reason
always_refused(const struct policy_request *r, unsigned min_api)
{
	if (r->target.has_version && r->target.api_minor < min_api)
		return REASON_MIN_API;
	if (r->is_browser)
		return REASON_BROWSER;
	if (is_form(r))
		return REASON_FORM_BODY;
	if (is_start_with_body(r))
		return REASON_START_BODY;
	return REASON_NONE;
}

/* Two things pass only by a rule that names them literally. */
static bool
may_allow(const struct rule *rule, const struct target *t)
{
	if (t->route == TARGET_ATTACH_WS && !rule->names_attach_ws)
		return false;
	return !t->has_slash_escape || rule->names_slash_escape;
}

/* How much time the rules have taken so far. */
struct budget {
	const struct rule_matcher *m;
	uint64_t	began_us;	/* when first looked at */
	size_t		bytes;		/* tried since the last look */
};

/* Count a try of so many bytes; true when the time is used up. */
static bool
is_spent(struct budget *b, size_t bytes)
{
	uint64_t now;

	b->bytes += bytes;
	if (b->m->cpu_us == NULL || b->bytes < BOUNDS_VERDICT_LOOK)
		return false;
	b->bytes = 0;
	now = b->m->cpu_us();
	if (b->began_us == 0)
		b->began_us = now;
	return now - b->began_us > BOUNDS_VERDICT_US;
}

enum policy_result
policy_decide(const struct policy_request *request,
    const struct profile *profile, unsigned min_api,
    struct policy_verdict *verdict)
{
	struct budget budget = { &profile->matcher, 0, 0 };
	const struct rule *rule;
	enum rule_result result;
	size_t i;

	*verdict = (struct policy_verdict){ .result = POLICY_DENY };
	verdict->reason = always_refused(request, min_api);
	if (verdict->reason != REASON_NONE)
		return POLICY_DENY;
	verdict->reason = REASON_NO_RULE;
	for (i = 0; i < profile->nrules; i++) {
		rule = &profile->rules[i];
		if (!may_allow(rule, &request->target))
			continue;
		result = rule_match(rule, &profile->matcher, request->method,
		    request->target.whole);
		if (result == RULE_NO_MATCH &&
		    is_spent(&budget, request->target.whole.len))
			result = RULE_ERROR;
		if (result == RULE_NO_MATCH)
			continue;
		verdict->rule = rule;
		verdict->reason = REASON_MATCH_ERROR;
		if (result == RULE_MATCH) {
			verdict->reason = REASON_NONE;
			verdict->result = POLICY_ALLOW;
		}
		return verdict->result;
	}
	if (profile->only_warns &&
	    may_allow(&profile->fallback, &request->target)) {
		verdict->rule = &profile->fallback;
		verdict->reason = REASON_NONE;
		verdict->result = POLICY_ALLOW;
	}
	return verdict->result;
}

/* Host without its port: an address, or a name without a dot. */
static bool
is_plain_host(struct span host)
{
	bool has_dot, is_number;
	size_t i;

	if (host.len > 0 && host.p[0] == '[')
		return true;
	has_dot = false;
	is_number = true;
	for (i = 0; i < host.len && host.p[i] != ':'; i++) {
		if (host.p[i] == '.')
			has_dot = true;
		else if (!span_is_digit(host.p[i]))
			is_number = false;
		if (host.p[i] == '%')
			return false;	/* may hide a dot */
	}
	return i > 0 && (!has_dot || is_number);
}

bool
policy_is_browser(const struct http_head *head)
{
	size_t i;
	bool is_marked;

	is_marked = http_count(head, SPAN("Origin")) > 0;
	for (i = 0; i < head->nfields && !is_marked; i++)
		is_marked = span_starts_nocase(head->fields[i].name,
		    SPAN("Sec-Fetch-"));
	if (!is_marked)
		return false;
	return http_count(head, SPAN("X-Forwarded-For")) == 0 ||
	    !is_plain_host(http_field(head, SPAN("Host")));
}
