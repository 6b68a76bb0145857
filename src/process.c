/*
 * What the kernel says of a client's process.
 */

#include "config.h"

#include "process.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

/* Since Linux 6.5; the same number everywhere but on parisc and sparc. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define PATH_CAP	64	/* "self/fdinfo/4711" */
#define INFO_CAP	1024

/* In /proc/PID/stat, behind the name: the field that has flags of the kernel,
 * and PF_EXITING of these.  Source: proc_pid_stat(5). */
#define FLAGS_FIELD	7
#define FLAG_ENDS	4U

/* The kernel's own name of the first pid namespace. */
#define HOST_NAMESPACE	"pid:[4026531836]"

static int proc_fd = -1;		/* the folder */

int
process_open(void)
{
	proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return proc_fd == -1 ? -1 : 0;
}

int
process_of_peer(int fd)
{
	socklen_t len;
	int found;

	len = sizeof(found);
	return getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &found, &len) == -1 ?
	    -1 : found;
}

/* The text of a file below /proc.  By number, for C libraries differ in the
 * call and the flags that they use. */
static struct span
read_file(const char *path, char *buf, size_t cap)
{
	size_t len;
	ssize_t n;
	int fd;

	fd = (int)syscall(SYS_openat, proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return (struct span){ buf, 0 };
	n = -1;
	for (len = 0; len < cap; len += (size_t)n) {
		n = read(fd, buf + len, cap - len);
		if (n < 1)
			break;
	}
	(void)close(fd);
	/* What fills the place may have been cut. */
	return (struct span){ buf, n == 0 ? len : 0 };
}

struct span
process_groups(pid_t pid, char buf[BOUNDS_GROUPS_TEXT_CAP])
{
	char path[PATH_CAP];

	(void)snprintf(path, sizeof(path), "%ld/cgroup", (long)pid);
	return read_file(path, buf, BOUNDS_GROUPS_TEXT_CAP);
}

pid_t
process_pid(int process_fd)
{
	char path[PATH_CAP], buf[INFO_CAP];
	struct span rest, line, name;
	uint64_t pid;

	(void)snprintf(path, sizeof(path), "self/fdinfo/%d", process_fd);
	rest = read_file(path, buf, sizeof(buf));
	while (span_next(&rest, '\n', &line))
		if (span_next(&line, ':', &name) &&
		    span_eq(name, SPAN("Pid")))
			return line.p != NULL && span_number(span_trim(line),
			    10, &pid) && pid <= INT32_MAX ? (pid_t)pid : -1;
	return -1;
}

bool
process_is_ending(pid_t pid)
{
	char path[PATH_CAP], buf[INFO_CAP];
	struct span rest, field;
	uint64_t flags;
	size_t at;
	int i;

	(void)snprintf(path, sizeof(path), "%ld/stat", (long)pid);
	rest = read_file(path, buf, sizeof(buf));
	/* A name may have anything in it; behind it there are numbers. */
	for (at = rest.len; at > 0 && buf[at - 1] != ')'; at--)
		;
	rest = (struct span){ buf + at, rest.len - at };
	/* Between the name and the first of them is a blank. */
	for (i = 0; i <= FLAGS_FIELD; i++)
		if (!span_next(&rest, ' ', &field))
			return true;
	return !span_number(field, 10, &flags) || (flags & FLAG_ENDS) != 0;
}

bool
process_is_alive(int process_fd)
{
	struct pollfd end = { .fd = process_fd, .events = POLLIN };

	return io_wait(&end, 1, 0, NULL) == IO_AGAIN;
}

const char *
process_obstacle(void)
{
	char name[sizeof(HOST_NAMESPACE)];
	int ends[2], found;
	ssize_t n;

	n = readlink("/proc/self/ns/pid", name, sizeof(name));
	if (n != sizeof(HOST_NAMESPACE) - 1 ||
	    memcmp(name, HOST_NAMESPACE, (size_t)n) != 0)
		return "processes of the host are not seen from here; run with "
		    "the pid namespace of the host (pid: host)";
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return NULL;
	found = process_of_peer(ends[0]);
	(void)close(ends[0]);
	(void)close(ends[1]);
	if (found == -1)
		return "that takes Linux 6.5";
	(void)close(found);
	return NULL;
}
