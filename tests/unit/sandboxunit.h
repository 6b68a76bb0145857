#ifndef DSP_SANDBOXUNIT_H
#define DSP_SANDBOXUNIT_H

/*
 * What the tests of the sandbox share: children that are shut in and then
 * make an attempt.  A refused call ends the child by SIGSYS.
 */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "sandbox.h"
#include "unit.h"

enum role {
	WORKER,
	GATE,
	PARK,
	METRICS,
	DOOR,
	WHOIS,
	ROLES
};

static const char *const role_words[] = { "worker", "gate", "park",
	"metrics", "door", "whois" };

/* Descriptors of every child, in their places. */
enum {
	LISTEN = 50,
	PAIR,		/* to the gate */
	LOT,		/* to the parking process, or its end of that pair */
	EPOLL,
	WAKE,
	CLIENT,
	PEER,		/* the other end of CLIENT */
	OTHER_LISTEN,
	ASK,		/* to whois, of a worker */
	LAST_FD
};

static const struct sandbox_worker own = {
	.listen_fd = LISTEN,
	.gate_fd = PAIR,
	.park_fd = LOT,
	.wake_fd = WAKE,
	.lane_fd = -1,
	.whois_fd = ASK
};

/* A door that has one lane, and may ask whois. */
static const struct sandbox_worker own_door = {
	.listen_fd = LISTEN,
	.gate_fd = -1,
	.park_fd = -1,
	.wake_fd = WAKE,
	.lane_fd = CLIENT,
	.whois_fd = LOT
};

/* What the last child wrote to standard error. */
static char said[8192];

/* What its act returned; the filter does not let every code pass. */
static int *result;

/* Names of nothing. */
static struct sockaddr_un nowhere = { .sun_family = AF_UNIX };
static char new_file[64], new_folder[64];

static inline void
put(int fd, int place)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_int_lt(fd, LISTEN);
	ck_assert_int_eq(dup2(fd, place), place);
	(void)close(fd);
}

/* A listening socket with a name that the kernel chooses. */
static inline int
open_listener(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any,
	    sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	return fd;
}

static inline void
set_up(void)
{
	const struct rlimit none = { 0, 0 };
	int ends[2];

	ck_assert_int_eq(setrlimit(RLIMIT_CORE, &none), 0);
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(result, MAP_FAILED);
	(void)snprintf(nowhere.sun_path, sizeof(nowhere.sun_path),
	    "/tmp/check_sandbox.%ld.none", (long)getpid());
	(void)snprintf(new_file, sizeof(new_file),
	    "/tmp/check_sandbox.%ld.file", (long)getpid());
	(void)snprintf(new_folder, sizeof(new_folder),
	    "/tmp/check_sandbox.%ld.folder", (long)getpid());
	put(open_listener(), LISTEN);
	put(open_listener(), OTHER_LISTEN);
	put(eventfd(0, EFD_NONBLOCK), WAKE);
	put(epoll_create1(0), EPOLL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	put(ends[0], PAIR);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	put(ends[0], LOT);
	put(ends[1], ASK);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	put(ends[0], CLIENT);
	put(ends[1], PEER);
}

static inline void
enter(enum role role, enum sandbox_mode mode)
{
	if (role == WORKER)
		sandbox_enter_worker(mode, &own);
	else if (role == GATE)
		sandbox_enter_gate(mode);
	else if (role == PARK)
		sandbox_enter_park(mode, LOT);
	else if (role == METRICS)
		sandbox_enter_metrics(mode, LISTEN);
	else if (role == WHOIS)
		sandbox_enter_whois(mode);
	else
		sandbox_enter_door(mode, &own_door);
}

static inline pid_t
start(enum role role, enum sandbox_mode mode, void (*before)(void),
    int (*act)(const void *), const void *arg, int err_fd)
{
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid != 0)
		return pid;
	if (dup2(err_fd, STDERR_FILENO) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(100);
	if (before != NULL)
		before();
	enter(role, mode);
	*result = act(arg);
	_exit(0);
}

/*
 * Shut a child in, let it act, and give its wait status.  before runs in
 * front of the door.
 */
static inline int
run_with(enum role role, enum sandbox_mode mode, void (*before)(void),
    int (*act)(const void *), const void *arg)
{
	int ends[2], status;
	size_t len;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	*result = 0;
	pid = start(role, mode, before, act, arg, ends[1]);
	(void)close(ends[1]);
	len = 0;
	while ((n = read(ends[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	(void)close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* As wait(2) gives an exit code. */
	return status == 0 ? *result << 8 : status;
}

static inline int
run(enum role role, enum sandbox_mode mode, int (*act)(const void *),
    const void *arg)
{
	return run_with(role, mode, NULL, act, arg);
}

static inline bool
ended(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static inline const char *
show(int status)
{
	static char text[64];

	if (WIFSIGNALED(status))
		(void)snprintf(text, sizeof(text), "died by signal %d",
		    WTERMSIG(status));
	else
		(void)snprintf(text, sizeof(text), "ended with %d",
		    WEXITSTATUS(status));
	return text;
}

static inline bool
died_by(int status, int sig)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

enum {
	REFUSED = -1,
	WORKS = 0	/* everything else is the errno that shows that the
			 * call was made */
};

/* Arguments that only the child knows. */
#define MY_PID	(LONG_MIN + 1)
#define MY_TID	(LONG_MIN + 2)
#define PARENT	(LONG_MIN + 3)

struct attempt {
	const char	*what;
	long		 nr;
	long		 args[6];
	int		 expect;
};

#define P(object) ((long)&(object))

static long parent;

static inline long
resolve(long arg)
{
	switch (arg) {
	case MY_PID:
		return getpid();
	case MY_TID:
		return syscall(SYS_gettid);
	case PARENT:
		return parent;
	default:
		return arg;
	}
}

/* The errno, or 0. */
static inline int
make_call(const void *arg)
{
	const struct attempt *a = arg;
	long args[6];
	int i;

	for (i = 0; i < 6; i++)
		args[i] = resolve(a->args[i]);
	return syscall(a->nr, args[0], args[1], args[2], args[3], args[4],
	    args[5]) == -1 ? errno : 0;
}

static inline void
assert_attempt(enum role role, enum sandbox_mode mode,
    const struct attempt *a)
{
	int status;

	parent = getpid();
	status = run(role, mode, make_call, a);
	ck_assert_msg(a->expect == REFUSED ? died_by(status, SIGSYS) :
	    ended(status, a->expect), "%s: %s: %s", role_words[role], a->what,
	    show(status));
}

/* sandbox_case(s, name): a case whose tests have the descriptors above. */
static inline TCase *
sandbox_case(Suite *s, const char *name)
{
	TCase *tc = unit_case(s, name);

	tcase_add_checked_fixture(tc, set_up, NULL);
	return tc;
}

/* The version of Landlock that refuses all that is tried. */
#define LANDLOCK_WHOLE	6

/* Stands for cases that this build or kernel cannot have: TAP shows the name,
 * with the reason. */
START_TEST(left_out)
{
	ck_assert(!sandbox_is_built() ||
	    sandbox_support().landlock_abi < LANDLOCK_WHOLE);
}
END_TEST

static inline void
leave_out(Suite *s, const char *name)
{
	tcase_add_test(unit_case(s, name), left_out);
}

#endif /* DSP_SANDBOXUNIT_H */
