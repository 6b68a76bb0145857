/*
 * The gate.  A worker's order is checked byte by byte and judged again; only
 * then is dockerd dialled, and the head that it gets is written here.  The
 * gate never waits for one worker or for dockerd: it keeps nothing of an
 * order, and a worker that finds dockerd's backlog full asks again.
 */

#include "config.h"

#include "gate.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "ask.h"
#include "bounds.h"
#include "dial.h"
#include "forward.h"
#include "io.h"
#include "keep.h"
#include "log.h"
#include "order.h"
#include "ping.h"
#include "policy.h"
#include "privs.h"
#include "sandbox.h"

/* Descriptor numbers that a seat can have: three a worker, and a few. */
#define SEAT_COUNT (3 * (BOUNDS_WORKERS_CAP + BOUNDS_SLOTS_EXTRA) + 64)

/* A worker's end; the index in seats is its descriptor. */
struct seat {
	bool			is_taken;
	struct gate_worker	worker;
	struct keep		keep;
	uint32_t		keep_no;	/* how many it has had */
};

/* What an event is about, in its data: seat's number and one of these, and
 * above them keep_no, so that nothing is taken for what came after it. */
enum {
	TAG_SEAT,
	TAG_UPSTREAM,
	TAG_PIPE,
	TAG_PING,
	TAG_COUNT
};

static struct seat seats[SEAT_COUNT];
static size_t nseats;			/* taken */
static int poll_fd;
static int ping_fd;

/* Connections for orders of one turn.  They are passed on when all orders of
 * the turn are under way: by then dockerd has often answered the first, whose
 * workers need not wait once more. */
static struct grant {
	int		seat;
	int		fd;
	uint32_t	no;
	uint32_t	flags;
} grants[BOUNDS_SPAWN_CAP];
static size_t ngrants;

/* The order in hand, and the head made of it. */
static char received[ORDER_CAP];
static struct order order;
static char head[FORWARD_CAP];

static void
watch(int fd, unsigned what)
{
	struct epoll_event event = { .events = EPOLLIN,
	    .data.u64 = (uint64_t)fd * TAG_COUNT + what };

	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		fatal(1, "gate: epoll_ctl");
}

/* -- the master's questions -- */

static void
tell_ping(int control_fd, uint32_t no, int error)
{
	const struct gate_news news = { .ping_no = no, .error = error };

	/* No room, or no master: who asks waits in vain. */
	if (control_fd != -1)
		(void)io_send_fd(control_fd, &news, sizeof(news), -1);
}

static void
begin_ping(const struct conf *conf, int control_fd, uint32_t no)
{
	int error;

	error = ping_begin(conf->docker_socket, no);
	tell_ping(control_fd, no, error == 0 ? EINPROGRESS : error);
}

static void
hear_pings(int control_fd)
{
	uint32_t no;
	int error;

	while (ping_hear(&no, &error))
		tell_ping(control_fd, no, error);
}

/* -- workers -- */

/* Take workers that the master sent; false when the master hung up. */
static bool
take_workers(const struct conf *conf, int control_fd)
{
	struct gate_worker worker;
	const size_t ping_len = sizeof(worker.no);
	ssize_t n;
	int fd;

	while ((n = io_recv_fd(control_fd, &worker, sizeof(worker), &fd,
	    MSG_DONTWAIT)) > 0) {
		if (fd == -1 && (size_t)n == ping_len)
			begin_ping(conf, control_fd, worker.no);
		if (fd == -1)
			continue;
		if (fd >= SEAT_COUNT || n != sizeof(worker)) {
			(void)close(fd);
			continue;
		}
		seats[fd] = (struct seat){ .is_taken = true,
		    .worker = worker, .keep.upstream_fd = -1,
		    .keep_no = seats[fd].keep_no };
		nseats++;
		watch(fd, TAG_SEAT);
	}
	return n == -1 && errno == EAGAIN;
}

static void
leave(int seat)
{
	keep_close(&seats[seat].keep);
	(void)close(seat);
	seats[seat].is_taken = false;
	nseats--;
}

/* An order that no honest worker sends: its sender has been taken over. */
static void
expel(int control_fd, int seat, const char *word)
{
	const struct gate_worker *worker = &seats[seat].worker;
	const struct gate_news news = { .pid = worker->pid };
	struct log_line line;

	log_begin(&line, LOG_LEVEL_ERROR, "security");
	log_str(&line, "what", "order-refused");
	log_str(&line, "why", word);
	log_number(&line, "worker", worker->no);
	log_number(&line, "pid", (uint64_t)worker->pid);
	log_end(&line);
	/* The pair's end alone makes the worker useless; the master, who
	 * kills it, may be slow, or busy with another generation. */
	if (control_fd != -1)
		(void)io_send_fd(control_fd, &news, sizeof(news), -1);
	leave(seat);
}

