/*
 * Names, listeners and connections in the abstract name space.
 */

#include "config.h"

#include "abstract.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

/* Connections that may wait for us. */
#define BACKLOG 16

/* FNV-1a: any number will do that differs where addresses do. */
static uint64_t
mix(const char *s)
{
	uint64_t h;

	for (h = UINT64_C(0xcbf29ce484222325); *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

void
abstract_name(char buf[ABSTRACT_NAME_CAP], const char *kind,
    const char *address)
{
	const size_t room = ABSTRACT_NAME_CAP - 1;
	const size_t number_len = 17;
	struct text t;
	struct span s;

	text_init(&t, buf, room + 1);
	text_str(&t, PACKAGE_NAME "/");
	text_str(&t, kind);
	s = span_of(address);
	if (s.len > room - t.len) {
		s.len = room - t.len - number_len;
		text_span(&t, s);
		text_char(&t, '#');
		text_hex(&t, mix(address));
	} else {
		text_span(&t, s);
	}
	(void)text_string(&t);
}

/* An abstract address: a NUL, the name, and nothing behind it. */
static socklen_t
make_address(struct sockaddr_un *sun, const char *name)
{
	size_t len;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	len = strlen(name);
	memcpy(sun->sun_path + 1, name, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

/* Close fd; -1 with the errno of what went wrong before. */
static int
fail(int fd)
{
	int saved_errno;

	saved_errno = errno;
	(void)close(fd);
	errno = saved_errno;
	return -1;
}

int
abstract_listen(const char *name, int type)
{
	struct sockaddr_un sun;
	socklen_t len;
	int fd;

	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	len = make_address(&sun, name);
	if (bind(fd, (const struct sockaddr *)&sun, len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	return fail(fd);
}

int
abstract_dial(const char *name, int type, int ms)
{
	const struct timeval most = { .tv_sec = ms / 1000,
	    .tv_usec = ms % 1000 * 1000 };
	struct sockaddr_un sun;
	socklen_t len;
	int fd;

	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	len = make_address(&sun, name);
	/* It bounds the wait for connect too. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) == 0
	    && connect(fd, (const struct sockaddr *)&sun, len) == 0)
		return fd;
	return fail(fd);
}

static bool
look(int fd, struct ucred *cred)
{
	socklen_t len;

	len = sizeof(*cred);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, cred, &len) == 0;
}

bool
abstract_is_trusted(int fd, uid_t *uid)
{
	struct ucred cred;

	*uid = (uid_t)-1;
	if (!look(fd, &cred))
		return false;
	*uid = cred.uid;
	return cred.uid == 0 || cred.uid == geteuid();
}

bool
abstract_is_first(int fd)
{
	struct ucred cred;

	return look(fd, &cred) && cred.pid == 1;
}
