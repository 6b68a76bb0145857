#ifndef DSP_LEARNQUERY_H
#define DSP_LEARNQUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "learnvalue.h"
#include "span.h"
#include "text.h"

/*
 * All queries that one endpoint was asked with, as one expression.
 */

/* Values of one parameter that are written as they are; when there are more,
 * a class of bytes stands for all.  Filters are what narrows a request: for
 * them that is the last resort. */
#define LEARNQUERY_VALUES 8
#define LEARNQUERY_FILTERS 64

/* Parameters; an endpoint has some 30 at most. */
#define LEARNQUERY_PARAMS 64

struct learnquery_param {
	struct span	 name;
	bool		 has_value;	/* there was "=" behind the name */
	char		**values;	/* expressions */
	size_t		 nvalues, values_cap;
	bool		 is_many;	/* more than these */
	bool		 has_number;	/* any, not among these */
	bool		 is_numbers;	/* all values are numbers */
	bool		 is_beyond_bool;	/* and not only 0 and 1 */
	bool		 is_id, is_image;	/* all are such names */
	struct learnvalue_set set;
};

struct learnquery {
	struct learnquery_param	*params;
	size_t			 nparams;
	bool			 was_absent, was_there;
	bool			 was_joined;	/* more than one at once */
	bool			 is_full;	/* more parameters came */
};

/* learnquery_free(q): release what learnquery_add took. */
void learnquery_free(struct learnquery *q);

/* learnquery_add(q, target): take in the query of a target, or that it has
 * none.  The target must outlive *q. */
void learnquery_add(struct learnquery *q, struct span target);

/* learnquery_write(q, out): add an expression for the question mark and all
 * that followed it, in any order; for nothing, if there was none. */
void learnquery_write(const struct learnquery *q, struct learnvalue_out *out);

/* learnquery_write_one(q, target, out): the same for the query of this target
 * alone, with other numbers and ids. */
void learnquery_write_one(const struct learnquery *q, struct span target,
    struct learnvalue_out *out);

/* learnquery_is_wide(p): whether a class stands for the values. */
bool learnquery_is_wide(const struct learnquery_param *p);

#endif /* DSP_LEARNQUERY_H */
