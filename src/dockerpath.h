#ifndef DSP_DOCKERPATH_H
#define DSP_DOCKERPATH_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "text.h"

/*
 * What is at the path of the Docker socket, seen without connecting: dockerd
 * may come late, go, and come back with another socket.
 */

enum dockerpath_state {
	DOCKERPATH_SOCKET,
	DOCKERPATH_STALE,	/* a socket that was removed, and still is
				 * mounted here: never dockerd's again */
	DOCKERPATH_FOLDER,
	DOCKERPATH_OTHER,	/* no socket */
	DOCKERPATH_ERROR	/* nothing to be seen: errno says why */
};

struct dockerpath {
	enum dockerpath_state	state;
	int			error;	/* of DOCKERPATH_ERROR */
	dev_t			dev;	/* else */
	ino_t			ino;	/* may be that of the one before, */
	struct timespec		made;	/* so this, too */
};

/* dockerpath_look(path, out): now. */
void dockerpath_look(const char *path, struct dockerpath *out);

/* dockerpath_say(t, path, what): what is wrong there, and what to do about it;
 * nothing when it is a socket. */
void dockerpath_say(struct text *t, const char *path,
    const struct dockerpath *what);

/*
 * dockerpath_begin(path):
 * Log what is wrong with it, and from now on what changes.  NULL: nobody
 * needs it.
 * dockerpath_watch(path, deadline):
 * Look, not more often than each BOUNDS_DOCKERPATH_MS, and log what has
 * changed.  The deadline, or an earlier time of io_now_ms for the next look.
 */
void dockerpath_begin(const char *path);
int64_t dockerpath_watch(const char *path, int64_t deadline);

#endif /* DSP_DOCKERPATH_H */
