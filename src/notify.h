#ifndef DSP_NOTIFY_H
#define DSP_NOTIFY_H

#include <stdint.h>

#include "pool.h"

/*
 * Telling the service manager how we are: NOTIFY_SOCKET and WATCHDOG_USEC.
 * Used by the master alone; without these variables nothing happens.  Never
 * waits, and nothing here fails: what could not be sent is tried again, or
 * logged once.
 * Source: sd_notify(3), sd_watchdog_enabled(3).
 */

/* notify_open(): read the variables and unset them.  Once, at the start,
 * before going into the background. */
void notify_open(void);

/* notify_watch(p, deadline): to be called in every turn of the master: says
 * READY=1 when every listener has a worker that takes clients.  Returns the
 * deadline, or an earlier time at which to call again. */
int64_t notify_watch(const struct pool *p, int64_t deadline);

/* notify_alive(deadline): to be called before every sleep: says WATCHDOG=1
 * when half of its time is over.  Returns the deadline, or the earlier time
 * when it is so again. */
int64_t notify_alive(int64_t deadline);

/* notify_reloading(): a reload begins.  notify_reloaded(word): it is over, and
 * to be told as soon as workers take clients; word says what went wrong, NULL
 * for nothing. */
void notify_reloading(void);
void notify_reloaded(const char *word);

/* notify_stopping(most_ms): the end has begun, and may take so long. */
void notify_stopping(int64_t most_ms);

#endif /* DSP_NOTIFY_H */
