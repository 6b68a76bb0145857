#ifndef DSP_EXCHANGE_H
#define DSP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "forward.h"
#include "http.h"
#include "policy.h"
#include "reason.h"
#include "relay.h"

/*
 * One judged request carried to dockerd, and its answer back.  The gate has
 * sent the request's head.  A stream is left to the parking process while
 * nothing happens.
 */
struct exchange {
	/* Set by the caller before each request: */
	int				 client;
	int				 upstream;	/* head is sent; may
							 * be a pipe that the
							 * answer comes from */
	const struct http_head		*head;		/* of the request */
	const struct policy_request	*request;
	char				*input;		/* behind the head: */
	size_t				 input_cap;
	size_t				 input_len;	/* received so far */
	bool				 may_speak;	/* an answer may be
							 * there already */
	int64_t				 send_ms;	/* time to take heads */
	const volatile int		*wants_close;
	size_t				row;		/* of the tally: the */
	size_t				line_no;	/* rule that allowed */
	unsigned			 workers;	/* see board_is_short */
	bool				 (*park)(const struct exchange *x);
							/* leave it to the
							 * parking process;
							 * NULL: never */

	/* Result: */
	enum reason			 reason;	/* EXCHANGE_REFUSED */
	bool				 is_reusable;	/* dockerd waits for
							 * the next request */
	struct relay			 relay;		/* bytes carried; input
							 * up to up.start is
							 * used up */
	struct http_head		 answer;	/* spans point into
							 * received */

	bool				 is_close;	/* the client's
							 * connection ends
							 * with this answer */
	uint64_t			 out_before;	/* content that others
							 * have passed on */

	/* Its own: */
	bool				is_counted;	/* in the tally */
	bool				is_parked;
	size_t				 answer_len;
	size_t				 received_len;
	char				 received[BOUNDS_ANSWER_CAP];
	size_t				 received_most;	/* it was never
							 * longer */
	char				 made[FORWARD_CAP];
	size_t				 made_most;
};

enum exchange_result {
	EXCHANGE_KEEP,		/* answered, the client may go on */
	EXCHANGE_CLOSE,		/* close the client's connection */
	EXCHANGE_LINGER,	/* the same, but it may still be sending */
	EXCHANGE_PARKED,	/* somebody else goes on: close both */
	EXCHANGE_REFUSED	/* nothing was answered yet: answer reason */
};

/*
 * exchange_run(x):
 * Send the body, pass the answer on, tunnel where dockerd hijacks.
 * Blocks for as long as the stream lives; x->upstream stays open.  What was
 * received from dockerd is wiped.
 * x->answer.status is 0 when dockerd did not answer, and x->received_most
 * when it said nothing at all.
 */
enum exchange_result exchange_run(struct exchange *x);

/*
 * exchange_resume(x, kind):
 * Go on with the answer of a stream that was parked, whose body is of that
 * kind.  Besides what exchange_run wants, the caller sets x->is_close and
 * x->out_before; input_len is 0, and x->answer is not known but its status,
 * which was 200.
 */
enum exchange_result exchange_resume(struct exchange *x, enum body_kind kind);

#endif /* DSP_EXCHANGE_H */
