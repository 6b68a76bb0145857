#ifndef DSP_SPAN_H
#define DSP_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A slice of somebody else's buffer: len bytes at p, not NUL-terminated.
 * It lives as long as the buffer does.  An empty span may have any p.
 */
struct span {
	const char	*p;
	size_t		 len;
};

/* A span over a string literal, without its NUL: a value, and the same to
 * initialise one with. */
#define SPAN_INIT(literal) { (literal), sizeof(literal) - 1 }
#define SPAN(literal) ((struct span)SPAN_INIT(literal))

/* span_of(s): a span over the NUL-terminated string s, without its NUL. */
static inline struct span
span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

/* span_eq(a, b): true when a and b hold the same bytes. */
static inline bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* span_starts_nocase(s, prefix): true when s begins with prefix, ASCII
 * letters compared in one case. */
bool span_starts_nocase(struct span s, struct span prefix);

/* span_eq_nocase(a, b): true when they are equal but for the case of ASCII
 * letters. */
static inline bool
span_eq_nocase(struct span a, struct span b)
{
	return a.len == b.len && span_starts_nocase(a, b);
}

/* span_has(s, needle): true when needle (not empty) stands somewhere in s. */
bool span_has(struct span s, struct span needle);

/* span_trim(s): s without spaces and tabs at both ends. */
struct span span_trim(struct span s);

/*
 * span_next(rest, sep, out):
 * Cut the next element, up to the byte sep or the end, off *rest and put it
 * into *out.  False when *rest is used up (its p is NULL then).  "a,,b" has
 * three elements, "" has one.
 */
bool span_next(struct span *rest, char sep, struct span *out);

/*
 * span_number(s, max_digits, out):
 * Read an unsigned decimal number: 1 to max_digits (at most 18) ASCII
 * digits and nothing else; leading zeros only as "0" itself.  False, with
 * *out untouched, on anything else.
 */
bool span_number(struct span s, size_t max_digits, uint64_t *out);

/* span_hex(c): the value of the hex digit c, or -1. */
int span_hex(char c);

/* span_is_digit(c), span_is_alnum(c): ASCII only, no locale. */
static inline bool
span_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
span_is_alnum(char c)
{
	return span_is_digit(c) || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

#endif /* DSP_SPAN_H */
