#ifndef DSP_CONTAINER_H
#define DSP_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "span.h"

/*
 * Which container a process is in: what the kernel says of its control groups,
 * and what dockerd says of the container that these name.
 * Source: cgroups(7), /proc/PID/cgroup; Docker Engine API, ContainerInspect.
 */

#define CONTAINER_ID_LEN 64	/* hex digits */

enum container_result {
	CONTAINER_FOUND,
	CONTAINER_NONE,		/* surely none, or none that dockerd knows */
	CONTAINER_MORE,		/* the answer goes on */
	CONTAINER_DOUBT		/* it cannot be said */
};

/*
 * container_is_name(s): whether a container can have that name.
 */
bool container_is_name(struct span s);

/*
 * container_find(groups, id):
 * The container that the text of a /proc/PID/cgroup names: of each line the
 * outermost part that is a container's, so that who makes groups inside does
 * not get out of it.  FOUND: id is filled.  NONE: no line has one.  DOUBT:
 * lines differ, or this is no such text.
 */
enum container_result container_find(struct span groups,
    char id[CONTAINER_ID_LEN]);

/*
 * container_holds(groups, first, id):
 * Whether groups is inside of the container id, whose first process has the
 * groups first.  Users may make groups of any name below their own; but those
 * are not where the first process is.
 */
bool container_holds(struct span groups, struct span first,
    const char id[CONTAINER_ID_LEN]);

/* dockerd's answer to GET /containers/ID/json, being read. */
struct container_answer {
	char		id[CONTAINER_ID_LEN];	/* that was asked for */
	unsigned	step;
	size_t		at;		/* in what must come next */
	unsigned	depth;		/* of the body */
	bool		is_string, is_escaped, is_value;
	unsigned	outer, inner;	/* names that are open, if we know
					 * them */
	size_t		len;		/* of the string being read */
	char		text[BOUNDS_CONTAINER_NAME_CAP + 2];
	size_t		name_len;	/* 0: not found yet */
	char		name[BOUNDS_CONTAINER_NAME_CAP + 2];
	bool		is_number, has_pid;
	uint64_t	pid;		/* of the first process */
};

/* container_ask(a, id): begin.  The request to send is "GET
 * /containers/ID/json" in HTTP/1.0: the answer is then in one piece. */
void container_ask(struct container_answer *a,
    const char id[CONTAINER_ID_LEN]);

/*
 * container_hear(a, p, len):
 * The next bytes of the answer.  FOUND: a->pid is its first process (0: it does
 * not run), and container_named says whether it has a name.  NONE: dockerd
 * knows no such container.  DOUBT: anything but the answer that was asked for.
 * After one of these nothing more is to be heard.
 */
enum container_result container_hear(struct container_answer *a,
    const char *p, size_t len);

/* container_named(a, name): whether it has that name. */
bool container_named(const struct container_answer *a, struct span name);

#endif /* DSP_CONTAINER_H */
