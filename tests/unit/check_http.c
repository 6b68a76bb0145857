/*
 * Tests of http.c: request and answer heads.  Rows of what dockerd reads
 * leniently and we must not are here too; their form of target and framing
 * is judged by target.c and body.c, so those go through all three.
 */

#include "config.h"

#include "unit.h"

#include "body.h"
#include "http.h"
#include "target.h"

typedef enum http_result http_parser(const char *, size_t,
    struct http_head *, size_t *);

#define UNTOUCHED 4711

/* A growing prefix must be MORE until the result comes, and keep it. */
static void
try_prefixes(http_parser *parse, const char *in, size_t len,
    enum http_result want, size_t want_used)
{
	struct http_head head;
	enum http_result got;
	size_t n, used, step;
	bool is_bad;

	step = len / 2000 + 1;
	is_bad = false;
	for (n = 0; n < len; n += n + 40 < len ? step : 1) {
		used = UNTOUCHED;
		got = parse(unit_place(in, n, UNIT_END), n, &head, &used);
		if (want == HTTP_DONE && n >= want_used) {
			ck_assert_msg(got == HTTP_DONE && used == want_used,
			    "prefix %zu: not done: %s", n,
			    unit_show(in, len));
			continue;
		}
		ck_assert_msg(used == UNTOUCHED, "prefix %zu: %s", n,
		    unit_show(in, len));
		ck_assert_msg(got == HTTP_MORE ||
		    (want == HTTP_BAD && got == HTTP_BAD),
		    "prefix %zu: result %d: %s", n, (int)got,
		    unit_show(in, len));
		ck_assert_msg(!is_bad || got == HTTP_BAD,
		    "prefix %zu: bad became %d: %s", n, (int)got,
		    unit_show(in, len));
		is_bad = got == HTTP_BAD;
	}
}

/* Parse in at both kinds of place, and grow it byte by byte. */
static void
try_head(http_parser *parse, const char *in, size_t len,
    enum http_result want, enum reason reason, size_t want_used)
{
	struct http_head head;
	enum http_result got;
	size_t used;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		used = UNTOUCHED;
		got = parse(unit_place(in, len, (enum unit_side)side), len,
		    &head, &used);
		ck_assert_msg(got == want, "result %d (%s), not %d: %s",
		    (int)got, got == HTTP_BAD ?
		    reason_info(head.reason)->word : "-", (int)want,
		    unit_show(in, len));
		ck_assert_msg(got != HTTP_BAD || head.reason == reason,
		    "reason %s, not %s: %s", reason_info(head.reason)->word,
		    reason_info(reason)->word, unit_show(in, len));
		ck_assert_msg(used ==
		    (got == HTTP_DONE ? want_used : (size_t)UNTOUCHED),
		    "used %zu: %s", used, unit_show(in, len));
	}
	try_prefixes(parse, in, len, want, want_used);
}

/* -- request heads -- */

#define LINE "GET /x HTTP/1.1\r\n"
#define HOST "Host: d\r\n"
#define END "\r\n"

