/*
 * Which system calls a process can still make once it is shut in, and with
 * which arguments: filterrows.h.  The calls that should be allowed are listed
 * here again, on purpose.
 */
#include "config.h"

#include "filter.h"

#include "sandboxunit.h"

#ifdef WITH_SANDBOX

#include "filterrows.h"

static const struct attempt metrics_attempts[] = {
	{ "read client", SYS_read, { CLIENT, P(byte), 0 }, WORKS },
	{ "read listener", SYS_read, { LISTEN, P(byte), 1 }, REFUSED },
	{ "read stdin", SYS_read, { 0, P(byte), 0 }, REFUSED },
	{ "recvmsg", SYS_recvmsg, { CLIENT, P(message), NOW }, REFUSED },
	{ "recvfrom", SYS_recvfrom, { CLIENT, P(byte), 1, NOW }, REFUSED },
	{ "sendmsg", SYS_sendmsg, { CLIENT, P(message), NOW }, REFUSED },
	{ "sendto", SYS_sendto, { CLIENT, P(byte), 1, NOW }, WORKS },
	{ "sendto an address", SYS_sendto, { CLIENT, P(byte), 1, NOW,
	    P(nowhere), sizeof(nowhere) }, REFUSED },
	{ "accept4", SYS_accept4, { LISTEN }, EAGAIN },
	{ "accept4 other", SYS_accept4, { OTHER_LISTEN }, REFUSED },
	{ "shutdown client", SYS_shutdown, { CLIENT, SHUT_WR }, WORKS },
	{ "shutdown listener", SYS_shutdown, { LISTEN, SHUT_RD }, REFUSED },
	{ "close client", SYS_close, { CLIENT }, WORKS },
	{ "close listener", SYS_close, { LISTEN }, REFUSED },
	{ "write wake-up", SYS_write, { WAKE, P(now), 8 }, REFUSED },
	{ "write client", SYS_write, { CLIENT, P(byte), 1 }, REFUSED },
	{ "writev log", SYS_writev, { 2, P(piece), 1 }, WORKS },
	{ "writev client", SYS_writev, { CLIENT, P(piece), 1 }, REFUSED },
	{ "pwritev2 log", SYS_pwritev2, { 2, P(piece), 1, -1, -1, 0 },
	    WORKS },
	{ "pwritev2 somewhere", SYS_pwritev2, { 2, P(piece), 1, 0, -1, 0 },
	    REFUSED },
	{ "pwritev2 stdout", SYS_pwritev2, { 1, P(piece), 0, -1, -1, 0 },
	    REFUSED },
	{ "ppoll", SYS_ppoll, { P(waits), 1, P(now), 0, 8 }, WORKS },
	{ "clock_gettime", SYS_clock_gettime, { CLOCK_MONOTONIC, P(now) },
	    WORKS },
	{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM }, REFUSED },
	{ "connect", SYS_connect, { CLIENT, P(nowhere), sizeof(nowhere) },
	    REFUSED },
	{ "listen", SYS_listen, { LISTEN, 1 }, REFUSED },
	{ "getsockopt", SYS_getsockopt, { CLIENT, SOL_SOCKET, SO_PEERCRED,
	    P(byte), P(size) }, REFUSED },
	{ "fcntl", SYS_fcntl, { LISTEN, F_SETFL, 0 }, REFUSED },
	{ "openat", SYS_openat, { AT_FDCWD, P(nowhere.sun_path), O_RDONLY },
	    REFUSED },
	{ "mprotect", SYS_mprotect, { 0, 4096, PROT_WRITE }, REFUSED },
	{ "clone", SYS_clone, { SIGCHLD }, REFUSED },
	{ "tgkill itself", SYS_tgkill, { MY_PID, MY_TID, 0 }, WORKS },
	{ "tgkill parent", SYS_tgkill, { PARENT, PARENT, 0 }, REFUSED },
	{ "kill parent", SYS_kill, { PARENT, SIGCONT }, REFUSED },
	{ "exit_group", SYS_exit_group, { 0 }, WORKS },
	{ "exit as hopeless", SYS_exit, { 2 }, REFUSED },
	{ "exit_group as hopeless", SYS_exit_group, { 2 }, REFUSED },
};

