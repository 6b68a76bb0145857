/*
 * Tests of park.c: numbers and lists, what is passed between workers and a
 * parking process, and such a process.
 */

#include "config.h"

#include "parkunit.h"

#include <fcntl.h>
#include <signal.h>

#define FEW_FILES	64	/* for a parking process that is soon full */
#define UID		64324	/* of nobody else */
#define CROWD		600	/* more than the pair takes at once */

/* -- numbers -- */

START_TEST(test_claim)
{
	int i, other;

	open_pages();
	for (i = 0; i < YARD_COUNT; i++) {
		ck_assert_int_eq(yard_claim(), i);
		ck_assert_uint_eq(yard_count(i), 0);
	}
	ck_assert_int_eq(yard_claim(), -1);
	ck_assert_int_eq(errno, EAGAIN);
	for (i = 0; i < YARD_COUNT; i += 7) {
		yard_release(i);
		other = yard_claim();
		ck_assert_int_eq(other, i);
	}
	ck_assert_int_eq(yard_claim(), -1);
	ck_assert_uint_eq(yard_count_peer(&anna), 0);
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

	open_pages();
	ck_assert_int_eq(yard_claim(), 0);
	ck_assert_int_gt(writable_shares(), had);
	ck_assert_int_eq(yard_watch(), 0);
	ck_assert_int_eq(writable_shares(), had);
	ck_assert_uint_eq(yard_count(0), 0);
	ck_assert_uint_eq(yard_count_peer(&anna), 0);
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
	ck_assert_int_eq(take_from(ends[0]), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(io_send_fd(ends[1], "", 1, -1), 1);
	ck_assert_int_eq(take_from(ends[0]), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(io_send_fd(ends[1], "", 1, client[0]), 1);
	fd = take_from(ends[0]);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	say(client[1], "x");
	assert_says(fd, "x");
	(void)close(ends[1]);
	ck_assert_int_eq(take_from(ends[0]), -1);
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
	ck_assert_uint_eq(yard_count_peer(&anna), 0);
	ck_assert_int_eq(take_from(yard.fd), -1);
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
	ck_assert_int_eq(kill(yard.pid, SIGKILL), 0);
	status = close_yard(&yard);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_closed(client);
}
END_TEST

START_TEST(test_other_signals)
{
	yard = open_yard(modes[_i], 0);
	assert_works();
	ck_assert_int_eq(kill(yard.pid, SIGINT), 0);
	ck_assert_int_eq(kill(yard.pid, SIGHUP), 0);
	ck_assert_int_eq(kill(yard.pid, SIGTERM), 0);
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
	ck_assert_uint_eq(yard_count_peer(&anna), CROWD / 2);
	assert_sleeps();
	for (i = 0; i < CROWD; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		say(clients[i], name);
	}
	assert_sleeps();
	ck_assert_uint_gt(yard_count(yard.no), 0);
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
	/* What all of a user's have on their way counts. */
	if (geteuid() == 0)
		yard_identity = (struct privs_identity){ true, UID + 1,
			UID + 1 };
	yard = open_yard(modes[_i], FEW_FILES);
	for (i = 0; i < ROWS(clients); i++)
		clients[i] = put(&anna, LONG_MS);
	pause_ms(100);
	closed = 0;
	for (i = 0; i < ROWS(clients); i++)
		closed += wait_for(clients[i], POLLIN, 0);
	ck_assert_int_gt(closed, FEW_FILES);
	ck_assert_uint_eq(yard_count(yard.no),
	    (size_t)(ROWS(clients) - closed));
	ck_assert_uint_gt(yard_count(yard.no), FEW_FILES - 8);
	assert_sleeps();
	for (i = 0; i < ROWS(clients); i++)
		(void)close(clients[i]);
	assert_count(0);
	assert_works();
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* A process of the same user has that many descriptors on their way. */
static pid_t
flood(uid_t uid, int count)
{
	int ends[2], ready[2], i;
	char c;
	pid_t pid;

	open_pair(SOCK_SEQPACKET, ends);
	open_pair(SOCK_STREAM, ready);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)close(ready[0]);
		if (setuid(uid) == -1)
			_exit(1);
		for (i = 0; i < count; i++)
			if (io_send_fd(ends[0], "", 1, ends[0]) == -1)
				_exit(2);
		if (write(ready[1], "", 1) != 1)
			_exit(3);
		for (;;)
			(void)pause();
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	return pid;
}

START_TEST(test_in_flight)
{
	pid_t other;
	int client, fd;

	if (geteuid() != 0 || !privs_has_limits())
		return;
	yard_identity = (struct privs_identity){ true, UID, UID };
	other = flood(UID, 2 * FEW_FILES);
	yard = open_yard(modes[_i], FEW_FILES);
	client = put(&anna, LONG_MS);
	assert_count(1);
	say(client, "ask");
	ck_assert(!wait_for(yard.fd, POLLIN, 200));
	assert_sleeps();
	ck_assert_int_eq(kill(other, SIGKILL), 0);
	ck_assert_int_eq(waitpid(other, NULL, 0), other);
	fd = take();
	assert_says(fd, "ask");
	(void)close(fd);
	(void)close(client);
	ck_assert_int_eq(close_yard(&yard), 0);
}
END_TEST

/* -- counts -- */

static void
set_up(void)
{
	yard = open_yard(SANDBOX_OFF, 0);
}

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
	ck_assert_uint_eq(yard_count(first.no), 3);
	ck_assert_uint_eq(yard_count_peer(&anna), 4);
	ck_assert_uint_eq(yard_count_peer(&bert), 1);
	ck_assert_uint_eq(yard_count_peer(&nobody), 0);
	(void)close(clients[3]);
	assert_count(1);
	ck_assert_uint_eq(yard_count_peer(&anna), 3);
	ck_assert_int_eq(close_yard(&first), 0);
	ck_assert_uint_eq(yard_count_peer(&anna), 0);
	ck_assert_uint_eq(yard_count_peer(&bert), 1);
	ck_assert_int_eq(close_yard(&second), 0);
	ck_assert_uint_eq(yard_count_peer(&bert), 0);
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
		if (yard_count_peer(&anna) != 1 || read(go[0], &byte, 1) != 1)
			_exit(100);
		_exit((int)yard_count_peer(&anna));
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
	tcase_add_loop_test(tc, test_in_flight, 0, nmodes());
	tc = unit_case(s, "counts");
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, test_counts);
	tcase_add_test(tc, test_counts_of_dead);
	return s;
}
