/*
 * Forking the gate, workers and doors, and introducing them to each other.
 */

#include "config.h"

#include "spawn.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "board.h"
#include "confpool.h"
#include "door.h"
#include "gate.h"
#include "io.h"
#include "log.h"
#include "park.h"
#include "pool.h"
#include "tally.h"
#include "whois.h"
#include "worker.h"

/* A child of that name, which ps(1) shows. */
static void
begin(const char *name)
{
	/* Cannot fail. */
	(void)prctl(PR_SET_NAME, name);
	log_forked();
}

/* The life of gate or whois. */
typedef void life(int control_fd, const struct conf *conf, pid_t master);

/* The child's part: its own end moves to a fixed place, the rest is closed.
 * syslog's descriptor is opened anew. */
static _Noreturn void
enter_alone(const char *name, life *run, const struct conf *conf,
    int control_fd, pid_t master)
{
	const int fixed_fd = STDERR_FILENO + 1;

	begin(name);
	log_init(conf->log_level, conf->log_format, LOG_TO_STDERR);
	if (dup2(control_fd, fixed_fd) == -1)
		fatal(2, "%s: descriptors", name);
	io_close_from(fixed_fd + 1);
	log_init(conf->log_level, conf->log_format, conf->log_to);
	run(fixed_fd, conf, master);
	_exit(1);	/* it does not return */
}

/* Fork it: its pid, and the master's end of its pair; or -1 with errno. */
static pid_t
fork_alone(const char *name, life *run, const struct conf *conf,
    int *control_fd)
{
	const pid_t master = getpid();
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		enter_alone(name, run, conf, ends[1], master);
	(void)close(ends[1]);
	if (pid == -1)
		(void)close(ends[0]);
	else
		*control_fd = ends[0];
	return pid;
}

int
spawn_gate(struct pool *p)
{
	pid_t pid;

	pid = fork_alone("dsp-gate", gate_run, p->conf, &p->control_fd);
	if (pid == -1)
		return -1;
	tally_event(TALLY_GATE, TALLY_START);
	p->gate_pid = pid;
	p->gate_started_ms = io_now_ms();
	return 0;
}

int
spawn_whois(struct pool *p)
{
	pid_t pid;

	pid = fork_alone("dsp-whois", whois_run, p->conf, &p->whois_fd);
	if (pid == -1)
		return -1;
	tally_event(TALLY_WHOIS, TALLY_START);
	p->whois_pid = pid;
	return 0;
}

int
spawn_park(struct pool *p, unsigned pool)
{
	struct park_args args = {
		.conf = p->conf,
		.identity = &p->identity,
		.master = getpid(),
	};
	const int ahead = BOUNDS_PARK_AHEAD, behind = BOUNDS_PARK_BEHIND;
	int ends[2], saved_errno;
	pid_t pid;

	args.no = yard_claim();
	if (args.no == -1)
		return -1;
	pid = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
		/* Without, more are on their way at once. */
		(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &ahead,
		    sizeof(ahead));
		(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &behind,
		    sizeof(behind));
		args.pair_fd = ends[1];
		pid = fork();
		if (pid == 0) {
			begin("dsp-park");
			park_run(&args);
		}
		saved_errno = errno;
		(void)close(ends[1]);
		if (pid == -1)
			(void)close(ends[0]);
		errno = saved_errno;
	}
	if (pid == -1) {
		saved_errno = errno;
		yard_release(args.no);
		errno = saved_errno;
		return -1;
	}
	tally_event(TALLY_PARK, TALLY_START);
	p->park[pool] = (struct pool_park){ .pid = pid,
	    .fd = ends[0], .no = args.no };
	return 0;
}

/* The child's part of a fork. */
static _Noreturn void
enter_worker(const struct pool *p, unsigned pool, size_t slot, int gate_fd,
    int whois_fd, pid_t master)
{
	const struct conf_listen *l = &p->conf->listen[pool];
	const struct worker_args args = {
		.conf = p->conf,
		.identity = &p->identity,
		.listener = pool,
		.generation = p->generation,
		.slot = slot,
		.row = p->row[pool],
		.listen_fd = pool < p->conf->nlisten ? p->listen_fd[pool] : -1,
		.door_fd = p->listen_fd[l->door],
		.gate_fd = gate_fd,
		.user_rows = l->is_authz ? p->user_row[pool] : NULL,
		.park_fd = p->park[pool].fd,
		.park_no = p->park[pool].no,
		.wake_fd = p->wake_fd,
		.whois_fd = whois_fd,
		.master = master,
	};

	begin("dsp-worker");
	worker_run(&args);
}

