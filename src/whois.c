/*
 * Who is it: from a connection to a process, its control group, its container,
 * and the name of that.  A question that waits for dockerd keeps no other one
 * waiting.
 */

#include "config.h"

#include "whois.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "confpool.h"
#include "container.h"
#include "dial.h"
#include "inquire.h"
#include "io.h"
#include "log.h"
#include "privs.h"
#include "process.h"
#include "sandbox.h"
#include "span.h"

/* Bytes of dockerd's answer that are read at once. */
#define PIECE_CAP	4096

#define REQUEST_CAP	128

struct question {
	bool			is_open;
	int			seat;		/* who asks */
	uint32_t		no;
	int			process_fd;	/* the client's process */
	pid_t			pid;
	int			upstream_fd;	/* dockerd, -1: not yet */
	int64_t			deadline;
	struct container_answer	answer;
};

static size_t nseats;			/* who can ask */
static struct question questions[BOUNDS_QUESTIONS];
static size_t nopen, most_open;
static const struct conf *conf;
static int seats_fd, upstreams_fd;	/* epoll sets */

/* The text of a /proc/PID/cgroup: the client's, and that of the first process
 * of its container. */
static char groups_text[BOUNDS_GROUPS_TEXT_CAP];
static char first_text[BOUNDS_GROUPS_TEXT_CAP];

/* -- questions -- */

static void
finish(struct question *q)
{
	if (!q->is_open)
		return;
	if (q->upstream_fd != -1)
		(void)close(q->upstream_fd);
	(void)close(q->process_fd);
	q->is_open = false;
	nopen--;
}

static void
answer(struct question *q, uint32_t line)
{
	const struct inquire_answer a = { q->no, line };

	/* Who does not take it is refused. */
	(void)io_send_fd(q->seat, &a, sizeof(a), -1);
	finish(q);
}

/* It cannot be said.  The door says who was refused, this why. */
static void
doubt(struct question *q, const char *why)
{
	log_warn("cannot tell which container a client is in (process %ld): "
	    "%s", (long)q->pid, why);
	answer(q, CONFPOOL_NOT_KNOWN);
}

/* What one that has ended leaves behind says nothing. */
static void
doubt_unless_ended(struct question *q, const char *why)
{
	doubt(q, process_is_alive(q->process_fd) ? why : "it has ended");
}

/* In no container, or in one that no line names. */
static void
settle(struct question *q, uint32_t line)
{
	if (process_is_alive(q->process_fd))
		answer(q, line);
	else
		doubt(q, "it has ended");
}

static uint32_t
line_of(const struct container_answer *a)
{
	uint32_t i;

	for (i = 0; i < conf->nclients; i++)
		if (conf->clients[i].container != NULL &&
		    container_named(a, span_of(conf->clients[i].container)))
			return i;
	return CONFPOOL_NO_LINE;
}

/* dockerd knows the container that the groups name: is the process really
 * there? */
static void
compare(struct question *q)
{
	struct span groups, first;

	if (q->answer.pid == 0) {
		doubt(q, "its container does not run");
		return;
	}
	first = process_groups((pid_t)q->answer.pid, first_text);
	groups = process_groups(q->pid, groups_text);
	if (container_holds(groups, first, q->answer.id))
		settle(q, line_of(&q->answer));
	else
		doubt_unless_ended(q, "its control group is not where that "
		    "container is");
}

