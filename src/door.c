/*
 * Life of a door.  It holds its listener, lanes to the pools behind it, the
 * master's wake-up and the log, and nothing else.
 */

#include "config.h"

#include "door.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "board.h"
#include "doing.h"
#include "duty.h"
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

/* Where a door's own descriptors are, behind the standard ones. */
enum {
	LISTEN_FD = STDERR_FILENO + 1,
	CLIENTS_FD,	/* an epoll set: new clients, and the end of lanes */
	WAKE_FD,
	LANES_FD	/* and behind them, where there is one, to whois */
};

#define OWN_FDS (LANES_FD - LISTEN_FD)

_Static_assert(OWN_FDS + BOUNDS_POOL_CAP + 1 <= DUTY_FDS, "all have a place");

static bool is_done;			/* a lane leads nowhere any more */
static const volatile int no_haste;	/* a refusal is soon over */

/* Lanes, and what is like one. */
static size_t
all_lanes(const struct door_args *args)
{
	return args->nlanes + (args->whois_fd != -1);
}

/* The place of the lane to whois, or -1. */
static int
whois_place(const struct door_args *args)
{
	return args->whois_fd == -1 ? -1 : LANES_FD + (int)args->nlanes;
}

static void
keep_descriptors(const struct door_args *args)
{
	/* In the order of their places. */
	int own[OWN_FDS + BOUNDS_POOL_CAP + 1] = { args->listen_fd,
		epoll_create1(0), args->wake_fd };
	size_t i;

	for (i = 0; i < args->nlanes; i++)
		own[OWN_FDS + i] = args->lanes[i];
	own[OWN_FDS + i] = args->whois_fd;
	duty_descriptors(args->conf, own, OWN_FDS + all_lanes(args));
}

/* One client wakes one door.  The end of a lane is for all to see. */
static void
watch(size_t nlanes)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE,
	    .data.fd = LISTEN_FD };
	size_t i;

	if (epoll_ctl(CLIENTS_FD, EPOLL_CTL_ADD, LISTEN_FD, &event) == -1)
		fatal(2, "door: epoll_ctl");
	event.events = 0;
	for (i = 0; i < nlanes; i++) {
		event.data.fd = LANES_FD + (int)i;
		if (epoll_ctl(CLIENTS_FD, EPOLL_CTL_ADD, event.data.fd,
		    &event) == -1)
			fatal(2, "door: epoll_ctl");
	}
}

/* Wait for a client: its descriptor, or -1 when it is time to look around.
 * Without a parking process there is no way to its pool: the master starts
 * another one, and another door. */
static int
next_client(struct sockaddr_storage *from)
{
	struct epoll_event events[2];
	int i, n;

	n = epoll_wait(CLIENTS_FD, events, 2, -1);
	if (n == -1 && errno != EINTR)
		fatal(1, "epoll_wait");
	for (i = 0; i < n; i++)
		if (events[i].data.fd != LISTEN_FD)
			is_done = true;
	return n < 1 || is_done ? -1 : duty_accept(LISTEN_FD, from);
}

/* Pass a client on: 0, or -1 when there is no room for some time. */
static int
pass(const struct door_args *args, unsigned pool, int fd,
    const struct board_peer *key)
{
	const int64_t deadline = io_now_ms() + BOUNDS_REFUSE_MS;
	const unsigned no = pool - args->first;
	struct pollfd room = { .fd = LANES_FD + (int)no, .events = POLLOUT };

	if (yard_is_full(args->parks[no]))
		return -1;
	while (park_put(room.fd, fd, key, args->conf->idle_timeout_ms) == -1) {
		if (errno != EAGAIN)
			return -1;
		if (io_wait(&room, 1, deadline, NULL) != IO_OK)
			return -1;
	}
	return 0;
}

static void
refuse(const struct door_args *args, unsigned pool, int fd,
    const struct peer *peer, enum reason reason)
{
	const struct conf *conf = args->conf;
	const struct session_env env = {
		.profile = conf->listen[pool].profile,
		.listener = args->listener,
		.row = args->rows[pool],
		.docker_socket = conf->docker_socket,
		.gate_fd = -1,
		.park_fd = -1,
		.head_timeout_ms = conf->head_timeout_ms,
		.worker_no = args->slot + 1,
		.is_door = true,
		.wants_close = &no_haste,
	};

	session_refuse(&env, fd, peer->name, reason);
}

#ifdef WITH_HIJACK_TEST
/* For tests only: the client may take this door over. */
static void
offer_hijack(const struct door_args *args, int fd)
{
	const struct hijack_env env = {
		.client_fd = fd,
		.listen_fd = LISTEN_FD,
		.gate_fd = -1,
		.park_fd = LANES_FD,
		.wake_fd = WAKE_FD,
		.master = args->master,
		.listener = args->listener,
		.worker_no = args->slot + 1,
	};

	if (hijack_wants(fd))
		hijack_run(&env);
}
#endif

/* It is counted here only as long as it is nowhere else. */
static void
handle(const struct door_args *args, int fd,
    const struct sockaddr_storage *from)
{
	const struct conf *conf = args->conf;
	struct board_counters before;
	enum reason reason;
	struct peer peer;
	unsigned pool;

	peer_identify(fd, from, &peer);
	before = board_counters(args->slot);
	board_set_peer(&peer.key);
	/* It takes nobody's place among those who serve. */
	board_set(BOARD_WAITING);
	doing_begin(peer.name, before.bytes_in, before.bytes_out);
	duty_wake(WAKE_FD, conf->listen[args->listener].workers);
	reason = duty_refuses(conf, args->listener, fd, &peer);
#ifdef WITH_HIJACK_TEST
	offer_hijack(args, fd);
#endif
	/* Nobody is asked about those who are refused anyway. */
	pool = peer_pool(conf, args->listener, fd, &peer,
	    reason == REASON_NONE ? whois_place(args) : -1);
	board_set_peer(NULL);
	if (pool == BOUNDS_POOL_CAP) {
		pool = args->first;
		reason = reason == REASON_NONE ? REASON_CONTAINER : reason;
	}
	if (reason == REASON_NONE && pass(args, pool, fd, &peer.key) == -1)
		reason = REASON_BUSY;
	if (reason == REASON_NONE)
		(void)close(fd);
	else
		refuse(args, pool, fd, &peer, reason);
	doing_end();
}

_Noreturn void
door_run(const struct door_args *args)
{
	const struct sandbox_worker own = {
		.listen_fd = LISTEN_FD,
		.gate_fd = -1,
		.park_fd = -1,
		.wake_fd = WAKE_FD,
		.lane_fd = WAKE_FD + (int)all_lanes(args),
		.whois_fd = whois_place(args),
	};
	struct sockaddr_storage from;
	int fd;

	if (board_enter(args->slot) == -1 || tally_enter() == -1 ||
	    yard_watch() == -1)
		fatal(2, "door: mprotect");
	keep_descriptors(args);
	watch(all_lanes(args));
	duty_signals(args->master);
	privs_drop(args->identity, args->master, BOUNDS_WORKER_FILES);
	log_seal();
	sandbox_enter_door(args->conf->sandbox, &own);
	while (!duty_retires() && !is_done && !log_is_broken()) {
		board_set(BOARD_IDLE);
		fd = next_client(&from);
		if (fd != -1)
			handle(args, fd, &from);
	}
	board_set(BOARD_RETIRING);
	log_tell_lost();
	_exit(0);
}
