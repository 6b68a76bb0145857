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
 * gate_hear(control_fd, pid):
 * The master's side, without waiting: true when the gate has refused an
 * order of the worker *pid, which no honest worker sends.
 */
bool gate_hear(int control_fd, pid_t *pid);

#endif /* DSP_GATE_H */
