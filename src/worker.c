/*
 * Life of a worker.  It holds its listener, its end of the gate's pair, the
 * master's wake-up and the log, and nothing else.
 */

#include "config.h"

#include "worker.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "authz.h"
#include "board.h"
#include "doing.h"
#include "duty.h"
#ifdef WITH_HIJACK_TEST
#include "hijack.h"
#endif
#include "io.h"
#include "log.h"
#include "park.h"
#include "sandbox.h"
#include "session.h"
#include "tally.h"
#include "yard.h"

#define FIRST_FD	(STDERR_FILENO + 1)

/* Where a worker's own descriptors are, behind the standard ones. */
enum {
	LISTEN_FD = FIRST_FD,	/* behind a door: another wake-up */
	GATE_FD,	/* of an authz listener: likewise */
	PARK_FD,
	CLIENTS_FD,	/* an epoll set: new clients, and parked ones */
	WAKE_FD,
	WHOIS_FD,	/* where there is one: of inquire.h */
	FREE_FD
};

static int64_t served_ms;		/* when the last client was left */
static struct peer_door door;		/* that clients came by */

static void
keep_descriptors(const struct worker_args *args)
{
	const int own[] = {
		[LISTEN_FD - FIRST_FD] = args->listen_fd != -1 ?
		    args->listen_fd : args->wake_fd,
		[GATE_FD - FIRST_FD] = args->gate_fd != -1 ?
		    args->gate_fd : args->wake_fd,
		[PARK_FD - FIRST_FD] = args->park_fd,
		[CLIENTS_FD - FIRST_FD] = epoll_create1(0),
		[WAKE_FD - FIRST_FD] = args->wake_fd,
		[WHOIS_FD - FIRST_FD] = args->whois_fd,
	};

	duty_descriptors(args->conf, own, (args->whois_fd != -1 ? FREE_FD :
	    WHOIS_FD) - FIRST_FD);
}

/* Wait for clients from where idle workers get them.  One that comes wakes
 * one worker, not all. */
static void
watch_clients(bool has_listener)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };

	event.data.fd = LISTEN_FD;
	if (has_listener &&
	    epoll_ctl(CLIENTS_FD, EPOLL_CTL_ADD, LISTEN_FD, &event) == -1)
		fatal(2, "worker: epoll_ctl");
	event.data.fd = PARK_FD;
	if (epoll_ctl(CLIENTS_FD, EPOLL_CTL_ADD, PARK_FD, &event) == -1)
		fatal(2, "worker: epoll_ctl");
}

#ifdef WITH_HIJACK_TEST
/* For tests only: the client may take this worker over. */
static void
offer_hijack(const struct worker_args *args, int fd)
{
	const struct hijack_env env = {
		.client_fd = fd,
		.listen_fd = LISTEN_FD,
		.gate_fd = GATE_FD,
		.park_fd = PARK_FD,
		.wake_fd = WAKE_FD,
		.master = args->master,
		.listener = args->listener,
		.worker_no = args->slot + 1,
	};

	if (hijack_wants(fd))
		hijack_run(&env);
}
#endif

/* Whom a worker is about to serve. */
struct arrival {
	struct sockaddr_storage	from;
	struct park_guest	guest;	/* its descriptors; the rest when it
					 * was parked */
	bool			has_left;	/* the client of a stream */
};

/* One that was parked.  What is not connected is no connection of a client's,
 * or it is gone; of a stream that has to be told. */
static bool
take_parked(struct arrival *a)
{
	struct sockaddr_storage nobody;
	socklen_t len;
	bool is_connected;

	if (park_take(PARK_FD, &a->guest) == -1) {
		/* Without a parking process there is no place for idle
		 * clients: the master forks workers anew. */
		if (errno != EAGAIN)
			duty_retire();
		return false;
	}
	len = sizeof(a->from);
	a->has_left = getpeername(a->guest.client_fd,
	    (struct sockaddr *)&a->from, &len) == -1;
	len = sizeof(nobody);
	is_connected = a->guest.upstream_fd == -1 ? !a->has_left :
	    getpeername(a->guest.upstream_fd, (struct sockaddr *)&nobody,
	    &len) == 0;
	if (is_connected)
		return true;
	(void)close(a->guest.client_fd);
	if (a->guest.upstream_fd != -1)
		(void)close(a->guest.upstream_fd);
	return false;
}

static bool
take_new(struct arrival *a)
{
	a->guest.client_fd = duty_accept(LISTEN_FD, &a->from);
	return a->guest.client_fd != -1;
}

