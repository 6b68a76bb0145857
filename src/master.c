/*
 * The master: opens the listeners, then sleeps until a worker, a signal or
 * the clock wants something.  It never sees bytes of clients.
 */

#include "config.h"

#include "master.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "announce.h"
#include "board.h"
#include "cgroup.h"
#include "confpool.h"
#include "detach.h"
#include "dockerpath.h"
#include "health.h"
#include "io.h"
#include "lesson.h"
#include "listen.h"
#include "log.h"
#include "monitor.h"
#include "notify.h"
#include "parks.h"
#include "pool.h"
#include "privs.h"
#include "protection.h"
#include "status.h"
#include "tally.h"
#include "text.h"
#include "yard.h"

/* What a stop may take besides --stop-timeout: the last waits of each kind of
 * process. */
#define STOP_EXTRA_MS	(5 * BOUNDS_LINGER_MS)

static volatile sig_atomic_t got_child, got_hup, got_stop, got_usr1;

static struct pool pool = { .control_fd = -1, .whois_fd = -1 };

static void
handle_signal(int sig)
{
	if (sig == SIGCHLD)
		got_child = 1;
	else if (sig == SIGHUP)
		got_hup = 1;
	else if (sig == SIGUSR1)
		got_usr1 = 1;
	else
		got_stop++;
}

/* Signals stay blocked but while the master sleeps, so none is lost. */
static void
set_signals(sigset_t *while_asleep)
{
	static const int handled[] = { SIGCHLD, SIGHUP, SIGUSR1, SIGTERM,
		SIGINT };
	struct sigaction handle = { .sa_handler = handle_signal };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t blocked;
	size_t i;

	(void)sigemptyset(&blocked);
	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
		(void)sigaddset(&blocked, handled[i]);
		if (sigaction(handled[i], &handle, NULL) == -1)
			fatal(1, "sigaction");
	}
	if (sigaction(SIGPIPE, &ignore, NULL) == -1 ||
	    sigprocmask(SIG_BLOCK, &blocked, NULL) == -1)
		fatal(1, "signals");
	(void)sigemptyset(while_asleep);
}

/* Sleep until something happens, at most until the deadline. */
static void
sleep_until(int64_t deadline, const sigset_t *while_asleep)
{
	int64_t alarm = notify_alive(deadline);
	struct pollfd fds[] = {
		{ .fd = pool.wake_fd, .events = POLLIN },
		{ .fd = pool.control_fd, .events = POLLIN },
		{ .fd = status_fd(&alarm), .events = POLLIN },
		{ .fd = health_fd(&alarm), .events = POLLIN },
	};
	struct timespec left;
	int64_t ms;
	uint64_t calls;

	ms = alarm - io_now_ms();
	if (ms < 0)
		ms = 0;
	left.tv_sec = ms / 1000;
	left.tv_nsec = ms % 1000 * 1000000;
	if (ppoll(fds, 4, &left, while_asleep) < 1)
		return;
	if (fds[1].revents != 0)
		pool_hear_gate(&pool);
	if (fds[2].revents != 0)
		status_answer(&pool);
	if (fds[3].revents != 0)
		health_answer(&pool);
	/* Only says that somebody called: how often does not matter. */
	if (fds[0].revents != 0 &&
	    read(pool.wake_fd, &calls, sizeof(calls)) == -1)
		log_debug("master: woken without a call");
}

/* Which listener of conf has the same address as l; nlisten for none. */
static size_t
find_listener(const struct conf *conf, const struct conf_listen *l)
{
	size_t i;

	for (i = 0; i < conf->nlisten; i++)
		if (strcmp(conf->listen[i].text, l->text) == 0)
			break;
	return i;
}

/* Open the listeners of conf; those that old has too are taken over.  0, or
 * -1 with none opened. */
static int
open_listeners(const struct conf *conf, const struct conf *old, int *fds)
{
	size_t had, i, n;

	for (n = 0; n < conf->nlisten; n++) {
		had = old != NULL ? find_listener(old, &conf->listen[n]) : 0;
		if (old != NULL && had < old->nlisten)
			fds[n] = pool.listen_fd[had];
		else if ((fds[n] = listen_open(&conf->listen[n])) == -1)
			break;
	}
	if (n == conf->nlisten)
		return 0;
	for (i = 0; i < n; i++)
		if (old == NULL ||
		    find_listener(old, &conf->listen[i]) == old->nlisten)
			listen_end(&conf->listen[i], fds[i]);
	return -1;
}

/* The same, and where metrics are told. */
static int
open_all(const struct conf *conf, const struct conf *old, int *fds,
    int *metrics_fd)
{
	if (!monitor_listen(conf, metrics_fd))
		return -1;
	if (open_listeners(conf, old, fds) == 0)
		return 0;
	monitor_unlisten(conf, *metrics_fd);
	return -1;
}

