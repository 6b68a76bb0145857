/*
 * Both ends of the socket of --healthcheck.  Each message is one line of text,
 * and in front of it one byte that says what it is.
 */

#include "config.h"

#include "health.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abstract.h"
#include "board.h"
#include "dockerpath.h"
#include "gate.h"
#include "io.h"
#include "log.h"

/* What a message is. */
#define GOOD		'+'
#define BAD		'-'
#define NOT_YET		'~'	/* may be well in a moment */
#define SO_FAR		'.'	/* to be said if nothing else comes */

#define MESSAGE_CAP	512

/* As those of --status. */
#define TURN_CAP	4
#define PAUSE_MS	100

/* Between two tries of who asks. */
#define RETRY_MS	50

/* One who waits for dockerd's answer. */
struct asker {
	bool		is_waiting;
	int		fd;
	uint32_t	no;
};

static struct {
	int		fd;
	int64_t		next_ms;	/* poll again */
	uint32_t	no;		/* of the last question */
	struct asker	askers[BOUNDS_PINGS];
	char		name[ABSTRACT_NAME_CAP];
} own = { .fd = -1 };

/* The name of this container; false where we are not its first process, or
 * nothing can be said. */
static bool
name_container(char buf[ABSTRACT_NAME_CAP])
{
	char space[32];
	ssize_t n;

	n = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
	if (n <= 0)
		return false;
	space[n] = '\0';
	abstract_name(buf, "health/", space);
	return true;
}

/* -- the master -- */

void
health_close(void)
{
	health_forget();
	if (own.fd != -1)
		(void)close(own.fd);
	own.fd = -1;
}

void
health_open(const struct conf *conf)
{
	char name[ABSTRACT_NAME_CAP];

	if (getpid() != 1 || !name_container(name))
		abstract_name(name, "health/", conf->listen[0].written);
	if (own.fd != -1 && strcmp(name, own.name) == 0)
		return;
	health_close();
	memcpy(own.name, name, sizeof(name));
	own.fd = abstract_listen(name, SOCK_SEQPACKET);
	if (own.fd == -1)
		log_warn("--healthcheck gets no answer: cannot listen on @%s: "
		    "%s", name, strerror(errno));
}

int
health_fd(int64_t *deadline)
{
	if (own.fd == -1 || io_now_ms() >= own.next_ms)
		return own.fd;
	if (own.next_ms < *deadline)
		*deadline = own.next_ms;
	return -1;
}

/* A message; a reader who is gone, or slow, misses it. */
static void
say(int fd, char what, const char *words, const char *more)
{
	char buf[MESSAGE_CAP];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	text_char(&t, what);
	text_str(&t, words);
	text_str(&t, more);
	if (send(fd, buf, t.len, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		log_debug("--healthcheck: the answer did not get through");
}

static void
finish(struct asker *a)
{
	if (a->is_waiting)
		(void)close(a->fd);
	a->is_waiting = false;
}

void
health_forget(void)
{
	size_t i;

	for (i = 0; i < BOUNDS_PINGS; i++)
		finish(&own.askers[i]);
}

/* Whether some worker of that pool has shut itself in, and takes or serves
 * clients. */
static bool
is_served(const struct pool *p, unsigned pool)
{
	enum board_state state;
	size_t i;

	for (i = 0; i < board_used(); i++) {
		state = board_state(i);
		if ((state == BOARD_IDLE || state == BOARD_WAITING ||
		    state == BOARD_BUSY) && board_listener(i) == pool &&
		    board_generation(i) == p->generation)
			return true;
	}
	return false;
}

/* What can be said at once, or a question to the gate.  True when fd waits for
 * its answer. */
static bool
begin(const struct pool *p, int fd)
{
	struct asker *a;
	unsigned i;

	for (i = 0; i < p->conf->npools; i++) {
		if (is_served(p, i))
			continue;
		say(fd, NOT_YET, "not serving: no worker is ready on ",
		    p->conf->listen[i].text);
		return false;
	}
	own.no++;
	if (p->control_fd == -1 || gate_ping(p->control_fd, own.no) == -1) {
		say(fd, NOT_YET, "not serving: ", "no gate is ready");
		return false;
	}
	a = &own.askers[own.no % BOUNDS_PINGS];
	finish(a);
	*a = (struct asker){ true, fd, own.no };
	say(fd, SO_FAR, "not serving: ", "the gate does not answer");
	return true;
}

void
health_answer(const struct pool *p)
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
		if (!abstract_is_trusted(fd, &uid))
			say(fd, BAD, "not told: only root and the user that "
			    "the instance runs as are", "");
		else if (begin(p, fd))
			continue;
		(void)close(fd);
	}
	own.next_ms = io_now_ms() + PAUSE_MS;
}

