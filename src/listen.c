/*
 * Listening sockets: TCP, unix with a path, unix abstract, and those that
 * were passed to us.  Accepting is the business of workers.
 */
#include "config.h"

#include "listen.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "host.h"
#include "log.h"

/* Nobody but the owner may touch a socket before its mode is set. */
#define UMASK_PRIVATE 0177

/* Before its first start dockerd has no folder for plugins, nor the one that is
 * in; it makes them like this. */
#define FOLDERS_MADE	2
#define FOLDER_MODE	0700

union address {
	struct sockaddr_storage	room;
	struct sockaddr		any;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	struct sockaddr_un	un;
};

/* The files of our unix sockets, so that listen_close removes no other.
 * Twice as many as listeners, and that of the metrics: a reload has old and
 * new ones. */
static struct bound {
	int	fd;		/* 0: free */
	dev_t	dev;
	ino_t	ino;
} bound[2 * (BOUNDS_LISTEN_CAP + 1)];

static struct bound *
bound_find(int fd)
{
	size_t i;

	for (i = 0; i < sizeof(bound) / sizeof(bound[0]); i++)
		if (bound[i].fd == fd)
			return &bound[i];
	return NULL;
}

/* A failure once fd is open: log, close, -1. */
static int
fail(const struct conf_listen *l, const char *what, int fd)
{
	log_error_errno("cannot listen on %s: %s", l->text, what);
	if (fd != -1)
		(void)close(fd); /* nothing was written */
	return -1;
}

/* Options that accepted sockets inherit: nothing is held back, and a client
 * whose machine is gone does not keep its worker for hours. */
static int
set_tcp_options(int fd)
{
	static const struct {
		int	level;
		int	name;
		int	value;
	} options[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, BOUNDS_KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, BOUNDS_KEEPALIVE_PROBE_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, BOUNDS_KEEPALIVE_PROBES },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof(options[i].value)) != 0)
			return -1;
	return 0;
}

