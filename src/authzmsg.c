/*
 * Messages to authorization plugins.  What is made of what is kept is left to
 * authzhead.
 */

#include "config.h"

#include "authzmsg.h"

#include <string.h>

/* Known keys of the message. */
enum key {
	KEY_METHOD,
	KEY_TARGET,
	KEY_USER,
	KEY_USER_BY,
	KEY_FIELDS,
	KEY_BODY,
	KEY_COUNT,
	KEY_NONE = -1
};

static const struct span keys[KEY_COUNT] = {
	[KEY_METHOD] = SPAN_INIT("RequestMethod"),
	[KEY_TARGET] = SPAN_INIT("RequestUri"),
	[KEY_USER] = SPAN_INIT("User"),
	[KEY_USER_BY] = SPAN_INIT("UserAuthNMethod"),
	[KEY_FIELDS] = SPAN_INIT("RequestHeaders"),
	[KEY_BODY] = SPAN_INIT("RequestBody"),
};

/* Fields that a verdict depends on; of some only that they are there. */
static const struct {
	struct span	name;
	bool		is_prefix;
	bool		has_value;
} fields[] = {
	{ SPAN_INIT("Content-Type"), false, true },
	{ SPAN_INIT("Content-Length"), false, true },
	{ SPAN_INIT("Transfer-Encoding"), false, true },
	{ SPAN_INIT("Connection"), false, true },
	{ SPAN_INIT("Upgrade"), false, true },
	{ SPAN_INIT("Expect"), false, true },
	{ SPAN_INIT("Origin"), false, false },
	{ SPAN_INIT("X-Forwarded-For"), false, false },
	{ SPAN_INIT("Sec-Fetch-"), true, false },
};

#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

/* Levels of the message: its object, and that of its fields. */
#define IN_MESSAGE	1
#define IN_FIELDS	2

void
authzmsg_begin(struct authzmsg *m, enum authzmsg_kind kind)
{
	/* Not all of it: kept is large, and kept_len says what is in it. */
	m->method = m->target = m->user = m->user_by =
	    (struct span){ NULL, 0 };
	m->nfields = 0;
	m->has_body = false;
	m->body_len = 0;
	m->kind = kind;
	json_begin(&m->json);
	m->is_bad = m->is_kept = false;
	m->depth = m->seen = 0;
	m->key = KEY_NONE;
	m->name_len = m->start = 0;
	m->quad = m->pads = 0;
	m->last = 0;
	m->kept_len = 0;
}

/* Whether the value under way is that of a field of the head. */
static bool
is_field(const struct authzmsg *m)
{
	return m->depth == IN_FIELDS && m->key == KEY_FIELDS;
}

/* -- base64 -- */

#define NO_SEXTET 0xff

static unsigned char
sextet_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned char)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned char)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (unsigned char)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : NO_SEXTET;
}

static bool
is_pad_due(const struct authzmsg *m)
{
	/* The bits that no byte takes must be 0. */
	if (m->quad == 2)
		return (m->last & 0x0fU) == 0;
	return m->quad == 3 && (m->pads == 1 || (m->last & 0x03U) == 0);
}

static bool
walk_body(struct authzmsg *m, struct span text)
{
	unsigned char sextet;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.p[i] == '=') {
			if (!is_pad_due(m))
				return false;
			m->pads++;
		} else {
			sextet = sextet_of((unsigned char)text.p[i]);
			if (sextet == NO_SEXTET || m->pads > 0)
				return false;
			m->last = sextet;
		}
		m->quad = (m->quad + 1) % 4;
		if (m->quad == 0)
			m->body_len += 3 - m->pads;
	}
	return true;
}

/* -- keys -- */

static bool
end_key(struct authzmsg *m)
{
	const struct span name = { m->name, m->name_len };
	int i;

	m->key = KEY_NONE;
	for (i = 0; i < KEY_COUNT && m->kind == AUTHZMSG_REQUEST; i++)
		if (span_eq(keys[i], name))
			m->key = i;
	if (m->key == KEY_NONE)
		return true;
	if ((m->seen & 1U << m->key) != 0)
		return false;
	m->seen |= 1U << m->key;
	m->start = m->kept_len;
	return true;
}