/* CLIENT is its lane, PEER a client. */
static const struct attempt door_attempts[] = {
	{ "accept4", SYS_accept4, { LISTEN, 0, 0, ACCEPTS }, EAGAIN },
	{ "accept4 that blocks", SYS_accept4, { LISTEN, 0, 0, SOCK_CLOEXEC },
	    REFUSED },
	{ "accept4 other", SYS_accept4, { OTHER_LISTEN, 0, 0, ACCEPTS },
	    REFUSED },
	{ "sendmsg lane", SYS_sendmsg, { CLIENT, P(message), NOW }, WORKS },
	{ "sendmsg behind the lanes", SYS_sendmsg, { PEER, P(message), NOW },
	    REFUSED },
	{ "sendmsg before the lanes", SYS_sendmsg, { WAKE, P(message), NOW },
	    REFUSED },
	{ "sendmsg listener", SYS_sendmsg, { LISTEN, P(message), NOW },
	    REFUSED },
	{ "sendmmsg lane", SYS_sendmmsg, { CLIENT, P(message), 1, NOW },
	    REFUSED },
	{ "recvmsg lane", SYS_recvmsg, { CLIENT, P(message), NOW },
	    REFUSED },
	{ "recvmsg whois", SYS_recvmsg, { LOT, P(message), NOW }, REFUSED },
	{ "read whois", SYS_read, { LOT, P(byte), 0 }, WORKS },
	{ "close whois", SYS_close, { LOT }, REFUSED },
	{ "recvmsg client", SYS_recvmsg, { PEER, P(message), NOW }, REFUSED },
	{ "recvfrom client", SYS_recvfrom, { PEER, P(byte), 1, NOW },
	    REFUSED },
	{ "read client", SYS_read, { PEER, P(byte), 0 }, WORKS },
	{ "read lane", SYS_read, { CLIENT, P(byte), 1 }, REFUSED },
	{ "read wake-up", SYS_read, { WAKE, P(byte), 8 }, REFUSED },
	{ "read stdin", SYS_read, { 0, P(byte), 0 }, REFUSED },
	{ "sendto client", SYS_sendto, { PEER, P(byte), 1, NOW }, WORKS },
	{ "sendto an address", SYS_sendto, { PEER, P(byte), 1, NOW,
	    P(nowhere), sizeof(nowhere) }, REFUSED },
	{ "getsockopt peer", SYS_getsockopt, { PEER, SOL_SOCKET,
	    SO_PEERCRED, P(byte), P(size) }, WORKS },
	{ "getsockopt groups", SYS_getsockopt, { PEER, SOL_SOCKET,
	    SO_PEERGROUPS, P(groups), P(groups_size) }, WORKS },
	{ "getsockopt error", SYS_getsockopt, { PEER, SOL_SOCKET,
	    SO_ERROR, P(byte), P(size) }, REFUSED },
	{ "setsockopt", SYS_setsockopt, { PEER, SOL_SOCKET, SO_SNDBUF,
	    P(one), sizeof(one) }, REFUSED },
	{ "shutdown client", SYS_shutdown, { PEER, SHUT_WR }, WORKS },
	{ "shutdown lane", SYS_shutdown, { CLIENT, SHUT_WR }, REFUSED },
	{ "shutdown listener", SYS_shutdown, { LISTEN, SHUT_RD }, REFUSED },
	{ "close client", SYS_close, { PEER }, WORKS },
	{ "close lane", SYS_close, { CLIENT }, REFUSED },
	{ "close listener", SYS_close, { LISTEN }, REFUSED },
	{ "write wake-up", SYS_write, { WAKE, P(now), 8 }, WORKS },
	{ "write client", SYS_write, { PEER, P(byte), 1 }, REFUSED },
	{ "writev log", SYS_writev, { 2, P(piece), 1 }, WORKS },
	{ "writev client", SYS_writev, { PEER, P(piece), 1 }, REFUSED },
	{ "pwritev2 log", SYS_pwritev2, { 2, P(piece), 1, -1, -1, 0 },
	    WORKS },
	{ "pwritev2 stdout", SYS_pwritev2, { 1, P(piece), 0, -1, -1, 0 },
	    REFUSED },
	{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM }, REFUSED },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, P(byte) },
	    REFUSED },
	{ "connect", SYS_connect, { PEER, P(nowhere), sizeof(nowhere) },
	    REFUSED },
	{ "splice", SYS_splice, { PEER, 0, PEER, 0, 1, SOON }, REFUSED },
	{ "openat", SYS_openat, { AT_FDCWD, P(nowhere.sun_path), O_RDONLY },
	    REFUSED },
	{ "mprotect", SYS_mprotect, { 0, 4096, PROT_WRITE }, REFUSED },
	{ "clone", SYS_clone, { SIGCHLD }, REFUSED },
	{ "tgkill itself", SYS_tgkill, { MY_PID, MY_TID, 0 }, WORKS },
	{ "kill parent", SYS_kill, { PARENT, SIGCONT }, REFUSED },
	{ "exit_group", SYS_exit_group, { 0 }, WORKS },
	{ "exit_group as hopeless", SYS_exit_group, { 2 }, REFUSED },
};

