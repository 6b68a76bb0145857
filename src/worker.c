/*
 * Life of a worker.  It holds its listener, its end of the gate's pair, the
 * master's wake-up and the log, and nothing else.
 */

#include "config.h"

#include "worker.h"

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

#include "board.h"
#include "io.h"
#include "log.h"
#include "session.h"

/* Where a worker's own descriptors are, behind the standard ones. */
enum {
	LISTEN_FD = 3,
	GATE_FD,
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
	const int from[] = { args->listen_fd, args->gate_fd, args->wake_fd };
	int safe[3];
	size_t i;

	log_init(args->conf->log_level, args->conf->log_format, LOG_TO_STDERR);
	for (i = 0; i < 3; i++)
		if ((safe[i] = fcntl(from[i], F_DUPFD, FREE_FD)) == -1)
			fatal(2, "worker: descriptors");
	for (i = 0; i < 3; i++)
		if (dup2(safe[i], LISTEN_FD + (int)i) == -1)
			fatal(2, "worker: descriptors");
	io_close_from(FREE_FD);
	log_init(args->conf->log_level, args->conf->log_format,
	    args->conf->log_to);
}

/* "127.0.0.1:4711", "[::1]:4711", "uid:1000".  A socket for both families
 * shows IPv4 peers as mapped addresses. */
static void
name_peer(int fd, const struct sockaddr_storage *from, char *buf, size_t cap)
{
	const struct sockaddr_in6 *in6;
	const struct sockaddr_in *in;
	char host[INET6_ADDRSTRLEN];
	struct ucred cred;
	socklen_t len;

	if (from->ss_family == AF_INET) {
		in = (const struct sockaddr_in *)(const void *)from;
		(void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		(void)snprintf(buf, cap, "%s:%u", host, ntohs(in->sin_port));
	} else if (from->ss_family == AF_INET6) {
		in6 = (const struct sockaddr_in6 *)(const void *)from;
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			(void)snprintf(buf, cap, "%s:%u", strrchr(host, ':') +
			    1, ntohs(in6->sin6_port));
		else
			(void)snprintf(buf, cap, "[%s]:%u", host,
			    ntohs(in6->sin6_port));
	} else {
		len = sizeof(cred);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
			cred.uid = (uid_t)-1;
		(void)snprintf(buf, cap, "uid:%u", (unsigned)cred.uid);
	}
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

/* One connection: served, or refused when more are busy than allowed. */
static void
serve(const struct worker_args *args, const struct session_env *env)
{
	struct sockaddr_storage from;
	char peer[BOUNDS_PEER_CAP];
	socklen_t len;
	int fd;

	len = sizeof(from);
	fd = accept4(LISTEN_FD, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (fd == -1) {
		/* The master shuts the listener down to stop accepting. */
		if (errno == EINVAL || errno == EBADF)
			is_retiring = 1;
		else if (errno != EINTR && errno != ECONNABORTED)
			fatal(1, "accept");
		return;
	}
	board_set(BOARD_BUSY);
	board_mine()->connections++;
	wake_master(args);
	name_peer(fd, &from, peer, sizeof(peer));
	if (board_count(BOARD_BUSY) > args->conf->max_workers)
		session_refuse(env, fd, peer);
	else
		session_serve(env, fd, peer);
}

_Noreturn void
worker_run(const struct worker_args *args)
{
	const struct conf *conf = args->conf;
	const struct session_env env = {
		.profile = conf->listen[args->listener].profile,
		.docker_socket = conf->docker_socket,
		.gate_fd = GATE_FD,
		.log_requests = conf->log_requests,
		.min_api = conf->min_api,
		.head_timeout_ms = conf->head_timeout_ms,
		.idle_timeout_ms = conf->idle_timeout_ms,
		.worker_no = args->slot + 1,
		.wants_close = &wants_close,
	};

	board_enter(args->slot);
	conf->listen[args->listener].profile->matcher.cpu_us = io_cpu_us;
	keep_descriptors(args);
	set_signals();
	privs_drop(args->identity, args->master);
	while (!is_retiring) {
		wants_close = 0;
		/* A signal between the two lines above is not lost. */
		if (is_retiring)
			break;
		board_set(BOARD_IDLE);
		serve(args, &env);
	}
	board_set(BOARD_RETIRING);
	_exit(0);
}
