/*
 * Orders: what a worker says to the gate.  order_read is the wall: it must
 * hold against a worker that sends anything at all.
 */

#include "config.h"

#include "order.h"

#include <string.h>

#include "text.h"

/* Request fields that dockerd or its streams have a use for.  A "-" at the
 * end stands for all names that begin so. */
static const struct span kept[] = {
	SPAN_INIT("Accept"),			/* AuthZ plugins, libpod */
	SPAN_INIT("Accept-Encoding"),		/* cp asks for gzip */
	SPAN_INIT("Baggage"),			/* OpenTelemetry, sent by docker CLI */
	SPAN_INIT("Content-Encoding"),		/* of a body */
	SPAN_INIT("Content-Type"),		/* judged: never a form */
	SPAN_INIT("Sec-WebSocket-"),		/* attach/ws */
	SPAN_INIT("Traceparent"),		/* OpenTelemetry */
	SPAN_INIT("Tracestate"),
	SPAN_INIT("User-Agent"),		/* dockerd's log */
	SPAN_INIT("X-Docker-"),			/* BuildKit sessions */
	SPAN_INIT("X-Meta-"),			/* plugins and registries */
	SPAN_INIT("X-Registry-"),		/* pull, push, build: registry logins */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	FLAG_NO_BODY = 1,	/* Content-Length: 0 was said */
	FLAG_CONTINUE = 2,
	FLAG_ALL = 3
};

/* What a head has beside its words: "  HTTP/1.1" and two line ends; and in
 * each field a colon and a line end. */
enum {
	LINE_REST = 10,
	HEAD_REST = LINE_REST + 4,
	FIELD_REST = 3
};

/* An order begins so; then method, target, upgrade, and nfields fields. */
struct wire {
	uint64_t	body_len;	/* BODY_LENGTH only */
	uint32_t	no;
	uint32_t	listener;
	uint32_t	minor;
	uint32_t	framing;	/* enum body_kind */
	uint32_t	flags;
	uint32_t	nfields;
	uint32_t	method_len;
	uint32_t	target_len;
	uint32_t	upgrade_len;	/* 0: no upgrade */
	uint32_t	line;		/* enum order_line */
};

/* A field begins so; then its name and its value. */
struct wire_field {
	uint32_t	name_len;
	uint32_t	value_len;
};

_Static_assert(sizeof(struct wire) == 48, "an order has no padding");

static bool
is_kept(struct span name)
{
	struct span known;
	size_t i;

	for (i = 0; i < COUNT(kept); i++) {
		known = kept[i];
		if (known.p[known.len - 1] == '-' ?
		    span_starts_nocase(name, known) :
		    span_eq_nocase(name, known))
			return true;
	}
	return false;
}

/* Bytes of an object as they are in memory. */
static void
put_raw(struct text *t, const void *object, size_t len)
{
	text_span(t, (struct span){ object, len });
}

static uint32_t
put_fields(struct text *t, const struct http_head *head)
{
	const struct http_field *field;
	struct wire_field wire;
	uint32_t n;
	size_t i;

	n = 0;
	for (i = 0; i < head->nfields; i++) {
		field = &head->fields[i];
		if (!is_kept(field->name))
			continue;
		wire.name_len = (uint32_t)field->name.len;
		wire.value_len = (uint32_t)field->value.len;
		put_raw(t, &wire, sizeof(wire));
		text_span(t, field->name);
		text_span(t, field->value);
		n++;
	}
	return n;
}

/* RFC 9110 10.1.1: Expect is to be ignored in 1.0, and without a body. */
static uint32_t
flags_of(const struct http_head *head, const struct body *body)
{
	uint32_t flags;

	flags = 0;
	if (body->kind == BODY_NONE &&
	    http_count(head, SPAN("Content-Length")) > 0)
		flags |= FLAG_NO_BODY;
	if (body->kind != BODY_NONE && head->minor == 1 &&
	    http_count(head, SPAN("Expect")) > 0)
		flags |= FLAG_CONTINUE;
	return flags;
}

