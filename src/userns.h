#ifndef DSP_USERNS_H
#define DSP_USERNS_H

#include <stdbool.h>
#include <sys/types.h>

#include "allow.h"

/*
 * What ids of users and groups mean in our user namespace.  There the kernel
 * tells us one and the same number, the overflow id, for everybody who has none
 * in it, so that this number names nobody in particular.
 * Source: user_namespaces(7).
 */

/*
 * userns_is_anybody(e):
 * Whether that is an entry for a user or group by the overflow id, and somebody
 * may have no other here.  In doubt so, too.  USERNS_ANYBODY: what to say then.
 */
bool userns_is_anybody(const struct allow_entry *e);
#define USERNS_ANYBODY "that number stands for everybody whom this user " \
    "namespace does not have; name another one, or run in the host's"

/*
 * userns_has_user(uid), userns_has_group(gid):
 * Whether a process of this namespace can become so.  Also true when that
 * cannot be found out: the change itself will tell.
 */
bool userns_has_user(uid_t uid);
bool userns_has_group(gid_t gid);

/* userns_has_groups(): whether supplementary groups can be given up here;
 * likewise. */
bool userns_has_groups(void);

/* The same of files like /proc/self/uid_map and its neighbours: whether id is
 * in a map, whether all ids are in it, -1 for no such file. */
int userns_map_has(const char *path, unsigned id);
int userns_map_is_whole(const char *path);

#endif /* DSP_USERNS_H */