static const struct attempt whois_attempts[] = {
	{ "recvmsg", SYS_recvmsg, { CLIENT, P(message), NOW }, EAGAIN },
	{ "sendmsg", SYS_sendmsg, { PEER, P(message), NOW }, WORKS },
	{ "sendto", SYS_sendto, { CLIENT, P(byte), 1, NOW }, WORKS },
	{ "sendto an address", SYS_sendto, { CLIENT, P(byte), 1, NOW,
	    P(nowhere), sizeof(nowhere) }, REFUSED },
	{ "recvfrom", SYS_recvfrom, { CLIENT, P(byte), 1, NOW }, EAGAIN },
	{ "recvfrom whom", SYS_recvfrom, { CLIENT, P(byte), 1, NOW, P(from),
	    P(from_size) }, REFUSED },
	{ "getsockopt process", SYS_getsockopt, { CLIENT, SOL_SOCKET,
	    SO_PEERPIDFD, P(byte), P(size) }, WORKS },
	{ "getsockopt peer", SYS_getsockopt, { CLIENT, SOL_SOCKET,
	    SO_PEERCRED, P(byte), P(size) }, REFUSED },
	{ "openat to read", SYS_openat, { AT_FDCWD, P(nowhere.sun_path),
	    O_RDONLY | O_CLOEXEC }, ENOENT },
	{ "openat to write", SYS_openat, { AT_FDCWD, P(nowhere.sun_path),
	    O_WRONLY | O_CLOEXEC }, REFUSED },
	{ "openat to make", SYS_openat, { AT_FDCWD, P(nowhere.sun_path),
	    O_RDONLY | O_CLOEXEC | O_CREAT, 0600 }, REFUSED },
	{ "openat for children", SYS_openat, { AT_FDCWD, P(nowhere.sun_path),
	    O_RDONLY }, REFUSED },
	{ "read", SYS_read, { CLIENT, P(byte), 0 }, WORKS },
	{ "write", SYS_write, { CLIENT, P(byte), 1 }, REFUSED },
	{ "accept4", SYS_accept4, { LISTEN, 0, 0, ACCEPTS }, REFUSED },
	{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0 }, WORKS },
	{ "socket IP", SYS_socket, { AF_INET, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0 }, REFUSED },
	{ "connect", SYS_connect, { PEER, P(nowhere), sizeof(nowhere) },
	    ENOENT },
	{ "close", SYS_close, { CLIENT }, WORKS },
	{ "writev log", SYS_writev, { 2, P(piece), 1 }, WORKS },
	{ "writev client", SYS_writev, { CLIENT, P(piece), 1 }, REFUSED },
	{ "pwritev2 stdout", SYS_pwritev2, { 1, P(piece), 0, -1, -1, 0 },
	    REFUSED },
	{ "splice", SYS_splice, { PEER, 0, PEER, 0, 1, SOON }, REFUSED },
	{ "pidfd_send_signal", 424, { CLIENT, 0 }, REFUSED },
	{ "mprotect", SYS_mprotect, { 0, 4096, PROT_WRITE }, REFUSED },
	{ "clone", SYS_clone, { SIGCHLD }, REFUSED },
	{ "kill parent", SYS_kill, { PARENT, SIGCONT }, REFUSED },
	{ "exit_group", SYS_exit_group, { 0 }, WORKS },
	{ "exit_group as hopeless", SYS_exit_group, { 2 }, REFUSED },
};

