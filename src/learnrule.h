#ifndef DSP_LEARNRULE_H
#define DSP_LEARNRULE_H

#include <stdbool.h>
#include <stddef.h>

#include "bounds.h"
#include "learnquery.h"
#include "learnvalue.h"
#include "reqlog.h"
#include "route.h"
#include "target.h"

/*
 * The rules that requests of a log make: one for each endpoint, another one
 * beside it for names that no class has.
 */

/* A request that a rule was made from. */
struct learnrule_source {
	const struct reqlog_entry *entry;
	struct learnrule_source	*next;
};

struct learnrule {
	const struct route	*route;		/* NULL: none is known */
	struct span		 method;
	char			*path;		/* an expression */
	struct learnquery	 query;
	bool			 has_version;	/* vN.N.N was seen */
	bool			 has_plain;	/* v1.N, or none */
	size_t			 count;		/* of requests */
	struct learnrule_source	*sources, **sources_end;
	struct learnrule	*next;
};

struct learnrule_list {
	struct learnrule	*first, **end;	/* in the order of coming */
	size_t			 n;		/* BOUNDS_RULE_CAP at most */
	size_t			 nleft;		/* requests beyond */
	void			*index;
};

/* learnrule_init(list): begin an empty list.  learnrule_free(list): release
 * it. */
void learnrule_init(struct learnrule_list *list);
void learnrule_free(struct learnrule_list *list);

/* learnrule_add(list, entry): take in a canonical request, which must outlive
 * the list. */
void learnrule_add(struct learnrule_list *list,
    const struct reqlog_entry *entry);

/* Where a rule is written. */
struct learnrule_line {
	struct learnvalue_out	out;
	char			buf[BOUNDS_RULE_LINE_CAP];
};

/*
 * learnrule_write(rule, is_inline, line):
 * Write the line of the rule, with the variables of the fragment "classes" or
 * (is_inline) without.  False when it is too long.
 */
bool learnrule_write(const struct learnrule *rule, bool is_inline,
    struct learnrule_line *line);

/* learnrule_write_one(rule, entry, is_inline, line): the same for one of its
 * sources. */
bool learnrule_write_one(const struct learnrule *rule,
    const struct reqlog_entry *entry, bool is_inline,
    struct learnrule_line *line);

/* learnrule_is_asked_plainly(rule): never with a query, nor with vN.N.N. */
bool learnrule_is_asked_plainly(const struct learnrule *rule);

#endif /* DSP_LEARNRULE_H */
