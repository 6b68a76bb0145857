/*
 * Tests of park.c: numbers and lists, what is passed between workers and a
 * parking process, and such a process, with and without its filter.
 */

#include "config.h"

#include "unit.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "bounds.h"
#include "io.h"
#include "park.h"

#define LONG_MS		60000	/* longer than any test takes */
#define SOON_MS		3000
#define FEW_FILES	64	/* for a parking process that is soon full */
#define CROWD		600	/* more than the pair takes at once */

static const enum sandbox_mode modes[] = { SANDBOX_OFF, SANDBOX_KILL };

static const struct board_peer anna = { "anna" }, bert = { "bert" };

/* A parking process and the workers' end of its pair. */
struct yard {
	int	no;
	int	fd;
	pid_t	pid;
};

static struct yard yard;

static int
nmodes(void)
{
	return sandbox_is_built() ? ROWS(modes) : 1;
}

static void
open_pair(int type, int ends[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends),
	    0);
}

/* files: its limit of descriptors, 0: as ours. */
static struct yard
open_yard(enum sandbox_mode mode, rlim_t files)
{
	const struct rlimit limit = { files, files };
	const struct privs_identity same = { .is_set = false };
	struct conf conf = { .sandbox = mode, .log_level = LOG_LEVEL_INFO };
	struct park_args args = { .conf = &conf, .identity = &same,
		.master = getpid() };
	struct yard made;
	int ends[2];

	args.no = park_claim();
	ck_assert_int_ge(args.no, 0);
	open_pair(SOCK_SEQPACKET, ends);
	args.pair_fd = ends[1];
	made = (struct yard){ .no = args.no, .fd = ends[0], .pid = fork() };
	ck_assert_int_ge(made.pid, 0);
	if (made.pid == 0) {
		if (files > 0 && setrlimit(RLIMIT_NOFILE, &limit) == -1)
			_exit(100);
		park_run(&args);
	}
	(void)close(ends[1]);
	return made;
}

/* Its wait status. */
static int
close_yard(struct yard *y)
{
	int status;

	(void)close(y->fd);
	ck_assert_int_eq(waitpid(y->pid, &status, 0), y->pid);
	park_release(y->no);
	return status;
}

static void
set_up(void)
{
	yard = open_yard(SANDBOX_OFF, 0);
}

/* Wait for an event; false when there is none in time. */
static bool
wait_for(int fd, short events, int ms)
{
	struct pollfd wait = { .fd = fd, .events = events };

	return poll(&wait, 1, ms) == 1;
}

/* A client is a connection whose other end is parked; returns our end. */
static int
put(const struct board_peer *peer, int64_t left_ms)
{
	int ends[2];

	open_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
	ck_assert(wait_for(yard.fd, POLLOUT, SOON_MS));
	ck_assert_int_eq(park_put(yard.fd, ends[1], peer, left_ms), 0);
	(void)close(ends[1]);
	return ends[0];
}

static void
pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

static void
assert_count(size_t want)
{
	int64_t end = io_now_ms() + SOON_MS;

	while (park_count(yard.no) != want && io_now_ms() < end)
		pause_ms(2);
	ck_assert_uint_eq(park_count(yard.no), want);
}

/* A client that has come back. */
static int
take(void)
{
	int fd;

	ck_assert(wait_for(yard.fd, POLLIN, SOON_MS));
	fd = park_take(yard.fd);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void
say(int fd, const char *s)
{
	ck_assert_int_eq(write(fd, s, strlen(s)), (ssize_t)strlen(s));
}

static void
assert_says(int fd, const char *want)
{
	char got[64];
	ssize_t n;

	ck_assert(wait_for(fd, POLLIN, SOON_MS));
	n = read(fd, got, sizeof(got) - 1);
	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, want);
}

/* Nobody has the other end open any more. */
static void
assert_closed(int fd)
{
	char byte;

	ck_assert(wait_for(fd, POLLIN, SOON_MS));
	ck_assert_int_eq(read(fd, &byte, 1), 0);
	(void)close(fd);
}

/* It lives, and parks and returns clients. */
static void
assert_works(void)
{
	size_t had = park_count(yard.no);
	int client, fd;

	client = put(&anna, LONG_MS);
	assert_count(had + 1);
	say(client, "hello");
	fd = take();
	assert_says(fd, "hello");
	assert_count(had);
	(void)close(fd);
	(void)close(client);
}

