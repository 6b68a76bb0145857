#ifndef DSP_KEEP_H
#define DSP_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Connections to dockerd that the gate keeps for one worker.  Only the gate
 * writes to them, and only heads that it has judged; the answers are moved,
 * unread, into a pipe of which the worker has the end for reading.  So a
 * worker that was taken over can say nothing on them.  The pipe is also how
 * each side tells the other that it is done: closing it ends the connection.
 */

struct keep {
	int		upstream_fd;	/* -1: there is none */
	int		pipe_fd;	/* for writing */
	bool		is_full;	/* the pipe; then it is watched, not
					 * upstream_fd */
};

/* keep_limit(most): from now on keep_open fails beyond so many at once. */
void keep_limit(size_t most);

/*
 * keep_open(k, upstream_fd, poll_fd, upstream_tag, pipe_tag):
 * Keep that connection from now on, and watch it and its pipe in the epoll
 * set poll_fd, with these tags as their data.  The pipe's end for reading,
 * which is the caller's to close, or -1 with errno; upstream_fd is the
 * caller's then.
 */
int keep_open(struct keep *k, int upstream_fd, int poll_fd,
    uint64_t upstream_tag, uint64_t pipe_tag);

/*
 * keep_move(k, poll_fd, upstream_tag, pipe_tag):
 * Move what dockerd has said, as far as there is room.  Call it when the
 * connection can be read, or when its pipe has room again; at dockerd's end,
 * or an error, both are closed.  SIGPIPE must be ignored.
 */
void keep_move(struct keep *k, int poll_fd, uint64_t upstream_tag,
    uint64_t pipe_tag);

/* keep_close(k): close both, if there is one. */
void keep_close(struct keep *k);

#endif /* DSP_KEEP_H */
