/*
 * The load client: so many keep-alive connections, each with one request
 * under way, for a time or a number of requests; or a new connection for each
 * request; or echoes through an upgraded connection; or so many requests a
 * second.  One connection is served with blocking calls, which is what a real
 * client's thread does; more of them with epoll.  Every answer is read to its
 * end by the rules of its framing; one that is not as expected is an error,
 * counted and told.
 */

#include "config.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "body.h"
#include "client.h"
#include "http.h"
#include "latency.h"

#define CONNECTIONS_CAP 4096
#define EVENTS_CAP	256
#define ECHO_LEN	64	/* bytes typed into a terminal at once */

/* What the Docker CLI sends to attach.  (An exec has a body, with which
 * HAProxy 2.6 drops the upgrade.) */
#define ATTACH_FIELDS \
	"Content-Length: 0\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

struct conn {
	int		fd;
	bool		has_head;	/* of the answer under way */
	bool		is_last;	/* no other comes on this one */
	bool		is_raw;		/* upgraded: what is sent comes back */
	int		status;
	struct body	body;
	uint64_t	sent_ns;
	size_t		len;		/* received and not used up */
	char		buf[65536];
};

enum took {
	TOOK_MORE,
	TOOK_DONE,
	TOOK_ENDED,	/* in the middle of an answer, or a wrong one */
	TOOK_NOTHING	/* not without waiting */
};

static struct {
	const char	*address;
	char		 request[4096];
	size_t		 request_len;
	unsigned	 nconns;
	unsigned	 status;	/* expected */
	double		 seconds;
	uint64_t	 most;		/* requests; 0: until time is up */
	double		 rate;		/* in a second; 0: as they can */
	bool		 is_new;	/* a connection for each request */
	bool		 is_echo;
	bool		 wants_pause;
} want = { .nconns = 1, .status = 200, .seconds = 1 };

static struct latency latency;
static uint64_t errors, reopened, bytes;
static uint64_t statuses[1000];

/* -- one connection ---------------------------------------------------- */

static void
conn_open(struct conn *c)
{
	c->fd = client_open(want.address);
	c->has_head = c->is_last = c->is_raw = false;
	c->len = 0;
}

/* since_ns: when the time that is taken began. */
static void
conn_send(struct conn *c, uint64_t since_ns)
{
	static const char typed[ECHO_LEN] = "ls\n";

	c->sent_ns = since_ns;
	/* Small, and nothing is under way: it fits, or the peer is gone,
	 * which the next recv finds out. */
	if (c->is_raw)
		(void)client_send(c->fd, typed, sizeof(typed));
	else
		(void)client_send(c->fd, want.request, want.request_len);
}

static void
drop(struct conn *c, size_t n)
{
	c->len -= n;
	memmove(c->buf, c->buf + n, c->len);
}

static enum took
take_head(struct conn *c)
{
	static struct http_head head;
	size_t used;

	switch (http_parse_answer(c->buf, c->len, &head, &used)) {
	case HTTP_MORE:
		return c->len < sizeof(c->buf) ? TOOK_MORE : TOOK_ENDED;
	case HTTP_BAD:
		return TOOK_ENDED;
	case HTTP_DONE:
		break;
	}
	c->status = head.status;
	c->is_raw = want.is_echo && head.status == 101;
	c->is_last = !c->is_raw && (want.is_new || http_wants_close(&head));
	if (c->is_raw) {
		drop(c, used);
		return TOOK_DONE;
	}
	if (body_of_answer(&head, false, &c->body) != REASON_NONE)
		return TOOK_ENDED;
	drop(c, used);
	c->has_head = true;
	return TOOK_DONE;
}

static enum took
take_body(struct conn *c)
{
	enum body_result result;
	struct span data;
	size_t at = 0, used;

	do {
		result = body_walk(&c->body, c->buf + at, c->len - at, &used,
		    &data);
		at += used;
	} while (result == BODY_DATA);
	drop(c, at);
	if (result == BODY_MORE)
		return TOOK_MORE;
	c->has_head = false;
	return result == BODY_DONE ? TOOK_DONE : TOOK_ENDED;
}

