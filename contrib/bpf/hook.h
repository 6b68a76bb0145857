#ifndef HOOK_H
#define HOOK_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include "monitor.h"

#define HOOK_ALLOW_CAP	32
#define HOOK_PROGRAMS	3	/* that one hook has at most */

struct hook;
struct bpf_object;
struct bpf_link;
struct ring_buffer;

/* What is wanted, and, below, what hook.c keeps. */
struct watch {
	const char *docker;		/* path of the socket */
	const char *cgroup;		/* a folder of cgroup2, or NULL */
	const char *wanted;		/* the name of a hook, or NULL */
	bool is_enforcing;
	bool shows_all;			/* who is allowed, too */
	struct monitor_who allow[HOOK_ALLOW_CAP];
	const char *exe[HOOK_ALLOW_CAP];	/* of those that are files */
	size_t allow_len;

	const struct hook *hook;
	struct bpf_object *object;
	struct bpf_link *links[HOOK_PROGRAMS];
	struct ring_buffer *ring;
	struct monitor_inode target;
	const char *watched;		/* docker, or the socket of a test */
	unsigned long long lost;
	bool is_trying;
	unsigned seen;			/* while trying */
};

/*
 * hook_choose(watch):
 * Load the first hook that can do what is wanted and works here, and say on
 * standard error which it is and what it misses.  -1 when there is none; why
 * has been said then.  Until hook_free(watch) it is in force.
 *
 * hook_poll(watch):
 * Wait a moment for connections and print them; keep up with a socket that is
 * made anew.  -1 with errno.
 *
 * hook_help():
 * Print the hooks and what each misses.
 *
 * hook_say(format, ...):
 * A line on standard error.
 */
int hook_choose(struct watch *watch);
int hook_poll(struct watch *watch);
void hook_free(struct watch *watch);
void hook_help(void);
__attribute__((format(printf, 1, 2))) void hook_say(const char *format, ...);

#endif /* HOOK_H */
