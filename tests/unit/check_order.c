/* Tests of order.c: what a worker says to the gate, honest and forged. */

#include "config.h"

#include "unit.h"

#include "forward.h"
#include "order.h"

/* The layout, written down a second time on purpose: these tests forge
 * orders as a worker would that was taken over. */
struct wire {
	uint64_t	body_len;
	uint32_t	no;
	uint32_t	listener;
	uint32_t	minor;
	uint32_t	framing;
	uint32_t	flags;
	uint32_t	nfields;
	uint32_t	method_len;
	uint32_t	target_len;
	uint32_t	upgrade_len;
	uint32_t	line;
};

struct wire_field {
	uint32_t	name_len;
	uint32_t	value_len;
};

#define NO_BODY		1
#define CONTINUE	2

/* What a head has beside its words: "  HTTP/1.1", two line ends; and in a
 * field a colon and a line end. */
#define LINE_REST	10
#define HEAD_REST	(LINE_REST + 4)
#define FIELD_REST	3

/* An order holds the words of its head, and lengths instead of the rest. */
_Static_assert(ORDER_CAP >= BOUNDS_HEAD_CAP - HEAD_REST +
    sizeof(struct wire) + BOUNDS_FIELD_CAP * (sizeof(struct wire_field) -
    FIELD_REST), "an order of any head fits");

static char made[ORDER_CAP], forwarded[FORWARD_CAP];
static struct order order;
static struct http_head head;
static struct policy_request request;

/* Parse and judge a head, as a worker does; false when it is refused. */
static bool
read_head(const char *p, size_t len)
{
	size_t used;

	if (http_parse_request(p, len, &head, &used) != HTTP_DONE ||
	    used != len)
		return false;
	memset(&request, 0, sizeof(request));
	request.method = head.method;
	if (target_parse(head.target, &request.target) != REASON_NONE ||
	    body_of_request(&head, &request.body) != REASON_NONE)
		return false;
	request.content_type = http_field(&head, SPAN("Content-Type"));
	request.is_browser = policy_is_browser(&head);
	return true;
}

/* Read an order beside a guarded page, into memory that held another. */
static enum order_result
read_order(const void *p, size_t len, struct order *out)
{
	memset(out, 0x55, sizeof(*out));
	return order_read(unit_place(p, len, UNIT_END), len, out);
}

/* Whether a verdict on one is a verdict on the other. */
static bool
is_same_request(const struct policy_request *a,
    const struct policy_request *b)
{
	return span_eq(a->method, b->method) &&
	    span_eq(a->target.whole, b->target.whole) &&
	    span_eq(a->target.path, b->target.path) &&
	    a->target.has_version == b->target.has_version &&
	    a->target.api_minor == b->target.api_minor &&
	    a->target.has_slash_escape == b->target.has_slash_escape &&
	    a->target.route == b->target.route &&
	    a->target.is_stream == b->target.is_stream &&
	    (a->content_type.p == NULL) == (b->content_type.p == NULL) &&
	    span_eq(a->content_type, b->content_type) &&
	    a->body.kind == b->body.kind && a->body.left == b->body.left;
}

/* The law of how a connection goes on that is broken by the head in hand and
 * the order that it is made of, or NULL. */
static const char *
broken_line(const struct order *o)
{
	if (http_wants_upgrade(&head) != (o->upgrade.p != NULL))
		return "the head asks for a tunnel only if the order does";
	if (o->line == ORDER_ONCE)
		return http_count(&head, SPAN("Connection")) == 1 &&
		    http_wants_close(&head) ? NULL :
		    "the connection carries one request";
	if (http_count(&head, SPAN("Connection")) != 0 ||
	    http_count(&head, SPAN("Upgrade")) != 0 || head.minor != 1)
		return "a connection that is kept is left alone";
	if (request.body.kind != BODY_NONE ||
	    http_count(&head, SPAN("Transfer-Encoding")) != 0 ||
	    http_count(&head, SPAN("Expect")) != 0)
		return "nothing but heads goes out on it";
	if (!span_eq(head.method, SPAN("GET")) &&
	    !span_eq(head.method, SPAN("HEAD")))
		return "and these may be sent twice";
	return NULL;
}

/*
 * The laws of an order that was let through: the head made of it fits, and
 * is one that a worker reads and judges to the very same request and order.
 * The law that is broken, or NULL.
 */
static const char *
broken_law(const struct order *o, const void *p, size_t len)
{
	size_t n;

	if (o->request.is_browser)
		return "the gate sees no browser";
	n = forward_request_make(forwarded, sizeof(forwarded), o);
	if (n == 0)
		return "the head fits";
	/* Fields of ours may take a head over the limits. */
	if (o->nfields > BOUNDS_FIELD_CAP - 5 || n > BOUNDS_HEAD_CAP)
		return NULL;
	if (!read_head(forwarded, n))
		return "the head is one that a worker takes";
	if (!is_same_request(&o->request, &request))
		return "the head means the request that was judged";
	if (http_count(&head, SPAN("Host")) != 1)
		return "the head has one host";
	if (order_make(made, sizeof(made), &head, &request, o->line, o->no,
	    o->listener) != len || memcmp(made, p, len) != 0)
		return "the head makes the order again";
	return broken_line(o);
}

static void
check_laws(const struct order *o, const void *p, size_t len)
{
	const char *law;

	law = broken_law(o, p, len);
	ck_assert_msg(law == NULL, "not true: %s: %s", law,
	    unit_show(p, len));
}

/* -- honest orders -- */

#define HIJACK "Connection: Upgrade\r\nUpgrade: "

