/* Tests of target.c: the canonical request target. */

#include "config.h"

#include "unit.h"

#include "bounds.h"
#include "target.h"

static const struct {
	const char	*in;
	size_t		 len;
	size_t		 path_len;	/* 0: all of it */
	int		 api_minor;	/* -1: no version in front */
	bool		 has_slash_escape;
	enum target_route route;
} good[] = {
	{ B("/_ping"), 0, -1, false, TARGET_PLAIN },
	{ B("/v1.41/_ping"), 0, 41, false, TARGET_PLAIN },
	{ B("/containers/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/v1.41/containers/json"), 0, 41, false, TARGET_PLAIN },
	{ B("/v1.41/containers/json?all=1"), 22, 41, false, TARGET_PLAIN },
	{ B("/v1.0/version"), 0, 0, false, TARGET_PLAIN },
	{ B("/v1.9/version"), 0, 9, false, TARGET_PLAIN },
	{ B("/v1.10/version"), 0, 10, false, TARGET_PLAIN },
	{ B("/v1.100/version"), 0, 100, false, TARGET_PLAIN },
	{ B("/v1.41/a?"), 8, 41, false, TARGET_PLAIN },
	{ B("/v1.41/a??"), 8, 41, false, TARGET_PLAIN },
	{ B("/v1.41/a?b?c=/../d//e"), 8, 41, false, TARGET_PLAIN },
	/* only digits and dots behind the v make a version */
	{ B("/v/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/v1.41x/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/V1.41/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/x1.41/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/containers/v1/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/volumes/v01.1"), 0, -1, false, TARGET_PLAIN },
	{ B("/v1.41/v1.041/json"), 0, 41, false, TARGET_PLAIN },
	/* podman */
	{ B("/libpod/v1.041/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/v4.0.0/libpod/containers/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/v5.10.0/libpod/info"), 0, -1, false, TARGET_PLAIN },
	{ B("/v1.41/libpod/info"), 0, 41, false, TARGET_PLAIN },
	{ B("/libpod/info"), 0, -1, false, TARGET_PLAIN },
	/* bytes */
	{ B("/a!$&'()*+,-.:;=@_~Z9"), 0, -1, false, TARGET_PLAIN },
	{ B("/images/alpine:3.19/json"), 0, -1, false, TARGET_PLAIN },
	{ B("/images/r.example:5000/a/b@sha256:ab/json"), 0, -1, false,
	    TARGET_PLAIN },
	{ B("/a/...") , 0, -1, false, TARGET_PLAIN },
	{ B("/a/.b"), 0, -1, false, TARGET_PLAIN },
	{ B("/a/b."), 0, -1, false, TARGET_PLAIN },
	{ B("/a/..b/b.."), 0, -1, false, TARGET_PLAIN },
	{ B("/a?\"<>{}[]|^`"), 2, -1, false, TARGET_PLAIN },
	{ B("/a?!$&'()*+,-./:=@_~?"), 2, -1, false, TARGET_PLAIN },
	/* escapes */
	{ B("/a%20b"), 0, -1, false, TARGET_PLAIN },
	{ B("/a%3Ab"), 0, -1, false, TARGET_PLAIN },
	{ B("/a%3ab"), 0, -1, false, TARGET_PLAIN },
	{ B("/a%C3%A9"), 0, -1, false, TARGET_PLAIN },
	{ B("/a%80"), 0, -1, false, TARGET_PLAIN },
	{ B("/a%22%3C%3E%5B%7B%7C%60%5E"), 0, -1, false, TARGET_PLAIN },
	{ B("/a?b=%41%2e%2F%25%0A%7f%5c%3F%23"), 2, -1, false,
	    TARGET_PLAIN },
	{ B("/a?filters=%7B%22type%22%3A%7B%22container%22%3Atrue%7D%7D"),
	    2, -1, false, TARGET_PLAIN },
	{ B("/a?b=%01"), 2, -1, false, TARGET_PLAIN },
	{ B("/images/lib%2Fa/json"), 0, -1, true, TARGET_PLAIN },
	{ B("/images/lib%2fa/json"), 0, -1, true, TARGET_PLAIN },
	{ B("/v1.41/images/x?y=%2F"), 15, 41, false, TARGET_PLAIN },
	{ B("/v1.41%2Fcontainers%2Fjson"), 0, 41, true, TARGET_PLAIN },
	/* routes, as dockerd finds them: slashes belong to a name */
	{ B("/containers/c/attach"), 0, -1, false, TARGET_ATTACH },
	{ B("/v1.41/containers/c/attach?stream=1"), 26, 41, false,
	    TARGET_ATTACH },
	{ B("/v1.41/containers/a/b/attach"), 0, 41, false, TARGET_ATTACH },
	{ B("/v1.41/containers/c%2Fattach"), 0, 41, true, TARGET_ATTACH },
	{ B("/v1.41/containers%2Fc/attach"), 0, 41, true, TARGET_ATTACH },
	{ B("/v1.41/containers/c/attach/ws"), 0, 41, false,
	    TARGET_ATTACH_WS },
	{ B("/containers/a/b/attach/ws?stdin=1"), 25, -1, false,
	    TARGET_ATTACH_WS },
	{ B("/v1.41/containers/c/attach%2Fws"), 0, 41, true,
	    TARGET_ATTACH_WS },
	{ B("/v1.41/containers/c%2fattach%2fws"), 0, 41, true,
	    TARGET_ATTACH_WS },
	{ B("/v1.41/containers/attach/attach"), 0, 41, false,
	    TARGET_ATTACH },
	{ B("/v1.41/containers/c/attach/ws/x"), 0, 41, false,
	    TARGET_PLAIN },
	{ B("/v1.41/containers/c/attach/wss"), 0, 41, false,
	    TARGET_PLAIN },
	{ B("/v1.41/containers/c/xattach"), 0, 41, false, TARGET_PLAIN },
	{ B("/v1.41/containers/c/Attach"), 0, 41, false, TARGET_PLAIN },
	{ B("/v1.41/images/c/attach"), 0, 41, false, TARGET_PLAIN },
	{ B("/exec/e/start"), 0, -1, false, TARGET_EXEC_START },
	{ B("/v1.41/exec/e/start"), 0, 41, false, TARGET_EXEC_START },
	{ B("/v1.41/exec/e%2Fstart"), 0, 41, true, TARGET_EXEC_START },
	{ B("/v1.41/exec/e/json"), 0, 41, false, TARGET_PLAIN },
	{ B("/containers/c/start"), 0, -1, false, TARGET_START },
	{ B("/v1.23/containers/c/start"), 0, 23, false, TARGET_START },
	{ B("/v1.41/containers/c/start?detachKeys=x"), 25, 41, false,
	    TARGET_START },
	{ B("/v1.41/containers/a/b/start"), 0, 41, false, TARGET_START },
	{ B("/v1.41/containers/c%2Fstart"), 0, 41, true, TARGET_START },
	{ B("/v1.41%2Fcontainers/c/start"), 0, 41, true, TARGET_START },
	{ B("/v1.41/containers/c/restart"), 0, 41, false, TARGET_PLAIN },
	{ B("/v1.41/a?/containers/c/start"), 8, 41, false, TARGET_PLAIN },
	{ B("/session"), 0, -1, false, TARGET_H2C },
	{ B("/v1.41/session"), 0, 41, false, TARGET_H2C },
	{ B("/grpc"), 0, -1, false, TARGET_H2C },
	{ B("/v1.41/grpc?x=y"), 11, 41, false, TARGET_H2C },
	{ B("/v1.41/grpc/x"), 0, 41, false, TARGET_PLAIN },
	{ B("/v1.41/sessions"), 0, 41, false, TARGET_PLAIN },
	{ B("/v1.41/x/session"), 0, 41, false, TARGET_PLAIN },
};

