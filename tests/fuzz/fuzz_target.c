/* Targets: what is accepted is canonical, and stays what it is. */

#include "config.h"

#include "fuzz.h"

#include "target.h"

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
	/* The path alone is as good, and means the same. */
	memcpy(copy, data, size);
	LAW(target_parse((struct span){ copy, t.path.len }, &again) ==
	    REASON_NONE);
	LAW(again.path.len == t.path.len && again.route == t.route &&
	    again.has_version == t.has_version &&
	    (!t.has_version || again.api_minor == t.api_minor) &&
	    again.has_slash_escape == t.has_slash_escape);
	return 0;
}
