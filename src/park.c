/*
 * Parking idle clients.  The process has two sets: its clients, and beside
 * them the pair that workers use.  When no worker takes what it passes on, it
 * does not look at its clients until there is room again.
 */

#include "config.h"

#include "park.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"
#include "log.h"
#include "sandbox.h"

/* Where a parking process has its descriptors; clients come behind. */
enum {
	PAIR_FD = 3,
	CLIENTS_FD,
	FIRST_FD
};

/* A client; the index in a lot is its descriptor. */
struct place {
	_Atomic bool		is_taken;
	struct board_peer	peer;
	int64_t			deadline;
};

/* The list of one parking process, which alone writes it. */
struct lot {
	_Atomic size_t	count;
	_Atomic size_t	used;		/* places from here on are free */
	struct place	places[BOUNDS_PARKED_CAP + FIRST_FD];
};

/* What a worker says of a client.  It is not trusted: whatever it says can
 * only make this client's wait shorter, or the peer's count wrong. */
struct ticket {
	struct board_peer	peer;
	int64_t			left_ms;
};

static struct lot *lots[PARK_COUNT];
static bool is_claimed[PARK_COUNT];	/* the master's */
static struct lot *mine;

/* -- the master's side -- */

int
park_claim(void)
{
	void *p;
	int i;

	for (i = 0; i < PARK_COUNT && is_claimed[i]; i++)
		;
	if (i == PARK_COUNT) {
		errno = EAGAIN;
		return -1;
	}
	p = mmap(NULL, sizeof(*lots[i]), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	lots[i] = p;
	is_claimed[i] = true;
	return i;
}

void
park_release(int no)
{
	/* Workers of other listeners still see it. */
	atomic_store(&lots[no]->used, 0);
	(void)munmap(lots[no], sizeof(*lots[no]));
	lots[no] = NULL;
	is_claimed[no] = false;
}

/* -- the process -- */

static void
enter(const struct park_args *args)
{
	const struct conf *conf = args->conf;
	struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;
	int set;

	mine = lots[args->no];
	log_init(conf->log_level, conf->log_format, LOG_TO_STDERR);
	if (dup2(args->pair_fd, PAIR_FD) == -1)
		fatal(2, "park: descriptors");
	io_close_from(CLIENTS_FD);
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set != CLIENTS_FD)
		fatal(2, "park: epoll_create1");
	(void)sigemptyset(&none);
	if (sigaction(SIGINT, &ignore, NULL) == -1 ||
	    sigaction(SIGHUP, &ignore, NULL) == -1 ||
	    sigaction(SIGPIPE, &ignore, NULL) == -1 ||
	    sigaction(SIGTERM, &standard, NULL) == -1 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		fatal(2, "park: signals");
	privs_drop(args->identity, args->master,
	    BOUNDS_PARKED_CAP + FIRST_FD);
	sandbox_enter_park(conf->sandbox, PAIR_FD);
}

/* Count a client, or do not count it any more. */
static void
count(int fd, bool is_here)
{
	atomic_store(&mine->places[fd].is_taken, is_here);
	if (is_here)
		atomic_fetch_add(&mine->count, 1);
	else
		atomic_fetch_sub(&mine->count, 1);
}

/* A worker may still have the connection open: then closing alone would not
 * end the watch, and its next event would be taken for that of whoever gets
 * the number. */
static void
forget(int fd)
{
	struct epoll_event none;

	(void)epoll_ctl(CLIENTS_FD, EPOLL_CTL_DEL, fd, &none);
	(void)close(fd);
}

static void
leave(int fd)
{
	forget(fd);
	count(fd, false);
}

/* A worker that was taken over may pass anything.  What is no stream could be
 * the pair itself, and the worker that gets it would shut it down. */
static bool
is_stream(int fd)
{
	socklen_t len;
	int type;

	len = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_STREAM;
}

static void
park(int fd, const struct ticket *ticket)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP,
	    .data.fd = fd };
	struct place *place;

	if (fd >= BOUNDS_PARKED_CAP + FIRST_FD || ticket->left_ms < 0 ||
	    ticket->left_ms > BOUNDS_PARKED_MS || !is_stream(fd) ||
	    epoll_ctl(CLIENTS_FD, EPOLL_CTL_ADD, fd, &event) == -1) {
		(void)close(fd);
		return;
	}
	place = &mine->places[fd];
	place->peer = ticket->peer;
	place->deadline = io_now_ms() + ticket->left_ms;
	if (mine->used < (size_t)fd + 1)
		atomic_store(&mine->used, (size_t)fd + 1);
	count(fd, true);
}