static void
check_good(const struct target *t, struct span in, int i)
{
	size_t path_len;

	path_len = good[i].path_len == 0 ? in.len : good[i].path_len;
	ck_assert_msg(t->whole.p == in.p && t->whole.len == in.len,
	    "whole: %s", good[i].in);
	ck_assert_msg(t->path.p == in.p && t->path.len == path_len,
	    "path: %s: %s", good[i].in, unit_show(t->path.p, t->path.len));
	ck_assert_msg(t->has_version == (good[i].api_minor >= 0),
	    "has_version: %s", good[i].in);
	if (t->has_version)
		ck_assert_msg(t->api_minor == (unsigned)good[i].api_minor,
		    "api_minor %u: %s", t->api_minor, good[i].in);
	ck_assert_msg(t->has_slash_escape == good[i].has_slash_escape,
	    "has_slash_escape: %s", good[i].in);
	ck_assert_msg(t->route == good[i].route, "route %d: %s",
	    (int)t->route, good[i].in);
}

START_TEST(test_good)
{
	struct target t;
	struct span in;
	enum reason reason;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		in = unit_span(good[_i].in, good[_i].len,
		    (enum unit_side)side);
		memset(&t, 0x55, sizeof(t));
		reason = target_parse(in, &t);
		ck_assert_msg(reason == REASON_NONE, "%s: %s",
		    reason_info(reason)->word, good[_i].in);
		check_good(&t, in, _i);
	}
}
END_TEST

