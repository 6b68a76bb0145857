/*
 * A stand-in for dockerd that answers at once, so that a measurement shows
 * the proxy and not the daemon: one process, epoll, next to no work for each
 * request.  Heads are those of a real daemon.  It knows a list of containers
 * of any size, exec start (which becomes an echo), and says OK to the rest.
 */

#include "config.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "http.h"
#include "span.h"

#define BACKLOG		4096
#define EVENTS_CAP	256
#define LIST_CAP	(1 << 24)	/* bytes of the list of containers */

/* What dockerd 28 sends with each answer. */
#define FIELDS \
	"Api-Version: 1.47\r\nDocker-Experimental: false\r\nOstype: linux\r\n" \
	"Server: Docker/28.2.2 (linux)\r\n" \
	"Date: Sun, 22 Nov 2026 00:00:00 GMT\r\n"

/* What is left to send goes before anything else is read. */
struct conn {
	int		fd;
	bool		has_head;	/* of the request under way */
	struct body	body;
	struct span	answer;		/* to it, when all is read */
	bool		is_echo;	/* after it was answered */
	bool		is_last;	/* close then */
	bool		has_answered;
	bool		is_waiting;	/* for room to send */
	const char	*out;
	size_t		out_len;
	size_t		len;
	char		buf[65536];
};

/* Whole answers, with and without "Connection: close". */
static struct span ok[2], list[2], echo;
static int epoll_fd;

static _Noreturn void
fail(const char *what)
{
	(void)fprintf(stderr, "standind: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* -- answers made before anybody asks ---------------------------------- */

/* As Go does it: a length where the body is small, else one chunk. */
static struct span
make_answer(const char *type, struct span body, bool is_close)
{
	struct span answer;
	size_t cap = body.len + 1024;
	char *buf = malloc(cap);
	int n;

	if (buf == NULL)
		fail("malloc");
	n = snprintf(buf, cap, "HTTP/1.1 200 OK\r\n" FIELDS
	    "Content-Type: %s\r\n%s", type,
	    is_close ? "Connection: close\r\n" : "");
	if (body.len <= 2048)
		n += snprintf(buf + n, cap - (size_t)n,
		    "Content-Length: %zu\r\n\r\n", body.len);
	else
		n += snprintf(buf + n, cap - (size_t)n,
		    "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", body.len);
	memcpy(buf + n, body.p, body.len);
	answer.p = buf;
	answer.len = (size_t)n + body.len;
	if (body.len > 2048) {
		memcpy(buf + answer.len, "\r\n0\r\n\r\n", 7);
		answer.len += 7;
	}
	return answer;
}

static void
make_answers(size_t list_len)
{
	struct span body;
	char *text = malloc(list_len);
	int i;

	if (text == NULL)
		fail("malloc");
	/* Valid JSON: an array that is mostly one string. */
	memset(text, 'x', list_len);
	memcpy(text, "[\"", 2);
	memcpy(text + list_len - 2, "\"]", 2);
	body.p = text;
	body.len = list_len;
	for (i = 0; i < 2; i++) {
		ok[i] = make_answer("text/plain; charset=utf-8", SPAN("OK"),
		    i == 1);
		list[i] = make_answer("application/json", body, i == 1);
	}
	echo = SPAN("HTTP/1.1 101 UPGRADED\r\nContent-Type: "
	    "application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\n"
	    "Upgrade: tcp\r\n" FIELDS "\r\n");
	free(text);
}

/* -- one connection ---------------------------------------------------- */

static void
conn_end(struct conn *c)
{
	(void)close(c->fd);
	free(c);
}

static void
drop(struct conn *c, size_t n)
{
	c->len -= n;
	memmove(c->buf, c->buf + n, c->len);
}

static bool
ends_with(struct span s, struct span end)
{
	return s.len >= end.len &&
	    memcmp(s.p + s.len - end.len, end.p, end.len) == 0;
}

static void
choose_answer(struct conn *c, const struct http_head *head)
{
	struct span rest = head->target, path;

	(void)span_next(&rest, '?', &path);
	c->has_answered = false;
	c->is_echo = http_wants_upgrade(head);
	c->is_last = !c->is_echo && http_wants_close(head);
	if (c->is_echo)
		c->answer = echo;
	else if (ends_with(path, SPAN("/containers/json")))
		c->answer = list[c->is_last];
	else
		c->answer = ok[c->is_last];
}

/* True when a request has been read whole. */
static bool
take_request(struct conn *c, bool *is_wrong)
{
	static struct http_head head;
	enum http_result got;
	enum body_result walked;
	struct span data;
	size_t used;

	*is_wrong = false;
	if (!c->has_head) {
		got = http_parse_request(c->buf, c->len, &head, &used);
		if (got == HTTP_DONE)
			choose_answer(c, &head);
		*is_wrong = got == HTTP_BAD || (got == HTTP_DONE &&
		    body_of_request(&head, &c->body) != REASON_NONE);
		if (got != HTTP_DONE || *is_wrong)
			return false;
		drop(c, used);
		c->has_head = true;
	}
	do {
		walked = body_walk(&c->body, c->buf, c->len, &used, &data);
		drop(c, used);
	} while (walked == BODY_DATA);
	*is_wrong = walked == BODY_BAD;
	c->has_head = walked == BODY_MORE;
	return walked == BODY_DONE;
}

/* Send what there is: false when the peer is gone. */
static bool
flush(struct conn *c)
{
	struct epoll_event event = { .data.ptr = c };
	ssize_t n = 0;

	if (c->out_len > 0)
		n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN)
		return false;
	if (n > 0) {
		c->out += n;
		c->out_len -= (size_t)n;
	}
	if (c->is_waiting != (c->out_len > 0)) {
		c->is_waiting = c->out_len > 0;
		event.events = c->is_waiting ? EPOLLOUT : EPOLLIN;
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
	}
	return true;
}

/* Answer what has come: false when this connection is to end. */
static bool
serve(struct conn *c)
{
	bool is_wrong;

	for (;;) {
		if (!flush(c))
			return false;
		if (c->out_len > 0)
			return true;
		if (c->is_last && c->has_answered)
			return false;
		if (c->is_echo && c->has_answered) {
			if (c->len == 0)
				return true;
			c->out = c->buf;
			c->out_len = c->len;
			c->len = 0;
			continue;
		}
		if (!take_request(c, &is_wrong))
			return !is_wrong;
		c->out = c->answer.p;
		c->out_len = c->answer.len;
		c->has_answered = true;
	}
}

static bool
hear(struct conn *c)
{
	ssize_t n;

	if (!c->is_waiting) {
		n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, 0);
		if (n == -1 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		c->len += (size_t)n;
	}
	return serve(c);
}

/* -- all of them -------------------------------------------------------- */

static int
open_listener(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	errno = ENAMETOOLONG;
	if (strlen(path) >= sizeof(at.sun_path))
		fail(path);
	memcpy(at.sun_path, path, strlen(path));
	(void)unlink(path); /* of an earlier run */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    chmod(path, 0666) != 0 || listen(fd, BACKLOG) != 0)
		fail(path);
	return fd;
}

