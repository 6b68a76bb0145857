/*
 * Which system calls a process can still make once it is shut in, and with
 * which arguments.  The calls that should be allowed are listed here again,
 * on purpose.
 */
#include "config.h"

#include "filter.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <time.h>

#include "bounds.h"
#include "bounds.h"
#include "sandboxunit.h"

#ifdef WITH_SANDBOX

static char byte[16] = "x";
static int one = 1;
static socklen_t size = sizeof(byte);
static gid_t groups[BOUNDS_GROUPS_CAP];
static socklen_t groups_size = sizeof(groups);
static struct iovec piece = { byte, 1 };
static struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
static struct pollfd waits = { CLIENT, POLLOUT, 0 };
static struct epoll_event event;
static struct timespec now[2];
static struct sockaddr_storage from;
static socklen_t from_size = sizeof(from);

#define NOW MSG_DONTWAIT | MSG_NOSIGNAL

/* What pipes of the gate and clients of a worker are like. */
#define ENDS (O_CLOEXEC | O_NONBLOCK)
#define SOON SPLICE_F_NONBLOCK

#ifdef SYS_fcntl64
#define SYS_FCNTL SYS_fcntl64
#else
#define SYS_FCNTL SYS_fcntl
#endif
#define ACCEPTS (SOCK_CLOEXEC | SOCK_NONBLOCK)

#if ULONG_MAX > 0xffffffffUL
#define HIGH (1L << 32)	/* the lowest bit of a register's upper half */
#endif

