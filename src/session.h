#ifndef DSP_SESSION_H
#define DSP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "bounds.h"
#include "profile.h"
#include "reason.h"
#include "ticket.h"

/*
 * One client connection: the order of steps, and nothing else.
 */

/* What a worker knows when it serves; set up before the first client. */
struct session_env {
	const struct profile	*profile;
	unsigned		 listener;	/* in conf->listen */
	size_t			 row;		/* of the tally */
	const char		*docker_socket;	/* for messages only */
	int			 gate_fd;	/* takes orders */
	int			 park_fd;	/* takes idle clients */
	int			 park_no;	/* of yard_claim */
	unsigned		 workers;	/* kept idle */
	bool			 log_requests;
	unsigned		 min_api;
	unsigned		 max_workers;	/* busy at once */
	int64_t			 head_timeout_ms;
	int64_t			 idle_timeout_ms;
	size_t			 worker_no;	/* in the log */
	bool			 is_door;	/* only refuses, and parses
						 * nothing that clients send */
	const volatile int	*wants_close;	/* not 0: part with this
						 * client as soon as it is
						 * idle */
};

/*
 * session_serve(env, fd, peer, key):
 * Serve the client on fd until it or we end, or it is parked; closes fd.
 * peer: its address for the log, key: to count it by.  Nothing a client sends
 * makes this fail.
 */
void session_serve(const struct session_env *env, int fd, const char *peer,
    const struct board_peer *key);

/* A stream that was parked. */
struct session_stream {
	int			 upstream_fd;
	const struct ticket	*ticket;
	bool			 may_go_on;	/* the client, after it */
};

/*
 * session_resume(env, fd, peer, key, stream):
 * Go on with that stream as if it had never been parked, then with what its
 * client asks for next.  A ticket that cannot be true is the end.  Closes both
 * descriptors.  peer is NULL when the client has left so that nobody knows its
 * address any more: then the ticket's is told.
 */
void session_resume(const struct session_env *env, int fd, const char *peer,
    const struct board_peer *key, const struct session_stream *stream);

/* session_refuse(env, fd, peer, reason): answer so at once, whatever the
 * client wants, and close fd. */
void session_refuse(const struct session_env *env, int fd, const char *peer,
    enum reason reason);

/*
 * session_is_late(): the gate has not answered the last order in time, and
 * may still do so.  The worker should end: the gate drops what nobody waits
 * for.
 */
bool session_is_late(void);

#endif /* DSP_SESSION_H */