/* Milliseconds of processor time that it has used. */
static int64_t
burnt(void)
{
	struct timespec used;
	clockid_t clock;

	ck_assert_int_eq(clock_getcpuclockid(yard.pid, &clock), 0);
	ck_assert_int_eq(clock_gettime(clock, &used), 0);
	return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void
assert_sleeps(void)
{
	int64_t before;

	pause_ms(50);
	before = burnt();
	pause_ms(400);
	ck_assert_int_lt(burnt() - before, 40);
}

/* -- numbers -- */

START_TEST(test_claim)
{
	int i, other;

	for (i = 0; i < PARK_COUNT; i++) {
		ck_assert_int_eq(park_claim(), i);
		ck_assert_uint_eq(park_count(i), 0);
	}
	ck_assert_int_eq(park_claim(), -1);
	ck_assert_int_eq(errno, EAGAIN);
	for (i = 0; i < PARK_COUNT; i += 7) {
		park_release(i);
		other = park_claim();
		ck_assert_int_eq(other, i);
	}
	ck_assert_int_eq(park_claim(), -1);
	ck_assert_uint_eq(park_count_peer(&anna), 0);
}
END_TEST

/* Lists are shared memory, which a worker cannot write to. */
static int
writable_shares(void)
{
	char line[512];
	int n;
	FILE *f;

	f = fopen("/proc/self/maps", "r");
	ck_assert_ptr_nonnull(f);
	n = 0;
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, " rw-s ") != NULL;
	(void)fclose(f);
	return n;
}

START_TEST(test_enter_worker)
{
	int had = writable_shares();

	ck_assert_int_eq(park_claim(), 0);
	ck_assert_int_gt(writable_shares(), had);
	ck_assert_int_eq(park_enter_worker(), 0);
	ck_assert_int_eq(writable_shares(), had);
	ck_assert_uint_eq(park_count(0), 0);
	ck_assert_uint_eq(park_count_peer(&anna), 0);
}
END_TEST

/* -- the pair -- */

START_TEST(test_put_full)
{
	int client[2], ends[2], n;

	open_pair(SOCK_SEQPACKET, ends);
	open_pair(SOCK_STREAM, client);
	for (n = 0; n < 100000; n++)
		if (park_put(ends[0], client[0], &anna, 1) == -1)
			break;
	ck_assert_int_gt(n, 8);
	ck_assert_int_lt(n, 100000);
	(void)close(ends[1]);
	ck_assert_int_eq(park_put(ends[0], client[0], &anna, 1), -1);
	/* It is still ours. */
	say(client[1], "x");
	assert_says(client[0], "x");
}
END_TEST

