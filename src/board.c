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

#include "doing.h"
#include "io.h"
#include "memory.h"

/* What the master says about a slot. */
struct owner {
	_Atomic bool		is_taken;
	pid_t			pid;
	unsigned		generation;
	unsigned		listener;
	size_t			row;
	int64_t			started_ms;
};

/* Slots from used on were never taken: scans end there. */
struct page {
	_Atomic size_t		used;
	_Atomic bool		is_full;
	_Atomic unsigned	version;	/* odd: buried changes */
	struct board_counters	buried;		/* of workers that ended */
	struct owner		owners[];
};

/* What its worker says. */
struct slot {
	_Atomic int		state;
	_Atomic int64_t		since_ms;
	struct board_peer	peer;
	struct board_counters	counters;	/* but for bytes: */
	_Atomic uint64_t	bytes_in;
	_Atomic uint64_t	bytes_out;
};

/* How often to try to see what the master does not change just now. */
#define VERSION_TRIES 1000

static struct page *page;
static size_t page_len;
static struct owner *owners;		/* page->owners */
static struct slot *slots;
static size_t nslots;
static size_t mine;

/* What our slot's bytes were when the request in hand began. */
static uint64_t carried_in, carried_out;

static void
add(struct board_counters *sum, const struct board_counters *more)
{
	sum->connections += more->connections;
	sum->requests += more->requests;
	sum->denied += more->denied;
	sum->failed += more->failed;
	sum->bytes_in += more->bytes_in;
	sum->bytes_out += more->bytes_out;
}

static uint64_t
get(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static void
put(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(to, n, memory_order_relaxed);
}

/* As a new worker finds it. */
static void
clear(struct slot *s)
{
	s->counters = (struct board_counters){ 0 };
	put(&s->bytes_in, 0);
	put(&s->bytes_out, 0);
}

int
board_open(size_t n)
{
	page_len = sizeof(*page) + n * sizeof(*owners);
	page = memory_share(page_len);
	slots = memory_share(n * sizeof(*slots));
	if (page == NULL || slots == NULL || doing_open(n) == -1)
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
board_claim(unsigned listener, unsigned generation, size_t row)
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
	owners[i].row = row;
	owners[i].started_ms = io_now_ms();
	clear(&slots[i]);
	doing_clear(i);
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
	const struct board_counters its = board_counters(slot);

	/* Who adds all up meanwhile must not see it twice, or not at all. */
	atomic_fetch_add(&page->version, 1);
	add(&page->buried, &its);
	clear(&slots[slot]);
	owners[slot].pid = 0;
	atomic_store(&owners[slot].is_taken, false);
	atomic_fetch_add(&page->version, 1);
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

size_t
board_row(size_t slot)
{
	return owners[slot].row;
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
	struct board_counters its = slots[slot].counters;

	its.bytes_in = get(&slots[slot].bytes_in);
	its.bytes_out = get(&slots[slot].bytes_out);
	return its;
}

static struct board_counters
sum_up(void)
{
	struct board_counters sum, its;
	size_t i;

	sum = page->buried;
	for (i = 0; i < board_used(); i++) {
		if (board_state(i) == BOARD_FREE)
			continue;
		its = board_counters(i);
		add(&sum, &its);
	}
	return sum;
}

struct board_counters
board_total(void)
{
	struct board_counters sum;
	unsigned before;
	int i;

	for (i = 0; i < VERSION_TRIES; i++) {
		before = atomic_load(&page->version);
		sum = sum_up();
		atomic_thread_fence(memory_order_seq_cst);
		if (before % 2 == 0 && before == atomic_load(&page->version))
			break;
	}
	return sum;
}

int
board_watch(void)
{
	if (mprotect(page, page_len, PROT_READ) == -1 ||
	    mprotect(slots, nslots * sizeof(*slots), PROT_READ) == -1)
		return -1;
	return doing_watch();
}

int
board_enter(size_t slot)
{
	mine = slot;
	return doing_enter(slot) == 0 ?
	    mprotect(page, page_len, PROT_READ) : -1;
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
	static const struct board_peer nobody;

	slots[mine].peer = peer == NULL ? nobody : *peer;
}

void
board_carry(void)
{
	carried_in = get(&slots[mine].bytes_in);
	carried_out = get(&slots[mine].bytes_out);
}

void
board_carried(uint64_t in, uint64_t out)
{
	put(&slots[mine].bytes_in, carried_in + in);
	put(&slots[mine].bytes_out, carried_out + out);
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

bool
board_is_short(unsigned workers)
{
	return board_idle(owners[mine].listener, owners[mine].generation) *
	    2 <= workers;
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
