/*
 * What being shut in does to a process besides the calls that it loses: when
 * it fails, what is said about a refusal, what still works, memory that was
 * executable, and Landlock.
 */
#include "config.h"

#include "sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>

#include "log.h"
#include "rule.h"
#include "sandboxunit.h"

static int
do_nothing(const void *arg)
{
	(void)arg;
	return 0;
}

/* -- the door itself -- */

START_TEST(words)
{
	ck_assert_str_eq(sandbox_mode_word(SANDBOX_TRAP), "trap");
	ck_assert_str_eq(sandbox_mode_word(SANDBOX_KILL), "kill");
	ck_assert_str_eq(sandbox_mode_word(SANDBOX_LOG), "log");
	ck_assert_str_eq(sandbox_mode_word(SANDBOX_OFF), "off");
}
END_TEST

static int
do_everything(const void *arg)
{
	(void)arg;
	return open("/", O_RDONLY) >= 0 && getppid() > 0 ? 0 : 1;
}

START_TEST(off_does_nothing)
{
	int status;

	status = run((enum role)_i, SANDBOX_OFF, do_everything, NULL);
	ck_assert_msg(ended(status, 0), "%s: %s", role_words[_i],
	    show(status));
	ck_assert_str_eq(said, "");
}
END_TEST

/* A program without a sandbox must not pretend to have one. */
START_TEST(not_built)
{
	static const enum sandbox_mode modes[] = { SANDBOX_TRAP, SANDBOX_KILL,
		SANDBOX_LOG };
	int i, role, status;

	if (sandbox_is_built()) {
		ck_assert(sandbox_support().has_filter);
		return;
	}
	ck_assert(!sandbox_support().has_filter);
	for (i = 0; i < ROWS(modes); i++)
		for (role = WORKER; role < ROLES; role++) {
			status = run((enum role)role, modes[i], do_nothing,
			    NULL);
			ck_assert_msg(ended(status, 2), "%s", show(status));
			ck_assert_ptr_nonnull(strstr(said, "built"));
		}
}
END_TEST

#ifdef WITH_SANDBOX

START_TEST(needs_no_new_privs)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)close(STDERR_FILENO);
		enter((enum role)_i, SANDBOX_KILL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(ended(status, 2), "%s", show(status));
}
END_TEST

static void *
wait_for_ever(void *arg)
{
	(void)pause();
	return arg;
}

static void
start_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
		_exit(100);
}

START_TEST(needs_to_be_alone)
{
	int status;

	status = run_with((enum role)_i, SANDBOX_KILL, start_thread,
	    do_nothing, NULL);
	ck_assert_msg(ended(status, 2), "%s", show(status));
	ck_assert_ptr_nonnull(strstr(said, "threads"));
}
END_TEST

/* -- what is said -- */

START_TEST(trap_names)
{
	static const struct {
		long nr;
		const char *begin;
	} rows[] = {
		{ SYS_openat, "error security what=system-call call=openat "
		    "number=" },
		{ SYS_ptrace, "error security what=system-call call=ptrace "
		    "number=" },
		{ 4000, "error security what=system-call call=4000 "
		    "number=4000 " }
	};
	struct attempt a;
	int i, role, status;

	for (i = 0; i < ROWS(rows); i++)
		for (role = WORKER; role < ROLES; role++) {
			a = (struct attempt){ .nr = rows[i].nr };
			status = run((enum role)role, SANDBOX_TRAP, make_call,
			    &a);
			ck_assert(died_by(status, SIGSYS));
			ck_assert_msg(strncmp(said, rows[i].begin,
			    strlen(rows[i].begin)) == 0, "%s", said);
		}
}
END_TEST

START_TEST(kill_says_nothing)
{
	const struct attempt a = { .nr = SYS_getppid };

	ck_assert(died_by(run((enum role)_i, SANDBOX_KILL, make_call, &a),
	    SIGSYS));
	ck_assert_str_eq(said, "");
}
END_TEST

