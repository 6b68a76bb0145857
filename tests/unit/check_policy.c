/* Tests of policy.c: the one place that says allow. */

#include "config.h"

#include "unit.h"

#include "policy.h"

#define RULES_CAP 8

#define H " HTTP/1.1\r\nHost: d\r\n"
#define CL(n) "Content-Length: " n "\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"
#define FORM "application/x-www-form-urlencoded"
#define KILL "POST /v1.41/containers/c/kill?signal=HUP" H

/* An expression that runs into the match limit on SLOW_TARGET. */
#define SLOW_RULE "GET /s/(a+)+x\n"
#define SLOW_TARGET "/s/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaxaaaaay"

static const struct {
	const char	*profile;
	const char	*request;
	unsigned	 min_api;
	enum reason	 reason;	/* REASON_NONE: allowed */
	size_t		 line_no;	/* of the rule told; 0: none */
} rows[] = {
	/* rules */
	{ "GET /a\n", "GET /a" H "\r\n", 24, REASON_NONE, 1 },
	{ "GET /a\n", "GET /b" H "\r\n", 24, REASON_NO_RULE, 0 },
	{ "GET /a\n", "POST /a" H "\r\n", 24, REASON_NO_RULE, 0 },
	{ "GET /a\n", "get /a" H "\r\n", 24, REASON_NO_RULE, 0 },
	{ "GET /a\n", "GET /a?b=c" H "\r\n", 24, REASON_NO_RULE, 0 },
	{ "GET /a\\?b=c\n", "GET /a?b=c" H "\r\n", 24, REASON_NONE, 1 },
	{ "GET /a\\?b=c\n", "GET /a" H "\r\n", 24, REASON_NO_RULE, 0 },
	{ "GET /a?b=c\n", "GET /a?b=c" H "\r\n", 24, REASON_NO_RULE, 0 },
	{ "# x\nGET /a\n\nGET /b\n", "GET /b" H "\r\n", 24, REASON_NONE, 4 },
	/* the first rule that matches is told */
	{ "GET /a\nGET /.*\nGET /b\n", "GET /b" H "\r\n", 24, REASON_NONE,
	    2 },
	{ "GET /b\nGET /b\n", "GET /b" H "\r\n", 24, REASON_NONE, 1 },
	/* a rule that cannot be evaluated denies, whatever follows */
	{ SLOW_RULE "GET /.*\n", "GET " SLOW_TARGET H "\r\n", 24,
	    REASON_MATCH_ERROR, 1 },
	{ "GET /a\n" SLOW_RULE "GET /.*\n", "GET " SLOW_TARGET H "\r\n", 24,
	    REASON_MATCH_ERROR, 2 },
	{ "GET /.*\n" SLOW_RULE, "GET " SLOW_TARGET H "\r\n", 24,
	    REASON_NONE, 1 },
	{ SLOW_RULE "POST /.*\n", "POST " SLOW_TARGET H CL("0"), 24,
	    REASON_NONE, 2 },
	/* attach/ws needs a rule that names it */
	{ "GET /.*\n", "GET /v1.41/containers/c/attach/ws?stdin=1" H "\r\n",
	    24, REASON_NO_RULE, 0 },
	{ "GET /.*\n", "GET /containers/a/b/attach/ws" H "\r\n", 24,
	    REASON_NO_RULE, 0 },
	{ "GET /.*\nGET /.*/attach.ws.*\n",
	    "GET /v1.41/containers/c/attach/ws" H "\r\n", 24,
	    REASON_NO_RULE, 0 },
	{ "GET /.*\nGET /.*/attach/ws(\\?.*)?\n",
	    "GET /v1.41/containers/c/attach/ws?stdin=1" H "\r\n", 24,
	    REASON_NONE, 2 },
	{ "GET /.*/attach/ws(\\?.*)?\n",
	    "GET /v1.41/containers/c/logs" H "\r\n", 24, REASON_NO_RULE,
	    0 },
	{ "GET /.*\n", "GET /v1.41/containers/c/json?x=attach/ws" H "\r\n",
	    24, REASON_NONE, 1 },
	/* and so does an escaped slash */
	{ "GET /.*\n", "GET /v1.41/images/a%2Fb/json" H "\r\n", 24,
	    REASON_NO_RULE, 0 },
	{ "GET /.*\n", "GET /v1.41/images/a%2fb/json" H "\r\n", 24,
	    REASON_NO_RULE, 0 },
	{ "GET /.*\nGET /v1\\.\\d+/images/[a-z]+%2F[a-z]+/json\n",
	    "GET /v1.41/images/a%2Fb/json" H "\r\n", 24, REASON_NONE, 2 },
	{ "GET /v1\\.\\d+/images/[a-z]+%2F[a-z]+/json\n",
	    "GET /v1.41/images/a/b/json" H "\r\n", 24, REASON_NO_RULE, 0 },
	{ "GET /.*\n", "GET /v1.41/images/json?x=a%2Fb" H "\r\n", 24,
	    REASON_NONE, 1 },
	/* one of the two names is not enough for both */
	{ "GET /.*(|attach/ws)\n",
	    "GET /v1.41/containers/c/attach%2Fws" H "\r\n", 24,
	    REASON_NO_RULE, 0 },
	{ "GET /.*(|%2F)\n",
	    "GET /v1.41/containers/c/attach%2Fws" H "\r\n", 24,
	    REASON_NO_RULE, 0 },
	{ "GET /.*(|attach/ws)\nGET /.*(|%2F)\n",
	    "GET /v1.41/containers/c/attach%2Fws" H "\r\n", 24,
	    REASON_NO_RULE, 0 },
	{ "GET /.*(|attach/ws|%2F)\n",
	    "GET /v1.41/containers/c/attach%2Fws" H "\r\n", 24,
	    REASON_NONE, 1 },
	/* start takes at most 7 bytes */
	{ "POST /.*\n", "POST /v1.41/containers/c/start" H "\r\n", 24,
	    REASON_NONE, 1 },
	{ "POST /.*\n", "POST /v1.41/containers/c/start" H CL("0"), 24,
	    REASON_NONE, 1 },
	{ "POST /.*\n", "POST /v1.41/containers/c/start" H CL("2"), 24,
	    REASON_NONE, 1 },
	{ "POST /.*\n", "POST /v1.41/containers/c/start" H CL("7"), 24,
	    REASON_NONE, 1 },
	{ "POST /.*\n", "POST /v1.41/containers/c/start" H CL("8"), 24,
	    REASON_START_BODY, 0 },
	{ "POST /.*\n", "POST /v1.41/containers/c/start" H CHUNKED, 24,
	    REASON_START_BODY, 0 },
	{ "POST /.*\n", "POST /containers/c/start" H CL("8"), 24,
	    REASON_START_BODY, 0 },
	{ "POST /.*\n", "POST /containers/a/b/start" H CL("8"), 24,
	    REASON_START_BODY, 0 },
	{ "POST /.*\n", "POST /v1.41/containers/c/start?x=y" H CL("8"), 24,
	    REASON_START_BODY, 0 },
	{ "POST /.*%2F.*\n", "POST /v1.41/containers/c%2Fstart" H CL("8"),
	    24, REASON_START_BODY, 0 },
	{ "POST /.*\n", "POST /v1.41/containers/c/restart" H CL("8"), 24,
	    REASON_NONE, 1 },
	{ "POST /.*\n", "POST /v1.41/exec/e/start" H CL("29"), 24,
	    REASON_NONE, 1 },
	/* the lowest API version */
	{ "GET /.*\n", "GET /v1.23/version" H "\r\n", 24, REASON_MIN_API,
	    0 },
	{ "GET /.*\n", "GET /v1.24/version" H "\r\n", 24, REASON_NONE, 1 },
	{ "GET /.*\n", "GET /v1.9/version" H "\r\n", 24, REASON_MIN_API,
	    0 },
	{ "GET /.*\n", "GET /v1.0/version" H "\r\n", 24, REASON_MIN_API,
	    0 },
	{ "GET /.*\n", "GET /v1.100/version" H "\r\n", 24, REASON_NONE, 1 },
	{ "GET /.*\n", "GET /version" H "\r\n", 24, REASON_NONE, 1 },
	{ "GET /.*\n", "GET /v1.0/version" H "\r\n", 0, REASON_NONE, 1 },
	{ "GET /.*\n", "GET /v1.40/version" H "\r\n", 41, REASON_MIN_API,
	    0 },
	{ "GET /.*\n", "GET /v1.41/version" H "\r\n", 41, REASON_NONE, 1 },
	{ "POST /.*%2F.*\n", "POST /v1.23%2Fcontainers/c/start" H "\r\n",
	    24, REASON_MIN_API, 0 },
	{ "GET /.*\n", "GET /v4.0.0/libpod/info" H "\r\n", 24, REASON_NONE,
	    1 },
	/* form bodies */
	{ "POST /.*\n", KILL "Content-Type: " FORM "\r\n" CL("11"), 24,
	    REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL "Content-Type: " FORM "\r\n" CHUNKED, 24,
	    REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL "Content-Type: " FORM "\r\n" CL("0"), 24,
	    REASON_NONE, 1 },
	{ "POST /.*\n", KILL "Content-Type: " FORM "\r\n\r\n", 24,
	    REASON_NONE, 1 },
	{ "POST /.*\n", KILL "Content-Type: " FORM "; charset=utf-8\r\n"
	    CL("11"), 24, REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL "Content-Type: " FORM ";\r\n" CL("11"), 24,
	    REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL "Content-Type: " FORM " ;a=b\r\n" CL("11"), 24,
	    REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL "Content-Type: " FORM "\t; a=b\r\n" CL("11"),
	    24, REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL
	    "Content-Type: Application/X-WWW-Form-URLEncoded\r\n" CL("11"),
	    24, REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL "Content-Type: \t " FORM " \r\n" CL("11"), 24,
	    REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL
	    "Content-Type: multipart/form-data; boundary=b\r\n" CL("11"),
	    24, REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL "Content-Type: MULTIPART/Form-Data\r\n"
	    CL("11"), 24, REASON_FORM_BODY, 0 },
	{ "POST /.*\n", KILL
	    "Content-Type: multipart/mixed; boundary=b\r\n" CL("11"), 24,
	    REASON_FORM_BODY, 0 },
	{ "PUT /.*\n", "PUT /v1.41/containers/c/archive?path=/" H
	    "Content-Type: " FORM "\r\n" CL("11"), 24, REASON_FORM_BODY,
	    0 },
	{ "POST /.*\n", KILL "Content-Type: application/json\r\n" CL("11"),
	    24, REASON_NONE, 1 },
	{ "POST /.*\n", KILL "Content-Type: text/plain; x=" FORM "\r\n"
	    CL("11"), 24, REASON_NONE, 1 },
	{ "PUT /.*\n", "PUT /v1.41/containers/c/archive?path=/" H
	    "Content-Type: application/x-tar\r\n" CHUNKED, 24, REASON_NONE,
	    1 },
	{ "POST /.*\n", KILL CL("11"), 24, REASON_NONE, 1 },
	/* browsers */
	{ "GET /.*\n", "GET /a" H "Origin: http://x\r\n\r\n", 24,
	    REASON_BROWSER, 0 },
	{ "GET /.*\n", "GET /a" H "Sec-Fetch-Mode: cors\r\n\r\n", 24,
	    REASON_BROWSER, 0 },
	{ "GET /.*\n", "GET /a" H "Origin: http://x\r\n"
	    "X-Forwarded-For: 10.0.0.9\r\n\r\n", 24, REASON_NONE, 1 },
	{ "GET /.*\n", "GET /a HTTP/1.1\r\nHost: evil.example\r\n"
	    "Origin: http://x\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n", 24,
	    REASON_BROWSER, 0 },
};

