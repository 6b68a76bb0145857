/*
 * Limits of control groups: one file for each.
 */

#include "config.h"

#include "cgroup.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "text.h"

#define ROOT		"/sys/fs/cgroup"
#define OWN		"/proc/self/cgroup"

#define OWN_CAP		4096	/* bytes of that file; some 12 lines */
#define PATH_CAP	1024
#define NUMBER_CAP	32

/* Bytes of a file, or -1. */
static ssize_t
read_file(const char *path, char *buf, size_t cap)
{
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, cap);
	(void)close(fd);
	return n;
}

/* Lower *limit to what the file root/controller/group/name says, if it says a
 * number. */
static void
lower(uint64_t *limit, const char *root, struct span controller,
    struct span group, const char *name)
{
	char path[PATH_CAP], buf[NUMBER_CAP];
	struct text t;
	uint64_t found;
	ssize_t n;

	text_init(&t, path, sizeof(path) - 1);
	text_str(&t, root);
	text_char(&t, '/');
	text_span(&t, controller);
	text_char(&t, '/');
	text_span(&t, group);
	text_char(&t, '/');
	text_str(&t, name);
	n = t.is_full ? -1 : read_file(text_string(&t), buf, sizeof(buf));
	if (n < 1)
		return;
	if (span_number(span_trim((struct span){ buf, (size_t)n - 1 }), 18,
	    &found) && found < *limit)
		*limit = found;
}

/* The same, of the group and of root, which may be ours. */
static void
lower_both(uint64_t *limit, const char *root, const char *controller,
    struct span group, const char *name)
{
	lower(limit, root, span_of(controller), group, name);
	lower(limit, root, span_of(controller), span_of(""), name);
}

static bool
has_word(struct span words, const char *word)
{
	struct span next;

	while (span_next(&words, ',', &next))
		if (span_eq(next, span_of(word)))
			return true;
	return false;
}

void
cgroup_read(const char *root, struct span own, struct cgroup_limits *limits)
{
	struct span line, number, controllers;

	*limits = (struct cgroup_limits){ UINT64_MAX, UINT64_MAX };
	while (span_next(&own, '\n', &line)) {
		/* "7:memory:/docker/4711", or "0::/system.slice/x" of
		 * version 2. */
		if (!span_next(&line, ':', &number) ||
		    !span_next(&line, ':', &controllers) || line.p == NULL)
			continue;
		if (controllers.len == 0) {
			lower_both(&limits->memory, root, "", line,
			    "memory.max");
			lower_both(&limits->processes, root, "", line,
			    "pids.max");
		}
		if (has_word(controllers, "memory"))
			lower_both(&limits->memory, root, "memory", line,
			    "memory.limit_in_bytes");
		if (has_word(controllers, "pids"))
			lower_both(&limits->processes, root, "pids", line,
			    "pids.max");
	}
}

void
cgroup_look(struct cgroup_limits *limits)
{
	char buf[OWN_CAP];
	ssize_t n;

	n = read_file(OWN, buf, sizeof(buf));
	cgroup_read(ROOT, (struct span){ buf, n > 0 ? (size_t)n : 0 }, limits);
}

static uint64_t
fit(uint64_t limit, uint64_t others, uint64_t each)
{
	if (limit == UINT64_MAX)
		return BOUNDS_WORKERS_CAP;
	return limit > others ? (limit - others) / each : 0;
}

size_t
cgroup_workers(const struct cgroup_limits *limits)
{
	uint64_t a, b;

	a = fit(limits->memory, BOUNDS_OTHERS_MEMORY, BOUNDS_WORKER_MEMORY);
	b = fit(limits->processes, BOUNDS_OTHERS_PIDS, 1);
	if (b < a)
		a = b;
	return a < BOUNDS_WORKERS_CAP ? (size_t)a : BOUNDS_WORKERS_CAP;
}