static const struct attempt worker_attempts[] = {
	/* from what its connections can be, and nothing that it had before */
	{ "read", SYS_read, { CLIENT, P(byte), 0 }, WORKS },
	{ "read the first one above", SYS_read, { WAKE + 1, P(byte), 0 },
	    WORKS },
	{ "read another", SYS_read, { OTHER_LISTEN, P(byte), 1 }, EINVAL },
	{ "read one that is not open", SYS_read, { LAST_FD, P(byte), 1 },
	    EBADF },
	{ "read stdin", SYS_read, { 0, P(byte), 0 }, REFUSED },
	{ "read stdout", SYS_read, { 1, P(byte), 0 }, REFUSED },
	{ "read stderr", SYS_read, { 2, P(byte), 0 }, REFUSED },
	{ "read listener", SYS_read, { LISTEN, P(byte), 0 }, REFUSED },
	{ "read gate", SYS_read, { PAIR, P(byte), 1 }, REFUSED },
	{ "read park", SYS_read, { LOT, P(byte), 1 }, REFUSED },
	{ "read wake-up", SYS_read, { WAKE, P(byte), 8 }, REFUSED },
	{ "readv", SYS_readv, { CLIENT, P(piece), 1 }, REFUSED },
	{ "recvfrom", SYS_recvfrom, { CLIENT, P(byte), 1, NOW }, REFUSED },
	{ "recvfrom gate", SYS_recvfrom, { PAIR, P(byte), 1, NOW },
	    REFUSED },
	{ "sendto", SYS_sendto, { CLIENT, P(byte), 1, NOW }, WORKS },
	{ "sendto gate", SYS_sendto, { PAIR, P(byte), 1, NOW }, WORKS },
	{ "sendto an address", SYS_sendto, { CLIENT, P(byte), 1, NOW,
	    P(nowhere), sizeof(nowhere) }, REFUSED },
	{ "sendto an address of no length", SYS_sendto, { CLIENT, P(byte), 1,
	    NOW, P(nowhere), 0 }, REFUSED },
	{ "sendto no address of some length", SYS_sendto, { CLIENT, P(byte),
	    1, NOW, 0, 1 }, REFUSED },
	{ "recvmsg gate", SYS_recvmsg, { PAIR, P(message), NOW }, EAGAIN },
	{ "recvmsg client", SYS_recvmsg, { CLIENT, P(message), NOW },
	    REFUSED },
	{ "recvmsg listener", SYS_recvmsg, { LISTEN, P(message), NOW },
	    REFUSED },
	{ "recvmsg park", SYS_recvmsg, { LOT, P(message), NOW }, EAGAIN },
	{ "recvmsg wake-up", SYS_recvmsg, { WAKE, P(message), NOW },
	    REFUSED },
	{ "recvmmsg park", SYS_recvmmsg, { LOT, P(message), 1, NOW },
	    REFUSED },
	{ "sendmsg park", SYS_sendmsg, { LOT, P(message), NOW }, WORKS },
	{ "sendmmsg park", SYS_sendmmsg, { LOT, P(message), 1, NOW },
	    REFUSED },
	{ "sendmsg gate", SYS_sendmsg, { PAIR, P(message), NOW }, REFUSED },
	{ "sendmsg client", SYS_sendmsg, { CLIENT, P(message), NOW },
	    REFUSED },
	{ "sendmsg peer", SYS_sendmsg, { PEER, P(message), NOW }, REFUSED },
	{ "accept4", SYS_accept4, { LISTEN, 0, 0, ACCEPTS }, EAGAIN },
	{ "accept4 that blocks", SYS_accept4, { LISTEN, 0, 0, SOCK_CLOEXEC },
	    REFUSED },
	{ "accept4 for children", SYS_accept4, { LISTEN, 0, 0,
	    SOCK_NONBLOCK }, REFUSED },
	{ "accept4 without flags", SYS_accept4, { LISTEN }, REFUSED },
	{ "accept4 other", SYS_accept4, { OTHER_LISTEN, 0, 0, ACCEPTS },
	    REFUSED },
	{ "accept4 gate", SYS_accept4, { PAIR, 0, 0, ACCEPTS }, REFUSED },
	{ "accept4 park", SYS_accept4, { LOT, 0, 0, ACCEPTS }, REFUSED },
	{ "shutdown client", SYS_shutdown, { CLIENT, SHUT_WR }, WORKS },
	{ "shutdown listener", SYS_shutdown, { LISTEN, SHUT_RD }, REFUSED },
	{ "shutdown park", SYS_shutdown, { LOT, SHUT_RD }, REFUSED },
	{ "getpeername", SYS_getpeername, { CLIENT, P(from), P(from_size) },
	    WORKS },
	{ "getpeername of the first one above", SYS_getpeername, { WAKE + 1,
	    P(from), P(from_size) }, WORKS },
	{ "getpeername listener", SYS_getpeername, { LISTEN, P(from),
	    P(from_size) }, REFUSED },
	{ "getpeername gate", SYS_getpeername, { PAIR, P(from),
	    P(from_size) }, REFUSED },
	{ "getpeername park", SYS_getpeername, { LOT, P(from),
	    P(from_size) }, REFUSED },
	{ "getpeername wake-up", SYS_getpeername, { WAKE, P(from),
	    P(from_size) }, REFUSED },
	{ "getsockname", SYS_getsockname, { CLIENT, P(from), P(from_size) },
	    REFUSED },
	{ "getsockopt peer", SYS_getsockopt, { CLIENT, SOL_SOCKET,
	    SO_PEERCRED, P(byte), P(size) }, WORKS },
	{ "getsockopt groups", SYS_getsockopt, { CLIENT, SOL_SOCKET,
	    SO_PEERGROUPS, P(groups), P(groups_size) }, WORKS },
	{ "getsockopt groups of IP", SYS_getsockopt, { CLIENT, IPPROTO_IP,
	    SO_PEERGROUPS, P(groups), P(groups_size) }, REFUSED },
	{ "getsockopt security", SYS_getsockopt, { CLIENT, SOL_SOCKET,
	    SO_PEERSEC, P(byte), P(size) }, REFUSED },
	{ "getsockopt error", SYS_getsockopt, { CLIENT, SOL_SOCKET,
	    SO_ERROR, P(byte), P(size) }, REFUSED },
	{ "getsockopt IP", SYS_getsockopt, { CLIENT, IPPROTO_IP,
	    SO_PEERCRED, P(byte), P(size) }, REFUSED },
	{ "setsockopt", SYS_setsockopt, { CLIENT, SOL_SOCKET, SO_SNDBUF,
	    P(one), sizeof(one) }, REFUSED },
	{ "write wake-up", SYS_write, { WAKE, P(now), 8 }, WORKS },
	{ "write client", SYS_write, { CLIENT, P(byte), 1 }, REFUSED },
	{ "write stderr", SYS_write, { 2, P(byte), 1 }, REFUSED },
	{ "writev client", SYS_writev, { CLIENT, P(piece), 1 }, WORKS },
	{ "writev stderr", SYS_writev, { 2, P(piece), 1 }, WORKS },
	{ "pwritev2 log", SYS_pwritev2, { 2, P(piece), 1, -1, -1, 0 },
	    WORKS },
	{ "pwritev2 stdout", SYS_pwritev2, { 1, P(piece), 0, -1, -1, 0 },
	    WORKS },
	{ "pwritev2 somewhere", SYS_pwritev2, { 2, P(piece), 1, 0, -1, 0 },
	    REFUSED },
	{ "pwritev2 elsewhere", SYS_pwritev2, { 2, P(piece), 1, -1, 0, 0 },
	    REFUSED },
	{ "stdout somewhere", SYS_pwritev2, { 1, P(piece), 1, 0, -1, 0 },
	    REFUSED },
	{ "stdout elsewhere", SYS_pwritev2, { 1, P(piece), 1, -1, 0, 0 },
	    REFUSED },
	{ "pwritev2 client", SYS_pwritev2, { CLIENT, P(piece), 1, -1, -1, 0 },
	    REFUSED },
	{ "close", SYS_close, { CLIENT }, WORKS },
	{ "close gate", SYS_close, { PAIR }, REFUSED },
	{ "close park", SYS_close, { LOT }, REFUSED },
#ifdef SYS_epoll_wait
	{ "epoll_wait", SYS_epoll_wait, { EPOLL, P(event), 1, 0 }, WORKS },
#endif
	{ "epoll_pwait", SYS_epoll_pwait, { EPOLL, P(event), 1, 0, 0, 8 },
	    WORKS },
	{ "epoll_ctl", SYS_epoll_ctl, { EPOLL, EPOLL_CTL_ADD, CLIENT,
	    P(event) }, REFUSED },
	{ "epoll_create1", SYS_epoll_create1, { 0 }, REFUSED },
	{ "ioctl", SYS_ioctl, { CLIENT, FIONREAD, P(one) }, REFUSED },
	{ "ppoll", SYS_ppoll, { P(waits), 1, P(now), 0, 8 }, WORKS },
#ifdef SYS_poll
	{ "poll", SYS_poll, { P(waits), 1, 0 }, WORKS },
#endif
	{ "clock_gettime", SYS_clock_gettime, { CLOCK_MONOTONIC, P(now) },
	    WORKS },
	{ "clock_settime", SYS_clock_settime, { CLOCK_REALTIME, P(now) },
	    REFUSED },
	{ "getpid", SYS_getpid, { 0 }, WORKS },
	{ "gettid", SYS_gettid, { 0 }, WORKS },
	{ "rt_sigprocmask", SYS_rt_sigprocmask, { SIG_BLOCK, 0, 0, 8 },
	    WORKS },
	{ "tgkill itself", SYS_tgkill, { MY_PID, MY_TID, 0 }, WORKS },
	{ "tgkill parent", SYS_tgkill, { PARENT, PARENT, 0 }, REFUSED },
	{ "tgkill parent's thread", SYS_tgkill, { MY_PID, PARENT, 0 },
	    REFUSED },
	{ "tgkill a group", SYS_tgkill, { PARENT, MY_TID, 0 }, REFUSED },
	{ "tkill itself", SYS_tkill, { MY_TID, 0 }, WORKS },
	{ "tkill parent", SYS_tkill, { PARENT, 0 }, REFUSED },
	{ "kill itself", SYS_kill, { MY_PID, 0 }, REFUSED },
	{ "kill parent", SYS_kill, { PARENT, SIGCONT }, REFUSED },
	{ "restart_syscall", SYS_restart_syscall, { 0 }, EINTR },
	{ "exit", SYS_exit, { 0 }, WORKS },
	{ "exit_group", SYS_exit_group, { 0 }, WORKS },
	{ "exit as hopeless", SYS_exit, { 2 }, REFUSED },
	{ "exit_group as hopeless", SYS_exit_group, { 2 }, REFUSED },
	{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM }, REFUSED },
	{ "connect", SYS_connect, { CLIENT, P(nowhere), sizeof(nowhere) },
	    REFUSED },
	{ "listen", SYS_listen, { LISTEN, 1 }, REFUSED },
	/* Of two sockets splice itself makes nothing. */
	{ "splice", SYS_splice, { CLIENT, 0, PEER, 0, 1, SOON }, EINVAL },
	{ "splice that waits", SYS_splice, { CLIENT, 0, PEER, 0, 1, 0 },
	    REFUSED },
	{ "splice with more to come", SYS_splice, { CLIENT, 0, PEER, 0, 1,
	    SOON | SPLICE_F_MORE }, REFUSED },
	{ "splice from an offset", SYS_splice, { CLIENT, P(now), PEER, 0, 1,
	    SOON }, REFUSED },
	{ "splice to an offset", SYS_splice, { CLIENT, 0, PEER, P(now), 1,
	    SOON }, REFUSED },
	{ "splice from gate", SYS_splice, { PAIR, 0, CLIENT, 0, 1, SOON },
	    REFUSED },
	{ "splice to gate", SYS_splice, { CLIENT, 0, PAIR, 0, 1, SOON },
	    REFUSED },
	{ "splice from wake-up", SYS_splice, { WAKE, 0, CLIENT, 0, 1, SOON },
	    REFUSED },
	{ "splice to wake-up", SYS_splice, { CLIENT, 0, WAKE, 0, 1, SOON },
	    REFUSED },
	{ "splice from stdin", SYS_splice, { 0, 0, CLIENT, 0, 1, SOON },
	    REFUSED },
	{ "splice to the log", SYS_splice, { CLIENT, 0, 2, 0, 1, SOON },
	    REFUSED },
	{ "tee", SYS_tee, { CLIENT, PEER, 1, 0 }, REFUSED },
	{ "vmsplice", SYS_vmsplice, { CLIENT, P(piece), 1, 0 }, REFUSED },
	{ "pipe2", SYS_pipe2, { P(byte), ENDS }, WORKS },
	{ "pipe2 without flags", SYS_pipe2, { P(byte), 0 }, REFUSED },
	{ "pipe2 of packets", SYS_pipe2, { P(byte), ENDS | O_DIRECT },
	    REFUSED },
	{ "size of a pipe", SYS_FCNTL, { CLIENT, F_SETPIPE_SZ,
	    BOUNDS_PIPE_CAP }, EBADF },
	{ "larger pipe", SYS_FCNTL, { CLIENT, F_SETPIPE_SZ,
	    BOUNDS_PIPE_CAP * 2 }, REFUSED },
	{ "size of stdin", SYS_FCNTL, { 0, F_SETPIPE_SZ, BOUNDS_PIPE_CAP },
	    REFUSED },
	{ "fcntl", SYS_FCNTL, { CLIENT, F_GETFL }, REFUSED },
	{ "copy", SYS_FCNTL, { CLIENT, F_DUPFD, BOUNDS_PIPE_CAP }, REFUSED },
	{ "openat", SYS_openat, { AT_FDCWD, P(nowhere.sun_path), O_RDONLY },
	    REFUSED },
	{ "clone", SYS_clone, { SIGCHLD }, REFUSED },
	{ "execve", SYS_execve, { P(nowhere.sun_path), 0, 0 }, REFUSED },
	{ "mprotect", SYS_mprotect, { 0, 4096, PROT_EXEC }, REFUSED },
	{ "prctl", SYS_prctl, { PR_SET_DUMPABLE, 1 }, REFUSED },
	{ "rt_sigaction", SYS_rt_sigaction, { SIGSYS, 0, 0, 8 }, REFUSED },
	{ "seccomp", SYS_seccomp, { 0, 0, 0 }, REFUSED },
	{ "number that no call has", 4000, { 0 }, REFUSED },
