#ifndef DSP_PARKUNIT_H
#define DSP_PARKUNIT_H

/*
 * What the tests of parking share: a parking process, with and without its
 * filter, and clients.
 */

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "bounds.h"
#include "io.h"
#include "park.h"
#include "unit.h"

#define LONG_MS		60000	/* longer than any test takes */
#define SOON_MS		3000

static const enum sandbox_mode modes[] = { SANDBOX_OFF, SANDBOX_KILL };

static const struct board_peer anna = { "anna" }, bert = { "bert" };

/* A parking process and the workers' end of its pair. */
struct yard {
	int	no;
	int	fd;
	pid_t	pid;
};

static struct yard yard;

/* Who a parking process becomes. */
static struct privs_identity yard_identity;

static inline int
nmodes(void)
{
	return sandbox_is_built() ? ROWS(modes) : 1;
}

static inline void
open_pair(int type, int ends[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends),
	    0);
}

/* The shared pages; once for a test. */
static inline void
open_pages(void)
{
	static bool is_open;

	if (!is_open)
		ck_assert_int_eq(yard_open(), 0);
	is_open = true;
}

/* files: its limit of descriptors, 0: as ours. */
static inline struct yard
open_yard(enum sandbox_mode mode, rlim_t files)
{
	const struct rlimit limit = { files, files };
	struct conf conf = { .sandbox = mode, .log_level = LOG_LEVEL_INFO };
	struct park_args args = { .conf = &conf, .identity = &yard_identity,
		.master = getpid() };
	struct yard made;
	int ends[2];

	open_pages();
	args.no = yard_claim();
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
static inline int
close_yard(struct yard *y)
{
	int status;

	(void)close(y->fd);
	ck_assert_int_eq(waitpid(y->pid, &status, 0), y->pid);
	yard_release(y->no);
	return status;
}

/* Wait for an event; false when there is none in time. */
static inline bool
wait_for(int fd, short events, int ms)
{
	struct pollfd wait = { .fd = fd, .events = events };

	return poll(&wait, 1, ms) == 1;
}

/* A client is a connection whose other end is parked; returns our end. */
static inline int
put(const struct board_peer *peer, int64_t left_ms)
{
	int ends[2];

	open_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
	ck_assert(wait_for(yard.fd, POLLOUT, SOON_MS));
	ck_assert_int_eq(park_put(yard.fd, ends[1], peer, left_ms), 0);
	(void)close(ends[1]);
	return ends[0];
}

static inline void
pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

static inline void
assert_count(size_t want)
{
	int64_t end = io_now_ms() + SOON_MS;

	while (yard_count(yard.no) != want && io_now_ms() < end)
		pause_ms(2);
	ck_assert_uint_eq(yard_count(yard.no), want);
}

/* An idle client that has come back on that pair, or -1 with errno. */
static inline int
take_from(int pair_fd)
{
	struct park_guest guest;

	if (park_take(pair_fd, &guest) == -1)
		return -1;
	ck_assert_int_eq(guest.upstream_fd, -1);
	ck_assert_int_ge(guest.client_fd, 0);
	return guest.client_fd;
}

/* The same, which is soon there. */
static inline int
take(void)
{
	int fd;

	ck_assert(wait_for(yard.fd, POLLIN, SOON_MS));
	fd = take_from(yard.fd);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static inline void
say(int fd, const char *s)
{
	ck_assert_int_eq(write(fd, s, strlen(s)), (ssize_t)strlen(s));
}

static inline void
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
static inline void
assert_closed(int fd)
{
	char byte;

	ck_assert(wait_for(fd, POLLIN, SOON_MS));
	ck_assert_int_eq(read(fd, &byte, 1), 0);
	(void)close(fd);
}

/* It lives, and parks and returns clients. */
static inline void
assert_works(void)
{
	size_t had = yard_count(yard.no);
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
static inline int64_t
burnt(void)
{
	struct timespec used;
	clockid_t clock;

	ck_assert_int_eq(clock_getcpuclockid(yard.pid, &clock), 0);
	ck_assert_int_eq(clock_gettime(clock, &used), 0);
	return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static inline void
assert_sleeps(void)
{
	int64_t before;

	pause_ms(50);
	before = burnt();
	pause_ms(400);
	ck_assert_int_lt(burnt() - before, 40);
}

#endif /* DSP_PARKUNIT_H */
