/* Targets: what is accepted is canonical, and stays what it is. */

#include "config.h"

#include "fuzz.h"

#include "target.h"

/* What dockerd routes on: the path decoded.  It would clean or decode
 * nothing more. */
static void
check_decoded(struct span path)
{
	char out[4096];
	struct span seen;
	size_t i, n = 0;

	for (i = 0; i < path.len; i++) {
		if (path.p[i] != '%') {
			out[n++] = path.p[i];
			continue;
		}
		LAW(path.len - i > 2 && span_hex(path.p[i + 1]) >= 0 &&
		    span_hex(path.p[i + 2]) >= 0);
		out[n++] = (char)(span_hex(path.p[i + 1]) << 4 |
		    span_hex(path.p[i + 2]));
		i += 2;
	}
	seen = (struct span){ out, n };
	LAW(!span_has(seen, SPAN("//")) && !span_has(seen, SPAN("/./")) &&
	    !span_has(seen, SPAN("/../")) && memchr(out, '%', n) == NULL &&
	    memchr(out, '?', n) == NULL && memchr(out, '\0', n) == NULL);
	LAW(n < 2 || (out[n - 1] != '/' && memcmp(out + n - 2, "/.", 2) != 0));
	LAW(n < 3 || memcmp(out + n - 3, "/..", 3) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = { (const char *)data, size };
	struct target t, again;
	char copy[4096];
	size_t i;

	if (size > sizeof(copy) || target_parse(s, &t) != REASON_NONE)
		return 0;
	LAW(size > 0 && s.p[0] == '/' && t.whole.p == s.p &&
	    t.whole.len == size && t.path.p == s.p && t.path.len <= size);
	LAW(t.path.len == size || s.p[t.path.len] == '?');
	for (i = 0; i < size; i++)
		LAW(s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '#' &&
		    s.p[i] != '\\');
	LAW(memchr(s.p, '?', t.path.len) == NULL);
	LAW(!span_has(t.path, SPAN("//")) && !span_has(t.path, SPAN("/./")) &&
	    !span_has(t.path, SPAN("/../")) &&
	    !span_has(t.path, SPAN("%25")) && !span_has(s, SPAN("%00")));
	check_decoded(t.path);
	/* Once canonical, always: a copy is taken and means the same. */
	memcpy(copy, data, size);
	LAW(target_parse((struct span){ copy, size }, &again) ==
	    REASON_NONE);
	LAW(span_eq(again.whole, t.whole) && again.route == t.route);
	/* The path alone is as good, and means the same. */
	LAW(target_parse((struct span){ copy, t.path.len }, &again) ==
	    REASON_NONE);
	LAW(again.path.len == t.path.len && again.route == t.route &&
	    again.has_version == t.has_version &&
	    (!t.has_version || again.api_minor == t.api_minor) &&
	    again.has_slash_escape == t.has_slash_escape);
	return 0;
}
