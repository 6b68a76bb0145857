/*
 * The maps by which the programs in the kernel know what to look for.
 */

#include "maps.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "event.h"
#include "hook.h"

int
maps_fd(const struct watch *watch, const char *name)
{
	return bpf_object__find_map_fd_by_name(watch->object, name);
}

void
maps_find_socket(struct watch *watch)
{
	struct monitor_inode now;
	__u32 one = 1;

	if (event_inode(watch->watched, &now) == -1)
		memset(&now, 0, sizeof(now));
	if (memcmp(&now, &watch->target, sizeof(now)) == 0)
		return;
	/* In this order, so that it always looks for one. */
	if (now.ino != 0)
		(void)bpf_map_update_elem(maps_fd(watch, "targets"), &now, &one,
		    BPF_ANY);
	(void)bpf_map_delete_elem(maps_fd(watch, "targets"), &watch->target);
	watch->target = now;
}

/* A program that was replaced may run again; the old one still runs. */
static void
find_allowed(struct watch *watch)
{
	struct monitor_inode now;
	__u32 one = 1;
	size_t i;

	for (i = 0; i < watch->allow_len; i++) {
		if (watch->exe[i] != NULL &&
		    event_inode(watch->exe[i], &now) == 0)
			watch->allow[i].is = now;
		if (watch->exe[i] == NULL || watch->allow[i].is.ino != 0)
			(void)bpf_map_update_elem(maps_fd(watch, "allowed"),
			    &watch->allow[i], &one, BPF_ANY);
	}
}

/* For the hook that knows names only: the ones that people use. */
static void
add_name(struct watch *watch, const char *folder, const char *path)
{
	struct monitor_name name;
	__u32 one = 1;
	int n;

	memset(&name, 0, sizeof(name));
	n = snprintf(name.path, sizeof(name.path), "%s%s", folder, path);
	if (n > 0 && (size_t)n < sizeof(name.path))
		(void)bpf_map_update_elem(maps_fd(watch, "names"), &name, &one,
		    BPF_ANY);
}

void
maps_fill(struct watch *watch)
{
	char real[PATH_MAX];
	const char *paths[2];
	size_t i;

	paths[0] = watch->docker;
	paths[1] = realpath(watch->docker, real);
	for (i = 0; i < 2 && paths[i] != NULL; i++) {
		add_name(watch, "", paths[i]);
		if (strncmp(paths[i], "/run/", 5) == 0)
			add_name(watch, "/var", paths[i]);
		if (strncmp(paths[i], "/var/run/", 9) == 0)
			add_name(watch, "", paths[i] + 4);
	}
	find_allowed(watch);
}

static void
tell_lost(struct watch *watch)
{
	unsigned long long lost;
	__u32 key = MONITOR_LOST;

	if (bpf_map_lookup_elem(maps_fd(watch, "state"), &key, &lost) == 0 &&
	    lost != watch->lost) {
		hook_say("%llu connections were not told in time",
		    lost - watch->lost);
		watch->lost = lost;
	}
}

void
maps_keep_up(struct watch *watch)
{
	maps_find_socket(watch);
	find_allowed(watch);
	tell_lost(watch);
}
