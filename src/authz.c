/*
 * One connection of dockerd's to its plugin: the order of steps.  Read serve
 * first.
 */

#include "config.h"

#include "authz.h"

#include <string.h>
#include <unistd.h>

#include "authzhead.h"
#include "authzmsg.h"
#include "body.h"
#include "doing.h"
#include "http.h"
#include "io.h"
#include "log.h"
#include "policy.h"
#include "record.h"
#include "reply.h"
#include "rest.h"
#include "yard.h"

/* What happens next. */
enum step {
	STEP_NEXT,	/* go on with this call */
	STEP_AGAIN,	/* it is answered, the connection is good */
	STEP_CLOSE,	/* close now */
	STEP_LINGER	/* close after reading what is still sent */
};

enum call {
	CALL_ACTIVATE,
	CALL_REQUEST,
	CALL_ANSWER,
	CALL_COUNT
};

static const struct span calls[CALL_COUNT] = {
	[CALL_ACTIVATE] = SPAN_INIT("/Plugin.Activate"),
	[CALL_REQUEST] = SPAN_INIT("/AuthZPlugin.AuthZReq"),
	[CALL_ANSWER] = SPAN_INIT("/AuthZPlugin.AuthZRes"),
};

/* A user that dockerd may name, and what is due to it. */
struct user {
	struct span		 name;
	struct profile		*profile;
	size_t			 row;
};

/* This worker's, from authz_prepare. */
static struct {
	struct session_env	env;
	struct user		users[BOUNDS_CLIENT_CAP];
	size_t			nusers;
} own;

/*
 * Everything of one connection.  One at a time, so one of these in static
 * storage; nothing is allocated while serving.
 */
static struct session {
	struct rest		 rest;		/* env: of whoever asks */
	struct session_env	 env;
	const char		*peer;
	int64_t			 deadline;	/* of the whole call */
	int64_t			 began_us;
	int64_t			 complete_us;
	bool			 is_fresh;	/* no call has come yet */

	/* the call: spans point into in */
	struct http_head	 head;
	size_t			 head_len;
	enum call		 call;
	bool			 asks_close;
	struct body		 body;

	/* the request that it is about: spans point into told and made */
	struct authzmsg		 told;
	struct http_head	 made_head;
	struct policy_request	 request;
	struct policy_verdict	 verdict;
	size_t			 made_len;
	char			 made[BOUNDS_HEAD_CAP];
	char			 wide[BOUNDS_REQUEST_LINE_CAP];

	size_t			 in_len;
	size_t			 in_most;	/* in_len was never larger */
	char			 in[BOUNDS_AUTHZ_PIECE];
} session;

_Static_assert(BOUNDS_AUTHZ_PIECE >= BOUNDS_HEAD_CAP, "heads have room");

void
authz_prepare(const struct session_env *env, const struct conf *conf,
    const size_t *user_rows)
{
	const struct conf_listen *l = &conf->listen[env->listener];
	const struct conf_client *c;
	size_t i;

	own.env = *env;
	/* While it learns, everybody has the profile that lets all pass. */
	if (l->profile == conf->open_profile)
		return;
	for (i = 0; i < conf->nclients; i++) {
		c = &conf->clients[i];
		if (c->tls_user == NULL)
			continue;
		own.users[own.nusers++] = (struct user){ span_of(c->tls_user),
		    l->only_warns ? c->warning : c->profile, user_rows[i] };
	}
	for (i = 0; i < own.nusers; i++)
		own.users[i].profile->matcher.cpu_us = io_cpu_us;
}

/* Whom dockerd has known by a certificate; nobody else has a name that
 * counts. */
static struct span
user_of(const struct authzmsg *m)
{
	return span_eq(m->user_by, SPAN("TLS")) ? m->user :
	    (struct span){ NULL, 0 };
}

/* The profile that is due to who asks. */
static void
choose(struct session *s)
{
	const struct span user = user_of(&s->told);
	size_t i;

	for (i = 0; i < own.nusers; i++)
		if (user.p != NULL && span_eq(own.users[i].name, user))
			break;
	if (i == own.nusers)
		return;
	s->env.profile = own.users[i].profile;
	s->env.row = own.users[i].row;
}

/* The request that the call is about, or the call itself. */
static struct record
describe(const struct session *s, bool is_call)
{
	return (struct record){
		.env = &s->env,
		.peer = s->peer,
		.user = is_call ? (struct span){ NULL, 0 } :
		    user_of(&s->told),
		.head = is_call ? &s->head : &s->made_head,
		.request = &s->request,
		.profile = s->env.profile->name,
		.line_no = s->verdict.rule != NULL ?
		    s->verdict.rule->line_no : 0,
		.began_us = s->began_us,
		.complete_us = s->complete_us,
	};
}