START_TEST(worker_calls)
{
	assert_attempt(WORKER, SANDBOX_KILL, &worker_attempts[_i]);
	assert_attempt(WORKER, SANDBOX_TRAP, &worker_attempts[_i]);
}
END_TEST

START_TEST(gate_calls)
{
	assert_attempt(GATE, SANDBOX_KILL, &gate_attempts[_i]);
	assert_attempt(GATE, SANDBOX_TRAP, &gate_attempts[_i]);
}
END_TEST

START_TEST(park_calls)
{
	assert_attempt(PARK, SANDBOX_KILL, &park_attempts[_i]);
	assert_attempt(PARK, SANDBOX_TRAP, &park_attempts[_i]);
}
END_TEST

START_TEST(metrics_calls)
{
	assert_attempt(METRICS, SANDBOX_KILL, &metrics_attempts[_i]);
	assert_attempt(METRICS, SANDBOX_TRAP, &metrics_attempts[_i]);
}
END_TEST

START_TEST(door_calls)
{
	assert_attempt(DOOR, SANDBOX_KILL, &door_attempts[_i]);
	assert_attempt(DOOR, SANDBOX_TRAP, &door_attempts[_i]);
}
END_TEST

START_TEST(whois_calls)
{
	assert_attempt(WHOIS, SANDBOX_KILL, &whois_attempts[_i]);
	assert_attempt(WHOIS, SANDBOX_TRAP, &whois_attempts[_i]);
}
END_TEST

/* -- all calls -- */

static const long worker_allowed[] = {
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_send
	SYS_send, SYS_sigreturn, SYS_clock_gettime64, SYS_ppoll_time64,
#endif
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait, SYS_sendmsg, SYS_getpeername, SYS_getsockname,
	SYS_read, SYS_sendto, SYS_splice, SYS_pipe2, SYS_FCNTL, SYS_recvmsg,
	SYS_ppoll, SYS_writev,
	SYS_pwritev2, SYS_clock_gettime, SYS_close, SYS_accept4, SYS_shutdown,
	SYS_getsockopt, SYS_write, SYS_getpid, SYS_gettid, SYS_rt_sigprocmask,
	SYS_tgkill, SYS_tkill, SYS_rt_sigreturn, SYS_restart_syscall,
	SYS_exit_group, SYS_exit
};

static const long gate_allowed[] = {
#ifdef SYS_epoll_wait
	SYS_epoll_wait, SYS_poll,
#endif
#ifdef SYS_recv
	SYS_recv, SYS_send, SYS_sigreturn, SYS_clock_gettime64,
	SYS_ppoll_time64,
#endif
	SYS_epoll_pwait, SYS_epoll_ctl, SYS_recvfrom, SYS_recvmsg, SYS_sendto,
	SYS_sendmsg, SYS_splice, SYS_pipe2, SYS_socket, SYS_connect, SYS_close,
	SYS_ppoll,
	SYS_clock_gettime, SYS_pwritev2, SYS_writev, SYS_getpid, SYS_gettid,
	SYS_rt_sigprocmask, SYS_tgkill, SYS_tkill, SYS_rt_sigreturn,
	SYS_restart_syscall, SYS_exit_group, SYS_exit
};

