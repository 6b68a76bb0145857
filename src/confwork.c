/*
 * What the conf files share: memory that is released at once, the list of
 * values found, mistakes as single lines, and the known word nearest to an
 * unknown one.  Knows nothing of options or files.
 */
#include "config.h"

#include "confwork.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "log.h"
#include "memory.h"

struct confwork_block {
	struct confwork_block	*next;
	max_align_t		 data[];
};

/* Longer words are not compared: none of ours is half as long. */
#define WORD_CAP 64

struct confwork *
confwork_new(conf_report *report)
{
	struct confwork *w;

	w = memory_take(sizeof(*w));
	w->report = report;
	w->values_end = &w->values;
	w->dirs_end = &w->dirs;
	return w;
}

void
confwork_free(struct confwork *w)
{
	struct confwork_block *block;

	if (w == NULL)
		return;
	while (w->blocks != NULL) {
		block = w->blocks;
		w->blocks = block->next;
		free(block);
	}
	free(w);
}

void *
confwork_alloc(struct confwork *w, size_t size)
{
	struct confwork_block *block;

	block = memory_take(sizeof(*block) + size);
	block->next = w->blocks;
	w->blocks = block;
	return block->data;
}

const char *
confwork_string(struct confwork *w, const char *p, size_t len)
{
	char *s;

	s = confwork_alloc(w, len + 1);
	memcpy(s, p, len);
	return s;
}

const char *
confwork_format(struct confwork *w, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		fatal(1, "configuration");
	s = confwork_alloc(w, (size_t)len + 1);
	va_start(ap, fmt);
	(void)vsnprintf(s, (size_t)len + 1, fmt, ap); /* measured above */
	va_end(ap);
	return s;
}

/* A message is one line whatever the user's words hold. */
void
confwork_mistake(struct confwork *w, const char *fmt, ...)
{
	char message[BOUNDS_LOG_LINE_CAP];
	va_list ap;
	size_t i;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (len < 0)
		message[0] = '\0';
	else if ((size_t)len >= sizeof(message))
		memcpy(message + sizeof(message) - 4, "...", 4);
	for (i = 0; message[i] != '\0'; i++)
		if ((unsigned char)message[i] < ' ' || message[i] == 0x7f)
			message[i] = '?';
	w->has_mistake = true;
	w->report(message);
}

struct confopt_value *
confwork_add(struct confwork *w, const struct confopt *opt,
    enum confopt_source source, const char *text, const char *place)
{
	struct confopt_value *v;

	if (text[0] == '\0') {
		confwork_mistake(w, "%s: the value is empty", place);
		return NULL;
	}
	v = confwork_alloc(w, sizeof(*v));
	v->opt = opt;
	v->source = source;
	v->text = text;
	v->place = place;
	*w->values_end = v;
	w->values_end = &v->next;
	return v;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein: insertions, deletions and replacements that turn a into b,
 * with one row of the matrix kept. */
static size_t
edits(struct span a, struct span b)
{
	size_t row[WORD_CAP + 1], i, j, corner, above;

	if (a.len > WORD_CAP || b.len > WORD_CAP)
		return SIZE_MAX;
	for (j = 0; j <= b.len; j++)
		row[j] = j;
	for (i = 1; i <= a.len; i++) {
		corner = row[0];
		row[0] = i;
		for (j = 1; j <= b.len; j++) {
			above = row[j];
			corner += a.p[i - 1] != b.p[j - 1];
			row[j] = least(corner, least(above, row[j - 1]) + 1);
			corner = above;
		}
	}
	return row[b.len];
}

/* A word that was cut short is as near as one with a single slip.  Of equals
 * the first in the alphabet, so that the order of trying does not matter. */
void
confwork_try(struct confwork_near *near, const char *known)
{
	size_t distance;

	if (near->word.len >= 3 && strlen(known) > near->word.len &&
	    strncmp(known, near->word.p, near->word.len) == 0)
		distance = 1;
	else
		distance = edits(near->word, span_of(known));
	if (near->best == NULL || distance < near->distance ||
	    (distance == near->distance && strcmp(known, near->best) < 0)) {
		near->best = known;
		near->distance = distance;
	}
}

bool
confwork_is_close(const struct confwork_near *near)
{
	return near->best != NULL &&
	    near->distance <= 1 + near->word.len / 4;
}

const char *
confwork_hint(struct confwork *w, const struct confwork_near *near,
    const char *prefix)
{
	if (near->best == NULL)
		return "none is known";
	if (confwork_is_close(near))
		return confwork_format(w, "did you mean %s%s?", prefix,
		    near->best);
	return confwork_format(w, "the nearest known one is %s%s", prefix,
	    near->best);
}
