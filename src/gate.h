#ifndef DSP_GATE_H
#define DSP_GATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf.h"

/*
 * The gate: the only process that can open the Docker socket.  Workers send
 * it orders, each over a socket pair of its own, whose other end the master
 * gives to the gate.
 */

/* A worker, as the master presents it to the gate. */
struct gate_worker {
	uint32_t	no;		/* in the log */
	uint32_t	listener;	/* in conf->listen: whose profile holds */
	pid_t		pid;
};

/*
 * gate_run(control_fd, conf, parent):
 * Life of the gate; does not return.  control_fd: where workers' ends come
 * from the master; its end ends the gate once the last worker is gone.
 */
_Noreturn void gate_run(int control_fd, const struct conf *conf,
    pid_t parent);

/*
 * gate_attach(control_fd, worker, pair_fd):
 * The master's side: give the gate its end of that worker's pair.  0, or -1
 * with errno.
 */
int gate_attach(int control_fd, const struct gate_worker *worker,
    int pair_fd);

/*
 * gate_ping(control_fd, no):
 * The master's side: have the gate ask dockerd whether it is alive, as question
 * no.  0, or -1 with errno.
 */
int gate_ping(int control_fd, uint32_t no);

/* What the gate tells the master. */
struct gate_news {
	pid_t		pid;		/* of a worker whose order it has
					 * refused, which no honest worker
					 * sends; or 0, and */
	uint32_t	ping_no;	/* the question, */
	int32_t		error;		/* as health_hear takes it */
};

/* gate_hear(control_fd, news): the master's side, without waiting: true when
 * there is some. */
bool gate_hear(int control_fd, struct gate_news *news);

#endif /* DSP_GATE_H */
