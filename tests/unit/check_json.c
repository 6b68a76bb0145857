/*
 * Tests of json.c: what is JSON, what is not, and what is read of it.  Every
 * text is read whole and one byte at a time, at both ends of a page: what is
 * read must be the same.
 */

#include "config.h"

#include "unit.h"

#include "bounds.h"
#include "json.h"
#include "text.h"

/* What was read, written down: strings in quotes, a key behind with ":". */
struct notes {
	char		buf[16384];
	struct text	text;
	bool		is_open;	/* a string is under way */
};

static void
note(struct notes *n, enum json_item item, struct span text)
{
	static const char signs[] = {
		[JSON_OBJECT] = '{', [JSON_OBJECT_END] = '}',
		[JSON_ARRAY] = '[', [JSON_ARRAY_END] = ']',
		[JSON_NUMBER] = '#', [JSON_TRUE] = 't',
		[JSON_FALSE] = 'f', [JSON_NULL] = 'n',
		[JSON_KEY] = ':', [JSON_STRING] = '"' };

	if (!n->is_open && (item == JSON_TEXT || item == JSON_KEY ||
	    item == JSON_STRING))
		text_char(&n->text, '"');
	n->is_open = item == JSON_TEXT;
	if (item == JSON_TEXT) {
		ck_assert_uint_gt(text.len, 0);
		text_escaped(&n->text, text);
		return;
	}
	if (item == JSON_KEY)
		text_char(&n->text, '"');
	text_char(&n->text, signs[item]);
}

/* Read pieces of so many bytes: true when all of it is one value. */
static bool
read_all(const char *p, size_t len, size_t piece, struct notes *n)
{
	enum json_result result;
	enum json_item item;
	struct span text;
	struct json j;
	size_t at, end, used;

	text_init(&n->text, n->buf, sizeof(n->buf));
	n->is_open = false;
	json_begin(&j);
	for (at = 0; at < len; ) {
		end = len - at < piece ? len : at + piece;
		result = json_walk(&j, p + at, end - at, &used, &item, &text);
		ck_assert_uint_le(used, end - at);
		if (result == JSON_BAD) {
			/* For good, whatever comes. */
			ck_assert_int_eq(json_walk(&j, "1", 1, &used, &item,
			    &text), JSON_BAD);
			ck_assert(!json_is_whole(&j));
			return false;
		}
		if (result == JSON_MORE)
			ck_assert_uint_eq(used, end - at);
		else
			note(n, item, text);
		at += used;
	}
	ck_assert(!n->text.is_full);
	return json_is_whole(&j);
}

/* In every way; what was noted goes to *n. */
static bool
read_every_way(const char *p, size_t len, struct notes *n)
{
	static const size_t pieces[] = { SIZE_MAX / 2, 1, 2, 3, 7 };
	static struct notes again;
	bool is_good = false, is_same;
	int i, side;

	for (i = 0; i < ROWS(pieces); i++)
		for (side = 0; side < UNIT_SIDES; side++) {
			is_same = read_all(unit_place(p, len,
			    (enum unit_side)side), len, pieces[i], &again);
			if (i == 0 && side == 0) {
				is_good = is_same;
				*n = again;
				n->text.buf = n->buf;
			}
			ck_assert_msg(is_same == is_good, "by %zu: %s",
			    pieces[i], unit_show(p, len));
			ck_assert_msg(!is_good ||
			    strcmp(text_string(&again.text),
			    text_string(&n->text)) == 0, "by %zu: %s: %s",
			    pieces[i], unit_show(p, len), again.buf);
		}
	return is_good;
}

