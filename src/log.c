/*
 * Lines out: composed in a fixed buffer, written at once.
 */

#include "config.h"

#include "log.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum log_level max_level = LOG_LEVEL_INFO;
static enum log_format format = LOG_FORMAT_TEXT;
static enum log_to destination = LOG_TO_STDERR;

/* Bytes kept for the end of a line: quote, dots, brace, line feed. */
#define LINE_END_CAP 8

static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* RFC 3164 section 4.1.1: facility daemon (3) times 8, plus severity. */
static const char *const syslog_priorities[] = { "<27>", "<28>", "<30>",
	"<31>" };

static int syslog_fd = -1;
static bool is_sealed;		/* nothing may be opened any more */
static bool is_broken;		/* but should have been */

/* Standard output and error: whether they are files, which always have room
 * and know nothing of RWF_NOWAIT on some file systems. */
static bool is_file[STDERR_FILENO + 1];

/* syslog(3) is not used: it waits when the system log does not read. */
static void
open_syslog(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };

	syslog_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	/* Without a system log, lines are lost and counted. */
	if (syslog_fd != -1)
		(void)connect(syslog_fd, (const struct sockaddr *)&to,
		    sizeof(to));
}

static void
find_files(void)
{
	struct stat st;
	int fd;

	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		is_file[fd] = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void
log_init(enum log_level level, enum log_format new_format, enum log_to to)
{
	max_level = level;
	format = new_format;
	destination = to;
	if (syslog_fd != -1)
		(void)close(syslog_fd);
	syslog_fd = -1;
	if (to == LOG_TO_SYSLOG)
		open_syslog();
	find_files();
}

void
log_seal(void)
{
	is_sealed = true;
}

bool
log_is_broken(void)
{
	return is_broken;
}

bool
log_wants(enum log_level level)
{
	return level <= max_level;
}

/* Lines that found no room since the last that did. */
static uint64_t lost_lines;

/*
 * One line, one write, and no wait for a reader who does not read.  Pipes and
 * sockets can say so themselves; for the rest poll(2) is asked first.  Files
 * may have to wait a moment for themselves, which is no harm.
 */
static bool
write_now(int fd, const char *line, size_t len)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	struct iovec iov;
	ssize_t n;

	memcpy(&iov.iov_base, &line, sizeof(line));
	iov.iov_len = len;
	if (is_file[fd])
		return writev(fd, &iov, 1) == (ssize_t)len;
#if defined(SYS_pwritev2) && defined(RWF_NOWAIT)
	n = syscall(SYS_pwritev2, fd, &iov, 1UL, -1L, -1L, RWF_NOWAIT);
#else
	n = -1;
	errno = ENOSYS;
#endif
	if (n == -1 && (errno == ENOSYS || errno == EOPNOTSUPP ||
	    errno == EAGAIN) &&
	    poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0)
		n = writev(fd, &iov, 1);
	return n == (ssize_t)len;
}

/* A datagram for the system log: "<30>program[pid]: line", without a time,
 * which it adds. */
static bool
send_syslog(enum log_level level, const char *line, size_t len)
{
	char buf[BOUNDS_LOG_LINE_CAP + 64];
	struct text t;
	size_t end;

	text_init(&t, buf, sizeof(buf));
	text_str(&t, syslog_priorities[level]);
	text_str(&t, "docker-socket-protector[");
	text_number(&t, (uint64_t)getpid());
	text_str(&t, "]: ");
	end = len > 0 && line[len - 1] == '\n' ? len - 1 : len;
	text_span(&t, (struct span){ line, end });
	if (send(syslog_fd, buf, t.len, MSG_NOSIGNAL) == (ssize_t)t.len)
		return true;
	/* It may have been started anew. */
	if (errno != ECONNREFUSED && errno != ENOTCONN)
		return false;
	if (is_sealed) {
		is_broken = true;
		return false;
	}
	(void)close(syslog_fd);
	open_syslog();
	return send(syslog_fd, buf, t.len, MSG_NOSIGNAL) == (ssize_t)t.len;
}

/* To where the log goes. */
static bool
put_now(enum log_level level, const char *line, size_t len)
{
	if (destination == LOG_TO_SYSLOG)
		return send_syslog(level, line, len);
	return write_now(STDERR_FILENO, line, len);
}

void
log_forked(void)
{
	lost_lines = 0;
}

void
log_tell_lost(void)
{
	char told[64];
	struct text t;

	if (lost_lines == 0)
		return;
	text_init(&t, told, sizeof(told));
	text_str(&t, format == LOG_FORMAT_JSON ?
	    "{\"level\":\"warn\",\"event\":\"lost\",\"lines\":" :
	    destination == LOG_TO_SYSLOG ? "lost lines=" :
	    "warn lost lines=");
	text_number(&t, lost_lines);
	text_str(&t, format == LOG_FORMAT_JSON ? "}\n" : "\n");
	if (put_now(LOG_LEVEL_WARN, told, t.len))
		lost_lines = 0;
}

/* Add the end of a line, with dots where a value was cut.  begin() kept
 * room for both. */
static void
finish(struct text *t, bool is_cut, const char *end)
{
	t->cap = BOUNDS_LOG_LINE_CAP;
	t->is_full = false;
	if (is_cut)
		text_str(t, "...");
	text_str(t, end);
}

static void
put_line(enum log_level level, struct text *t)
{
	int saved_errno;

	saved_errno = errno;
	log_tell_lost();
	if (!put_now(level, t->buf, t->len))
		lost_lines++;
	errno = saved_errno;
}

