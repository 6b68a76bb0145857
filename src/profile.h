#ifndef DSP_PROFILE_H
#define DSP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "bounds.h"
#include "rule.h"
#include "span.h"

/*
 * A whitelist: rules in the order of the file; the first that matches
 * allows, none denies.
 */
struct profile {
	char			 name[BOUNDS_PROFILE_NAME_CAP];
	struct rule		*rules;		/* the caller's storage */
	size_t			 rules_cap;
	size_t			 nrules;
	struct rule_matcher	 matcher;
};

/*
 * Called for each wrong line: its number (0: the file as a whole), what is
 * wrong, and the line itself.
 */
typedef void profile_report(void *arg, size_t line_no, const char *what,
    struct span line);

/*
 * profile_parse(p, text, report, arg):
 * Parse the text of a profile into p->rules.  p->name, p->rules and
 * p->rules_cap are set by the caller; text must outlive the profile.  All
 * wrong lines are reported, not only the first.  True when none was wrong
 * and there is at least one rule.  In any case profile_free is due.
 */
bool profile_parse(struct profile *p, struct span text,
    profile_report *report, void *arg);

/* profile_free(p): release compiled rules (not p->rules itself). */
void profile_free(struct profile *p);

#endif /* DSP_PROFILE_H */