START_TEST(test_take)
{
	int client[2], ends[2], fd;

	open_pair(SOCK_SEQPACKET, ends);
	open_pair(SOCK_STREAM, client);
	ck_assert_int_eq(park_take(ends[0]), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(io_send_fd(ends[1], "", 1, -1), 1);
	ck_assert_int_eq(park_take(ends[0]), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(io_send_fd(ends[1], "", 1, client[0]), 1);
	fd = park_take(ends[0]);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	say(client[1], "x");
	assert_says(fd, "x");
	(void)close(ends[1]);
	ck_assert_int_eq(park_take(ends[0]), -1);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

/* -- the process -- */

START_TEST(test_speaks)
{
	int client, fd;

	yard = open_yard(modes[_i], 0);
	client = put(&anna, LONG_MS);
	assert_count(1);
	ck_assert(!wait_for(yard.fd, POLLIN, 100));
	say(client, "one ");
	fd = take();
	assert_count(0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	say(client, "two");
	assert_says(fd, "one two");
	say(fd, "answer");
	assert_says(client, "answer");
	/* And once more. */
	ck_assert_int_eq(park_put(yard.fd, fd, &anna, LONG_MS), 0);
	(void)close(fd);
	assert_count(1);
	say(client, "three");
	fd = take();
	assert_says(fd, "three");
	(void)close(client);
	ck_assert_int_eq(close_yard(&yard), 0);
	assert_closed(fd);
}
END_TEST

/* Bytes that came before it was parked. */
START_TEST(test_has_spoken)
{
	int ends[2], fd;

	yard = open_yard(modes[_i], 0);
	open_pair(SOCK_STREAM, ends);
	say(ends[0], "early");
	ck_assert_int_eq(park_put(yard.fd, ends[1], &anna, LONG_MS), 0);
	fd = take();
	assert_says(fd, "early");
	assert_count(0);
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

START_TEST(test_ends)
{
	int one, two;

	yard = open_yard(modes[_i], 0);
	one = put(&anna, LONG_MS);
	two = put(&anna, LONG_MS);
	assert_count(2);
	(void)close(one);
	assert_count(1);
	ck_assert_int_eq(shutdown(two, SHUT_WR), 0);
	assert_closed(two);
	assert_count(0);
	ck_assert_uint_eq(park_count_peer(&anna), 0);
	ck_assert_int_eq(park_take(yard.fd), -1);
	ck_assert_int_eq(errno, EAGAIN);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

START_TEST(test_half_closed)
{
	int client, fd;

	yard = open_yard(modes[_i], 0);
	client = put(&anna, LONG_MS);
	assert_count(1);
	say(client, "last");
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	fd = take();
	assert_says(fd, "last");
	say(fd, "answer");
	assert_says(client, "answer");
	(void)close(fd);
	assert_closed(client);
	assert_count(0);
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

START_TEST(test_deadline)
{
	int early, late, later;
	int64_t began, took;

	yard = open_yard(modes[_i], 0);
	began = io_now_ms();
	later = put(&anna, LONG_MS);
	late = put(&anna, 600);
	early = put(&anna, 200);
	assert_count(3);
	assert_closed(early);
	took = io_now_ms() - began;
	ck_assert_int_ge(took, 199);
	ck_assert_int_lt(took, 200 + 2 * BOUNDS_PARK_LOOK_MS);
	assert_closed(late);
	took = io_now_ms() - began;
	ck_assert_int_ge(took, 599);
	ck_assert_int_lt(took, 600 + 2 * BOUNDS_PARK_LOOK_MS);
	assert_count(1);
	ck_assert(!wait_for(later, POLLIN, 100));
	assert_sleeps();
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
	assert_closed(later);
}
END_TEST

START_TEST(test_killed)
{
	int client, status;

	yard = open_yard(modes[_i], 0);
	client = put(&anna, LONG_MS);
	assert_count(1);
	ck_assert_int_eq(kill(yard.pid, SIGTERM), 0);
	status = close_yard(&yard);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_closed(client);
}
END_TEST

START_TEST(test_other_signals)
{
	yard = open_yard(modes[_i], 0);
	assert_works();
	ck_assert_int_eq(kill(yard.pid, SIGINT), 0);
	ck_assert_int_eq(kill(yard.pid, SIGHUP), 0);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* Nobody takes those who speak. */
START_TEST(test_crowd)
{
	static int clients[CROWD];
	static bool is_seen[CROWD];
	char name[16];
	int fd, i, n;
	ssize_t len;

	yard = open_yard(modes[_i], 0);
	for (i = 0; i < CROWD; i++) {
		clients[i] = put(i % 2 == 0 ? &anna : &bert, LONG_MS);
		assert_count((size_t)i + 1);
	}
	ck_assert_uint_eq(park_count_peer(&anna), CROWD / 2);
	assert_sleeps();
	for (i = 0; i < CROWD; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		say(clients[i], name);
	}
	assert_sleeps();
	ck_assert_uint_gt(park_count(yard.no), 0);
	for (i = 0; i < CROWD; i++) {
		fd = take();
		len = read(fd, name, sizeof(name) - 1);
		ck_assert_int_gt(len, 0);
		name[len] = '\0';
		n = atoi(name);
		ck_assert(!is_seen[n]);
		is_seen[n] = true;
		(void)close(fd);
	}
	assert_count(0);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* One that nobody takes may still end, and its time may be up. */
START_TEST(test_crowd_goes)
{
	static int clients[CROWD];
	int i;

	yard = open_yard(modes[_i], 0);
	for (i = 0; i < CROWD; i++) {
		clients[i] = put(&anna, 500);
		say(clients[i], "x");
	}
	assert_sleeps();
	pause_ms(2 * BOUNDS_PARK_LOOK_MS);
	assert_count(0);
	while (wait_for(yard.fd, POLLIN, 50))
		(void)close(take());
	for (i = 0; i < CROWD; i++)
		(void)close(clients[i]);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* No more descriptors: who comes then is closed. */
START_TEST(test_full)
{
	int clients[2 * FEW_FILES], closed, i;

	if (!privs_has_limits() && _i > 0)
		return;
	yard = open_yard(modes[_i], FEW_FILES);
	for (i = 0; i < ROWS(clients); i++)
		clients[i] = put(&anna, LONG_MS);
	pause_ms(100);
	closed = 0;
	for (i = 0; i < ROWS(clients); i++)
		closed += wait_for(clients[i], POLLIN, 0);
	ck_assert_int_gt(closed, FEW_FILES);
	ck_assert_uint_eq(park_count(yard.no),
	    (size_t)(ROWS(clients) - closed));
	ck_assert_uint_gt(park_count(yard.no), FEW_FILES - 8);
	assert_sleeps();
	for (i = 0; i < ROWS(clients); i++)
		(void)close(clients[i]);
	assert_count(0);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* -- workers that were taken over -- */

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
	ck_assert_uint_eq(park_count(yard.no), 0);
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
	ck_assert_uint_eq(park_count(yard.no), 0);
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
		ck_assert_uint_eq(park_count_peer(&bert), 0);
		assert_works();
	}
	ck_assert_uint_eq(park_count_peer(&anna), 1);
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
	ck_assert_uint_eq(park_count_peer(&bert), 1);
	say(client, "me");
	fd = take();
	assert_says(fd, "me");
	assert_count(0);
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* -- counts -- */

START_TEST(test_counts)
{
	const struct board_peer nobody = { "" };
	struct yard first, second;
	int clients[5], i;

	second = open_yard(SANDBOX_OFF, 0);
	first = yard;
	for (i = 0; i < 3; i++)
		clients[i] = put(&anna, LONG_MS);
	assert_count(3);
	yard = second;
	clients[3] = put(&anna, LONG_MS);
	clients[4] = put(&bert, LONG_MS);
	assert_count(2);
	ck_assert_uint_eq(park_count(first.no), 3);
	ck_assert_uint_eq(park_count_peer(&anna), 4);
	ck_assert_uint_eq(park_count_peer(&bert), 1);
	ck_assert_uint_eq(park_count_peer(&nobody), 0);
	(void)close(clients[3]);
	assert_count(1);
	ck_assert_uint_eq(park_count_peer(&anna), 3);
	ck_assert_int_eq(close_yard(&first), 0);
	ck_assert_uint_eq(park_count_peer(&anna), 0);
	ck_assert_uint_eq(park_count_peer(&bert), 1);
	ck_assert_int_eq(close_yard(&second), 0);
	ck_assert_uint_eq(park_count_peer(&bert), 0);
}
END_TEST

/* Workers of other listeners live longer than a parking process that is
 * killed; they do not count its clients for ever. */
START_TEST(test_counts_of_dead)
{
	int go[2], status;
	pid_t pid;
	char byte;

	(void)put(&anna, LONG_MS);
	assert_count(1);
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (park_count_peer(&anna) != 1 || read(go[0], &byte, 1) != 1)
			_exit(100);
		_exit((int)park_count_peer(&anna));
	}
	pause_ms(100);
	ck_assert_int_eq(kill(yard.pid, SIGKILL), 0);
	(void)close_yard(&yard);
	say(go[1], "x");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("park");
	TCase *tc;

	tc = unit_case(s, "sides");
	tcase_add_test(tc, test_claim);
	tcase_add_test(tc, test_enter_worker);
	tcase_add_test(tc, test_put_full);
	tcase_add_test(tc, test_take);
	tc = unit_case(s, "process");
	tcase_add_loop_test(tc, test_speaks, 0, nmodes());
	tcase_add_loop_test(tc, test_has_spoken, 0, nmodes());
	tcase_add_loop_test(tc, test_ends, 0, nmodes());
	tcase_add_loop_test(tc, test_half_closed, 0, nmodes());
	tcase_add_loop_test(tc, test_deadline, 0, nmodes());
	tcase_add_loop_test(tc, test_killed, 0, nmodes());
	tcase_add_loop_test(tc, test_other_signals, 0, nmodes());
	tcase_add_loop_test(tc, test_crowd, 0, nmodes());
	tcase_add_loop_test(tc, test_crowd_goes, 0, nmodes());
	tcase_add_loop_test(tc, test_full, 0, nmodes());
	tc = unit_case(s, "taken over");
	tcase_add_loop_test(tc, test_garbage, 0, nmodes());
	tcase_add_loop_test(tc, test_times, 0, nmodes());
	tcase_add_loop_test(tc, test_no_clients, 0, nmodes());
	tcase_add_loop_test(tc, test_kept_open, 0, nmodes());
	tc = unit_case(s, "counts");
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, test_counts);
	tcase_add_test(tc, test_counts_of_dead);
	return s;
}
