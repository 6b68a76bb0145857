/*
 * Times sorted into buckets: each power of two is cut into equal steps, so
 * that the width of a bucket grows with what is in it.
 */

#include "config.h"

#include "latency.h"

static unsigned
bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns < LATENCY_STEPS)
		return (unsigned)ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - LATENCY_BITS;
	return shift * LATENCY_STEPS + (unsigned)(ns >> shift);
}

/* The middle of a bucket. */
static double
value_of(unsigned bucket)
{
	unsigned shift;
	double from;

	if (bucket < 2 * LATENCY_STEPS)
		return bucket;
	shift = bucket / LATENCY_STEPS - 1;
	from = bucket % LATENCY_STEPS + LATENCY_STEPS;
	return (from + 0.5) * (double)(UINT64_C(1) << shift);
}

void
latency_add(struct latency *l, uint64_t ns)
{
	l->buckets[bucket_of(ns)]++;
	l->count++;
}

double
latency_us(const struct latency *l, double share)
{
	uint64_t seen = 0;
	unsigned bucket;

	for (bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
		seen += l->buckets[bucket];
		if (seen > 0 && (double)seen >= share * (double)l->count)
			return value_of(bucket) / 1000;
	}
	return 0;
}