/* From bytes to all that a verdict depends on. */
static void
read_request(struct http_head *head, struct policy_request *request,
    const char *in)
{
	enum reason reason;
	size_t len, used;

	len = strlen(in);
	ck_assert_msg(http_parse_request(unit_place(in, len, UNIT_END), len,
	    head, &used) == HTTP_DONE, "%s: %s",
	    reason_info(head->reason)->word, unit_show(in, len));
	memset(request, 0, sizeof(*request));
	request->method = head->method;
	reason = target_parse(head->target, &request->target);
	ck_assert_msg(reason == REASON_NONE, "%s: %s",
	    reason_info(reason)->word, in);
	request->content_type = http_field(head, SPAN("Content-Type"));
	reason = body_of_request(head, &request->body);
	ck_assert_msg(reason == REASON_NONE, "%s: %s",
	    reason_info(reason)->word, in);
	request->is_browser = policy_is_browser(head);
}

static void
no_report(void *arg, const char *file, size_t line_no, const char *what,
    struct span line)
{
	(void)file, (void)line;
	ck_abort_msg("%s, line %zu: %s", (const char *)arg, line_no, what);
}

static void
read_profile(struct profile *p, struct rule *rules, const char *text)
{
	const struct profile_reader reader = { (void *)(uintptr_t)text,
	    no_report, NULL, NULL };

	memset(p, 0, sizeof(*p));
	p->rules = rules;
	p->rules_cap = RULES_CAP;
	(void)snprintf(p->name, sizeof(p->name), "test");
	ck_assert(profile_parse(p, span_of(text), &reader));
}