/* A bound TCP socket, or -1 with errno. */
static int
bind_tcp(const union address *a, socklen_t len)
{
	const int off = 0;
	int fd, error;

	fd = socket(a->any.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (set_tcp_options(fd) == 0 &&
	    (a->any.sa_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
	    bind(fd, &a->any, len) == 0)
		return fd;
	error = errno;
	(void)close(fd); /* the first error is the one to tell */
	errno = error;
	return -1;
}

/* "*": a socket of IPv6 takes IPv4 as well, unless the kernel has none. */
static int
bind_everywhere(const struct conf_listen *l)
{
	in_port_t port = htons((in_port_t)strtoul(l->port, NULL, 10));
	union address a;
	int fd;

	memset(&a, 0, sizeof(a));
	a.in6.sin6_family = AF_INET6;
	a.in6.sin6_port = port;
	a.in6.sin6_addr = in6addr_any;
	fd = bind_tcp(&a, sizeof(a.in6));
	if (fd != -1 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	memset(&a, 0, sizeof(a));
	a.in.sin_family = AF_INET;
	a.in.sin_port = port;
	a.in.sin_addr.s_addr = htonl(INADDR_ANY);
	return bind_tcp(&a, sizeof(a.in));
}

static int
open_tcp(const struct conf_listen *l)
{
	const char *error;
	union address a;
	socklen_t len;
	int fd;

	if (strcmp(l->host, "*") == 0) {
		fd = bind_everywhere(l);
	} else {
		len = host_find(l->host, l->port, &a.room, &error);
		if (len == 0) {
			log_error("cannot listen on %s: %s", l->text, error);
			return -1;
		}
		fd = bind_tcp(&a, len);
	}
	if (fd == -1)
		return fail(l, "bind", -1);
	if (listen(fd, BOUNDS_BACKLOG) != 0)
		return fail(l, "listen", fd);
	return fd;
}

/* The address of a unix listener; 0 when the path is too long. */
static socklen_t
unix_address(const struct conf_listen *l, union address *a)
{
	size_t len = strlen(l->path);

	if (len >= sizeof(a->un.sun_path))
		return 0;
	memset(a, 0, sizeof(*a));
	a->un.sun_family = AF_UNIX;
	if (l->kind == CONF_UNIX) {
		memcpy(a->un.sun_path, l->path, len);
		return sizeof(a->un);
	}
	/* An abstract name follows a NUL and has no NUL behind it. */
	memcpy(a->un.sun_path + 1, l->path, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

/* True when nobody listens on the socket file; else errno says why not. */
static bool
is_stale(const union address *a, socklen_t len)
{
	int fd, error, result;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return false;
	result = connect(fd, &a->any, len);
	error = errno;
	(void)close(fd); /* nothing was written */
	if (result == 0 || error == EAGAIN || error == EPROTOTYPE)
		error = EADDRINUSE;
	errno = error;
	return error == ECONNREFUSED;
}

/* Make the path free for bind: 0, or -1 with errno. */
static int
remove_stale(const struct conf_listen *l, const union address *a,
    socklen_t len)
{
	struct stat st;

	if (lstat(l->path, &st) != 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = ENOTSOCK;
		return -1;
	}
	if (!is_stale(a, len))
		return errno == ENOENT ? 0 : -1;
	return unlink(l->path);
}

/* Let people in: mode and owner first, then listen, and remember the file.
 * Until then a connect is refused. */
static int
admit(const struct conf_listen *l, int fd)
{
	struct bound *b = bound_find(0);
	struct stat st;

	if (chmod(l->path, l->mode) != 0)
		return fail(l, "chmod", fd);
	if ((l->owner != (uid_t)-1 || l->group != (gid_t)-1) &&
	    lchown(l->path, l->owner, l->group) != 0)
		return fail(l, "chown", fd);
	if (lstat(l->path, &st) != 0)
		return fail(l, "stat", fd);
	if (listen(fd, BOUNDS_BACKLOG) != 0)
		return fail(l, "listen", fd);
	if (b != NULL)
		*b = (struct bound){ fd, st.st_dev, st.st_ino };
	return fd;
}

/* Make the folder of a file where it is missing, and those above that, so many
 * at most: 0, or -1 with errno. */
static int
make_folder(const char *path, unsigned most)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *slash = strrchr(path, '/');
	size_t len = (size_t)(slash - path);

	if (len == 0)
		return 0;
	memcpy(folder, path, len);
	folder[len] = '\0';
	if (access(folder, F_OK) == 0)
		return 0;
	if (errno != ENOENT || most == 0 ||
	    make_folder(folder, most - 1) != 0)
		return -1;
	if (mkdir(folder, FOLDER_MODE) != 0)
		return errno == EEXIST ? 0 : -1;
	log_info("made the folder %s, as dockerd does when it starts", folder);
	return 0;
}

static int
open_path(const struct conf_listen *l, int fd, const union address *a,
    socklen_t len)
{
	mode_t mask;
	int result;

	if (l->is_authz && make_folder(l->path, FOLDERS_MADE) != 0)
		return fail(l, "mkdir", fd);
	if (remove_stale(l, a, len) != 0)
		return fail(l, l->path, fd);
	mask = umask(UMASK_PRIVATE);
	result = bind(fd, &a->any, len);
	(void)umask(mask); /* cannot fail */
	if (result != 0)
		return fail(l, "bind", fd);
	fd = admit(l, fd);
	if (fd == -1)
		(void)unlink(l->path); /* ours, and of no use now */
	return fd;
}

static int
open_unix(const struct conf_listen *l)
{
	union address a;
	socklen_t len;
	int fd;

	len = unix_address(l, &a);
	if (len == 0) {
		errno = ENAMETOOLONG;
		return fail(l, "path of a socket", -1);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return fail(l, "socket", -1);
	if (l->kind == CONF_UNIX)
		return open_path(l, fd, &a, len);
	if (bind(fd, &a.any, len) != 0)
		return fail(l, "bind", fd);
	if (listen(fd, BOUNDS_BACKLOG) != 0)
		return fail(l, "listen", fd);
	return fd;
}

/* Where a socket is bound; AF_UNSPEC when that cannot be said. */
static void
find_bound(int fd, union address *a)
{
	socklen_t len = sizeof(*a);

	memset(a, 0, sizeof(*a));
	if (getsockname(fd, &a->any, &len) != 0)
		a->any.sa_family = AF_UNSPEC;
}

/* It listens already. */
static int
open_passed(const struct conf_listen *l)
{
	union address a;
	int flags;

	flags = fcntl(l->fd, F_GETFL);
	if (flags == -1 || fcntl(l->fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return fail(l, "fcntl", -1);
	find_bound(l->fd, &a);
	if (a.any.sa_family != AF_UNIX && set_tcp_options(l->fd) != 0)
		return fail(l, "setsockopt", -1);
	return l->fd;
}

int
listen_open(const struct conf_listen *l)
{
	if (l->kind == CONF_FD)
		return open_passed(l);
	return l->kind == CONF_TCP ? open_tcp(l) : open_unix(l);
}

void
listen_close(const struct conf_listen *l, int fd)
{
	struct bound *b = l->kind == CONF_UNIX ? bound_find(fd) : NULL;
	struct stat st;

	/* Another daemon may have put its own socket there meanwhile. */
	if (b != NULL && lstat(l->path, &st) == 0 && st.st_dev == b->dev &&
	    st.st_ino == b->ino && unlink(l->path) != 0)
		log_error_errno("cannot remove %s", l->path);
	if (b != NULL)
		b->fd = 0;
	if (l->kind != CONF_FD)
		(void)close(fd); /* nothing was written */
}

void
listen_end(const struct conf_listen *l, int fd)
{
	/* Fails on nothing that is left to do about. */
	if (l->kind != CONF_FD)
		(void)shutdown(fd, SHUT_RDWR);
	listen_close(l, fd);
}

static bool
is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return a->any.sa_family == AF_INET6 &&
	    (IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) ||
	    (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr) &&
	    a->in6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET));
}

bool
listen_is_exposed(const struct conf_listen *l)
{
	const char *error;
	union address a;

	if (l->kind == CONF_FD) {
		find_bound(l->fd, &a);
		return a.any.sa_family != AF_UNIX && !is_loopback(&a);
	}
	if (l->kind != CONF_TCP)
		return false;
	return strcmp(l->host, "*") == 0 ||
	    host_find(l->host, l->port, &a.room, &error) == 0 ||
	    !is_loopback(&a);
}
