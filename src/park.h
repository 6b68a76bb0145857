#ifndef DSP_PARK_H
#define DSP_PARK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "board.h"
#include "conf.h"
#include "privs.h"

/*
 * Parking: a process for each listener that holds the connections of clients
 * who have nothing to say, so that they cost no worker.  A worker passes it
 * an idle client; when bytes come, it passes the client on to whichever worker
 * of the listener is idle.  It reads none of the bytes.
 */

/* Parking processes at once: those of old listeners end while new ones
 * begin. */
#define PARK_COUNT (2 * BOUNDS_LISTEN_CAP)

/* The master's side. */

/* park_claim(): a number for a parking process to come, whose list of clients
 * is shared with all children from now on; -1 with errno.
 * park_release(no): its process has ended. */
int park_claim(void);
void park_release(int no);

struct park_args {
	const struct conf		*conf;
	const struct privs_identity	*identity;
	int				 no;	/* of park_claim */
	int				 pair_fd;
	pid_t				 master;
};

/*
 * park_run(args):
 * Life of a parking process; does not return.  Ends when every other end of
 * the pair is closed; by SIGTERM at any time.  Exit codes as worker_run's.
 */
_Noreturn void park_run(const struct park_args *args);

/* The workers' side. */

/* park_enter_worker(): the lists become read-only.  0, or -1 with errno. */
int park_enter_worker(void);

/*
 * park_put(park_fd, fd, peer, left_ms):
 * Pass the idle client fd on, for at most left_ms.  0: fd is to be closed
 * now, its connection lives on; -1: it could not be passed.
 */
int park_put(int park_fd, int fd, const struct board_peer *peer,
    int64_t left_ms);

/*
 * park_take(park_fd):
 * A client who has something to say, without waiting: its descriptor (not
 * blocking, close-on-exec), or -1 with errno: EAGAIN for none, EPIPE when
 * the parking process has ended.
 */
int park_take(int park_fd);

/* park_count(no): clients that are parked there.  park_count_peer(peer): those
 * of that client, in all. */
size_t park_count(int no);
size_t park_count_peer(const struct board_peer *peer);

#endif /* DSP_PARK_H */
