/*
 * What protects the processes that hold clients or the Docker socket: not
 * what was asked for, but what /proc says of them.  Landlock cannot be seen
 * there; a worker that has its filter has taken that step before it.
 */

#include "config.h"

#include "protection.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "board.h"
#include "io.h"
#include "log.h"
#include "pool.h"

/* Bytes of /proc/PID/status up to the last line wanted: some 1200, and ten
 * for each group of the user. */
#define STATUS_CAP	16384

/* How often to look until all is as it must be, and when to call it wrong:
 * a machine may be too busy to let the gate start. */
#define LOOK_MS		50
#define PATIENCE_MS	5000

#define SECCOMP_FILTER	2	/* in /proc: a filter is there */

#define GATE_KEEPS	(UINT64_C(1) << CAP_DAC_OVERRIDE)

/* In the order of linux/capability.h. */
static const char *const names[] = {
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid",
	"kill", "setgid", "setuid", "setpcap", "linux_immutable",
	"net_bind_service", "net_broadcast", "net_admin", "net_raw",
	"ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot",
	"sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease",
	"audit_write", "audit_control", "setfcap", "mac_override",
	"mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read",
	"perfmon", "bpf", "checkpoint_restore"
};

/* What was seen last, of which generation; which one is awaited, since
 * when its first worker is ready. */
static struct {
	bool			is_proven;
	unsigned		generation;
	unsigned		awaited;
	int64_t			since_ms;
	struct protection_seen	worker;
	struct protection_seen	gate;
} last;

void
protection_capabilities(struct text *t, uint64_t set)
{
	unsigned i;

	if (set == 0)
		text_str(t, "none");
	for (i = 0; set != 0; i++, set >>= 1) {
		if ((set & 1) == 0)
			continue;
		if (i < sizeof(names) / sizeof(names[0]))
			text_str(t, names[i]);
		else
			text_number(t, i);
		if (set > 1)
			text_char(t, ',');
	}
}

/* -- reading /proc/PID/status -- */

static bool
parse_hex(struct span s, uint64_t *out)
{
	size_t i;

	*out = 0;
	for (i = 0; i < s.len; i++) {
		if (span_hex(s.p[i]) < 0)
			return false;
		*out = *out << 4 | (uint64_t)span_hex(s.p[i]);
	}
	return s.len > 0 && s.len <= 16;
}

/* "65534\t65534\t65534\t65534": real, effective, saved, of files. */
static bool
parse_ids(struct span s, uint32_t *id, bool *is_mixed)
{
	struct span word;
	uint64_t n;
	size_t i;

	for (i = 0; span_next(&s, '\t', &word); i++) {
		if (!span_number(word, 10, &n) || n > UINT32_MAX)
			return false;
		if (i > 0 && *id != n)
			*is_mixed = true;
		*id = (uint32_t)n;
	}
	return i == 4;
}