/* SIGSYS blocked, as a process that was taken over could have it. */
static int
block_and_call(const void *arg)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	return make_call(arg);
}

START_TEST(trap_blocked)
{
	const struct attempt a = { .nr = SYS_getppid };

	ck_assert(died_by(run((enum role)_i, SANDBOX_TRAP, block_and_call,
	    &a), SIGSYS));
}
END_TEST

/* Somebody else's SIGSYS is no refusal. */
static int
raise_it(const void *arg)
{
	(void)arg;
	(void)syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid),
	    SIGSYS);
	return 0;
}

START_TEST(trap_foreign_signal)
{
	ck_assert(died_by(run((enum role)_i, SANDBOX_TRAP, raise_it, NULL),
	    SIGSYS));
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(log_passes)
{
	const struct attempt a = { .nr = SYS_getppid };

	ck_assert(ended(run((enum role)_i, SANDBOX_LOG, make_call, &a), 0));
}
END_TEST

/* -- life goes on -- */

static volatile sig_atomic_t seen;

static void
note(int sig)
{
	seen = sig;
}

static void
catch_signal(void)
{
	if (signal(SIGUSR1, note) == SIG_ERR)
		_exit(100);
}

static int
signal_itself(const void *arg)
{
	(void)arg;
	return raise(SIGUSR1) == 0 && seen == SIGUSR1 ? 0 : 1;
}

START_TEST(handlers_return)
{
	int status;

	status = run_with((enum role)_i, SANDBOX_KILL, catch_signal,
	    signal_itself, NULL);
	ck_assert_msg(ended(status, 0), "%s", show(status));
}
END_TEST

static int
abort_itself(const void *arg)
{
	(void)arg;
	bug("a test");
}

START_TEST(bugs_abort)
{
	int status;

	status = run((enum role)_i, SANDBOX_KILL, abort_itself, NULL);
	ck_assert_msg(died_by(status, SIGABRT), "%s", show(status));
	ck_assert_str_eq(said, "error bug: a test\n");
}
END_TEST

static int
wait_a_moment(const void *arg)
{
	(void)arg;
	return poll(NULL, 0, 300) == 0 ? 0 : 1;
}

START_TEST(stopped_and_continued)
{
	int status;
	pid_t pid;

	pid = start((enum role)_i, SANDBOX_KILL, NULL, wait_a_moment, NULL,
	    STDERR_FILENO);
	(void)poll(NULL, 0, 100);
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(ended(status, 0), "%s", show(status));
}
END_TEST

static int
log_lines(const void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 3; i++)
		log_info("line %d", i);
	return 0;
}

/* Where standard error goes in log_to_file. */
static char log_path[] = "/tmp/check_sandbox.XXXXXX";

static void
open_log(void)
{
	int fd;

	fd = open(log_path, O_WRONLY | O_APPEND);
	if (fd == -1 || dup2(fd, STDERR_FILENO) == -1 || close(fd) != 0)
		_exit(100);
	log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TO_STDERR);
}

START_TEST(log_to_pipe)
{
	int status;

	status = run((enum role)_i, SANDBOX_KILL, log_lines, NULL);
	ck_assert_msg(ended(status, 0), "%s", show(status));
	ck_assert_str_eq(said, "info line 0\ninfo line 1\ninfo line 2\n");
}
END_TEST

START_TEST(log_to_file)
{
	char text[256];
	ssize_t len;
	int fd, status;

	strcpy(log_path + strlen(log_path) - 6, "XXXXXX");
	fd = mkstemp(log_path);
	ck_assert_int_ge(fd, 0);
	status = run_with((enum role)_i, SANDBOX_KILL, open_log, log_lines,
	    NULL);
	len = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	(void)unlink(log_path);
	ck_assert_msg(ended(status, 0), "%s", show(status));
	ck_assert_int_ge(len, 0);
	text[len] = '\0';
	ck_assert_str_eq(text, "info line 0\ninfo line 1\ninfo line 2\n");
}
END_TEST

/* -- memory -- */

