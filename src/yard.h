#ifndef DSP_YARD_H
#define DSP_YARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "bounds.h"

/*
 * What everybody knows of the parking processes, in shared pages: whom each
 * holds, how many streams, whether there is room for more, and whether it is
 * given up.  A parking process writes its own part, the master says which is
 * given up, and others only read.
 */

/* Parking processes at once: those of old pools end while new ones begin. */
#define YARD_COUNT (BOUNDS_POOL_CAP + BOUNDS_LISTEN_CAP)

/* Descriptors of a parking process: its own ones, and guests behind them. */
#define YARD_OWN_FDS 5
#define YARD_PLACES (BOUNDS_PARKED_CAP + YARD_OWN_FDS)

/* A guest; the index in a lot is the descriptor of its client. */
struct yard_place {
	_Atomic bool		is_taken;
	struct board_peer	peer;
	int64_t			deadline;
};

/* The list of one parking process, which alone writes it. */
struct yard_lot {
	_Atomic size_t		count;
	_Atomic size_t		used;	/* places from here on are free */
	struct yard_place	places[YARD_PLACES];
};

/* yard_open(): make the pages that are shared with all children to come: 0, or
 * -1 with errno. */
int yard_open(void);

/* The master's side. */

/* yard_claim(): a number for a parking process to come, whose list is shared
 * with all children from now on; -1 with errno.
 * yard_release(no): it has ended. */
int yard_claim(void);
void yard_release(int no);

/* yard_give_up(no): it keeps its streams until they end, for the workers that
 * it has; there will be no new ones. */
void yard_give_up(int no);

/* A parking process's side. */

/* yard_enter(no, files): this process has that number, and may have so many
 * descriptors.  Its list, or NULL with errno. */
struct yard_lot *yard_enter(int no, size_t files);

/* yard_hold(n): it holds n connections more, or fewer.  yard_stream(row, n):
 * the same of streams that count on that row of the tally, which must be
 * below BOUNDS_TALLY_ROW_CAP. */
void yard_hold(int n);
void yard_stream(size_t row, int n);

/* Reading it. */

/* yard_watch(): this process cannot write here any more.  0, or -1 with
 * errno. */
int yard_watch(void);

bool yard_is_given_up(int no);

/* yard_has_room(no): one more stream surely fits, with all that may be on
 * their way there.  yard_is_full(no): nobody fits, and whoever comes would be
 * closed. */
bool yard_has_room(int no);
bool yard_is_full(int no);

/* yard_count(no): clients that are parked there, those of streams too.
 * yard_count_peer(peer): those of that client, in all. */
size_t yard_count(int no);
size_t yard_count_peer(const struct board_peer *peer);

/* yard_streams(no): parked there.  yard_row(row): of that row of the tally,
 * everywhere.  yard_total(): all. */
size_t yard_streams(int no);
size_t yard_row(size_t row);
size_t yard_total(void);

#endif /* DSP_YARD_H */
