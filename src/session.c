/*
 * One client connection: the order of steps.  Read session_serve first.
 */

#include "config.h"

#include "session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "board.h"
#include "body.h"
#include "exchange.h"
#include "http.h"
#include "io.h"
#include "log.h"
#include "order.h"
#include "park.h"
#include "policy.h"
#include "reply.h"
#include "target.h"

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
	int64_t			 began_ms;

	unsigned		 nrequests;	/* that were judged */
	int			 kept_fd;	/* pipe for answers, or -1 */
	int			 dial_error;	/* of REASON_NO_DOCKER */
	struct exchange		 exchange;

	uint32_t		 order_no;	/* of the last order */
	char			 order[ORDER_CAP];

	size_t			 in_len;	/* received */
	size_t			 in_most;	/* in_len was never larger */
	char			 in[BOUNDS_HEAD_CAP + BOUNDS_RELAY_CAP];
} session;

/* Failures on our side of things, not the client's. */
static bool
is_failure(enum reason reason)
{
	return reason == REASON_NO_DOCKER || reason == REASON_BAD_ANSWER ||
	    reason == REASON_BUSY;
}

/* "deny" or "fail"; the query is told, because a denied one is what the user
 * has to see. */
static void
log_refusal(const struct session *s, enum reason reason)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_WARN, is_failure(reason) ? "fail" : "deny");
	log_span(&line, "method", s->head.method);
	log_span(&line, "target", s->head.target);
	log_str(&line, "profile", s->env->profile->name);
	if (reason == REASON_MATCH_ERROR)
		log_number(&line, "rule", s->verdict.rule->line_no);
	log_str(&line, "reason", reason_info(reason)->word);
	if (reason == REASON_NO_DOCKER) {
		log_str(&line, "socket", s->env->docker_socket);
		log_words(&line, "error", strerror(s->dial_error));
	}
	log_str(&line, "peer", s->peer);
	log_number(&line, "worker", s->env->worker_no);
	log_end(&line);
}

