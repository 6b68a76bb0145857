#ifndef DSP_ABSTRACT_H
#define DSP_ABSTRACT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Unix sockets in the abstract name space, by which --status and --healthcheck
 * talk to the master.  They need no folder, so they work in a read-only
 * container too.  Everybody on the machine can connect to one, and can take
 * its name before us: each end asks the kernel who the other one is.
 */

/* Bytes of a name with the NUL behind it: one less than of an address, which
 * has a NUL in front, too. */
#define ABSTRACT_NAME_CAP 107

/*
 * abstract_name(buf, kind, address):
 * "docker-socket-protector/", kind and address; of long ones the beginning,
 * and a number made of all.
 */
void abstract_name(char buf[ABSTRACT_NAME_CAP], const char *kind,
    const char *address);

/* abstract_listen(name, type): a listener that does not block; type is
 * SOCK_STREAM or SOCK_SEQPACKET.  -1 with errno. */
int abstract_listen(const char *name, int type);

/* abstract_dial(name, type, ms): a connection that blocks, sending for so
 * long at most; -1 with errno: ECONNREFUSED when nobody has the name. */
int abstract_dial(const char *name, int type, int ms);

/* abstract_is_trusted(fd, uid): whether the other end belongs to root or to
 * our own user; *uid: whose it is. */
bool abstract_is_trusted(int fd, uid_t *uid);

/* abstract_is_first(fd): whether the other end was made by the first process
 * that we can see: in a container, what it was started for. */
bool abstract_is_first(int fd);

#endif /* DSP_ABSTRACT_H */
