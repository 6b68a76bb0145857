/*
 * System calls on descriptors.  The only place that knows about EINTR.
 */

#include "config.h"

#include "io.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t
io_now_us(void)
{
	struct timespec now;

	/* Cannot fail for this clock. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
io_now_ms(void)
{
	return io_now_us() / 1000;
}

uint64_t
io_cpu_us(void)
{
	struct timespec used;

	/* Cannot fail for this clock. */
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000 +
	    (uint64_t)used.tv_nsec / 1000;
}

enum io_result
io_recv(int fd, char *buf, size_t cap, size_t *got)
{
	ssize_t n;

	*got = 0;
	do
		n = read(fd, buf, cap);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		*got = (size_t)n;
		return IO_OK;
	}
	if (n == 0)
		return IO_EOF;
	return errno == EAGAIN || errno == EWOULDBLOCK ? IO_AGAIN : IO_ERROR;
}

enum io_result
io_send(int fd, const struct iovec *iov, size_t count, size_t *sent)
{
	ssize_t n;

	*sent = 0;
	/* Not sendmsg(2): a worker that could use it could pass descriptors
	 * on to a client. */
	do
		n = count == 1 ?
		    send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL) :
		    writev(fd, iov, (int)count);
	while (n == -1 && errno == EINTR);
	if (n >= 0) {
		*sent = (size_t)n;
		return IO_OK;
	}
	return errno == EAGAIN || errno == EWOULDBLOCK ? IO_AGAIN : IO_ERROR;
}

enum io_result
io_wait(struct pollfd *fds, size_t n, int64_t deadline,
    const volatile int *stop)
{
	int64_t left;
	int rc;

	for (;;) {
		if (stop != NULL && *stop != 0)
			return IO_EOF;
		left = -1;
		if (deadline != IO_NEVER) {
			left = deadline - io_now_ms();
			left = left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
		}
		rc = poll(fds, n, (int)left);
		if (rc > 0)
			return IO_OK;
		if (rc == 0)
			return IO_AGAIN;
		if (errno != EINTR)
			return IO_ERROR;
	}
}

int
io_send_all(int fd, const char *buf, size_t len, int64_t deadline)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	struct iovec iov;
	enum io_result result;
	size_t sent;
	union {
		const char	*from;
		void		*to;
	} at = { .from = buf };

	while (len > 0) {
		iov = (struct iovec){ at.to, len };
		result = io_send(fd, &iov, 1, &sent);
		if (result == IO_ERROR)
			return -1;
		at.from += sent;
		len -= sent;
		if (result == IO_OK)
			continue;
		result = io_wait(&wait, 1, deadline, NULL);
		if (result == IO_AGAIN)
			errno = ETIMEDOUT;
		if (result != IO_OK)
			return -1;
	}
	return 0;
}

void
io_linger_close(int fd, int64_t deadline)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char dropped[4096];
	enum io_result result;
	size_t got;

	/* Fails when the peer is gone already: then there is no wait. */
	if (shutdown(fd, SHUT_WR) == 0) {
		do {
			result = io_recv(fd, dropped, sizeof(dropped), &got);
			if (result == IO_AGAIN)
				result = io_wait(&wait, 1, deadline, NULL);
		} while (result == IO_OK && io_now_ms() < deadline);
		explicit_bzero(dropped, sizeof(dropped));
	}
	(void)close(fd);
}

/* Room for the descriptors of a message. */
union control {
	char		bytes[CMSG_SPACE(IO_FDS * sizeof(int))];
	struct cmsghdr	align;
};

ssize_t
io_send_fds(int sock, const void *buf, size_t len, const int *fds, size_t count)
{
	union control control;
	struct iovec iov;
	struct msghdr msg;
	struct cmsghdr *c;
	ssize_t n;

	memset(&msg, 0, sizeof(msg));
	memset(&control, 0, sizeof(control));
	memcpy(&iov.iov_base, &buf, sizeof(buf));
	iov.iov_len = len;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (count > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = &control.align;
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
io_send_fd(int sock, const void *buf, size_t len, int fd)
{
	return io_send_fds(sock, buf, len, &fd, fd == -1 ? 0 : 1);
}

ssize_t
io_recv_fds(int sock, void *buf, size_t len, int *fds, size_t cap,
    size_t *count, int flags)
{
	union control control;
	struct iovec iov = { buf, len };
	struct msghdr msg;
	struct cmsghdr *c;
	ssize_t n;

	*count = 0;
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = control.bytes;
	/* With room for one more, the kernel would open one more. */
	msg.msg_controllen = CMSG_LEN(cap * sizeof(int));
	do
		n = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len > CMSG_LEN(0)) {
		*count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), *count * sizeof(int));
	}
	return n;
}

ssize_t
io_recv_fd(int sock, void *buf, size_t len, int *fd, int flags)
{
	size_t count;
	ssize_t n;

	n = io_recv_fds(sock, buf, len, fd, 1, &count, flags);
	if (n == -1 || count == 0)
		*fd = -1;
	return n;
}

void
io_close_from(int first)
{
	long fd, open_max;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0)
		return;
#endif
	/* Kernels before 5.9; most of these numbers are not open. */
	open_max = sysconf(_SC_OPEN_MAX);
	for (fd = first; fd < open_max; fd++)
		(void)close((int)fd);
}
