/*
 * Life of a worker.  It holds its listener, its end of the gate's pair, the
 * master's wake-up and the log, and nothing else.
 */

#include "config.h"

#include "worker.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allow.h"
#include "board.h"
#include "doing.h"
#ifdef WITH_HIJACK_TEST
#include "hijack.h"
#endif
#include "io.h"
#include "log.h"
#include "park.h"
#include "sandbox.h"
#include "session.h"
#include "tally.h"

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

/* A client for the log, for counting its connections, and for allow=. */
struct peer {
	char			name[BOUNDS_PEER_CAP];
	struct board_peer	key;
	struct allow_peer	who;
};

/* "127.0.0.1:4711", "[::1]:4711".  A socket for both families shows IPv4
 * peers as mapped addresses. */
static void
name_address(const struct in6_addr *address, in_port_t port,
    struct peer *peer)
{
	char host[INET6_ADDRSTRLEN];

	(void)inet_ntop(AF_INET6, address, host, sizeof(host));
	if (IN6_IS_ADDR_V4MAPPED(address))
		(void)snprintf(peer->name, sizeof(peer->name), "%s:%u",
		    strrchr(host, ':') + 1, ntohs(port));
	else
		(void)snprintf(peer->name, sizeof(peer->name), "[%s]:%u",
		    host, ntohs(port));
	memcpy(peer->key.bytes, address, sizeof(*address));
	memcpy(peer->who.address, address, sizeof(*address));
}

/* "uid:1000"; the key is no address's, those are shorter. */
static void
name_user(int fd, struct peer *peer)
{
	struct ucred cred;
	socklen_t len;

	len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		cred.uid = cred.gid = (uid_t)-1; /* nobody's */
	(void)snprintf(peer->name, sizeof(peer->name), "uid:%u",
	    (unsigned)cred.uid);
	memcpy(peer->key.bytes, &cred.uid, sizeof(cred.uid));
	peer->key.bytes[sizeof(peer->key.bytes) - 1] = 1;
	peer->who.is_user = true;
	peer->who.uid = cred.uid;
	peer->who.gid = cred.gid;
}

static void
identify(int fd, const struct sockaddr_storage *from, struct peer *peer)
{
	const struct sockaddr_in6 *in6 = (const void *)from;
	const struct sockaddr_in *in = (const void *)from;
	struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memset(peer, 0, sizeof(*peer));
	if (from->ss_family == AF_INET6) {
		name_address(&in6->sin6_addr, in6->sin6_port, peer);
	} else if (from->ss_family == AF_INET) {
		memcpy(&mapped.s6_addr[12], &in->sin_addr, 4);
		name_address(&mapped, in->sin_port, peer);
	} else {
		name_user(fd, peer);
	}
}

/* Whether the listener lets the client in. */
static bool
is_allowed(const struct allow *allow, int fd, struct peer *peer)
{
	static gid_t groups[BOUNDS_GROUPS_CAP];
	socklen_t len;

	len = sizeof(groups);
	/* Where the kernel cannot tell, the first group alone counts. */
	if (peer->who.is_user && allow_wants_groups(allow) &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
		peer->who.groups = groups;
		peer->who.ngroups = len / sizeof(groups[0]);
	}
	return allow_match(allow, &peer->who);
}

/* Tell the master when this pool runs out of idle workers. */
static void
wake_master(const struct worker_args *args)
{
	const uint64_t one = 1;

	if (board_idle(args->listener, args->generation) * 2 >
	    args->conf->workers)
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

	if (!is_allowed(&conf->listen[args->listener].allow, fd, peer))
		return REASON_NOT_ALLOWED;
	if (board_count(BOARD_BUSY) > conf->max_workers)
		return REASON_BUSY;
	if (conf->max_per_client > 0 && board_count_peer(&peer->key) +
	    park_count_peer(&peer->key) > conf->max_per_client)
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

/* A client that was parked and has something to say: likewise. */
static int
take_parked(struct sockaddr_storage *from)
{
	socklen_t len;
	int fd;

	fd = park_take(PARK_FD);
	if (fd == -1) {
		/* Without a parking process there is no place for idle
		 * clients: the master forks workers anew. */
		if (errno != EAGAIN)
			is_retiring = 1;
		return -1;
	}
	len = sizeof(*from);
	if (getpeername(fd, (struct sockaddr *)from, &len) == 0)
		return fd;
	/* It is gone. */
	(void)close(fd);
	return -1;
}

/* Wait for a client: its descriptor, or -1 when it is time to look around.  A
 * worker whose parking process has ended takes no client any more. */
static int
next_client(struct sockaddr_storage *from)
{
	struct epoll_event events[2];
	int i, n;

	n = epoll_wait(CLIENTS_FD, events, 2, -1);
	if (n == -1 && errno != EINTR)
		fatal(1, "epoll_wait");
	for (i = 0; i < n; i++)
		if (events[i].data.fd == PARK_FD &&
		    (events[i].events & EPOLLHUP) != 0)
			return take_parked(from);
	if (n < 1)
		return -1;
	/* What else is ready stays so. */
	return events[0].data.fd == LISTEN_FD ? accept_client(from) :
	    take_parked(from);
}

/* One connection: served, or refused. */
static void
serve(const struct worker_args *args, const struct session_env *env)
{
	static const struct board_peer nobody;
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	struct board_counters before;
	struct peer peer;
	enum reason reason;
	int fd;

	fd = next_client(&from);
	if (fd == -1)
		return;
	identify(fd, &from, &peer);
	before = board_counters(args->slot);
	board_set_peer(&peer.key);
	board_set(BOARD_BUSY);
	doing_begin(peer.name, before.bytes_in, before.bytes_out);
	wake_master(args);
	reason = why_not(args, fd, &peer);
#ifdef WITH_HIJACK_TEST
	if (reason != REASON_NOT_ALLOWED)
		offer_hijack(args, fd);
#endif
	if (reason == REASON_NONE) {
		session_serve(env, fd, peer.name, &peer.key);
	} else {
		/* One that is refused is none of those who are served. */
		board_set_peer(&nobody);
		session_refuse(env, fd, peer.name, reason);
	}
	doing_end();
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
		.log_requests = conf->log_requests,
		.min_api = conf->min_api,
		.max_workers = conf->max_workers,
		.head_timeout_ms = conf->head_timeout_ms,
		.idle_timeout_ms = conf->idle_timeout_ms,
		.worker_no = args->slot + 1,
		.wants_close = &wants_close,
	};

	if (board_enter(args->slot) == -1 || tally_enter() == -1 ||
	    park_enter_worker() == -1)
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
		serve(args, &env);
		if (log_is_broken() || session_is_late())
			break;
	}
	board_set(BOARD_RETIRING);
	log_tell_lost();
	_exit(0);
}
