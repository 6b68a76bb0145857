/*
 * Opens many connections and holds them: streams, once their first byte has
 * come, or (-i) idle ones, once they have been served.  At most so many are
 * being opened at once (-c).  Tells how long it took until all were there, the
 * times to the first byte, how many failed, and in the end how many the other
 * side has given up meanwhile.
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
#include <unistd.h>

#include "body.h"
#include "client.h"
#include "http.h"
#include "latency.h"

#define CONNECTIONS_CAP 16384
#define EVENTS_CAP	256

enum stage {
	STAGE_HEAD,
	STAGE_BODY,
	STAGE_HELD,
	STAGE_FAILED
};

struct held {
	int		fd;
	enum stage	stage;
	uint64_t	sent_ns;
	struct body	body;
	size_t		len;
	char		buf[4096];	/* a head and its first bytes */
};

static struct {
	const char	*address;
	char		 request[4096];
	size_t		 request_len;
	unsigned	 count;
	unsigned	 at_once;
	bool		 is_idle;
	bool		 wants_pause;
} want = { .count = 1, .at_once = 1 };

static struct latency latency;
static unsigned failed, under_way;
static int epoll_fd;

static void
held_open(struct held *h)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = h };

	h->sent_ns = client_now_ns();
	h->fd = client_open(want.address);
	(void)client_send(h->fd, want.request, want.request_len);
	if (fcntl(h->fd, F_SETFL, O_RDWR | O_NONBLOCK) == -1 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, h->fd, &event) != 0)
		client_fail("epoll_ctl: %s", strerror(errno));
	under_way++;
}

static enum stage
take_head(struct held *h)
{
	static struct http_head head;
	enum http_result got;
	size_t used;

	got = http_parse_answer(h->buf, h->len, &head, &used);
	if (got == HTTP_MORE && h->len < sizeof(h->buf))
		return STAGE_HEAD;
	if (got != HTTP_DONE || head.status != 200 ||
	    body_of_answer(&head, false, &h->body) != REASON_NONE)
		return STAGE_FAILED;
	h->len -= used;
	memmove(h->buf, h->buf + used, h->len);
	return STAGE_BODY;
}

/* A stream is there with its first byte, an idle connection when the answer
 * has ended. */
static enum stage
take_body(struct held *h)
{
	enum body_result result;
	struct span data;
	size_t at = 0, used;

	do {
		result = body_walk(&h->body, h->buf + at, h->len - at, &used,
		    &data);
		at += used;
	} while (result == BODY_DATA && want.is_idle);
	h->len = 0;
	if (result == BODY_MORE)
		return STAGE_BODY;
	return result == (want.is_idle ? BODY_DONE : BODY_DATA) ?
	    STAGE_HELD : STAGE_FAILED;
}

static void
hear(struct held *h)
{
	ssize_t n;

	n = recv(h->fd, h->buf + h->len, sizeof(h->buf) - h->len, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0)
		h->stage = STAGE_FAILED;
	else
		h->len += (size_t)n;
	if (h->stage == STAGE_HEAD)
		h->stage = take_head(h);
	if (h->stage == STAGE_BODY)
		h->stage = take_body(h);
	if (h->stage < STAGE_HELD)
		return;
	under_way--;
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, h->fd, NULL);
	if (h->stage == STAGE_HELD)
		latency_add(&latency, client_now_ns() - h->sent_ns);
	else
		failed++;
}

static void
open_all(struct held *all)
{
	struct epoll_event events[EVENTS_CAP];
	unsigned opened = 0;
	int n;

	while (opened < want.count || under_way > 0) {
		while (opened < want.count && under_way < want.at_once)
			held_open(&all[opened++]);
		n = epoll_wait(epoll_fd, events, EVENTS_CAP,
		    CLIENT_SILENCE_S * 1000);
		if (n <= 0) {
			/* Those that wait are told as failed. */
			failed += under_way + want.count - opened;
			return;
		}
		while (n-- > 0)
			hear(events[n].data.ptr);
	}
}

/* Whether the other side has ended it; more of a stream may have come. */
static bool
is_lost(struct held *h)
{
	ssize_t n;

	do {
		n = recv(h->fd, h->buf, sizeof(h->buf), MSG_DONTWAIT);
	} while (n > 0);
	return n == 0 || errno != EAGAIN;
}

static unsigned
count_lost(struct held *all)
{
	unsigned i, lost = 0;

	for (i = 0; i < want.count; i++)
		lost += all[i].stage == STAGE_HELD && is_lost(&all[i]);
	return lost;
}

static void
run(struct held *all)
{
	uint64_t start;

	if (want.wants_pause)
		client_pause("ready");
	start = client_now_ns();
	open_all(all);
	printf("held=%" PRIu64 " failed=%u all=%.3f p50=%.2f p99=%.2f "
	    "max=%.2f\n", latency.count, failed,
	    (double)(client_now_ns() - start) / 1e6,
	    latency_us(&latency, 0.5), latency_us(&latency, 0.99),
	    latency_us(&latency, 1));
	if (want.wants_pause)
		client_pause("over");
	printf("lost=%u\n", count_lost(all));
}

static void
usage(void)
{
	(void)fputs("usage: hold [-iW] [-c AT_ONCE] [-n CONNECTIONS] "
	    "tcp://ADDRESS:PORT|unix://PATH TARGET\n", stderr);
	exit(2);
}

static void
read_arguments(int argc, char *argv[])
{
	int option, n;

	while ((option = getopt(argc, argv, "iWc:n:")) != -1) {
		if (option == 'i')
			want.is_idle = true;
		else if (option == 'W')
			want.wants_pause = true;
		else if (option == 'c')
			want.at_once = (unsigned)client_number(optarg, 1,
			    CONNECTIONS_CAP);
		else if (option == 'n')
			want.count = (unsigned)client_number(optarg, 1,
			    CONNECTIONS_CAP);
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	want.address = argv[optind];
	n = snprintf(want.request, sizeof(want.request),
	    "GET %s HTTP/1.1\r\n" CLIENT_FIELDS "\r\n", argv[optind + 1]);
	if (n < 0 || (size_t)n >= sizeof(want.request))
		client_fail("target too long");
	want.request_len = (size_t)n;
}

int
main(int argc, char *argv[])
{
	struct held *all;

	read_arguments(argc, argv);
	client_raise_files();
	all = calloc(want.count, sizeof(*all));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (all == NULL || epoll_fd == -1)
		client_fail("%s", strerror(errno));
	run(all);
	return failed > 0;
}
