/*
 * Names and values of requests as expressions.
 */
#include "config.h"

#include "learnvalue.h"

#include <string.h>

/* As profiles/classes has them; a test compares. */
static const struct {
	const char *name, *value;
} classes[] = {
	[LEARNVALUE_V] = { "{V}", "(v1\\.\\d+/)?" },
	[LEARNVALUE_ID] = { "{ID}", "[0-9A-Za-z][\\w.-]*" },
	[LEARNVALUE_HEX] = { "{HEX}", "[0-9a-f]+" },
	[LEARNVALUE_IMAGE] = { "{IMAGE}",
	    "[0-9A-Za-z][\\w.:/@+-]*(%40\\w+:\\w+)?" },
};

/* Lengths of what Docker makes up: a short and a full id in hex, and an id of
 * Swarm or BuildKit. */
#define SHORT_ID_LEN	12
#define FULL_ID_LEN	64
#define SWARM_ID_LEN	25

static bool
is_word(char c)
{
	return span_is_alnum(c) || c == '_';
}

static bool
is_lower_hex(char c)
{
	return span_is_digit(c) || (c >= 'a' && c <= 'f');
}

/* Whether s has only word bytes and those of more, and at least one. */
static bool
is_made_of(struct span s, const char *more)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_word(s.p[i]) && strchr(more, s.p[i]) == NULL)
			return false;
	return s.len > 0;
}

static bool
is_hex(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_lower_hex(s.p[i]))
			return false;
	return s.len > 0;
}

/* A name with registry, tag and digest; "@" may be written as %40. */
static bool
is_image(struct span s)
{
	static const char bytes[] = ".:/@+-";
	struct span name = s, digest, algorithm;
	size_t i;

	for (i = 0; i < s.len && s.p[i] != '%'; i++)
		continue;
	name.len = i;
	if (!is_made_of(name, bytes))
		return false;
	if (i == s.len)
		return true;
	digest = (struct span){ s.p + i, s.len - i };
	if (!span_starts_nocase(digest, SPAN("%40")))
		return false;
	digest.p += 3;
	digest.len -= 3;
	return span_next(&digest, ':', &algorithm) && digest.p != NULL &&
	    is_made_of(algorithm, "") && is_made_of(digest, "");
}

bool
learnvalue_is(enum learnvalue_class class, struct span s)
{
	switch (class) {
	case LEARNVALUE_ID:
		return is_made_of(s, ".-") && span_is_alnum(s.p[0]);
	case LEARNVALUE_HEX:
		return is_hex(s);
	case LEARNVALUE_IMAGE:
		return is_image(s) && span_is_alnum(s.p[0]);
	case LEARNVALUE_V:
	case LEARNVALUE_NONE:
		break;
	}
	return false;
}

bool
learnvalue_is_number(struct span s)
{
	size_t i;

	if (s.len > 0 && s.p[0] == '-') {
		s.p++;
		s.len--;
	}
	for (i = 0; i < s.len; i++)
		if (!span_is_digit(s.p[i]) && s.p[i] != '.')
			return false;
	return s.len > 0 && span_is_digit(s.p[0]) &&
	    span_is_digit(s.p[s.len - 1]);
}

void
learnvalue_class(struct learnvalue_out *out, enum learnvalue_class class)
{
	out->nvars++;
	text_str(&out->text, out->is_inline ? classes[class].value :
	    classes[class].name);
}

/* Letters and digits of both kinds, no capitals. */
static bool
is_swarm_id(struct span s)
{
	size_t i, ndigits = 0;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return false;
		ndigits += span_is_digit(s.p[i]);
	}
	return s.len == SWARM_ID_LEN && ndigits > 0 && ndigits < s.len;
}

/* Letters and digits between other bytes. */
static void
write_run(struct text *t, struct span run)
{
	if ((run.len == SHORT_ID_LEN || run.len == FULL_ID_LEN) &&
	    is_hex(run))
		text_str(t, "[0-9a-f]+");
	else if (is_swarm_id(run))
		text_str(t, "[0-9a-z]+");
	else
		text_span(t, run);
}

void
learnvalue_literal(struct text *t, struct span s)
{
	struct span piece;
	bool is_run;

	while (s.len > 0) {
		piece = (struct span){ s.p, 0 };
		while (piece.len < s.len && span_is_alnum(s.p[piece.len]))
			piece.len++;
		is_run = piece.len > 0;
		/* The digits of an escape are no part of an id. */
		if (!is_run)
			piece.len = s.p[0] == '%' && s.len >= 3 ? 3 : 1;
		if (is_run)
			write_run(t, piece);
		else
			text_literal(t, piece);
		s.p += piece.len;
		s.len -= piece.len;
	}
}

void
learnvalue_note(struct learnvalue_set *set, struct span s)
{
	size_t i;

	if (s.len == 0)
		set->has_empty = true;
	for (i = 0; i < s.len; i++)
		set->has[(unsigned char)s.p[i] % LEARNVALUE_BYTES] = true;
}

/* What stands for the letters and digits of the set: all of a kind, since
 * there was chance in which ones came. */
static const char *
words_of(const struct learnvalue_set *set)
{
	bool is_digits = true, is_hex_digits = true, is_empty = true;
	int c;

	for (c = 0; c < LEARNVALUE_BYTES; c++) {
		if (!set->has[c] || !is_word((char)c))
			continue;
		is_empty = false;
		is_digits = is_digits && span_is_digit((char)c);
		is_hex_digits = is_hex_digits && is_lower_hex((char)c);
	}
	if (is_empty)
		return "";
	return is_digits ? "\\d" : is_hex_digits ? "0-9a-f" : "\\w";
}

/* Bytes of the set that are no letters or digits; "-" last, where it is no
 * range. */
static void
write_others(struct text *t, const struct learnvalue_set *set)
{
	int c;

	for (c = 0; c < LEARNVALUE_BYTES; c++) {
		if (!set->has[c] || is_word((char)c) || c == '-')
			continue;
		if (strchr("[]^\\{}", c) != NULL)
			text_char(t, '\\');
		text_char(t, (char)c);
	}
	if (set->has['-'])
		text_char(t, '-');
}

void
learnvalue_set(struct text *t, const struct learnvalue_set *set)
{
	const char *words = words_of(set);
	char buf[2 * LEARNVALUE_BYTES];
	struct text others;

	text_init(&others, buf, sizeof(buf));
	write_others(&others, set);
	if (others.len == 0 && words[0] == '\0')
		return;
	if (others.len == 0 && words[0] == '\\') {
		text_str(t, words);
	} else {
		text_char(t, '[');
		text_str(t, words);
		text_span(t, (struct span){ buf, others.len });
		text_char(t, ']');
	}
	text_char(t, set->has_empty ? '*' : '+');
}
