#ifndef DSP_ADVICE_H
#define DSP_ADVICE_H

#include <stddef.h>

#include "profile.h"

/*
 * What the rules of a profile admit beyond what they seem to, and rules that
 * do nothing.  Said by --test only; no verdict depends on it.
 */

enum advice_kind {
	ADVICE_DOT,		/* "." where "\." was meant */
	ADVICE_WIDE,		/* a repeat that crosses "/" or "?" */
	ADVICE_BAR,		/* "|" outside a group */
	ADVICE_TERMINAL,	/* GET of attach/ws */
	ADVICE_FILES,		/* GET of archive, export, images/get */
	ADVICE_START,		/* start below API 1.24 */
	ADVICE_OLD,		/* only versions that --min-api refuses */
	ADVICE_SHADOWED		/* an earlier rule takes everything */
};

/* Bytes of a warning at most, with the NUL. */
#define ADVICE_TEXT_CAP 512

/*
 * Called for each warning: the line of the rule, and "what: better form" in
 * printable ASCII, which lives during the call only.
 */
typedef void advice_report(void *arg, enum advice_kind kind, size_t line_no,
    const char *text);

/*
 * advice_give(p, min_api, report, arg):
 * Look at every rule of the profile, in their order, and at most once for
 * each kind.  min_api: the N of the lowest API version 1.N that is served.
 * Where strings that a rule matches had to be tried, the text says "seems"
 * unless all were.
 */
void advice_give(const struct profile *p, unsigned min_api,
    advice_report *report, void *arg);

#endif /* DSP_ADVICE_H */
