/*
 * Control groups and dockerd's answer: just as much as it takes to tell
 * containers apart.  Nothing is repaired; what is not as expected is in doubt.
 */

#include "config.h"

#include "container.h"

#include <string.h>

#define DEPTH_CAP	32	/* of dockerd's answer, which has seven */
#define PID_CAP		4194304	/* Linux has no higher ones */

/* -- names -- */

bool
container_is_name(struct span s)
{
	size_t i;

	if (s.len < 2 || s.len > BOUNDS_CONTAINER_NAME_CAP ||
	    !span_is_alnum(s.p[0]))
		return false;
	for (i = 1; i < s.len; i++)
		if (!span_is_alnum(s.p[i]) && s.p[i] != '_' &&
		    s.p[i] != '.' && s.p[i] != '-')
			return false;
	return true;
}

/* -- control groups -- */

static bool
is_id(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!span_is_digit(s.p[i]) && (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
	return s.len == CONTAINER_ID_LEN;
}

/* The number in one part of a path: all of it, or "docker-ID.scope" of
 * systemd. */
static bool
read_part(struct span part, struct span *id)
{
	const struct span before = SPAN("docker-"), behind = SPAN(".scope");

	if (part.len == before.len + CONTAINER_ID_LEN + behind.len &&
	    memcmp(part.p, before.p, before.len) == 0 &&
	    memcmp(part.p + part.len - behind.len, behind.p, behind.len) == 0)
		part = (struct span){ part.p + before.len, CONTAINER_ID_LEN };
	*id = part;
	return is_id(part);
}

/* A line of the text. */
struct line {
	struct span	hierarchy;	/* "5:memory" */
	struct span	id;		/* no bytes: none */
	struct span	upto;		/* the path, up to and with it */
};

static bool
read_line(struct span text, struct line *l)
{
	struct span rest = text, number, names, part;

	*l = (struct line){ .id = { NULL, 0 } };
	if (!span_next(&rest, ':', &number) || rest.p == NULL ||
	    !span_next(&rest, ':', &names) || rest.p == NULL ||
	    rest.len == 0 || rest.p[0] != '/')
		return false;
	l->hierarchy = (struct span){ text.p, (size_t)(rest.p - text.p) };
	l->upto.p = rest.p;
	while (span_next(&rest, '/', &part)) {
		if (!read_part(part, &l->id))
			continue;
		l->upto.len = (size_t)(part.p + part.len - l->upto.p);
		return true;
	}
	l->id.len = 0;
	return true;
}

/* The next line: false at the end.  The text ends with the end of a line, or
 * it was cut. */
static bool
next_line(struct span *rest, struct span *text)
{
	return rest->len > 0 && span_next(rest, '\n', text);
}

enum container_result
container_find(struct span groups, char id[CONTAINER_ID_LEN])
{
	struct span rest = groups, text;
	bool is_found;
	struct line l;

	if (groups.len == 0 || groups.p[groups.len - 1] != '\n')
		return CONTAINER_DOUBT;
	is_found = false;
	while (next_line(&rest, &text)) {
		if (!read_line(text, &l))
			return CONTAINER_DOUBT;
		if (l.id.len == 0)
			continue;
		if (is_found && memcmp(id, l.id.p, CONTAINER_ID_LEN) != 0)
			return CONTAINER_DOUBT;
		memcpy(id, l.id.p, CONTAINER_ID_LEN);
		is_found = true;
	}
	return is_found ? CONTAINER_FOUND : CONTAINER_NONE;
}

/* Whether the first process is in the same group of that hierarchy. */
static bool
has_line(struct span first, const struct line *wanted)
{
	struct span text;
	struct line l;

	while (next_line(&first, &text))
		if (read_line(text, &l) &&
		    span_eq(l.hierarchy, wanted->hierarchy))
			return l.id.len > 0 && span_eq(l.upto, wanted->upto);
	return false;
}

bool
container_holds(struct span groups, struct span first,
    const char id[CONTAINER_ID_LEN])
{
	const struct span wanted = { id, CONTAINER_ID_LEN };
	struct span rest = groups, text;
	bool is_inside;
	struct line l;

	is_inside = false;
	while (next_line(&rest, &text)) {
		if (!read_line(text, &l))
			return false;
		if (l.id.len == 0)
			continue;
		if (!span_eq(l.id, wanted) || !has_line(first, &l))
			return false;
		is_inside = true;
	}
	return is_inside;
}

/* -- dockerd's answer -- */

enum {
	STEP_VERSION,		/* "HTTP/1.0 ", whatever the last digit */
	STEP_STATUS,
	STEP_HEAD,		/* up to an empty line */
	STEP_BEGIN,		/* the body begins with the container's Id */
	STEP_ID,
	STEP_BODY
};

/* Names in the body that matter. */
enum {
	FIELD_OTHER,
	FIELD_NAME,		/* "/" and the container's name */
	FIELD_STATE,		/* what it is in: */
	FIELD_PID
};

static const char *const fields[] = {
	[FIELD_OTHER] = "",
	[FIELD_NAME] = "Name",
	[FIELD_STATE] = "State",
	[FIELD_PID] = "Pid"
};

static const char version[] = "HTTP/1.0 ";
static const char begin[] = "{\"Id\":\"";
static const char empty_line[] = "\r\n\r\n";

void
container_ask(struct container_answer *a, const char id[CONTAINER_ID_LEN])
{
	memset(a, 0, sizeof(*a));
	memcpy(a->id, id, CONTAINER_ID_LEN);
}

/* On to the next step. */
static enum container_result
go_on(struct container_answer *a)
{
	a->step++;
	a->at = 0;
	return CONTAINER_MORE;
}

/* c must be the next of len bytes. */
static enum container_result
expect(struct container_answer *a, const char *bytes, size_t len, char c)
{
	if (bytes[a->at] != c)
		return CONTAINER_DOUBT;
	return ++a->at == len ? go_on(a) : CONTAINER_MORE;
}

static enum container_result
hear_version(struct container_answer *a, char c)
{
	const size_t digit = sizeof(version) - 3;

	return expect(a, version, sizeof(version) - 1,
	    a->at == digit && span_is_digit(c) ? version[digit] : c);
}

/* 200, and 404 where there is no such container. */
static enum container_result
hear_status(struct container_answer *a, char c)
{
	a->text[a->at++] = c;
	if (a->at < 4)
		return CONTAINER_MORE;
	if (memcmp(a->text, "404 ", 4) == 0)
		return CONTAINER_NONE;
	return memcmp(a->text, "200 ", 4) == 0 ? go_on(a) : CONTAINER_DOUBT;
}

static enum container_result
hear_head(struct container_answer *a, char c)
{
	if (c == empty_line[a->at])
		a->at++;
	else
		a->at = c == empty_line[0];
	return a->at == sizeof(empty_line) - 1 ? go_on(a) : CONTAINER_MORE;
}

static enum container_result
hear_id(struct container_answer *a, char c)
{
	if (a->at < CONTAINER_ID_LEN)
		return a->id[a->at++] == c ? CONTAINER_MORE : CONTAINER_DOUBT;
	a->depth = 1;
	return c == '"' ? go_on(a) : CONTAINER_DOUBT;
}

static unsigned
field(const struct container_answer *a)
{
	unsigned i;

	for (i = FIELD_OTHER + 1; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (span_eq((struct span){ a->text, a->len },
		    span_of(fields[i])))
			return i;
	return FIELD_OTHER;
}

/* In a string: what is too long, or has an escape, is no name. */
static void
hear_string(struct container_answer *a, char c)
{
	if (a->is_escaped) {
		a->is_escaped = false;
	} else if (c == '"') {
		a->is_string = false;
		if (a->depth != 1 || !a->is_value || a->outer != FIELD_NAME)
			return;
		memcpy(a->name, a->text, a->len);
		a->name_len = a->len;
		return;
	} else {
		a->is_escaped = c == '\\';
	}
	if (a->len < sizeof(a->text))
		a->text[a->len++] = c;
}

static void
hear_colon(struct container_answer *a)
{
	a->is_value = true;
	if (a->depth == 1)
		a->outer = field(a);
	else if (a->depth == 2)
		a->inner = field(a);
	a->is_number = a->depth == 2 && a->outer == FIELD_STATE &&
	    a->inner == FIELD_PID && !a->has_pid;
	a->has_pid = a->has_pid || a->is_number;
}

/* Outside of strings. */
static enum container_result
hear_mark(struct container_answer *a, char c)
{
	if (a->is_number && span_is_digit(c)) {
		a->pid = a->pid * 10 + (uint64_t)(c - '0');
		return a->pid < PID_CAP ? CONTAINER_MORE : CONTAINER_DOUBT;
	}
	if (c == ':') {
		hear_colon(a);
		return CONTAINER_MORE;
	}
	a->is_number = false;
	if (c == '"') {
		a->is_string = true;
		a->len = 0;
	} else if (c == ',') {
		a->is_value = false;
	} else if (c == '{' || c == '[') {
		a->is_value = false;
		a->inner = FIELD_OTHER;
		if (++a->depth > DEPTH_CAP)
			return CONTAINER_DOUBT;
	} else if (c == '}' || c == ']') {
		/* The end, without what is needed. */
		if (--a->depth == 0)
			return CONTAINER_DOUBT;
	}
	return CONTAINER_MORE;
}

static enum container_result
hear_body(struct container_answer *a, char c)
{
	enum container_result result;

	result = CONTAINER_MORE;
	if (a->is_string)
		hear_string(a, c);
	else
		result = hear_mark(a, c);
	if (result == CONTAINER_MORE && a->has_pid && !a->is_number &&
	    a->name_len > 0)
		result = CONTAINER_FOUND;
	return result;
}

static enum container_result
hear_byte(struct container_answer *a, char c)
{
	switch (a->step) {
	case STEP_VERSION:
		return hear_version(a, c);
	case STEP_STATUS:
		return hear_status(a, c);
	case STEP_HEAD:
		return hear_head(a, c);
	case STEP_BEGIN:
		return expect(a, begin, sizeof(begin) - 1, c);
	case STEP_ID:
		return hear_id(a, c);
	default:
		return hear_body(a, c);
	}
}

enum container_result
container_hear(struct container_answer *a, const char *p, size_t len)
{
	enum container_result result;
	size_t i;

	result = CONTAINER_MORE;
	for (i = 0; i < len && result == CONTAINER_MORE; i++)
		result = hear_byte(a, p[i]);
	return result;
}

bool
container_named(const struct container_answer *a, struct span name)
{
	return a->name_len == name.len + 1 && a->name[0] == '/' &&
	    memcmp(a->name + 1, name.p, name.len) == 0;
}