static bool
wants_close(const struct session *s)
{
	/* Otherwise it is parked: dockerd takes the end of a connection that
	 * it is just using for that of its plugin, and waits. */
	return s->asks_close || yard_is_given_up(s->env.park_no);
}

static enum step
answer(struct session *s, enum reply_authz kind, enum reason reason,
    bool is_close)
{
	const struct http_head *head = kind == REPLY_AUTHZ_VERDICT ?
	    &s->made_head : &s->head;
	const struct reply reply = {
		.reason = reason,
		.profile = span_of(s->env.profile->name),
		.method = head->method,
		.target = head->target,
		.is_close = is_close,
		.minor = s->head.minor,
	};
	char buf[BOUNDS_REPLY_CAP];
	bool is_sent;
	size_t len;

	len = reply_authz_make(buf, kind, &reply);
	is_sent = io_send_all(s->rest.fd, buf, len, io_now_ms() +
	    s->env.head_timeout_ms) == 0;
	explicit_bzero(buf, len + REPLY_HEAD_CAP);
	if (!is_sent)
		return STEP_CLOSE;
	return is_close ? STEP_LINGER : STEP_AGAIN;
}

/* No verdict is given, so dockerd lets nothing pass. */
static enum step
fail(struct session *s, enum reason reason)
{
	const struct record what = describe(s, true);

	record_refusal(&what, reason, 0);
	return answer(s, REPLY_AUTHZ_ERROR, reason, true);
}

/* -- reading -- */

static enum io_result
receive(struct session *s)
{
	enum io_result result;
	size_t got;

	result = io_recv(s->rest.fd, s->in + s->in_len,
	    sizeof(s->in) - s->in_len, &got);
	s->in_len += got;
	if (s->in_most < s->in_len)
		s->in_most = s->in_len;
	return result;
}

/* Read on, or wait for it; between calls there is nothing most of the time,
 * and none has begun when it is IO_EOF. */
static enum io_result
read_more(struct session *s, bool is_between)
{
	struct pollfd wait = { .fd = s->rest.fd, .events = POLLIN };
	enum io_result result;

	result = is_between ? IO_AGAIN : receive(s);
	if (result != IO_AGAIN)
		return result;
	if (is_between)
		result = rest_await(&s->rest, NULL, s->is_fresh,
		    s->deadline);
	else
		result = io_wait(&wait, 1, s->deadline, NULL);
	if (result == IO_AGAIN || result == IO_ERROR)
		return result;
	result = receive(s);
	return result == IO_AGAIN ? IO_EOF : result;
}

static void
drop_input(struct session *s, size_t n)
{
	memmove(s->in, s->in + n, s->in_len - n);
	s->in_len -= n;
}

/* Fill s->head: the head of a call, or the end. */
static enum step
fill_head(struct session *s)
{
	enum http_result result;
	enum io_result got;
	bool is_idle;

	s->env = own.env;
	s->verdict.rule = NULL;
	s->deadline = io_now_ms() + s->env.idle_timeout_ms;
	is_idle = true;
	for (;;) {
		if (s->in_len > 0 && is_idle) {
			is_idle = false;
			s->began_us = io_now_us();
			s->deadline = s->began_us / 1000 +
			    s->env.head_timeout_ms;
		}
		s->head.method = s->head.target = (struct span){ "", 0 };
		s->head.minor = 1;
		result = http_parse_request(s->in, s->in_len, &s->head,
		    &s->head_len);
		if (result == HTTP_DONE)
			return STEP_NEXT;
		if (result == HTTP_BAD)
			return fail(s, s->head.reason);
		got = read_more(s, is_idle);
		if (got == IO_AGAIN && !is_idle)
			return fail(s, REASON_HEAD_TIMEOUT);
		if (got != IO_OK)
			return STEP_CLOSE;
	}
}

/* Which call it is, and how long: dockerd always says so. */
static enum reason
check_call(struct session *s)
{
	enum reason reason;
	int i;

	if (!span_eq(s->head.method, SPAN("POST")))
		return REASON_AUTHZ_CALL;
	for (i = 0; i < CALL_COUNT; i++)
		if (span_eq(s->head.target, calls[i]))
			break;
	if (i == CALL_COUNT)
		return REASON_AUTHZ_CALL;
	s->call = (enum call)i;
	if (http_count(&s->head, SPAN("Expect")) > 0)
		return REASON_EXPECT;
	reason = body_of_request(&s->head, &s->body);
	if (reason == REASON_NONE &&
	    http_count(&s->head, SPAN("Content-Length")) != 1)
		reason = REASON_LENGTH;
	if (reason == REASON_NONE && s->body.left > BOUNDS_AUTHZ_CAP)
		reason = REASON_AUTHZ_LONG;
	return reason;
}

