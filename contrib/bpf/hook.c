/*
 * The hooks: which there are, which of them the kernel takes, and what they
 * tell.
 */

#include "hook.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "event.h"
#include "maps.h"

#define TICK_MS		100	/* how old the inode of the socket may be */
#define TRIES		10	/* ticks that a connection of ours may take */
#define CGROUP_CONNECT	49	/* BPF_CGROUP_UNIX_CONNECT, of Linux 6.7 */
#define RING		2	/* the program that not all kernels have */
#define INDENT		"        "
#define TRACEFS		"/sys/kernel/tracing"

enum hook_no { HOOK_LSM, HOOK_FENTRY, HOOK_TRACEPOINT, HOOK_CGROUP, HOOKS };

struct hook {
	const char *name;
	const char *programs[HOOK_PROGRAMS];
	bool can_enforce;
	bool can_watch;
	const char *misses;
};

static const struct hook hooks[HOOKS] = {
	[HOOK_LSM] = { "lsm", { "on_lsm" }, true, true,
	    "connections that file modes refuse; to a socket that was made\n"
	    INDENT "anew, for a tenth of a second" },
	[HOOK_FENTRY] = { "fentry", { "on_fentry" }, false, true,
	    "connections that file modes refuse; to a socket that was made\n"
	    INDENT "anew, for a tenth of a second" },
	[HOOK_TRACEPOINT] = { "tracepoint",
	    { "on_enter", "on_exit", "on_ring" }, false, true,
	    "connections by 32-bit calls; refused ones by io_uring" },
	[HOOK_CGROUP] = { "cgroup", { "on_cgroup" }, true, false,
	    "processes outside of the control group; other names of the\n"
	    INDENT "socket: symbolic links, relative paths, other mounts" },
};

/* The programs for the kernel are a part of this one. */
__asm__(".section .rodata\n"
    ".balign 8\n"
    "monitor_object: .incbin \"" MONITOR_OBJECT "\"\n"
    ".balign 8\n"
    "monitor_object_len: .8byte . - monitor_object\n"
    ".previous\n");
extern const char monitor_object[];
extern const __u64 monitor_object_len;

void
hook_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("docker-socket-monitor: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
}

/* -- events ------------------------------------------------------------ */

static int
on_event(void *context, void *data, size_t size)
{
	const struct monitor_event *event = data;
	struct watch *watch = context;

	if (size < sizeof(*event))
		return 0;
	maps_find_socket(watch);
	/* Of hook cgroup only what is meant comes here. */
	if (watch->hook != &hooks[HOOK_CGROUP] &&
	    !event_reaches(event, watch->watched, &watch->target))
		return 0;
	if (watch->is_trying)
		watch->seen += event->pid == (__u32)getpid();
	else if (watch->shows_all || !event->is_allowed)
		event_print(event, watch->hook->name, watch->docker);
	return 0;
}

/* -- hooks ------------------------------------------------------------- */

void
hook_free(struct watch *watch)
{
	size_t i;

	ring_buffer__free(watch->ring);
	watch->ring = NULL;
	for (i = 0; i < HOOK_PROGRAMS; i++) {
		(void)bpf_link__destroy(watch->links[i]);
		watch->links[i] = NULL;
	}
	bpf_object__close(watch->object);
	watch->object = NULL;
	memset(&watch->target, 0, sizeof(watch->target));
}

/* Tracepoints are files.  Where they are not mounted, mount them for us. */
static void
need_tracefs(void)
{
	if (access(TRACEFS "/events", F_OK) == 0)
		return;
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == -1 ||
	    mount("tracefs", TRACEFS, "tracefs", 0, NULL) == -1)
		hook_say("cannot mount " TRACEFS ": %s", strerror(errno));
}

