/*
 * Tests of authzmsg.c and authzhead.c: what dockerd tells of a request, and
 * the request that is judged for it.  Every message is read whole and in
 * pieces, at both ends of a page: what is made of it must be the same.
 */

#include "config.h"

#include "unit.h"

#include "authzhead.h"
#include "authzmsg.h"
#include "text.h"

static struct authzmsg message;
static struct http_head head;
static struct policy_request request;
static char made[BOUNDS_HEAD_CAP];

/* Read pieces of so many bytes: whether it is a message. */
static bool
read_message(const char *p, size_t len, size_t piece,
    enum authzmsg_kind kind)
{
	size_t at, n;

	authzmsg_begin(&message, kind);
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		if (authzmsg_walk(&message, p + at, n))
			continue;
		/* For good. */
		ck_assert(!authzmsg_walk(&message, "}", 1));
		ck_assert(!authzmsg_is_whole(&message));
		return false;
	}
	return authzmsg_is_whole(&message);
}

static bool
read_every_way(const char *p, size_t len, enum authzmsg_kind kind)
{
	static const size_t pieces[] = { 1, 2, 5, SIZE_MAX / 2 };
	bool is_good = false, is_same;
	int i, side;

	for (i = 0; i < ROWS(pieces); i++)
		for (side = 0; side < UNIT_SIDES; side++) {
			is_same = read_message(unit_place(p, len,
			    (enum unit_side)side), len, pieces[i], kind);
			if (i == 0 && side == 0)
				is_good = is_same;
			ck_assert_msg(is_same == is_good, "by %zu: %s",
			    pieces[i], unit_show(p, len));
		}
	return is_good;
}

#define GET "\"RequestMethod\":\"GET\",\"RequestUri\":\"/info\""

/* -- the message -- */

static const struct {
	const char	*in;
	size_t		 len;
	bool		 is_good;
} messages[] = {
	{ B("{" GET "}"), true },
	{ B(" { " GET " } \n"), true },
	{ B("{\"RequestUri\":\"/\",\"RequestMethod\":\"\"}"), true },
	{ B("{" GET ",\"New\":null,\"More\":[1,{\"User\":2}]}"), true },
	{ B("{" GET ",\"More\":{\"RequestMethod\":[]}}"), true },
	{ B("{" GET ",\"requesturi\":1}"), true },
	{ B("{" GET ",\"User\":\"alice\",\"UserAuthNMethod\":\"TLS\"}"), true },
	{ B("{" GET ",\"RequestHeaders\":{}}"), true },
	{ B("{" GET ",\"RequestHeaders\":{\"Accept\":\"a\","
	    "\"Accept\":\"b\"}}"), true },
	{ B("{" GET ",\"RequestPeerCertificates\":[\"YQ==\"]}"), true },
	{ B("{" GET ",\"RequestBody\":\"\"}"), true },
	{ B("{\"Request\\u0055ri\":\"/\",\"RequestMethod\":\"GET\"}"), true },
	/* something is missing */
	{ B(""), false },
	{ B("{}"), false },
	{ B("{\"RequestMethod\":\"GET\"}"), false },
	{ B("{\"RequestUri\":\"/info\"}"), false },
	{ B("{" GET), false },
	{ B("{" GET ","), false },
	{ B("{\"a\":{" GET "}}"), false },
	{ B("[{" GET "}]"), false },
	/* no object */
	{ B("null"), false }, { B("1"), false }, { B("\"RequestUri\""), false },
	{ B("[]"), false }, { B("true"), false },
	/* two */
	{ B("{" GET "}{" GET "}"), false },
	{ B("{" GET "}\0"), false },
	{ B("{" GET ",\"RequestUri\":\"/info\"}"), false },
	{ B("{" GET ",\"RequestMethod\":\"GET\"}"), false },
	{ B("{" GET ",\"Request\\u0055ri\":\"/x\"}"), false },
	{ B("{" GET ",\"User\":\"a\",\"User\":\"b\"}"), false },
	{ B("{" GET ",\"UserAuthNMethod\":\"\",\"UserAuthNMethod\":\"TLS\"}"),
	    false },
	{ B("{" GET ",\"RequestBody\":\"\",\"RequestBody\":\"\"}"), false },
	{ B("{" GET ",\"RequestHeaders\":{},\"RequestHeaders\":{}}"), false },
	{ B("{" GET ",\"RequestHeaders\":{\"Origin\":\"a\","
	    "\"Origin\":\"b\"}}"), false },
	{ B("{" GET ",\"RequestHeaders\":{\"Content-Type\":\"a/b\","
	    "\"content-type\":\"a/b\"}}"), false },
	/* of another type */
	{ B("{\"RequestMethod\":1,\"RequestUri\":\"/\"}"), false },
	{ B("{\"RequestMethod\":\"GET\",\"RequestUri\":null}"), false },
	{ B("{\"RequestMethod\":\"GET\",\"RequestUri\":[\"/\"]}"), false },
	{ B("{\"RequestMethod\":{},\"RequestUri\":\"/\"}"), false },
	{ B("{" GET ",\"User\":true}"), false },
	{ B("{" GET ",\"UserAuthNMethod\":0}"), false },
	{ B("{" GET ",\"RequestBody\":null}"), false },
	{ B("{" GET ",\"RequestBody\":{}}"), false },
	{ B("{" GET ",\"RequestHeaders\":null}"), false },
	{ B("{" GET ",\"RequestHeaders\":\"\"}"), false },
	{ B("{" GET ",\"RequestHeaders\":[]}"), false },
	{ B("{" GET ",\"RequestHeaders\":{\"Accept\":1}}"), false },
	{ B("{" GET ",\"RequestHeaders\":{\"Accept\":null}}"), false },
	{ B("{" GET ",\"RequestHeaders\":{\"Accept\":[\"a\"]}}"), false },
	{ B("{" GET ",\"RequestHeaders\":{\"Accept\":{}}}"), false },
	/* no JSON */
	{ B("{" GET ",}"), false },
	{ B("{" GET ",\"User\":\"\xff\"}"), false },
	{ B("{" GET ",\"User\":\"\\ud800\"}"), false },
};

