/*
 * Which pools there are besides listeners, and who is due to which.
 */
#include "config.h"

#include "confpool.h"

#include <string.h>

#include "bounds.h"
#include "confprofile.h"

/* Workers kept idle by a door, which is done with a client at once, and by
 * pools of --client, of which there may be many. */
#define FEW 1

bool
confpool_fits(const struct conf_client *c, const struct conf_listen *l)
{
	/* Whom dockerd tells its plugin, and nobody else. */
	if (c->tls_user != NULL || l->is_authz)
		return c->tls_user != NULL && l->is_authz;
	/* What a socket is that is passed to us is not known before. */
	if (l->kind == CONF_FD && l->fd == 0)
		return true;
	return c->is_user == l->has_users;
}

static bool
is_told_apart(const struct conf *conf, const struct conf_listen *l)
{
	size_t i;

	/* dockerd comes for all its clients. */
	for (i = 0; i < conf->nclients && !l->is_authz; i++)
		if (confpool_fits(&conf->clients[i], l))
			return true;
	return false;
}

/* The pool behind that door with this profile, a new one if there is none;
 * BOUNDS_POOL_CAP when there are too many.  Copies of a profile share their
 * rules. */
static unsigned
add_pool(struct confwork *w, unsigned door, struct profile *profile,
    const char *name)
{
	struct conf *conf = &w->conf;
	struct conf_listen *l;
	size_t i;

	for (i = conf->nlisten; i < conf->npools; i++)
		if (conf->listen[i].door == door &&
		    conf->listen[i].profile->rules == profile->rules)
			return (unsigned)i;
	if (i == BOUNDS_POOL_CAP)
		return BOUNDS_POOL_CAP;
	l = &conf->listen[conf->npools++];
	*l = conf->listen[door];
	l->is_door = false;
	l->door = door;
	l->workers = FEW;
	l->profile_name = name;
	l->profile = profile;
	if (l->only_warns && !profile->only_warns)
		l->profile = confprofile_warning(w, profile);
	return (unsigned)i;
}

/* False when there are too many. */
static bool
make_door(struct confwork *w, unsigned door)
{
	struct conf *conf = &w->conf;
	struct conf_listen *l = &conf->listen[door];
	struct conf_client *c;
	bool has_room;
	unsigned pool;

	l->is_door = true;
	pool = add_pool(w, door, l->profile, l->profile_name);
	has_room = pool < BOUNDS_POOL_CAP;
	if (has_room) {
		l->others = pool;
		conf->listen[pool].workers = l->workers;
	}
	l->workers = FEW;
	for (c = conf->clients; c < conf->clients + conf->nclients; c++) {
		if (!confpool_fits(c, l))
			continue;
		pool = add_pool(w, door, c->profile, c->profile_name);
		has_room = has_room && pool < BOUNDS_POOL_CAP;
		c->pool[door] = pool;
	}
	return has_room;
}

/* What is missing has been reported. */
static bool
has_profiles(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nlisten; i++)
		if (conf->listen[i].profile == NULL)
			return false;
	for (i = 0; i < conf->nclients; i++)
		if (conf->clients[i].profile == NULL)
			return false;
	return true;
}

/* What users of authz listeners have where these only warn. */
static void
make_warnings(struct confwork *w)
{
	struct conf_client *c;

	for (c = w->conf.clients; c < w->conf.clients + w->conf.nclients; c++)
		if (c->tls_user != NULL)
			c->warning = confprofile_warning(w, c->profile);
}

void
confpool_make(struct confwork *w)
{
	struct conf *conf = &w->conf;
	bool has_room;
	unsigned i;

	make_warnings(w);
	conf->npools = conf->nlisten;
	for (i = 0; i < conf->nlisten; i++) {
		conf->listen[i].workers = conf->workers;
		conf->listen[i].door = i;
	}
	has_room = true;
	for (i = 0; i < conf->nlisten && has_profiles(conf); i++)
		if (is_told_apart(conf, &conf->listen[i]))
			has_room = make_door(w, i) && has_room;
	if (!has_room)
		confwork_mistake(w, "client: too many profiles on too many "
		    "listeners, at most %d in all: use fewer, or several "
		    "instances", BOUNDS_POOL_CAP);
}

