#ifndef DSP_ORDER_H
#define DSP_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "http.h"
#include "policy.h"
#include "span.h"

/*
 * The flat message by which a worker asks the gate to send one judged
 * request.  The worker is not trusted: it may have been taken over.  So the
 * reader checks every byte, and what it fills in depends on nothing else.
 * Numbers are in the machine's order: both ends are the same program.
 */

/* Bytes of an order at most: a head that was received, and lengths. */
#define ORDER_CAP	(BOUNDS_HEAD_CAP + 4096)

/* The connection that a request goes to dockerd on. */
enum order_line {
	ORDER_ONCE,	/* a fresh one, for this request alone: the worker gets
			 * it, and may send a body or speak in a tunnel */
	ORDER_OPEN,	/* a fresh one, which the gate keeps: the worker gets a
			 * pipe that the answers come out of */
	ORDER_USE	/* the one that was kept before */
};

struct order {
	uint32_t		no;		/* names the answer */
	uint32_t		listener;	/* whose profile judged it */
	int			minor;		/* HTTP/1.minor */
	bool			says_no_body;	/* Content-Length: 0 */
	bool			wants_continue;	/* Expect: 100-continue */
	struct span		upgrade;	/* protocol, p NULL: none */
	enum order_line		line;		/* kept for bodiless GET and
						 * HEAD of 1.1 only */
	struct policy_request	request;	/* is_browser is false: only
						 * the worker sees that */
	struct http_field	fields[BOUNDS_FIELD_CAP];	/* sent on */
	size_t			nfields;
};

enum order_result {
	ORDER_OK,
	ORDER_SIZE,		/* lengths do not add up */
	ORDER_NUMBER,		/* a number or flag is none of ours */
	ORDER_METHOD,
	ORDER_TARGET,		/* not canonical */
	ORDER_FRAMING,		/* no such body on such a request */
	ORDER_UPGRADE,		/* of what cannot be a tunnel */
	ORDER_FIELD		/* none that is sent on, or a bad byte */
};

/*
 * order_may_keep(head, request):
 * Whether a request may go out on a connection that is kept.
 */
bool order_may_keep(const struct http_head *head,
    const struct policy_request *request);

/*
 * order_make(buf, cap, head, request, line, no, listener):
 * Write the order for a request that was parsed and judged: of its fields
 * those that dockerd or its streams have a use for.  Its length, or 0 when
 * cap is too small, which ORDER_CAP never is.
 */
size_t order_make(char *buf, size_t cap, const struct http_head *head,
    const struct policy_request *request, enum order_line line, uint32_t no,
    uint32_t listener);

/*
 * order_read(buf, len, order):
 * Check the order of len bytes at buf and fill *order, whose spans point
 * into buf.  Only ORDER_OK leaves *order usable, but for order->no, which is
 * set whenever there was one.
 */
enum order_result order_read(const char *buf, size_t len,
    struct order *order);

/* order_word(result): for the log: "target".  Static storage. */
const char *order_word(enum order_result result);

#endif /* DSP_ORDER_H */
