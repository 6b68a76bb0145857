/*
 * What a profile opens.
 */

#include "config.h"

#include "survey.h"

#include <string.h>

#include "policy.h"
#include "text.h"

#define TARGET_CAP 256

/* A request to the route with names in the place of its braces. */
static struct span
make_target(char buf[TARGET_CAP], const char *version, const char *path,
    const char *name, const char *query)
{
	struct text t;

	text_init(&t, buf, TARGET_CAP);
	text_str(&t, version);
	for (; *path != '\0'; path++) {
		if (*path != '{') {
			text_char(&t, *path);
			continue;
		}
		text_str(&t, name);
		path = strchr(path, '}');
	}
	text_str(&t, query);
	return (struct span){ t.buf, t.len };
}

/* Whether the profile lets this request pass, without a body, to an endpoint
 * that there is. */
static bool
try(struct survey *s, const struct profile *p, unsigned min_api,
    struct span method, struct span target)
{
	struct policy_request request = { .method = method };
	struct policy_verdict verdict;
	const struct route *route;

	request.body.kind = BODY_NONE;
	if (target_parse(target, &request.target) != REASON_NONE ||
	    policy_decide(&request, p, min_api, &verdict) != POLICY_ALLOW)
		return false;
	route = route_find(method, &request.target);
	if (route == NULL)
		return false;
	s->is_known[verdict.rule - p->rules] = true;
	if (s->by[route - route_table] == NULL)
		s->by[route - route_table] = verdict.rule;
	return true;
}

static void
try_route(struct survey *s, const struct profile *p, unsigned min_api,
    const struct route *route)
{
	static const char *const versions[] = { "", "/v1.24", "/v1.41",
		"/v1.51" };
	static const char *const names[] = { "web", "4f66ad9a0b2e" };
	static const char *const queries[] = { "", "?x=y", "?all=1" };
	char buf[TARGET_CAP];
	size_t v, n, q;

	for (v = 0; v < sizeof(versions) / sizeof(versions[0]); v++)
		for (n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			for (q = 0; q < sizeof(queries) / sizeof(queries[0]);
			    q++)
				(void)try(s, p, min_api,
				    span_of(route->method),
				    make_target(buf, versions[v], route->path,
				    names[n], queries[q]));
}

void
survey_make(struct survey *s, const struct profile *p, unsigned min_api)
{
	const struct trial_sample *sample;
	size_t i, k;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < p->nrules; i++) {
		trial_init(&s->trial, p, &p->rules[i], min_api);
		s->is_known[i] = s->trial.nsamples == 0;
		for (k = 0; k < s->trial.nsamples; k++) {
			sample = &s->trial.samples[k];
			if (try(s, p, min_api, sample->method,
			    sample->target.whole))
				s->is_known[i] = true;
		}
	}
	for (i = 0; i < route_count; i++)
		try_route(s, p, min_api, &route_table[i]);
}