START_TEST(test_messages)
{
	ck_assert_msg(read_every_way(messages[_i].in, messages[_i].len,
	    AUTHZMSG_REQUEST) == messages[_i].is_good, "%s",
	    unit_show(messages[_i].in, messages[_i].len));
}
END_TEST

/* Of what has happened nothing is wanted, but that it is a message. */
START_TEST(test_answers)
{
	ck_assert(read_every_way(B("{}"), AUTHZMSG_ANSWER));
	ck_assert(read_every_way(B("{\"User\":1,\"User\":2,"
	    "\"RequestBody\":\"?\",\"ResponseStatusCode\":200}"),
	    AUTHZMSG_ANSWER));
	ck_assert_ptr_null(message.user.p);
	ck_assert_uint_eq(message.kept_len, 0);
	ck_assert(!read_every_way(B("[]"), AUTHZMSG_ANSWER));
	ck_assert(!read_every_way(B("{"), AUTHZMSG_ANSWER));
	ck_assert(!read_every_way(B(""), AUTHZMSG_ANSWER));
}
END_TEST

START_TEST(test_user)
{
	static const char in[] = "{" GET ",\"User\":\"al\\u0069ce\","
	    "\"UserAuthNMethod\":\"TLS\"}";
	char *long_name, *p;
	size_t len;
	int more;

	ck_assert(read_every_way(in, sizeof(in) - 1, AUTHZMSG_REQUEST));
	ck_assert(span_eq(message.user, SPAN("alice")));
	ck_assert(span_eq(message.user_by, SPAN("TLS")));
	ck_assert(span_eq(message.method, SPAN("GET")));
	ck_assert(span_eq(message.target, SPAN("/info")));
	for (more = 0; more < 2; more++) {
		long_name = unit_fill('a', (size_t)BOUNDS_AUTHZ_USER_CAP +
		    more);
		len = (size_t)asprintf(&p, "{" GET ",\"User\":\"%s\"}",
		    long_name);
		ck_assert(read_every_way(p, len, AUTHZMSG_REQUEST) ==
		    (more == 0));
		free(p);
		free(long_name);
	}
}
END_TEST

