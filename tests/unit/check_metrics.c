/*
 * --metrics: what is counted, how it is told, and what a process that was
 * taken over cannot do to it.
 */
#include "config.h"

#include "metricstext.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <unistd.h>

#include "board.h"
#include "doing.h"
#include "tally.h"
#include "unit.h"
#include "yard.h"

#define SLOTS 4

static char *text;

static void
set_up(void)
{
	ck_assert_int_eq(tally_open(), 0);
	ck_assert_int_eq(yard_open(), 0);
	ck_assert_int_eq(board_open(SLOTS), 0);
	text = malloc(BOUNDS_METRICS_CAP + 1);
	ck_assert_ptr_nonnull(text);
}

static void
tell(void)
{
	size_t len;

	len = metricstext_make(text, BOUNDS_METRICS_CAP);
	ck_assert_uint_gt(len, 0);
	text[len] = '\0';
}

/* The text has that line, whole. */
static void
assert_line(const char *line)
{
	char wanted[1024];

	(void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	ck_assert_msg(strstr(text, wanted) != NULL, "[%s] is not in\n%s",
	    line, text);
}

/* How a child ends that does this. */
static int
run(void (*act)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* Sanitizers would make an exit of it. */
		(void)signal(SIGSEGV, SIG_DFL);
		act();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_works(void (*act)(void))
{
	ck_assert_int_eq(run(act), 0);
}

static void
assert_crashes(void (*act)(void))
{
	int status = run(act);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	    "status %d", status);
}

/* -- labels -- */

static const struct {
	const char	*value;
	size_t		 len;
	const char	*told;
} labels[] = {
	{ "", 0, "" },
	{ "tcp://[::1]:2375", 16, "tcp://[::1]:2375" },
	{ "a b", 3, "a b" },
	{ "\"", 1, "\\\"" },
	{ "\\", 1, "\\\\" },
	{ "\n", 1, "\\n" },
	{ "a\\\"\nb", 5, "a\\\\\\\"\\nb" },
	{ "\\n", 2, "\\\\n" },
	{ "\0", 1, "\\\\x00" },
	{ "\r\t", 2, "\\\\x0d\\\\x09" },
	{ "\x7f\x80\xff", 3, "\\\\x7f\\\\x80\\\\xff" },
	{ "\xc3\xa4", 2, "\\\\xc3\\\\xa4" },
	{ "{},=#", 5, "{},=#" }
};

START_TEST(label_escaped)
{
	struct text t;
	char buf[64];

	text_init(&t, buf, sizeof(buf));
	metricstext_label(&t, (struct span){ unit_place(labels[_i].value,
	    labels[_i].len, UNIT_END), labels[_i].len });
	ck_assert_str_eq(text_string(&t), labels[_i].told);
}
END_TEST

/* -- what is counted -- */

START_TEST(rows_found_again)
{
	const size_t a = tally_row("tcp://a:1", "one");

	ck_assert_uint_eq(a, 1);
	ck_assert_uint_eq(tally_row("tcp://a:1", "two"), 2);
	ck_assert_uint_eq(tally_row("tcp://a:2", "one"), 3);
	ck_assert_uint_eq(tally_row("tcp://a:1", "one"), a);
	ck_assert_str_eq(tally_listener(2), "tcp://a:1");
	ck_assert_str_eq(tally_profile(2), "two");
	ck_assert_uint_eq(tally_rows(), 4);
}
END_TEST

/* Names that begin alike for too long are one. */
START_TEST(names_cut)
{
	char *a = unit_fill('a', 400), *b = unit_fill('a', 401);

	ck_assert_uint_eq(tally_row(a, b), tally_row(b, a));
	ck_assert_uint_eq(strlen(tally_listener(1)),
	    BOUNDS_TALLY_NAME_CAP - 1);
	a[BOUNDS_TALLY_NAME_CAP - 2] = 'b';
	ck_assert_uint_ne(tally_row(a, b), tally_row(b, a));
	free(a);
	free(b);
}
END_TEST

START_TEST(rows_full)
{
	char name[32];
	size_t i;

	for (i = 1; i < BOUNDS_TALLY_ROW_CAP + 10; i++) {
		(void)snprintf(name, sizeof(name), "tcp://a:%zu", i);
		ck_assert_uint_eq(tally_row(name, "one"),
		    i < BOUNDS_TALLY_ROW_CAP ? i : 0);
	}
	ck_assert(!tally_rule(0, 1));
	tally_allow(0, 1);
	tally_refuse(0, TALLY_DENY, REASON_NO_RULE);
	tell();
	assert_line("docker_socket_protector_requests_total{listener=\"\","
	    "profile=\"\",verdict=\"allow\",rule=\"\"} 1");
	assert_line("docker_socket_protector_requests_total{listener=\"\","
	    "profile=\"\",verdict=\"deny\",rule=\"\"} 1");
}
END_TEST

/* Every rule that has a place keeps its own number; the rest is counted
 * together, by row, and nothing is lost. */
START_TEST(rules_full)
{
	const size_t a = tally_row("tcp://a:1", "one");
	const size_t b = tally_row("tcp://a:2", "one");
	struct tally_rule rule;
	size_t at, i, n;

	for (i = 1; i <= BOUNDS_TALLY_RULE_CAP / 2; i++) {
		ck_assert(tally_rule(a, i));
		ck_assert(tally_rule(b, i * 7));
	}
	ck_assert(!tally_rule(a, i));
	ck_assert(tally_rule(a, 1) && tally_rule(b, 7));
	for (i = 1; i <= BOUNDS_TALLY_RULE_CAP / 2; i++) {
		tally_allow(a, i);
		tally_allow(b, i * 7);
		tally_allow(b, i * 7);
	}
	tally_allow(a, i);
	tally_allow(b, 1);
	tally_allow(b, 1);
	n = 0;
	for (at = 0; tally_next(&at, &rule); n++)
		ck_assert_uint_eq(rule.allowed, rule.row == a ? 1 :
		    rule.row == b ? 2 : 0);
	ck_assert_uint_eq(n, BOUNDS_TALLY_RULE_CAP + 3);
	tell();
	assert_line("docker_socket_protector_requests_total{listener="
	    "\"tcp://a:1\",profile=\"one\",verdict=\"allow\",rule=\"\"} 1");
}
END_TEST

START_TEST(times_in_buckets)
{
	static const int64_t us[] = { -5, 0, 500, 501, 1000, 10000000,
		10000001, 3600000000 };
	struct tally_times times;
	const size_t row = tally_row("tcp://a:1", "one");
	int i;

	for (i = 0; i < ROWS(us); i++)
		tally_took(row, us[i]);
	tally_times(row, &times);
	ck_assert_uint_eq(times.count[0], 3);
	ck_assert_uint_eq(times.count[1], 2);
	ck_assert_uint_eq(times.count[TALLY_BUCKETS - 1], 1);
	ck_assert_uint_eq(times.count[TALLY_BUCKETS], 2);
	ck_assert_uint_eq(times.sum_us, 3620002002);
	tell();
#define TIMES "docker_socket_protector_request_duration_seconds_"
#define ROW "listener=\"tcp://a:1\",profile=\"one\""
	assert_line(TIMES "bucket{" ROW ",le=\"0.0005\"} 3");
	assert_line(TIMES "bucket{" ROW ",le=\"0.001\"} 5");
	assert_line(TIMES "bucket{" ROW ",le=\"0.0025\"} 5");
	assert_line(TIMES "bucket{" ROW ",le=\"5\"} 5");
	assert_line(TIMES "bucket{" ROW ",le=\"10\"} 6");
	assert_line(TIMES "bucket{" ROW ",le=\"+Inf\"} 8");
	assert_line(TIMES "sum{" ROW "} 3620.002002");
	assert_line(TIMES "count{" ROW "} 8");
}
END_TEST

START_TEST(events_counted)
{
	tally_event(TALLY_WORKER, TALLY_DISAGREE);
	tally_event(TALLY_GATE, TALLY_START);
	tally_event(TALLY_GATE, TALLY_START);
	tally_event(TALLY_METRICS, TALLY_FILTER_DEATH);
	tally_set(3, 77);
	tell();
	assert_line("docker_socket_protector_gate_disagreements_total 1");
	assert_line("docker_socket_protector_starts_total{process=\"gate\"} "
	    "2");
	assert_line("docker_socket_protector_sandbox_deaths_total{process="
	    "\"metrics\"} 1");
	assert_line("docker_socket_protector_deaths_total{process="
	    "\"worker\"} 0");
	assert_line("docker_socket_protector_config_generation 3");
	assert_line("docker_socket_protector_max_workers 77");
}
END_TEST

/* -- of workers -- */

static void
work(void)
{
	const struct board_peer peer = { { 1 } };

	if (board_enter(1) == -1 || tally_enter() == -1)
		_exit(1);
	board_set_peer(&peer);
	board_set(BOARD_BUSY);
	doing_begin("127.0.0.1:1", 0, 0);
	doing_request(SPAN("GET"), SPAN("/events"));
	doing_stream(DOING_TUNNEL);
	board_mine()->connections++;
	board_carry();
	board_carried(5, 7);
	board_carried(6, 8);
	board_carry();
	board_carried(1, 2);
	tally_allow(1, 5);
}

START_TEST(worker_seen)
{
	struct doing doing;

	ck_assert_uint_eq(tally_row("unix:///x", "a\"b"), 1);
	ck_assert(tally_rule(1, 5));
	ck_assert_uint_eq(board_claim(0, 1, 1), 0);
	ck_assert_uint_eq(board_claim(0, 1, 1), 1);
	assert_works(work);
	doing_read(1, &doing);
	ck_assert_str_eq(doing.client, "127.0.0.1:1");
	ck_assert_str_eq(doing.request, "GET /events");
	tell();
#define OF "{listener=\"unix:///x\",profile=\"a\\\"b\","
	assert_line("docker_socket_protector_workers" OF "state=\"busy\"} 1");
	assert_line("docker_socket_protector_workers" OF
	    "state=\"starting\"} 1");
	assert_line("docker_socket_protector_open_streams" OF
	    "state=\"tunnel\"} 1");
	assert_line("docker_socket_protector_requests_total" OF
	    "verdict=\"allow\",rule=\"5\"} 1");
	/* What it counted stays, whoever has its slot. */
	board_release(1);
	ck_assert_uint_eq(board_claim(0, 1, 1), 1);
	tell();
	assert_line("docker_socket_protector_connections_total 1");
	assert_line("docker_socket_protector_body_bytes_total{direction="
	    "\"in\"} 7");
	assert_line("docker_socket_protector_body_bytes_total{direction="
	    "\"out\"} 10");
	assert_line("docker_socket_protector_open_streams" OF
	    "state=\"tunnel\"} 0");
	doing_read(1, &doing);
	ck_assert_str_eq(doing.client, "");
}
END_TEST

START_TEST(request_cut)
{
	char *lots = unit_fill('A', 300);
	struct doing doing;

	ck_assert_int_eq(doing_enter(0), 0);
	doing_request((struct span){ lots, 300 }, (struct span){ lots, 300 });
	doing_read(0, &doing);
	ck_assert_uint_eq(strlen(doing.request), BOUNDS_DOING_CAP - 1);
	ck_assert_uint_eq(strcspn(doing.request, " "),
	    BOUNDS_DOING_CAP / 2 - 1);
	doing_request(SPAN("GET"), (struct span){ lots, 300 });
	doing_read(0, &doing);
	ck_assert_uint_eq(strlen(doing.request), BOUNDS_DOING_CAP - 1);
	doing_begin(lots, 1, 2);	/* longer than any name we make */
	doing_read(0, &doing);
	ck_assert_uint_lt(strlen(doing.client), BOUNDS_PEER_CAP);
	free(lots);
}
END_TEST

/* Overwrite all that a worker may write to with that byte. */
static void
smear(int byte)
{
	char line[512], rights[8];
	unsigned long start, end;
	FILE *maps;

	maps = fopen("/proc/self/maps", "r");
	if (maps == NULL)
		_exit(1);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3 &&
		    strcmp(rights, "rw-s") == 0)
			memset((char *)start, byte, end - start);
	_exit(0);
}