static void
log_allowed(const struct session *s)
{
	struct log_line line;

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	log_begin(&line, LOG_LEVEL_INFO, "allow");
	log_span(&line, "method", s->request.method);
	log_span(&line, "path", s->request.target.path);
	log_str(&line, "profile", s->env->profile->name);
	log_number(&line, "rule", s->verdict.rule->line_no);
	log_number(&line, "status", (unsigned)s->exchange.answer.status);
	log_number(&line, "in", s->exchange.relay.up.bytes);
	log_number(&line, "out", s->exchange.relay.down.bytes);
	log_number(&line, "ms", (uint64_t)(io_now_ms() - s->began_ms));
	log_str(&line, "peer", s->peer);
	log_number(&line, "worker", s->env->worker_no);
	log_end(&line);
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
	char buf[BOUNDS_REPLY_CAP];
	bool is_sent;
	size_t len;

	log_refusal(s, reason);
	if (is_failure(reason))
		board_mine()->failed++;
	else
		board_mine()->denied++;
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

/* Have the gate close the connection that it keeps for us. */
static void
drop_kept(struct session *s)
{
	if (s->kept_fd != -1)
		(void)close(s->kept_fd);
	s->kept_fd = -1;
}

/* Leave an idle client to the parking process; false when it cannot be.  It is
 * never counted twice, or another one of its kind would be refused. */
static bool
park(struct session *s, int64_t deadline)
{
	static const struct board_peer nobody;
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

/* Wait for bytes while nothing was received, first for a moment: then the
 * client is parked.  The worker may be asked to part with it meanwhile.  When
 * it cannot be parked, one that has only just come gets a moment to speak. */
static enum io_result
await_first(struct session *s, int64_t deadline)
{
	struct pollfd wait = { .fd = s->fd, .events = POLLIN };
	const volatile int *stop = s->env->wants_close;
	enum io_result result;
	int64_t end;

	end = io_now_ms() + BOUNDS_IDLE_MS;
	board_set(BOARD_WAITING);
	result = io_wait(&wait, 1, end < deadline ? end : deadline, stop);
	if (result != IO_OK)
		drop_kept(s);
	if (result != IO_OK && park(s, deadline)) {
		board_set(BOARD_BUSY);
		return IO_EOF;
	}
	if (result == IO_AGAIN)
		result = io_wait(&wait, 1, deadline, stop);
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
	if (result == IO_AGAIN)
		return IO_AGAIN;
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
		if (s->in_len > 0 && is_idle) {
			is_idle = false;
			s->began_ms = io_now_ms();
			deadline = s->began_ms + s->env->head_timeout_ms;
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
	if (s->env->log_requests)
		log_request(s->head.method, s->head.target);
	if (policy_decide(&s->request, s->env->profile, s->env->min_api,
	    &s->verdict) == POLICY_ALLOW)
		return REASON_NONE;
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

/* The connection that this request goes on. */
static enum order_line
choose_line(const struct session *s)
{
	if (!order_may_keep(&s->head, &s->request))
		return ORDER_ONCE;
	if (s->kept_fd != -1)
		return ORDER_USE;
	return s->nrequests < BOUNDS_KEEP_FROM ? ORDER_ONCE : ORDER_OPEN;
}

/* Have the gate send the request's head: where the answer comes from. */
static int
ask(struct session *s, enum order_line line, struct ask_result *result)
{
	const int gate_fd = s->env->gate_fd;
	size_t len;
	int fd;

	len = order_make(s->order, sizeof(s->order), &s->head, &s->request,
	    line, ++s->order_no, s->env->listener);
	if (len == 0)
		bug("an order does not fit");
	if (line == ORDER_USE) {
		*result = (struct ask_result){ .reason = REASON_NO_DOCKER,
		    .error = EPIPE };
		fd = ask_again(gate_fd, s->order, len) == 0 ? s->kept_fd : -1;
	} else {
		fd = ask_gate(gate_fd, s->order, len, s->order_no, result);
	}
	if (fd != -1 && result->is_kept)
		s->kept_fd = fd;
	s->dial_error = result->error;
	explicit_bzero(s->order, len);
	return fd;
}

/* Have the request sent and carry all that follows. */
static enum exchange_result
exchange(struct session *s, enum order_line line)
{
	struct exchange *x = &s->exchange;
	enum exchange_result result;
	struct ask_result asked;

	x->received_most = 0;
	x->upstream = ask(s, line, &asked);
	if (x->upstream == -1) {
		x->reason = asked.reason;
		return EXCHANGE_REFUSED;
	}
	x->may_speak = asked.may_speak;
	x->client = s->fd;
	x->head = &s->head;
	x->request = &s->request;
	x->input = s->in + s->head_len;
	x->input_cap = sizeof(s->in) - s->head_len;
	x->input_len = s->in_len - s->head_len;
	x->send_ms = s->env->head_timeout_ms;
	x->wants_close = s->env->wants_close;
	result = exchange_run(x);
	if (x->upstream != s->kept_fd)
		(void)close(x->upstream);
	else if (!x->is_reusable)
		drop_kept(s);
	if (s->in_most < s->head_len + x->relay.up.most)
		s->in_most = s->head_len + x->relay.up.most;
	return result;
}

/* A judged request, and its answer. */
static enum step
carry(struct session *s)
{
	struct exchange *x = &s->exchange;
	enum exchange_result result;
	enum order_line line;

	line = choose_line(s);
	result = exchange(s, line);
	/* dockerd, or the gate, had ended the connection that was kept. */
	if (result == EXCHANGE_REFUSED && line == ORDER_USE &&
	    x->received_most == 0) {
		drop_kept(s);
		result = exchange(s, ORDER_OPEN);
	}
	if (result == EXCHANGE_REFUSED)
		return refuse(s, x->reason, true);
	log_allowed(s);
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
	s->nrequests = 0;
	s->kept_fd = -1;
	s->dial_error = 0;
	do {
		step = fill_head(s);
		s->is_fresh = false;
		if (step != STEP_NEXT)
			break;
		board_mine()->requests++;
		s->nrequests++;
		reason = is_too_many(s) ? REASON_BUSY : judge(s);
		if (reason != REASON_NONE)
			step = deny(s, reason);
		else
			step = carry(s);
	} while (step == STEP_AGAIN);
	drop_kept(s);
	/* The next client may find a way to read what this one sent. */
	explicit_bzero(s->in, s->in_most);
	if (step == STEP_LINGER)
		io_linger_close(fd, io_now_ms() + BOUNDS_LINGER_MS);
	else
		(void)close(fd);
}

/* Whether what was received is one whole request without a body, so that the
 * client has nothing more to say. */
static bool
is_whole_request(struct session *s)
{
	struct body body;

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
	(void)receive(s);
	is_whole = is_whole_request(s);
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
	return session.dial_error == ETIMEDOUT;
}
