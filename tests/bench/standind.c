/*
 * A stand-in for dockerd that answers at once, so that a measurement shows
 * the proxy and not the daemon: one process, epoll, next to no work for each
 * request.  Heads are those of a real daemon.  It knows a list of containers
 * of any size, an upgrade (which becomes an echo), events (one, and the stream
 * stays open), export?mib=N (so much, in chunks of 32 KiB as dockerd sends
 * them, or with a length when "&length" follows), archive?mib=N (takes in just
 * so much), and says OK to the rest.
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
#define MIB		((size_t)1 << 20)
#define CHUNK_LEN	32768		/* io.Copy, on which dockerd relies */

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
	bool		is_stream;	/* no other request comes */
	struct span	block;		/* sent so many times after it */
	uint64_t	blocks;
	struct span	end;		/* and this after them */
	uint64_t	wanted;		/* bytes of the request's body, if */
	uint64_t	got;		/* it says so */
	bool		is_last;	/* close then */
	bool		has_answered;
	bool		is_waiting;	/* for room to send */
	const char	*out;
	size_t		out_len;
	size_t		len;
	char		buf[65536];
};

/* Whole answers, with and without "Connection: close". */
static struct span ok[2], list[2], echo, wrong, stream;
static struct span mib_plain, mib_chunked;
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
	wrong = SPAN("HTTP/1.1 400 Bad Request\r\n" FIELDS
	    "Connection: close\r\nContent-Length: 0\r\n\r\n");
	stream = SPAN("HTTP/1.1 200 OK\r\n" FIELDS
	    "Content-Type: application/json\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	echo = SPAN("HTTP/1.1 101 UPGRADED\r\nContent-Type: "
	    "application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\n"
	    "Upgrade: tcp\r\n" FIELDS "\r\n");
	free(text);
}

/* A MiB of zeros to be sent again and again, plain or in chunks. */
static void
make_blocks(void)
{
	static char plain[MIB];
	static char chunked[MIB + MIB / CHUNK_LEN * 16];
	size_t i, n = 0;

	for (i = 0; i < MIB / CHUNK_LEN; i++) {
		n += (size_t)sprintf(chunked + n, "%x\r\n", CHUNK_LEN);
		n += CHUNK_LEN;
		chunked[n++] = '\r';
		chunked[n++] = '\n';
	}
	mib_plain = (struct span){ plain, sizeof(plain) };
	mib_chunked = (struct span){ chunked, n };
}

/* The head of so many MiB with a length. */
static struct span
make_length_head(uint64_t mib)
{
	static char head[1024];
	int n;

	n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n" FIELDS
	    "Content-Type: application/x-tar\r\nContent-Length: %llu\r\n\r\n",
	    (unsigned long long)(mib * MIB));
	return (struct span){ head, (size_t)n };
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

/* The number in "mib=N" at the start of a query, or 0. */
static uint64_t
mib_of(struct span query)
{
	struct span first;
	uint64_t mib = 0;

	if (query.p == NULL || !span_next(&query, '&', &first) ||
	    !span_starts_nocase(first, SPAN("mib=")))
		return 0;
	first.p += 4;
	first.len -= 4;
	(void)span_number(first, 6, &mib);
	return mib;
}

static void
choose_export(struct conn *c, struct span query)
{
	c->blocks = mib_of(query);
	if (ends_with(query, SPAN("&length"))) {
		c->answer = make_length_head(c->blocks);
		c->block = mib_plain;
		return;
	}
	c->answer = stream;
	c->block = mib_chunked;
	c->end = SPAN("0\r\n\r\n");
}

static void
choose_answer(struct conn *c, const struct http_head *head)
{
	static const struct span none;
	struct span rest = head->target, path;

	(void)span_next(&rest, '?', &path);
	c->has_answered = false;
	c->is_echo = http_wants_upgrade(head);
	c->is_stream = ends_with(path, SPAN("/events"));
	c->is_last = !c->is_echo && !c->is_stream && http_wants_close(head);
	c->blocks = c->wanted = c->got = 0;
	c->end = none;
	c->answer = ok[c->is_last];
	if (c->is_echo)
		c->answer = echo;
	else if (ends_with(path, SPAN("/containers/json")))
		c->answer = list[c->is_last];
	else if (ends_with(path, SPAN("/archive")))
		c->wanted = mib_of(rest) * MIB;
	else if (ends_with(path, SPAN("/export")))
		choose_export(c, rest);
	else if (c->is_stream) {
		/* Apart, as dockerd does it: first the head. */
		c->answer = stream;
		c->end = SPAN("1b\r\n"
		    "{\"Type\":\"container\",\"n\":1}\n\r\n");
	}
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
		if (walked == BODY_DATA)
			c->got += data.len;
	} while (walked == BODY_DATA);
	if (walked == BODY_DONE && c->wanted > 0 && c->got != c->wanted) {
		c->answer = wrong;
		c->is_last = true;
	}
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

/* What goes out next of an answer that was begun: false when all has. */
static bool
next_piece(struct conn *c)
{
	struct span piece = c->end;

	if (!c->has_answered)
		return false;
	if (c->blocks > 0) {
		piece = c->block;
		c->blocks--;
	} else
		c->end.len = 0;
	c->out = piece.p;
	c->out_len = piece.len;
	return piece.len > 0;
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
		if (next_piece(c))
			continue;
		if (c->is_last && c->has_answered)
			return false;
		if (c->is_stream && c->has_answered) {
			c->len = 0;
			return true;
		}
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
	make_blocks();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd == -1)
		fail("epoll_create1");
	listen_fd = open_listener(argv[optind]);
	watch(listen_fd, NULL);
	run(listen_fd);
}
