#ifndef DSP_POOL_H
#define DSP_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf.h"
#include "privs.h"
#include "yard.h"

/* The parking process of a listener, or of a pool behind one, see park.h. */
struct pool_park {
	pid_t	pid;		/* 0: none */
	int	fd;		/* the workers' end of its pair */
	int	no;		/* of yard_claim */
	int64_t	left_ms;	/* when it was given up */
};

/* Those of the pools, and behind them those that are given up. */
#define POOL_PARKS YARD_COUNT

/*
 * The processes of one generation of the configuration: a gate, and for each
 * of conf->npools, listeners and what is behind them, its workers.  Old
 * generations live on until their workers have ended.  Parking processes belong
 * to their listeners and stay.  Used by the master alone.
 */
struct pool {
	const struct conf	*conf;
	struct privs_identity	 identity;
	int			 listen_fd[BOUNDS_LISTEN_CAP];
	struct pool_park	 park[POOL_PARKS];	/* doors have none */
	size_t			 row[BOUNDS_POOL_CAP];	/* of the tally */
	size_t			 user_row[BOUNDS_LISTEN_CAP][BOUNDS_CLIENT_CAP];
						/* of authz listeners: of
						 * conf->clients with a TLS
						 * user */
	int			 wake_fd;	/* eventfd: a worker calls */
	unsigned		 generation;
	bool			 is_ending;	/* deaths are no news */
	int			 control_fd;	/* of the gate, -1: none */
	pid_t			 gate_pid;
	int64_t			 gate_started_ms;
	int			 whois_fd;	/* of whois_attach, -1: none */
	pid_t			 whois_pid;
	int64_t			 backoff_ms;	/* after an early death */
	int64_t			 next_spawn_ms;
	unsigned		 burst[BOUNDS_POOL_CAP];
	uint64_t		 attacks;	/* workers killed by the gate
						 * or the filter */
};

/*
 * pool_renew(p, conf, identity):
 * Begin a new generation: a new gate, and no workers yet; all living workers
 * become old and are asked to end.  0, or -1 after logging.
 */
int pool_renew(struct pool *p, const struct conf *conf,
    const struct privs_identity *identity);

/*
 * pool_balance(p):
 * Fork where idle workers are missing, let idle keep-alive clients give way
 * where none may be forked, let spare ones go.  Returns the time of io_now_ms
 * at which it should be called again at the latest.
 */
int64_t pool_balance(struct pool *p);

/* What pool_reap found. */
enum pool_event {
	POOL_FINE,
	POOL_GATE_DIED,		/* or whois; a new generation is needed, not
				 * before next_spawn_ms */
	POOL_HOPELESS		/* a worker or gate cannot be set up */
};

/* pool_reap(p): collect children that ended, without waiting. */
enum pool_event pool_reap(struct pool *p);

/* pool_hear_gate(p): kill the workers that the gate has found out, and pass on
 * what it has heard of dockerd. */
void pool_hear_gate(struct pool *p);

/* pool_signal_all(p, sig): to all workers of all generations; their
 * number. */
size_t pool_signal_all(int sig);

/* pool_end(p): after the last worker: end the gates and wait for them, for
 * a moment. */
void pool_end(struct pool *p);

#endif /* DSP_POOL_H */
