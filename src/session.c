/*
 * One client connection: the order of steps.  Read session_serve first.
 */

#include "config.h"

#include "session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "body.h"
#include "doing.h"
#include "http.h"
#include "io.h"
#include "log.h"
#include "park.h"
#include "policy.h"
#include "record.h"
#include "reply.h"
#include "target.h"
#include "upstream.h"

/* What the client gets next. */
enum step {
	STEP_NEXT,	/* go on with this request */
	STEP_AGAIN,	/* this request is done, the connection is good */
	STEP_CLOSE,	/* close now */
	STEP_LINGER	/* close after reading what the client still sends */
};

/*
 * Everything of one connection.  One client at a time, so one of these in
 * static storage; nothing is allocated while serving.
 */
static struct session {
	const struct session_env *env;
	int			 fd;
	const char		*peer;
	const struct board_peer	*key;
	bool			 is_fresh;	/* no request has come yet */

	/* the request: spans point into in */
	struct http_head	 head;
	size_t			 head_len;
	struct policy_request	 request;
	struct policy_verdict	 verdict;
	int64_t			 began_us;	/* its first byte came */
	int64_t			 complete_us;	/* its head was all there */

	struct upstream		 upstream;

	size_t			 in_len;	/* received */
	size_t			 in_most;	/* in_len was never larger */
	char			 in[BOUNDS_HEAD_CAP + BOUNDS_RELAY_CAP];
} session;

/* In the place of a client that does not count any more. */
static const struct board_peer nobody;

static struct record
describe(const struct session *s)
{
	return (struct record){
		.env = s->env,
		.peer = s->peer,
		.head = &s->head,
		.request = &s->request,
		.rule = s->verdict.rule,
		.began_us = s->began_us,
		.complete_us = s->complete_us,
	};
}

/* Send an answer of our own.  A client that does not take it gets no more
 * than the time of a head. */
static enum step
refuse(struct session *s, enum reason reason, bool is_close)
{
	const struct reply reply = {
		.reason = reason,
		.profile = span_of(s->env->profile->name),
		.method = s->head.method,
		.target = s->head.target,
		.is_head = span_eq(s->head.method, SPAN("HEAD")),
		.is_close = is_close,
		.minor = s->head.minor,
	};
	const struct record what = describe(s);
	char buf[BOUNDS_REPLY_CAP];
	bool is_sent;
	size_t len;

	record_refusal(&what, reason, s->upstream.error);
	len = reply_make(buf, &reply);
	is_sent = io_send_all(s->fd, buf, len, io_now_ms() +
	    s->env->head_timeout_ms) == 0;
	explicit_bzero(buf, len + REPLY_HEAD_CAP);
	if (!is_sent)
		return STEP_CLOSE;
	return is_close ? STEP_LINGER : STEP_AGAIN;
}

/* Forget the first n bytes received from the client. */
static void
drop_input(struct session *s, size_t n)
{
	memmove(s->in, s->in + n, s->in_len - n);
	s->in_len -= n;
}

/* Leave an idle client to the parking process; false when it cannot be.  It is
 * never counted twice, or another one of its kind would be refused. */
static bool
park(struct session *s, int64_t deadline)
{
	int64_t left;

	left = deadline - io_now_ms();
	if (left <= 0)
		return false;
	board_set_peer(&nobody);
	if (park_put(s->env->park_fd, s->fd, s->key, left) == 0)
		return true;
	board_set_peer(s->key);
	return false;
}

/* Wait for the client while its connection to dockerd is kept. */
static enum io_result
await_kept(struct session *s, int64_t deadline)
{
	struct pollfd wait[2] = { { .fd = s->fd, .events = POLLIN },
	    { .fd = upstream_kept_fd(&s->upstream), .events = POLLIN } };
	enum io_result result;

	do {
		result = io_wait(wait, 2, deadline, s->env->wants_close);
		if (result == IO_OK && wait[1].fd != -1)
			upstream_watched(&s->upstream, wait[1].revents != 0);
		wait[1].fd = upstream_kept_fd(&s->upstream);
	} while (result == IO_OK && wait[0].revents == 0);
	return result;
}

/* Wait for bytes while nothing was received, first for a moment: then the
 * client is parked, which is IO_ERROR: it must not be read from any more.  The
 * worker may be asked to part with it meanwhile.  When it cannot be parked,
 * one that has only just come gets a moment to speak. */