/* Take what workers pass; false when there are none any more. */
static bool
take_clients(void)
{
	struct ticket ticket;
	ssize_t n;
	int fd;

	while ((n = io_recv_fd(PAIR_FD, &ticket, sizeof(ticket), &fd,
	    MSG_DONTWAIT)) > 0) {
		if (fd != -1 && n == sizeof(ticket))
			park(fd, &ticket);
		else if (fd != -1)
			(void)close(fd);
	}
	return n == -1 && errno == EAGAIN;
}

/* Whether a client has only ended its side: there is nothing to serve. */
static bool
has_ended(int fd)
{
	int waiting;

	return ioctl(fd, FIONREAD, &waiting) == -1 || waiting == 0;
}

/* Pass a client on; the worker counts it then. */
static bool
pass(int fd)
{
	count(fd, false);
	if (io_send_fd(PAIR_FD, "", 1, fd) == -1) {
		count(fd, true);
		return false;
	}
	forget(fd);
	return true;
}

/* Pass those who speak on; false when nobody takes them. */
static bool
pass_clients(void)
{
	struct epoll_event events[BOUNDS_SPAWN_CAP];
	int fd, i, n;

	n = epoll_wait(CLIENTS_FD, events, BOUNDS_SPAWN_CAP, 0);
	for (i = 0; i < n; i++) {
		fd = events[i].data.fd;
		if (has_ended(fd))
			leave(fd);
		else if (!pass(fd))
			return false;
	}
	return true;
}

/* Close those whose time is up: when to look again. */
static int64_t
close_late(void)
{
	int64_t next, now;
	size_t i, used;

	now = io_now_ms();
	next = IO_NEVER;
	used = 0;
	for (i = FIRST_FD; i < mine->used; i++) {
		if (!mine->places[i].is_taken)
			continue;
		if (mine->places[i].deadline <= now) {
			leave((int)i);
			continue;
		}
		used = i + 1;
		if (mine->places[i].deadline < next)
			next = mine->places[i].deadline;
	}
	atomic_store(&mine->used, used);
	return next;
}

_Noreturn void
park_run(const struct park_args *args)
{
	struct pollfd fds[2] = { { .fd = PAIR_FD }, { .fd = CLIENTS_FD } };
	enum io_result result;
	int64_t look, next;
	bool is_full;

	enter(args);
	is_full = false;
	next = IO_NEVER;
	for (;;) {
		fds[0].events = is_full ? POLLIN | POLLOUT : POLLIN;
		fds[1].events = is_full ? 0 : POLLIN;
		result = io_wait(fds, 2, next, NULL);
		if (result == IO_ERROR)
			fatal(1, "park: poll");
		if (result == IO_AGAIN) {
			next = close_late();
			continue;
		}
		if (fds[0].revents != 0 && !take_clients())
			break;
		look = io_now_ms() + BOUNDS_PARK_LOOK_MS;
		if (mine->count > 0 && look < next)
			next = look;
		if (fds[1].revents != 0 || (fds[0].revents & POLLOUT) != 0)
			is_full = !pass_clients();
	}
	_exit(0);
}

/* -- the workers' side -- */

int
park_enter_worker(void)
{
	int i;

	for (i = 0; i < PARK_COUNT; i++)
		if (lots[i] != NULL && mprotect(lots[i], sizeof(*lots[i]),
		    PROT_READ) == -1)
			return -1;
	return 0;
}

int
park_put(int park_fd, int fd, const struct board_peer *peer, int64_t left_ms)
{
	const struct ticket ticket = { *peer, left_ms };

	return io_send_fd(park_fd, &ticket, sizeof(ticket), fd) ==
	    sizeof(ticket) ? 0 : -1;
}

int
park_take(int park_fd)
{
	char nothing;
	ssize_t n;
	int fd;

	n = io_recv_fd(park_fd, &nothing, sizeof(nothing), &fd, MSG_DONTWAIT);
	if (n == 0)
		errno = EPIPE;
	else if (n > 0 && fd == -1)
		errno = EAGAIN;
	return fd;
}

size_t
park_count(int no)
{
	return lots[no]->count;
}

size_t
park_count_peer(const struct board_peer *peer)
{
	const struct place *place;
	size_t i, n;
	int no;

	n = 0;
	for (no = 0; no < PARK_COUNT; no++) {
		if (lots[no] == NULL)
			continue;
		for (i = FIRST_FD; i < lots[no]->used; i++) {
			place = &lots[no]->places[i];
			if (place->is_taken && memcmp(&place->peer, peer,
			    sizeof(*peer)) == 0)
				n++;
		}
	}
	return n;
}
