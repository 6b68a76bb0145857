/*
 * Parking idle clients and streams.  The process has two sets: its guests, and
 * beside them the pair that workers use.  When no worker takes what it passes
 * on, it does not look at its guests until there is room again.
 */

#include "config.h"

#include "park.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"
#include "log.h"
#include "sandbox.h"

/* Where a parking process has its descriptors; guests come behind. */
enum {
	PAIR_FD = 3,
	GUESTS_FD
};

_Static_assert(GUESTS_FD + 1 == YARD_OWN_FDS, "where guests begin");

/* What a worker says of a client.  It is not trusted: whatever it says can
 * only make this client's wait shorter, or the peer's count wrong. */
struct pass {
	struct board_peer	peer;
	int64_t			left_ms;
};

/* What comes from workers; longer ones are seen to be so. */
union message {
	struct pass	pass;
	struct ticket	ticket;
	char		bytes[sizeof(struct ticket) + 1];
};

_Static_assert(sizeof(struct pass) != sizeof(struct ticket) &&
    sizeof(struct ticket) > 1, "lengths tell messages apart");

/* A connection of a stream; the index is its descriptor. */
struct half {
	int		other;		/* 0: not of a stream */
	bool		is_upstream;
	struct ticket	ticket;		/* of the client's half */
};

/* How guests are passed on just now. */
enum passing {
	PASSING_GOES,
	PASSING_WAITS,		/* for a worker who takes them */
	PASSING_PAUSES		/* this user has more descriptors on their way,
				 * anywhere on this machine, than this process
				 * may have open: nothing tells when that ends */
};

static struct yard_lot *mine;
static struct half *halves;		/* the process's own: workers read
					 * lists */
static int my_no;

/* -- the master's side -- */

void
park_give_up(int no, int pair_fd)
{
	yard_give_up(no);
	/* It looks when a message comes, whatever that says.  Where there is no
	 * room for one, there are others. */
	(void)io_send_fd(pair_fd, "", 1, -1);
}

/* -- the process -- */

static void
open_halves(void)
{
	void *p;

	p = mmap(NULL, YARD_PLACES * sizeof(*halves), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		fatal(2, "park: memory");
	halves = p;
}

/* Service managers signal whole groups: streams end when their workers have
 * been told to. */
static void
set_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	(void)sigemptyset(&none);
	if (sigaction(SIGINT, &ignore, NULL) == -1 ||
	    sigaction(SIGHUP, &ignore, NULL) == -1 ||
	    sigaction(SIGPIPE, &ignore, NULL) == -1 ||
	    sigaction(SIGTERM, &ignore, NULL) == -1 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		fatal(2, "park: signals");
}

static void
enter(const struct park_args *args)
{
	const struct conf *conf = args->conf;
	struct rlimit files;
	int set;

	my_no = args->no;
	open_halves();
	log_init(conf->log_level, conf->log_format, LOG_TO_STDERR);
	if (dup2(args->pair_fd, PAIR_FD) == -1)
		fatal(2, "park: descriptors");
	io_close_from(GUESTS_FD);
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set != GUESTS_FD)
		fatal(2, "park: epoll_create1");
	set_signals();
	privs_drop(args->identity, args->master, YARD_PLACES);
	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		fatal(2, "park: getrlimit");
	if (files.rlim_cur > YARD_PLACES)
		files.rlim_cur = YARD_PLACES;
	mine = yard_enter(args->no, (size_t)files.rlim_cur);
	if (mine == NULL)
		fatal(2, "park: mprotect");
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

static int
watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP,
	    .data.fd = fd };

	return epoll_ctl(GUESTS_FD, EPOLL_CTL_ADD, fd, &event);
}

/* A worker may still have the connection open: then closing alone would not
 * end the watch, and its next event would be taken for that of whoever gets
 * the number. */
static void
forget_one(int fd)
{
	struct epoll_event none;

	(void)epoll_ctl(GUESTS_FD, EPOLL_CTL_DEL, fd, &none);
	(void)close(fd);
	halves[fd].other = 0;
	yard_hold(-1);
}

/* A guest is not here any more; it was counted under that number. */
static void
forget(int fd)
{
	const int other = halves[fd].other;

	forget_one(fd);
	if (other == 0)
		return;
	forget_one(other);
	/* Last: whoever sees none here finds it on its way. */
	yard_stream(halves[fd].ticket.row, -1);
}

