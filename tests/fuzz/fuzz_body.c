/* Chunked bodies: however the bytes are cut, the same content comes out and
 * the body ends at the same place. */

#include "config.h"

#include "fuzz.h"

#include "body.h"

struct outcome {
	enum body_result result;
	size_t		 used;
	uint64_t	 data_len, data_sum;
};

/* Walk over data in pieces of step bytes. */
static struct outcome
walk(const char *data, size_t size, size_t step)
{
	static const char in[] = "POST / HTTP/1.1\r\nHost:\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n";
	struct outcome o = { BODY_MORE, 0, 0, 0 };
	struct http_head head;
	struct body body;
	struct span part;
	size_t end, used, i;

	LAW(http_parse_request(in, sizeof(in) - 1, &head, &used) ==
	    HTTP_DONE && body_of_request(&head, &body) == REASON_NONE);
	for (end = 0; o.result == BODY_MORE && o.used < size;) {
		end = end + step < size ? end + step : size;
		do {
			o.result = body_walk(&body, data + o.used,
			    end - o.used, &used, &part);
			if (o.result == BODY_BAD)
				break;
			LAW(used <= end - o.used);
			for (i = 0; o.result == BODY_DATA && i < part.len;
			    i++)
				o.data_sum = o.data_sum * 31 +
				    (unsigned char)part.p[i];
			o.data_len += o.result == BODY_DATA ? part.len : 0;
			o.used += used;
			LAW(o.result != BODY_MORE || o.used == end);
		} while (o.result == BODY_DATA);
	}
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, other;
	size_t step;

	whole = walk((const char *)data, size, size + 1);
	for (step = 1; step < 8; step++) {
		other = walk((const char *)data, size, step);
		LAW(other.result == whole.result);
		LAW(other.data_len == whole.data_len &&
		    other.data_sum == whole.data_sum);
		LAW(whole.result == BODY_BAD || other.used == whole.used);
	}
	return 0;
}
