/*
 * Landlock, which is below the system call filter: what the kernel forbids even
 * where a call as such is needed.
 */

#include "config.h"

#include "landlock.h"

#ifdef WITH_SANDBOX

#include <sys/syscall.h>

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "log.h"

#define HOPELESS	2	/* exit code: no other try would do better */

/* The same numbers everywhere, but not known to every system header. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_landlock_add_rule
#define SYS_landlock_add_rule 445
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

#define LANDLOCK_ASK_VERSION	1U	/* LANDLOCK_CREATE_RULESET_VERSION */

/* What is forbidden; kernels that know less take a shorter one when the rest
 * is 0.  Source: Linux Documentation/userspace-api/landlock.rst. */
struct ruleset {
	uint64_t	files;
	uint64_t	net;
	uint64_t	scopes;
};

/* An exception for what is below a folder. */
struct __attribute__((packed)) beneath {
	uint64_t	files;
	int32_t		folder_fd;
};

#define RULE_BENEATH	1	/* LANDLOCK_RULE_PATH_BENEATH */

#define FILES_READ	(UINT64_C(1) << 2)
#define FILES_REFER	(UINT64_C(1) << 13)
#define FILES_TRUNCATE	(UINT64_C(1) << 14)
#define FILES_IOCTL	(UINT64_C(1) << 15)
#define FILES_SOCKET	(UINT64_C(1) << 16)
#define FILES_FIRST	(FILES_REFER - 1)

/* What each version of Landlock can forbid beyond the one before. */
static const struct {
	int		abi;
	struct ruleset	adds;
} landlock_steps[] = {
	{ 1, { FILES_FIRST, 0, 0 } },	/* files: execute, read, write, make */
	{ 2, { FILES_REFER, 0, 0 } },	/* move between folders */
	{ 3, { FILES_TRUNCATE, 0, 0 } },
	{ 4, { 0, 3, 0 } },		/* TCP: bind, connect */
	{ 5, { FILES_IOCTL, 0, 0 } },	/* ioctl of devices */
	{ 6, { 0, 0, 3 } },		/* abstract sockets, signals */
	{ 9, { FILES_SOCKET, 0, 0 } },	/* connect to a socket by its path */
	{ 10, { 0, 12, 0 } },		/* UDP: bind, connect and send */
};

int
landlock_abi(void)
{
	long abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_ASK_VERSION);
	return abi < 0 ? 0 : (int)abi;
}

/* But for reading below /proc. */
static void
allow_proc(int ruleset_fd)
{
	struct beneath proc = { .files = FILES_READ };

	proc.folder_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc.folder_fd == -1 || syscall(SYS_landlock_add_rule, ruleset_fd,
	    RULE_BENEATH, &proc, 0U) != 0)
		fatal(HOPELESS, "sandbox: landlock_add_rule");
	(void)close(proc.folder_fd);
}

void
landlock_enter(bool keeps_sockets, bool keeps_proc)
{
	struct ruleset all = { 0, 0, 0 };
	int abi = landlock_abi();
	long fd;
	size_t i;

	if (abi == 0)
		return;
	for (i = 0; i < sizeof(landlock_steps) / sizeof(landlock_steps[0]);
	    i++) {
		if (landlock_steps[i].abi > abi)
			break;
		all.files |= landlock_steps[i].adds.files;
		all.net |= landlock_steps[i].adds.net;
		all.scopes |= landlock_steps[i].adds.scopes;
	}
	if (keeps_sockets)
		all.files &= ~FILES_SOCKET;
	fd = syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0U);
	if (fd == -1)
		fatal(HOPELESS, "sandbox: Landlock version %d", abi);
	if (keeps_proc)
		allow_proc((int)fd);
	if (syscall(SYS_landlock_restrict_self, (int)fd, 0U) != 0)
		fatal(HOPELESS, "sandbox: landlock_restrict_self");
	(void)close((int)fd);
}

#endif /* WITH_SANDBOX */
