/*
 * The shared pages: slots of workers.
 *
 * Every field has one writer at a time, so plain atomic loads and stores
 * without order are enough: the board guides, it decides nothing.  A worker
 * that was taken over can write nonsense into what workers write; the
 * master's part is read-only to it, so that the master signals no process
 * but its own.
 */

#include "config.h"

#include "board.h"

#include <sys/mman.h>

#include <stdatomic.h>
#include <string.h>

#include "io.h"

/* What the master says about a slot. */
struct owner {
	_Atomic bool		is_taken;
	pid_t			pid;
	unsigned		generation;
	unsigned		listener;
	int64_t			started_ms;
};

/* Slots from used on were never taken: scans end there. */
struct page {
	_Atomic size_t	used;
	_Atomic bool	is_full;
	struct owner	owners[];
};

/* What its worker says. */
struct slot {
	_Atomic int		state;
	_Atomic int64_t		since_ms;
	struct board_peer	peer;
	struct board_counters	counters;
};

static struct page *page;
static size_t page_len;
static struct owner *owners;		/* page->owners */
static struct slot *slots;
static size_t nslots;
static size_t mine;
static struct board_counters buried;	/* of workers that ended */

static void
add(struct board_counters *sum, const struct board_counters *more)
{
	sum->connections += more->connections;
	sum->requests += more->requests;
	sum->denied += more->denied;
	sum->failed += more->failed;
}

static void *
map_shared(size_t len)
{
	void *p;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int
board_open(size_t n)
{
	page_len = sizeof(*page) + n * sizeof(*owners);
	page = map_shared(page_len);
	slots = map_shared(n * sizeof(*slots));
	if (page == NULL || slots == NULL)
		return -1;
	owners = page->owners;
	nslots = n;
	return 0;
}

size_t
board_size(void)
{
	return nslots;
}

size_t
board_used(void)
{
	return atomic_load_explicit(&page->used, memory_order_relaxed);
}

size_t
board_claim(unsigned listener, unsigned generation)
{
	size_t i;

	for (i = 0; i < nslots; i++)
		if (board_state(i) == BOARD_FREE)
			break;
	if (i == nslots)
		return nslots;
	if (i >= board_used())
		atomic_store(&page->used, i + 1);
	owners[i].pid = 0;
	owners[i].generation = generation;
	owners[i].listener = listener;
	owners[i].started_ms = io_now_ms();
	slots[i].counters = (struct board_counters){ 0, 0, 0, 0 };
	atomic_store(&slots[i].since_ms, owners[i].started_ms);
	atomic_store(&slots[i].state, BOARD_STARTING);
	atomic_store(&owners[i].is_taken, true);
	return i;
}

void
board_set_pid(size_t slot, pid_t pid)
{
	owners[slot].pid = pid;
}

void
board_release(size_t slot)
{
	add(&buried, &slots[slot].counters);
	slots[slot].counters = (struct board_counters){ 0, 0, 0, 0 };
	owners[slot].pid = 0;
	atomic_store(&owners[slot].is_taken, false);
}

size_t
board_find(pid_t pid)
{
	size_t i;

	for (i = 0; i < board_used(); i++)
		if (owners[i].pid == pid && board_state(i) != BOARD_FREE)
			return i;
	return nslots;
}

void
board_set_full(bool is_full)
{
	atomic_store(&page->is_full, is_full);
}

bool
board_is_full(void)
{
	return atomic_load_explicit(&page->is_full, memory_order_relaxed);
}

pid_t
board_pid(size_t slot)
{
	return owners[slot].pid;
}

unsigned
board_generation(size_t slot)
{
	return owners[slot].generation;
}

unsigned
board_listener(size_t slot)
{
	return owners[slot].listener;
}

enum board_state
board_state(size_t slot)
{
	int state;

	if (!atomic_load_explicit(&owners[slot].is_taken,
	    memory_order_relaxed))
		return BOARD_FREE;
	state = atomic_load_explicit(&slots[slot].state,
	    memory_order_relaxed);
	/* A living worker is not free, whatever it says. */
	return state > BOARD_FREE && state <= BOARD_RETIRING ?
	    (enum board_state)state : BOARD_BUSY;
}

int64_t
board_since_ms(size_t slot)
{
	return atomic_load_explicit(&slots[slot].since_ms,
	    memory_order_relaxed);
}

int64_t
board_started_ms(size_t slot)
{
	return owners[slot].started_ms;
}

struct board_counters
board_counters(size_t slot)
{
	return slots[slot].counters;
}

struct board_counters
board_total(void)
{
	struct board_counters sum;
	size_t i;

	sum = buried;
	for (i = 0; i < board_used(); i++)
		if (board_state(i) != BOARD_FREE)
			add(&sum, &slots[i].counters);
	return sum;
}

int
board_enter(size_t slot)
{
	mine = slot;
	return mprotect(page, page_len, PROT_READ);
}

void
board_set(enum board_state state)
{
	atomic_store_explicit(&slots[mine].since_ms, io_now_ms(),
	    memory_order_relaxed);
	/* Sequentially consistent: two workers that turn busy at once must
	 * not both still see the other idle. */
	atomic_store(&slots[mine].state, state);
}

void
board_set_peer(const struct board_peer *peer)
{
	slots[mine].peer = *peer;
}

struct board_counters *
board_mine(void)
{
	return &slots[mine].counters;
}

size_t
board_count(enum board_state state)
{
	size_t i, n;

	n = 0;
	for (i = 0; i < board_used(); i++)
		if (board_state(i) == state)
			n++;
	return n;
}

size_t
board_idle(unsigned listener, unsigned generation)
{
	enum board_state state;
	size_t i, n;

	n = 0;
	for (i = 0; i < board_used(); i++) {
		state = board_state(i);
		if ((state == BOARD_IDLE || state == BOARD_STARTING) &&
		    owners[i].listener == listener &&
		    owners[i].generation == generation)
			n++;
	}
	return n;
}

size_t
board_count_peer(const struct board_peer *peer)
{
	enum board_state state;
	size_t i, n;

	n = 0;
	for (i = 0; i < board_used(); i++) {
		state = board_state(i);
		/* Read while its owner may write it: a count that is off by
		 * one for a moment does no harm. */
		if ((state == BOARD_BUSY || state == BOARD_WAITING) &&
		    memcmp(&slots[i].peer, peer, sizeof(*peer)) == 0)
			n++;
	}
	return n;
}

bool
board_has_any(unsigned listener, unsigned generation)
{
	size_t i;

	for (i = 0; i < board_used(); i++)
		if (board_state(i) != BOARD_FREE &&
		    owners[i].listener == listener &&
		    owners[i].generation == generation)
			return true;
	return false;
}