/* The same for a door, with a lane to each pool behind it. */
static _Noreturn void
enter_door(const struct pool *p, unsigned pool, size_t slot, int whois_fd,
    pid_t master)
{
	const struct conf *conf = p->conf;
	struct door_args args = {
		.conf = conf,
		.identity = &p->identity,
		.listener = pool,
		.slot = slot,
		.rows = p->row,
		.listen_fd = p->listen_fd[pool],
		.wake_fd = p->wake_fd,
		.first = conf->listen[pool].others,
		.whois_fd = whois_fd,
		.master = master,
	};
	size_t i;

	for (i = args.first; i < conf->npools &&
	    conf->listen[i].door == pool; i++) {
		args.parks[args.nlanes] = p->park[i].no;
		args.lanes[args.nlanes++] = p->park[i].fd;
	}
	begin("dsp-door");
	door_run(&args);
}

/* A worker's pair: ends[1] is the worker's, and waits no longer for an
 * answer than ask.h says.  0, or -1 with errno. */
static int
open_pair(int ends[2])
{
	const struct timeval most = { .tv_sec = BOUNDS_DIAL_MS / 1000 };
	int saved_errno;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	if (setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &most,
	    sizeof(most)) == 0 && setsockopt(ends[1], SOL_SOCKET,
	    SO_SNDTIMEO, &most, sizeof(most)) == 0)
		return 0;
	saved_errno = errno;
	(void)close(ends[0]);
	(void)close(ends[1]);
	errno = saved_errno;
	return -1;
}

/* Introduce a worker to the gate, which keeps its own copy of the pair's
 * end. */
static void
attach(const struct pool *p, unsigned pool, size_t slot, int pair_fd)
{
	const struct gate_worker worker = { (uint32_t)slot + 1, pool,
		board_pid(slot) };

	if (gate_attach(p->control_fd, &worker, pair_fd) == 0)
		return;
	log_error_errno("hand a worker to the gate");
	(void)kill(worker.pid, SIGTERM);
}

/* The pairs of a worker: [1] is its own end, -1 what it does not have. */
struct pairs {
	int	gate[2];
	int	whois[2];
};

static void
close_pairs(const struct pairs *pairs)
{
	const int fds[] = { pairs->gate[0], pairs->gate[1], pairs->whois[0],
		pairs->whois[1] };
	const int saved_errno = errno;
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
	errno = saved_errno;
}

/* A door has none to the gate, nor who only says what may pass; a door, and those behind it, have one to whois where
 * containers matter.  0, or -1 with errno. */
static int
open_pairs(const struct conf *conf, unsigned pool, struct pairs *pairs)
{
	const struct conf_listen *l = &conf->listen[pool];

	*pairs = (struct pairs){ { -1, -1 }, { -1, -1 } };
	if (!l->is_door && !l->is_authz && open_pair(pairs->gate) == -1) {
		pairs->gate[0] = pairs->gate[1] = -1;
		return -1;
	}
	if (!confpool_wants_whois(conf, &conf->listen[l->door]) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pairs->whois) == 0)
		return 0;
	close_pairs(pairs);
	return -1;
}

/* The master's part of a fork. */
static void
introduce(const struct pool *p, unsigned pool, size_t slot,
    const struct pairs *pairs)
{
	if (pairs->gate[0] != -1)
		attach(p, pool, slot, pairs->gate[0]);
	if (pairs->whois[0] == -1 ||
	    whois_attach(p->whois_fd, pairs->whois[0]) == 0)
		return;
	log_error_errno("hand a worker to whois");
	(void)kill(board_pid(slot), SIGTERM);
}

int
spawn_worker(struct pool *p, unsigned pool)
{
	const pid_t master = getpid();
	struct pairs pairs;
	size_t slot;
	pid_t pid;

	slot = board_claim(pool, p->generation, p->row[pool]);
	if (slot == board_size()) {
		errno = EAGAIN;
		return -1;
	}
	if (open_pairs(p->conf, pool, &pairs) == -1) {
		board_release(slot);
		return -1;
	}
	pid = fork();
	if (pid == 0 && p->conf->listen[pool].is_door)
		enter_door(p, pool, slot, pairs.whois[1], master);
	if (pid == 0)
		enter_worker(p, pool, slot, pairs.gate[1], pairs.whois[1],
		    master);
	if (pid == -1) {
		close_pairs(&pairs);
		board_release(slot);
		return -1;
	}
	board_set_pid(slot, pid);
	tally_event(TALLY_WORKER, TALLY_START);
	introduce(p, pool, slot, &pairs);
	close_pairs(&pairs);
	return 0;
}