/* The Docker socket, or NULL where requests go to none: dockerd is started
 * after its plugins. */
static const char *
watched_path(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nlisten; i++)
		if (!conf->listen[i].is_authz)
			return conf->docker_socket;
	return NULL;
}

static void
say_conf(const struct conf *conf)
{
	announce_conf(conf);
	dockerpath_begin(watched_path(conf));
}

static void
lower_workers(struct conf *conf, size_t most, const char *remedy)
{
	most = most > conf->npools ? most - conf->npools : 0;
	if (most < conf->workers * conf->nlisten)
		most = conf->workers * conf->nlisten;
	if (most >= conf->max_workers)
		return;
	log_warn("max-workers lowered from %u to %zu: %s", conf->max_workers,
	    most, remedy);
	conf->max_workers = (unsigned)most;
}

/* Fewer workers where the system does not let the gate hold a descriptor for
 * each, or where so many would be killed. */
static void
fit_workers(struct conf *conf)
{
	struct cgroup_limits limits;

	lower_workers(conf, privs_raise_files(), "raise the limit of open "
	    "files (ulimit -n, LimitNOFILE=)");
	cgroup_look(&limits);
	lower_workers(conf, cgroup_workers(&limits), "memory and processes of "
	    "this container or service are limited");
}

static void
report(const char *message)
{
	log_error("%s", message);
}

/* Parking processes stay with their listeners, and behind doors that tell the
 * same clients apart, unless they would have to be started otherwise. */
static void
move_parks(const struct conf *conf, const struct conf *old, bool is_same)
{
	struct pool_park moved[BOUNDS_POOL_CAP] = { { .pid = 0 } };
	size_t i, to;

	for (i = 0; i < old->npools; i++) {
		to = confpool_moved(conf, old, i);
		if (is_same && to < conf->npools)
			moved[to] = pool.park[i];
		else
			parks_give_up(&pool, i);
	}
	memcpy(pool.park, moved, sizeof(moved));
}

static bool
is_same_start(const struct conf *conf, const struct conf *old,
    const struct privs_identity *identity)
{
	return conf->sandbox == old->sandbox &&
	    conf->log_level == old->log_level &&
	    conf->log_format == old->log_format &&
	    conf->log_to == old->log_to &&
	    identity->is_set == pool.identity.is_set &&
	    identity->uid == pool.identity.uid &&
	    identity->gid == pool.identity.gid;
}

/* SIGHUP: everything anew, or nothing.  Returns the configuration that holds
 * from now on. */
static struct conf *
reload(struct conf *old, int argc, char *const argv[], char *const envp[])
{
	struct privs_identity identity;
	int fds[BOUNDS_LISTEN_CAP], metrics_fd;
	struct conf *conf;
	size_t i;

	notify_reloading();
	conf = conf_load(argc, argv, envp, report);
	if (conf == NULL ||
	    !protection_is_possible(conf) ||
	    !privs_identity(conf->user, conf->group, &identity) ||
	    open_all(conf, old, fds, &metrics_fd) == -1) {
		log_error("reload failed: serving on with the old "
		    "configuration");
		notify_reloaded("reload failed, see the log");
		conf_free(conf);
		return old;
	}
	/* Workers whose listener is shut look whether they are needed. */
	move_parks(conf, old, is_same_start(conf, old, &identity));
	for (i = 0; i < old->nlisten; i++)
		if (find_listener(conf, &old->listen[i]) == conf->nlisten)
			listen_end(&old->listen[i], pool.listen_fd[i]);
	memcpy(pool.listen_fd, fds, sizeof(fds));
	fit_workers(conf);
	log_init(conf->log_level, conf->log_format, conf->log_to);
	lesson_begin(conf);
	if (pool_renew(&pool, conf, &identity) == -1)
		got_stop = 1;
	monitor_renew(conf, metrics_fd);
	conf_free(old);
	log_info("reloaded");
	notify_reloaded(NULL);
	protection_warn(conf, &identity);
	say_conf(conf);
	status_open(conf);
	health_open(conf);
	return conf;
}

/* The time of --learn-for has passed: what it is followed by is read anew; if
 * that fails, it is what was read before, for nothing may stay open.  Returns
 * the configuration that holds from now on. */
static struct conf *
end_lesson(struct conf *old, int argc, char *const argv[],
    char *const envp[])
{
	struct conf *conf;

	if (!lesson_say_over(old)) {
		got_stop = 1;
		return old;
	}
	conf = reload(old, argc, argv, envp);
	if (conf != old)
		return conf;
	lesson_close(old);
	if (pool_renew(&pool, old, &pool.identity) == -1)
		got_stop = 1;
	say_conf(old);
	return old;
}

