#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

/*
 * A histogram of times in nanoseconds, exact to one part in 128, which is
 * far below what differs from run to run.
 */

#define LATENCY_BITS	7
#define LATENCY_STEPS	(1u << LATENCY_BITS)	/* for each power of two */
#define LATENCY_BUCKETS ((64 - LATENCY_BITS + 1) * LATENCY_STEPS)

struct latency {
	uint64_t	count;
	uint64_t	buckets[LATENCY_BUCKETS];
};

/* latency_add(l, ns): one more time. */
void latency_add(struct latency *l, uint64_t ns);

/*
 * latency_us(l, share):
 * The time in microseconds that so great a share (0.5: the median) of all
 * times did not exceed; 0 when there are none.
 */
double latency_us(const struct latency *l, double share);

#endif /* BENCH_LATENCY_H */
