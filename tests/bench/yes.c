/*
 * The least that an authorization plugin of dockerd can be: it reads each
 * message to its end, and says yes to everything.  Usage: yes PATH
 */

#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "http.h"
#include "span.h"

#define CONNS	64
#define ROOM	(2 * BOUNDS_HEAD_CAP)
#define ANSWER(length, body) "HTTP/1.1 200 OK\r\nContent-Type: " \
	"application/json\r\nContent-Length: " length "\r\n\r\n" body

static const char hello[] = ANSWER("24", "{\"Implements\":[\"authz\"]}");
static const char yes[] = ANSWER("14", "{\"Allow\":true}");

static struct conn {
	bool		has_head;
	bool		is_hello;
	struct body	body;
	size_t		len;
	char		buf[ROOM];
} conns[CONNS];

static bool
say(int fd, const char *text)
{
	const size_t len = strlen(text);

	return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* One step of a message; false when more has to come. */
static bool
step(struct conn *c, int fd, bool *is_good)
{
	static struct http_head head;
	struct span data;
	size_t used;

	if (!c->has_head) {
		if (http_parse_request(c->buf, c->len, &head, &used) !=
		    HTTP_DONE)
			return false;
		(void)body_of_request(&head, &c->body);
		c->is_hello = span_eq(head.target, SPAN("/Plugin.Activate"));
		c->has_head = true;
	} else {
		if (body_walk(&c->body, c->buf, c->len, &used, &data) ==
		    BODY_DONE) {
			*is_good = say(fd, c->is_hello ? hello : yes);
			c->has_head = false;
		} else if (used == 0) {
			return false;
		}
	}
	c->len -= used;
	memmove(c->buf, c->buf + used, c->len);
	return *is_good;
}

static bool
serve(struct conn *c, int fd)
{
	bool is_good = true;
	ssize_t n;

	n = recv(fd, c->buf + c->len, sizeof(c->buf) - c->len, 0);
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	while (step(c, fd, &is_good))
		;
	return is_good;
}

static int
listen_on(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    listen(fd, CONNS) != 0)
		return -1;
	return fd;
}

int
main(int argc, char *argv[])
{
	struct pollfd fds[CONNS + 1];
	size_t i;

	for (i = 0; i <= CONNS; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (argc != 2 || (fds[CONNS].fd = listen_on(argv[1])) == -1) {
		perror("yes");
		return 1;
	}
	while (poll(fds, CONNS + 1, -1) > 0) {
		for (i = 0; i < CONNS; i++) {
			if (fds[i].fd != -1 && fds[i].revents != 0 &&
			    !serve(&conns[i], fds[i].fd)) {
				(void)close(fds[i].fd);
				fds[i].fd = -1;
			}
		}
		for (i = 0; fds[CONNS].revents != 0 && i < CONNS; i++) {
			if (fds[i].fd != -1)
				continue;
			fds[i].fd = accept(fds[CONNS].fd, NULL, NULL);
			conns[i].has_head = false;
			conns[i].len = 0;
			break;
		}
	}
	return 1;
}
