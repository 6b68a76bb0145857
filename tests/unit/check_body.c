/* Tests of body.c: where a message ends, and the walk to that end. */

#include "config.h"

#include "unit.h"

#include "body.h"

#define CL(n) "Content-Length: " n "\r\n"
#define TE(x) "Transfer-Encoding: " x "\r\n"

/* -- framing of requests -- */

static const struct {
	const char	*line;
	const char	*fields;
	enum reason	 reason;
	enum body_kind	 kind;
	uint64_t	 left;
} requests[] = {
	{ "POST /x HTTP/1.1", "", REASON_NONE, BODY_NONE, 0 },
	{ "GET /x HTTP/1.1", "", REASON_NONE, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("0"), REASON_NONE, BODY_NONE, 0 },
	{ "GET /x HTTP/1.1", CL("0"), REASON_NONE, BODY_NONE, 0 },
	{ "HEAD /x HTTP/1.1", CL("0"), REASON_NONE, BODY_NONE, 0 },
	{ "DELETE /x HTTP/1.1", CL("0"), REASON_NONE, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5"), REASON_NONE, BODY_LENGTH, 5 },
	{ "POST /x HTTP/1.0", CL("5"), REASON_NONE, BODY_LENGTH, 5 },
	{ "PUT /x HTTP/1.1", CL("\t5 "), REASON_NONE, BODY_LENGTH, 5 },
	{ "POST /x HTTP/1.1", "content-LENGTH: 5\r\n", REASON_NONE,
	    BODY_LENGTH, 5 },
	{ "POST /x HTTP/1.1", CL("999999999999999999"), REASON_NONE,
	    BODY_LENGTH, 999999999999999999 },
	{ "POST /x HTTP/1.1", TE("chunked"), REASON_NONE, BODY_CHUNKED, 0 },
	{ "PUT /x HTTP/1.1", TE("Chunked"), REASON_NONE, BODY_CHUNKED, 0 },
	{ "POST /x HTTP/1.1", "transfer-encoding:CHUNKED\t\r\n",
	    REASON_NONE, BODY_CHUNKED, 0 },
	/* one length, 1 to 18 digits, no leading zero */
	{ "POST /x HTTP/1.1", CL("1000000000000000000"), REASON_LENGTH,
	    BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("9223372036854775808"), REASON_LENGTH,
	    BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("18446744073709551621"), REASON_LENGTH,
	    BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL(""), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("00"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("05"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1",
	    CL("00000000000000000000000000000000000000005"), REASON_LENGTH,
	    BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("+5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("-5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("-0"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("0x5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5, 5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5,5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5;x"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5.0"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5e0"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("0_5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5 5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("\"5\""), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("\xd9\xa5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5") CL("5"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5") CL("6"), REASON_LENGTH, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("5") CL("05"), REASON_LENGTH, BODY_NONE,
	    0 },
	{ "POST /x HTTP/1.1", CL("0") CL("0"), REASON_LENGTH, BODY_NONE, 0 },
	{ "GET /x HTTP/1.1", CL("0") CL("0"), REASON_LENGTH, BODY_NONE, 0 },
	{ "GET /x HTTP/1.1", CL("00"), REASON_LENGTH, BODY_NONE, 0 },
	/* coding and length together */
	{ "POST /x HTTP/1.1", CL("5") TE("chunked"),
	    REASON_LENGTH_AND_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("chunked") CL("5"),
	    REASON_LENGTH_AND_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", CL("0") TE("chunked"),
	    REASON_LENGTH_AND_CODING, BODY_NONE, 0 },
	/* coding in 1.0 */
	{ "POST /x HTTP/1.0", TE("chunked"), REASON_CODING_OLD, BODY_NONE,
	    0 },
	/* another coding */
	{ "POST /x HTTP/1.1", TE("identity"), REASON_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("gzip"), REASON_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("x-chunked"), REASON_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("chunkedx"), REASON_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("gzip, chunked"), REASON_CODING, BODY_NONE,
	    0 },
	{ "POST /x HTTP/1.1", TE("chunked, chunked"), REASON_CODING,
	    BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("chunked,"), REASON_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE(",chunked"), REASON_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("chunked;q=1"), REASON_CODING, BODY_NONE,
	    0 },
	{ "POST /x HTTP/1.1", TE("\"chunked\""), REASON_CODING, BODY_NONE,
	    0 },
	{ "POST /x HTTP/1.1", TE(""), REASON_CODING, BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("chun\xc4\xb7" "ed"), REASON_CODING,
	    BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("chunked") TE("chunked"), REASON_CODING,
	    BODY_NONE, 0 },
	{ "POST /x HTTP/1.1", TE("gzip") TE("chunked"), REASON_CODING,
	    BODY_NONE, 0 },
	/* methods without a body */
	{ "GET /x HTTP/1.1", CL("5"), REASON_BODY_METHOD, BODY_NONE, 0 },
	{ "HEAD /x HTTP/1.1", CL("5"), REASON_BODY_METHOD, BODY_NONE, 0 },
	{ "DELETE /x HTTP/1.1", CL("5"), REASON_BODY_METHOD, BODY_NONE, 0 },
	{ "GET /x HTTP/1.1", TE("chunked"), REASON_BODY_METHOD, BODY_NONE,
	    0 },
	{ "HEAD /x HTTP/1.1", TE("chunked"), REASON_BODY_METHOD, BODY_NONE,
	    0 },
	{ "DELETE /x HTTP/1.1", TE("chunked"), REASON_BODY_METHOD,
	    BODY_NONE, 0 },
};

static char *
build_head(const char *line, const char *fields, size_t *len)
{
	static char in[1024];
	int n;

	n = snprintf(in, sizeof(in), "%s\r\n%s%s\r\n", line,
	    line[0] == 'H' && line[4] == '/' ? "" : "Host: d\r\n", fields);
	ck_assert(n > 0 && (size_t)n < sizeof(in));
	*len = (size_t)n;
	return unit_place(in, *len, UNIT_END);
}

START_TEST(test_requests)
{
	struct http_head head;
	struct body body;
	enum reason reason;
	const char *in;
	size_t len, used;

	in = build_head(requests[_i].line, requests[_i].fields, &len);
	ck_assert_msg(http_parse_request(in, len, &head, &used) == HTTP_DONE,
	    "head refused (%s): %s", reason_info(head.reason)->word,
	    unit_show(in, len));
	memset(&body, 0x55, sizeof(body));
	reason = body_of_request(&head, &body);
	ck_assert_msg(reason == requests[_i].reason, "%s, not %s: %s",
	    reason_info(reason)->word,
	    reason_info(requests[_i].reason)->word, unit_show(in, len));
	if (reason != REASON_NONE)
		return;
	ck_assert_msg(body.kind == requests[_i].kind, "kind %d: %s",
	    (int)body.kind, unit_show(in, len));
	if (body.kind == BODY_LENGTH)
		ck_assert_uint_eq(body.left, requests[_i].left);
}
END_TEST

/* -- framing of answers -- */

static const struct {
	const char	*line;
	const char	*fields;
	bool		 is_head;
	bool		 is_good;
	enum body_kind	 kind;
	uint64_t	 left;
} answers[] = {
	{ "HTTP/1.1 200 OK", CL("5"), false, true, BODY_LENGTH, 5 },
	{ "HTTP/1.0 200 OK", CL("5"), false, true, BODY_LENGTH, 5 },
	{ "HTTP/1.1 200 OK", CL("0"), false, true, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", TE("chunked"), false, true, BODY_CHUNKED, 0 },
	{ "HTTP/1.1 200 OK", TE("Chunked"), false, true, BODY_CHUNKED, 0 },
	{ "HTTP/1.1 200 OK", "", false, true, BODY_CLOSE, 0 },
	{ "HTTP/1.0 200 OK", "", false, true, BODY_CLOSE, 0 },
	{ "HTTP/1.1 404 Not Found", "", false, true, BODY_CLOSE, 0 },
	{ "HTTP/1.1 404 Not Found", CL("67"), true, true, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", "", true, true, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", TE("chunked"), true, true, BODY_NONE, 0 },
	{ "HTTP/1.1 100 Continue", "", false, true, BODY_NONE, 0 },
	{ "HTTP/1.1 101 UPGRADED", "", false, true, BODY_NONE, 0 },
	{ "HTTP/1.1 199 x", "", false, true, BODY_NONE, 0 },
	{ "HTTP/1.1 204 No Content", "", false, true, BODY_NONE, 0 },
	{ "HTTP/1.1 304 Not Modified", "", false, true, BODY_NONE, 0 },
	{ "HTTP/1.1 304 Not Modified", CL("5"), false, true, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", CL("05"), false, false, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", CL(""), false, false, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", CL("-1"), false, false, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", CL("5, 5"), false, false, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", CL("5") CL("6"), false, false, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", CL("5") CL("5"), false, false, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", CL("1000000000000000000"), false, false,
	    BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", CL("5") TE("chunked"), false, false, BODY_NONE,
	    0 },
	{ "HTTP/1.1 200 OK", TE("gzip"), false, false, BODY_NONE, 0 },
	{ "HTTP/1.1 200 OK", TE("gzip, chunked"), false, false, BODY_NONE,
	    0 },
	{ "HTTP/1.1 200 OK", TE("chunked") TE("chunked"), false, false,
	    BODY_NONE, 0 },
	{ "HTTP/1.0 200 OK", TE("chunked"), false, false, BODY_NONE, 0 },
};

START_TEST(test_answers)
{
	struct http_head head;
	struct body body;
	enum reason reason;
	const char *in;
	size_t len, used;

	in = build_head(answers[_i].line, answers[_i].fields, &len);
	ck_assert_msg(http_parse_answer(in, len, &head, &used) == HTTP_DONE,
	    "head refused: %s", unit_show(in, len));
	memset(&body, 0x55, sizeof(body));
	reason = body_of_answer(&head, answers[_i].is_head, &body);
	ck_assert_msg((reason == REASON_NONE) == answers[_i].is_good,
	    "%s: %s", reason_info(reason)->word, unit_show(in, len));
	if (reason != REASON_NONE)
		return;
	ck_assert_msg(body.kind == answers[_i].kind, "kind %d: %s",
	    (int)body.kind, unit_show(in, len));
	if (body.kind == BODY_LENGTH)
		ck_assert_uint_eq(body.left, answers[_i].left);
}
END_TEST

/* -- the walk -- */

/* What came out of a body that was fed in pieces. */
struct outcome {
	enum body_result result;
	size_t		 used;
	size_t		 data_len;
	char		 data[512];
};

/* Feed one piece; false when the walk is over. */
static bool
feed(struct body *body, const char *p, size_t len, enum unit_side side,
    struct outcome *o)
{
	struct span data;
	const char *in;
	size_t used, at;

	in = unit_place(p, len, side);
	at = 0;
	do {
		used = (size_t)-1;
		data = (struct span){ NULL, 0 };
		o->result = body_walk(body, in + at, len - at, &used, &data);
		if (o->result == BODY_BAD) {
			/* for good, whatever comes next */
			ck_assert_int_eq(body_walk(body, "0\r\n\r\n", 5,
			    &used, &data), BODY_BAD);
			return false;
		}
		ck_assert_msg(used <= len - at, "used %zu of %zu", used,
		    len - at);
		if (o->result == BODY_DATA) {
			ck_assert_msg(data.len > 0 && data.p >= in + at &&
			    data.p + data.len <= in + at + used,
			    "data lies outside of what was used");
			ck_assert_uint_le(o->data_len + data.len,
			    sizeof(o->data));
			memcpy(o->data + o->data_len, data.p, data.len);
			o->data_len += data.len;
		}
		at += used;
		o->used += used;
	} while (o->result == BODY_DATA);
	if (o->result == BODY_MORE)
		ck_assert_msg(at == len, "more, but %zu of %zu taken", at,
		    len);
	return o->result == BODY_MORE;
}

static const struct {
	enum body_kind	 kind;
	uint64_t	 left;
	const char	*in;
	size_t		 len;
	enum body_result result;
	const char	*data;
	size_t		 behind;	/* bytes of the next message */
} walks[] = {
	{ BODY_NONE, 0, B(""), BODY_DONE, "", 0 },
	{ BODY_NONE, 0, B("GET"), BODY_DONE, "", 3 },
	{ BODY_LENGTH, 5, B("hello"), BODY_DONE, "hello", 0 },
	{ BODY_LENGTH, 5, B("helloGET"), BODY_DONE, "hello", 3 },
	{ BODY_LENGTH, 5, B("hell"), BODY_MORE, "hell", 0 },
	{ BODY_LENGTH, 5, B(""), BODY_MORE, "", 0 },
	{ BODY_LENGTH, 1, B("\r\n"), BODY_DONE, "\r", 1 },
	{ BODY_LENGTH, 999999999999999999, B("ab"), BODY_MORE, "ab", 0 },
	{ BODY_CLOSE, 0, B(""), BODY_MORE, "", 0 },
	{ BODY_CLOSE, 0, B("0\r\n\r\nx"), BODY_MORE, "0\r\n\r\nx", 0 },
	{ BODY_CHUNKED, 0, B(""), BODY_MORE, "", 0 },
	{ BODY_CHUNKED, 0, B("0\r\n\r\n"), BODY_DONE, "", 0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n0\r\n\r\n"), BODY_DONE, "hello",
	    0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n0\r\n\r\n0\r\n\r\n"), BODY_DONE,
	    "hello", 5 },
	{ BODY_CHUNKED, 0, B("1\r\na\r\n2\r\nbc\r\n0\r\n\r\nGET"),
	    BODY_DONE, "abc", 3 },
	{ BODY_CHUNKED, 0, B("a\r\n0123456789\r\n0\r\n\r\n"), BODY_DONE,
	    "0123456789", 0 },
	{ BODY_CHUNKED, 0, B("A\r\n0123456789\r\n0\r\n\r\n"), BODY_DONE,
	    "0123456789", 0 },
	{ BODY_CHUNKED, 0, B("0000000000000001\r\nx\r\n0\r\n\r\n"),
	    BODY_DONE, "x", 0 },
	{ BODY_CHUNKED, 0, B("1\r\nx\r\n000\r\n\r\n"), BODY_DONE, "x", 0 },
	{ BODY_CHUNKED, 0, B("1\r\nx\r\n0000000000000000\r\n\r\n"),
	    BODY_DONE, "x", 0 },
	{ BODY_CHUNKED, 0, B("4\r\n\r\n0\r\r\n0\r\n\r\n"), BODY_DONE,
	    "\r\n0\r", 0 },
	{ BODY_CHUNKED, 0, B("7fffffffffffffff\r\nab"), BODY_MORE, "ab",
	    0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n0\r\n\r"), BODY_MORE, "hello",
	    0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n0"), BODY_MORE, "hello", 0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n"), BODY_MORE, "hello", 0 },
	{ BODY_CHUNKED, 0, B("5"), BODY_MORE, "", 0 },
	/* bad sizes */
	{ BODY_CHUNKED, 0, B("\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n\r\n\r\n"), BODY_BAD, "hello",
	    0 },
	{ BODY_CHUNKED, 0, B("x"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("0x5\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("+5\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("-5\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B(" 5\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("5 \r\nhello\r\n0\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("5\t\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "",
	    0 },
	{ BODY_CHUNKED, 0, B("5;a=b\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "",
	    0 },
	{ BODY_CHUNKED, 0, B(";a\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("0;a\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("g\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("5\0\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "",
	    0 },
	{ BODY_CHUNKED, 0, B("\xef\xbc\x95\r\nhello\r\n"), BODY_BAD, "",
	    0 },
	{ BODY_CHUNKED, 0, B("8000000000000000\r\nab"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("ffffffffffffffff\r\nab"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("10000000000000005\r\nhello"), BODY_BAD, "",
	    0 },
	{ BODY_CHUNKED, 0, B("00000000000000005\r\nhello\r\n"), BODY_BAD,
	    "", 0 },
	{ BODY_CHUNKED, 0, B("00000000000000000\r\n\r\n"), BODY_BAD, "",
	    0 },
	/* bad line ends */
	{ BODY_CHUNKED, 0, B("5\nhello\r\n0\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("5\r\r\nhello\r\n0\r\n\r\n"), BODY_BAD, "",
	    0 },
	{ BODY_CHUNKED, 0, B("5\rhello\r\n0\r\n\r\n"), BODY_BAD, "", 0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\n0\r\n\r\n"), BODY_BAD, "hello",
	    0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello0\r\n\r\n"), BODY_BAD, "hello", 0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello world\r\n0\r\n\r\n"), BODY_BAD,
	    "hello", 0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r0\r\n\r\n"), BODY_BAD, "hello",
	    0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n0\n\n"), BODY_BAD, "hello", 0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n0\r\n\n"), BODY_BAD, "hello",
	    0 },
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n0\r\n\rX"), BODY_BAD, "hello",
	    0 },
	/* trailers */
	{ BODY_CHUNKED, 0, B("5\r\nhello\r\n0\r\nX: y\r\n\r\n"), BODY_BAD,
	    "hello", 0 },
	{ BODY_CHUNKED, 0, B("0\r\nContent-Length: 5\r\n\r\n"), BODY_BAD,
	    "", 0 },
	{ BODY_CHUNKED, 0, B("0\r\n \r\n\r\n"), BODY_BAD, "", 0 },
};

static void
start_body(struct body *body, int i)
{
	static const char in[] = "POST /x HTTP/1.1\r\nHost: d\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n";
	struct http_head head;
	size_t used;

	memset(body, 0, sizeof(*body));
	body->kind = walks[i].kind;
	body->left = walks[i].left;
	if (body->kind == BODY_CLOSE)
		body_until_close(body);
	if (body->kind != BODY_CHUNKED)
		return;
	ck_assert_int_eq(http_parse_request(in, sizeof(in) - 1, &head,
	    &used), HTTP_DONE);
	memset(body, 0x55, sizeof(*body));
	ck_assert_int_eq(body_of_request(&head, body), REASON_NONE);
}

/* Feed in three pieces, cut at a and b. */
static void
feed_cut(struct body *body, int i, size_t a, size_t b, struct outcome *o)
{
	const char *in;

	in = walks[i].in;
	if (!feed(body, in, a, UNIT_END, o))
		return;
	if (!feed(body, in + a, b - a, UNIT_BEGIN, o))
		return;
	(void)feed(body, in + b, walks[i].len - b, UNIT_END, o);
}

static void
check_outcome(const struct outcome *o, int i, size_t a, size_t b)
{
	size_t n;

	n = strlen(walks[i].data);
	ck_assert_msg(o->result == walks[i].result,
	    "result %d, not %d, cut at %zu and %zu: %s", (int)o->result,
	    (int)walks[i].result, a, b,
	    unit_show(walks[i].in, walks[i].len));
	ck_assert_msg(o->data_len == n &&
	    memcmp(o->data, walks[i].data, n) == 0,
	    "data %s, cut at %zu and %zu: %s",
	    unit_show(o->data, o->data_len), a, b,
	    unit_show(walks[i].in, walks[i].len));
	if (o->result != BODY_BAD)
		ck_assert_msg(o->used == walks[i].len - walks[i].behind,
		    "used %zu, cut at %zu and %zu: %s", o->used, a, b,
		    unit_show(walks[i].in, walks[i].len));
}

START_TEST(test_walks)
{
	struct outcome o;
	struct body body;
	size_t a, b, len, n;

	len = walks[_i].len;
	for (a = 0; a <= len; a++)
		for (b = a; b <= len; b++) {
			start_body(&body, _i);
			memset(&o, 0, sizeof(o));
			feed_cut(&body, _i, a, b, &o);
			check_outcome(&o, _i, a, b);
		}
	start_body(&body, _i);
	memset(&o, 0, sizeof(o));
	if (len == 0 || walks[_i].kind == BODY_NONE)
		return;
	for (n = 0; n < len; n++)
		if (!feed(&body, walks[_i].in + n, 1, UNIT_END, &o))
			break;
	check_outcome(&o, _i, 1, 1);
}
END_TEST

/* A body that is done takes nothing more. */
START_TEST(test_done_stays)
{
	struct outcome o;
	struct body body;

	start_body(&body, _i);
	memset(&o, 0, sizeof(o));
	(void)feed(&body, walks[_i].in, walks[_i].len, UNIT_END, &o);
	if (walks[_i].result != BODY_DONE)
		return;
	o.used = 0;
	(void)feed(&body, "5\r\nhello\r\n0\r\n\r\n", 15, UNIT_END, &o);
	ck_assert_msg(o.result == BODY_DONE && o.used == 0, "%s",
	    unit_show(walks[_i].in, walks[_i].len));
}
END_TEST

static const struct {
	uint64_t	 len;
	const char	*text;
} sizes[] = {
	{ 0, "0\r\n" },
	{ 1, "1\r\n" },
	{ 15, "f\r\n" },
	{ 16, "10\r\n" },
	{ 65536, "10000\r\n" },
	{ INT64_MAX, "7fffffffffffffff\r\n" },
	{ UINT64_MAX, "ffffffffffffffff\r\n" },
};

START_TEST(test_chunk_make)
{
	char *out;
	size_t n;

	out = unit_place("..................", BODY_CHUNK_HEAD_CAP,
	    UNIT_END);
	n = body_chunk_make(out, sizes[_i].len);
	ck_assert_msg(n == strlen(sizes[_i].text) &&
	    memcmp(out, sizes[_i].text, n) == 0, "%s", unit_show(out, n));
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("body");
	tc = unit_case(s, "framing");
	tcase_add_loop_test(tc, test_requests, 0, ROWS(requests));
	tcase_add_loop_test(tc, test_answers, 0, ROWS(answers));
	tc = unit_case(s, "walk");
	tcase_add_loop_test(tc, test_walks, 0, ROWS(walks));
	tcase_add_loop_test(tc, test_done_stays, 0, ROWS(walks));
	tcase_add_loop_test(tc, test_chunk_make, 0, ROWS(sizes));
	return s;
}
