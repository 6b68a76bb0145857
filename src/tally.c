/*
 * Counters in two shared mappings: names, which only the master writes, and
 * cells, to which all workers add.  A rule's cell is found by hashing row and
 * line, so that no process needs a table of its own.
 *
 * A worker that was taken over can write nonsense into the cells: numbers
 * come out of it and nothing else.
 */

#include "config.h"

#include "tally.h"

#include <sys/mman.h>

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "memory.h"

/* Places for rules: a power of two, twice as many as there may be rules, so
 * that searches are short. */
#define PLACES ((size_t)2 * BOUNDS_TALLY_RULE_CAP)

const uint32_t tally_bucket_us[TALLY_BUCKETS] = {
	500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
	1000000, 2500000, 5000000, 10000000
};

typedef _Atomic uint64_t cell;

struct row_names {
	char	listener[BOUNDS_TALLY_NAME_CAP];
	char	profile[BOUNDS_TALLY_NAME_CAP];
};

/* Written by the master alone.  A key is set before others can look for it:
 * a row is complete before the number of rows says so. */
static struct names {
	int64_t			started;
	_Atomic unsigned	generation;
	_Atomic unsigned	max_workers;
	_Atomic size_t		nrows;
	size_t			nrules;
	cell			events[TALLY_PROCESSES][TALLY_EVENTS];
	struct row_names	rows[BOUNDS_TALLY_ROW_CAP];
	cell			keys[PLACES];	/* 0: free */
} *names;

struct row_cells {
	cell	verdicts[TALLY_VERDICTS];	/* ALLOW: without a place */
	cell	times[TALLY_BUCKETS + 1];
	cell	sum_us;
};

static struct cells {
	struct row_cells	rows[BOUNDS_TALLY_ROW_CAP];
	cell			reasons[REASON_COUNT];
	cell			rules[PLACES];
} *cells;

