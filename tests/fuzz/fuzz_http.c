/* Request heads: growing prefixes agree, and what is forwarded means the
 * same as what was read. */

#include "config.h"

#include "fuzz.h"

#include "forward.h"

static struct http_head head, part, again;
static char out[2 * BOUNDS_HEAD_CAP];

static void
check_forward(void)
{
	struct policy_request request = { .method = head.method };
	struct body body;
	size_t len, used;

	/* Up to three fields of ours are added. */
	if (head.nfields > BOUNDS_FIELD_CAP - 3 ||
	    target_parse(head.target, &request.target) != REASON_NONE ||
	    body_of_request(&head, &request.body) != REASON_NONE)
		return;
	len = forward_request_make(out, sizeof(out), &head, &request);
	LAW(len > 0);
	LAW(http_parse_request(out, len, &again, &used) == HTTP_DONE);
	LAW(used == len && span_eq(again.method, head.method) &&
	    span_eq(again.target, head.target) && http_wants_close(&again));
	LAW(body_of_request(&again, &body) == REASON_NONE);
	LAW(body.kind == request.body.kind &&
	    body.left == request.body.left);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	enum http_result result, sofar;
	size_t used = 0, used_part, n;

	result = http_parse_request(p, size, &head, &used);
	LAW(result != HTTP_DONE || (used > 0 && used <= size));
	/* What follows the head changes nothing. */
	LAW(result != HTTP_DONE || (http_parse_request(p, used, &part,
	    &used_part) == HTTP_DONE && used_part == used));
	LAW(result != HTTP_BAD || head.reason != REASON_NONE);
	for (n = 0; n < size; n += size / 256 + 1) {
		sofar = http_parse_request(p, n, &part, &used_part);
		LAW(sofar != HTTP_BAD || result == HTTP_BAD);
		LAW(sofar != HTTP_DONE || (result == HTTP_DONE &&
		    used_part == used));
	}
	if (result == HTTP_DONE && size <= BOUNDS_HEAD_CAP / 2)
		check_forward();
	return 0;
}