#ifdef HIGH
	/* The kernel does not see the upper half of an int... */
	{ "shutdown disguised", SYS_shutdown, { LISTEN | HIGH, SHUT_RD },
	    REFUSED },
	{ "close disguised", SYS_close, { LOT | HIGH }, REFUSED },
	{ "accept4 sign-extended", SYS_accept4, { LISTEN | HIGH, 0, 0,
	    ACCEPTS | HIGH }, EAGAIN },
	{ "read disguised", SYS_read, { PAIR | HIGH, P(byte), 1 }, REFUSED },
	{ "recvmsg disguised", SYS_recvmsg, { CLIENT | HIGH, P(message),
	    NOW }, REFUSED },
	/* ...but that of everything else. */
	{ "sendto a high address", SYS_sendto, { CLIENT, P(byte), 1, NOW,
	    HIGH, 0 }, REFUSED },
	{ "sendto a high length", SYS_sendto, { CLIENT, P(byte), 1, NOW, 0,
	    HIGH }, REFUSED },
	{ "pwritev2 high offset", SYS_pwritev2, { 2, P(piece), 1,
	    0xffffffffL, -1, 0 }, REFUSED },
#endif
};

#define DIALS(type) ((type) | SOCK_CLOEXEC | SOCK_NONBLOCK)

