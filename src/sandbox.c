/*
 * Shutting a process in: memory, Landlock, the system call filter, in this
 * order, because each step needs calls that the next one takes away.  Which
 * calls a process keeps is said in filter.c.
 */

#include "config.h"

#include "sandbox.h"

#include "log.h"

#define HOPELESS	2	/* exit code: no other try would do better */

const char *
sandbox_mode_word(enum sandbox_mode mode)
{
	static const char *const words[] = {
		[SANDBOX_TRAP] = "trap",
		[SANDBOX_KILL] = "kill",
		[SANDBOX_LOG] = "log",
		[SANDBOX_OFF] = "off",
	};

	return words[mode];
}

#ifdef WITH_SANDBOX

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "filter.h"
#include "landlock.h"
#include "span.h"

/* -- memory -- */

/* Bytes of a line of /proc/self/maps that are looked at: two addresses,
 * rights, offset, device and inode, and the start of a name. */
#define MAPS_LINE_CAP 160

/* Bytes read at once. */
#define MAPS_READ_CAP 4096

static bool
read_address(struct span s, uintptr_t *out)
{
	uintptr_t n;
	size_t i;

	n = 0;
	for (i = 0; i < s.len; i++) {
		if (span_hex(s.p[i]) == -1 || n > UINTPTR_MAX >> 4)
			return false;
		n = n << 4 | (uintptr_t)span_hex(s.p[i]);
	}
	*out = n;
	return s.len > 0;
}

/*
 * One line of /proc/self/maps.  True when the memory can be written to and
 * executed: it then becomes read-only.  Only memory without a name is JIT
 * code; whatever else is so was never meant to be.
 */
static bool
seal_mapping(struct span line)
{
	struct span rest = line, range, rights, from, skipped;
	union {
		uintptr_t	 number;
		void		*address;
	} at;
	uintptr_t start, end;
	size_t i;

	if (!span_next(&rest, ' ', &range) || !span_next(&range, '-', &from) ||
	    !read_address(from, &start) || !read_address(range, &end) ||
	    start >= end || !span_next(&rest, ' ', &rights) || rights.len < 3)
		fatalx(HOPELESS, "sandbox: /proc/self/maps cannot be read");
	if (rights.p[1] != 'w' || rights.p[2] != 'x')
		return false;
	/* Offset, device, inode. */
	for (i = 0; i < 3; i++)
		(void)span_next(&rest, ' ', &skipped);
	if (rest.p != NULL && span_trim(rest).len > 0)
		fatalx(HOPELESS, "sandbox: memory of %.*s can be written to "
		    "and executed", (int)span_trim(rest).len,
		    span_trim(rest).p);
	at.number = start;
	if (mprotect(at.address, end - start, PROT_READ | PROT_EXEC) != 0)
		fatal(HOPELESS, "sandbox: mprotect");
	return true;
}

/* Look at all memory; true when some was sealed.  There may be no memory for
 * stdio or malloc in some distant C library: a line at a time in place. */
static bool
seal_all(void)
{
	char buf[MAPS_READ_CAP], line[MAPS_LINE_CAP];
	size_t len;
	ssize_t i, n;
	bool found;
	int fd;

	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		fatal(HOPELESS, "sandbox: /proc/self/maps");
	found = false;
	len = 0;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++) {
			if (buf[i] != '\n') {
				if (len < sizeof(line))
					line[len++] = buf[i];
				continue;
			}
			if (seal_mapping((struct span){ line, len }))
				found = true;
			len = 0;
		}
	if (n == -1)
		fatal(HOPELESS, "sandbox: /proc/self/maps");
	(void)close(fd);
	return found;
}

/* The second look is only needed when there was something to do. */
static void
seal_memory(void)
{
	if (!seal_all())
		return;
	if (seal_all())
		fatalx(HOPELESS, "sandbox: memory stays both writable and "
		    "executable");
}

/* -- the filter -- */

/* siginfo's code for a refused call; not in every C library. */
#define CODE_SECCOMP 1

static const char *process_word;

/* One line, and then the death that would have come without it.  Runs under
 * the filter, and interrupts nothing but the refused call. */
static void
handle_refusal(int sig, siginfo_t *info, void *context)
{
	const char *name;
	struct log_line line;

	(void)context;
	if (info->si_code == CODE_SECCOMP) {
		name = filter_name(info->si_syscall);
		log_begin(&line, LOG_LEVEL_ERROR, "security");
		log_str(&line, "what", "system-call");
		if (name != NULL)
			log_str(&line, "call", name);
		else
			log_number(&line, "call", (unsigned)info->si_syscall);
		log_number(&line, "number", (unsigned)info->si_syscall);
		log_str(&line, "process", process_word);
		log_number(&line, "pid", (uint64_t)getpid());
		log_end(&line);
	}
	/* The handler is gone and the signal is not blocked: see below. */
	(void)syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), sig);
	_exit(1);
}

static void
handle_refusals(const char *word)
{
	struct sigaction action = {
		.sa_sigaction = handle_refusal,
		.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER
	};

	process_word = word;
	if (sigaction(SIGSYS, &action, NULL) == -1)
		fatal(HOPELESS, "sandbox: sigaction");
}