/* Why a connect fails, from what is at the path. */
static void
say_unreachable(int fd, const char *path, int error)
{
	char buf[MESSAGE_CAP];
	struct dockerpath seen;
	struct text t;

	text_init(&t, buf, sizeof(buf));
	dockerpath_look(path, &seen);
	/* Who may not write to what is no socket is told that first. */
	if ((error == ECONNREFUSED || error == EACCES) &&
	    seen.state != DOCKERPATH_ERROR)
		dockerpath_say(&t, path, &seen);
	if (t.len > 0) {
		say(fd, BAD, text_string(&t), "");
		return;
	}
	text_str(&t, path);
	text_str(&t, ": ");
	if (error == ECONNREFUSED)
		text_str(&t, "connection refused: dockerd does not run");
	else if (error == EAGAIN)
		text_str(&t, "dockerd hangs: it takes no connections");
	else
		text_str(&t, strerror(error));
	say(fd, BAD, "cannot connect to ", text_string(&t));
}

static void
tell(int fd, const char *path, int error)
{
	switch (error) {
	case EINPROGRESS:
		say(fd, SO_FAR, "dockerd hangs: connected, but no answer on ",
		    path);
		break;
	case 0:
		say(fd, GOOD, "serving, and dockerd answers on ", path);
		break;
	case EBADMSG:
		say(fd, GOOD, "serving, and dockerd answers that an "
		    "authorization plugin denies /_ping, on ", path);
		break;
	case EPROTO:
		say(fd, BAD, "dockerd answers, but not with status 200, on ",
		    path);
		break;
	case ECONNRESET:
		say(fd, BAD, "dockerd ends the connection without an answer "
		    "on ", path);
		break;
	default:
		say_unreachable(fd, path, error);
		break;
	}
}

void
health_hear(const struct conf *conf, uint32_t no, int error)
{
	struct asker *a = &own.askers[no % BOUNDS_PINGS];

	if (!a->is_waiting || a->no != no)
		return;
	tell(a->fd, conf->docker_socket, error);
	if (error != EINPROGRESS)
		finish(a);
}

/* -- who asks -- */

/* A connection, or -1 with errno: first to the instance that is the first
 * process here. */
static int
dial(const struct conf *conf, char name[ABSTRACT_NAME_CAP])
{
	int fd;

	if (name_container(name)) {
		fd = abstract_dial(name, SOCK_SEQPACKET, BOUNDS_HEALTH_MS);
		if (fd != -1 && abstract_is_first(fd))
			return fd;
		if (fd != -1)
			(void)close(fd); /* somebody took the name */
	}
	abstract_name(name, "health/", conf->listen[0].written);
	return abstract_dial(name, SOCK_SEQPACKET, BOUNDS_HEALTH_MS);
}

/* Messages up to the last one, which is in text without its first byte: what it
 * is.  SO_FAR at the deadline, NOT_YET when the connection ended before it
 * had said anything. */
static char
hear(int fd, char text[MESSAGE_CAP], int64_t deadline)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char buf[MESSAGE_CAP], what;
	ssize_t n;

	what = NOT_YET;
	(void)snprintf(text, MESSAGE_CAP, "not serving: the instance does not "
	    "answer");
	while (what == NOT_YET || what == SO_FAR) {
		if (io_wait(&ready, 1, deadline, NULL) != IO_OK)
			return SO_FAR;
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 1 || strchr("+-~.", buf[0]) == NULL)
			return NOT_YET;
		what = buf[0];
		memcpy(text, buf + 1, (size_t)n - 1);
		text[n - 1] = '\0';
		if (what == NOT_YET)
			return what;
	}
	return what;
}

/* One try; as hear. */
static char
ask(const struct conf *conf, char text[MESSAGE_CAP], int64_t deadline)
{
	char name[ABSTRACT_NAME_CAP];
	uid_t uid;
	char what;
	int fd;

	fd = dial(conf, name);
	if (fd == -1) {
		(void)snprintf(text, MESSAGE_CAP, errno == ECONNREFUSED ?
		    "not running: nobody answers on @%s" :
		    "cannot ask @%s: %s", name, strerror(errno));
		return BAD;
	}
	if (abstract_is_trusted(fd, &uid)) {
		what = hear(fd, text, deadline);
	} else {
		(void)snprintf(text, MESSAGE_CAP, "user %u has the name @%s: "
		    "not believed; if the instance runs as that user, ask as "
		    "that user", (unsigned)uid, name);
		what = BAD;
	}
	(void)close(fd);
	return what;
}

int
health_check(const struct conf *conf)
{
	int64_t begun, deadline;
	char text[MESSAGE_CAP];
	char what;

	begun = io_now_ms();
	deadline = begun + BOUNDS_HEALTH_MS;
	while ((what = ask(conf, text, deadline)) == NOT_YET &&
	    io_now_ms() < begun + BOUNDS_HEALTH_START_MS)
		(void)io_wait(NULL, 0, io_now_ms() + RETRY_MS, NULL);
	if (what == GOOD) {
		printf("%s\n", text);
		return EXIT_SUCCESS;
	}
	log_error("unhealthy: %s", text);
	return EXIT_FAILURE;
}
