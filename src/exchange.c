/*
 * One request to dockerd and its answer: the order of steps between the
 * verdict and the next request.
 */

#include "config.h"

#include "exchange.h"

#include <string.h>

#include "board.h"
#include "body.h"
#include "doing.h"
#include "io.h"
#include "log.h"
#include "tally.h"
#include "target.h"

/* Set the relay up. */
static void
begin(struct exchange *x)
{
	struct relay_way *up = &x->relay.up;

	x->received_len = x->received_most = x->made_most = 0;
	x->answer.status = 0;
	x->answer.minor = 0;
	x->is_reusable = x->is_counted = x->is_parked = false;
	board_carry();
	relay_way_init(up, x->client, x->upstream, x->input, x->input_cap, 0,
	    x->input_len);
	relay_way_init(&x->relay.down, x->upstream, x->client, x->received,
	    sizeof(x->received), 0, 0);
	x->relay.holds_eof = target_hijacks(&x->request->target,
	    x->request->method);
	x->relay.eof_passed = false;
	x->relay.client_hup = x->relay.upstream_hup = false;
	x->relay.gone_ms = IO_NEVER;
	x->relay.upstream_speaks = x->relay.may_rest = false;
	up->body = x->request->body;
	up->is_reframed = up->body.kind == BODY_CHUNKED;
	/* Pages go from TCP to dockerd as they are.  The other way gains
	 * nothing by it, and dockerd's bulk is chunked. */
	up->may_pipe = true;
	if (up->body.kind == BODY_NONE)
		up->state = RELAY_DONE;
}

static enum exchange_result
refused(struct exchange *x, enum reason reason)
{
	x->reason = reason;
	return EXCHANGE_REFUSED;
}

/* The answer's head as the client gets it, in x->made; its length or 0. */
static size_t
make_answer(struct exchange *x, const struct body *body, bool is_close)
{
	size_t len;

	len = forward_answer_make(x->made, sizeof(x->made), &x->answer, body,
	    is_close);
	if (x->made_most < len)
		x->made_most = len;
	return len;
}

/* An interim answer goes on to a client that waits for it. */
static bool
pass_interim(struct exchange *x)
{
	struct body none;
	size_t len;

	body_until_close(&none);
	len = make_answer(x, &none, false);
	x->received_len -= x->answer_len;
	memmove(x->received, x->received + x->answer_len, x->received_len);
	if (x->head->minor == 0 || http_count(x->head, SPAN("Expect")) == 0)
		return true;
	return io_send_all(x->client, x->made, len, io_now_ms() +
	    x->send_ms) == 0;
}

/* Take what dockerd says, no more than a head may have; false at its end. */
static bool
receive(struct exchange *x)
{
	enum io_result result;
	size_t got;

	result = io_recv(x->upstream, x->received + x->received_len,
	    BOUNDS_HEAD_CAP - x->received_len, &got);
	x->received_len += got;
	if (x->received_len > x->received_most)
		x->received_most = x->received_len;
	return result == IO_OK || result == IO_AGAIN;
}

/* Carry the body and read the answer's head, interim ones aside.
 * EXCHANGE_KEEP: there it is. */
static enum exchange_result
await_answer(struct exchange *x)
{
	enum http_result result;
	unsigned interim;

	if (x->may_speak && x->relay.up.state == RELAY_DONE && !receive(x))
		return refused(x, REASON_BAD_ANSWER);
	for (interim = 0; interim <= BOUNDS_INTERIM_CAP; ) {
		result = http_parse_answer(x->received, x->received_len,
		    &x->answer, &x->answer_len);
		if (result == HTTP_BAD)
			return refused(x, REASON_BAD_ANSWER);
		if (result == HTTP_DONE && (x->answer.status >= 200 ||
		    x->answer.status == 101))
			return EXCHANGE_KEEP;
		if (result == HTTP_DONE) {
			if (!pass_interim(x))
				return EXCHANGE_CLOSE;
			interim++;
			continue;
		}
		switch (relay_until_answer(&x->relay)) {
		case RELAY_GONE:
			return EXCHANGE_CLOSE;
		case RELAY_END:
			return refused(x, x->relay.up.state == RELAY_BAD ?
			    REASON_CHUNK : REASON_BODY_SHORT);
		case RELAY_ANSWER:
		case RELAY_REST:
			break;
		}
		if (!receive(x))
			return refused(x, REASON_BAD_ANSWER);
	}
	return refused(x, REASON_BAD_ANSWER);
}

/* Whether dockerd has taken the connection for a raw stream: it said so, or
 * answers attach and exec start without any framing. */
static bool
is_tunnel(const struct exchange *x)
{
	enum target_route route;

	if (x->answer.status == 101)
		return true;
	route = x->request->target.route;
	return x->answer.status == 200 &&
	    (route == TARGET_ATTACH || route == TARGET_EXEC_START) &&
	    target_hijacks(&x->request->target, x->request->method) &&
	    http_count(&x->answer, SPAN("Content-Length")) == 0 &&
	    http_count(&x->answer, SPAN("Transfer-Encoding")) == 0;
}

/* Where the answer ends; false when it is none that we may pass on: an
 * upgrade that was not sent up. */
static bool
frame_answer(const struct exchange *x, struct body *body)
{
	if (!is_tunnel(x))
		return body_of_answer(&x->answer, span_eq(x->request->method,
		    SPAN("HEAD")), body) == REASON_NONE;
	body_until_close(body);
	return x->answer.status != 101 || (http_wants_upgrade(x->head) &&
	    target_hijacks(&x->request->target, x->request->method));
}

/* A request counts as allowed when its answer begins: a stream's end may be
 * far away. */
