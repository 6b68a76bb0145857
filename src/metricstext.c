/*
 * Numbers of board and tally as metrics.  Samples of one metric stand
 * together, behind its help and type.
 */

#include "config.h"

#include "metricstext.h"

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "doing.h"
#include "reason.h"
#include "tally.h"
#include "yard.h"

#define PREFIX "docker_socket_protector_"

#define STATES	((size_t)BOARD_RETIRING + 1)
#define STREAMS	((size_t)DOING_TUNNEL + 1)

static const char *const state_words[STATES] = {
	[BOARD_FREE] = "free",
	[BOARD_STARTING] = "starting",
	[BOARD_IDLE] = "idle",
	[BOARD_WAITING] = "waiting",
	[BOARD_BUSY] = "busy",
	[BOARD_RETIRING] = "retiring",
};

static const char *const stream_words[STREAMS] = {
	[DOING_ANSWER] = "answer",
	[DOING_TUNNEL] = "tunnel",
};

static const char *const process_words[TALLY_PROCESSES] = {
	[TALLY_WORKER] = "worker",
	[TALLY_GATE] = "gate",
	[TALLY_PARK] = "park",
	[TALLY_METRICS] = "metrics",
	[TALLY_WHOIS] = "whois",
};

void
metricstext_label(struct text *t, struct span value)
{
	static const char digits[] = "0123456789abcdef";
	char escaped[] = "\\\\x00";
	unsigned char c;
	size_t i;

	for (i = 0; i < value.len; i++) {
		c = (unsigned char)value.p[i];
		if (c == '\n') {
			text_str(t, "\\n");
		} else if (c == '\\' || c == '"') {
			text_char(t, '\\');
			text_char(t, (char)c);
		} else if (c >= ' ' && c <= '~') {
			text_char(t, (char)c);
		} else {
			escaped[3] = digits[c >> 4];
			escaped[4] = digits[c & 15];
			text_str(t, escaped);
		}
	}
}

/* -- pieces of a line -- */

static void
begin_metric(struct text *t, const char *name, const char *type,
    const char *help)
{
	text_str(t, "# HELP " PREFIX);
	text_str(t, name);
	text_char(t, ' ');
	text_str(t, help);
	text_str(t, "\n# TYPE " PREFIX);
	text_str(t, name);
	text_char(t, ' ');
	text_str(t, type);
	text_char(t, '\n');
}

static void
begin_sample(struct text *t, const char *name)
{
	text_str(t, PREFIX);
	text_str(t, name);
}

/* The first label of a sample is behind "{", others are behind ",". */
static void
put_label(struct text *t, char before, const char *name, const char *value)
{
	text_char(t, before);
	text_str(t, name);
	text_str(t, "=\"");
	metricstext_label(t, span_of(value));
	text_char(t, '"');
}

static void
put_row(struct text *t, size_t row)
{
	put_label(t, '{', "listener", tally_listener(row));
	put_label(t, ',', "profile", tally_profile(row));
}

static void
end_sample(struct text *t, bool has_labels, uint64_t value)
{
	text_str(t, has_labels ? "} " : " ");
	text_number(t, value);
	text_char(t, '\n');
}

/* A metric without labels. */
static void
put_single(struct text *t, const char *name, const char *type,
    const char *help, uint64_t value)
{
	begin_metric(t, name, type, help);
	begin_sample(t, name);
	end_sample(t, false, value);
}

/* Row 0 is for what has no row of its own: it is shown once there is
 * something. */
static bool
is_shown(size_t row, uint64_t value)
{
	return row > 0 || value > 0;
}

/* -- the daemon -- */

static void
put_daemon(struct text *t)
{
	begin_metric(t, "build_info", "gauge", "The version that runs.");
	begin_sample(t, "build_info");
	put_label(t, '{', "version", PACKAGE_VERSION);
	end_sample(t, true, 1);
	put_single(t, "start_time_seconds", "gauge",
	    "When it was started, in seconds since 1970.",
	    (uint64_t)tally_started());
	put_single(t, "config_generation", "gauge",
	    "Raised when the configuration is loaded, or the gate replaced.",
	    tally_generation());
	put_single(t, "max_workers", "gauge",
	    "Connections that can be served at once.", tally_max_workers());
}

