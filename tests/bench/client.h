#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the clients of the bench share: connecting, the clock, and the words
 * exchanged with whoever started them.
 */

/* Longer without a byte: what is measured hangs. */
#define CLIENT_SILENCE_S	10

/* Fields of a request that every client sends. */
#define CLIENT_FIELDS \
	"Host: docker\r\nUser-Agent: bench\r\nAccept: application/json\r\n" \
	"Accept-Language: en\r\n"

/* client_fail(format, ...): say why on stderr, and exit with 1. */
_Noreturn void client_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* client_now_ns(): the monotonic clock. */
uint64_t client_now_ns(void);

/*
 * client_open(address):
 * Connect to "tcp://ADDRESS:PORT" or "unix:///PATH" and return a blocking
 * descriptor whose reads and writes give up after CLIENT_SILENCE_S.  Each
 * connection to a loopback address comes from another one: one alone runs out
 * of ports, which old connections hold for a minute.  Fails for good when
 * nobody listens.
 */
int client_open(const char *address);

/* client_send(fd, data, len): send all of it: 0, or -1 when the peer is
 * gone. */
int client_send(int fd, const char *data, size_t len);

/* client_number(text, least, most): a number of the command line. */
double client_number(const char *text, double least, double most);

/* client_raise_files(): as many descriptors as this process may have. */
void client_raise_files(void);

/*
 * client_pause(word):
 * Print a line with word, and wait for a line: whoever started us reads
 * clocks and memory at that moment.
 */
void client_pause(const char *word);

#endif /* BENCH_CLIENT_H */