START_TEST(test_rows)
{
	struct policy_request request;
	struct policy_verdict v;
	struct rule rules[RULES_CAP];
	struct http_head head;
	struct profile p;
	enum policy_result got;
	const char *show;

	show = unit_show(rows[_i].request, strlen(rows[_i].request));
	read_profile(&p, rules, rows[_i].profile);
	read_request(&head, &request, rows[_i].request);
	memset(&v, 0x55, sizeof(v));
	got = policy_decide(&request, &p, rows[_i].min_api, &v);
	ck_assert_msg(got == v.result, "result and verdict: %s", show);
	ck_assert_msg((got == POLICY_ALLOW) ==
	    (rows[_i].reason == REASON_NONE), "%s: %s",
	    got == POLICY_ALLOW ? "allowed" : reason_info(v.reason)->word,
	    show);
	if (got != POLICY_ALLOW)
		ck_assert_msg(v.reason == rows[_i].reason, "%s, not %s: %s",
		    reason_info(v.reason)->word,
		    reason_info(rows[_i].reason)->word, show);
	if (rows[_i].line_no != 0)
		ck_assert_msg(v.rule != NULL &&
		    v.rule->line_no == rows[_i].line_no, "line %zu: %s",
		    v.rule == NULL ? 0 : v.rule->line_no, show);
	else
		ck_assert_msg(v.rule == NULL, "line %zu: %s",
		    v.rule->line_no, show);
	profile_free(&p);
}
END_TEST

