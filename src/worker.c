/*
 * Life of a worker.  It holds its listener, its end of the gate's pair, the
 * master's wake-up and the log, and nothing else.
 */

#include "config.h"

#include "worker.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "doing.h"
#ifdef WITH_HIJACK_TEST
#include "hijack.h"
#endif
#include "io.h"
#include "log.h"
#include "park.h"
#include "peer.h"
#include "sandbox.h"
#include "session.h"
#include "tally.h"
#include "yard.h"

/* Where a worker's own descriptors are, behind the standard ones. */
enum {
	LISTEN_FD = 3,
	GATE_FD,
	PARK_FD,
	CLIENTS_FD,	/* an epoll set: new clients, and parked ones */
	WAKE_FD,
	FREE_FD
};

static volatile sig_atomic_t is_retiring;
static volatile sig_atomic_t wants_close;
static int64_t served_ms;		/* when the last client was left */

static void
handle_signal(int sig)
{
	if (sig == SIGTERM)
		is_retiring = 1;
	wants_close = 1;
}

/* Terminals and service managers signal whole groups: only the master acts
 * on INT and HUP. */
static void
set_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction handle = { .sa_handler = handle_signal };
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigemptyset(&none);
	if (sigaction(SIGINT, &ignore, NULL) == -1 ||
	    sigaction(SIGHUP, &ignore, NULL) == -1 ||
	    sigaction(SIGPIPE, &ignore, NULL) == -1 ||
	    sigaction(SIGCHLD, &standard, NULL) == -1 ||
	    sigaction(SIGTERM, &handle, NULL) == -1 ||
	    sigaction(WORKER_GIVE_WAY, &handle, NULL) == -1 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		fatal(2, "worker: signals");
}

/* Put our descriptors where they belong and close what the master had open:
 * other listeners, other workers' pairs.  syslog's is opened anew. */
static void
keep_descriptors(const struct worker_args *args)
{
	const struct {
		int	from;
		int	to;
	} own[] = {
		{ args->listen_fd, LISTEN_FD },
		{ args->gate_fd, GATE_FD },
		{ args->park_fd, PARK_FD },
		{ epoll_create1(0), CLIENTS_FD },
		{ args->wake_fd, WAKE_FD },
	};
	const size_t n = sizeof(own) / sizeof(own[0]);
	int safe[sizeof(own) / sizeof(own[0])];
	size_t i;

	log_init(args->conf->log_level, args->conf->log_format, LOG_TO_STDERR);
	for (i = 0; i < n; i++)
		if ((safe[i] = fcntl(own[i].from, F_DUPFD, FREE_FD)) == -1)
			fatal(2, "worker: descriptors");
	for (i = 0; i < n; i++)
		if (dup2(safe[i], own[i].to) == -1)
			fatal(2, "worker: descriptors");
	io_close_from(FREE_FD);
	log_init(args->conf->log_level, args->conf->log_format,
	    args->conf->log_to);
}

/* Wait for clients from where idle workers get them.  One that comes wakes
 * one worker, not all. */
static void
watch_clients(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };

	event.data.fd = LISTEN_FD;
	if (epoll_ctl(CLIENTS_FD, EPOLL_CTL_ADD, LISTEN_FD, &event) == -1)
		fatal(2, "worker: epoll_ctl");
	event.data.fd = PARK_FD;
	if (epoll_ctl(CLIENTS_FD, EPOLL_CTL_ADD, PARK_FD, &event) == -1)
		fatal(2, "worker: epoll_ctl");
}

/* Tell the master when this pool runs out of idle workers. */
static void
wake_master(const struct worker_args *args)
{
	const uint64_t one = 1;

	if (!board_is_short(args->conf->workers))
		return;
	/* Fails only when the master has not read for 2^64 of these. */
	if (write(WAKE_FD, &one, sizeof(one)) == -1)
		log_debug("worker: the wake-up is full");
}

