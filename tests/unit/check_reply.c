/* Tests of reply.c: answers of our own. */

#include "config.h"

#include "unit.h"

#include "body.h"
#include "http.h"
#include "json.h"
#include "reply.h"

#define PREFIX "{\"message\":\"docker-socket-protector: "

/* Whether s is one JSON string object {"message":"..."} in ASCII. */
static bool
is_message(struct span s)
{
	size_t i, k;

	if (s.len > 0 && s.p[s.len - 1] == '\n')
		s.len--;
	if (s.len < sizeof(PREFIX) - 1 + 2 ||
	    memcmp(s.p, PREFIX, sizeof(PREFIX) - 1) != 0 ||
	    memcmp(s.p + s.len - 2, "\"}", 2) != 0)
		return false;
	s.len -= 2;
	for (i = sizeof("{\"message\":\"") - 1; i < s.len; i++) {
		if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '"')
			return false;
		if (s.p[i] != '\\')
			continue;
		if (++i == s.len)
			return false;
		if (s.p[i] != 'u' && strchr("\"\\/bfnrt", s.p[i]) == NULL)
			return false;
		for (k = 0; s.p[i] == 'u' && k < 4; k++)
			if (i + 1 + k >= s.len ||
			    span_hex(s.p[i + 1 + k]) < 0)
				return false;
	}
	return true;
}

/* Make the reply beside a guarded page and check what holds for all. */
static struct span
make(const struct reply *r, struct http_head *head)
{
	static char empty[BOUNDS_REPLY_CAP];
	struct span rest;
	struct body body;
	uint64_t length;
	char *buf;
	size_t n, used;

	buf = unit_place(empty, BOUNDS_REPLY_CAP, UNIT_END);
	n = reply_make(buf, r);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_le(n, BOUNDS_REPLY_CAP);
	ck_assert_msg(http_parse_answer(buf, n, head, &used) == HTTP_DONE,
	    "%s: %s", reason_info(head->reason)->word, unit_show(buf, n));
	ck_assert_int_eq(head->status, reason_info(r->reason)->status);
	ck_assert_msg(head->phrase.len > 0, "%s", unit_show(buf, n));
	ck_assert(span_eq(http_field(head, SPAN("Content-Type")),
	    SPAN("application/json")));
	ck_assert_int_eq(body_of_answer(head, r->is_head, &body),
	    REASON_NONE);
	ck_assert_uint_eq(http_count(head, SPAN("Content-Length")), 1);
	ck_assert(span_number(http_field(head, SPAN("Content-Length")), 18,
	    &length));
	rest = (struct span){ buf + used, n - used };
	if (r->is_head) {
		ck_assert_uint_eq(rest.len, 0);
		ck_assert_uint_gt(length, 0);
	} else {
		ck_assert_uint_eq(rest.len, length);
		ck_assert_msg(is_message(rest), "%s",
		    unit_show(rest.p, rest.len));
	}
	return rest;
}

static void
init(struct reply *r, enum reason reason)
{
	memset(r, 0, sizeof(*r));
	r->reason = reason;
	r->profile = SPAN("traefik");
	r->method = SPAN("POST");
	r->target = SPAN("/v1.51/containers/create");
	r->minor = 1;
}

/* The example of the manual. */
START_TEST(test_denial)
{
	struct http_head head;
	struct reply r;
	struct span body;

	init(&r, REASON_NO_RULE);
	body = make(&r, &head);
	if (body.p[body.len - 1] == '\n')
		body.len--;
	ck_assert_msg(span_eq(body, SPAN("{\"message\":"
	    "\"docker-socket-protector: denied by profile traefik: "
	    "POST /v1.51/containers/create\"}")), "%s",
	    unit_show(body.p, body.len));
}
END_TEST

/* Who may not connect is not told about requests. */
START_TEST(test_not_allowed)
{
	struct http_head head;
	struct reply r;
	struct span body;

	init(&r, REASON_NOT_ALLOWED);
	body = make(&r, &head);
	ck_assert_msg(span_has(body, SPAN(" names this client\"}")), "%s",
	    unit_show(body.p, body.len));
}
END_TEST

