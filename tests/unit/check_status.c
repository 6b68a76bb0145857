/*
 * --status: the name of its socket, what is read from /proc, and the text.
 */
#include "config.h"

#include "status.h"

#include "board.h"
#include "protection.h"
#include "statustext.h"
#include "tally.h"
#include "unit.h"
#include "yard.h"

/* -- the name -- */

START_TEST(name_of_address)
{
	static const char longest[] = "unix:///0123456789012345678901234567890"
	    "12345678901234567890123456789012345678901";
	char buf[STATUS_NAME_CAP - 1], other[STATUS_NAME_CAP - 1];
	char address[300];
	size_t i;

	status_name(buf, "tcp://localhost:2375");
	ck_assert_str_eq(buf, "docker-socket-protector/tcp://localhost:2375");
	status_name(buf, "unix://@x");
	ck_assert_str_eq(buf, "docker-socket-protector/unix://@x");
	/* The last that fits whole, and the first that does not. */
	status_name(buf, longest);
	ck_assert_str_eq(buf + 24, longest);
	ck_assert_uint_le(strlen(buf), STATUS_NAME_CAP - 2);
	for (i = 1; i < sizeof(address) - 1; i++) {
		memset(address, 'a', i - 1);
		address[i - 1] = 'b';
		address[i] = '\0';
		status_name(buf, address);
		ck_assert_uint_le(strlen(buf), STATUS_NAME_CAP - 2);
		ck_assert_int_eq(strncmp(buf, "docker-socket-protector/", 24),
		    0);
		ck_assert(i > 82 || strcmp(buf + 24, address) == 0);
		/* Those that differ far behind have names of their own. */
		address[i - 1] = 'c';
		status_name(other, address);
		ck_assert_str_ne(buf, other);
	}
}
END_TEST

/* -- /proc/PID/status -- */

#define IDS	"Uid:\t65534\t65534\t65534\t65534\n" \
	"Gid:\t100\t100\t100\t100\n"
#define CAPS	"CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n" \
	"CapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n" \
	"CapAmb:\t0000000000000000\n"
#define REST	"NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n"

static const struct {
	const char	*text;
	struct protection_seen seen;
} texts[] = {
	{ "Name:\tx\n" IDS "FDSize:\t64\nGroups:\t1 2 \n" CAPS REST
	    "Cpus_allowed:\t3\n",
	    { true, false, 65534, 100, 2, 3, 1, 0 } },
	/* kernels without counted filters, and without filters */
	{ IDS CAPS "NoNewPrivs:\t0\nSeccomp:\t2\n",
	    { true, false, 65534, 100, 2, 0, 0, 0 } },
	{ IDS CAPS "NoNewPrivs:\t1\n",
	    { true, false, 65534, 100, 0, 0, 1, 0 } },
	/* one odd id of the four */
	{ "Uid:\t7\t0\t7\t7\nGid:\t8\t8\t8\t8\n" CAPS REST,
	    { true, true, 7, 8, 2, 3, 1, 0 } },
	{ "Uid:\t7\t7\t7\t7\nGid:\t8\t8\t8\t0\n" CAPS REST,
	    { true, true, 7, 0, 2, 3, 1, 0 } },
	/* each set counts, but the bounding one */
	{ IDS "CapInh:\t1\nCapPrm:\t2\nCapEff:\t4\nCapBnd:\tff\n"
	    "CapAmb:\t8000000000000000\n" REST,
	    { true, false, 65534, 100, 2, 3, 1, 0x8000000000000007 } },
	/* not all there, or wrong */
	{ "", { .is_known = false } },
	{ IDS CAPS, { .is_known = false } },
	{ IDS REST, { .is_known = false } },
	{ CAPS REST, { .is_known = false } },
	{ "Uid:\t1\t1\t1\nGid:\t1\t1\t1\t1\n" CAPS REST,
	    { .is_known = false } },
	{ "Uid:\t1\t1\t1\t-1\nGid:\t1\t1\t1\t1\n" CAPS REST,
	    { .is_known = false } },
	{ "Uid:\t1\t1\t1\t4294967296\nGid:\t1\t1\t1\t1\n" CAPS REST,
	    { .is_known = false } },
	{ IDS "CapInh:\t00000000000000000\nCapPrm:\t0\nCapEff:\t0\n"
	    "CapAmb:\t0\n" REST, { .is_known = false } },
	{ IDS "CapInh:\t0g\nCapPrm:\t0\nCapEff:\t0\nCapAmb:\t0\n" REST,
	    { .is_known = false } },
	/* the name of a process cannot pass for a line */
	{ "Name:\tUid:\t0\t0\t0\t0\n" IDS CAPS REST,
	    { true, false, 65534, 100, 2, 3, 1, 0 } }
};

