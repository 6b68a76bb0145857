#ifndef DSP_MONITOR_H
#define DSP_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf.h"
#include "pool.h"
#include "tally.h"

/*
 * The master's side of --metrics: the listener, and the process that answers
 * there.  One at a time; it can die and be replaced without anybody else
 * taking notice.
 */

/*
 * monitor_listen(conf, fd):
 * Where conf wants its metrics told: *fd becomes the listener, the one in use
 * where the address is the same, or -1 for nowhere.  False after logging.
 */
bool monitor_listen(const struct conf *conf, int *fd);

/* monitor_unlisten(conf, fd): what monitor_listen did was in vain. */
void monitor_unlisten(const struct conf *conf, int fd);

/*
 * monitor_renew(conf, fd):
 * From now on this configuration holds, whose listener is fd; the one before
 * may go.  Lets the process end.
 */
void monitor_renew(const struct conf *conf, int fd);

/* monitor_balance(p, deadline): start the process if it is missing; the
 * deadline, or an earlier time of io_now_ms at which to call again. */
int64_t monitor_balance(const struct pool *p, int64_t deadline);

/* monitor_reap(pid, status): true when that child was this process, and it
 * was not asked to end. */
bool monitor_reap(pid_t pid, int status);

/* monitor_name(p): what is counted apart from now on, besides what was
 * before.  Sets p->row. */
void monitor_name(struct pool *p);

/* monitor_death(process, status): count it, unless it ended as asked. */
void monitor_death(enum tally_process process, int status);

/* monitor_close(): the end of process and listener. */
void monitor_close(void);

#endif /* DSP_MONITOR_H */