/* Read the message, a piece at a time.  STEP_NEXT: it is there. */
static enum step
read_message(struct session *s)
{
	enum body_result result;
	struct span data;
	enum io_result got;
	size_t used;

	/* The place of the head is needed. */
	s->asks_close = http_wants_close(&s->head);
	s->head.method = SPAN("POST");
	s->head.target = calls[s->call];
	s->head.nfields = 0;
	drop_input(s, s->head_len);
	authzmsg_begin(&s->told, s->call == CALL_REQUEST ? AUTHZMSG_REQUEST :
	    AUTHZMSG_ANSWER);
	for (;;) {
		result = body_walk(&s->body, s->in, s->in_len, &used, &data);
		if (result == BODY_DATA && s->call != CALL_ACTIVATE &&
		    !authzmsg_walk(&s->told, data.p, data.len))
			return fail(s, REASON_AUTHZ_MESSAGE);
		drop_input(s, used);
		if (result == BODY_DONE)
			return STEP_NEXT;
		if (result != BODY_MORE)
			continue;
		got = read_more(s, false);
		if (got == IO_AGAIN)
			return fail(s, REASON_HEAD_TIMEOUT);
		if (got != IO_OK)
			return STEP_CLOSE;
	}
}

/* -- deciding -- */

/* Whether the profile allows all that may hide behind what was told. */
static bool
may_hide(struct session *s)
{
	struct policy_request wide = s->request;
	struct policy_verdict verdict;
	enum reason reason;

	if (!authzhead_widen(&s->told, &wide, s->wide, &reason))
		return true;
	return reason == REASON_NONE && policy_decide(&wide, s->env.profile,
	    s->env.min_api, &verdict) == POLICY_ALLOW;
}

/* As for requests that go by the proxy: syntax, then policy. */
static enum reason
judge(struct session *s)
{
	enum reason reason;
	struct record what;

	reason = authzhead_make(&s->told, s->made, &s->made_len,
	    &s->made_head, &s->request);
	if (reason != REASON_NONE)
		return reason;
	doing_request(s->request.method, s->request.target.path);
	if (s->env.log_requests)
		log_request(s->made_head.method, s->made_head.target);
	if (policy_decide(&s->request, s->env.profile, s->env.min_api,
	    &s->verdict) != POLICY_ALLOW)
		return s->verdict.reason;
	if (!may_hide(s))
		return REASON_AUTHZ_BODY;
	what = describe(s, false);
	if (s->verdict.rule == &s->env.profile->fallback)
		record_warning(&what);
	record_pass(&what);
	return REASON_NONE;
}

static enum step
decide(struct session *s)
{
	enum reason reason;
	struct record what;

	choose(s);
	reason = judge(s);
	if (reason != REASON_NONE) {
		what = describe(s, false);
		record_refusal(&what, reason, 0);
	}
	return answer(s, REPLY_AUTHZ_VERDICT, reason, wants_close(s));
}

/* What of this client's need not be here any longer. */
static void
wipe(struct session *s)
{
	authzmsg_forget(&s->told);
	explicit_bzero(s->made, s->made_len);
	s->made_len = 0;
}

/* The answer to a message that is there. */
static enum step
respond(struct session *s)
{
	enum step step;

	if (s->call == CALL_ACTIVATE)
		return answer(s, REPLY_AUTHZ_HELLO, REASON_NONE,
		    wants_close(s));
	if (!authzmsg_is_whole(&s->told))
		return fail(s, REASON_AUTHZ_MESSAGE);
	/* What it tells of has been done; a no would hide that. */
	if (s->call == CALL_ANSWER)
		return answer(s, REPLY_AUTHZ_VERDICT, REASON_NONE,
		    wants_close(s));
	board_mine()->requests++;
	step = decide(s);
	wipe(s);
	return step;
}

/* Calls, one after the other. */
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
		s->complete_us = io_now_us();
		reason = check_call(s);
		if (reason != REASON_NONE)
			return fail(s, reason);
		step = read_message(s);
		if (step == STEP_NEXT)
			step = respond(s);
	} while (step == STEP_AGAIN);
	return step;
}

void
authz_serve(int fd, const char *peer, const struct board_peer *key)
{
	struct session *s = &session;
	enum step step;

	s->rest = (struct rest){ &own.env, fd, key };
	s->peer = peer;
	s->in_len = s->in_most = 0;
	s->is_fresh = true;
	s->told.kept_len = s->made_len = 0;
	step = serve(s);
	wipe(s);
	explicit_bzero(s->in, s->in_most);
	if (step == STEP_LINGER) {
		io_linger_close(fd, io_now_ms() + BOUNDS_LINGER_MS);
		return;
	}
	board_set_peer(NULL);
	(void)close(fd);
}
