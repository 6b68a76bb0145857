/*
 * JSON, byte by byte.  What its values mean is left to others.
 */

#include "config.h"

#include "json.h"

#include <string.h>

#include "bounds.h"

_Static_assert(BOUNDS_JSON_DEPTH <= 64, "objects has a bit for each");

/* What the next byte must be; blanks are skipped up to LAST_BLANK. */
enum state {
	AT_VALUE,		/* a value */
	AT_FIRST,		/* or the end of an empty array */
	AT_KEY,			/* a key */
	AT_FIRST_KEY,		/* or the end of an empty object */
	AT_COLON,
	AT_NEXT,		/* "," or an end */
	LAST_BLANK = AT_NEXT,
	IN_STRING,
	IN_ESCAPE,		/* behind a backslash */
	IN_HEX,			/* digits of \u */
	IN_PAIR,		/* the backslash of a low surrogate */
	IN_PAIR_U,		/* its u */
	IN_WORD,
	IN_MINUS,		/* the first digit */
	FIRST_NUMBER = IN_MINUS,
	IN_ZERO,		/* it was 0: no more digits */
	IN_INT,
	IN_POINT,		/* the first digit behind it */
	IN_FRACTION,
	IN_E,			/* sign or first digit of an exponent */
	IN_E_SIGN,		/* its first digit */
	IN_EXPONENT,
	IN_VAIN			/* for good */
};

/* What a byte has led to. */
enum outcome {
	GO_ON,
	HAS_ITEM,
	IS_WRONG,
	ANEW			/* not taken: look at it again */
};

/* A surrogate is the half of a pair. */
#define HIGH_FIRST	0xd800U
#define LOW_FIRST	0xdc00U
#define LOW_END		0xe000U
#define PAIR_BASE	0x10000U

void
json_begin(struct json *j)
{
	*j = (struct json){ .state = AT_VALUE };
}

static enum outcome
open_level(struct json *j, bool is_object, enum json_item *item)
{
	const uint64_t bit = UINT64_C(1) << j->depth % 64;

	if (j->depth == BOUNDS_JSON_DEPTH)
		return IS_WRONG;
	j->objects = is_object ? j->objects | bit : j->objects & ~bit;
	j->depth++;
	j->state = is_object ? AT_FIRST_KEY : AT_FIRST;
	*item = is_object ? JSON_OBJECT : JSON_ARRAY;
	return HAS_ITEM;
}

static bool
is_in_object(const struct json *j)
{
	return j->depth > 0 &&
	    (j->objects >> (j->depth - 1) & 1) != 0;
}

static enum outcome
close_level(struct json *j, char c, enum json_item *item)
{
	const bool is_object = is_in_object(j);

	if (j->depth == 0 || c != (is_object ? '}' : ']'))
		return IS_WRONG;
	j->depth--;
	j->state = AT_NEXT;
	*item = is_object ? JSON_OBJECT_END : JSON_ARRAY_END;
	return HAS_ITEM;
}

static enum outcome
begin_string(struct json *j, bool is_key)
{
	j->state = IN_STRING;
	j->is_key = is_key;
	return GO_ON;
}

static enum outcome
begin_word(struct json *j, const char *rest, enum json_item word_item)
{
	j->state = IN_WORD;
	j->word = rest;
	j->word_item = word_item;
	return GO_ON;
}

static enum outcome
begin_value(struct json *j, char c, enum json_item *item)
{
	switch (c) {
	case '{':
		return open_level(j, true, item);
	case '[':
		return open_level(j, false, item);
	case '"':
		return begin_string(j, false);
	case 't':
		return begin_word(j, "rue", JSON_TRUE);
	case 'f':
		return begin_word(j, "alse", JSON_FALSE);
	case 'n':
		return begin_word(j, "ull", JSON_NULL);
	default:
		break;
	}
	if (c != '-' && !span_is_digit(c))
		return IS_WRONG;
	j->state = c == '-' ? IN_MINUS : c == '0' ? IN_ZERO : IN_INT;
	*item = JSON_NUMBER;
	return HAS_ITEM;
}

/* Behind a value. */
static enum outcome
go_next(struct json *j, char c, enum json_item *item)
{
	if (c != ',')
		return close_level(j, c, item);
	if (j->depth == 0)
		return IS_WRONG;
	j->state = is_in_object(j) ? AT_KEY : AT_VALUE;
	return GO_ON;
}

