/*
 * A rule, tried out.  PCRE2 decides what matches; the strings made here are
 * used only where it says yes.
 */

#include "config.h"

#include "trial.h"

#include "expr.h"
#include "text.h"

/* From here on start takes no host configuration. */
#define SAFE_START_MINOR 24

/* So many strings must agree before something "seems" so. */
#define SAMPLES_MIN 8

static bool
ends_in(struct span s, struct span end)
{
	return s.len >= end.len && span_eq((struct span){
	    s.p + s.len - end.len, end.len }, end);
}

/* Which danger the target is, by its path. */
static unsigned
danger(const struct target *t, unsigned min_api)
{
	struct span path = t->path;

	if (t->route == TARGET_ATTACH_WS)
		return TRIAL_TERMINAL;
	if (t->route == TARGET_START && t->has_version &&
	    t->api_minor < SAFE_START_MINOR)
		return TRIAL_START |
		    (t->api_minor < min_api ? 0 : TRIAL_START_SERVED);
	if (t->has_version)
		do {
			path.p++;
			path.len--;
		} while (path.len > 0 && path.p[0] != '/');
	if (span_starts_nocase(path, SPAN("/images/")))
		return ends_in(path, SPAN("/get")) ? TRIAL_IMAGES : 0;
	if (!span_starts_nocase(path, SPAN("/containers/")))
		return 0;
	if (ends_in(path, SPAN("/archive")))
		return TRIAL_ARCHIVE;
	return ends_in(path, SPAN("/export")) ? TRIAL_EXPORT : 0;
}

/* A rule may let this pass as far as it is not always refused. */
static bool
may_allow(const struct rule *rule, const struct target *t)
{
	if (t->route == TARGET_ATTACH_WS && !rule->names_attach_ws)
		return false;
	return !t->has_slash_escape || rule->names_slash_escape;
}

/* The danger that the rule lets pass with this target. */
static unsigned
try(const struct trial *s, struct span target)
{
	struct target t;
	unsigned lets;

	if (target_parse(target, &t) != REASON_NONE)
		return 0;
	lets = danger(&t, s->min_api);
	if (lets == 0 || !may_allow(s->rule, &t) ||
	    rule_match(s->rule, &s->profile->matcher, lets & TRIAL_START ?
	    SPAN("POST") : SPAN("GET"), target) != RULE_MATCH)
		return 0;
	return lets;
}

static unsigned
try_known(const struct trial *s)
{
	static const char *const prefixes[] = { "", "/v1.24", "/v1.41" };
	static const char *const targets[] = {
		"/containers/web/archive", "/containers/web/archive?path=/etc",
		"/containers/web/export", "/images/get",
		"/images/get?names=web", "/images/web/get",
		"/containers/web/attach/ws",
		"/containers/web/attach/ws?stream=1"
	};
	unsigned lets = 0, minor;
	struct text t;
	char buf[64];
	size_t i, k;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		for (k = 0; k < sizeof(targets) / sizeof(targets[0]); k++) {
			text_init(&t, buf, sizeof(buf));
			text_str(&t, prefixes[i]);
			text_str(&t, targets[k]);
			lets |= try(s, (struct span){ buf, t.len });
		}
	for (minor = 0; minor < SAFE_START_MINOR; minor++) {
		text_init(&t, buf, sizeof(buf));
		text_str(&t, "/v1.");
		text_number(&t, minor);
		text_str(&t, "/containers/web/start");
		lets |= try(s, (struct span){ buf, t.len });
	}
	return lets;
}

/* Keep what was made if a request like it passes. */
static void
keep(struct trial *s, struct span method, struct span target)
{
	struct trial_sample *sample = &s->samples[s->nsamples];

	if (target_parse(target, &sample->target) != REASON_NONE ||
	    !may_allow(s->rule, &sample->target) ||
	    rule_match(s->rule, &s->profile->matcher, method, target) !=
	    RULE_MATCH)
		return;
	sample->method = method;
	s->nsamples++;
}

/* One string by the seed; how many there are, or 0 when none was made. */
static uint64_t
make_sample(struct trial *s, struct expr_maker *m, uint64_t seed)
{
	struct text t;
	size_t cut_at;

	m->seed = seed;
	m->count = 1;
	text_init(&t, s->samples[s->nsamples].buf, TRIAL_LEN_CAP);
	if (!expr_make(m, s->method, &t))
		return 0;
	cut_at = t.len;
	if (!expr_make(m, s->target, &t))
		return 0;
	keep(s, (struct span){ t.buf, cut_at },
	    (struct span){ t.buf + cut_at, t.len - cut_at });
	return m->count;
}