/* A profile without rules allows nothing. */
START_TEST(test_no_rules)
{
	struct policy_request request;
	struct policy_verdict v;
	struct rule rules[RULES_CAP];
	struct http_head head;
	struct profile p;

	read_profile(&p, rules, "GET /.*\n");
	read_request(&head, &request, "GET /a" H "\r\n");
	ck_assert_int_eq(policy_decide(&request, &p, 24, &v), POLICY_ALLOW);
	rule_free(&p.rules[0]);
	p.nrules = 0;
	ck_assert_int_eq(policy_decide(&request, &p, 24, &v), POLICY_DENY);
	ck_assert_int_eq(v.reason, REASON_NO_RULE);
	profile_free(&p);
}
END_TEST

/* A clock that each look moves on by a millisecond. */
static uint64_t
slow_clock(void)
{
	static uint64_t now;

	return now += 1000;
}

/* A clock that stands still. */
static uint64_t
stopped_clock(void)
{
	return 1;
}

/* A profile that only warns lets pass what no rule allows, and nothing that is
 * refused anyway. */
START_TEST(test_only_warns)
{
	static const struct {
		const char *method, *target;
		enum reason reason;
		size_t line_no;
	} cases[] = {
		{ "GET", "/a", REASON_NONE, 1 },
		{ "POST", "/containers/create", REASON_NONE, 0 },
		{ "GET", "/images/a%2Fb/json", REASON_NONE, 0 },
		{ "GET", "/containers/x/attach/ws", REASON_NO_RULE, 0 },
		{ "GET", "/v1.23/a", REASON_MIN_API, 0 },
		{ "POST", "/v1.12/containers/x/start", REASON_MIN_API, 0 },
	};
	struct policy_request request;
	struct rule rules[RULES_CAP];
	struct policy_verdict v;
	struct profile p;
	size_t i;

	read_profile(&p, rules, "GET /a\n");
	p.only_warns = true;
	p.fallback.names_slash_escape = true;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&request, 0, sizeof(request));
		request.method = span_of(cases[i].method);
		ck_assert_int_eq(target_parse(span_of(cases[i].target),
		    &request.target), REASON_NONE);
		ck_assert_int_eq(policy_decide(&request, &p, 24, &v),
		    cases[i].reason == REASON_NONE ? POLICY_ALLOW :
		    POLICY_DENY);
		ck_assert_int_eq(v.reason, cases[i].reason);
		if (v.result == POLICY_ALLOW)
			ck_assert_uint_eq(v.rule->line_no, cases[i].line_no);
	}
	ck_assert_ptr_ne(&p.fallback, &p.rules[0]);
	request.target.route = TARGET_PLAIN;
	request.body.kind = BODY_LENGTH;
	request.body.left = 1;
	request.content_type = SPAN("application/x-www-form-urlencoded");
	request.method = SPAN("POST");
	ck_assert_int_eq(target_parse(SPAN("/a"), &request.target),
	    REASON_NONE);
	ck_assert_int_eq(policy_decide(&request, &p, 24, &v), POLICY_DENY);
	ck_assert_int_eq(v.reason, REASON_FORM_BODY);
	profile_free(&p);
}
END_TEST

