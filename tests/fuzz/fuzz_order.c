/* Orders: of forged ones only those pass that an honest worker could have
 * sent: the head that dockerd gets makes the very same order again. */

#include "config.h"

#include "fuzz.h"

#include "forward.h"
#include "order.h"

static struct http_head head;
static struct policy_request request;
static struct order order;
static char made[ORDER_CAP], again[ORDER_CAP], out[FORWARD_CAP];

/* Take a head in hand; whether a worker would serve it. */
static bool
read_head(const char *p, size_t len, size_t *used)
{
	if (http_parse_request(p, len, &head, used) != HTTP_DONE)
		return false;
	request = (struct policy_request){ .method = head.method };
	return target_parse(head.target, &request.target) == REASON_NONE &&
	    body_of_request(&head, &request.body) == REASON_NONE;
}

/* The order of the head in hand. */
static size_t
make_order(char *buf, enum order_line line)
{
	return order_make(buf, ORDER_CAP, &head, &request, line, order.no,
	    order.listener);
}

/* A connection carries one request; or several heads with nothing behind,
 * which may be sent twice. */
static void
check_line(void)
{
	size_t n;

	n = http_count(&head, SPAN("Connection"));
	LAW(http_wants_upgrade(&head) == (order.upgrade.p != NULL));
	if (order.line == ORDER_ONCE) {
		LAW(n == 1 && http_wants_close(&head));
		return;
	}
	LAW(n == 0 && head.minor == 1 && request.body.kind == BODY_NONE);
	LAW(http_count(&head, SPAN("Upgrade")) == 0 &&
	    http_count(&head, SPAN("Expect")) == 0 &&
	    http_count(&head, SPAN("Transfer-Encoding")) == 0);
	LAW(span_eq(head.method, SPAN("GET")) ||
	    span_eq(head.method, SPAN("HEAD")));
	LAW(order_may_keep(&head, &request) || request.target.is_stream);
}

/* Fields of ours may take a head over the limits. */
static void
check_laws(const char *p, size_t len)
{
	size_t n, used;

	n = forward_request_make(out, sizeof(out), &order);
	LAW(n > 0 && !order.request.is_browser);
	if (n > BOUNDS_HEAD_CAP || order.nfields + 5 > BOUNDS_FIELD_CAP)
		return;
	LAW(read_head(out, n, &used) && used == n);
	LAW(make_order(again, order.line) == len);
	LAW(memcmp(again, p, len) == 0);
	LAW(http_count(&head, SPAN("Host")) == 1);
	check_line();
	LAW(span_eq(order.request.content_type,
	    http_field(&head, SPAN("Content-Type"))));
}

/* Read an order that ends where its memory ends. */
static enum order_result
read_order(const char *p, size_t len)
{
	enum order_result result;
	char *copy;

	copy = malloc(len + 1);
	LAW(copy != NULL);
	memcpy(copy + 1, p, len);
	result = order_read(copy + 1, len, &order);
	if (result == ORDER_OK)
		check_laws(p, len);
	free(copy);
	return result;
}

/* A NUL and an order; or a head, and behind it changes to its order: where
 * (two bytes), and what to flip there.  Those that are refused are undone. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	size_t len, used, at, turn;
	enum order_line line;

	if (size > 0 && p[0] == '\0') {
		(void)read_order(p + 1, size - 1);
		return 0;
	}
	if (!read_head(p, size, &used))
		return 0;
	line = order_may_keep(&head, &request) ?
	    (enum order_line)(size % (ORDER_USE + 1)) : ORDER_ONCE;
	len = make_order(made, line);
	LAW(len > 0 && read_order(made, len) == ORDER_OK);
	LAW(order.line == line);
	for (turn = 0; turn < 256 && size - used >= 3; turn++, used += 3) {
		at = ((size_t)data[used] << 8 | data[used + 1]) % len;
		made[at] ^= p[used + 2];
		if (read_order(made, len) != ORDER_OK)
			made[at] ^= p[used + 2];
	}
	return 0;
}
