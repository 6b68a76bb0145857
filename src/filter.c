/*
 * What the kernel still does for a worker and for the gate: one row is one
 * system call, the arguments it may have, and why it is needed.  Rows of one
 * call are alternatives.  What is needed a hundred times a second stands
 * first: the kernel goes from top to bottom.
 */

#include "config.h"

#include "filter.h"

#ifdef WITH_SANDBOX

#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && !defined(__ILP32__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#elif defined(__ARM_EABI__)
#define FILTER_ARCH AUDIT_ARCH_ARM
#else
#error "no system call filter for this machine: configure --disable-sandbox"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "no system call filter for big-endian machines"
#endif

/* Where the numbers of x32 programs begin on x86_64.  Nowhere does a table
 * of ours reach so far. */
#define FOREIGN_NR 0x40000000

/*
 * Tests.  The kernel reads an int as the lower half of a register and does
 * not look at the rest, so the tests of integers do the same.  Of pointers,
 * sizes and offsets both halves count.
 */
enum test_kind {
	TEST_NONE,
	TEST_IS,		/* an int is value */
	TEST_IS_OWN,		/* an int is our own one, by enum filter_own */
	TEST_NOT_OWN,
	TEST_ABOVE_OWN,
	TEST_WIDE		/* a pointer, size or offset is value */
};

struct test {
	enum test_kind	kind;
	unsigned	arg;
	unsigned long	value;
};

#define TEST_COUNT 3

struct row {
	int		nr;
	struct test	tests[TEST_COUNT];
};

#define CALL(name)		{ .nr = SYS_##name }
#define CALL_IF(name, ...)	{ .nr = SYS_##name, .tests = { __VA_ARGS__ } }
#define IS(arg, value)		{ TEST_IS, (arg), (unsigned)(value) }
#define IS_OWN(arg, which)	{ TEST_IS_OWN, (arg), FILTER_OWN_##which }
#define NOT_OWN(arg, which)	{ TEST_NOT_OWN, (arg), FILTER_OWN_##which }
#define ABOVE_OWN(arg, which)	{ TEST_ABOVE_OWN, (arg), FILTER_OWN_##which }
#define IS_ZERO(arg)		{ TEST_WIDE, (arg), 0 }
#define IS_ONES(arg)		{ TEST_WIDE, (arg), (unsigned long)-1 }

static const struct row worker_rows[] = {
	/* receive from client and dockerd, sockets or a pipe, and from nothing
	 * that every worker has; brings no descriptors */
	CALL_IF(read, ABOVE_OWN(0, WAKE)),
	/* send to client, dockerd, gate and system log: where the socket is
	 * connected to, nowhere else; takes no descriptors along */
	CALL_IF(sendto, IS_ZERO(4), IS_ZERO(5)),
#ifdef SYS_send
	CALL(send),		/* the same on arm */
#endif
	/* the gate's answer, which brings a descriptor */
	CALL_IF(recvmsg, IS_OWN(0, GATE)),
#ifdef SYS_poll
	CALL(poll),		/* wait for client, dockerd and gate */
#endif
	CALL(ppoll),		/* the same where there is no poll */
#ifdef SYS_ppoll_time64
	CALL(ppoll_time64),	/* the same on 32 bits */
#endif
	CALL(writev),		/* heads and chunks in several pieces; log */
	/* the log; only at its end, so that old lines stay */
	CALL_IF(pwritev2, IS(0, STDERR_FILENO), IS_ONES(3), IS_ONES(4)),
	/* lines of --log-requests, likewise */
	CALL_IF(pwritev2, IS(0, STDOUT_FILENO), IS_ONES(3), IS_ONES(4)),
	CALL(clock_gettime),	/* processor time of rules; deadlines */
#ifdef SYS_clock_gettime64
	CALL(clock_gettime64),	/* the same on 32 bits */
#endif
	/* connections; another one in the gate's place could be received
	 * descriptors from */
	CALL_IF(close, NOT_OWN(0, GATE)),
	/* the next client, and of this listener only */
	CALL_IF(accept4, IS_OWN(0, LISTEN)),
	/* pass an end on; other workers have the same listener */
	CALL_IF(shutdown, NOT_OWN(0, LISTEN)),
	/* the client's uid, for the log and --max-per-client */
	CALL_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_PEERCRED)),
	/* tell the master that idle workers are getting few */
	CALL_IF(write, IS_OWN(0, WAKE)),
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
	CALL(restart_syscall),	/* poll goes on after SIGSTOP and SIGCONT */
	/* retire, or fail; a code of 2 would have the master give up */
	CALL_IF(exit_group, IS(0, EXIT_SUCCESS)),
	CALL_IF(exit_group, IS(0, EXIT_FAILURE)),
	/* the same, where exit_group is missing */
	CALL_IF(exit, IS(0, EXIT_SUCCESS)),
	CALL_IF(exit, IS(0, EXIT_FAILURE)),
};

