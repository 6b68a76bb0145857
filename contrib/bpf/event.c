/*
 * Connections that the kernel told of: which socket it was, by whose eyes, and
 * a line about it.  Everything that a process has named is escaped.
 */

#include "event.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/openat2.h>

#define ID_LEN		64	/* hexadecimal digits in a container's id */
#define ID_SHOWN	12
#define LINE_CAP	4096
#define PROC_CAP	64
#define LOOKUP_S	1	/* that a path may take */

static void
name_inode(struct monitor_inode *inode, const struct stat *st)
{
	inode->ino = st->st_ino;
	/* As the kernel itself writes a device. */
	inode->dev = (__u64)major(st->st_dev) << 20 | minor(st->st_dev);
}

int
event_inode(const char *path, struct monitor_inode *inode)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return -1;
	name_inode(inode, &st);
	return 0;
}

/*
 * The same for a path in some root, as a process there sees it: no link leads
 * out of that root.
 */
static int
inode_in(const char *root, const char *path, __u64 more,
    struct monitor_inode *inode)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | more };
	struct stat st;
	int root_fd, fd, rc;

	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd == -1)
		return -1;
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	rc = errno;
	(void)close(root_fd);
	errno = rc;
	if (fd == -1)
		return -1;
	rc = fstat(fd, &st);
	(void)close(fd);
	if (rc == 0)
		name_inode(inode, &st);
	return rc;
}

/* The same in a process that does not wait for ever. */
static int
inode_in_time(const char *root, const char *path, struct monitor_inode *inode)
{
	struct { int error; struct monitor_inode inode; } answer;
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe(ends) == -1)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGALRM, SIG_DFL);
		(void)alarm(LOOKUP_S);
		memset(&answer, 0, sizeof(answer));
		if (inode_in(root, path, 0, &answer.inode) == -1)
			answer.error = errno;
		_exit(write(ends[1], &answer, sizeof(answer)) == -1);
	}
	(void)close(ends[1]);
	n = read(ends[0], &answer, sizeof(answer));
	(void)close(ends[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	errno = n == sizeof(answer) ? answer.error : ETIMEDOUT;
	if (errno != 0)
		return -1;
	*inode = answer.inode;
	return 0;
}

/*
 * The path is of the process's choice, and its file system may be one that
 * never answers.  So first it is asked what the kernel knows by now.
 */
static int
look_up(const char *root, const char *path, struct monitor_inode *inode)
{
	if (inode_in(root, path, RESOLVE_CACHED, inode) == 0)
		return 0;
	/* Before Linux 5.12 it cannot be asked that way. */
	if (errno != EAGAIN && errno != EINVAL)
		return -1;
	return inode_in_time(root, path, inode);
}

/* What a link of /proc/PID says; nothing when the process is gone. */
static void
read_link(__u32 pid, const char *what, char *buf, size_t cap)
{
	char path[PROC_CAP];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%u/%s", pid, what);
	n = readlink(path, buf, cap - 1);
	buf[n > 0 ? n : 0] = '\0';
}

/* /var/run is /run. */
static const char *
short_name(const char *path)
{
	return strncmp(path, "/var/run/", 9) == 0 ? path + 4 : path;
}

/* What to believe of a path that stands for nothing, or for nothing any more:
 * the folder of a process that is gone is not known. */
static bool
is_named(const char *path, const char *cwd, const char *name)
{
	const char *last = strrchr(name, '/');

	if (path[0] == '/' || cwd[0] != '\0')
		return strcmp(short_name(path), short_name(name)) == 0;
	name = last == NULL ? name : last + 1;
	last = strrchr(path, '/');
	return strcmp(last == NULL ? path : last + 1, name) == 0;
}

static bool
is_same(const struct monitor_inode *a, const struct monitor_inode *b)
{
	return a->ino == b->ino && a->dev == b->dev;
}

bool
event_reaches(const struct monitor_event *event, const char *name,
    const struct monitor_inode *target)
{
	char cwd[PATH_MAX], path[PATH_MAX + MONITOR_PATH_CAP + 1];
	char root[PROC_CAP];
	struct monitor_inode found;
	int rc;

	if (event->inode.ino != 0)
		return is_same(&event->inode, target);
	cwd[0] = '\0';
	if (event->path[0] != '/')
		read_link(event->pid, "cwd", cwd, sizeof(cwd));
	(void)snprintf(path, sizeof(path), "%s%s%.*s", cwd,
	    cwd[0] == '\0' ? "" : "/", MONITOR_PATH_CAP, event->path);
	(void)snprintf(root, sizeof(root), "/proc/%u/root", event->pid);
	rc = look_up(root, path, &found);
	if (rc == -1 && errno != ETIMEDOUT && event->path[0] == '/' &&
	    access(root, F_OK) == -1)
		rc = look_up("/", path, &found);
	if (rc == -1)
		return errno == ETIMEDOUT || is_named(path, cwd, name);
	return is_same(&found, target);
}

static void
put_text(const char *name, const char *text, size_t cap)
{
	size_t i;

	printf(" %s=\"", name);
	for (i = 0; i < cap && text[i] != '\0'; i++)
		if (isprint((unsigned char)text[i]) && text[i] != '"' &&
		    text[i] != '\\')
			putchar(text[i]);
		else
			printf("\\x%02x", (unsigned char)text[i]);
	putchar('"');
}

/* The number of a container in a line of /proc/PID/cgroup, or NULL. */
static const char *
find_id(const char *line)
{
	size_t len;

	for (; *line != '\0'; line += len + (line[len] != '\0')) {
		len = strspn(line, "0123456789abcdef");
		if (len == ID_LEN)
			return line;
	}
	return NULL;
}

static void
put_container(__u32 pid)
{
	char path[PROC_CAP], line[LINE_CAP];
	const char *id = NULL;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	file = fopen(path, "re");
	if (file == NULL) {
		printf(" container=unknown");
		return;
	}
	while (id == NULL && fgets(line, sizeof(line), file) != NULL)
		id = find_id(line);
	if (id != NULL)
		printf(" container=%.*s", ID_SHOWN, id);
	else
		printf(" container=host");
	(void)fclose(file);
}

static void
put_result(int result)
{
	static const struct { int number; const char *name; } names[] = {
		{ 0, "ok" }, { EPERM, "EPERM" }, { ENOENT, "ENOENT" },
		{ EACCES, "EACCES" }, { EAGAIN, "EAGAIN" },
		{ ECONNREFUSED, "ECONNREFUSED" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == -result) {
			printf(" %s", names[i].name);
			return;
		}
	printf(" errno-%d", -result);
}

void
event_print(const struct monitor_event *event, const char *hook,
    const char *target)
{
	char exe[PATH_MAX], date[sizeof("2026-01-01T00:00:00Z")];
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		date[0] = '\0';
	read_link(event->pid, "exe", exe, sizeof(exe));
	printf("%s connect", date);
	put_result(event->result);
	printf(" %s pid=%u uid=%u", event->is_allowed ? "allowed" : "other",
	    event->pid, event->uid);
	put_container(event->pid);
	put_text("comm", event->comm, sizeof(event->comm));
	put_text("exe", exe, sizeof(exe));
	if (event->path[0] != '\0')
		put_text("path", event->path, sizeof(event->path));
	else
		put_text("path", target, strlen(target));
	printf(" hook=%s\n", hook);
}