/* GET and HEAD change nothing, so they may be sent anew when a kept connection
 * turns out to have ended: RFC 9110 9.2.2. */
static bool
is_safe(const struct policy_request *request, int minor)
{
	return minor == 1 && request->body.kind == BODY_NONE &&
	    (span_eq(request->method, SPAN("GET")) ||
	    span_eq(request->method, SPAN("HEAD")));
}

bool
order_may_keep(const struct http_head *head,
    const struct policy_request *request)
{
	return is_safe(request, head->minor) && !request->target.is_stream &&
	    !http_wants_upgrade(head);
}

size_t
order_make(char *buf, size_t cap, const struct http_head *head,
    const struct policy_request *request, enum order_line line, uint32_t no,
    uint32_t listener)
{
	struct span upgrade = { "", 0 };
	struct wire wire;
	struct text t;

	if (http_wants_upgrade(head) &&
	    target_hijacks(&request->target, request->method))
		upgrade = http_field(head, SPAN("Upgrade"));
	memset(&wire, 0, sizeof(wire));
	wire.no = no;
	wire.listener = listener;
	wire.minor = (uint32_t)head->minor;
	wire.framing = (uint32_t)request->body.kind;
	if (request->body.kind == BODY_LENGTH)
		wire.body_len = request->body.left;
	wire.flags = flags_of(head, &request->body);
	wire.method_len = (uint32_t)request->method.len;
	wire.target_len = (uint32_t)request->target.whole.len;
	wire.upgrade_len = (uint32_t)upgrade.len;
	wire.line = (uint32_t)line;
	text_init(&t, buf, cap);
	put_raw(&t, &wire, sizeof(wire));
	text_span(&t, request->method);
	text_span(&t, request->target.whole);
	text_span(&t, upgrade);
	wire.nfields = put_fields(&t, head);
	if (t.is_full)
		return 0;
	memcpy(buf, &wire, sizeof(wire));
	return t.len;
}

/* Take len bytes off the front of *rest; false when there are fewer. */
static bool
take(struct span *rest, size_t len, struct span *out)
{
	if (len > rest->len)
		return false;
	*out = (struct span){ rest->p, len };
	rest->p += len;
	rest->len -= len;
	return true;
}

static enum order_result
read_framing(const struct wire *wire, struct order *order)
{
	struct policy_request *r = &order->request;

	r->body = (struct body){ .kind = BODY_NONE };
	if (wire->framing != BODY_NONE && wire->framing != BODY_LENGTH &&
	    wire->framing != BODY_CHUNKED)
		return ORDER_NUMBER;
	if ((wire->body_len > 0) != (wire->framing == BODY_LENGTH) ||
	    wire->body_len > BODY_LENGTH_MAX)
		return ORDER_FRAMING;
	if (wire->framing == BODY_CHUNKED && wire->minor == 0)
		return ORDER_FRAMING;
	if (wire->framing != BODY_NONE && !body_is_allowed(r->method))
		return ORDER_FRAMING;
	order->says_no_body = (wire->flags & FLAG_NO_BODY) != 0;
	order->wants_continue = (wire->flags & FLAG_CONTINUE) != 0;
	if (order->says_no_body && wire->framing != BODY_NONE)
		return ORDER_FRAMING;
	if (order->wants_continue &&
	    (wire->framing == BODY_NONE || wire->minor == 0))
		return ORDER_FRAMING;
	r->body.kind = (enum body_kind)wire->framing;
	r->body.left = wire->body_len;
	/* Nothing but heads written here goes to a connection that is kept. */
	if (order->line != ORDER_ONCE && (order->upgrade.p != NULL ||
	    !is_safe(r, order->minor)))
		return ORDER_FRAMING;
	return ORDER_OK;
}

/* A token, for what may become a tunnel; dockerd knows it in 1.1 only. */
static bool
is_good_upgrade(const struct order *order)
{
	return order->minor == 1 && http_is_token(order->upgrade) &&
	    target_hijacks(&order->request.target, order->request.method);
}