static const struct {
	const char	*text;
	int		 len;		/* -1: bad */
} bodies[] = {
	{ "", 0 }, { "YQ==", 1 }, { "YWI=", 2 }, { "YWJj", 3 },
	{ "AAAA", 3 }, { "+/+/", 3 }, { "YWJjZA==", 4 },
	{ "YWJjZGVmZ2hp", 9 },
	{ "Y", -1 }, { "YQ", -1 }, { "YQ=", -1 }, { "YWI", -1 },
	{ "=", -1 }, { "====", -1 }, { "Y===", -1 }, { "YQ===", -1 },
	{ "YQ==YQ==", -1 }, { "YQ=a", -1 }, { "YWI=YWI=", -1 },
	{ "YWJj=", -1 }, { "YWJj====", -1 },
	{ "YR==", -1 }, { "YWJ=", -1 },		/* bits behind the end */
	{ "YW-_", -1 }, { "YW Jj", -1 }, { "YWJj\\n", -1 },
	{ "YW\\u0000j", -1 }, { "YW\\u00e9j", -1 },
};

START_TEST(test_bodies)
{
	size_t len;
	char *p;

	len = (size_t)asprintf(&p, "{" GET ",\"RequestBody\":\"%s\"}",
	    bodies[_i].text);
	ck_assert_msg(read_every_way(p, len, AUTHZMSG_REQUEST) ==
	    (bodies[_i].len >= 0), "%s", p);
	if (bodies[_i].len >= 0) {
		ck_assert(message.has_body);
		ck_assert_uint_eq(message.body_len, bodies[_i].len);
	}
	free(p);
}
END_TEST

/* Each kept part fills what room there is, and not a byte more. */
START_TEST(test_room)
{
	static const struct {
		const char	*before, *behind;
	} forms[] = {
		{ "{\"RequestMethod\":\"\",\"RequestUri\":\"", "\"}" },
		{ "{\"RequestUri\":\"\",\"RequestMethod\":\"", "\"}" },
		{ "{\"RequestMethod\":\"\",\"RequestUri\":\"\","
		    "\"RequestHeaders\":{\"Upgrade\":\"", "\"}}" },
	};
	char *fill, *p;
	size_t len;
	int more;

	for (more = 0; more < 2; more++) {
		fill = unit_fill('/', (size_t)BOUNDS_AUTHZ_KEPT_CAP + more);
		len = (size_t)asprintf(&p, "%s%s%s", forms[_i].before, fill,
		    forms[_i].behind);
		ck_assert(read_message(p, len, 1000,
		    AUTHZMSG_REQUEST) == (more == 0));
		free(p);
		free(fill);
	}
}
END_TEST

START_TEST(test_many_fields)
{
	char buf[1024];
	struct text t;
	int i, n;

	for (n = AUTHZMSG_FIELD_CAP; n <= AUTHZMSG_FIELD_CAP + 1; n++) {
		text_init(&t, buf, sizeof(buf));
		text_str(&t, "{" GET ",\"RequestHeaders\":{\"Accept\":\"\"");
		for (i = 0; i < n; i++) {
			text_str(&t, ",\"Sec-Fetch-");
			text_char(&t, (char)('a' + i));
			text_str(&t, "\":\"\"");
		}
		text_str(&t, "}}");
		ck_assert(!t.is_full);
		ck_assert(read_every_way(buf, t.len, AUTHZMSG_REQUEST) ==
		    (n == AUTHZMSG_FIELD_CAP));
	}
}
END_TEST

/* Nothing of a body stays, nor of fields that decide nothing; and nothing at
 * all when it is over. */
START_TEST(test_forget)
{
	static const char in[] = "{" GET ",\"RequestBody\":\"c2VjcmV0\","
	    "\"RequestHeaders\":{\"X-Meta\":\"hidden\",\"Origin\":\"hidden\","
	    "\"Upgrade\":\"tcp\"}}";

	ck_assert(read_message(in, sizeof(in) - 1, 3, AUTHZMSG_REQUEST));
	ck_assert_uint_eq(message.kept_len, strlen("GET/infotcp"));
	ck_assert_ptr_null(memmem(&message, sizeof(message), "hidden", 6));
	ck_assert_ptr_null(memmem(&message, sizeof(message), "secret", 6));
	ck_assert_ptr_null(memmem(&message, sizeof(message), "c2Vj", 4));
	ck_assert_ptr_nonnull(memmem(&message, sizeof(message), "/info", 5));
	authzmsg_forget(&message);
	ck_assert_ptr_null(memmem(&message, sizeof(message), "/info", 5));
}
END_TEST

