/*
 * What is logged when a configuration begins to hold.
 */

#include "config.h"

#include "announce.h"

#include "confpool.h"
#include "lesson.h"
#include "listen.h"
#include "log.h"
#include "process.h"
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
say_client(const struct conf *conf, const struct conf_client *c)
{
	char addresses[BOUNDS_LOG_LINE_CAP];
	const struct profile *p = c->profile;

	log_info("client %s%s has profile %s (%zu rules)", c->text,
	    say_addresses(addresses, c), p->name, p->nrules);
	if (p->danger.len > 0)
		log_warn("profile %s: %.*s", p->name, (int)p->danger.len,
		    p->danger.p);
	if (c->nentries == 0 && c->container == NULL && c->tls_user == NULL)
		log_warn("client %s: no address is known for this name now, so "
		    "it is nobody; asked again after SIGHUP", c->text);
	if (!fits_any(conf, c))
		log_warn("client %s: nobody, for no listener tells clients "
		    "by %s", c->text, c->tls_user != NULL ? "names in "
		    "certificates: that takes authz" : c->is_user ? "users: "
		    "that takes a unix socket" : "addresses: that takes TCP");
}

static void
say_clients(const struct conf *conf)
{
	const char *obstacle;
	size_t i;

	for (i = 0; i < conf->nclients; i++)
		say_client(conf, &conf->clients[i]);
	obstacle = confpool_has_whois(conf) ? process_obstacle() : NULL;
	if (obstacle != NULL)
		log_warn("client container: nobody is found out, so all who "
		    "might be meant are refused: %s", obstacle);
}

/* The rules that were made of switches, and those that were not. */
static void
say_switches(const char *text)
{
	struct span rest = span_of(text), line;

	while (span_next(&rest, '\n', &line)) {
		if (span_starts_nocase(line, SPAN("#! ")))
			log_warn("switches: closed here, open in "
			    "docker-socket-proxy: %.*s", (int)line.len - 3,
			    line.p + 3);
		else if (line.len > 0 && line.p[0] != '#')
			log_info("switches: %.*s", (int)line.len, line.p);
	}
}

/* ", allow 172.18.0.0/16 uid:0"; more than a line of the log has room for
 * is left out. */
static const char *
say_allowed(char buf[BOUNDS_LOG_LINE_CAP], const struct allow *a)
{
	struct text t;
	size_t i;

	text_init(&t, buf, BOUNDS_LOG_LINE_CAP);
	if (a->nentries > 0)
		text_str(&t, ", allow");
	for (i = 0; i < a->nentries; i++) {
		text_char(&t, ' ');
		allow_put(&t, &a->entries[i]);
	}
	return text_string(&t);
}

static void
say_listeners(const struct conf *conf)
{
	char allowed[BOUNDS_LOG_LINE_CAP];
	const struct conf_listen *l;

	for (l = conf->listen; l < conf->listen + conf->nlisten; l++) {
		log_info("listening on %s with profile %s (%zu rules)%s",
		    l->text, l->profile->name, l->profile->nrules,
		    say_allowed(allowed, &l->allow));
		if (l->profile->danger.len > 0)
			log_warn("profile %s: %.*s", l->profile->name,
			    (int)l->profile->danger.len,
			    l->profile->danger.p);
		if (l->only_warns)
			log_warn("%s only warns: what profile %s denies is "
			    "logged, and passes", l->text, l->profile->name);
		if (listen_is_exposed(l) && l->allow.nentries == 0)
			log_warn("%s is not a loopback address: whoever "
			    "reaches it may do what profile %s allows",
			    l->text, l->profile->name);
	}
}

void
announce_conf(const struct conf *conf)
{
	if (conf->switches != NULL)
		say_switches(conf->switches);
	lesson_say(conf);
	say_listeners(conf);
	say_clients(conf);
}
