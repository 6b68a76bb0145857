/*
 * Whether a ticket can be true.
 */

#include "config.h"

#include "ticket.h"

#include <string.h>

#include "body.h"
#include "io.h"
#include "tally.h"

/* A string of visible ASCII that ends within cap bytes, and is not empty. */
static bool
is_text(const char *s, size_t cap)
{
	size_t i;

	for (i = 0; i < cap && s[i] != '\0'; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return i > 0 && i < cap;
}

/* A path that a parser lets through, of a request that may have no end and
 * becomes no tunnel. */
static bool
is_stream(const char *path, struct target *target)
{
	return is_text(path, BOUNDS_PARK_PATH_CAP) &&
	    target_parse(span_of(path), target) == REASON_NONE &&
	    target->path.len == strlen(path) && target->is_stream &&
	    target->route == TARGET_PLAIN;
}

bool
ticket_is_sound(const struct ticket *t, struct target *target)
{
	return (t->kind == BODY_CHUNKED || t->kind == BODY_CLOSE) &&
	    t->lives_on <= (t->kind == BODY_CHUNKED) &&
	    t->row < tally_rows() &&
	    t->line_no <= BOUNDS_PROFILE_CAP &&
	    t->began_us >= 0 && t->began_us <= io_now_us() &&
	    is_text(t->client, sizeof(t->client)) &&
	    is_stream(t->path, target);
}
