/*
 * When bulk goes through a pipe, what happens where there can be none, and
 * tunnels.
 */
#include "config.h"

#include "relay.h"

#include <sys/resource.h>

#include <errno.h>

#include "relayunit.h"

/* -- the pipe alone -- */

START_TEST(pipe_alone)
{
	struct pipe p;
	int from[2], to[2];
	char buf[16];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    from), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    to), 0);
	pipe_init(&p);
	ck_assert_int_eq(pipe_take(&p, from[0], UINT64_MAX), IO_AGAIN);
	ck_assert_uint_eq(p.held, 0);
	ck_assert_int_eq(send(from[1], "abcdef", 6, 0), 6);
	ck_assert_int_eq(pipe_take(&p, from[0], 4), IO_OK);
	ck_assert_uint_eq(p.held, 4);
	ck_assert_int_eq(pipe_give(&p, to[0]), IO_OK);
	ck_assert_uint_eq(p.held, 0);
	ck_assert_int_eq(recv(to[1], buf, sizeof(buf), 0), 4);
	ck_assert_mem_eq(buf, "abcd", 4);
	ck_assert_int_eq(recv(from[0], buf, 1, MSG_PEEK), 1);
	ck_assert_int_eq(buf[0], 'e');
	ck_assert_int_eq(pipe_take(&p, from[0], UINT64_MAX), IO_OK);
	(void)close(to[1]);
	ck_assert_int_eq(pipe_give(&p, to[0]), IO_ERROR);
	pipe_free(&p);
	ck_assert_uint_eq(p.held, 0);
	ck_assert_int_eq(p.in, -1);
	(void)close(from[1]);
	ck_assert_int_eq(pipe_take(&p, from[0], UINT64_MAX), IO_EOF);
	ck_assert(!p.is_useless);
	pipe_free(&p);
}
END_TEST

START_TEST(pipe_full_receiver)
{
	struct pipe p;
	int from[2], to[2];
	char *bytes = unit_fill('x', 4 * KIB);
	size_t held;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    from), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    to), 0);
	while (send(to[0], bytes, 4 * KIB, 0) > 0)
		;
	ck_assert_int_eq(send(from[1], bytes, 4 * KIB, 0), 4 * KIB);
	pipe_init(&p);
	ck_assert_int_eq(pipe_take(&p, from[0], UINT64_MAX), IO_OK);
	held = p.held;
	ck_assert_uint_gt(held, 0);
	ck_assert_int_eq(pipe_give(&p, to[0]), IO_AGAIN);
	ck_assert_uint_eq(p.held, held);
	pipe_free(&p);
	free(bytes);
}
END_TEST

START_TEST(pipe_cannot_take)
{
	struct pipe p;
	int files = count_files();

	pipe_init(&p);
	ck_assert_int_eq(pipe_take(&p, -1, UINT64_MAX), IO_ERROR);
	ck_assert(p.is_useless);
	ck_assert_int_eq(p.in, -1);
	ck_assert_int_eq(count_files(), files);
}
END_TEST

/* -- no pipe to be had -- */

/* Room for so many descriptors; -1: as it is. */
static void
limit_files(int room)
{
	struct rlimit files;
	int next;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	next = dup(STDIN_FILENO);
	(void)close(next);
	files.rlim_cur = room == -1 ? files.rlim_max : (rlim_t)(next + room);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
}

/* A long body arrives nevertheless. */
static void
carry_without_pipe(int room)
{
	const struct row row = { .len = 3 * MIB + 11, .piece = 64 * KIB,
		.sip = 64 * KIB };

	open_sockets(true);
	start_both(be_client, be_dockerd, &row);
	begin(BODY_LENGTH, row.len, 0, true);
	await_bulk();
	limit_files(room);
	ck_assert_int_eq(relay_until_answer(&r), RELAY_ANSWER);
	ck_assert_int_eq(relay_run(&r), RELAY_END);
	limit_files(-1);
	ck_assert(r.up.pipe.is_useless);
	ck_assert_int_eq(r.up.pipe.in, -1);
	end_peers();
	ck_assert(!seen->is_wrong);
	ck_assert_uint_eq(seen->got, row.len);
}

START_TEST(no_descriptors)
{
	carry_without_pipe(_i);
}
END_TEST

/* A user may only have so many large pipes (fs.pipe-user-pages-soft).  Some
 * user that nobody is, so that no other process is kept from its own. */
#define STRANGER	2147000001
#define LARGE		(1 * MIB)
#define PIPES_CAP	200

START_TEST(no_large_pipes)
{
	int ends[2], i;

	if (geteuid() != 0 || setresuid(STRANGER, STRANGER, STRANGER) != 0)
		return;
	for (i = 0; i < PIPES_CAP; i++) {
		ck_assert_int_eq(pipe(ends), 0);
		if (fcntl(ends[0], F_SETPIPE_SZ, LARGE) == -1)
			break;
	}
	/* This machine may not count. */
	if (i < PIPES_CAP)
		carry_without_pipe(-1);
}
END_TEST

