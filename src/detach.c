/*
 * Background and pid file.  The parent stays until the daemon serves, so
 * that an init script sees a start that failed.
 */

#include "config.h"

#include "detach.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"

static int ready_fd = -1;

/* The parent's part: leave with the daemon's success or failure. */
static _Noreturn void
await(int fd, pid_t child)
{
	char byte;
	int status;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n == -1 && errno == EINTR);
	if (n == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(1);
}

static void
silence(void)
{
	int fd, null;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1)
		fatal(1, "open /dev/null");
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if ((fd == STDIN_FILENO || isatty(fd)) &&
		    dup2(null, fd) == -1)
			fatal(1, "detach from the terminal");
	(void)close(null);
}

void
detach_start(void)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) == -1)
		fatal(1, "pipe");
	child = fork();
	if (child == -1)
		fatal(1, "fork");
	if (child > 0) {
		(void)close(ends[1]);
		await(ends[0], child);
	}
	(void)close(ends[0]);
	ready_fd = ends[1];
	if (setsid() == -1)
		fatal(1, "setsid");
	if (chdir("/") == -1)
		fatal(1, "chdir /");
}

void
detach_ready(void)
{
	if (ready_fd == -1)
		return;
	silence();
	/* A parent that was killed does not wait any more. */
	(void)!write(ready_fd, "r", 1);
	(void)close(ready_fd);
	ready_fd = -1;
}

int
detach_pid_file(const char *path)
{
	char draft[PATH_MAX], line[32];
	int fd, len, saved_errno;

	if ((size_t)snprintf(draft, sizeof(draft), "%s.new", path) >=
	    sizeof(draft)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0644);
	if (fd == -1)
		return -1;
	len = snprintf(line, sizeof(line), "%ld\n", (long)getpid());
	if (write(fd, line, (size_t)len) == len && close(fd) == 0 &&
	    rename(draft, path) == 0)
		return 0;
	saved_errno = errno;
	(void)unlink(draft);
	errno = saved_errno;
	return -1;
}

void
detach_pid_file_remove(const char *path)
{
	if (unlink(path) == -1 && errno != ENOENT)
		log_error_errno("remove %s", path);
}