static void
watch(int fd, void *ptr)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = ptr };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("epoll_ctl");
}

static void
accept_all(int listen_fd)
{
	struct conn *c;
	int fd;

	for (;;) {
		fd = accept4(listen_fd, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd == -1)
			return;
		/* Not calloc: the buffer is written before it is read. */
		c = malloc(sizeof(*c));
		if (c == NULL)
			fail("malloc");
		memset(c, 0, offsetof(struct conn, buf));
		c->fd = fd;
		watch(fd, c);
		/* The request is often there already. */
		if (!hear(c))
			conn_end(c);
	}
}

static _Noreturn void
run(int listen_fd)
{
	struct epoll_event events[EVENTS_CAP];
	int i, n;

	for (;;) {
		n = epoll_wait(epoll_fd, events, EVENTS_CAP, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				accept_all(listen_fd);
			else if (!hear(events[i].data.ptr))
				conn_end(events[i].data.ptr);
		}
	}
}

int
main(int argc, char *argv[])
{
	unsigned long list_len = 4096;
	int option, listen_fd;

	while ((option = getopt(argc, argv, "b:")) == 'b')
		list_len = strtoul(optarg, NULL, 10);
	if (option != -1 || argc - optind != 1 || list_len < 4 ||
	    list_len > LIST_CAP) {
		(void)fputs("usage: standind [-b BYTES_OF_LIST] SOCKET\n",
		    stderr);
		return 2;
	}
	make_answers(list_len);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd == -1)
		fail("epoll_create1");
	listen_fd = open_listener(argv[optind]);
	watch(listen_fd, NULL);
	run(listen_fd);
}
