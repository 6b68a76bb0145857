/*
 * Tests of lesson.c: what listeners have during and after a lesson, and when
 * it ends.
 */

#include "config.h"

#include "lesson.h"

#include <time.h>

#include "io.h"
#include "unit.h"

#define LISTENERS	2
#define LONG_MS		600000
#define SHORT_MS	20

static struct profile own_profile = { .name = "own" };
static struct profile open_profile = { .name = "open" };

/* A configuration that was just loaded, with one listener that has no
 * profile, or with none. */
static void
load(struct conf *c, int64_t learn_for_ms, bool lacks_one)
{
	*c = (struct conf){ .nlisten = LISTENERS, .npools = LISTENERS };
	c->learn_for_ms = learn_for_ms;
	c->open_profile = &open_profile;
	c->listen[0].text = c->listen[1].text = "unix:///x";
	c->listen[0].profile = &own_profile;
	c->listen[1].profile = lacks_one ? NULL : &own_profile;
}

static void
sleep_ms(long ms)
{
	struct timespec t = { 0, ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

static void
expect_open(const struct conf *c, bool is_open)
{
	int i;

	ck_assert_int_eq(lesson_is_on(), is_open);
	ck_assert_int_eq(c->log_requests, is_open);
	for (i = 0; i < LISTENERS; i++)
		ck_assert_ptr_eq(c->listen[i].profile,
		    is_open ? &open_profile : &own_profile);
}

START_TEST(test_none)
{
	struct conf c;

	load(&c, 0, false);
	lesson_begin(&c);
	expect_open(&c, false);
	ck_assert_int_eq(lesson_is_over(), false);
	ck_assert_int_eq(lesson_watch(7), 7);
	lesson_close(&c);
	expect_open(&c, false);
}
END_TEST

START_TEST(test_open_and_close)
{
	struct conf c;

	load(&c, LONG_MS, false);
	lesson_begin(&c);
	expect_open(&c, true);
	ck_assert_int_eq(lesson_has_next(&c), true);
	ck_assert_int_eq(lesson_is_over(), false);
	ck_assert_int_gt(lesson_left_ms(), LONG_MS - 60000);
	ck_assert_int_le(lesson_left_ms(), LONG_MS);
	ck_assert_int_eq(lesson_watch(7), 7);
	ck_assert_int_le(lesson_watch(INT64_MAX), io_now_ms() + LONG_MS);
	lesson_close(&c);
	expect_open(&c, false);
	ck_assert_int_eq(lesson_watch(INT64_MAX) == INT64_MAX, true);
}
END_TEST

/* Configurations that come later keep the end. */
START_TEST(test_reload_keeps_end)
{
	struct conf c, later;
	int64_t end;

	load(&c, LONG_MS, false);
	lesson_begin(&c);
	end = lesson_watch(INT64_MAX);
	sleep_ms(SHORT_MS);
	load(&later, 2 * LONG_MS, false);
	lesson_begin(&later);
	expect_open(&later, true);
	ck_assert_int_eq(lesson_watch(INT64_MAX), end);
	/* One that does not ask ends it, and the next one that does begins
	 * another. */
	load(&later, 0, false);
	lesson_begin(&later);
	expect_open(&later, false);
	load(&later, 2 * LONG_MS, false);
	lesson_begin(&later);
	expect_open(&later, true);
	ck_assert_int_gt(lesson_watch(INT64_MAX), end);
}
END_TEST

START_TEST(test_over)
{
	struct conf c, later;

	load(&c, SHORT_MS, false);
	lesson_begin(&c);
	expect_open(&c, true);
	sleep_ms(2 * SHORT_MS);
	ck_assert_int_eq(lesson_is_over(), true);
	ck_assert_int_eq(lesson_left_ms(), 0);
	load(&later, SHORT_MS, false);
	lesson_begin(&later);
	expect_open(&later, false);
	ck_assert_int_eq(lesson_is_over(), false);
	/* It stays over. */
	load(&later, LONG_MS, false);
	lesson_begin(&later);
	expect_open(&later, false);
}
END_TEST

/* No listener is ever without a profile. */
START_TEST(test_nothing_afterwards)
{
	struct conf c;

	load(&c, SHORT_MS, true);
	lesson_begin(&c);
	expect_open(&c, true);
	ck_assert_int_eq(lesson_has_next(&c), false);
	sleep_ms(2 * SHORT_MS);
	ck_assert_int_eq(lesson_say_over(&c), false);
	load(&c, SHORT_MS, true);
	lesson_begin(&c);
	expect_open(&c, true);
	ck_assert_int_eq(lesson_is_over(), true);
}
END_TEST

START_TEST(test_text)
{
	char buf[64], wanted[64];
	struct text t;
	struct conf c;
	struct tm tm;
	time_t end;

	load(&c, 3600 * 1000, false);
	lesson_begin(&c);
	end = time(NULL) + 3600;
	text_init(&t, buf, sizeof(buf));
	lesson_text(&t);
	ck_assert_ptr_nonnull(gmtime_r(&end, &tm));
	/* To the minute before or after. */
	(void)strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:", &tm);
	ck_assert_int_eq((int)t.len, 20);
	ck_assert_int_eq(text_string(&t)[19], 'Z');
	if (tm.tm_min > 0 && tm.tm_min < 59)
		ck_assert_msg(strncmp(buf, wanted, strlen(wanted)) == 0,
		    "%s, not %s", buf, wanted);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("lesson");
	tc = unit_case(s, "lesson");
	tcase_add_test(tc, test_none);
	tcase_add_test(tc, test_open_and_close);
	tcase_add_test(tc, test_reload_keeps_end);
	tcase_add_test(tc, test_over);
	tcase_add_test(tc, test_nothing_afterwards);
	tcase_add_test(tc, test_text);
	return s;
}
