/* One client connection: the order of steps.  Read session_serve first. */

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
#include "policy.h"
#include "record.h"
#include "reply.h"
#include "rest.h"
#include "tally.h"
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
	const char		*profile;	/* for messages only */
	size_t			 line_no;	/* of the rule, or 0 */
	int64_t			 began_us;	/* its first byte came */
	int64_t			 complete_us;	/* its head was all there */

	struct upstream		 upstream;

	size_t			 in_len;	/* received */
	size_t			 in_most;	/* in_len was never larger */
	char			 in[BOUNDS_HEAD_CAP + BOUNDS_RELAY_CAP];
} session;

static struct record
describe(const struct session *s)
{
	return (struct record){
		.env = s->env,
		.peer = s->peer,
		.head = &s->head,
		.request = &s->request,
		.profile = s->profile,
		.line_no = s->line_no,
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
	const struct rest rest = { s->env, s->fd, s->key };
	struct pollfd wait = { .fd = s->fd, .events = POLLIN };
	enum io_result result;

	result = s->in_len > 0 ? receive(s) : IO_AGAIN;
	if (result != IO_AGAIN)
		return result;
	if (s->in_len == 0)
		result = rest_await(&rest, &s->upstream, s->is_fresh, deadline);
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

	s->line_no = 0;
	s->request.method = s->head.method;
	s->request.content_type = http_field(&s->head, SPAN("Content-Type"));
	s->request.is_browser = policy_is_browser(&s->head);
	reason = body_of_request(&s->head, &s->request.body);
	if (reason == REASON_NONE)
		reason = target_parse(s->head.target, &s->request.target);
	if (reason != REASON_NONE)
		return reason;
	doing_request(s->head.method, s->request.target.path);
	s->verdict.rule = NULL;
	if (s->env->log_requests)
		log_request(s->head.method, s->head.target);
	if (policy_decide(&s->request, s->env->profile, s->env->min_api,
	    &s->verdict) != POLICY_ALLOW)
		reason = s->verdict.reason;
	else if (s->verdict.rule == &s->env->profile->fallback)
		warn(s);
	if (s->verdict.rule != NULL)
		s->line_no = s->verdict.rule->line_no;
	return reason;
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
	deadline = s->in_len < len ? io_now_ms() + BOUNDS_LINGER_MS : 0;
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

/* The stream rests: leave it to the parking process. */
static bool
park_stream(const struct exchange *x)
{
	struct session *s = &session;
	const struct rest rest = { s->env, s->fd, s->key };
	const struct record what = describe(s);

	return rest_leave(&rest, &what, x);
}

/* Tell the exchange about the request, whose input begins at that place. */
static void
set_exchange(struct session *s, size_t at)
{
	struct exchange *x = &s->upstream.exchange;

	x->client = s->fd;
	x->head = &s->head;
	x->request = &s->request;
	x->input = s->in + at;
	x->input_cap = sizeof(s->in) - at;
	x->input_len = s->in_len - at;
	x->send_ms = s->env->head_timeout_ms;
	x->wants_close = s->env->wants_close;
	x->row = s->env->row;
	x->line_no = s->line_no;
	x->workers = s->env->workers;
	x->park = rest_may_leave(s->request.target.path) ? park_stream : NULL;
}

/* What follows an answer, or what could be carried of it; input behind the
 * request began at that place. */
static enum step
end_exchange(struct session *s, enum exchange_result result, size_t at)
{
	const struct exchange *x = &s->upstream.exchange;
	struct record what;

	if (s->in_most < at + x->relay.up.most)
		s->in_most = at + x->relay.up.most;
	if (result == EXCHANGE_REFUSED)
		return refuse(s, x->reason, true);
	if (result == EXCHANGE_PARKED)
		return STEP_CLOSE;
	what = describe(s);
	record_answer(&what, x);
	if (result == EXCHANGE_LINGER)
		return STEP_LINGER;
	if (result != EXCHANGE_KEEP)
		return STEP_CLOSE;
	/* Behind the body may be the next request. */
	s->in_len = at + x->relay.up.end;
	drop_input(s, at + x->relay.up.start);
	return STEP_AGAIN;
}

/* Have a judged request sent, and carry all that follows. */
static enum step
carry(struct session *s)
{
	enum exchange_result result;

	set_exchange(s, s->head_len);
	result = upstream_exchange(&s->upstream, s->env->gate_fd,
	    s->env->listener);
	return end_exchange(s, result, s->head_len);
}

static void
begin(struct session *s, const struct session_env *env, int fd,
    const char *peer, const struct board_peer *key)
{
	s->env = env;
	s->fd = fd;
	s->peer = peer;
	s->key = key;
	s->profile = env->profile->name;
	s->line_no = 0;
	s->in_len = s->in_most = 0;
	upstream_begin(&s->upstream);
}

static void
end(struct session *s, enum step step)
{
	upstream_drop(&s->upstream);
	/* The next client may find a way to read what this one sent. */
	explicit_bzero(s->in, s->in_most);
	if (step == STEP_LINGER) {
		io_linger_close(s->fd, io_now_ms() + BOUNDS_LINGER_MS);
		return;
	}
	/* A client that sees the end and comes again is not counted twice. */
	board_set_peer(NULL);
	(void)close(s->fd);
}

/* Requests, one after the other. */
static enum step
serve(struct session *s)
{
	enum reason reason;
	enum step step;

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
	return step;
}

void
session_serve(const struct session_env *env, int fd, const char *peer,
    const struct board_peer *key)
{
	struct session *s = &session;

	begin(s, env, fd, peer, key);
	s->is_fresh = true;
	end(s, serve(s));
}

/* The request that a ticket tells of, as far as others want to know it. */
static void
recall(struct session *s, const struct ticket *t, const struct target *target)
{
	memset(&s->request, 0, sizeof(s->request));
	s->request.method = s->head.method = SPAN("GET");
	s->request.target = *target;
	s->request.body = (struct body){ .kind = BODY_NONE };
	s->head.target = target->whole;
	s->head.nfields = 0;
	s->head.minor = 1;
	s->began_us = s->complete_us = t->began_us;
	s->line_no = t->line_no;
	if (s->peer == NULL)
		s->peer = t->client;
	/* It may have been allowed by an older profile. */
	if (t->row > 0)
		s->profile = tally_profile(t->row);
	doing_request(s->request.method, target->path);
}

/* Carry the rest of a stream. */
static enum step
resume(struct session *s, const struct session_stream *stream)
{
	struct exchange *x = &s->upstream.exchange;
	const struct ticket *t = stream->ticket;
	enum exchange_result result;

	set_exchange(s, 0);
	x->row = t->row;
	x->is_close = t->lives_on == 0 || !stream->may_go_on;
	x->out_before = t->out;
	result = upstream_resume(&s->upstream, stream->upstream_fd,
	    (enum body_kind)t->kind);
	return end_exchange(s, result, 0);
}

void
session_resume(const struct session_env *env, int fd, const char *peer,
    const struct board_peer *key, const struct session_stream *stream)
{
	struct session *s = &session;
	struct target target;
	enum step step;

	begin(s, env, fd, peer, key);
	s->is_fresh = false;
	step = STEP_CLOSE;
	if (ticket_is_sound(stream->ticket, &target)) {
		recall(s, stream->ticket, &target);
		step = resume(s, stream);
	} else {
		(void)close(stream->upstream_fd);
	}
	s->profile = env->profile->name;
	if (step == STEP_AGAIN)
		step = serve(s);
	end(s, step);
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

	begin(s, env, fd, peer, NULL);
	/* Some clients take an answer that comes before they have spoken for
	 * a broken connection. */
	(void)io_wait(&wait, 1, io_now_ms() + BOUNDS_REFUSE_MS, NULL);
	/* A client that may not be here is not even read. */
	is_whole = !env->is_door && reason != REASON_NOT_ALLOWED &&
	    is_whole_request(s);
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
