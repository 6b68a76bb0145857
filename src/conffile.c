/*
 * Reading files whole, and values from the configuration file: one a line,
 * a word and its value.
 */
#include "config.h"

#include "conffile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounds.h"
#include "confopt.h"

/* Up to cap bytes of fd; -1 with errno. */
static ssize_t
read_up_to(int fd, char *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while (len < cap) {
		n = read(fd, buf + len, cap - len);
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)len;
}

/* A directory fails in read(2) with a clear errno of its own. */
static enum conffile_result
read_open(struct confwork *w, const char *path, int fd, struct span *text)
{
	size_t cap = BOUNDS_PROFILE_CAP + 1;
	ssize_t len;
	char *buf;
	struct stat st;

	/* Files that say their size (those of /proc do not) take no more
	 * memory than it. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size < (off_t)BOUNDS_PROFILE_CAP)
		cap = (size_t)st.st_size + 1;
	buf = confwork_alloc(w, cap);
	len = read_up_to(fd, buf, cap);
	if (len == -1) {
		confwork_mistake(w, "cannot read %s: %s", path,
		    strerror(errno));
		return CONFFILE_BAD;
	}
	if ((size_t)len > BOUNDS_PROFILE_CAP) {
		confwork_mistake(w, "%s: too large, at most %d bytes", path,
		    BOUNDS_PROFILE_CAP);
		return CONFFILE_BAD;
	}
	*text = (struct span){ buf, (size_t)len };
	return CONFFILE_DONE;
}

enum conffile_result
conffile_read(struct confwork *w, const char *path, struct span *text)
{
	enum conffile_result result;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return CONFFILE_ABSENT;
	if (fd == -1) {
		confwork_mistake(w, "cannot open %s: %s", path,
		    strerror(errno));
		return CONFFILE_BAD;
	}
	result = read_open(w, path, fd, text);
	(void)close(fd); /* only read from */
	return result;
}

static void
unknown_word(struct confwork *w, const char *at, struct span word)
{
	struct confwork_near near = { .word = word };
	const struct confopt *o;

	for (o = confopt_table; o->name != NULL; o++)
		if ((o->places & CONFOPT_IN_FILE) != 0)
			confwork_try(&near, o->name);
	confwork_mistake(w, "%s: unknown word %.*s: %s", at, (int)word.len,
	    word.p, confwork_hint(w, &near, ""));
}

/* True when this file has said opt before. */
static bool
is_repeated(const struct confwork *w, const struct confopt *opt)
{
	const struct confopt_value *v;

	for (v = w->values; v != NULL; v = v->next)
		if (v->source == CONFOPT_FILE && v->opt == opt)
			return true;
	return false;
}

/* line is trimmed and not empty; at is "FILE:LINE". */
static void
parse_line(struct confwork *w, const char *at, struct span line)
{
	const struct confopt *opt;
	struct span word = line, value;
	const char *text;

	word.len = 0;
	while (word.len < line.len && line.p[word.len] != ' ' &&
	    line.p[word.len] != '\t')
		word.len++;
	value = span_trim((struct span){ line.p + word.len,
	    line.len - word.len });
	opt = confopt_by_name(word);
	if (opt == NULL) {
		unknown_word(w, at, word);
	} else if ((opt->places & CONFOPT_IN_FILE) == 0) {
		confwork_mistake(w, "%s: %s has no place in this file: use "
		    "the flag --%s", at, opt->name, opt->name);
	} else if (value.len == 0) {
		confwork_mistake(w, "%s: %s: the value is missing: %s", at,
		    opt->name,
		    opt->argument != NULL ? opt->argument : "yes or no");
	} else if (!opt->is_list && is_repeated(w, opt)) {
		confwork_mistake(w, "%s: %s is given twice in this file", at,
		    opt->name);
	} else {
		text = confwork_string(w, value.p, value.len);
		(void)confwork_add(w, opt, CONFOPT_FILE, text,
		    confwork_format(w, "%s: %s %s", at, opt->name, text));
	}
}

static void
parse(struct confwork *w, const char *path, struct span text)
{
	struct span line;
	const char *at;
	size_t line_no = 0;

	while (span_next(&text, '\n', &line)) {
		line_no++;
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		line = span_trim(line);
		if (line.len == 0 || line.p[0] == '#')
			continue;
		at = confwork_format(w, "%s:%zu", path, line_no);
		if (memchr(line.p, '\0', line.len) != NULL)
			confwork_mistake(w, "%s: a NUL byte: this is not a "
			    "text file", at);
		else
			parse_line(w, at, line);
	}
}

void
conffile_load(struct confwork *w, const char *path, bool is_optional)
{
	struct span text;

	switch (conffile_read(w, path, &text)) {
	case CONFFILE_DONE:
		w->conf.config_path = path;
		parse(w, path, text);
		break;
	case CONFFILE_ABSENT:
		w->conf.config_path = NULL;
		if (!is_optional)
			confwork_mistake(w, "cannot open %s: %s", path,
			    strerror(ENOENT));
		break;
	case CONFFILE_BAD:
		break;
	}
}
