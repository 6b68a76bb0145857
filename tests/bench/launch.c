/*
 * How long a program takes from its exec to its first answer: starts it,
 * connects until somebody listens, asks once, tells the time, and stops it.
 * It is measured from fork(2) on, as whoever starts it sees it.
 */

#include "config.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define PATIENCE_NS	UINT64_C(10000000000)
#define TURN_NS		50000	/* between two tries to connect */
#define STOP_TURNS	500	/* of 10 ms, until it is killed */

static pid_t pid;	/* 0: none, or none any more */

static _Noreturn void
become(char *command[])
{
	int null_fd = open("/dev/null", O_RDWR);

	/* It is not to outlive us: a term, so that its children end too. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (null_fd != -1) {
		(void)dup2(null_fd, STDIN_FILENO);
		(void)dup2(null_fd, STDOUT_FILENO);
		(void)dup2(null_fd, STDERR_FILENO);
	}
	(void)execvp(command[0], command);
	_exit(127);
}

static void
wait_ns(long ns)
{
	struct timespec t = { .tv_nsec = ns };

	(void)nanosleep(&t, NULL);
}

static bool
has_ended(void)
{
	if (pid != 0 && waitpid(pid, NULL, WNOHANG) != 0)
		pid = 0; /* may soon be another's */
	return pid == 0;
}

static void
stop(void)
{
	int turn;

	if (!has_ended())
		(void)kill(pid, SIGTERM);
	for (turn = 0; turn < STOP_TURNS && !has_ended(); turn++)
		wait_ns(10000000);
	if (!has_ended())
		(void)kill(pid, SIGKILL);
	while (!has_ended())
		wait_ns(10000000);
}

/* One try: the connection, or -1 while nobody listens. */
static int
try_connect(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		client_fail("socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static bool
is_answered(int fd, const char *target)
{
	static const char right[] = "HTTP/1.1 200 ";
	struct timeval patience = { .tv_sec = CLIENT_SILENCE_S };
	char buf[4096];
	ssize_t n;
	int len;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	len = snprintf(buf, sizeof(buf), "GET %s HTTP/1.1\r\n" CLIENT_FIELDS
	    "\r\n", target);
	if (len < 0 || (size_t)len >= sizeof(buf) ||
	    client_send(fd, buf, (size_t)len) != 0)
		return false;
	n = recv(fd, buf, sizeof(buf), 0);
	return n >= (ssize_t)sizeof(right) - 1 &&
	    memcmp(buf, right, sizeof(right) - 1) == 0;
}

static void
measure(const struct sockaddr_in *to, const char *target, char *command[])
{
	uint64_t start = client_now_ns(), took;
	bool is_right;
	int fd = -1;

	pid = fork();
	if (pid == 0)
		become(command);
	if (pid == -1)
		client_fail("fork: %s", strerror(errno));
	while (!has_ended() && (fd = try_connect(to)) == -1 &&
	    client_now_ns() - start < PATIENCE_NS)
		wait_ns(TURN_NS);
	is_right = fd != -1 && is_answered(fd, target);
	took = client_now_ns() - start;
	stop();
	if (!is_right)
		client_fail("%s: no right answer", command[0]);
	printf("ms=%.3f\n", (double)took / 1e6);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	if (argc < 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		(void)fputs("usage: launch ADDRESS PORT TARGET COMMAND...\n",
		    stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)client_number(argv[2], 1, 65535));
	measure(&to, argv[3], argv + 4);
	return 0;
}
