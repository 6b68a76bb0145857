#ifndef DSP_PEER_H
#define DSP_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "allow.h"
#include "board.h"
#include "bounds.h"
#include "conf.h"

/* A client for the log, for counting its connections, and for allow=. */
struct peer {
	char			name[BOUNDS_PEER_CAP];
	struct board_peer	key;
	struct allow_peer	who;
};

/* peer_identify(fd, from, peer): the client on fd, whose address is from. */
void peer_identify(int fd, const struct sockaddr_storage *from,
    struct peer *peer);

/* peer_is_allowed(allow, fd, peer): whether the listener lets it in. */
bool peer_is_allowed(const struct allow *allow, int fd, struct peer *peer);

/* peer_pool(conf, door, fd, peer, whois_fd): the pool that is due to a client
 * of that door; BOUNDS_POOL_CAP when that cannot be found out.  whois_fd as of
 * inquire.h. */
unsigned peer_pool(const struct conf *conf, unsigned door, int fd,
    struct peer *peer, int whois_fd);

/* The address of a listener. */
struct peer_door {
	struct sockaddr_storage	address;
	socklen_t		len;
};

/*
 * peer_door_make(fd, door), peer_came_by(fd, door):
 * Note the address of the listener fd: 0, or -1 with errno.  Whether fd is a
 * connection that was accepted from there: other connections, to dockerd or to
 * ourselves, have no such address, whoever is at their other end.
 */
int peer_door_make(int fd, struct peer_door *door);
bool peer_came_by(int fd, const struct peer_door *door);

#endif /* DSP_PEER_H */
