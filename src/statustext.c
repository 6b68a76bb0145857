/*
 * The text of --status.  Columns are padded for people; programs split at
 * blanks.
 */

#include "config.h"

#include "statustext.h"

#include <string.h>
#include <unistd.h>

#include "board.h"
#include "doing.h"
#include "io.h"
#include "lesson.h"
#include "protection.h"
#include "tally.h"
#include "text.h"
#include "yard.h"

/* Bytes of one line: an address and a profile's name, escaped. */
#define LINE_CAP	4096

/* Bytes kept for the last line. */
#define END_CAP		80

/* Add to where the text goes and to the line in the making. */
struct page {
	struct text	text;
	struct text	line;
	size_t		end;		/* of the column in hand */
	char		buf[LINE_CAP];
};

static void
begin(struct page *g, const char *word)
{
	text_init(&g->line, g->buf, sizeof(g->buf));
	text_str(&g->line, word);
	g->end = 0;
}

/* A key behind the columns before it, and where the next one begins at the
 * earliest. */
static void
put_key(struct page *g, const char *key, size_t width)
{
	while (g->line.len < g->end && !g->line.is_full)
		text_char(&g->line, ' ');
	text_char(&g->line, ' ');
	text_str(&g->line, key);
	text_char(&g->line, '=');
	g->end = g->line.len + width;
}

static void
put_number(struct page *g, const char *key, uint64_t n, size_t width)
{
	put_key(g, key, width);
	text_number(&g->line, n);
}

static void
put_str(struct page *g, const char *key, const char *value, size_t width)
{
	put_key(g, key, width);
	text_escaped(&g->line, span_of(value));
}

/* A time span in whole seconds; the worker's part of the board can hold
 * nonsense. */
static void
put_seconds(struct page *g, const char *key, int64_t since_ms, size_t width)
{
	int64_t now;

	now = io_now_ms();
	put_number(g, key, since_ms >= 0 && since_ms <= now ?
	    (uint64_t)(now - since_ms) / 1000 : 0, width);
}

/* Whole, or not at all. */
static bool
end(struct page *g)
{
	const struct span line = { g->buf, g->line.len };

	if (line.len + 1 > g->text.cap - g->text.len)
		return false;
	text_span(&g->text, line);
	text_char(&g->text, '\n');
	return !g->text.is_full;
}

static void
put_lesson(struct page *g, const struct conf *conf)
{
	begin(g, "LEARNING");
	put_key(g, "until", 0);
	lesson_text(&g->line);
	put_number(g, "left", (uint64_t)lesson_left_ms() / 1000, 0);
	put_str(g, "then", lesson_has_next(conf) ? "profile" : "end", 0);
	(void)end(g);
}

static void
put_daemon(struct page *g, const struct pool *p, int64_t started_ms)
{
	begin(g, PACKAGE_NAME);
	put_str(g, "version", PACKAGE_VERSION, 0);
	put_number(g, "pid", (uint64_t)getpid(), 0);
	put_seconds(g, "uptime", started_ms, 0);
	put_number(g, "generation", p->generation, 0);
	put_number(g, "max_workers", p->conf->max_workers, 0);
	(void)end(g);
	if (lesson_is_on())
		put_lesson(g, p->conf);
	begin(g, "protection ");
	protection_text(&g->line, p->conf, &p->identity);
	(void)end(g);
}

/* Workers of one listener in that state, of this generation. */
static size_t
count(const struct pool *p, unsigned listener, enum board_state state)
{
	size_t i, n;

	n = 0;
	for (i = 0; i < board_used(); i++)
		if (board_state(i) == state &&
		    board_listener(i) == listener &&
		    board_generation(i) == p->generation)
			n++;
	return n;
}

static void
put_listener(struct page *g, const struct pool *p, unsigned listener)
{
	const struct conf_listen *l = &p->conf->listen[listener];

	begin(g, "listener");
	put_number(g, "number", listener + 1, 2);
	put_number(g, "idle", count(p, listener, BOARD_IDLE), 4);
	put_number(g, "waiting", count(p, listener, BOARD_WAITING), 4);
	put_number(g, "busy", count(p, listener, BOARD_BUSY), 4);
	if (listener >= p->conf->nlisten)
		put_number(g, "behind", l->door + 1, 2);
	if (p->park[listener].pid != 0)
		put_number(g, "parked", yard_count(p->park[listener].no), 5);
	put_number(g, "rules", l->profile->nrules, 4);
	if (l->only_warns)
		put_str(g, "mode", "warn", 4);
	put_str(g, "profile", l->profile->name, 12);
	put_str(g, "address", l->text, 0);
	(void)end(g);
}

/* Answers that have not ended, parked ones too, and tunnels. */
static size_t
count_streams(void)
{
	struct doing doing;
	size_t i, n;

	n = yard_total();
	for (i = 0; i < board_used(); i++) {
		if (board_state(i) == BOARD_FREE)
			continue;
		doing_read(i, &doing);
		if (doing.stream != DOING_NOTHING)
			n++;
	}
	return n;
}