/* Wait for a client: false when it is time to look around.  A worker whose
 * parking process has ended takes no client any more. */
static bool
next_client(struct arrival *a)
{
	struct epoll_event events[2];
	int i, n;

	n = epoll_wait(CLIENTS_FD, events, 2, -1);
	if (n == -1 && errno != EINTR)
		fatal(1, "epoll_wait");
	for (i = 0; i < n; i++)
		if (events[i].data.fd == PARK_FD &&
		    (events[i].events & EPOLLHUP) != 0)
			return take_parked(a);
	if (n < 1)
		return false;
	/* What else is ready stays so. */
	return events[0].data.fd == LISTEN_FD ? take_new(a) :
	    take_parked(a);
}

/* The pool that is due to a client, as of peer_pool.  Who passed it on may have
 * been taken over, so the connection itself is asked. */
static unsigned
due_pool(const struct worker_args *args, int fd, struct peer *peer)
{
	const struct conf *conf = args->conf;

	if (args->listener < conf->nlisten)
		return args->listener;
	/* The door itself has no rules. */
	if (!peer_came_by(fd, &door))
		return conf->listen[args->listener].door;
	return peer_pool(conf, conf->listen[args->listener].door, fd, peer,
	    args->whois_fd == -1 ? -1 : WHOIS_FD);
}

/*
 * One that is not for us: pool is due to it.  No honest door or worker passes
 * it on, but a container may have got another name meanwhile; or nobody knows
 * any more which one that is (BOUNDS_POOL_CAP).
 */
static void
expel(const struct worker_args *args, const struct session_env *env,
    const struct arrival *a, const struct peer *peer, unsigned pool)
{
	struct log_line line;

	if (pool == BOUNDS_POOL_CAP && a->guest.upstream_fd == -1) {
		board_set_peer(NULL);
		session_refuse(env, a->guest.client_fd, peer->name,
		    REASON_CONTAINER);
		return;
	}
	log_begin(&line, args->whois_fd == -1 ? LOG_LEVEL_ERROR :
	    LOG_LEVEL_WARN, "security");
	log_str(&line, "what", "foreign-client");
	log_str(&line, "profile", env->profile->name);
	log_str(&line, "peer", peer->name);
	log_number(&line, "worker", args->slot + 1);
	log_end(&line);
	(void)close(a->guest.client_fd);
	if (a->guest.upstream_fd != -1)
		(void)close(a->guest.upstream_fd);
}

/* Go on with a stream, whatever is refused meanwhile: it was there before. */
static void
serve_stream(const struct worker_args *args, const struct session_env *env,
    const struct arrival *a, struct peer *peer)
{
	const struct conf_listen *l = &args->conf->listen[args->listener];
	const struct session_stream stream = {
		.upstream_fd = a->guest.upstream_fd,
		.ticket = &a->guest.ticket,
		.may_go_on = !a->has_left &&
		    peer_is_allowed(&l->allow, a->guest.client_fd, peer),
	};

	session_resume(env, a->guest.client_fd,
	    a->has_left ? NULL : peer->name, &peer->key, &stream);
}

/* A client: served, or refused. */
static void
serve_client(const struct worker_args *args, const struct session_env *env,
    int fd, struct peer *peer)
{
	enum reason reason;

	reason = duty_refuses(args->conf, args->listener, fd, peer);
#ifdef WITH_HIJACK_TEST
	if (reason != REASON_NOT_ALLOWED)
		offer_hijack(args, fd);
#endif
	if (reason == REASON_NONE) {
		if (args->gate_fd == -1)
			authz_serve(fd, peer->name, &peer->key);
		else
			session_serve(env, fd, peer->name, &peer->key);
		return;
	}
	/* One that is refused is none of those who are served. */
	board_set_peer(NULL);
	session_refuse(env, fd, peer->name, reason);
}

/* Whoever it is.  Nothing of it is left to the next. */
static void
serve(const struct worker_args *args, const struct session_env *env,
    struct arrival *a)
{
	const struct board_counters before = board_counters(args->slot);
	struct peer peer;
	unsigned pool;