static enum io_result
await_first(struct session *s, int64_t deadline)
{
	struct pollfd wait = { .fd = s->fd, .events = POLLIN };
	enum io_result result;
	int64_t end;

	end = io_now_ms() + BOUNDS_IDLE_MS;
	board_set(BOARD_WAITING);
	do {
		result = await_kept(s, end < deadline ? end : deadline);
		if (result == IO_OK)
			break;
		upstream_drop(&s->upstream);
		if (park(s, deadline)) {
			board_set(BOARD_BUSY);
			return IO_ERROR;
		}
		end = io_now_ms() + BOUNDS_PARK_RETRY_MS;
	} while (result == IO_AGAIN && io_now_ms() < deadline);
	end = io_now_ms() + BOUNDS_FRESH_MS;
	if (result == IO_EOF && s->is_fresh)
		result = io_wait(&wait, 1, end < deadline ? end : deadline,
		    NULL);
	board_set(BOARD_BUSY);
	return result;
}

static enum io_result
receive(struct session *s)
{
	enum io_result result;
	size_t got;

	result = io_recv(s->fd, s->in + s->in_len,
	    sizeof(s->in) - s->in_len, &got);
	s->in_len += got;
	if (s->in_most < s->in_len)
		s->in_most = s->in_len;
	return result;
}

/* Read on, or wait for it until the deadline; between requests there is
 * nothing yet most of the time.  IO_EOF also when we are asked to close and
 * no request has begun. */
static enum io_result
read_more(struct session *s, int64_t deadline)
{
	struct pollfd wait = { .fd = s->fd, .events = POLLIN };
	enum io_result result;

	result = s->in_len > 0 ? receive(s) : IO_AGAIN;
	if (result != IO_AGAIN)
		return result;
	if (s->in_len == 0)
		result = await_first(s, deadline);
	else
		result = io_wait(&wait, 1, deadline, NULL);
	if (result == IO_AGAIN || result == IO_ERROR)
		return result;
	/* Asked to close: a request that came just now is still served. */
	result = receive(s);
	return result == IO_AGAIN ? IO_EOF : result;
}

/* Fill s->head: a whole request head, or a refusal, or the end. */
static enum step
fill_head(struct session *s)
{
	enum http_result result;
	enum io_result got;
	int64_t deadline;
	bool is_idle;

	deadline = io_now_ms() + s->env->idle_timeout_ms;
	is_idle = true;
	for (;;) {
		s->complete_us = s->in_len > 0 ? io_now_us() : 0;
		if (s->in_len > 0 && is_idle) {
			is_idle = false;
			s->began_us = s->complete_us;
			deadline = s->began_us / 1000 +
			    s->env->head_timeout_ms;
		}
		s->head.method = s->head.target = (struct span){ "", 0 };
		s->head.minor = 1;
		result = http_parse_request(s->in, s->in_len, &s->head,
		    &s->head_len);
		if (result == HTTP_DONE)
			return STEP_NEXT;
		if (result == HTTP_BAD)
			return refuse(s, s->head.reason, true);
		got = read_more(s, deadline);
		if (got == IO_AGAIN && !is_idle)
			return refuse(s, REASON_HEAD_TIMEOUT, true);
		if (got != IO_OK)
			return STEP_CLOSE;
	}
}

/* No rule allows it, and it passes. */
static void
warn(const struct session *s)
{
	const struct record what = describe(s);

	record_warning(&what);
}

/* Framing, target, policy; syntax comes before policy. */
static enum reason
judge(struct session *s)
{
	enum reason reason;

	s->request.method = s->head.method;
	s->request.content_type = http_field(&s->head, SPAN("Content-Type"));
	s->request.is_browser = policy_is_browser(&s->head);
	reason = body_of_request(&s->head, &s->request.body);
	if (reason == REASON_NONE)
		reason = target_parse(s->head.target, &s->request.target);
	if (reason != REASON_NONE)
		return reason;
	doing_request(s->head.method, s->request.target.path);
	if (s->env->log_requests)
		log_request(s->head.method, s->head.target);
	if (policy_decide(&s->request, s->env->profile, s->env->min_api,
	    &s->verdict) == POLICY_ALLOW) {
		if (s->verdict.rule == &s->env->profile->fallback)
			warn(s);
		return REASON_NONE;
	}
	return s->verdict.reason;
}

/* A denied request that is well formed costs its client the connection only
 * if its body is not worth reading away. */
static enum step
deny(struct session *s, enum reason reason)
{
	const struct body *body = &s->request.body;
	int64_t deadline;
	uint64_t len;
	bool is_close;
	enum step step;

	is_close = reason_info(reason)->status != 403 ||
	    http_wants_close(&s->head) || *s->env->wants_close != 0 ||
	    http_count(&s->head, SPAN("Expect")) > 0 ||
	    (body->kind != BODY_NONE && body->kind != BODY_LENGTH) ||
	    body->left > BOUNDS_DENIED_BODY_CAP;
	step = refuse(s, reason, is_close);
	if (step != STEP_AGAIN)
		return step;
	len = s->head_len + body->left;
	deadline = io_now_ms() + BOUNDS_LINGER_MS;
	while (s->in_len < len)
		if (read_more(s, deadline) != IO_OK)
			return STEP_CLOSE;
	drop_input(s, len);
	return STEP_AGAIN;
}

