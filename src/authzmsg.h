#ifndef DSP_AUTHZMSG_H
#define DSP_AUTHZMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "http.h"
#include "json.h"
#include "span.h"

/*
 * What dockerd tells its authorization plugins of a request, read as it comes:
 * only what a verdict depends on is kept, and nothing of bodies.
 * Source: moby pkg/authorization, "Request" and "AuthZReq" in Docker's
 * documentation of access authorization plugins.
 */

/* Fields of the request's head that a verdict depends on; a browser's
 * Sec-Fetch- fields are four. */
#define AUTHZMSG_FIELD_CAP 16

/* Bytes of a key or a field's name; no known one is longer. */
#define AUTHZMSG_NAME_CAP 32

enum authzmsg_kind {
	AUTHZMSG_REQUEST,	/* AuthZReq */
	AUTHZMSG_ANSWER		/* AuthZRes: nothing of it is kept */
};

struct authzmsg {
	/* What is kept; spans point into kept, or are constant.  p is NULL
	 * where dockerd has said nothing. */
	struct span		method;
	struct span		target;		/* RequestUri, as received */
	struct span		user;
	struct span		user_by;	/* UserAuthNMethod */
	struct http_field	fields[AUTHZMSG_FIELD_CAP];
	size_t			nfields;
	bool			has_body;
	uint64_t		body_len;	/* decoded */

	/* Its own: */
	enum authzmsg_kind	kind;
	struct json		json;
	bool			is_bad;
	unsigned		depth;
	unsigned		seen;		/* known keys, as bits */
	int			key;		/* of the value under way, -1:
						 * none that is known */
	bool			is_kept;	/* the field's value, too */
	char			name[AUTHZMSG_NAME_CAP];
	size_t			name_len;	/* more: it did not fit */
	size_t			start;		/* of the value, in kept */
	unsigned		quad;		/* base64: place in four */
	unsigned		pads;		/* "=" so far */
	unsigned char		last;		/* what stood before */
	size_t			kept_len;
	char			kept[BOUNDS_AUTHZ_KEPT_CAP];
};

/* authzmsg_begin(m, kind): nothing was read yet. */
void authzmsg_begin(struct authzmsg *m, enum authzmsg_kind kind);

/*
 * authzmsg_walk(m, buf, len):
 * Read the next bytes of the message.  False when it is malformed, now and for
 * good: no JSON object; a known key or field twice, or of another type; a
 * RequestBody that is not canonical base64 (RFC 4648 section 4); more to keep
 * than bounds.h allows.
 */
bool authzmsg_walk(struct authzmsg *m, const char *buf, size_t len);

/* authzmsg_is_whole(m): whether what was read is one whole message, a
 * REQUEST with method and target. */
bool authzmsg_is_whole(const struct authzmsg *m);

/* authzmsg_forget(m): wipe what is kept, for there is another client next. */
void authzmsg_forget(struct authzmsg *m);

#endif /* DSP_AUTHZMSG_H */
