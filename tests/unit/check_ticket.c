/*
 * Tests of ticket.c: what an honest worker may have written, and what not.
 */

#include "config.h"

#include "ticket.h"

#include <stddef.h>

#include "body.h"
#include "io.h"
#include "tally.h"
#include "unit.h"

#define PATH "/v1.47/containers/web/logs"

static struct ticket
good(void)
{
	struct ticket t;

	memset(&t, 0, sizeof(t));
	t.kind = BODY_CHUNKED;
	t.lives_on = 1;
	t.line_no = 7;
	t.began_us = io_now_us();
	(void)strcpy(t.client, "127.0.0.1:4711");
	(void)strcpy(t.path, PATH);
	return t;
}

static void
set_up(void)
{
	ck_assert_int_eq(tally_open(), 0);
	ck_assert_uint_eq(tally_row("tcp://localhost:2375", "readonly"), 1);
}

static bool
is_sound(const struct ticket *t)
{
	struct target target;

	return ticket_is_sound(t, &target);
}

/* Numbers at both ends of what they may be. */
static const struct {
	const char	*what;
	uint32_t	 row;
	uint32_t	 kind;
	uint32_t	 lives_on;
	uint32_t	 line_no;
	int64_t		 age_us;
	bool		 is_good;
} numbers[] = {
	{ "plain", 0, BODY_CHUNKED, 1, 1, 0, true },
	{ "last row", 1, BODY_CHUNKED, 1, 1, 0, true },
	{ "no such row", 2, BODY_CHUNKED, 1, 1, 0, false },
	{ "row far out", UINT32_MAX, BODY_CHUNKED, 1, 1, 0, false },
	{ "ends with the client's", 0, BODY_CHUNKED, 0, 1, 0, true },
	{ "until the end", 0, BODY_CLOSE, 0, 1, 0, true },
	{ "until the end and on", 0, BODY_CLOSE, 1, 1, 0, false },
	{ "lives on twice", 0, BODY_CHUNKED, 2, 1, 0, false },
	{ "no body", 0, BODY_NONE, 0, 1, 0, false },
	{ "known length", 0, BODY_LENGTH, 0, 1, 0, false },
	{ "no such kind", 0, BODY_CLOSE + 1, 0, 1, 0, false },
	{ "kind far out", 0, UINT32_MAX, 0, 1, 0, false },
	{ "no rule: it only warned", 0, BODY_CHUNKED, 1, 0, 0, true },
	{ "last line", 0, BODY_CHUNKED, 1, BOUNDS_PROFILE_CAP, 0, true },
	{ "behind it", 0, BODY_CHUNKED, 1, BOUNDS_PROFILE_CAP + 1, 0, false },
	{ "old", 0, BODY_CHUNKED, 1, 1, 1000000, true },
	{ "of tomorrow", 0, BODY_CHUNKED, 1, 1, -86400000000, false },
	{ "before time", 0, BODY_CHUNKED, 1, 1, INT64_MAX, false },
};

START_TEST(test_numbers)
{
	struct ticket t = good();

	t.row = numbers[_i].row;
	t.kind = numbers[_i].kind;
	t.lives_on = numbers[_i].lives_on;
	t.line_no = numbers[_i].line_no;
	t.began_us = numbers[_i].age_us == INT64_MAX ? -1 :
	    io_now_us() - numbers[_i].age_us;
	if (t.began_us < 0 && numbers[_i].is_good)
		t.began_us = 0;	/* the machine has only just started */
	ck_assert_msg(is_sound(&t) == numbers[_i].is_good, "%s",
	    numbers[_i].what);
}
END_TEST

static const struct {
	const char	*path;
	bool		 is_good;
} paths[] = {
	{ PATH, true },
	{ "/events", true },
	{ "/containers/x/stats", true },
	{ "/libpod/events", true },
	{ "", false },
	{ "events", false },
	{ "/containers/json", false },
	{ "/events?since=1", false },
	{ "/events#x", false },
	{ "//events", false },
	{ "/../events", false },
	{ "/ev\tents/logs", false },
	{ "/x\r\n/logs", false },
	{ "/x\x80/logs", false },
	{ "/x%00/logs", false },
	{ "/v1.047/events", false },
	{ "/containers/x/attach", false },
	{ "/containers/x/attach/ws", false },
};

START_TEST(test_paths)
{
	struct ticket t = good();

	memset(t.path, 0, sizeof(t.path));
	(void)strcpy(t.path, paths[_i].path);
	ck_assert_msg(is_sound(&t) == paths[_i].is_good, "%s",
	    paths[_i].path);
}
END_TEST

/* A path that ends where the field does, and one that does not. */
START_TEST(test_long_path)
{
	struct ticket t = good();
	struct target target;

	memset(t.path, 'x', sizeof(t.path));
	memcpy(t.path, "/", 1);
	memcpy(t.path + sizeof(t.path) - 6, "/logs", 6);
	ck_assert(ticket_is_sound(&t, &target));
	ck_assert_uint_eq(target.path.len, sizeof(t.path) - 1);
	ck_assert_ptr_eq(target.path.p, t.path);
	memcpy(t.path + sizeof(t.path) - 5, "/logs", 5);
	ck_assert(!is_sound(&t));
}
END_TEST

static const struct {
	const char	*client;
	bool		 is_good;
} clients[] = {
	{ "uid:0", true },
	{ "[::1]:80", true },
	{ "", false },
	{ "a b", false },
	{ "a\nb", false },
	{ "a\x1b[2J", false },
	{ "a\xffz", false },
};

START_TEST(test_clients)
{
	struct ticket t = good();

	memset(t.client, 0, sizeof(t.client));
	(void)strcpy(t.client, clients[_i].client);
	ck_assert_msg(is_sound(&t) == clients[_i].is_good, "%s",
	    clients[_i].client);
	memset(t.client, 'x', sizeof(t.client));
	ck_assert(!is_sound(&t));
}
END_TEST

/* Any byte of a good one replaced: it is read to its end, and no further. */
START_TEST(test_any_byte)
{
	const struct ticket before = good();
	void *at = unit_place(&before, sizeof(before), UNIT_END);
	struct ticket *t = at;
	unsigned char *bytes = at;
	struct target target;
	size_t i, nsound;
	int value;

	nsound = 0;
	for (i = 0; i < sizeof(*t); i++)
		for (value = 0; value < 256; value += 5) {
			*t = before;
			bytes[i] = (unsigned char)value;
			if (!ticket_is_sound(t, &target))
				continue;
			nsound++;
			ck_assert_uint_lt(target.path.len, sizeof(t->path));
			ck_assert_uint_lt(t->row, tally_rows());
		}
	ck_assert_uint_gt(nsound, 0);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("ticket");
	TCase *tc = unit_case(s, "is_sound");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(tc, test_numbers, 0, ROWS(numbers));
	tcase_add_loop_test(tc, test_paths, 0, ROWS(paths));
	tcase_add_test(tc, test_long_path);
	tcase_add_loop_test(tc, test_clients, 0, ROWS(clients));
	tcase_add_test(tc, test_any_byte);
	return s;
}
