/*
 * Tests of park.c: a parking process and workers that were taken over.
 */

#include "config.h"

#include "parkunit.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/un.h>

#include <fcntl.h>

/* A ticket with two descriptors. */
static void
put_two(const void *buf, size_t len, const int fds[2])
{
	union {
		char		bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr	align;
	} control;
	char copy[64];
	struct iovec iov = { copy, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	memset(&control, 0, sizeof(control));
	ck_assert_uint_le(len, sizeof(copy));
	memcpy(copy, buf, len);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
	ck_assert_int_eq(sendmsg(yard.fd, &msg, 0), (ssize_t)len);
}

/* Everything that is passed on is closed: no end stays open. */
START_TEST(test_garbage)
{
	static const char noise[64] = "noise";
	static const size_t lens[] = { 1, 8, 20, 27, 31 };
	int ends[2], far[2], i, near[2];

	yard = open_yard(modes[_i], 0);
	for (i = 0; i < ROWS(lens); i++) {
		open_pair(SOCK_STREAM, ends);
		ck_assert_int_eq(io_send_fd(yard.fd, noise, lens[i], ends[1]),
		    (ssize_t)lens[i]);
		(void)close(ends[1]);
		assert_closed(ends[0]);
		ck_assert_int_eq(io_send_fd(yard.fd, noise, lens[i], -1),
		    (ssize_t)lens[i]);
		open_pair(SOCK_STREAM, near);
		open_pair(SOCK_STREAM, far);
		put_two(noise, lens[i], (int[]){ near[1], far[1] });
		(void)close(near[1]);
		(void)close(far[1]);
		assert_closed(near[0]);
		assert_closed(far[0]);
	}
	ck_assert_int_eq(io_send_fd(yard.fd, noise, sizeof(noise), -1),
	    (ssize_t)sizeof(noise));
	ck_assert_uint_eq(yard_count(yard.no), 0);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

START_TEST(test_times)
{
	static const int64_t never[] = { -1, INT64_MIN, INT64_MAX,
		(int64_t)BOUNDS_PARKED_MS + 1 };
	int client, i;

	yard = open_yard(modes[_i], 0);
	for (i = 0; i < ROWS(never); i++)
		assert_closed(put(&anna, never[i]));
	ck_assert_uint_eq(yard_count(yard.no), 0);
	client = put(&anna, BOUNDS_PARKED_MS);
	assert_count(1);
	assert_closed(put(&anna, 0));
	assert_count(1);
	assert_sleeps();
	(void)close(client);
	assert_count(0);
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

static int
open_listener(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(name);
	int client, fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name,
	    sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&name, len), 0);
	return fd;
}

static int
open_file(void)
{
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int
open_event(void)
{
	return eventfd(1, EFD_CLOEXEC);
}

static int
open_set(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	ck_assert_int_eq(epoll_ctl(fd, EPOLL_CTL_ADD, open_event(), &event),
	    0);
	return fd;
}

static int
open_empty_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	return ends[0];
}

static int
open_ended_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	(void)close(ends[1]);
	return ends[0];
}

static int
open_full_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	say(ends[1], "x");
	return ends[0];
}

static int
open_new_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* The pair itself. */
static int
open_own(void)
{
	return dup(yard.fd);
}

/* What is no client, whether its copy is kept open or not: the process
 * sleeps, and others are served. */
START_TEST(test_no_clients)
{
	static int (*const openers[])(void) = { open_listener, open_file,
		open_event, open_set, open_empty_pipe, open_ended_pipe,
		open_full_pipe, open_new_socket, open_own };
	int client, fds[ROWS(openers)], fd, i, turn;

	yard = open_yard(modes[_i], 0);
	client = put(&anna, LONG_MS);
	assert_count(1);
	for (i = 0; i < ROWS(openers); i++) {
		fds[i] = openers[i]();
		ck_assert_int_ge(fds[i], 0);
	}
	for (turn = 0; turn < 2; turn++) {
		for (i = 0; i < ROWS(openers); i++) {
			ck_assert_int_eq(park_put(yard.fd, fds[i], &bert,
			    100), 0);
			if (turn > 0)
				(void)close(fds[i]);
		}
		while (wait_for(yard.fd, POLLIN, 50))
			(void)close(take());
		assert_sleeps();
		pause_ms(BOUNDS_PARK_LOOK_MS);
		assert_count(1);
		ck_assert_uint_eq(yard_count_peer(&bert), 0);
		assert_works();
	}
	ck_assert_uint_eq(yard_count_peer(&anna), 1);
	say(client, "still here");
	fd = take();
	assert_says(fd, "still here");
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* A worker keeps the connection open that it has parked.  What happens there
 * later is nothing to whoever has its number then. */
START_TEST(test_kept_open)
{
	int client, ends[2], fd, i;

	yard = open_yard(modes[_i], 0);
	open_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(park_put(yard.fd, ends[1], &anna, LONG_MS),
		    0);
		assert_count(1);
		say(ends[0], "x");
		fd = take();
		assert_says(fd, "x");
		(void)close(fd);
	}
	client = put(&bert, LONG_MS);
	assert_count(1);
	say(ends[0], "more");
	assert_sleeps();
	assert_count(1);
	ck_assert(!wait_for(client, POLLIN, 0));
	assert_says(ends[1], "more");
	/* It ends: likewise. */
	ck_assert_int_eq(park_put(yard.fd, ends[1], &anna, 100), 0);
	assert_count(2);
	assert_count(1);
	(void)close(ends[0]);
	assert_sleeps();
	ck_assert_uint_eq(yard_count_peer(&bert), 1);
	say(client, "me");
	fd = take();
	assert_says(fd, "me");
	assert_count(0);
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("parkfoe");
	TCase *tc;

	tc = unit_case(s, "taken over");
	tcase_add_loop_test(tc, test_garbage, 0, nmodes());
	tcase_add_loop_test(tc, test_times, 0, nmodes());
	tcase_add_loop_test(tc, test_no_clients, 0, nmodes());
	tcase_add_loop_test(tc, test_kept_open, 0, nmodes());
	return s;
}
