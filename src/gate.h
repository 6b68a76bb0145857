#ifndef DSP_GATE_H
#define DSP_GATE_H

#include <sys/types.h>

/*
 * The gate: the only process that can open the Docker socket.  Workers ask
 * it for connections, each over a socket pair of its own, whose other ends
 * the master sends to the gate.
 */

/*
 * gate_run(control_fd, docker_socket, parent):
 * Life of the gate; does not return.  control_fd: where worker ends arrive
 * from the master; its end ends the gate once the last worker is gone.
 */
_Noreturn void gate_run(int control_fd, const char *docker_socket,
    pid_t parent);

/*
 * gate_attach(control_fd, pair_fd):
 * The master's side: give the gate its end of a worker's pair.  0, or -1
 * with errno.
 */
int gate_attach(int control_fd, int pair_fd);

#endif /* DSP_GATE_H */
