#ifndef DSP_CGROUP_H
#define DSP_CGROUP_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

/*
 * What the control group of this process may use, as a container or a service
 * is given it: a pool that outgrows it would be killed by the kernel, with all
 * that it serves.
 */

struct cgroup_limits {
	uint64_t	memory;		/* bytes; UINT64_MAX: no limit */
	uint64_t	processes;
};

/*
 * cgroup_read(root, own, limits):
 * The limits of the group that own, the text of /proc/self/cgroup, names in
 * the file system at root; both versions.  In a container the names may be
 * those of the machine, and root be its own group.  What cannot be read is no
 * limit, nor is what is set for groups above.
 */
void cgroup_read(const char *root, struct span own,
    struct cgroup_limits *limits);

/* cgroup_look(limits): the same, of this process. */
void cgroup_look(struct cgroup_limits *limits);

/* cgroup_workers(limits): how many workers fit; 0 when not even the other
 * processes do. */
size_t cgroup_workers(const struct cgroup_limits *limits);

#endif /* DSP_CGROUP_H */