/* A long target uses the time of a verdict up, a short one never looks. */
START_TEST(test_budget)
{
	static const char rules[] =
	    "GET /a\nGET /b\nGET /c\nGET /d\nGET /e\nGET /f\nGET /g\n"
	    "GET /long.*\n";
	static char target[BOUNDS_VERDICT_LOOK];
	struct policy_request request;
	struct policy_verdict v;
	static struct rule storage[8];
	struct profile p;

	memset(&p, 0, sizeof(p));
	p.rules = storage;
	p.rules_cap = 8;
	ck_assert(profile_parse(&p, SPAN(rules),
	    &(struct profile_reader){ NULL, no_report, NULL, NULL }));
	memset(target, 'x', sizeof(target));
	memcpy(target, "/long", 5);
	memset(&request, 0, sizeof(request));
	request.method = SPAN("GET");
	ck_assert_int_eq(target_parse((struct span){ target, sizeof(target) },
	    &request.target), REASON_NONE);
	ck_assert_int_eq(policy_decide(&request, &p, 24, &v), POLICY_ALLOW);
	p.matcher.cpu_us = stopped_clock;
	ck_assert_int_eq(policy_decide(&request, &p, 24, &v), POLICY_ALLOW);
	p.matcher.cpu_us = slow_clock;
	ck_assert_int_eq(policy_decide(&request, &p, 24, &v), POLICY_DENY);
	ck_assert_int_eq(v.reason, REASON_MATCH_ERROR);
	/* first look at rule 1, four milliseconds later they are used up */
	ck_assert_uint_eq(v.rule->line_no, 6);
	request.target.whole.len = 100;
	ck_assert_int_eq(policy_decide(&request, &p, 24, &v), POLICY_ALLOW);
	profile_free(&p);
}
END_TEST

