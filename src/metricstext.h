#ifndef DSP_METRICSTEXT_H
#define DSP_METRICSTEXT_H

#include <stddef.h>

#include "span.h"
#include "text.h"

/*
 * What --metrics tells, in the text format of Prometheus.
 * Source: Prometheus, "Exposition formats", text-based format 0.0.4.
 */

#define METRICSTEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* metricstext_label(t, value): add it as the inside of the quotes of a label:
 * backslash, quote and line feed escaped as the format asks; bytes outside
 * visible ASCII and space as \xHH, which the reader sees. */
void metricstext_label(struct text *t, struct span value);

/*
 * metricstext_make(buf, cap):
 * Write all metrics, from board, doing and tally.  The length, or 0 when cap
 * is too small.
 */
size_t metricstext_make(char *buf, size_t cap);

#endif /* DSP_METRICSTEXT_H */
