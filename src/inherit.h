#ifndef DSP_INHERIT_H
#define DSP_INHERIT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Sockets that a service manager has opened and passed to us (socket
 * activation).  Read once, at the start; they stay open for the life of the
 * program, for a reload may want any of them.
 * Source: sd_listen_fds(3), systemd.socket(5).
 */

struct inherit_socket {
	int		 fd;
	const char	*name;		/* of LISTEN_FDNAMES, or "unknown" */
	const char	*address;	/* as --listen would have it; NULL: it
					 * is no listening stream socket */
	bool		 is_unix;
};

/*
 * inherit_read():
 * Take over what LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say, if it is meant
 * for this process, and unset them.  The descriptors are closed on exec from
 * now on.  Once, with one thread, before anything else is opened but the
 * standard descriptors.
 */
void inherit_read(void);

/* inherit_fault(): what is wrong with these variables, NULL for nothing. */
const char *inherit_fault(void);

/* inherit_count(): how many there are.  inherit_get(i): one of them, for
 * i below that. */
size_t inherit_count(void);
const struct inherit_socket *inherit_get(size_t i);

#endif /* DSP_INHERIT_H */
