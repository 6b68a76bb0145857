/*
 * Names for expressions.  A value may use variables that were defined before
 * it, so there are no cycles, and is put in as a group, so that nothing of it
 * reaches what stands around it.
 */

#include "config.h"

#include "vars.h"

/* Where a walk over an expression is. */
struct walk {
	struct span	s;
	size_t		at;
	bool		in_class;
	size_t		class_from;	/* a "]" here is one of the class */
};

/* Escapes that may have an argument in braces: \p{Lu}, \x{2f}. */
static const char with_braces[] = "pPxNogk";

static bool
fail(char error[RULE_ERROR_CAP], const char *what, struct span name,
    const char *more)
{
	struct text t;

	text_init(&t, error, RULE_ERROR_CAP);
	text_str(&t, what);
	text_escaped(&t, name);
	text_str(&t, more);
	text_string(&t);
	return false;
}

static bool
is_name(struct span s)
{
	size_t i;

	if (s.len == 0 || s.len > BOUNDS_VAR_NAME_CAP ||
	    s.p[0] < 'A' || s.p[0] > 'Z')
		return false;
	for (i = 1; i < s.len; i++)
		if ((s.p[i] < 'A' || s.p[i] > 'Z') && s.p[i] != '_' &&
		    !span_is_digit(s.p[i]))
			return false;
	return true;
}

/* The index of the variable, or vars->n. */
static size_t
find(const struct vars *vars, struct span name)
{
	size_t i;

	for (i = 0; i < vars->n; i++)
		if (span_eq(vars->v[i].name, name))
			break;
	return i;
}

/* What is left from byte i on. */
static struct span
from(const struct walk *w, size_t i)
{
	return (struct span){ w->s.p + i, w->s.len - i };
}

/* Bytes up to and with the first c behind byte i; all there are if none is. */
static size_t
up_to(const struct walk *w, size_t i, char c)
{
	while (i < w->s.len && w->s.p[i] != c)
		i++;
	return i < w->s.len ? i + 1 : w->s.len;
}

/* The end of the escape at w->at. */
static size_t
escape_end(const struct walk *w)
{
	const size_t i = w->at + 1;

	if (i >= w->s.len)
		return w->s.len;
	if (w->s.p[i] == 'Q') {
		size_t end = i + 1;

		while (end < w->s.len && (from(w, end).len < 2 ||
		    memcmp(w->s.p + end, "\\E", 2) != 0))
			end++;
		return end < w->s.len ? end + 2 : end;
	}
	if (i + 1 < w->s.len && w->s.p[i + 1] == '{' &&
	    strchr(with_braces, w->s.p[i]) != NULL)
		return up_to(w, i + 1, '}');
	return i + 1;
}

/* The name in the braces at w->at; false when it is something else. */
static bool
name_at(const struct walk *w, struct span *name)
{
	size_t end;

	if (w->s.p[w->at] != '{')
		return false;
	end = up_to(w, w->at, '}');
	if (w->s.p[end - 1] != '}' || end - w->at < 3)
		return false;
	*name = (struct span){ w->s.p + w->at + 1, end - w->at - 2 };
	return is_name(*name);
}

/* Whether a class begins or ends at w->at. */
static void
note_class(struct walk *w)
{
	const char c = w->s.p[w->at];

	if (!w->in_class && c == '[') {
		w->in_class = true;
		w->class_from = w->at + 1;
		if (w->class_from < w->s.len &&
		    w->s.p[w->class_from] == '^')
			w->class_from++;
	} else if (w->in_class && c == ']' && w->at != w->class_from) {
		w->in_class = false;
	}
}

/* The end of "[:word:]" in a class, or of the one byte at w->at. */
static size_t
piece_end(const struct walk *w)
{
	size_t end;

	if (w->in_class && from(w, w->at).len > 2 &&
	    w->s.p[w->at] == '[' && w->s.p[w->at + 1] == ':') {
		end = up_to(w, w->at + 2, ']');
		if (w->s.p[end - 1] == ']' && w->s.p[end - 2] == ':')
			return end;
	}
	return w->at + 1;
}

/* As vars_expand, with the first n variables. */
static bool
expand(const struct vars *vars, size_t n, struct span s, struct text *out,
    char error[RULE_ERROR_CAP])
{
	struct walk w = { .s = s };
	struct span name;
	size_t end, which;

	while (w.at < s.len && !out->is_full) {
		if (s.p[w.at] == '\\') {
			end = escape_end(&w);
		} else if (name_at(&w, &name)) {
			which = find(vars, name);
			if (which >= n)
				return fail(error, "no variable ", name, " is "
				    "defined above (a brace is written \\{)");
			if (w.in_class)
				return fail(error, "the variable ", name,
				    " stands inside [ ]");
			text_str(out, "(?:");
			/* Its variables were defined before it. */
			if (!expand(vars, which, vars->v[which].value, out,
			    error))
				return false;
			text_char(out, ')');
			w.at += name.len + 2;
			continue;
		} else {
			end = piece_end(&w);
			if (end == w.at + 1)
				note_class(&w);
		}
		text_span(out, (struct span){ s.p + w.at, end - w.at });
		w.at = end;
	}
	if (out->is_full)
		return fail(error, "too long with its variables (4096 bytes "
		    "at most)", SPAN(""), "");
	return true;
}

bool
vars_expand(const struct vars *vars, struct span s, struct text *out,
    char error[RULE_ERROR_CAP])
{
	return expand(vars, vars->n, s, out, error);
}

bool
vars_define(struct vars *vars, struct span name, struct span value,
    char error[RULE_ERROR_CAP])
{
	char buf[BOUNDS_RULE_LINE_CAP];
	struct text t;

	if (!is_name(name))
		return fail(error, "define NAME EXPRESSION: a name has "
		    "capital letters, digits and _, not: ", name, "");
	if (find(vars, name) < vars->n)
		return fail(error, "", name, " is defined already");
	if (vars->n == BOUNDS_VARS_CAP)
		return fail(error, "too many variables (64 at most)",
		    SPAN(""), "");
	/* What begins a quotation may end it outside. */
	if (span_has(value, SPAN("\\Q")))
		return fail(error, "\\Q cannot be used in a variable",
		    SPAN(""), "");
	text_init(&t, buf, sizeof(buf));
	if (!vars_expand(vars, value, &t, error) ||
	    !rule_check_expression((struct span){ buf, t.len }, error))
		return false;
	vars->v[vars->n].name = name;
	vars->v[vars->n++].value = value;
	return true;
}