/* The fixed part, and the strings behind it. */
static enum order_result
read_request(const struct wire *wire, struct span *rest, struct order *order)
{
	struct policy_request *r = &order->request;
	struct span target;

	if (wire->minor > 1 || (wire->flags & ~(uint32_t)FLAG_ALL) != 0 ||
	    wire->line > ORDER_USE || wire->nfields > BOUNDS_FIELD_CAP)
		return ORDER_NUMBER;
	order->listener = wire->listener;
	order->minor = (int)wire->minor;
	order->line = (enum order_line)wire->line;
	if (!take(rest, wire->method_len, &r->method) ||
	    !take(rest, wire->target_len, &target) ||
	    !take(rest, wire->upgrade_len, &order->upgrade))
		return ORDER_SIZE;
	if (!http_is_token(r->method))
		return ORDER_METHOD;
	if (r->method.len + target.len + LINE_REST >
	    BOUNDS_REQUEST_LINE_CAP ||
	    target_parse(target, &r->target) != REASON_NONE)
		return ORDER_TARGET;
	if (order->upgrade.len > 0 && !is_good_upgrade(order))
		return ORDER_UPGRADE;
	if (order->upgrade.len == 0)
		order->upgrade.p = NULL;
	return read_framing(wire, order);
}

/* One field: of a name that is sent on, and a value that a head can have. */
static enum order_result
read_field(struct span *rest, struct order *order)
{
	struct http_field *field = &order->fields[order->nfields];
	struct wire_field wire;
	struct span raw;

	if (!take(rest, sizeof(wire), &raw))
		return ORDER_SIZE;
	memcpy(&wire, raw.p, sizeof(wire));
	if (!take(rest, wire.name_len, &field->name) ||
	    !take(rest, wire.value_len, &field->value))
		return ORDER_SIZE;
	if (!http_is_token(field->name) || !is_kept(field->name) ||
	    !http_is_value(field->value) ||
	    span_trim(field->value).len != field->value.len)
		return ORDER_FIELD;
	if (span_eq_nocase(field->name, SPAN("Content-Type"))) {
		if (order->request.content_type.p != NULL ||
		    !http_is_ascii(field->value))
			return ORDER_FIELD;
		order->request.content_type = field->value;
	}
	order->nfields++;
	return ORDER_OK;
}

/* Whether an order of len bytes can be of a head that was received. */
static bool
is_of_head(const struct order *order, size_t len)
{
	size_t words;

	words = len - sizeof(struct wire) -
	    order->nfields * sizeof(struct wire_field);
	return words + HEAD_REST + order->nfields * FIELD_REST <=
	    BOUNDS_HEAD_CAP;
}

enum order_result
order_read(const char *buf, size_t len, struct order *order)
{
	struct span rest = { buf, len };
	enum order_result result;
	struct wire wire;
	struct span raw;

	order->no = 0;
	order->nfields = 0;
	memset(&order->request, 0, sizeof(order->request));
	if (!take(&rest, sizeof(wire), &raw))
		return ORDER_SIZE;
	memcpy(&wire, raw.p, sizeof(wire));
	order->no = wire.no;
	result = read_request(&wire, &rest, order);
	while (result == ORDER_OK && order->nfields < wire.nfields)
		result = read_field(&rest, order);
	if (result == ORDER_OK &&
	    (rest.len > 0 || !is_of_head(order, len)))
		return ORDER_SIZE;
	return result;
}

const char *
order_word(enum order_result result)
{
	static const char *const words[] = {
		[ORDER_OK] = "ok",
		[ORDER_SIZE] = "size",
		[ORDER_NUMBER] = "number",
		[ORDER_METHOD] = "method",
		[ORDER_TARGET] = "target",
		[ORDER_FRAMING] = "framing",
		[ORDER_UPGRADE] = "upgrade",
		[ORDER_FIELD] = "field",
	};

	return (size_t)result < COUNT(words) ? words[result] : "order";
}
