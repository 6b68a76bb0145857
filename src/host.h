#ifndef DSP_HOST_H
#define DSP_HOST_H

#include <sys/socket.h>

#include <stddef.h>

#include "bounds.h"

/*
 * Where the name of a host becomes addresses: to listen on, or of clients.
 *
 * It may be an address as a number (an IPv6 one may end in %interface),
 * "localhost", which is 127.0.0.1 and ::1, a name in /etc/hosts, or one that
 * the resolver knows.  A program that is linked statically with glibc asks name
 * servers itself (resolver(3)), for glibc's getaddrinfo(3) would want libraries
 * that a container from nothing does not have.  May take seconds.
 */

/* Ports are 0. */
struct host_list {
	struct sockaddr_storage	to[BOUNDS_HOST_ADDRESSES];
	size_t			n;
};

/*
 * host_all(name, list, error):
 * All addresses, as far as there is room.  How many; 0 after *error was set to
 * a text.
 */
size_t host_all(const char *name, struct host_list *list, const char **error);

/*
 * host_find(name, port, to, error):
 * One of them, with that decimal port.  Of several an IPv4 address is taken: it
 * is what clients try, and what dockerd's own documentation shows.  The length
 * of the address in *to, or 0 after *error was set to a text.
 */
socklen_t host_find(const char *name, const char *port,
    struct sockaddr_storage *to, const char **error);

/* host_in_file(path, name, list): those of the hosts(5) file path; none also
 * when there is no such file. */
void host_in_file(const char *path, const char *name, struct host_list *list);

/* host_number(text, list): the address that is a number, or none. */
void host_number(const char *text, struct host_list *list);

#endif /* DSP_HOST_H */