static const struct {
	const char	*in;
	const char	*upgrade;	/* NULL: none */
	bool		 says_no_body;
	bool		 wants_continue;
	const char	*fields;	/* that are sent on */
} honest[] = {
	{ "GET /a HTTP/1.1\r\nHost: d\r\n\r\n", NULL, false, false, "" },
	{ "GET /_ping HTTP/1.0\r\n\r\n", NULL, false, false, "" },
	{ "HEAD /v1.41/_ping?x=%20\"{}| HTTP/1.1\r\nHost: d\r\n"
	    "Content-Length: 0\r\n\r\n", NULL, true, false, "" },
	{ "GET /v1.41/images/lib%2Fa/json HTTP/1.1\r\nHost: d\r\n\r\n", NULL,
	    false, false, "" },
	{ "PATCH /a HTTP/1.1\r\nHost: d\r\n\r\n", NULL, false, false, "" },
	/* bodies */
	{ "POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n"
	    "Content-Type: application/json\r\nContent-Length: 12\r\n\r\n",
	    NULL, false, false, "Content-Type: application/json\r\n" },
	{ "PUT /a HTTP/1.0\r\nContent-Length: 999999999999999999\r\n\r\n",
	    NULL, false, false, "" },
	{ "POST /v1.41/build HTTP/1.1\r\nHost: d\r\n"
	    "Transfer-Encoding: Chunked\r\nContent-Type:\r\n\r\n",
	    NULL, false, false, "Content-Type: \r\n" },
	{ "POST /a HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n", NULL,
	    true, false, "" },
	/* Expect counts in 1.1 and with a body only */
	{ "POST /a HTTP/1.1\r\nHost: d\r\nExpect: 100-Continue\r\n"
	    "Content-Length: 5\r\n\r\n", NULL, false, true, "" },
	{ "POST /a HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", NULL, false, true, "" },
	{ "POST /a HTTP/1.0\r\nExpect: 100-continue\r\n"
	    "Content-Length: 5\r\n\r\n", NULL, false, false, "" },
	{ "POST /a HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\n"
	    "Content-Length: 0\r\n\r\n", NULL, true, false, "" },
	/* upgrades, where there can be a tunnel */
	{ "POST /v1.41/containers/c/attach?stdin=1 HTTP/1.1\r\nHost: d\r\n"
	    HIJACK "tcp\r\nContent-Length: 0\r\n\r\n", "tcp", true, false,
	    "" },
	{ "POST /exec/e/start HTTP/1.1\r\nHost: d\r\n" HIJACK "tcp\r\n"
	    "Content-Type: application/json\r\nContent-Length: 29\r\n\r\n",
	    "tcp", false, false, "Content-Type: application/json\r\n" },
	{ "POST /grpc HTTP/1.1\r\nHost:\r\n" HIJACK "h2c\r\n\r\n", "h2c",
	    false, false, "" },
	{ "POST /session HTTP/1.1\r\nHost: d\r\n" HIJACK "h2c\r\n"
	    "X-Docker-Expose-Session-Uuid: a\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /b\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /c\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /b\r\n\r\n", "h2c",
	    false, false, "X-Docker-Expose-Session-Uuid: a\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /b\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /c\r\n"
	    "X-Docker-Expose-Session-Grpc-Method: /b\r\n" },
	{ "GET /containers/c/attach/ws HTTP/1.1\r\nHost: d\r\n"
	    HIJACK "websocket\r\nSec-WebSocket-Key: a\r\n\r\n", "websocket",
	    false, false, "Sec-WebSocket-Key: a\r\n" },
	/* and dropped elsewhere */
	{ "GET /v1.41/version HTTP/1.1\r\nHost: d\r\n" HIJACK "tcp\r\n\r\n",
	    NULL, false, false, "" },
	{ "GET /v1.41/exec/e/start HTTP/1.1\r\nHost: d\r\n" HIJACK
	    "tcp\r\n\r\n", NULL, false, false, "" },
	{ "POST /grpc HTTP/1.0\r\n" HIJACK "h2c\r\n\r\n", NULL, false, false,
	    "" },
	{ "POST /grpc HTTP/1.1\r\nHost: d\r\nUpgrade: h2c\r\n\r\n", NULL,
	    false, false, "" },
	/* fields that stay here, and one of each kind that goes on */
	{ "GET /a HTTP/1.1\r\nHost: d\r\nOrigin: http://evil\r\n"
	    "Sec-Fetch-Mode: cors\r\nX-Forwarded-For: 1.2.3.4\r\n"
	    "Cookie: c\r\nConnection: keep-alive, User-Agent\r\n"
	    "Authorization: x\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
	    "X-Registry: x\r\nAccept-Language: de\r\n\r\n",
	    NULL, false, false, "" },
	{ "GET /a HTTP/1.1\r\nUser-Agent: a b\tc\x80\r\nhost: d\r\n"
	    "ACCEPT: */*\r\naccept-encoding: gzip\r\nCookie: c\r\n"
	    "Baggage:\r\nContent-Encoding: gzip\r\nTraceparent: 0\r\n"
	    "tracestate: 1\r\nX-Meta-A: 2\r\nX-Registry-Auth: e30=\r\n"
	    "X-Docker-: 3\r\nContent-Type: text/plain\r\n\r\n", NULL, false,
	    false, "User-Agent: a b\tc\x80\r\nACCEPT: */*\r\n"
	    "accept-encoding: gzip\r\nBaggage: \r\n"
	    "Content-Encoding: gzip\r\nTraceparent: 0\r\n"
	    "tracestate: 1\r\nX-Meta-A: 2\r\nX-Registry-Auth: e30=\r\n"
	    "X-Docker-: 3\r\nContent-Type: text/plain\r\n" },
};

/* The order of a head, in made. */
static size_t
make_order(const char *in, enum order_line line, uint32_t no,
    uint32_t listener)
{
	size_t len;

	len = strlen(in);
	ck_assert(read_head(unit_place(in, len, UNIT_END), len));
	len = order_make(made, sizeof(made), &head, &request, line, no,
	    listener);
	ck_assert_msg(len > 0, "no order of %s", in);
	return len;
}

static size_t
make_honest(int i, uint32_t no, uint32_t listener)
{
	return make_order(honest[i].in, ORDER_ONCE, no, listener);
}

static void
check_fields(const struct order *o, const char *want)
{
	char got[1024];
	size_t i, n;

	n = 0;
	for (i = 0; i < o->nfields; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n,
		    "%.*s: %.*s\r\n", (int)o->fields[i].name.len,
		    o->fields[i].name.p, (int)o->fields[i].value.len,
		    o->fields[i].value.p);
	ck_assert_msg(n == strlen(want) && memcmp(got, want, n) == 0,
	    "fields: %s, not %s", unit_show(got, n), want);
}

