/*
 * Tests of park.c: streams, which are two connections and a ticket; and what
 * workers that were taken over pass as such.
 */

#include "config.h"

#include "parkunit.h"

#include <sys/epoll.h>

#include <fcntl.h>
#include <signal.h>

#include "body.h"

#define FEW_FILES	(BOUNDS_PARK_ROOM + 64)
#define ROW		3

/* Both ends that are not parked. */
struct stream {
	int	client;
	int	upstream;
};

static struct ticket
make_ticket(const char *path)
{
	struct ticket t;

	memset(&t, 0, sizeof(t));
	t.peer = anna;
	t.row = ROW;
	t.kind = BODY_CHUNKED;
	(void)snprintf(t.path, sizeof(t.path), "%s", path);
	return t;
}

/* A message as a worker could send it. */
static void
send_any(const void *buf, size_t len, const int *fds, size_t nfds)
{
	union {
		char		bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr	align;
	} control;
	char copy[1024];
	struct iovec iov = { copy, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(nfds * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	memset(&control, 0, sizeof(control));
	ck_assert_uint_le(len, sizeof(copy));
	memcpy(copy, buf, len);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
	memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	ck_assert_int_eq(sendmsg(yard.fd, &msg, 0), (ssize_t)len);
}

/* The process has begun, and has room. */
static void
await_room(void)
{
	int64_t end = io_now_ms() + SOON_MS;

	while (!yard_has_room(yard.no) && io_now_ms() < end)
		pause_ms(2);
	ck_assert(yard_has_room(yard.no));
}

static struct stream
put_stream(const char *path)
{
	const struct ticket ticket = make_ticket(path);
	int client[2], upstream[2];

	open_pair(SOCK_STREAM | SOCK_NONBLOCK, client);
	open_pair(SOCK_STREAM | SOCK_NONBLOCK, upstream);
	await_room();
	ck_assert(wait_for(yard.fd, POLLOUT, SOON_MS));
	ck_assert_int_eq(park_put_stream(yard.fd, yard.no,
	    (int[]){ client[1], upstream[1] }, &ticket), 0);
	(void)close(client[1]);
	(void)close(upstream[1]);
	return (struct stream){ client[0], upstream[0] };
}

static void
assert_streams(size_t want)
{
	int64_t end = io_now_ms() + SOON_MS;

	while ((yard_streams(yard.no) != want || yard_count(yard.no) != want) &&
	    io_now_ms() < end)
		pause_ms(2);
	ck_assert_uint_eq(yard_streams(yard.no), want);
	ck_assert_uint_eq(yard_row(ROW), want);
	ck_assert_uint_eq(yard_total(), want);
	ck_assert_uint_eq(yard_count(yard.no), want);
	ck_assert_uint_eq(yard_count_peer(&anna), want);
}

/* The next one to whom something has happened, which has that path. */
static struct park_guest
take_stream(const char *path)
{
	struct park_guest guest;

	ck_assert(wait_for(yard.fd, POLLIN, SOON_MS));
	ck_assert_int_eq(park_take(yard.fd, &guest), 0);
	ck_assert_int_ge(guest.client_fd, 0);
	ck_assert_int_ge(guest.upstream_fd, 0);
	ck_assert_str_eq(guest.ticket.path, path);
	ck_assert_mem_eq(&guest.ticket.peer, &anna, sizeof(anna));
	ck_assert_int_ne(fcntl(guest.upstream_fd, F_GETFD) & FD_CLOEXEC, 0);
	return guest;
}

START_TEST(test_upstream_speaks)
{
	struct park_guest guest;
	struct stream one, two;

	yard = open_yard(modes[_i], 0);
	one = put_stream("/one");
	two = put_stream("/two");
	assert_streams(2);
	ck_assert(!wait_for(yard.fd, POLLIN, 100));
	say(two.upstream, "bytes");
	guest = take_stream("/two");
	assert_streams(1);
	assert_says(guest.upstream_fd, "bytes");
	say(guest.client_fd, "passed on");
	assert_says(two.client, "passed on");
	/* And once more. */
	ck_assert_int_eq(park_put_stream(yard.fd, yard.no,
	    (int[]){ guest.client_fd, guest.upstream_fd }, &guest.ticket), 0);
	(void)close(guest.client_fd);
	(void)close(guest.upstream_fd);
	assert_streams(2);
	say(one.upstream, "x");
	say(two.client, "y");
	(void)take_stream("/one");
	guest = take_stream("/two");
	assert_says(guest.client_fd, "y");
	assert_streams(0);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* How either side may end: the worker has to see it. */
static void
end_stream(const struct stream *s, int how)
{
	switch (how) {
	case 0:
		(void)close(s->client);
		break;
	case 1:
		(void)close(s->upstream);
		break;
	case 2:
		ck_assert_int_eq(shutdown(s->client, SHUT_WR), 0);
		break;
	default:
		ck_assert_int_eq(shutdown(s->upstream, SHUT_WR), 0);
		break;
	}
}

START_TEST(test_ends)
{
	struct park_guest guest;
	struct stream stream;
	int how;

	yard = open_yard(modes[_i], 0);
	for (how = 0; how < 4; how++) {
		stream = put_stream("/end");
		assert_streams(1);
		end_stream(&stream, how);
		guest = take_stream("/end");
		assert_closed(how % 2 == 0 ? guest.client_fd :
		    guest.upstream_fd);
		assert_streams(0);
	}
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* Both sides at once are one event. */
START_TEST(test_both)
{
	struct stream stream;

	yard = open_yard(modes[_i], 0);
	stream = put_stream("/both");
	assert_streams(1);
	ck_assert_int_eq(kill(yard.pid, SIGSTOP), 0);
	say(stream.client, "x");
	say(stream.upstream, "x");
	ck_assert_int_eq(kill(yard.pid, SIGCONT), 0);
	(void)take_stream("/both");
	ck_assert(!wait_for(yard.fd, POLLIN, 100));
	assert_streams(0);
	assert_sleeps();
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

START_TEST(test_killed)
{
	struct stream stream;

	yard = open_yard(modes[_i], 0);
	stream = put_stream("/killed");
	assert_streams(1);
	ck_assert_int_eq(kill(yard.pid, SIGKILL), 0);
	(void)close_yard(&yard);
	assert_closed(stream.client);
	assert_closed(stream.upstream);
	ck_assert_uint_eq(yard_total(), 0);
}
END_TEST

/* It has room for some: the others are not taken, and stay ours. */
START_TEST(test_full)
{
	const struct ticket ticket = make_ticket("/many");
	int client[2], n, upstream[2];

	if (!privs_has_limits() && _i > 0)
		return;
	yard = open_yard(modes[_i], FEW_FILES);
	open_pair(SOCK_STREAM, client);
	open_pair(SOCK_STREAM, upstream);
	await_room();
	for (n = 0; n < FEW_FILES; n++) {
		if (park_put_stream(yard.fd, yard.no,
		    (int[]){ client[1], upstream[1] }, &ticket) == -1)
			break;
		assert_streams((size_t)n + 1);
	}
	ck_assert_int_gt(n, 8);
	ck_assert_int_lt(n, FEW_FILES / 2);
	say(client[1], "x");
	assert_says(client[0], "x");
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* Given up: clients are closed, now and later; streams stay. */
START_TEST(test_given_up)
{
	struct stream stream;
	int client, late;

	yard = open_yard(modes[_i], 0);
	client = put(&bert, LONG_MS);
	stream = put_stream("/stays");
	assert_count(2);
	ck_assert(!yard_is_given_up(yard.no));
	park_give_up(yard.no, yard.fd);
	ck_assert(yard_is_given_up(yard.no));
	assert_closed(client);
	assert_streams(1);
	late = put(&bert, LONG_MS);
	assert_closed(late);
	assert_sleeps();
	say(stream.upstream, "x");
	(void)take_stream("/stays");
	assert_streams(0);
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* -- taken over -- */

/* Numbers of descriptors and bytes that do not belong together. */
static const struct {
	size_t	len;
	size_t	nfds;
} odd[] = {
	{ sizeof(struct ticket), 1 },
	{ sizeof(struct ticket) - 1, 2 },
	{ sizeof(struct ticket) + 1, 2 },
	{ sizeof(struct ticket) + 100, 2 },
	{ 32, 2 },
	{ 1, 2 },
	{ 1, 1 },
	{ 31, 4 },
};

START_TEST(test_odd)
{
	const struct ticket ticket = make_ticket("/odd");
	char noise[1024];
	int ends[4][2], fds[4], i;
	size_t k;

	yard = open_yard(modes[_i], 0);
	for (i = 0; i < ROWS(odd); i++) {
		memset(noise, 0, sizeof(noise));
		memcpy(noise, &ticket, sizeof(ticket));
		for (k = 0; k < odd[i].nfds; k++) {
			open_pair(SOCK_STREAM, ends[k]);
			fds[k] = ends[k][1];
		}
		send_any(noise, odd[i].len, fds, odd[i].nfds);
		for (k = 0; k < odd[i].nfds; k++) {
			(void)close(fds[k]);
			assert_closed(ends[k][0]);
		}
	}
	assert_streams(0);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

START_TEST(test_rows)
{
	static const uint32_t rows[] = { BOUNDS_TALLY_ROW_CAP,
		BOUNDS_TALLY_ROW_CAP + 1, UINT32_MAX };
	struct ticket ticket = make_ticket("/row");
	int client[2], i, upstream[2];

	yard = open_yard(modes[_i], 0);
	for (i = 0; i < ROWS(rows); i++) {
		open_pair(SOCK_STREAM, client);
		open_pair(SOCK_STREAM, upstream);
		ticket.row = rows[i];
		send_any(&ticket, sizeof(ticket),
		    (int[]){ client[1], upstream[1] }, 2);
		(void)close(client[1]);
		(void)close(upstream[1]);
		assert_closed(client[0]);
		assert_closed(upstream[0]);
	}
	assert_streams(0);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

static int
open_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	return ends[0];
}

static int
open_own(void)
{
	return dup(yard.fd);
}

static int
open_datagrams(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int
open_file(void)
{
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int
open_set(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

/* One half is no connection: both are closed. */
START_TEST(test_no_streams)
{
	static int (*const openers[])(void) = { open_pipe, open_own,
		open_datagrams, open_file, open_set };
	const struct ticket ticket = make_ticket("/no");
	int ends[2], fds[2], i, other, turn;

	yard = open_yard(modes[_i], 0);
	for (i = 0; i < ROWS(openers); i++)
		for (turn = 0; turn < 2; turn++) {
			open_pair(SOCK_STREAM, ends);
			other = openers[i]();
			ck_assert_int_ge(other, 0);
			fds[turn] = ends[1];
			fds[1 - turn] = other;
			send_any(&ticket, sizeof(ticket), fds, 2);
			(void)close(ends[1]);
			assert_closed(ends[0]);
			(void)close(other);
		}
	assert_streams(0);
	assert_sleeps();
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* The same connection twice; and one that the worker keeps open. */
START_TEST(test_twice)
{
	const struct ticket ticket = make_ticket("/twice");
	struct park_guest guest;
	int client, ends[2], i;

	yard = open_yard(modes[_i], 0);
	open_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
	for (i = 0; i < 3; i++) {
		send_any(&ticket, sizeof(ticket), (int[]){ ends[1], ends[1] },
		    2);
		assert_streams(1);
		say(ends[0], "x");
		guest = take_stream("/twice");
		assert_says(guest.client_fd, "x");
		(void)close(guest.client_fd);
		(void)close(guest.upstream_fd);
		assert_streams(0);
	}
	client = put(&bert, LONG_MS);
	assert_count(1);
	say(ends[0], "more");
	assert_sleeps();
	assert_count(1);
	ck_assert(!wait_for(client, POLLIN, 0));
	assert_says(ends[1], "more");
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* A worker gets a message that no parking process sends. */
START_TEST(test_take_odd)
{
	const struct ticket ticket = make_ticket("/take");
	struct park_guest guest;
	int ends[2], i, pairs[2][2];

	open_pair(SOCK_SEQPACKET, ends);
	yard.fd = ends[1];
	for (i = 0; i < 3; i++) {
		open_pair(SOCK_STREAM, pairs[0]);
		open_pair(SOCK_STREAM, pairs[1]);
		send_any(&ticket, i == 0 ? sizeof(ticket) - 1 : 1 + (size_t)i,
		    (int[]){ pairs[0][1], pairs[1][1] }, 2);
		(void)close(pairs[0][1]);
		(void)close(pairs[1][1]);
		ck_assert_int_eq(park_take(ends[0], &guest), -1);
		ck_assert_int_eq(errno, EAGAIN);
		assert_closed(pairs[0][0]);
		assert_closed(pairs[1][0]);
	}
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("parkstream");
	TCase *tc;

	tc = unit_case(s, "streams");
	tcase_add_loop_test(tc, test_upstream_speaks, 0, nmodes());
	tcase_add_loop_test(tc, test_ends, 0, nmodes());
	tcase_add_loop_test(tc, test_both, 0, nmodes());
	tcase_add_loop_test(tc, test_killed, 0, nmodes());
	tcase_add_loop_test(tc, test_full, 0, nmodes());
	tcase_add_loop_test(tc, test_given_up, 0, nmodes());
	tc = unit_case(s, "taken over");
	tcase_add_loop_test(tc, test_odd, 0, nmodes());
	tcase_add_loop_test(tc, test_rows, 0, nmodes());
	tcase_add_loop_test(tc, test_no_streams, 0, nmodes());
	tcase_add_loop_test(tc, test_twice, 0, nmodes());
	tcase_add_test(tc, test_take_odd);
	return s;
}
