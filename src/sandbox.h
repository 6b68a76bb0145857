#ifndef DSP_SANDBOX_H
#define DSP_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The last step of a process's set-up: from here on it can do what its job
 * needs and nothing else, whoever has taken it over.  A system call filter
 * (seccomp), Landlock below it, and no memory that is both written to and
 * executed.  No way back.
 */

/* What the filter does about a call that is not in its table. */
enum sandbox_mode {
	SANDBOX_TRAP,		/* say which, then die by SIGSYS */
	SANDBOX_KILL,		/* die by SIGSYS at once */
	SANDBOX_LOG,		/* let it pass; the kernel logs it */
	SANDBOX_OFF		/* no filter and no Landlock at all */
};

/* What this kernel offers. */
struct sandbox_support {
	bool	has_filter;
	int	landlock_abi;		/* 0: none */
};

/* The descriptors of a worker that its filter names. */
struct sandbox_worker {
	int	listen_fd;	/* accept on no other, never shut it down */
	int	gate_fd;	/* descriptors come from this one */
	int	park_fd;	/* and this one, and go there alone */
	int	wake_fd;	/* the master's eventfd */
	int	lane_fd;	/* of a door: the last to pass clients on by;
				 * they begin behind wake_fd */
	int	whois_fd;	/* descriptors go there, too; park_fd where
				 * there is none: that allows no more */
};

/*
 * sandbox_is_built(): false when compiled without (--disable-sandbox); then
 * only SANDBOX_OFF works.
 */
bool sandbox_is_built(void);

/* sandbox_support(): ask the kernel.  Changes nothing. */
struct sandbox_support sandbox_support(void);

/*
 * sandbox_enter_worker(mode, own), sandbox_enter_gate(mode) and
 * sandbox_enter_park(mode, pair_fd), sandbox_enter_metrics(mode, listen_fd),
 * sandbox_enter_door(mode, own), sandbox_enter_whois(mode):
 * Shut this process in, as a worker that holds own, as the gate, as a parking
 * process that gets clients from pair_fd, as the one that tells metrics on
 * listen_fd, as a door, or as whois, which can read below /proc.  After
 * privs_drop or privs_limit (no new privileges must be set), and with one
 * thread.  Memory that could be written and executed (JIT
 * code) becomes read-only, Landlock as the kernel has it, then the filter.
 * Any step that fails is fatal with code 2, but for Landlock on a kernel
 * without.  SANDBOX_OFF: nothing.
 *
 * What was opened before stays open.  A refused call under SANDBOX_TRAP is
 * logged as "error security what=system-call call=openat number=257
 * process=worker pid=4711".
 */
void sandbox_enter_worker(enum sandbox_mode mode,
    const struct sandbox_worker *own);
void sandbox_enter_gate(enum sandbox_mode mode);
void sandbox_enter_park(enum sandbox_mode mode, int pair_fd);
void sandbox_enter_metrics(enum sandbox_mode mode, int listen_fd);
void sandbox_enter_door(enum sandbox_mode mode,
    const struct sandbox_worker *own);
void sandbox_enter_whois(enum sandbox_mode mode);

/* sandbox_mode_word(mode): "trap".  Static storage. */
const char *sandbox_mode_word(enum sandbox_mode mode);

#endif /* DSP_SANDBOX_H */
