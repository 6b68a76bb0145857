#ifndef DSP_MEMORY_H
#define DSP_MEMORY_H

#include <stddef.h>

/*
 * Memory of two kinds.  Neither is asked for while requests are served.
 */

/*
 * memory_take(size):
 * Zeroed, for free(3).  Where there is none, the program ends with 1: for
 * tools that run alone, and for the master's configuration.
 */
void *memory_take(size_t size);

/*
 * memory_share(len):
 * Zeroed pages that processes forked later share, never given back; NULL with
 * errno of mmap(2).
 */
void *memory_share(size_t len);

#endif /* DSP_MEMORY_H */
