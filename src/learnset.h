#ifndef DSP_LEARNSET_H
#define DSP_LEARNSET_H

#include <stdbool.h>

#include "span.h"

/*
 * Lines, each once.
 */
struct learnset {
	struct learnset_line	*first;
	void			*index;
};

/* learnset_init(set): an empty one.  learnset_free(set): release it. */
void learnset_init(struct learnset *set);
void learnset_free(struct learnset *set);

/* learnset_add(set, line): keep a copy; false when the set has it already.
 * Memory that runs out is fatal. */
bool learnset_add(struct learnset *set, struct span line);

#endif /* DSP_LEARNSET_H */
