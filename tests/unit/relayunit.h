#ifndef DSP_RELAYUNIT_H
#define DSP_RELAYUNIT_H

/*
 * What the tests of the pump share: a client and a dockerd that are processes
 * of their own, and the relay between them.
 */

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>

#include "board.h"
#include "relay.h"
#include "unit.h"

#define KIB		1024
#define MIB		(1024 * KIB)
#define FROM		BOUNDS_PIPE_FROM
#define CAP		BOUNDS_PIPE_CAP
#define BEHIND		9	/* bytes of the next message */
#define PATIENCE_S	20	/* of a peer that gets nothing */

struct row {
	const char	*what;
	uint64_t	 len;		/* of the body */
	size_t		 early;		/* of it came with the head */
	size_t		 piece;		/* the client writes at once */
	size_t		 sip;		/* dockerd reads at once */
	unsigned	 rest_us;	/* and then does nothing so long */
	uint64_t	 stop;		/* the client ends there; 0: not */
	uint64_t	 die;		/* dockerd ends there; 0: not */
	uint64_t	 answer;	/* dockerd has answered by then */
};

/* What the peers tell the test. */
static volatile struct seen {
	uint64_t	got;		/* by dockerd */
	bool		is_wrong;	/* what it got */
	bool		has_end;	/* and then the end came */
	uint64_t	down;		/* by the client */
} *seen;

static struct relay r;
static char up_buf[BOUNDS_RELAY_CAP], down_buf[BOUNDS_RELAY_CAP];
static int client_fd, dockerd_fd, client_end, dockerd_end;
static pid_t client_pid, dockerd_pid;
static int nfiles;

/* The byte at that place of what the client sends. */
static inline char
byte_at(uint64_t at)
{
	return (char)(at * 31 + (at >> 8) * 17 + (at >> 16));
}

static inline int
count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n;

	ck_assert_ptr_nonnull(dir);
	for (n = 0; readdir(dir) != NULL; n++)
		;
	(void)closedir(dir);
	return n;
}

/* -- sockets -- */

static inline void
tcp_pair(int ends[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	ends[1] = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(ends[1], (struct sockaddr *)&at, len), 0);
	ends[0] = accept(fd, NULL, NULL);
	ck_assert_int_ge(ends[0], 0);
	(void)close(fd);
}

static inline void
be_patient(int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience)), 0);
}

static inline void
open_sockets(bool is_tcp)
{
	int ends[2];

	nfiles = count_files();
	if (is_tcp)
		tcp_pair(ends);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends),
		    0);
	client_fd = ends[0];
	client_end = ends[1];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	dockerd_fd = ends[0];
	dockerd_end = ends[1];
	be_patient(client_end);
	be_patient(dockerd_end);
	ck_assert_int_eq(fcntl(client_fd, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(fcntl(dockerd_fd, F_SETFL, O_NONBLOCK), 0);
}

/* -- peers -- */

/* Send bytes [at, end) of the client's; false when nobody takes them. */
static inline bool
send_bytes(uint64_t at, uint64_t end, size_t piece)
{
	static char buf[64 * KIB];
	size_t i, n;

	for (; at < end; at += n) {
		n = end - at < piece ? (size_t)(end - at) : piece;
		for (i = 0; i < n; i++)
			buf[i] = byte_at(at + i);
		if (send(client_end, buf, n, MSG_NOSIGNAL) != (ssize_t)n)
			return false;
	}
	return true;
}

static inline void
be_client(const struct row *row)
{
	char buf[4 * KIB];
	ssize_t n;

	if (row->stop > 0)
		(void)send_bytes(row->early, row->stop, row->piece);
	else
		(void)send_bytes(row->early, row->len + BEHIND, row->piece);
	if (row->stop > 0)
		(void)shutdown(client_end, SHUT_WR);
	while ((n = recv(client_end, buf, sizeof(buf), 0)) > 0)
		seen->down += (uint64_t)n;
}

/* Receive some, and look at it; false at the end. */
static inline bool
take_bytes(size_t most)
{
	static char buf[256 * KIB];
	ssize_t i, n;

	n = recv(dockerd_end, buf, most, 0);
	for (i = 0; i < n; i++)
		if (buf[i] != byte_at(seen->got + (uint64_t)i))
			seen->is_wrong = true;
	if (n == 0)
		seen->has_end = true;
	if (n > 0)
		seen->got += (uint64_t)n;
	return n > 0;
}

static inline void
be_dockerd(const struct row *row)
{
	uint64_t end = row->die > 0 ? row->die : row->len;
	bool has_answered = false;
	uint64_t left;

	while (seen->got < end) {
		if (row->answer > 0 && !has_answered &&
		    seen->got >= row->answer) {
			(void)send(dockerd_end, "A", 1, MSG_NOSIGNAL);
			has_answered = true;
		}
		left = end - seen->got;
		if (!take_bytes(left < row->sip ? (size_t)left : row->sip))
			return;
		if (row->rest_us > 0)
			(void)usleep(row->rest_us);
	}
	if (row->die == 0)
		(void)send(dockerd_end, "B", 1, MSG_NOSIGNAL);
}

static inline pid_t
start(void (*be)(const struct row *), const struct row *row, int end)
{
	int fds[] = { client_fd, dockerd_fd, client_end, dockerd_end };
	pid_t pid;
	size_t i;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid != 0)
		return pid;
	for (i = 0; i < 4; i++)
		if (fds[i] != end)
			(void)close(fds[i]);
	be(row);
	_exit(0);
}