/* What dockerd says. */
static void
hear(struct question *q)
{
	enum container_result result;
	char buf[PIECE_CAP];
	ssize_t n;

	n = recv(q->upstream_fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	result = n > 0 ? container_hear(&q->answer, buf, (size_t)n) :
	    CONTAINER_DOUBT;
	if (result == CONTAINER_FOUND)
		compare(q);
	else if (result == CONTAINER_NONE)
		settle(q, CONFPOOL_NO_LINE);
	else if (result == CONTAINER_DOUBT)
		doubt(q, "dockerd's answer is not understood");
}

/* Ask dockerd: 0, or -1 with errno. */
static int
ask(struct question *q)
{
	struct epoll_event event = { .events = EPOLLIN,
	    .data.u64 = (uint64_t)(q - questions) };
	char request[REQUEST_CAP];
	int len;

	q->upstream_fd = dial_open(conf->docker_socket);
	if (q->upstream_fd == -1)
		return -1;
	len = snprintf(request, sizeof(request), "GET /containers/%.*s/json "
	    "HTTP/1.0\r\nHost: docker\r\n\r\n", CONTAINER_ID_LEN,
	    q->answer.id);
	/* A fresh socket has room for it. */
	if (send(q->upstream_fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		return -1;
	return epoll_ctl(upstreams_fd, EPOLL_CTL_ADD, q->upstream_fd, &event);
}

static void
look(struct question *q)
{
	char id[CONTAINER_ID_LEN];

	q->pid = process_pid(q->process_fd);
	if (q->pid < 1) {
		doubt(q, q->pid == 0 ? "it is not seen from here; run with "
		    "the pid namespace of the host (pid: host)" :
		    "it has ended");
		return;
	}
	switch (container_find(process_groups(q->pid, groups_text), id)) {
	case CONTAINER_FOUND:
		container_ask(&q->answer, id);
		if (ask(q) == -1)
			doubt(q, strerror(errno));
		break;
	case CONTAINER_NONE:
		if (process_is_ending(q->pid))
			doubt(q, "it ends, or its first thread has");
		else
			settle(q, CONFPOOL_NO_LINE);
		break;
	default:
		doubt_unless_ended(q, "its control groups are not understood");
		break;
	}
}

/* Of one who asks again the question before is not waited for any more.  The
 * caller knows that there is a place. */
static struct question *
open_question(int seat, uint32_t no)
{
	struct question *q;

	for (q = questions; q < questions + BOUNDS_QUESTIONS; q++)
		if (q->is_open && q->seat == seat)
			finish(q);
	for (q = questions; q->is_open; q++)
		;
	*q = (struct question){ .is_open = true, .seat = seat, .no = no,
	    .process_fd = -1, .upstream_fd = -1,
	    .deadline = io_now_ms() + BOUNDS_WHOIS_MS };
	nopen++;
	return q;
}

static void
begin(int seat, uint32_t no, int client_fd)
{
	struct question *q = open_question(seat, no);

	/* Without a descriptor there was no room for it. */
	q->process_fd = process_of_peer(client_fd);
	if (q->process_fd != -1)
		look(q);
	else if (errno == ENOPROTOOPT)
		doubt(q, "that takes Linux 6.5");
	else
		doubt(q, errno == ESRCH || errno == EINVAL ? "it has ended" :
		    strerror(errno));
}

/* -- those who ask -- */

static void
watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(seats_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		fatal(1, "whois: epoll_ctl");
}

/* Take ends that the master sent; false when the master hung up. */
static bool
take_seats(int control_fd)
{
	ssize_t n;
	char byte;
	int fd;

	while ((n = io_recv_fd(control_fd, &byte, sizeof(byte), &fd,
	    MSG_DONTWAIT)) > 0) {
		if (fd == -1)
			continue;
		nseats++;
		watch(fd);
	}
	return n == -1 && errno == EAGAIN;
}

static void
leave(int seat)
{
	struct question *q;

	for (q = questions; q < questions + BOUNDS_QUESTIONS; q++)
		if (q->is_open && q->seat == seat)
			finish(q);
	(void)close(seat);
	nseats--;
}

static void
serve_seat(int seat)
{
	struct inquire_question question;
	ssize_t n;
	int fd;

	n = io_recv_fd(seat, &question, sizeof(question), &fd, MSG_DONTWAIT);
	if (n == sizeof(question))
		begin(seat, question.no, fd);
	else if (n != -1 || errno != EAGAIN)
		leave(seat);
	if (fd != -1)
		(void)close(fd);
}

/* -- the process -- */

/* Those whose time is up; when the next one's is. */
static int64_t
expire(void)
{
	const int64_t now = io_now_ms();
	struct question *q;
	int64_t next;

	next = IO_NEVER;
	for (q = questions; nopen > 0 && q < questions + BOUNDS_QUESTIONS;
	    q++) {
		if (!q->is_open)
			continue;
		if (q->deadline <= now)
			doubt(q, "dockerd does not answer");
		else if (q->deadline < next)
			next = q->deadline;
	}
	return next;
}

static void
hear_upstreams(void)
{
	struct epoll_event events[BOUNDS_SPAWN_CAP];
	int i, n;

	n = epoll_wait(upstreams_fd, events, BOUNDS_SPAWN_CAP, 0);
	/* Each of these is still open: only its own event ends it. */
	for (i = 0; i < n; i++)
		hear(&questions[events[i].data.u64]);
}

/* One question of each who asks, so that nobody keeps others waiting.  False
 * when the master hung up. */
static bool
hear_seats(int control_fd)
{
	struct epoll_event events[BOUNDS_SPAWN_CAP];
	bool has_master;
	int fd, i, n;

	has_master = true;
	n = epoll_wait(seats_fd, events, BOUNDS_SPAWN_CAP, 0);
	for (i = 0; i < n && nopen < most_open; i++) {
		fd = events[i].data.fd;
		if (fd == control_fd)
			has_master = take_seats(control_fd);
		else if ((events[i].events & EPOLLHUP) != 0)
			leave(fd);
		else
			serve_seat(fd);
	}
	return has_master;
}

/* As many questions at once as there are descriptors for, when all who can ask
 * have theirs. */
static void
limit_questions(void)
{
	size_t others, room;

	others = conf->max_workers + conf->npools + BOUNDS_SPAWN_CAP;
	room = privs_raise_files();
	room = room > others ? (room - others) / 2 : 0;
	most_open = room < 1 ? 1 :
	    room > BOUNDS_QUESTIONS ? BOUNDS_QUESTIONS : room;
}

static void
enter(int control_fd, pid_t parent)
{
	seats_fd = epoll_create1(EPOLL_CLOEXEC);
	upstreams_fd = epoll_create1(EPOLL_CLOEXEC);
	if (process_open() == -1 || seats_fd == -1 || upstreams_fd == -1)
		fatal(2, "whois: descriptors");
	limit_questions();
	privs_limit(parent);
	sandbox_enter_whois(conf->sandbox);
	watch(control_fd);
}

_Noreturn void
whois_run(int control_fd, const struct conf *own, pid_t parent)
{
	struct pollfd waits[2];
	bool has_master;
	int64_t next;
	size_t nwaits;

	conf = own;
	enter(control_fd, parent);
	waits[0] = (struct pollfd){ .fd = upstreams_fd, .events = POLLIN };
	waits[1] = (struct pollfd){ .fd = seats_fd, .events = POLLIN };
	for (has_master = true; has_master || nseats > 0; ) {
		next = expire();
		nwaits = nopen < most_open ? 2 : 1;
		if (io_wait(waits, nwaits, next, NULL) == IO_ERROR)
			fatal(1, "whois: poll");
		hear_upstreams();
		if (!hear_seats(control_fd)) {
			has_master = false;
			(void)close(control_fd);
			/* The number may be another's soon. */
			control_fd = -1;
		}
	}
	_exit(0);
}

/* -- the master's side -- */

int
whois_attach(int control_fd, int fd)
{
	struct pollfd room = { .fd = control_fd, .events = POLLOUT };
	const char byte = 0;

	if (io_wait(&room, 1, io_now_ms() + BOUNDS_DIAL_MS, NULL) != IO_OK)
		return -1;
	return io_send_fd(control_fd, &byte, sizeof(byte), fd) == 1 ? 0 : -1;
}
