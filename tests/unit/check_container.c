/*
 * Which container a process is in: texts of the kernel, and answers of dockerd.
 */
#include "config.h"

#include "container.h"

#include "unit.h"

#define HEX8	"01234567"
#define ID_A	HEX8 "89abcdef" HEX8 "89abcdef" HEX8 "89abcdef" HEX8 "89abcdef"
#define ID_B	"f" HEX8 "9abcdef" HEX8 "89abcdef" HEX8 "89abcdef" HEX8 \
	"89abcdef"

_Static_assert(sizeof(ID_A) == CONTAINER_ID_LEN + 1, "as long as Docker's");
_Static_assert(sizeof(ID_B) == CONTAINER_ID_LEN + 1, "as long as Docker's");

/* -- names -- */

START_TEST(is_name)
{
	static const struct {
		const char *name;
		bool is_good;
	} rows[] = {
		{ "aa", true },
		{ "Z9", true },
		{ "0_.-", true },
		{ "a", false },
		{ "", false },
		{ "_a", false },
		{ ".a", false },
		{ "-a", false },
		{ "a/b", false },
		{ "a\xc3\xa4", false },
		{ "a\"", false }
	};
	struct span s;
	int i, side;

	for (i = 0; i < ROWS(rows); i++)
		for (side = 0; side < UNIT_SIDES; side++) {
			s = unit_span(rows[i].name, strlen(rows[i].name),
			    (enum unit_side)side);
			ck_assert_msg(container_is_name(s) == rows[i].is_good,
			    "%s", rows[i].name);
		}
}
END_TEST

/* -- control groups -- */

static const struct {
	const char *groups;
	enum container_result result;
	const char *id;		/* of FOUND */
} finds[] = {
	/* version 2: cgroupfs, systemd, rootless, a group of the container's
	 * own, Docker in Docker */
	{ "0::/docker/" ID_A "\n", CONTAINER_FOUND, ID_A },
	{ "0::/system.slice/docker-" ID_A ".scope\n", CONTAINER_FOUND, ID_A },
	{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-"
	    ID_A ".scope\n", CONTAINER_FOUND, ID_A },
	{ "0::/docker/" ID_A "/init.scope\n", CONTAINER_FOUND, ID_A },
	{ "0::/docker/" ID_A "/docker/" ID_B "\n", CONTAINER_FOUND, ID_A },
	{ "0::/system.slice/docker-" ID_A ".scope/" ID_B "\n",
	    CONTAINER_FOUND, ID_A },
	{ "0::/my-own/" ID_A "\n", CONTAINER_FOUND, ID_A },
	/* as a container with a namespace of its own sees another one */
	{ "0::/../" ID_A "\n", CONTAINER_FOUND, ID_A },
	{ "0::/../docker-" ID_A ".scope\n", CONTAINER_FOUND, ID_A },
	/* version 1, and both */
	{ "9:name=systemd:/docker/" ID_A "\n8:pids:/docker/" ID_A "\n"
	    "2:cpu,cpuacct:/docker/" ID_A "\n0::/docker/" ID_A "\n",
	    CONTAINER_FOUND, ID_A },
	{ "9:rdma:/\n8:pids:/docker/" ID_A "\n0::/\n", CONTAINER_FOUND, ID_A },
	{ "9:pids:/docker/" ID_A "\n8:memory:/docker/" ID_B "\n",
	    CONTAINER_DOUBT, NULL },
	{ "9:pids:/docker/" ID_A "/" ID_B "\n8:memory:/docker/" ID_A "\n",
	    CONTAINER_FOUND, ID_A },
	/* none */
	{ "0::/\n", CONTAINER_NONE, NULL },
	{ "0::/user.slice/user-1000.slice/session-1.scope\n", CONTAINER_NONE,
	    NULL },
	{ "0::/system.slice/docker.service\n", CONTAINER_NONE, NULL },
	{ "9:name=systemd:/\n8:pids:/\n0::/\n", CONTAINER_NONE, NULL },
	/* not quite a number */
	{ "0::/docker/7" ID_A "\n", CONTAINER_NONE, NULL },
	{ "0::/docker/" ID_A "7\n", CONTAINER_NONE, NULL },
	{ "0::/docker/" ID_A " (deleted)\n", CONTAINER_NONE, NULL },
	{ "0::/docker/" HEX8 "\n", CONTAINER_NONE, NULL },
	{ "0::/docker/F" HEX8 "9ABCDEF" HEX8 "89ABCDEF" HEX8 "89ABCDEF" HEX8
	    "89ABCDEF\n", CONTAINER_NONE, NULL },
	{ "0::/docker/docker-" ID_A ".service\n", CONTAINER_NONE, NULL },
	{ "0::/docker/podman-" ID_A ".scope\n", CONTAINER_NONE, NULL },
	{ "0::/docker-" ID_A "\n", CONTAINER_NONE, NULL },
	/* names of hierarchies are no paths */
	{ "9:name=/docker/" ID_A ":/\n", CONTAINER_NONE, NULL },
	/* a colon in a path */
	{ "0::/a:b/" ID_A "\n", CONTAINER_FOUND, ID_A },
	/* no such text */
	{ "", CONTAINER_DOUBT, NULL },
	{ "\n", CONTAINER_DOUBT, NULL },
	{ "0::/docker/" ID_A, CONTAINER_DOUBT, NULL },
	{ "0::\n", CONTAINER_DOUBT, NULL },
	{ "0:/docker/" ID_A "\n", CONTAINER_DOUBT, NULL },
	{ "0::docker/" ID_A "\n", CONTAINER_DOUBT, NULL },
	{ "/docker/" ID_A "\n", CONTAINER_DOUBT, NULL },
	{ "0::/docker/" ID_A "\n\n", CONTAINER_DOUBT, NULL }
};

