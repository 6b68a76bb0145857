/* Tests of reason.c: the table of endings. */

#include "config.h"

#include "unit.h"

#include "reason.h"

/* The statuses the manual promises. */
static const struct {
	enum reason	reason;
	int		status;
} rows[] = {
	{ REASON_NONE, 200 },
	{ REASON_LINE_END, 400 },
	{ REASON_REQUEST_LINE, 400 },
	{ REASON_METHOD, 400 },
	{ REASON_VERSION, 505 },
	{ REASON_LINE_LONG, 414 },
	{ REASON_HEAD_LONG, 431 },
	{ REASON_FIELD_COUNT, 431 },
	{ REASON_FIELD_NAME, 400 },
	{ REASON_FIELD_VALUE, 400 },
	{ REASON_FOLD, 400 },
	{ REASON_HOST, 400 },
	{ REASON_FIELD_TWICE, 400 },
	{ REASON_CONTENT_TYPE, 400 },
	{ REASON_EXPECT, 417 },
	{ REASON_LENGTH, 400 },
	{ REASON_LENGTH_AND_CODING, 400 },
	{ REASON_CODING_OLD, 400 },
	{ REASON_CODING, 501 },
	{ REASON_BODY_METHOD, 400 },
	{ REASON_CHUNK, 400 },
	{ REASON_TARGET_FORM, 400 },
	{ REASON_TARGET_BYTE, 400 },
	{ REASON_TARGET_ESCAPE, 400 },
	{ REASON_TARGET_SEGMENT, 400 },
	{ REASON_TARGET_VERSION, 400 },
	{ REASON_NO_RULE, 403 },
	{ REASON_MATCH_ERROR, 403 },
	{ REASON_FORM_BODY, 403 },
	{ REASON_START_BODY, 403 },
	{ REASON_MIN_API, 403 },
	{ REASON_BROWSER, 403 },
	{ REASON_NOT_ALLOWED, 403 },
	{ REASON_CONTAINER, 403 },
	{ REASON_HEAD_TIMEOUT, 408 },
	{ REASON_NO_DOCKER, 502 },
	{ REASON_BAD_ANSWER, 502 },
	{ REASON_BUSY, 503 },
};

START_TEST(test_status)
{
	ck_assert_msg(
	    reason_info(rows[_i].reason)->status == rows[_i].status,
	    "%s", reason_info(rows[_i].reason)->word);
}
END_TEST

/* A word is one word of a log line; a text goes into JSON as it is. */
START_TEST(test_words)
{
	const struct reason_info *info;
	const char *p;
	int other;

	info = reason_info((enum reason)_i);
	ck_assert(info->word[0] != '\0');
	for (p = info->word; *p != '\0'; p++)
		ck_assert_msg(span_is_alnum(*p) || *p == '-' || *p == '.',
		    "%s", info->word);
	for (p = info->text; *p != '\0'; p++)
		ck_assert_msg(*p >= ' ' && *p < 0x7f && *p != '"' &&
		    *p != '\\', "%s: %s", info->word, info->text);
	ck_assert_msg((info->text[0] == '\0') == (_i == REASON_NONE), "%s",
	    info->word);
	for (other = 0; other < _i; other++)
		ck_assert_str_ne(info->word,
		    reason_info((enum reason)other)->word);
}
END_TEST

START_TEST(test_impossible)
{
	const struct reason_info *denied;

	denied = reason_info(REASON_NO_RULE);
	ck_assert_ptr_eq(reason_info(REASON_COUNT), denied);
	ck_assert_ptr_eq(reason_info((enum reason)(REASON_COUNT + 1)),
	    denied);
	ck_assert_ptr_eq(reason_info((enum reason)-1), denied);
	ck_assert_ptr_eq(reason_info((enum reason)0x7fffffff), denied);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("reason");
	tc = unit_case(s, "reason");
	tcase_add_loop_test(tc, test_status, 0, ROWS(rows));
	tcase_add_loop_test(tc, test_words, 0, REASON_COUNT);
	tcase_add_test(tc, test_impossible);
	return s;
}
