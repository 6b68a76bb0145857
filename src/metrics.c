/*
 * A very small HTTP server: one connection, one request, one answer.
 */

#include "config.h"

#include "metrics.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "http.h"
#include "io.h"
#include "log.h"
#include "metricstext.h"
#include "sandbox.h"
#include "tally.h"
#include "text.h"
#include "yard.h"

/* Where its own descriptor is, behind the standard ones. */
#define LISTEN_FD	(STDERR_FILENO + 1)

/* Bytes of an answer's head. */
#define HEAD_CAP	512

static char received[BOUNDS_HEAD_CAP];
static char page[BOUNDS_METRICS_CAP];

static volatile sig_atomic_t is_dismissed;
static pid_t master;

/* What is answered; all but the first have a body of their own. */
struct answer {
	const char	*status;
	const char	*body;		/* NULL: the metrics */
};

static const struct answer told = { "200 OK", NULL };
static const struct answer malformed = { "400 Bad Request",
    "malformed request\n" };
static const struct answer unknown = { "404 Not Found",
    "only /metrics is here\n" };
static const struct answer wrong_method = { "405 Method Not Allowed",
    "only GET and HEAD are understood here\n" };
static const struct answer too_slow = { "408 Request Timeout",
    "request not complete in time\n" };
static const struct answer too_many = { "500 Internal Server Error",
    "there are more metrics than fit\n" };

/* A whole head, or what is wrong; NULL when the client has gone. */
static const struct answer *
receive(int fd, struct http_head *head, int64_t deadline)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	enum http_result result;
	enum io_result got;
	size_t len, n, used;

	for (len = 0; ; len += n) {
		result = http_parse_request(received, len, head, &used);
		if (result == HTTP_DONE)
			return &told;
		if (result == HTTP_BAD)
			return &malformed;
		/* One who sends a byte now and then keeps nobody either. */
		if (io_wait(&wait, 1, deadline, NULL) != IO_OK ||
		    io_now_ms() >= deadline)
			return &too_slow;
		got = io_recv(fd, received + len, sizeof(received) - len, &n);
		if (got == IO_EOF || got == IO_ERROR)
			return NULL;
	}
}

static const struct answer *
judge(const struct http_head *head)
{
	struct span rest = head->target, path;

	if (!span_next(&rest, '?', &path) ||
	    !span_eq(path, SPAN("/metrics")))
		return &unknown;
	if (!span_eq(head->method, SPAN("GET")) &&
	    !span_eq(head->method, SPAN("HEAD")))
		return &wrong_method;
	return &told;
}

static void
answer(int fd, const struct answer *a, bool is_head, int64_t deadline)
{
	char buf[HEAD_CAP];
	struct span body = { page, 0 };
	struct text t;

	if (a->body == NULL) {
		body.len = metricstext_make(page, sizeof(page));
		if (body.len == 0)
			a = &too_many;
	}
	if (a->body != NULL)
		body = span_of(a->body);
	text_init(&t, buf, sizeof(buf));
	text_str(&t, "HTTP/1.1 ");
	text_str(&t, a->status);
	text_str(&t, "\r\nContent-Type: ");
	text_str(&t, a->body == NULL ? METRICSTEXT_TYPE :
	    "text/plain; charset=utf-8");
	text_str(&t, a == &wrong_method ? "\r\nAllow: GET, HEAD" : "");
	text_str(&t, "\r\nConnection: close\r\nContent-Length: ");
	text_number(&t, body.len);
	text_str(&t, "\r\n\r\n");
	if (io_send_all(fd, buf, t.len, deadline) == -1 || (!is_head &&
	    io_send_all(fd, body.p, body.len, deadline) == -1))
		log_debug("metrics: an answer did not get through");
}

static void
serve(int fd)
{
	const int64_t deadline = io_now_ms() + BOUNDS_SCRAPE_MS;
	static struct http_head head;
	const struct answer *a;
	bool is_head;

	a = receive(fd, &head, deadline);
	if (a == NULL) {
		(void)close(fd);
		return;
	}
	is_head = a == &told && span_eq(head.method, SPAN("HEAD"));
	if (a == &told)
		a = judge(&head);
	/* Too late for others, but it gets as much as its socket takes. */
	answer(fd, a, is_head, deadline);
	io_linger_close(fd, deadline);
}

/* Service managers signal whole groups: only the master says when. */
static void
handle_term(int sig, siginfo_t *info, void *context)
{
	(void)sig; /* SIGTERM */
	(void)context;
	if (info->si_pid == master)
		is_dismissed = 1;
}

/* SIGTERM ends us, but only where we wait for somebody. */
static void
set_signals(sigset_t *while_waiting)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction handle = { .sa_sigaction = handle_term,
	    .sa_flags = SA_SIGINFO };
	sigset_t blocked;

	(void)sigemptyset(while_waiting);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	if (sigaction(SIGINT, &ignore, NULL) == -1 ||
	    sigaction(SIGHUP, &ignore, NULL) == -1 ||
	    sigaction(SIGUSR1, &ignore, NULL) == -1 ||
	    sigaction(SIGPIPE, &ignore, NULL) == -1 ||
	    sigaction(SIGCHLD, &standard, NULL) == -1 ||
	    sigaction(SIGTERM, &handle, NULL) == -1 ||
	    sigprocmask(SIG_SETMASK, &blocked, NULL) == -1)
		fatal(2, "metrics: signals");
}

/* Keep the listener and close what the master had open.  syslog's is opened
 * anew. */
static void
keep_descriptors(const struct metrics_args *args)
{
	const struct conf *conf = args->conf;

	log_init(conf->log_level, conf->log_format, LOG_TO_STDERR);
	if (args->listen_fd != LISTEN_FD &&
	    dup2(args->listen_fd, LISTEN_FD) == -1)
		fatal(2, "metrics: descriptors");
	io_close_from(LISTEN_FD + 1);
	/* An old one of us may take the connection that we woke up for. */
	if (fcntl(LISTEN_FD, F_SETFL, O_NONBLOCK) == -1)
		fatal(2, "metrics: fcntl");
	log_init(conf->log_level, conf->log_format, conf->log_to);
}

static bool
is_passing(int error)
{
	return error == EINTR || error == EAGAIN || error == ECONNABORTED;
}

_Noreturn void
metrics_run(const struct metrics_args *args)
{
	struct pollfd wait = { .fd = LISTEN_FD, .events = POLLIN };
	sigset_t while_waiting;
	int fd;

	if (board_watch() == -1 || tally_watch() == -1 ||
	    yard_watch() == -1)
		fatal(2, "metrics: mprotect");
	keep_descriptors(args);
	master = args->master;
	set_signals(&while_waiting);
	privs_drop(args->identity, args->master, BOUNDS_WORKER_FILES);
	log_seal();
	sandbox_enter_metrics(args->conf->sandbox, LISTEN_FD);
	while (!log_is_broken() && !is_dismissed) {
		if (ppoll(&wait, 1, NULL, &while_waiting) == -1 &&
		    errno != EINTR)
			fatal(1, "metrics: ppoll");
		fd = accept4(LISTEN_FD, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd != -1) {
			serve(fd);
			continue;
		}
		/* The master shuts the listener down to stop accepting. */
		if (errno == EINVAL)
			break;
		if (!is_passing(errno))
			fatal(1, "metrics: accept");
	}
	_exit(0);
}