static inline void
start_both(void (*client)(const struct row *),
    void (*dockerd)(const struct row *), const struct row *row)
{
	client_pid = start(client, row, client_end);
	dockerd_pid = start(dockerd, row, dockerd_end);
	(void)close(client_end);
	(void)close(dockerd_end);
}

/* Everything is closed, and nothing was forgotten. */
static inline void
end_peers(void)
{
	relay_way_free(&r.up);
	relay_way_free(&r.down);
	(void)close(client_fd);
	(void)close(dockerd_fd);
	ck_assert_int_eq(waitpid(client_pid, NULL, 0), client_pid);
	ck_assert_int_eq(waitpid(dockerd_pid, NULL, 0), dockerd_pid);
	ck_assert_int_eq(count_files(), nfiles);
}

/* -- the relay's part -- */

static inline void
begin(enum body_kind kind, uint64_t len, size_t early, bool may_pipe)
{
	size_t i;

	memset(&r, 0, sizeof(r));
	r.gone_ms = INT64_MAX;
	for (i = 0; i < early; i++)
		up_buf[i] = byte_at(i);
	relay_way_init(&r.up, client_fd, dockerd_fd, up_buf, sizeof(up_buf),
	    0, early);
	r.up.body = (struct body){ .kind = kind, .left = len };
	r.up.may_pipe = may_pipe;
	relay_way_init(&r.down, dockerd_fd, client_fd, down_buf,
	    sizeof(down_buf), 0, 0);
	body_until_close(&r.down.body);
}

/* Wait until so much can be received that it is bulk. */
static inline void
await_bulk(void)
{
	int i, n;

	for (i = 0; i < PATIENCE_S * 1000; i++) {
		ck_assert_int_eq(ioctl(client_fd, FIONREAD, &n), 0);
		if (n >= BOUNDS_BULK)
			return;
		(void)usleep(1000);
	}
	ck_abort_msg("the client sends nothing");
}

/* relay_case(s, name): a case whose tests can have peers. */
static void
set_up_peers(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(seen != MAP_FAILED);
	/* The relay counts what it carries there. */
	ck_assert_int_eq(board_open(1), 0);
}

static inline TCase *
relay_case(Suite *s, const char *name)
{
	TCase *tc = unit_case(s, name);

	tcase_add_checked_fixture(tc, set_up_peers, NULL);
	return tc;
}

#endif /* DSP_RELAYUNIT_H */