static const struct {
	const char	*in;
	size_t		 len;
	size_t		 fields;
	size_t		 behind;	/* bytes of the next message */
} good_requests[] = {
	{ B(LINE HOST END), 1, 0 },
	{ B("POST /v1.41/containers/a/start HTTP/1.1\r\n" HOST
	    "Content-Length: 0\r\n\r\n"), 2, 0 },
	{ B(LINE HOST END "GET /y HTTP/1.1\r\n"), 1, 17 },
	{ B(LINE HOST END "\r\n"), 1, 2 },
	{ B(LINE HOST END "\0"), 1, 1 },
	{ B("GET /x HTTP/1.0\r\n\r\n"), 0, 0 },
	{ B("GET /x HTTP/1.0\r\nHost: d\r\n\r\n"), 1, 0 },
	{ B("get /x HTTP/1.1\r\n" HOST END), 1, 0 },
	{ B("M!#$%&'*+-.^_`|~9 /x HTTP/1.1\r\n" HOST END), 1, 0 },
	{ B(LINE "Host:\r\n\r\n"), 1, 0 },
	{ B(LINE "Host: \r\n\r\n"), 1, 0 },
	{ B(LINE "host: docker\r\n\r\n"), 1, 0 },
	{ B(LINE "HOST: [::1]:2375\r\n\r\n"), 1, 0 },
	{ B(LINE "Host: %2Fvar%2Frun%2Fdocker.sock\r\n\r\n"), 1, 0 },
	{ B(LINE "Host: evil.example\r\n\r\n"), 1, 0 },
	{ B(LINE "Host:d\r\n\r\n"), 1, 0 },
	{ B(LINE "Host:\t d \t\r\n\r\n"), 1, 0 },
	{ B(LINE HOST "X:\r\n\r\n"), 2, 0 },
	{ B(LINE HOST "X: a\tb\r\n\r\n"), 2, 0 },
	{ B(LINE HOST "X: a:b, \"c\"\r\n\r\n"), 2, 0 },
	{ B(LINE HOST "X: \x80\xff\r\n\r\n"), 2, 0 },
	{ B(LINE HOST "X!#$%&'*+-.^_`|~9: v\r\n\r\n"), 2, 0 },
	{ B(LINE HOST "User-Agent: a\r\nUser-Agent: b\r\n\r\n"), 3, 0 },
	{ B(LINE HOST "Expect: 100-continue\r\n\r\n"), 2, 0 },
	{ B(LINE HOST "expect: 100-Continue \r\n\r\n"), 2, 0 },
	{ B(LINE HOST "Content-Type: application/json; charset=\"x\""
	    "\r\n\r\n"), 2, 0 },
	{ B(LINE HOST "Content-Type:\r\n\r\n"), 2, 0 },
	{ B(LINE HOST "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"), 3, 0 },
	{ B(LINE HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), 3, 0 },
};

START_TEST(test_good_requests)
{
	struct http_head head;
	const char *in;
	size_t used, len;

	len = good_requests[_i].len;
	try_head(http_parse_request, good_requests[_i].in, len, HTTP_DONE,
	    REASON_NONE, len - good_requests[_i].behind);
	in = unit_place(good_requests[_i].in, len, UNIT_END);
	ck_assert_int_eq(http_parse_request(in, len, &head, &used),
	    HTTP_DONE);
	ck_assert_msg(head.nfields == good_requests[_i].fields,
	    "%zu fields: %s", head.nfields, unit_show(in, len));
	ck_assert(head.method.p == in);
	ck_assert(head.target.p == in + head.method.len + 1);
	ck_assert(head.minor == (memmem(in, len, "/1.1\r", 5) != NULL));
}
END_TEST

