#ifndef DSP_DOOR_H
#define DSP_DOOR_H

#include <stddef.h>
#include <sys/types.h>

#include "conf.h"
#include "privs.h"

/*
 * Life of a door: the worker of a listener whose clients are told apart by
 * --client.  It accepts, finds out who the client is, and passes the
 * connection to the parking process of the pool that is due to it, whose
 * workers get it when the client speaks, and ask again who it is.  It has no
 * pair with the gate, and parses nothing that clients send: so none of them can
 * take it over, and who could would gain nothing.
 */

struct door_args {
	const struct conf		*conf;
	const struct privs_identity	*identity;
	unsigned			 listener;	/* in conf->listen */
	size_t				 slot;
	const size_t			*rows;	/* of the tally, by pool */
	int				 listen_fd;
	int				 wake_fd;	/* of the master */
	unsigned			 first;	/* pool behind it */
	size_t				 nlanes;	/* how many there are */
	int				 lanes[BOUNDS_POOL_CAP];	/* the ends of
						 * their parking processes */
	int				 parks[BOUNDS_POOL_CAP];	/* of
						 * yard_claim */
	int				 whois_fd;	/* of inquire.h, -1:
						 * nobody is asked */
	pid_t				 master;
};

/* door_run(args): does not return.  Exit codes as worker_run's. */
_Noreturn void door_run(const struct door_args *args);

#endif /* DSP_DOOR_H */
