/*
 * The canonical target.  dockerd matches routes on the decoded, cleaned
 * path; the spellings it would decode or clean are refused here, so that the
 * raw string a rule sees is the one dockerd acts on.
 */

#include "config.h"

#include "target.h"

#include <stdint.h>
#include <string.h>

/* A byte by value and how many bytes it was written with (1 or 3). */
struct decoded {
	unsigned char	byte;
	size_t		width;
};

static bool
is_unreserved(unsigned char c)
{
	return span_is_alnum((char)c) ||
	    (c != '\0' && strchr("-._~", c) != NULL);
}

/* Decode the byte or escape at s.p; false for a bad escape. */
static bool
decode(struct span s, struct decoded *out)
{
	int high, low;

	if (s.p[0] != '%') {
		*out = (struct decoded){ (unsigned char)s.p[0], 1 };
		return true;
	}
	if (s.len < 3)
		return false;
	high = span_hex(s.p[1]);
	low = span_hex(s.p[2]);
	if (high < 0 || low < 0)
		return false;
	*out = (struct decoded){ (unsigned char)(high << 4 | low), 3 };
	return true;
}

/* Visible ASCII but "#" and "\"; in the path also none of the delimiters
 * that RFC 3986 leaves out. */
static enum reason
check_bytes(struct span s, const char *forbidden)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    strchr(forbidden, s.p[i]) != NULL)
			return REASON_TARGET_BYTE;
	return REASON_NONE;
}

/* Escapes that have a plain spelling, or that only confuse. */
static bool
is_needless_escape(unsigned char c)
{
	return is_unreserved(c) || c < 0x20 || c == 0x7f ||
	    strchr("\\%?#", c) != NULL;
}

static enum reason
check_path_escapes(struct span path, bool *has_slash_escape)
{
	struct decoded c;
	size_t i;

	*has_slash_escape = false;
	for (i = 0; i < path.len; i += c.width) {
		if (!decode((struct span){ path.p + i, path.len - i }, &c))
			return REASON_TARGET_ESCAPE;
		if (c.width == 1)
			continue;
		if (is_needless_escape(c.byte))
			return REASON_TARGET_ESCAPE;
		if (c.byte == '/')
			*has_slash_escape = true;
	}
	return REASON_NONE;
}

static enum reason
check_query(struct span query)
{
	struct decoded c;
	size_t i;

	for (i = 0; i < query.len; i += c.width) {
		if (!decode((struct span){ query.p + i, query.len - i }, &c) ||
		    c.byte == '\0')
			return REASON_TARGET_ESCAPE;
		if (query.p[i] == ';')
			return REASON_TARGET_BYTE;
	}
	return REASON_NONE;
}

/*
 * Cut the next segment off *rest, which starts behind a slash; an escaped
 * slash ends a segment too, as it does in dockerd's router.
 */
static bool
segment_next(struct span *rest, struct span *out)
{
	size_t i;

	if (rest->p == NULL)
		return false;
	for (i = 0; i < rest->len; i++) {
		if (rest->p[i] != '/' && !span_starts_nocase((struct span){
		    rest->p + i, rest->len - i }, SPAN("%2f")))
			continue;
		*out = (struct span){ rest->p, i };
		i += rest->p[i] == '/' ? 1 : 3;
		*rest = (struct span){ rest->p + i, rest->len - i };
		return true;
	}
	*out = *rest;
	*rest = (struct span){ NULL, 0 };
	return true;
}

/* "v" and one or more digits and dots: dockerd takes it for a version. */
static bool
is_version_like(struct span s)
{
	size_t i;

	if (s.len < 2 || s.p[0] != 'v')
		return false;
	for (i = 1; i < s.len; i++)
		if (!span_is_digit(s.p[i]) && s.p[i] != '.')
			return false;
	return true;
}

/* "v1.N", or before libpod "vN.N.N", all in canonical digits. */
static enum reason
parse_version(struct span segment, bool is_libpod, struct target *t)
{
	struct span rest, number;
	uint64_t n[3];
	size_t parts;

	rest = (struct span){ segment.p + 1, segment.len - 1 };
	for (parts = 0; span_next(&rest, '.', &number); parts++)
		if (parts == 3 || !span_number(number, 4, &n[parts]))
			return REASON_TARGET_VERSION;
	if (is_libpod && parts == 3)
		return REASON_NONE;
	if (parts != 2 || n[0] != 1)
		return REASON_TARGET_VERSION;
	t->has_version = true;
	t->api_minor = (unsigned)n[1];
	return REASON_NONE;
}

