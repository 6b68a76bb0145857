#ifndef DSP_EXPR_H
#define DSP_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"
#include "text.h"

/*
 * An expression of a rule, read without running it: its pieces, and strings
 * that it may match.  Only for advice; what an expression means is decided
 * by PCRE2 alone.  Expressions are ones that rule_parse took.
 * Source: pcre2pattern(3).
 */

enum expr_kind {
	EXPR_BYTE,	/* one byte, bare or escaped */
	EXPR_DOT,
	EXPR_CLASS,	/* [...], or \d and its kin */
	EXPR_OPEN,	/* "(" or "(?:" */
	EXPR_CLOSE,
	EXPR_BAR,
	EXPR_REPEAT,	/* of the piece before */
	EXPR_EDGE,	/* ^, $, \b and its kin: no byte of its own */
	EXPR_OTHER	/* what only PCRE2 understands */
};

/* There is no most. */
#define EXPR_NO_END 65536

struct expr_piece {
	enum expr_kind	 kind;
	struct span	 text;		/* in the expression */
	char		 byte;		/* BYTE */
	unsigned	 least, most;	/* REPEAT */
};

/* Visible ASCII, of which targets are made. */
#define EXPR_VISIBLE 94

/* Classes of one expression whose bytes are remembered. */
#define EXPR_CLASSES_CAP 16

/* The bytes that a class matches. */
struct expr_class {
	struct span	 text;
	size_t		 n;
	char		 bytes[EXPR_VISIBLE];
};

/* Where strings are made from; set to zero for each new expression. */
struct expr_maker {
	uint64_t	 seed;		/* what is left of it */
	uint64_t	 count;		/* of strings on this path of choices;
					 * UINT64_MAX: too many to try all */
	unsigned	 depth;
	unsigned	 steps;
	bool		 is_unreadable;
	size_t		 nclasses;
	struct expr_class classes[EXPR_CLASSES_CAP];
};

/*
 * expr_next(rest, piece):
 * Cut the next piece off *rest.  False at the end.
 */
bool expr_next(struct span *rest, struct expr_piece *piece);

/* expr_read_class(text, c): find the visible bytes that the class matches. */
void expr_read_class(struct span text, struct expr_class *c);

/*
 * expr_make(m, s, out):
 * Add to out one string that s may match, of the choices that m->seed names;
 * m->seed is divided and m->count (not 0) multiplied by the number of choices
 * on the way.  Seeds from 0 to below the greatest count met give all strings.
 * False when s has pieces that only PCRE2 understands, or out is full.
 */
bool expr_make(struct expr_maker *m, struct span s, struct text *out);

#endif /* DSP_EXPR_H */
