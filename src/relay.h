#ifndef DSP_RELAY_H
#define DSP_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "body.h"
#include "bounds.h"
#include "pipe.h"
#include "span.h"

/*
 * Bytes both ways between a client and dockerd: message bodies up to their
 * ends, then raw streams after an upgrade.  Both sockets are watched from
 * the moment a request is sent; every byte is passed on at once; there is
 * no timeout between bytes.  One of these per worker, no memory is taken.
 */

enum relay_state {
	RELAY_OPEN,		/* bytes may come */
	RELAY_DONE,		/* the message ended cleanly */
	RELAY_SHORT,		/* the sender ended it too early */
	RELAY_BAD,		/* the framing is wrong */
	RELAY_BROKEN		/* the receiver takes no more */
};

/* One direction. */
struct relay_way {
	int		 from;
	int		 to;
	struct body	 body;		/* where it ends */
	bool		 is_reframed;	/* chunks are written anew */
	bool		 has_eof;	/* the sender ended its side */
	enum relay_state state;
	char		*buf;		/* of the caller */
	size_t		 cap;
	size_t		 start;		/* bytes before are dealt with */
	size_t		 end;		/* bytes before are received */
	size_t		 most;		/* end was never larger */
	struct iovec	 piece[BOUNDS_RELAY_PIECES];	/* to be sent */
	size_t		 npieces;
	size_t		 piece_at;	/* first not sent */
	char		 sizes[BOUNDS_RELAY_PIECES / 3][BODY_CHUNK_HEAD_CAP];
	size_t		 nsizes;
	uint64_t	 bytes;		/* content passed on */
	bool		 may_pipe;	/* bulk goes through the pipe */
	struct pipe	 pipe;
	size_t		 last;		/* bytes of the last receive */
};

struct relay {
	struct relay_way up;		/* client to dockerd */
	struct relay_way down;		/* dockerd to client */
	bool		 holds_eof;	/* keep the client's end from dockerd
					 * until its answer has begun */
	bool		 eof_passed;	/* dockerd knows */
	bool		 client_hup;	/* poll said so: both sides ended */
	int64_t		 gone_ms;	/* then: when nothing more is carried
					 * for it; IO_NEVER before */
	bool		 upstream_hup;
	bool		 upstream_speaks;	/* bytes, or its end */
	bool		 may_rest;	/* relay_run returns RELAY_REST */
};

/* What a call of relay_until_answer or relay_run ended with. */
enum relay_result {
	RELAY_ANSWER,		/* dockerd has bytes, or has closed */
	RELAY_END,		/* down is DONE, or as far as it gets */
	RELAY_GONE,		/* the client is gone */
	RELAY_REST		/* the answer goes on, but now there is
				 * nothing to be sent, and nothing received
				 * that down.body's kind does not say */
};

/*
 * relay_way_init(way, from, to, buf, cap, start, end):
 * Begin a direction whose bytes buf[start..end) were received before.
 * Its body, flags and state are the caller's to set: RELAY_OPEN, or
 * RELAY_DONE when there is nothing to carry.
 */
void relay_way_init(struct relay_way *way, int from, int to, char *buf,
    size_t cap, size_t start, size_t end);

/* relay_way_free(way): end it; what it still holds is lost. */
void relay_way_free(struct relay_way *way);

/* relay_put(way, head): send these bytes (a head; it must live on) before
 * what the way carries.  Right after relay_way_init only. */
void relay_put(struct relay_way *way, struct span head);

/*
 * relay_until_answer(r):
 * Carry the request body up until dockerd says something: RELAY_ANSWER.  A
 * client's end is passed on (see holds_eof), further bytes of it are kept
 * in up.buf.  RELAY_END when the body was RELAY_BAD or RELAY_SHORT,
 * RELAY_GONE when the client left.
 */
enum relay_result relay_until_answer(struct relay *r);

/*
 * relay_run(r):
 * Carry both ways until the answer has ended and is sent (RELAY_END;
 * down.state and up.state say how), or the client is gone; or RELAY_REST, if
 * may_rest is set: call it again to go on.
 */
enum relay_result relay_run(struct relay *r);

/* relay_rest(r, deadline, stop): after RELAY_REST: wait, see io_wait for stop.
 * True when nothing has happened; else call relay_run again. */
bool relay_rest(struct relay *r, int64_t deadline, const volatile int *stop);

/*
 * relay_tunnel(r):
 * Raw bytes both ways after a hijack, each side's end passed on for itself.
 * Ends when dockerd has ended and all is sent, after a short grace for the
 * client to leave, or when the client is gone.
 */
enum relay_result relay_tunnel(struct relay *r);

#endif /* DSP_RELAY_H */