START_TEST(test_honest)
{
	char *copy;
	size_t len, cap;

	len = make_honest(_i, 0xfffffffe, 31);
	ck_assert_msg(read_order(made, len, &order) == ORDER_OK, "%s",
	    honest[_i].in);
	ck_assert_uint_eq(order.no, 0xfffffffe);
	ck_assert_uint_eq(order.listener, 31);
	ck_assert_int_eq(order.minor, head.minor);
	ck_assert_int_eq(order.line, ORDER_ONCE);
	ck_assert(is_same_request(&order.request, &request));
	ck_assert_int_eq(order.says_no_body, honest[_i].says_no_body);
	ck_assert_int_eq(order.wants_continue, honest[_i].wants_continue);
	ck_assert_int_eq(order.upgrade.p != NULL, honest[_i].upgrade != NULL);
	if (honest[_i].upgrade != NULL)
		ck_assert(span_eq(order.upgrade,
		    span_of(honest[_i].upgrade)));
	check_fields(&order, honest[_i].fields);
	/* Room for the order and not a byte more, and any less. */
	copy = unit_place(made, len, UNIT_END);
	memset(copy, 0x55, len);
	ck_assert_uint_eq(order_make(copy, len, &head, &request, ORDER_ONCE,
	    order.no, order.listener), len);
	ck_assert(memcmp(copy, made, len) == 0);
	for (cap = 0; cap < len; cap++)
		if (order_make(copy + len - cap, cap, &head, &request,
		    ORDER_ONCE, order.no, order.listener) != 0)
			ck_abort_msg("cap %zu of %zu", cap, len);
	memcpy(copy, made, len);
	check_laws(&order, copy, len);
}
END_TEST

/* A prefix of an order is none, nor is one with something behind it. */
START_TEST(test_cut)
{
	char longer[2048];
	size_t len, n;

	len = make_honest(_i, 7, 0);
	for (n = 0; n < len; n++)
		ck_assert_msg(read_order(made, n, &order) != ORDER_OK,
		    "%zu of %zu bytes: %s", n, len, honest[_i].in);
	memset(longer, 0, sizeof(longer));
	memcpy(longer, made, len);
	for (n = 1; n <= 16; n++)
		ck_assert_int_eq(read_order(longer, len + n, &order),
		    ORDER_SIZE);
}
END_TEST

/* Every byte, every value: refused, or an order like any other. */
START_TEST(test_changed_byte)
{
	char base[2048], changed[2048];
	const char *law;
	size_t len, i, good;
	int c;

	len = make_honest(_i, 7, 0);
	ck_assert_uint_le(len, sizeof(base));
	memcpy(base, made, len);
	memcpy(changed, base, len);
	good = 0;
	for (i = 0; i < len; i++) {
		for (c = 0; c < 256; c++) {
			changed[i] = (char)c;
			if (changed[i] == base[i] ||
			    order_read(changed, len, &order) != ORDER_OK)
				continue;
			law = broken_law(&order, changed, len);
			if (law != NULL)
				ck_abort_msg("byte %zu is %d: not true: %s",
				    i, c, law);
			good++;
		}
		changed[i] = base[i];
	}
	/* Any number and listener will do, to begin with. */
	ck_assert_uint_ge(good, (size_t)8 * 255);
}
END_TEST

/* -- connections that are kept -- */

#define H11 " HTTP/1.1\r\nHost: d\r\n"

static const struct {
	const char	*in;
	bool		 may_keep;
	enum order_result result;	/* with a line that keeps */
} lines[] = {
	{ "GET /a" H11 "\r\n", true, ORDER_OK },
	{ "HEAD /_ping" H11 "\r\n", true, ORDER_OK },
	{ "GET /v1.41/containers/json?all=1" H11 "User-Agent: a\r\n\r\n",
	    true, ORDER_OK },
	{ "GET /v1.41/images/lib%2Fa/json" H11 "\r\n", true, ORDER_OK },
	{ "GET /a" H11 "Content-Length: 0\r\n\r\n", true, ORDER_OK },
	{ "GET /a" H11 "Expect: 100-continue\r\n\r\n", true, ORDER_OK },
	{ "GET /a" H11 "Connection: close\r\n\r\n", true, ORDER_OK },
	/* an offer alone is no wish */
	{ "GET /a" H11 "Upgrade: h2c\r\n\r\n", true, ORDER_OK },
	/* the client would have a tunnel; it is not asked for where there can
	 * be none */
	{ "GET /v1.41/version" H11 HIJACK "tcp\r\n\r\n", false, ORDER_OK },
	{ "GET /containers/c/attach/ws" H11 HIJACK "websocket\r\n\r\n",
	    false, ORDER_FRAMING },
	{ "POST /grpc" H11 HIJACK "h2c\r\n\r\n", false, ORDER_FRAMING },
	{ "POST /exec/e/start" H11 HIJACK "tcp\r\nContent-Length: 5\r\n"
	    "\r\n", false, ORDER_FRAMING },
	/* answers that may be long keep nobody waiting; the worker's choice */
	{ "GET /v1.41/events" H11 "\r\n", false, ORDER_OK },
	{ "GET /v1.41/containers/c/logs?follow=1" H11 "\r\n", false,
	    ORDER_OK },
	{ "HEAD /v1.41/containers/c/archive?path=a" H11 "\r\n", false,
	    ORDER_OK },
	/* methods that must not be sent twice */
	{ "POST /a" H11 "\r\n", false, ORDER_FRAMING },
	{ "POST /a" H11 "Content-Length: 0\r\n\r\n", false, ORDER_FRAMING },
	{ "PUT /a" H11 "\r\n", false, ORDER_FRAMING },
	{ "DELETE /a" H11 "\r\n", false, ORDER_FRAMING },
	{ "PATCH /a" H11 "\r\n", false, ORDER_FRAMING },
	{ "OPTIONS /a" H11 "\r\n", false, ORDER_FRAMING },
	{ "get /a" H11 "\r\n", false, ORDER_FRAMING },
	{ "Head /a" H11 "\r\n", false, ORDER_FRAMING },
	{ "GETS /a" H11 "\r\n", false, ORDER_FRAMING },
	/* bodies */
	{ "POST /a" H11 "Content-Length: 5\r\n\r\n", false, ORDER_FRAMING },
	{ "PUT /a" H11 "Transfer-Encoding: chunked\r\n\r\n", false,
	    ORDER_FRAMING },
	/* 1.0 ends with the answer */
	{ "GET /a HTTP/1.0\r\n\r\n", false, ORDER_FRAMING },
	{ "HEAD /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false,
	    ORDER_FRAMING },
};

static void
check_line(int i, enum order_line line)
{
	enum order_result result;
	const char *copy;
	size_t len;

	len = make_order(lines[i].in, line, 7, 3);
	copy = unit_place(made, len, UNIT_END);
	result = read_order(copy, len, &order);
	ck_assert_msg(result == lines[i].result, "%s, not %s: %s",
	    order_word(result), order_word(lines[i].result), lines[i].in);
	if (result != ORDER_OK)
		return;
	ck_assert_int_eq(order.line, line);
	ck_assert_uint_eq(order.no, 7);
	ck_assert_uint_eq(order.listener, 3);
	ck_assert(is_same_request(&order.request, &request));
	check_laws(&order, copy, len);
}

