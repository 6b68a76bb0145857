/* Lines of a log: what is read as a request is what was written as one, and
 * nothing is read from elsewhere. */

#include "config.h"

#include "fuzz.h"

#include "reqlog.h"
#include "text.h"

#define LINE_CAP 4096

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[LINE_CAP], again[2 * LINE_CAP];
	struct span line = { (const char *)data, size };
	struct span method, target;
	struct text t;
	bool is_cut;

	if (size > LINE_CAP)
		return 0;
	if (!reqlog_parse(line, buf, &method, &target, &is_cut)) {
		LAW(!is_cut || span_has(line, SPAN("...")));
		return 0;
	}
	LAW(method.len > 0 && target.len > 0 &&
	    method.len + target.len <= size);
	LAW(method.p == buf && target.p == buf + method.len);
	/* Written again it stands in the line, piece by piece. */
	text_init(&t, again, sizeof(again));
	text_literal(&t, method);
	LAW(!t.is_full && span_has(line, (struct span){ again, t.len }));
	text_init(&t, again, sizeof(again));
	text_literal(&t, target);
	LAW(!t.is_full && span_has(line, (struct span){ again, t.len }));
	return 0;
}