START_TEST(find)
{
	char id[CONTAINER_ID_LEN];
	enum container_result result;
	struct span s;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		s = unit_span(finds[_i].groups, strlen(finds[_i].groups),
		    (enum unit_side)side);
		result = container_find(s, id);
		ck_assert_msg(result == finds[_i].result, "%s: %d",
		    finds[_i].groups, (int)result);
		if (result == CONTAINER_FOUND)
			ck_assert_msg(memcmp(id, finds[_i].id,
			    CONTAINER_ID_LEN) == 0, "%s", finds[_i].groups);
	}
}
END_TEST

/* What is cut anywhere is not taken for a process in no container. */
START_TEST(find_cut)
{
	static const char text[] = "9:pids:/docker/" ID_A "\n8:memory:/docker/"
	    ID_A "\n";
	char id[CONTAINER_ID_LEN];
	size_t len;

	for (len = 0; len < sizeof(text) - 1; len++)
		ck_assert_msg(container_find(unit_span(text, len, UNIT_END),
		    id) == (len == 15 + CONTAINER_ID_LEN + 1 ?
		    CONTAINER_FOUND : CONTAINER_DOUBT), "%zu", len);
}
END_TEST

static const struct {
	const char *groups;
	const char *first;	/* of its container's first process */
	bool is_inside;
} holds[] = {
	{ "0::/docker/" ID_A "\n", "0::/docker/" ID_A "\n", true },
	{ "0::/docker/" ID_A "/x\n", "0::/docker/" ID_A "/init.scope\n",
	    true },
	{ "8:pids:/docker/" ID_A "\n7:rdma:/\n",
	    "8:pids:/docker/" ID_A "\n7:rdma:/\n", true },
	/* a group of the same name that somebody has made elsewhere */
	{ "0::/user.slice/" ID_A "\n", "0::/docker/" ID_A "\n", false },
	{ "0::/docker/docker-" ID_A ".scope\n", "0::/docker/" ID_A "\n",
	    false },
	{ "8:pids:/\n1:name=systemd:/user.slice/" ID_A "\n",
	    "8:pids:/docker/" ID_A "\n1:name=systemd:/docker/" ID_A "\n",
	    false },
	{ "8:pids:/docker/" ID_A "\n1:name=systemd:/user.slice/" ID_A "\n",
	    "8:pids:/docker/" ID_A "\n1:name=systemd:/docker/" ID_A "\n",
	    false },
	/* another container, or none any more */
	{ "0::/docker/" ID_B "\n", "0::/docker/" ID_B "\n", false },
	{ "0::/\n", "0::/docker/" ID_A "\n", false },
	{ "", "0::/docker/" ID_A "\n", false },
	{ "0::/docker/" ID_A "\n", "", false },
	{ "0::/docker/" ID_A "\n", "0::/\n", false },
	{ "0::/docker/" ID_A "\n", "8:pids:/docker/" ID_A "\n", false },
	{ "0::/docker/" ID_A "\nx\n", "0::/docker/" ID_A "\n", false }
};

START_TEST(hold)
{
	struct span groups, first;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		groups = unit_span(holds[_i].groups,
		    strlen(holds[_i].groups), (enum unit_side)side);
		first = unit_span(holds[_i].first, strlen(holds[_i].first),
		    (enum unit_side)side);
		ck_assert_msg(container_holds(groups, first, unit_place(ID_A,
		    CONTAINER_ID_LEN, (enum unit_side)side)) ==
		    holds[_i].is_inside, "%s", holds[_i].groups);
	}
}
END_TEST

/* -- dockerd's answer -- */