static enum took
take_echo(struct conn *c)
{
	if (c->len < ECHO_LEN)
		return TOOK_MORE;
	drop(c, ECHO_LEN);
	return c->len == 0 ? TOOK_DONE : TOOK_ENDED;
}

/* One recv, and what follows from it. */
static enum took
conn_take(struct conn *c)
{
	enum took head;
	ssize_t n;

	n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return TOOK_NOTHING;
	if (n <= 0) {
		c->is_last = true;
		return c->has_head && c->body.kind == BODY_CLOSE && n == 0 ?
		    TOOK_DONE : TOOK_ENDED;
	}
	bytes += (uint64_t)n;
	c->len += (size_t)n;
	if (c->is_raw)
		return take_echo(c);
	if (!c->has_head) {
		head = take_head(c);
		if (head != TOOK_DONE || c->is_raw)
			return head;
	}
	return take_body(c);
}

/* -- what was measured ------------------------------------------------- */

static uint64_t
count(const struct conn *c, enum took took)
{
	uint64_t now = client_now_ns();

	if (took == TOOK_DONE && c->status == (int)want.status) {
		latency_add(&latency, now - c->sent_ns);
		return now;
	}
	errors++;
	statuses[took == TOOK_DONE ? c->status : 0]++;
	return now;
}

static bool
is_over(uint64_t now, uint64_t end)
{
	if (want.most > 0)
		return latency.count + errors >= want.most;
	return now >= end;
}

static void
report(uint64_t elapsed_ns)
{
	double seconds = (double)elapsed_ns / 1e9;
	unsigned status;

	printf("requests=%" PRIu64 " errors=%" PRIu64 " seconds=%.3f "
	    "rate=%.1f p50=%.2f p99=%.2f p999=%.2f max=%.2f "
	    "bytes=%" PRIu64 " reopened=%" PRIu64 "\n",
	    latency.count, errors, seconds, (double)latency.count / seconds,
	    latency_us(&latency, 0.5), latency_us(&latency, 0.99),
	    latency_us(&latency, 0.999), latency_us(&latency, 1), bytes,
	    reopened);
	for (status = 0; status < 1000; status++) {
		if (statuses[status] > 0)
			(void)fprintf(stderr, "load: %" PRIu64 " answers %s "
			    "%u\n", statuses[status], status == 0 ?
			    "broken or missing," : "with status", status);
	}
}

/* -- the two ways ------------------------------------------------------ */

static void
reopen(struct conn *c)
{
	(void)close(c->fd);
	conn_open(c);
	reopened++;
}

/* Ask once, and wait. */
static enum took
ask(struct conn *c, uint64_t since_ns)
{
	enum took took;

	conn_send(c, since_ns);
	do {
		took = conn_take(c);
	} while (took == TOOK_MORE);
	if (took == TOOK_NOTHING)
		client_fail("no answer for %d s", CLIENT_SILENCE_S);
	return took;
}

/* When the next request is due: later ones do not wait for those that are
 * late, whose time counts from when they should have been sent. */
