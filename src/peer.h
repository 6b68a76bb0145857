#ifndef DSP_PEER_H
#define DSP_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "allow.h"
#include "board.h"
#include "bounds.h"

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

#endif /* DSP_PEER_H */
