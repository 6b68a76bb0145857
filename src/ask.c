/*
 * Asking the gate.  Orders are numbered, so that an answer that came too
 * late is not taken for the next one's.
 */

#include "config.h"

#include "ask.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"

/* Wait for the answer to order no: 0, or -1 with errno. */
static int
await_answer(int gate_fd, uint32_t no, struct ask_answer *answer, int *fd)
{
	ssize_t n;

	for (;;) {
		/* Ends by itself: pool.c sets SO_RCVTIMEO. */
		n = io_recv_fd(gate_fd, answer, sizeof(*answer), fd, 0);
		if (n == sizeof(*answer) && answer->no == no)
			return 0;
		if (*fd != -1)
			(void)close(*fd);
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			errno = ETIMEDOUT;
		else if (n != sizeof(*answer))
			errno = EPIPE;
		if (n != sizeof(*answer))
			return -1;
	}
}

/* One try; -1 with error EAGAIN when dockerd's backlog is full. */
static int
try_once(int gate_fd, const char *buf, size_t len, uint32_t no,
    struct ask_result *result)
{
	struct ask_answer answer;
	int fd;

	*result = (struct ask_result){ .reason = REASON_NO_DOCKER,
	    .error = EPIPE };
	if (send(gate_fd, buf, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -1;
	if (await_answer(gate_fd, no, &answer, &fd) == -1) {
		result->error = errno;
		return -1;
	}
	if (answer.reason != REASON_NONE)
		result->reason = (enum reason)answer.reason;
	else
		result->error = answer.error;
	result->may_speak = (answer.flags & ASK_WAITED) != 0;
	result->is_kept = (answer.flags & ASK_KEPT) != 0;
	return fd;
}

int
ask_gate(int gate_fd, const char *buf, size_t len, uint32_t no,
    struct ask_result *result)
{
	int64_t deadline, pause;
	int fd;

	deadline = io_now_ms() + BOUNDS_DIAL_MS;
	pause = BOUNDS_DIAL_RETRY_MS;
	for (;;) {
		fd = try_once(gate_fd, buf, len, no, result);
		if (fd != -1 || result->reason != REASON_NO_DOCKER ||
		    result->error != EAGAIN || io_now_ms() + pause > deadline)
			return fd;
		/* Nothing to wait for but time. */
		(void)io_wait(NULL, 0, io_now_ms() + pause, NULL);
		if (pause < BOUNDS_DIAL_RETRY_MS * 16)
			pause *= 2;
	}
}

int
ask_again(int gate_fd, const char *buf, size_t len)
{
	return send(gate_fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}