static uint64_t
wait_turn(uint64_t start, uint64_t turn)
{
	uint64_t due = start + (uint64_t)((double)turn * 1e9 / want.rate);
	struct timespec t = { .tv_sec = (time_t)(due / 1000000000u),
	    .tv_nsec = (long)(due % 1000000000u) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	return due;
}

static void
run_blocking(struct conn *c, uint64_t start, uint64_t end)
{
	enum took took;
	uint64_t now = start, since, turn = 0;

	do {
		since = want.rate > 0 ? wait_turn(start, turn++) : now;
		if (c->is_last)
			reopen(c);
		took = ask(c, since);
		now = count(c, took);
		if (took == TOOK_ENDED)
			c->is_last = true;
	} while (!is_over(now, end));
}

static void
watch(int epoll_fd, struct conn *c, uint64_t since_ns)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	if (fcntl(c->fd, F_SETFL, O_RDWR | O_NONBLOCK) == -1 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
		client_fail("epoll_ctl: %s", strerror(errno));
	conn_send(c, since_ns);
}

/* What came on one of many; the time when an answer was complete, else 0. */
static uint64_t
step(int epoll_fd, struct conn *c)
{
	enum took took = conn_take(c);
	uint64_t now;

	if (took == TOOK_MORE || took == TOOK_NOTHING)
		return 0;
	now = count(c, took);
	if (took == TOOK_ENDED || c->is_last) {
		reopen(c);
		watch(epoll_fd, c, now);
	} else
		conn_send(c, now);
	return now;
}

static void
run_many(struct conn *conns, uint64_t end)
{
	struct epoll_event events[EVENTS_CAP];
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	uint64_t now = 0;
	unsigned i;
	int n;

	for (i = 0; i < want.nconns; i++)
		watch(epoll_fd, &conns[i], client_now_ns());
	do {
		n = epoll_wait(epoll_fd, events, EVENTS_CAP, CLIENT_SILENCE_S * 1000);
		if (n <= 0)
			client_fail("no answer for %d s",
			    CLIENT_SILENCE_S);
		while (n-- > 0)
			now = step(epoll_fd, events[n].data.ptr);
	} while (!is_over(now, end));
	(void)close(epoll_fd);
}

static void
run(struct conn *conns)
{
	uint64_t start, end;
	unsigned i;

	for (i = 0; i < want.nconns; i++) {
		conn_open(&conns[i]);
		if (ask(&conns[i], 0) != TOOK_DONE)
			client_fail("%s does not answer", want.address);
		if (conns[i].is_last)
			reopen(&conns[i]);
	}
	bytes = 0;
	/* All are open and have been served once. */
	if (want.wants_pause)
		client_pause("ready");
	start = client_now_ns();
	end = start + (uint64_t)(want.seconds * 1e9);
	if (want.nconns == 1)
		run_blocking(&conns[0], start, end);
	else
		run_many(conns, end);
	report(client_now_ns() - start);
	if (want.wants_pause)
		client_pause("over");
}

/* -- the command line -------------------------------------------------- */

static void
usage(void)
{
	(void)fputs("usage: load [-ENW] [-c CONNECTIONS] [-e STATUS] "
	    "[-n REQUESTS] [-r RATE]\n"
	    "            [-s SECONDS] tcp://ADDRESS:PORT|unix://PATH TARGET\n",
	    stderr);
	exit(2);
}

static void
read_option(int option)
{
	if (option == 'E') {
		want.is_echo = true;
		want.status = 101;
	} else if (option == 'N')
		want.is_new = true;
	else if (option == 'W')
		want.wants_pause = true;
	else if (option == 'c')
		want.nconns = (unsigned)client_number(optarg, 1,
		    CONNECTIONS_CAP);
	else if (option == 'e')
		want.status = (unsigned)client_number(optarg, 200, 599);
	else if (option == 'n')
		want.most = (uint64_t)client_number(optarg, 1, 1e12);
	else if (option == 'r')
		want.rate = client_number(optarg, 0.1, 1e6);
	else if (option == 's')
		want.seconds = client_number(optarg, 0.01, 3600);
	else
		usage();
}

static void
read_arguments(int argc, char *argv[])
{
	int option, n;

	while ((option = getopt(argc, argv, "ENWc:e:n:r:s:")) != -1)
		read_option(option);
	/* Only one connection has a pace. */
	if (argc - optind != 2 || (want.rate > 0 && want.nconns > 1))
		usage();
	want.address = argv[optind];
	n = snprintf(want.request, sizeof(want.request),
	    "%s %s HTTP/1.1\r\n" CLIENT_FIELDS "%s",
	    want.is_echo ? "POST" : "GET", argv[optind + 1],
	    want.is_echo ? ATTACH_FIELDS : "\r\n");
	if (n < 0 || (size_t)n >= sizeof(want.request))
		client_fail("target too long");
	want.request_len = (size_t)n;
}

int
main(int argc, char *argv[])
{
	struct conn *conns;

	read_arguments(argc, argv);
	client_raise_files();
	conns = calloc(want.nconns, sizeof(*conns));
	if (conns == NULL)
		client_fail("%s", strerror(errno));
	run(conns);
	return errors > 0;
}