START_TEST(parse_text)
{
	const struct protection_seen *want = &texts[_i].seen;
	struct protection_seen seen;
	size_t len = strlen(texts[_i].text);

	protection_parse((struct span){ unit_place(texts[_i].text, len,
	    UNIT_END), len }, &seen);
	ck_assert_msg(seen.is_known == want->is_known, "row %d", _i);
	if (!want->is_known)
		return;
	ck_assert_int_eq(seen.has_mixed_ids, want->has_mixed_ids);
	ck_assert_uint_eq(seen.uid, want->uid);
	ck_assert_uint_eq(seen.gid, want->gid);
	ck_assert_uint_eq(seen.seccomp, want->seccomp);
	ck_assert_uint_eq(seen.filters, want->filters);
	ck_assert_uint_eq(seen.no_new_privs, want->no_new_privs);
	ck_assert_uint_eq(seen.capabilities, want->capabilities);
}
END_TEST

START_TEST(parse_living)
{
	struct protection_seen seen;

	protection_look(getpid(), &seen);
	ck_assert(seen.is_known);
	ck_assert_uint_eq(seen.uid, geteuid());
	ck_assert_uint_eq(seen.gid, getegid());
	/* No process has so high a number. */
	protection_look(0x7fffffff, &seen);
	ck_assert(!seen.is_known);
}
END_TEST

static const struct {
	uint64_t	set;
	const char	*text;
} sets[] = {
	{ 0, "none" },
	{ 1, "chown" },
	{ 2, "dac_override" },
	{ 3, "chown,dac_override" },
	{ UINT64_C(1) << 21, "sys_admin" },
	{ UINT64_C(1) << 40, "checkpoint_restore" },
	{ UINT64_C(1) << 41, "41" },
	{ UINT64_C(1) << 63, "63" },
	{ UINT64_C(1) << 63 | 1, "chown,63" }
};

START_TEST(capability_names)
{
	struct text t;
	char buf[512];

	text_init(&t, buf, sizeof(buf));
	protection_capabilities(&t, sets[_i].set);
	ck_assert_str_eq(text_string(&t), sets[_i].text);
	/* All of them fit where one line takes them. */
	text_init(&t, buf, sizeof(buf));
	protection_capabilities(&t, UINT64_MAX);
	ck_assert(!t.is_full);
}
END_TEST

#define ANY	{ .is_set = false }
#define NOBODY	{ .is_set = true, .uid = 7, .gid = 8 }
#define FEW	0
#define MANY	1000000		/* more filters than this process has */

static const struct {
	enum sandbox_mode	mode;
	struct privs_identity	identity;
	uint64_t		keeps;
	struct protection_seen	seen;
	const char		*faults;
} judged[] = {
	{ SANDBOX_TRAP, NOBODY, 0, { true, false, 7, 8, 2, MANY, 1, 0 }, "" },
	{ SANDBOX_LOG, NOBODY, 0, { true, false, 7, 8, 2, FEW, 1, 0 }, "" },
	{ SANDBOX_OFF, NOBODY, 0, { true, false, 7, 8, 0, 0, 1, 0 }, "" },
	{ SANDBOX_KILL, ANY, 0, { true, false, 0, 0, 2, MANY, 1, 0 }, "" },
	{ SANDBOX_TRAP, NOBODY, 0, { true, false, 7, 8, 0, 0, 1, 0 },
	    "filter" },
	{ SANDBOX_LOG, NOBODY, 0, { true, false, 7, 8, 1, MANY, 1, 0 },
	    "filter" },
	{ SANDBOX_OFF, NOBODY, 0, { true, false, 7, 8, 0, 0, 0, 0 },
	    "no_new_privs" },
	{ SANDBOX_TRAP, NOBODY, 2, { true, false, 7, 8, 2, MANY, 1, 2 }, "" },
	{ SANDBOX_TRAP, NOBODY, 2, { true, false, 7, 8, 2, MANY, 1, 3 },
	    "capabilities" },
	{ SANDBOX_TRAP, NOBODY, 0, { true, true, 7, 8, 2, MANY, 1, 0 },
	    "identity" },
	{ SANDBOX_TRAP, NOBODY, 0, { true, false, 0, 8, 2, MANY, 1, 0 },
	    "identity" },
	{ SANDBOX_TRAP, NOBODY, 0, { true, false, 7, 0, 2, MANY, 1, 0 },
	    "identity" },
	{ SANDBOX_TRAP, NOBODY, 0, { true, false, 0, 0, 0, 0, 0, 1 },
	    "filter,no_new_privs,capabilities,identity" },
	{ SANDBOX_TRAP, NOBODY, 0, { .is_known = false }, "unknown" }
};

START_TEST(faults_found)
{
	const struct conf c = { .sandbox = judged[_i].mode };
	struct protection_seen own;
	struct text t;
	char buf[64];

	text_init(&t, buf, sizeof(buf));
	protection_faults(&t, &c, &judged[_i].identity, judged[_i].keeps,
	    &judged[_i].seen);
	ck_assert_str_eq(text_string(&t), judged[_i].faults);
	/* A filter that we have too is none of its own. */
	protection_look(getpid(), &own);
	if (own.filters == 0 || c.sandbox == SANDBOX_OFF)
		return;
	own.seccomp = 2;
	text_init(&t, buf, sizeof(buf));
	protection_faults(&t, &c, NULL, UINT64_MAX, &own);
	ck_assert_int_eq(strncmp(text_string(&t), "filter", 6), 0);
}
END_TEST

