/*
 * Requests as authorization plugins are told of them: Host, Transfer-Encoding
 * and earlier ones of repeated fields are missing, and of bodies those that
 * are not JSON.
 */

#include "config.h"

#include "authzhead.h"

#include "body.h"
#include "span.h"
#include "target.h"
#include "text.h"

/* A head of HTTP/1.1 has a Host; dockerd does not say which. */
#define NO_HOST " HTTP/1.1\r\nHost:\r\n"

/* JSON strings have any bytes, and those that end a word or a line would make
 * another head of this one. */
static enum reason
check_bytes(const struct authzmsg *m)
{
	size_t i;

	if (!http_is_token(m->method))
		return REASON_METHOD;
	if (m->target.len == 0)
		return REASON_TARGET_FORM;
	for (i = 0; i < m->target.len; i++)
		if (m->target.p[i] <= ' ' || m->target.p[i] > '~')
			return REASON_TARGET_BYTE;
	for (i = 0; i < m->nfields; i++)
		if (!http_is_value(m->fields[i].value))
			return REASON_FIELD_VALUE;
	return REASON_NONE;
}

static bool
write_head(const struct authzmsg *m, struct text *t)
{
	size_t i;

	text_span(t, m->method);
	text_char(t, ' ');
	text_span(t, m->target);
	text_str(t, NO_HOST);
	for (i = 0; i < m->nfields; i++) {
		text_span(t, m->fields[i].name);
		text_str(t, ": ");
		text_span(t, m->fields[i].value);
		text_str(t, "\r\n");
	}
	text_str(t, "\r\n");
	return !t->is_full;
}

static enum reason
parse_head(const struct authzmsg *m, char *buf, size_t *len,
    struct http_head *head)
{
	enum http_result result;
	struct text t;
	size_t used;

	text_init(&t, buf, BOUNDS_HEAD_CAP);
	if (!write_head(m, &t))
		return REASON_HEAD_LONG;
	*len = t.len;
	result = http_parse_request(t.buf, t.len, head, &used);
	if (result == HTTP_BAD)
		return head->reason;
	return result == HTTP_DONE && used == t.len ? REASON_NONE :
	    REASON_AUTHZ_MESSAGE;
}

/* -- the media type -- */

static struct span
skip(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.len - n };
}

/* Bytes of the token that s begins with. */
static size_t
token_len(struct span s)
{
	size_t n;

	for (n = 0; n < s.len; n++)
		if (!http_is_token((struct span){ s.p + n, 1 }))
			break;
	return n;
}

/* Bytes of the quoted string that s begins with, 0: it is none. */
static size_t
quoted_len(struct span s)
{
	size_t n;

	for (n = 1; n < s.len && s.p[n] != '"'; n++)
		n += s.p[n] == '\\';
	return n < s.len && s.p[0] == '"' ? n + 1 : 0;
}

/* Cut one parameter off, "name=value", with the blanks around it. */
static bool
cut_parameter(struct span *s)
{
	size_t n;

	*s = span_trim(*s);
	n = token_len(*s);
	if (n == 0 || n == s->len || s->p[n] != '=')
		return false;
	*s = skip(*s, n + 1);
	n = token_len(*s);
	if (n == 0)
		n = quoted_len(*s);
	*s = span_trim(skip(*s, n));
	return n > 0;
}

/*
 * Whether dockerd, strict or not, can only understand this type one way; *type
 * is it without parameters.
 * Source: RFC 9110 section 8.3.1.
 */
static bool
parse_type(struct span s, struct span *type)
{
	size_t n;

	s = span_trim(s);
	*type = s;
	n = token_len(s);
	if (n == 0 || n == s.len || s.p[n] != '/')
		return false;
	type->len = n + 1 + token_len(skip(s, n + 1));
	if (type->len == n + 1)
		return false;
	s = span_trim(skip(s, type->len));
	while (s.len > 0) {
		if (s.p[0] != ';')
			return false;
		s = skip(s, 1);
		if (!cut_parameter(&s))
			return false;
	}
	return true;
}

/* -- the body -- */

/* The path without the version. */
static struct span
plain_path(const struct target *t)
{
	struct span path = t->path;

	if (t->has_version)
		do
			path = skip(path, 1);
		while (path.len > 0 && path.p[0] != '/');
	return path;
}