/* By collection, and by the segment in front of the last and the last. */
static enum target_route
route_of(struct span first, struct span before, struct span last, size_t n)
{
	bool is_container, is_exec;

	if (n == 1)
		return span_eq(first, SPAN("session")) ||
		    span_eq(first, SPAN("grpc")) ? TARGET_H2C : TARGET_PLAIN;
	is_container = span_eq(first, SPAN("containers"));
	is_exec = span_eq(first, SPAN("exec"));
	if (n < 3 || (!is_container && !is_exec))
		return TARGET_PLAIN;
	if (is_exec)
		return span_eq(last, SPAN("start")) ?
		    TARGET_EXEC_START : TARGET_PLAIN;
	if (span_eq(last, SPAN("start")))
		return TARGET_START;
	if (span_eq(last, SPAN("attach")))
		return TARGET_ATTACH;
	if (span_eq(last, SPAN("ws")) && span_eq(before, SPAN("attach")))
		return TARGET_ATTACH_WS;
	return TARGET_PLAIN;
}

/* Whether answers of such an endpoint may be large or without end. */
static bool
is_stream(struct span last)
{
	static const struct span streams[] = {
		SPAN_INIT("archive"), SPAN_INIT("attach"),
		SPAN_INIT("events"), SPAN_INIT("export"), SPAN_INIT("get"),
		SPAN_INIT("logs"), SPAN_INIT("stats"), SPAN_INIT("ws"),
	};
	size_t i;

	for (i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		if (span_eq(last, streams[i]))
			return true;
	return false;
}

/* Walk the segments: none empty or dots; find version and route. */
static enum reason
parse_path(struct target *t)
{
	struct span rest, segment, version, first, before, last;
	size_t n;

	rest = (struct span){ t->path.p + 1, t->path.len - 1 };
	version = first = before = last = (struct span){ NULL, 0 };
	for (n = 0; segment_next(&rest, &segment); ) {
		if (segment.len == 0 || span_eq(segment, SPAN(".")) ||
		    span_eq(segment, SPAN("..")))
			return REASON_TARGET_SEGMENT;
		if (n == 0 && version.p == NULL && first.p == NULL &&
		    is_version_like(segment)) {
			version = segment;
			continue;
		}
		if (n == 0 && first.p == NULL &&
		    span_eq(segment, SPAN("libpod"))) {
			first = segment;
			continue;
		}
		before = last;
		last = segment;
		if (n++ == 0)
			first = segment;
	}
	t->route = route_of(first, before, last, n);
	t->is_stream = is_stream(last);
	if (version.p == NULL)
		return REASON_NONE;
	return parse_version(version,
	    span_starts_nocase((struct span){ version.p + version.len,
	    (size_t)(t->path.p + t->path.len - version.p) - version.len },
	    SPAN("/libpod/")), t);
}

enum reason
target_parse(struct span s, struct target *t)
{
	struct span query;
	const char *mark;
	enum reason reason;

	*t = (struct target){ .whole = s, .path = s };
	if (s.len == 0 || s.p[0] != '/')
		return REASON_TARGET_FORM;
	query = (struct span){ s.p + s.len, 0 };
	mark = memchr(s.p, '?', s.len);
	if (mark != NULL) {
		t->path.len = (size_t)(mark - s.p);
		query = (struct span){ mark + 1, s.len - t->path.len - 1 };
	}
	reason = check_bytes(t->path, "#\\\"<>^`{|}[]");
	if (reason == REASON_NONE)
		reason = check_bytes(query, "#\\");
	if (reason == REASON_NONE)
		reason = check_path_escapes(t->path, &t->has_slash_escape);
	if (reason == REASON_NONE)
		reason = check_query(query);
	return reason == REASON_NONE ? parse_path(t) : reason;
}

bool
target_hijacks(const struct target *t, struct span method)
{
	switch (t->route) {
	case TARGET_ATTACH:
	case TARGET_EXEC_START:
	case TARGET_H2C:
		return span_eq(method, SPAN("POST"));
	case TARGET_ATTACH_WS:
		return span_eq(method, SPAN("GET"));
	case TARGET_PLAIN:
	case TARGET_START:
		break;
	}
	return false;
}