static char *page;

/* As a JIT compiler leaves it; the code returns at once. */
static void
map_code(void)
{
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		_exit(100);
#if defined(__x86_64__)
	page[0] = (char)0xc3;
#elif defined(__aarch64__)
	memcpy(page, "\xc0\x03\x5f\xd6", 4);
#elif defined(__riscv)
	memcpy(page, "\x82\x80", 2);
#else
	memcpy(page, "\x1e\xff\x2f\xe1", 4);
#endif
	__builtin___clear_cache(page, page + 4);
}

static int
execute_code(const void *arg)
{
	void (*code)(void);

	(void)arg;
	memcpy(&code, &page, sizeof(code));
	code();
	return 0;
}

static int
change_code(const void *arg)
{
	(void)arg;
	*(volatile char *)page = 0;
	return 0;
}

START_TEST(code_is_sealed)
{
	int status;

	status = run_with((enum role)_i, SANDBOX_OFF, map_code, change_code,
	    NULL);
	ck_assert_msg(ended(status, 0), "without: %s", show(status));
	status = run_with((enum role)_i, SANDBOX_KILL, map_code, execute_code,
	    NULL);
	ck_assert_msg(ended(status, 0), "execute: %s", show(status));
	status = run_with((enum role)_i, SANDBOX_KILL, map_code, change_code,
	    NULL);
	ck_assert_msg(died_by(status, SIGSEGV), "change: %s", show(status));
}
END_TEST

static int maps_fd;

static void
map_much_code(void)
{
	int i;

	for (i = 0; i < 200; i++) {
		map_code();
		/* A hole, so that the next one is a mapping of its own. */
		if (mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0) == MAP_FAILED)
			_exit(100);
	}
	maps_fd = open("/proc/self/maps", O_RDONLY);
	if (maps_fd == -1)
		_exit(100);
}

