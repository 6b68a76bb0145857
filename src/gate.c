/*
 * The gate: dials for workers.  It never waits for one worker or for dockerd;
 * a question that finds dockerd's backlog full is tried again until its
 * worker has given up.
 */

#include "config.h"

#include "gate.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "bounds.h"
#include "dial.h"
#include "io.h"
#include "log.h"
#include "privs.h"

/* Descriptor numbers that a seat can have: one a worker, and a few. */
#define SEAT_COUNT (BOUNDS_WORKERS_CAP + BOUNDS_SLOTS_EXTRA + 64)

/* A worker's end; the index in seats is its descriptor. */
struct seat {
	bool		is_taken;
	uint32_t	no;		/* of the question not answered yet */
	int64_t		deadline;	/* for the answer; 0: no question */
};

static struct seat seats[SEAT_COUNT];
static int seats_end;		/* none is taken from here on */
static size_t nseats;		/* taken */
static int poll_fd;

static void
watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		fatal(1, "gate: epoll_ctl");
}

/* Take workers that the master sent; false when the master hung up. */
static bool
take_workers(int control_fd)
{
	ssize_t n;
	char byte;
	int fd;

	while ((n = io_recv_fd(control_fd, &byte, 1, &fd, MSG_DONTWAIT)) > 0) {
		if (fd == -1)
			continue;
		if (fd >= SEAT_COUNT) {
			(void)close(fd);
			continue;
		}
		seats[fd] = (struct seat){ .is_taken = true };
		nseats++;
		if (fd >= seats_end)
			seats_end = fd + 1;
		watch(fd);
	}
	return n == -1 && errno == EAGAIN;
}

/* Answer the seat's question, unless dockerd cannot be asked just now. */
static void
try_answer(int seat, const char *docker_socket)
{
	int fd;

	fd = dial_open(docker_socket);
	if (fd == -1 && errno == EAGAIN && io_now_ms() < seats[seat].deadline)
		return;
	dial_answer(seat, seats[seat].no, fd, fd == -1 ? errno : 0);
	if (fd != -1)
		(void)close(fd);
	seats[seat].deadline = 0;
}

static void
serve_seat(int seat, const char *docker_socket)
{
	switch (dial_read(seat, &seats[seat].no)) {
	case 1:
		seats[seat].deadline = io_now_ms() + BOUNDS_DIAL_MS;
		try_answer(seat, docker_socket);
		return;
	case 0:
		(void)close(seat);
		seats[seat].is_taken = false;
		seats[seat].deadline = 0;
		nseats--;
		return;
	default:
		return;
	}
}

/* Try the waiting questions again; true while there are any. */
static bool
retry(const char *docker_socket)
{
	bool has_waiting;
	int i;

	has_waiting = false;
	for (i = 0; i < seats_end; i++) {
		if (seats[i].deadline == 0)
			continue;
		try_answer(i, docker_socket);
		if (seats[i].deadline != 0)
			has_waiting = true;
	}
	return has_waiting;
}

_Noreturn void
gate_run(int control_fd, const char *docker_socket, pid_t parent)
{
	struct epoll_event events[BOUNDS_SPAWN_CAP];
	bool has_master;
	int fd, i, n, timeout;

	privs_limit(parent);
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (poll_fd == -1)
		fatal(2, "gate: epoll_create1");
	watch(control_fd);
	for (has_master = true; has_master || nseats > 0; ) {
		timeout = retry(docker_socket) ? BOUNDS_DIAL_RETRY_MS : -1;
		n = epoll_wait(poll_fd, events, BOUNDS_SPAWN_CAP, timeout);
		if (n == -1 && errno != EINTR)
			fatal(1, "gate: epoll_wait");
		for (i = 0; i < n; i++) {
			fd = events[i].data.fd;
			if (seats[fd].is_taken) {
				serve_seat(fd, docker_socket);
			} else if (!take_workers(control_fd)) {
				has_master = false;
				(void)close(control_fd);
			}
		}
	}
	_exit(0);
}

int
gate_attach(int control_fd, int pair_fd)
{
	struct pollfd room = { .fd = control_fd, .events = POLLOUT };

	if (io_wait(&room, 1, io_now_ms() + BOUNDS_DIAL_MS, NULL) != IO_OK)
		return -1;
	return io_send_fd(control_fd, "w", 1, pair_fd) == 1 ? 0 : -1;
}