static void
put_processes(struct text *t, const char *name, const char *help,
    enum tally_event event)
{
	unsigned i;

	begin_metric(t, name, "counter", help);
	for (i = 0; i < TALLY_PROCESSES; i++) {
		begin_sample(t, name);
		put_label(t, '{', "process", process_words[i]);
		end_sample(t, true, tally_events((enum tally_process)i,
		    event));
	}
}

/* -- workers -- */

/* Workers of each row by state, and streams. */
struct census {
	size_t	states[BOUNDS_TALLY_ROW_CAP][STATES];
	size_t	streams[BOUNDS_TALLY_ROW_CAP][STREAMS];
};

static void
take_census(struct census *c)
{
	struct doing doing;
	size_t i, row;

	for (row = 0; row < BOUNDS_TALLY_ROW_CAP; row++)
		c->streams[row][DOING_ANSWER] = yard_row(row);
	for (i = 0; i < board_used(); i++) {
		row = board_row(i);
		if (board_state(i) == BOARD_FREE ||
		    row >= BOUNDS_TALLY_ROW_CAP)
			continue;
		doing_read(i, &doing);
		c->states[row][board_state(i)]++;
		c->streams[row][doing.stream]++;
	}
}

static void
put_workers(struct text *t, const struct census *c)
{
	size_t row, i;

	begin_metric(t, "workers", "gauge", "Worker processes.");
	for (row = 0; row < tally_rows(); row++)
		for (i = BOARD_STARTING; i < STATES; i++) {
			if (!is_shown(row, c->states[row][i]))
				continue;
			begin_sample(t, "workers");
			put_row(t, row);
			put_label(t, ',', "state", state_words[i]);
			end_sample(t, true, c->states[row][i]);
		}
	begin_metric(t, "open_streams", "gauge",
	    "Answers that have not ended, and tunnels.");
	for (row = 0; row < tally_rows(); row++)
		for (i = DOING_ANSWER; i < STREAMS; i++) {
			if (!is_shown(row, c->streams[row][i]))
				continue;
			begin_sample(t, "open_streams");
			put_row(t, row);
			put_label(t, ',', "state", stream_words[i]);
			end_sample(t, true, c->streams[row][i]);
		}
}

/* -- requests -- */

static void
put_request(struct text *t, size_t row, const char *verdict, size_t line_no,
    uint64_t value)
{
	if (!is_shown(row, value))
		return;
	begin_sample(t, "requests_total");
	put_row(t, row);
	put_label(t, ',', "verdict", verdict);
	text_str(t, ",rule=\"");
	if (line_no > 0)
		text_number(t, line_no);
	text_char(t, '"');
	end_sample(t, true, value);
}

static void
put_requests(struct text *t)
{
	struct tally_rule rule;
	size_t at, row;

	begin_metric(t, "requests_total", "counter",
	    "Requests by verdict, and by the line of the rule that allowed.");
	for (at = 0; tally_next(&at, &rule); )
		if (rule.line_no > 0 || rule.allowed > 0)
			put_request(t, rule.row, "allow", rule.line_no,
			    rule.allowed);
	for (row = 0; row < tally_rows(); row++) {
		put_request(t, row, "deny", 0, tally_refused(row,
		    TALLY_DENY));
		put_request(t, row, "error", 0, tally_refused(row,
		    TALLY_ERROR));
		put_request(t, row, "warn", 0, tally_refused(row,
		    TALLY_WARN));
	}
}

