#ifndef DSP_RECORD_H
#define DSP_RECORD_H

#include <stdint.h>

#include "exchange.h"
#include "http.h"
#include "policy.h"
#include "reason.h"
#include "session.h"

/*
 * What is left of a request: its line in the log, and that it is counted.
 */
struct record {
	const struct session_env	*env;
	const char			*peer;
	struct span			user;	/* that dockerd knows it by,
						 * empty: none */
	const struct http_head		*head;
	const struct policy_request	*request;
	const char			*profile;
	size_t				line_no;	/* of the verdict's
							 * rule, or 0 */
	int64_t				began_us;	/* first byte */
	int64_t				complete_us;	/* whole head */
};

/* record_refusal(r, reason, dial_error): it gets an answer of our own;
 * dial_error is the errno of REASON_NO_DOCKER.  Only env, peer and head need
 * be there when there was no request. */
void record_refusal(const struct record *r, enum reason reason,
    int dial_error);

/* record_warning(r): it passes because its profile only warns. */
void record_warning(const struct record *r);

/* record_answer(r, x): it was allowed, and x, which has counted that, is over
 * now. */
void record_answer(const struct record *r, const struct exchange *x);

/* record_pass(r): as an authorization plugin, we allow it: what follows goes by
 * others. */
void record_pass(const struct record *r);

#endif /* DSP_RECORD_H */
