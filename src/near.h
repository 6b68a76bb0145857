#ifndef DSP_NEAR_H
#define DSP_NEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "profile.h"
#include "span.h"

/*
 * Why nothing allows a request: the rule that comes nearest, and where it and
 * the request part.  For messages only.
 */

/* Bytes that a target is made of: visible ASCII. */
#define NEAR_FIRST	'!'
#define NEAR_LAST	'~'

struct near {
	const struct rule *rule;
	bool	takes_method;
	bool	takes_target;	/* all of it: only the method differs */
	size_t	at;		/* bytes of the target that it takes */
	bool	may_end;	/* it would take a target that ends here */
	bool	may_go_on[NEAR_LAST + 1];	/* or goes on with this byte */
};

/*
 * near_find(p, method, target, near):
 * The rule that takes most of the target, of such the first that takes the
 * method, too.  False when no rule takes even the first byte, or memory is
 * short.  Slow: expressions are compiled anew.
 */
bool near_find(const struct profile *p, struct span method,
    struct span target, struct near *near);

#endif /* DSP_NEAR_H */
