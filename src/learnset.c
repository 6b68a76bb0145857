/*
 * A set of lines: a tree to find them, and a list to release them.
 */

#include "config.h"

#include "learnset.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memory.h"

struct learnset_line {
	struct learnset_line	*next;
	struct span		 text;
	char			*copy;
};

void
learnset_init(struct learnset *set)
{
	*set = (struct learnset){ NULL, NULL };
}

static int
compare(const void *a, const void *b)
{
	const struct learnset_line *x = a, *y = b;

	if (x->text.len != y->text.len)
		return x->text.len < y->text.len ? -1 : 1;
	return memcmp(x->text.p, y->text.p, x->text.len);
}

bool
learnset_add(struct learnset *set, struct span line)
{
	struct learnset_line *l = memory_take(sizeof(*l)), **found;

	l->copy = memory_take(line.len + 1);
	memcpy(l->copy, line.p, line.len);
	l->text = (struct span){ l->copy, line.len };
	/* In the list even if it is there already: all is released as one. */
	l->next = set->first;
	set->first = l;
	found = tsearch(l, &set->index, compare);
	if (found == NULL)
		fatal(1, "out of memory");
	return *found == l;
}

static void
keep(void *line)
{
	(void)line; /* it is in the list, too */
}

void
learnset_free(struct learnset *set)
{
	struct learnset_line *l;

	tdestroy(set->index, keep);
	while ((l = set->first) != NULL) {
		set->first = l->next;
		free(l->copy);
		free(l);
	}
	learnset_init(set);
}