static int smear_byte;

static void
smear_as_worker(void)
{
	if (board_enter(1) == -1 || tally_enter() == -1)
		_exit(1);
	smear(smear_byte);
}

static bool
is_clean(const char *s, size_t cap)
{
	size_t i;

	for (i = 0; i < cap && s[i] != '\0'; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return i < cap;
}

START_TEST(nonsense_bounded)
{
	static const int bytes[] = { 'A', 0xff, 0x80, 1, '\n', '"' };
	struct doing doing;
	size_t i;

	ck_assert_uint_eq(tally_row("tcp://a:1", "one"), 1);
	ck_assert(tally_rule(1, 5));
	for (i = 0; i < SLOTS; i++)
		ck_assert_uint_eq(board_claim(0, 1, 1), i);
	smear_byte = bytes[_i];
	assert_works(smear_as_worker);
	doing_read(1, &doing);
	ck_assert_uint_gt(strlen(doing.request), 0);
	ck_assert(is_clean(doing.client, sizeof(doing.client)));
	ck_assert(is_clean(doing.request, sizeof(doing.request)));
	ck_assert_uint_le(doing.stream, DOING_TUNNEL);
	/* Those of others are as they were, and the names are. */
	doing_read(0, &doing);
	ck_assert_str_eq(doing.client, "");
	tell();
	ck_assert(strstr(text, "listener=\"tcp://a:1\",profile=\"one\"") !=
	    NULL);
	for (i = 0; text[i] != '\0'; i++)
		ck_assert(text[i] == '\n' || (text[i] >= ' ' &&
		    text[i] <= '~'));
}
END_TEST
#define NONSENSES 6

static void
write_names(void)
{
	if (tally_enter() == -1)
		_exit(1);
	(void)tally_row("tcp://a:9", "nine");
}

static void
write_events(void)
{
	if (tally_enter() == -1)
		_exit(1);
	tally_event(TALLY_GATE, TALLY_START);
}

static void
write_cells(void)
{
	if (board_watch() == -1 || tally_watch() == -1)
		_exit(1);
	tally_refuse(0, TALLY_DENY, REASON_NO_RULE);
}

static void
write_slot(void)
{
	if (board_watch() == -1 || tally_watch() == -1)
		_exit(1);
	board_set(BOARD_IDLE);
}

static void
write_doing(void)
{
	if (board_watch() == -1)
		_exit(1);
	doing_clear(0);
}

static void
read_other(void)
{
	struct doing doing;

	if (board_enter(1) == -1)
		_exit(1);
	doing_read(2, &doing);
}

static void
read_own(void)
{
	struct doing doing;

	if (board_enter(1) == -1)
		_exit(1);
	doing_read(1, &doing);
}

static void
watch(void)
{
	struct doing doing;

	if (board_watch() == -1 || tally_watch() == -1)
		_exit(1);
	doing_read(2, &doing);
	tell();
}

START_TEST(rights_kept)
{
	assert_works(read_own);
	assert_works(watch);
	assert_crashes(write_names);
	assert_crashes(write_events);
	assert_crashes(write_cells);
	assert_crashes(write_slot);
	assert_crashes(write_doing);
	assert_crashes(read_other);
}
END_TEST

/* Never a part. */
START_TEST(text_too_long)
{
	size_t cap, len;

	ck_assert_uint_eq(tally_row("tcp://a:1", "one"), 1);
	len = metricstext_make(text, BOUNDS_METRICS_CAP);
	ck_assert_uint_gt(len, 1000);
	ck_assert_uint_eq(metricstext_make(text, len), len);
	for (cap = 0; cap < len; cap += cap < len - 50 ? 37 : 1)
		ck_assert_uint_eq(metricstext_make(text, cap), 0);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *tc;

	tc = unit_case(s, "labels");
	tcase_add_loop_test(tc, label_escaped, 0, ROWS(labels));
	tc = unit_case(s, "tally");
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, rows_found_again);
	tcase_add_test(tc, names_cut);
	tcase_add_test(tc, rows_full);
	tcase_add_test(tc, rules_full);
	tcase_add_test(tc, times_in_buckets);
	tcase_add_test(tc, events_counted);
	tc = unit_case(s, "workers");
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, worker_seen);
	tcase_add_test(tc, request_cut);
	tcase_add_loop_test(tc, nonsense_bounded, 0, NONSENSES);
	tcase_add_test(tc, rights_kept);
	tcase_add_test(tc, text_too_long);
	return s;
}
