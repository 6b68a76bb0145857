/* Tests of forward.c: the heads that go on. */

#include "config.h"

#include "unit.h"

#include "forward.h"

#define OUT_CAP 8192

/* A request as read, beside guarded pages. */
static void
read_request(struct http_head *head, struct policy_request *request,
    const char *in)
{
	size_t len, used;

	len = strlen(in);
	ck_assert_msg(http_parse_request(unit_place(in, len, UNIT_END), len,
	    head, &used) == HTTP_DONE, "%s: %s",
	    reason_info(head->reason)->word, unit_show(in, len));
	memset(request, 0, sizeof(*request));
	request->method = head->method;
	ck_assert_int_eq(target_parse(head->target, &request->target),
	    REASON_NONE);
	request->content_type = http_field(head, SPAN("Content-Type"));
	ck_assert_int_eq(body_of_request(head, &request->body),
	    REASON_NONE);
	request->is_browser = policy_is_browser(head);
}

/*
 * Whether head is the expected one: the first line is the same, and the
 * others are the same in any order (equal names keep theirs: test_order).
 */
static void
check_lines(const char *got, size_t len, const char *want)
{
	const char *line, *end;
	size_t n;

	ck_assert_msg(len == strlen(want), "got %s, not %s",
	    unit_show(got, len), unit_show(want, strlen(want)));
	n = (size_t)(strstr(want, "\r\n") - want) + 2;
	ck_assert_msg(memcmp(got, want, n) == 0, "got %s",
	    unit_show(got, len));
	ck_assert(memcmp(got + len - 4, "\r\n\r\n", 4) == 0);
	/* From the CR LF before a line to the one behind it. */
	for (line = want + n - 2; strcmp(line, "\r\n\r\n") != 0;
	    line = end) {
		end = strstr(line + 2, "\r\n");
		n = (size_t)(end - line) + 2;
		ck_assert_msg(memmem(got, len, line, n) != NULL,
		    "no %s in %s", unit_show(line, n), unit_show(got, len));
	}
}

/* What dockerd will read is what was judged. */
static void
check_meaning(const char *got, size_t len, const struct http_head *head,
    const struct policy_request *request)
{
	struct http_head again;
	struct body body;
	struct target target;
	size_t used;

	ck_assert_msg(http_parse_request(got, len, &again, &used) ==
	    HTTP_DONE && used == len, "%s: %s",
	    reason_info(again.reason)->word, unit_show(got, len));
	ck_assert(span_eq(again.method, request->method));
	ck_assert(span_eq(again.target, request->target.whole));
	ck_assert_int_eq(target_parse(again.target, &target), REASON_NONE);
	ck_assert_int_eq(body_of_request(&again, &body), REASON_NONE);
	ck_assert_int_eq(body.kind, request->body.kind);
	if (body.kind == BODY_LENGTH)
		ck_assert_uint_eq(body.left, request->body.left);
	ck_assert(http_wants_close(&again));
	ck_assert_uint_eq(http_count(&again, SPAN("Connection")), 1);
	ck_assert(span_eq(http_field(&again, SPAN("Connection")),
	    http_wants_upgrade(&again) ? SPAN("Upgrade, close") :
	    SPAN("close")));
	ck_assert_uint_eq(http_count(&again, SPAN("Host")), 1);
	ck_assert_uint_le(again.nfields, head->nfields + 3);
	ck_assert(!http_wants_upgrade(&again) ||
	    (http_wants_upgrade(head) &&
	    target_hijacks(&target, again.method)));
}

/* The head that the gate makes of the worker's order. */
static size_t
make_head_on(enum order_line line, char *out, size_t cap,
    const struct http_head *head, const struct policy_request *request)
{
	static char buf[ORDER_CAP];
	static struct order order;
	size_t len;

	len = order_make(buf, sizeof(buf), head, request, line, 7, 1);
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(order_read(buf, len, &order), ORDER_OK);
	return forward_request_make(out, cap, &order);
}

static size_t
make_head(char *out, size_t cap, const struct http_head *head,
    const struct policy_request *request)
{
	return make_head_on(ORDER_ONCE, out, cap, head, request);
}

/* -- requests -- */

#define OURS "Host: docker\r\nConnection: close\r\n"
#define HIJACK "Host: docker\r\nConnection: Upgrade, close\r\n"