/* Whether answers may be long or without end, by the last segment. */
static const struct {
	const char	*in;
	bool		 is_stream;
} streams[] = {
	{ "/events", true },
	{ "/v1.41/events?since=1", true },
	{ "/v1.41/containers/c/logs?follow=1", true },
	{ "/v1.41/containers/c/stats", true },
	{ "/v1.41/containers/c/attach", true },
	{ "/v1.41/containers/c/attach/ws", true },
	{ "/v1.41/containers/c/archive?path=/etc", true },
	{ "/v1.41/containers/c/export", true },
	{ "/v1.41/images/get?names=a", true },
	{ "/v1.41/images/a/get", true },
	{ "/v1.41/services/s/logs", true },
	{ "/v1.41/tasks/t/logs", true },
	{ "/libpod/events", true },
	{ "/v4.0.0/libpod/containers/c/logs", true },
	/* an escaped slash ends a segment as well */
	{ "/v1.41/containers/c%2Flogs", true },
	{ "/v1.41/containers%2fc%2fattach%2fws", true },
	{ "/v1.41/images/r%2Fa/get", true },
	/* names in the way cost a kept connection, and nothing else */
	{ "/v1.41/containers/logs/logs", true },
	{ "/v1.41/volumes/events", true },
	{ "/_ping", false },
	{ "/version", false },
	{ "/v1.41/info", false },
	{ "/v1.41/containers/json", false },
	{ "/v1.41/containers/c/json", false },
	{ "/v1.41/containers/c/top", false },
	{ "/v1.41/containers/logs/json", false },
	{ "/v1.41/containers/attach/changes", false },
	{ "/v1.41/images/json?filters=events", false },
	{ "/v1.41/images/json?a=/c/logs", false },
	{ "/v1.41/images/get/json", false },
	{ "/v1.41/eventss", false },
	{ "/v1.41/xevents", false },
	{ "/v1.41/event", false },
	{ "/v1.41/Events", false },
	{ "/v1.41/containers/c/logs/x", false },
	{ "/v1.41/containers/c%2Flogs%2Fx", false },
	{ "/libpod", false },
};

START_TEST(test_stream)
{
	struct target t;
	size_t len;

	memset(&t, 0x55, sizeof(t));
	len = strlen(streams[_i].in);
	ck_assert_int_eq(target_parse(unit_span(streams[_i].in, len,
	    UNIT_END), &t), REASON_NONE);
	ck_assert_msg(t.is_stream == streams[_i].is_stream, "%s",
	    streams[_i].in);
}
END_TEST

