/*
 * Both ends of the socket of --status, and the status line of the log.
 */

#include "config.h"

#include "status.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abstract.h"
#include "board.h"
#include "io.h"
#include "log.h"
#include "statustext.h"

/* Connections that we take in a turn, and how long to leave the others alone
 * then: a flood of them costs the pool little. */
#define TURN_CAP	4
#define PAUSE_MS	100

/* How long --status waits for its answer. */
#define ASK_MS		5000

static struct {
	int		fd;
	int64_t		started_ms;
	int64_t		next_ms;	/* poll again, 0: now */
	char		name[STATUS_NAME_CAP - 1];
} own = { .fd = -1 };

void
status_name(char buf[STATUS_NAME_CAP - 1], const char *address)
{
	abstract_name(buf, "", address);
}

/* -- the master -- */

void
status_close(void)
{
	if (own.fd != -1)
		(void)close(own.fd);
	own.fd = -1;
}

void
status_open(const struct conf *conf)
{
	char name[STATUS_NAME_CAP - 1];

	if (own.started_ms == 0)
		own.started_ms = io_now_ms();
	status_name(name, conf->listen[0].written);
	if (own.fd != -1 && strcmp(name, own.name) == 0)
		return;
	status_close();
	memcpy(own.name, name, sizeof(name));
	own.fd = abstract_listen(name, SOCK_STREAM);
	if (own.fd == -1)
		log_warn("--status gets no answer: cannot listen on @%s: %s",
		    name, strerror(errno));
}

int
status_fd(int64_t *deadline)
{
	if (own.fd == -1 || io_now_ms() >= own.next_ms)
		return own.fd;
	if (own.next_ms < *deadline)
		*deadline = own.next_ms;
	return -1;
}

/* Bytes that a send to fd takes without waiting; the kernel counts its own
 * needs too, and gives as much again for that. */
static size_t
make_room(int fd)
{
	int wanted, got;
	socklen_t len;

	wanted = STATUSTEXT_CAP;
	len = sizeof(got);
	/* Less than wanted is all right too. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &got, &len) == -1 ||
	    got < 0)
		return 0;
	return got / 2 < STATUSTEXT_CAP ? (size_t)got / 2 : STATUSTEXT_CAP;
}

/* The text is made in pages of its own, so that no child inherits them. */
static void
tell(int fd, const struct pool *p)
{
	size_t len;
	char *text;

	text = mmap(NULL, STATUSTEXT_CAP, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED) {
		log_error_errno("--status");
		return;
	}
	len = statustext_make(text, make_room(fd), p, own.started_ms);
	/* Who does not get all of it misses the last line. */
	if (send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
		log_debug("--status: the answer did not get through");
	(void)munmap(text, STATUSTEXT_CAP);
}

void
status_answer(const struct pool *p)
{
	uid_t uid;
	int fd, i;

	for (i = 0; i < TURN_CAP && own.fd != -1; i++) {
		fd = accept4(own.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1 && (errno == EAGAIN || errno == EINTR ||
		    errno == ECONNABORTED))
			return;
		if (fd == -1)
			break;	/* no descriptors: try again later */
		if (abstract_is_trusted(fd, &uid))
			tell(fd, p);
		else
			log_debug("--status: user %u is not answered",
			    (unsigned)uid);
		(void)close(fd);
	}
	own.next_ms = io_now_ms() + PAUSE_MS;
}

void
status_log(const struct pool *p)
{
	struct board_counters sum;
	struct log_line line;

	sum = board_total();
	log_begin(&line, LOG_LEVEL_INFO, "status");
	log_number(&line, "generation", p->generation);
	log_number(&line, "workers", board_used() - board_count(BOARD_FREE));
	log_number(&line, "idle", board_count(BOARD_IDLE));
	log_number(&line, "waiting", board_count(BOARD_WAITING));
	log_number(&line, "busy", board_count(BOARD_BUSY));
	log_number(&line, "max_workers", p->conf->max_workers);
	log_number(&line, "connections", sum.connections);
	log_number(&line, "requests", sum.requests);
	log_number(&line, "denied", sum.denied);
	log_number(&line, "failed", sum.failed);
	log_number(&line, "attacks", p->attacks);
	log_end(&line);
}

/* -- who asks -- */

/* Receive until the end: the bytes, or -1 when that does not come. */
static ssize_t
receive(int fd, char *buf, size_t cap)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	enum io_result result;
	int64_t deadline;
	size_t len, got;

	deadline = io_now_ms() + ASK_MS;
	for (len = 0; len < cap; len += got) {
		got = 0;
		if (io_wait(&ready, 1, deadline, NULL) != IO_OK)
			return -1;
		result = io_recv(fd, buf + len, cap - len, &got);
		if (result == IO_EOF)
			return (ssize_t)len;
		if (result == IO_ERROR)
			return -1;
	}
	return -1;
}

/* Whether the last line is there, which tells a whole answer. */
static bool
is_whole(const char *text, size_t len)
{
	const char *last;

	if (len < 2 || text[len - 1] != '\n')
		return false;
	last = memrchr(text, '\n', len - 1);
	return last != NULL && strncmp(last + 1, "end ", 4) == 0;
}

static int
ask(int fd)
{
	static char text[STATUSTEXT_CAP + 1];
	ssize_t len;
	uid_t uid;

	if (!abstract_is_trusted(fd, &uid)) {
		log_error("user %u has the name that the status of this "
		    "configuration is asked under: not believed; if the "
		    "instance runs as that user, ask as that user",
		    (unsigned)uid);
		return EXIT_FAILURE;
	}
	len = receive(fd, text, sizeof(text));
	if (len == 0) {
		log_error("no answer: the instance runs as user %u and tells "
		    "only root and that user", (unsigned)uid);
		return EXIT_FAILURE;
	}
	if (len > 0 && fwrite(text, 1, (size_t)len, stdout) == (size_t)len &&
	    is_whole(text, (size_t)len))
		return EXIT_SUCCESS;
	log_error("the answer did not come, or not to its end");
	return EXIT_FAILURE;
}

int
status_ask(const struct conf *conf)
{
	char name[STATUS_NAME_CAP - 1];
	int fd, code;

	status_name(name, conf->listen[0].written);
	fd = abstract_dial(name, SOCK_STREAM, ASK_MS);
	if (fd == -1 && errno == ECONNREFUSED) {
		log_error("nothing runs with this configuration: nobody "
		    "answers on @%s; its first listener must be the same, "
		    "here %s", name, conf->listen[0].written);
		return EXIT_FAILURE;
	}
	if (fd == -1) {
		log_error_errno("cannot ask @%s", name);
		return EXIT_FAILURE;
	}
	code = ask(fd);
	(void)close(fd);
	return code;
}
