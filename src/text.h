#ifndef DSP_TEXT_H
#define DSP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

/*
 * Text written into a fixed buffer.  A piece that does not fit is left out
 * whole, is_full becomes true and stays so, and nothing more is written:
 * callers write everything and look once.  Nothing is NUL-terminated unless
 * text_string is called.
 */
struct text {
	char	*buf;
	size_t	 cap;
	size_t	 len;
	bool	 is_full;
};

/* text_init(t, buf, cap): start writing at buf, at most cap bytes. */
void text_init(struct text *t, char *buf, size_t cap);

/* text_span, text_str, text_char: add a span, a C string, one byte. */
void text_span(struct text *t, struct span s);
void text_char(struct text *t, char c);

static inline void
text_str(struct text *t, const char *s)
{
	text_span(t, span_of(s));
}

/* text_number(t, n): add n in decimal; text_hex adds lower-case hex. */
void text_number(struct text *t, uint64_t n);
void text_hex(struct text *t, uint64_t n);

/*
 * text_utc(t, seconds):
 * Add the time that many seconds after the start of 1970, as in
 * "2026-03-01T12:00:00Z" (RFC 3339); what is later than the year 9999 as the
 * end of that.  Not by gmtime(3), which brings a static program the zones of
 * all the world.
 */
#define TEXT_UTC_LEN 20
void text_utc(struct text *t, uint64_t seconds);

/*
 * text_escaped(t, s):
 * Add s for a human reader: visible ASCII but backslash as it is, backslash
 * doubled, every other byte (space too) as \xHH.  As many whole bytes of s
 * as fit.
 */
void text_escaped(struct text *t, struct span s);

/*
 * text_json(t, s):
 * Add s as the inside of a JSON string: quote and backslash escaped, bytes
 * outside visible ASCII and space as \u00HH.  As many whole bytes of s as fit.
 */
void text_json(struct text *t, struct span s);

/*
 * text_literal(t, s):
 * Add s as a PCRE2 expression that matches exactly s: a backslash before
 * each of \.+*?()|[]{}^$ as knrdl/docker-socket-protector writes it.
 * As many whole bytes of s as fit.
 */
void text_literal(struct text *t, struct span s);

/*
 * text_string(t):
 * Terminate what was written with a NUL, over its last byte if the buffer is
 * full, and return it.  cap must not be 0.
 */
const char *text_string(struct text *t);

#endif /* DSP_TEXT_H */
