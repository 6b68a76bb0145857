/*
 * Our own answers as bytes.
 */

#include "config.h"

#include "reply.h"

#include <string.h>

#include "text.h"

/* Reason phrases of the statuses in REASON_TABLE, RFC 9110 section 15. */
static const struct {
	int		 status;
	const char	*phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 408, "Request Timeout" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 417, "Expectation Failed" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *
phrase_of(int status)
{
	size_t i;

	for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Error";
}

/* At most cap bytes of s, and dots for the rest. */
static void
put_cut(struct text *t, struct span s, size_t cap)
{
	text_json(t, (struct span){ s.p, s.len < cap ? s.len : cap });
	if (s.len > cap)
		text_str(t, "...");
}

/* "docker-socket-protector: why[ profile][: METHOD target]"; the last part not
 * for clients that may say nothing. */
static void
put_message(struct text *t, const struct reply *r)
{
	text_str(t, "\"docker-socket-protector: ");
	text_str(t, reason_info(r->reason)->text);
	if (r->reason == REASON_NO_RULE || r->reason == REASON_MATCH_ERROR) {
		text_char(t, ' ');
		text_json(t, r->profile);
	}
	if (reason_info(r->reason)->status == 403 &&
	    r->reason != REASON_NOT_ALLOWED) {
		text_str(t, ": ");
		put_cut(t, r->method, BOUNDS_REPLY_METHOD_CAP);
		text_char(t, ' ');
		put_cut(t, r->target, BOUNDS_REPLY_TARGET_CAP);
	}
	text_char(t, '"');
}

static void
begin_body(struct text *body, char buf[BOUNDS_REPLY_CAP])
{
	text_init(body, buf + REPLY_HEAD_CAP,
	    BOUNDS_REPLY_CAP - REPLY_HEAD_CAP);
}

/* Put the head in front of the body, and both at the start of buf. */
static size_t
end_body(char buf[BOUNDS_REPLY_CAP], const struct text *body,
    const struct reply *r, int status)
{
	char head[REPLY_HEAD_CAP];
	struct text t;

	text_init(&t, head, sizeof(head));
	text_str(&t, r->minor == 0 ? "HTTP/1.0 " : "HTTP/1.1 ");
	text_number(&t, (uint64_t)status);
	text_char(&t, ' ');
	text_str(&t, phrase_of(status));
	text_str(&t, "\r\nContent-Type: application/json\r\n"
	    "Content-Length: ");
	text_number(&t, body->len);
	text_str(&t, "\r\n");
	if (r->is_close)
		text_str(&t, "Connection: close\r\n");
	else if (r->minor == 0)
		text_str(&t, "Connection: keep-alive\r\n");
	text_str(&t, "\r\n");
	memcpy(buf, head, t.len);
	if (r->is_head) {
		memset(body->buf, 0, body->len);
		return t.len;
	}
	memmove(buf + t.len, body->buf, body->len);
	return t.len + body->len;
}

size_t
reply_make(char buf[BOUNDS_REPLY_CAP], const struct reply *r)
{
	struct text body;

	begin_body(&body, buf);
	text_str(&body, "{\"message\":");
	put_message(&body, r);
	text_str(&body, "}\n");
	return end_body(buf, &body, r, reason_info(r->reason)->status);
}

size_t
reply_authz_make(char buf[BOUNDS_REPLY_CAP], enum reply_authz kind,
    const struct reply *r)
{
	struct text body;

	begin_body(&body, buf);
	if (kind == REPLY_AUTHZ_HELLO) {
		text_str(&body, "{\"Implements\":[\"authz\"]}\n");
	} else if (r->reason == REASON_NONE) {
		text_str(&body, "{\"Allow\":true}\n");
	} else {
		text_str(&body, "{\"Allow\":false,\"Msg\":");
		put_message(&body, r);
		if (kind == REPLY_AUTHZ_ERROR) {
			text_str(&body, ",\"Err\":");
			put_message(&body, r);
		}
		text_str(&body, "}\n");
	}
	return end_body(buf, &body, r, kind == REPLY_AUTHZ_ERROR ?
	    reason_info(r->reason)->status : 200);
}
