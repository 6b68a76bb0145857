#ifndef DSP_INQUIRE_H
#define DSP_INQUIRE_H

#include <stdint.h>

/*
 * The side of doors and workers in their talk with whois.h: a client's
 * connection goes there, and which container it is in comes back.
 */

struct inquire_question {
	uint32_t	no;	/* with it comes the connection */
};

struct inquire_answer {
	uint32_t	no;	/* of the question */
	uint32_t	line;	/* as confpool_find takes it */
};

/*
 * inquire_container(whois_fd, fd):
 * The line that names the container of the client on fd, as confpool_find takes
 * it: CONFPOOL_NOT_KNOWN also when there is nobody to ask (whois_fd -1 too), or
 * no answer for BOUNDS_INQUIRE_MS.
 */
uint32_t inquire_container(int whois_fd, int fd);

#endif /* DSP_INQUIRE_H */