	peer_identify(a->guest.client_fd, &a->from, &peer);
	/* dockerd is not counted with other clients of its user. */
	if (args->gate_fd == -1)
		memset(&peer.key, 0xff, sizeof(peer.key));
	board_set_peer(&peer.key);
	board_set(BOARD_BUSY);
	doing_begin(peer.name, before.bytes_in, before.bytes_out);
	duty_wake(WAKE_FD, env->workers);
	/* Whose client has gone only ends. */
	pool = a->has_left ? args->listener :
	    due_pool(args, a->guest.client_fd, &peer);
	if (pool != args->listener)
		expel(args, env, a, &peer, pool);
	else if (a->guest.upstream_fd != -1)
		serve_stream(args, env, a, &peer);
	else
		serve_client(args, env, a->guest.client_fd, &peer);
	explicit_bzero(a, sizeof(*a));
	doing_end();
	served_ms = io_now_ms();
}

static struct arrival
nobody_yet(void)
{
	return (struct arrival){ .from.ss_family = AF_UNSPEC,
	    .guest.upstream_fd = -1 };
}

/*
 * The parking process is given up, by a reload or the end of all: its streams
 * have none but the workers who know it, and live as long as dockerd and
 * their clients want.
 */
static void
serve_left(const struct worker_args *args, const struct session_env *env)
{
	struct pollfd wait = { .fd = PARK_FD, .events = POLLIN };
	enum io_result result;
	struct arrival a;
	bool is_last;

	while (yard_is_given_up(args->park_no)) {
		board_set(BOARD_RETIRING);
		is_last = yard_streams(args->park_no) == 0;
		duty_wants_close = 0;
		/* What we have sent there may still be on its way. */
		result = io_wait(&wait, 1, is_last ? served_ms +
		    BOUNDS_NUDGE_MS : io_now_ms() + BOUNDS_PARK_LOOK_MS,
		    is_last ? NULL : &duty_wants_close);
		duty_wants_close = 1;
		a = nobody_yet();
		if (result == IO_OK && take_parked(&a))
			serve(args, env, &a);
		else if ((is_last && yard_streams(args->park_no) == 0) ||
		    (wait.revents & POLLHUP) != 0)
			break;
	}
}

static struct session_env
make_env(const struct worker_args *args, int gate_fd)
{
	const struct conf *conf = args->conf;

	return (struct session_env){
		.profile = conf->listen[args->listener].profile,
		.listener = args->listener,
		.row = args->row,
		.docker_socket = conf->docker_socket,
		.gate_fd = gate_fd,
		.park_fd = PARK_FD,
		.park_no = args->park_no,
		.workers = conf->listen[args->listener].workers,
		.log_requests = conf->log_requests,
		.min_api = conf->min_api,
		.max_workers = conf->max_workers,
		.head_timeout_ms = conf->head_timeout_ms,
		/* Its end would be taken for ours if dockerd just used it. */
		.idle_timeout_ms = gate_fd == -1 ? BOUNDS_PARKED_MS :
		    conf->idle_timeout_ms,
		.worker_no = args->slot + 1,
		.wants_close = &duty_wants_close,
	};
}

_Noreturn void
worker_run(const struct worker_args *args)
{
	const struct conf *conf = args->conf;
	const int gate_fd = args->gate_fd != -1 ? GATE_FD : -1;
	const struct sandbox_worker own = {
		.listen_fd = LISTEN_FD,
		.gate_fd = gate_fd,
		.park_fd = PARK_FD,
		.wake_fd = WAKE_FD,
		.whois_fd = args->whois_fd == -1 ? PARK_FD : WHOIS_FD,
	};
	const struct session_env env = make_env(args, gate_fd);
	struct arrival a;

	if (board_enter(args->slot) == -1 || tally_enter() == -1 ||
	    yard_watch() == -1)
		fatal(2, "worker: mprotect");
	if (args->listen_fd == -1 && peer_door_make(args->door_fd, &door) == -1)
		fatal(2, "worker: getsockname");
	conf->listen[args->listener].profile->matcher.cpu_us = io_cpu_us;
	if (gate_fd == -1)
		authz_prepare(&env, conf, args->user_rows);
	keep_descriptors(args);
	watch_clients(args->listen_fd != -1);
	duty_signals(args->master);
	privs_drop(args->identity, args->master, BOUNDS_WORKER_FILES);
	log_seal();
	sandbox_enter_worker(conf->sandbox, &own);
	while (!duty_retires()) {
		duty_wants_close = 0;
		/* A signal between the two lines above is not lost. */
		if (duty_retires())
			break;
		board_set(BOARD_IDLE);
		a = nobody_yet();
		if (next_client(&a))
			serve(args, &env, &a);
		if (log_is_broken() || session_is_late())
			break;
	}
	serve_left(args, &env);
	board_set(BOARD_RETIRING);
	log_tell_lost();
	_exit(0);
}
