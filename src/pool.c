/*
 * Gate and workers: how many, which go, which died.
 */

#include "config.h"

#include "pool.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "confpool.h"
#include "duty.h"
#include "gate.h"
#include "health.h"
#include "io.h"
#include "log.h"
#include "monitor.h"
#include "parks.h"
#include "spawn.h"
#include "tally.h"
#include "worker.h"

/* Processes of all generations, and how many there may be: one more per
 * pool than serve, to say 503. */
static size_t
living(void)
{
	return board_used() - board_count(BOARD_FREE);
}

static size_t
living_cap(const struct pool *p)
{
	return p->conf->max_workers + p->conf->npools;
}

/* Signal one process: what is not the number of one would reach a group, or
 * everybody. */
static void
signal_worker(size_t slot, int sig)
{
	pid_t pid;

	pid = board_pid(slot);
	if (pid > 1)
		(void)kill(pid, sig);
}

/* Ask a worker to end; a busy one does so after its request. */
static void
retire(size_t slot)
{
	signal_worker(slot, SIGTERM);
}

size_t
pool_signal_all(int sig)
{
	size_t i, n;

	n = 0;
	for (i = 0; i < board_used(); i++) {
		if (board_state(i) == BOARD_FREE || board_pid(i) == 0)
			continue;
		signal_worker(i, sig);
		n++;
	}
	return n;
}

/* Let gate and whois end behind the last worker. */
static void
leave_gate(struct pool *p)
{
	if (p->whois_fd != -1)
		(void)close(p->whois_fd);
	p->whois_fd = -1;
	p->whois_pid = 0;
	if (p->control_fd != -1)
		(void)close(p->control_fd);
	p->control_fd = -1;
	p->gate_pid = 0;
	health_forget();
}

int
pool_renew(struct pool *p, const struct conf *conf,
    const struct privs_identity *identity)
{
	leave_gate(p);
	p->conf = conf;
	p->identity = *identity;
	p->generation++;
	monitor_name(p);
	memset(p->burst, 0, sizeof(p->burst));
	(void)pool_signal_all(SIGTERM);
	if (spawn_gate(p) == -1) {
		log_error_errno("start the gate");
		return -1;
	}
	if (confpool_has_whois(conf) && spawn_whois(p) == -1) {
		log_error_errno("start whois");
		return -1;
	}
	return 0;
}

/* Wait longer after each failure in a row. */
static void
back_off(struct pool *p)
{
	/* Many may die of one cause. */
	if (io_now_ms() < p->next_spawn_ms)
		return;
	p->backoff_ms = p->backoff_ms == 0 ? BOUNDS_BACKOFF_MIN_MS :
	    p->backoff_ms * 2;
	if (p->backoff_ms > BOUNDS_BACKOFF_MAX_MS)
		p->backoff_ms = BOUNDS_BACKOFF_MAX_MS;
	p->next_spawn_ms = io_now_ms() + p->backoff_ms;
}

/* Slots of this generation and listener in that state for at least min_ms:
 * the one longest in it, board_size() when there is none. */
static size_t
oldest(const struct pool *p, unsigned listener, enum board_state state,
    int64_t min_ms)
{
	int64_t limit;
	size_t best, i;

	best = board_size();
	limit = io_now_ms() - min_ms;
	for (i = 0; i < board_used(); i++) {
		if (board_state(i) != state || board_since_ms(i) > limit ||
		    board_generation(i) != p->generation ||
		    board_listener(i) != listener)
			continue;
		if (best == board_size() ||
		    board_since_ms(i) < board_since_ms(best))
			best = i;
	}
	return best;
}

/*
 * No worker of this listener is idle and none may be forked: one of its
 * waiting clients gives way, else another listener gives up a spare or
 * waiting worker.  True when it is worth looking again soon.
 */
static bool
make_room(struct pool *p, unsigned listener)
{
	size_t slot;
	unsigned i;

	slot = oldest(p, listener, BOARD_WAITING, BOUNDS_GIVE_WAY_MS);
	if (slot != board_size()) {
		signal_worker(slot, DUTY_GIVE_WAY);
		return true;
	}
	for (i = 0; i < p->conf->npools; i++) {
		if (i == listener)
			continue;
		slot = oldest(p, i, BOARD_WAITING, BOUNDS_GIVE_WAY_MS);
		if (slot == board_size() &&
		    board_idle(i, p->generation) > 1)
			slot = oldest(p, i, BOARD_IDLE, 0);
		if (slot == board_size())
			continue;
		retire(slot);
		return true;
	}
	return board_count(BOARD_WAITING) > 0;
}