/* Whether a new connection is not wanted, or goes too far. */
static enum reason
why_not(const struct worker_args *args, int fd, struct peer *peer)
{
	const struct conf *conf = args->conf;

	if (!peer_is_allowed(&conf->listen[args->listener].allow, fd, peer))
		return REASON_NOT_ALLOWED;
	if (board_count(BOARD_BUSY) > conf->max_workers)
		return REASON_BUSY;
	if (conf->max_per_client > 0 && board_count_peer(&peer->key) +
	    yard_count_peer(&peer->key) > conf->max_per_client)
		return REASON_PER_CLIENT;
	return REASON_NONE;
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

/* A new client: its descriptor, or -1. */
static int
accept_client(struct sockaddr_storage *from)
{
	socklen_t len;
	int fd;

	len = sizeof(*from);
	fd = accept4(LISTEN_FD, (struct sockaddr *)from, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd != -1) {
		board_mine()->connections++;
		return fd;
	}
	/* The master shuts the listener down to stop accepting. */
	if (errno == EINVAL || errno == EBADF)
		is_retiring = 1;
	else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN)
		fatal(1, "accept");
	return -1;
}

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
			is_retiring = 1;
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
	a->guest.client_fd = accept_client(&a->from);
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

	reason = why_not(args, fd, peer);
#ifdef WITH_HIJACK_TEST
	if (reason != REASON_NOT_ALLOWED)
		offer_hijack(args, fd);
#endif
	if (reason == REASON_NONE) {
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

	peer_identify(a->guest.client_fd, &a->from, &peer);
	board_set_peer(&peer.key);
	board_set(BOARD_BUSY);
	doing_begin(peer.name, before.bytes_in, before.bytes_out);
	wake_master(args);
	if (a->guest.upstream_fd != -1)
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
		wants_close = 0;
		/* What we have sent there may still be on its way. */
		result = io_wait(&wait, 1, is_last ? served_ms +
		    BOUNDS_NUDGE_MS : io_now_ms() + BOUNDS_PARK_LOOK_MS,
		    is_last ? NULL : &wants_close);
		wants_close = 1;
		a = nobody_yet();
		if (result == IO_OK && take_parked(&a))
			serve(args, env, &a);
		else if ((is_last && yard_streams(args->park_no) == 0) ||
		    (wait.revents & POLLHUP) != 0)
			break;
	}
}

_Noreturn void
worker_run(const struct worker_args *args)
{
	const struct conf *conf = args->conf;
	const struct sandbox_worker own = {
		.listen_fd = LISTEN_FD,
		.gate_fd = GATE_FD,
		.park_fd = PARK_FD,
		.wake_fd = WAKE_FD,
	};
	const struct session_env env = {
		.profile = conf->listen[args->listener].profile,
		.listener = args->listener,
		.row = args->row,
		.docker_socket = conf->docker_socket,
		.gate_fd = GATE_FD,
		.park_fd = PARK_FD,
		.park_no = args->park_no,
		.workers = conf->workers,
		.log_requests = conf->log_requests,
		.min_api = conf->min_api,
		.max_workers = conf->max_workers,
		.head_timeout_ms = conf->head_timeout_ms,
		.idle_timeout_ms = conf->idle_timeout_ms,
		.worker_no = args->slot + 1,
		.wants_close = &wants_close,
	};

	struct arrival a;

	if (board_enter(args->slot) == -1 || tally_enter() == -1 ||
	    yard_watch() == -1)
		fatal(2, "worker: mprotect");
	conf->listen[args->listener].profile->matcher.cpu_us = io_cpu_us;
	keep_descriptors(args);
	watch_clients();
	set_signals();
	privs_drop(args->identity, args->master, BOUNDS_WORKER_FILES);
	log_seal();
	sandbox_enter_worker(conf->sandbox, &own);
	while (!is_retiring) {
		wants_close = 0;
		/* A signal between the two lines above is not lost. */
		if (is_retiring)
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