/* -- the text -- */

#define WORKERS 3000

static struct profile profile = { .name = "a b", .nrules = 7 };
static struct conf conf = { .nlisten = 2, .npools = 3, .max_workers = 5,
	.sandbox = SANDBOX_OFF };
static struct pool pool = { .conf = &conf, .generation = 2, .attacks = 9 };

static void
make_pool(void)
{
	size_t i;

	conf.listen[0].text = "tcp://a:1";
	conf.listen[1].text = "unix:///x\ny";
	conf.listen[0].profile = conf.listen[1].profile = &profile;
	conf.listen[2] = conf.listen[1];
	conf.listen[2].door = 1;
	ck_assert_int_eq(board_open(WORKERS), 0);
	ck_assert_int_eq(tally_open(), 0);
	ck_assert_int_eq(yard_open(), 0);
	for (i = 0; i < WORKERS; i++) {
		ck_assert_uint_eq(board_claim(i % 2, i < 10 ? 1 : 2, 0),
		    i);
		board_set_pid(i, 0x7fffff00);
	}
}

static size_t
count(const char *text, const char *part)
{
	size_t n;

	for (n = 0; (text = strstr(text, part)) != NULL; n++)
		text += strlen(part);
	return n;
}

/* Whatever fits is whole lines, and the last one tells. */
START_TEST(text_cut)
{
	static const size_t caps[] = { 85, 1000, 4000, 20000, 100000,
		STATUSTEXT_CAP };
	char *buf = malloc(STATUSTEXT_CAP + 1);
	char last[80];
	size_t len;

	ck_assert_ptr_nonnull(buf);
	make_pool();
	memset(buf, '\a', STATUSTEXT_CAP + 1);
	len = statustext_make(buf, caps[_i], &pool, 0);
	ck_assert_uint_le(len, caps[_i]);
	ck_assert_int_eq(buf[len], '\a');
	buf[len] = '\0';
	ck_assert_ptr_null(strchr(buf, '\a'));
	(void)snprintf(last, sizeof(last), "\nend workers=%d shown=%zu\n",
	    WORKERS, count(buf, "\nworker number="));
	if (_i == 0)	/* no room for anything else */
		ck_assert_str_eq(buf, last + 1);
	else
		ck_assert_str_eq(buf + len - strlen(last), last);
	if (_i > 1)
		ck_assert_uint_gt(count(buf, "\nworker number="), 0);
	free(buf);
}
END_TEST
#define NCAPS 6

START_TEST(text_lines)
{
	static const char *const parts[] = {
		PACKAGE_NAME " version=" PACKAGE_VERSION " pid=",
		" generation=2 max_workers=5\n",
		"\nprotection sandbox=off filter=no landlock=0 user=",
		/* what others chose is escaped */
		"\nlistener number=1  idle=0    waiting=0    busy=0    "
		"rules=7    profile=a\\x20b       address=tcp://a:1\n",
		" address=unix:///x\\x0ay\n",
		"\nlistener number=3  idle=0    waiting=0    busy=0    "
		"behind=2  rules=7    profile=a\\x20b       "
		"address=unix:///x\\x0ay\n",
		"\ncounters connections=0 requests=0 denied=0 failed=0 "
		"attacks=9\n",
		"\ntraffic in=0 out=0 streams=0 starts=0 deaths=0\n",
		"\ngate state=none\n",
		"\nworker number=1    pid=2147483392 generation=1  "
		"listener=1  state=starting since=0     requests=0      "
		"uid=?     seccomp=? no_new_privs=? capabilities=? "
		"client=-\n",
		"\nworker number=12   pid=2147483392 generation=2  "
		"listener=2  state=starting "
	};
	static char buf[STATUSTEXT_CAP + 1];
	size_t len;
	int i;

	make_pool();
	len = statustext_make(buf, STATUSTEXT_CAP, &pool, 0);
	buf[len] = '\0';
	for (i = 0; i < ROWS(parts); i++)
		ck_assert_msg(strstr(buf, parts[i]) != NULL,
		    "[%s] is not in [%.900s]", parts[i], buf);
	ck_assert_uint_eq(count(buf, "\nlistener "), 3);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("status");
	TCase *tc;

	tc = tcase_create("name");
	suite_add_tcase(s, tc);
	tcase_add_test(tc, name_of_address);
	tc = tcase_create("proc");
	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, parse_text, 0, ROWS(texts));
	tcase_add_test(tc, parse_living);
	tcase_add_loop_test(tc, capability_names, 0, ROWS(sets));
	tcase_add_loop_test(tc, faults_found, 0, ROWS(judged));
	tc = tcase_create("text");
	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, text_cut, 0, NCAPS);
	tcase_add_test(tc, text_lines);
	return s;
}
