/*
 * Framing: where a message ends.  The chunk walker takes exactly the
 * grammar of RFC 9112 section 7.1 without extensions and trailers.
 */

#include "config.h"

#include "body.h"

#include "bounds.h"
#include "text.h"

/* CHUNKED: what the next byte must be. */
enum chunk_state {
	CHUNK_SIZE,		/* hex digits of a size, or CR */
	CHUNK_SIZE_LF,
	CHUNK_CONTENT,
	CHUNK_CONTENT_CR,
	CHUNK_CONTENT_LF,
	CHUNK_LAST_CR,		/* after the size 0: the empty line */
	CHUNK_LAST_LF,
	CHUNK_END,
	CHUNK_WRONG		/* for good */
};

/* Content-Length: once, canonical digits. */
static enum reason
length_of(const struct http_head *head, struct body *body)
{
	uint64_t n;

	if (http_count(head, SPAN("Content-Length")) != 1 ||
	    !span_number(http_field(head, SPAN("Content-Length")),
	    BOUNDS_LENGTH_DIGITS, &n))
		return REASON_LENGTH;
	body->kind = n > 0 ? BODY_LENGTH : BODY_NONE;
	body->left = n;
	return REASON_NONE;
}

/* Framing by the head's fields; without any, body stays as it is. */
static enum reason
framing_of(const struct http_head *head, struct body *body)
{
	size_t lengths, codings;

	lengths = http_count(head, SPAN("Content-Length"));
	codings = http_count(head, SPAN("Transfer-Encoding"));
	if (lengths > 0 && codings > 0)
		return REASON_LENGTH_AND_CODING;
	if (codings > 0 && head->minor == 0)
		return REASON_CODING_OLD;
	if (codings > 0) {
		if (codings > 1 || !span_eq_nocase(http_field(head,
		    SPAN("Transfer-Encoding")), SPAN("chunked")))
			return REASON_CODING;
		body->kind = BODY_CHUNKED;
		return REASON_NONE;
	}
	return lengths > 0 ? length_of(head, body) : REASON_NONE;
}

bool
body_is_allowed(struct span method)
{
	return !span_eq(method, SPAN("GET")) &&
	    !span_eq(method, SPAN("HEAD")) && !span_eq(method, SPAN("DELETE"));
}

enum reason
body_of_request(const struct http_head *head, struct body *body)
{
	enum reason reason;

	*body = (struct body){ .kind = BODY_NONE };
	reason = framing_of(head, body);
	if (reason == REASON_NONE && body->kind != BODY_NONE &&
	    !body_is_allowed(head->method))
		reason = REASON_BODY_METHOD;
	return reason;
}

enum reason
body_of_answer(const struct http_head *head, bool is_head, struct body *body)
{
	enum reason reason;

	body_until_close(body);
	reason = framing_of(head, body);
	if (reason != REASON_NONE)
		return reason;
	if (is_head || head->status < 200 || head->status == 204 ||
	    head->status == 304)
		*body = (struct body){ .kind = BODY_NONE };
	return REASON_NONE;
}

void
body_until_close(struct body *body)
{
	*body = (struct body){ .kind = BODY_CLOSE };
}

/* Take up to left bytes as content. */
static enum body_result
take_content(struct body *body, const char *buf, size_t len, size_t *used,
    struct span *data)
{
	size_t n;

	n = len < body->left ? len : (size_t)body->left;
	if (n == 0)
		return BODY_MORE;
	*data = (struct span){ buf, n };
	*used += n;
	body->left -= n;
	return BODY_DATA;
}

/* One byte of a size line. */
static bool
size_byte(struct body *body, char c)
{
	int digit;

	if (c == '\r' && body->digits > 0) {
		body->state = CHUNK_SIZE_LF;
		return true;
	}
	digit = span_hex(c);
	if (digit < 0 || body->digits == BOUNDS_CHUNK_DIGITS)
		return false;
	body->digits++;
	body->left = body->left << 4 | (unsigned)digit;
	return body->left <= INT64_MAX;
}

/* One byte of framing: false when it is not the one that must come. */
static bool
framing_byte(struct body *body, char c)
{
	switch ((enum chunk_state)body->state) {
	case CHUNK_SIZE:
		return size_byte(body, c);
	case CHUNK_SIZE_LF:
		body->state = body->left > 0 ? CHUNK_CONTENT : CHUNK_LAST_CR;
		return c == '\n';
	case CHUNK_CONTENT_CR:
		body->state = CHUNK_CONTENT_LF;
		return c == '\r';
	case CHUNK_CONTENT_LF:
		body->state = CHUNK_SIZE;
		body->digits = 0;
		return c == '\n';
	case CHUNK_LAST_CR:
		body->state = CHUNK_LAST_LF;
		return c == '\r';
	case CHUNK_LAST_LF:
		body->state = CHUNK_END;
		return c == '\n';
	case CHUNK_CONTENT:
	case CHUNK_END:
	case CHUNK_WRONG:
		break;
	}
	return false;
}

static enum body_result
walk_chunked(struct body *body, const char *buf, size_t len, size_t *used,
    struct span *data)
{
	enum body_result result;

	while (body->state != CHUNK_END && *used < len) {
		if (body->state != CHUNK_CONTENT) {
			if (!framing_byte(body, buf[*used])) {
				body->state = CHUNK_WRONG;
				return BODY_BAD;
			}
			++*used;
			continue;
		}
		result = take_content(body, buf + *used, len - *used, used,
		    data);
		if (body->left == 0)
			body->state = CHUNK_CONTENT_CR;
		return result;
	}
	return body->state == CHUNK_END ? BODY_DONE : BODY_MORE;
}

enum body_result
body_walk(struct body *body, const char *buf, size_t len, size_t *used,
    struct span *data)
{
	*used = 0;
	switch (body->kind) {
	case BODY_NONE:
		return BODY_DONE;
	case BODY_LENGTH:
		if (body->left == 0)
			return BODY_DONE;
		return take_content(body, buf, len, used, data);
	case BODY_CHUNKED:
		return walk_chunked(body, buf, len, used, data);
	case BODY_CLOSE:
		body->left = UINT64_MAX;
		return take_content(body, buf, len, used, data);
	}
	return BODY_BAD;
}

uint64_t
body_plain(const struct body *body)
{
	switch (body->kind) {
	case BODY_LENGTH:
		return body->left;
	case BODY_CLOSE:
		return UINT64_MAX;
	case BODY_NONE:
	case BODY_CHUNKED:
		break;
	}
	return 0;
}

void
body_skip(struct body *body, uint64_t len)
{
	if (body->kind == BODY_LENGTH)
		body->left -= len;
}

bool
body_is_between(const struct body *body)
{
	return body->kind == BODY_CLOSE || (body->kind == BODY_CHUNKED &&
	    body->state == CHUNK_SIZE && body->digits == 0);
}

size_t
body_chunk_make(char out[BODY_CHUNK_HEAD_CAP], uint64_t len)
{
	struct text t;

	text_init(&t, out, BODY_CHUNK_HEAD_CAP);
	text_hex(&t, len);
	text_str(&t, "\r\n");
	return t.len;
}