#define OK	"HTTP/1.0 200 OK\r\nServer: Docker\r\n\r\n"
#define BODY	"{\"Id\":\"" ID_A "\",\"Created\":\"2026\",\"Path\":\"sh\","
#define STATE	"\"State\":{\"Status\":\"running\",\"Dead\":false," \
	"\"Pid\":4711,\"ExitCode\":0},"
#define NAME	"\"Name\":\"/web\","

static const struct {
	const char *answer;
	enum container_result result;
	uint64_t pid;
	const char *name;	/* of FOUND; empty: one that nobody can have */
} answers[] = {
	{ OK BODY STATE NAME, CONTAINER_FOUND, 4711, "web" },
	{ OK BODY NAME STATE, CONTAINER_FOUND, 4711, "web" },
	{ "HTTP/1.1 200 \r\n\r\n" BODY STATE NAME, CONTAINER_FOUND, 4711,
	    "web" },
	{ OK BODY "\"State\":{\"Pid\":0},\"Name\":\"/web\"", CONTAINER_FOUND,
	    0, "web" },
	{ OK BODY "\"State\":{\"Pid\":12},\"Name\":\"/a-b_c.d\"",
	    CONTAINER_FOUND, 12, "a-b_c.d" },
	/* names that are others', in strings and at other places */
	{ OK BODY "\"Args\":[\"\\\"Name\\\":\\\"/no\\\",\",\"Name\",\":\","
	    "\"{\",\"]\",\"\\\\\"]," STATE NAME, CONTAINER_FOUND, 4711,
	    "web" },
	{ OK BODY "\"Labels\":{\"Name\":\"/no\",\"State\":{\"Pid\":1}},"
	    "\"Mounts\":[{\"Name\":\"/no\"}]," STATE NAME, CONTAINER_FOUND,
	    4711, "web" },
	{ OK BODY "\"State\":{\"Health\":{\"Pid\":1,\"Name\":\"/no\"},"
	    "\"Pid\":4711,\"Name\":\"/no\"},\"Pid\":3," NAME,
	    CONTAINER_FOUND, 4711, "web" },
	{ OK BODY "\"Other\":{\"Pid\":1}," STATE NAME, CONTAINER_FOUND, 4711,
	    "web" },
	{ OK BODY STATE "\"Names\":\"/no\",\"name\":\"/no\",\"Nam\":\"/no\","
	    NAME, CONTAINER_FOUND, 4711, "web" },
	/* nobody's */
	{ OK BODY STATE "\"Name\":\"/we\\u0062\",", CONTAINER_FOUND, 4711,
	    "" },
	{ OK BODY STATE "\"Name\":\"web\",", CONTAINER_FOUND, 4711, "" },
	{ OK BODY STATE "\"Name\":\"/other/web\",", CONTAINER_FOUND, 4711,
	    "" },
	/* there is none */
	{ "HTTP/1.0 404 Not Found\r\n\r\n", CONTAINER_NONE, 0, NULL },
	{ "HTTP/1.1 404 ", CONTAINER_NONE, 0, NULL },
	/* it goes on */
	{ "", CONTAINER_MORE, 0, NULL },
	{ "HTTP/1.0 200", CONTAINER_MORE, 0, NULL },
	{ OK BODY STATE "\"Name\":\"/web", CONTAINER_MORE, 0, NULL },
	{ OK BODY NAME "\"State\":{\"Pid\":47", CONTAINER_MORE, 0, NULL },
	{ OK BODY NAME, CONTAINER_MORE, 0, NULL },
	{ OK BODY STATE, CONTAINER_MORE, 0, NULL },
	{ "HTTP/1.0 200 OK\r\n" BODY STATE NAME, CONTAINER_MORE, 0, NULL },
	/* something else */
	{ "HTTP/1.0 500 No\r\n\r\n" BODY STATE NAME, CONTAINER_DOUBT, 0,
	    NULL },
	{ "HTTP/1.0 200", CONTAINER_MORE, 0, NULL },
	{ "HTTP/1.0 2000 ", CONTAINER_DOUBT, 0, NULL },
	{ "HTTP/2.0 200 OK\r\n", CONTAINER_DOUBT, 0, NULL },
	{ "HTTP/1.x 200 OK\r\n", CONTAINER_DOUBT, 0, NULL },
	{ "http/1.0 200 OK\r\n", CONTAINER_DOUBT, 0, NULL },
	{ "{\"Id\":\"" ID_A "\"", CONTAINER_DOUBT, 0, NULL },
	{ OK "{\"Id\":\"" ID_B "\"", CONTAINER_DOUBT, 0, NULL },
	{ OK "{\"Id\":\"" ID_A "7\"", CONTAINER_DOUBT, 0, NULL },
	{ OK "{\"Id\": \"" ID_A "\"", CONTAINER_DOUBT, 0, NULL },
	{ OK "[{\"Id\":\"" ID_A "\"", CONTAINER_DOUBT, 0, NULL },
	{ OK "{\"message\":\"no\"}", CONTAINER_DOUBT, 0, NULL },
	{ OK "{\"Id\":\"" ID_A "\"}", CONTAINER_DOUBT, 0, NULL },
	{ OK BODY "\"State\":{\"Pid\":4711}}", CONTAINER_DOUBT, 0, NULL },
	{ OK BODY "\"State\":{\"Pid\":4194304}," NAME, CONTAINER_DOUBT, 0,
	    NULL },
	{ OK BODY "\"State\":{\"Pid\":99999999999999999999}," NAME,
	    CONTAINER_DOUBT, 0, NULL },
	{ OK BODY "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", CONTAINER_DOUBT, 0,
	    NULL }
};

