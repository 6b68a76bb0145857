/*
 * The pump.  Each direction has one buffer and is either receiving into it
 * or sending from it; poll(2) says which of the two sockets can move.
 * Nothing here waits for one side alone, so neither peer can block the
 * other.
 */

#include "config.h"

#include "relay.h"

#include <sys/socket.h>

#include <poll.h>
#include <string.h>

#include "board.h"
#include "io.h"

#define SIZES_COUNT (BOUNDS_RELAY_PIECES / 3)

void
relay_way_init(struct relay_way *way, int from, int to, char *buf,
    size_t cap, size_t start, size_t end)
{
	way->from = from;
	way->to = to;
	way->body = (struct body){ .kind = BODY_NONE };
	way->is_reframed = false;
	way->has_eof = false;
	way->state = RELAY_OPEN;
	way->buf = buf;
	way->cap = cap;
	way->start = start;
	way->end = way->most = end;
	way->npieces = 0;
	way->piece_at = 0;
	way->nsizes = 0;
	way->bytes = 0;
	way->may_pipe = false;
	pipe_init(&way->pipe);
	way->last = 0;
}

void
relay_way_free(struct relay_way *way)
{
	pipe_free(&way->pipe);
}

static bool
has_pieces(const struct relay_way *way)
{
	return way->piece_at < way->npieces;
}

static bool
is_sending(const struct relay_way *way)
{
	return has_pieces(way) || way->pipe.held > 0;
}

/* Queue bytes; what lies right behind the last piece makes it longer. */
static void
add_piece(struct relay_way *way, struct span s)
{
	struct iovec *last;
	union {
		const char	*from;
		char		*to;
	} at = { .from = s.p };

	if (s.len == 0)
		return;
	last = way->npieces > 0 ? &way->piece[way->npieces - 1] : NULL;
	if (last != NULL && (char *)last->iov_base + last->iov_len == at.to)
		last->iov_len += s.len;
	else
		way->piece[way->npieces++] = (struct iovec){ at.to, s.len };
}

void
relay_put(struct relay_way *way, struct span head)
{
	add_piece(way, head);
}

/* Queue content as a chunk of its own. */
static void
add_chunk(struct relay_way *way, struct span data)
{
	char *size;

	size = way->sizes[way->nsizes++];
	add_piece(way, (struct span){ size, body_chunk_make(size, data.len) });
	add_piece(way, data);
	add_piece(way, SPAN("\r\n"));
}

/* Walk over what is in the buffer and queue what goes on.  Stops where the
 * pieces run out; the rest is queued when they are sent. */
static void
load(struct relay_way *way)
{
	enum body_result result;
	struct span data, raw;
	size_t used;

	while (way->state == RELAY_OPEN && way->nsizes < SIZES_COUNT &&
	    way->npieces + 3 <= BOUNDS_RELAY_PIECES) {
		raw.p = way->buf + way->start;
		result = body_walk(&way->body, raw.p, way->end - way->start,
		    &used, &data);
		way->start += used;
		raw.len = used;
		if (result == BODY_DATA)
			way->bytes += data.len;
		if (!way->is_reframed)
			add_piece(way, raw);
		else if (result == BODY_DATA)
			add_chunk(way, data);
		if (result == BODY_BAD)
			way->state = RELAY_BAD;
		if (result == BODY_DONE)
			way->state = RELAY_DONE;
		if (result == BODY_DONE && way->is_reframed)
			add_piece(way, SPAN("0\r\n\r\n"));
		if (result != BODY_DATA)
			break;
	}
}

/* The receiver takes no more. */
static void
break_way(struct relay_way *way)
{
	way->state = RELAY_BROKEN;
	way->npieces = way->piece_at = 0;
	way->start = way->end = 0;
	pipe_free(&way->pipe);
}

/* Send what fits, and queue more when all is gone. */
static void
flush(struct relay_way *way)
{
	struct iovec *piece;
	size_t sent;

	if (way->pipe.held > 0 &&
	    pipe_give(&way->pipe, way->to) == IO_ERROR)
		break_way(way);
	if (!has_pieces(way))
		return;
	switch (io_send(way->to, way->piece + way->piece_at,
	    way->npieces - way->piece_at, &sent)) {
	case IO_OK:
		break;
	case IO_AGAIN:
		return;
	default:
		break_way(way);
		return;
	}
	while (has_pieces(way)) {
		piece = &way->piece[way->piece_at];
		if (sent < piece->iov_len) {
			piece->iov_base = (char *)piece->iov_base + sent;
			piece->iov_len -= sent;
			return;
		}
		sent -= piece->iov_len;
		way->piece_at++;
	}
	way->npieces = way->piece_at = way->nsizes = 0;
	load(way);
}

