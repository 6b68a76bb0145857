/*
 * Warnings about rules: what the pieces of an expression show, and what a
 * trial of the rule found, in words.
 */

#include "config.h"

#include "advice.h"

#include <string.h>

#include "expr.h"
#include "text.h"
#include "trial.h"

#define GROUPS_CAP 32

/* Bytes of a piece of the expression that are shown at most. */
#define QUOTED_CAP 64

/* Bytes shown before a dot and from it on. */
#define CONTEXT 4

/* The rule that is looked at. */
struct subject {
	struct trial	 trial;
	advice_report	*report;
	void		*arg;
};

/* Words up to a NULL, with a piece of the expression behind the first. */
static void
tell(struct subject *s, enum advice_kind kind, const char *const words[],
    struct span quoted)
{
	char buf[ADVICE_TEXT_CAP];
	struct text t;
	size_t i;

	if (quoted.len > QUOTED_CAP)
		quoted.len = QUOTED_CAP;
	text_init(&t, buf, sizeof(buf));
	for (i = 0; words[i] != NULL; i++) {
		if (i == 1)
			text_escaped(&t, quoted);
		text_str(&t, words[i]);
	}
	s->report(s->arg, kind, s->trial.rule->line_no, text_string(&t));
}

/* The same without a piece of the expression in it. */
static void
tell_plain(struct subject *s, enum advice_kind kind, const char *what)
{
	const char *const words[] = { what, NULL };

	tell(s, kind, words, (struct span){ NULL, 0 });
}

/* -- pieces -- */

/* Where in the expression a piece stands. */
struct place {
	struct expr_piece before, piece, after;
	bool		is_query;	/* certainly behind a "?" */
	size_t		depth;
	struct {
		bool	was_query;	/* at its "(" */
		bool	ends_query;	/* all alternatives so far */
	} groups[GROUPS_CAP];
};

static bool
is_group(const struct expr_piece *piece)
{
	return piece->kind == EXPR_OPEN ||
	    (piece->kind == EXPR_OTHER && piece->text.p[0] == '(');
}

/* Whether the piece may be left out. */
static bool
is_optional(const struct place *w)
{
	return w->after.kind == EXPR_REPEAT && w->after.least == 0;
}

/* The class, repeated, matches this byte. */
static bool
class_has(struct span text, char byte)
{
	struct expr_class c;

	expr_read_class(text, &c);
	return memchr(c.bytes, byte, c.n) != NULL;
}

/* What the piece at hand means for those that follow. */
static void
step(struct place *w)
{
	bool *ends = &w->groups[w->depth].ends_query;

	if (is_group(&w->piece) && w->depth + 1 < GROUPS_CAP) {
		w->depth++;
		w->groups[w->depth].was_query = w->is_query;
		w->groups[w->depth].ends_query = true;
	} else if (w->piece.kind == EXPR_BAR) {
		*ends = *ends && w->is_query;
		w->is_query = w->groups[w->depth].was_query;
	} else if (w->piece.kind == EXPR_CLOSE && w->depth > 0) {
		w->is_query = *ends && w->is_query && !is_optional(w);
		if (w->groups[w->depth].was_query)
			w->is_query = true;
		w->depth--;
	} else if ((w->piece.kind == EXPR_BYTE && w->piece.byte == '?') ||
	    span_eq(w->piece.text, SPAN("[?]"))) {
		w->is_query = w->is_query || !is_optional(w);
	}
}

/* In the path any lone dot; in the query one between letters and digits. */
static bool
is_careless_dot(const struct place *w)
{
	if (w->piece.kind != EXPR_DOT || w->after.kind == EXPR_REPEAT)
		return false;
	return !w->is_query || (w->before.kind == EXPR_BYTE &&
	    w->after.kind == EXPR_BYTE && span_is_alnum(w->before.byte) &&
	    span_is_alnum(w->after.byte));
}

static bool
is_wide(const struct place *w)
{
	if (w->is_query || w->after.kind != EXPR_REPEAT)
		return false;
	return w->piece.kind == EXPR_DOT ||
	    (w->piece.kind == EXPR_CLASS && class_has(w->piece.text, '?'));
}

static void
tell_dot(struct subject *s, struct span dot)
{
	static const char *const words[] = { "the dot in \"",
		"\" matches any character, \"/\" and \"?\" too: write \\. for "
		"a dot, [^/?] for any character of a name", NULL };
	const char *end = s->trial.target.p + s->trial.target.len;
	struct span shown = dot;

	while (shown.p > s->trial.target.p && dot.p - shown.p < CONTEXT)
		shown.p--;
	while (dot.p + shown.len < end && shown.len < CONTEXT)
		shown.len++;
	shown.len += (size_t)(dot.p - shown.p);
	tell(s, ADVICE_DOT, words, shown);
}