/* The name of a field of the head. */
static bool
end_name(struct authzmsg *m)
{
	const struct span name = { m->name, m->name_len };
	size_t i, k;

	m->is_kept = false;
	m->start = m->kept_len;
	for (i = 0; i < NFIELDS; i++)
		if (fields[i].is_prefix ?
		    span_starts_nocase(name, fields[i].name) :
		    span_eq_nocase(name, fields[i].name))
			break;
	if (i == NFIELDS)
		return true;
	for (k = 0; k < m->nfields && !fields[i].is_prefix; k++)
		if (span_eq(m->fields[k].name, fields[i].name))
			return false;
	if (m->nfields == AUTHZMSG_FIELD_CAP)
		return false;
	m->is_kept = fields[i].has_value;
	m->fields[m->nfields++] = (struct http_field){ fields[i].name,
	    { "", 0 } };
	return true;
}

/* A piece of a key; of long ones the beginning. */
static void
walk_name(struct authzmsg *m, struct span text)
{
	size_t room = sizeof(m->name) - m->name_len;

	if (text.len < room)
		room = text.len;
	memcpy(m->name + m->name_len, text.p, room);
	m->name_len += room;
}

/* -- values -- */

static bool
keep(struct authzmsg *m, struct span text)
{
	if (sizeof(m->kept) - m->kept_len < text.len)
		return false;
	memcpy(m->kept + m->kept_len, text.p, text.len);
	m->kept_len += text.len;
	return true;
}

/* A piece of a string. */
static bool
walk_value(struct authzmsg *m, struct span text)
{
	if (is_field(m))
		return !m->is_kept || keep(m, text);
	if (m->depth != IN_MESSAGE || m->key == KEY_NONE)
		return true;
	return m->key == KEY_BODY ? walk_body(m, text) : keep(m, text);
}

static bool
end_string(struct authzmsg *m)
{
	const struct span value = { m->kept + m->start,
		m->kept_len - m->start };

	if (is_field(m)) {
		if (m->is_kept)
			m->fields[m->nfields - 1].value = value;
		return true;
	}
	if (m->depth != IN_MESSAGE)
		return m->depth > 0;
	switch (m->key) {
	case KEY_METHOD:
		m->method = value;
		return true;
	case KEY_TARGET:
		m->target = value;
		return true;
	case KEY_USER:
		m->user = value;
		return value.len <= BOUNDS_AUTHZ_USER_CAP;
	case KEY_USER_BY:
		m->user_by = value;
		return true;
	case KEY_FIELDS:
		return false;
	case KEY_BODY:
		m->has_body = true;
		return m->quad == 0;
	default:
		return true;
	}
}

/* Something other than a string begins. */
static bool
begin_other(struct authzmsg *m, enum json_item item)
{
	const bool is_level = item == JSON_OBJECT || item == JSON_ARRAY;
	bool is_good;

	if (m->depth == 0 ||
	    (m->depth == IN_MESSAGE && m->key == KEY_FIELDS))
		is_good = item == JSON_OBJECT;
	else
		is_good = !is_field(m) &&
		    (m->depth > IN_MESSAGE || m->key == KEY_NONE);
	m->depth += is_level;
	return is_good;
}

static bool
take(struct authzmsg *m, enum json_item item, struct span text)
{
	switch (item) {
	case JSON_TEXT:
		if (!m->json.is_key)
			return walk_value(m, text);
		walk_name(m, text);
		return true;
	case JSON_KEY:
		if (m->depth == IN_MESSAGE && !end_key(m))
			return false;
		if (is_field(m) && !end_name(m))
			return false;
		m->name_len = 0;
		return true;
	case JSON_STRING:
		return end_string(m);
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
		m->depth--;
		return true;
	default:
		return begin_other(m, item);
	}
}

bool
authzmsg_walk(struct authzmsg *m, const char *buf, size_t len)
{
	enum json_result result;
	enum json_item item;
	struct span text;
	size_t used;

	while (!m->is_bad) {
		result = json_walk(&m->json, buf, len, &used, &item, &text);
		if (result == JSON_MORE)
			return true;
		if (result == JSON_BAD || !take(m, item, text))
			m->is_bad = true;
		buf += used;
		len -= used;
	}
	return false;
}

bool
authzmsg_is_whole(const struct authzmsg *m)
{
	return !m->is_bad && json_is_whole(&m->json) &&
	    (m->kind == AUTHZMSG_ANSWER ||
	    (m->method.p != NULL && m->target.p != NULL));
}

void
authzmsg_forget(struct authzmsg *m)
{
	memset(m->kept, 0, m->kept_len);
	m->kept_len = 0;
}
