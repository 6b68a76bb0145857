#ifndef DSP_PARK_H
#define DSP_PARK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "board.h"
#include "conf.h"
#include "privs.h"
#include "ticket.h"
#include "yard.h"

/*
 * Parking: a process for each listener that holds connections on which nothing
 * happens, so that they cost no worker: those of idle clients, and those of
 * streams, both to the client and to dockerd.  A worker passes them to it;
 * when something happens, it passes them on to whichever worker of the listener
 * is idle.  It reads none of the bytes.
 *
 * Any worker of the listener may get what is parked, also one that was taken
 * over.  So only answers that go one way are parked, and their requests were
 * complete: on such a connection dockerd obeys nobody.  Never a tunnel, never
 * an upload.
 */

/* The master's side. */

/* park_give_up(no, pair_fd): let it end with the last of the workers that it
 * has: they stay as long as it has streams.  Clients are closed. */
void park_give_up(int no, int pair_fd);

struct park_args {
	const struct conf		*conf;
	const struct privs_identity	*identity;
	int				 no;	/* of yard_claim */
	int				 pair_fd;
	pid_t				 master;
};

/*
 * park_run(args):
 * Life of a parking process; does not return.  Ends when every other end of
 * the pair is closed.  Exit codes as worker_run's.
 */
_Noreturn void park_run(const struct park_args *args);

/* The workers' side. */

/*
 * park_put(park_fd, fd, peer, left_ms):
 * Pass the idle client fd on, for at most left_ms.  0: fd is to be closed
 * now, its connection lives on; -1: it could not be passed.
 */
int park_put(int park_fd, int fd, const struct board_peer *peer,
    int64_t left_ms);

/*
 * park_put_stream(park_fd, no, fds, ticket):
 * The same with a stream: connections to the client and to dockerd.  no: the
 * number of the parking process.  -1 also when it may have no room.
 */
int park_put_stream(int park_fd, int no, const int fds[2],
    const struct ticket *ticket);

/* Who was parked. */
struct park_guest {
	int		client_fd;
	int		upstream_fd;	/* of a stream, -1: it is none */
	struct ticket	ticket;		/* of a stream; not checked */
};

/*
 * park_take(park_fd, guest):
 * One to whom something has happened, without waiting: 0, or -1 with errno:
 * EAGAIN for none, EPIPE when the parking process has ended.  Descriptors do
 * not block and are close-on-exec.
 */
int park_take(int park_fd, struct park_guest *guest);

#endif /* DSP_PARK_H */
