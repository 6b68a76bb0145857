/*
 * Waiting, and parking.  Nobody is ever counted twice, or another one of its
 * kind would be refused.
 */

#include "config.h"

#include "rest.h"

#include <string.h>

#include "park.h"
#include "text.h"
#include "yard.h"

static bool
park_client(const struct rest *r, int64_t deadline)
{
	int64_t left;

	left = deadline - io_now_ms();
	/* One that has only just come has to be heard. */
	if (left <= 0 || yard_is_given_up(r->env->park_no))
		return false;
	board_set_peer(NULL);
	if (park_put(r->env->park_fd, r->fd, r->key, left) == 0)
		return true;
	board_set_peer(r->key);
	return false;
}

/* Wait for the client while its connection to dockerd is kept. */
static enum io_result
await_kept(const struct rest *r, struct upstream *u, int64_t deadline)
{
	struct pollfd wait[2] = { { .fd = r->fd, .events = POLLIN },
	    { .fd = -1, .events = POLLIN } };
	enum io_result result;

	do {
		wait[1].fd = u != NULL ? upstream_kept_fd(u) : -1;
		result = io_wait(wait, 2, deadline, r->env->wants_close);
		if (result == IO_OK && wait[1].fd != -1)
			upstream_watched(u, wait[1].revents != 0);
	} while (result == IO_OK && wait[0].revents == 0);
	return result;
}

enum io_result
rest_await(const struct rest *r, struct upstream *u, bool is_fresh,
    int64_t deadline)
{
	struct pollfd wait = { .fd = r->fd, .events = POLLIN };
	enum io_result result;
	int64_t end;

	end = io_now_ms() + BOUNDS_IDLE_MS;
	board_set(BOARD_WAITING);
	do {
		result = await_kept(r, u, end < deadline ? end : deadline);
		if (result == IO_OK)
			break;
		if (u != NULL)
			upstream_drop(u);
		if (park_client(r, deadline)) {
			board_set(BOARD_BUSY);
			return IO_ERROR;
		}
		end = io_now_ms() + BOUNDS_PARK_RETRY_MS;
	} while (result == IO_AGAIN && io_now_ms() < deadline);
	if (result == IO_EOF && is_fresh) {
		end = io_now_ms() + BOUNDS_FRESH_MS;
		result = io_wait(&wait, 1, end < deadline ? end : deadline,
		    NULL);
	}
	board_set(BOARD_BUSY);
	return result;
}

bool
rest_may_leave(struct span path)
{
	return path.len < BOUNDS_PARK_PATH_CAP;
}

static void
make_ticket(struct ticket *t, const struct rest *r,
    const struct record *what, const struct exchange *x)
{
	struct text text;

	/* What lies between the fields goes out too. */
	memset(t, 0, sizeof(*t));
	t->peer = *r->key;
	t->row = (uint32_t)x->row;
	t->kind = x->relay.down.body.kind;
	t->lives_on = !x->is_close;
	t->line_no = (uint32_t)x->line_no;
	t->out = x->out_before + x->relay.down.bytes;
	t->began_us = what->began_us;
	text_init(&text, t->client, sizeof(t->client));
	text_str(&text, what->peer);
	(void)text_string(&text);
	text_init(&text, t->path, sizeof(t->path));
	text_span(&text, what->request->target.path);
	(void)text_string(&text);
}

bool
rest_leave(const struct rest *r, const struct record *what,
    const struct exchange *x)
{
	const int fds[2] = { r->fd, x->upstream };
	struct ticket ticket;
	bool is_left;

	make_ticket(&ticket, r, what, x);
	board_set_peer(NULL);
	is_left = park_put_stream(r->env->park_fd, r->env->park_no, fds,
	    &ticket) == 0;
	if (!is_left)
		board_set_peer(r->key);
	/* Nothing of it is left to whoever takes us over later. */
	explicit_bzero(&ticket, sizeof(ticket));
	return is_left;
}
