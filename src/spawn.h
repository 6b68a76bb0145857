#ifndef DSP_SPAWN_H
#define DSP_SPAWN_H

struct pool;

/*
 * spawn_gate(p):
 * Fork the gate of p's generation, before any worker, so that it holds no
 * worker's things: fills gate_pid, gate_started_ms and control_fd.  0, or -1
 * with errno.
 */
int spawn_gate(struct pool *p);

/*
 * spawn_park(p, listener):
 * Fork the parking process of a listener that has none: fills p->park.  0, or
 * -1 with errno.
 */
int spawn_park(struct pool *p, unsigned listener);

/*
 * spawn_worker(p, listener):
 * Fork a worker for that listener, in a slot of the board of its own, and
 * hand the gate the other end of its pair.  0, or -1 with errno.
 */
int spawn_worker(struct pool *p, unsigned listener);

#endif /* DSP_SPAWN_H */