static void
make_samples(struct trial *s)
{
	struct expr_maker m = { .seed = 0 };
	uint64_t seed, count, most = 1;

	s->nsamples = 0;
	s->is_all = true;
	for (seed = 0; seed < TRIAL_SAMPLES_IN_ORDER && seed < most; seed++) {
		count = make_sample(s, &m, seed);
		most = count > most ? count : most;
		s->is_all = s->is_all && count > 0;
		if (m.is_unreadable)
			return;
	}
	s->is_all = s->is_all && seed == most;
	/* Seeds far apart: multiples of 2^64 by the golden ratio. */
	for (; !s->is_all && seed < TRIAL_SAMPLES_CAP; seed++)
		(void)make_sample(s, &m, seed * 0x9e3779b97f4a7c15u);
}

/*
 * True when the expression wide is ".*" behind what narrow begins with.
 * Groups and repeats must end where narrow is cut, and nothing may be in it
 * that only PCRE2 understands.
 */
static bool
covers_prefix(struct span wide, struct span narrow)
{
	struct expr_piece piece;
	struct span rest = narrow;
	size_t depth = 0, len;
	bool is_cut = false;

	if (!ends_in(wide, SPAN(".*")) || ends_in(wide, SPAN("\\.*")))
		return false;
	len = wide.len - 2;
	if (len > narrow.len ||
	    !span_eq((struct span){ wide.p, len },
	    (struct span){ narrow.p, len }))
		return false;
	while (expr_next(&rest, &piece)) {
		if ((size_t)(piece.text.p - narrow.p) == len)
			is_cut = depth == 0 && piece.kind != EXPR_REPEAT;
		if (piece.kind == EXPR_OTHER ||
		    (piece.kind == EXPR_BAR && depth == 0))
			return false;
		depth += piece.kind == EXPR_OPEN;
		depth -= piece.kind == EXPR_CLOSE;
	}
	return is_cut || len == narrow.len;
}

/* An expression without the "^" and "$" that change nothing. */
static struct span
without_edges(struct span s)
{
	struct expr_piece piece, last = { .kind = EXPR_BYTE };
	struct span rest;

	if (s.len > 0 && s.p[0] == '^') {
		s.p++;
		s.len--;
	}
	for (rest = s; expr_next(&rest, &piece);)
		last = piece;
	if (last.kind == EXPR_EDGE && span_eq(last.text, SPAN("$")))
		s.len--;
	return s;
}

/* Whether the earlier rule takes all that the rule would let through. */
static enum trial_result
covers(const struct trial *s, const struct rule *earlier)
{
	struct span method, target, own = without_edges(s->target);
	const struct trial_sample *sample;
	bool is_within;
	size_t i;

	if ((s->rule->names_attach_ws && !earlier->names_attach_ws) ||
	    (s->rule->names_slash_escape && !earlier->names_slash_escape))
		return TRIAL_NO;
	for (i = 0; i < s->nsamples; i++) {
		sample = &s->samples[i];
		if (rule_match(earlier, &s->profile->matcher, sample->method,
		    sample->target.whole) != RULE_MATCH)
			return TRIAL_NO;
	}
	(void)rule_cut(earlier->text, &method, &target);
	target = without_edges(target);
	is_within = span_eq(target, own) || covers_prefix(target, own) ||
	    span_eq(target, SPAN("/.*"));
	if (is_within && (span_eq(method, s->method) ||
	    (s->rule->literal.len > 0 && s->nsamples > 0)))
		return TRIAL_SURE;
	if (s->is_all && s->nsamples > 0)
		return TRIAL_SURE;
	return s->nsamples < SAMPLES_MIN ? TRIAL_NO : TRIAL_SEEMS;
}

void
trial_init(struct trial *s, const struct profile *profile,
    const struct rule *rule, unsigned min_api)
{
	s->profile = profile;
	s->rule = rule;
	s->min_api = min_api;
	(void)rule_cut(rule->text, &s->method, &s->target);
	make_samples(s);
}

unsigned
trial_dangers(const struct trial *s)
{
	unsigned lets = try_known(s);
	size_t i;

	for (i = 0; i < s->nsamples; i++)
		lets |= try(s, s->samples[i].target.whole);
	return lets;
}

enum trial_result
trial_is_old(const struct trial *s)
{
	const struct target *t;
	size_t i;

	for (i = 0; i < s->nsamples; i++) {
		t = &s->samples[i].target;
		if (!t->has_version || t->api_minor >= s->min_api)
			return TRIAL_NO;
	}
	if (s->is_all && s->nsamples > 0)
		return TRIAL_SURE;
	return s->nsamples < SAMPLES_MIN ? TRIAL_NO : TRIAL_SEEMS;
}

enum trial_result
trial_is_shadowed(const struct trial *s, const struct rule **by)
{
	const struct rule *earlier;
	enum trial_result result;

	for (earlier = s->profile->rules; earlier < s->rule; earlier++) {
		result = covers(s, earlier);
		if (result != TRIAL_NO) {
			*by = earlier;
			return result;
		}
	}
	return TRIAL_NO;
}