static void
tell_wide(struct subject *s, const struct place *w)
{
	static const char *const words[] = { "\"", "\" in the path also "
		"matches ", "\"/\" and ", "\"?\": write [^/?]+ for a name "
		"in the path, (\\?.*)? for any query", NULL };
	const char *const without_slash[] = { words[0], words[1], words[3],
		NULL };
	struct span shown = w->piece.text;

	shown.len += w->after.text.len;
	if (w->piece.kind == EXPR_DOT || class_has(w->piece.text, '/'))
		tell(s, ADVICE_WIDE, words, shown);
	else
		tell(s, ADVICE_WIDE, without_slash, shown);
}

static void
check_pieces(struct subject *s)
{
	struct place w = { .before = { .kind = EXPR_EDGE } };
	bool has_dot = false, has_wide = false, has_bar = false;
	struct span rest, after;

	for (rest = s->trial.target; expr_next(&rest, &w.piece);
	    w.before = w.piece) {
		after = rest;
		if (!expr_next(&after, &w.after))
			w.after.kind = EXPR_EDGE;
		if (!has_dot && is_careless_dot(&w)) {
			has_dot = true;
			tell_dot(s, w.piece.text);
		}
		if (!has_wide && is_wide(&w)) {
			has_wide = true;
			tell_wide(s, &w);
		}
		if (w.piece.kind == EXPR_BAR && w.depth == 0)
			has_bar = true;
		step(&w);
	}
	if (has_bar)
		tell_plain(s, ADVICE_BAR, "\"|\" outside a group parts the "
		    "whole expression: write /(a|b) to choose within it");
}

/* -- what a trial found -- */

static void
tell_files(struct subject *s, unsigned lets)
{
	static const struct {
		enum trial_danger	 danger;
		const char		*name;
	} names[] = {
		{ TRIAL_ARCHIVE, "archive" }, { TRIAL_EXPORT, "export" },
		{ TRIAL_IMAGES, "images/get" }
	};
	const char *words[9] = { "lets a GET of " };
	const char *between = "";
	size_t i, n = 1;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (lets & names[i].danger) {
			words[n++] = between;
			words[n++] = names[i].name;
			between = ", ";
		}
	words[n] = " pass, which copies files out: name the functions that "
	    "are needed, as in /(json|logs), or what may be copied";
	tell(s, ADVICE_FILES, words, (struct span){ NULL, 0 });
}

static void
check_dangers(struct subject *s)
{
	unsigned lets = trial_dangers(&s->trial);

	if (lets & TRIAL_TERMINAL)
		tell_plain(s, ADVICE_TERMINAL, "lets a GET of attach/ws pass, "
		    "which gives write access to a terminal: leave it out, or "
		    "name the containers");
	if (lets & (TRIAL_ARCHIVE | TRIAL_EXPORT | TRIAL_IMAGES))
		tell_files(s, lets);
	if (lets & TRIAL_START_SERVED)
		tell_plain(s, ADVICE_START, "lets start below API 1.24 pass, "
		    "where its body is a host configuration, and --min-api is "
		    "lowered: leave that at 1.24, or write "
		    "v1\\.(2[4-9]|[3-9]\\d) for the version");
	else if (lets & TRIAL_START)
		tell_plain(s, ADVICE_START, "lets start below API 1.24 pass, "
		    "where its body is a host configuration; only --min-api "
		    "stands in between: write v1\\.(2[4-9]|[3-9]\\d) for the "
		    "version");
}

static void
check_versions(struct subject *s)
{
	enum trial_result is_old = trial_is_old(&s->trial);

	if (is_old == TRIAL_SURE)
		tell_plain(s, ADVICE_OLD, "never lets anything pass, since "
		    "--min-api refuses its API versions: write v1\\.\\d+ for "
		    "the version");
	else if (is_old == TRIAL_SEEMS)
		tell_plain(s, ADVICE_OLD, "seems never to let anything pass, "
		    "since --min-api refuses its API versions: write "
		    "v1\\.\\d+ for the version");
}

static void
check_shadow(struct subject *s)
{
	const char *words[] = { "never reached, since line ", NULL,
		" lets all of it pass: remove one of the two", NULL };
	const struct rule *by;
	enum trial_result result;
	char line_no[24];
	struct text t;

	result = trial_is_shadowed(&s->trial, &by);
	if (result == TRIAL_NO)
		return;
	if (result == TRIAL_SEEMS)
		words[0] = "seems never reached, since line ";
	text_init(&t, line_no, sizeof(line_no));
	text_number(&t, by->line_no);
	words[1] = text_string(&t);
	tell(s, ADVICE_SHADOWED, words, (struct span){ NULL, 0 });
}

void
advice_give(const struct profile *p, unsigned min_api,
    advice_report *report, void *arg)
{
	struct subject s = { .report = report, .arg = arg };
	size_t i;

	for (i = 0; i < p->nrules; i++) {
		trial_init(&s.trial, p, &p->rules[i], min_api);
		check_pieces(&s);
		check_dangers(&s);
		check_versions(&s);
		check_shadow(&s);
	}
}