static const struct {
	const char	*in;
	size_t		 len;
	enum reason	 reason;
} bad_requests[] = {
	/* line ends */
	{ B("GET /x HTTP/1.1\nHost: d\r\n\r\n"), REASON_LINE_END },
	{ B(LINE "Host: d\n\r\n"), REASON_LINE_END },
	{ B(LINE HOST "\n"), REASON_LINE_END },
	{ B("GET /x HTTP/1.1\nHost: d\n\n"), REASON_LINE_END },
	{ B(LINE HOST "\r\r\n"), REASON_LINE_END },
	{ B(LINE "Host: d\r\r\n\r\n"), REASON_LINE_END },
	{ B(LINE HOST "X: a\rb\r\n\r\n"), REASON_LINE_END },
	{ B("GET /x HTTP/1.1\r\r\nHost: d\r\n\r\n"), REASON_LINE_END },
	{ B("GET /x HTTP/1.1\rHost: d\r\n\r\n"), REASON_LINE_END },
	/* request line */
	{ B("\r\n" LINE HOST END), REASON_REQUEST_LINE },
	{ B(" " LINE HOST END), REASON_REQUEST_LINE },
	{ B("GET  /x HTTP/1.1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x  HTTP/1.1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET\t/x HTTP/1.1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/1.1 \r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/1.1\t\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET HTTP/1.1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x y HTTP/1.1\r\n" HOST END), REASON_REQUEST_LINE },
	/* method */
	{ B("G(T /x HTTP/1.1\r\n" HOST END), REASON_METHOD },
	{ B("G@T /x HTTP/1.1\r\n" HOST END), REASON_METHOD },
	{ B("GET: /x HTTP/1.1\r\n" HOST END), REASON_METHOD },
	{ B("G\0T /x HTTP/1.1\r\n" HOST END), REASON_METHOD },
	{ B("G\x80T /x HTTP/1.1\r\n" HOST END), REASON_METHOD },
	{ B("\x16\x03\x01\x02 /x HTTP/1.1\r\n" HOST END), REASON_METHOD },
	/* version */
	{ B("GET /x HTTP/1.2\r\n" HOST END), REASON_VERSION },
	{ B("GET /x HTTP/1.9\r\n" HOST END), REASON_VERSION },
	{ B("GET /x HTTP/0.9\r\n" HOST END), REASON_VERSION },
	{ B("GET /x HTTP/2.0\r\n" HOST END), REASON_VERSION },
	{ B("GET /x HTTP/3.0\r\n" HOST END), REASON_VERSION },
	{ B("GET /x HTTP/9.9\r\n" HOST END), REASON_VERSION },
	{ B("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), REASON_VERSION },
	{ B("GET /x http/1.1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/1.\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/01.1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/1.01\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP1.1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/11\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/1,1\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x HTTP/1.x\r\n" HOST END), REASON_REQUEST_LINE },
	{ B("GET /x ICY/1.1\r\n" HOST END), REASON_REQUEST_LINE },
	/* field names */
	{ B(LINE HOST ": v\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE "Host : d\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE "Host\t: d\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE HOST "X Y: v\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE HOST "X\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE HOST "X/Y: v\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE HOST "X\0Y: v\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE HOST "X\x80: v\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE HOST "\"X\": v\r\n\r\n"), REASON_FIELD_NAME },
	{ B(LINE "\xef\xbb\xbfHost: d\r\n\r\n"), REASON_FIELD_NAME },
	/* folding: also with nothing or a field before it */
	{ B(LINE HOST "X: a\r\n b\r\n\r\n"), REASON_FOLD },
	{ B(LINE HOST "X: a\r\n\tb\r\n\r\n"), REASON_FOLD },
	{ B(LINE " " HOST END), REASON_FOLD },
	{ B(LINE HOST " \r\n\r\n"), REASON_FOLD },
	{ B(LINE HOST "Content-Length:\r\n 5\r\n\r\n"), REASON_FOLD },
	/* field values */
	{ B(LINE HOST "X: a\0b\r\n\r\n"), REASON_FIELD_VALUE },
	{ B(LINE HOST "X: a\x7f\r\n\r\n"), REASON_FIELD_VALUE },
	{ B(LINE HOST "X: a\x0b" "b\r\n\r\n"), REASON_FIELD_VALUE },
	{ B(LINE HOST "X: a\x01\r\n\r\n"), REASON_FIELD_VALUE },
	{ B(LINE HOST "X: a\x1f\r\n\r\n"), REASON_FIELD_VALUE },
	/* Host */
	{ B(LINE END), REASON_HOST },
	{ B(LINE "X: d\r\n\r\n"), REASON_HOST },
	{ B(LINE HOST HOST END), REASON_HOST },
	{ B(LINE HOST "hOST: e\r\n\r\n"), REASON_HOST },
	{ B("GET /x HTTP/1.0\r\n" HOST HOST END), REASON_HOST },
	{ B(LINE "Host: a b\r\n\r\n"), REASON_HOST },
	{ B(LINE "Host: a/b\r\n\r\n"), REASON_HOST },
	{ B(LINE "Host: a?b\r\n\r\n"), REASON_HOST },
	{ B(LINE "Host: a#b\r\n\r\n"), REASON_HOST },
	{ B(LINE "Host: u@b\r\n\r\n"), REASON_HOST },
	{ B(LINE "Host: a\\b\r\n\r\n"), REASON_HOST },
	{ B(LINE "Host: \x80\r\n\r\n"), REASON_HOST },
	{ B(LINE "Host: \"a\"\r\n\r\n"), REASON_HOST },
	/* fields that must be single, or have few values */
	{ B(LINE HOST "Content-Type: a/b\r\nContent-type: a/b\r\n\r\n"),
	    REASON_FIELD_TWICE },
	{ B(LINE HOST "Expect: 100-continue\r\nExpect: 100-continue\r\n"
	    "\r\n"), REASON_FIELD_TWICE },
	{ B(LINE HOST "Content-Type: appl\xc4\xb0" "cation/json\r\n\r\n"),
	    REASON_CONTENT_TYPE },
	{ B(LINE HOST "Content-Type: a/b\xa0\r\n\r\n"),
	    REASON_CONTENT_TYPE },
	{ B(LINE HOST "Expect: foo\r\n\r\n"), REASON_EXPECT },
	{ B(LINE HOST "Expect: 200-ok\r\n\r\n"), REASON_EXPECT },
	{ B(LINE HOST "Expect: 100-continue, x\r\n\r\n"), REASON_EXPECT },
	{ B(LINE HOST "Expect:\r\n\r\n"), REASON_EXPECT },
	{ B(LINE HOST "Connection: Upgrade\r\nUpgrade: a b\r\n\r\n"),
	    REASON_UPGRADE },
	{ B(LINE HOST "Connection: Upgrade\r\nUpgrade:\r\n\r\n"),
	    REASON_UPGRADE },
	{ B(LINE HOST "Connection: Upgrade\r\nUpgrade: tcp\r\n"
	    "Upgrade: tcp\r\n\r\n"), REASON_UPGRADE },
};

START_TEST(test_bad_requests)
{
	try_head(http_parse_request, bad_requests[_i].in,
	    bad_requests[_i].len, HTTP_BAD, bad_requests[_i].reason, 0);
}
END_TEST

static const struct {
	const char	*in;
	size_t		 len;
} part_requests[] = {
	{ B("") },
	{ B("G") },
	{ B("GET ") },
	{ B("GET /x HTTP/1.1") },
	{ B("GET /x HTTP/1.1\r") },
	{ B(LINE) },
	{ B(LINE "Host") },
	{ B(LINE HOST) },
	{ B(LINE HOST "\r") },
};

START_TEST(test_part_requests)
{
	try_head(http_parse_request, part_requests[_i].in,
	    part_requests[_i].len, HTTP_MORE, REASON_NONE, 0);
}
END_TEST

/*
 * What dockerd takes and may read differently: refused by one of the three
 * parsers with this status; 0: not refused by any.
 */
static const struct {
	const char	*in;
	size_t		 len;
	int		 status;
} differentials[] = {
	{ B(LINE HOST END), 0 },
	{ B("GET /a\0b HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a\x01" "b HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a\x7f HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a\x0b HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a\tb HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a\x80 HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a?b=\xff HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a#b HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a?b#c HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a\\b HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a\"b HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a?b=\"c HTTP/1.1\r\n" HOST END), 0 },
	{ B("GET http://evil/x HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET foo://x/x HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET http:/x HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET http:///x HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET http:x HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET //host/x HTTP/1.1\r\n" HOST END), 400 },
	{ B("CONNECT d:80 HTTP/1.1\r\n" HOST END), 400 },
	{ B("OPTIONS * HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET ?x HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET x HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a%zz HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a?%zz HTTP/1.1\r\n" HOST END), 400 },
	{ B("GET /a?b?c HTTP/1.1\r\n" HOST END), 0 },
	{ B("GET /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"), 400 },
	{ B("HEAD /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"), 400 },
	{ B("DELETE /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"),
	    400 },
	{ B("GET /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), 0 },
	{ B("GET /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
	    "\r\n"), 400 },
	{ B("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
	    "Content-Length: 5\r\n\r\n"), 400 },
	{ B("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
	    "Content-Length: 6\r\n\r\n"), 400 },
	{ B("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"), 400 },
	{ B("POST /x HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n"
	    "\r\n"), 400 },
	{ B("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n"),
	    501 },
	{ B("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\x0b\r\n"
	    "\r\n"), 400 },
};

START_TEST(test_differentials)
{
	struct http_head head;
	struct target target;
	struct body body;
	enum reason reason;
	const char *in;
	size_t used, len;

	len = differentials[_i].len;
	in = unit_place(differentials[_i].in, len, UNIT_END);
	reason = REASON_NONE;
	if (http_parse_request(in, len, &head, &used) != HTTP_DONE)
		reason = head.reason;
	if (reason == REASON_NONE)
		reason = body_of_request(&head, &body);
	if (reason == REASON_NONE)
		reason = target_parse(head.target, &target);
	ck_assert_msg((reason == REASON_NONE ? 0 :
	    reason_info(reason)->status) == differentials[_i].status,
	    "%s: %s", reason_info(reason)->word, unit_show(in, len));
}
END_TEST

/* -- limits -- */

/* A request whose line (without CR LF) has so many bytes. */
static char *
long_line(size_t line_len, size_t *len)
{
	static const char tail[] = " HTTP/1.1\r\nHost: d\r\n\r\n";
	char *in;

	*len = line_len - 9 + sizeof(tail) - 1;
	in = unit_fill('a', *len);
	memcpy(in, "GET /", 5);
	memcpy(in + line_len - 9, tail, sizeof(tail) - 1);
	return in;
}

START_TEST(test_limit_line)
{
	char *in;
	size_t len;

	in = long_line(BOUNDS_REQUEST_LINE_CAP, &len);
	try_head(http_parse_request, in, len, HTTP_DONE, REASON_NONE, len);
	free(in);
	in = long_line(BOUNDS_REQUEST_LINE_CAP + 1, &len);
	try_head(http_parse_request, in, len, HTTP_BAD, REASON_LINE_LONG, 0);
	/* Nobody waits for the end of a line that is too long already. */
	in[BOUNDS_REQUEST_LINE_CAP - 8] = 'b';
	try_head(http_parse_request, in, BOUNDS_REQUEST_LINE_CAP - 100,
	    HTTP_MORE, REASON_NONE, 0);
	memset(in + 5, 'a', len - 5);
	try_head(http_parse_request, in, BOUNDS_REQUEST_LINE_CAP + 3,
	    HTTP_BAD, REASON_LINE_LONG, 0);
	free(in);
}
END_TEST

/* It is the line that is told, also where the head is too large as well. */
START_TEST(test_limit_both)
{
	char *in;
	size_t len;

	in = long_line(BOUNDS_HEAD_CAP + 100, &len);
	try_head(http_parse_request, in, len, HTTP_BAD, REASON_LINE_LONG, 0);
	free(in);
}
END_TEST

/* A head of so many bytes, padded by one field. */
static char *
long_head(const char *start, size_t len)
{
	char *in;

	in = unit_fill('a', len);
	memcpy(in, start, strlen(start));
	memcpy(in + len - 4, "\r\n\r\n", 4);
	return in;
}

static const struct {
	http_parser	*parse;
	const char	*start;
} heads[] = {
	{ http_parse_request, LINE HOST "X: " },
	{ http_parse_answer, "HTTP/1.1 200 OK\r\nX: " },
};

START_TEST(test_limit_head)
{
	char *in;

	in = long_head(heads[_i].start, BOUNDS_HEAD_CAP);
	try_head(heads[_i].parse, in, BOUNDS_HEAD_CAP, HTTP_DONE,
	    REASON_NONE, BOUNDS_HEAD_CAP);
	free(in);
	in = long_head(heads[_i].start, BOUNDS_HEAD_CAP + 1);
	try_head(heads[_i].parse, in, BOUNDS_HEAD_CAP + 1, HTTP_BAD,
	    REASON_HEAD_LONG, 0);
	/* A full buffer without the end of the head can only be too long. */
	try_head(heads[_i].parse, in, BOUNDS_HEAD_CAP, HTTP_BAD,
	    REASON_HEAD_LONG, 0);
	free(in);
}
END_TEST

/* A head with so many field lines, Host included. */
static size_t
many_fields(char *in, const char *start, size_t nfields)
{
	size_t len;

	len = strlen(start);
	memcpy(in, start, len);
	for (; nfields > 0; nfields--) {
		memcpy(in + len, "X: y\r\n", 6);
		len += 6;
	}
	memcpy(in + len, "\r\n", 2);
	return len + 2;
}

START_TEST(test_limit_fields)
{
	char in[8 * BOUNDS_FIELD_CAP];
	size_t len;

	len = many_fields(in, LINE HOST, BOUNDS_FIELD_CAP - 1);
	try_head(http_parse_request, in, len, HTTP_DONE, REASON_NONE, len);
	len = many_fields(in, LINE HOST, BOUNDS_FIELD_CAP);
	try_head(http_parse_request, in, len, HTTP_BAD, REASON_FIELD_COUNT,
	    0);
	len = many_fields(in, "HTTP/1.1 200 OK\r\n", BOUNDS_FIELD_CAP);
	try_head(http_parse_answer, in, len, HTTP_DONE, REASON_NONE, len);
	len = many_fields(in, "HTTP/1.1 200 OK\r\n", BOUNDS_FIELD_CAP + 1);
	try_head(http_parse_answer, in, len, HTTP_BAD, REASON_FIELD_COUNT,
	    0);
}
END_TEST

/* -- answer heads -- */

static const struct {
	const char	*in;
	size_t		 len;
	int		 status;
	int		 minor;
	const char	*phrase;
	size_t		 fields;
	size_t		 behind;
} good_answers[] = {
	{ B("HTTP/1.1 200 OK\r\n\r\n"), 200, 1, "OK", 0, 0 },
	{ B("HTTP/1.0 404 Not Found\r\nX: y\r\n\r\n"), 404, 0, "Not Found",
	    1, 0 },
	{ B("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n"
	    "Upgrade: tcp\r\n\r\n\x01\0"), 101, 1, "UPGRADED", 2, 2 },
	{ B("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), 100, 1,
	    "Continue", 0, 19 },
	{ B("HTTP/1.1 204 \r\n\r\n"), 204, 1, "", 0, 0 },
	{ B("HTTP/1.1 599 x\r\n\r\n"), 599, 1, "x", 0, 0 },
	{ B("HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Length: 5\r\n"
	    "\r\nhello"), 200, 1, "OK", 2, 5 },
};

START_TEST(test_good_answers)
{
	struct http_head head;
	const char *in;
	size_t used, len;

	len = good_answers[_i].len;
	try_head(http_parse_answer, good_answers[_i].in, len, HTTP_DONE,
	    REASON_NONE, len - good_answers[_i].behind);
	in = unit_place(good_answers[_i].in, len, UNIT_END);
	ck_assert_int_eq(http_parse_answer(in, len, &head, &used),
	    HTTP_DONE);
	ck_assert_int_eq(head.status, good_answers[_i].status);
	ck_assert_int_eq(head.minor, good_answers[_i].minor);
	ck_assert_msg(span_eq(head.phrase,
	    span_of(good_answers[_i].phrase)), "phrase %s",
	    unit_show(head.phrase.p, head.phrase.len));
	ck_assert_uint_eq(head.nfields, good_answers[_i].fields);
}
END_TEST

/* Any reason will do: the client gets 502 whatever it is. */
static const struct {
	const char	*in;
	size_t		 len;
} bad_answers[] = {
	{ B("HTTP/1.1 099 x\r\n\r\n") },
	{ B("HTTP/1.1 600 x\r\n\r\n") },
	{ B("HTTP/1.1 000 x\r\n\r\n") },
	{ B("HTTP/1.1 20 x\r\n\r\n") },
	{ B("HTTP/1.1 2000 x\r\n\r\n") },
	{ B("HTTP/1.1 +20 x\r\n\r\n") },
	{ B("HTTP/1.1 2x0 x\r\n\r\n") },
	{ B("HTTP/1.1  200 OK\r\n\r\n") },
	{ B("HTTP/1.1\t200 OK\r\n\r\n") },
	{ B("HTTP/1.1\r\n\r\n") },
	{ B("HTTP/2.0 200 OK\r\n\r\n") },
	{ B("HTTP/1.2 200 OK\r\n\r\n") },
	{ B("HTTP/0.9 200 OK\r\n\r\n") },
	{ B("http/1.1 200 OK\r\n\r\n") },
	{ B("ICY 200 OK\r\n\r\n") },
	{ B(" HTTP/1.1 200 OK\r\n\r\n") },
	{ B("\r\nHTTP/1.1 200 OK\r\n\r\n") },
	{ B("<html>\r\n\r\n") },
	{ B("GET / HTTP/1.1\r\n\r\n") },
	{ B("HTTP/1.1 200 OK\n\r\n") },
	{ B("HTTP/1.1 200 OK\n\n") },
	{ B("HTTP/1.1 200 OK\r\n\n") },
	{ B("HTTP/1.1 200 O\rK\r\n\r\n") },
	{ B("HTTP/1.1 200 O\0K\r\n\r\n") },
	{ B("HTTP/1.1 200 OK\r\n X: y\r\n\r\n") },
	{ B("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n") },
	{ B("HTTP/1.1 200 OK\r\nX : y\r\n\r\n") },
	{ B("HTTP/1.1 200 OK\r\n: y\r\n\r\n") },
	{ B("HTTP/1.1 200 OK\r\nX\r\n\r\n") },
	{ B("HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n") },
	{ B("HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n") },
};

START_TEST(test_bad_answers)
{
	struct http_head head;
	const char *in;
	size_t used, len;
	int side;

	len = bad_answers[_i].len;
	for (side = 0; side < UNIT_SIDES; side++) {
		in = unit_place(bad_answers[_i].in, len,
		    (enum unit_side)side);
		used = UNTOUCHED;
		ck_assert_msg(http_parse_answer(in, len, &head, &used) ==
		    HTTP_BAD, "%s", unit_show(in, len));
		ck_assert_uint_eq(used, UNTOUCHED);
		ck_assert(head.reason != REASON_NONE);
	}
	try_prefixes(http_parse_answer, bad_answers[_i].in, len, HTTP_BAD,
	    0);
}
END_TEST

/* -- looking into a head -- */

static void
parse_fields(struct http_head *head, int minor, const char *fields)
{
	static char in[1024];
	size_t used;
	int len;

	len = snprintf(in, sizeof(in), "GET /x HTTP/1.%d\r\nHost: d\r\n%s"
	    "\r\n", minor, fields);
	ck_assert(len > 0 && (size_t)len < sizeof(in));
	ck_assert_msg(http_parse_request(unit_place(in, (size_t)len,
	    UNIT_END), (size_t)len, head, &used) == HTTP_DONE, "%s", fields);
}

static const struct {
	int		 minor;
	const char	*fields;
	bool		 wants_close;
	bool		 wants_upgrade;
} wants[] = {
	{ 1, "", false, false },
	{ 0, "", true, false },
	{ 1, "Connection: close\r\n", true, false },
	{ 1, "connection: CLOSE\r\n", true, false },
	{ 1, "Connection: x, CLOSE\r\n", true, false },
	{ 1, "Connection: x ,\tclose ,y\r\n", true, false },
	{ 1, "Connection: keep-alive\r\nConnection: close\r\n", true,
	    false },
	{ 1, "Connection: keep-alive\r\n", false, false },
	{ 1, "Connection: closed\r\n", false, false },
	{ 1, "Connection: x-close\r\n", false, false },
	{ 1, "Connection: \"close\"\r\n", false, false },
	{ 1, "Connection: clo se\r\n", false, false },
	{ 1, "Connection:\r\n", false, false },
	{ 1, "Connection: ,,\r\n", false, false },
	{ 1, "X-Connection: close\r\n", false, false },
	{ 0, "Connection: keep-alive\r\n", false, false },
	{ 0, "Connection: Keep-Alive\r\n", false, false },
	{ 0, "Connection: keep-alive, close\r\n", true, false },
	{ 0, "Connection: x\r\n", true, false },
	{ 1, "Connection: Upgrade\r\nUpgrade: tcp\r\n", false, true },
	{ 1, "Connection: keep-alive, upgrade\r\nUpgrade: h2c\r\n", false,
	    true },
	{ 1, "Upgrade: tcp\r\nConnection: x\r\nConnection: UPGRADE\r\n",
	    false, true },
	{ 1, "Connection: Upgrade, close\r\nUpgrade: tcp\r\n", true, true },
	{ 1, "Connection: Upgrade\r\n", false, false },
	{ 1, "Upgrade: tcp\r\n", false, false },
	{ 1, "Connection: upgrades\r\nUpgrade: tcp\r\n", false, false },
	{ 0, "Connection: Upgrade\r\nUpgrade: tcp\r\n", true, false },
};

START_TEST(test_wants)
{
	struct http_head head;

	parse_fields(&head, wants[_i].minor, wants[_i].fields);
	ck_assert_msg(http_wants_close(&head) == wants[_i].wants_close,
	    "close: HTTP/1.%d %s", wants[_i].minor,
	    unit_show(wants[_i].fields, strlen(wants[_i].fields)));
	ck_assert_msg(http_wants_upgrade(&head) == wants[_i].wants_upgrade,
	    "upgrade: HTTP/1.%d %s", wants[_i].minor,
	    unit_show(wants[_i].fields, strlen(wants[_i].fields)));
}
END_TEST

START_TEST(test_lookup)
{
	struct http_head head;

	parse_fields(&head, 1, "Accept: a, b\r\naccept:\t c \r\n"
	    "Accept-Encoding: d\r\nX-Empty:\r\n");
	ck_assert(span_eq(http_field(&head, SPAN("ACCEPT")), SPAN("a, b")));
	ck_assert(span_eq(http_field(&head, SPAN("accept-encoding")),
	    SPAN("d")));
	ck_assert(span_eq(http_field(&head, SPAN("x-empty")), SPAN("")));
	ck_assert(http_field(&head, SPAN("x-empty")).p != NULL);
	ck_assert(http_field(&head, SPAN("accep")).p == NULL);
	ck_assert(http_field(&head, SPAN("")).p == NULL);
	ck_assert_uint_eq(http_count(&head, SPAN("Accept")), 2);
	ck_assert_uint_eq(http_count(&head, SPAN("x-empty")), 1);
	ck_assert_uint_eq(http_count(&head, SPAN("no")), 0);
	ck_assert(http_lists(&head, SPAN("accept"), SPAN("A")));
	ck_assert(http_lists(&head, SPAN("accept"), SPAN("b")));
	ck_assert(http_lists(&head, SPAN("accept"), SPAN("c")));
	ck_assert(!http_lists(&head, SPAN("accept"), SPAN("d")));
	ck_assert(!http_lists(&head, SPAN("no"), SPAN("a")));
	/* Blanks at the ends of a value are cut. */
	ck_assert(span_eq(head.fields[2].value, SPAN("c")));
}
END_TEST

START_TEST(test_token)
{
	static const char bad[] = "()<>@,;:\\\"/[]?={} \t";
	char name[3];
	int c;

	for (c = 0; c < 256; c++) {
		memcpy(name, "aaa", 3);
		name[1] = (char)c;
		ck_assert_msg(http_is_token((struct span){ name, 3 }) ==
		    (c > ' ' && c < 0x7f &&
		    memchr(bad, c, sizeof(bad) - 1) == NULL), "byte %d", c);
	}
	ck_assert(!http_is_token(SPAN("")));
	ck_assert(http_is_token(SPAN("a")));
	ck_assert(!http_is_token(SPAN("a ")));
	ck_assert(!http_is_token(SPAN(" a")));
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("http");
	tc = unit_case(s, "request");
	tcase_add_loop_test(tc, test_good_requests, 0, ROWS(good_requests));
	tcase_add_loop_test(tc, test_bad_requests, 0, ROWS(bad_requests));
	tcase_add_loop_test(tc, test_part_requests, 0, ROWS(part_requests));
	tcase_add_loop_test(tc, test_differentials, 0, ROWS(differentials));
	tc = unit_case(s, "limits");
	tcase_add_test(tc, test_limit_line);
	tcase_add_test(tc, test_limit_both);
	tcase_add_loop_test(tc, test_limit_head, 0, ROWS(heads));
	tcase_add_test(tc, test_limit_fields);
	tc = unit_case(s, "answer");
	tcase_add_loop_test(tc, test_good_answers, 0, ROWS(good_answers));
	tcase_add_loop_test(tc, test_bad_answers, 0, ROWS(bad_answers));
	tc = unit_case(s, "fields");
	tcase_add_loop_test(tc, test_wants, 0, ROWS(wants));
	tcase_add_test(tc, test_lookup);
	tcase_add_test(tc, test_token);
	return s;
}
