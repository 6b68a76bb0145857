/*
 * Tests of relay.c: when an answer rests, so that somebody else could go on
 * with it.
 */

#include "config.h"

#include "relay.h"

#include <sys/socket.h>

#include <signal.h>

#include "board.h"
#include "io.h"
#include "unit.h"

#define SHORT_MS 50

static struct relay r;
static char up_buf[1024], down_buf[1024];
static int client, dockerd;	/* the ends of the peers */

static void
open_ends(int *ours, int *theirs)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    ends), 0);
	*ours = ends[0];
	*theirs = ends[1];
}

static void
set_up(void)
{
	int client_fd, dockerd_fd;

	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(board_open(1), 0);
	memset(&r, 0, sizeof(r));
	open_ends(&client_fd, &client);
	open_ends(&dockerd_fd, &dockerd);
	relay_way_init(&r.up, client_fd, dockerd_fd, up_buf, sizeof(up_buf),
	    0, 0);
	r.up.state = RELAY_DONE;
	relay_way_init(&r.down, dockerd_fd, client_fd, down_buf,
	    sizeof(down_buf), 0, 0);
	r.down.body.kind = BODY_CHUNKED;
	r.gone_ms = IO_NEVER;
	r.may_rest = true;
}

static void
say(int fd, const char *s)
{
	ck_assert_int_eq(write(fd, s, strlen(s)), (ssize_t)strlen(s));
}

static void
assert_hears(int fd, const char *want)
{
	char got[256];
	ssize_t n;

	n = read(fd, got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	ck_assert_str_eq(got, want);
}

static bool
rests(void)
{
	return relay_rest(&r, io_now_ms() + SHORT_MS, NULL);
}

/* What dockerd says, and whether the answer rests then: a stranger that knows
 * only that it is chunked could go on. */
static const struct {
	const char	*says;
	bool		 is_rest;
} chunks[] = {
	{ "", true },
	{ "5\r\nhello\r\n", true },
	{ "1\r\na\r\n1\r\nb\r\n", true },
	{ "5", false },
	{ "5\r", false },
	{ "5\r\n", false },
	{ "5\r\nhel", false },
	{ "5\r\nhello", false },
	{ "5\r\nhello\r", false },
	{ "5\r\nhello\r\n0", false },
	{ "5\r\nhello\r\n0\r\n", false },
	{ "5\r\nhello\r\n0\r\n\r", false },
};

START_TEST(test_chunks)
{
	enum relay_result result;

	say(dockerd, chunks[_i].says);
	/* Where it does not rest, this would wait for more. */
	if (!chunks[_i].is_rest)
		(void)shutdown(dockerd, SHUT_WR);
	do
		result = relay_run(&r);
	while (result == RELAY_REST && !rests());
	ck_assert_int_eq(result, chunks[_i].is_rest ? RELAY_REST : RELAY_END);
	ck_assert_int_eq(r.down.state,
	    chunks[_i].is_rest ? RELAY_OPEN : RELAY_SHORT);
	assert_hears(client, chunks[_i].says);
	if (!chunks[_i].is_rest)
		return;
	say(dockerd, "0\r\n\r\n");
	ck_assert(!rests());
	ck_assert_int_eq(relay_run(&r), RELAY_END);
	ck_assert_int_eq(r.down.state, RELAY_DONE);
}
END_TEST

START_TEST(test_until_close)
{
	r.down.body.kind = BODY_CLOSE;
	ck_assert_int_eq(relay_run(&r), RELAY_REST);
	say(dockerd, "any");
	ck_assert(!rests());
	ck_assert_int_eq(relay_run(&r), RELAY_REST);
	assert_hears(client, "any");
	(void)close(dockerd);
	ck_assert(!rests());
	ck_assert_int_eq(relay_run(&r), RELAY_END);
	ck_assert_int_eq(r.down.state, RELAY_DONE);
}
END_TEST

/* The client has said something, or has ended its side: it does not rest any
 * more, and ends when dockerd does. */
START_TEST(test_client)
{
	ck_assert_int_eq(relay_run(&r), RELAY_REST);
	if (_i == 0)
		say(client, "GET /next");
	else
		ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	ck_assert(!rests());
	say(dockerd, "0\r\n\r\n");
	ck_assert_int_eq(relay_run(&r), RELAY_END);
	ck_assert_int_eq(r.down.state, RELAY_DONE);
	ck_assert_uint_eq(r.up.end - r.up.start, _i == 0 ? 9 : 0);
	ck_assert(r.up.has_eof == (_i > 0));
}
END_TEST

/* What the client does not take yet is not at rest. */
START_TEST(test_full)
{
	static char data[1000];
	char sink[65536];
	size_t len;
	int i;

	r.down.body.kind = BODY_CLOSE;
	for (i = 0; i < 100000; i++)
		if (write(r.down.to, data, sizeof(data)) == -1)
			break;
	ck_assert_int_lt(i, 100000);
	say(dockerd, "behind it");
	ck_assert(!rests());
	ck_assert_uint_gt(r.down.npieces, 0);
	/* relay_run would wait for room now. */
	for (len = 0; read(client, sink, sizeof(sink)) > 0; len++)
		;
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(relay_run(&r), RELAY_REST);
	assert_hears(client, "behind it");
}
END_TEST

/* Those who do not ask for it never get it. */
START_TEST(test_may_not)
{
	r.may_rest = false;
	say(dockerd, "5\r\nhello\r\n0\r\n\r\n");
	ck_assert_int_eq(relay_run(&r), RELAY_END);
	assert_hears(client, "5\r\nhello\r\n0\r\n\r\n");
}
END_TEST

START_TEST(test_stop)
{
	const volatile int stop = 1;
	int64_t began = io_now_ms();

	ck_assert_int_eq(relay_run(&r), RELAY_REST);
	ck_assert(relay_rest(&r, io_now_ms() + 60000, &stop));
	ck_assert(rests());
	ck_assert_int_ge(io_now_ms() - began, SHORT_MS);
	ck_assert_int_lt(io_now_ms() - began, 10000);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("relayrest");
	TCase *tc = unit_case(s, "rest");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(tc, test_chunks, 0, ROWS(chunks));
	tcase_add_test(tc, test_until_close);
	tcase_add_loop_test(tc, test_client, 0, 2);
	tcase_add_test(tc, test_full);
	tcase_add_test(tc, test_may_not);
	tcase_add_test(tc, test_stop);
	return s;
}