static const struct attempt gate_attempts[] = {
	{ "recvfrom", SYS_recvfrom, { CLIENT, P(byte), 1, NOW }, EAGAIN },
	{ "recvmsg", SYS_recvmsg, { CLIENT, P(message), NOW }, EAGAIN },
	{ "sendmsg", SYS_sendmsg, { CLIENT, P(message), NOW }, WORKS },
	{ "sendto", SYS_sendto, { CLIENT, P(byte), 1, NOW }, WORKS },
	{ "sendto an address", SYS_sendto, { CLIENT, P(byte), 1, NOW,
	    P(nowhere), sizeof(nowhere) }, REFUSED },
	{ "sendto an address of no length", SYS_sendto, { CLIENT, P(byte), 1,
	    NOW, P(nowhere), 0 }, REFUSED },
	{ "sendto no address of some length", SYS_sendto, { CLIENT, P(byte),
	    1, NOW, 0, 1 }, REFUSED },
	{ "unix stream", SYS_socket, { AF_UNIX, DIALS(SOCK_STREAM) }, WORKS },
	{ "unix datagrams", SYS_socket, { AF_UNIX, DIALS(SOCK_DGRAM) },
	    WORKS },
	{ "unix packets", SYS_socket, { AF_UNIX, DIALS(SOCK_SEQPACKET) },
	    REFUSED },
	{ "unix protocol", SYS_socket, { AF_UNIX, DIALS(SOCK_STREAM), 1 },
	    REFUSED },
	{ "unix datagram protocol", SYS_socket, { AF_UNIX, DIALS(SOCK_DGRAM),
	    1 }, REFUSED },
	{ "IPv4", SYS_socket, { AF_INET, DIALS(SOCK_STREAM) }, REFUSED },
	{ "IPv6", SYS_socket, { AF_INET6, DIALS(SOCK_STREAM) }, REFUSED },
	{ "UDP", SYS_socket, { AF_INET, DIALS(SOCK_DGRAM) }, REFUSED },
	{ "netlink", SYS_socket, { AF_NETLINK, DIALS(SOCK_DGRAM) },
	    REFUSED },
	{ "raw packets", SYS_socket, { AF_PACKET, DIALS(SOCK_RAW) },
	    REFUSED },
	{ "vsock", SYS_socket, { AF_VSOCK, DIALS(SOCK_STREAM) }, REFUSED },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, P(now) },
	    REFUSED },
	{ "connect", SYS_connect, { CLIENT, P(nowhere), sizeof(nowhere) },
	    ENOENT },
	{ "bind", SYS_bind, { CLIENT, P(nowhere), sizeof(nowhere) },
	    REFUSED },
	{ "listen", SYS_listen, { LISTEN, 1 }, REFUSED },
	{ "accept4", SYS_accept4, { LISTEN }, REFUSED },
	{ "shutdown", SYS_shutdown, { LISTEN, SHUT_RD }, REFUSED },
	{ "F_SETFL", SYS_fcntl, { 2, F_SETFL, 0 }, REFUSED },
	{ "F_SETOWN", SYS_fcntl, { CLIENT, F_SETOWN, PARENT }, REFUSED },
	/* Of two sockets splice itself makes nothing. */
	{ "splice", SYS_splice, { CLIENT, 0, PEER, 0, 1, 0 }, EINVAL },
	{ "splice from an offset", SYS_splice, { CLIENT, P(now), PEER, 0, 1,
	    0 }, REFUSED },
	{ "splice to an offset", SYS_splice, { CLIENT, 0, PEER, P(now), 1,
	    0 }, REFUSED },
	{ "splice both", SYS_splice, { CLIENT, P(now), PEER, P(now), 1, 0 },
	    REFUSED },
