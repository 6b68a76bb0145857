/*
 * The text of --client: who gets which profile.  Which processes that takes is
 * left to confpool.
 */
#include "config.h"

#include "confclient.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <string.h>

#include "bounds.h"
#include "container.h"
#include "host.h"
#include "privs.h"
#include "userns.h"
#include "span.h"
#include "text.h"

/* Bytes of the longest network, with the NUL. */
#define SHOWN_CAP 64

/* A line being read. */
struct reading {
	struct confwork			*w;
	const struct confopt_value	*v;
	struct conf_client		*c;
	bool				 is_bad;
};

static void
mistake(struct reading *r, const char *what)
{
	confwork_mistake(r->w, "%s: %s", r->v->place, what);
	r->is_bad = true;
}

/* The line is about this entry. */
static void
set_entry(struct reading *r, const struct allow_entry *e)
{
	struct allow_entry *copy;

	if (userns_is_anybody(e))
		mistake(r, USERNS_ANYBODY);
	copy = confwork_alloc(r->w, sizeof(*copy));
	*copy = *e;
	r->c->entries = copy;
	r->c->nentries = 1;
}

static void
who_user(struct reading *r, const char *name)
{
	struct allow_entry e = { .kind = ALLOW_UID };
	gid_t gid;

	r->c->is_user = true;
	if (privs_user(name, &e.uid, &gid))
		set_entry(r, &e);
	else
		mistake(r, confwork_format(r->w, "no user %s on this machine; "
		    "a number is taken as it is", name));
}

static void
who_group(struct reading *r, const char *name)
{
	struct allow_entry e = { .kind = ALLOW_GID };

	r->c->is_user = true;
	if (privs_group(name, &e.gid))
		set_entry(r, &e);
	else
		mistake(r, confwork_format(r->w, "no group %s on this machine; "
		    "a number is taken as it is", name));
}

static void
who_host(struct reading *r, const char *name)
{
	const char *p;

	for (p = name; span_is_alnum(*p) || *p == '.' || *p == '-' ||
	    *p == '_'; p++)
		;
	if (*p != '\0' || p - name > BOUNDS_HOST_NAME_CAP)
		mistake(r, confwork_format(r->w, "name:%s: the name of a host "
		    "has letters, digits, dots and hyphens, at most %d", name,
		    BOUNDS_HOST_NAME_CAP));
	r->c->host = name;
}

static void
who_container(struct reading *r, const char *name)
{
	r->c->is_user = true;
	if (!container_is_name(span_of(name)))
		mistake(r, confwork_format(r->w, "container:%s: the name of a "
		    "container has two letters or digits at least, also dots, "
		    "hyphens and underscores behind the first, at most %d",
		    name, BOUNDS_CONTAINER_NAME_CAP));
	r->c->container = name;
}

/* By the name in a certificate, which only dockerd has seen. */
static void
who_tls(struct reading *r, const char *name)
{
	if (strlen(name) > BOUNDS_AUTHZ_USER_CAP)
		mistake(r, confwork_format(r->w, "the name of a TLS user has "
		    "at most %d bytes", BOUNDS_AUTHZ_USER_CAP));
	r->c->tls_user = name;
}

/* The network that was meant, and how to write the address alone. */
static void
bits_behind(struct reading *r, const char *who,
    const struct allow_entry *meant)
{
	char buf[SHOWN_CAP];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	allow_put(&t, meant);
	mistake(r, confwork_format(r->w, "bits are set behind the prefix; "
	    "write %s, or %.*s for this address alone", text_string(&t),
	    (int)strcspn(who, "/"), who));
}

static void
who_net(struct reading *r, const char *who)
{
	struct allow_entry e;
	struct span name;

	switch (allow_parse(span_of(who), &e, &name)) {
	case ALLOW_GOOD:
		set_entry(r, &e);
		break;
	case ALLOW_PREFIX:
		mistake(r, "the prefix must be a number up to 32, or up to "
		    "128 for IPv6");
		break;
	case ALLOW_HOST_BITS:
		bits_behind(r, who, &e);
		break;
	default:
		mistake(r, "who must be an address, a network as in "
		    "172.18.0.0/16 or fd00::/8, name:HOST, uid:USER, "
		    "gid:GROUP, container:NAME or user:NAME");
		break;
	}
}