static void
put_reasons(struct text *t)
{
	const struct reason_info *info;
	unsigned i;

	begin_metric(t, "refused_total", "counter",
	    "Requests that were answered here, by reason and status.");
	for (i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		info = reason_info((enum reason)i);
		begin_sample(t, "refused_total");
		put_label(t, '{', "reason", info->word);
		text_str(t, ",status=\"");
		text_number(t, (unsigned)info->status);
		text_char(t, '"');
		end_sample(t, true, tally_reason((enum reason)i));
	}
	begin_metric(t, "upstream_errors_total", "counter",
	    "Requests answered with 502, for want of a valid answer.");
	begin_sample(t, "upstream_errors_total");
	put_label(t, '{', "reason", reason_info(REASON_NO_DOCKER)->word);
	end_sample(t, true, tally_reason(REASON_NO_DOCKER));
	begin_sample(t, "upstream_errors_total");
	put_label(t, '{', "reason", reason_info(REASON_BAD_ANSWER)->word);
	end_sample(t, true, tally_reason(REASON_BAD_ANSWER));
}

/* Seconds as a decimal fraction. */
static void
put_seconds(struct text *t, uint64_t us)
{
	text_number(t, us / 1000000);
	us %= 1000000;
	if (us > 0)
		text_char(t, '.');
	while (us > 0) {
		us *= 10;
		text_char(t, (char)('0' + us / 1000000));
		us %= 1000000;
	}
}

static void
put_bucket(struct text *t, size_t row, size_t bucket, uint64_t sum)
{
	begin_sample(t, "request_duration_seconds_bucket");
	put_row(t, row);
	text_str(t, ",le=\"");
	if (bucket < TALLY_BUCKETS)
		put_seconds(t, tally_bucket_us[bucket]);
	else
		text_str(t, "+Inf");
	text_char(t, '"');
	end_sample(t, true, sum);
}

/* A bucket has all those below it too. */
static void
put_times(struct text *t, size_t row)
{
	struct tally_times times;
	uint64_t all, sum;
	size_t i;

	tally_times(row, &times);
	for (all = 0, i = 0; i <= TALLY_BUCKETS; i++)
		all += times.count[i];
	if (!is_shown(row, all))
		return;
	for (sum = 0, i = 0; i <= TALLY_BUCKETS; i++) {
		sum += times.count[i];
		put_bucket(t, row, i, sum);
	}
	begin_sample(t, "request_duration_seconds_sum");
	put_row(t, row);
	text_str(t, "} ");
	put_seconds(t, times.sum_us);
	text_char(t, '\n');
	begin_sample(t, "request_duration_seconds_count");
	put_row(t, row);
	end_sample(t, true, all);
}

static void
put_traffic(struct text *t)
{
	const struct board_counters sum = board_total();
	size_t row;

	put_single(t, "connections_total", "counter",
	    "Connections of clients.", sum.connections);
	begin_metric(t, "body_bytes_total", "counter",
	    "Bytes of bodies and tunnels: in to dockerd, out to clients.");
	begin_sample(t, "body_bytes_total");
	put_label(t, '{', "direction", "in");
	end_sample(t, true, sum.bytes_in);
	begin_sample(t, "body_bytes_total");
	put_label(t, '{', "direction", "out");
	end_sample(t, true, sum.bytes_out);
	begin_metric(t, "request_duration_seconds", "histogram",
	    "From a request's head to its answer's end, streams left out.");
	for (row = 0; row < tally_rows(); row++)
		put_times(t, row);
}

size_t
metricstext_make(char *buf, size_t cap)
{
	struct census census = { 0 };
	struct text t;

	text_init(&t, buf, cap);
	put_daemon(&t);
	take_census(&census);
	put_workers(&t, &census);
	put_traffic(&t);
	put_requests(&t);
	put_reasons(&t);
	put_single(&t, "gate_disagreements_total", "counter",
	    "Workers that were killed because the gate refused an order that "
	    "no honest worker sends.", tally_events(TALLY_WORKER,
	    TALLY_DISAGREE));
	put_processes(&t, "sandbox_deaths_total",
	    "Processes killed by the system call filter.",
	    TALLY_FILTER_DEATH);
	put_processes(&t, "deaths_total", "Processes that died unasked.",
	    TALLY_DEATH);
	put_processes(&t, "starts_total", "Processes started.", TALLY_START);
	return t.is_full ? 0 : t.len;
}
