/*
 * Sockets that a service manager passes: which there are, who gets which, and
 * what is said when that does not fit.
 */
#include "config.h"

#include "conffd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include "confunit.h"
#include "inherit.h"
#include "text.h"

/* Where the child of a test writes to, out of the way of what is passed. */
#define RESULT_FD	40

/* How it ends on a machine without IPv6. */
#define NO_IPV6		92

#define SHOWN_CAP	8192

/* Sockets are passed as letters: t TCP, 6 TCP on IPv6, u unix, a abstract;
 * and what is none that listens: d datagram, n not listening, c a file, - not
 * open at all. */
static const char kinds[] = "t6uadnc-";

static void
bind_unix(int fd, const char *name, bool is_abstract)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sun);

	if (is_abstract) {
		strcpy(sun.sun_path + 1, name);
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		    strlen(name));
	} else {
		strcpy(sun.sun_path, name);
	}
	if (bind(fd, (struct sockaddr *)&sun, len) != 0)
		_exit(90);
}

static int
open_kind(char kind)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd;

	if (kind == 'c')
		return open("/dev/null", O_RDWR);
	if (kind == '6' && access("/proc/net/if_inet6", F_OK) != 0)
		_exit(NO_IPV6);
	fd = socket(kind == 't' || kind == 'n' ? AF_INET :
	    kind == '6' ? AF_INET6 : AF_UNIX,
	    kind == 'd' ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (kind == 't' &&
	    bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0)
		_exit(91);
	if (kind == '6' &&
	    bind(fd, (struct sockaddr *)&in6, sizeof(in6)) != 0)
		_exit(NO_IPV6);
	if (kind == 'u')
		bind_unix(fd, path("passed"), false);
	if (kind == 'a')
		bind_unix(fd, path("passed") + 1, true);
	if (strchr("dn", kind) == NULL && listen(fd, 1) != 0)
		_exit(93);
	return fd;
}

/* Put the sockets where a service manager would. */
static void
pass(const char *letters)
{
	size_t i;
	int fd;

	for (i = 0; letters[i] != '\0'; i++) {
		(void)close(3 + (int)i);
		if (letters[i] == '-')
			continue;
		fd = open_kind(letters[i]);
		if (fd == -1)
			_exit(94);
		if (fd != 3 + (int)i) {
			(void)dup2(fd, 3 + (int)i);
			(void)close(fd);
		}
	}
}

struct row {
	const char *letters;
	const char *pid;	/* NULL: ours */
	const char *count;	/* NULL: as many as there are */
	const char *names;	/* NULL: not said */
	const char *flags;
	const char *expect;	/* listeners with their profiles, with "#" for
				 * port and "@" for our folder; or a part of
				 * the first message */
	int nmessages;
};

static void
set_variables(const struct row *row)
{
	char number[32];

	(void)snprintf(number, sizeof(number), "%ld", (long)getpid());
	(void)setenv("LISTEN_PID", row->pid != NULL ? row->pid : number, 1);
	(void)snprintf(number, sizeof(number), "%zu", strlen(row->letters));
	(void)setenv("LISTEN_FDS", row->count != NULL ? row->count : number,
	    1);
	if (row->names != NULL)
		(void)setenv("LISTEN_FDNAMES", row->names, 1);
}

/* A port is another every time. */
static void
put_listener(struct text *t, const struct conf_listen *l)
{
	const char *p;

	for (p = l->text; *p != '\0'; p++)
		if (*p == ':' && p[1] >= '0' && p[1] <= '9' &&
		    strspn(p + 1, "0123456789") > 3) {
			text_str(t, ":#");
			p += strspn(p + 1, "0123456789");
		} else {
			text_char(t, *p);
		}
	if (l->profile != NULL) {
		text_char(t, '=');
		text_str(t, l->profile->name);
	}
	if (strchr(l->text, '(') != NULL && (fcntl(l->fd, F_GETFD) & FD_CLOEXEC) == 0)
		text_str(t, " STAYS OPEN");
	text_char(t, ' ');
}

