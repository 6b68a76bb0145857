#ifndef DSP_PRIVS_H
#define DSP_PRIVS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Users, groups, capabilities, parent-death.  Every step that fails is
 * fatal in the child that takes it.
 */

/* Whom workers run as. */
struct privs_identity {
	bool	is_set;		/* false: stay as we are */
	uid_t	uid;
	gid_t	gid;
};

/*
 * privs_identity(user, group, out):
 * Work out the identity of workers: user and group as given (names or
 * numbers, NULL: not said).  Not said: "nobody" when we are root and can
 * change (CAP_SETUID, CAP_SETGID, and CAP_KILL to end them; and the user
 * namespace has them), else no change.  True, or false after logging: an unknown name, or a change that was
 * asked for but is not possible.  A machine without a passwd entry for nobody gives 65534.
 */
bool privs_identity(const char *user, const char *group,
    struct privs_identity *out);

/*
 * privs_user(name, uid, gid), privs_group(name, gid):
 * Look a user and its first group, or a group, up by name or number; a
 * number needs no entry, a user without one has group 65534.  False when
 * there is no such name.
 */
bool privs_user(const char *name, uid_t *uid, gid_t *gid);
bool privs_group(const char *name, gid_t *gid);

/*
 * privs_follow_parent(parent):
 * Die when the parent dies, and now if it is not parent any more.  To be
 * called again after every change of identity, which undoes it.
 */
void privs_follow_parent(pid_t parent);

/*
 * privs_bound():
 * Empty the bounding set of capabilities, which children inherit: no program
 * that is executed from here on gets any.  The master does so once, for
 * dropping one costs more than seeing that it is gone.  Needs CAP_SETPCAP;
 * nothing without.  What this process holds stays as it is.
 */
void privs_bound(void);

/*
 * privs_drop(id, parent, files):
 * For a worker: become id for good, check that nothing can be regained,
 * drop all capabilities and the bounding set, no new privileges, not
 * dumpable, resource limits (no new processes, no core, so many files),
 * and follow parent.  No way back.
 */
void privs_drop(const struct privs_identity *id, pid_t parent,
    unsigned files);

/*
 * privs_limit(parent):
 * For the gate: keep the identity, which may be the only one that can open
 * the Docker socket, and of the capabilities at most CAP_DAC_OVERRIDE;
 * otherwise as privs_drop.
 */
void privs_limit(pid_t parent);

/* privs_has_limits(): true when resource limits are compiled in. */
bool privs_has_limits(void);

/*
 * privs_raise_files():
 * Raise the limit of open descriptors as far as it goes: the gate needs one
 * for each worker.  Returns how many workers there may be; each connection
 * that is kept for one takes the place of two.
 */
size_t privs_raise_files(void);

#endif /* DSP_PRIVS_H */
