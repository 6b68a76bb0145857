#ifndef DSP_DUTY_H
#define DSP_DUTY_H

#include <stdbool.h>
#include <stddef.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "conf.h"
#include "peer.h"
#include "reason.h"

/*
 * What workers and doors have in common: they hear the master, and take
 * clients.
 */

/* The master asks somebody to end after what is under way by SIGTERM, and to
 * part with an idle keep-alive connection by this. */
#define DUTY_GIVE_WAY SIGUSR1

/* duty_descriptors(conf, from, n): those go to the first n places behind the
 * standard ones, and all others of this process are closed. */
#define DUTY_FDS (BOUNDS_POOL_CAP + 8)
void duty_descriptors(const struct conf *conf, const int *from, size_t n);

/* duty_signals(parent): hear the master and nobody else.  duty_retires():
 * whether it has asked us to end. */
void duty_signals(pid_t parent);
bool duty_retires(void);

/* duty_retire(): end of our own accord, after this client. */
void duty_retire(void);

/* Not 0: the master wants us to part with a client that is idle.  Whoever
 * serves clears it. */
extern volatile sig_atomic_t duty_wants_close;

/* duty_accept(listen_fd, from): a new client, or -1. */
int duty_accept(int listen_fd, struct sockaddr_storage *from);

/* duty_refuses(conf, pool, fd, peer): why a new connection is not wanted, or
 * goes too far; REASON_NONE if it is welcome. */
enum reason duty_refuses(const struct conf *conf, unsigned pool, int fd,
    struct peer *peer);

/* duty_wake(wake_fd, workers): tell the master when of so many that should
 * be idle here too few are. */
void duty_wake(int wake_fd, unsigned workers);

#endif /* DSP_DUTY_H */
