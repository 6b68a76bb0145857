#ifndef DSP_CONFPOOL_H
#define DSP_CONFPOOL_H

#include "confwork.h"

/*
 * Doors, and the pools behind them: see conf.h.  A worker belongs to one pool,
 * so it can have one profile only, whoever takes it over.
 */

/* confpool_make(w): work out doors and pools, once the profiles are loaded.
 * Too many are a mistake. */
void confpool_make(struct confwork *w);

/* confpool_fits(c, l): whether clients of that listener can be told so: by
 * users on unix sockets, by addresses elsewhere. */
bool confpool_fits(const struct conf_client *c, const struct conf_listen *l);

/* Which line names the container of a client, besides its index in
 * conf->clients: */
#define CONFPOOL_NO_LINE	BOUNDS_CLIENT_CAP	/* none does */
#define CONFPOOL_NOT_KNOWN	(BOUNDS_CLIENT_CAP + 1)	/* it cannot be said */

/*
 * confpool_find(conf, door, who, line):
 * The pool that is due to a client who came by that door: of the first
 * --client that names it, or the one of all others.  line: of its container;
 * with CONFPOOL_NOT_KNOWN the result is BOUNDS_POOL_CAP when that matters.
 */
unsigned confpool_find(const struct conf *conf, unsigned door,
    const struct allow_peer *who, uint32_t line);

/* confpool_wants_whois(conf, l): whether containers of clients of that listener
 * may matter.  confpool_has_whois(conf): the same of any listener. */
bool confpool_wants_whois(const struct conf *conf,
    const struct conf_listen *l);
bool confpool_has_whois(const struct conf *conf);

/* confpool_wants_groups(conf): whether all groups of a client matter. */
bool confpool_wants_groups(const struct conf *conf);

/* confpool_moved(conf, old, i): the pool of conf that whoever waits in pool i
 * of old is still due to, conf->npools for none. */
size_t confpool_moved(const struct conf *conf, const struct conf *old,
    size_t i);

#endif /* DSP_CONFPOOL_H */