static void
answer(int seat, uint32_t no, enum reason reason, int error, uint32_t flags,
    int fd)
{
	struct ask_answer a = { no, (uint32_t)reason, error, flags };

	/* No room: the worker has not read its earlier answers.  It waits in
	 * vain then, and the connection ends with the close behind this. */
	if (io_send_fd(seat, &a, sizeof(a), fd) != -1 || fd == -1 ||
	    errno == EAGAIN)
		return;
	/* ETOOMANYREFS: this user has more descriptors on their way, anywhere
	 * on this machine, than this process may have open.  dockerd has the
	 * head already, so it must not be asked again. */
	a.error = errno;
	(void)io_send_fd(seat, &a, sizeof(a), -1);
}

/* Send the head of the order in hand, whole: 0, or -1 with errno. */
static int
send_head(int fd)
{
	ssize_t sent;
	size_t len;

	len = forward_request_make(head, sizeof(head), &order);
	errno = EMSGSIZE;
	if (len == 0)
		return -1;
	sent = send(fd, head, len, MSG_NOSIGNAL);
	if (sent == (ssize_t)len)
		return 0;
	/* A fresh socket has room for every head, unless this machine gives
	 * sockets next to nothing. */
	if (sent != -1)
		errno = ENOBUFS;
	return -1;
}

static uint64_t
keep_tag(int seat, unsigned what)
{
	return (uint64_t)seats[seat].keep_no << 32 |
	    ((unsigned)seat * TAG_COUNT + what);
}

/* Keep a fresh connection for this order and further ones: the pipe that the
 * worker reads the answers from, or -1. */
static int
keep_for(int seat, int fd)
{
	struct seat *s = &seats[seat];

	keep_close(&s->keep);
	s->keep_no++;
	return keep_open(&s->keep, fd, poll_fd,
	    keep_tag(seat, TAG_UPSTREAM), keep_tag(seat, TAG_PIPE));
}

/* Dial and send the head of the order in hand: what its worker gets, or -1
 * with errno. */
static int
open_for_order(const char *docker_socket, int seat)
{
	int fd, pipe_fd, saved_errno;

	fd = dial_open(docker_socket);
	if (fd == -1)
		return -1;
	pipe_fd = order.line == ORDER_OPEN ? keep_for(seat, fd) : -1;
	/* Without descriptors for both it is a connection for this order
	 * alone, as others are. */
	if (pipe_fd == -1)
		order.line = ORDER_ONCE;
	if (send_head(fd) == 0)
		return pipe_fd == -1 ? fd : pipe_fd;
	saved_errno = errno;
	if (pipe_fd == -1) {
		(void)close(fd);
	} else {
		keep_close(&seats[seat].keep);
		(void)close(pipe_fd);
	}
	errno = saved_errno;
	return -1;
}

/* Send the order in hand on the connection that is kept.  If there is none
 * any more, the end of its pipe has told the worker, or does so now. */
static void
use_kept(int seat, enum reason reason)
{
	struct keep *k = &seats[seat].keep;

	if (k->upstream_fd == -1)
		return;
	if (reason != REASON_NONE || send_head(k->upstream_fd) == -1)
		keep_close(k);
}

/* Judge the order in hand as its worker should have done.  False, and why,
 * when the worker cannot have. */
static bool
judge(const struct conf *conf, const struct seat *seat, size_t len,
    enum reason *reason, const char **word)
{
	struct policy_verdict verdict;
	enum order_result result;

	*reason = REASON_NONE;
	result = order_read(received, len, &order);
	if (result != ORDER_OK) {
		*word = order_word(result);
		return false;
	}
	if (order.listener != seat->worker.listener) {
		*word = "listener";
		return false;
	}
	if (policy_decide(&order.request,
	    conf->listen[order.listener].profile, conf->min_api,
	    &verdict) == POLICY_ALLOW)
		return true;
	*reason = verdict.reason;
	*word = reason_info(verdict.reason)->word;
	/* Rules that ran out of time here may have been in time there. */
	return verdict.reason == REASON_MATCH_ERROR;
}

static void
serve_seat(const struct conf *conf, int control_fd, int seat)
{
	enum reason reason;
	const char *word;
	ssize_t n;
	int fd;

	n = recv(seat, received, sizeof(received), MSG_DONTWAIT | MSG_TRUNC);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave(seat);
		return;
	}
	if ((size_t)n > sizeof(received)) {
		expel(control_fd, seat, order_word(ORDER_SIZE));
		return;
	}
	if (!judge(conf, &seats[seat], (size_t)n, &reason, &word)) {
		expel(control_fd, seat, word);
		return;
	}
	if (order.line == ORDER_USE) {
		use_kept(seat, reason);
		return;
	}
	if (reason != REASON_NONE) {
		answer(seat, order.no, reason, 0, 0, -1);
		return;
	}
	fd = open_for_order(conf->docker_socket, seat);
	if (fd == -1)
		answer(seat, order.no, REASON_NONE, errno, 0, -1);
	else
		grants[ngrants++] = (struct grant){ seat, fd, order.no,
		    order.line == ORDER_OPEN ? ASK_KEPT : 0 };
}

