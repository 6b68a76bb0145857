#ifndef DSP_PIPE_H
#define DSP_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io.h"

/*
 * A pipe of our own.  What goes through it from one socket to another is
 * moved by the kernel, and not copied into our memory and out of it again.
 * It is opened when first used.
 */
struct pipe {
	int	in;		/* -1: not open */
	int	out;
	size_t	held;		/* bytes in it */
	bool	is_useless;	/* this machine does not let us, or not now */
};

/* pipe_init(p): not open.  pipe_free(p): close it; what is in it is lost. */
void pipe_init(struct pipe *p);
void pipe_free(struct pipe *p);

/*
 * pipe_take(p, from, most):
 * Move up to most bytes from a socket that does not block into the pipe,
 * which is empty.  IO_OK: p->held of them.  IO_AGAIN and IO_EOF as io_recv.
 * IO_ERROR: the pipe is closed and useless now; io_recv may still work, or
 * tells of the socket's end.
 */
enum io_result pipe_take(struct pipe *p, int from, uint64_t most);

/*
 * pipe_give(p, to):
 * Move what fits of p->held to a socket that does not block, without
 * waiting.  IO_OK, IO_AGAIN or IO_ERROR as io_send.  SIGPIPE must be
 * ignored.
 */
enum io_result pipe_give(struct pipe *p, int to);

#endif /* DSP_PIPE_H */