/* Every reason, with and without a body, on both versions. */
START_TEST(test_reasons)
{
	struct http_head head;
	struct reply r;
	struct span body;
	int k;

	for (k = 0; k < 8; k++) {
		init(&r, (enum reason)_i);
		r.is_head = (k & 1) != 0;
		r.is_close = (k & 2) != 0;
		r.minor = (k & 4) != 0;
		body = make(&r, &head);
		ck_assert_msg(http_wants_close(&head) == r.is_close ||
		    (head.minor == 0) != (r.minor == 0),
		    "close: reason %d, case %d", _i, k);
		ck_assert_msg(!r.is_close ||
		    http_lists(&head, SPAN("Connection"), SPAN("close")),
		    "close not said: reason %d, case %d", _i, k);
		if (!r.is_close && r.minor == 0)
			ck_assert_msg(http_lists(&head, SPAN("Connection"),
			    SPAN("keep-alive")),
			    "keep-alive not said: reason %d", _i);
		if (!r.is_head)
			ck_assert_msg(span_has(body,
			    span_of(reason_info(r.reason)->text)), "%s",
			    unit_show(body.p, body.len));
	}
}
END_TEST

/* HEAD has the length of the body it leaves out (RFC 9110 8.6). */
START_TEST(test_head_length)
{
	struct http_head head, other;
	struct reply r;
	struct span length;

	init(&r, REASON_NO_RULE);
	(void)make(&r, &head);
	length = http_field(&head, SPAN("Content-Length"));
	r.is_head = true;
	(void)make(&r, &other);
	ck_assert(span_eq(length,
	    http_field(&other, SPAN("Content-Length"))));
}
END_TEST

static const struct {
	const char	*method;
	size_t		 method_len;
	const char	*target;
	size_t		 target_len;
} hostile[] = {
	{ B(""), B("") },
	{ B("GET"), B("") },
	{ B(""), B("/a") },
	{ B("GET"), B("/a\"},\"x\":{\"y\":\"") },
	{ B("GET"), B("\\") },
	{ B("GET"), B("/a\\\"") },
	{ B("GET"), B("/\0/\x01/\x1f/\x7f/\x80/\xff") },
	{ B("GET"), B("/\r\n\r\nHTTP/1.1 200 OK\r\n\r\n") },
	{ B("G\"E\nT\0"), B("/a") },
	{ B("<script>"), B("/</script>") },
	{ B("GET"), B("/%s%n%d") },
};

START_TEST(test_hostile)
{
	struct http_head head;
	struct reply r;

	init(&r, REASON_NO_RULE);
	r.method = unit_span(hostile[_i].method, hostile[_i].method_len,
	    UNIT_END);
	r.target = unit_span(hostile[_i].target, hostile[_i].target_len,
	    UNIT_END);
	(void)make(&r, &head);
	init(&r, REASON_NO_RULE);
	r.profile = unit_span(hostile[_i].target, hostile[_i].target_len,
	    UNIT_END);
	(void)make(&r, &head);
}
END_TEST

/* Long pieces of the worst bytes are cut, the answer stays whole. */
START_TEST(test_long)
{
	static const char bytes[] = { 'a', '"', '\\', '\0', '\xff', '\n' };
	struct http_head head;
	struct reply r;
	char *p;
	struct span all, body;
	size_t len;

	p = unit_fill(bytes[_i], BOUNDS_REQUEST_LINE_CAP);
	for (len = BOUNDS_REPLY_TARGET_CAP - 8;
	    len <= BOUNDS_REPLY_TARGET_CAP + 8; len++) {
		init(&r, REASON_NO_RULE);
		r.target = unit_span(p, len, UNIT_END);
		(void)make(&r, &head);
	}
	all = (struct span){ p, BOUNDS_REQUEST_LINE_CAP };
	init(&r, REASON_NO_RULE);
	r.target = unit_span(all.p, all.len, UNIT_END);
	body = make(&r, &head);
	ck_assert(span_has(body, SPAN("POST")));
	r.method = unit_span(all.p, all.len, UNIT_END);
	(void)make(&r, &head);
	r.profile = (struct span){ p, BOUNDS_PROFILE_NAME_CAP - 1 };
	(void)make(&r, &head);
	free(p);
}
END_TEST

/* -- as an authorization plugin -- */

