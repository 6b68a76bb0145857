#ifndef DSP_METRICS_H
#define DSP_METRICS_H

#include <sys/types.h>

#include "conf.h"
#include "privs.h"

/*
 * Life of the process that answers --metrics.  It holds its listener and
 * reads the shared pages; it has no client of the others, nothing of Docker's,
 * and nothing that it could write to but who asks, and the log.
 */

struct metrics_args {
	const struct conf		*conf;
	const struct privs_identity	*identity;
	int				 listen_fd;
	pid_t				 master;
};

/*
 * metrics_run(args): does not return.  The master's SIGTERM ends it as soon as
 * nobody is being answered.  Exit codes as worker_run's.
 * Answers GET and HEAD of /metrics, one connection at a time, each for at
 * most BOUNDS_SCRAPE_MS.
 */
_Noreturn void metrics_run(const struct metrics_args *args);

#endif /* DSP_METRICS_H */
