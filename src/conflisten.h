#ifndef DSP_CONFLISTEN_H
#define DSP_CONFLISTEN_H

#include "confwork.h"

/*
 * conflisten_parse(w, v, l):
 * Read ADDR[,key=value...] of v into *l.  False after reporting every
 * mistake in it.
 */
bool conflisten_parse(struct confwork *w, const struct confopt_value *v,
    struct conf_listen *l);

/* conflisten_metrics(w, v, l): the same for --metrics, which has no keys for
 * those whose requests go to dockerd. */
bool conflisten_metrics(struct confwork *w, const struct confopt_value *v,
    struct conf_listen *l);

/* conflisten_authz(w, v): set whether --authz was given.
 * conflisten_add_authz(w): once every source has spoken, add the listener that
 * it stands for; with it there is none by default. */
void conflisten_authz(struct confwork *w, const struct confopt_value *v);
void conflisten_add_authz(struct confwork *w);

/* conflisten_is_same(a, b): true when both have the same address. */
bool conflisten_is_same(const struct conf_listen *a,
    const struct conf_listen *b);

#endif /* DSP_CONFLISTEN_H */