static void
count(struct exchange *x)
{
	if (!x->is_counted)
		tally_allow(x->row, x->line_no);
	x->is_counted = true;
}

/* Both ways of a tunnel.  What the client sent behind its request was kept
 * until now. */
static enum exchange_result
carry_tunnel(struct exchange *x)
{
	struct relay_way *up = &x->relay.up;

	doing_stream(DOING_TUNNEL);
	x->relay.holds_eof = false;
	body_until_close(&up->body);
	up->is_reframed = false;
	up->state = RELAY_OPEN;
	(void)relay_tunnel(&x->relay);
	return EXCHANGE_CLOSE;
}

/* Whether it is a stream that others may go on with: see park.h. */
static bool
may_park(const struct exchange *x)
{
	return x->park != NULL && x->request->target.is_stream &&
	    span_eq(x->request->method, SPAN("GET")) &&
	    x->request->body.kind == BODY_NONE && x->answer.status == 200 &&
	    (x->relay.down.body.kind == BODY_CHUNKED ||
	    x->relay.down.body.kind == BODY_CLOSE);
}

/* Stay with a stream that rests, but not long: false when it is parked.  It
 * does not stand in the way of those who need a worker. */
static bool
stay(struct exchange *x)
{
	const volatile int *stop = x->wants_close;
	int64_t patience;
	bool is_needed;

	/* More may be there already, as of bulk. */
	if (!relay_rest(&x->relay, io_now_ms(), NULL))
		return true;
	board_set(BOARD_WAITING);
	patience = BOUNDS_IDLE_MS;
	is_needed = *stop != 0 || board_is_short(x->workers);
	while (is_needed ||
	    relay_rest(&x->relay, io_now_ms() + patience, stop)) {
		x->is_parked = x->park(x);
		if (x->is_parked)
			break;
		/* There is no room, and may be none for long. */
		patience = stop != NULL ? BOUNDS_PARK_RETRY_MS :
		    BOUNDS_IDLE_MS;
		stop = NULL;
		is_needed = false;
	}
	board_set(BOARD_BUSY);
	return !x->is_parked;
}

/* relay_run, but streams may be parked in between. */
static enum relay_result
run(struct exchange *x)
{
	enum relay_result result;

	x->relay.may_rest = may_park(x);
	do
		result = relay_run(&x->relay);
	while (result == RELAY_REST && stay(x));
	return result;
}

/* The answer, whose head is sent or queued. */
static enum exchange_result
carry_answer(struct exchange *x)
{
	struct relay_way *down = &x->relay.down;
	enum relay_result result;

	doing_stream(DOING_ANSWER);
	x->relay.holds_eof = false;
	result = run(x);
	if (x->is_parked)
		return EXCHANGE_PARKED;
	if (result == RELAY_GONE || down->state != RELAY_DONE)
		return EXCHANGE_CLOSE;
	x->is_reusable = down->body.kind != BODY_CLOSE &&
	    x->answer.minor == 1 && !http_wants_close(&x->answer) &&
	    down->start == down->end;
	if (x->relay.up.state != RELAY_DONE)
		return EXCHANGE_LINGER;
	return x->is_close ? EXCHANGE_CLOSE : EXCHANGE_KEEP;
}

/* Pass the answer on to its end. */
static enum exchange_result
deliver(struct exchange *x)
{
	struct relay_way *down = &x->relay.down;
	struct body body;
	size_t len;

	/* dockerd hijacks attach without looking at a body. */
	if (is_tunnel(x) && x->relay.up.state != RELAY_DONE)
		return refused(x, REASON_BODY_SHORT);
	if (!frame_answer(x, &body))
		return refused(x, REASON_BAD_ANSWER);
	/* An error before the body is complete is dockerd's last word. */
	x->is_close = body.kind == BODY_CLOSE || http_wants_close(x->head) ||
	    *x->wants_close != 0 || (x->answer.status >= 300 &&
	    x->relay.up.state != RELAY_DONE);
	len = make_answer(x, &body, x->is_close);
	if (len == 0)
		return refused(x, REASON_BAD_ANSWER);
	relay_way_init(down, x->upstream, x->client, x->received,
	    sizeof(x->received), x->answer_len, x->received_len);
	relay_put(down, (struct span){ x->made, len });
	down->body = body;
	count(x);
	return is_tunnel(x) ? carry_tunnel(x) : carry_answer(x);
}

/* Leave nothing of this client's to the next, who may find a way to read
 * it. */
static void
wipe(struct exchange *x)
{
	if (x->received_most < x->relay.down.most)
		x->received_most = x->relay.down.most;
	explicit_bzero(x->received, x->received_most);
	explicit_bzero(x->made, x->made_most);
}

/* Whatever the result is. */
static void
end(struct exchange *x)
{
	relay_way_free(&x->relay.up);
	relay_way_free(&x->relay.down);
	doing_stream(DOING_NOTHING);
	board_carried(x->relay.up.bytes, x->relay.down.bytes);
	wipe(x);
}

enum exchange_result
exchange_run(struct exchange *x)
{
	enum exchange_result result;

	begin(x);
	x->out_before = 0;
	result = await_answer(x);
	if (result == EXCHANGE_KEEP)
		result = deliver(x);
	/* A client that left before is no refusal either. */
	if (result != EXCHANGE_REFUSED)
		count(x);
	end(x);
	return result;
}

enum exchange_result
exchange_resume(struct exchange *x, enum body_kind kind)
{
	enum exchange_result result;

	begin(x);
	x->is_counted = true;
	x->answer.status = 200;
	x->relay.down.body = (struct body){ .kind = kind };
	result = carry_answer(x);
	end(x);
	return result;
}
