/*
 * Heads: bytes to struct, strictly.  Where a message ends is body's
 * business, what a target means is target's.
 *
 * A head is parsed only when it is complete, so a slow sender costs one scan
 * for its end per read; a line that is already too long is told at once.
 */

#include "config.h"

#include "http.h"

#include <stdint.h>
#include <string.h>

/* What is left to read of a head. */
struct cursor {
	const char	*p;
	const char	*end;
};

/* Bytes of a token, RFC 9110 section 5.6.2. */
static bool
is_token_byte(char c)
{
	return span_is_alnum(c) ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
http_is_token(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_token_byte(s.p[i]))
			return false;
	return s.len > 0;
}

/*
 * The length of the head in buf with its empty line, 0 when it has not come
 * yet.  A bare LF would be found by nobody else as an end: line_next refuses
 * it.
 */
static size_t
head_length(const char *buf, size_t len)
{
	const char *p;
	size_t left;

	p = buf;
	left = len;
	while (left >= 4 && (p = memchr(p, '\r', left - 3)) != NULL) {
		if (memcmp(p, "\r\n\r\n", 4) == 0)
			return (size_t)(p - buf) + 4;
		p++;
		left = len - (size_t)(p - buf);
	}
	return 0;
}

/*
 * Why a head that is not complete, or too long, can be refused already: a
 * limit is passed, or a line ends in a way that no continuation puts right.
 */
static enum reason
early_reason(const char *buf, size_t len)
{
	const char *end, *p;
	size_t line_len;

	end = buf + len;
	p = memchr(buf, '\n', len);
	line_len = p != NULL ? (size_t)(p - buf) : len;
	/* The line may be followed by its CR. */
	if (line_len > BOUNDS_REQUEST_LINE_CAP + 1)
		return REASON_LINE_LONG;
	if (len >= BOUNDS_HEAD_CAP)
		return REASON_HEAD_LONG;
	for (; p != NULL; p = memchr(p + 1, '\n', (size_t)(end - p - 1)))
		if (p == buf || p[-1] != '\r')
			return REASON_LINE_END;
	for (p = memchr(buf, '\r', len); p != NULL && p + 1 < end;
	    p = memchr(p + 1, '\r', (size_t)(end - p - 1)))
		if (p[1] != '\n')
			return REASON_LINE_END;
	return REASON_NONE;
}

/* Cut the next line off, without its CR LF. */
static bool
line_next(struct cursor *at, struct span *line)
{
	const char *lf;
	size_t len;

	lf = memchr(at->p, '\n', (size_t)(at->end - at->p));
	if (lf == NULL || lf == at->p || lf[-1] != '\r')
		return false;
	len = (size_t)(lf - 1 - at->p);
	if (len > 0 && memchr(at->p, '\r', len) != NULL)
		return false;
	*line = (struct span){ at->p, len };
	at->p = lf + 1;
	return true;
}

/* "HTTP/1.1" or "HTTP/1.0" and nothing else is spoken here. */
static enum reason
parse_version(struct span s, int *minor)
{
	if (s.len != 8 || memcmp(s.p, "HTTP/", 5) != 0 ||
	    !span_is_digit(s.p[5]) || s.p[6] != '.' ||
	    !span_is_digit(s.p[7]))
		return REASON_REQUEST_LINE;
	if (s.p[5] != '1' || s.p[7] > '1')
		return REASON_VERSION;
	*minor = s.p[7] - '0';
	return REASON_NONE;
}

/* METHOD SP target SP HTTP/1.x; the target must not be empty or have a
 * space, the rest of its form is target_parse's. */
static enum reason
parse_request_line(struct span line, struct http_head *head)
{
	struct span rest, version;

	if (line.len > BOUNDS_REQUEST_LINE_CAP)
		return REASON_LINE_LONG;
	rest = line;
	if (!span_next(&rest, ' ', &head->method) ||
	    !span_next(&rest, ' ', &head->target) ||
	    !span_next(&rest, ' ', &version) || rest.p != NULL ||
	    head->target.len == 0)
		return REASON_REQUEST_LINE;
	if (!http_is_token(head->method))
		return REASON_METHOD;
	return parse_version(version, &head->minor);
}