/* The sender ended its side: for the body that is its end, or too early. */
static void
take_eof(struct relay_way *way)
{
	way->has_eof = true;
	if (way->state == RELAY_OPEN)
		way->state = way->body.kind == BODY_CLOSE ?
		    RELAY_DONE : RELAY_SHORT;
}

/*
 * Whether the way has use for more bytes: of its body; behind a body's end,
 * to see the sender's end and keep the start of its next message; of a
 * broken way, to see the end.
 */
static bool
wants_bytes(const struct relay_way *way)
{
	return !way->has_eof && !is_sending(way) &&
	    (way->end < way->cap || way->start == way->end) &&
	    (way->state == RELAY_OPEN || way->state == RELAY_DONE ||
	    way->state == RELAY_BROKEN);
}

/*
 * Whether the next bytes are worth the pipe: much came just now, and more is
 * to come, or has come if nobody knows the end.  What came last decides anew
 * each time, so that a few bytes never take the long way.
 */
static bool
is_bulk(const struct relay_way *way)
{
	uint64_t plain;

	if (!way->may_pipe || way->last < BOUNDS_BULK ||
	    way->state != RELAY_OPEN || way->start != way->end ||
	    way->pipe.is_useless)
		return false;
	plain = body_plain(&way->body);
	if (way->pipe.in != -1)
		return plain > 0;
	return plain >= BOUNDS_PIPE_FROM &&
	    (way->body.kind != BODY_CLOSE || way->bytes >= BOUNDS_PIPE_FROM);
}

/* As io_recv, into the pipe. */
static enum io_result
receive_bulk(struct relay_way *way)
{
	enum io_result result;

	result = pipe_take(&way->pipe, way->from, body_plain(&way->body));
	if (result == IO_OK) {
		way->last = way->pipe.held;
		way->bytes += way->pipe.held;
		body_skip(&way->body, way->pipe.held);
	}
	return result;
}

/* As io_recv, into the buffer. */
static enum io_result
receive_some(struct relay_way *way)
{
	enum io_result result;

	result = io_recv(way->from, way->buf + way->end, way->cap - way->end,
	    &way->last);
	if (way->state == RELAY_BROKEN)
		return result;
	way->end += way->last;
	if (way->most < way->end)
		way->most = way->end;
	return result;
}

static void
receive(struct relay_way *way)
{
	enum io_result result;

	if (way->start == way->end)
		way->start = way->end = 0;
	if (!wants_bytes(way))
		return;
	result = is_bulk(way) ? receive_bulk(way) : IO_ERROR;
	/* Without a pipe it is what it always was. */
	if (result == IO_ERROR)
		result = receive_some(way);
	switch (result) {
	case IO_OK:
		break;
	case IO_AGAIN:
		return;
	default:
		take_eof(way);
		return;
	}
	load(way);
	flush(way);
}

/* Tell dockerd that the client has ended its side.  On a plain request that
 * is how it learns that nobody waits any more. */
static void
pass_eof(struct relay *r)
{
	if (r->up.has_eof && !r->holds_eof && !r->eof_passed &&
	    !is_sending(&r->up) && r->up.state != RELAY_SHORT) {
		/* Fails when dockerd is gone already, which is seen soon. */
		(void)shutdown(r->up.to, SHUT_WR);
		r->eof_passed = true;
	}
}

/* The client has ended both sides, and all it said has been passed on, or has
 * had its time. */
static bool
is_client_gone(const struct relay *r)
{
	if (!r->client_hup)
		return false;
	if (io_now_ms() >= r->gone_ms)
		return true;
	return !is_sending(&r->up) &&
	    (r->up.has_eof || !wants_bytes(&r->up));
}

/* poll(2) says that the client has ended both sides, or was reset. */
static void
note_hup(struct relay *r, short events)
{
	if ((events & (POLLHUP | POLLERR)) == 0)
		return;
	if (!r->client_hup)
		r->gone_ms = io_now_ms() + BOUNDS_LINGER_MS;
	r->client_hup = true;
	if ((events & POLLERR) != 0)
		r->gone_ms = 0;
}

