#ifndef DSP_FUZZ_H
#define DSP_FUZZ_H

/*
 * libFuzzer harnesses: they assert laws, not only the absence of crashes.
 * Build with --enable-fuzz (clang).  Seeds are tests/corpus/http/req, and
 * tests/fuzz/answers for fuzz_answer.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LAW(claim)			\
	do {				\
		if (!(claim))		\
			abort();	\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* DSP_FUZZ_H */