/* No control byte but tab; bytes from 0x80 are opaque (RFC 9110 5.5). */
bool
http_is_value(struct span s)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < s.len; i++) {
		c = (unsigned char)s.p[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* HTTP/1.x SP three digits SP phrase; servers may leave the last space out
 * with an empty phrase. */
static enum reason
parse_status_line(struct span line, struct http_head *head)
{
	struct span rest, version, code;
	uint64_t status;

	if (line.len > BOUNDS_REQUEST_LINE_CAP)
		return REASON_LINE_LONG;
	rest = line;
	if (!span_next(&rest, ' ', &version) ||
	    !span_next(&rest, ' ', &code) ||
	    parse_version(version, &head->minor) != REASON_NONE ||
	    code.len != 3 || !span_number(code, 3, &status) ||
	    status < 100 || status > 599)
		return REASON_STATUS_LINE;
	head->status = (int)status;
	head->phrase = rest;
	return http_is_value(rest) ? REASON_NONE : REASON_STATUS_LINE;
}

static enum reason
parse_field(struct span line, struct http_field *field)
{
	const char *colon;

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return REASON_FOLD;
	colon = memchr(line.p, ':', line.len);
	if (colon == NULL)
		return REASON_FIELD_NAME;
	field->name = (struct span){ line.p, (size_t)(colon - line.p) };
	if (!http_is_token(field->name))
		return REASON_FIELD_NAME;
	field->value = span_trim((struct span){ colon + 1,
	    line.len - field->name.len - 1 });
	return http_is_value(field->value) ? REASON_NONE : REASON_FIELD_VALUE;
}

/* Field lines up to the empty line, which must be the last. */
static enum reason
parse_fields(struct cursor *at, struct http_head *head)
{
	struct span line;
	enum reason reason;

	head->nfields = 0;
	while (line_next(at, &line)) {
		if (line.len == 0)
			return REASON_NONE;
		if (head->nfields == BOUNDS_FIELD_CAP)
			return REASON_FIELD_COUNT;
		reason = parse_field(line, &head->fields[head->nfields]);
		if (reason != REASON_NONE)
			return reason;
		head->nfields++;
	}
	return REASON_LINE_END;
}

/* Host: bytes of a URI host and port (RFC 3986 section 3.2.2), or empty. */
static bool
is_host(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '%') {
			if (s.len - i < 3 || span_hex(s.p[i + 1]) < 0 ||
			    span_hex(s.p[i + 2]) < 0)
				return false;
			continue;
		}
		if (!span_is_alnum(s.p[i]) && (s.p[i] == '\0' ||
		    strchr("-._~!$&'()*+,;=:[]", s.p[i]) == NULL))
			return false;
	}
	return true;
}

