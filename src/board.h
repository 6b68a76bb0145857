#ifndef DSP_BOARD_H
#define DSP_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The shared pages: one slot per worker.  The master says which are taken, by
 * what pid, for which generation and listener; workers can read that.  The
 * living worker writes the rest.  One writer per field, no lock.
 */

enum board_state {
	BOARD_FREE,		/* no process */
	BOARD_STARTING,		/* forked, not ready yet */
	BOARD_IDLE,		/* waits for a connection */
	BOARD_WAITING,		/* holds one, waits for a request */
	BOARD_BUSY,		/* serves a request */
	BOARD_RETIRING		/* asked to end */
};

/* Who is served: an address, or a uid; equal bytes are the same client. */
struct board_peer {
	unsigned char	bytes[20];
};

struct board_counters {
	uint64_t	connections;
	uint64_t	requests;
	uint64_t	denied;		/* refused by policy or syntax */
	uint64_t	failed;		/* 502, 503 and broken answers */
	uint64_t	bytes_in;	/* of bodies and tunnels, to dockerd */
	uint64_t	bytes_out;	/* to the client */
};

/* board_open(n): make a board of n slots shared with all children to come:
 * 0, or -1 with errno. */
int board_open(size_t n);

/* board_size(): the number of slots.  board_used(): all workers are in
 * slots below this. */
size_t board_size(void);
size_t board_used(void);

/* The master's side. */

/* board_claim(listener, generation, row): a free slot, now STARTING, of a
 * worker that counts on that row of the tally; board_size() when there is
 * none. */
size_t board_claim(unsigned listener, unsigned generation, size_t row);
void board_set_pid(size_t slot, pid_t pid);
void board_release(size_t slot);	/* adds its counters to the total */
size_t board_find(pid_t pid);		/* board_size() when unknown */

/* board_set_full(is_full): no worker is idle somewhere and none may be
 * forked. */
void board_set_full(bool is_full);

pid_t board_pid(size_t slot);
unsigned board_generation(size_t slot);
unsigned board_listener(size_t slot);
size_t board_row(size_t slot);
enum board_state board_state(size_t slot);
int64_t board_since_ms(size_t slot);	/* of the state, io_now_ms time */
int64_t board_started_ms(size_t slot);	/* when it was claimed */

/* board_counters(slot): of one worker.  board_total(): of all workers, dead
 * ones too. */
struct board_counters board_counters(size_t slot);
struct board_counters board_total(void);

/* board_watch(): this process cannot write anything here any more.  0, or -1
 * with errno. */
int board_watch(void);

/* The worker's side. */

/* board_enter(slot): this process is slot from now on, and cannot write the
 * master's part any more.  0, or -1 with errno. */
int board_enter(size_t slot);

/* board_set(state): the state of this process, and since when. */
void board_set(enum board_state state);

/* board_set_peer(peer): whom this process serves from now on, NULL for nobody
 * who counts; before BOARD_BUSY. */
void board_set_peer(const struct board_peer *peer);

/* board_carry(): a request is carried from now on.  board_carried(in, out):
 * so much of it, all in all. */
void board_carry(void);
void board_carried(uint64_t in, uint64_t out);

/* board_mine(): this process's counters, to be raised in place. */
struct board_counters *board_mine(void);

/* board_is_full(): what board_set_full said. */
bool board_is_full(void);

/* board_count(state): workers in that state, all listeners.
 * board_idle(listener, generation): idle (and starting) ones of one pool.
 * board_count_peer(peer): workers that hold a connection of that client.
 * board_has_any(listener, generation): it has a worker in any state. */
size_t board_count(enum board_state state);
size_t board_idle(unsigned listener, unsigned generation);
size_t board_count_peer(const struct board_peer *peer);
bool board_has_any(unsigned listener, unsigned generation);

/* board_is_short(workers): of that many workers that this process's pool should
 * have idle, no more than half are. */
bool board_is_short(unsigned workers);

#endif /* DSP_BOARD_H */
