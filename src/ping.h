#ifndef DSP_PING_H
#define DSP_PING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The gate's own question to dockerd, for --healthcheck: always the same
 * request, on a connection that nobody else gets.  Of the answer only the
 * beginning is read.  Nothing here waits: a dockerd that never answers costs
 * the gate BOUNDS_PINGS descriptors, and no time.
 */

/* ping_open(): get ready; a descriptor that can be read when ping_hear has
 * something to tell, or -1 with errno. */
int ping_open(void);

/* ping_begin(docker_socket, no): ask; the oldest question gives way when there
 * are too many.  0, or why dockerd cannot be asked: an errno, EAGAIN when its
 * backlog is full. */
int ping_begin(const char *docker_socket, uint32_t no);

/*
 * ping_hear(no, error):
 * True when one has ended: *error is 0 when dockerd said 200, EBADMSG when it
 * said 403, which only its plugins make it say, EPROTO when something else, ECONNRESET when nothing.  To be called until it is
 * false.
 */
bool ping_hear(uint32_t *no, int *error);

#endif /* DSP_PING_H */