bool
http_is_ascii(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/*
 * Whether the start of a request, whose head has not come whole, is wrong
 * already.  A peer that speaks something else (TLS, HTTP/0.9) would have us
 * wait for an end that never comes.
 */
static enum reason
early_request(const char *buf, size_t len, struct http_head *head)
{
	struct cursor at = { buf, buf + len };
	struct span line;
	size_t i;

	if (line_next(&at, &line))
		return parse_request_line(line, head);
	for (i = 0; i < len && buf[i] != ' '; i++)
		if (!is_token_byte(buf[i]))
			return REASON_METHOD;
	return i == 0 && len > 0 ? REASON_METHOD : REASON_NONE;
}

/* Fields whose value or number decides what the request means. */
static enum reason
check_request_fields(const struct http_head *head)
{
	struct span value;
	size_t hosts;

	hosts = http_count(head, SPAN("Host"));
	if (hosts > 1 || (hosts == 0 && head->minor == 1) ||
	    !is_host(http_field(head, SPAN("Host"))))
		return REASON_HOST;
	if (http_count(head, SPAN("Content-Type")) > 1 ||
	    http_count(head, SPAN("Expect")) > 1)
		return REASON_FIELD_TWICE;
	/* dockerd folds some of these bytes into ASCII letters. */
	if (!http_is_ascii(http_field(head, SPAN("Content-Type"))))
		return REASON_CONTENT_TYPE;
	if (http_wants_upgrade(head) &&
	    (http_count(head, SPAN("Upgrade")) != 1 ||
	    !http_is_token(http_field(head, SPAN("Upgrade")))))
		return REASON_UPGRADE;
	value = http_field(head, SPAN("Expect"));
	if (value.p != NULL && !span_eq_nocase(value, SPAN("100-continue")))
		return REASON_EXPECT;
	return REASON_NONE;
}

/* Set up a cursor over a complete head, or say why there is none. */
static enum http_result
begin(const char *buf, size_t len, struct http_head *head, struct cursor *at)
{
	size_t length;

	length = head_length(buf, len);
	head->reason = REASON_NONE;
	if (len > 0 && (length == 0 || length > BOUNDS_HEAD_CAP))
		head->reason = early_reason(buf, len);
	if (head->reason != REASON_NONE)
		return HTTP_BAD;
	*at = (struct cursor){ buf, buf + length };
	return length == 0 ? HTTP_MORE : HTTP_DONE;
}

enum http_result
http_parse_request(const char *buf, size_t len, struct http_head *head,
    size_t *used)
{
	enum http_result result;
	struct cursor at;
	struct span line;

	result = begin(buf, len, head, &at);
	if (result == HTTP_MORE)
		head->reason = early_request(buf, len, head);
	if (result == HTTP_MORE && head->reason != REASON_NONE)
		return HTTP_BAD;
	if (result != HTTP_DONE)
		return result;
	head->reason = REASON_LINE_END;
	if (line_next(&at, &line))
		head->reason = parse_request_line(line, head);
	if (head->reason == REASON_NONE)
		head->reason = parse_fields(&at, head);
	if (head->reason == REASON_NONE)
		head->reason = check_request_fields(head);
	if (head->reason != REASON_NONE)
		return HTTP_BAD;
	*used = (size_t)(at.p - buf);
	return HTTP_DONE;
}

enum http_result
http_parse_answer(const char *buf, size_t len, struct http_head *head,
    size_t *used)
{
	enum http_result result;
	struct cursor at;
	struct span line;

	result = begin(buf, len, head, &at);
	if (result != HTTP_DONE)
		return result;
	head->reason = REASON_STATUS_LINE;
	if (line_next(&at, &line))
		head->reason = parse_status_line(line, head);
	if (head->reason == REASON_NONE)
		head->reason = parse_fields(&at, head);
	if (head->reason != REASON_NONE)
		return HTTP_BAD;
	*used = (size_t)(at.p - buf);
	return HTTP_DONE;
}

struct span
http_field(const struct http_head *head, struct span name)
{
	size_t i;

	for (i = 0; i < head->nfields; i++)
		if (span_eq_nocase(head->fields[i].name, name))
			return head->fields[i].value;
	return (struct span){ NULL, 0 };
}

size_t
http_count(const struct http_head *head, struct span name)
{
	size_t i, n;

	n = 0;
	for (i = 0; i < head->nfields; i++)
		if (span_eq_nocase(head->fields[i].name, name))
			n++;
	return n;
}

bool
http_lists(const struct http_head *head, struct span name, struct span token)
{
	struct span rest, element;
	size_t i;

	for (i = 0; i < head->nfields; i++) {
		if (!span_eq_nocase(head->fields[i].name, name))
			continue;
		rest = head->fields[i].value;
		while (span_next(&rest, ',', &element))
			if (span_eq_nocase(span_trim(element), token))
				return true;
	}
	return false;
}

bool
http_wants_close(const struct http_head *head)
{
	if (http_lists(head, SPAN("Connection"), SPAN("close")))
		return true;
	return head->minor == 0 &&
	    !http_lists(head, SPAN("Connection"), SPAN("keep-alive"));
}

bool
http_wants_upgrade(const struct http_head *head)
{
	return head->minor == 1 &&
	    http_lists(head, SPAN("Connection"), SPAN("upgrade")) &&
	    http_count(head, SPAN("Upgrade")) > 0;
}