/* Between tokens. */
static enum outcome
take_token(struct json *j, char c, enum json_item *item)
{
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
		return GO_ON;
	switch (j->state) {
	case AT_FIRST:
		if (c == ']')
			return close_level(j, c, item);
		return begin_value(j, c, item);
	case AT_FIRST_KEY:
		if (c == '}')
			return close_level(j, c, item);
		return c == '"' ? begin_string(j, true) : IS_WRONG;
	case AT_KEY:
		return c == '"' ? begin_string(j, true) : IS_WRONG;
	case AT_COLON:
		j->state = AT_VALUE;
		return c == ':' ? GO_ON : IS_WRONG;
	case AT_NEXT:
		return go_next(j, c, item);
	default:
		return begin_value(j, c, item);
	}
}

static enum outcome
take_word(struct json *j, char c, enum json_item *item)
{
	if (c != *j->word)
		return IS_WRONG;
	j->word++;
	if (*j->word != '\0')
		return GO_ON;
	j->state = AT_NEXT;
	*item = j->word_item;
	return HAS_ITEM;
}

/* Of a number: where a digit leads to, and a point, and an E.  0: nowhere,
 * for AT_VALUE is no part of a number. */
static const struct {
	unsigned	digit, point, e;
	bool		may_end;
} steps[] = {
	[IN_MINUS - FIRST_NUMBER] = { IN_INT, 0, 0, false },
	[IN_ZERO - FIRST_NUMBER] = { 0, IN_POINT, IN_E, true },
	[IN_INT - FIRST_NUMBER] = { IN_INT, IN_POINT, IN_E, true },
	[IN_POINT - FIRST_NUMBER] = { IN_FRACTION, 0, 0, false },
	[IN_FRACTION - FIRST_NUMBER] = { IN_FRACTION, 0, IN_E, true },
	[IN_E - FIRST_NUMBER] = { IN_EXPONENT, 0, 0, false },
	[IN_E_SIGN - FIRST_NUMBER] = { IN_EXPONENT, 0, 0, false },
	[IN_EXPONENT - FIRST_NUMBER] = { IN_EXPONENT, 0, 0, true },
};

/* Only what follows it ends a number. */
static enum outcome
take_number(struct json *j, char c)
{
	const unsigned at = j->state - FIRST_NUMBER;
	unsigned to = 0;

	if (span_is_digit(c))
		to = j->state == IN_MINUS && c == '0' ? IN_ZERO :
		    steps[at].digit;
	else if (c == '.')
		to = steps[at].point;
	else if (c == 'e' || c == 'E')
		to = steps[at].e;
	else if ((c == '+' || c == '-') && j->state == IN_E)
		to = IN_E_SIGN;
	if (to != 0) {
		j->state = to;
		return GO_ON;
	}
	if (span_is_digit(c) || !steps[at].may_end)
		return IS_WRONG;
	j->state = AT_NEXT;
	return ANEW;
}

/* -- strings -- */

static size_t
put_utf8(char out[4], unsigned code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0U | code >> 6);
		out[1] = (char)(0x80U | (code & 0x3fU));
		return 2;
	}
	if (code < PAIR_BASE) {
		out[0] = (char)(0xe0U | code >> 12);
		out[1] = (char)(0x80U | (code >> 6 & 0x3fU));
		out[2] = (char)(0x80U | (code & 0x3fU));
		return 3;
	}
	out[0] = (char)(0xf0U | code >> 18);
	out[1] = (char)(0x80U | (code >> 12 & 0x3fU));
	out[2] = (char)(0x80U | (code >> 6 & 0x3fU));
	out[3] = (char)(0x80U | (code & 0x3fU));
	return 4;
}

/* An escape stands for this. */
static enum outcome
make(struct json *j, unsigned code, enum json_item *item, struct span *text)
{
	j->state = IN_STRING;
	text->p = j->made;
	text->len = put_utf8(j->made, code);
	*item = JSON_TEXT;
	return HAS_ITEM;
}

