/*
 * A worker that was taken over: reads commands, does them, answers.  Needs
 * nothing of the system but to receive from its client and to send to it,
 * so that whatever else it tries is the client's attack.
 */

#include "config.h"

#include "hijack.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

/* How long a client may take to speak, before it is taken for a common
 * one. */
#define GREETING_MS	200

#define ARENA_CAP	(2U << 20)	/* for the client's own use */
#define LINE_CAP	(64U << 10)
#define GET_CAP		(LINE_CAP / 2 - 8)
#define POKE_CAP	16
#define ARGS		6

static unsigned char arena[ARENA_CAP];
static char line[LINE_CAP];
static char answer[LINE_CAP];
static pid_t own_pid;

/* Asked for before the filter is there. */
static void
note_pid(void)
{
	own_pid = getpid();
}

static __attribute__((constructor)) void
note_forks(void)
{
	if (pthread_atfork(NULL, NULL, note_pid) != 0)
		abort();
}

bool
hijack_wants(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN | POLLPRI };

	/* The filter lets nobody look at bytes without taking them, so the
	 * sign is one that needs no look. */
	return io_wait(&wait, 1, io_now_ms() + GREETING_MS, NULL) == IO_OK &&
	    (wait.revents & POLLPRI) != 0;
}

/* True when the last receive or send is to be tried again. */
static bool
is_again(int fd, short events)
{
	struct pollfd wait = { .fd = fd, .events = events };

	if (errno == EINTR)
		return true;
	return (errno == EAGAIN || errno == EWOULDBLOCK) &&
	    io_wait(&wait, 1, IO_NEVER, NULL) == IO_OK;
}

/* A line without its end; false when there is none any more. */
static bool
take_line(int fd)
{
	static char held[LINE_CAP];
	static size_t len;
	ssize_t n;
	char *end;
	size_t used;

	while ((end = memchr(held, '\n', len)) == NULL) {
		if (len == sizeof(held))
			return false;
		n = read(fd, held + len, sizeof(held) - len);
		if (n == -1 && is_again(fd, POLLIN))
			continue;
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	used = (size_t)(end - held) + 1;
	memcpy(line, held, used);
	line[used - 1] = '\0';
	memmove(held, held + used, len - used);
	len -= used;
	return true;
}

static void
say(int fd)
{
	size_t done, len;
	ssize_t n;

	len = strlen(answer);
	answer[len++] = '\n';
	for (done = 0; done < len; done += (size_t)n) {
		n = send(fd, answer + done, len - done, MSG_NOSIGNAL);
		if (n == -1 && is_again(fd, POLLOUT))
			n = 0;
		if (n == -1)
			_exit(0);
	}
}

/* The numbers behind the command; those that are not there are 0. */
static const char *
numbers(const char *at, uint64_t *out, size_t count)
{
	char *end;
	size_t i;

	for (i = 0; i < count; i++) {
		out[i] = strtoull(at, &end, 16);
		at = end;
	}
	return at;
}

/* The value of a hexadecimal digit; the client writes small ones. */
static unsigned
digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

/* How many there are. */
static size_t
bytes(const char *at, unsigned char *out, size_t cap)
{
	size_t n;

	for (n = 0; n < cap && at[0] != '\0' && at[1] != '\0'; at += 2)
		out[n++] = (unsigned char)(digit(at[0]) << 4 | digit(at[1]));
	return n;
}

static void
do_put(const char *at)
{
	uint64_t offset;

	at = numbers(at, &offset, 1);
	at += *at == ' ';
	if (offset <= ARENA_CAP)
		(void)bytes(at, arena + offset, ARENA_CAP - offset);
	(void)snprintf(answer, sizeof(answer), "ok");
}

static void
do_get(const char *at)
{
	uint64_t what[2];
	size_t i;

	(void)numbers(at, what, 2);
	answer[0] = '\0';
	if (what[0] > ARENA_CAP || what[1] > ARENA_CAP - what[0] ||
	    what[1] > GET_CAP)
		return;
	for (i = 0; i < what[1]; i++) {
		answer[2 * i] = "0123456789abcdef"[arena[what[0] + i] >> 4];
		answer[2 * i + 1] =
		    "0123456789abcdef"[arena[what[0] + i] & 15];
	}
	answer[2 * i] = '\0';
}

static void
do_poke(const char *at)
{
	unsigned char piece[POKE_CAP];
	volatile unsigned char *to;
	uint64_t what[2], i;
	size_t len;

	at = numbers(at, what, 2);
	at += *at == ' ';
	len = bytes(at, piece, sizeof(piece));
	to = (volatile unsigned char *)(uintptr_t)what[0];
	for (i = 0; i < what[1] && len > 0; i++)
		to[i] = piece[i % len];
	(void)snprintf(answer, sizeof(answer), "ok");
}

/* A child that this made says so by its being there. */
static bool
is_fork(uint64_t number)
{
#ifdef SYS_fork
	if (number == SYS_fork || number == SYS_vfork)
		return true;
#endif
	return number == SYS_clone || number == SYS_clone3;
}

static long
raw_call(const uint64_t *what)
{
	long result;

	errno = 0;
	result = syscall((long)what[0], what[1], what[2], what[3], what[4],
	    what[5], what[6]);
	if (result == 0 && is_fork(what[0]))
		_exit(0);
	return result;
}

static void
do_call(const char *at)
{
	uint64_t what[1 + ARGS];
	long result;

	(void)numbers(at, what, 1 + ARGS);
	result = raw_call(what);
	(void)snprintf(answer, sizeof(answer), "%" PRIx64 " %x",
	    (uint64_t)result, (unsigned)errno);
}

/* The 32-bit way into a 64-bit kernel; there the numbers mean other calls. */
static void
do_call32(const char *at)
{
	uint64_t what[1 + ARGS];
	long result;

	(void)numbers(at, what, 1 + ARGS);
#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(what[0]),
	    "b"(what[1]), "c"(what[2]), "d"(what[3]), "S"(what[4]),
	    "D"(what[5]) : "memory", "r8", "r9", "r10", "r11");
#else
	result = -ENOSYS;
#endif
	(void)snprintf(answer, sizeof(answer), "%" PRIx64 " %x",
	    (uint64_t)(result < 0 ? -1 : result),
	    (unsigned)(result < 0 ? -result : 0));
}

