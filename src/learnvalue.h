#ifndef DSP_LEARNVALUE_H
#define DSP_LEARNVALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"
#include "text.h"

/*
 * Names and values of requests, written as expressions that are as wide as
 * they must be: ids, numbers, and classes of bytes.
 */

/* What the fragment "classes" defines. */
enum learnvalue_class {
	LEARNVALUE_V,
	LEARNVALUE_ID,
	LEARNVALUE_HEX,
	LEARNVALUE_IMAGE,
	LEARNVALUE_NONE
};

/* A rule while it is written. */
struct learnvalue_out {
	struct text	text;
	bool		is_inline;	/* variables are written out */
	size_t		nvars;		/* that were used */
};

/* Bytes that a target is made of end below this. */
#define LEARNVALUE_BYTES 128

/* Bytes seen in values, and whether there was an empty value. */
struct learnvalue_set {
	bool	has[LEARNVALUE_BYTES];
	bool	has_empty;
};

/* learnvalue_is(class, s): whether that variable matches s; V and NONE match
 * nothing here. */
bool learnvalue_is(enum learnvalue_class class, struct span s);

/* learnvalue_is_number(s): digits, with dots between them, perhaps behind a
 * minus. */
bool learnvalue_is_number(struct span s);

/* learnvalue_class(out, class): add that variable. */
void learnvalue_class(struct learnvalue_out *out, enum learnvalue_class class);

/*
 * learnvalue_literal(t, s):
 * Add an expression for s alone, but for the ids in it, instead of which it
 * matches any: 12 or 64 hex digits, or 25 digits and small letters, as Docker
 * makes them up.  Percent escapes count as one byte.
 */
void learnvalue_literal(struct text *t, struct span s);

/* learnvalue_note(set, s): remember the bytes of s. */
void learnvalue_note(struct learnvalue_set *set, struct span s);

/* learnvalue_set(t, set): add the narrowest class that matches all values of
 * those bytes, repeated. */
void learnvalue_set(struct text *t, const struct learnvalue_set *set);

#endif /* DSP_LEARNVALUE_H */
