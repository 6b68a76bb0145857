/*
 * Connections to the Docker socket: opened by the gate, asked for by
 * workers.  Questions are numbered, so that an answer that came too late is
 * not taken for the next one's.
 */

#include "config.h"

#include "dial.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

int
dial_open(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, saved_errno;

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	/* A local connect ends at once: done, refused, or backlog full. */
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
	    fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	saved_errno = errno;
	(void)close(fd);
	errno = saved_errno;
	return -1;
}

/* The answer: to which question, and an errno, or 0 and a descriptor. */
struct answer {
	uint32_t	no;
	int		error;
};

/* Wait for the answer to question no; -1 with *error else. */
static int
await_answer(int gate_fd, uint32_t no, int64_t deadline, int *error)
{
	struct pollfd wait = { .fd = gate_fd, .events = POLLIN };
	struct answer answer;
	enum io_result result;
	ssize_t n;
	int fd;

	for (;;) {
		result = io_wait(&wait, 1, deadline, NULL);
		*error = result == IO_AGAIN ? ETIMEDOUT : EPIPE;
		if (result != IO_OK)
			return -1;
		n = io_recv_fd(gate_fd, &answer, sizeof(answer), &fd,
		    MSG_DONTWAIT);
		if (n == sizeof(answer) && answer.no == no &&
		    (answer.error == 0) == (fd != -1)) {
			*error = answer.error;
			return fd;
		}
		if (fd != -1)
			(void)close(fd);
		if (n != sizeof(answer))
			return -1;
	}
}

int
dial_ask(int gate_fd, int64_t deadline, int *error)
{
	static uint32_t no;

	*error = EPIPE;
	no++;
	if (io_send_fd(gate_fd, &no, sizeof(no), -1) != sizeof(no))
		return -1;
	return await_answer(gate_fd, no, deadline, error);
}

int
dial_read(int sock, uint32_t *no)
{
	ssize_t n;

	do
		n = recv(sock, no, sizeof(*no), MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
	return n == sizeof(*no);
}

void
dial_answer(int sock, uint32_t no, int fd, int error)
{
	struct answer answer = { no, error };

	(void)io_send_fd(sock, &answer, sizeof(answer), fd);
}