static const struct {
	const char	*in;
	const char	*out;
} requests[] = {
	{ "GET /a HTTP/1.1\r\nHost: d\r\n\r\n",
	    "GET /a HTTP/1.1\r\n" OURS "\r\n" },
	{ "GET /v1.41/containers/json?all=1&x=%20\"{}| HTTP/1.1\r\n"
	    "Host:\r\n\r\n",
	    "GET /v1.41/containers/json?all=1&x=%20\"{}| HTTP/1.1\r\n"
	    OURS "\r\n" },
	{ "HEAD /_ping HTTP/1.1\r\nHOST: evil.example\r\n\r\n",
	    "HEAD /_ping HTTP/1.1\r\n" OURS "\r\n" },
	/* hop-by-hop fields are ours, whatever the client says */
	{ "GET /a HTTP/1.1\r\nHost: d\r\nConnection: keep-alive\r\n"
	    "Keep-Alive: timeout=5\r\nTE: trailers\r\nTrailer: x\r\n"
	    "Proxy-Connection: close\r\nProxy-Authorization: x\r\n\r\n",
	    "GET /a HTTP/1.1\r\n" OURS "\r\n" },
	/* unknown fields do not pass */
	{ "GET /a HTTP/1.1\r\nHost: d\r\nX-Unknown: y\r\nCookie: c\r\n"
	    "X-HTTP-Method-Override: POST\r\nX-Forwarded-For: 1.2.3.4\r\n"
	    "X-Original-URL: /b\r\nAuthorization: Basic x\r\n\r\n",
	    "GET /a HTTP/1.1\r\n" OURS "\r\n" },
	/* known ones do, with their bytes */
	{ "GET /a HTTP/1.1\r\nHost: d\r\nUser-Agent: Docker/28\r\n"
	    "Accept-Encoding: gzip\r\n\r\n",
	    "GET /a HTTP/1.1\r\n" OURS "User-Agent: Docker/28\r\n"
	    "Accept-Encoding: gzip\r\n\r\n" },
	{ "POST /v1.41/images/create?fromImage=a HTTP/1.1\r\nHost: d\r\n"
	    "X-Registry-Auth: e30=\r\nContent-Length: 0\r\n\r\n",
	    "POST /v1.41/images/create?fromImage=a HTTP/1.1\r\n" OURS
	    "X-Registry-Auth: e30=\r\nContent-Length: 0\r\n\r\n" },
	/* framing */
	{ "POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n"
	    "Content-Type: application/json\r\nContent-Length:  12 \r\n"
	    "\r\n",
	    "POST /v1.41/containers/create HTTP/1.1\r\n" OURS
	    "Content-Type: application/json\r\nContent-Length: 12\r\n"
	    "\r\n" },
	{ "POST /v1.41/build HTTP/1.1\r\nHost: d\r\n"
	    "Content-Type: application/x-tar\r\nX-Registry-Config: e30=\r\n"
	    "transfer-encoding: CHUNKED\r\n\r\n",
	    "POST /v1.41/build HTTP/1.1\r\n" OURS
	    "Content-Type: application/x-tar\r\nX-Registry-Config: e30=\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n" },
	{ "PUT /a HTTP/1.1\r\nHost: d\r\n"
	    "Content-Length: 999999999999999999\r\n\r\n",
	    "PUT /a HTTP/1.1\r\n" OURS
	    "Content-Length: 999999999999999999\r\n\r\n" },
	/* Connection cannot name a field away that we frame by */
	{ "POST /a HTTP/1.1\r\nHost: d\r\n"
	    "Connection: Content-Length, Host\r\nContent-Length: 5\r\n\r\n",
	    "POST /a HTTP/1.1\r\n" OURS "Content-Length: 5\r\n\r\n" },
	/* Expect goes on only where there is a body to wait for */
	{ "POST /a HTTP/1.1\r\nHost: d\r\nExpect: 100-Continue\r\n"
	    "Content-Length: 5\r\n\r\n",
	    "POST /a HTTP/1.1\r\n" OURS "Expect: 100-continue\r\n"
	    "Content-Length: 5\r\n\r\n" },
	{ "POST /a HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n",
	    "POST /a HTTP/1.1\r\n" OURS "Expect: 100-continue\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n" },
	{ "POST /a HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\n"
	    "Content-Length: 0\r\n\r\n",
	    "POST /a HTTP/1.1\r\n" OURS "Content-Length: 0\r\n\r\n" },
	{ "GET /a HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\n\r\n",
	    "GET /a HTTP/1.1\r\n" OURS "\r\n" },
	/* upgrades: only where dockerd hijacks */
	{ "POST /v1.41/exec/e/start HTTP/1.1\r\nHost: d\r\n"
	    "Connection: Upgrade\r\nUpgrade: tcp\r\n"
	    "Content-Type: application/json\r\nContent-Length: 29\r\n\r\n",
	    "POST /v1.41/exec/e/start HTTP/1.1\r\n" HIJACK "Upgrade: tcp\r\n"
	    "Content-Type: application/json\r\nContent-Length: 29\r\n"
	    "\r\n" },
	{ "POST /v1.41/containers/c/attach?stdin=1 HTTP/1.1\r\nHost: d\r\n"
	    "Connection: keep-alive, upgrade\r\nUpgrade: tcp\r\n"
	    "Content-Length: 0\r\n\r\n",
	    "POST /v1.41/containers/c/attach?stdin=1 HTTP/1.1\r\n" HIJACK
	    "Upgrade: tcp\r\nContent-Length: 0\r\n\r\n" },
	{ "POST /grpc HTTP/1.1\r\nHost:\r\nConnection: Upgrade\r\n"
	    "Upgrade: h2c\r\n\r\n",
	    "POST /grpc HTTP/1.1\r\n" HIJACK "Upgrade: h2c\r\n\r\n" },
	{ "GET /containers/c/attach/ws HTTP/1.1\r\nHost: d\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n\r\n",
	    "GET /containers/c/attach/ws HTTP/1.1\r\n" HIJACK
	    "Upgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n" },
	{ "POST /v1.41/exec/e/start HTTP/1.1\r\nHost: d\r\n"
	    "Content-Length: 29\r\n\r\n",
	    "POST /v1.41/exec/e/start HTTP/1.1\r\n" OURS
	    "Content-Length: 29\r\n\r\n" },
	{ "POST /v1.41/exec/e/start HTTP/1.1\r\nHost: d\r\nUpgrade: tcp\r\n"
	    "Content-Length: 29\r\n\r\n",
	    "POST /v1.41/exec/e/start HTTP/1.1\r\n" OURS
	    "Content-Length: 29\r\n\r\n" },
	{ "GET /v1.41/version HTTP/1.1\r\nHost: d\r\n"
	    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
	    "GET /v1.41/version HTTP/1.1\r\n" OURS "\r\n" },
	{ "GET /v1.41/version HTTP/1.1\r\nHost: d\r\n"
	    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	    "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
	    "GET /v1.41/version HTTP/1.1\r\n" OURS "\r\n" },
	{ "GET /v1.41/exec/e/start HTTP/1.1\r\nHost: d\r\n"
	    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
	    "GET /v1.41/exec/e/start HTTP/1.1\r\n" OURS "\r\n" },
};

