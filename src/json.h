#ifndef DSP_JSON_H
#define DSP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

/*
 * Strict JSON, read as it comes: the text may be cut anywhere, and nothing of
 * it is kept.  What RFC 8259 does not allow is refused, bytes that are not
 * UTF-8 and surrogates without their other half too.
 * Source: RFC 8259; RFC 3629 section 4 (UTF-8).
 */

/* What was read. */
enum json_item {
	JSON_OBJECT,		/* { */
	JSON_OBJECT_END,
	JSON_ARRAY,		/* [ */
	JSON_ARRAY_END,
	JSON_TEXT,		/* some of a key or string, decoded; it may
				 * end within a character */
	JSON_KEY,		/* the end of a key */
	JSON_STRING,		/* the end of a string */
	JSON_NUMBER,		/* the beginning of one */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL
};

struct json {
	unsigned	state;		/* what the next byte must be */
	unsigned	depth;		/* open objects and arrays */
	uint64_t	objects;	/* which of them are objects, as bits */
	bool		is_key;		/* the string under way */
	const char	*word;		/* what is left of true, false, null */
	enum json_item	word_item;
	unsigned	hex;		/* of an escape: its digits so far */
	unsigned	code;		/* and what they make */
	unsigned	high;		/* a surrogate that waits, or 0 */
	unsigned	tail;		/* bytes that a character lacks */
	unsigned char	low, top;	/* the next one's range */
	char		made[4];	/* what an escape stands for */
};

enum json_result {
	JSON_ITEM,
	JSON_MORE,
	JSON_BAD
};

/* json_begin(j): nothing was read yet. */
void json_begin(struct json *j);

/*
 * json_walk(j, buf, len, used, item, text):
 * Read on in the next len bytes, of which *used were taken.  JSON_ITEM: *item
 * is the next thing there, and of JSON_TEXT *text its bytes, not empty, in
 * buf or in *j until the next call; call again with the rest.  JSON_MORE: all
 * bytes were taken.  JSON_BAD: this is no JSON, or nested deeper than
 * BOUNDS_JSON_DEPTH, now and for good.
 */
enum json_result json_walk(struct json *j, const char *buf, size_t len,
    size_t *used, enum json_item *item, struct span *text);

/* json_is_whole(j): whether what was read so far is one whole value. */
bool json_is_whole(const struct json *j);

#endif /* DSP_JSON_H */