static void
put_counters(struct page *g, const struct pool *p)
{
	const struct board_counters sum = board_total();

	begin(g, "counters");
	put_number(g, "connections", sum.connections, 0);
	put_number(g, "requests", sum.requests, 0);
	put_number(g, "denied", sum.denied, 0);
	put_number(g, "failed", sum.failed, 0);
	put_number(g, "attacks", p->attacks, 0);
	(void)end(g);
	begin(g, "traffic");
	put_number(g, "in", sum.bytes_in, 0);
	put_number(g, "out", sum.bytes_out, 0);
	put_number(g, "streams", count_streams(), 0);
	put_number(g, "starts", tally_events(TALLY_WORKER, TALLY_START), 0);
	put_number(g, "deaths", tally_events(TALLY_WORKER, TALLY_DEATH), 0);
	(void)end(g);
}

/* Who is served, and what it asks for or asked for last. */
static void
put_doing(struct page *g, size_t slot)
{
	static const char *const words[] = {
		[DOING_NOTHING] = "none",
		[DOING_ANSWER] = "answer",
		[DOING_TUNNEL] = "tunnel",
	};
	const struct board_counters now = board_counters(slot);
	struct doing doing;
	char *path;

	doing_read(slot, &doing);
	if (doing.client[0] == '\0') {
		put_str(g, "client", "-", 0);
		return;
	}
	put_str(g, "client", doing.client, 22);
	put_seconds(g, "age", doing.since_ms, 5);
	put_number(g, "in", now.bytes_in - doing.before_in, 8);
	put_number(g, "out", now.bytes_out - doing.before_out, 8);
	put_str(g, "stream", words[doing.stream], 6);
	path = strchr(doing.request, ' ');
	if (path == NULL)
		return;
	*path = '\0';
	put_str(g, "method", doing.request, 4);
	put_str(g, "path", path + 1, 0);
}

/* What the kernel says of it now; "?" when it says nothing. */
static void
put_seen(struct page *g, pid_t pid)
{
	struct protection_seen seen;

	protection_look(pid, &seen);
	if (!seen.is_known) {
		put_str(g, "uid", "?", 5);
		put_str(g, "seccomp", "?", 1);
		put_str(g, "no_new_privs", "?", 1);
		put_str(g, "capabilities", "?", 0);
		return;
	}
	put_number(g, "uid", seen.uid, 5);
	put_number(g, "seccomp", seen.seccomp, 1);
	put_number(g, "no_new_privs", seen.no_new_privs, 1);
	put_key(g, "capabilities", 0);
	protection_capabilities(&g->line, seen.capabilities);
}

static void
put_gate(struct page *g, const struct pool *p)
{
	begin(g, "gate");
	if (p->gate_pid == 0) {
		put_str(g, "state", "none", 0);
	} else {
		put_number(g, "pid", (uint64_t)p->gate_pid, 0);
		put_str(g, "state", "running", 0);
		put_seconds(g, "since", p->gate_started_ms, 0);
		put_seen(g, p->gate_pid);
	}
	(void)end(g);
}

/* Numbers of listeners are those of the worker's own generation. */
static bool
put_worker(struct page *g, size_t slot)
{
	static const char *const words[] = {
		[BOARD_FREE] = "free",
		[BOARD_STARTING] = "starting",
		[BOARD_IDLE] = "idle",
		[BOARD_WAITING] = "waiting",
		[BOARD_BUSY] = "busy",
		[BOARD_RETIRING] = "retiring",
	};

	begin(g, "worker");
	put_number(g, "number", slot + 1, 4);
	put_number(g, "pid", (uint64_t)board_pid(slot), 7);
	put_number(g, "generation", board_generation(slot), 2);
	put_number(g, "listener", board_listener(slot) + 1, 2);
	put_str(g, "state", words[board_state(slot)], 8);
	put_seconds(g, "since", board_since_ms(slot), 5);
	put_number(g, "requests", board_counters(slot).requests, 6);
	put_seen(g, board_pid(slot));
	put_doing(g, slot);
	return end(g);
}

size_t
statustext_make(char *buf, size_t cap, const struct pool *p,
    int64_t started_ms)
{
	struct page g;
	size_t i, all, shown;

	text_init(&g.text, buf, cap > END_CAP ? cap - END_CAP : 0);
	put_daemon(&g, p, started_ms);
	for (i = 0; i < p->conf->npools; i++)
		put_listener(&g, p, (unsigned)i);
	put_counters(&g, p);
	put_gate(&g, p);
	all = shown = 0;
	for (i = 0; i < board_used(); i++) {
		if (board_state(i) == BOARD_FREE)
			continue;
		if (all == shown && put_worker(&g, i))
			shown++;
		all++;
	}
	begin(&g, "end");
	put_number(&g, "workers", all, 0);
	put_number(&g, "shown", shown, 0);
	g.text.cap = cap;
	(void)end(&g);
	return g.text.len;
}
