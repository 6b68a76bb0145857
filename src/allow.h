#ifndef DSP_ALLOW_H
#define DSP_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bounds.h"
#include "span.h"
#include "text.h"

/*
 * Who may connect to a listener: the entries of its key allow=.
 * Source: RFC 4291 section 2.2 (addresses), RFC 4632 section 3.1 (prefixes).
 */

#define ALLOW_ADDRESS_LEN 16

enum allow_kind {
	ALLOW_NET,		/* an address, or all of a network */
	ALLOW_UID,
	ALLOW_GID		/* one of the peer's groups */
};

struct allow_entry {
	enum allow_kind	kind;
	/* NET: IPv6, or IPv4 as ::ffff:a.b.c.d; no bit is set behind the
	 * prefix, which counts from the front of these bytes */
	unsigned char	address[ALLOW_ADDRESS_LEN];
	unsigned	prefix_len;	/* bits */
	uid_t		uid;		/* UID */
	gid_t		gid;		/* GID */
};

/* Without an entry everybody is allowed. */
struct allow {
	struct allow_entry	entries[BOUNDS_ALLOW_CAP];
	size_t			nentries;
};

/* A client: an address, or for unix sockets who it is. */
struct allow_peer {
	bool		 is_user;
	unsigned char	 address[ALLOW_ADDRESS_LEN];	/* as in an entry */
	uid_t		 uid;
	gid_t		 gid;
	const gid_t	*groups;	/* the others; looked at only if
					 * allow_wants_groups */
	size_t		 ngroups;
};

enum allow_result {
	ALLOW_GOOD,
	ALLOW_FORM,		/* neither an address nor uid: nor gid: */
	ALLOW_PREFIX,		/* no number, or more than the address has */
	ALLOW_HOST_BITS		/* bits are set behind the prefix */
};

/*
 * allow_parse(s, e, name):
 * Read one value of the key.  ALLOW_GOOD: *e is filled, but uid or gid, which
 * the caller finds out from *name, the part of s behind "uid:" or "gid:", not
 * empty.  ALLOW_HOST_BITS: *e is the network that the address is in.  Else
 * *e and *name are unspecified.
 */
enum allow_result allow_parse(struct span s, struct allow_entry *e,
    struct span *name);

/* allow_put(t, e): write the entry as in the key, with numbers. */
void allow_put(struct text *t, const struct allow_entry *e);

/*
 * allow_match(a, peer):
 * True when the peer may connect.  Networks of IPv6, ::/0 too, take no peer
 * with an IPv4 address.
 */
bool allow_match(const struct allow *a, const struct allow_peer *peer);

/* allow_is(e, peer): the same of one entry. */
bool allow_is(const struct allow_entry *e, const struct allow_peer *peer);

/* allow_wants_groups(a): whether all groups of a peer matter. */
bool allow_wants_groups(const struct allow *a);

#endif /* DSP_ALLOW_H */