#ifdef HIGH
	{ "splice from a high offset", SYS_splice, { CLIENT, HIGH, PEER, 0,
	    1, 0 }, REFUSED },
	{ "splice to a high offset", SYS_splice, { CLIENT, 0, PEER, HIGH, 1,
	    0 }, REFUSED },
#endif
	{ "tee", SYS_tee, { CLIENT, PEER, 1, 0 }, REFUSED },
	{ "vmsplice", SYS_vmsplice, { CLIENT, P(piece), 1, 0 }, REFUSED },
	{ "pipe2", SYS_pipe2, { P(byte), ENDS }, WORKS },
	{ "pipe2 without flags", SYS_pipe2, { P(byte), 0 }, REFUSED },
	{ "pipe2 that blocks", SYS_pipe2, { P(byte), O_CLOEXEC }, REFUSED },
	{ "pipe2 for children", SYS_pipe2, { P(byte), O_NONBLOCK },
	    REFUSED },
	{ "pipe2 of packets", SYS_pipe2, { P(byte), ENDS | O_DIRECT },
	    REFUSED },
	{ "close", SYS_close, { CLIENT }, WORKS },
#ifdef SYS_epoll_wait
	{ "epoll_wait", SYS_epoll_wait, { EPOLL, P(event), 1, 0 }, WORKS },
