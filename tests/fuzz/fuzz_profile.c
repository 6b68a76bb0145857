/* Profiles: wrong lines are told, and no rule that was taken matches more
 * than whole strings. */

#include "config.h"

#include "fuzz.h"

#include "advice.h"
#include "profile.h"

#define RULES_CAP 64

static size_t nreports;
static char kept[RULES_CAP * BOUNDS_RULE_LINE_CAP];
static size_t kept_len;

static void
count(void *arg, const char *file, size_t line_no, const char *what,
    struct span line)
{
	(void)arg, (void)file, (void)line_no, (void)line;
	LAW(what[0] != '\0');
	nreports++;
}

/* Any fragment is one of two, and the second includes it all again. */
static bool
fetch(void *arg, struct span name, const char **file, struct span *text)
{
	(void)arg;
	if (name.len == 0 || name.p[0] == 'x')
		return false;
	*file = name.p[0] == 'a' ? "a" : "b";
	*text = name.p[0] == 'a' ? SPAN("define A a|b\ninclude b\nGET /{A}\n") :
	    SPAN("include a\ndefine B {A}+\n");
	return true;
}

static const char *
keep(void *arg, struct span s)
{
	char *p;

	(void)arg;
	LAW(s.len > 0 && s.len <= BOUNDS_RULE_LINE_CAP);
	if (s.len > sizeof(kept) - kept_len)
		return NULL;
	p = memcpy(kept + kept_len, s.p, s.len);
	kept_len += s.len;
	return p;
}

/* Of --test: any rule that loads can be looked at. */
static void
check_advice(void *arg, enum advice_kind kind, size_t line_no,
    const char *text)
{
	size_t i;

	(void)arg, (void)kind;
	LAW(line_no > 0 && strstr(text, ": ") != NULL &&
	    strlen(text) < ADVICE_TEXT_CAP - 1);
	for (i = 0; text[i] != '\0'; i++)
		LAW(text[i] >= ' ' && text[i] <= '~');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rule rules[RULES_CAP];
	struct profile p = { .rules = rules, .rules_cap = RULES_CAP };
	const struct profile_reader reader = { NULL, count, fetch, keep };
	size_t i;

	nreports = kept_len = 0;
	if (profile_parse(&p, (struct span){ (const char *)data, size },
	    &reader))
		LAW(p.nrules > 0 && nreports == 0);
	else
		LAW(nreports > 0);
	LAW(p.nrules <= RULES_CAP);
	for (i = 0; i < p.nrules; i++) {
		LAW(rules[i].text.len <= BOUNDS_RULE_LINE_CAP);
		LAW(i == 0 || rules[i].line_no > rules[i - 1].line_no ||
		    rules[i].file != NULL);
		/* Only classes, escapes and options reach a newline. */
		LAW(rule_match(&rules[i], &p.matcher, SPAN("GET"),
		    SPAN("/v1.41/containers/json?all=1\n")) != RULE_MATCH ||
		    span_has(rules[i].text, SPAN("\\")) ||
		    span_has(rules[i].text, SPAN("[")) ||
		    span_has(rules[i].text, SPAN("(")));
	}
	if (nreports == 0 && p.nrules <= 8)
		advice_give(&p, 24, check_advice, NULL);
	profile_free(&p);
	return 0;
}