/* Count what can be executed; 255 when something can be written as well. */
static int
look_at_maps(const void *arg)
{
	static char text[65536];
	size_t len;
	ssize_t n;
	int count;
	char *at;

	(void)arg;
	len = 0;
	while ((n = read(maps_fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	if (strstr(text, " rwx") != NULL || strstr(text, " -wx") != NULL)
		return 255;
	count = 0;
	for (at = text; (at = strstr(at, " r-xp 00000000 00:00 0 \n")) != NULL;
	    at++)
		count++;
	return count;
}

START_TEST(all_code_is_sealed)
{
	int status;

	status = run_with((enum role)_i, SANDBOX_LOG, map_much_code,
	    look_at_maps, NULL);
	ck_assert_msg(ended(status, 200), "%s", show(status));
}
END_TEST

static void
map_named_code(void)
{
	int fd;

	fd = open("/proc/self/exe", O_RDONLY);
	if (fd == -1 || mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE, fd, 0) == MAP_FAILED)
		_exit(100);
}

START_TEST(named_code_is_fatal)
{
	int status;

	status = run_with((enum role)_i, SANDBOX_KILL, map_named_code,
	    do_nothing, NULL);
	ck_assert_msg(ended(status, 2), "%s", show(status));
	ck_assert_ptr_nonnull(strstr(said, "can be written to and executed"));
}
END_TEST

static struct rule rule;
static struct rule_matcher matcher;

static void
compile_rule(void)
{
	static const char line[] = "GET /v1\\.(2[4-9]|[3-9]\\d)/x(/.*)?";
	char error[RULE_ERROR_CAP];

	if (!rule_parse(SPAN(line), 1, &rule, error) ||
	    !rule_matcher_init(&matcher))
		_exit(100);
}

/* Rules are still matched, by code that was compiled before. */
static int
match_rule(const void *arg)
{
	(void)arg;
	if (rule_match(&rule, &matcher, SPAN("GET"), SPAN("/v1.41/x/y")) !=
	    RULE_MATCH)
		return 1;
	if (rule_match(&rule, &matcher, SPAN("GET"), SPAN("/v1.23/x")) !=
	    RULE_NO_MATCH)
		return 2;
	return 0;
}

START_TEST(rules_match)
{
	int status;

	status = run_with((enum role)_i, SANDBOX_KILL, compile_rule,
	    match_rule, NULL);
	ck_assert_msg(ended(status, 0), "%s", show(status));
}
END_TEST

/* -- Landlock, alone: the filter lets everything pass and logs it -- */

/* What is refused from version abi on, in their order. */
static const struct {
	int		 abi;
	struct attempt	 attempt;
} landlock_attempts[] = {
	{ 1, { "read a file", SYS_openat, { AT_FDCWD,
	    (long)"/etc/passwd", O_RDONLY }, EACCES } },
	{ 1, { "read a folder", SYS_openat, { AT_FDCWD,
	    (long)"/tmp", O_RDONLY | O_DIRECTORY }, EACCES } },
	{ 1, { "make a file", SYS_openat, { AT_FDCWD, P(new_file),
	    O_WRONLY | O_CREAT, 0600 }, EACCES } },
	{ 1, { "make a folder", SYS_mkdirat, { AT_FDCWD,
	    P(new_folder), 0700 }, EACCES } },
	{ 1, { "execute", SYS_execve, { (long)"/bin/sh", 0, 0 },
	    EACCES } },
	{ 3, { "truncate", SYS_truncate, { (long)"/proc/self/comm",
	    0 }, EACCES } },
	{ 6, { "signal the parent", SYS_kill, { PARENT, 0 },
	    EPERM } },
};

START_TEST(landlock_refuses)
{
	int role;

	for (role = WORKER; role < ROLES; role++)
		assert_attempt((enum role)role, SANDBOX_LOG,
		    &landlock_attempts[_i].attempt);
}
END_TEST

/* The errno of connecting a fresh socket, or 0. */
static int
connect_to(int family, const void *address, socklen_t len)
{
	int fd;

	fd = socket(family, SOCK_STREAM, 0);
	if (fd == -1)
		return 255;
	return connect(fd, address, len) == 0 ? 0 : errno;
}

static int
connect_tcp(const void *arg)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(1), .sin_addr = { htonl(0x7f000001) } };

	(void)arg;
	return connect_to(AF_INET, &in, sizeof(in));
}

struct name {
	struct sockaddr_un	sun;
	socklen_t		len;
};

static int
connect_unix(const void *arg)
{
	const struct name *name = arg;

	return connect_to(AF_UNIX, &name->sun, name->len);
}

START_TEST(landlock_tcp)
{
	int status;

	status = run((enum role)_i, SANDBOX_OFF, connect_tcp, NULL);
	ck_assert_msg(ended(status, ECONNREFUSED), "%s", show(status));
	if (sandbox_support().landlock_abi < 4)
		return;
	status = run((enum role)_i, SANDBOX_LOG, connect_tcp, NULL);
	ck_assert_msg(ended(status, EACCES), "%s", show(status));
}
END_TEST

START_TEST(landlock_abstract)
{
	struct name name = { .len = sizeof(name.sun) };
	int status;

	ck_assert_int_eq(getsockname(LISTEN, (struct sockaddr *)&name.sun,
	    &name.len), 0);
	status = run((enum role)_i, SANDBOX_OFF, connect_unix, &name);
	ck_assert_msg(ended(status, 0), "%s", show(status));
	if (sandbox_support().landlock_abi < 6)
		return;
	status = run((enum role)_i, SANDBOX_LOG, connect_unix, &name);
	ck_assert_msg(ended(status, EPERM), "%s", show(status));
}
END_TEST

/* Files of /proc: whois reads them, and writes none. */
START_TEST(landlock_proc)
{
	struct attempt a = { "read below /proc", SYS_openat, { AT_FDCWD,
	    (long)"/proc/self/cgroup", O_RDONLY | O_CLOEXEC },
	    _i == WHOIS ? WORKS : EACCES };

	assert_attempt((enum role)_i, SANDBOX_LOG, &a);
	a = (struct attempt){ "write below /proc", SYS_openat, { AT_FDCWD,
	    (long)"/proc/self/comm", O_WRONLY }, EACCES };
	assert_attempt((enum role)_i, SANDBOX_LOG, &a);
}
END_TEST

