#ifndef DSP_VARS_H
#define DSP_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "bounds.h"
#include "rule.h"
#include "span.h"
#include "text.h"

/*
 * Variables of a profile: expressions with a name, that rules are written
 * with as {NAME}.
 */
struct vars {
	struct {
		struct span	name, value;
	} v[BOUNDS_VARS_CAP];
	size_t	n;
};

/*
 * vars_define(vars, name, value, error):
 * Remember value, an expression in which variables defined before may stand.
 * name and value must outlive *vars.  False with a text in error: a name that
 * is none or is taken, or a value that is no whole expression by itself.
 */
bool vars_define(struct vars *vars, struct span name, struct span value,
    char error[RULE_ERROR_CAP]);

/*
 * vars_expand(vars, s, out, error):
 * Add s to out, with the value of each variable in the place of its name, as
 * a group.  Escaped braces, quantifiers and what else PCRE2 writes in braces
 * stay as they are.  False with a text in error: an unknown name, a name
 * inside a class, or too long.
 */
bool vars_expand(const struct vars *vars, struct span s, struct text *out,
    char error[RULE_ERROR_CAP]);

#endif /* DSP_VARS_H */