static void
do_spam(const char *at)
{
	uint64_t what[1 + ARGS], count, i;
	unsigned long ok, full, bad;
	int last;

	at = numbers(at, &count, 1);
	(void)numbers(at, what, 1 + ARGS);
	ok = full = bad = 0;
	last = 0;
	for (i = 0; i < count; i++) {
		if (raw_call(what) != -1) {
			ok++;
			continue;
		}
		last = errno;
		if (last == EAGAIN)
			full++;
		else
			bad++;
	}
	(void)snprintf(answer, sizeof(answer), "%lx %lx %lx %x", ok, full,
	    bad, (unsigned)last);
}

static void
do_where(const struct hijack_env *env)
{
	(void)snprintf(answer, sizeof(answer),
	    "%" PRIxPTR " %x %x %x %x %x %x %x %x %x %zx", (uintptr_t)arena,
	    ARENA_CAP, (unsigned)own_pid, (unsigned)env->master,
	    (unsigned)env->client_fd, (unsigned)env->listen_fd,
	    (unsigned)env->gate_fd, (unsigned)env->park_fd,
	    (unsigned)env->wake_fd, env->listener, env->worker_no);
}

_Noreturn void
hijack_run(const struct hijack_env *env)
{
	static const struct {
		const char	*word;
		void		(*run)(const char *at);
	} commands[] = {
		{ "put ", do_put },
		{ "get ", do_get },
		{ "poke ", do_poke },
		{ "call ", do_call },
		{ "call32 ", do_call32 },
		{ "spam ", do_spam },
	};
	size_t i, len;

	while (take_line(env->client_fd)) {
		(void)snprintf(answer, sizeof(answer), "what?");
		if (strcmp(line, "where") == 0)
			do_where(env);
		for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
			len = strlen(commands[i].word);
			if (strncmp(line, commands[i].word, len) == 0)
				commands[i].run(line + len);
		}
		say(env->client_fd);
	}
	_exit(0);
}