/* The last one is for all that begins otherwise. */
static const struct {
	const char	*prefix;
	void		(*read)(struct reading *r, const char *rest);
} kinds[] = {
	{ "uid:", who_user },
	{ "gid:", who_group },
	{ "name:", who_host },
	{ "container:", who_container },
	{ "user:", who_tls },
	{ "", who_net }
};

static void
read_who(struct reading *r, const char *who)
{
	size_t i, len;

	for (i = 0; ; i++) {
		len = strlen(kinds[i].prefix);
		if (strncmp(who, kinds[i].prefix, len) == 0)
			break;
	}
	r->c->text = who;
	if (len > 0 && who[len] == '\0')
		mistake(r, confwork_format(r->w, "%s needs a name behind it",
		    who));
	else
		kinds[i].read(r, who + len);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What is behind WHO: ",profile=NAME", or the same with blanks. */
static void
read_profile(struct reading *r, const char *rest)
{
	const char *const word = "profile";
	const char *name;
	size_t len;

	rest += *rest == ',';
	while (is_blank(*rest))
		rest++;
	len = strcspn(rest, "= \t");
	if (len != strlen(word) || strncmp(rest, word, len) != 0) {
		mistake(r, "must go on with the profile, as in "
		    "172.18.0.5,profile=traefik");
		return;
	}
	name = rest + len;
	name += *name == '=';
	while (is_blank(*name))
		name++;
	if (name[0] == '\0' || strpbrk(name, " \t,") != NULL)
		mistake(r, "behind profile must be one name or path, and "
		    "nothing else");
	else
		r->c->profile_name = name;
}

void
confclient_set(struct confwork *w, const struct confopt_value *v)
{
	struct conf *conf = &w->conf;
	struct conf_client c = { .text = NULL };
	struct reading r = { .w = w, .v = v, .c = &c };
	size_t i, len;

	if (w->client_source != v->source) {
		w->client_source = v->source;
		conf->nclients = 0;
	}
	len = strcspn(v->text, ", \t");
	read_who(&r, confwork_string(w, v->text, len));
	read_profile(&r, v->text + len);
	for (i = 0; !r.is_bad && i < conf->nclients; i++)
		if (strcmp(conf->clients[i].text, c.text) == 0)
			mistake(&r, confwork_format(w, "%s is given twice",
			    c.text));
	if (!r.is_bad && conf->nclients == BOUNDS_CLIENT_CAP)
		mistake(&r, confwork_format(w, "too many clients, at most %d",
		    BOUNDS_CLIENT_CAP));
	if (!r.is_bad)
		conf->clients[conf->nclients++] = c;
}

/* -- names -- */

/* The address alone. */
static struct allow_entry
entry_of(const struct sockaddr_storage *address)
{
	struct allow_entry e = { .kind = ALLOW_NET,
		.address = { [10] = 0xff, [11] = 0xff },
		.prefix_len = ALLOW_ADDRESS_LEN * 8 };
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	memcpy(&in, address, sizeof(in));
	memcpy(&in6, address, sizeof(in6));
	if (address->ss_family == AF_INET)
		memcpy(e.address + 12, &in.sin_addr, 4);
	else
		memcpy(e.address, &in6.sin6_addr, sizeof(e.address));
	return e;
}

void
confclient_resolve(struct confwork *w)
{
	struct allow_entry *entries;
	struct host_list found;
	struct conf_client *c;
	const char *error;
	size_t i, k;

	for (i = 0; i < w->conf.nclients; i++) {
		c = &w->conf.clients[i];
		if (c->host == NULL ||
		    host_all(c->host, &found, &error) == 0)
			continue;
		entries = confwork_alloc(w, found.n * sizeof(*entries));
		for (k = 0; k < found.n; k++)
			entries[k] = entry_of(&found.to[k]);
		c->entries = entries;
		c->nentries = found.n;
	}
}
