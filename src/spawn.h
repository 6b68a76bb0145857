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
 * spawn_whois(p):
 * The same for whois: fills whois_pid and whois_fd.
 */
int spawn_whois(struct pool *p);

/*
 * spawn_park(p, pool):
 * Fork the parking process of a pool that has none: fills p->park.  0, or
 * -1 with errno.
 */
int spawn_park(struct pool *p, unsigned pool);

/*
 * spawn_worker(p, pool):
 * Fork a worker for that pool, in a slot of the board of its own, and hand the
 * gate the other end of its pair.  A door has none: the gate does not know
 * it.  0, or -1 with errno.
 */
int spawn_worker(struct pool *p, unsigned pool);

#endif /* DSP_SPAWN_H */
