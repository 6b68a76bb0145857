#ifndef DSP_PROTECTION_H
#define DSP_PROTECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf.h"
#include "privs.h"
#include "span.h"
#include "text.h"

/*
 * What protection is really active: what this kernel offers, and what the
 * kernel says about a worker and the gate once they have shut themselves in.
 * Used by the master alone.
 */

struct pool;

/* What the kernel says about a process. */
struct protection_seen {
	bool		is_known;	/* false: nothing below holds */
	bool		has_mixed_ids;	/* real, effective, saved differ */
	uint32_t	uid;
	uint32_t	gid;
	unsigned	seccomp;	/* 0 none, 1 strict, 2 filter */
	unsigned	filters;	/* how many; 0 where kernels before 5.9
					 * do not say */
	unsigned	no_new_privs;
	uint64_t	capabilities;	/* in any set but the bounding one */
};

/*
 * protection_parse(text, seen):
 * Read the text of /proc/PID/status.  seen->is_known tells whether all was
 * found.
 * Source: proc_pid_status(5).
 */
void protection_parse(struct span text, struct protection_seen *seen);

/* protection_look(pid, seen): the same for a living process. */
void protection_look(pid_t pid, struct protection_seen *seen);

/* protection_capabilities(t, set): "none", or "chown,kill": the names of
 * linux/capability.h in small letters, numbers for those without. */
void protection_capabilities(struct text *t, uint64_t set);

/*
 * protection_faults(t, conf, identity, keeps, seen):
 * What a process lacks that was seen so: "filter,no_new_privs,capabilities,
 * identity", some or none of them, or "unknown".  identity: what it must
 * have become, NULL for what we are; keeps: capabilities that it may have.
 */
void protection_faults(struct text *t, const struct conf *conf,
    const struct privs_identity *identity, uint64_t keeps,
    const struct protection_seen *seen);

/*
 * protection_is_possible(conf):
 * False, after logging what would help, when the kernel cannot do what the
 * mode of the sandbox needs.
 */
bool protection_is_possible(const struct conf *conf);

/* protection_warn(conf, identity): log what is missing, in words. */
void protection_warn(const struct conf *conf,
    const struct privs_identity *identity);

/*
 * protection_watch(p, deadline):
 * To be called in every turn of the master.  When the first worker of a
 * generation is ready, look at it and at the gate, and log what protects
 * them, or an error for each that is not as it must be.  Returns the
 * deadline, or an earlier time at which to call again.
 */
int64_t protection_watch(const struct pool *p, int64_t deadline);

/* protection_text(t, conf, identity): "sandbox=trap filter=yes ..." as
 * last seen, before that as it should be. */
void protection_text(struct text *t, const struct conf *conf,
    const struct privs_identity *identity);

#endif /* DSP_PROTECTION_H */