static const struct {
	const char	*in;
	size_t		 len;
	const char	*notes;
} good[] = {
	{ B("{}"), "{}" },
	{ B("[]"), "[]" },
	{ B(" \t\r\n{ \n} \t\r\n"), "{}" },
	{ B("[ ]"), "[]" },
	{ B("\"\""), "\"\"" },
	{ B("\"a\""), "\"a\"" },
	{ B("true"), "t" },
	{ B("false"), "f" },
	{ B("null"), "n" },
	{ B(" null "), "n" },
	{ B("[true,false,null]"), "[tfn]" },
	{ B("{\"a\":1}"), "{\"a\":#}" },
	{ B("{\"a\" : \"b\" , \"\" : [ ] }"), "{\"a\":\"b\"\"\":[]}" },
	{ B("{\"a\":{\"b\":{}},\"c\":[[],[{}]]}"),
	    "{\"a\":{\"b\":{}}\"c\":[[][{}]]}" },
	{ B("{\"a\":1,\"a\":2}"), "{\"a\":#\"a\":#}" },
	/* numbers */
	{ B("0"), "#" }, { B("-0"), "#" }, { B("7"), "#" },
	{ B("-17"), "#" }, { B("1234567890123456789012345678901234567890"),
	    "#" },
	{ B("0.0"), "#" }, { B("10.25"), "#" }, { B("1e5"), "#" },
	{ B("1E+05"), "#" }, { B("1.5e-3"), "#" }, { B("0e0"), "#" },
	{ B("[0,-1,2.5]"), "[###]" }, { B("[1 ,2 ]"), "[##]" },
	{ B("{\"a\":0}"), "{\"a\":#}" }, { B("1 "), "#" },
	/* escapes */
	{ B("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	    "\"\"\\\\/\\x08\\x0c\\x0a\\x0d\\x09\"" },
	{ B("\"\\u0041\\u004a\\u004A\""), "\"AJJ\"" },
	{ B("\"a\\u0000b\""), "\"a\\x00b\"" },
	{ B("\"\\u0080\\u07ff\""), "\"\\xc2\\x80\\xdf\\xbf\"" },
	{ B("\"\\u0800\\uffff\""), "\"\\xe0\\xa0\\x80\\xef\\xbf\\xbf\"" },
	{ B("\"\\ud7ff\\ue000\""), "\"\\xed\\x9f\\xbf\\xee\\x80\\x80\"" },
	{ B("\"\\ud800\\udc00\\udbff\\udfff\""),
	    "\"\\xf0\\x90\\x80\\x80\\xf4\\x8f\\xbf\\xbf\"" },
	{ B("\"x\\uD83D\\uDE00y\""), "\"x\\xf0\\x9f\\x98\\x80y\"" },
	{ B("{\"\\u0061\":0}"), "{\"a\":#}" },
	/* UTF-8 */
	{ B("\"\xc2\x80\xdf\xbf\""), "\"\\xc2\\x80\\xdf\\xbf\"" },
	{ B("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
	    "\"\\xe0\\xa0\\x80\\xed\\x9f\\xbf\\xee\\x80\\x80"
	    "\\xef\\xbf\\xbf\"" },
	{ B("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
	    "\"\\xf0\\x90\\x80\\x80\\xf4\\x8f\\xbf\\xbf\"" },
	{ B("\"\x7f\""), "\"\\x7f\"" },
	{ B("\"'/ []{}:,\""), "\"'/\\x20[]{}:,\"" },
};

START_TEST(test_good)
{
	static struct notes n;

	ck_assert_msg(read_every_way(good[_i].in, good[_i].len, &n), "%s",
	    unit_show(good[_i].in, good[_i].len));
	ck_assert_str_eq(text_string(&n.text), good[_i].notes);
}
END_TEST

static const struct {
	const char	*in;
	size_t		 len;
} bad[] = {
	{ B("") }, { B(" ") }, { B("\n") },
	/* cut short */
	{ B("{") }, { B("[") }, { B("\"") }, { B("\"a") }, { B("\"\\") },
	{ B("\"\\u004") }, { B("{\"a\"") }, { B("{\"a\":") },
	{ B("{\"a\":1") }, { B("{\"a\":1,") }, { B("[1") }, { B("[1,") },
	{ B("t") }, { B("tru") }, { B("-") }, { B("1.") }, { B("1e") },
	{ B("1e+") }, { B("[[]") }, { B("\"\\ud800\\udc0") },
	{ B("\"\xc2") }, { B("\"\xf0\x90\x80") },
	/* structure */
	{ B("}") }, { B("]") }, { B(",") }, { B(":") }, { B("[}") },
	{ B("{]") }, { B("[1}") }, { B("{\"a\":1]") }, { B("[,]") },
	{ B("[1,]") }, { B("[,1]") }, { B("[1,,2]") }, { B("[1 2]") },
	{ B("{,}") }, { B("{\"a\":1,}") }, { B("{\"a\"}") },
	{ B("{\"a\",1}") }, { B("{\"a\"::1}") }, { B("{\"a\":}") },
	{ B("{:1}") }, { B("{a:1}") }, { B("{'a':1}") }, { B("{1:1}") },
	{ B("{\"a\":1 \"b\":2}") }, { B("{null:1}") }, { B("[\"a\":1]") },
	{ B("{[]:1}") }, { B("{} {}") }, { B("{}{}") }, { B("1 2") },
	{ B("{},") }, { B("[]]") }, { B("{}}") }, { B("null,") },
	{ B("\"a\"\"b\"") }, { B("{}\0") }, { B("{}x") },
	/* words */
	{ B("True") }, { B("TRUE") }, { B("nul") }, { B("nulll") },
	{ B("NaN") }, { B("Infinity") }, { B("undefined") },
	{ B("truefalse") }, { B("t rue") }, { B("fals3") },
	/* numbers */
	{ B("00") }, { B("01") }, { B("-01") }, { B("+1") }, { B("--1") },
	{ B(".5") }, { B("5.") }, { B("1.e1") }, { B("1.2.3") },
	{ B("1e1.2") }, { B("1e1e1") }, { B("0x10") }, { B("1a") },
	{ B("1-") }, { B("1+1") }, { B("-") }, { B("-a") }, { B("1e-") },
	{ B("1_000") }, { B("1\"\"") }, { B("1[") }, { B("[1.]") },
	{ B("[-]") }, { B("0e") }, { B("1,") }, { B("1-1") },
	/* blanks that are none */
	{ B("\v1") }, { B("\f1") }, { B("\0") }, { B("1\0") },
	{ B("\xc2\xa0" "1") }, { B("\xef\xbb\xbf{}") }, { B("[1\v]") },
	/* comments */
	{ B("/**/1") }, { B("1//") }, { B("# a\n1") },
	/* strings */
	{ B("\"\n\"") }, { B("\"\t\"") }, { B("\"\0\"") },
	{ B("\"\x1f\"") }, { B("\"\\x41\"") }, { B("\"\\'\"") },
	{ B("\"\\0\"") }, { B("\"\\\n\"") }, { B("\"\\U0041\"") },
	{ B("\"\\u00g0\"") }, { B("\"\\u 041\"") }, { B("\"\\u-041\"") },
	{ B("\"\\u{41}\"") }, { B("'a'") }, { B("\"a\"b\"") },
	/* half a pair */
	{ B("\"\\ud800\"") }, { B("\"\\udc00\"") }, { B("\"\\udfff\"") },
	{ B("\"\\ud800a\"") }, { B("\"\\ud800\\n\"") },
	{ B("\"\\ud800\\u0041\"") }, { B("\"\\ud800\\ud800\"") },
	{ B("\"\\udc00\\ud800\"") }, { B("\"\\ud800\xed\xb0\x80\"") },
	{ B("\"\\ud800\"\\udc00") },
	/* UTF-8 */
	{ B("\"\x80\"") }, { B("\"\xbf\"") }, { B("\"\xc0\x80\"") },
	{ B("\"\xc1\xbf\"") }, { B("\"\xc2\"") }, { B("\"\xc2\x41\"") },
	{ B("\"\xc2\xc2\"") }, { B("\"\xe0\x9f\xbf\"") },
	{ B("\"\xe0\xa0\"") }, { B("\"\xed\xa0\x80\"") },
	{ B("\"\xed\xbf\xbf\"") }, { B("\"\xe2\x82\\n\"") },
	{ B("\"\xf0\x8f\xbf\xbf\"") }, { B("\"\xf4\x90\x80\x80\"") },
	{ B("\"\xf5\x80\x80\x80\"") }, { B("\"\xff\"") },
	{ B("\"\xfe\"") }, { B("\"\xf0\x90\x80\"") },
	{ B("\"\xf8\x88\x80\x80\x80\"") }, { B("{\"\xff\":1}") },
	{ B("\xc2\x80") },
};

START_TEST(test_bad)
{
	static struct notes n;

	ck_assert_msg(!read_every_way(bad[_i].in, bad[_i].len, &n), "%s",
	    unit_show(bad[_i].in, bad[_i].len));
}
END_TEST

/* Every byte in every place that has an opinion of its own. */
START_TEST(test_bytes)
{
	static const struct {
		const char	*before, *behind;
		const char	*fits;	/* bytes that make it JSON */
	} rows[] = {
		{ "", "1", " \t\r\n-123456789" },
		{ "", "", "0123456789" },
		{ "[", "]", " \t\r\n0123456789" },
		{ "{", "}", " \t\r\n" },
		{ "{\"a\"", "1}", ":" },
		{ "[1", "2]", ",.0123456789eE" },
		{ "\"\\", "\"", "\"\\/bfnrt" },
		{ "\"\\u004", "\"", "0123456789abcdefABCDEF" },
	};
	char buf[32];
	struct notes n;
	size_t before, len;
	bool fits;
	int c;

	before = strlen(rows[_i].before);
	len = before + 1 + strlen(rows[_i].behind);
	memcpy(buf, rows[_i].before, before);
	memcpy(buf + before + 1, rows[_i].behind, len - before);
	for (c = 0; c < 256; c++) {
		/* "\\" and quote end the string early: what is left over is
		 * judged by the tables above. */
		buf[before] = (char)c;
		fits = c != 0 && strchr(rows[_i].fits, c) != NULL;
		ck_assert_msg(read_all(unit_place(buf, len, UNIT_END), len,
		    len, &n) == fits, "byte %d: %s", c, unit_show(buf, len));
	}
}
END_TEST

START_TEST(test_depth)
{
	static struct notes n;
	char *p;
	int more;

	for (more = 0; more < 2; more++) {
		p = unit_fill('[', (size_t)2 * (BOUNDS_JSON_DEPTH + more));
		memset(p + BOUNDS_JSON_DEPTH + more, ']',
		    (size_t)BOUNDS_JSON_DEPTH + more);
		ck_assert(read_every_way(p, strlen(p), &n) == (more == 0));
		free(p);
	}
}
END_TEST

/* Levels of both kinds within each other, each closed by its own kind. */
START_TEST(test_levels)
{
	static const char open[] = "[{\"\":[[{\"\":{\"\":[{\"\":[";
	static const char end[] = "]}]}}]]}]";
	static struct notes n;
	char buf[sizeof(open) + sizeof(end)];
	size_t i, at = sizeof(open) - 1;

	memcpy(buf, open, sizeof(open));
	memcpy(buf + at, end, sizeof(end));
	ck_assert(read_every_way(buf, strlen(buf), &n));
	for (i = 0; i < sizeof(end) - 1; i++) {
		buf[at + i] = end[i] == ']' ? '}' : ']';
		ck_assert_msg(!read_every_way(buf, strlen(buf), &n), "%s",
		    buf);
		buf[at + i] = end[i];
	}
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("json");
	tc = unit_case(s, "json");
	tcase_add_loop_test(tc, test_good, 0, ROWS(good));
	tcase_add_loop_test(tc, test_bad, 0, ROWS(bad));
	tcase_add_loop_test(tc, test_bytes, 0, 8);
	tcase_add_test(tc, test_depth);
	tcase_add_test(tc, test_levels);
	return s;
}
