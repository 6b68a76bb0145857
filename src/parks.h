#ifndef DSP_PARKS_H
#define DSP_PARKS_H

#include <stddef.h>
#include <sys/types.h>

#include "pool.h"

/*
 * The master's list of parking processes: one for each listener, and behind
 * them those that are given up and still have streams.
 */

/* parks_give_up(p, listener): the end of that listener's: its clients are
 * closed, its streams go on. */
void parks_give_up(struct pool *p, size_t listener);

/* parks_find(p, pid): NULL when there is none.  parks_forget(park): it has
 * ended. */
struct pool_park *parks_find(struct pool *p, pid_t pid);
void parks_forget(struct pool_park *park);

#endif /* DSP_PARKS_H */
