#ifndef DSP_LOG_H
#define DSP_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "bounds.h"
#include "span.h"
#include "text.h"

/*
 * One event, one line, one write(2) of at most BOUNDS_LOG_LINE_CAP bytes,
 * so lines of many processes never mix.  Longer lines are cut and end in
 * "...".  Nothing here changes errno, and nothing waits for a reader of a
 * pipe who does not read: lines without room are lost, and the process says
 * how many ("warn lost lines=N") when there is room again.
 */

enum log_level {
	LOG_LEVEL_ERROR,	/* we failed */
	LOG_LEVEL_WARN,		/* refused, or wrong soon */
	LOG_LEVEL_INFO,		/* life of the daemon, allowed requests */
	LOG_LEVEL_DEBUG		/* for developers */
};

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON
};

enum log_to {
	LOG_TO_STDERR,
	LOG_TO_SYSLOG
};

/*
 * log_init(level, format, to):
 * Say what is written, how, where.  Before the first call: info, text,
 * stderr.  May be called again (reload).
 */
void log_init(enum log_level level, enum log_format format, enum log_to to);

/*
 * log_seal(): this process may open nothing from now on.  When the system log
 * is started anew, its lines are lost then, and log_is_broken() is true: it
 * should make room for a new process.
 */
void log_seal(void);
bool log_is_broken(void);

/* log_forked(): in a child, at once: the lines that its parent has lost are
 * not its own to tell. */
void log_forked(void);

/* log_tell_lost(): say how many lines were lost, if there are any that were
 * not told of; before a process ends. */
void log_tell_lost(void);

/* log_wants(level): true when a line of that level would be written. */
bool log_wants(enum log_level level);

/*
 * Messages in words.  fmt is printf's; the message goes out escaped.
 * log_error_errno adds ": " and the text of errno.
 */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error_errno(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * fatal adds ": " and the text of errno, fatalx does not.  Both log an
 * error and exit with code: 1 failure, 2 wrong usage, configuration or
 * profile (restarting will not help).
 */
_Noreturn void fatal(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void fatalx(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* bug(what): an impossible state; logs and aborts this process only. */
_Noreturn void bug(const char *what);

/*
 * Events with fields, as in "warn deny method=POST target=/x worker=3".
 * Values are escaped; a cut falls between bytes of the last field.
 * Between log_begin and log_end nothing else may be logged.
 */
struct log_line {
	enum log_level	 level;
	bool		 is_cut;	/* inside a value */
	struct text	 text;
	char		 buf[BOUNDS_LOG_LINE_CAP];
};

void log_begin(struct log_line *line, enum log_level level,
    const char *event);
void log_str(struct log_line *line, const char *key, const char *value);
/* log_words: a text of our own that may have spaces; in quotes. */
void log_words(struct log_line *line, const char *key, const char *value);
void log_span(struct log_line *line, const char *key, struct span value);
void log_number(struct log_line *line, const char *key, uint64_t value);
void log_end(struct log_line *line);

/*
 * log_request(method, target):
 * The line of --log-requests on standard output, as the original prints it:
 * "request rule:  METHOD TARGET", both as PCRE2 literals.
 */
void log_request(struct span method, struct span target);

#endif /* DSP_LOG_H */
