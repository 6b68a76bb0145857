#ifndef DSP_DIAL_H
#define DSP_DIAL_H

#include <stdint.h>

/*
 * A fresh connection to the Docker socket.  Only the gate opens one; a
 * worker asks for it over its own socket pair.
 */

/*
 * dial_open(path):
 * Start connecting to the unix socket at path, without waiting.  The
 * connected descriptor (close-on-exec, blocking), or -1 with errno: EAGAIN
 * when the listener's backlog is full.
 */
int dial_open(const char *path);

/*
 * dial_ask(gate_fd, deadline, error):
 * The worker's side: ask the gate for a connection and wait for it.  The
 * descriptor, or -1 with *error the gate's errno (ETIMEDOUT at the deadline,
 * EPIPE when the gate is gone).
 */
int dial_ask(int gate_fd, int64_t deadline, int *error);

/*
 * dial_read(sock, no) and dial_answer(sock, no, fd, error):
 * The gate's side: take one question, numbered *no, off sock (1 there is
 * one, 0 the worker is gone, -1 nothing there now), and answer it with a
 * descriptor, or -1 and an errno.  Neither waits; an answer that finds no
 * room is dropped.
 */
int dial_read(int sock, uint32_t *no);
void dial_answer(int sock, uint32_t no, int fd, int error);

#endif /* DSP_DIAL_H */
