/*
 * Listening sockets: who may connect and from when on, stale and live
 * sockets, addresses, and what is said when it fails.
 */
#include "config.h"

#include "listen.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>

#include "unit.h"

#define NOBODY	65534
#define ROUNDS	300	/* of trying to connect too early */

static char	dir[] = "/tmp/check_listen.XXXXXX";

static const char *
path(const char *name)
{
	static char paths[16][128];
	static size_t turn;

	turn = (turn + 1) % 16;
	(void)snprintf(paths[turn], sizeof(paths[0]), "%s/%s", dir, name);
	return paths[turn];
}

static void
set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
}

static void
tear_down(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static struct conf_listen
unix_listener(const char *file)
{
	return (struct conf_listen){ .text = file, .kind = CONF_UNIX,
		.path = file, .mode = 0600, .owner = (uid_t)-1,
		.group = (gid_t)-1 };
}

static struct conf_listen
tcp_listener(const char *host, const char *port)
{
	return (struct conf_listen){ .text = "tcp://the:address",
		.kind = CONF_TCP, .host = host, .port = port };
}

/* Open l, which must fail; what was logged. */
static const char *
open_bad(const struct conf_listen *l)
{
	static char text[4096];
	ssize_t len;
	int saved, fd, result;

	saved = dup(STDERR_FILENO);
	fd = open(path("log"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(saved, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	result = listen_open(l);
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(result, -1);
	len = pread(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(len, 0);
	text[len] = '\0';
	(void)close(fd);
	(void)close(saved);
	ck_assert_msg(strstr(text, l->text) != NULL,
	    "the address is not named: %s", text);
	return text;
}

#define ASSERT_SAYS(l, what) do { \
	const char *said = open_bad(l); \
	ck_assert_msg(strstr(said, what) != NULL, "%s: not in: %s", what, \
	    said); \
} while (0)

/* 0, or the errno of connect. */
static int
connect_unix(const char *file, bool is_abstract)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sun);
	int fd, error;

	if (is_abstract) {
		strcpy(sun.sun_path + 1, file);
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		    strlen(file));
	} else {
		strcpy(sun.sun_path, file);
	}
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_ge(fd, 0);
	error = connect(fd, (struct sockaddr *)&sun, len) == 0 ? 0 : errno;
	(void)close(fd);
	return error;
}

static int
connect_tcp(int family, const char *address, unsigned port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd, result;

	fd = socket(family, SOCK_STREAM, 0);
	if (fd == -1)
		return -1;
	in.sin_port = in6.sin6_port = htons((in_port_t)port);
	if (family == AF_INET) {
		ck_assert_int_eq(inet_pton(family, address, &in.sin_addr), 1);
		result = connect(fd, (struct sockaddr *)&in, sizeof(in));
	} else {
		ck_assert_int_eq(inet_pton(family, address, &in6.sin6_addr),
		    1);
		result = connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	}
	if (result != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* A port that was free a moment ago, as text. */
static const char *
free_port(void)
{
	static char text[8];
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	(void)close(fd);
	(void)snprintf(text, sizeof(text), "%u", ntohs(in.sin_port));
	return text;
}

static void
assert_closes_on_exec(int fd)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

/* -- unix -- */

START_TEST(unix_access)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		gid_t group;
	} rows[] = {
		{ 0600, (uid_t)-1, (gid_t)-1 }, { 0666, (uid_t)-1, (gid_t)-1 },
		{ 0660, 0, 2 }, { 0777, 1, (gid_t)-1 }, { 0640, 65534, 65534 },
		{ 0000, (uid_t)-1, 3 }
	};
	struct conf_listen l = unix_listener(path("s"));
	bool is_root = geteuid() == 0;
	struct stat st;
	mode_t mask;
	int fd, i;

	for (i = 0; i < ROWS(rows); i++) {
		l.mode = rows[i].mode;
		l.owner = is_root ? rows[i].owner : (uid_t)-1;
		l.group = is_root ? rows[i].group : (gid_t)-1;
		mask = umask(0027);
		fd = listen_open(&l);
		ck_assert_uint_eq(umask(mask), 0027);
		assert_closes_on_exec(fd);
		ck_assert_int_eq(lstat(l.path, &st), 0);
		ck_assert(S_ISSOCK(st.st_mode));
		ck_assert_uint_eq(st.st_mode & 07777, l.mode);
		ck_assert_uint_eq(st.st_uid,
		    l.owner == (uid_t)-1 ? geteuid() : l.owner);
		ck_assert_uint_eq(st.st_gid,
		    l.group == (gid_t)-1 ? getegid() : l.group);
		if (is_root || (l.mode & 0600) == 0600)
			ck_assert_int_eq(connect_unix(l.path, false), 0);
		listen_close(&l, fd);
		ck_assert_int_eq(lstat(l.path, &st), -1);
	}
}
END_TEST

/* In a child without rights: connect as often as it can, until the file
 * "end" is there; exits 1 if it ever got in. */
_Noreturn static void
try_to_get_in(const char *file, const char *end)
{
	if (geteuid() == 0 &&
	    (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		_exit(2);
	while (access(end, F_OK) != 0)
		if (connect_unix(file, false) == 0)
			_exit(1);
	_exit(0);
}

START_TEST(unix_nobody_early)
{
	struct conf_listen l = unix_listener(path("s"));
	const char *end = path("end");
	pid_t child;
	int fd, i, status;

	l.mode = 0000;
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		try_to_get_in(l.path, end);
	(void)umask(0);
	for (i = 0; i < ROUNDS; i++) {
		fd = listen_open(&l);
		ck_assert_int_ge(fd, 0);
		listen_close(&l, fd);
	}
	fd = open(end, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(unix_stale)
{
	struct conf_listen l = unix_listener(path("s"));
	int fd, next;

	fd = listen_open(&l);
	ck_assert_int_ge(fd, 0);
	(void)close(fd); /* as a crash does: the file stays */
	ck_assert_int_eq(access(l.path, F_OK), 0);
	ck_assert_int_eq(connect_unix(l.path, false), ECONNREFUSED);
	next = listen_open(&l);
	ck_assert_int_ge(next, 0);
	ck_assert_int_eq(connect_unix(l.path, false), 0);
	listen_close(&l, next);
}
END_TEST

START_TEST(unix_live)
{
	struct conf_listen l = unix_listener(path("s"));
	int fd;

	fd = listen_open(&l);
	ck_assert_int_ge(fd, 0);
	ASSERT_SAYS(&l, strerror(EADDRINUSE));
	ck_assert_int_eq(connect_unix(l.path, false), 0);
	listen_close(&l, fd);
}
END_TEST

/* What is no socket is not touched. */
START_TEST(unix_not_a_socket)
{
	struct conf_listen l = unix_listener(path("s"));
	struct conf_listen stale = unix_listener(path("stale"));
	struct stat st;
	int fd;

	fd = open(l.path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq((int)write(fd, "precious", 8), 8);
	(void)close(fd);
	ASSERT_SAYS(&l, strerror(ENOTSOCK));
	ck_assert_int_eq(stat(l.path, &st), 0);
	ck_assert_int_eq((int)st.st_size, 8);
	ck_assert_int_eq(unlink(l.path), 0);

	ck_assert_int_eq(mkdir(l.path, 0700), 0);
	ASSERT_SAYS(&l, strerror(ENOTSOCK));
	ck_assert_int_eq(rmdir(l.path), 0);

	/* A link to a socket is none either. */
	fd = listen_open(&stale);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_int_eq(symlink(stale.path, l.path), 0);
	ASSERT_SAYS(&l, strerror(ENOTSOCK));
	ck_assert_int_eq(lstat(l.path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

/* A socket of another kind that somebody holds counts as live. */
START_TEST(unix_other_kind)
{
	struct conf_listen l = unix_listener(path("s"));
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	strcpy(sun.sun_path, l.path);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ASSERT_SAYS(&l, strerror(EADDRINUSE));
	ck_assert_int_eq(access(l.path, F_OK), 0);
	(void)close(fd);
}
END_TEST

/* Only the very file that was bound is removed. */
START_TEST(unix_close_others)
{
	struct conf_listen l = unix_listener(path("s"));
	int fd, other;

	fd = listen_open(&l);
	ck_assert_int_ge(fd, 0);
	/* The old inode number must not be used again: keep it. */
	ck_assert_int_eq(rename(l.path, path("kept")), 0);
	other = listen_open(&l);
	ck_assert_int_ge(other, 0);
	listen_close(&l, fd);
	ck_assert_int_eq(connect_unix(l.path, false), 0);
	listen_close(&l, other);
	ck_assert_int_eq(access(l.path, F_OK), -1);
}
END_TEST

START_TEST(unix_failures)
{
	char *longest = unit_fill('x', 108);
	struct conf_listen l = unix_listener(longest);

	longest[0] = '/';
	ASSERT_SAYS(&l, strerror(ENAMETOOLONG));
	l.kind = CONF_ABSTRACT;
	ASSERT_SAYS(&l, strerror(ENAMETOOLONG));
	l = unix_listener(path("none/s"));
	ASSERT_SAYS(&l, strerror(ENOENT));
	free(longest);
}
END_TEST

START_TEST(unix_abstract)
{
	char name[64];
	struct conf_listen l = unix_listener(name);
	int fd;

	(void)snprintf(name, sizeof(name), "check_listen.%ld",
	    (long)getpid());
	l.kind = CONF_ABSTRACT;
	fd = listen_open(&l);
	assert_closes_on_exec(fd);
	ck_assert_int_eq(connect_unix(name, true), 0);
	ASSERT_SAYS(&l, strerror(EADDRINUSE));
	listen_close(&l, fd);
	ck_assert_int_eq(connect_unix(name, true), ECONNREFUSED);
}
END_TEST

/* -- TCP -- */

static bool
has_ipv6(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd, result;

	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd == -1)
		return false;
	result = bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	(void)close(fd);
	return result == 0;
}

/* "*" is one socket for both families. */
START_TEST(tcp_everywhere)
{
	const char *port = free_port();
	struct conf_listen l = tcp_listener("*", port);
	unsigned n = (unsigned)strtoul(port, NULL, 10);
	int fd;

	fd = listen_open(&l);
	assert_closes_on_exec(fd);
	ck_assert_int_ge(connect_tcp(AF_INET, "127.0.0.1", n), 0);
	if (has_ipv6())
		ck_assert_int_ge(connect_tcp(AF_INET6, "::1", n), 0);
	listen_close(&l, fd);
	ck_assert_int_eq(connect_tcp(AF_INET, "127.0.0.1", n), -1);
}
END_TEST

static int
flag_of(int fd, int level, int option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	ck_assert_int_eq(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

/* What is set on the listener, accepted sockets have. */
START_TEST(tcp_options)
{
	const char *port = free_port();
	struct conf_listen l = tcp_listener("127.0.0.1", port);
	int fd, client, accepted;

	fd = listen_open(&l);
	ck_assert_int_ge(fd, 0);
	client = connect_tcp(AF_INET, "127.0.0.1",
	    (unsigned)strtoul(port, NULL, 10));
	accepted = accept(fd, NULL, NULL);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_ne(flag_of(accepted, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(flag_of(accepted, SOL_SOCKET, SO_KEEPALIVE), 0);
	/* Closed by us first: the port must be free again at once. */
	(void)close(accepted);
	(void)close(client);
	listen_close(&l, fd);
	fd = listen_open(&l);
	ck_assert_int_ge(fd, 0);
	listen_close(&l, fd);
}
END_TEST

START_TEST(tcp_addresses)
{
	static const struct {
		const char *host;
		int family;
		const char *bound;
	} rows[] = {
		{ "localhost", AF_INET, "127.0.0.1" },
		{ "LOCALHOST", AF_INET, "127.0.0.1" },
		{ "127.0.0.2", AF_INET, "127.0.0.2" },
		{ "0.0.0.0", AF_INET, "0.0.0.0" },
		{ "::1", AF_INET6, "::1" }
	};
	struct conf_listen l;
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char text[INET6_ADDRSTRLEN];
	int fd;

	if (rows[_i].family == AF_INET6 && !has_ipv6())
		return;
	l = tcp_listener(rows[_i].host, free_port());
	fd = listen_open(&l);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	ck_assert_int_eq(at.ss_family, rows[_i].family);
	ck_assert_ptr_nonnull(inet_ntop(at.ss_family,
	    at.ss_family == AF_INET ?
	    (void *)&((struct sockaddr_in *)&at)->sin_addr :
	    (void *)&((struct sockaddr_in6 *)&at)->sin6_addr, text,
	    sizeof(text)));
	ck_assert_str_eq(text, rows[_i].bound);
	listen_close(&l, fd);
}
END_TEST
#define NADDRESSES 5

START_TEST(tcp_failures)
{
	const char *port = free_port();
	struct conf_listen l = tcp_listener("localhost", port);
	struct conf_listen all = tcp_listener("*", port);
	int fd;

	fd = listen_open(&l);
	ck_assert_int_ge(fd, 0);
	ASSERT_SAYS(&l, strerror(EADDRINUSE));
	ASSERT_SAYS(&all, strerror(EADDRINUSE));
	listen_close(&l, fd);
	l = tcp_listener("192.0.2.1", port); /* of no machine: RFC 5737 */
	ASSERT_SAYS(&l, strerror(EADDRNOTAVAIL));
	l = tcp_listener("300.300.300.300", port);
	(void)open_bad(&l);
}
END_TEST

START_TEST(tcp_exposed)
{
	static const struct {
		enum conf_listen_kind kind;
		const char *host;
		bool is_exposed;
	} rows[] = {
		{ CONF_TCP, "localhost", false },
		{ CONF_TCP, "127.0.0.1", false },
		{ CONF_TCP, "127.1.2.3", false },
		{ CONF_TCP, "::1", false },
		{ CONF_TCP, "::ffff:127.0.0.1", false },
		{ CONF_TCP, "*", true },
		{ CONF_TCP, "0.0.0.0", true },
		{ CONF_TCP, "::", true },
		{ CONF_TCP, "192.0.2.1", true },
		{ CONF_TCP, "::ffff:192.0.2.1", true },
		{ CONF_TCP, "300.300.300.300", true },
		{ CONF_UNIX, NULL, false },
		{ CONF_ABSTRACT, NULL, false }
	};
	struct conf_listen l;
	int i;

	for (i = 0; i < ROWS(rows); i++) {
		l = tcp_listener(rows[i].host, "2375");
		l.kind = rows[i].kind;
		ck_assert_msg(listen_is_exposed(&l) == rows[i].is_exposed,
		    "%s", rows[i].host);
	}
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("listen");
	TCase *tc;

	tc = unit_case(s, "unix");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, unix_access);
	tcase_add_test(tc, unix_nobody_early);
	tcase_add_test(tc, unix_stale);
	tcase_add_test(tc, unix_live);
	tcase_add_test(tc, unix_not_a_socket);
	tcase_add_test(tc, unix_other_kind);
	tcase_add_test(tc, unix_close_others);
	tcase_add_test(tc, unix_failures);
	tcase_add_test(tc, unix_abstract);
	tc = unit_case(s, "tcp");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, tcp_everywhere);
	tcase_add_test(tc, tcp_options);
	tcase_add_loop_test(tc, tcp_addresses, 0, NADDRESSES);
	tcase_add_test(tc, tcp_failures);
	tcase_add_test(tc, tcp_exposed);
	return s;
}
