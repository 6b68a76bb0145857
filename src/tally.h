#ifndef DSP_TALLY_H
#define DSP_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "reason.h"

/*
 * What is counted from start to end, in shared pages: requests by listener
 * and profile (a row), verdict and rule; times; and what happened to our
 * processes.  Nothing is ever taken back, whatever ends or is loaded anew.
 * The master says what is counted, workers add to it, and only --metrics
 * reads it.
 */

/* Upper ends of the buckets of times in microseconds; one more has all. */
#define TALLY_BUCKETS 14
extern const uint32_t tally_bucket_us[TALLY_BUCKETS];

enum tally_verdict {
	TALLY_ALLOW,
	TALLY_DENY,		/* refused by policy or syntax */
	TALLY_ERROR,		/* 502, 503 and broken answers */
	TALLY_WARN,		/* no rule allows it, and it passes: also
				 * counted as allowed */
	TALLY_VERDICTS
};

/* Our own processes, and what happens to them. */
enum tally_process {
	TALLY_WORKER,
	TALLY_GATE,
	TALLY_PARK,
	TALLY_METRICS,
	TALLY_WHOIS,
	TALLY_PROCESSES
};

enum tally_event {
	TALLY_START,
	TALLY_DEATH,		/* that nobody asked for */
	TALLY_FILTER_DEATH,	/* the same, by the system call filter */
	TALLY_DISAGREE,		/* the gate refused its order */
	TALLY_EVENTS
};

/* Times of one row. */
struct tally_times {
	uint64_t	count[TALLY_BUCKETS + 1]; /* each bucket alone */
	uint64_t	sum_us;
};

/* tally_open(): make the pages, shared with all children to come: 0, or -1
 * with errno. */
int tally_open(void);

/* The master's side. */

/* tally_set(generation, max_workers): of the configuration that holds now. */
void tally_set(unsigned generation, unsigned max_workers);

/*
 * tally_row(listener, profile):
 * The row for these names, of which it remembers BOUNDS_TALLY_NAME_CAP - 1
 * bytes; the same for the same names.  When there are too many it is row 0,
 * which has no names.
 */
size_t tally_row(const char *listener, const char *profile);

/* tally_rule(row, line_no): count that rule by itself.  False when there are
 * too many: it counts as rule 0 of its row. */
bool tally_rule(size_t row, size_t line_no);

/* tally_event(process, event): it has happened once more. */
void tally_event(enum tally_process process, enum tally_event event);

/* The worker's side. */

/* tally_enter(): this process cannot write the master's part any more.
 * tally_watch(): nor anything else.  0, or -1 with errno. */
int tally_enter(void);
int tally_watch(void);

/* tally_allow(row, line_no): a request was allowed by that rule, and its
 * answer begins.  tally_refuse(row, verdict, reason): it was not. */
void tally_allow(size_t row, size_t line_no);
void tally_refuse(size_t row, enum tally_verdict verdict,
    enum reason reason);

/* tally_warn(row): it passes because its profile only warns. */
void tally_warn(size_t row);

/* tally_took(row, us): an answer was complete so long after its request. */
void tally_took(size_t row, int64_t us);

/* Reading it. */

/* tally_rows(): their number; row 0 is always there. */
size_t tally_rows(void);
const char *tally_listener(size_t row);
const char *tally_profile(size_t row);
uint64_t tally_refused(size_t row, enum tally_verdict verdict);
void tally_times(size_t row, struct tally_times *out);
uint64_t tally_reason(enum reason reason);
uint64_t tally_events(enum tally_process process, enum tally_event event);

/* tally_generation(), tally_max_workers(): what tally_set said.
 * tally_started(): when tally_open was called, seconds since 1970. */
unsigned tally_generation(void);
unsigned tally_max_workers(void);
int64_t tally_started(void);

/* One rule of a row and how often it allowed. */
struct tally_rule {
	size_t		row;
	size_t		line_no;	/* 0: those without one */
	uint64_t	allowed;
};

/* tally_next(at, rule): go over all; *at is 0 at first.  False at the
 * end. */
bool tally_next(size_t *at, struct tally_rule *rule);

#endif /* DSP_TALLY_H */