/* Newer daemons keep the passwords that are in it from their plugins. */
static bool
is_login(const struct target *t)
{
	return span_eq(plain_path(t), SPAN("/auth"));
}

static bool
ends_in(struct span s, struct span end)
{
	return s.len >= end.len &&
	    span_eq(skip(s, s.len - end.len), end);
}

/* Where a body is an archive, which no plugin is told. */
static bool
takes_archive(const struct target *t)
{
	const struct span path = plain_path(t);

	if (span_eq(path, SPAN("/images/create")))
		return span_has(t->whole, SPAN("fromSrc=-"));
	return span_eq(path, SPAN("/build")) ||
	    span_eq(path, SPAN("/images/load")) ||
	    span_eq(path, SPAN("/plugins/create")) ||
	    (span_starts_nocase(path, SPAN("/containers/")) &&
	    ends_in(path, SPAN("/archive")));
}

/* It came: then its length must be what the head says. */
static enum reason
body_there(const struct authzmsg *m, const struct http_head *head,
    struct body *body)
{
	if (http_count(head, SPAN("Content-Length")) > 0)
		return body->left == m->body_len ? REASON_NONE :
		    REASON_AUTHZ_BODY;
	if (!body_is_allowed(head->method))
		return REASON_BODY_METHOD;
	body->kind = BODY_CHUNKED;
	return REASON_NONE;
}

/*
 * It did not come.  Daemons without the fix of CVE-2026-34040 leave large ones
 * out and obey them all the same.  Of a type that is repeated dockerd takes
 * the first, and tells the last: so another one than JSON may be a form, but
 * where it is an archive.  Without a length, what has a type may have a body in
 * chunks; what has none is neither a form nor JSON to dockerd.
 */
static enum reason
body_missing(const struct http_head *head, const struct target *target,
    struct span type, struct body *body)
{
	const bool has_type = type.p != NULL;

	if (http_count(head, SPAN("Content-Length")) == 0 && has_type &&
	    body_is_allowed(head->method))
		body->kind = BODY_CHUNKED;
	if (body->kind == BODY_NONE || !has_type)
		return REASON_NONE;
	if (span_eq_nocase(type, SPAN("application/json")))
		return is_login(target) ? REASON_NONE : REASON_AUTHZ_BODY;
	/* The policy refuses a form that is told to be one. */
	return span_eq_nocase(type, SPAN("application/x-www-form-urlencoded"))
	    || takes_archive(target) ? REASON_NONE : REASON_AUTHZ_BODY;
}

static enum reason
judge_body(const struct authzmsg *m, const struct http_head *head,
    struct policy_request *r)
{
	struct span type = { NULL, 0 };

	if (r->content_type.p != NULL && !parse_type(r->content_type, &type))
		return REASON_MEDIA_TYPE;
	if (m->has_body)
		return body_there(m, head, &r->body);
	return body_missing(head, &r->target, type, &r->body);
}

enum reason
authzhead_make(const struct authzmsg *m, char buf[BOUNDS_HEAD_CAP],
    size_t *len, struct http_head *head, struct policy_request *request)
{
	enum reason reason;

	head->method = m->method;
	head->target = m->target;
	head->nfields = 0;
	head->minor = 1;
	*len = 0;
	reason = check_bytes(m);
	if (reason == REASON_NONE)
		reason = parse_head(m, buf, len, head);
	if (reason != REASON_NONE)
		return reason;
	request->method = head->method;
	request->content_type = http_field(head, SPAN("Content-Type"));
	request->is_browser = policy_is_browser(head);
	reason = body_of_request(head, &request->body);
	if (reason == REASON_NONE)
		reason = target_parse(head->target, &request->target);
	return reason != REASON_NONE ? reason :
	    judge_body(m, head, request);
}

bool
authzhead_widen(const struct authzmsg *m, struct policy_request *request,
    char buf[BOUNDS_REQUEST_LINE_CAP], enum reason *reason)
{
	struct text t;

	if (m->has_body || request->content_type.p == NULL ||
	    request->body.kind == BODY_NONE ||
	    !takes_archive(&request->target))
		return false;
	text_init(&t, buf, BOUNDS_REQUEST_LINE_CAP);
	text_span(&t, request->target.path);
	text_str(&t, "?" AUTHZHEAD_ANY);
	*reason = t.is_full ? REASON_AUTHZ_BODY :
	    target_parse((struct span){ t.buf, t.len }, &request->target);
	return true;
}