_Noreturn static void
in_child(const struct row *row)
{
	static char shown[SHOWN_CAP];
	const struct conf *c;
	struct text t;
	size_t i;

	pass(row->letters);
	set_variables(row);
	inherit_read();
	if (getenv("LISTEN_PID") != NULL || getenv("LISTEN_FDS") != NULL ||
	    getenv("LISTEN_FDNAMES") != NULL)
		_exit(95);
	text_init(&t, shown, sizeof(shown));
	c = load(row->flags, "", GOOD);
	for (i = 0; c != NULL && i < c->nlisten; i++)
		put_listener(&t, &c->listen[i]);
	if (c != NULL && c->has_metrics)
		put_listener(&t, &c->metrics);
	if (c == NULL) {
		text_number(&t, (uint64_t)nmessages);
		text_char(&t, ' ');
		text_str(&t, messages);
	}
	if (write(RESULT_FD, text_string(&t), t.len) != (ssize_t)t.len)
		_exit(96);
	_exit(0);
}

static const struct row rows[] = {
	/* Names, and all. */
	{ "t", NULL, NULL, "web", "-l fd://web",
	    "fd://web(tcp://127.0.0.1:#)=one ", 0 },
	{ "u", NULL, NULL, NULL, "-l fd://unknown,profile=two",
	    "fd://unknown(unix://@/passed)=two ", 0 },
	{ "tu", NULL, NULL, "web:loc", "-l fd://",
	    "fd://web(tcp://127.0.0.1:#)=one "
	    "fd://loc(unix://@/passed)=one ", 0 },
	{ "tu", NULL, NULL, "web:loc", "-l fd://loc,profile=two -l fd://web",
	    "fd://loc(unix://@/passed)=two "
	    "fd://web(tcp://127.0.0.1:#)=one ", 0 },
	{ "tut", NULL, NULL, "a:b:c", "-l fd:// -l fd://b,profile=two "
	    "-l unix://@x",
	    "fd://a(tcp://127.0.0.1:#)=one fd://c(tcp://127.0.0.1:#)=one "
	    "fd://b(unix://@/passed)=two unix://@x=one ", 0 },
	{ "tu", NULL, NULL, "one.socket:one.socket", "-l fd://one.socket",
	    "fd://one.socket(tcp://127.0.0.1:#)=one "
	    "fd://one.socket(unix://@/passed)=one ", 0 },
	{ "6", NULL, NULL, "::", "-l fd://",
	    "LISTEN_FDNAMES must have one name for each of LISTEN_FDS", 1 },
	{ "6", NULL, NULL, "", "-l fd://",
	    "fd://unknown(tcp://[::1]:#)=one ", 0 },
	{ "tu", NULL, NULL, "web:metrics", "-l fd:// --metrics fd://metrics",
	    "fd://web(tcp://127.0.0.1:#)=one fd://metrics(unix://@/passed) ",
	    0 },
	{ "tu", NULL, NULL, "web:m", "--metrics fd://m",
	    "fd://web(tcp://127.0.0.1:#)=one fd://m(unix://@/passed) ", 0 },
	/* None for us. */
	{ "t", "1", NULL, NULL, "-l unix://@x", "unix://@x=one ", 0 },
	{ "t", "1", NULL, "web", "-l fd://web", "fd://web: no sockets were "
	    "passed to this process: start it by its socket unit", 1 },
	{ "", NULL, "0", NULL, "-l fd://", "fd://: no sockets were passed",
	    1 },
	/* What does not fit. */
	{ "t", NULL, NULL, "web", "-l fd://wep", "a socket was passed to this "
	    "process that nobody asked for: web, descriptor 3, "
	    "tcp://127.0.0.1:", 2 },
	{ "tu", NULL, NULL, "a:b", "-l fd://a", "nobody asked for: b, "
	    "descriptor 4, unix://", 1 },
	{ "t", NULL, NULL, "a", "-l unix://@x", "add --listen fd://a, or "
	    "fd:// for all", 1 },
	{ "t", NULL, NULL, "a", "-l fd://a -l fd://", "fd://: all sockets "
	    "that were passed have a listener of their name", 1 },
	{ "t", NULL, NULL, "a", "-l fd://a -l fd://b", "fd://b: no socket of "
	    "that name was passed to this process; the first one is called a",
	    1 },
	{ "tu", NULL, NULL, "m:m", "-l unix://@x --metrics fd://m",
	    "fd://m: too many sockets, at most 1", 1 },
	{ "d", NULL, NULL, "a", "-l fd://a", "fd://a: descriptor 3 (a) is not "
	    "a listening stream socket: the socket unit needs ListenStream=",
	    1 },
	{ "n", NULL, NULL, "a", "-l fd://", "is not a listening", 1 },
	{ "c", NULL, NULL, "a", "-l fd://", "is not a listening", 1 },
	{ "-", NULL, NULL, "a", "-l fd://", "is not a listening", 1 },
	{ "t", NULL, "x", NULL, "-l fd://", "LISTEN_FDS must be a number", 1 },
	{ "t", NULL, "33", NULL, "-l fd://", "at most 32", 1 },
	{ "t", NULL, NULL, "a:b", "-l fd://", "LISTEN_FDNAMES must have", 1 },
	{ "tt", NULL, NULL, "a", "-l fd://", "LISTEN_FDNAMES must have", 1 },
	/* Who may connect. */
	{ "tu", NULL, NULL, "a:b", "-l fd://,allow=uid:0,allow=10.0.0.0/8",
	    "fd://a(tcp://127.0.0.1:#)=one fd://b(unix://@/passed)=one ", 0 },
	{ "t", NULL, NULL, "a", "-l fd://a,allow=uid:0", ": nobody could "
	    "connect: allow= must be an address or a network here", 1 },
	{ "u", NULL, NULL, "a", "-l fd://a,allow=::1", ": nobody could "
	    "connect: allow= must be uid:USER or gid:GROUP here", 1 },
	/* Other modes look at the words alone. */
	{ "", "1", NULL, NULL, "--test -l fd:// -l fd://a",
	    "fd://=one fd://a=one ", 0 },
};

