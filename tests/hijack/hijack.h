#ifndef DSP_HIJACK_H
#define DSP_HIJACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Attacker code inside a worker, for tests only: compiled in by
 * "configure --enable-hijack-test", never part of a release.
 *
 * A client that begins with an urgent byte (MSG_OOB, over TCP) takes the
 * worker over: from then on the worker does what the client says, in its own
 * process, so under all that confines it.  The client writes lines, and gets
 * one line for each (numbers are hexadecimal, bytes two digits each):
 *
 *	where			arena cap pid master client listen gate park
 *				wake listener worker_no
 *	put OFFSET BYTES	write into the arena: "ok"
 *	get OFFSET COUNT	read from it: the bytes
 *	poke ADDRESS COUNT BYTES	write anywhere, the same again and
 *				again: "ok"
 *	call NUMBER ARG...	any system call with up to six arguments:
 *				result errno
 *	call32 NUMBER ARG...	by int 0x80, where the machine has it
 *	spam COUNT NUMBER ARG...	the same call so many times: how many
 *				succeeded, found no room, failed; last errno
 *
 * The client's end ends the worker.
 */

/* What a worker holds. */
struct hijack_env {
	int		client_fd;
	int		listen_fd;
	int		gate_fd;
	int		park_fd;
	int		wake_fd;
	pid_t		master;
	unsigned	listener;
	size_t		worker_no;
};

/* hijack_wants(fd): whether the client that was just accepted says so. */
bool hijack_wants(int fd);

/* hijack_run(env): obey the client. */
_Noreturn void hijack_run(const struct hijack_env *env);

#endif /* DSP_HIJACK_H */
