/*
 * Messages to the service manager: one datagram each, lines of NAME=value.
 */

#include "config.h"

#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "io.h"
#include "log.h"
#include "span.h"
#include "text.h"

/* Bytes of a message: some lines, and the longest address of a listener. */
#define MESSAGE_CAP	1024

/* How often to look whether workers are ready, or the other end has room. */
#define LOOK_MS		50

/* Half of the longest time of a watchdog that we can count. */
#define DIGITS		18

static struct {
	int			 fd;
	struct sockaddr_un	 sun;
	socklen_t		 sun_len;
	bool			 is_ready;	/* told so, of this
						 * configuration */
	const char		*word;		/* what went wrong, or NULL */
	int64_t			 beat_ms;	/* between two, 0: none */
	int64_t			 next_ms;
} own = { .fd = -1 };

/* -- set-up -- */

/* "/path" or "@abstract". */
static bool
read_address(const char *text)
{
	const size_t len = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || len < 2 ||
	    len >= sizeof(own.sun.sun_path))
		return false;
	own.sun.sun_family = AF_UNIX;
	memcpy(own.sun.sun_path, text, len);
	own.sun_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    len);
	if (text[0] == '@')
		own.sun.sun_path[0] = '\0';
	else
		own.sun_len++;
	return true;
}

/* The time that the watchdog gives us, if it is meant for this process. */
static void
read_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t n;

	if (usec == NULL || own.fd == -1)
		return;
	if (pid != NULL && (!span_number(span_of(pid), DIGITS, &n) ||
	    n != (uint64_t)getpid()))
		return;
	if (!span_number(span_of(usec), DIGITS, &n) || n == 0) {
		log_warn("WATCHDOG_USEC=%s: not a number of microseconds",
		    usec);
		return;
	}
	own.beat_ms = (int64_t)(n / 2000);
	if (own.beat_ms == 0)
		own.beat_ms = 1;
}

void
notify_open(void)
{
	const char *address = getenv("NOTIFY_SOCKET");

	if (address != NULL && !read_address(address))
		log_warn("NOTIFY_SOCKET=%s: neither a path nor @ and a name; "
		    "the service manager is told nothing", address);
	else if (address != NULL)
		own.fd = socket(AF_UNIX,
		    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	read_watchdog();
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

/* -- sending -- */

/* False when there is no room just now. */
static bool
tell(struct text *t)
{
	static bool has_failed;

	if (own.fd == -1)
		return true;
	if (sendto(own.fd, text_string(t), t->len, MSG_NOSIGNAL,
	    (const struct sockaddr *)&own.sun, own.sun_len) != -1) {
		has_failed = false;
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
		return false;
	if (!has_failed)
		log_warn("cannot tell the service manager: %s",
		    strerror(errno));
	has_failed = true;
	return true;
}

/* "serving on tcp://127.0.0.1:2375 with profile traefik" */
static void
put_serving(struct text *t, const struct pool *p)
{
	const struct conf_listen *l = &p->conf->listen[0];

	text_str(t, "serving on ");
	if (p->conf->nlisten == 1) {
		text_escaped(t, span_of(l->text));
		text_str(t, " with profile ");
		text_escaped(t, span_of(l->profile->name));
	} else {
		text_number(t, p->conf->nlisten);
		text_str(t, " listeners");
	}
}

static bool
tell_ready(const struct pool *p)
{
	char buf[MESSAGE_CAP];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	text_str(&t, "READY=1\nMAINPID=");
	text_number(&t, (uint64_t)getpid());
	text_str(&t, "\nSTATUS=");
	if (own.word != NULL) {
		text_str(&t, own.word);
		text_str(&t, "; ");
	}
	put_serving(&t, p);
	return tell(&t);
}

/* -- when -- */

/* Whether each pool has a worker that is past its set-up. */
static bool
is_serving(const struct pool *p)
{
	bool has[BOUNDS_POOL_CAP] = { false };
	enum board_state state;
	size_t i, n;

	n = 0;
	for (i = 0; i < board_used(); i++) {
		state = board_state(i);
		if (state == BOARD_FREE || state == BOARD_STARTING ||
		    board_generation(i) != p->generation ||
		    has[board_listener(i)])
			continue;
		has[board_listener(i)] = true;
		n++;
	}
	return n == p->conf->npools;
}

int64_t
notify_watch(const struct pool *p, int64_t deadline)
{
	int64_t next;

	if (own.fd == -1 || own.is_ready)
		return deadline;
	own.is_ready = is_serving(p) && tell_ready(p);
	next = io_now_ms() + LOOK_MS;
	return own.is_ready || deadline < next ? deadline : next;
}

int64_t
notify_alive(int64_t deadline)
{
	char buf[MESSAGE_CAP];
	struct text t;
	int64_t now;

	if (own.beat_ms == 0)
		return deadline;
	now = io_now_ms();
	if (now >= own.next_ms) {
		text_init(&t, buf, sizeof(buf));
		text_str(&t, "WATCHDOG=1");
		own.next_ms = now + (tell(&t) || own.beat_ms < LOOK_MS ?
		    own.beat_ms : LOOK_MS);
	}
	return own.next_ms < deadline ? own.next_ms : deadline;
}

void
notify_reloading(void)
{
	char buf[MESSAGE_CAP];
	struct timespec now;
	struct text t;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	text_init(&t, buf, sizeof(buf));
	text_str(&t, "RELOADING=1\nMONOTONIC_USEC=");
	text_number(&t, (uint64_t)now.tv_sec * 1000000 +
	    (uint64_t)now.tv_nsec / 1000);
	text_str(&t, "\nSTATUS=reloading");
	/* Lost, it only makes the time seem shorter. */
	(void)tell(&t);
}

void
notify_reloaded(const char *word)
{
	own.word = word;
	own.is_ready = false;
}

void
notify_stopping(int64_t most_ms)
{
	char buf[MESSAGE_CAP];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	text_str(&t, "STOPPING=1\nEXTEND_TIMEOUT_USEC=");
	text_number(&t, (uint64_t)most_ms * 1000);
	text_str(&t, "\nSTATUS=stopping: running requests may end");
	/* Lost, the manager learns of the end by the end. */
	(void)tell(&t);
}
