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

struct worker_args {
	const struct conf		*conf;
	const struct privs_identity	*identity;
	unsigned			 listener;	/* in conf->listen */
	unsigned			 generation;
	size_t				 slot;
	size_t				 row;		/* of the tally */
	int				 listen_fd;	/* -1: behind a door, */
	int				 door_fd;	/* which has this one */
	int				 gate_fd;	/* -1: of an authz
							 * listener, where there
							 * are */
	const size_t			*user_rows;	/* see authz.h */
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

#endif /* DSP_WORKER_H */
