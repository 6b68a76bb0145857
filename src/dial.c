/*
 * A fresh connection to the Docker socket, by path each time: dockerd may
 * have been restarted.
 */

#include "config.h"

#include "dial.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

int
dial_open(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, saved_errno;

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	/* A local connect ends at once: done, refused, or backlog full. */
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	saved_errno = errno;
	(void)close(fd);
	errno = saved_errno;
	return -1;
}
