/*
 * Who a client is: what the kernel says of its connection.
 */

#include "config.h"

#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "confpool.h"
#include "inquire.h"

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

static void
add_groups(int fd, struct peer *peer)
{
	static gid_t groups[BOUNDS_GROUPS_CAP];
	socklen_t len;

	len = sizeof(groups);
	/* Where the kernel cannot tell, the first group alone counts. */
	if (peer->who.is_user && peer->who.groups == NULL &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
		peer->who.groups = groups;
		peer->who.ngroups = len / sizeof(groups[0]);
	}
}

bool
peer_is_allowed(const struct allow *allow, int fd, struct peer *peer)
{
	if (allow_wants_groups(allow))
		add_groups(fd, peer);
	return allow_match(allow, &peer->who);
}

unsigned
peer_pool(const struct conf *conf, unsigned door, int fd, struct peer *peer,
    int whois_fd)
{
	unsigned pool;

	if (confpool_wants_groups(conf))
		add_groups(fd, peer);
	pool = confpool_find(conf, door, &peer->who, CONFPOOL_NOT_KNOWN);
	if (pool != BOUNDS_POOL_CAP)
		return pool;
	return confpool_find(conf, door, &peer->who,
	    inquire_container(whois_fd, fd));
}

int
peer_door_make(int fd, struct peer_door *door)
{
	memset(door, 0, sizeof(*door));
	door->len = sizeof(door->address);
	return getsockname(fd, (struct sockaddr *)&door->address, &door->len);
}

/* A listener on all addresses has one where its connections have another. */
static bool
is_same_port(const struct sockaddr_storage *a,
    const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;

	if (a->ss_family == AF_INET6)
		return a6->sin6_port == b6->sin6_port;
	return a4->sin_port == b4->sin_port;
}

bool
peer_came_by(int fd, const struct peer_door *door)
{
	struct peer_door own;

	if (peer_door_make(fd, &own) == -1 ||
	    own.address.ss_family != door->address.ss_family)
		return false;
	if (door->address.ss_family != AF_UNIX)
		return is_same_port(&own.address, &door->address);
	return own.len == door->len &&
	    memcmp(&own.address, &door->address, own.len) == 0;
}
