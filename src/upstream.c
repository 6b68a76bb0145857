/*
 * Which connection a request goes on, and what is left of it behind the
 * answer.
 */

#include "config.h"

#include "upstream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "io.h"
#include "log.h"

void
upstream_begin(struct upstream *u)
{
	u->error = 0;
	u->kept_fd = -1;
	u->nrequests = 0;
}

int
upstream_kept_fd(const struct upstream *u)
{
	return u->kept_fd;
}

void
upstream_drop(struct upstream *u)
{
	/* The gate sees that its pipe has no reader. */
	if (u->kept_fd != -1)
		(void)close(u->kept_fd);
	u->kept_fd = -1;
}

void
upstream_watched(struct upstream *u, bool can_read)
{
	u->is_quiet = !can_read;
	if (can_read)
		upstream_drop(u);
}

/* What dockerd has said unasked would be taken for the next answer. */
static void
look(struct upstream *u)
{
	struct pollfd wait = { .fd = u->kept_fd, .events = POLLIN };

	if (u->kept_fd != -1 && !u->is_quiet)
		upstream_watched(u, io_wait(&wait, 1, 0, NULL) == IO_OK);
}

static enum order_line
choose_line(const struct upstream *u)
{
	const struct exchange *x = &u->exchange;

	if (!order_may_keep(x->head, x->request))
		return ORDER_ONCE;
	if (u->kept_fd != -1)
		return ORDER_USE;
	return u->nrequests < BOUNDS_KEEP_FROM ? ORDER_ONCE : ORDER_OPEN;
}

/* Have the gate send the request's head: where the answer comes from. */
static int
ask(struct upstream *u, enum order_line line, int gate_fd, uint32_t listener,
    struct ask_result *result)
{
	const struct exchange *x = &u->exchange;
	size_t len;
	int fd;

	len = order_make(u->order, sizeof(u->order), x->head, x->request,
	    line, ++u->order_no, listener);
	if (len == 0)
		bug("an order does not fit");
	if (line == ORDER_USE) {
		*result = (struct ask_result){ .reason = REASON_NO_DOCKER,
		    .error = EPIPE };
		fd = ask_again(gate_fd, u->order, len) == 0 ? u->kept_fd : -1;
	} else {
		fd = ask_gate(gate_fd, u->order, len, u->order_no, result);
	}
	if (fd != -1 && result->is_kept)
		u->kept_fd = fd;
	u->error = result->error;
	explicit_bzero(u->order, len);
	return fd;
}

/* The same, and carry all that follows. */
static enum exchange_result
run(struct upstream *u, enum order_line line, int gate_fd, uint32_t listener)
{
	struct exchange *x = &u->exchange;
	enum exchange_result result;
	struct ask_result asked;

	u->is_quiet = false;
	x->received_most = 0;
	x->relay.up.most = 0;
	x->upstream = ask(u, line, gate_fd, listener, &asked);
	if (x->upstream == -1) {
		x->reason = asked.reason;
		return EXCHANGE_REFUSED;
	}
	x->may_speak = asked.may_speak;
	result = exchange_run(x);
	if (x->upstream != u->kept_fd)
		(void)close(x->upstream);
	else if (!x->is_reusable)
		upstream_drop(u);
	return result;
}

enum exchange_result
upstream_exchange(struct upstream *u, int gate_fd, uint32_t listener)
{
	enum exchange_result result;
	enum order_line line;

	u->nrequests++;
	look(u);
	line = choose_line(u);
	result = run(u, line, gate_fd, listener);
	/* dockerd, or the gate, had ended the connection that was kept. */
	if (result == EXCHANGE_REFUSED && line == ORDER_USE &&
	    u->exchange.received_most == 0) {
		upstream_drop(u);
		result = run(u, ORDER_OPEN, gate_fd, listener);
	}
	return result;
}

enum exchange_result
upstream_resume(struct upstream *u, int fd, enum body_kind kind)
{
	enum exchange_result result;

	u->exchange.upstream = fd;
	result = exchange_resume(&u->exchange, kind);
	(void)close(fd);
	return result;
}