/* A socket by its path: the gate and whois must reach it, others where the
 * kernel cannot yet tell. */
START_TEST(landlock_path)
{
	struct name name = { .sun = { .sun_family = AF_UNIX },
		.len = sizeof(name.sun) };
	int abi = sandbox_support().landlock_abi;
	int fd, status;

	(void)snprintf(name.sun.sun_path, sizeof(name.sun.sun_path),
	    "/tmp/check_sandbox.%ld", (long)getpid());
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name.sun, name.len), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	status = run((enum role)_i, SANDBOX_LOG, connect_unix, &name);
	(void)unlink(name.sun.sun_path);
	ck_assert_msg(ended(status, _i != GATE && _i != WHOIS && abi >= 9 ?
	    EACCES : 0),
	    "%s", show(status));
}
END_TEST

static void
add_landlock_cases(Suite *s)
{
	int abi = sandbox_support().landlock_abi;
	TCase *tc;
	int n;

	if (abi < LANDLOCK_WHOLE)
		leave_out(s, "landlock # SKIP this kernel lacks some of it");
	for (n = 0; n < ROWS(landlock_attempts); n++)
		if (landlock_attempts[n].abi > abi)
			break;
	tc = sandbox_case(s, "landlock");
	tcase_add_loop_test(tc, landlock_refuses, 0, n);
	tcase_add_loop_test(tc, landlock_tcp, WORKER, ROLES);
	tcase_add_loop_test(tc, landlock_abstract, WORKER, ROLES);
	tcase_add_loop_test(tc, landlock_path, WORKER, ROLES);
	if (abi > 0)
		tcase_add_loop_test(tc, landlock_proc, WORKER, ROLES);
}

static void
add_cases(Suite *s)
{
	TCase *tc;

	tc = sandbox_case(s, "modes");
	tcase_add_loop_test(tc, needs_no_new_privs, WORKER, ROLES);
	tcase_add_loop_test(tc, needs_to_be_alone, WORKER, ROLES);
	tcase_add_test(tc, trap_names);
	tcase_add_loop_test(tc, trap_blocked, WORKER, ROLES);
	tcase_add_loop_test(tc, trap_foreign_signal, WORKER, ROLES);
	tcase_add_loop_test(tc, kill_says_nothing, WORKER, ROLES);
	tcase_add_loop_test(tc, log_passes, WORKER, ROLES);
	tc = sandbox_case(s, "life");
	tcase_add_loop_test(tc, handlers_return, WORKER, ROLES);
	tcase_add_loop_test(tc, bugs_abort, WORKER, ROLES);
	tcase_add_loop_test(tc, stopped_and_continued, WORKER, ROLES);
	tcase_add_loop_test(tc, log_to_pipe, WORKER, ROLES);
	tcase_add_loop_test(tc, log_to_file, WORKER, ROLES);
	tc = sandbox_case(s, "memory");
	tcase_add_loop_test(tc, code_is_sealed, WORKER, ROLES);
	tcase_add_loop_test(tc, all_code_is_sealed, WORKER, ROLES);
	tcase_add_loop_test(tc, named_code_is_fatal, WORKER, ROLES);
	tcase_add_loop_test(tc, rules_match, WORKER, ROLES);
	add_landlock_cases(s);
}

#else

static void
add_cases(Suite *s)
{
	leave_out(s, "all others # SKIP built with --disable-sandbox");
}

#endif

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("sandbox");
	TCase *tc;

	tc = sandbox_case(s, "door");
	tcase_add_test(tc, words);
	tcase_add_loop_test(tc, off_does_nothing, WORKER, ROLES);
	tcase_add_test(tc, not_built);
	add_cases(s);
	return s;
}