START_TEST(test_requests)
{
	static char empty[OUT_CAP];
	struct policy_request request;
	struct http_head head;
	char *end;
	size_t n, cap;

	read_request(&head, &request, requests[_i].in);
	n = strlen(requests[_i].out);
	end = unit_place(empty, OUT_CAP, UNIT_END) + OUT_CAP;
	ck_assert_uint_eq(make_head(end - n, n, &head, &request),
	    n);
	check_lines(end - n, n, requests[_i].out);
	check_meaning(end - n, n, &head, &request);
	/* Anything less is too small. */
	for (cap = 0; cap < n; cap++)
		ck_assert_msg(make_head(end - cap, cap, &head,
		    &request) == 0, "cap %zu of %zu", cap, n);
}
END_TEST

/* On a connection that is kept: the same, and no word about it. */
static const struct {
	const char	*in;
	const char	*out;
} kept[] = {
	{ "GET /a HTTP/1.1\r\nHost: d\r\n\r\n",
	    "GET /a HTTP/1.1\r\nHost: docker\r\n\r\n" },
	{ "HEAD /_ping HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n",
	    "HEAD /_ping HTTP/1.1\r\nHost: docker\r\n"
	    "Content-Length: 0\r\n\r\n" },
	{ "GET /v1.41/containers/json?all=1 HTTP/1.1\r\nHost: d\r\n"
	    "User-Agent: Docker/28\r\nAccept-Encoding: gzip\r\n\r\n",
	    "GET /v1.41/containers/json?all=1 HTTP/1.1\r\nHost: docker\r\n"
	    "User-Agent: Docker/28\r\nAccept-Encoding: gzip\r\n\r\n" },
	/* whatever the client says about its own */
	{ "GET /a HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n",
	    "GET /a HTTP/1.1\r\nHost: docker\r\n\r\n" },
	{ "GET /a HTTP/1.1\r\nHost: d\r\nConnection: keep-alive, X-Meta-A\r\n"
	    "Keep-Alive: timeout=5\r\nProxy-Connection: close\r\n"
	    "TE: trailers\r\nExpect: 100-continue\r\n\r\n",
	    "GET /a HTTP/1.1\r\nHost: docker\r\n\r\n" },
	{ "GET /version HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\n"
	    "Upgrade: h2c\r\n\r\n",
	    "GET /version HTTP/1.1\r\nHost: docker\r\n\r\n" },
};

