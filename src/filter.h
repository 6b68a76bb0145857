#ifndef DSP_FILTER_H
#define DSP_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>

/*
 * The tables of system calls that each kind of process may make, and the
 * program for the kernel that is made of them.  Everything else is refused.
 * Only compiled with the sandbox.
 * Source: seccomp(2), Linux Documentation/userspace-api/seccomp_filter.rst.
 */

enum filter_role {
	FILTER_WORKER,
	FILTER_GATE,
	FILTER_PARK,
	FILTER_METRICS,
	FILTER_DOOR,
	FILTER_WHOIS,
	FILTER_ROLES
};

/* What arguments are compared with and only the process itself knows. */
enum filter_own {
	FILTER_OWN_LISTEN,	/* descriptors that a role has, or not */
	FILTER_OWN_GATE,
	FILTER_OWN_PARK,
	FILTER_OWN_WAKE,
	FILTER_OWN_LANE,	/* the last one of a door, all behind WAKE */
	FILTER_OWN_WHOIS,
	FILTER_OWN_PID,
	FILTER_OWN_TID,
	FILTER_OWN_COUNT
};

/* Instructions of a program at most: a worker's has 161 on x86_64, and each
 * child takes so much of its stack. */
#define FILTER_CAP 240

struct filter_program {
	size_t			len;
	struct sock_filter	code[FILTER_CAP];
};

/*
 * filter_make(program, role, own, refuse, foreign):
 * Translate the table of the role.  own: by enum filter_own.  refuse and
 * foreign: what the kernel does (SECCOMP_RET_*) about a call that has no
 * row, and about one of another architecture or numbering.
 */
void filter_make(struct filter_program *program, enum filter_role role,
    const uint32_t own[FILTER_OWN_COUNT], uint32_t refuse, uint32_t foreign);

/* filter_role_word(role): "worker".  Static storage. */
const char *filter_role_word(enum filter_role role);

/* filter_name(nr): the name of the call with that number, or NULL when the
 * system this was built on did not know it.  Static storage. */
const char *filter_name(long nr);

#endif /* DSP_FILTER_H */
