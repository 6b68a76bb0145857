#ifndef DSP_SURVEY_H
#define DSP_SURVEY_H

#include <stdbool.h>

#include "profile.h"
#include "route.h"
#include "trial.h"

/*
 * Which endpoints a profile opens: found out by trying requests, so there may
 * be more.
 */
struct survey {
	const struct rule *by[ROUTE_CAP];	/* the first rule that opens
						 * route_table[i], or NULL */
	bool		   is_known[BOUNDS_RULE_CAP];	/* the rule opens one,
						 * or nothing was tried */
	struct trial	   trial;	/* its own */
};

/*
 * survey_make(s, p, min_api):
 * Try each rule of the profile with requests made of it, and with plain ones
 * to every endpoint.  min_api: the N of the lowest API version 1.N that is
 * served.
 */
void survey_make(struct survey *s, const struct profile *p, unsigned min_api);

#endif /* DSP_SURVEY_H */
