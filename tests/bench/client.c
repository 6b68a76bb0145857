/*
 * What the clients of the bench share.  It fails for good where a real client
 * would try again: a measurement with such a client means nothing.
 */

#include "config.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

void
client_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fprintf(stderr, "%s: ", program_invocation_short_name);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
	exit(1);
}

uint64_t
client_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The next source address: 127.1.0.1 to 127.1.255.254. */
static void
bind_source(int fd)
{
	static uint32_t turn;
	struct sockaddr_in from = { .sin_family = AF_INET };
	int one = 1;
	uint32_t host = turn++ % (254 * 256);

	from.sin_addr.s_addr = htonl(0x7f010000 + host / 254 * 256 +
	    host % 254 + 1);
	/* Else the port is chosen now, and few are left for all. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
	    sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		client_fail("bind: %s", strerror(errno));
}

static int
open_tcp(const char *where)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const char *colon = strchr(where, ':');
	char host[INET_ADDRSTRLEN] = "";
	int fd, one = 1;

	if (colon != NULL && (size_t)(colon - where) < sizeof(host))
		memcpy(host, where, (size_t)(colon - where));
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		client_fail("%s: not ADDRESS:PORT", where);
	to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		client_fail("socket: %s", strerror(errno));
	if (host[0] == '1' && strncmp(host, "127.", 4) == 0)
		bind_source(fd);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		client_fail("connect to %s: %s", where, strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int
open_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		client_fail("%s: too long", path);
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		client_fail("connect to %s: %s", path, strerror(errno));
	return fd;
}

int
client_open(const char *address)
{
	struct timeval silence = { .tv_sec = CLIENT_SILENCE_S };
	int fd;

	if (strncmp(address, "unix://", 7) == 0)
		fd = open_unix(address + 7);
	else if (strncmp(address, "tcp://", 6) == 0)
		fd = open_tcp(address + 6);
	else
		client_fail("%s: neither tcp:// nor unix://", address);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence,
	    sizeof(silence));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence,
	    sizeof(silence));
	return fd;
}

int
client_send(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n == -1)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

double
client_number(const char *text, double least, double most)
{
	char *end;
	double n = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(n >= least && n <= most))
		client_fail("%s: not a number from %g to %g", text, least,
		    most);
	return n;
}

void
client_raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		client_fail("getrlimit: %s", strerror(errno));
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r); /* too few are told later */
}

void
client_pause(const char *word)
{
	char line[16];

	(void)puts(word);
	(void)fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		client_fail("end of input instead of a line");
}