/* -- the request -- */

#define POST "\"RequestMethod\":\"POST\",\"RequestUri\":\"/containers/create\""
#define PUT "\"RequestMethod\":\"PUT\",\"RequestUri\":\"/containers/a/archive\""
#define DELETE "\"RequestMethod\":\"DELETE\",\"RequestUri\":\"/images/a\""
#define HEADS(fields) ",\"RequestHeaders\":{" fields "}"
#define TYPE(type) "\"Content-Type\":\"" type "\""
#define LENGTH(n) "\"Content-Length\":\"" n "\""
#define JSON TYPE("application/json")
#define URI(method, uri) "\"RequestMethod\":\"" method \
    "\",\"RequestUri\":\"" uri "\""
#define BODY ",\"RequestBody\":\"YQ==\""

static const struct {
	const char	*in;		/* between the braces */
	enum reason	 reason;
	enum body_kind	 kind;
	uint64_t	 left;
} requests[] = {
	{ GET, REASON_NONE, BODY_NONE, 0 },
	{ GET HEADS("\"Accept\":\"*/*\",\"User-Agent\":\"x\\u000d\\u000a\""),
	    REASON_NONE, BODY_NONE, 0 },
	{ POST HEADS(JSON "," LENGTH("1")) BODY, REASON_NONE, BODY_LENGTH, 1 },
	{ POST BODY HEADS(JSON "," LENGTH("1")), REASON_NONE, BODY_LENGTH, 1 },
	{ POST HEADS(JSON "," LENGTH("0")), REASON_NONE, BODY_NONE, 0 },
	{ POST HEADS(JSON) BODY, REASON_NONE, BODY_CHUNKED, 0 },
	{ POST, REASON_NONE, BODY_NONE, 0 },
	{ POST HEADS(LENGTH("0")), REASON_NONE, BODY_NONE, 0 },
	{ POST HEADS(LENGTH("0") "," TYPE("text/plain")), REASON_NONE,
	    BODY_NONE, 0 },
	{ POST HEADS(LENGTH("99")), REASON_NONE, BODY_LENGTH, 99 },
	{ POST HEADS(LENGTH("9") ","
	    TYPE("application/x-www-form-urlencoded")), REASON_NONE,
	    BODY_LENGTH, 9 },
	/* what may be a form, but for archives */
	{ POST HEADS(LENGTH("99") "," TYPE("text/plain")), REASON_AUTHZ_BODY,
	    0, 0 },
	{ POST HEADS(TYPE("text/plain")), REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(LENGTH("9") "," TYPE("application/xform")),
	    REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(LENGTH("9") ","
	    TYPE("application/x-www-form-urlencoded2")), REASON_AUTHZ_BODY, 0,
	    0 },
	{ POST HEADS(LENGTH("9") "," TYPE("multipart/form-data")),
	    REASON_AUTHZ_BODY, 0, 0 },
	{ URI("POST", "/v1.41/build?t=a") HEADS(TYPE("application/x-tar")),
	    REASON_NONE, BODY_CHUNKED, 0 },
	{ URI("POST", "/images/load") HEADS(TYPE("application/x-tar")),
	    REASON_NONE, BODY_CHUNKED, 0 },
	{ URI("POST", "/images/create?fromSrc=-")
	    HEADS(TYPE("text/plain") "," LENGTH("7")), REASON_NONE,
	    BODY_LENGTH, 7 },
	{ URI("POST", "/images/create?fromImage=a")
	    HEADS(TYPE("text/plain") "," LENGTH("7")), REASON_AUTHZ_BODY, 0,
	    0 },
	{ URI("POST", "/v1.41/images/create?fromImage=a")
	    HEADS(TYPE("text/plain") "," LENGTH("0")), REASON_NONE,
	    BODY_NONE, 0 },
	{ URI("POST", "/x/build") HEADS(TYPE("a/b")), REASON_AUTHZ_BODY, 0,
	    0 },
	{ URI("POST", "/archive") HEADS(TYPE("a/b")), REASON_AUTHZ_BODY, 0,
	    0 },
	{ PUT HEADS(TYPE("application/x-tar")), REASON_NONE, BODY_CHUNKED,
	    0 },
	{ PUT HEADS(TYPE("application/x-tar") "," LENGTH("7")), REASON_NONE,
	    BODY_LENGTH, 7 },
	{ GET HEADS(JSON), REASON_NONE, BODY_NONE, 0 },
	/* the body is not told */
	{ POST HEADS(JSON "," LENGTH("1")), REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(JSON "," LENGTH("1052574")), REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(JSON), REASON_AUTHZ_BODY, 0, 0 },
	{ PUT HEADS(JSON), REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(TYPE("Application/JSON") "," LENGTH("1")),
	    REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(TYPE(" application/json ; charset=utf-8") ","
	    LENGTH("1")), REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(TYPE("application/json;a=\\\"b;c\\\\\\\"\\\" ; d=e") ","
	    LENGTH("1")), REASON_AUTHZ_BODY, 0, 0 },
	/* another length than was told */
	{ POST HEADS(JSON "," LENGTH("2")) BODY, REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(JSON "," LENGTH("0")) BODY, REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(LENGTH("2")) BODY, REASON_AUTHZ_BODY, 0, 0 },
	{ POST HEADS(JSON "," LENGTH("1")) ",\"RequestBody\":\"\"",
	    REASON_AUTHZ_BODY, 0, 0 },
	/* passwords are not told */
	{ URI("POST", "/auth") HEADS(JSON "," LENGTH("9")), REASON_NONE,
	    BODY_LENGTH, 9 },
	{ URI("POST", "/v1.51/auth") HEADS(JSON "," LENGTH("9")),
	    REASON_NONE, BODY_LENGTH, 9 },
	{ URI("POST", "/v1.51/auth?x") HEADS(JSON), REASON_NONE,
	    BODY_CHUNKED, 0 },
	{ URI("POST", "/containers/auth") HEADS(JSON "," LENGTH("9")),
	    REASON_AUTHZ_BODY, 0, 0 },
	{ URI("POST", "/v1.51/x/auth") HEADS(JSON "," LENGTH("9")),
	    REASON_AUTHZ_BODY, 0, 0 },
	/* bodies where there should be none */
	{ GET HEADS(LENGTH("1")), REASON_BODY_METHOD, 0, 0 },
	{ GET HEADS(JSON) BODY, REASON_BODY_METHOD, 0, 0 },
	{ DELETE HEADS(JSON "," LENGTH("1")) BODY, REASON_BODY_METHOD, 0, 0 },
	/* lengths */
	{ POST HEADS(LENGTH("01")) BODY, REASON_LENGTH, 0, 0 },
	{ POST HEADS(LENGTH("")), REASON_LENGTH, 0, 0 },
	{ POST HEADS(LENGTH("-1")), REASON_LENGTH, 0, 0 },
	{ POST HEADS(LENGTH("1, 1")) BODY, REASON_LENGTH, 0, 0 },
	{ POST HEADS(LENGTH("1000000000000000000")), REASON_LENGTH, 0, 0 },
	{ POST HEADS(LENGTH("1") ",\"Transfer-Encoding\":\"chunked\"") BODY,
	    REASON_LENGTH_AND_CODING, 0, 0 },
	{ POST HEADS("\"Transfer-Encoding\":\"gzip\""), REASON_CODING, 0, 0 },
	/* media types */
	{ POST HEADS(TYPE("")), REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("json") "," LENGTH("1")), REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("/json")), REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("application/")), REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("application/json, text/plain")),
	    REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("application /json")), REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("application/json;")), REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("application/json; charset")), REASON_MEDIA_TYPE,
	    0, 0 },
	{ POST HEADS(TYPE("application/json; =utf-8")), REASON_MEDIA_TYPE,
	    0, 0 },
	{ POST HEADS(TYPE("application/json; a=")), REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("application/json; a=\\\"b")), REASON_MEDIA_TYPE,
	    0, 0 },
	{ POST HEADS(TYPE("application/json; a=\\\"b\\\\")),
	    REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("application/json; a=b c")), REASON_MEDIA_TYPE,
	    0, 0 },
	{ POST HEADS(TYPE("application/json x")), REASON_MEDIA_TYPE, 0, 0 },
	{ GET HEADS(TYPE("?")), REASON_MEDIA_TYPE, 0, 0 },
	{ POST HEADS(TYPE("application/j\\u017fon")), REASON_CONTENT_TYPE, 0,
	    0 },
	/* what would make another head of it */
	{ URI("GET /info HTTP/1.1\\r\\nX: y", "/"), REASON_METHOD, 0, 0 },
	{ URI("", "/"), REASON_METHOD, 0, 0 },
	{ URI("G\\u0000T", "/"), REASON_METHOD, 0, 0 },
	{ URI("GET", ""), REASON_TARGET_FORM, 0, 0 },
	{ URI("GET", "/ HTTP/1.1"), REASON_TARGET_BYTE, 0, 0 },
	{ URI("GET", "/\\r\\n"), REASON_TARGET_BYTE, 0, 0 },
	{ URI("GET", "/\\u0000"), REASON_TARGET_BYTE, 0, 0 },
	{ URI("GET", "/\\u00e9"), REASON_TARGET_BYTE, 0, 0 },
	{ URI("GET", "/\\ufffd"), REASON_TARGET_BYTE, 0, 0 },
	{ URI("GET", "/\\u007f"), REASON_TARGET_BYTE, 0, 0 },
	{ GET HEADS("\"Upgrade\":\"a\\r\\nX: y\""), REASON_FIELD_VALUE, 0,
	    0 },
	{ GET HEADS("\"Connection\":\"\\u0000\""), REASON_FIELD_VALUE, 0, 0 },
	{ GET HEADS("\"Expect\":\"200\""), REASON_EXPECT, 0, 0 },
	/* the target, as everywhere */
	{ URI("GET", "info"), REASON_TARGET_FORM, 0, 0 },
	{ URI("GET", "http://d/info"), REASON_TARGET_FORM, 0, 0 },
	{ URI("GET", "/v1.41/%63ontainers/json"), REASON_TARGET_ESCAPE, 0,
	    0 },
	{ URI("GET", "/v1.41./info"), REASON_TARGET_VERSION, 0, 0 },
	{ URI("GET", "/a//b"), REASON_TARGET_SEGMENT, 0, 0 },
};

