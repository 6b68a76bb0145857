/*
 * What the kernel still does for each kind of process: one row is one
 * system call, the arguments it may have, and why it is needed.  Rows of one
 * call are alternatives, and are tried from top to bottom.
 */

#include "config.h"

#include "filter.h"

#ifdef WITH_SANDBOX

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bounds.h"
#include "filtercode.h"

/* Since Linux 6.5; the same number everywhere but on parisc and sparc. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define CALL(name)		{ .nr = SYS_##name }
#define CALL_IF(name, ...)	{ .nr = SYS_##name, .tests = { __VA_ARGS__ } }
#define TEST(kind, arg, value)	{ FILTERCODE_##kind, (arg), (value) }
#define IS(arg, value)		TEST(IS, arg, (unsigned)(value))
#define IS_OWN(arg, which)	TEST(IS_OWN, arg, FILTER_OWN_##which)
#define NOT_OWN(arg, which)	TEST(NOT_OWN, arg, FILTER_OWN_##which)
#define UP_TO_OWN(arg, which)	TEST(UP_TO_OWN, arg, FILTER_OWN_##which)
#define ABOVE_OWN(arg, which)	TEST(ABOVE_OWN, arg, FILTER_OWN_##which)
#define IS_ZERO(arg)		TEST(WIDE, arg, 0)
#define IS_ONES(arg)		TEST(WIDE, arg, (unsigned long)-1)

static const struct filtercode_row worker_rows[] = {
	/* receive from client and dockerd, sockets or a pipe, and from nothing
	 * that every worker has; brings no descriptors */
	CALL_IF(read, ABOVE_OWN(0, WAKE)),
	/* send to client, dockerd, gate and system log: where the socket is
	 * connected to, nowhere else; takes no descriptors along */
	CALL_IF(sendto, IS_ZERO(4), IS_ZERO(5)),
#ifdef SYS_send
	CALL(send),		/* the same on arm */
#endif
	/* bulk between client and dockerd, through a pipe, and no file's
	 * offsets; like read */
	CALL_IF(splice, ABOVE_OWN(0, WAKE), IS_ZERO(1), ABOVE_OWN(2, WAKE),
	    IS_ZERO(3), IS(5, SPLICE_F_NONBLOCK)),
	/* the gate's answer, which brings a descriptor */
	CALL_IF(recvmsg, IS_OWN(0, GATE)),
	CALL(writev),		/* heads and chunks in several pieces; log */
	/* lines of --log-requests, only at the end, so that old lines stay */
	CALL_IF(pwritev2, IS(0, STDOUT_FILENO), IS_ONES(3), IS_ONES(4)),
	/* connections; another one in the place of these could be received
	 * descriptors from */
	CALL_IF(close, NOT_OWN(0, GATE), NOT_OWN(0, PARK), NOT_OWN(0, WHOIS)),
#ifdef SYS_epoll_wait
	CALL(epoll_wait),	/* wait for clients, new and parked ones */
#endif
	CALL(epoll_pwait),	/* the same where there is no epoll_wait */
	/* the next client, and of this listener only; the worker that it may
	 * be parked for must not block on it */
	CALL_IF(accept4, IS_OWN(0, LISTEN),
	    IS(3, SOCK_CLOEXEC | SOCK_NONBLOCK)),
	CALL_IF(recvmsg, IS_OWN(0, PARK)),	/* one who was parked */
	CALL_IF(sendmsg, IS_OWN(0, PARK)),	/* park one who is idle */
	CALL_IF(sendmsg, IS_OWN(0, WHOIS)),	/* which container is it? */
	/* who is it: addresses, and */
	CALL_IF(getpeername, ABOVE_OWN(0, WAKE)),
	/* by which listener it came, where --client tells clients apart */
	CALL_IF(getsockname, ABOVE_OWN(0, WAKE)),
	/* uid, for the log and --max-per-client */
	CALL_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_PEERCRED)),
	/* groups, for allow=gid: */
	CALL_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_PEERGROUPS)),
	/* pass an end on; other workers have the same listener and park */
	CALL_IF(shutdown, NOT_OWN(0, LISTEN), NOT_OWN(0, PARK)),
	/* tell the master that idle workers are getting few */
	CALL_IF(write, IS_OWN(0, WAKE)),
	/* the pipe for splice, and its size */
	CALL_IF(pipe2, IS(1, O_CLOEXEC | O_NONBLOCK)),
#ifdef SYS_fcntl64
	CALL_IF(fcntl64, ABOVE_OWN(0, WAKE), IS(1, F_SETPIPE_SZ),
	    IS(2, BOUNDS_PIPE_CAP)),
#else
	CALL_IF(fcntl, ABOVE_OWN(0, WAKE), IS(1, F_SETPIPE_SZ),
	    IS(2, BOUNDS_PIPE_CAP)),
#endif
};