START_TEST(test_kept)
{
	struct policy_request request;
	struct http_head head, again;
	char open[OUT_CAP], use[OUT_CAP], once[OUT_CAP];
	size_t n, cap, used;

	read_request(&head, &request, kept[_i].in);
	n = make_head_on(ORDER_OPEN, open, sizeof(open), &head, &request);
	check_lines(open, n, kept[_i].out);
	ck_assert_uint_eq(make_head_on(ORDER_USE, use, n, &head, &request),
	    n);
	ck_assert(memcmp(open, use, n) == 0);
	for (cap = 0; cap < n; cap++)
		ck_assert_uint_eq(make_head_on(ORDER_USE, use, cap, &head,
		    &request), 0);
	ck_assert_int_eq(http_parse_request(open, n, &again, &used),
	    HTTP_DONE);
	ck_assert_uint_eq(used, n);
	ck_assert_uint_eq(http_count(&again, SPAN("Connection")), 0);
	ck_assert_uint_eq(http_count(&again, SPAN("Upgrade")), 0);
	ck_assert_int_eq(again.minor, 1);
	/* Beside it: the only difference. */
	ck_assert_uint_eq(make_head(once, sizeof(once), &head, &request),
	    n + strlen("Connection: close\r\n"));
}
END_TEST

/* HTTP/1.0 clients: dockerd's connection ends with the answer as well. */
START_TEST(test_old_request)
{
	struct policy_request request;
	struct http_head head;
	char out[OUT_CAP];
	size_t n;

	read_request(&head, &request, "POST /a HTTP/1.0\r\n"
	    "Connection: keep-alive\r\nExpect: 100-continue\r\n"
	    "Content-Length: 5\r\n\r\n");
	n = make_head(out, sizeof(out), &head, &request);
	check_meaning(out, n, &head, &request);
	ck_assert(memmem(out, n, "keep-alive", 10) == NULL);
	ck_assert(memmem(out, n, "Expect", 6) == NULL);
}
END_TEST

/* BuildKit repeats a field; the order is kept, empty values too. */
START_TEST(test_order)
{
	static const char in[] = "POST /session HTTP/1.1\r\nHost: d\r\n"
	    "Connection: Upgrade\r\nUpgrade: h2c\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /a/B\r\n"
	    "X-Docker-Expose-Session-Sharedkey:\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /c/D\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /a/B\r\n\r\n";
	static const char *const want[] = { "/a/B", "/c/D", "/a/B" };
	struct policy_request request;
	struct http_head head, again;
	char out[OUT_CAP];
	size_t n, used, i, k;

	read_request(&head, &request, in);
	n = make_head(out, sizeof(out), &head, &request);
	check_meaning(out, n, &head, &request);
	ck_assert_int_eq(http_parse_request(out, n, &again, &used),
	    HTTP_DONE);
	k = 0;
	for (i = 0; i < again.nfields; i++) {
		if (!span_eq_nocase(again.fields[i].name,
		    SPAN("X-Docker-Expose-Session-Grpc-Method")))
			continue;
		ck_assert_uint_lt(k, 3);
		ck_assert(span_eq(again.fields[i].value, span_of(want[k])));
		k++;
	}
	ck_assert_uint_eq(k, 3);
	ck_assert_uint_eq(http_count(&again,
	    SPAN("X-Docker-Expose-Session-Sharedkey")), 1);
	ck_assert(http_wants_upgrade(&again));
}
END_TEST

/* -- answers -- */