START_TEST(test_line)
{
	size_t len;

	len = make_order(lines[_i].in, ORDER_ONCE, 7, 3);
	ck_assert_msg(order_may_keep(&head, &request) == lines[_i].may_keep,
	    "%s", lines[_i].in);
	/* What a worker may do, the gate takes. */
	ck_assert(!lines[_i].may_keep || lines[_i].result == ORDER_OK);
	ck_assert_int_eq(read_order(made, len, &order), ORDER_OK);
	ck_assert_int_eq(order.line, ORDER_ONCE);
	check_line(_i, ORDER_OPEN);
	check_line(_i, ORDER_USE);
}
END_TEST

/* No head that is parsed has such a body; were there one, it could not go. */
START_TEST(test_keep_body)
{
	const enum body_kind kinds[] = { BODY_LENGTH, BODY_CHUNKED,
	    BODY_CLOSE };
	int i;

	(void)make_order(lines[0].in, ORDER_ONCE, 7, 3);
	ck_assert(order_may_keep(&head, &request));
	for (i = 0; i < ROWS(kinds); i++) {
		request.body = (struct body){ .kind = kinds[i], .left = 1 };
		ck_assert(!order_may_keep(&head, &request));
	}
}
END_TEST

/* -- heads at the limits -- */

/* nfields fields as small as those that go on can be; the last is made so
 * long that the head has total bytes. */
static size_t
make_head(char *buf, const char *start, size_t nfields, size_t total)
{
	static const char field[] = "Accept:\r\n";
	size_t i, n;

	n = strlen(start);
	memcpy(buf, start, n);
	for (i = 0; i < nfields; i++, n += sizeof(field) - 1)
		memcpy(buf + n, field, sizeof(field) - 1);
	ck_assert_uint_le(n + 2, total);
	n -= 2;
	memset(buf + n, 'v', total - 4 - n);
	memcpy(buf + total - 4, "\r\n\r\n", 4);
	return total;
}

static const struct {
	const char	*start;
	size_t		 nfields;
	size_t		 all;		/* with those of start */
} largest[] = {
	{ "GET /a HTTP/1.0\r\n", 128, 128 },
	{ "GET /a HTTP/1.1\r\nHost:\r\n", 127, 128 },
	{ "GET /a HTTP/1.0\r\n", 1, 1 },
	{ "POST /v1.41/exec/e/start HTTP/1.1\r\nHost:\r\n"
	    "Connection:upgrade\r\nUpgrade:h\r\nExpect:100-continue\r\n"
	    "Content-Length:999999999999999999\r\n", 123, 128 },
	{ "POST /grpc HTTP/1.1\r\nHost:\r\nConnection:upgrade\r\nUpgrade:h\r\n"
	    "Expect:100-continue\r\nTransfer-Encoding:chunked\r\n", 123,
	    128 },
};

/* Heads as long and with as many fields as can be received. */
START_TEST(test_largest)
{
	static char in[BOUNDS_HEAD_CAP];
	size_t len, i;

	ck_assert_uint_eq(BOUNDS_FIELD_CAP, 128);
	ck_assert(read_head(in, make_head(in, largest[_i].start,
	    largest[_i].nfields, sizeof(in))));
	ck_assert_uint_eq(head.nfields, largest[_i].all);
	len = order_make(made, sizeof(made), &head, &request, ORDER_ONCE, 1,
	    2);
	ck_assert_uint_gt(len, BOUNDS_HEAD_CAP);
	ck_assert_int_eq(read_order(made, len, &order), ORDER_OK);
	ck_assert(is_same_request(&order.request, &request));
	ck_assert_uint_eq(order.nfields, largest[_i].nfields);
	for (i = 0; i < order.nfields; i++) {
		ck_assert(span_eq(order.fields[i].name, SPAN("Accept")));
		ck_assert(span_eq(order.fields[i].value, head.fields[
		    head.nfields - order.nfields + i].value));
	}
	ck_assert_uint_gt(forward_request_make(forwarded, sizeof(forwarded),
	    &order), 0);
}
END_TEST

/* -- forged orders -- */

#define S(literal) { (literal), sizeof(literal) - 1 }

static void
put(struct span *at, const void *p, size_t len)
{
	ck_assert_uint_le(at->len + len, ORDER_CAP);
	if (len > 0)
		memcpy(made + at->len, p, len);
	at->len += len;
}

static void
put_field(struct span *at, struct span name, struct span value)
{
	struct wire_field wire = { (uint32_t)name.len, (uint32_t)value.len };

	put(at, &wire, sizeof(wire));
	put(at, name.p, name.len);
	put(at, value.p, value.len);
}

/* Begin an order in made; the lengths in wire become those of the words. */
static struct span
forge(struct wire wire, struct span method, struct span target,
    struct span upgrade)
{
	struct span at = { made, 0 };

	wire.method_len = (uint32_t)method.len;
	wire.target_len = (uint32_t)target.len;
	wire.upgrade_len = (uint32_t)upgrade.len;
	put(&at, &wire, sizeof(wire));
	put(&at, method.p, method.len);
	put(&at, target.p, target.len);
	put(&at, upgrade.p, upgrade.len);
	return at;
}

#define EXEC "/v1.41/exec/e/start"
#define WEBSOCKET "/containers/c/attach/ws"

/* Where the fields of the order lie whose numbers are changed below. */
#define FIRST_AT (sizeof(struct wire) + sizeof("POST" EXEC "tcp") - 1)
#define SECOND_AT (FIRST_AT + sizeof(struct wire_field) + \
    sizeof("Content-Type" "a/b") - 1)
#define AT(member) offsetof(struct wire, member)
#define NAME_AT(field) ((field) + offsetof(struct wire_field, name_len))
#define VALUE_AT(field) ((field) + offsetof(struct wire_field, value_len))

