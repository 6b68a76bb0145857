/*
 * Slices: comparing, cutting, numbers.  ASCII only, no locale.
 */

#include "config.h"

#include "span.h"

#include <string.h>

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
span_starts_nocase(struct span s, struct span prefix)
{
	size_t i;

	if (s.len < prefix.len)
		return false;
	for (i = 0; i < prefix.len; i++)
		if (lower(s.p[i]) != lower(prefix.p[i]))
			return false;
	return true;
}

bool
span_has(struct span s, struct span needle)
{
	size_t i;

	for (i = 0; i + needle.len <= s.len; i++)
		if (memcmp(s.p + i, needle.p, needle.len) == 0)
			return true;
	return false;
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 &&
	    (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
span_next(struct span *rest, char sep, struct span *out)
{
	const char *end;

	if (rest->p == NULL)
		return false;
	*out = *rest;
	end = rest->len > 0 ? memchr(rest->p, sep, rest->len) : NULL;
	if (end == NULL) {
		*rest = (struct span){ NULL, 0 };
		return true;
	}
	out->len = (size_t)(end - rest->p);
	rest->p = end + 1;
	rest->len -= out->len + 1;
	return true;
}

bool
span_number(struct span s, size_t max_digits, uint64_t *out)
{
	uint64_t n;
	size_t i;

	if (s.len == 0 || s.len > max_digits || s.len > 18)
		return false;
	if (s.p[0] == '0' && s.len > 1)
		return false;
	n = 0;
	for (i = 0; i < s.len; i++) {
		if (!span_is_digit(s.p[i]))
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	*out = n;
	return true;
}

int
span_hex(char c)
{
	if (span_is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
