#ifndef DSP_IO_H
#define DSP_IO_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * System calls on descriptors, with deadlines, EINTR and short counts dealt
 * with.  Deadlines are in io_now_ms time; IO_NEVER means none.
 */

#define IO_NEVER INT64_MAX

/* io_now_ms(): monotonic clock in milliseconds; io_now_us() in
 * microseconds. */
int64_t io_now_ms(void);
int64_t io_now_us(void);

/* io_cpu_us(): processor time of this thread in microseconds. */
uint64_t io_cpu_us(void);

enum io_result {
	IO_OK,
	IO_AGAIN,	/* nothing to be had without waiting */
	IO_EOF,		/* the peer has ended its side */
	IO_ERROR	/* errno says why */
};

/* io_recv(fd, buf, cap, got): receive up to cap bytes, from a socket or pipe
 * that does not block. */
enum io_result io_recv(int fd, char *buf, size_t cap, size_t *got);

/* io_send(fd, iov, n, sent): send what fits of n pieces without waiting; fd
 * is a socket that does not block.  SIGPIPE must be ignored. */
enum io_result io_send(int fd, const struct iovec *iov, size_t n,
    size_t *sent);

/*
 * io_wait(fds, n, deadline, stop):
 * poll(2) n descriptors until one is ready: IO_OK.  IO_AGAIN at the
 * deadline.  Goes on after a signal unless stop is not NULL and *stop is
 * not 0: IO_EOF then.
 */
enum io_result io_wait(struct pollfd *fds, size_t n, int64_t deadline,
    const volatile int *stop);

/*
 * io_send_all(fd, buf, len, deadline):
 * Send all len bytes, waiting for room: 0, or -1 with errno (ETIMEDOUT at
 * the deadline).
 */
int io_send_all(int fd, const char *buf, size_t len, int64_t deadline);

/*
 * io_linger_close(fd, deadline):
 * End our side, read and drop what the peer still sends until it ends its
 * side or the deadline, then close.  A close with unread bytes would reset
 * the connection and eat the answer under way.
 */
void io_linger_close(int fd, int64_t deadline);

/*
 * io_send_fd(sock, buf, len, fd): send one message with a descriptor (-1:
 * none).  io_recv_fd(sock, buf, len, fd, flags): receive one; *fd is -1 when
 * none came, close-on-exec else.  Both: length of the message, 0 when the
 * peer is gone, -1 with errno.  flags as recvmsg(2).
 */
ssize_t io_send_fd(int sock, const void *buf, size_t len, int fd);
ssize_t io_recv_fd(int sock, void *buf, size_t len, int *fd, int flags);

/*
 * The same with up to IO_FDS descriptors: io_send_fds sends n; io_recv_fds
 * has room for cap, and says in *n how many came.  The kernel closes what
 * there is no room for.
 */
#define IO_FDS 2

ssize_t io_send_fds(int sock, const void *buf, size_t len, const int *fds,
    size_t n);
ssize_t io_recv_fds(int sock, void *buf, size_t len, int *fds, size_t cap,
    size_t *n, int flags);

/* io_close_from(first): close every descriptor from first on. */
void io_close_from(int first);

#endif /* DSP_IO_H */
