/* Answer heads: growing prefixes agree, and what is passed on means the
 * same as what dockerd said. */

#include "config.h"

#include "fuzz.h"

#include "forward.h"

static struct http_head head, part, again;
static char out[2 * BOUNDS_HEAD_CAP];

static void
check_forward(bool is_head)
{
	struct body body, body_again;
	size_t len, used;

	if (head.nfields > BOUNDS_FIELD_CAP - 3 ||
	    body_of_answer(&head, is_head, &body) != REASON_NONE)
		return;
	len = forward_answer_make(out, sizeof(out), &head, &body,
	    body.kind == BODY_CLOSE);
	LAW(len > 0);
	LAW(http_parse_answer(out, len, &again, &used) == HTTP_DONE);
	LAW(used == len && again.status == head.status &&
	    span_eq(again.phrase, head.phrase));
	LAW(body_of_answer(&again, is_head, &body_again) == REASON_NONE);
	LAW(body_again.kind == body.kind && body_again.left == body.left);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	enum http_result result, sofar;
	size_t used = 0, used_part, n;

	result = http_parse_answer(p, size, &head, &used);
	LAW(result != HTTP_DONE || (used > 0 && used <= size));
	/* What follows the head changes nothing. */
	LAW(result != HTTP_DONE || (http_parse_answer(p, used, &part,
	    &used_part) == HTTP_DONE && used_part == used));
	for (n = 0; n < size; n += size / 256 + 1) {
		sofar = http_parse_answer(p, n, &part, &used_part);
		LAW(sofar != HTTP_BAD || result == HTTP_BAD);
		LAW(sofar != HTTP_DONE || (result == HTTP_DONE &&
		    used_part == used));
	}
	if (result != HTTP_DONE || size > BOUNDS_HEAD_CAP / 2)
		return 0;
	check_forward(false);
	check_forward(true);
	return 0;
}