static const long park_allowed[] = {
#ifdef SYS_epoll_wait
	SYS_epoll_wait, SYS_poll,
#endif
#ifdef SYS_send
	SYS_sigreturn, SYS_clock_gettime64, SYS_ppoll_time64,
#endif
	SYS_epoll_pwait, SYS_epoll_ctl, SYS_recvmsg, SYS_sendmsg, SYS_ioctl,
	SYS_getsockopt,
	SYS_close, SYS_ppoll, SYS_clock_gettime, SYS_pwritev2, SYS_writev,
	SYS_getpid, SYS_gettid, SYS_rt_sigprocmask, SYS_tgkill, SYS_tkill,
	SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit_group, SYS_exit
};

static const long metrics_allowed[] = {
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_send
	SYS_send, SYS_sigreturn, SYS_clock_gettime64, SYS_ppoll_time64,
#endif
	SYS_ppoll, SYS_accept4, SYS_read, SYS_sendto, SYS_shutdown, SYS_close,
	SYS_clock_gettime, SYS_pwritev2, SYS_writev, SYS_getpid, SYS_gettid,
	SYS_rt_sigprocmask, SYS_tgkill, SYS_tkill, SYS_rt_sigreturn,
	SYS_restart_syscall, SYS_exit_group, SYS_exit
};

static const long door_allowed[] = {
#ifdef SYS_epoll_wait
	SYS_epoll_wait, SYS_poll,
#endif
#ifdef SYS_send
	SYS_send, SYS_sigreturn, SYS_clock_gettime64, SYS_ppoll_time64,
#endif
	SYS_epoll_pwait, SYS_accept4, SYS_getsockopt, SYS_sendmsg, SYS_sendto,
	SYS_read, SYS_shutdown, SYS_close, SYS_write,
	SYS_ppoll, SYS_clock_gettime, SYS_pwritev2, SYS_writev,
	SYS_getpid, SYS_gettid, SYS_rt_sigprocmask, SYS_tgkill, SYS_tkill,
	SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit_group, SYS_exit
};

static const long whois_allowed[] = {
#ifdef SYS_epoll_wait
	SYS_epoll_wait, SYS_poll,
#endif
#ifdef SYS_recv
	SYS_recv, SYS_send, SYS_sigreturn, SYS_clock_gettime64,
	SYS_ppoll_time64,
#endif
	SYS_epoll_pwait, SYS_epoll_ctl, SYS_recvfrom, SYS_recvmsg, SYS_sendto,
	SYS_sendmsg, SYS_getsockopt, SYS_openat, SYS_read, SYS_socket,
	SYS_connect, SYS_close, SYS_ppoll,
	SYS_clock_gettime, SYS_pwritev2, SYS_writev, SYS_getpid, SYS_gettid,
	SYS_rt_sigprocmask, SYS_tgkill, SYS_tkill, SYS_rt_sigreturn,
	SYS_restart_syscall, SYS_exit_group, SYS_exit
};

static const struct {
	const long	*list;
	int		 n;
} allowed[ROLES] = {
	[WORKER] = { worker_allowed, ROWS(worker_allowed) },
	[GATE] = { gate_allowed, ROWS(gate_allowed) },
	[PARK] = { park_allowed, ROWS(park_allowed) },
	[METRICS] = { metrics_allowed, ROWS(metrics_allowed) },
	[DOOR] = { door_allowed, ROWS(door_allowed) },
	[WHOIS] = { whois_allowed, ROWS(whois_allowed) },
};

#define LAST	500

/* Newer kernels show these two to no filter.  They only do something for code
 * that the kernel itself has put there. */
#ifdef __x86_64__
#define URETPROBE	335
#define UPROBE		336
#else
#define URETPROBE	-1
#define UPROBE		-1
#endif

static bool
is_allowed(enum role role, long nr)
{
	int i;

	for (i = 0; i < allowed[role].n; i++)
		if (allowed[role].list[i] == nr)
			return true;
	return false;
}

static void
assert_refused(enum role role, long nr)
{
	const struct attempt a = { .nr = nr };
	char number[64];
	int status;

	status = run(role, SANDBOX_TRAP, make_call, &a);
	ck_assert_msg(died_by(status, SIGSYS), "%s: call %ld: %s",
	    role_words[role], nr, show(status));
	(void)snprintf(number, sizeof(number), " number=%ld process=%s pid=",
	    nr, role_words[role]);
	ck_assert_msg(strstr(said, number) != NULL, "call %ld: said: %s", nr,
	    said);
	ck_assert_msg(strchr(said, '\n') == said + strlen(said) - 1,
	    "call %ld: more than a line: %s", nr, said);
}

