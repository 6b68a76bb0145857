#ifndef DSP_DIAL_H
#define DSP_DIAL_H

/*
 * dial_open(path):
 * Connect to the unix socket at path, without waiting: the connected
 * descriptor (close-on-exec, not blocking), or -1 with errno: EAGAIN when
 * the listener's backlog is full.  Used by the gate alone.
 */
int dial_open(const char *path);

#endif /* DSP_DIAL_H */
