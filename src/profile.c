/*
 * The text of a profile: lines, comments, rules, what it includes, and
 * variables.
 */

#include "config.h"

#include "profile.h"

#include "text.h"
#include "vars.h"

/* A file that was included. */
struct fragment {
	const char	*file;
	bool		 is_open;	/* we are inside */
};

/* A profile while it is parsed. */
struct parser {
	struct profile			*p;
	const struct profile_reader	*reader;
	struct vars			 vars;
	struct fragment			 fragments[BOUNDS_FRAGMENTS_CAP];
	size_t				 nfragments;
	const char			*file;	/* NULL: the profile itself */
	size_t				 line_no;	/* there */
	size_t				 own_line_no;	/* of the profile */
	bool				 is_good;
};

static void parse_text(struct parser *r, struct span text);

static void
complain(struct parser *r, size_t line_no, const char *what, struct span line)
{
	r->is_good = false;
	r->reader->report(r->reader->arg, r->file, line_no, what, line);
}

static void
complain_here(struct parser *r, const char *what, struct span line)
{
	complain(r, r->line_no, what, line);
}

/* A line as the editor left it, without a CR at its end. */
static struct span
without_cr(struct span line)
{
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* The first word of s, and what follows it. */
static struct span
cut_word(struct span s, struct span *rest)
{
	size_t i;

	for (i = 0; i < s.len && s.p[i] != ' ' && s.p[i] != '\t'; i++)
		;
	*rest = span_trim((struct span){ s.p + i, s.len - i });
	return (struct span){ s.p, i };
}

/* Whether the line begins with that word and is no rule: a rule's second
 * expression starts with a slash. */
static bool
is_statement(struct span line, struct span word, struct span *rest)
{
	return span_eq(cut_word(line, rest), word) && rest->len > 0 &&
	    rest->p[0] != '/' && rest->p[0] != '^';
}

/* What was included before is not read again: two fragments may need the
 * same third. */
static bool
is_known(struct parser *r, const char *file, struct span line)
{
	size_t i;

	for (i = 0; i < r->nfragments; i++) {
		if (strcmp(r->fragments[i].file, file) != 0)
			continue;
		if (r->fragments[i].is_open)
			complain_here(r, "it includes itself", line);
		return true;
	}
	return false;
}

static void
parse_include(struct parser *r, struct span name, struct span line)
{
	const struct parser outer = *r;
	struct span text;
	const char *file;
	size_t number;

	if (r->reader->fetch == NULL) {
		complain_here(r, "nothing can be included here", line);
		return;
	}
	if (!r->reader->fetch(r->reader->arg, name, &file, &text)) {
		complain_here(r, "cannot be included", line);
		return;
	}
	if (is_known(r, file, line))
		return;
	if (r->nfragments == BOUNDS_FRAGMENTS_CAP) {
		complain_here(r, "too many files (16 at most)", line);
		return;
	}
	number = r->nfragments++;
	r->fragments[number] = (struct fragment){ file, true };
	r->file = file;
	parse_text(r, text);
	r->fragments[number].is_open = false;
	r->file = outer.file;
	r->line_no = outer.line_no;
}

static void
parse_define(struct parser *r, struct span rest, struct span line)
{
	char error[RULE_ERROR_CAP];
	struct span name, value;

	name = cut_word(rest, &value);
	if (!vars_define(&r->vars, name, value, error))
		complain_here(r, error, line);
}

/* The line with its variables put in; p is NULL when it cannot be. */
static struct span
expand(struct parser *r, struct span line)
{
	const struct span none = { NULL, 0 };
	char buf[BOUNDS_RULE_LINE_CAP], error[RULE_ERROR_CAP];
	struct span expanded;
	struct text t;

	/* Told with the other faults of a line. */
	if (line.len > BOUNDS_RULE_LINE_CAP)
		return line;
	text_init(&t, buf, sizeof(buf));
	if (!vars_expand(&r->vars, line, &t, error)) {
		complain_here(r, error, line);
		return none;
	}
	expanded = (struct span){ buf, t.len };
	if (span_eq(expanded, line))
		return line;
	expanded.p = r->reader->keep == NULL ? NULL :
	    r->reader->keep(r->reader->arg, expanded);
	if (expanded.p == NULL)
		complain_here(r, "no memory for variables", line);
	return expanded;
}

static void
parse_rule(struct parser *r, struct span line)
{
	struct profile *p = r->p;
	char error[RULE_ERROR_CAP];
	struct span expanded;
	struct rule *rule;

	if (p->nrules == p->rules_cap) {
		complain_here(r, "too many rules (4096 at most)", line);
		return;
	}
	rule = &p->rules[p->nrules];
	expanded = expand(r, line);
	if (expanded.p == NULL)
		return;
	if (!rule_parse(expanded, r->own_line_no, rule, error)) {
		complain_here(r, error, line);
		return;
	}
	rule->written = line;
	rule->file = r->file;
	rule->file_line_no = r->line_no;
	p->nrules++;
}

static void
parse_line(struct parser *r, struct span line)
{
	struct span rest;

	line = span_trim(without_cr(line));
	if (line.len == 0 || line.p[0] == '#')
		return;
	if (is_statement(line, SPAN("include"), &rest))
		parse_include(r, rest, line);
	else if (is_statement(line, SPAN("define"), &rest))
		parse_define(r, rest, line);
	else
		parse_rule(r, line);
}

static void
parse_text(struct parser *r, struct span text)
{
	struct span rest = text, line;

	for (r->line_no = 1; span_next(&rest, '\n', &line); r->line_no++) {
		if (r->file == NULL)
			r->own_line_no = r->line_no;
		parse_line(r, line);
		if (r->p->nrules == r->p->rules_cap && !r->is_good)
			break;
	}
}

/* What the head says, when it warns. */
static struct span
danger_of(struct span text)
{
	struct span line;

	(void)span_next(&text, '\n', &line);
	line = without_cr(line);
	if (!span_starts_nocase(line, SPAN("# HOST ROOT")))
		return (struct span){ "", 0 };
	line.p += 2;
	line.len -= 2;
	return line;
}

bool
profile_parse(struct profile *p, struct span text,
    const struct profile_reader *reader)
{
	const struct span none = { "", 0 };
	struct parser r = { .p = p, .reader = reader, .is_good = true };

	p->nrules = 0;
	p->danger = danger_of(text);
	if (!rule_matcher_init(&p->matcher)) {
		complain(&r, 0, "out of memory", none);
		return false;
	}
	parse_text(&r, text);
	if (r.is_good && p->nrules == 0)
		complain(&r, 0, "no rule: everything would be denied", none);
	return r.is_good;
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