/* Clients that came while others only waited may all speak at once; then
 * nobody would be left to say no to the next. */
static bool
is_too_many(const struct session *s)
{
	return board_is_full() &&
	    board_count(BOARD_BUSY) > s->env->max_workers;
}

/* Have a judged request sent, and carry all that follows. */
static enum step
carry(struct session *s)
{
	struct exchange *x = &s->upstream.exchange;
	enum exchange_result result;
	struct record what;

	x->client = s->fd;
	x->head = &s->head;
	x->request = &s->request;
	x->input = s->in + s->head_len;
	x->input_cap = sizeof(s->in) - s->head_len;
	x->input_len = s->in_len - s->head_len;
	x->send_ms = s->env->head_timeout_ms;
	x->wants_close = s->env->wants_close;
	x->row = s->env->row;
	x->line_no = s->verdict.rule->line_no;
	result = upstream_exchange(&s->upstream, s->env->gate_fd,
	    s->env->listener);
	if (s->in_most < s->head_len + x->relay.up.most)
		s->in_most = s->head_len + x->relay.up.most;
	if (result == EXCHANGE_REFUSED)
		return refuse(s, x->reason, true);
	what = describe(s);
	record_answer(&what, x);
	if (result == EXCHANGE_LINGER)
		return STEP_LINGER;
	if (result != EXCHANGE_KEEP)
		return STEP_CLOSE;
	/* Behind the body may be the next request. */
	s->in_len = s->head_len + x->relay.up.end;
	drop_input(s, s->head_len + x->relay.up.start);
	return STEP_AGAIN;
}

void
session_serve(const struct session_env *env, int fd, const char *peer,
    const struct board_peer *key)
{
	struct session *s = &session;
	enum reason reason;
	enum step step;

	s->env = env;
	s->fd = fd;
	s->peer = peer;
	s->key = key;
	s->in_len = s->in_most = 0;
	s->is_fresh = true;
	upstream_begin(&s->upstream);
	do {
		step = fill_head(s);
		s->is_fresh = false;
		if (step != STEP_NEXT)
			break;
		board_mine()->requests++;
		reason = is_too_many(s) ? REASON_BUSY : judge(s);
		if (reason != REASON_NONE)
			step = deny(s, reason);
		else
			step = carry(s);
	} while (step == STEP_AGAIN);
	upstream_drop(&s->upstream);
	/* The next client may find a way to read what this one sent. */
	explicit_bzero(s->in, s->in_most);
	if (step == STEP_LINGER) {
		io_linger_close(fd, io_now_ms() + BOUNDS_LINGER_MS);
		return;
	}
	/* A client that sees the end and comes again is not counted twice. */
	board_set_peer(&nobody);
	(void)close(fd);
}

/* Whether what has come is one whole request without a body, so that the
 * client has nothing more to say. */
static bool
is_whole_request(struct session *s)
{
	struct body body;

	(void)receive(s);
	return http_parse_request(s->in, s->in_len, &s->head, &s->head_len) ==
	    HTTP_DONE && s->head_len == s->in_len &&
	    body_of_request(&s->head, &body) == REASON_NONE &&
	    body.kind == BODY_NONE;
}

void
session_refuse(const struct session_env *env, int fd, const char *peer,
    enum reason reason)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct session *s = &session;
	bool is_whole;

	s->env = env;
	s->fd = fd;
	s->peer = peer;
	/* Some clients take an answer that comes before they have spoken for
	 * a broken connection. */
	(void)io_wait(&wait, 1, io_now_ms() + BOUNDS_REFUSE_MS, NULL);
	s->in_len = s->in_most = 0;
	/* A client that may not be here is not even read. */
	is_whole = reason != REASON_NOT_ALLOWED && is_whole_request(s);
	if (!is_whole) {
		s->head.method = s->head.target = (struct span){ "", 0 };
		s->head.minor = 1;
	}
	(void)refuse(s, reason, true);
	explicit_bzero(s->in, s->in_most);
	/* Others wait to be told the same. */
	if (is_whole)
		(void)close(fd);
	else
		io_linger_close(fd, io_now_ms() + BOUNDS_REFUSE_MS);
}

bool
session_is_late(void)
{
	return session.upstream.error == ETIMEDOUT;
}