/* The end of a turn. */
static void
pass_grants(void)
{
	const struct grant *g;
	uint32_t waited;

	waited = ngrants > 1 ? ASK_WAITED : 0;
	for (g = grants; g < grants + ngrants; g++) {
		answer(g->seat, g->no, REASON_NONE, 0, g->flags | waited,
		    g->fd);
		(void)close(g->fd);
	}
	ngrants = 0;
}

/* A kept connection, or its pipe, has something to tell. */
static void
hear_kept(const struct epoll_event *event, int seat)
{
	struct seat *s = &seats[seat];

	/* It may have ended in this turn. */
	if (!s->is_taken || s->keep.upstream_fd == -1 ||
	    event->data.u64 >> 32 != s->keep_no)
		return;
	if ((uint32_t)event->data.u64 % TAG_COUNT == TAG_PIPE &&
	    (event->events & EPOLLERR) != 0)
		keep_close(&s->keep);
	else
		keep_move(&s->keep, poll_fd, keep_tag(seat, TAG_UPSTREAM),
		    keep_tag(seat, TAG_PIPE));
}

/* Keep as many as there are descriptors for, when every worker has its pair
 * and a turn's grants wait: a connection for a request comes first. */
static void
limit_kept(const struct conf *conf)
{
	size_t others, room;

	others = conf->max_workers + conf->npools + BOUNDS_SPAWN_CAP;
	room = privs_raise_files();
	keep_limit(room > others ? (room - others) / 2 : 0);
}

static void
enter(const struct conf *conf, int control_fd, pid_t parent)
{
	size_t i;

	for (i = 0; i < conf->npools; i++)
		conf->listen[i].profile->matcher.cpu_us = io_cpu_us;
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	ping_fd = ping_open();
	if (poll_fd == -1 || ping_fd == -1)
		fatal(2, "gate: epoll_create1");
	limit_kept(conf);
	privs_limit(parent);
	sandbox_enter_gate(conf->sandbox);
	watch(control_fd, TAG_SEAT);
	watch(ping_fd, TAG_PING);
}

_Noreturn void
gate_run(int control_fd, const struct conf *conf, pid_t parent)
{
	struct epoll_event events[BOUNDS_SPAWN_CAP];
	bool has_master;
	int fd, i, n;

	enter(conf, control_fd, parent);
	for (has_master = true; has_master || nseats > 0; ) {
		n = epoll_wait(poll_fd, events, BOUNDS_SPAWN_CAP, -1);
		if (n == -1 && errno != EINTR)
			fatal(1, "gate: epoll_wait");
		for (i = 0; i < n; i++) {
			fd = (int)((uint32_t)events[i].data.u64 / TAG_COUNT);
			if (fd == ping_fd) {
				hear_pings(control_fd);
			} else if ((uint32_t)events[i].data.u64 % TAG_COUNT !=
			    TAG_SEAT) {
				hear_kept(&events[i], fd);
			} else if (seats[fd].is_taken &&
			    (events[i].events & EPOLLHUP) != 0) {
				/* Nobody waits for what it has ordered. */
				leave(fd);
			} else if (seats[fd].is_taken) {
				serve_seat(conf, control_fd, fd);
			} else if (!take_workers(conf, control_fd)) {
				has_master = false;
				(void)close(control_fd);
				/* The number may be another's soon. */
				control_fd = -1;
			}
		}
		pass_grants();
	}
	_exit(0);
}

int
gate_attach(int control_fd, const struct gate_worker *worker, int pair_fd)
{
	struct pollfd room = { .fd = control_fd, .events = POLLOUT };

	if (io_wait(&room, 1, io_now_ms() + BOUNDS_DIAL_MS, NULL) != IO_OK)
		return -1;
	return io_send_fd(control_fd, worker, sizeof(*worker), pair_fd) ==
	    sizeof(*worker) ? 0 : -1;
}

int
gate_ping(int control_fd, uint32_t no)
{
	return io_send_fd(control_fd, &no, sizeof(no), -1) == sizeof(no) ?
	    0 : -1;
}

bool
gate_hear(int control_fd, struct gate_news *news)
{
	ssize_t n;

	do
		n = recv(control_fd, news, sizeof(*news), MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	return n == sizeof(*news);
}
