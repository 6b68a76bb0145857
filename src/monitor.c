/*
 * Listening for those who ask for metrics, and the process that answers.
 */

#include "config.h"

#include "monitor.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "listen.h"
#include "log.h"
#include "metrics.h"

static struct {
	const struct conf	*conf;		/* that holds, or NULL */
	int			 fd;		/* -1: nobody can ask */
	pid_t			 pid;		/* 0: none */
	int64_t			 started_ms;
	int64_t			 backoff_ms;
	int64_t			 next_ms;	/* no start before */
} own = { .fd = -1 };

/* -- the listener -- */

static bool
is_kept(const struct conf *conf)
{
	return own.fd != -1 && conf->has_metrics &&
	    strcmp(conf->metrics.text, own.conf->metrics.text) == 0;
}

bool
monitor_listen(const struct conf *conf, int *fd)
{
	*fd = -1;
	if (is_kept(conf))
		*fd = own.fd;
	else if (conf->has_metrics)
		*fd = listen_open(&conf->metrics);
	return *fd != -1 || !conf->has_metrics;
}

void
monitor_unlisten(const struct conf *conf, int fd)
{
	if (fd != -1 && fd != own.fd)
		listen_close(&conf->metrics, fd);
}

static void
leave(void)
{
	if (own.fd == -1)
		return;
	listen_end(&own.conf->metrics, own.fd);
	own.fd = -1;
}

static void
dismiss(int sig)
{
	if (own.pid > 1)
		(void)kill(own.pid, sig);
	own.pid = 0;
}

void
monitor_renew(const struct conf *conf, int fd)
{
	dismiss(SIGTERM);
	if (fd != own.fd)
		leave();
	own.fd = fd;
	own.conf = conf;
	own.backoff_ms = own.next_ms = 0;
	if (fd == -1)
		return;
	log_info("telling metrics on %s", conf->metrics.text);
	if (listen_is_exposed(&conf->metrics))
		log_warn("%s is not a loopback address: whoever reaches it "
		    "can see how much listeners and rules are used",
		    conf->metrics.text);
}

void
monitor_close(void)
{
	dismiss(SIGKILL);
	leave();
}

/* -- the process -- */

static void
back_off(void)
{
	own.backoff_ms = own.backoff_ms == 0 ? BOUNDS_BACKOFF_MIN_MS :
	    own.backoff_ms * 2;
	if (own.backoff_ms > BOUNDS_BACKOFF_MAX_MS)
		own.backoff_ms = BOUNDS_BACKOFF_MAX_MS;
	own.next_ms = io_now_ms() + own.backoff_ms;
}

static void
spawn(const struct pool *p)
{
	const struct metrics_args args = {
		.conf = own.conf,
		.identity = &p->identity,
		.listen_fd = own.fd,
		.master = getpid(),
	};
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		/* Fails on nothing that matters. */
		(void)prctl(PR_SET_NAME, "dsp-metrics", 0, 0, 0);
		log_forked();
		metrics_run(&args);
	}
	if (pid == -1) {
		log_error_errno("start the metrics process");
		back_off();
		return;
	}
	tally_event(TALLY_METRICS, TALLY_START);
	own.pid = pid;
	own.started_ms = io_now_ms();
}

int64_t
monitor_balance(const struct pool *p, int64_t deadline)
{
	if (own.fd == -1 || own.pid != 0)
		return deadline;
	if (io_now_ms() >= own.next_ms)
		spawn(p);
	return own.pid == 0 && own.next_ms < deadline ? own.next_ms :
	    deadline;
}

static void
log_death(pid_t pid, int status)
{
	struct log_line line;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		log_begin(&line, LOG_LEVEL_ERROR, "security");
		log_str(&line, "what", "killed-by-filter");
		log_str(&line, "process", "metrics");
		log_number(&line, "pid", (uint64_t)pid);
		log_end(&line);
	} else if (WIFSIGNALED(status)) {
		log_error("the metrics process (pid %ld) was killed by signal "
		    "%d: %s", (long)pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	} else {
		log_error("the metrics process (pid %ld) exited with %d",
		    (long)pid, WEXITSTATUS(status));
	}
}

bool
monitor_reap(pid_t pid, int status)
{
	if (own.pid == 0 || pid != own.pid)
		return false;
	own.pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;	/* the system log was started anew */
	monitor_death(TALLY_METRICS, status);
	log_death(pid, status);
	if (io_now_ms() - own.started_ms < BOUNDS_EARLY_DEATH_MS)
		back_off();
	else
		own.backoff_ms = 0;
	return true;
}

/* -- what is counted -- */

/* A row for a listener with that profile; *too_many: rules that have none. */
static size_t
name_row(const struct conf_listen *l, const struct profile *profile,
    size_t *too_many)
{
	size_t row, rule;

	row = tally_row(l->text, profile->name);
	for (rule = 0; rule < profile->nrules; rule++)
		if (!tally_rule(row, profile->rules[rule].line_no))
			(*too_many)++;
	return row;
}

void
monitor_name(struct pool *p)
{
	const struct conf *conf = p->conf;
	const struct conf_listen *l;
	size_t i, k, too_many;

	too_many = 0;
	for (i = 0; i < conf->npools; i++) {
		l = &conf->listen[i];
		p->row[i] = name_row(l, l->profile, &too_many);
		for (k = 0; k < conf->nclients && l->is_authz; k++)
			if (conf->clients[k].tls_user != NULL)
				p->user_row[i][k] = name_row(l,
				    conf->clients[k].profile, &too_many);
	}
	tally_set(p->generation, p->conf->max_workers);
	if (too_many > 0 && p->conf->has_metrics)
		log_warn("%zu rules are more than metrics are counted for: "
		    "they are counted together", too_many);
}

void
monitor_death(enum tally_process process, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	tally_event(process, TALLY_DEATH);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		tally_event(process, TALLY_FILTER_DEATH);
}
