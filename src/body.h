#ifndef DSP_BODY_H
#define DSP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "reason.h"
#include "span.h"

/*
 * Where a message ends, and walking to that end without copying.
 * Source: RFC 9112 sections 6 and 7.
 */

enum body_kind {
	BODY_NONE,
	BODY_LENGTH,
	BODY_CHUNKED,
	BODY_CLOSE		/* until the sender closes; a tunnel too */
};

struct body {
	enum body_kind	kind;
	uint64_t	left;	/* LENGTH: of the body; CHUNKED: of the chunk */
	unsigned	state;	/* CHUNKED: what the next byte must be */
	unsigned	digits;	/* CHUNKED: of the size so far */
};

enum body_result {
	BODY_DATA,
	BODY_MORE,
	BODY_DONE,
	BODY_BAD
};

/* The longest BODY_LENGTH of a request: BOUNDS_LENGTH_DIGITS nines. */
#define BODY_LENGTH_MAX UINT64_C(999999999999999999)

/* Bytes that body_chunk_make needs at most: 16 digits, CR, LF. */
#define BODY_CHUNK_HEAD_CAP 18

/*
 * body_of_request(head, body):
 * Set *body to the framing of the request head (a zero length is
 * BODY_NONE).  REASON_NONE, or why the framing is refused.
 */
enum reason body_of_request(const struct http_head *head, struct body *body);

/*
 * body_is_allowed(method):
 * False for methods that have no use for a body in the Docker API; dockerd
 * swallows one silently.
 */
bool body_is_allowed(struct span method);

/*
 * body_of_answer(head, is_head, body):
 * The same for an answer; is_head: the request's method was HEAD.  Does not
 * know about tunnels (101, or 200 to attach).
 */
enum reason body_of_answer(const struct http_head *head, bool is_head,
    struct body *body);

/* body_until_close(body): everything up to the end of the connection. */
void body_until_close(struct body *body);

/*
 * body_walk(body, buf, len, used, data):
 * Go over the next bytes of the body: *used is how many of the len bytes at
 * buf were taken, framing included, and body remembers the place.
 * BODY_DATA: *data (in buf, not empty) is content; call again with the rest.
 * BODY_MORE: all bytes taken, the body goes on.  BODY_DONE: the body ended
 * cleanly, bytes beyond *used belong to the next message.  BODY_BAD: the
 * framing is wrong, now and for good.
 */
enum body_result body_walk(struct body *body, const char *buf, size_t len,
    size_t *used, struct span *data);

/*
 * body_plain(body): so many of the next bytes are content and nothing else,
 * whatever they are; 0 where each byte has to be looked at.
 * body_skip(body, len): so many of those went by unseen.
 */
uint64_t body_plain(const struct body *body);
void body_skip(struct body *body, uint64_t len);

/*
 * body_is_between(body): it goes on, nobody knows how long, and its kind alone
 * says how: until the sender closes, or with the first byte of a chunk.
 */
bool body_is_between(const struct body *body);

/*
 * body_chunk_make(out, len):
 * Write the size line of a chunk of len bytes, and return its length.
 */
size_t body_chunk_make(char out[BODY_CHUNK_HEAD_CAP], uint64_t len);

#endif /* DSP_BODY_H */
