/*
 * Our program without its gate, for comparison only: a worker opens the
 * Docker socket itself.  Linked in place of ask.c, with the rest unchanged.
 * The same head is written, by the same function, from the same order; what
 * is missing is the second process.  Runs only with the sandbox off.
 */

#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "ask.h"
#include "dial.h"
#include "forward.h"
#include "order.h"

/* Not DSP_: the program refuses unknown names of its own kind. */
#define SOCKET_VARIABLE "BENCH_SOCKET"

int
ask_gate(int gate_fd, const char *buf, size_t len, uint32_t no,
    struct ask_result *result)
{
	static char made[FORWARD_CAP];
	static struct order order;
	const char *path = getenv(SOCKET_VARIABLE);
	size_t made_len;
	int fd;

	(void)gate_fd; /* not asked: that is the point */
	(void)no;
	*result = (struct ask_result){ .reason = REASON_NO_DOCKER,
	    .error = EINVAL };
	if (path == NULL || order_read(buf, len, &order) != ORDER_OK)
		return -1;
	/* Nobody is there to keep connections. */
	order.line = ORDER_ONCE;
	made_len = forward_request_make(made, sizeof(made), &order);
	if (made_len == 0)
		return -1;
	fd = dial_open(path);
	if (fd == -1) {
		result->error = errno;
		return -1;
	}
	if (send(fd, made, made_len, MSG_NOSIGNAL) != (ssize_t)made_len) {
		result->error = errno;
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Never called: nothing is kept. */
int
ask_again(int gate_fd, const char *buf, size_t len)
{
	(void)gate_fd;
	(void)buf;
	(void)len;
	return -1;
}
