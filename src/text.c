/*
 * Bounded writing, and the three ways to escape bytes from outside.
 */

#include "config.h"

#include "text.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

void
text_init(struct text *t, char *buf, size_t cap)
{
	t->buf = buf;
	t->cap = cap;
	t->len = 0;
	t->is_full = false;
}

void
text_span(struct text *t, struct span s)
{
	if (t->is_full || s.len > t->cap - t->len) {
		t->is_full = true;
		return;
	}
	if (s.len > 0)
		memcpy(t->buf + t->len, s.p, s.len);
	t->len += s.len;
}

void
text_char(struct text *t, char c)
{
	text_span(t, (struct span){ &c, 1 });
}

/* Digits of n in base 10 or 16, right-aligned in a buffer of 20. */
static void
text_digits(struct text *t, uint64_t n, unsigned base)
{
	char digits[20];
	size_t at;

	at = sizeof(digits);
	do {
		digits[--at] = hex_digits[n % base];
		n /= base;
	} while (n > 0);
	text_span(t, (struct span){ digits + at, sizeof(digits) - at });
}

void
text_number(struct text *t, uint64_t n)
{
	text_digits(t, n, 10);
}

void
text_hex(struct text *t, uint64_t n)
{
	text_digits(t, n, 16);
}

static bool
is_visible(char c)
{
	return c > ' ' && c < 0x7f;
}

/* prefix and two hex digits, as one piece: whole or not at all. */
static void
text_hex_byte(struct text *t, struct span prefix, char c)
{
	char piece[8];
	unsigned char byte;

	byte = (unsigned char)c;
	memcpy(piece, prefix.p, prefix.len);
	piece[prefix.len] = hex_digits[byte >> 4];
	piece[prefix.len + 1] = hex_digits[byte & 15];
	text_span(t, (struct span){ piece, prefix.len + 2 });
}

/* A backslash and c, as one piece. */
static void
text_backslashed(struct text *t, char c)
{
	char piece[2] = { '\\', c };

	text_span(t, (struct span){ piece, sizeof(piece) });
}

void
text_escaped(struct text *t, struct span s)
{
	size_t i;

	for (i = 0; i < s.len && !t->is_full; i++) {
		if (s.p[i] == '\\')
			text_backslashed(t, '\\');
		else if (is_visible(s.p[i]))
			text_char(t, s.p[i]);
		else
			text_hex_byte(t, SPAN("\\x"), s.p[i]);
	}
}

void
text_json(struct text *t, struct span s)
{
	size_t i;

	for (i = 0; i < s.len && !t->is_full; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			text_backslashed(t, s.p[i]);
		else if (s.p[i] == ' ' || is_visible(s.p[i]))
			text_char(t, s.p[i]);
		else
			text_hex_byte(t, SPAN("\\u00"), s.p[i]);
	}
}

void
text_literal(struct text *t, struct span s)
{
	size_t i;

	for (i = 0; i < s.len && !t->is_full; i++) {
		if (s.p[i] != '\0' && strchr("\\.+*?()|[]{}^$", s.p[i]) != NULL)
			text_backslashed(t, s.p[i]);
		else
			text_char(t, s.p[i]);
	}
}

const char *
text_string(struct text *t)
{
	t->buf[t->len < t->cap ? t->len : t->cap - 1] = '\0';
	return t->buf;
}
