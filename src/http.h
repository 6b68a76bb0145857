#ifndef DSP_HTTP_H
#define DSP_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "bounds.h"
#include "reason.h"
#include "span.h"

/*
 * Strict HTTP/1 heads.  Whatever could be read two ways is refused, never
 * repaired.  Spans point into the buffer that was parsed.
 * Source: RFC 9112 sections 2 to 5, RFC 9110 section 5.
 */

enum http_result {
	HTTP_DONE,
	HTTP_MORE,
	HTTP_BAD
};

struct http_field {
	struct span	name;
	struct span	value;		/* without blanks at its ends */
};

struct http_head {
	struct span		method;		/* request only */
	struct span		target;		/* request only, as received */
	int			status;		/* answer only: 100 to 599 */
	struct span		phrase;		/* answer only, may be empty */
	int			minor;		/* HTTP/1.minor: 0 or 1 */
	struct http_field	fields[BOUNDS_FIELD_CAP];
	size_t			nfields;
	enum reason		reason;		/* why HTTP_BAD */
};

/*
 * http_parse_request(buf, len, head, used):
 * Parse the request head at the start of buf (len bytes).  HTTP_DONE: head
 * is filled and *used is the length of the head with its empty line.
 * HTTP_MORE: a valid start, read on and call again with all bytes so far.
 * HTTP_BAD: head->reason says why, *used is untouched; the limits of
 * bounds.h count as bad.  The target's own form is target_parse's business.
 */
enum http_result http_parse_request(const char *buf, size_t len,
    struct http_head *head, size_t *used);

/*
 * http_parse_answer(buf, len, head, used):
 * The same for an answer head.  A reason other than of the limits is
 * REASON_BAD_ANSWER's business: the caller answers 502 whatever it is.
 */
enum http_result http_parse_answer(const char *buf, size_t len,
    struct http_head *head, size_t *used);

/*
 * http_field(head, name):
 * The value of the first field called name (ASCII case ignored), or a span
 * whose p is NULL.
 */
struct span http_field(const struct http_head *head, struct span name);

/* http_count(head, name): how many fields are called name. */
size_t http_count(const struct http_head *head, struct span name);

/*
 * http_lists(head, name, token):
 * True when a field called name has token in its comma-separated value
 * (RFC 9110 section 5.6.1; ASCII case ignored).
 */
bool http_lists(const struct http_head *head, struct span name,
    struct span token);

/* http_wants_close(head): true when the sender of this head will not use
 * the connection for another message (RFC 9112 section 9.3). */
bool http_wants_close(const struct http_head *head);

/* http_wants_upgrade(head): true for HTTP/1.1 with "upgrade" in Connection
 * and an Upgrade field (RFC 9110 section 7.8). */
bool http_wants_upgrade(const struct http_head *head);

/* http_is_token(s): true for one or more token bytes (RFC 9110 5.6.2). */
bool http_is_token(struct span s);

/* http_is_value(s): true when a field may have this value: no control byte
 * but tab (RFC 9110 5.5).  http_is_ascii(s): no byte from 0x80 on. */
bool http_is_value(struct span s);
bool http_is_ascii(struct span s);

#endif /* DSP_HTTP_H */
