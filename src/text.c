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
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
days_of(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };

	return days[month] + (month == 1 && is_leap(year));
}

/* At least two digits, behind a character. */
static void
put_part(struct text *t, char before, uint64_t n)
{
	text_char(t, before);
	if (n < 10)
		text_char(t, '0');
	text_number(t, n);
}

void
text_utc(struct text *t, uint64_t seconds)
{
	const uint64_t most = UINT64_C(253402300799);
	unsigned month, year;
	uint64_t days;

	if (seconds > most)
		seconds = most;
	days = seconds / 86400;
	for (year = 1970; days >= 365U + is_leap(year); year++)
		days -= 365U + is_leap(year);
	for (month = 0; days >= days_of(year, month); month++)
		days -= days_of(year, month);
	text_number(t, year);
	put_part(t, '-', month + 1);
	put_part(t, '-', days + 1);
	put_part(t, 'T', seconds % 86400 / 3600);
	put_part(t, ':', seconds % 3600 / 60);
	put_part(t, ':', seconds % 60);
	text_char(t, 'Z');
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

/* As many bytes of s as fit. */
static void
text_some(struct text *t, struct span s)
{
	const size_t room = t->cap - t->len;
	const bool is_cut = s.len > room;

	if (t->is_full)
		return;
	text_span(t, (struct span){ s.p, is_cut ? room : s.len });
	t->is_full = is_cut;
}

/* Add s: runs of plain bytes as they are, which is most of what comes, and
 * each of the others as put_other writes it. */
static inline void
text_runs(struct text *t, struct span s, bool (*is_plain)(char),
    void (*put_other)(struct text *, char))
{
	size_t n;

	while (s.len > 0 && !t->is_full) {
		for (n = 0; n < s.len && is_plain(s.p[n]); )
			n++;
		text_some(t, (struct span){ s.p, n });
		if (n < s.len)
			put_other(t, s.p[n++]);
		s = (struct span){ s.p + n, s.len - n };
	}
}

static bool
is_plain_escaped(char c)
{
	return is_visible(c) && c != '\\';
}

static void
put_escaped(struct text *t, char c)
{
	if (c == '\\')
		text_backslashed(t, c);
	else
		text_hex_byte(t, SPAN("\\x"), c);
}

void
text_escaped(struct text *t, struct span s)
{
	text_runs(t, s, is_plain_escaped, put_escaped);
}

static bool
is_plain_json(char c)
{
	return c == ' ' || (is_visible(c) && c != '"' && c != '\\');
}

static void
put_json(struct text *t, char c)
{
	if (c == '"' || c == '\\')
		text_backslashed(t, c);
	else
		text_hex_byte(t, SPAN("\\u00"), c);
}

void
text_json(struct text *t, struct span s)
{
	text_runs(t, s, is_plain_json, put_json);
}

static bool
is_plain_literal(char c)
{
	return c == '\0' || strchr("\\.+*?()|[]{}^$", c) == NULL;
}

void
text_literal(struct text *t, struct span s)
{
	text_runs(t, s, is_plain_literal, text_backslashed);
}

const char *
text_string(struct text *t)
{
	t->buf[t->len < t->cap ? t->len : t->cap - 1] = '\0';
	return t->buf;
}
