#ifndef DSP_REPLY_H
#define DSP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "bounds.h"
#include "reason.h"
#include "span.h"

/*
 * Our own answers, in the form of Docker's errors, so that every client
 * shows them: {"message":"docker-socket-protector: ..."}.
 */
struct reply {
	enum reason	 reason;
	struct span	 profile;	/* named in a denial by rule */
	struct span	 method;	/* empty when not read */
	struct span	 target;
	bool		 is_head;	/* no body in the answer */
	bool		 is_close;	/* the connection ends here */
	int		 minor;		/* HTTP/1.minor */
};

/* Bytes of an answer's head at most: no word of a client is in it. */
#define REPLY_HEAD_CAP 512

/*
 * reply_make(buf, r):
 * Write the answer, head and body, at the start of buf; its length.  Behind
 * it up to REPLY_HEAD_CAP bytes more have been written to.
 * Source: Docker Engine API, ErrorResponse.
 */
size_t reply_make(char buf[BOUNDS_REPLY_CAP], const struct reply *r);

#endif /* DSP_REPLY_H */
