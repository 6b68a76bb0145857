/*
 * Which listener gets which descriptor of the service manager.
 */
#include "config.h"

#include "conffd.h"

#include <string.h>

#include "inherit.h"

/* Listeners by their index; behind them metrics, and nobody. */
enum {
	METRICS = BOUNDS_LISTEN_CAP,
	NOBODY
};

/* Who gets which, while a configuration is read. */
struct claims {
	struct confwork	*w;
	size_t		 owner[BOUNDS_LISTEN_CAP];
};

static bool
is_all(const struct conf_listen *l)
{
	return l->kind == CONF_FD && l->path[0] == '\0';
}

/* Whether any client can have what allow= of l asks for. */
static bool
can_match(const struct conf_listen *l, const struct inherit_socket *s)
{
	size_t i;

	for (i = 0; i < l->allow.nentries; i++)
		if ((l->allow.entries[i].kind == ALLOW_NET) != s->is_unix)
			return true;
	return l->allow.nentries == 0;
}

/* Descriptor no becomes a listener with the keys of l. */
static void
claim(struct claims *c, size_t no, const struct conf_listen *l,
    struct conf_listen *out)
{
	const struct inherit_socket *s = inherit_get(no);

	*out = *l;
	out->fd = s->fd;
	out->has_users = s->is_unix;
	if (s->address == NULL) {
		confwork_mistake(c->w, "%s: descriptor %d (%s) is not a "
		    "listening stream socket: the socket unit needs "
		    "ListenStream= and Accept=no", l->text, s->fd, s->name);
		return;
	}
	out->text = confwork_format(c->w, "fd://%s(%s)", s->name, s->address);
	if (!can_match(l, s))
		confwork_mistake(c->w, "%s: nobody could connect: allow= must "
		    "be %s here", out->text, s->is_unix ?
		    "uid:USER or gid:GROUP" : "an address or a network");
}

static bool
has_name(const struct conf_listen *l, const char *name)
{
	return l->kind == CONF_FD && strcmp(l->path, name) == 0;
}

/* Who names it, else who takes all. */
static size_t
find_owner(const struct conf *conf, const char *name)
{
	size_t i, owner;

	owner = NOBODY;
	if (conf->has_metrics && has_name(&conf->metrics, name))
		owner = METRICS;
	for (i = 0; i < conf->nlisten; i++)
		if (has_name(&conf->listen[i], name) ||
		    (owner == NOBODY && is_all(&conf->listen[i])))
			owner = i;
	return owner;
}

static void
say_missing(struct claims *c, const struct conf_listen *l)
{
	if (inherit_count() == 0)
		confwork_mistake(c->w, "%s: no sockets were passed to this "
		    "process: start it by its socket unit (LISTEN_FDS), or "
		    "listen on tcp:// or unix://", l->text);
	else if (is_all(l))
		confwork_mistake(c->w, "%s: all sockets that were passed have "
		    "a listener of their name", l->text);
	else
		confwork_mistake(c->w, "%s: no socket of that name was passed "
		    "to this process; the first one is called %s", l->text,
		    inherit_get(0)->name);
}

/* All that l, which is number i, gets: to out, which has room for cap; how
 * many. */
static size_t
claim_all(struct claims *c, size_t i, const struct conf_listen *l,
    struct conf_listen *out, size_t cap)
{
	size_t n, no;

	n = 0;
	for (no = 0; no < inherit_count(); no++) {
		if (c->owner[no] != i)
			continue;
		if (n == cap) {
			confwork_mistake(c->w, "%s: too many sockets, at most "
			    "%zu", l->text, cap);
			return n;
		}
		claim(c, no, l, &out[n++]);
	}
	if (n == 0)
		say_missing(c, l);
	return n;
}

/* Metrics come from one place. */
static void
claim_metrics(struct claims *c)
{
	const struct conf_listen asked = c->w->conf.metrics;

	if (c->w->conf.has_metrics && asked.kind == CONF_FD)
		(void)claim_all(c, METRICS, &asked, &c->w->conf.metrics, 1);
}

static void
claim_listeners(struct claims *c)
{
	struct conf *conf = &c->w->conf;
	struct conf_listen old[BOUNDS_LISTEN_CAP];
	size_t i, n, nold;

	nold = conf->nlisten;
	memcpy(old, conf->listen, nold * sizeof(*old));
	n = 0;
	for (i = 0; i < nold; i++)
		if (old[i].kind == CONF_FD)
			n += claim_all(c, i, &old[i], &conf->listen[n],
			    BOUNDS_LISTEN_CAP - n);
		else if (n < BOUNDS_LISTEN_CAP)
			conf->listen[n++] = old[i];
		else
			confwork_mistake(c->w, "%s: too many listeners, at "
			    "most %d", old[i].text, BOUNDS_LISTEN_CAP);
	conf->nlisten = n;
}

static void
say_unclaimed(const struct claims *c)
{
	const struct inherit_socket *s;
	size_t i;

	for (i = 0; i < inherit_count(); i++) {
		if (c->owner[i] != NOBODY)
			continue;
		s = inherit_get(i);
		confwork_mistake(c->w, "a socket was passed to this process "
		    "that nobody asked for: %s, descriptor %d, %s; add "
		    "--listen fd://%s, or fd:// for all", s->name, s->fd,
		    s->address != NULL ? s->address : "not listening",
		    s->name);
	}
}

/* Who passes sockets wants them used, without saying so twice. */
static void
listen_by_default(struct confwork *w)
{
	struct conf_listen *l = &w->conf.listen[0];

	if (inherit_count() == 0 || w->listen_source != CONFOPT_DEFAULT)
		return;
	l->kind = CONF_FD;
	l->text = "fd://";
	l->path = "";
}

void
conffd_claim(struct confwork *w)
{
	struct claims c = { .w = w };
	size_t i;

	if (inherit_fault() != NULL) {
		confwork_mistake(w, "%s", inherit_fault());
		return;
	}
	listen_by_default(w);
	for (i = 0; i < inherit_count(); i++)
		c.owner[i] = find_owner(&w->conf, inherit_get(i)->name);
	say_unclaimed(&c);
	claim_metrics(&c);
	claim_listeners(&c);
}
