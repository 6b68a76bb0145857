/*
 * Parking processes from the master's side: which there are, and their end.
 */

#include "config.h"

#include "parks.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "io.h"
#include "log.h"
#include "park.h"

struct pool_park *
parks_find(struct pool *p, pid_t pid)
{
	size_t i;

	for (i = 0; i < POOL_PARKS; i++)
		if (p->park[i].pid == pid)
			return &p->park[i];
	return NULL;
}

void
parks_forget(struct pool_park *park)
{
	if (park->fd != -1)
		(void)close(park->fd);
	yard_release(park->no);
	park->pid = 0;
}

/* One without streams is no loss, when all that were on their way to it have
 * arrived. */
static bool
is_spare(const struct pool_park *park)
{
	return yard_streams(park->no) == 0 &&
	    io_now_ms() - park->left_ms >= BOUNDS_PARK_LOOK_MS;
}

/* The end of the one that was given up first, when there are too many. */
static void
end_first(struct pool *p)
{
	struct pool_park *end = &p->park[POOL_PARKS];
	struct pool_park *first = &p->park[BOUNDS_POOL_CAP];

	while (first < end && !is_spare(first))
		first++;
	if (first == end) {
		first = &p->park[BOUNDS_POOL_CAP];
		log_warn("closing %zu streams of an earlier configuration: "
		    "there are too many such", yard_streams(first->no));
	}
	(void)kill(first->pid, SIGKILL);
	parks_forget(first);
	memmove(first, first + 1, (size_t)(end - first - 1) * sizeof(*first));
	end[-1].pid = 0;
}

void
parks_give_up(struct pool *p, size_t pool)
{
	struct pool_park *park = &p->park[pool];
	size_t i;

	if (park->pid == 0)
		return;
	park_give_up(park->no, park->fd);
	(void)close(park->fd);
	park->fd = -1;
	for (i = BOUNDS_POOL_CAP; i < POOL_PARKS; i++)
		if (p->park[i].pid == 0)
			break;
	if (i == POOL_PARKS) {
		end_first(p);
		i--;
	}
	p->park[i] = *park;
	p->park[i].left_ms = io_now_ms();
	park->pid = 0;
}
