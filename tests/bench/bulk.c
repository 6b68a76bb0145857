/*
 * One large body: down (an answer), or up (-u: of a request), with a length
 * or (-C) in the chunks of 32 KiB that Go writes.  Tells bytes and time.  An
 * upload is over with its answer.
 */

#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "client.h"
#include "http.h"

#define MIB		((uint64_t)1 << 20)
#define CHUNK_LEN	32768
#define PIECE_LEN	(1 << 18)	/* of one read or write */

static struct {
	const char	*address;
	const char	*target;
	uint64_t	 bytes;
	bool		 is_up;
	bool		 is_chunked;
	bool		 wants_pause;
} want = { .bytes = MIB };

static char piece[PIECE_LEN];

static void
send_all(int fd, const char *data, size_t len)
{
	if (client_send(fd, data, len) != 0)
		client_fail("send: %s", strerror(errno));
}

static void
send_head(int fd)
{
	char head[4096], framing[64] = "";
	int n;

	if (want.is_up && want.is_chunked)
		(void)strcpy(framing, "Transfer-Encoding: chunked\r\n");
	else if (want.is_up)
		(void)snprintf(framing, sizeof(framing),
		    "Content-Length: %" PRIu64 "\r\n", want.bytes);
	n = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\n" CLIENT_FIELDS
	    "%s%s\r\n", want.is_up ? "PUT" : "GET", want.target,
	    want.is_up ? "Content-Type: application/x-tar\r\n" : "", framing);
	if (n < 0 || (size_t)n >= sizeof(head))
		client_fail("target too long");
	send_all(fd, head, (size_t)n);
}

static void
send_plain(int fd)
{
	uint64_t left;
	size_t n;

	for (left = want.bytes; left > 0; left -= n) {
		n = left < sizeof(piece) ? (size_t)left : sizeof(piece);
		send_all(fd, piece, n);
	}
}

/* Each chunk leaves in one call. */
static void
send_chunked(int fd)
{
	size_t head_len = (size_t)sprintf(piece, "%x\r\n", CHUNK_LEN);
	uint64_t left;

	memcpy(piece + head_len + CHUNK_LEN, "\r\n", 2);
	for (left = want.bytes; left > 0; left -= CHUNK_LEN)
		send_all(fd, piece, head_len + CHUNK_LEN + 2);
	send_all(fd, "0\r\n\r\n", 5);
}

static size_t
receive(int fd, char *buf, size_t cap)
{
	ssize_t n = recv(fd, buf, cap, 0);

	if (n <= 0)
		client_fail("the answer ends early: %s",
		    n == 0 ? "closed" : strerror(errno));
	return (size_t)n;
}

/* The head; what has come behind it is moved to the start of piece. */
static size_t
take_head(int fd, struct body *body)
{
	static struct http_head head;
	enum http_result got;
	size_t len = 0, used = 0;

	do {
		len += receive(fd, piece + len, sizeof(piece) - len);
		got = http_parse_answer(piece, len, &head, &used);
	} while (got == HTTP_MORE && len < sizeof(piece));
	if (got != HTTP_DONE || head.status != 200 ||
	    body_of_answer(&head, false, body) != REASON_NONE)
		client_fail("not a right answer: %.60s", piece);
	memmove(piece, piece + used, len - used);
	return len - used;
}

/* Read the answer to its end; how many bytes its body had. */
static uint64_t
take_answer(int fd)
{
	struct body body;
	struct span data;
	enum body_result result;
	uint64_t bytes = 0;
	size_t len = take_head(fd, &body), at = 0, used;

	for (;;) {
		result = body_walk(&body, piece + at, len - at, &used, &data);
		at += used;
		if (result == BODY_DONE)
			return bytes;
		if (result == BODY_BAD)
			client_fail("wrong chunks");
		if (result == BODY_DATA)
			bytes += data.len;
		else {
			len = receive(fd, piece, sizeof(piece));
			at = 0;
		}
	}
}

static void
run(int fd)
{
	uint64_t start, got;
	double seconds;

	if (want.wants_pause)
		client_pause("ready");
	start = client_now_ns();
	send_head(fd);
	if (want.is_up && want.is_chunked)
		send_chunked(fd);
	else if (want.is_up)
		send_plain(fd);
	got = take_answer(fd);
	seconds = (double)(client_now_ns() - start) / 1e9;
	if (!want.is_up && got != want.bytes)
		client_fail("%" PRIu64 " bytes instead of %" PRIu64, got,
		    want.bytes);
	printf("bytes=%" PRIu64 " seconds=%.4f\n", want.bytes, seconds);
	if (want.wants_pause)
		client_pause("over");
}

static void
usage(void)
{
	(void)fputs("usage: bulk [-CuW] [-m MIB] "
	    "tcp://ADDRESS:PORT|unix://PATH TARGET\n", stderr);
	exit(2);
}

int
main(int argc, char *argv[])
{
	int option;

	while ((option = getopt(argc, argv, "CuWm:")) != -1) {
		if (option == 'C')
			want.is_chunked = true;
		else if (option == 'u')
			want.is_up = true;
		else if (option == 'W')
			want.wants_pause = true;
		else if (option == 'm')
			want.bytes = MIB * (uint64_t)client_number(optarg, 1,
			    1e6);
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	want.address = argv[optind];
	want.target = argv[optind + 1];
	run(client_open(want.address));
	return 0;
}