static enum outcome
take_escape(struct json *j, char c, enum json_item *item, struct span *text)
{
	static const char names[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (c == 'u') {
		j->state = IN_HEX;
		j->hex = j->code = 0;
		return GO_ON;
	}
	at = memchr(names, c, sizeof(names) - 1);
	if (at == NULL)
		return IS_WRONG;
	return make(j, (unsigned char)meant[at - names], item, text);
}

/* \uXXXX is complete. */
static enum outcome
end_hex(struct json *j, enum json_item *item, struct span *text)
{
	const bool is_low = j->code >= LOW_FIRST && j->code < LOW_END;
	unsigned high = j->high;

	j->high = 0;
	if (is_low != (high != 0))
		return IS_WRONG;
	if (high != 0)
		return make(j, PAIR_BASE + ((high - HIGH_FIRST) << 10) +
		    (j->code - LOW_FIRST), item, text);
	if (j->code < HIGH_FIRST || j->code >= LOW_END)
		return make(j, j->code, item, text);
	j->high = j->code;
	j->state = IN_PAIR;
	return GO_ON;
}

static enum outcome
take_hex(struct json *j, char c, enum json_item *item, struct span *text)
{
	const int digit = span_hex(c);

	if (digit < 0)
		return IS_WRONG;
	j->code = j->code << 4 | (unsigned)digit;
	j->hex++;
	return j->hex < 4 ? GO_ON : end_hex(j, item, text);
}

/* The first byte of a character that has more. */
static bool
begin_utf8(struct json *j, unsigned char c)
{
	j->low = 0x80;
	j->top = 0xbf;
	if (c >= 0xc2 && c <= 0xdf) {
		j->tail = 1;
	} else if (c >= 0xe0 && c <= 0xef) {
		j->tail = 2;
		j->low = c == 0xe0 ? 0xa0 : 0x80;
		j->top = c == 0xed ? 0x9f : 0xbf;
	} else if (c >= 0xf0 && c <= 0xf4) {
		j->tail = 3;
		j->low = c == 0xf0 ? 0x90 : 0x80;
		j->top = c == 0xf4 ? 0x8f : 0xbf;
	} else {
		return false;
	}
	return true;
}

/* One byte from 0x80 on, or one that should be. */
static bool
take_utf8(struct json *j, unsigned char c)
{
	if (j->tail == 0)
		return begin_utf8(j, c);
	if (c < j->low || c > j->top)
		return false;
	j->tail--;
	j->low = 0x80;
	j->top = 0xbf;
	return true;
}

/* Bytes of a string that stand for themselves; false when one is wrong. */
static bool
take_plain(struct json *j, const char *buf, size_t len, size_t *n)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < len; i++) {
		c = (unsigned char)buf[i];
		if (j->tail == 0 && c < 0x80) {
			if (c == '"' || c == '\\')
				break;
			if (c < ' ')
				return false;
		} else if (!take_utf8(j, c)) {
			return false;
		}
	}
	*n = i;
	return true;
}

/* The rest is in a string: a piece of it, its end, or an escape. */
static enum outcome
take_string(struct json *j, const char *buf, size_t len, size_t *n,
    enum json_item *item, struct span *text)
{
	if (!take_plain(j, buf, len, n))
		return IS_WRONG;
	if (*n > 0) {
		*text = (struct span){ buf, *n };
		*item = JSON_TEXT;
		return HAS_ITEM;
	}
	*n = 1;
	if (buf[0] == '\\') {
		j->state = IN_ESCAPE;
		return GO_ON;
	}
	j->state = j->is_key ? AT_COLON : AT_NEXT;
	*item = j->is_key ? JSON_KEY : JSON_STRING;
	return HAS_ITEM;
}

/* One byte, or in a string as many as stand for themselves. */
static enum outcome
step(struct json *j, const char *buf, size_t len, size_t *n,
    enum json_item *item, struct span *text)
{
	const char c = buf[0];

	*n = 1;
	if (j->state <= LAST_BLANK)
		return take_token(j, c, item);
	switch (j->state) {
	case IN_STRING:
		return take_string(j, buf, len, n, item, text);
	case IN_ESCAPE:
		return take_escape(j, c, item, text);
	case IN_HEX:
		return take_hex(j, c, item, text);
	case IN_PAIR:
		j->state = IN_PAIR_U;
		return c == '\\' ? GO_ON : IS_WRONG;
	case IN_PAIR_U:
		j->state = IN_HEX;
		j->hex = j->code = 0;
		return c == 'u' ? GO_ON : IS_WRONG;
	case IN_WORD:
		return take_word(j, c, item);
	case IN_VAIN:
		return IS_WRONG;
	default:
		return take_number(j, c);
	}
}

enum json_result
json_walk(struct json *j, const char *buf, size_t len, size_t *used,
    enum json_item *item, struct span *text)
{
	enum outcome outcome;
	size_t n;

	*used = 0;
	*text = (struct span){ "", 0 };
	while (*used < len) {
		outcome = step(j, buf + *used, len - *used, &n, item, text);
		if (outcome == IS_WRONG) {
			j->state = IN_VAIN;
			return JSON_BAD;
		}
		if (outcome != ANEW)
			*used += n;
		if (outcome == HAS_ITEM)
			return JSON_ITEM;
	}
	return JSON_MORE;
}

bool
json_is_whole(const struct json *j)
{
	if (j->depth > 0)
		return false;
	/* Nothing but its end ends a number. */
	if (j->state >= FIRST_NUMBER && j->state <= IN_EXPONENT)
		return steps[j->state - FIRST_NUMBER].may_end;
	return j->state == AT_NEXT;
}