#endif
	{ "epoll_pwait", SYS_epoll_pwait, { EPOLL, P(event), 1, 0, 0, 8 },
	    WORKS },
	{ "epoll_ctl", SYS_epoll_ctl, { EPOLL, EPOLL_CTL_DEL, CLIENT,
	    P(event) }, ENOENT },
	{ "epoll_create1", SYS_epoll_create1, { 0 }, REFUSED },
	{ "ppoll", SYS_ppoll, { P(waits), 1, P(now), 0, 8 }, WORKS },
	{ "clock_gettime", SYS_clock_gettime, { CLOCK_MONOTONIC, P(now) },
	    WORKS },
	{ "pwritev2 log", SYS_pwritev2, { 2, P(piece), 1, -1, -1, 0 },
	    WORKS },
	{ "pwritev2 somewhere", SYS_pwritev2, { 2, P(piece), 1, 0, -1, 0 },
	    REFUSED },
	{ "pwritev2 elsewhere", SYS_pwritev2, { 2, P(piece), 1, -1, 0, 0 },
	    REFUSED },
	{ "pwritev2 stdout", SYS_pwritev2, { 1, P(piece), 0, -1, -1, 0 },
	    REFUSED },
	{ "writev log", SYS_writev, { 2, P(piece), 1 }, WORKS },
	{ "writev worker", SYS_writev, { CLIENT, P(piece), 1 }, REFUSED },
	{ "write worker", SYS_write, { CLIENT, P(byte), 1 }, REFUSED },
	{ "tgkill itself", SYS_tgkill, { MY_PID, MY_TID, 0 }, WORKS },
	{ "tgkill parent", SYS_tgkill, { PARENT, PARENT, 0 }, REFUSED },
	{ "kill parent", SYS_kill, { PARENT, SIGCONT }, REFUSED },
	{ "tgkill parent's thread", SYS_tgkill, { MY_PID, PARENT, 0 },
	    REFUSED },
	{ "tgkill a group", SYS_tgkill, { PARENT, MY_TID, 0 }, REFUSED },
	{ "tkill itself", SYS_tkill, { MY_TID, 0 }, WORKS },
	{ "tkill parent", SYS_tkill, { PARENT, 0 }, REFUSED },
	{ "getpid", SYS_getpid, { 0 }, WORKS },
	{ "gettid", SYS_gettid, { 0 }, WORKS },
	{ "rt_sigprocmask", SYS_rt_sigprocmask, { SIG_BLOCK, 0, 0, 8 },
	    WORKS },
	{ "restart_syscall", SYS_restart_syscall, { 0 }, EINTR },
	{ "exit", SYS_exit, { 0 }, WORKS },
	{ "exit_group", SYS_exit_group, { 0 }, WORKS },
	{ "exit as hopeless", SYS_exit, { 2 }, REFUSED },
	{ "exit_group as hopeless", SYS_exit_group, { 2 }, REFUSED },
#ifdef SYS_poll
	{ "poll", SYS_poll, { P(waits), 1, 0 }, WORKS },
