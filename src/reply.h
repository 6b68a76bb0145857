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

/* Answers of an authorization plugin. */
enum reply_authz {
	REPLY_AUTHZ_HELLO,	/* to Plugin.Activate */
	REPLY_AUTHZ_VERDICT,	/* allowed for REASON_NONE */
	REPLY_AUTHZ_ERROR	/* no verdict: dockerd fails the request */
};

/*
 * reply_authz_make(buf, kind, r):
 * The same for dockerd.  Never "Err" beside "Allow":true, which dockerd takes
 * for a yes.
 * Source: Docker's documentation of access authorization plugins.
 */
size_t reply_authz_make(char buf[BOUNDS_REPLY_CAP], enum reply_authz kind,
    const struct reply *r);

#endif /* DSP_REPLY_H */
