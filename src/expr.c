/*
 * Pieces of an expression, and strings made from it.  Whoever uses a string
 * asks PCRE2 whether the rule matches it: what is made here is a proposal.
 */

#include "config.h"

#include "expr.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Groups in groups, and pieces written for one string: expressions are the
 * user's, and may be absurd. */
#define DEPTH_CAP 16
#define STEPS_CAP 1024

/* How many more than the least are tried of a repeat. */
#define REPEATS_TRIED 3

/* What a dot is tried with: the bytes that make a difference. */
static const char dot_bytes[] = "a/?0Z_.-=&";

static char
byte_at(struct span s, size_t i)
{
	return i < s.len ? s.p[i] : '\0';
}

/* Put the first len bytes of *rest into the piece. */
static void
take(struct span *rest, size_t len, enum expr_kind kind,
    struct expr_piece *piece)
{
	if (len > rest->len)
		len = rest->len;
	piece->kind = kind;
	piece->text = (struct span){ rest->p, len };
	rest->p += len;
	rest->len -= len;
}

/* The length of "[:alpha:]" but its last byte, or 0. */
static size_t
named_len(struct span s)
{
	size_t i = 2;

	if (byte_at(s, 1) != ':')
		return 0;
	while (byte_at(s, i) == '^' || span_is_alnum(byte_at(s, i)))
		i++;
	return byte_at(s, i) == ':' && byte_at(s, i + 1) == ']' ? i + 1 : 0;
}

/* The length of "[...]": the bracket after "[" or "[^" is a byte, and
 * "[:alpha:]" has one of its own. */
static size_t
class_len(struct span s)
{
	size_t i = byte_at(s, 1) == '^' ? 2 : 1;

	if (byte_at(s, i) == ']')
		i++;
	for (; i < s.len && s.p[i] != ']'; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '[')
			i += named_len((struct span){ s.p + i, s.len - i });
	}
	return i + 1;
}

/* A backslash and what belongs to it. */
static void
next_escape(struct span *rest, struct expr_piece *piece)
{
	static const char control[] = "tnrfea", controls[] = "\t\n\r\f\033\a";
	char c = byte_at(*rest, 1);
	const char *found;

	piece->byte = c;
	if (!span_is_alnum(c)) {
		take(rest, 2, EXPR_BYTE, piece);
	} else if (strchr("dDwWsShHvVN", c) != NULL) {
		take(rest, 2, EXPR_CLASS, piece);
	} else if (strchr("bBAzZG", c) != NULL) {
		take(rest, 2, EXPR_EDGE, piece);
	} else if (c == 'x' && span_hex(byte_at(*rest, 2)) >= 0 &&
	    span_hex(byte_at(*rest, 3)) >= 0) {
		piece->byte = (char)(span_hex(rest->p[2]) << 4 |
		    span_hex(rest->p[3]));
		take(rest, 4, EXPR_BYTE, piece);
	} else if ((found = strchr(control, c)) != NULL) {
		piece->byte = controls[found - control];
		take(rest, 2, EXPR_BYTE, piece);
	} else {
		take(rest, 2, EXPR_OTHER, piece);
	}
}

/* A number of up to four digits; how many there were. */
static size_t
read_count(struct span s, unsigned *n)
{
	size_t i;

	for (i = 0; i < 5 && span_is_digit(byte_at(s, i)); i++)
		*n = (i == 0 ? 0 : *n * 10) + (unsigned)(s.p[i] - '0');
	return i;
}

/* "{2}", "{2,}" or "{2,3}": its length, or 0 when the brace is a byte. */
static size_t
counted(struct span s, struct expr_piece *piece)
{
	struct span rest = { s.p + 1, s.len - 1 };
	size_t len, more;

	len = read_count(rest, &piece->least);
	if (len == 0)
		return 0;
	piece->most = piece->least;
	len++;
	if (byte_at(s, len) == ',') {
		len++;
		piece->most = EXPR_NO_END;
		rest = (struct span){ s.p + len, s.len - len };
		more = read_count(rest, &piece->most);
		len += more;
	}
	return byte_at(s, len) == '}' ? len + 1 : 0;
}