static const struct row gate_rows[] = {
#ifdef SYS_epoll_wait
	CALL(epoll_wait),	/* wait for orders and for the master */
#endif
	CALL(epoll_pwait),	/* the same where there is no epoll_wait */
	CALL(recvfrom),		/* orders; dockerd's end */
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
	CALL(sendmsg),		/* answers, with the connection */
	/* from a kept connection into its pipe, and no file's offsets */
	CALL_IF(splice, IS_ZERO(1), IS_ZERO(3)),
	CALL_IF(pipe2, IS(1, O_CLOEXEC | O_NONBLOCK)),
	CALL(close),		/* that connection; workers that are gone */
	CALL(recvmsg),		/* new workers from the master */
	CALL(epoll_ctl),	/* watch them */
	CALL(clock_gettime),	/* processor time of rules; deadlines */
#ifdef SYS_clock_gettime64
	CALL(clock_gettime64),	/* the same on 32 bits */
#endif
#ifdef SYS_poll
	CALL(poll),		/* room in the log */
#endif
	CALL(ppoll),		/* the same where there is no poll */
#ifdef SYS_ppoll_time64
	CALL(ppoll_time64),	/* the same on 32 bits */
#endif
	/* the log; only at its end, so that old lines stay */
	CALL_IF(pwritev2, IS(0, STDERR_FILENO), IS_ONES(3), IS_ONES(4)),
	/* the same where pwritev2 cannot do without waiting, and abort() */
	CALL_IF(writev, IS(0, STDERR_FILENO)),
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
	CALL_IF(exit_group, IS(0, EXIT_SUCCESS)),	/* the end */
	CALL_IF(exit_group, IS(0, EXIT_FAILURE)),	/* a failure */
	/* the same, where exit_group is missing */
	CALL_IF(exit, IS(0, EXIT_SUCCESS)),
	CALL_IF(exit, IS(0, EXIT_FAILURE)),
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Instructions: of a test at most, of a row at most, and of all the rest. */
#define TEST_CODE 4
#define ROW_CODE (TEST_COUNT * TEST_CODE + 3)
#define FRAME_CODE 7

_Static_assert(ROWS(worker_rows) * ROW_CODE + FRAME_CODE <= FILTER_CAP &&
    ROWS(gate_rows) * ROW_CODE + FRAME_CODE <= FILTER_CAP,
    "FILTER_CAP is too small");

/* Offsets in what the kernel shows to the program. */
#define AT_NR		((uint32_t)offsetof(struct seccomp_data, nr))
#define AT_ARCH		((uint32_t)offsetof(struct seccomp_data, arch))
#define AT_LOW(arg)	((uint32_t)(offsetof(struct seccomp_data, args) + \
			    sizeof(uint64_t) * (arg)))
#define AT_HIGH(arg)	(AT_LOW(arg) + (uint32_t)sizeof(uint32_t))

static void
add(struct filter_program *p, struct sock_filter instruction)
{
	p->code[p->len++] = instruction;
}

static void
add_load(struct filter_program *p, uint32_t offset)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void
add_return(struct filter_program *p, uint32_t action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Go to the instruction numbered other, unless what was loaded is value. */
static void
add_is(struct filter_program *p, uint32_t value, size_t other)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value,
	    0, (uint8_t)(other - p->len - 1)));
}

/* The same, if it is value. */
static void
add_not(struct filter_program *p, uint32_t value, size_t other)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value,
	    (uint8_t)(other - p->len - 1), 0));
}

static size_t
test_len(const struct test *t)
{
	return t->kind == TEST_NONE ? 0 : t->kind == TEST_WIDE ? 4 : 2;
}

static void
add_test(struct filter_program *p, const struct test *t,
    const uint32_t own[FILTER_OWN_COUNT], size_t other)
{
	if (t->kind == TEST_NONE)
		return;
	add_load(p, AT_LOW(t->arg));
	switch (t->kind) {
	case TEST_IS_OWN:
		add_is(p, own[t->value], other);
		return;
	case TEST_NOT_OWN:
		add_not(p, own[t->value], other);
		return;
	case TEST_ABOVE_OWN:
		add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K,
		    own[t->value], 0, (uint8_t)(other - p->len - 1)));
		return;
	default:
		add_is(p, (uint32_t)t->value, other);
		break;
	}
	if (t->kind == TEST_WIDE) {
		add_load(p, AT_HIGH(t->arg));
		add_is(p, (uint32_t)((uint64_t)t->value >> 32), other);
	}
}

/* The number is loaded before each row, and must be so behind it.  Loading
 * it anew costs less than a register: programs that only load and compare
 * are run once for each number by newer kernels, which keep the result. */
static void
add_row(struct filter_program *p, const struct row *row,
    const uint32_t own[FILTER_OWN_COUNT])
{
	size_t i, len, other;

	len = 0;
	for (i = 0; i < TEST_COUNT; i++)
		len += test_len(&row->tests[i]);
	/* The number, the tests, the return: then what follows. */
	other = p->len + 1 + len + 1;
	if (len == 0) {
		add_is(p, (uint32_t)row->nr, other);
		add_return(p, SECCOMP_RET_ALLOW);
		return;
	}
	add_is(p, (uint32_t)row->nr, other + 1);
	for (i = 0; i < TEST_COUNT; i++)
		add_test(p, &row->tests[i], own, other);
	add_return(p, SECCOMP_RET_ALLOW);
	add_load(p, AT_NR);
}

void
filter_make(struct filter_program *p, enum filter_role role,
    const uint32_t own[FILTER_OWN_COUNT], uint32_t refuse, uint32_t foreign)
{
	const struct row *rows;
	size_t i, n;

	rows = role == FILTER_WORKER ? worker_rows : gate_rows;
	n = role == FILTER_WORKER ? ROWS(worker_rows) : ROWS(gate_rows);
	p->len = 0;
	/* The same numbers mean other calls on another architecture. */
	add_load(p, AT_ARCH);
	add_not(p, FILTER_ARCH, p->len + 2);
	add_return(p, foreign);
	add_load(p, AT_NR);
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
	    FOREIGN_NR, 0, 1));
	add_return(p, foreign);
	for (i = 0; i < n; i++)
		add_row(p, &rows[i], own);
	add_return(p, refuse);
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
