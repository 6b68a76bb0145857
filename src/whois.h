#ifndef DSP_WHOIS_H
#define DSP_WHOIS_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"

/*
 * Life of the process that finds out which container a client is in, for lines
 * container:NAME of --client.  Doors, and the workers behind them, pass it the
 * client's connection, each over a socket pair of its own: see inquire.h.  The
 * kernel says which process has connected, and in which control group that is;
 * dockerd, whose name the container has that this group is of.  In between the
 * process is held by a descriptor, so that no other one can take its number.
 *
 * It reads nothing that clients say.  Whatever cannot be found out is said to
 * be so: a client gets no profile then, not that of others.
 */

/*
 * whois_run(control_fd, conf, parent):
 * Does not return.  control_fd: where the ends of those who ask come from the
 * master; its end ends the process once the last of them is gone.
 */
_Noreturn void whois_run(int control_fd, const struct conf *conf,
    pid_t parent);

/* whois_attach(control_fd, fd): the master's side: give it the other end of
 * somebody who will ask.  0, or -1 with errno. */
int whois_attach(int control_fd, int fd);

#endif /* DSP_WHOIS_H */