static bool
has_action(uint32_t action)
{
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* Kernels before 4.14 end the thread, which is all that we have. */
static uint32_t
kill_action(void)
{
	return has_action(SECCOMP_RET_KILL_PROCESS) ?
	    SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_KILL;
}

static uint32_t
refuse_action(enum sandbox_mode mode)
{
	switch (mode) {
	case SANDBOX_TRAP:
		return SECCOMP_RET_TRAP;
	case SANDBOX_LOG:
		if (!has_action(SECCOMP_RET_LOG))
			fatalx(HOPELESS, "--sandbox log: this kernel cannot");
		return SECCOMP_RET_LOG;
	default:
		return kill_action();
	}
}

static void
enter_filter(enum sandbox_mode mode, enum filter_role role,
    const uint32_t own[FILTER_OWN_COUNT])
{
	struct filter_program program;
	struct sock_fprog to_kernel;

	filter_make(&program, role, own, refuse_action(mode), kill_action());
	to_kernel.len = (unsigned short)program.len;
	to_kernel.filter = program.code;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &to_kernel) != 0)
		fatal(HOPELESS, "sandbox: seccomp");
}

/* A second thread would stay outside.  Each has a folder here. */
static void
check_alone(void)
{
	struct stat st;

	if (stat("/proc/self/task", &st) != 0)
		fatal(HOPELESS, "sandbox: /proc/self/task");
	if (st.st_nlink != 3)
		fatalx(HOPELESS, "sandbox: there are other threads");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		fatalx(HOPELESS, "sandbox: new privileges are possible");
}

static void
enter(enum sandbox_mode mode, enum filter_role role,
    const struct sandbox_worker *own)
{
	const uint32_t values[FILTER_OWN_COUNT] = {
		[FILTER_OWN_LISTEN] = (uint32_t)own->listen_fd,
		[FILTER_OWN_GATE] = (uint32_t)own->gate_fd,
		[FILTER_OWN_PARK] = (uint32_t)own->park_fd,
		[FILTER_OWN_WAKE] = (uint32_t)own->wake_fd,
		[FILTER_OWN_LANE] = (uint32_t)own->lane_fd,
		[FILTER_OWN_WHOIS] = (uint32_t)own->whois_fd,
		[FILTER_OWN_PID] = (uint32_t)getpid(),
		[FILTER_OWN_TID] = (uint32_t)syscall(SYS_gettid),
	};

	if (mode == SANDBOX_OFF)
		return;
	check_alone();
	seal_memory();
	if (mode == SANDBOX_TRAP)
		handle_refusals(filter_role_word(role));
	landlock_enter(role == FILTER_GATE || role == FILTER_WHOIS,
	    role == FILTER_WHOIS);
	enter_filter(mode, role, values);
}

bool
sandbox_is_built(void)
{
	return true;
}

struct sandbox_support
sandbox_support(void)
{
	struct sandbox_support s;

	/* A filter at address 0: only a kernel that has filters looks. */
	s.has_filter = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
	    NULL) == -1 && errno == EFAULT;
	s.landlock_abi = landlock_abi();
	return s;
}

void
sandbox_enter_worker(enum sandbox_mode mode, const struct sandbox_worker *own)
{
	enter(mode, FILTER_WORKER, own);
}

void
sandbox_enter_gate(enum sandbox_mode mode)
{
	const struct sandbox_worker none = { -1, -1, -1, -1, -1, -1 };

	enter(mode, FILTER_GATE, &none);
}

void
sandbox_enter_whois(enum sandbox_mode mode)
{
	const struct sandbox_worker none = { -1, -1, -1, -1, -1, -1 };

	enter(mode, FILTER_WHOIS, &none);
}

void
sandbox_enter_park(enum sandbox_mode mode, int pair_fd)
{
	const struct sandbox_worker own = { -1, -1, pair_fd, -1, -1, -1 };

	enter(mode, FILTER_PARK, &own);
}

void
sandbox_enter_metrics(enum sandbox_mode mode, int listen_fd)
{
	const struct sandbox_worker own = { listen_fd, -1, -1, -1, -1, -1 };

	enter(mode, FILTER_METRICS, &own);
}

void
sandbox_enter_door(enum sandbox_mode mode, const struct sandbox_worker *own)
{
	enter(mode, FILTER_DOOR, own);
}

#else /* without the sandbox */

bool
sandbox_is_built(void)
{
	return false;
}

struct sandbox_support
sandbox_support(void)
{
	return (struct sandbox_support){ false, 0 };
}

static void
refuse(enum sandbox_mode mode)
{
	if (mode != SANDBOX_OFF)
		fatalx(HOPELESS, "--sandbox %s: this program was built "
		    "without it", sandbox_mode_word(mode));
}

void
sandbox_enter_worker(enum sandbox_mode mode, const struct sandbox_worker *own)
{
	(void)own; /* nothing is made of it */
	refuse(mode);
}

void
sandbox_enter_door(enum sandbox_mode mode, const struct sandbox_worker *own)
{
	(void)own; /* likewise */
	refuse(mode);
}

void
sandbox_enter_gate(enum sandbox_mode mode)
{
	refuse(mode);
}

void
sandbox_enter_whois(enum sandbox_mode mode)
{
	refuse(mode);
}

void
sandbox_enter_park(enum sandbox_mode mode, int pair_fd)
{
	(void)pair_fd; /* likewise */
	refuse(mode);
}

void
sandbox_enter_metrics(enum sandbox_mode mode, int listen_fd)
{
	(void)listen_fd; /* likewise */
	refuse(mode);
}

#endif
