/* Chunked bodies: however the bytes are cut, the same content comes out and
 * the body ends at the same place. */

#include "config.h"

#include "fuzz.h"

#include "body.h"
#include "text.h"

struct outcome {
	enum body_result result;
	size_t		 used;
	uint64_t	 data_len, data_sum;
};

/* As the relay writes it anew. */
static void
write_chunk(struct text *out, struct span part)
{
	char head[BODY_CHUNK_HEAD_CAP];

	text_span(out, (struct span){ head, body_chunk_make(head,
	    part.len) });
	text_span(out, part);
	text_str(out, "\r\n");
}

/* Walk over data in pieces of step bytes; again: the content, written anew,
 * or NULL. */
static struct outcome
walk(const char *data, size_t size, size_t step, struct text *again)
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
			LAW(o.result != BODY_DATA || (part.len > 0 &&
			    part.p >= data + o.used &&
			    part.p + part.len <= data + o.used + used));
			if (o.result == BODY_DATA && again != NULL)
				write_chunk(again, part);
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
	static char out[16 * 4096];
	struct outcome whole, other;
	struct text again;
	size_t step;

	if (size > 4096)
		return 0;
	text_init(&again, out, sizeof(out));
	whole = walk((const char *)data, size, size + 1, &again);
	text_str(&again, "0\r\n\r\n");
	LAW(!again.is_full);
	if (whole.result == BODY_DONE) {
		other = walk(out, again.len, 5, NULL);
		LAW(other.result == BODY_DONE && other.used == again.len &&
		    other.data_len == whole.data_len &&
		    other.data_sum == whole.data_sum);
	}
	for (step = 1; step < 8; step++) {
		other = walk((const char *)data, size, step, NULL);
		LAW(other.result == whole.result);
		LAW(other.data_len == whole.data_len &&
		    other.data_sum == whole.data_sum);
		LAW(whole.result == BODY_BAD || other.used == whole.used);
	}
	return 0;
}
