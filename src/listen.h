#ifndef DSP_LISTEN_H
#define DSP_LISTEN_H

#include "conf.h"

/*
 * Listening sockets.
 */

/*
 * listen_open(l):
 * Open, bind and listen as l says; close-on-exec.  TCP "*" is one socket for
 * IPv6 and IPv4, IPv4 alone where IPv6 is off; a name takes its first IPv4
 * address, else its first; TCP_NODELAY and keep-alive are set, accepted
 * sockets inherit them.  UNIX: a stale socket is replaced, a live one is
 * not (EADDRINUSE), mode, owner and group are right before anyone can
 * connect.  FD: the descriptor that was passed to us, which stays open
 * whatever happens.  The descriptor, or -1 after the reason was logged as an
 * error.
 */
int listen_open(const struct conf_listen *l);

/* listen_close(l, fd): close fd; a UNIX path is removed if it is still the
 * socket that listen_open bound. */
void listen_close(const struct conf_listen *l, int fd);

/* listen_end(l, fd): the same, and at once, also for processes that still
 * hold it.  But not for FD: who has passed it to us goes on with it, and
 * clients wait there for the next of us. */
void listen_end(const struct conf_listen *l, int fd);

/* listen_is_exposed(l): TCP on other than a loopback address. */
bool listen_is_exposed(const struct conf_listen *l);

#endif /* DSP_LISTEN_H */