static const struct {
	const char	*in;
	size_t		 len;
	enum reason	 reason;
} bad[] = {
	/* form */
	{ B(""), REASON_TARGET_FORM },
	{ B("*"), REASON_TARGET_FORM },
	{ B("x"), REASON_TARGET_FORM },
	{ B("?x"), REASON_TARGET_FORM },
	{ B("http://d/x"), REASON_TARGET_FORM },
	{ B("HTTP://d/x"), REASON_TARGET_FORM },
	{ B("http:/x"), REASON_TARGET_FORM },
	{ B("foo://x/containers/json"), REASON_TARGET_FORM },
	{ B("d:2375"), REASON_TARGET_FORM },
	{ B("%2Fx"), REASON_TARGET_FORM },
	/* bytes */
	{ B("/a\0"), REASON_TARGET_BYTE },
	{ B("/a\0b"), REASON_TARGET_BYTE },
	{ B("/a\x01"), REASON_TARGET_BYTE },
	{ B("/a\n"), REASON_TARGET_BYTE },
	{ B("/a\r\n"), REASON_TARGET_BYTE },
	{ B("/a\tb"), REASON_TARGET_BYTE },
	{ B("/a b"), REASON_TARGET_BYTE },
	{ B("/a\x1b"), REASON_TARGET_BYTE },
	{ B("/a\x7f"), REASON_TARGET_BYTE },
	{ B("/a\x80"), REASON_TARGET_BYTE },
	{ B("/a\xff"), REASON_TARGET_BYTE },
	{ B("/\xc0\xaf"), REASON_TARGET_BYTE },
	{ B("/a#"), REASON_TARGET_BYTE },
	{ B("/a#b"), REASON_TARGET_BYTE },
	{ B("/a\\b"), REASON_TARGET_BYTE },
	{ B("/a\"b"), REASON_TARGET_BYTE },
	{ B("/a<b"), REASON_TARGET_BYTE },
	{ B("/a>b"), REASON_TARGET_BYTE },
	{ B("/a^b"), REASON_TARGET_BYTE },
	{ B("/a`b"), REASON_TARGET_BYTE },
	{ B("/a{b"), REASON_TARGET_BYTE },
	{ B("/a|b"), REASON_TARGET_BYTE },
	{ B("/a}b"), REASON_TARGET_BYTE },
	{ B("/a[b"), REASON_TARGET_BYTE },
	{ B("/a]b"), REASON_TARGET_BYTE },
	{ B("/a?b#"), REASON_TARGET_BYTE },
	{ B("/a?b\\"), REASON_TARGET_BYTE },
	{ B("/a?b c"), REASON_TARGET_BYTE },
	{ B("/a?b\0"), REASON_TARGET_BYTE },
	{ B("/a?b\n"), REASON_TARGET_BYTE },
	{ B("/a?b\x7f"), REASON_TARGET_BYTE },
	{ B("/a?b\x80"), REASON_TARGET_BYTE },
	{ B("/a?b;c"), REASON_TARGET_BYTE },
	/* segments */
	{ B("//"), REASON_TARGET_SEGMENT },
	{ B("//host/x"), REASON_TARGET_SEGMENT },
	{ B("/a//b"), REASON_TARGET_SEGMENT },
	{ B("/a/"), REASON_TARGET_SEGMENT },
	{ B("/a/?b"), REASON_TARGET_SEGMENT },
	{ B("/."), REASON_TARGET_SEGMENT },
	{ B("/.."), REASON_TARGET_SEGMENT },
	{ B("/./a"), REASON_TARGET_SEGMENT },
	{ B("/a/.?b"), REASON_TARGET_SEGMENT },
	{ B("/a/../b"), REASON_TARGET_SEGMENT },
	{ B("/a/.."), REASON_TARGET_SEGMENT },
	{ B("/v1.41/containers/c/json/../export"), REASON_TARGET_SEGMENT },
	{ B("/a%2F/b"), REASON_TARGET_SEGMENT },
	{ B("/a/%2Fb"), REASON_TARGET_SEGMENT },
	{ B("/%2Fb"), REASON_TARGET_SEGMENT },
	{ B("/a%2F"), REASON_TARGET_SEGMENT },
	{ B("/a%2f%2fb"), REASON_TARGET_SEGMENT },
	{ B("/a%2F..%2Fb"), REASON_TARGET_SEGMENT },
	{ B("/a%2F../b"), REASON_TARGET_SEGMENT },
	{ B("/a/..%2fb"), REASON_TARGET_SEGMENT },
	{ B("/a/.%2fb"), REASON_TARGET_SEGMENT },
	{ B("/..%2f"), REASON_TARGET_SEGMENT },
	/* escapes */
	{ B("/a%"), REASON_TARGET_ESCAPE },
	{ B("/a%4"), REASON_TARGET_ESCAPE },
	{ B("/a%zz"), REASON_TARGET_ESCAPE },
	{ B("/a%4g"), REASON_TARGET_ESCAPE },
	{ B("/a%u0041"), REASON_TARGET_ESCAPE },
	{ B("/a% 20"), REASON_TARGET_BYTE },
	{ B("/a%?20"), REASON_TARGET_ESCAPE },
	{ B("/a%2?b"), REASON_TARGET_ESCAPE },
	{ B("/%61"), REASON_TARGET_ESCAPE },
	{ B("/%5A"), REASON_TARGET_ESCAPE },
	{ B("/%30"), REASON_TARGET_ESCAPE },
	{ B("/%2D"), REASON_TARGET_ESCAPE },
	{ B("/a/%2e%2e/b"), REASON_TARGET_ESCAPE },
	{ B("/a/.%2E/b"), REASON_TARGET_ESCAPE },
	{ B("/%5f"), REASON_TARGET_ESCAPE },
	{ B("/%7E"), REASON_TARGET_ESCAPE },
	{ B("/%76%31.41/containers/json"), REASON_TARGET_ESCAPE },
	{ B("/v1.4%31/containers/json"), REASON_TARGET_ESCAPE },
	{ B("/v1%2E41/containers/json"), REASON_TARGET_ESCAPE },
	{ B("/a%5C"), REASON_TARGET_ESCAPE },
	{ B("/a%5cb"), REASON_TARGET_ESCAPE },
	{ B("/a%25"), REASON_TARGET_ESCAPE },
	{ B("/a%252e"), REASON_TARGET_ESCAPE },
	{ B("/a%252F"), REASON_TARGET_ESCAPE },
	{ B("/a%3Fb"), REASON_TARGET_ESCAPE },
	{ B("/a%23b"), REASON_TARGET_ESCAPE },
	{ B("/a%00"), REASON_TARGET_ESCAPE },
	{ B("/a%0a"), REASON_TARGET_ESCAPE },
	{ B("/a%0D%0A"), REASON_TARGET_ESCAPE },
	{ B("/a%1f"), REASON_TARGET_ESCAPE },
	{ B("/a%7F"), REASON_TARGET_ESCAPE },
	{ B("/a?b=%"), REASON_TARGET_ESCAPE },
	{ B("/a?b=%4"), REASON_TARGET_ESCAPE },
	{ B("/a?b=%zz"), REASON_TARGET_ESCAPE },
	{ B("/a?b=%00"), REASON_TARGET_ESCAPE },
	{ B("/a?%00=b"), REASON_TARGET_ESCAPE },
	/* API version */
	{ B("/v1"), REASON_TARGET_VERSION },
	{ B("/v1/containers/json"), REASON_TARGET_VERSION },
	{ B("/v1./containers/json"), REASON_TARGET_VERSION },
	{ B("/v1.41./containers/json"), REASON_TARGET_VERSION },
	{ B("/v1.41../containers/json"), REASON_TARGET_VERSION },
	{ B("/v1.41.0/containers/json"), REASON_TARGET_VERSION },
	{ B("/v1.41.1.1/libpod/info"), REASON_TARGET_VERSION },
	{ B("/v1.2.3.4.5.6.7.8.9.1.2.3.4.5.6.7.8.9.1.2.3.4.5.6.7.8.9/a"),
	    REASON_TARGET_VERSION },
	{ B("/v01.41/containers/json"), REASON_TARGET_VERSION },
	{ B("/v1.041/containers/json"), REASON_TARGET_VERSION },
	{ B("/v1.00/containers/json"), REASON_TARGET_VERSION },
	{ B("/v0001.0041/containers/json"), REASON_TARGET_VERSION },
	{ B("/v.1.41/containers/json"), REASON_TARGET_VERSION },
	{ B("/v1..41/containers/json"), REASON_TARGET_VERSION },
	{ B("/v...../containers/json"), REASON_TARGET_VERSION },
	{ B("/v2.0/containers/json"), REASON_TARGET_VERSION },
	{ B("/v0.41/containers/json"), REASON_TARGET_VERSION },
	{ B("/v11.41/containers/json"), REASON_TARGET_VERSION },
	{ B("/v1.41.%2Fcontainers%2Fjson"), REASON_TARGET_VERSION },
	{ B("/v1.041%2Fcontainers/json"), REASON_TARGET_VERSION },
	{ B("/v1.041?x"), REASON_TARGET_VERSION },
	{ B("/v1.99999999999999999999/json"), REASON_TARGET_VERSION },
	{ B("/v1.4294967337/containers/c/start"), REASON_TARGET_VERSION },
	{ B("/v4.0.0/containers/json"), REASON_TARGET_VERSION },
	{ B("/v4.0.0/libpodx/json"), REASON_TARGET_VERSION },
	{ B("/v4.0.0"), REASON_TARGET_VERSION },
	{ B("/v4.0/libpod/info"), REASON_TARGET_VERSION },
	{ B("/v04.0.0/libpod/info"), REASON_TARGET_VERSION },
	{ B("/v4.00.0/libpod/info"), REASON_TARGET_VERSION },
	{ B("/v4.0.0./libpod/info"), REASON_TARGET_VERSION },
	{ B("/v4..0/libpod/info"), REASON_TARGET_VERSION },
};