/* The gate died: its workers cannot ask any more. */
static void
replace_gate(const struct conf *conf, const sigset_t *while_asleep)
{
	const struct privs_identity identity = pool.identity;

	while (got_stop == 0 && io_now_ms() < pool.next_spawn_ms)
		sleep_until(pool.next_spawn_ms, while_asleep);
	if (got_stop == 0 && pool_renew(&pool, conf, &identity) == -1)
		got_stop = 1;
}

/* Let running requests end, then close what is left. */
static void
stop(const struct conf *conf, const sigset_t *while_asleep)
{
	int64_t deadline;
	size_t i, left;

	log_info("stopping");
	notify_stopping(conf->stop_timeout_ms + STOP_EXTRA_MS);
	/* Workers whose listener is shut look whether they are needed. */
	for (i = 0; i < conf->npools; i++)
		parks_give_up(&pool, i);
	for (i = 0; i < conf->nlisten; i++)
		listen_end(&conf->listen[i], pool.listen_fd[i]);
	deadline = io_now_ms() + conf->stop_timeout_ms;
	while ((left = pool_signal_all(SIGTERM)) > 0 &&
	    io_now_ms() < deadline && got_stop < 2) {
		sleep_until(io_now_ms() + BOUNDS_NUDGE_MS, while_asleep);
		(void)pool_reap(&pool);
	}
	/* Workers that retire wait for streams that are parked. */
	if (left > 0)
		log_info("closing %zu connections that did not end",
		    left - board_count(BOARD_RETIRING) + yard_total());
	pool.is_ending = true;
	while (pool_signal_all(SIGKILL) > 0) {
		sleep_until(io_now_ms() + BOUNDS_NUDGE_MS, while_asleep);
		(void)pool_reap(&pool);
	}
	monitor_close();
	pool_end(&pool);
	status_close();
	health_close();
	if (conf->pid_file != NULL)
		detach_pid_file_remove(conf->pid_file);
	log_info("stopped");
}

/* Start everything; 0, or the exit code after logging. */
static int
start(struct conf *conf)
{
	struct privs_identity identity;
	int metrics_fd;

	pool.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool.wake_fd == -1 || tally_open() == -1 || yard_open() == -1 ||
	    board_open(BOUNDS_WORKERS_CAP + BOUNDS_SLOTS_EXTRA) == -1) {
		log_error_errno("set up the pool");
		return 1;
	}
	fit_workers(conf);
	if (!protection_is_possible(conf))
		return 2;
	if (!privs_identity(conf->user, conf->group, &identity) ||
	    open_all(conf, NULL, pool.listen_fd, &metrics_fd) == -1)
		return 1;
	lesson_begin(conf);
	if (pool_renew(&pool, conf, &identity) == -1)
		return 1;
	monitor_renew(conf, metrics_fd);
	if (conf->pid_file != NULL && detach_pid_file(conf->pid_file) == -1) {
		log_error_errno("write pid file %s", conf->pid_file);
		return 1;
	}
	protection_warn(conf, &identity);
	say_conf(conf);
	status_open(conf);
	health_open(conf);
	return 0;
}

/*
 * A request wakes a worker, the gate and the worker again.  As batch, which
 * children inherit, the one that is woken does not push aside the one that
 * woke it and is about to sleep anyway: fewer switches for each request.
 * Whoever started us with another policy has meant it.  By number, for not
 * every C library has these calls.
 */
static void
wake_calmly(void)
{
	static const struct sched_param none;

	if (syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER)
		/* Where it may not be, all goes on as before. */
		(void)syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &none);
}

int
master_run(struct conf *conf, int argc, char *const argv[],
    char *const envp[])
{
	sigset_t while_asleep;
	enum pool_event event;
	int64_t next;
	int code;

	log_init(conf->log_level, conf->log_format, conf->log_to);
	notify_open();
	if (conf->is_daemon)
		detach_start();
	set_signals(&while_asleep);
	wake_calmly();
	privs_bound();
	code = start(conf);
	if (code != 0)
		return code;
	while (got_stop == 0) {
		next = monitor_balance(&pool, pool_balance(&pool));
		next = protection_watch(&pool, next);
		next = dockerpath_watch(watched_path(conf), next);
		next = notify_watch(&pool, next);
		next = lesson_watch(next);
		detach_ready();
		sleep_until(next, &while_asleep);
		got_child = 0;
		event = pool_reap(&pool);
		if (event == POOL_HOPELESS)
			code = got_stop = 1;
		else if (event == POOL_GATE_DIED)
			replace_gate(conf, &while_asleep);
		if (lesson_is_over())
			conf = end_lesson(conf, argc, argv, envp);
		if (got_hup) {
			got_hup = 0;
			conf = reload(conf, argc, argv, envp);
		}
		if (got_usr1) {
			got_usr1 = 0;
			status_log(&pool);
		}
	}
	stop(conf, &while_asleep);
	conf_free(conf);
	return code;
}
