/*
 * The rule nearest to a request.  PCRE2 says whether a string may be the start
 * of one that matches; when the longest such start of the target is known, it
 * is asked of each byte that could follow.
 * Source: pcre2partial(3).
 */

#include "config.h"

#include "near.h"

#include <string.h>

#include "bounds.h"
#include "text.h"

/* An expression, compiled to look at starts of strings. */
struct probe {
	pcre2_code	 *re;
	pcre2_match_data *data;
};

/* How the expression sees the start of a string. */
enum view {
	VIEW_NOTHING,
	VIEW_START,		/* more would have to follow */
	VIEW_WHOLE		/* it matches as it is */
};

static void
close_probe(struct probe *probe)
{
	pcre2_match_data_free(probe->data);
	pcre2_code_free(probe->re);
}

/* Without the anchor at the end, which does not go with partial matches:
 * "\z" stands for it. */
static bool
open_probe(struct probe *probe, struct span expression)
{
	char buf[BOUNDS_RULE_LINE_CAP + 8];
	PCRE2_SIZE offset;
	struct text t;
	int code;

	text_init(&t, buf, sizeof(buf));
	text_str(&t, "(?:");
	text_span(&t, expression);
	text_str(&t, ")\\z");
	*probe = (struct probe){ NULL, NULL };
	probe->re = pcre2_compile((PCRE2_SPTR)buf, t.len, PCRE2_ANCHORED |
	    PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &code,
	    &offset, NULL);
	probe->data = pcre2_match_data_create(1, NULL);
	if (probe->re != NULL && probe->data != NULL)
		return true;
	close_probe(probe);
	return false;
}

static enum view
look(const struct probe *probe, const struct rule_matcher *m, struct span s)
{
	int rc;

	rc = pcre2_match(probe->re, (PCRE2_SPTR)s.p, s.len, 0, 0, probe->data,
	    m->context);
	if (rc >= 0)
		return VIEW_WHOLE;
	rc = pcre2_match(probe->re, (PCRE2_SPTR)s.p, s.len, 0,
	    PCRE2_PARTIAL_HARD, probe->data, m->context);
	return rc == PCRE2_ERROR_PARTIAL ? VIEW_START : VIEW_NOTHING;
}

/* How much of the target may be the start of a match. */
static size_t
reach(const struct probe *probe, const struct rule_matcher *m,
    struct span target)
{
	size_t low = 0, high = target.len, middle;

	/* What is no start does not become one by more bytes. */
	while (low < high) {
		middle = high - (high - low) / 2;
		if (look(probe, m, (struct span){ target.p, middle }) ==
		    VIEW_NOTHING)
			high = middle - 1;
		else
			low = middle;
	}
	return low;
}

/* What could stand where the rule and the target part. */
static void
find_next(const struct probe *probe, const struct rule_matcher *m,
    struct span target, struct near *near)
{
	char buf[BOUNDS_REQUEST_LINE_CAP];
	int c;

	if (near->at >= sizeof(buf))
		return;
	memcpy(buf, target.p, near->at);
	near->may_end = look(probe, m, (struct span){ buf, near->at }) ==
	    VIEW_WHOLE;
	for (c = NEAR_FIRST; c <= NEAR_LAST; c++) {
		buf[near->at] = (char)c;
		near->may_go_on[c] = look(probe, m, (struct span){ buf,
		    near->at + 1 }) != VIEW_NOTHING;
	}
}

/* Compare one rule with the nearest so far. */
static void
try(const struct profile *p, const struct rule *rule, struct span method,
    struct span target, struct near *near)
{
	struct span its_method, its_target;
	struct probe probe, method_probe;
	struct near this = { .rule = rule };

	if (!rule_cut(rule->text, &its_method, &its_target) ||
	    !open_probe(&probe, its_target))
		return;
	this.at = reach(&probe, &p->matcher, target);
	this.takes_target = this.at == target.len &&
	    look(&probe, &p->matcher, target) == VIEW_WHOLE;
	if (open_probe(&method_probe, its_method)) {
		this.takes_method = look(&method_probe, &p->matcher, method) ==
		    VIEW_WHOLE;
		close_probe(&method_probe);
	}
	if (this.at > 0 && (near->rule == NULL || this.at > near->at ||
	    (this.at == near->at && this.takes_target > near->takes_target) ||
	    (this.at == near->at && this.takes_target == near->takes_target &&
	    this.takes_method > near->takes_method))) {
		if (!this.takes_target)
			find_next(&probe, &p->matcher, target, &this);
		*near = this;
	}
	close_probe(&probe);
}

bool
near_find(const struct profile *p, struct span method, struct span target,
    struct near *near)
{
	size_t i;

	*near = (struct near){ .rule = NULL };
	for (i = 0; i < p->nrules; i++)
		try(p, &p->rules[i], method, target, near);
	return near->rule != NULL;
}
