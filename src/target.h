#ifndef DSP_TARGET_H
#define DSP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "reason.h"
#include "span.h"

/*
 * The canonical request target: the one spelling of path and query that
 * dockerd and we read alike.  Other spellings are refused, not rewritten.
 * Source: RFC 9112 section 3.2.1, moby api/server/router.
 */

/* Endpoints whose meaning goes beyond their rule. */
enum target_route {
	TARGET_PLAIN,
	TARGET_ATTACH,		/* POST containers/X/attach */
	TARGET_ATTACH_WS,	/* GET containers/X/attach/ws */
	TARGET_EXEC_START,	/* POST exec/X/start */
	TARGET_START,		/* POST containers/X/start */
	TARGET_H2C		/* POST session, POST grpc: BuildKit */
};

struct target {
	struct span		whole;	/* what a rule is matched on */
	struct span		path;	/* without "?" and the query */
	bool			has_version;	/* /v1.N/ in front */
	unsigned		api_minor;	/* the N */
	bool			has_slash_escape;	/* %2F in the path */
	enum target_route	route;	/* by the path alone, any method */
	bool			is_stream;	/* its answer may be long, or
						 * without end; likewise */
};

/*
 * target_parse(s, t):
 * Check that s is canonical and fill *t, whose spans point into s.
 * REASON_NONE, or why s is refused (*t is then unspecified).
 */
enum reason target_parse(struct span s, struct target *t);

/*
 * target_hijacks(t, method):
 * True when dockerd may turn this request's connection into a tunnel.
 */
bool target_hijacks(const struct target *t, struct span method);

#endif /* DSP_TARGET_H */