/* How many to fork for a listener with so many idle: what is missing, and
 * twice as many each time that nobody at all was idle. */
static size_t
missing(struct pool *p, unsigned listener, size_t idle)
{
	const unsigned workers = p->conf->listen[listener].workers;
	size_t want;

	if (idle >= workers) {
		p->burst[listener] = 0;
		return 0;
	}
	want = workers - idle;
	if (idle > 0)
		return want;
	p->burst[listener] = p->burst[listener] == 0 ? workers :
	    p->burst[listener] * 2;
	if (p->burst[listener] > BOUNDS_SPAWN_CAP)
		p->burst[listener] = BOUNDS_SPAWN_CAP;
	return p->burst[listener];
}

/* Whether one more may be forked.  The first of a listener always may: after
 * a reload the streams of old generations can fill the pool, and somebody
 * has to say 503. */
static bool
may_spawn(const struct pool *p, unsigned listener)
{
	return living() < living_cap(p) ||
	    !board_has_any(listener, p->generation);
}

/* Start what parking processes are missing, before workers: these see the
 * clients of all that were there first. */
static bool
has_parks(struct pool *p)
{
	unsigned i;

	for (i = 0; i < p->conf->npools; i++) {
		if (p->conf->listen[i].is_door || p->park[i].pid != 0 ||
		    spawn_park(p, i) == 0)
			continue;
		log_error_errno("start a parking process");
		back_off(p);
		return false;
	}
	return true;
}

/* Fork for one listener; true when it must be looked at again soon. */
static bool
grow(struct pool *p, unsigned listener)
{
	size_t idle, want;

	idle = board_idle(listener, p->generation);
	for (want = missing(p, listener, idle); want > 0; want--) {
		if (!may_spawn(p, listener))
			break;
		if (spawn_worker(p, listener) == -1) {
			log_error_errno("start a worker");
			back_off(p);
			return true;
		}
	}
	if (board_idle(listener, p->generation) > 0)
		return false;
	/* All of these have a client already. */
	if (may_spawn(p, listener))
		return true;
	board_set_full(true);
	return make_room(p, listener);
}

/* Let workers go where more are idle than wanted, for some time: an eighth
 * of the surplus a turn, so that the next burst still finds some. */
static void
shrink(const struct pool *p, unsigned listener)
{
	const unsigned workers = p->conf->listen[listener].workers;
	size_t i, idle, surplus;
	int64_t limit;

	idle = board_idle(listener, p->generation);
	if (idle <= workers)
		return;
	surplus = (idle - workers + 7) / 8;
	limit = io_now_ms() - BOUNDS_SPARE_MS;
	for (i = 0; i < board_used() && surplus > 0; i++) {
		if (board_state(i) != BOARD_IDLE ||
		    board_since_ms(i) > limit ||
		    board_generation(i) != p->generation ||
		    board_listener(i) != listener)
			continue;
		retire(i);
		surplus--;
	}
}

/* Workers of old generations that are not busy may have missed their signal
 * just before they fell asleep: say it again.  True while there are any. */
static bool
nudge_old(const struct pool *p)
{
	bool has_old;
	size_t i;

	has_old = false;
	for (i = 0; i < board_used(); i++) {
		if (board_state(i) == BOARD_FREE ||
		    board_generation(i) == p->generation)
			continue;
		has_old = true;
		if (board_state(i) != BOARD_BUSY)
			retire(i);
	}
	return has_old;
}

int64_t
pool_balance(struct pool *p)
{
	int64_t now, next;
	bool is_soon;
	unsigned i;

	now = io_now_ms();
	is_soon = nudge_old(p);
	next = now + BOUNDS_SPARE_MS / 5;
	if (now < p->next_spawn_ms || !has_parks(p))
		return p->next_spawn_ms;
	board_set_full(false);
	for (i = 0; i < p->conf->npools; i++) {
		if (grow(p, i))
			is_soon = true;
		shrink(p, i);
	}
	return is_soon ? now + BOUNDS_NUDGE_MS : next;
}

/* The system call filter has ended a process that wanted more than its job
 * needs: it has been taken over, or its table lacks a row. */
static void
log_security(const char *process, size_t no, pid_t pid)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_ERROR, "security");
	log_str(&line, "what", "killed-by-filter");
	log_str(&line, "process", process);
	if (no > 0)
		log_number(&line, "worker", no);
	log_number(&line, "pid", (uint64_t)pid);
	log_end(&line);
}