static const struct {
	size_t		 at;
	uint32_t	 value;
	enum order_result result;
} numbers[] = {
	{ AT(no), UINT32_MAX, ORDER_OK },
	{ AT(listener), UINT32_MAX, ORDER_OK },
	{ AT(minor), 0, ORDER_UPGRADE },
	{ AT(minor), 2, ORDER_NUMBER },
	{ AT(minor), UINT32_MAX, ORDER_NUMBER },
	{ AT(framing), BODY_NONE, ORDER_FRAMING },
	{ AT(framing), BODY_CHUNKED, ORDER_FRAMING },
	{ AT(framing), BODY_CLOSE, ORDER_NUMBER },
	{ AT(framing), 99, ORDER_NUMBER },
	{ AT(framing), UINT32_MAX, ORDER_NUMBER },
	{ AT(flags), 0, ORDER_OK },
	{ AT(flags), NO_BODY, ORDER_FRAMING },
	{ AT(flags), NO_BODY | CONTINUE, ORDER_FRAMING },
	{ AT(flags), 4, ORDER_NUMBER },
	{ AT(flags), CONTINUE | 4, ORDER_NUMBER },
	{ AT(flags), UINT32_C(1) << 31, ORDER_NUMBER },
	{ AT(line), ORDER_OPEN, ORDER_FRAMING },
	{ AT(line), ORDER_USE, ORDER_FRAMING },
	{ AT(line), 3, ORDER_NUMBER },
	{ AT(line), UINT32_C(1) << 8, ORDER_NUMBER },
	{ AT(line), UINT32_C(1) << 31, ORDER_NUMBER },
	{ AT(line), UINT32_MAX, ORDER_NUMBER },
	{ AT(nfields), 0, ORDER_SIZE },
	{ AT(nfields), 1, ORDER_SIZE },
	{ AT(nfields), 2, ORDER_OK },
	{ AT(nfields), 3, ORDER_SIZE },
	{ AT(nfields), 128, ORDER_SIZE },
	{ AT(nfields), 129, ORDER_NUMBER },
	{ AT(nfields), UINT32_MAX, ORDER_NUMBER },
	/* lengths: the words behind them move */
	{ AT(method_len), 0, ORDER_METHOD },
	{ AT(method_len), 3, ORDER_TARGET },
	{ AT(method_len), 5, ORDER_METHOD },
	{ AT(method_len), INT32_MAX, ORDER_SIZE },
	{ AT(method_len), UINT32_MAX, ORDER_SIZE },
	{ AT(method_len), UINT32_MAX - 47, ORDER_SIZE },
	{ AT(target_len), 0, ORDER_TARGET },
	{ AT(target_len), sizeof(EXEC) - 2, ORDER_UPGRADE },
	{ AT(target_len), sizeof(EXEC), ORDER_UPGRADE },
	{ AT(target_len), sizeof(EXEC "tcp"), ORDER_TARGET },
	{ AT(target_len), UINT32_MAX, ORDER_SIZE },
	{ AT(target_len), UINT32_MAX - 3, ORDER_SIZE },
	{ AT(target_len), UINT32_MAX - 51, ORDER_SIZE },
	{ AT(upgrade_len), 0, ORDER_SIZE },
	{ AT(upgrade_len), 2, ORDER_SIZE },
	{ AT(upgrade_len), 4, ORDER_UPGRADE },
	{ AT(upgrade_len), UINT32_MAX, ORDER_SIZE },
	{ AT(upgrade_len), UINT32_MAX - 2, ORDER_SIZE },
	{ NAME_AT(FIRST_AT), 0, ORDER_FIELD },
	{ NAME_AT(FIRST_AT), 11, ORDER_FIELD },
	{ NAME_AT(FIRST_AT), 13, ORDER_FIELD },
	{ NAME_AT(FIRST_AT), UINT32_MAX, ORDER_SIZE },
	{ NAME_AT(FIRST_AT), UINT32_MAX - 7, ORDER_SIZE },
	{ VALUE_AT(FIRST_AT), 0, ORDER_SIZE },
	{ VALUE_AT(FIRST_AT), 2, ORDER_SIZE },
	{ VALUE_AT(FIRST_AT), 4, ORDER_FIELD },
	{ VALUE_AT(FIRST_AT), UINT32_MAX, ORDER_SIZE },
	{ VALUE_AT(FIRST_AT), UINT32_MAX - 11, ORDER_SIZE },
	{ NAME_AT(SECOND_AT), 5, ORDER_FIELD },
	{ NAME_AT(SECOND_AT), 7, ORDER_SIZE },
	{ NAME_AT(SECOND_AT), UINT32_MAX, ORDER_SIZE },
	{ VALUE_AT(SECOND_AT), 0, ORDER_SIZE },
	{ VALUE_AT(SECOND_AT), 2, ORDER_SIZE },
	{ VALUE_AT(SECOND_AT), UINT32_MAX - 5, ORDER_SIZE },
};

START_TEST(test_number)
{
	static const struct wire wire = { .minor = 1, .nfields = 2,
	    .framing = BODY_LENGTH, .body_len = 5, .flags = CONTINUE };
	enum order_result result;
	struct span at;
	uint32_t no;
	char *copy;

	at = forge(wire, SPAN("POST"), SPAN(EXEC), SPAN("tcp"));
	ck_assert_uint_eq(at.len, FIRST_AT);
	put_field(&at, SPAN("Content-Type"), SPAN("a/b"));
	ck_assert_uint_eq(at.len, SECOND_AT);
	put_field(&at, SPAN("Accept"), SPAN("c"));
	copy = unit_place(made, at.len, UNIT_END);
	ck_assert_int_eq(read_order(copy, at.len, &order), ORDER_OK);
	memcpy(copy + numbers[_i].at, &numbers[_i].value, sizeof(uint32_t));
	result = read_order(copy, at.len, &order);
	ck_assert_msg(result == numbers[_i].result, "%s, not %s: %u at %zu",
	    order_word(result), order_word(numbers[_i].result),
	    numbers[_i].value, numbers[_i].at);
	/* The answer has a name in any case. */
	memcpy(&no, copy + AT(no), sizeof(no));
	ck_assert_uint_eq(order.no, no);
	if (result == ORDER_OK)
		check_laws(&order, copy, at.len);
}
END_TEST

#define W(m, kind, f, left) .wire = { .minor = (m), .framing = (kind), \
    .flags = (f), .body_len = (left) }
#define PLAIN W(1, BODY_NONE, 0, 0)
/* Twice: on the connection that is to be kept, and on the one that was. */
#define KEPT(m, kind, f, left, verb, expected) \
	KEPT_ON(ORDER_OPEN, m, kind, f, left, verb, expected), \
	KEPT_ON(ORDER_USE, m, kind, f, left, verb, expected)
