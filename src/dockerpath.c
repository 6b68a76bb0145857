/*
 * Looking at the path of the Docker socket.  Who holds a mounted file, not the
 * directory it is in, never sees the socket that comes after it; that its
 * number of names has become 0 tells so.
 */

#include "config.h"

#include "dockerpath.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "bounds.h"
#include "io.h"
#include "log.h"

static struct {
	struct dockerpath	seen;
	int64_t			next_ms;
} own;

void
dockerpath_look(const char *path, struct dockerpath *out)
{
	struct stat st;

	*out = (struct dockerpath){ .state = DOCKERPATH_ERROR };
	if (stat(path, &st) == -1) {
		out->error = errno;
		return;
	}
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	out->made = st.st_mtim;
	if (S_ISDIR(st.st_mode))
		out->state = DOCKERPATH_FOLDER;
	else if (!S_ISSOCK(st.st_mode))
		out->state = DOCKERPATH_OTHER;
	else
		out->state = st.st_nlink == 0 ? DOCKERPATH_STALE :
		    DOCKERPATH_SOCKET;
}

void
dockerpath_say(struct text *t, const char *path,
    const struct dockerpath *what)
{
	static const char *const words[] = {
		[DOCKERPATH_SOCKET] = NULL,
		[DOCKERPATH_STALE] = "the socket that is mounted here has "
		    "been removed, dockerd listens on a new one if it runs: "
		    "mount the directory instead of the file; now only a new "
		    "start of the container helps",
		[DOCKERPATH_FOLDER] = "a directory, not a socket: Docker "
		    "makes one where the socket to be mounted is missing; "
		    "remove it, and mount the directory above instead",
		[DOCKERPATH_OTHER] = "a file, not a socket",
	};

	if (what->state == DOCKERPATH_SOCKET)
		return;
	text_str(t, path);
	text_str(t, ": ");
	text_str(t, what->state == DOCKERPATH_ERROR ?
	    strerror(what->error) : words[what->state]);
}

static bool
is_same(const struct dockerpath *a, const struct dockerpath *b)
{
	return a->dev == b->dev && a->ino == b->ino &&
	    a->made.tv_sec == b->made.tv_sec &&
	    a->made.tv_nsec == b->made.tv_nsec;
}

static void
tell(const char *path, const struct dockerpath *now)
{
	char buf[BOUNDS_LOG_LINE_CAP];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	dockerpath_say(&t, path, now);
	log_warn("%s; answering 502%s", text_string(&t),
	    now->state == DOCKERPATH_ERROR ? " until it is there" : "");
}

static void
look(const char *path, struct dockerpath *now)
{
	dockerpath_look(path, now);
	own.next_ms = io_now_ms() + BOUNDS_DOCKERPATH_MS;
}

void
dockerpath_begin(const char *path)
{
	if (path == NULL)
		return;
	look(path, &own.seen);
	if (own.seen.state != DOCKERPATH_SOCKET)
		tell(path, &own.seen);
}

int64_t
dockerpath_watch(const char *path, int64_t deadline)
{
	const struct dockerpath before = own.seen;
	struct dockerpath *now = &own.seen;

	if (path == NULL)
		return deadline;
	if (io_now_ms() >= own.next_ms) {
		look(path, now);
		if (now->state != DOCKERPATH_SOCKET) {
			if (now->state != before.state ||
			    now->error != before.error)
				tell(path, now);
		} else if (before.state != DOCKERPATH_SOCKET) {
			log_info("%s: the Docker socket is there", path);
		} else if (!is_same(now, &before)) {
			log_info("%s: this is a new socket: dockerd has been "
			    "started again", path);
		}
	}
	return own.next_ms < deadline ? own.next_ms : deadline;
}