/* Room for the dots, closing quote and brace of a cut line is kept. */
static void
begin(struct log_line *line, enum log_level level)
{
	line->level = level;
	line->is_cut = false;
	text_init(&line->text, line->buf, sizeof(line->buf) - LINE_END_CAP);
	if (format == LOG_FORMAT_JSON)
		text_str(&line->text, "{\"level\":\"");
	if (format == LOG_FORMAT_JSON || destination != LOG_TO_SYSLOG)
		text_str(&line->text, level_names[level]);
	if (format == LOG_FORMAT_JSON)
		text_char(&line->text, '"');
	else if (destination != LOG_TO_SYSLOG)
		text_char(&line->text, ' ');
}

void
log_begin(struct log_line *line, enum log_level level, const char *event)
{
	begin(line, level);
	if (format == LOG_FORMAT_JSON)
		log_str(line, "event", event);
	else
		text_str(&line->text, event);
}

/* ` key=` or `,"key":`, whole or not at all: a line is cut inside values
 * or between fields. */
static void
put_key(struct text *t, const char *key, bool is_string)
{
	const size_t before = t->len;

	text_str(t, format == LOG_FORMAT_JSON ? ",\"" : " ");
	text_str(t, key);
	text_str(t, format == LOG_FORMAT_JSON ? "\":" : "=");
	if (format == LOG_FORMAT_JSON && is_string)
		text_char(t, '"');
	if (t->is_full)
		t->len = before;
}

void
log_str(struct log_line *line, const char *key, const char *value)
{
	log_span(line, key, span_of(value));
}

void
log_span(struct log_line *line, const char *key, struct span value)
{
	put_key(&line->text, key, true);
	if (line->text.is_full)
		return;
	if (format == LOG_FORMAT_JSON)
		text_json(&line->text, value);
	else
		text_escaped(&line->text, value);
	line->is_cut = line->text.is_full;
	if (format != LOG_FORMAT_JSON)
		return;
	/* Room for one more byte is always kept. */
	line->text.cap++;
	line->text.is_full = false;
	if (!line->is_cut)
		text_char(&line->text, '"');
	line->text.cap--;
	line->text.is_full = line->is_cut;
}

void
log_words(struct log_line *line, const char *key, const char *value)
{
	if (format == LOG_FORMAT_JSON) {
		log_str(line, key, value);
		return;
	}
	put_key(&line->text, key, false);
	text_char(&line->text, '"');
	text_str(&line->text, value);
	text_char(&line->text, '"');
}

void
log_number(struct log_line *line, const char *key, uint64_t value)
{
	char buf[96];
	struct text piece;

	text_init(&piece, buf, sizeof(buf));
	put_key(&piece, key, false);
	text_number(&piece, value);
	text_span(&line->text, (struct span){ buf, piece.len });
}

void
log_end(struct log_line *line)
{
	const char *end;

	if (!log_wants(line->level))
		return;
	end = format != LOG_FORMAT_JSON ? "\n" :
	    line->is_cut ? "\"}\n" : "}\n";
	finish(&line->text, line->is_cut, end);
	put_line(line->level, &line->text);
	/* It may tell of one client what is not the next one's to know. */
	explicit_bzero(line->buf, sizeof(line->buf));
}

/* A message in words: spaces stay, other odd bytes are escaped. */
static void
put_message(struct text *t, const char *message)
{
	struct span rest, word;
	bool is_first;

	rest = span_of(message);
	for (is_first = true; span_next(&rest, ' ', &word); is_first = false) {
		if (!is_first)
			text_char(t, ' ');
		text_escaped(t, word);
	}
}

static void __attribute__((format(printf, 3, 0)))
vlog(enum log_level level, int code, const char *fmt, va_list ap)
{
	char message[BOUNDS_LOG_LINE_CAP];
	struct log_line line;
	struct text t;
	int n, saved_errno;

	if (!log_wants(level))
		return;
	saved_errno = errno;
	n = vsnprintf(message, sizeof(message), fmt, ap);
	text_init(&t, message, sizeof(message));
	t.len = n < 0 ? 0 : strlen(message);
	if (code != 0) {
		text_str(&t, ": ");
		text_str(&t, strerror(code));
	}
	text_string(&t);
	begin(&line, level);
	if (format == LOG_FORMAT_JSON)
		log_str(&line, "message", message);
	else
		put_message(&line.text, message);
	if (format != LOG_FORMAT_JSON)
		line.is_cut = line.text.is_full;
	log_end(&line);
	errno = saved_errno;
}

#define LOG_FUNCTION(name, level, code) \
void \
name(const char *fmt, ...) \
{ \
	va_list ap; \
\
	va_start(ap, fmt); \
	vlog((level), (code), fmt, ap); \
	va_end(ap); \
}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR, 0)
LOG_FUNCTION(log_error_errno, LOG_LEVEL_ERROR, errno)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN, 0)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO, 0)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG, 0)

void
fatal(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_ERROR, errno, fmt, ap);
	va_end(ap);
	exit(code);
}

void
fatalx(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_ERROR, 0, fmt, ap);
	va_end(ap);
	exit(code);
}

void
bug(const char *what)
{
	log_error("bug: %s", what);
	abort();
}

void
log_request(struct span method, struct span target)
{
	char buf[BOUNDS_LOG_LINE_CAP];
	struct text t;
	int saved_errno;

	saved_errno = errno;
	text_init(&t, buf, sizeof(buf) - LINE_END_CAP);
	text_str(&t, "request rule:  ");
	text_literal(&t, method);
	text_char(&t, ' ');
	text_literal(&t, target);
	finish(&t, t.is_full, "\n");
	if (!write_now(STDOUT_FILENO, t.buf, t.len))
		lost_lines++;
	explicit_bzero(buf, sizeof(buf));
	errno = saved_errno;
}
