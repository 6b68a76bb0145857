/*
 * Asking dockerd whether it is alive.  Which of our own questions an answer
 * belongs to is seen by its connection.
 */

#include "config.h"

#include "ping.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "dial.h"

/* No version: every dockerd, and Podman, knows it. */
static const char request[] = "GET /_ping HTTP/1.1\r\nHost: docker\r\n"
    "Connection: close\r\n\r\n";

/* "HTTP/1.1 200"; the digit behind the dot is not looked at. */
static const char good_start[] = "HTTP/1.";
static const char good_end[] = " 200";
static const char denied_end[] = " 403";
#define GOOD_LEN (sizeof(good_start) - 1 + 1 + sizeof(good_end) - 1)

struct ping {
	bool		is_open;
	int		fd;
	uint32_t	no;
	size_t		len;
	char		answer[GOOD_LEN];
};

static struct {
	int		poll_fd;
	size_t		next;		/* the oldest, or one that is free */
	struct ping	pings[BOUNDS_PINGS];
} own;

int
ping_open(void)
{
	own.poll_fd = epoll_create1(EPOLL_CLOEXEC);
	return own.poll_fd;
}

static void
finish(struct ping *p)
{
	if (p->is_open)
		(void)close(p->fd);
	p->is_open = false;
}

/* 0, or an errno. */
static int
ask(int fd, size_t at)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = at };

	if (epoll_ctl(own.poll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		return errno;
	/* A fresh socket has room for it. */
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(request) - 1)
		return ECONNRESET;
	return 0;
}

int
ping_begin(const char *docker_socket, uint32_t no)
{
	struct ping *p = &own.pings[own.next];
	int error, fd;

	finish(p);
	fd = dial_open(docker_socket);
	if (fd == -1)
		return errno;
	error = ask(fd, own.next);
	if (error != 0) {
		(void)close(fd);
		return error;
	}
	*p = (struct ping){ .is_open = true, .fd = fd, .no = no };
	own.next = (own.next + 1) % BOUNDS_PINGS;
	return 0;
}

static int
error_of(const char *answer)
{
	const size_t start = sizeof(good_start) - 1;
	const char *end = answer + start + 1;

	if (memcmp(answer, good_start, start) != 0)
		return EPROTO;
	if (memcmp(end, good_end, sizeof(good_end) - 1) == 0)
		return 0;
	return memcmp(end, denied_end, sizeof(denied_end) - 1) == 0 ?
	    EBADMSG : EPROTO;
}

/* What dockerd says; true when that is enough, or all. */
static bool
receive(struct ping *p, int *error)
{
	ssize_t n;

	n = recv(p->fd, p->answer + p->len, GOOD_LEN - p->len, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	p->len += n > 0 ? (size_t)n : 0;
	if (n > 0 && p->len < GOOD_LEN)
		return false;
	if (n < 1)
		*error = ECONNRESET;
	else
		*error = error_of(p->answer);
	return true;
}

bool
ping_hear(uint32_t *no, int *error)
{
	struct epoll_event event;
	struct ping *p;

	while (epoll_wait(own.poll_fd, &event, 1, 0) == 1) {
		p = &own.pings[event.data.u64];
		if (!receive(p, error))
			continue;
		*no = p->no;
		finish(p);
		return true;
	}
	return false;
}