static bool
attach(struct watch *watch, struct bpf_program *program, size_t i)
{
	int fd;

	if (watch->hook != &hooks[HOOK_CGROUP]) {
		watch->links[i] = bpf_program__attach(program);
		return watch->links[i] != NULL;
	}
	fd = open(watch->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return false;
	watch->links[i] = bpf_program__attach_cgroup(program, fd);
	(void)close(fd);
	return watch->links[i] != NULL;
}

static bool
has_program(const struct hook *hook, const char *name)
{
	size_t i;

	for (i = 0; i < HOOK_PROGRAMS && hook->programs[i] != NULL; i++)
		if (strcmp(hook->programs[i], name) == 0)
			return true;
	return false;
}

/* Only the programs of one hook: the kernel may refuse others. */
static bool
load(struct watch *watch)
{
	struct bpf_program *program;
	const char *name;

	watch->object = bpf_object__open_mem(monitor_object,
	    (size_t)monitor_object_len, NULL);
	if (watch->object == NULL)
		return false;
	bpf_object__for_each_program(program, watch->object) {
		name = bpf_program__name(program);
		(void)bpf_program__set_autoload(program,
		    has_program(watch->hook, name));
		if (strcmp(name, "on_cgroup") == 0)
			(void)bpf_program__set_expected_attach_type(program,
			    CGROUP_CONNECT);
	}
	return bpf_object__load(watch->object) == 0;
}

static bool
start(struct watch *watch)
{
	struct bpf_program *program;
	size_t i;

	if (watch->hook == &hooks[HOOK_TRACEPOINT])
		need_tracefs();
	if (!load(watch))
		return false;
	maps_fill(watch);
	for (i = 0; i < HOOK_PROGRAMS && watch->hook->programs[i] != NULL; i++) {
		program = bpf_object__find_program_by_name(watch->object,
		    watch->hook->programs[i]);
		if (program != NULL && attach(watch, program, i))
			continue;
		if (i != RING)
			return false;
		hook_say("connections by io_uring are not seen here: %s",
		    strerror(errno));
	}
	return true;
}

/* A connection of our own to this socket, which is made for it. */
static void
try_socket(struct watch *watch, const struct sockaddr_un *addr)
{
	int there, here, i;

	there = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	here = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(there, (const struct sockaddr *)addr, sizeof(*addr)) == 0 &&
	    listen(there, 1) == 0) {
		maps_find_socket(watch);
		if (connect(here, (const struct sockaddr *)addr,
		    sizeof(*addr)) == 0)
			for (i = 0; i < TRIES && watch->seen == 0; i++)
				(void)ring_buffer__poll(watch->ring, TICK_MS);
		(void)unlink(addr->sun_path);
	}
	(void)close(there);
	(void)close(here);
}

/*
 * Whether the hook sees a connection: a security module can be loaded and yet
 * never be asked.  We are not in the control group, so that hook has to be
 * believed.
 */
static bool
works(struct watch *watch)
{
	char folder[] = "/tmp/docker-socket-monitor.XXXXXX";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (watch->hook == &hooks[HOOK_CGROUP])
		return true;
	if (mkdtemp(folder) == NULL)
		return false;
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", folder);
	watch->is_trying = true;
	watch->watched = addr.sun_path;
	try_socket(watch, &addr);
	watch->is_trying = false;
	watch->watched = watch->docker;
	(void)rmdir(folder);
	return watch->seen != 0;
}

static bool
is_candidate(const struct watch *watch, const struct hook *hook)
{
	if (watch->wanted != NULL && strcmp(watch->wanted, hook->name) != 0)
		return false;
	if (hook == &hooks[HOOK_CGROUP] && watch->is_enforcing &&
	    watch->cgroup == NULL) {
		hook_say("hook cgroup is not tried: it needs --cgroup");
		return false;
	}
	return watch->is_enforcing ? hook->can_enforce : hook->can_watch;
}

/* Whether the hook of now can be had. */
static bool
take(struct watch *watch)
{
	errno = 0;
	if (!start(watch)) {
		hook_say("hook %s cannot be had here: %s", watch->hook->name,
		    strerror(errno));
		return false;
	}
	watch->ring = ring_buffer__new(maps_fd(watch, "events"), on_event,
	    watch, NULL);
	if (watch->ring != NULL && works(watch))
		return true;
	hook_say("hook %s is loaded here, but sees nothing",
	    watch->hook->name);
	return false;
}

/* Print nothing: what libbpf has to say, the reason sums up. */
static int
no_print(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int
hook_choose(struct watch *watch)
{
	__u64 on = watch->is_enforcing;
	__u32 key = MONITOR_ENFORCE;
	size_t i;

	(void)libbpf_set_print(no_print);
	watch->watched = watch->docker;
	for (i = 0; i < HOOKS; i++) {
		if (!is_candidate(watch, &hooks[i]))
			continue;
		watch->hook = &hooks[i];
		if (!take(watch)) {
			hook_free(watch);
			continue;
		}
		maps_find_socket(watch);
		/* Not before: the connection of the test is ours. */
		(void)bpf_map_update_elem(maps_fd(watch, "state"), &key, &on,
		    BPF_ANY);
		hook_say("%s %s by hook %s, which misses:\n" INDENT "%s\n"
		    INDENT "sockets that are inherited or handed over "
		    "when connected",
		    watch->is_enforcing ? "protects" : "watches",
		    watch->docker, watch->hook->name, watch->hook->misses);
		return 0;
	}
	return -1;
}

int
hook_poll(struct watch *watch)
{
	int n;

	n = ring_buffer__poll(watch->ring, TICK_MS);
	maps_keep_up(watch);
	if (n >= 0)
		return 0;
	errno = -n;
	return -1;
}

void
hook_help(void)
{
	size_t i;

	for (i = 0; i < HOOKS; i++)
		printf("    %s misses:\n" INDENT "%s\n", hooks[i].name,
		    hooks[i].misses);
	printf("    each misses:\n"
	    INDENT "sockets that are inherited or handed over when "
	    "connected\n");
}
