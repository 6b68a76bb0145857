#ifndef DSP_PROCESS_H
#define DSP_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "bounds.h"
#include "span.h"

/*
 * Processes of clients, held by a descriptor: the number of one that has ended
 * may be another's, the descriptor never is.
 * Source: pidfd_open(2), SO_PEERPIDFD in unix(7), proc_pid_cgroup(5).
 */

/* process_open(): get ready to read below /proc: 0, or -1 with errno. */
int process_open(void);

/* process_of_peer(fd): of whoever has made that connection; -1 with errno:
 * ENOPROTOOPT before Linux 6.5, ESRCH or EINVAL when it has ended. */
int process_of_peer(int fd);

/* process_pid(process_fd): its number here: 0 when it is not seen from here, -1
 * when it has ended. */
pid_t process_pid(int process_fd);

/* process_is_alive(process_fd): its number was nobody else's until now. */
bool process_is_alive(int process_fd);

/* process_is_ending(pid): it ends, or its first thread has ended.  The kernel
 * shows it in no control group of version 1 then. */
bool process_is_ending(pid_t pid);

/* process_groups(pid, buf): the text of its /proc/PID/cgroup, in buf; empty
 * when it cannot be read, or does not fit. */
struct span process_groups(pid_t pid, char buf[BOUNDS_GROUPS_TEXT_CAP]);

/* process_obstacle(): why processes of clients cannot be told here at all, or
 * NULL.  Static storage. */
const char *process_obstacle(void);

#endif /* DSP_PROCESS_H */
