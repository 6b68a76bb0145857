/*
 * By which listener a connection has come.
 */
#include "config.h"

#include "peer.h"

#include <sys/un.h>

#include <netinet/in.h>
#include <unistd.h>

#include "unit.h"

/* What a client connects to. */
union address {
	struct sockaddr		any;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	struct sockaddr_un	un;
};

/* A listener, and a connection that it has accepted. */
struct stand {
	int			listen_fd;
	int			client_fd;
	int			accepted_fd;
	struct peer_door	door;
};

enum kind {
	PATH,
	ABSTRACT,
	IPV4,
	EVERYWHERE,		/* IPv6, and IPv4 as well */
	KINDS
};

static socklen_t
name(enum kind kind, unsigned no, union address *a)
{
	static const struct in_addr local = { 0x0100007f };

	memset(a, 0, sizeof(*a));
	switch (kind) {
	case PATH:
	case ABSTRACT:
		a->un.sun_family = AF_UNIX;
		(void)snprintf(a->un.sun_path + (kind == ABSTRACT),
		    sizeof(a->un.sun_path) - 1, "/tmp/check_peer.%ld.%u",
		    (long)getpid(), no);
		return (socklen_t)sizeof(a->un);
	case IPV4:
		a->in.sin_family = AF_INET;
		a->in.sin_addr = local;
		return (socklen_t)sizeof(a->in);
	default:
		a->in6.sin6_family = AF_INET6;
		return (socklen_t)sizeof(a->in6);
	}
}

/* False where the machine has no IPv6. */
static bool
open_stand(enum kind kind, unsigned no, struct stand *s)
{
	union address a, to;
	socklen_t len;

	len = name(kind, no, &a);
	s->listen_fd = socket(a.any.sa_family, SOCK_STREAM, 0);
	if (s->listen_fd == -1 || bind(s->listen_fd, &a.any, len) == -1)
		return false;
	ck_assert_int_eq(listen(s->listen_fd, 4), 0);
	ck_assert_int_eq(peer_door_make(s->listen_fd, &s->door), 0);
	memcpy(&to, &s->door.address, sizeof(to));
	len = s->door.len;
	if (kind == EVERYWHERE) {
		(void)name(IPV4, 0, &to);
		to.in.sin_port = a.in6.sin6_port = ((struct sockaddr_in6 *)
		    &s->door.address)->sin6_port;
		len = (socklen_t)sizeof(to.in);
	}
	s->client_fd = socket(to.any.sa_family, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(s->client_fd, &to.any, len), 0);
	s->accepted_fd = accept(s->listen_fd, NULL, NULL);
	ck_assert_int_ge(s->accepted_fd, 0);
	return true;
}

static void
close_stand(enum kind kind, unsigned no, const struct stand *s)
{
	union address a;

	(void)close(s->listen_fd);
	(void)close(s->client_fd);
	(void)close(s->accepted_fd);
	(void)name(kind, no, &a);
	if (kind == PATH)
		ck_assert_int_eq(unlink(a.un.sun_path), 0);
}

START_TEST(came_by)
{
	const enum kind kind = (enum kind)_i;
	struct stand one, other;
	int ends[2];

	if (!open_stand(kind, 1, &one)) {
		ck_assert_int_eq((int)kind, (int)EVERYWHERE);
		return;
	}
	ck_assert(open_stand(kind, 2, &other));
	ck_assert(peer_came_by(one.accepted_fd, &one.door));
	ck_assert(peer_came_by(other.accepted_fd, &other.door));
	/* another listener of the same kind */
	ck_assert(!peer_came_by(one.accepted_fd, &other.door));
	ck_assert(!peer_came_by(other.accepted_fd, &one.door));
	/* the end that has connected, as ours to dockerd */
	ck_assert(!peer_came_by(one.client_fd, &one.door));
	/* a pair of somebody's own, and no connection at all */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert(!peer_came_by(ends[0], &one.door));
	ck_assert(!peer_came_by(STDIN_FILENO, &one.door));
	ck_assert(!peer_came_by(-1, &one.door));
	(void)close(ends[0]);
	(void)close(ends[1]);
	close_stand(kind, 1, &one);
	close_stand(kind, 2, &other);
}
END_TEST

/* Names of which one begins as the other does. */
START_TEST(came_by_length)
{
	struct stand one, other;

	ck_assert(open_stand(PATH, 1, &one));
	ck_assert(open_stand(PATH, 11, &other));
	ck_assert(!peer_came_by(one.accepted_fd, &other.door));
	ck_assert(!peer_came_by(other.accepted_fd, &one.door));
	close_stand(PATH, 1, &one);
	close_stand(PATH, 11, &other);
}
END_TEST

/* Other kinds. */
START_TEST(came_by_kind)
{
	struct stand stands[KINDS];
	bool is_there[KINDS];
	int i, k;

	for (i = 0; i < KINDS; i++)
		is_there[i] = open_stand((enum kind)i, 3, &stands[i]);
	for (i = 0; i < KINDS; i++)
		for (k = 0; k < KINDS; k++)
			if (is_there[i] && is_there[k])
				ck_assert_int_eq(peer_came_by(
				    stands[i].accepted_fd, &stands[k].door),
				    i == k);
	for (i = 0; i < KINDS; i++)
		if (is_there[i])
			close_stand((enum kind)i, 3, &stands[i]);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("peer");
	TCase *tc;

	tc = tcase_create("came_by");
	tcase_add_loop_test(tc, came_by, 0, KINDS);
	tcase_add_test(tc, came_by_length);
	tcase_add_test(tc, came_by_kind);
	suite_add_tcase(s, tc);
	return s;
}
