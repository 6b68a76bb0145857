/*
 * Names of hosts.  Numbers and the hosts file are read here; only what is in
 * neither is asked of the resolver.
 */

#include "config.h"

#include "host.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOSTS_FILE	"/etc/hosts"

/* Bytes of a line of it; what a longer one says further on is not seen. */
#define LINE_CAP	1024

#define BLANKS		" \t\r\n"

union address {
	struct sockaddr		any;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

static void
add(struct host_list *list, const void *a, size_t len)
{
	struct sockaddr_storage *to;

	if (list->n == BOUNDS_HOST_ADDRESSES)
		return;
	to = &list->to[list->n++];
	memset(to, 0, sizeof(*to));
	memcpy(to, a, len);
}

static void
number6(const char *text, struct host_list *list)
{
	char buf[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	const size_t len = strlen(text);
	union address a;
	char *zone;

	if (len >= sizeof(buf))
		return;
	memcpy(buf, text, len + 1);
	memset(&a, 0, sizeof(a));
	a.in6.sin6_family = AF_INET6;
	zone = strchr(buf, '%');
	if (zone != NULL) {
		*zone++ = '\0';
		a.in6.sin6_scope_id = if_nametoindex(zone);
		if (a.in6.sin6_scope_id == 0)
			return;
	}
	if (inet_pton(AF_INET6, buf, &a.in6.sin6_addr) == 1)
		add(list, &a, sizeof(a.in6));
}

void
host_number(const char *text, struct host_list *list)
{
	union address a;

	list->n = 0;
	memset(&a, 0, sizeof(a));
	a.in.sin_family = AF_INET;
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1)
		add(list, &a, sizeof(a.in));
	else
		number6(text, list);
}

/* Whether a line of a hosts file is about that name: its address. */
static void
in_line(char *line, const char *name, struct host_list *list)
{
	struct host_list found;
	char *address, *word, *rest;

	line[strcspn(line, "#")] = '\0';
	address = strtok_r(line, BLANKS, &rest);
	if (address == NULL)
		return;
	while ((word = strtok_r(NULL, BLANKS, &rest)) != NULL) {
		if (strcasecmp(word, name) != 0)
			continue;
		host_number(address, &found);
		if (found.n > 0)
			add(list, &found.to[0], sizeof(found.to[0]));
		return;
	}
}

void
host_in_file(const char *path, const char *name, struct host_list *list)
{
	char line[LINE_CAP];
	FILE *f;

	list->n = 0;
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		in_line(line, name, list);
	(void)fclose(f); /* only read from */
}

#if defined(WITH_STATIC) && defined(__GLIBC__)
/* The addresses in records of this type; a wrong record ends it. */
static void
ask_for(const char *name, ns_type type, struct host_list *list)
{
	static unsigned char answer[NS_MAXMSG];
	const size_t want = type == ns_t_a ? sizeof(struct in_addr) :
	    sizeof(struct in6_addr);
	union address a;
	ns_msg msg;
	ns_rr rr;
	int i, len;

	len = res_search(name, ns_c_in, (int)type, answer, sizeof(answer));
	if (len <= 0 || (size_t)len > sizeof(answer) ||
	    ns_initparse(answer, len, &msg) == -1)
		return;
	for (i = 0; i < ns_msg_count(msg, ns_s_an) &&
	    ns_parserr(&msg, ns_s_an, i, &rr) == 0; i++) {
		if (ns_rr_type(rr) != type || ns_rr_rdlen(rr) != want)
			continue;
		memset(&a, 0, sizeof(a));
		if (type == ns_t_a) {
			a.in.sin_family = AF_INET;
			memcpy(&a.in.sin_addr, ns_rr_rdata(rr), want);
		} else {
			a.in6.sin6_family = AF_INET6;
			memcpy(&a.in6.sin6_addr, ns_rr_rdata(rr), want);
		}
		add(list, &a, sizeof(a));
	}
}

static void
ask_resolver(const char *name, struct host_list *list, const char **error)
{
	ask_for(name, ns_t_a, list);
	ask_for(name, ns_t_aaaa, list);
	*error = hstrerror(h_errno);
}
#else
static void
ask_resolver(const char *name, struct host_list *list, const char **error)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct addrinfo *ai;
	struct addrinfo *all;
	int code;

	code = getaddrinfo(name, NULL, &hints, &all);
	if (code != 0) {
		*error = gai_strerror(code);
		return;
	}
	for (ai = all; ai != NULL; ai = ai->ai_next)
		if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6)
			add(list, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(all);
	*error = "strange address";
}
#endif

/* Not every container has a hosts file (RFC 6761 section 6.3). */
static void
localhost(struct host_list *list)
{
	struct host_list six;

	host_number("127.0.0.1", list);
	host_number("::1", &six);
	add(list, &six.to[0], sizeof(six.to[0]));
}

size_t
host_all(const char *name, struct host_list *list, const char **error)
{
	if (strcasecmp(name, "localhost") == 0) {
		localhost(list);
		return list->n;
	}
	host_number(name, list);
	if (list->n == 0)
		host_in_file(HOSTS_FILE, name, list);
	if (list->n == 0)
		ask_resolver(name, list, error);
	return list->n;
}

socklen_t
host_find(const char *name, const char *port, struct sockaddr_storage *to,
    const char **error)
{
	const in_port_t number = htons((in_port_t)strtoul(port, NULL, 10));
	struct host_list list;
	union address a;
	size_t i;

	if (host_all(name, &list, error) == 0)
		return 0;
	for (i = 0; i < list.n; i++)
		if (list.to[i].ss_family == AF_INET)
			break;
	memcpy(to, &list.to[i == list.n ? 0 : i], sizeof(*to));
	memcpy(&a, to, sizeof(a));
	if (a.any.sa_family == AF_INET)
		a.in.sin_port = number;
	else
		a.in6.sin6_port = number;
	memcpy(to, &a, sizeof(a));
	return a.any.sa_family == AF_INET ? sizeof(a.in) : sizeof(a.in6);
}
