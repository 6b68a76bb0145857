/*
 * From socket to socket by splice(2).  Only an empty pipe is filled: so "not
 * without waiting" always means the socket.
 */

#include "config.h"

#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "bounds.h"

void
pipe_init(struct pipe *p)
{
	*p = (struct pipe){ .in = -1, .out = -1 };
}

void
pipe_free(struct pipe *p)
{
	if (p->in != -1) {
		(void)close(p->in);
		(void)close(p->out);
	}
	p->in = p->out = -1;
	p->held = 0;
}

static enum io_result
move(int from, int to, size_t most, size_t *moved)
{
	ssize_t n;

	*moved = 0;
	do
		n = splice(from, NULL, to, NULL, most, SPLICE_F_NONBLOCK);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		*moved = (size_t)n;
		return IO_OK;
	}
	if (n == 0)
		return IO_EOF;
	return errno == EAGAIN ? IO_AGAIN : IO_ERROR;
}

/* A smaller pipe, which is what a user with very many of them gets, would be
 * slower than a buffer. */
static bool
open_pipe(struct pipe *p)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return false;
	p->out = ends[0];
	p->in = ends[1];
	return fcntl(p->in, F_SETPIPE_SZ, BOUNDS_PIPE_CAP) != -1;
}

enum io_result
pipe_take(struct pipe *p, int from, uint64_t most)
{
	enum io_result result;

	result = IO_ERROR;
	if (most > BOUNDS_PIPE_CAP)
		most = BOUNDS_PIPE_CAP;
	if (p->in != -1 || open_pipe(p))
		result = move(from, p->in, (size_t)most, &p->held);
	if (result == IO_ERROR) {
		pipe_free(p);
		p->is_useless = true;
	}
	return result;
}

enum io_result
pipe_give(struct pipe *p, int to)
{
	enum io_result result;
	size_t moved;

	result = move(p->out, to, p->held, &moved);
	p->held -= moved;
	return result == IO_EOF ? IO_ERROR : result;
}
