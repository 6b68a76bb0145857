/* Tests of keep.c: from dockerd into a pipe, as the gate would have it. */

#include "config.h"

#include "unit.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "keep.h"

/* Not to be mixed up, and none a number that fits 32 bits. */
#define UPSTREAM_TAG	((UINT64_C(7) << 32) + 1)
#define PIPE_TAG	((UINT64_C(8) << 32) + 2)

#define FD_CAP		64	/* no test has so many open */

static struct keep keep;
static int poll_fd;
static int dockerd_fd;		/* what is said here comes out there: */
static int answers_fd;		/* the worker's end of the pipe */
static int kept_fd;		/* numbers that keep had when it began */
static int kept_pipe_fd;
static unsigned woken;		/* events so far */

static void
set_up_sockets(void)
{
	int ends[2];

	/* As in the gate. */
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_ne(poll_fd, -1);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    ends), 0);
	kept_fd = ends[0];
	dockerd_fd = ends[1];
	keep = (struct keep){ .upstream_fd = -1, .pipe_fd = -1 };
	woken = 0;
}

static void
set_up(void)
{
	set_up_sockets();
	answers_fd = keep_open(&keep, kept_fd, poll_fd, UPSTREAM_TAG,
	    PIPE_TAG);
	ck_assert_int_ne(answers_fd, -1);
	ck_assert_int_eq(keep.upstream_fd, kept_fd);
	kept_pipe_fd = keep.pipe_fd;
}