/* With the name of the folder for "@/". */
static const char *
expand(const char *text)
{
	static char out[1024];
	size_t used;

	used = 0;
	for (; *text != '\0' && used < sizeof(out) - sizeof(dir); text++)
		if (text[0] == '@' && text[1] == '/')
			used += (size_t)snprintf(out + used, sizeof(dir), "%s",
			    dir);
		else
			out[used++] = *text;
	out[used] = '\0';
	return out;
}

START_TEST(claimed)
{
	const struct row *row = &rows[_i];
	char got[SHOWN_CAP + 1], number[16];
	int ends[2], status;
	ssize_t len;
	pid_t child;

	ck_assert_uint_eq(strspn(row->letters, kinds), strlen(row->letters));
	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)dup2(ends[1], RESULT_FD);
		in_child(row);
	}
	(void)close(ends[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (strchr(row->letters, '6') != NULL && WIFEXITED(status) &&
	    WEXITSTATUS(status) == NO_IPV6)
		return;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status %x", (unsigned)status);
	len = read(ends[0], got, sizeof(got) - 1);
	ck_assert_int_gt(len, 0);
	(void)close(ends[0]);
	got[len] = '\0';
	(void)snprintf(number, sizeof(number), "%d ", row->nmessages);
	if (row->nmessages == 0)
		ck_assert_str_eq(got, expand(row->expect));
	else
		ck_assert_msg(strncmp(got, number, strlen(number)) == 0 &&
		    strstr(got, row->expect) != NULL, "expected: %s%s\ntold: "
		    "%s", number, row->expect, got);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("conffd");
	TCase *tc;
	int fd;

	/* What Check opens must not be where sockets are passed. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd < 10);
	tc = with_folder(s, "claimed");
	tcase_add_loop_test(tc, claimed, 0, ROWS(rows));
	return s;
}