START_TEST(test_requests)
{
	enum reason reason;
	size_t len, used;
	char *p;

	len = (size_t)asprintf(&p, "{%s}", requests[_i].in);
	ck_assert_msg(read_every_way(p, len, AUTHZMSG_REQUEST), "%s", p);
	memset(made, 'X', sizeof(made));
	reason = authzhead_make(&message, made, &used, &head, &request);
	ck_assert_msg(reason == requests[_i].reason, "%s, not %s: %s",
	    reason_info(reason)->word,
	    reason_info(requests[_i].reason)->word, p);
	ck_assert_uint_le(used, sizeof(made));
	ck_assert(used == sizeof(made) || made[used] == 'X');
	if (reason == REASON_NONE) {
		ck_assert_msg(request.body.kind == requests[_i].kind, "%s",
		    p);
		ck_assert_uint_eq(request.body.left, requests[_i].left);
		ck_assert(span_eq(request.target.whole, message.target));
		ck_assert(span_eq(request.method, message.method));
	}
	free(p);
}
END_TEST

static const struct {
	const char	*fields;
	bool		 is_browser;
	bool		 is_upgrade;
} marks[] = {
	{ "\"Accept\":\"a\"", false, false },
	{ "\"Origin\":\"null\"", true, false },
	{ "\"Sec-Fetch-Site\":\"none\",\"Sec-Fetch-Mode\":\"cors\"", true,
	    false },
	{ "\"Origin\":\"a\",\"X-Forwarded-For\":\"b\"", true, false },
	{ "\"X-Forwarded-For\":\"b\"", false, false },
	{ "\"Connection\":\"Upgrade\",\"Upgrade\":\"tcp\"", false, true },
	{ "\"Upgrade\":\"tcp\"", false, false },
};

