/*
 * What all who take clients do: workers, and doors.
 */

#include "config.h"

#include "duty.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "board.h"
#include "io.h"
#include "log.h"
#include "yard.h"

#define FIRST_FD	(STDERR_FILENO + 1)

volatile sig_atomic_t duty_wants_close;
static volatile sig_atomic_t is_retiring;
static pid_t master;

/* Only the master's count: workers that left before it knows of the end would
 * leave streams that are parked without anybody. */
static void
handle_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_pid != master)
		return;
	if (sig == SIGTERM)
		is_retiring = 1;
	duty_wants_close = 1;
}

/* Terminals and service managers signal whole groups: only the master acts
 * on that. */
void
duty_signals(pid_t parent)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction handle = { .sa_sigaction = handle_signal,
	    .sa_flags = SA_SIGINFO };
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	master = parent;
	(void)sigemptyset(&none);
	if (sigaction(SIGINT, &ignore, NULL) == -1 ||
	    sigaction(SIGHUP, &ignore, NULL) == -1 ||
	    sigaction(SIGPIPE, &ignore, NULL) == -1 ||
	    sigaction(SIGCHLD, &standard, NULL) == -1 ||
	    sigaction(SIGTERM, &handle, NULL) == -1 ||
	    sigaction(DUTY_GIVE_WAY, &handle, NULL) == -1 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		fatal(2, "worker: signals");
}

bool
duty_retires(void)
{
	return is_retiring != 0;
}

void
duty_retire(void)
{
	is_retiring = 1;
}

/* What the master had open: other listeners, other workers' pairs.  syslog's
 * is opened anew. */
void
duty_descriptors(const struct conf *conf, const int *from, size_t n)
{
	const int behind = FIRST_FD + (int)n;
	int safe[DUTY_FDS];
	size_t i;

	log_init(conf->log_level, conf->log_format, LOG_TO_STDERR);
	for (i = 0; i < n; i++)
		if ((safe[i] = fcntl(from[i], F_DUPFD, behind)) == -1)
			fatal(2, "worker: descriptors");
	for (i = 0; i < n; i++)
		if (dup2(safe[i], FIRST_FD + (int)i) == -1)
			fatal(2, "worker: descriptors");
	io_close_from(behind);
	log_init(conf->log_level, conf->log_format, conf->log_to);
}

void
duty_wake(int wake_fd, unsigned workers)
{
	const uint64_t one = 1;

	if (!board_is_short(workers))
		return;
	/* Fails only when the master has not read for 2^64 of these. */
	if (write(wake_fd, &one, sizeof(one)) == -1)
		log_debug("worker: the wake-up is full");
}

enum reason
duty_refuses(const struct conf *conf, unsigned pool, int fd,
    struct peer *peer)
{
	/* A door is not busy itself; the client will make a worker so. */
	const size_t more = conf->listen[pool].is_door ? 1 : 0;

	if (!peer_is_allowed(&conf->listen[pool].allow, fd, peer))
		return REASON_NOT_ALLOWED;
	/* It asks for those who are busy already, and for everybody. */
	if (conf->listen[pool].is_authz)
		return REASON_NONE;
	if (board_count(BOARD_BUSY) + more > conf->max_workers)
		return REASON_BUSY;
	if (conf->max_per_client > 0 && board_count_peer(&peer->key) +
	    yard_count_peer(&peer->key) > conf->max_per_client)
		return REASON_PER_CLIENT;
	return REASON_NONE;
}

int
duty_accept(int listen_fd, struct sockaddr_storage *from)
{
	socklen_t len;
	int fd;

	len = sizeof(*from);
	fd = accept4(listen_fd, (struct sockaddr *)from, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd != -1) {
		board_mine()->connections++;
		return fd;
	}
	/* The master shuts the listener down to stop accepting. */
	if (errno == EINVAL || errno == EBADF)
		is_retiring = 1;
	else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN)
		fatal(1, "accept");
	return -1;
}
