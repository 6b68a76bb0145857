/*
 * The text of a profile: lines, comments, rules.
 */

#include "config.h"

#include "profile.h"

/* A line as the editor left it, without a CR at its end. */
static struct span
without_cr(struct span line)
{
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* One line; false when it is wrong (and reported). */
static bool
parse_line(struct profile *p, struct span line, size_t line_no,
    profile_report *report, void *arg)
{
	char error[RULE_ERROR_CAP];

	line = span_trim(without_cr(line));
	if (line.len == 0 || line.p[0] == '#')
		return true;
	if (p->nrules == p->rules_cap) {
		report(arg, line_no, "too many rules (4096 at most)", line);
		return false;
	}
	if (!rule_parse(line, line_no, &p->rules[p->nrules], error)) {
		report(arg, line_no, error, line);
		return false;
	}
	p->nrules++;
	return true;
}

bool
profile_parse(struct profile *p, struct span text, profile_report *report,
    void *arg)
{
	const struct span none = { "", 0 };
	struct span rest, line;
	size_t line_no;
	bool is_good;

	p->nrules = 0;
	if (!rule_matcher_init(&p->matcher)) {
		report(arg, 0, "out of memory", none);
		return false;
	}
	rest = text;
	is_good = true;
	for (line_no = 1; span_next(&rest, '\n', &line); line_no++) {
		if (!parse_line(p, line, line_no, report, arg))
			is_good = false;
		if (p->nrules == p->rules_cap && !is_good)
			break;
	}
	if (is_good && p->nrules == 0) {
		report(arg, 0, "no rule: everything would be denied", none);
		is_good = false;
	}
	return is_good;
}

void
profile_free(struct profile *p)
{
	size_t i;

	for (i = 0; i < p->nrules; i++)
		rule_free(&p->rules[i]);
	p->nrules = 0;
	rule_matcher_free(&p->matcher);
}
