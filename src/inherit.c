/*
 * Descriptors of a service manager: which there are, and what they are.  Who
 * wants which of them is the business of conffd.
 */
#include "config.h"

#include "inherit.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "span.h"
#include "text.h"

/* Where they begin (SD_LISTEN_FDS_START). */
#define FIRST_FD	(STDERR_FILENO + 1)

/* Those of a name that is not said. */
#define NAMELESS	"unknown"

/* Digits of a process id or number of descriptors. */
#define DIGITS		9

/* "unix://", and a path of which each byte may be escaped. */
#define ADDRESS_CAP	(8 + 4 * sizeof(((struct sockaddr_un *)NULL)->sun_path))

union address {
	struct sockaddr		any;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	struct sockaddr_un	un;
};

static struct {
	struct inherit_socket	 sockets[BOUNDS_LISTEN_CAP];
	char			 addresses[BOUNDS_LISTEN_CAP][ADDRESS_CAP];
	char			*names;		/* a copy, cut in pieces */
	size_t			 n;
	const char		*fault;
} own;

static int
option(int fd, int name)
{
	socklen_t len;
	int value;

	len = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value :
	    -1;
}

static void
put_tcp(struct text *t, int family, const void *address, in_port_t port)
{
	char buf[INET6_ADDRSTRLEN];

	if (inet_ntop(family, address, buf, sizeof(buf)) == NULL)
		buf[0] = '\0'; /* all addresses fit */
	text_str(t, family == AF_INET6 ? "tcp://[" : "tcp://");
	text_str(t, buf);
	text_str(t, family == AF_INET6 ? "]:" : ":");
	text_number(t, ntohs(port));
}

/* An abstract name has a NUL in front and none behind. */
static void
put_unix(struct text *t, const char *path, size_t len)
{
	struct span s = { path, len };

	text_str(t, "unix://");
	if (len > 0 && path[0] == '\0') {
		text_char(t, '@');
		s.p++;
		s.len--;
	} else {
		s.len = strnlen(path, len);
	}
	text_escaped(t, s);
}

/* Fill in what the socket is; without an address it is none for us. */
static void
look(struct inherit_socket *s, char buf[ADDRESS_CAP])
{
	union address a;
	socklen_t len;
	struct text t;

	len = sizeof(a);
	memset(&a, 0, sizeof(a));
	if (option(s->fd, SO_TYPE) != SOCK_STREAM ||
	    option(s->fd, SO_ACCEPTCONN) != 1 ||
	    getsockname(s->fd, &a.any, &len) != 0)
		return;
	text_init(&t, buf, ADDRESS_CAP);
	if (a.any.sa_family == AF_INET)
		put_tcp(&t, AF_INET, &a.in.sin_addr, a.in.sin_port);
	else if (a.any.sa_family == AF_INET6)
		put_tcp(&t, AF_INET6, &a.in6.sin6_addr, a.in6.sin6_port);
	else if (a.any.sa_family == AF_UNIX)
		put_unix(&t, a.un.sun_path, len -
		    offsetof(struct sockaddr_un, sun_path));
	else
		return;
	s->is_unix = a.any.sa_family == AF_UNIX;
	s->address = text_string(&t);
}

static bool
is_number(const char *text, uint64_t most, uint64_t *out)
{
	return text != NULL && span_number(span_of(text), DIGITS, out) &&
	    *out <= most;
}

/* Their names stand between colons; without any, all are unknown. */
static bool
name_all(const char *names)
{
	char *next, *name;
	size_t i;

	for (i = 0; i < own.n; i++)
		own.sockets[i].name = NAMELESS;
	if (names == NULL)
		return true;
	own.names = strdup(names);
	next = own.names;
	for (i = 0; i < own.n && next != NULL; i++) {
		name = strsep(&next, ":");
		if (name[0] != '\0')
			own.sockets[i].name = name;
	}
	return own.names != NULL && i == own.n && next == NULL;
}

static void
take(const char *count, const char *names)
{
	uint64_t n;
	size_t i;

	if (!is_number(count, BOUNDS_LISTEN_CAP, &n)) {
		own.fault = "LISTEN_FDS must be a number of descriptors, at "
		    "most 32";
		return;
	}
	own.n = (size_t)n;
	if (!name_all(names))
		own.fault = "LISTEN_FDNAMES must have one name for each of "
		    "LISTEN_FDS, with colons between";
	for (i = 0; i < own.n; i++) {
		own.sockets[i].fd = FIRST_FD + (int)i;
		/* What is not open is no socket either. */
		(void)fcntl(own.sockets[i].fd, F_SETFD, FD_CLOEXEC);
		look(&own.sockets[i], own.addresses[i]);
	}
}

_Static_assert(BOUNDS_LISTEN_CAP == 32, "the message above");

void
inherit_read(void)
{
	const char *pid = getenv("LISTEN_PID");
	uint64_t n;

	/* Variables that a shell or wrapper has passed on are meant for that:
	 * our descriptors are others then. */
	if (is_number(pid, INT32_MAX, &n) && n == (uint64_t)getpid())
		take(getenv("LISTEN_FDS"), getenv("LISTEN_FDNAMES"));
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

const char *
inherit_fault(void)
{
	return own.fault;
}

size_t
inherit_count(void)
{
	return own.n;
}

const struct inherit_socket *
inherit_get(size_t i)
{
	return &own.sockets[i];
}
