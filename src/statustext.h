#ifndef DSP_STATUSTEXT_H
#define DSP_STATUSTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "pool.h"

/* Bytes that hold the lines of some 1400 idle workers, 900 busy ones. */
#define STATUSTEXT_CAP	(256 * 1024)

/*
 * statustext_make(buf, cap, p, started_ms):
 * What --status prints about the pool p, whose master started at that time
 * of io_now_ms: lines of a word and key=value pairs.  First the daemon,
 * then its protection, listeners, counters, traffic and gate, then a line for
 * each worker, and "end workers=N shown=N".  Workers whose lines do not fit
 * into cap bytes are left out.  The bytes written.
 */
size_t statustext_make(char *buf, size_t cap, const struct pool *p,
    int64_t started_ms);

#endif /* DSP_STATUSTEXT_H */
