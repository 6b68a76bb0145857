/*
 * Heads written anew.  Up goes what was judged; down comes everything that
 * is meant end to end.
 */

#include "config.h"

#include "forward.h"

#include "text.h"

/* Answer fields that speak of one connection only, RFC 9110 7.6.1. */
static const struct span hop_by_hop[] = {
	SPAN_INIT("Connection"), SPAN_INIT("Keep-Alive"),
	SPAN_INIT("Proxy-Authenticate"), SPAN_INIT("Proxy-Connection"),
	SPAN_INIT("TE"), SPAN_INIT("Trailer"),
	SPAN_INIT("Transfer-Encoding"), SPAN_INIT("Upgrade"),
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

static void
put_request_connection(struct text *t, const struct order *order)
{
	if (order->line != ORDER_ONCE)
		return;
	if (order->upgrade.p == NULL) {
		text_str(t, "Connection: close\r\n");
		return;
	}
	text_str(t, "Connection: Upgrade, close\r\n");
	put_field(t, SPAN("Upgrade"), order->upgrade);
}

static void
put_request_framing(struct text *t, const struct order *order)
{
	const struct body *body = &order->request.body;

	if (body->kind == BODY_CHUNKED)
		text_str(t, "Transfer-Encoding: chunked\r\n");
	if (body->kind == BODY_LENGTH || order->says_no_body) {
		text_str(t, "Content-Length: ");
		text_number(t, body->left);
		text_str(t, "\r\n");
	}
	if (order->wants_continue)
		text_str(t, "Expect: 100-continue\r\n");
}

size_t
forward_request_make(char *buf, size_t cap, const struct order *order)
{
	struct text t;
	size_t i;

	text_init(&t, buf, cap);
	text_span(&t, order->request.method);
	text_char(&t, ' ');
	text_span(&t, order->request.target.whole);
	text_str(&t, order->minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
	text_str(&t, "Host: docker\r\n");
	put_request_connection(&t, order);
	put_request_framing(&t, order);
	for (i = 0; i < order->nfields; i++)
		put_field(&t, order->fields[i].name, order->fields[i].value);
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
		if (span_eq_nocase(name, hop_by_hop[i]))
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