/* What wait says that there is, in the manner of the gate; how many. */
static int
take_turn(int wait_ms)
{
	struct epoll_event events[4];
	int i, n;

	n = epoll_wait(poll_fd, events, 4, wait_ms);
	ck_assert_int_ge(n, 0);
	for (i = 0; i < n; i++) {
		ck_assert(events[i].data.u64 == UPSTREAM_TAG ||
		    events[i].data.u64 == PIPE_TAG);
		if (keep.upstream_fd == -1)
			continue;
		if (events[i].data.u64 == PIPE_TAG &&
		    (events[i].events & EPOLLERR) != 0)
			keep_close(&keep);
		else
			keep_move(&keep, poll_fd, UPSTREAM_TAG, PIPE_TAG);
	}
	woken += (unsigned)n;
	return n;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static size_t
count_open(void)
{
	size_t n;
	int fd;

	n = 0;
	for (fd = 0; fd < FD_CAP; fd++)
		n += is_open(fd);
	ck_assert(!is_open(FD_CAP));
	return n;
}

static int
bytes_in_pipe(void)
{
	int n;

	ck_assert_int_eq(ioctl(answers_fd, FIONREAD, &n), 0);
	return n;
}

static void
say(const char *s)
{
	ck_assert_int_eq(write(dockerd_fd, s, strlen(s)),
	    (ssize_t)strlen(s));
}

/* All that is in the pipe now, and not its end. */
static void
check_answers(const char *want)
{
	char got[256];
	ssize_t n;

	n = read(answers_fd, got, sizeof(got));
	ck_assert_msg(n == (ssize_t)strlen(want) &&
	    memcmp(got, want, (size_t)n) == 0, "%zd bytes, not %s", n, want);
}

/* Nothing is there, and nothing is told again and again. */
static void
check_quiet(void)
{
	ck_assert_int_eq(take_turn(0), 0);
	ck_assert_int_eq(take_turn(20), 0);
	ck_assert_int_ne(keep.upstream_fd, -1);
}

static void
check_closed(void)
{
	ck_assert_int_eq(keep.upstream_fd, -1);
	ck_assert_int_eq(keep.pipe_fd, -1);
	ck_assert(!is_open(kept_fd));
	ck_assert(!is_open(kept_pipe_fd));
	ck_assert_int_eq(take_turn(0), 0);
}

/* Until it is over; a turn that ends nothing must have had a reason. */
static void
run_to_end(unsigned most)
{
	unsigned turns;

	for (turns = 0; keep.upstream_fd != -1; turns++) {
		ck_assert_uint_lt(turns, most);
		ck_assert_int_gt(take_turn(1000), 0);
	}
	check_closed();
}

static void
check_answers_end(void)
{
	char c;

	ck_assert_int_eq(read(answers_fd, &c, 1), 0);
}

static void
check_dockerd_end(void)
{
	char c;

	ck_assert_int_eq(read(dockerd_fd, &c, 1), 0);
}

/* What the worker gets: an end for reading alone, that does not block. */
START_TEST(test_open)
{
	ck_assert_int_eq(fcntl(answers_fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert(fcntl(answers_fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(keep.pipe_fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(answers_fd, F_GETFD) & FD_CLOEXEC);
	ck_assert(fcntl(keep.pipe_fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(write(answers_fd, "a", 1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert(!keep.is_full);
	check_quiet();
}
END_TEST

START_TEST(test_in_order)
{
	char c;

	say("HTTP/1.1 200 OK\r\n");
	/* Nothing was moved yet. */
	ck_assert_int_eq(read(answers_fd, &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(take_turn(1000), 1);
	check_answers("HTTP/1.1 200 OK\r\n");
	check_quiet();
	say("one ");
	ck_assert_int_eq(take_turn(1000), 1);
	say("two ");
	say("three");
	while (take_turn(0) > 0)
		continue;
	check_answers("one two three");
	check_quiet();
	/* Each time there was something. */
	ck_assert_uint_le(woken, 4);
	/* Nobody but its owner says anything to dockerd. */
	ck_assert_int_eq(read(dockerd_fd, &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

/* Told of bytes that are not there: watched for room, which there is, and
 * then for bytes again. */
START_TEST(test_nothing_there)
{
	keep_move(&keep, poll_fd, UPSTREAM_TAG, PIPE_TAG);
	ck_assert_int_eq(take_turn(1000), 1);
	check_quiet();
	ck_assert(!keep.is_full);
	say("a");
	ck_assert_int_eq(take_turn(1000), 1);
	check_answers("a");
	check_quiet();
}
END_TEST

/* -- more than a pipe holds -- */

#define LARGE		(1 << 20)
#define WRITE_MOST	70000	/* at once; larger than a pipe and odd */

static char large[LARGE], large_read[LARGE];
static size_t large_said, large_got;

/* No two places look alike for a long way. */
static void
fill_large(void)
{
	size_t i;

	for (i = 0; i < LARGE; i++)
		large[i] = (char)(i * 2654435761U >> 13);
	large_said = large_got = 0;
}

/* As much as dockerd gets rid of, and its end behind the last. */
static void
say_large(void)
{
	size_t len;
	ssize_t n;

	while (large_said < LARGE) {
		len = LARGE - large_said;
		n = write(dockerd_fd, large + large_said,
		    len < WRITE_MOST ? len : WRITE_MOST);
		if (n == -1) {
			ck_assert_int_eq(errno, EAGAIN);
			return;
		}
		large_said += (size_t)n;
		if (large_said == LARGE)
			ck_assert_int_eq(close(dockerd_fd), 0);
	}
}

/* Move until there is nothing to do; each event must have been for
 * something. */
static void
move_large(void)
{
	bool was_full;
	int before;

	for (;;) {
		before = bytes_in_pipe();
		was_full = keep.is_full;
		if (take_turn(0) == 0)
			return;
		ck_assert_msg(bytes_in_pipe() != before ||
		    keep.is_full != was_full || keep.upstream_fd == -1,
		    "woken for nothing after %zu bytes", large_got);
	}
}

START_TEST(test_slow_reader)
{
	static const size_t pieces[] = { 1, 4096, 5000, 65536, 1 << 20 };
	unsigned reads, full;
	ssize_t n;

	fill_large();
	full = 0;
	for (reads = 0; large_got < LARGE; reads++) {
		say_large();
		move_large();
		/* While it is full, whatever dockerd says wakes nobody. */
		full += keep.is_full;
		if (keep.is_full && large_said < LARGE) {
			say_large();
			check_quiet();
		}
		n = read(answers_fd, large_read + large_got,
		    reads < 64 ? pieces[reads % 4] : pieces[_i]);
		ck_assert_int_gt(n, 0);
		large_got += (size_t)n;
	}
	ck_assert(memcmp(large, large_read, LARGE) == 0);
	ck_assert_uint_gt(full, 8);
	/* Room, bytes, no room; and the end. */
	ck_assert_uint_le(woken, 3 * reads + 3);
	run_to_end(3);
	check_answers_end();
}
END_TEST

/* The pipe is full, and the connection has more. */
static void
fill_pipe(void)
{
	fill_large();
	say_large();
	move_large();
	ck_assert(keep.is_full);
	say_large();
	check_quiet();
}

/* -- the ends -- */

START_TEST(test_dockerd_closes)
{
	say("last");
	ck_assert_int_eq(close(dockerd_fd), 0);
	run_to_end(3);
	check_answers("last");
	check_answers_end();
}
END_TEST

START_TEST(test_dockerd_shuts_down)
{
	say("last");
	ck_assert_int_eq(shutdown(dockerd_fd, SHUT_WR), 0);
	run_to_end(3);
	check_answers("last");
	check_answers_end();
	check_dockerd_end();
}
END_TEST

/* dockerd goes without having read what it was sent: a reset. */
START_TEST(test_dockerd_resets)
{
	ck_assert_int_eq(write(keep.upstream_fd, "GET", 3), 3);
	say("last");
	ck_assert_int_eq(close(dockerd_fd), 0);
	run_to_end(3);
	check_answers("last");
	check_answers_end();
}
END_TEST

/* Before it has said a word: what a worker takes for "ask once more". */
START_TEST(test_dockerd_silent)
{
	ck_assert_int_eq(close(dockerd_fd), 0);
	run_to_end(1);
	check_answers_end();
}
END_TEST

/* The end is behind more than fits: nothing of it is lost. */
START_TEST(test_dockerd_closes_full)
{
	size_t len;
	ssize_t n;

	fill_pipe();
	len = large_said;
	ck_assert_uint_lt(len, LARGE);
	ck_assert_int_eq(close(dockerd_fd), 0);
	check_quiet();
	while ((n = read(answers_fd, large_read + large_got,
	    LARGE - large_got)) > 0) {
		large_got += (size_t)n;
		move_large();
	}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(large_got, len);
	ck_assert(memcmp(large, large_read, len) == 0);
	check_closed();
}
END_TEST

START_TEST(test_reader_closes)
{
	struct epoll_event event;

	ck_assert_int_eq(close(answers_fd), 0);
	ck_assert_int_eq(epoll_wait(poll_fd, &event, 1, 1000), 1);
	ck_assert(event.data.u64 == PIPE_TAG);
	ck_assert((event.events & EPOLLERR) != 0);
	run_to_end(1);
	check_dockerd_end();
}
END_TEST

START_TEST(test_reader_closes_full)
{
	fill_pipe();
	ck_assert_int_eq(close(answers_fd), 0);
	run_to_end(1);
}
END_TEST

/* Bytes come in the turn in which the reader goes, and are told of first. */
START_TEST(test_move_without_reader)
{
	say("a");
	ck_assert_int_eq(close(answers_fd), 0);
	keep_move(&keep, poll_fd, UPSTREAM_TAG, PIPE_TAG);
	check_closed();
}
END_TEST

/* The second time the numbers are others' already. */
START_TEST(test_close_twice)
{
	int ends[2];

	keep_close(&keep);
	check_closed();
	check_answers_end();
	check_dockerd_end();
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(ends[0] + ends[1], kept_fd + kept_pipe_fd);
	keep_close(&keep);
	ck_assert(is_open(ends[0]) && is_open(ends[1]));
	ck_assert_int_eq(keep.upstream_fd, -1);
}
END_TEST

/* And there may be another afterwards, on the same numbers. */
START_TEST(test_open_again)
{
	int old_fd;

	say("old");
	keep_close(&keep);
	ck_assert_int_eq(close(answers_fd), 0);
	ck_assert_int_eq(close(dockerd_fd), 0);
	ck_assert_int_eq(close(poll_fd), 0);
	old_fd = kept_fd;
	set_up();
	ck_assert_int_le(kept_fd, old_fd);
	check_quiet();
	say("new");
	ck_assert_int_eq(take_turn(1000), 1);
	check_answers("new");
}
END_TEST

/* -- when it cannot be -- */

/* keep_open has failed: nothing is changed. */
static void
check_refused(int error, size_t nopen)
{
	ck_assert_int_eq(answers_fd, -1);
	ck_assert_int_eq(errno, error);
	ck_assert_int_eq(keep.upstream_fd, -1);
	ck_assert_uint_eq(count_open(), nopen);
	ck_assert(is_open(kept_fd));
}

/* The caller goes on with the connection. */
static void
check_usable(void)
{
	char got[2];

	say("a");
	ck_assert_int_eq(take_turn(0), 0);
	ck_assert_int_eq(read(kept_fd, got, sizeof(got)), 1);
	ck_assert_int_eq(write(kept_fd, "b", 1), 1);
	ck_assert_int_eq(read(dockerd_fd, got, sizeof(got)), 1);
}

/* Room for none of the two descriptors, or for one. */
START_TEST(test_no_descriptors)
{
	struct rlimit limit;
	rlim_t most;
	size_t nopen;
	int fd;

	fd = dup(poll_fd);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(close(fd), 0);
	nopen = count_open();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	most = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)(fd + _i);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	answers_fd = keep_open(&keep, kept_fd, poll_fd, UPSTREAM_TAG,
	    PIPE_TAG);
	check_refused(EMFILE, nopen);
	check_usable();
	limit.rlim_cur = most;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	answers_fd = keep_open(&keep, kept_fd, poll_fd, UPSTREAM_TAG,
	    PIPE_TAG);
	ck_assert_int_ne(answers_fd, -1);
	ck_assert_uint_eq(count_open(), nopen + 2);
}
END_TEST

/* There is a pipe, and then nothing to watch it with. */
START_TEST(test_no_watch)
{
	size_t nopen;

	nopen = count_open();
	answers_fd = keep_open(&keep, kept_fd, dockerd_fd, UPSTREAM_TAG,
	    PIPE_TAG);
	check_refused(EINVAL, nopen);
	check_usable();
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("keep");
	tc = unit_case(s, "keep");
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, test_open);
	tcase_add_test(tc, test_in_order);
	tcase_add_test(tc, test_nothing_there);
	tcase_add_loop_test(tc, test_slow_reader, 1, 5);
	tcase_add_test(tc, test_dockerd_closes);
	tcase_add_test(tc, test_dockerd_shuts_down);
	tcase_add_test(tc, test_dockerd_resets);
	tcase_add_test(tc, test_dockerd_silent);
	tcase_add_test(tc, test_dockerd_closes_full);
	tcase_add_test(tc, test_reader_closes);
	tcase_add_test(tc, test_reader_closes_full);
	tcase_add_test(tc, test_move_without_reader);
	tcase_add_test(tc, test_close_twice);
	tcase_add_test(tc, test_open_again);
	tc = unit_case(s, "refused");
	tcase_add_checked_fixture(tc, set_up_sockets, NULL);
	tcase_add_loop_test(tc, test_no_descriptors, 0, 2);
	tcase_add_test(tc, test_no_watch);
	return s;
}
