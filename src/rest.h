#ifndef DSP_REST_H
#define DSP_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "exchange.h"
#include "io.h"
#include "record.h"
#include "session.h"
#include "ticket.h"
#include "upstream.h"

/*
 * Clients and streams with whom nothing happens: how long a worker stays with
 * them, and how it leaves them to the parking process.
 */

/* Whom it is about. */
struct rest {
	const struct session_env	*env;
	int				 fd;
	const struct board_peer		*key;	/* to count it by */
};

/*
 * rest_await(r, u, is_fresh, deadline):
 * Wait for the first byte of a request while nothing was received, first for a
 * moment: then the client is parked, which is IO_ERROR: it must not be read
 * from any more.  Else as io_wait with env->wants_close.  Meanwhile the
 * connection kept by u, if u is not NULL, is watched.  One that has only just come gets a moment
 * to speak although we are asked to part with it.
 */
enum io_result rest_await(const struct rest *r, struct upstream *u,
    bool is_fresh, int64_t deadline);

/*
 * rest_may_leave(path): a stream with this path may be parked.
 * rest_leave(r, what, x): park it, which is as what and x tell; its descriptors
 * are to be closed then.  False when that cannot be done now.
 */
bool rest_may_leave(struct span path);
bool rest_leave(const struct rest *r, const struct record *what,
    const struct exchange *x);

#endif /* DSP_REST_H */
