#ifndef DSP_ASK_H
#define DSP_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason.h"

/*
 * The worker's side of its talk with the gate: an order goes there, and a
 * connection to the Docker socket comes back, on which the gate has already
 * sent the head of that one request.
 */

/* The gate's answer; with it comes a descriptor when both are 0. */
struct ask_answer {
	uint32_t	no;		/* of the order */
	uint32_t	reason;		/* enum reason: denied */
	int32_t		error;		/* errno: dockerd cannot be reached */
	uint32_t	flags;		/* ASK_... */
};

#define ASK_WAITED	1U	/* for others: dockerd may have answered */
#define ASK_KEPT	2U	/* the descriptor is a pipe for answers */

/* What came of an order. */
struct ask_result {
	enum reason	reason;		/* without a connection */
	int		error;		/* errno of REASON_NO_DOCKER */
	bool		may_speak;	/* dockerd's answer may be there */
	bool		is_kept;	/* a pipe, for further requests too */
};

/*
 * ask_gate(gate_fd, buf, len, no, result):
 * Send the order of len bytes at buf, numbered no, and wait for the gate's
 * word.  The connection (not blocking, close-on-exec), or -1 with reason:
 * REASON_NO_DOCKER with an errno (ETIMEDOUT when nothing came in
 * BOUNDS_DIAL_MS, EPIPE when the gate is gone), or why the gate denies it.
 */
int ask_gate(int gate_fd, const char *buf, size_t len, uint32_t no,
    struct ask_result *result);

/*
 * ask_again(gate_fd, buf, len):
 * Send an order for the connection that is kept.  The answer comes out of its
 * pipe, whose end says that it could not be sent, or not be answered.  0, or
 * -1 when the gate is gone.
 */
int ask_again(int gate_fd, const char *buf, size_t len);

#endif /* DSP_ASK_H */
