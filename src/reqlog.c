/*
 * Requests found in logs.  Each is kept once; a tree finds it again.
 */

#include "config.h"

#include "reqlog.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memory.h"

static const char mark[] = "request rule:";

/* Bytes that text_literal escapes. */
static const char escaped[] = "\\.+*?()|[]{}^$";

static bool
is_special(char c)
{
	return c != '\0' && strchr(escaped, c) != NULL;
}

/* The literal that in is, written to out; false when it is none. */
static bool
unescape(struct span in, char *out, struct span *literal)
{
	size_t i, n;
	bool is_escaped;

	for (i = n = 0; i < in.len; i++, n++) {
		is_escaped = in.p[i] == '\\';
		if (is_escaped && ++i == in.len)
			return false;
		/* What may be escaped is, and nothing else. */
		if (is_special(in.p[i]) != is_escaped)
			return false;
		out[n] = in.p[i];
	}
	*literal = (struct span){ out, n };
	return n > 0;
}

bool
reqlog_parse(struct span line, char *buf, struct span *method,
    struct span *target, bool *is_cut)
{
	const char *at;
	struct span rest, word;

	*is_cut = false;
	if (line.len == 0)
		return false;
	at = memmem(line.p, line.len, mark, strlen(mark));
	if (at == NULL)
		return false;
	at += strlen(mark);
	rest = span_trim((struct span){ at,
	    line.len - (size_t)(at - line.p) });
	*is_cut = rest.len >= 3 && memcmp(rest.p + rest.len - 3, "...", 3) == 0;
	if (!span_next(&rest, ' ', &word) || rest.p == NULL)
		return false;
	rest = span_trim(rest);
	return unescape(word, buf, method) &&
	    unescape(rest, buf + method->len, target);
}

static int
compare(const void *a, const void *b)
{
	const struct reqlog_entry *x = a, *y = b;
	const struct span *s[2] = { &x->method, &x->target };
	const struct span *t[2] = { &y->method, &y->target };
	int i, order;

	for (i = 0; i < 2; i++) {
		if (s[i]->len != t[i]->len)
			return s[i]->len < t[i]->len ? -1 : 1;
		order = memcmp(s[i]->p, t[i]->p, s[i]->len);
		if (order != 0)
			return order;
	}
	return 0;
}

static void
add(struct reqlog *log, struct span method, struct span target,
    size_t line_no)
{
	struct reqlog_entry key = { .method = method, .target = target };
	struct reqlog_entry **found, *entry;
	char *copy;

	log->nrequests++;
	found = tsearch(&key, &log->index, compare);
	if (found == NULL)
		fatal(1, "out of memory");
	if (*found != &key) {
		(*found)->count++;
		return;
	}
	copy = memory_take(method.len + target.len);
	memcpy(copy, method.p, method.len);
	memcpy(copy + method.len, target.p, target.len);
	entry = memory_take(sizeof(*entry));
	entry->method = (struct span){ copy, method.len };
	entry->target = (struct span){ copy + method.len, target.len };
	entry->text = copy;
	entry->count = 1;
	entry->line_no = line_no;
	*found = entry;
	*log->end = entry;
	log->end = &entry->next;
}

static void
read_lines(struct reqlog *log, FILE *f)
{
	struct span method, target;
	char *line = NULL, *buf = NULL;
	size_t cap = 0, buf_cap = 0, line_no;
	ssize_t len;
	bool is_cut;

	for (line_no = 1; (len = getline(&line, &cap, f)) > 0; line_no++) {
		while (len > 0 && (line[len - 1] == '\n' ||
		    line[len - 1] == '\r'))
			len--;
		if (buf == NULL || buf_cap < cap) {
			free(buf);
			buf = memory_take(cap);
			buf_cap = cap;
		}
		if (reqlog_parse((struct span){ line, (size_t)len }, buf,
		    &method, &target, &is_cut))
			add(log, method, target, line_no);
		else if (is_cut)
			log->ncut++;
	}
	free(line);
	free(buf);
}

bool
reqlog_read(struct reqlog *log, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	bool is_good;

	*log = (struct reqlog){ .first = NULL };
	log->end = &log->first;
	if (f == NULL) {
		log_error("%s: %s", path, strerror(errno));
		return false;
	}
	read_lines(log, f);
	is_good = ferror(f) == 0;
	if (!is_good)
		log_error("%s: %s", path, strerror(errno));
	if (!is_stdin)
		(void)fclose(f); /* only read from */
	return is_good;
}

static void
keep_entry(void *entry)
{
	(void)entry; /* it is in the list, too */
}

void
reqlog_free(struct reqlog *log)
{
	struct reqlog_entry *e, *next;

	tdestroy(log->index, keep_entry);
	for (e = log->first; e != NULL; e = next) {
		next = e->next;
		free(e->text);
		free(e);
	}
	*log = (struct reqlog){ .first = NULL };
}