/*
 * Wait until a socket can move, then move each way once.  A socket that
 * nothing is wanted of is still watched for its death, which poll(2) tells
 * again and again: once known, it is left out.
 * hears: receive from dockerd.  False when nothing has happened until the
 * deadline, or a signal that sets *stop.
 */
static bool
turn(struct relay *r, bool hears, int64_t deadline, const volatile int *stop)
{
	struct pollfd fds[2] = { { .fd = -1 }, { .fd = -1 } };
	struct pollfd *client = &fds[0], *upstream = &fds[1];

	client->events = (short)((wants_bytes(&r->up) ? POLLIN : 0) |
	    (is_sending(&r->down) ? POLLOUT : 0));
	upstream->events = (short)((wants_bytes(&r->down) ? POLLIN : 0) |
	    (is_sending(&r->up) ? POLLOUT : 0));
	if (client->events != 0 || !r->client_hup)
		client->fd = r->up.from;
	if (upstream->events != 0 || !r->upstream_hup)
		upstream->fd = r->up.to;
	r->upstream_speaks = false;
	board_carried(r->up.bytes, r->down.bytes);
	if (io_wait(fds, 2, deadline < r->gone_ms ? deadline : r->gone_ms,
	    stop) != IO_OK)
		return false;
	note_hup(r, client->revents);
	if ((upstream->revents & (POLLHUP | POLLERR)) != 0)
		r->upstream_hup = true;
	r->upstream_speaks = upstream->revents != 0 &&
	    (upstream->revents & ~POLLOUT) != 0;
	if (client->revents != 0) {
		receive(&r->up);
		flush(&r->down);
	}
	if (upstream->revents != 0) {
		flush(&r->up);
		if (hears)
			receive(&r->down);
	}
	pass_eof(r);
	return true;
}

enum relay_result
relay_until_answer(struct relay *r)
{
	load(&r->up);
	flush(&r->up);
	pass_eof(r);
	for (;;) {
		if (r->up.state == RELAY_BAD || r->up.state == RELAY_SHORT)
			return RELAY_END;
		if (is_client_gone(r))
			return RELAY_GONE;
		(void)turn(r, false, IO_NEVER, NULL);
		if (r->upstream_speaks)
			return RELAY_ANSWER;
	}
}

static bool
is_empty(const struct relay_way *way)
{
	return !is_sending(way) && way->start == way->end && !way->has_eof;
}

/* Whether a stranger could go on who knows nothing but how the answer goes
 * on. */
static bool
is_at_rest(const struct relay *r)
{
	return is_empty(&r->up) && is_empty(&r->down) &&
	    r->up.state == RELAY_DONE && r->down.state == RELAY_OPEN &&
	    body_is_between(&r->down.body) && !r->client_hup &&
	    !r->upstream_hup;
}

enum relay_result
relay_run(struct relay *r)
{
	load(&r->down);
	flush(&r->down);
	pass_eof(r);
	for (;;) {
		if (r->down.state == RELAY_BROKEN || is_client_gone(r))
			return RELAY_GONE;
		if (r->up.state == RELAY_BAD || r->up.state == RELAY_SHORT)
			return RELAY_END;
		if (r->down.state != RELAY_OPEN && !is_sending(&r->down))
			return RELAY_END;
		if (r->may_rest && is_at_rest(r))
			return RELAY_REST;
		(void)turn(r, true, IO_NEVER, NULL);
	}
}

bool
relay_rest(struct relay *r, int64_t deadline, const volatile int *stop)
{
	return !turn(r, true, deadline, stop);
}

enum relay_result
relay_tunnel(struct relay *r)
{
	int64_t deadline;

	load(&r->up);
	flush(&r->up);
	load(&r->down);
	flush(&r->down);
	pass_eof(r);
	deadline = IO_NEVER;
	for (;;) {
		if (deadline != IO_NEVER &&
		    (r->up.has_eof || io_now_ms() >= deadline))
			return RELAY_END;
		if (r->down.state == RELAY_BROKEN || is_client_gone(r))
			return RELAY_GONE;
		if (r->down.state != RELAY_OPEN && !is_sending(&r->down) &&
		    deadline == IO_NEVER) {
			/* Fails when the client is gone: seen above. */
			(void)shutdown(r->down.to, SHUT_WR);
			deadline = io_now_ms() + BOUNDS_TUNNEL_GRACE_MS;
		}
		(void)turn(r, true, deadline, NULL);
	}
}