static bool
is_client(const struct conf_client *c, const struct allow_peer *who)
{
	size_t i;

	for (i = 0; i < c->nentries; i++)
		if (allow_is(&c->entries[i], who))
			return true;
	return false;
}

unsigned
confpool_find(const struct conf *conf, unsigned door,
    const struct allow_peer *who, uint32_t line)
{
	const struct conf_listen *l = &conf->listen[door];
	const struct conf_client *c;

	for (c = conf->clients; c < conf->clients + conf->nclients; c++) {
		if (!confpool_fits(c, l))
			continue;
		/* In doubt it may be this one. */
		if (c->container != NULL && line == CONFPOOL_NOT_KNOWN)
			return BOUNDS_POOL_CAP;
		if (c->container != NULL ? c == conf->clients + line :
		    is_client(c, who))
			return c->pool[door];
	}
	return l->others;
}

bool
confpool_wants_whois(const struct conf *conf, const struct conf_listen *l)
{
	const struct conf_client *c;

	for (c = conf->clients; c < conf->clients + conf->nclients; c++)
		if (c->container != NULL && confpool_fits(c, l))
			return true;
	return false;
}

bool
confpool_has_whois(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nlisten; i++)
		if (confpool_wants_whois(conf, &conf->listen[i]))
			return true;
	return false;
}

bool
confpool_wants_groups(const struct conf *conf)
{
	const struct conf_client *c;

	for (c = conf->clients; c < conf->clients + conf->nclients; c++)
		if (c->nentries > 0 && c->entries->kind == ALLOW_GID)
			return true;
	return false;
}

/* -- from one configuration to the next -- */

/* Names of hosts may stand for others now. */
static bool
is_same_entry(const struct allow_entry *a, const struct allow_entry *b)
{
	return a->kind == b->kind && a->prefix_len == b->prefix_len &&
	    a->uid == b->uid && a->gid == b->gid &&
	    memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool
is_same_client(const struct conf_client *a, const struct conf_client *b)
{
	size_t i;

	if (a->is_user != b->is_user || a->nentries != b->nentries ||
	    (a->container == NULL) != (b->container == NULL))
		return false;
	if (a->container != NULL)
		return strcmp(a->container, b->container) == 0;
	for (i = 0; i < a->nentries; i++)
		if (!is_same_entry(&a->entries[i], &b->entries[i]))
			return false;
	return true;
}

/* Whether the clients of a door are told apart as before, whatever the
 * profiles are that they get. */
static bool
is_same_door(const struct conf *a, unsigned in_a, const struct conf *b,
    unsigned in_b)
{
	const struct conf_listen *la = &a->listen[in_a];
	const struct conf_listen *lb = &b->listen[in_b];
	size_t i;

	if (a->nclients != b->nclients)
		return false;
	for (i = 0; i < a->nclients; i++)
		if (!is_same_client(&a->clients[i], &b->clients[i]) ||
		    (confpool_fits(&a->clients[i], la) &&
		    a->clients[i].pool[in_a] - la->others !=
		    b->clients[i].pool[in_b] - lb->others))
			return false;
	return true;
}

size_t
confpool_moved(const struct conf *conf, const struct conf *old, size_t i)
{
	const unsigned was = old->listen[i].door;
	const struct conf_listen *door = &old->listen[was];
	unsigned now;

	for (now = 0; now < conf->nlisten; now++)
		if (strcmp(conf->listen[now].text, door->text) == 0)
			break;
	if (now == conf->nlisten || conf->listen[now].is_door !=
	    door->is_door)
		return conf->npools;
	if (!door->is_door)
		return now;
	if (i == was || !is_same_door(old, was, conf, now))
		return conf->npools;
	return conf->listen[now].others + (i - door->others);
}
