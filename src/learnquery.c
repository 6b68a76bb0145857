/*
 * Queries that an endpoint was asked with, joined.
 */
#include "config.h"

#include "learnquery.h"

#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "log.h"
#include "memory.h"

/* Any number will do where one was seen: times, sizes, counts. */
static const char *const numbers[] = { "since", "until", "t", "tail", "h", "w",
	"version", "limit", "timeout", NULL };

/* Numbers that came here are names, too. */
static const char *const names[] = { "name", "names", "container", "fromImage",
	"image", "repo", "tag", "remote", "term", "path", "platform", "signal",
	"id", "host", NULL };

/* Times that are written as dates. */
static const char *const times[] = { "since", "until", NULL };

static bool
is_among(struct span name, const char *const *words)
{
	for (; *words != NULL; words++)
		if (span_eq(name, span_of(*words)))
			return true;
	return false;
}

/* What follows the question mark; p is NULL when there is none. */
static struct span
query_of(struct span target)
{
	const char *mark = memchr(target.p, '?', target.len);

	if (mark == NULL)
		return (struct span){ NULL, 0 };
	mark++;
	return (struct span){ mark, target.len - (size_t)(mark - target.p) };
}

/* The name of a parameter; *value's p is NULL when it has none. */
static struct span
cut_param(struct span param, struct span *value)
{
	struct span name;

	(void)span_next(&param, '=', &name);
	*value = param;
	return name;
}

static struct learnquery_param *
find(const struct learnquery *q, struct span name, bool has_value)
{
	size_t i;

	for (i = 0; i < q->nparams; i++)
		if (q->params[i].has_value == has_value &&
		    span_eq(q->params[i].name, name))
			return &q->params[i];
	return NULL;
}

/* That parameter, a new one if need be; NULL: there are too many. */
static struct learnquery_param *
have(struct learnquery *q, struct span name, bool has_value)
{
	struct learnquery_param *p = find(q, name, has_value);

	if (p != NULL)
		return p;
	if (q->nparams == LEARNQUERY_PARAMS) {
		q->is_full = true;
		return NULL;
	}
	p = reallocarray(q->params, q->nparams + 1, sizeof(*p));
	if (p == NULL)
		fatal(1, "out of memory");
	q->params = p;
	p += q->nparams++;
	*p = (struct learnquery_param){ .name = name, .has_value = has_value,
		.is_numbers = true, .is_id = true, .is_image = true };
	p->values_cap = span_eq(name, SPAN("filters")) ? LEARNQUERY_FILTERS :
	    LEARNQUERY_VALUES;
	p->values = memory_take(p->values_cap * sizeof(*p->values));
	return p;
}

void
learnquery_free(struct learnquery *q)
{
	struct learnquery_param *p;
	size_t i;

	for (p = q->params; p < q->params + q->nparams; p++) {
		for (i = 0; i < p->nvalues; i++)
			free(p->values[i]);
		free(p->values);
	}
	free(q->params);
	*q = (struct learnquery){ .params = NULL };
}

/* "2026-11-22T...". */
static bool
is_date(struct span name, struct span value)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if (!span_is_alnum(value.p[i]) &&
		    strchr(".:%+-", value.p[i]) == NULL)
			return false;
	return is_among(name, times) && value.len > 5 &&
	    span_is_digit(value.p[0]) && span_is_digit(value.p[3]) &&
	    value.p[4] == '-';
}

/* One value, apart from numbers for which any will do. */
static void
write_value(struct text *t, struct span name, struct span value)
{
	if (is_date(name, value))
		text_str(t, "[\\w.:%+-]+");
	else
		learnvalue_literal(t, value);
}

/* Remember one more value that is written as it is, or that there are too
 * many. */
static void
add_expression(struct learnquery_param *p, struct span value)
{
	char buf[BOUNDS_RULE_LINE_CAP];
	struct text t;
	size_t i;

	text_init(&t, buf, sizeof(buf));
	write_value(&t, p->name, value);
	for (i = 0; i < p->nvalues; i++)
		if (span_eq(span_of(p->values[i]),
		    (struct span){ buf, t.len }) && !t.is_full)
			return;
	/* What does not fit here fits in no rule. */
	if (p->nvalues == p->values_cap || t.is_full) {
		p->is_many = true;
		return;
	}
	p->values[i] = strndup(buf, t.len);
	if (p->values[i] == NULL)
		fatal(1, "out of memory");
	p->nvalues++;
}