/* Log how a worker ended, unless as asked. */
static void
log_death(size_t slot, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_security("worker", slot + 1, board_pid(slot));
	else if (WIFSIGNALED(status))
		log_error("worker %zu (pid %ld) killed by signal %d: %s",
		    slot + 1, (long)board_pid(slot), WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_error("worker %zu (pid %ld) exited with %d", slot + 1,
		    (long)board_pid(slot), WEXITSTATUS(status));
}

static enum pool_event
bury_worker(struct pool *p, size_t slot, int status)
{
	bool is_early, is_failure, is_attack;

	is_attack = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	is_failure = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	if (is_attack)
		p->attacks++;
	if (!p->is_ending)
		monitor_death(TALLY_WORKER, status);
	is_early = io_now_ms() - board_started_ms(slot) <
	    BOUNDS_EARLY_DEATH_MS;
	if (!p->is_ending)
		log_death(slot, status);
	board_release(slot);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return POOL_HOPELESS;
	/* Whoever has found a way in shall not try it often. */
	if (is_failure && (is_early || is_attack))
		back_off(p);
	else if (!is_failure)
		p->backoff_ms = 0;
	return POOL_FINE;
}

/* Or whois. */
static enum pool_event
bury_gate(struct pool *p, pid_t pid, int status)
{
	const bool is_gate = pid == p->gate_pid;
	const char *const word = is_gate ? "gate" : "whois";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return POOL_HOPELESS;
	monitor_death(is_gate ? TALLY_GATE : TALLY_WHOIS, status);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_security(word, 0, pid);
	else if (WIFSIGNALED(status))
		log_error("the %s (pid %ld) was killed by signal %d: %s", word,
		    (long)pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_error("the %s (pid %ld) exited with %d", word, (long)pid,
		    WEXITSTATUS(status));
	leave_gate(p);
	if (io_now_ms() - p->gate_started_ms < BOUNDS_EARLY_DEATH_MS)
		back_off(p);
	return POOL_GATE_DIED;
}

/* Its clients are gone; workers that see its end retire. */
static enum pool_event
bury_park(struct pool *p, struct pool_park *park, int status)
{
	if (park->fd == -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		parks_forget(park);
		return POOL_FINE;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return POOL_HOPELESS;
	monitor_death(TALLY_PARK, status);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		p->attacks++;
		log_security("park", 0, park->pid);
	} else if (WIFSIGNALED(status)) {
		log_error("park (pid %ld) killed by signal %d: %s",
		    (long)park->pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	} else {
		log_error("park (pid %ld) exited with %d", (long)park->pid,
		    WEXITSTATUS(status));
	}
	parks_forget(park);
	back_off(p);
	return POOL_FINE;
}

enum pool_event
pool_reap(struct pool *p)
{
	enum pool_event event, worst;
	struct pool_park *park;
	size_t slot;
	int status;
	pid_t pid;

	worst = POOL_FINE;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		slot = board_find(pid);
		park = parks_find(p, pid);
		if (slot != board_size())
			event = bury_worker(p, slot, status);
		else if (park != NULL)
			event = bury_park(p, park, status);
		else if (pid == p->gate_pid || pid == p->whois_pid)
			event = bury_gate(p, pid, status);
		else if (monitor_reap(pid, status))
			event = POOL_FINE;
		else
			continue;	/* one that was told to end */
		if (event > worst)
			worst = event;
	}
	return worst;
}

void
pool_hear_gate(struct pool *p)
{
	struct gate_news news;
	size_t slot;

	while (p->control_fd != -1 && gate_hear(p->control_fd, &news)) {
		if (news.pid == 0)
			health_hear(p->conf, news.ping_no, news.error);
		slot = board_find(news.pid);
		if (news.pid == 0 || slot == board_size())
			continue;
		(void)kill(news.pid, SIGKILL);
		p->attacks++;
		tally_event(TALLY_WORKER, TALLY_DISAGREE);
		back_off(p);
	}
}

void
pool_end(struct pool *p)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int64_t deadline;

	leave_gate(p);
	/* A gate that somebody has stopped dies with us. */
	deadline = io_now_ms() + BOUNDS_LINGER_MS;
	while (waitpid(-1, NULL, WNOHANG) >= 0 && io_now_ms() < deadline)
		(void)nanosleep(&pause, NULL);
}