static const struct filtercode_row gate_rows[] = {
#ifdef SYS_epoll_wait
	CALL(epoll_wait),	/* wait for orders and for the master */
#endif
	CALL(epoll_pwait),	/* the same where there is no epoll_wait */
	CALL(recvfrom),		/* orders */
#ifdef SYS_recv
	CALL(recv),		/* the same on arm */
#endif
	/* connections to dockerd and the system log, nothing else */
	CALL_IF(socket, IS(0, AF_UNIX),
	    IS(1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK), IS(2, 0)),
	CALL_IF(socket, IS(0, AF_UNIX),
	    IS(1, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK), IS(2, 0)),
	CALL(connect),		/* the same */
	/* the judged head; lines for the system log */
	CALL_IF(sendto, IS_ZERO(4), IS_ZERO(5)),
#ifdef SYS_send
	CALL(send),		/* the same on arm */
#endif
	/* from a kept connection into its pipe, and no file's offsets */
	CALL_IF(splice, IS_ZERO(1), IS_ZERO(3)),
	CALL(sendmsg),		/* answers, with the connection or a pipe */
	CALL(close),		/* these; workers that are gone */
	CALL(recvmsg),		/* new workers from the master */
	CALL(epoll_ctl),	/* watch them, and kept connections */
	CALL_IF(pipe2, IS(1, O_CLOEXEC | O_NONBLOCK)),
	/* the log where pwritev2 cannot do without waiting, and abort() */
	CALL_IF(writev, IS(0, STDERR_FILENO)),
};

static const struct filtercode_row park_rows[] = {
#ifdef SYS_epoll_wait
	CALL(epoll_wait),	/* who has something to say */
#endif
	CALL(epoll_pwait),	/* the same where there is no epoll_wait */
	CALL(epoll_ctl),	/* watch one more */
	CALL_IF(recvmsg, IS_OWN(0, PARK)),	/* clients from workers */
	CALL_IF(sendmsg, IS_OWN(0, PARK)),	/* and to them */
	CALL_IF(ioctl, IS(1, FIONREAD)),	/* bytes, or only an end? */
	/* a client's connection, or something else? */
	CALL_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_TYPE)),
	/* clients; another one in the pair's place could be sent them */
	CALL_IF(close, NOT_OWN(0, PARK)),
	/* the log where pwritev2 cannot do without waiting, and abort() */
	CALL_IF(writev, IS(0, STDERR_FILENO)),
};

/* It answers on one listener, and does nothing else. */
static const struct filtercode_row metrics_rows[] = {
	CALL_IF(accept4, IS_OWN(0, LISTEN)),
	CALL_IF(read, ABOVE_OWN(0, LISTEN)),	/* the request */
	/* the answer; lines for the system log */
	CALL_IF(sendto, IS_ZERO(4), IS_ZERO(5)),
#ifdef SYS_send
	CALL(send),		/* the same on arm */
#endif
	/* others may have the same listener, after a reload */
	CALL_IF(shutdown, NOT_OWN(0, LISTEN)),
	CALL_IF(close, NOT_OWN(0, LISTEN)),
	/* the log where pwritev2 cannot do without waiting, and abort() */
	CALL_IF(writev, IS(0, STDERR_FILENO)),
};

/* It accepts clients and passes them on; it reads nothing of what they send,
 * unless to close a connection that it has refused. */
static const struct filtercode_row door_rows[] = {
#ifdef SYS_epoll_wait
	CALL(epoll_wait),	/* wait for clients */
#endif
	CALL(epoll_pwait),	/* the same where there is no epoll_wait */
	/* the next one, of this listener only; nobody must block on it */
	CALL_IF(accept4, IS_OWN(0, LISTEN),
	    IS(3, SOCK_CLOEXEC | SOCK_NONBLOCK)),
	/* who is it: uid and groups; addresses come with accept4 */
	CALL_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_PEERCRED)),
	CALL_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_PEERGROUPS)),
	/* pass it on, to pools and nowhere else */
	CALL_IF(sendmsg, ABOVE_OWN(0, WAKE), UP_TO_OWN(0, LANE)),
	/* a refusal; lines for the system log */
	CALL_IF(sendto, IS_ZERO(4), IS_ZERO(5)),
#ifdef SYS_send
	CALL(send),		/* the same on arm */
#endif
	CALL_IF(read, IS_OWN(0, WHOIS)),	/* which container is it? */
	/* its end; others have the same listener and lanes */
	CALL_IF(read, ABOVE_OWN(0, LANE)),
	CALL_IF(shutdown, ABOVE_OWN(0, LANE)),
	CALL_IF(close, ABOVE_OWN(0, LANE)),
	/* tell the master that more doors are needed */
	CALL_IF(write, IS_OWN(0, WAKE)),
	/* the log where pwritev2 cannot do without waiting, and abort() */
	CALL_IF(writev, IS(0, STDERR_FILENO)),
};