#endif
	{ "openat", SYS_openat, { AT_FDCWD, P(nowhere.sun_path), O_RDONLY },
	    REFUSED },
	{ "clone", SYS_clone, { SIGCHLD }, REFUSED },
	{ "execve", SYS_execve, { P(nowhere.sun_path), 0, 0 }, REFUSED },
	{ "mmap", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0 }, REFUSED },
	{ "ptrace", SYS_ptrace, { 0 }, REFUSED },
	{ "read", SYS_read, { CLIENT, P(byte), 0 }, REFUSED },
};

static const struct attempt park_attempts[] = {
#ifdef SYS_epoll_wait
	{ "epoll_wait", SYS_epoll_wait, { EPOLL, P(event), 1, 0 }, WORKS },
#endif
	{ "epoll_pwait", SYS_epoll_pwait, { EPOLL, P(event), 1, 0, 0, 8 },
	    WORKS },
	{ "epoll_ctl", SYS_epoll_ctl, { EPOLL, EPOLL_CTL_DEL, CLIENT,
	    P(event) }, ENOENT },
	{ "epoll_create1", SYS_epoll_create1, { 0 }, REFUSED },
	{ "recvmsg", SYS_recvmsg, { LOT, P(message), NOW }, EAGAIN },
	{ "recvmsg client", SYS_recvmsg, { CLIENT, P(message), NOW },
	    REFUSED },
	{ "recvmmsg", SYS_recvmmsg, { LOT, P(message), 1, NOW }, REFUSED },
	{ "recvfrom client", SYS_recvfrom, { CLIENT, P(byte), 1, NOW },
	    REFUSED },
	{ "recvfrom", SYS_recvfrom, { LOT, P(byte), 1, NOW }, REFUSED },
	{ "read client", SYS_read, { CLIENT, P(byte), 0 }, REFUSED },
	{ "read", SYS_read, { LOT, P(byte), 0 }, REFUSED },
	{ "readv client", SYS_readv, { CLIENT, P(piece), 1 }, REFUSED },
	{ "sendmsg", SYS_sendmsg, { LOT, P(message), NOW }, WORKS },
	{ "sendmsg client", SYS_sendmsg, { CLIENT, P(message), NOW },
	    REFUSED },
	{ "sendmmsg", SYS_sendmmsg, { LOT, P(message), 1, NOW }, REFUSED },
	{ "sendto client", SYS_sendto, { CLIENT, P(byte), 1, NOW },
	    REFUSED },
	{ "sendto", SYS_sendto, { LOT, P(byte), 1, NOW }, REFUSED },
	{ "write client", SYS_write, { CLIENT, P(byte), 1 }, REFUSED },
	{ "write log", SYS_write, { 2, P(byte), 1 }, REFUSED },
	{ "writev log", SYS_writev, { 2, P(piece), 1 }, WORKS },
	{ "writev client", SYS_writev, { CLIENT, P(piece), 1 }, REFUSED },
	{ "writev stdout", SYS_writev, { 1, P(piece), 1 }, REFUSED },
	{ "writev pair", SYS_writev, { LOT, P(piece), 1 }, REFUSED },
	{ "pwritev2 log", SYS_pwritev2, { 2, P(piece), 1, -1, -1, 0 },
	    WORKS },
	{ "pwritev2 somewhere", SYS_pwritev2, { 2, P(piece), 1, 0, -1, 0 },
	    REFUSED },
	{ "pwritev2 elsewhere", SYS_pwritev2, { 2, P(piece), 1, -1, 0, 0 },
	    REFUSED },
	{ "pwritev2 stdout", SYS_pwritev2, { 1, P(piece), 1, -1, -1, 0 },
	    REFUSED },
	{ "pwritev2 client", SYS_pwritev2, { CLIENT, P(piece), 1, -1, -1, 0 },
	    REFUSED },
	{ "ioctl", SYS_ioctl, { CLIENT, FIONREAD, P(one) }, WORKS },
	{ "ioctl bytes unsent", SYS_ioctl, { CLIENT, TIOCOUTQ, P(one) },
	    REFUSED },
	{ "ioctl a signal", SYS_ioctl, { CLIENT, FIOASYNC, P(one) },
	    REFUSED },
	{ "ioctl a byte typed", SYS_ioctl, { 0, TIOCSTI, P(byte) },
	    REFUSED },
	{ "close client", SYS_close, { CLIENT }, WORKS },
	{ "close pair", SYS_close, { LOT }, REFUSED },
	{ "shutdown client", SYS_shutdown, { CLIENT, SHUT_WR }, REFUSED },
	{ "accept4", SYS_accept4, { LISTEN, 0, 0, ACCEPTS }, REFUSED },
	{ "getsockopt peer", SYS_getsockopt, { CLIENT, SOL_SOCKET,
	    SO_PEERCRED, P(byte), P(size) }, REFUSED },
	{ "getpeername", SYS_getpeername, { CLIENT, P(from), P(from_size) },
	    REFUSED },
	{ "socket", SYS_socket, { AF_UNIX, DIALS(SOCK_STREAM) }, REFUSED },
	{ "datagrams", SYS_socket, { AF_UNIX, DIALS(SOCK_DGRAM) }, REFUSED },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, P(now) },
	    REFUSED },
	{ "connect", SYS_connect, { CLIENT, P(nowhere), sizeof(nowhere) },
	    REFUSED },
	{ "fcntl", SYS_fcntl, { CLIENT, F_GETFL }, REFUSED },
	{ "dup", SYS_dup, { CLIENT }, REFUSED },
	{ "dup3", SYS_dup3, { CLIENT, LOT, 0 }, REFUSED },
	{ "pidfd_getfd", SYS_pidfd_getfd, { CLIENT, 0, 0 }, REFUSED },
	{ "splice", SYS_splice, { CLIENT, 0, PEER, 0, 1, 0 }, REFUSED },
	{ "pipe2", SYS_pipe2, { P(byte), ENDS }, REFUSED },
	{ "ppoll", SYS_ppoll, { P(waits), 1, P(now), 0, 8 }, WORKS },
