#ifndef DSP_WORKER_H
#define DSP_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "conf.h"
#include "peer.h"
#include "privs.h"
#include "reason.h"

/*
 * Life of a worker: shut in, accept, serve, retire.
 */

/* Asks a worker to end after its request: SIGTERM of the master.  Asks it to
 * part with an idle keep-alive connection: */
#define WORKER_GIVE_WAY SIGUSR1

struct worker_args {
	const struct conf		*conf;
	const struct privs_identity	*identity;
	unsigned			 listener;	/* in conf->listen */
	unsigned			 generation;
	size_t				 slot;
	size_t				 row;		/* of the tally */
	int				 listen_fd;	/* -1: behind a door, */
	int				 door_fd;	/* which has this one */
	int				 gate_fd;
	int				 park_fd;
	int				 park_no;	/* of yard_claim */
	int				 wake_fd;	/* of the master */
	int				 whois_fd;	/* of inquire.h, -1:
							 * nobody is asked */
	pid_t				 master;
};

/* worker_run(args): does not return.  Exit codes: 0 retired as asked, 1
 * failed, 2 set-up impossible: the master stops the daemon. */
_Noreturn void worker_run(const struct worker_args *args);

/* What doors do as workers do; see door.h. */

/* worker_descriptors(conf, from, n): those go to the first n places behind the
 * standard ones, and all others of this process are closed. */
#define WORKER_FDS (BOUNDS_POOL_CAP + 8)
void worker_descriptors(const struct conf *conf, const int *from, size_t n);

/* worker_signals(parent): hear the master and nobody else.  worker_retires():
 * whether it has asked us to end. */
void worker_signals(pid_t parent);
bool worker_retires(void);

/* worker_accept(listen_fd, from): a new client, or -1. */
int worker_accept(int listen_fd, struct sockaddr_storage *from);

/* worker_refuses(conf, pool, fd, peer): why a new connection is not wanted, or
 * goes too far; REASON_NONE if it is welcome. */
enum reason worker_refuses(const struct conf *conf, unsigned pool, int fd,
    struct peer *peer);

/* worker_wake(wake_fd, workers): tell the master when of so many that should
 * be idle here too few are. */
void worker_wake(int wake_fd, unsigned workers);

#endif /* DSP_WORKER_H */