START_TEST(test_bad)
{
	struct target t;
	struct span in;
	enum reason reason;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		in = unit_span(bad[_i].in, bad[_i].len,
		    (enum unit_side)side);
		reason = target_parse(in, &t);
		ck_assert_msg(reason == bad[_i].reason, "%s, not %s: %s",
		    reason_info(reason)->word,
		    reason_info(bad[_i].reason)->word,
		    unit_show(in.p, in.len));
	}
}
END_TEST

/* Every byte in path and query, raw and escaped, against the rule in the
 * manual. */
START_TEST(test_bytes)
{
	static const char path_bad[] = "#\\\"<>{}[]|^`";
	static const char plain[] = "-._~";
	char in[16];
	struct target t;
	enum reason reason;
	bool is_visible, want;
	size_t len;
	int c;

	c = _i;
	is_visible = c > ' ' && c < 0x7f;
	memcpy(in, "/aab", 4);
	in[2] = (char)c;
	/* a second slash, a percent and a question mark have their rows */
	if (c != '%') {
		want = is_visible &&
		    memchr(path_bad, c, sizeof(path_bad) - 1) == NULL;
		reason = target_parse((struct span){ in, 4 }, &t);
		ck_assert_msg((reason == REASON_NONE) == want,
		    "path byte %d", c);
		memcpy(in, "/a?a", 4);
		in[4] = (char)c;
		want = is_visible && c != '#' && c != '\\' && c != ';';
		reason = target_parse((struct span){ in, 5 }, &t);
		ck_assert_msg((reason == REASON_NONE) == want,
		    "query byte %d", c);
	}
	len = (size_t)snprintf(in, sizeof(in), "/a%%%02Xb", c);
	want = c > 0x1f && c != 0x7f && !span_is_alnum((char)c) &&
	    memchr(plain, c, 4) == NULL && memchr("\\%?#", c, 4) == NULL;
	reason = target_parse((struct span){ in, len }, &t);
	ck_assert_msg((reason == REASON_NONE) == want, "escape %s", in);
	len = (size_t)snprintf(in, sizeof(in), "/a?%%%02xb", c);
	reason = target_parse((struct span){ in, len }, &t);
	ck_assert_msg((reason == REASON_NONE) == (c != 0), "escape %s", in);
}
END_TEST