/* It finds out which process has made a connection, and asks dockerd. */
static const struct filtercode_row whois_rows[] = {
#ifdef SYS_epoll_wait
	CALL(epoll_wait),	/* wait for questions and for dockerd */
#endif
	CALL(epoll_pwait),	/* the same where there is no epoll_wait */
	CALL(epoll_ctl),	/* watch those who ask, and dockerd */
	CALL(recvmsg),		/* who asks, from the master; questions */
	CALL(sendmsg),		/* answers */
	/* which process is it? */
	CALL_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_PEERPIDFD)),
	/* its number and control group; Landlock shows nothing but /proc */
	CALL_IF(openat, IS(2, O_RDONLY | O_CLOEXEC)),
	CALL(read),		/* the same */
	/* connections to dockerd and the system log, nothing else */
	CALL_IF(socket, IS(0, AF_UNIX),
	    IS(1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK), IS(2, 0)),
	CALL_IF(socket, IS(0, AF_UNIX),
	    IS(1, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK), IS(2, 0)),
	CALL(connect),		/* the same */
	/* what is asked of dockerd; lines for the system log */
	CALL_IF(sendto, IS_ZERO(4), IS_ZERO(5)),
	CALL_IF(recvfrom, IS_ZERO(4), IS_ZERO(5)),	/* dockerd's answer */
#ifdef SYS_send
	CALL(send),		/* the same on arm */
	CALL(recv),
#endif
	CALL(close),		/* all of these */
	/* the log where pwritev2 cannot do without waiting, and abort() */
	CALL_IF(writev, IS(0, STDERR_FILENO)),
};

/* What each of them does, behind its own rows. */
static const struct filtercode_row common_rows[] = {
#ifdef SYS_poll
	CALL(poll),		/* wait */
#endif
	CALL(ppoll),		/* the same where there is no poll */
#ifdef SYS_ppoll_time64
	CALL(ppoll_time64),	/* the same on 32 bits */
#endif
	/* the log; only at its end, so that old lines stay */
	CALL_IF(pwritev2, IS(0, STDERR_FILENO), IS_ONES(3), IS_ONES(4)),
	CALL(clock_gettime),	/* processor time of rules; deadlines */
#ifdef SYS_clock_gettime64
	CALL(clock_gettime64),	/* the same on 32 bits */
#endif
	CALL(getpid),		/* syslog lines; abort() */
	CALL(gettid),		/* abort() */
	CALL(rt_sigprocmask),	/* abort() */
	/* abort() and the refusal of a call: signals to itself alone */
	CALL_IF(tgkill, IS_OWN(0, PID), IS_OWN(1, TID)),
	CALL_IF(tkill, IS_OWN(0, TID)),	/* the same in musl */
	CALL(rt_sigreturn),	/* back from a signal handler */
#ifdef SYS_sigreturn
	CALL(sigreturn),	/* the same on arm */
#endif
	CALL(restart_syscall),	/* waits go on after SIGSTOP and SIGCONT */
	/* retire, or fail; a code of 2 would have the master give up */
	CALL_IF(exit_group, IS(0, EXIT_SUCCESS)),
	CALL_IF(exit_group, IS(0, EXIT_FAILURE)),
	/* the same, where exit_group is missing */
	CALL_IF(exit, IS(0, EXIT_SUCCESS)),
	CALL_IF(exit, IS(0, EXIT_FAILURE)),
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* The table of each role. */
static const struct filtercode_table tables[FILTER_ROLES] = {
	[FILTER_WORKER] = { worker_rows, ROWS(worker_rows) },
	[FILTER_GATE] = { gate_rows, ROWS(gate_rows) },
	[FILTER_PARK] = { park_rows, ROWS(park_rows) },
	[FILTER_METRICS] = { metrics_rows, ROWS(metrics_rows) },
	[FILTER_DOOR] = { door_rows, ROWS(door_rows) },
	[FILTER_WHOIS] = { whois_rows, ROWS(whois_rows) },
};

void
filter_make(struct filter_program *p, enum filter_role role,
    const uint32_t own[FILTER_OWN_COUNT], uint32_t refuse, uint32_t foreign)
{
	const struct filtercode_table both[] = {
		tables[role],
		{ common_rows, ROWS(common_rows) },
	};
	const struct filtercode_wish wish = {
		.tables = both,
		.ntables = ROWS(both),
		.own = own,
		.refuse = refuse,
		.foreign = foreign,
	};

	filtercode_make(p, &wish);
}

const char *
filter_role_word(enum filter_role role)
{
	static const char *const words[] = {
		[FILTER_WORKER] = "worker",
		[FILTER_GATE] = "gate",
		[FILTER_PARK] = "park",
		[FILTER_METRICS] = "metrics",
		[FILTER_DOOR] = "door",
		[FILTER_WHOIS] = "whois",
	};

	return words[role];
}

/* Made from the system's own headers when this was built. */
static const struct {
	long		 nr;
	const char	*name;
} names[] = {
#include "callnames.h"
};

const char *
filter_name(long nr)
{
	size_t i;

	for (i = 0; i < ROWS(names); i++)
		if (names[i].nr == nr)
			return names[i].name;
	return NULL;
}

#endif /* WITH_SANDBOX */