static bool
is_json(struct span s)
{
	enum json_item item;
	struct span text;
	struct json j;
	size_t used;

	json_begin(&j);
	while (s.len > 0) {
		if (json_walk(&j, s.p, s.len, &used, &item, &text) ==
		    JSON_BAD)
			return false;
		s.p += used;
		s.len -= used;
	}
	return json_is_whole(&j);
}

static struct span
make_authz(enum reply_authz kind, const struct reply *r, int status)
{
	static char empty[BOUNDS_REPLY_CAP];
	struct http_head head;
	struct span rest;
	uint64_t length;
	char *buf;
	size_t n, used;

	buf = unit_place(empty, BOUNDS_REPLY_CAP, UNIT_END);
	n = reply_authz_make(buf, kind, r);
	ck_assert_int_eq(http_parse_answer(buf, n, &head, &used), HTTP_DONE);
	ck_assert_int_eq(head.status, status);
	ck_assert(span_number(http_field(&head, SPAN("Content-Length")), 18,
	    &length));
	ck_assert_int_eq(http_wants_close(&head), r->is_close);
	rest = (struct span){ buf + used, n - used };
	ck_assert_uint_eq(rest.len, length);
	ck_assert_msg(is_json(rest), "%s", unit_show(rest.p, rest.len));
	return rest;
}

START_TEST(test_authz)
{
	struct span body;
	struct reply r;

	init(&r, REASON_NONE);
	body = make_authz(REPLY_AUTHZ_HELLO, &r, 200);
	ck_assert(span_eq(body, SPAN("{\"Implements\":[\"authz\"]}\n")));
	body = make_authz(REPLY_AUTHZ_VERDICT, &r, 200);
	ck_assert(span_eq(body, SPAN("{\"Allow\":true}\n")));
	init(&r, REASON_NO_RULE);
	body = make_authz(REPLY_AUTHZ_VERDICT, &r, 200);
	ck_assert(span_eq(body, SPAN("{\"Allow\":false,\"Msg\":"
	    "\"docker-socket-protector: denied by profile traefik: "
	    "POST /v1.51/containers/create\"}\n")));
	init(&r, REASON_AUTHZ_CALL);
	body = make_authz(REPLY_AUTHZ_ERROR, &r, 404);
	ck_assert(span_eq(body, SPAN("{\"Allow\":false,\"Msg\":"
	    "\"docker-socket-protector: no such call of an authorization "
	    "plugin\",\"Err\":\"docker-socket-protector: no such call of an "
	    "authorization plugin\"}\n")));
}
END_TEST

/* Every reason: never a yes, and always JSON, whatever is in it. */
START_TEST(test_authz_reasons)
{
	char *worst = unit_fill('\xff', BOUNDS_REQUEST_LINE_CAP);
	struct span body;
	struct reply r;
	int kind;

	for (kind = REPLY_AUTHZ_VERDICT; kind <= REPLY_AUTHZ_ERROR; kind++) {
		init(&r, (enum reason)_i);
		r.is_close = kind == REPLY_AUTHZ_ERROR;
		if (!r.is_close) {
			r.method = r.target = (struct span){ worst,
			    BOUNDS_REQUEST_LINE_CAP };
			r.profile = (struct span){ worst,
			    BOUNDS_PROFILE_NAME_CAP - 1 };
		}
		body = make_authz((enum reply_authz)kind, &r, r.is_close ?
		    reason_info(r.reason)->status : 200);
		ck_assert(span_has(body, SPAN("\"Allow\":false,")));
		ck_assert(!span_has(body, SPAN("true")));
		ck_assert(span_has(body, SPAN("\"Err\":")) == r.is_close);
	}
	free(worst);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("reply");
	tc = unit_case(s, "reply");
	tcase_add_test(tc, test_denial);
	tcase_add_test(tc, test_not_allowed);
	tcase_add_loop_test(tc, test_reasons, REASON_LINE_END,
	    REASON_COUNT);
	tcase_add_test(tc, test_head_length);
	tcase_add_loop_test(tc, test_hostile, 0, ROWS(hostile));
	tcase_add_loop_test(tc, test_long, 0, 6);
	tc = unit_case(s, "authz");
	tcase_add_test(tc, test_authz);
	tcase_add_loop_test(tc, test_authz_reasons, REASON_LINE_END,
	    REASON_COUNT);
	return s;
}
