#ifndef DSP_TICKET_H
#define DSP_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "bounds.h"
#include "target.h"

/*
 * What one worker tells the next one of a stream that was parked in between:
 * a GET without a body, answered with 200 and a body without end, whose head
 * has gone to the client.  The first one may have been taken over, so nothing
 * is believed: a ticket says how to carry on, what to log and what to count,
 * and gives no right.
 */
struct ticket {
	struct board_peer	peer;		/* to count it by */
	uint32_t		row;		/* of the tally */
	uint32_t		kind;		/* enum body_kind: how the
						 * answer goes on */
	uint32_t		lives_on;	/* 1: after its end the client
						 * may go on */
	uint32_t		line_no;	/* of the rule, 0: it only warned */
	uint64_t		out;		/* bytes to the client so
						 * far */
	int64_t			began_us;	/* the request's first byte */
	char			client[BOUNDS_PEER_CAP];
	char			path[BOUNDS_PARK_PATH_CAP];
};

/*
 * ticket_is_sound(t, target):
 * Whether an honest worker may have written t.  *target becomes that of the
 * path, whose spans point into t; strings in t end.
 */
bool ticket_is_sound(const struct ticket *t, struct target *target);

#endif /* DSP_TICKET_H */