/* Which Host it had is not told: no browser's mark is taken for a relay's. */
START_TEST(test_marks)
{
	size_t len, used;
	char *p;

	len = (size_t)asprintf(&p, "{" GET ",\"RequestHeaders\":{%s}}",
	    marks[_i].fields);
	ck_assert(read_every_way(p, len, AUTHZMSG_REQUEST));
	ck_assert_int_eq(authzhead_make(&message, made, &used, &head,
	    &request), REASON_NONE);
	ck_assert_msg(request.is_browser == marks[_i].is_browser, "%s", p);
	ck_assert_msg(http_wants_upgrade(&head) == marks[_i].is_upgrade,
	    "%s", p);
	free(p);
}
END_TEST

static const struct {
	const char	*in;
	const char	*wide;		/* NULL: as it is */
} hidden[] = {
	{ URI("POST", "/v1.41/build?t=a") HEADS(TYPE("application/x-tar")),
	    "/v1.41/build?" AUTHZHEAD_ANY },
	{ URI("POST", "/images/create?fromSrc=-")
	    HEADS(TYPE("text/plain") "," LENGTH("7")),
	    "/images/create?" AUTHZHEAD_ANY },
	{ URI("POST", "/images/create?fromSrc=-")
	    HEADS(TYPE("text/plain") "," LENGTH("0")), NULL },
	{ URI("POST", "/build") HEADS(LENGTH("7")), NULL },
	{ URI("POST", "/build") HEADS(JSON "," LENGTH("1")) BODY, NULL },
	{ POST HEADS(JSON "," LENGTH("1")) BODY, NULL },
	{ PUT HEADS(TYPE("application/x-tar")),
	    "/containers/a/archive?" AUTHZHEAD_ANY },
	{ GET, NULL },
};

