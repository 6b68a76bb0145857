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
	struct span		 danger;	/* first line of the text,
						 * when it begins with "# HOST
						 * ROOT": behind the "# " */
	bool			 only_warns;	/* what no rule allows passes
						 * all the same: */
	struct rule		 fallback;	/* stands for no rule then */
};

/* What profile_parse asks its caller for. */
struct profile_reader {
	void	*arg;		/* passed to each */

	/* A wrong line: the file that was included (NULL: the profile itself),
	 * its number there (0: the file as a whole), what is wrong, and the
	 * line. */
	void	(*report)(void *arg, const char *file, size_t line_no,
		    const char *what, struct span line);

	/* The file of that name for "include": its text, and what to call it
	 * (the same for the same file); both must outlive the profile.  False:
	 * there is none, reported.  NULL: nothing can be included. */
	bool	(*fetch)(void *arg, struct span name, const char **file,
		    struct span *text);

	/* A copy of s that outlives the profile; NULL: no memory.  May be NULL
	 * where rules have no variables. */
	const char *(*keep)(void *arg, struct span s);
};

/*
 * profile_parse(p, text, reader):
 * Parse the text of a profile into p->rules.  p->name, p->rules and
 * p->rules_cap are set by the caller; text must outlive the profile.  All
 * wrong lines are reported, not only the first.  True when none was wrong
 * and there is at least one rule.  In any case profile_free is due.
 */
bool profile_parse(struct profile *p, struct span text,
    const struct profile_reader *reader);

/* profile_free(p): release compiled rules (not p->rules itself). */
void profile_free(struct profile *p);

#endif /* DSP_PROFILE_H */