#ifdef SYS_poll
	{ "poll", SYS_poll, { P(waits), 1, 0 }, WORKS },
#endif
	{ "clock_gettime", SYS_clock_gettime, { CLOCK_MONOTONIC, P(now) },
	    WORKS },
	{ "getpid", SYS_getpid, { 0 }, WORKS },
	{ "gettid", SYS_gettid, { 0 }, WORKS },
	{ "rt_sigprocmask", SYS_rt_sigprocmask, { SIG_BLOCK, 0, 0, 8 },
	    WORKS },
	{ "tgkill itself", SYS_tgkill, { MY_PID, MY_TID, 0 }, WORKS },
	{ "tgkill parent", SYS_tgkill, { PARENT, PARENT, 0 }, REFUSED },
	{ "tkill itself", SYS_tkill, { MY_TID, 0 }, WORKS },
	{ "tkill parent", SYS_tkill, { PARENT, 0 }, REFUSED },
	{ "kill parent", SYS_kill, { PARENT, SIGCONT }, REFUSED },
	{ "restart_syscall", SYS_restart_syscall, { 0 }, EINTR },
	{ "exit", SYS_exit, { 0 }, WORKS },
	{ "exit_group", SYS_exit_group, { 0 }, WORKS },
	{ "exit as hopeless", SYS_exit, { 2 }, REFUSED },
	{ "exit_group as hopeless", SYS_exit_group, { 2 }, REFUSED },
	{ "openat", SYS_openat, { AT_FDCWD, P(nowhere.sun_path), O_RDONLY },
	    REFUSED },
	{ "clone", SYS_clone, { SIGCHLD }, REFUSED },
	{ "execve", SYS_execve, { P(nowhere.sun_path), 0, 0 }, REFUSED },
	{ "mmap", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0 }, REFUSED },
#ifdef HIGH
	{ "ioctl sign-extended", SYS_ioctl, { CLIENT, FIONREAD | HIGH,
	    P(one) }, WORKS },
	{ "close disguised", SYS_close, { LOT | HIGH }, REFUSED },
	{ "sendmsg disguised", SYS_sendmsg, { CLIENT | HIGH, P(message),
	    NOW }, REFUSED },
#endif
};

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
	SYS_epoll_pwait, SYS_sendmsg, SYS_getpeername,
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

static const struct {
	const long	*list;
	int		 n;
} allowed[ROLES] = {
	[WORKER] = { worker_allowed, ROWS(worker_allowed) },
	[GATE] = { gate_allowed, ROWS(gate_allowed) },
	[PARK] = { park_allowed, ROWS(park_allowed) },
	[METRICS] = { metrics_allowed, ROWS(metrics_allowed) },
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