static const struct {
	const char	*in;
	bool		 is_head;
	bool		 is_close;
	const char	*out;
} answers[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, false,
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
	    "Connection: close\r\n\r\n", false, false,
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, true,
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
	    "Connection: close\r\n\r\n" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, false,
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false,
	    false,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ "HTTP/1.1 204 No Content\r\nApi-Version: 1.41\r\n\r\n", false,
	    false, "HTTP/1.1 204 No Content\r\nApi-Version: 1.41\r\n\r\n" },
	{ "HTTP/1.1 304 Not Modified\r\n\r\n", false, false,
	    "HTTP/1.1 304 Not Modified\r\n\r\n" },
	/* HEAD keeps the length of what it leaves out */
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 67\r\n\r\n", true,
	    false, "HTTP/1.1 404 Not Found\r\nContent-Length: 67\r\n\r\n" },
	/* end-to-end fields as they are, hop-by-hop ones not */
	{ "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nX-New: a\r\nX-New: b\r\n"
	    "Date: now\r\nX-Docker-Container-Path-Stat: e30=\r\n"
	    "Content-Encoding: gzip\r\nKeep-Alive: x\r\n"
	    "Proxy-Connection: x\r\nUpgrade: tcp\r\nTrailer: X-New\r\n"
	    "Content-Length: 5\r\n\r\n", false, false,
	    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nX-New: a\r\n"
	    "X-New: b\r\nDate: now\r\nX-Docker-Container-Path-Stat: e30=\r\n"
	    "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n" },
	{ "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: a\r\n"
	    "X-End: b\r\nContent-Length: 5\r\n\r\n", false, false,
	    "HTTP/1.1 200 OK\r\nX-End: b\r\nContent-Length: 5\r\n\r\n" },
	/* but never the length, whatever Connection names */
	{ "HTTP/1.1 200 OK\r\nConnection: close, Content-Length\r\n"
	    "Content-Length: 5\r\n\r\n", false, false,
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" },
	/* until close */
	{ "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-"
	    "stream\r\n\r\n", false, true,
	    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-"
	    "stream\r\nConnection: close\r\n\r\n" },
	/* tunnels and interim answers */
	{ "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker."
	    "raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
	    false, false,
	    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker."
	    "raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n" },
	{ "HTTP/1.1 100 Continue\r\n\r\n", false, false,
	    "HTTP/1.1 100 Continue\r\n\r\n" },
	/* HTTP/1.0 has to be told that the connection stays */
	{ "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false, false,
	    "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n"
	    "Connection: keep-alive\r\n\r\n" },
	{ "HTTP/1.0 200 OK\r\n\r\n", false, true,
	    "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" },
};

START_TEST(test_answers)
{
	static char empty[OUT_CAP];
	struct http_head head, again;
	struct body body, body_again;
	const char *in;
	char *end;
	size_t len, n, used, cap;

	len = strlen(answers[_i].in);
	in = unit_place(answers[_i].in, len, UNIT_END);
	ck_assert_int_eq(http_parse_answer(in, len, &head, &used),
	    HTTP_DONE);
	ck_assert_int_eq(body_of_answer(&head, answers[_i].is_head, &body),
	    REASON_NONE);
	n = strlen(answers[_i].out);
	end = unit_place(empty, OUT_CAP, UNIT_END) + OUT_CAP;
	used = forward_answer_make(end - n, n, &head, &body,
	    answers[_i].is_close);
	if (used != n) {
		used = forward_answer_make(end - OUT_CAP, OUT_CAP, &head,
		    &body, answers[_i].is_close);
		ck_abort_msg("got %s, not %s", unit_show(end - OUT_CAP,
		    used), unit_show(answers[_i].out, n));
	}
	check_lines(end - n, n, answers[_i].out);
	ck_assert_int_eq(http_parse_answer(end - n, n, &again, &used),
	    HTTP_DONE);
	ck_assert_uint_eq(used, n);
	ck_assert_int_eq(again.status, head.status);
	ck_assert_int_eq(body_of_answer(&again, answers[_i].is_head,
	    &body_again), REASON_NONE);
	ck_assert_int_eq(body_again.kind, body.kind);
	for (cap = 0; cap < n; cap++)
		ck_assert_msg(forward_answer_make(end - cap, cap, &head,
		    &body, answers[_i].is_close) == 0, "cap %zu of %zu",
		    cap, n);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("forward");
	tc = unit_case(s, "forward");
	tcase_add_loop_test(tc, test_requests, 0, ROWS(requests));
	tcase_add_loop_test(tc, test_kept, 0, ROWS(kept));
	tcase_add_test(tc, test_old_request);
	tcase_add_test(tc, test_order);
	tcase_add_loop_test(tc, test_answers, 0, ROWS(answers));
	return s;
}