static bool
parse_small(struct span s, unsigned *out)
{
	uint64_t n;

	if (!span_number(s, 9, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

/* One line; true when it was one of those wanted, and good. */
static bool
parse_line(struct span name, struct span value, struct protection_seen *seen)
{
	uint64_t set;

	if (span_eq(name, SPAN("Uid")))
		return parse_ids(value, &seen->uid, &seen->has_mixed_ids);
	if (span_eq(name, SPAN("Gid")))
		return parse_ids(value, &seen->gid, &seen->has_mixed_ids);
	if (span_eq(name, SPAN("NoNewPrivs")))
		return parse_small(value, &seen->no_new_privs);
	if (span_eq(name, SPAN("CapInh")) || span_eq(name, SPAN("CapPrm")) ||
	    span_eq(name, SPAN("CapEff")) || span_eq(name, SPAN("CapAmb"))) {
		if (!parse_hex(value, &set))
			return false;
		seen->capabilities |= set;
		return true;
	}
	return false;
}

void
protection_parse(struct span text, struct protection_seen *seen)
{
	struct span line, name;
	size_t found;

	memset(seen, 0, sizeof(*seen));
	for (found = 0; span_next(&text, '\n', &line); ) {
		if (!span_next(&line, ':', &name) || line.p == NULL)
			continue;
		line = span_trim(line);
		if (parse_line(name, line, seen))
			found++;
		/* Kernels without filters have neither line. */
		else if (span_eq(name, SPAN("Seccomp")))
			(void)parse_small(line, &seen->seccomp);
		else if (span_eq(name, SPAN("Seccomp_filters")))
			(void)parse_small(line, &seen->filters);
	}
	seen->is_known = found == 7;
}

void
protection_look(pid_t pid, struct protection_seen *seen)
{
	char path[64], buf[STATUS_CAP];
	struct text t;
	ssize_t n;
	int fd;

	memset(seen, 0, sizeof(*seen));
	text_init(&t, path, sizeof(path));
	text_str(&t, "/proc/");
	text_number(&t, (uint64_t)pid);
	text_str(&t, "/status");
	fd = open(text_string(&t), O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	n = read(fd, buf, sizeof(buf));
	(void)close(fd);
	if (n > 0)
		protection_parse((struct span){ buf, (size_t)n }, seen);
}

/* -- is it as it must be? -- */

/* The filters that we were started with are in force in all of us. */
static bool
has_own_filter(const struct protection_seen *seen)
{
	struct protection_seen own;

	if (seen->seccomp != SECCOMP_FILTER)
		return false;
	protection_look(getpid(), &own);
	return seen->filters == 0 || seen->filters > own.filters;
}

static void
add_fault(struct text *t, bool is_fault, const char *word)
{
	if (!is_fault)
		return;
	if (t->len > 0)
		text_char(t, ',');
	text_str(t, word);
}

void
protection_faults(struct text *t, const struct conf *conf,
    const struct privs_identity *identity, uint64_t keeps,
    const struct protection_seen *seen)
{
	bool is_changed = identity != NULL && identity->is_set;

	if (!seen->is_known) {
		text_str(t, "unknown");
		return;
	}
	add_fault(t, conf->sandbox != SANDBOX_OFF && !has_own_filter(seen),
	    "filter");
	add_fault(t, seen->no_new_privs != 1, "no_new_privs");
	add_fault(t, (seen->capabilities & ~keeps) != 0, "capabilities");
	add_fault(t, is_changed && (seen->has_mixed_ids ||
	    seen->uid != identity->uid || seen->gid != identity->gid),
	    "identity");
}

/* -- what is said about it -- */

bool
protection_is_possible(const struct conf *conf)
{
	if (conf->sandbox == SANDBOX_OFF || sandbox_support().has_filter)
		return true;
	log_error("--sandbox %s: this kernel has no system call filter "
	    "(seccomp); --sandbox off starts without, and without its "
	    "protection", sandbox_mode_word(conf->sandbox));
	return false;
}

static uid_t
uid_of_workers(const struct privs_identity *identity)
{
	return identity->is_set ? identity->uid : geteuid();
}

static gid_t
gid_of_workers(const struct privs_identity *identity)
{
	return identity->is_set ? identity->gid : getegid();
}

void
protection_warn(const struct conf *conf,
    const struct privs_identity *identity)
{
	if (conf->sandbox == SANDBOX_OFF)
		log_error("--sandbox off: NO system call filter and no "
		    "Landlock: whoever takes a worker over can open files and "
		    "connections as its user; for sanitizers only");
	else if (conf->sandbox == SANDBOX_LOG)
		log_warn("--sandbox log: the system call filter refuses "
		    "nothing, the kernel only logs what it would refuse");
	if (conf->sandbox != SANDBOX_OFF &&
	    sandbox_support().landlock_abi == 0)
		log_warn("this kernel has no Landlock: only the system call "
		    "filter keeps workers from files and connections");
	if (uid_of_workers(identity) == 0)
		log_warn("workers run as root, though without capabilities: "
		    "files of root are theirs as far as the sandbox lets "
		    "them; another --user, or user of the container, is "
		    "better");
}

/* What the line says: as seen, or as it should be. */
struct shown {
	const char	*sandbox;
	bool		 has_filter;
	unsigned	 landlock;
	uint32_t	 uid;
	uint32_t	 gid;
	char		 worker[512];	/* capabilities */
	char		 gate[512];
};

static void
name_capabilities(char *buf, size_t cap, uint64_t set)
{
	struct text t;

	text_init(&t, buf, cap);
	protection_capabilities(&t, set);
	(void)text_string(&t);
}

static void
show(struct shown *s, const struct conf *conf,
    const struct privs_identity *identity)
{
	const struct protection_seen *w = &last.worker, *g = &last.gate;
	bool is_on = conf->sandbox != SANDBOX_OFF;

	s->sandbox = sandbox_mode_word(conf->sandbox);
	s->has_filter = is_on && (!w->is_known || has_own_filter(w));
	s->landlock = is_on ? (unsigned)sandbox_support().landlock_abi : 0;
	s->uid = w->is_known ? w->uid : uid_of_workers(identity);
	s->gid = w->is_known ? w->gid : gid_of_workers(identity);
	name_capabilities(s->worker, sizeof(s->worker), w->capabilities);
	name_capabilities(s->gate, sizeof(s->gate),
	    g->is_known ? g->capabilities : GATE_KEEPS);
}

static void
log_shown(const struct conf *conf, const struct privs_identity *identity)
{
	struct log_line line;
	struct shown s;

	show(&s, conf, identity);
	log_begin(&line, LOG_LEVEL_INFO, "protection");
	log_str(&line, "sandbox", s.sandbox);
	log_str(&line, "filter", s.has_filter ? "yes" : "no");
	log_number(&line, "landlock", s.landlock);
	log_number(&line, "user", s.uid);
	log_number(&line, "group", s.gid);
	log_str(&line, "capabilities", s.worker);
	log_str(&line, "gate_capabilities", s.gate);
	log_str(&line, "proven", last.is_proven ? "yes" : "no");
	log_end(&line);
}

static void
put(struct text *t, const char *key, const char *value)
{
	text_str(t, key);
	text_str(t, value);
}

void
protection_text(struct text *t, const struct conf *conf,
    const struct privs_identity *identity)
{
	struct shown s;

	show(&s, conf, identity);
	put(t, "sandbox=", s.sandbox);
	put(t, " filter=", s.has_filter ? "yes" : "no");
	text_str(t, " landlock=");
	text_number(t, s.landlock);
	text_str(t, " user=");
	text_number(t, s.uid);
	text_str(t, " group=");
	text_number(t, s.gid);
	put(t, " capabilities=", s.worker);
	put(t, " gate_capabilities=", s.gate);
	put(t, " proven=", last.is_proven ? "yes" : "no");
}

static void
log_fault(const char *process, pid_t pid, const char *missing)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_ERROR, "security");
	log_str(&line, "what", "unprotected");
	log_str(&line, "process", process);
	log_number(&line, "pid", (uint64_t)pid);
	log_str(&line, "missing", missing);
	log_end(&line);
}

/* Where /proc hides other processes nothing can be said about them. */
static void
log_finding(const char *process, pid_t pid, const char *missing)
{
	if (strcmp(missing, "unknown") == 0)
		log_warn("cannot read /proc/%ld/status: what protects the %s "
		    "cannot be seen", (long)pid, process);
	else if (missing[0] != '\0')
		log_fault(process, pid, missing);
}

/* A worker of this generation that has shut itself in; board_size() for
 * none. */
static size_t
find_ready(const struct pool *p)
{
	size_t i;

	for (i = 0; i < board_used(); i++)
		if (board_generation(i) == p->generation &&
		    board_state(i) != BOARD_FREE &&
		    board_state(i) != BOARD_STARTING)
			return i;
	return board_size();
}

int64_t
protection_watch(const struct pool *p, int64_t deadline)
{
	char of_worker[64], of_gate[64];
	struct text w, g;
	int64_t now, next;
	size_t slot;

	if (last.generation == p->generation || p->gate_pid == 0)
		return deadline;
	now = io_now_ms();
	next = now + LOOK_MS < deadline ? now + LOOK_MS : deadline;
	slot = find_ready(p);
	if (slot == board_size() || last.awaited != p->generation) {
		last.awaited = p->generation;
		last.since_ms = now;
	}
	if (slot == board_size())
		return next;
	protection_look(board_pid(slot), &last.worker);
	protection_look(p->gate_pid, &last.gate);
	text_init(&w, of_worker, sizeof(of_worker));
	text_init(&g, of_gate, sizeof(of_gate));
	protection_faults(&w, p->conf, &p->identity, 0, &last.worker);
	protection_faults(&g, p->conf, NULL, GATE_KEEPS, &last.gate);
	last.is_proven = w.len == 0 && g.len == 0;
	if (!last.is_proven && now - last.since_ms < PATIENCE_MS)
		return next;
	last.generation = p->generation;
	log_shown(p->conf, &p->identity);
	log_finding("worker", board_pid(slot), text_string(&w));
	log_finding("gate", p->gate_pid, text_string(&g));
	return deadline;
}
