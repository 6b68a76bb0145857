#ifndef DSP_ROUTE_H
#define DSP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"
#include "target.h"

/*
 * What dockerd does for whom: the endpoints of its API and what they are good
 * for in the wrong hands.  For advice and learning only; no verdict depends
 * on it.
 * Source: Docker Engine API 1.24 to 1.55, Podman's API 5.
 */

/* The least first. */
enum route_risk {
	ROUTE_HARMLESS,		/* lists and states */
	ROUTE_STREAMS,		/* logs and other data as it comes */
	ROUTE_READS,		/* environments, files, tokens */
	ROUTE_DISRUPTS,		/* stops, removes, changes what runs */
	ROUTE_WRITES,		/* files, networks, terminals */
	ROUTE_ROOT,		/* gives root on the host */
	ROUTE_RISKS
};

struct route {
	const char	*method;
	const char	*path;		/* without version; names of anything
					 * in braces */
	enum route_risk	 risk;
	bool		 calls_out;	/* dockerd connects to where the
					 * client says */
};

extern const struct route route_table[];
extern const size_t route_count;

/* More routes than there are. */
#define ROUTE_CAP 256

/*
 * route_find(method, t):
 * The endpoint that dockerd takes this request to, or NULL: none.  A canonical
 * target, whose escaped slashes count as such.
 */
const struct route *route_find(struct span method, const struct target *t);

/* route_risk_word(risk): "host-root".  Static storage. */
const char *route_risk_word(enum route_risk risk);

#endif /* DSP_ROUTE_H */