#define KEPT_ON(number, m, kind, f, left, verb, expected) \
	{ .wire = { .minor = (m), .framing = (kind), .flags = (f), \
	    .body_len = (left), .line = (number) }, .method = S(verb), \
	    .result = ORDER_ ## expected }
#define KEPT_UPGRADE(number, verb, path, protocol, expected) \
	{ .wire = { .minor = 1, .line = (number) }, .method = S(verb), \
	    .target = S(path), .upgrade = S(protocol), \
	    .result = ORDER_ ## expected }
#define TARGET(literal, expected) \
	{ PLAIN, .target = S(literal), .result = ORDER_ ## expected }
#define FIELD(n, v, expected) \
	{ PLAIN, .fields = { { S(n), S(v) } }, .result = ORDER_ ## expected }
#define TYPE(v) { S("Content-Type"), S(v) }

static const struct {
	struct wire	 wire;
	struct span	 method;	/* p NULL: POST */
	struct span	 target;	/* p NULL: EXEC */
	struct span	 upgrade;
	struct http_field fields[2];	/* name.p NULL: none */
	enum order_result result;
} forged[] = {
	{ PLAIN, .result = ORDER_OK },
	/* framing */
	{ W(1, BODY_NONE, 0, 1), .result = ORDER_FRAMING },
	{ W(1, BODY_CHUNKED, 0, 0), .result = ORDER_OK },
	{ W(1, BODY_CHUNKED, 0, 1), .result = ORDER_FRAMING },
	{ W(0, BODY_CHUNKED, 0, 0), .result = ORDER_FRAMING },
	{ W(1, BODY_LENGTH, 0, 0), .result = ORDER_FRAMING },
	{ W(1, BODY_LENGTH, 0, 1), .result = ORDER_OK },
	{ W(0, BODY_LENGTH, 0, 1), .result = ORDER_OK },
	{ W(1, BODY_LENGTH, 0, BODY_LENGTH_MAX), .result = ORDER_OK },
	{ W(1, BODY_LENGTH, 0, BODY_LENGTH_MAX + 1),
	    .result = ORDER_FRAMING },
	{ W(1, BODY_LENGTH, 0, UINT64_C(1) << 63), .result = ORDER_FRAMING },
	{ W(1, BODY_LENGTH, 0, UINT64_MAX), .result = ORDER_FRAMING },
	{ W(1, BODY_CLOSE, 0, 0), .result = ORDER_NUMBER },
	{ W(1, BODY_LENGTH, 0, 1), .method = S("GET"),
	    .result = ORDER_FRAMING },
	{ W(1, BODY_LENGTH, 0, 1), .method = S("HEAD"),
	    .result = ORDER_FRAMING },
	{ W(1, BODY_LENGTH, 0, 1), .method = S("DELETE"),
	    .result = ORDER_FRAMING },
	{ W(1, BODY_CHUNKED, 0, 0), .method = S("GET"),
	    .result = ORDER_FRAMING },
	{ W(1, BODY_CHUNKED, CONTINUE, 0), .method = S("DELETE"),
	    .result = ORDER_FRAMING },
	{ W(1, BODY_CHUNKED, 0, 0), .method = S("PUT"), .result = ORDER_OK },
	{ W(1, BODY_NONE, NO_BODY, 0), .result = ORDER_OK },
	{ W(1, BODY_NONE, NO_BODY, 0), .method = S("GET"),
	    .result = ORDER_OK },
	{ W(1, BODY_LENGTH, NO_BODY, 1), .result = ORDER_FRAMING },
	{ W(1, BODY_CHUNKED, NO_BODY, 0), .result = ORDER_FRAMING },
	{ W(1, BODY_CHUNKED, CONTINUE, 0), .result = ORDER_OK },
	{ W(1, BODY_NONE, CONTINUE, 0), .result = ORDER_FRAMING },
	{ W(1, BODY_NONE, NO_BODY | CONTINUE, 0), .result = ORDER_FRAMING },
	{ W(0, BODY_LENGTH, CONTINUE, 1), .result = ORDER_FRAMING },
	/* what goes out on a connection that is kept */
	KEPT(1, BODY_NONE, 0, 0, "GET", OK),
	KEPT(1, BODY_NONE, 0, 0, "HEAD", OK),
	KEPT(1, BODY_NONE, NO_BODY, 0, "GET", OK),
	KEPT(0, BODY_NONE, 0, 0, "GET", FRAMING),
	KEPT(0, BODY_NONE, 0, 0, "HEAD", FRAMING),
	KEPT(1, BODY_NONE, 0, 0, "POST", FRAMING),
	KEPT(1, BODY_NONE, NO_BODY, 0, "POST", FRAMING),
	KEPT(1, BODY_NONE, 0, 0, "PUT", FRAMING),
	KEPT(1, BODY_NONE, 0, 0, "DELETE", FRAMING),
	KEPT(1, BODY_NONE, 0, 0, "PATCH", FRAMING),
	KEPT(1, BODY_NONE, 0, 0, "get", FRAMING),
	KEPT(1, BODY_NONE, 0, 0, "GET ", METHOD),
	KEPT(1, BODY_LENGTH, 0, 1, "GET", FRAMING),
	KEPT(1, BODY_LENGTH, 0, 1, "HEAD", FRAMING),
	KEPT(1, BODY_LENGTH, 0, 1, "POST", FRAMING),
	KEPT(1, BODY_LENGTH, 0, 1, "PUT", FRAMING),
	KEPT(1, BODY_LENGTH, 0, 1, "DELETE", FRAMING),
	KEPT(1, BODY_LENGTH, CONTINUE, 1, "POST", FRAMING),
	KEPT(1, BODY_CHUNKED, 0, 0, "GET", FRAMING),
	KEPT(1, BODY_CHUNKED, 0, 0, "HEAD", FRAMING),
	KEPT(1, BODY_CHUNKED, 0, 0, "POST", FRAMING),
	KEPT(1, BODY_CHUNKED, 0, 0, "PUT", FRAMING),
	KEPT(1, BODY_CHUNKED, CONTINUE, 0, "PUT", FRAMING),
	KEPT(1, BODY_NONE, CONTINUE, 0, "GET", FRAMING),
	KEPT(1, BODY_NONE, 0, 1, "GET", FRAMING),
	KEPT(1, BODY_CLOSE, 0, 0, "GET", NUMBER),
	KEPT_ON(3, 1, BODY_NONE, 0, 0, "GET", NUMBER),
	KEPT_ON(4, 1, BODY_NONE, 0, 0, "GET", NUMBER),
	KEPT_ON(UINT32_C(1) << 16, 1, BODY_NONE, 0, 0, "GET", NUMBER),
	KEPT_ON(UINT32_MAX, 1, BODY_NONE, 0, 0, "GET", NUMBER),
	KEPT_UPGRADE(ORDER_ONCE, "GET", WEBSOCKET, "websocket", OK),
	KEPT_UPGRADE(ORDER_OPEN, "GET", WEBSOCKET, "websocket", FRAMING),
	KEPT_UPGRADE(ORDER_USE, "GET", WEBSOCKET, "websocket", FRAMING),
	KEPT_UPGRADE(ORDER_OPEN, "GET", "/version", "h2c", UPGRADE),
	KEPT_UPGRADE(ORDER_USE, "GET", "/version", "h2c", UPGRADE),
	KEPT_UPGRADE(ORDER_OPEN, "POST", EXEC, "tcp", FRAMING),
	KEPT_UPGRADE(ORDER_USE, "POST", "/grpc", "h2c", FRAMING),
	/* methods */
	{ PLAIN, .method = S(""), .result = ORDER_METHOD },
	{ PLAIN, .method = S(" "), .result = ORDER_METHOD },
	{ PLAIN, .method = S("GET "), .result = ORDER_METHOD },
	{ PLAIN, .method = S("GET /x"), .result = ORDER_METHOD },
	{ PLAIN, .method = S("GET /x HTTP/1.1\r\nA: b\r\n\r\nGET"),
	    .result = ORDER_METHOD },
	{ PLAIN, .method = S("GET\r\n"), .result = ORDER_METHOD },
	{ PLAIN, .method = S("GE\nT"), .result = ORDER_METHOD },
	{ PLAIN, .method = S("GE\0T"), .result = ORDER_METHOD },
	{ PLAIN, .method = S("GET\xff"), .result = ORDER_METHOD },
	{ PLAIN, .method = S("GET:"), .result = ORDER_METHOD },
	{ PLAIN, .method = S("get"), .result = ORDER_OK },
	/* targets: what target_parse refuses; some of each kind */
	TARGET("/a?b=/../c//d", OK),
	TARGET("", TARGET),
	TARGET("*", TARGET),
	TARGET("a", TARGET),
	TARGET("?a", TARGET),
	TARGET("d:2375", TARGET),
	TARGET("http://d/a", TARGET),
	TARGET("//", TARGET),
	TARGET("//d/a", TARGET),
	TARGET("/a//b", TARGET),
	TARGET("/a/", TARGET),
	TARGET("/a/../b", TARGET),
	TARGET("/a/.", TARGET),
	TARGET("/%2e%2e/a", TARGET),
	TARGET("/a%2F..%2Fb", TARGET),
	TARGET("/a%2f%2fb", TARGET),
	TARGET("/%61", TARGET),
	TARGET("/a%25", TARGET),
	TARGET("/a%", TARGET),
	TARGET("/a%00", TARGET),
	TARGET("/v1.041/a", TARGET),
	TARGET("/v1/a", TARGET),
	TARGET("/v1.41./a", TARGET),
	TARGET("/v2.0/a", TARGET),
	TARGET("/a ", TARGET),
	TARGET("/a HTTP/1.1", TARGET),
	TARGET("/a HTTP/1.1\r\nHost: d\r\n\r\nPOST /b", TARGET),
	TARGET("/a\r\n", TARGET),
	TARGET("/a\n", TARGET),
	TARGET("/a\0", TARGET),
	TARGET("/a\x7f", TARGET),
	TARGET("/a\x80", TARGET),
	TARGET("/a#b", TARGET),
	TARGET("/a\\b", TARGET),
	TARGET("/a?b;c", TARGET),
	TARGET("/a?b\r\nA: b", TARGET),
	TARGET("/a?%00", TARGET),
	/* upgrades */
	{ PLAIN, .upgrade = S("h2c"), .result = ORDER_OK },
	{ PLAIN, .method = S("GET"), .upgrade = S("tcp"),
	    .result = ORDER_UPGRADE },
	{ PLAIN, .target = S("/version"), .upgrade = S("h2c"),
	    .result = ORDER_UPGRADE },
	{ PLAIN, .target = S("/v1.41/containers/c/start"),
	    .upgrade = S("tcp"), .result = ORDER_UPGRADE },
	{ PLAIN, .target = S("/containers/c/attach/ws"),
	    .upgrade = S("websocket"), .result = ORDER_UPGRADE },
	{ W(0, BODY_NONE, 0, 0), .upgrade = S("tcp"),
	    .result = ORDER_UPGRADE },
	{ PLAIN, .upgrade = S(" tcp"), .result = ORDER_UPGRADE },
	{ PLAIN, .upgrade = S("tcp "), .result = ORDER_UPGRADE },
	{ PLAIN, .upgrade = S("tcp, h2c"), .result = ORDER_UPGRADE },
	{ PLAIN, .upgrade = S("h2c/1"), .result = ORDER_UPGRADE },
	{ PLAIN, .upgrade = S("tcp\r\nHost: e"), .result = ORDER_UPGRADE },
	{ PLAIN, .upgrade = S("tcp\0"), .result = ORDER_UPGRADE },
	/* names of fields */
	FIELD("X-Meta-Any", "", OK),
	FIELD("x-registry-AUTH", "e30=", OK),
	FIELD("Host", "e", FIELD),
	FIELD("Connection", "keep-alive", FIELD),
	FIELD("Content-Length", "5", FIELD),
	FIELD("Transfer-Encoding", "chunked", FIELD),
	FIELD("Upgrade", "h2c", FIELD),
	FIELD("Expect", "100-continue", FIELD),
	FIELD("Trailer", "Host", FIELD),
	FIELD("TE", "trailers", FIELD),
	FIELD("Origin", "null", FIELD),
	FIELD("Sec-Fetch-Mode", "cors", FIELD),
	FIELD("X-Forwarded-For", "1.2.3.4", FIELD),
	FIELD("Authorization", "x", FIELD),
	FIELD("Cookie", "x", FIELD),
	FIELD("", "x", FIELD),
	FIELD("Accept ", "x", FIELD),
	FIELD(" Accept", "x", FIELD),
	FIELD("Accept-", "x", FIELD),
	FIELD("Accep", "x", FIELD),
	FIELD("X-Meta", "x", FIELD),
	FIELD("X-Meta-A:", "x", FIELD),
	FIELD("X-Meta-A: b\r\nHost", "x", FIELD),
	FIELD("X-Meta-\r\n", "x", FIELD),
	FIELD("X-Meta-\n", "x", FIELD),
	FIELD("X-Meta-\0", "x", FIELD),
	FIELD("X-Meta-\x80", "x", FIELD),
	/* values of fields */
	FIELD("Accept", "a\tb \x80\xff", OK),
	FIELD("Accept", "\r", FIELD),
	FIELD("Accept", "\n", FIELD),
	FIELD("Accept", "a\r\nContent-Length: 5", FIELD),
	FIELD("Accept", "a\r\n\r\nGET /b HTTP/1.1", FIELD),
	FIELD("Accept", "a\n b", FIELD),
	FIELD("Accept", "a\0b", FIELD),
	FIELD("Accept", "a\x1f", FIELD),
	FIELD("Accept", "a\x7f", FIELD),
	/* no parser leaves blanks at the ends */
	FIELD("Accept", " ", FIELD),
	FIELD("Accept", " a", FIELD),
	FIELD("Accept", "a\t", FIELD),
	FIELD("Content-Type", "\tmultipart/form-data", FIELD),
	/* the type that is judged is the only one */
	FIELD("Content-Type", "", OK),
	FIELD("Content-Type", "text/pla\xc4\xb1n", FIELD),
	FIELD("Content-Type", "\xe2\x84\xaa", FIELD),
	{ PLAIN, .fields = { TYPE("a/b"), { S("Accept"), S("") } },
	    .result = ORDER_OK },
	{ PLAIN, .fields = { TYPE("a/b"), TYPE("a/b") },
	    .result = ORDER_FIELD },
	{ PLAIN, .fields = { TYPE(""), { S("content-type"), S("a/b") } },
	    .result = ORDER_FIELD },
	{ PLAIN, .fields = { { S("Accept"), S("") }, { S("Host"), S("") } },
	    .result = ORDER_FIELD },
};

START_TEST(test_forged)
{
	enum order_result result;
	struct wire wire;
	struct span at;
	size_t i;

	wire = forged[_i].wire;
	for (i = 0; i < 2 && forged[_i].fields[i].name.p != NULL; i++)
		wire.nfields++;
	at = forge(wire,
	    forged[_i].method.p != NULL ? forged[_i].method : SPAN("POST"),
	    forged[_i].target.p != NULL ? forged[_i].target : SPAN(EXEC),
	    forged[_i].upgrade);
	for (i = 0; i < wire.nfields; i++)
		put_field(&at, forged[_i].fields[i].name,
		    forged[_i].fields[i].value);
	at.p = unit_place(made, at.len, UNIT_END);
	result = read_order(at.p, at.len, &order);
	ck_assert_msg(result == forged[_i].result, "%s, not %s: %s",
	    order_word(result), order_word(forged[_i].result),
	    unit_show(at.p, at.len));
	if (result == ORDER_OK)
		check_laws(&order, at.p, at.len);
}
END_TEST

/* -- forged orders larger than any head -- */

static const struct {
	uint32_t	 nfields;
	size_t		 target_len;
	size_t		 value_len;	/* of the last field */
	enum order_result result;
} sizes[] = {
	/* the request line: BOUNDS_REQUEST_LINE_CAP with the version */
	{ 0, BOUNDS_REQUEST_LINE_CAP - LINE_REST - 4, 0, ORDER_OK },
	{ 0, BOUNDS_REQUEST_LINE_CAP - LINE_REST - 3, 0, ORDER_TARGET },
	{ 0, BOUNDS_REQUEST_LINE_CAP, 0, ORDER_TARGET },
	{ 0, ORDER_CAP - 4 - sizeof(struct wire), 0, ORDER_TARGET },
	/* the head: BOUNDS_HEAD_CAP, with names of six bytes */
	{ 1, 2, BOUNDS_HEAD_CAP - HEAD_REST - 6 - 9, ORDER_OK },
	{ 1, 2, BOUNDS_HEAD_CAP - HEAD_REST - 6 - 8, ORDER_SIZE },
	{ 1, 2, ORDER_CAP - sizeof(struct wire) - 6 - 14, ORDER_SIZE },
	{ 128, 2, BOUNDS_HEAD_CAP - HEAD_REST - 6 - 128 * 9, ORDER_OK },
	{ 128, 2, BOUNDS_HEAD_CAP - HEAD_REST - 5 - 128 * 9, ORDER_SIZE },
	{ 129, 2, 0, ORDER_NUMBER },
};

START_TEST(test_size)
{
	struct wire wire = { .minor = 1, .nfields = sizes[_i].nfields };
	enum order_result result;
	struct span at;
	char *target, *value;
	uint32_t i;

	target = unit_fill('a', sizes[_i].target_len);
	target[0] = '/';
	value = unit_fill('v', sizes[_i].value_len);
	at = forge(wire, SPAN("POST"), span_of(target),
	    (struct span){ NULL, 0 });
	for (i = 1; i < wire.nfields; i++)
		put_field(&at, SPAN("Accept"), SPAN(""));
	if (wire.nfields > 0)
		put_field(&at, SPAN("Accept"), span_of(value));
	free(target);
	free(value);
	at.p = unit_place(made, at.len, UNIT_END);
	result = read_order(at.p, at.len, &order);
	if (result == ORDER_OK)
		check_laws(&order, at.p, at.len);
	ck_assert_msg(result == sizes[_i].result, "%s, not %s: %zu bytes",
	    order_word(result), order_word(sizes[_i].result), at.len);
}
END_TEST

/* Every result has a word of its own. */
START_TEST(test_word)
{
	int i, j;

	for (i = ORDER_OK; i <= ORDER_FIELD; i++) {
		for (j = ORDER_OK; j < i; j++)
			ck_assert_str_ne(order_word((enum order_result)i),
			    order_word((enum order_result)j));
		ck_assert_str_ne(order_word((enum order_result)i), "order");
	}
	ck_assert_str_eq(order_word((enum order_result)i), "order");
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("order");
	tc = unit_case(s, "honest");
	tcase_add_loop_test(tc, test_honest, 0, ROWS(honest));
	tcase_add_loop_test(tc, test_cut, 0, ROWS(honest));
	tcase_add_loop_test(tc, test_changed_byte, 0, ROWS(honest));
	tcase_add_loop_test(tc, test_line, 0, ROWS(lines));
	tcase_add_test(tc, test_keep_body);
	tcase_add_loop_test(tc, test_largest, 0, ROWS(largest));
	tc = unit_case(s, "forged");
	tcase_add_loop_test(tc, test_number, 0, ROWS(numbers));
	tcase_add_loop_test(tc, test_forged, 0, ROWS(forged));
	tcase_add_loop_test(tc, test_size, 0, ROWS(sizes));
	tcase_add_test(tc, test_word);
	return s;
}
