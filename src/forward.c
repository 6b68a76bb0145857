/*
 * Heads written anew.  Up goes what was judged and a list of known fields;
 * down comes everything that is meant end to end.
 */

#include "config.h"

#include "forward.h"

#include "bounds.h"
#include "text.h"

/* Request fields that dockerd or its streams have a use for.  A "-" at the
 * end stands for all names that begin so. */
static const char *const kept[] = {
	"Accept",		/* AuthZ plugins, libpod */
	"Accept-Encoding",	/* cp asks for gzip */
	"Baggage",		/* OpenTelemetry, sent by docker CLI */
	"Content-Encoding",	/* of a body */
	"Content-Type",		/* judged: never a form */
	"Sec-WebSocket-",	/* attach/ws */
	"Traceparent",		/* OpenTelemetry */
	"Tracestate",
	"User-Agent",		/* dockerd's log */
	"X-Docker-",		/* BuildKit sessions */
	"X-Meta-",		/* plugins and registries */
	"X-Registry-",		/* pull, push, build: registry logins */
};

/* Answer fields that speak of one connection only, RFC 9110 7.6.1. */
static const char *const hop_by_hop[] = {
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection",
	"TE", "Trailer", "Transfer-Encoding", "Upgrade",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
put_field(struct text *t, struct span name, struct span value)
{
	text_span(t, name);
	text_str(t, ": ");
	text_span(t, value);
	text_str(t, "\r\n");
}

static bool
is_kept(struct span name)
{
	struct span known;
	size_t i;

	for (i = 0; i < COUNT(kept); i++) {
		known = span_of(kept[i]);
		if (known.p[known.len - 1] == '-' ?
		    span_starts_nocase(name, known) :
		    span_eq_nocase(name, known))
			return true;
	}
	return false;
}

static void
put_request_connection(struct text *t, const struct http_head *head,
    const struct policy_request *request)
{
	if (!http_wants_upgrade(head) ||
	    !target_hijacks(&request->target, request->method)) {
		text_str(t, "Connection: close\r\n");
		return;
	}
	text_str(t, "Connection: Upgrade, close\r\n");
	put_field(t, SPAN("Upgrade"), http_field(head, SPAN("Upgrade")));
}

static void
put_request_framing(struct text *t, const struct http_head *head,
    const struct body *body)
{
	if (body->kind == BODY_CHUNKED)
		text_str(t, "Transfer-Encoding: chunked\r\n");
	if (body->kind == BODY_LENGTH || (body->kind == BODY_NONE &&
	    http_count(head, SPAN("Content-Length")) > 0)) {
		text_str(t, "Content-Length: ");
		text_number(t, body->left);
		text_str(t, "\r\n");
	}
	/* RFC 9110 10.1.1: to be ignored in 1.0, and without a body. */
	if (body->kind != BODY_NONE && head->minor == 1 &&
	    http_count(head, SPAN("Expect")) > 0)
		text_str(t, "Expect: 100-continue\r\n");
}

size_t
forward_request_make(char *buf, size_t cap, const struct http_head *head,
    const struct policy_request *request)
{
	struct text t;
	size_t i;

	text_init(&t, buf, cap);
	text_span(&t, request->method);
	text_char(&t, ' ');
	text_span(&t, request->target.whole);
	text_str(&t, head->minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
	text_str(&t, "Host: docker\r\n");
	put_request_connection(&t, head, request);
	put_request_framing(&t, head, &request->body);
	for (i = 0; i < head->nfields; i++)
		if (is_kept(head->fields[i].name))
			put_field(&t, head->fields[i].name,
			    head->fields[i].value);
	text_str(&t, "\r\n");
	return t.is_full ? 0 : t.len;
}

/* Hop-by-hop by name, or because Connection says so; the length never is, or
 * the client would not see where the answer ends. */
static bool
is_hop_by_hop(const struct http_head *head, struct span name)
{
	size_t i;

	for (i = 0; i < COUNT(hop_by_hop); i++)
		if (span_eq_nocase(name, span_of(hop_by_hop[i])))
			return true;
	return !span_eq_nocase(name, SPAN("Content-Length")) &&
	    http_lists(head, SPAN("Connection"), name);
}

static void
put_answer_connection(struct text *t, const struct http_head *head,
    bool is_close)
{
	if (head->status == 101) {
		text_str(t, "Connection: Upgrade\r\n");
		put_field(t, SPAN("Upgrade"), http_field(head,
		    SPAN("Upgrade")));
	} else if (head->status < 200) {
		return;
	} else if (is_close) {
		text_str(t, "Connection: close\r\n");
	} else if (head->minor == 0) {
		text_str(t, "Connection: keep-alive\r\n");
	}
}

size_t
forward_answer_make(char *buf, size_t cap, const struct http_head *head,
    const struct body *body, bool is_close)
{
	struct text t;
	size_t i;

	text_init(&t, buf, cap);
	text_str(&t, head->minor == 1 ? "HTTP/1.1 " : "HTTP/1.0 ");
	text_number(&t, (uint64_t)head->status);
	text_char(&t, ' ');
	text_span(&t, head->phrase);
	text_str(&t, "\r\n");
	for (i = 0; i < head->nfields; i++)
		if (!is_hop_by_hop(head, head->fields[i].name))
			put_field(&t, head->fields[i].name,
			    head->fields[i].value);
	if (body->kind == BODY_CHUNKED)
		text_str(&t, "Transfer-Encoding: chunked\r\n");
	put_answer_connection(&t, head, is_close);
	text_str(&t, "\r\n");
	return t.is_full ? 0 : t.len;
}