#define RELAYED "Origin: https://p.example\r\nX-Forwarded-For: 10.0.0.9\r\n"

static const struct {
	const char	*fields;
	bool		 is_browser;
} browsers[] = {
	{ "Host: d\r\n", false },
	{ "Host: evil%2Eexample\r\n" RELAYED, true },
	{ "Host: d\r\nX-Forwarded-For: 10.0.0.9\r\n", false },
	{ "Host: evil.example\r\n", false },
	{ "Host: d\r\nOrigin: http://evil.example\r\n", true },
	{ "Host: d\r\norigin: null\r\n", true },
	{ "Host: d\r\nOrigin:\r\n", true },
	{ "Host: d\r\nSec-Fetch-Site: none\r\n", true },
	{ "Host: d\r\nsec-fetch-dest: empty\r\n", true },
	{ "Host: d\r\nSec-Fetch-Mode: cors\r\n", true },
	{ "Host: d\r\nSEC-FETCH-USER: ?1\r\n", true },
	{ "Host: d\r\nSec-Fetcher: x\r\n", false },
	{ "Host: d\r\nX-Origin: x\r\n", false },
	{ "Host: d\r\nOrigins: x\r\n", false },
	/* relays */
	{ "Host: socket-proxy\r\n" RELAYED, false },
	{ "Host: socket-proxy:2375\r\n" RELAYED, false },
	{ "Host: localhost:2375\r\n" RELAYED, false },
	{ "Host: 127.0.0.1\r\n" RELAYED, false },
	{ "Host: 127.0.0.1:2375\r\n" RELAYED, false },
	{ "Host: 172.18.0.2:2375\r\n" RELAYED, false },
	{ "Host: [::1]\r\n" RELAYED, false },
	{ "Host: [fe80::1]:2375\r\n" RELAYED, false },
	{ "Host: socket-proxy\r\nSec-Fetch-Site: same-origin\r\n"
	    "X-Forwarded-For: 10.0.0.9\r\n", false },
	{ "X-Forwarded-For: 10.0.0.9\r\nHost: d\r\nOrigin: x\r\n", false },
	{ "Host: evil.example\r\n" RELAYED, true },
	{ "Host: evil.example:2375\r\n" RELAYED, true },
	{ "Host: evil.\r\n" RELAYED, true },
	{ "Host: 127.0.0.1.evil.example\r\n" RELAYED, true },
	{ "Host: 127.0.0.1.evil.example:2375\r\n" RELAYED, true },
	{ "Host: a.1.2.3\r\n" RELAYED, true },
	{ "Host: 1.2.3.evil\r\n" RELAYED, true },
	{ "Host: 127.0.0.1x\r\n" RELAYED, true },
};

START_TEST(test_browsers)
{
	struct http_head head;
	char in[512];
	size_t used;
	int len;

	len = snprintf(in, sizeof(in), "GET /a HTTP/1.1\r\n%s\r\n",
	    browsers[_i].fields);
	ck_assert(len > 0 && (size_t)len < sizeof(in));
	ck_assert_msg(http_parse_request(unit_place(in, (size_t)len,
	    UNIT_END), (size_t)len, &head, &used) == HTTP_DONE, "%s",
	    unit_show(in, (size_t)len));
	ck_assert_msg(policy_is_browser(&head) == browsers[_i].is_browser,
	    "%s", unit_show(in, (size_t)len));
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("policy");
	tc = unit_case(s, "policy");
	tcase_add_loop_test(tc, test_rows, 0, ROWS(rows));
	tcase_add_test(tc, test_no_rules);
	tcase_add_test(tc, test_budget);
	tcase_add_test(tc, test_only_warns);
	tcase_add_loop_test(tc, test_browsers, 0, ROWS(browsers));
	return s;
}
