/*
 * The load client: so many keep-alive connections, each with one request
 * under way, for a time or a number of requests.  One connection is served
 * with blocking calls, which is what a real client's thread does; more of
 * them with epoll.  Every answer is read to its end by the rules of its
 * framing; one that is not as expected is an error, counted and told.
 */

#include "config.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "body.h"
#include "http.h"
#include "latency.h"

#define CONNECTIONS_CAP 4096
#define EVENTS_CAP	256
#define SILENCE_S	10	/* longer: what is measured hangs */

struct conn {
	int		fd;
	bool		has_head;	/* of the answer under way */
	bool		is_last;	/* no other comes on this one */
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
	bool		 wants_pause;
} want = { .nconns = 1, .status = 200, .seconds = 1 };

static struct latency latency;
static uint64_t errors, reopened, bytes;
static uint64_t statuses[1000];

static _Noreturn void
fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void
fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("load: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* -- one connection ---------------------------------------------------- */

static int
open_tcp(const char *where)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const char *colon = strchr(where, ':');
	char host[INET_ADDRSTRLEN] = "";
	int fd, one = 1;

	if (colon != NULL && (size_t)(colon - where) < sizeof(host))
		memcpy(host, where, (size_t)(colon - where));
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		fail("%s: not ADDRESS:PORT", where);
	to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("connect to %s: %s", where, strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int
open_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		fail("%s: too long", path);
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("connect to %s: %s", path, strerror(errno));
	return fd;
}

static void
conn_open(struct conn *c)
{
	struct timeval silence = { .tv_sec = SILENCE_S };

	if (strncmp(want.address, "unix://", 7) == 0)
		c->fd = open_unix(want.address + 7);
	else if (strncmp(want.address, "tcp://", 6) == 0)
		c->fd = open_tcp(want.address + 6);
	else
		fail("%s: neither tcp:// nor unix://", want.address);
	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &silence,
	    sizeof(silence));
	c->has_head = c->is_last = false;
	c->len = 0;
}

static void
conn_send(struct conn *c)
{
	c->sent_ns = now_ns();
	/* Small, and nothing is under way: it fits, or the peer is gone,
	 * which the next recv finds out. */
	(void)send(c->fd, want.request, want.request_len, MSG_NOSIGNAL);
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
	c->is_last = http_wants_close(&head);
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
	if (!c->has_head) {
		head = take_head(c);
		if (head != TOOK_DONE)
			return head;
	}
	return take_body(c);
}

/* -- what was measured ------------------------------------------------- */

static uint64_t
count(const struct conn *c, enum took took)
{
	uint64_t now = now_ns();

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
ask(struct conn *c)
{
	enum took took;

	conn_send(c);
	do {
		took = conn_take(c);
	} while (took == TOOK_MORE);
	if (took == TOOK_NOTHING)
		fail("no answer for %d s", SILENCE_S);
	return took;
}

static void
run_blocking(struct conn *c, uint64_t end)
{
	enum took took;
	uint64_t now;

	do {
		took = ask(c);
		now = count(c, took);
		if (took == TOOK_ENDED || c->is_last)
			reopen(c);
	} while (!is_over(now, end));
}

static void
watch(int epoll_fd, struct conn *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	if (fcntl(c->fd, F_SETFL, O_RDWR | O_NONBLOCK) == -1 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
		fail("epoll_ctl: %s", strerror(errno));
	conn_send(c);
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
		watch(epoll_fd, c);
	} else
		conn_send(c);
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
		watch(epoll_fd, &conns[i]);
	do {
		n = epoll_wait(epoll_fd, events, EVENTS_CAP, SILENCE_S * 1000);
		if (n <= 0)
			fail("no answer for %d s", SILENCE_S);
		while (n-- > 0)
			now = step(epoll_fd, events[n].data.ptr);
	} while (!is_over(now, end));
	(void)close(epoll_fd);
}

/*
 * Let whoever started us read clocks at the right moments: all connections
 * are open and have been served once, or nothing more will be asked.
 */
static void
pause_for_caller(const char *word)
{
	char line[16];

	if (!want.wants_pause)
		return;
	(void)puts(word);
	(void)fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		fail("end of input instead of a line");
}

static void
run(struct conn *conns)
{
	uint64_t start, end;
	unsigned i;

	for (i = 0; i < want.nconns; i++) {
		conn_open(&conns[i]);
		if (ask(&conns[i]) != TOOK_DONE)
			fail("%s does not answer", want.address);
		if (conns[i].is_last)
			reopen(&conns[i]);
	}
	bytes = 0;
	pause_for_caller("ready");
	start = now_ns();
	end = start + (uint64_t)(want.seconds * 1e9);
	if (want.nconns == 1)
		run_blocking(&conns[0], end);
	else
		run_many(conns, end);
	report(now_ns() - start);
	pause_for_caller("over");
}

/* -- the command line -------------------------------------------------- */

static void
usage(void)
{
	(void)fputs("usage: load [-W] [-c CONNECTIONS] [-e STATUS] "
	    "[-n REQUESTS] [-s SECONDS]\n"
	    "            tcp://ADDRESS:PORT|unix://PATH TARGET\n", stderr);
	exit(2);
}

static double
number(const char *text, double least, double most)
{
	char *end;
	double n = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(n >= least && n <= most))
		fail("%s: not a number from %g to %g", text, least, most);
	return n;
}

static void
read_arguments(int argc, char *argv[])
{
	int option, n;

	while ((option = getopt(argc, argv, "Wc:e:n:s:")) != -1) {
		if (option == 'W')
			want.wants_pause = true;
		else if (option == 'c')
			want.nconns = (unsigned)number(optarg, 1,
			    CONNECTIONS_CAP);
		else if (option == 'e')
			want.status = (unsigned)number(optarg, 200, 599);
		else if (option == 'n')
			want.most = (uint64_t)number(optarg, 1, 1e12);
		else if (option == 's')
			want.seconds = number(optarg, 0.01, 3600);
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	want.address = argv[optind];
	n = snprintf(want.request, sizeof(want.request),
	    "GET %s HTTP/1.1\r\nHost: docker\r\nUser-Agent: bench\r\n"
	    "Accept: application/json\r\nAccept-Language: en\r\n\r\n",
	    argv[optind + 1]);
	if (n < 0 || (size_t)n >= sizeof(want.request))
		fail("target too long");
	want.request_len = (size_t)n;
}

int
main(int argc, char *argv[])
{
	struct conn *conns;

	read_arguments(argc, argv);
	conns = calloc(want.nconns, sizeof(*conns));
	if (conns == NULL)
		fail("%s", strerror(errno));
	run(conns);
	return errors > 0;
}
