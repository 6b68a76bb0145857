#ifndef DSP_POLICY_H
#define DSP_POLICY_H

#include <stdbool.h>

#include "body.h"
#include "http.h"
#include "profile.h"
#include "reason.h"
#include "span.h"
#include "target.h"

/*
 * The one place that says allow.
 */

/* Everything a verdict depends on. */
struct policy_request {
	struct span	method;
	struct target	target;
	struct span	content_type;	/* p NULL: none */
	struct body	body;
	bool		is_browser;	/* see policy_is_browser */
};

enum policy_result {
	POLICY_DENY,
	POLICY_ALLOW
};

struct policy_verdict {
	enum policy_result	 result;
	enum reason		 reason;	/* of a denial */
	const struct rule	*rule;	/* that allowed, or that failed to
					 * match (REASON_MATCH_ERROR) */
};

/*
 * policy_decide(request, profile, min_api, verdict):
 * Judge one request.  min_api: the N of the lowest API version 1.N that may
 * be asked for.  Fills *verdict and returns its result.  Rules that take too
 * long together deny (see rule_matcher's cpu_us and bounds.h).  Under a profile
 * that only warns the rule is its fallback where there is none; what is refused
 * whatever a profile says is so here, too.
 */
enum policy_result policy_decide(const struct policy_request *request,
    const struct profile *profile, unsigned min_api,
    struct policy_verdict *verdict);

/*
 * policy_is_browser(head):
 * True when a web browser seems to speak: an Origin or Sec-Fetch- field is
 * there, and it is not a relay's (X-Forwarded-For, and a Host that is an
 * address or a name without a dot, which no hostile page can bring about).
 */
bool policy_is_browser(const struct http_head *head);

#endif /* DSP_POLICY_H */