static void
add(cell *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static uint64_t
get(const cell *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

int
tally_open(void)
{
	names = memory_share(sizeof(*names));
	cells = memory_share(sizeof(*cells));
	if (names == NULL || cells == NULL)
		return -1;
	names->started = (int64_t)time(NULL);
	atomic_store(&names->nrows, 1);
	return 0;
}

/* -- the master -- */

void
tally_set(unsigned generation, unsigned max_workers)
{
	atomic_store(&names->generation, generation);
	atomic_store(&names->max_workers, max_workers);
}

/* s without what is too long for us, and whether it is that name. */
static bool
is_named(const char *name, const char *s)
{
	size_t len = strnlen(s, BOUNDS_TALLY_NAME_CAP - 1);

	return strlen(name) == len && memcmp(name, s, len) == 0;
}

static void
set_name(char *name, const char *s)
{
	size_t len = strnlen(s, BOUNDS_TALLY_NAME_CAP - 1);

	memcpy(name, s, len);
	name[len] = '\0';
}

size_t
tally_row(const char *listener, const char *profile)
{
	size_t i, n;

	n = tally_rows();
	for (i = 1; i < n; i++)
		if (is_named(names->rows[i].listener, listener) &&
		    is_named(names->rows[i].profile, profile))
			return i;
	if (n == BOUNDS_TALLY_ROW_CAP)
		return 0;
	set_name(names->rows[n].listener, listener);
	set_name(names->rows[n].profile, profile);
	atomic_store(&names->nrows, n + 1);
	return n;
}

static uint64_t
key_of(size_t row, size_t line_no)
{
	return (uint64_t)row << 32 | (uint32_t)line_no;
}

/* Where the key is, or would be. */
static size_t
find(uint64_t key)
{
	size_t i;

	/* A multiplication mixes lines that follow each other well enough
	 * (Fibonacci hashing); there are always free places. */
	i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PLACES;
	while (get(&names->keys[i]) != key && get(&names->keys[i]) != 0)
		i = (i + 1) % PLACES;
	return i;
}

bool
tally_rule(size_t row, size_t line_no)
{
	const uint64_t key = key_of(row, line_no);
	size_t i;

	if (row == 0)
		return false;
	i = find(key);
	if (line_no > 0 && get(&names->keys[i]) == key)
		return true;
	if (names->nrules == BOUNDS_TALLY_RULE_CAP)
		return false;
	names->nrules++;
	atomic_store(&names->keys[i], key);
	return true;
}

void
tally_event(enum tally_process process, enum tally_event event)
{
	add(&names->events[process][event], 1);
}

/* -- a worker -- */

int
tally_enter(void)
{
	return mprotect(names, sizeof(*names), PROT_READ);
}

int
tally_watch(void)
{
	return tally_enter() == 0 ?
	    mprotect(cells, sizeof(*cells), PROT_READ) : -1;
}

void
tally_allow(size_t row, size_t line_no)
{
	const uint64_t key = key_of(row, line_no);
	size_t i;

	i = find(key);
	if (get(&names->keys[i]) == key)
		add(&cells->rules[i], 1);
	else
		add(&cells->rows[row].verdicts[TALLY_ALLOW], 1);
}

void
tally_refuse(size_t row, enum tally_verdict verdict, enum reason reason)
{
	add(&cells->rows[row].verdicts[verdict], 1);
	add(&cells->reasons[reason], 1);
}

void
tally_warn(size_t row)
{
	add(&cells->rows[row].verdicts[TALLY_WARN], 1);
}

void
tally_took(size_t row, int64_t us)
{
	const uint64_t took = us > 0 ? (uint64_t)us : 0;
	size_t i;

	for (i = 0; i < TALLY_BUCKETS; i++)
		if (took <= tally_bucket_us[i])
			break;
	add(&cells->rows[row].times[i], 1);
	add(&cells->rows[row].sum_us, took);
}

/* -- who reads -- */

size_t
tally_rows(void)
{
	return atomic_load(&names->nrows);
}

const char *
tally_listener(size_t row)
{
	return names->rows[row].listener;
}

const char *
tally_profile(size_t row)
{
	return names->rows[row].profile;
}

uint64_t
tally_refused(size_t row, enum tally_verdict verdict)
{
	return get(&cells->rows[row].verdicts[verdict]);
}

void
tally_times(size_t row, struct tally_times *out)
{
	size_t i;

	for (i = 0; i <= TALLY_BUCKETS; i++)
		out->count[i] = get(&cells->rows[row].times[i]);
	out->sum_us = get(&cells->rows[row].sum_us);
}

uint64_t
tally_reason(enum reason reason)
{
	return get(&cells->reasons[reason]);
}

uint64_t
tally_events(enum tally_process process, enum tally_event event)
{
	return get(&names->events[process][event]);
}

unsigned
tally_generation(void)
{
	return atomic_load(&names->generation);
}

unsigned
tally_max_workers(void)
{
	return atomic_load(&names->max_workers);
}

int64_t
tally_started(void)
{
	return names->started;
}

bool
tally_next(size_t *at, struct tally_rule *rule)
{
	uint64_t key;

	/* First the rows' own, then the rules. */
	if (*at < tally_rows()) {
		rule->row = *at;
		rule->line_no = 0;
		rule->allowed = get(&cells->rows[*at].verdicts[TALLY_ALLOW]);
		(*at)++;
		return true;
	}
	if (*at < BOUNDS_TALLY_ROW_CAP)
		*at = BOUNDS_TALLY_ROW_CAP;
	for (; *at < BOUNDS_TALLY_ROW_CAP + PLACES; (*at)++) {
		key = get(&names->keys[*at - BOUNDS_TALLY_ROW_CAP]);
		if (key == 0)
			continue;
		rule->row = (size_t)(key >> 32);
		rule->line_no = (size_t)(uint32_t)key;
		rule->allowed = get(&cells->rules[*at -
		    BOUNDS_TALLY_ROW_CAP]);
		(*at)++;
		return true;
	}
	return false;
}