/* A repeat with its mark, lazy or possessive; its length, or 0. */
static size_t
repeat_len(struct span s, struct expr_piece *piece)
{
	size_t len = 1;

	piece->least = s.p[0] == '+';
	piece->most = s.p[0] == '?' ? 1 : EXPR_NO_END;
	if (s.p[0] == '{')
		len = counted(s, piece);
	if (len == 0)
		return 0;
	return len + (byte_at(s, len) == '?' || byte_at(s, len) == '+');
}

/* "(", "(?:", or the head of a group that means more. */
static void
next_open(struct span *rest, struct expr_piece *piece)
{
	size_t len = 1;

	if (byte_at(*rest, 1) != '?' && byte_at(*rest, 1) != '*') {
		take(rest, 1, EXPR_OPEN, piece);
	} else if (byte_at(*rest, 1) == '?' && byte_at(*rest, 2) == ':') {
		take(rest, 3, EXPR_OPEN, piece);
	} else {
		while (len < rest->len && rest->p[len] != ')' &&
		    rest->p[len] != ':')
			len++;
		take(rest, len, EXPR_OTHER, piece);
	}
}

bool
expr_next(struct span *rest, struct expr_piece *piece)
{
	size_t len;

	*piece = (struct expr_piece){ .kind = EXPR_BYTE };
	if (rest->len == 0)
		return false;
	switch (rest->p[0]) {
	case '\\':
		next_escape(rest, piece);
		return true;
	case '[':
		take(rest, class_len(*rest), EXPR_CLASS, piece);
		return true;
	case '(':
		next_open(rest, piece);
		return true;
	case ')':
		take(rest, 1, EXPR_CLOSE, piece);
		return true;
	case '|':
		take(rest, 1, EXPR_BAR, piece);
		return true;
	case '.':
		take(rest, 1, EXPR_DOT, piece);
		return true;
	case '^':
	case '$':
		take(rest, 1, EXPR_EDGE, piece);
		return true;
	case '*':
	case '+':
	case '?':
	case '{':
		len = repeat_len(*rest, piece);
		if (len > 0) {
			take(rest, len, EXPR_REPEAT, piece);
			return true;
		}
		break;
	default:
		break;
	}
	piece->byte = rest->p[0];
	take(rest, 1, EXPR_BYTE, piece);
	return true;
}

void
expr_read_class(struct span text, struct expr_class *c)
{
	pcre2_match_data *data;
	pcre2_code *re;
	size_t offset;
	char byte;
	int code;

	c->text = text;
	c->n = 0;
	data = pcre2_match_data_create(1, NULL);
	re = pcre2_compile((PCRE2_SPTR)text.p, text.len, PCRE2_NEVER_UTF,
	    &code, &offset, NULL);
	for (byte = '!'; re != NULL && data != NULL && byte <= '~'; byte++)
		if (pcre2_match(re, (PCRE2_SPTR)&byte, 1, 0, 0, data,
		    NULL) > 0)
			c->bytes[c->n++] = byte;
	pcre2_match_data_free(data);
	pcre2_code_free(re);
}

static void make_alternatives(struct expr_maker *m, struct span s,
    struct text *out);

/* One of n, by the seed. */
static size_t
choose(struct expr_maker *m, size_t n)
{
	size_t pick = m->seed % n;

	m->seed /= n;
	m->count = m->count > UINT64_MAX / n ? UINT64_MAX : m->count * n;
	return pick;
}

static void
make_class(struct expr_maker *m, struct span text, struct text *out)
{
	struct expr_class *c;
	size_t i;

	for (i = 0; i < m->nclasses; i++)
		if (span_eq(m->classes[i].text, text))
			break;
	if (i == EXPR_CLASSES_CAP)
		i--;
	c = &m->classes[i];
	if (i == m->nclasses || !span_eq(c->text, text))
		expr_read_class(text, c);
	if (i == m->nclasses)
		m->nclasses++;
	if (c->n == 0)
		m->is_unreadable = true;
	else
		text_char(out, c->bytes[choose(m, c->n)]);
}