static void
add_value(struct learnquery_param *p, struct span value)
{
	bool is_number = learnvalue_is_number(value);

	learnvalue_note(&p->set, value);
	p->is_id = p->is_id && learnvalue_is(LEARNVALUE_ID, value);
	p->is_image = p->is_image && learnvalue_is(LEARNVALUE_IMAGE, value);
	p->is_numbers = p->is_numbers && is_number;
	if (!span_eq(value, SPAN("0")) && !span_eq(value, SPAN("1")))
		p->is_beyond_bool = true;
	if (is_number && is_among(p->name, numbers))
		p->has_number = true;
	else
		add_expression(p, value);
}

void
learnquery_add(struct learnquery *q, struct span target)
{
	struct span query = query_of(target), param, name, value;
	struct learnquery_param *p;
	size_t n;

	if (query.p == NULL) {
		q->was_absent = true;
		return;
	}
	q->was_there = true;
	for (n = 0; span_next(&query, '&', &param); n++) {
		name = cut_param(param, &value);
		p = have(q, name, value.p != NULL);
		if (p != NULL && value.p != NULL)
			add_value(p, value);
	}
	if (n > 1)
		q->was_joined = true;
}

/* Numbers that differed: the next one will, too. */
static bool
has_varied(const struct learnquery_param *p)
{
	return p->is_numbers && p->is_beyond_bool &&
	    (p->nvalues > 1 || p->is_many) && !is_among(p->name, names);
}

bool
learnquery_is_wide(const struct learnquery_param *p)
{
	return p->is_many && !has_varied(p);
}

static void
write_number(const struct learnquery_param *p, struct text *t)
{
	if (p->set.has['-'])
		text_str(t, "-?");
	text_str(t, p->set.has['.'] || is_among(p->name, times) ? "[\\d.]+" :
	    "\\d+");
}

static void
write_wide(const struct learnquery_param *p, struct learnvalue_out *out)
{
	if (p->is_id && is_among(p->name, names))
		learnvalue_class(out, LEARNVALUE_ID);
	else if (p->is_image && is_among(p->name, names))
		learnvalue_class(out, LEARNVALUE_IMAGE);
	else
		learnvalue_set(&out->text, &p->set);
}

static void
write_values(const struct learnquery_param *p, struct learnvalue_out *out)
{
	struct text *t = &out->text;
	bool is_group = p->nvalues + p->has_number > 1;
	size_t i;

	if (is_group)
		text_char(t, '(');
	if (p->has_number)
		write_number(p, t);
	for (i = 0; i < p->nvalues; i++) {
		if (i > 0 || p->has_number)
			text_char(t, '|');
		text_str(t, p->values[i]);
	}
	if (is_group)
		text_char(t, ')');
}

static void
write_param(const struct learnquery_param *p, struct learnvalue_out *out)
{
	text_literal(&out->text, p->name);
	if (!p->has_value)
		return;
	text_char(&out->text, '=');
	if (has_varied(p))
		write_number(p, &out->text);
	else if (p->is_many)
		write_wide(p, out);
	else
		write_values(p, out);
}

/* Any one of the parameters. */
static void
write_any(const struct learnquery *q, struct learnvalue_out *out)
{
	size_t i;

	if (q->nparams > 1)
		text_char(&out->text, '(');
	for (i = 0; i < q->nparams; i++) {
		if (i > 0)
			text_char(&out->text, '|');
		write_param(&q->params[i], out);
	}
	if (q->nparams > 1)
		text_char(&out->text, ')');
}

void
learnquery_write(const struct learnquery *q, struct learnvalue_out *out)
{
	struct text *t = &out->text;

	if (!q->was_there)
		return;
	text_str(t, q->was_absent ? "(\\?" : "\\?");
	write_any(q, out);
	if (q->was_joined || q->nparams > 1) {
		text_str(t, "(&");
		write_any(q, out);
		text_str(t, ")*");
	}
	if (q->was_absent)
		text_str(t, ")?");
}

void
learnquery_write_one(const struct learnquery *q, struct span target,
    struct learnvalue_out *out)
{
	struct span query = query_of(target), param, name, value;
	const struct learnquery_param *p;
	const char *between = "\\?";
	struct text *t = &out->text;

	if (query.p == NULL)
		return;
	for (; span_next(&query, '&', &param); between = "&") {
		text_str(t, between);
		name = cut_param(param, &value);
		text_literal(t, name);
		if (value.p == NULL)
			continue;
		text_char(t, '=');
		p = find(q, name, true);
		if (p != NULL && learnvalue_is_number(value) &&
		    (p->has_number || has_varied(p)))
			write_number(p, t);
		else
			write_value(t, name, value);
	}
}
