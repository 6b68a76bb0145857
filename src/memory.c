/*
 * Memory: taken or the end, and pages that processes share.
 */

#include "config.h"

#include "memory.h"

#include <sys/mman.h>

#include <stdlib.h>

#include "log.h"

void *
memory_take(size_t size)
{
	void *p;

	p = calloc(1, size);
	if (p == NULL)
		fatal(1, "out of memory");
	return p;
}

void *
memory_share(size_t len)
{
	void *p;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}
