#ifndef DSP_WORKER_H
#define DSP_WORKER_H

#include <stddef.h>
#include <sys/types.h>

#include "conf.h"
#include "privs.h"

/*
 * Life of a worker: shut in, accept, serve, retire.
 */

/* Asks a worker to end after its request: SIGTERM.  Asks it to part with an
 * idle keep-alive connection: */
#define WORKER_GIVE_WAY SIGUSR1

struct worker_args {
	const struct conf		*conf;
	const struct privs_identity	*identity;
	unsigned			 listener;	/* in conf->listen */
	unsigned			 generation;
	size_t				 slot;
	size_t				 row;		/* of the tally */
	int				 listen_fd;
	int				 gate_fd;
	int				 park_fd;
	int				 park_no;	/* of yard_claim */
	int				 wake_fd;	/* of the master */
	pid_t				 master;
};

/* worker_run(args): does not return.  Exit codes: 0 retired as asked, 1
 * failed, 2 set-up impossible: the master stops the daemon. */
_Noreturn void worker_run(const struct worker_args *args);

#endif /* DSP_WORKER_H */
