#ifndef DSP_UPSTREAM_H
#define DSP_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "exchange.h"
#include "order.h"

/*
 * A client's requests on their way to dockerd: each on a connection of its
 * own at first, then, for a client that goes on asking, on one that the gate
 * keeps.
 */

struct upstream {
	struct exchange	exchange;
	int		error;		/* of REASON_NO_DOCKER: errno */

	/* Its own: */
	int		kept_fd;	/* pipe for answers, or -1 */
	bool		is_quiet;	/* it was, since the last answer */
	unsigned	nrequests;	/* of this client */
	uint32_t	order_no;	/* of the last order */
	char		order[ORDER_CAP];
};

/* upstream_begin(u): for a new client. */
void upstream_begin(struct upstream *u);

/*
 * upstream_exchange(u, gate_fd, listener):
 * Have the gate send the request that u->exchange speaks of (set by the
 * caller but for upstream and may_speak), and carry all that follows, as
 * exchange_run does.  EXCHANGE_REFUSED also when the gate has not sent it:
 * REASON_NO_DOCKER with u->error (ETIMEDOUT: it may still do so), or why it
 * denies it.
 */
enum exchange_result upstream_exchange(struct upstream *u, int gate_fd,
    uint32_t listener);

/*
 * upstream_resume(u, fd, kind):
 * exchange_resume, with a connection to dockerd that was parked, and is closed
 * here.
 */
enum exchange_result upstream_resume(struct upstream *u, int fd,
    enum body_kind kind);

/*
 * upstream_kept_fd(u): to be watched between two requests, -1 when there is
 * none: when it can be read, the connection has ended, or dockerd speaks
 * without being asked.
 * upstream_watched(u, can_read): what became of it.  Saves a look before the
 * next request.
 */
int upstream_kept_fd(const struct upstream *u);
void upstream_watched(struct upstream *u, bool can_read);

/* upstream_drop(u): end the kept connection, if there is one. */
void upstream_drop(struct upstream *u);

#endif /* DSP_UPSTREAM_H */