START_TEST(all_others_refused)
{
	long nr;
	int refused;

	refused = 0;
	for (nr = 0; nr <= LAST; nr++) {
		if (is_allowed((enum role)_i, nr) || nr == URETPROBE ||
		    nr == UPROBE)
			continue;
		assert_refused((enum role)_i, nr);
		refused++;
	}
	ck_assert_int_gt(refused, LAST - 40);
}
END_TEST

/* -- other numberings -- */

#ifdef __x86_64__
static const enum sandbox_mode all_modes[] = { SANDBOX_TRAP, SANDBOX_KILL,
	SANDBOX_LOG };

START_TEST(x32_refused)
{
	static const long calls[] = { SYS_getpid, SYS_sendto,
		SYS_exit_group, SYS_openat };
	struct attempt a;
	int i, mode, status;

	for (i = 0; i < ROWS(calls); i++)
		for (mode = 0; mode < ROWS(all_modes); mode++) {
			a = (struct attempt){ .nr = 0x40000000 + calls[i] };
			status = run((enum role)_i, all_modes[mode],
			    make_call, &a);
			ck_assert_msg(died_by(status, SIGSYS), "%ld: %s",
			    calls[i], show(status));
			ck_assert_str_eq(said, "");
		}
}
END_TEST

/* The way into the kernel of 32-bit programs: getpid there is 20, writev
 * here, which is allowed. */
static int
call_i386(const void *arg)
{
	long got = 20;

	(void)arg;
	__asm__ volatile("int $0x80" : "+a"(got) : : "memory", "r8", "r9",
	    "r10", "r11");
	return got == getpid() ? 0 : 1;
}

START_TEST(i386_refused)
{
	int mode, status;

	status = run((enum role)_i, SANDBOX_OFF, call_i386, NULL);
	if (!ended(status, 0)) {
		/* A kernel that cannot run such programs at all. */
		ck_assert_msg(died_by(status, SIGSEGV), "%s", show(status));
		return;
	}
	for (mode = 0; mode < ROWS(all_modes); mode++) {
		status = run((enum role)_i, all_modes[mode], call_i386, NULL);
		ck_assert_msg(died_by(status, SIGSYS), "%s", show(status));
	}
}
END_TEST
#endif

START_TEST(names)
{
	ck_assert_str_eq(filter_name(SYS_openat), "openat");
	ck_assert_str_eq(filter_name(SYS_exit_group), "exit_group");
	ck_assert_ptr_null(filter_name(4000));
	ck_assert_ptr_null(filter_name(-1));
}
END_TEST

static void
add_cases(Suite *s)
{
	TCase *tc;

	tc = sandbox_case(s, "calls");
	tcase_add_loop_test(tc, worker_calls, 0, ROWS(worker_attempts));
	tcase_add_loop_test(tc, gate_calls, 0, ROWS(gate_attempts));
	tcase_add_loop_test(tc, park_calls, 0, ROWS(park_attempts));
	tcase_add_loop_test(tc, metrics_calls, 0, ROWS(metrics_attempts));
	tcase_add_loop_test(tc, door_calls, 0, ROWS(door_attempts));
	tcase_add_loop_test(tc, whois_calls, 0, ROWS(whois_attempts));
	tcase_add_loop_test(tc, all_others_refused, WORKER, ROLES);
	tcase_add_test(tc, names);
#ifdef __x86_64__
	tc = sandbox_case(s, "numberings");
	tcase_add_loop_test(tc, x32_refused, WORKER, ROLES);
	tcase_add_loop_test(tc, i386_refused, WORKER, ROLES);
#endif
}

#else

static void
add_cases(Suite *s)
{
	leave_out(s, "calls # SKIP built with --disable-sandbox");
}

#endif

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("filter");

	add_cases(s);
	return s;
}
