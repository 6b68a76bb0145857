/*
 * Kept connections: from dockerd into a pipe.
 */

#include "config.h"

#include "keep.h"

#include <sys/epoll.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "bounds.h"

static size_t nkept;
static size_t most_kept = SIZE_MAX;

void
keep_limit(size_t most)
{
	most_kept = most;
}

/* 0, or -1 with errno. */
static int
watch(int poll_fd, int op, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event event = { .events = events, .data.u64 = tag };

	return epoll_ctl(poll_fd, op, fd, &event);
}

void
keep_close(struct keep *k)
{
	if (k->upstream_fd == -1)
		return;
	(void)close(k->upstream_fd);
	(void)close(k->pipe_fd);
	k->upstream_fd = k->pipe_fd = -1;
	nkept--;
}

int
keep_open(struct keep *k, int upstream_fd, int poll_fd,
    uint64_t upstream_tag, uint64_t pipe_tag)
{
	int ends[2], saved_errno;

	errno = EMFILE;
	if (nkept >= most_kept || pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	/* Of the pipe, EPOLLERR: the worker has closed its end. */
	if (watch(poll_fd, EPOLL_CTL_ADD, upstream_fd, EPOLLIN,
	    upstream_tag) == 0 &&
	    watch(poll_fd, EPOLL_CTL_ADD, ends[1], 0, pipe_tag) == 0) {
		*k = (struct keep){ upstream_fd, ends[1], false };
		nkept++;
		return ends[0];
	}
	saved_errno = errno;
	(void)watch(poll_fd, EPOLL_CTL_DEL, upstream_fd, 0, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
	errno = saved_errno;
	return -1;
}

/* Watch the pipe for room instead of the connection for bytes, or the other
 * way round; a level that nobody acts on would be told again and again. */
static int
set_full(struct keep *k, bool is_full, int poll_fd, uint64_t upstream_tag,
    uint64_t pipe_tag)
{
	if (k->is_full == is_full)
		return 0;
	k->is_full = is_full;
	if (watch(poll_fd, EPOLL_CTL_MOD, k->pipe_fd, is_full ? EPOLLOUT : 0,
	    pipe_tag) == -1)
		return -1;
	return watch(poll_fd, is_full ? EPOLL_CTL_DEL : EPOLL_CTL_ADD,
	    k->upstream_fd, EPOLLIN, upstream_tag);
}

void
keep_move(struct keep *k, int poll_fd, uint64_t upstream_tag,
    uint64_t pipe_tag)
{
	ssize_t n;
	bool is_full;

	do
		n = splice(k->upstream_fd, NULL, k->pipe_fd, NULL,
		    BOUNDS_KEEP_PIECE, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	while (n == -1 && errno == EINTR);
	/* Bytes were there, or room was: the other is what is missing. */
	is_full = n == -1 && errno == EAGAIN && !k->is_full;
	if (n == 0 || (n == -1 && errno != EAGAIN) ||
	    set_full(k, is_full, poll_fd, upstream_tag, pipe_tag) == -1)
		keep_close(k);
}