static void
leave(int fd)
{
	count(fd, false);
	forget(fd);
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

/* Watch a connection, if it is one; or close it. */
static bool
take_in(int fd)
{
	if (fd >= YARD_PLACES || !is_stream(fd) || watch(fd) == -1) {
		(void)close(fd);
		return false;
	}
	yard_hold(1);
	return true;
}

static void
place(int fd, const struct board_peer *peer, int64_t deadline)
{
	struct yard_place *at = &mine->places[fd];

	at->peer = *peer;
	at->deadline = deadline;
	if (mine->used < (size_t)fd + 1)
		atomic_store(&mine->used, (size_t)fd + 1);
	count(fd, true);
}

static void
park(int fd, const struct pass *pass)
{
	if (pass->left_ms < 0 || pass->left_ms > BOUNDS_PARKED_MS)
		(void)close(fd);
	else if (take_in(fd))
		place(fd, &pass->peer, io_now_ms() + pass->left_ms);
}

static void
park_stream(const int fds[2], const struct ticket *ticket)
{
	const bool is_first_in = take_in(fds[0]);
	const bool is_second_in = take_in(fds[1]);

	if (!is_first_in || !is_second_in ||
	    ticket->row >= BOUNDS_TALLY_ROW_CAP) {
		if (is_first_in)
			forget_one(fds[0]);
		if (is_second_in)
			forget_one(fds[1]);
		return;
	}
	halves[fds[0]] = (struct half){ fds[1], false, *ticket };
	halves[fds[1]].other = fds[0];
	halves[fds[1]].is_upstream = true;
	yard_stream(ticket->row, 1);
	place(fds[0], &ticket->peer, IO_NEVER);
}

/* Take what workers pass; false when there are none any more. */
static bool
take_guests(void)
{
	union message message;
	size_t i, nfds;
	int fds[IO_FDS];
	ssize_t n;

	while ((n = io_recv_fds(PAIR_FD, &message, sizeof(message), fds,
	    IO_FDS, &nfds, MSG_DONTWAIT)) > 0) {
		if (n == sizeof(message.pass) && nfds == 1)
			park(fds[0], &message.pass);
		else if (n == sizeof(message.ticket) && nfds == 2)
			park_stream(fds, &message.ticket);
		else
			for (i = 0; i < nfds; i++)
				(void)close(fds[i]);
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

/* Send a guest on its way. */
static ssize_t
send_on(int fd)
{
	const int fds[2] = { fd, halves[fd].other };

	if (fds[1] == 0)
		return io_send_fd(PAIR_FD, "", 1, fd);
	return io_send_fds(PAIR_FD, &halves[fd].ticket,
	    sizeof(halves[fd].ticket), fds, 2);
}

/* Pass a guest on; the worker counts it then. */
static bool
pass(int fd)
{
	count(fd, false);
	if (send_on(fd) == -1) {
		count(fd, true);
		return false;
	}
	forget(fd);
	return true;
}

/* Pass those on to whom something has happened. */
static enum passing
pass_guests(void)
{
	struct epoll_event events[BOUNDS_SPAWN_CAP];
	int fd, i, n;

	n = epoll_wait(GUESTS_FD, events, BOUNDS_SPAWN_CAP, 0);
	for (i = 0; i < n; i++) {
		fd = events[i].data.fd;
		if (halves[fd].other != 0 && halves[fd].is_upstream)
			fd = halves[fd].other;
		/* Its other half has just gone. */
		if (!mine->places[fd].is_taken)
			continue;
		if (halves[fd].other == 0 && (has_ended(fd) ||
		    yard_is_given_up(my_no)))
			leave(fd);
		else if (!pass(fd))
			return errno == ETOOMANYREFS ? PASSING_PAUSES :
			    PASSING_WAITS;
	}
	return PASSING_GOES;
}

/* Close clients whose time is up: when to look again. */
static int64_t
close_late(void)
{
	const bool is_given_up = yard_is_given_up(my_no);
	int64_t next, now;
	size_t i, used;

	now = io_now_ms();
	next = IO_NEVER;
	used = 0;
	for (i = YARD_OWN_FDS; i < mine->used; i++) {
		if (!mine->places[i].is_taken)
			continue;
		if (mine->places[i].deadline <= now ||
		    (is_given_up && halves[i].other == 0)) {
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

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

_Noreturn void
park_run(const struct park_args *args)
{
	struct pollfd fds[2] = { { .fd = PAIR_FD }, { .fd = GUESTS_FD } };
	enum passing passing;
	enum io_result result;
	int64_t look, next;

	enter(args);
	passing = PASSING_GOES;
	next = IO_NEVER;
	for (;;) {
		fds[0].events = passing == PASSING_WAITS ? POLLIN | POLLOUT :
		    POLLIN;
		fds[1].events = passing == PASSING_GOES ? POLLIN : 0;
		result = io_wait(fds, 2, next, NULL);
		if (result == IO_ERROR)
			fatal(1, "park: poll");
		if (result == IO_AGAIN) {
			next = close_late();
			if (passing == PASSING_PAUSES)
				passing = PASSING_GOES;
			continue;
		}
		if (fds[0].revents != 0 && !take_guests())
			break;
		look = io_now_ms() +
		    (yard_is_given_up(my_no) ? 0 : BOUNDS_PARK_LOOK_MS);
		if (mine->count > 0)
			next = sooner(next, look);
		if (fds[1].revents != 0 || (fds[0].revents & POLLOUT) != 0)
			passing = pass_guests();
		if (passing == PASSING_PAUSES)
			next = sooner(next, io_now_ms() +
			    BOUNDS_PARK_PAUSE_MS);
	}
	_exit(0);
}

/* -- the workers' side -- */

int
park_put(int park_fd, int fd, const struct board_peer *peer, int64_t left_ms)
{
	const struct pass pass = { *peer, left_ms };

	return io_send_fd(park_fd, &pass, sizeof(pass), fd) ==
	    sizeof(pass) ? 0 : -1;
}

int
park_put_stream(int park_fd, int no, const int fds[2],
    const struct ticket *ticket)
{
	return yard_has_room(no) && io_send_fds(park_fd, ticket,
	    sizeof(*ticket), fds, 2) == sizeof(*ticket) ? 0 : -1;
}

int
park_take(int park_fd, struct park_guest *guest)
{
	int fds[IO_FDS];
	size_t i, nfds;
	ssize_t n;

	n = io_recv_fds(park_fd, &guest->ticket, sizeof(guest->ticket), fds,
	    IO_FDS, &nfds, MSG_DONTWAIT);
	guest->client_fd = fds[0];
	guest->upstream_fd = nfds == 2 ? fds[1] : -1;
	if (n > 0 && (nfds == 1 ||
	    (nfds == 2 && n == sizeof(guest->ticket))))
		return 0;
	for (i = 0; i < nfds; i++)
		(void)close(fds[i]);
	if (n >= 0)
		errno = n == 0 ? EPIPE : EAGAIN;
	return -1;
}