/* Behind a type that is told there may be that of a form. */
START_TEST(test_hidden)
{
	static char buf[BOUNDS_REQUEST_LINE_CAP];
	enum reason reason;
	size_t len, used;
	char *p;

	len = (size_t)asprintf(&p, "{%s}", hidden[_i].in);
	ck_assert_msg(read_every_way(p, len, AUTHZMSG_REQUEST), "%s", p);
	ck_assert_int_eq(authzhead_make(&message, made, &used, &head,
	    &request), REASON_NONE);
	ck_assert_msg(authzhead_widen(&message, &request, buf, &reason) ==
	    (hidden[_i].wide != NULL), "%s", p);
	if (hidden[_i].wide != NULL) {
		ck_assert_int_eq(reason, REASON_NONE);
		ck_assert_msg(span_eq(request.target.whole,
		    span_of(hidden[_i].wide)), "%.*s",
		    (int)request.target.whole.len, request.target.whole.p);
	} else {
		ck_assert(span_eq(request.target.whole, message.target));
	}
	free(p);
}
END_TEST

/* What is kept may be as long as a request line may be, and longer. */
START_TEST(test_long_target)
{
	static const char before[] = "GET ", behind[] = " HTTP/1.1";
	const size_t most = BOUNDS_REQUEST_LINE_CAP - sizeof(before) -
	    sizeof(behind) + 2;
	size_t len, used;
	char *fill, *p;
	int more;

	for (more = 0; more < 2; more++) {
		fill = unit_fill('a', most - 1 + (size_t)more);
		len = (size_t)asprintf(&p, "{\"RequestMethod\":\"GET\","
		    "\"RequestUri\":\"/%s\"}", fill);
		ck_assert(read_message(p, len, 4096, AUTHZMSG_REQUEST));
		ck_assert_int_eq(authzhead_make(&message, made, &used, &head,
		    &request), more == 0 ? REASON_NONE : REASON_LINE_LONG);
		free(p);
		free(fill);
	}
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("authzmsg");
	tc = unit_case(s, "message");
	tcase_add_loop_test(tc, test_messages, 0, ROWS(messages));
	tcase_add_test(tc, test_answers);
	tcase_add_test(tc, test_user);
	tcase_add_loop_test(tc, test_bodies, 0, ROWS(bodies));
	tcase_add_loop_test(tc, test_room, 0, 3);
	tcase_add_test(tc, test_many_fields);
	tcase_add_test(tc, test_forget);
	tc = unit_case(s, "request");
	tcase_add_loop_test(tc, test_requests, 0, ROWS(requests));
	tcase_add_loop_test(tc, test_marks, 0, ROWS(marks));
	tcase_add_loop_test(tc, test_hidden, 0, ROWS(hidden));
	tcase_add_test(tc, test_long_target);
	return s;
}
