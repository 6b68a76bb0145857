#ifndef DSP_PARKS_H
#define DSP_PARKS_H

#include <stddef.h>
#include <sys/types.h>

#include "pool.h"

/*
 * The master's list of parking processes: one for each listener, or for each
 * pool behind it, and then those that are given up and still have streams.
 */

/* parks_give_up(p, pool): the end of that pool's: its clients are closed, its
 * streams go on. */
void parks_give_up(struct pool *p, size_t pool);

/* parks_find(p, pid): NULL when there is none.  parks_forget(park): it has
 * ended. */
struct pool_park *parks_find(struct pool *p, pid_t pid);
void parks_forget(struct pool_park *park);

#endif /* DSP_PARKS_H */