/* -- a few bytes behind much -- */

#define FEW	20

/* So much has arrived before anything else is sent. */
static bool
await_got(uint64_t n)
{
	int i;

	for (i = 0; i < PATIENCE_S * 1000 && seen->got < n; i++)
		(void)usleep(1000);
	return seen->got >= n;
}

/* Leave when dockerd has. */
static void
await_end(void)
{
	char c;

	while (recv(client_end, &c, 1, 0) > 0)
		;
}

static void
be_slow_client(const struct row *row)
{
	uint64_t at;

	if (!send_bytes(0, row->len, row->piece) || !await_got(row->len))
		return;
	for (at = row->len; at < row->len + FEW; at++)
		if (!send_bytes(at, at + 1, 1) || !await_got(at + 1))
			return;
	seen->down = FEW;
	(void)shutdown(client_end, SHUT_WR);
	await_end();
}

/* Until the end of what comes; only then it says a byte, and ends. */
static void
be_sink(const struct row *row)
{
	while (take_bytes(row->sip))
		;
	(void)send(dockerd_end, "B", 1, MSG_NOSIGNAL);
}

static const enum body_kind kinds[] = { BODY_LENGTH, BODY_CLOSE };

/* Nothing is held back, and a tunnel's halves end one by one. */
START_TEST(few_behind_much)
{
	const struct row row = { .len = 2 * MIB + 3, .piece = 64 * KIB,
		.sip = 64 * KIB };
	bool may_pipe = _i / ROWS(kinds) != 0;
	enum body_kind kind = kinds[_i % ROWS(kinds)];

	open_sockets(true);
	start_both(be_slow_client, be_sink, &row);
	begin(kind, row.len + FEW, 0, may_pipe);
	await_bulk();
	if (kind == BODY_CLOSE) {
		ck_assert_int_eq(relay_tunnel(&r), RELAY_END);
		ck_assert_int_eq(r.up.state, RELAY_DONE);
	} else {
		/* dockerd sees the client's end. */
		ck_assert_int_eq(relay_until_answer(&r), RELAY_ANSWER);
		ck_assert_int_eq(relay_run(&r), RELAY_END);
	}
	ck_assert_int_eq(r.up.pipe.in != -1, may_pipe);
	ck_assert_uint_eq(r.up.bytes, row.len + FEW);
	end_peers();
	ck_assert(!seen->is_wrong);
	ck_assert_uint_eq(seen->got, row.len + FEW);
	ck_assert_uint_eq(seen->down, FEW);
	ck_assert(seen->has_end);
}
END_TEST

/* -- never worth a pipe -- */

static void
be_talker(const struct row *row)
{
	uint64_t at;

	for (at = 0; at < row->len; at += row->piece)
		if (!send_bytes(at, at + row->piece, row->piece) ||
		    !await_got(at + row->piece))
			return;
	(void)shutdown(client_end, SHUT_WR);
	await_end();
}

static const struct row talks[] = {
	{ .what = "keys", .len = 64, .piece = 1, .sip = 64 },
	{ .what = "a paste", .len = 128 * KIB, .piece = 64 * KIB,
	    .sip = 64 * KIB },
	{ .what = "messages", .len = 64 * KIB, .piece = 64, .sip = KIB },
	{ .what = "many", .len = 2 * MIB, .piece = 8 * KIB, .sip = 64 * KIB },
};

START_TEST(talk_takes_no_pipe)
{
	const struct row *row = &talks[_i];

	open_sockets(true);
	start_both(be_talker, be_sink, row);
	begin(BODY_CLOSE, 0, 0, true);
	ck_assert_int_eq(relay_tunnel(&r), RELAY_END);
	ck_assert_msg(r.up.pipe.in == -1, "%s", row->what);
	ck_assert_uint_eq(r.up.bytes, row->len);
	end_peers();
	ck_assert(!seen->is_wrong);
	ck_assert_uint_eq(seen->got, row->len);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("relaybulk");
	TCase *tc;

	tc = relay_case(s, "pipe");
	tcase_add_test(tc, pipe_alone);
	tcase_add_test(tc, pipe_full_receiver);
	tcase_add_test(tc, pipe_cannot_take);
	tc = relay_case(s, "without");
	tcase_add_loop_test(tc, no_descriptors, 0, 2);
	tcase_add_test(tc, no_large_pipes);
	tc = relay_case(s, "few");
	tcase_add_loop_test(tc, few_behind_much, 0, 2 * ROWS(kinds));
	tcase_add_loop_test(tc, talk_takes_no_pipe, 0, ROWS(talks));
	return s;
}
