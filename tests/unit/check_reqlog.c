/* Tests of reqlog.c: requests in logs. */

#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "reqlog.h"
#include "text.h"

static const struct {
	const char *line;
	const char *method, *target;	/* NULL: none */
	bool is_cut;
} rows[] = {
	{ "request rule:  GET /_ping", "GET", "/_ping", false },
	{ "request rule: GET /_ping", "GET", "/_ping", false },
	{ "Nov 22 10:00:00 host dsp[1]: request rule:  GET /_ping", "GET",
	    "/_ping", false },
	{ "request rule:  GET   /_ping  ", "GET", "/_ping", false },
	{ "request rule:  GET /v1\\.51/containers/json\\?all=1", "GET",
	    "/v1.51/containers/json?all=1", false },
	{ "request rule:  M\\-X /a", NULL, NULL, false },
	{ "request rule:  GET /a\\\\b", "GET", "/a\\b", false },
	{ "request rule:  GET /\\.\\+\\*\\?\\(\\)\\|\\[\\]\\{\\}\\^\\$", "GET",
	    "/.+*?()|[]{}^$", false },
	/* others */
	{ "", NULL, NULL, false },
	{ "info listening on tcp://localhost:2375", NULL, NULL, false },
	{ "request rule:", NULL, NULL, false },
	{ "request rule:  ", NULL, NULL, false },
	{ "request rule:  GET", NULL, NULL, false },
	{ "request rule:  GET  ", NULL, NULL, false },
	{ "request rul:  GET /a", NULL, NULL, false },
	{ "request rule:  GET /a\\", NULL, NULL, false },
	{ "request rule:  GET /a?b", NULL, NULL, false },
	{ "request rule:  GET /v1.51/info", NULL, NULL, false },
	/* cut short by the log */
	{ "request rule:  GET /v1\\.51/contai...", NULL, NULL, true },
	{ "request rule:  GET...", NULL, NULL, true },
	{ "warn deny method=GET ...", NULL, NULL, false },
};

START_TEST(test_parse)
{
	struct span line, method, target;
	char buf[256];
	bool is_cut, found;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		line = unit_span(rows[_i].line, strlen(rows[_i].line),
		    (enum unit_side)side);
		found = reqlog_parse(line, buf, &method, &target, &is_cut);
		ck_assert_msg(found == (rows[_i].method != NULL), "%s",
		    rows[_i].line);
		ck_assert_int_eq(is_cut, rows[_i].is_cut);
		if (!found)
			continue;
		ck_assert(span_eq(method, span_of(rows[_i].method)));
		ck_assert(span_eq(target, span_of(rows[_i].target)));
	}
}
END_TEST

/* What text_literal writes is read again, for each byte. */
START_TEST(test_round_trip)
{
	char line[512], buf[512], all[128];
	struct span method, target, want;
	struct text t;
	bool is_cut;
	char c;

	for (c = '!', want.len = 0; c <= '~'; c++)
		all[want.len++] = c;
	want.p = all;
	text_init(&t, line, sizeof(line));
	text_str(&t, "request rule:  ");
	text_literal(&t, want);
	text_char(&t, ' ');
	text_literal(&t, want);
	ck_assert(reqlog_parse((struct span){ line, t.len }, buf, &method,
	    &target, &is_cut));
	ck_assert(span_eq(method, want));
	ck_assert(span_eq(target, want));
}
END_TEST

/* NUL is a byte like others, and is not escaped. */
START_TEST(test_nul)
{
	struct span method, target;
	char buf[64];
	bool is_cut;

	ck_assert(!reqlog_parse(SPAN("request rule:  GET /a\\\0b"), buf, &method,
	    &target, &is_cut));
	ck_assert(reqlog_parse(SPAN("request rule:  GET /a\0b"), buf, &method,
	    &target, &is_cut));
	ck_assert(span_eq(target, SPAN("/a\0b")));
}
END_TEST

static const char log_text[] =
    "info listening\n"
    "request rule:  GET /b\r\n"
    "web-1  | request rule:  GET /a\n"
    "request rule:  GET /b\n"
    "request rule:  POST /b\n"
    "request rule:  GET /c\\.\\.\\\n"
    "request rule:  GET /d...\n"
    "request rule:  GET /b";		/* without a line end */

START_TEST(test_read)
{
	static const struct {
		const char *method, *target;
		size_t count, line_no;
	} want[] = {
		{ "GET", "/b", 3, 2 }, { "GET", "/a", 1, 3 },
		{ "POST", "/b", 1, 5 },
	};
	char path[] = "/tmp/check_reqlog.XXXXXX";
	const struct reqlog_entry *e;
	struct reqlog log;
	size_t i;
	int fd;

	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, log_text, strlen(log_text)),
	    (int)strlen(log_text));
	if (_i == 1) {
		ck_assert_int_eq((int)lseek(fd, 0, SEEK_SET), 0);
		ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	}
	ck_assert(reqlog_read(&log, _i == 1 ? "-" : path));
	(void)close(fd);
	(void)unlink(path);
	ck_assert_uint_eq(log.nrequests, 5);
	ck_assert_uint_eq(log.ncut, 1);
	for (i = 0, e = log.first; e != NULL; e = e->next, i++) {
		ck_assert_uint_lt(i, 3);
		ck_assert(span_eq(e->method, span_of(want[i].method)));
		ck_assert(span_eq(e->target, span_of(want[i].target)));
		ck_assert_uint_eq(e->count, want[i].count);
		ck_assert_uint_eq(e->line_no, want[i].line_no);
	}
	ck_assert_uint_eq(i, 3);
	reqlog_free(&log);
	ck_assert_ptr_null(log.first);
}
END_TEST

START_TEST(test_unreadable)
{
	struct reqlog log;

	ck_assert(!reqlog_read(&log, "/none/there"));
	reqlog_free(&log);
	ck_assert(!reqlog_read(&log, "/tmp"));
	reqlog_free(&log);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("reqlog");
	tc = unit_case(s, "reqlog");
	tcase_add_loop_test(tc, test_parse, 0, ROWS(rows));
	tcase_add_test(tc, test_round_trip);
	tcase_add_test(tc, test_nul);
	tcase_add_loop_test(tc, test_read, 0, 2);
	tcase_add_test(tc, test_unreadable);
	return s;
}
