/*
 * What the master tells of --client when a configuration begins to hold.
 */

#include "config.h"

#include "clients.h"

#include "confpool.h"
#include "log.h"
#include "text.h"

/* " 172.18.0.5 fd00::5"; more than a line of the log has room for is left
 * out. */
static const char *
say_addresses(char buf[BOUNDS_LOG_LINE_CAP], const struct conf_client *c)
{
	struct text t;
	size_t i;

	text_init(&t, buf, BOUNDS_LOG_LINE_CAP);
	for (i = 0; c->host != NULL && i < c->nentries; i++) {
		text_char(&t, ' ');
		allow_put(&t, &c->entries[i]);
	}
	return text_string(&t);
}

static bool
fits_any(const struct conf *conf, const struct conf_client *c)
{
	size_t i;

	for (i = 0; i < conf->nlisten; i++)
		if (confpool_fits(c, &conf->listen[i]))
			return true;
	return false;
}

static void
say(const struct conf *conf, const struct conf_client *c)
{
	char addresses[BOUNDS_LOG_LINE_CAP];
	const struct profile *p = c->profile;

	log_info("client %s%s has profile %s (%zu rules)", c->text,
	    say_addresses(addresses, c), p->name, p->nrules);
	if (p->danger.len > 0)
		log_warn("profile %s: %.*s", p->name, (int)p->danger.len,
		    p->danger.p);
	if (c->nentries == 0)
		log_warn("client %s: no address is known for this name now, so "
		    "it is nobody; asked again after SIGHUP", c->text);
	if (!fits_any(conf, c))
		log_warn("client %s: nobody, for no listener tells clients "
		    "by %s", c->text, c->is_user ? "users: that takes a unix "
		    "socket" : "addresses: that takes TCP");
}

void
clients_say(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nclients; i++)
		say(conf, &conf->clients[i]);
}
