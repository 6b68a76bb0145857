/*
 * Who a client is: what the kernel says of its connection.
 */

#include "config.h"

#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* "127.0.0.1:4711", "[::1]:4711".  A socket for both families shows IPv4
 * peers as mapped addresses. */
static void
name_address(const struct in6_addr *address, in_port_t port,
    struct peer *peer)
{
	char host[INET6_ADDRSTRLEN];

	(void)inet_ntop(AF_INET6, address, host, sizeof(host));
	if (IN6_IS_ADDR_V4MAPPED(address))
		(void)snprintf(peer->name, sizeof(peer->name), "%s:%u",
		    strrchr(host, ':') + 1, ntohs(port));
	else
		(void)snprintf(peer->name, sizeof(peer->name), "[%s]:%u",
		    host, ntohs(port));
	memcpy(peer->key.bytes, address, sizeof(*address));
	memcpy(peer->who.address, address, sizeof(*address));
}

/* "uid:1000"; the key is no address's, those are shorter. */
static void
name_user(int fd, struct peer *peer)
{
	struct ucred cred;
	socklen_t len;

	len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		cred.uid = cred.gid = (uid_t)-1; /* nobody's */
	(void)snprintf(peer->name, sizeof(peer->name), "uid:%u",
	    (unsigned)cred.uid);
	memcpy(peer->key.bytes, &cred.uid, sizeof(cred.uid));
	peer->key.bytes[sizeof(peer->key.bytes) - 1] = 1;
	peer->who.is_user = true;
	peer->who.uid = cred.uid;
	peer->who.gid = cred.gid;
}

void
peer_identify(int fd, const struct sockaddr_storage *from, struct peer *peer)
{
	const struct sockaddr_in6 *in6 = (const void *)from;
	const struct sockaddr_in *in = (const void *)from;
	struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memset(peer, 0, sizeof(*peer));
	if (from->ss_family == AF_INET6) {
		name_address(&in6->sin6_addr, in6->sin6_port, peer);
	} else if (from->ss_family == AF_INET) {
		memcpy(&mapped.s6_addr[12], &in->sin_addr, 4);
		name_address(&mapped, in->sin_port, peer);
	} else {
		name_user(fd, peer);
	}
}

bool
peer_is_allowed(const struct allow *allow, int fd, struct peer *peer)
{
	static gid_t groups[BOUNDS_GROUPS_CAP];
	socklen_t len;

	len = sizeof(groups);
	/* Where the kernel cannot tell, the first group alone counts. */
	if (peer->who.is_user && allow_wants_groups(allow) &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
		peer->who.groups = groups;
		peer->who.ngroups = len / sizeof(groups[0]);
	}
	return allow_match(allow, &peer->who);
}