static void
assert_heard(const struct container_answer *a, enum container_result result,
    int row)
{
	static const char *const names[] = { "web", "a-b_c.d", "no", "we",
		"webb", "/web", "", "eb" };
	int i;

	ck_assert_msg(result == answers[row].result, "%s: %d",
	    answers[row].answer, (int)result);
	if (result != CONTAINER_FOUND)
		return;
	ck_assert_msg(a->pid == answers[row].pid, "%s: pid %lu",
	    answers[row].answer, (unsigned long)a->pid);
	for (i = 0; i < ROWS(names); i++)
		ck_assert_msg(container_named(a, span_of(names[i])) ==
		    (strcmp(names[i], answers[row].name) == 0 &&
		    names[i][0] != '\0'), "%s: %s", answers[row].answer,
		    names[i]);
}

/* In one piece, at an inaccessible page. */
START_TEST(hear_whole)
{
	const size_t len = strlen(answers[_i].answer);
	struct container_answer a;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		container_ask(&a, unit_place(ID_A, CONTAINER_ID_LEN,
		    (enum unit_side)side));
		assert_heard(&a, container_hear(&a, unit_place(
		    answers[_i].answer, len, (enum unit_side)side), len), _i);
	}
}
END_TEST

/* Byte by byte, and in two pieces. */
START_TEST(hear_pieces)
{
	const char *const text = answers[_i].answer;
	const size_t len = strlen(text);
	enum container_result result;
	struct container_answer a;
	size_t i;

	container_ask(&a, ID_A);
	result = CONTAINER_MORE;
	for (i = 0; i < len && result == CONTAINER_MORE; i++)
		result = container_hear(&a, unit_place(text + i, 1, UNIT_END),
		    1);
	assert_heard(&a, result, _i);
	for (i = 0; i <= len; i++) {
		container_ask(&a, ID_A);
		result = container_hear(&a, text, i);
		if (result == CONTAINER_MORE)
			result = container_hear(&a, text + i, len - i);
		assert_heard(&a, result, _i);
	}
}
END_TEST

/* The longest name that a line can have, and longer ones. */
START_TEST(long_names)
{
	char name[BOUNDS_CONTAINER_NAME_CAP + 64];
	struct container_answer a;
	size_t len;

	memset(name, 'x', sizeof(name));
	for (len = BOUNDS_CONTAINER_NAME_CAP - 1; len < sizeof(name); len++) {
		container_ask(&a, ID_A);
		ck_assert_int_eq((int)container_hear(&a, SPAN(OK BODY STATE
		    "\"Name\":\"/").p, sizeof(OK BODY STATE "\"Name\":\"/") -
		    1), (int)CONTAINER_MORE);
		ck_assert_int_eq((int)container_hear(&a, name, len),
		    (int)CONTAINER_MORE);
		ck_assert_int_eq((int)container_hear(&a, "\"", 1),
		    (int)CONTAINER_FOUND);
		ck_assert_int_eq(container_named(&a, (struct span){ name,
		    BOUNDS_CONTAINER_NAME_CAP }),
		    len == BOUNDS_CONTAINER_NAME_CAP);
	}
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("container");
	TCase *tc;

	tc = tcase_create("groups");
	tcase_add_test(tc, is_name);
	tcase_add_loop_test(tc, find, 0, ROWS(finds));
	tcase_add_test(tc, find_cut);
	tcase_add_loop_test(tc, hold, 0, ROWS(holds));
	suite_add_tcase(s, tc);
	tc = tcase_create("answer");
	tcase_add_loop_test(tc, hear_whole, 0, ROWS(answers));
	tcase_add_loop_test(tc, hear_pieces, 0, ROWS(answers));
	tcase_add_test(tc, long_names);
	suite_add_tcase(s, tc);
	return s;
}