static void
make_piece(struct expr_maker *m, const struct expr_piece *piece,
    struct span inner, struct text *out)
{
	m->steps++;
	switch (piece->kind) {
	case EXPR_EDGE:
		break;
	case EXPR_BYTE:
		text_char(out, piece->byte);
		break;
	case EXPR_CLASS:
		make_class(m, piece->text, out);
		break;
	case EXPR_DOT:
		text_char(out, dot_bytes[choose(m, sizeof(dot_bytes) - 1)]);
		m->count = UINT64_MAX;
		break;
	case EXPR_OPEN:
		make_alternatives(m, inner, out);
		break;
	default:
		m->is_unreadable = true;
	}
	if (m->steps > STEPS_CAP)
		m->is_unreadable = true;
}

/* Cut the inside of a group, whose "(" is gone, off *rest. */
static struct span
group(struct span *rest)
{
	struct span inner = { rest->p, 0 };
	struct expr_piece piece;
	size_t depth = 1;

	while (depth > 0 && expr_next(rest, &piece)) {
		depth += piece.kind == EXPR_OPEN ||
		    (piece.kind == EXPR_OTHER && piece.text.p[0] == '(');
		depth -= piece.kind == EXPR_CLOSE;
		inner.len = (size_t)(piece.text.p - inner.p);
	}
	return inner;
}

/* How often the piece before *rest stands there, by a repeat if one comes. */
static size_t
times(struct expr_maker *m, struct span *rest)
{
	struct expr_piece piece;
	struct span after = *rest;
	unsigned more;

	if (!expr_next(&after, &piece) || piece.kind != EXPR_REPEAT)
		return 1;
	*rest = after;
	if (piece.most <= piece.least)
		return piece.least;
	more = piece.most - piece.least;
	if (more > REPEATS_TRIED)
		m->count = UINT64_MAX;
	return piece.least +
	    choose(m, (more < REPEATS_TRIED ? more : REPEATS_TRIED) + 1);
}

static void
make_sequence(struct expr_maker *m, struct span s, struct text *out)
{
	struct expr_piece piece;
	struct span inner;
	size_t n;

	while (!m->is_unreadable && expr_next(&s, &piece)) {
		inner = (struct span){ s.p, 0 };
		if (piece.kind == EXPR_OPEN)
			inner = group(&s);
		for (n = times(m, &s); n > 0 && !m->is_unreadable; n--)
			make_piece(m, &piece, inner, out);
	}
}

/* Cut the next alternative of the same level off *rest. */
static struct span
alternative(struct span *rest)
{
	struct span whole = *rest, cut = { rest->p, 0 };
	struct expr_piece piece;

	while (expr_next(rest, &piece)) {
		if (piece.kind == EXPR_BAR) {
			cut.len = (size_t)(piece.text.p - cut.p);
			return cut;
		}
		if (piece.kind == EXPR_OPEN)
			(void)group(rest);
	}
	rest->p = NULL;
	return whole;
}

static void
make_alternatives(struct expr_maker *m, struct span s, struct text *out)
{
	struct span rest, cut;
	size_t n, pick;

	if (++m->depth > DEPTH_CAP) {
		m->is_unreadable = true;
		return;
	}
	n = 0;
	rest = s;
	do {
		(void)alternative(&rest);
		n++;
	} while (rest.p != NULL);
	pick = choose(m, n);
	rest = s;
	do
		cut = alternative(&rest);
	while (pick-- > 0);
	make_sequence(m, cut, out);
	m->depth--;
}

bool
expr_make(struct expr_maker *m, struct span s, struct text *out)
{
	m->is_unreadable = false;
	m->steps = m->depth = 0;
	make_alternatives(m, s, out);
	return !m->is_unreadable && !out->is_full;
}