static const struct {
	const char	*method;
	const char	*target;
	bool		 hijacks;
} hijacks[] = {
	{ "POST", "/v1.41/containers/c/attach", true },
	{ "GET", "/v1.41/containers/c/attach", false },
	{ "post", "/v1.41/containers/c/attach", false },
	{ "GET", "/v1.41/containers/c/attach/ws", true },
	{ "POST", "/v1.41/containers/c/attach/ws", false },
	{ "POST", "/v1.41/exec/e/start", true },
	{ "GET", "/v1.41/exec/e/start", false },
	{ "POST", "/session", true },
	{ "GET", "/session", false },
	{ "POST", "/grpc", true },
	{ "POSTX", "/grpc", false },
	{ "POST", "/v1.41/containers/c/start", false },
	{ "POST", "/v1.41/containers/c/wait", false },
	{ "GET", "/v1.41/events", false },
	{ "POST", "/v1.41/build", false },
};

START_TEST(test_hijacks)
{
	struct target t;

	ck_assert_int_eq(target_parse(span_of(hijacks[_i].target), &t),
	    REASON_NONE);
	ck_assert_msg(target_hijacks(&t, span_of(hijacks[_i].method)) ==
	    hijacks[_i].hijacks, "%s %s", hijacks[_i].method,
	    hijacks[_i].target);
}
END_TEST

/* As long as a request line can carry. */
START_TEST(test_long)
{
	struct target t;
	struct span in;
	char *long_target;

	long_target = unit_fill('a', BOUNDS_REQUEST_LINE_CAP);
	long_target[0] = '/';
	in = unit_span(long_target, BOUNDS_REQUEST_LINE_CAP, UNIT_END);
	ck_assert_int_eq(target_parse(in, &t), REASON_NONE);
	ck_assert_uint_eq(t.path.len, BOUNDS_REQUEST_LINE_CAP);
	free(long_target);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("target");
	tc = unit_case(s, "target");
	tcase_add_loop_test(tc, test_good, 0, ROWS(good));
	tcase_add_loop_test(tc, test_stream, 0, ROWS(streams));
	tcase_add_loop_test(tc, test_bad, 0, ROWS(bad));
	tcase_add_loop_test(tc, test_bytes, 0, 256);
	tcase_add_loop_test(tc, test_hijacks, 0, ROWS(hijacks));
	tcase_add_test(tc, test_long);
	return s;
}
