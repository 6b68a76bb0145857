/*
 * The shared pages of the parking processes.  One writer per field, no lock:
 * a number that is late by a moment does no harm.
 */

#include "config.h"

#include "yard.h"

#include <sys/mman.h>

#include <errno.h>
#include <string.h>

#include "memory.h"

/* What a parking process says, besides its list. */
struct part {
	_Atomic size_t	files;		/* it may have */
	_Atomic size_t	held;		/* connections */
	_Atomic size_t	streams;
	_Atomic size_t	rows[BOUNDS_TALLY_ROW_CAP];
};

/* What the master says. */
struct word {
	_Atomic bool	is_given_up;
};

/* Lists come and go, and are seen by those who were forked meanwhile; the
 * rest is seen by all. */
static struct yard_lot *lots[YARD_COUNT];
static struct part *parts;
static struct word *words;

static bool is_claimed[YARD_COUNT];	/* the master's */
static struct part *mine;

int
yard_open(void)
{
	parts = memory_share(YARD_COUNT * sizeof(*parts));
	words = memory_share(YARD_COUNT * sizeof(*words));
	return parts != NULL && words != NULL ? 0 : -1;
}

/* -- the master -- */

static void
clear(int no)
{
	struct part *part = &parts[no];
	size_t row;

	atomic_store(&words[no].is_given_up, false);
	atomic_store(&part->files, 0);
	atomic_store(&part->held, 0);
	atomic_store(&part->streams, 0);
	for (row = 0; row < BOUNDS_TALLY_ROW_CAP; row++)
		atomic_store(&part->rows[row], 0);
}

int
yard_claim(void)
{
	int i;

	for (i = 0; i < YARD_COUNT && is_claimed[i]; i++)
		;
	if (i == YARD_COUNT) {
		errno = EAGAIN;
		return -1;
	}
	lots[i] = memory_share(sizeof(*lots[i]));
	if (lots[i] == NULL)
		return -1;
	is_claimed[i] = true;
	clear(i);
	return i;
}

void
yard_release(int no)
{
	/* Workers of other listeners still see it. */
	atomic_store(&lots[no]->used, 0);
	(void)munmap(lots[no], sizeof(*lots[no]));
	lots[no] = NULL;
	is_claimed[no] = false;
	clear(no);
}

void
yard_give_up(int no)
{
	atomic_store(&words[no].is_given_up, true);
}

/* -- a parking process -- */

struct yard_lot *
yard_enter(int no, size_t files)
{
	mine = &parts[no];
	atomic_store(&mine->files, files);
	return mprotect(words, YARD_COUNT * sizeof(*words), PROT_READ) == 0 ?
	    lots[no] : NULL;
}

/* Unsigned numbers wrap around, so that a negative n takes away. */
static void
add(_Atomic size_t *to, int n)
{
	atomic_fetch_add(to, (size_t)n);
}

void
yard_hold(int n)
{
	add(&mine->held, n);
}

void
yard_stream(size_t row, int n)
{
	add(&mine->streams, n);
	add(&mine->rows[row], n);
}

/* -- everybody -- */

int
yard_watch(void)
{
	int i;

	if (mprotect(words, YARD_COUNT * sizeof(*words), PROT_READ) == -1 ||
	    mprotect(parts, YARD_COUNT * sizeof(*parts), PROT_READ) == -1)
		return -1;
	for (i = 0; i < YARD_COUNT; i++)
		if (lots[i] != NULL && mprotect(lots[i], sizeof(*lots[i]),
		    PROT_READ) == -1)
			return -1;
	return 0;
}

bool
yard_is_given_up(int no)
{
	return atomic_load(&words[no].is_given_up);
}

bool
yard_has_room(int no)
{
	return parts[no].held + BOUNDS_PARK_ROOM <= parts[no].files;
}

bool
yard_is_full(int no)
{
	const size_t files = parts[no].files;

	/* One that is only starting does not know yet. */
	return files > 0 && parts[no].held + YARD_OWN_FDS >= files;
}

size_t
yard_count(int no)
{
	return lots[no]->count;
}

size_t
yard_count_peer(const struct board_peer *peer)
{
	const struct yard_place *place;
	size_t i, n;
	int no;

	n = 0;
	for (no = 0; no < YARD_COUNT; no++) {
		if (lots[no] == NULL)
			continue;
		for (i = YARD_OWN_FDS; i < lots[no]->used; i++) {
			place = &lots[no]->places[i];
			if (place->is_taken && memcmp(&place->peer, peer,
			    sizeof(*peer)) == 0)
				n++;
		}
	}
	return n;
}

size_t
yard_streams(int no)
{
	return parts[no].streams;
}

size_t
yard_row(size_t row)
{
	size_t n;
	int no;

	n = 0;
	for (no = 0; no < YARD_COUNT; no++)
		n += parts[no].rows[row];
	return n;
}

size_t
yard_total(void)
{
	size_t n;
	int no;

	n = 0;
	for (no = 0; no < YARD_COUNT; no++)
		n += parts[no].streams;
	return n;
}
