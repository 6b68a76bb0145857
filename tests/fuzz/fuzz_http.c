/* Request heads: growing prefixes agree. */

#include "config.h"

#include "fuzz.h"

#include "http.h"

static struct http_head head, part;

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
	return 0;
}
