/*
 * The configuration as a whole: the order of sources, and what must fit
 * together.  Where values are found is the business of confargs and conffile,
 * their form that of confopt; what is printed of it is in confprint.
 */
#include "config.h"

#include "conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"
#include "confargs.h"
#include "confclient.h"
#include "conffd.h"
#include "conffile.h"
#include "conflisten.h"
#include "confopt.h"
#include "confpool.h"
#include "confprofile.h"
#include "confswitch.h"
#include "confwork.h"
#include "http.h"
#include "policy.h"
#include "privs.h"
#include "reason.h"
#include "target.h"

/* The profile that allows everything. */
#define UNPROTECTED "unprotected"

/* It, as it is shipped: there may be no files in a container. */
static const char open_text[] =
    "# HOST ROOT: everything passes.\n"
    "[A-Z]+ /.*\n"
    "[A-Z]+ /.*(attach/ws|%2F|%2f).*\n";

/* The name of the one that is made of switches. */
#define SWITCHES "environment"

/* Set what the given source said, early options only or all others. */
static void
apply(struct confwork *w, enum confopt_source source, bool is_early)
{
	const struct confopt_value *v;

	for (v = w->values; v != NULL; v = v->next)
		if (v->source == source && v->opt->is_early == is_early)
			v->opt->set(w, v);
}

static void
add_fallbacks(struct confwork *w)
{
	const struct confopt *o;

	for (o = confopt_table; o->name != NULL; o++)
		if (o->fallback != NULL)
			(void)confwork_add(w, o, CONFOPT_DEFAULT, o->fallback,
			    o->name);
}

/* Everything but --help and --version: all other sources, the weaker ones
 * first, so that a stronger one has the last word. */
static void
read_sources(struct confwork *w, char *const envp[])
{
	enum confopt_source source;

	confargs_environment(w, envp);
	apply(w, CONFOPT_DEFAULT, true);
	apply(w, CONFOPT_ENV, true);
	apply(w, CONFOPT_FLAG, true);
	conffile_load(w, w->conf.config_path,
	    strcmp(w->conf.config_path, CONFIG_FILE) == 0);
	for (source = CONFOPT_DEFAULT; source <= CONFOPT_FLAG; source++)
		apply(w, source, false);
	conflisten_add_authz(w);
}

static void
check_identity(struct confwork *w)
{
	const struct conf *c = &w->conf;
	uid_t uid;
	gid_t gid;

	if (c->user != NULL && !privs_user(c->user, &uid, &gid))
		confwork_mistake(w, "user %s: no such user on this machine; a "
		    "number is taken as it is", c->user);
	if (c->group != NULL && !privs_group(c->group, &gid))
		confwork_mistake(w, "group %s: no such group on this machine; "
		    "a number is taken as it is", c->group);
}

static void
check_workers(struct confwork *w)
{
	const struct conf *c = &w->conf;

	if (c->workers * c->nlisten > c->max_workers)
		confwork_mistake(w, "max-workers %u: must be at least %zu: "
		    "workers (%u) times listeners (%zu)", c->max_workers,
		    c->workers * c->nlisten, c->workers, c->nlisten);
}

static void
check_metrics(struct confwork *w)
{
	const struct conf *c = &w->conf;
	size_t i;

	for (i = 0; c->has_metrics && i < c->nlisten; i++)
		if (conflisten_is_same(&c->metrics, &c->listen[i]))
			confwork_mistake(w, "metrics %s: this is the address "
			    "of a listener", c->metrics.text);
}

static void
check_absolute(struct confwork *w, const char *what, const char *path)
{
	if (path != NULL && path[0] != '/')
		confwork_mistake(w, "%s %s: must be an absolute path with "
		    "--daemon, which leaves the working directory", what,
		    path);
}

/* The daemon works in the root directory, and a reload reads files again. */
static void
check_daemon(struct confwork *w)
{
	const struct conf *c = &w->conf;
	const struct confwork_dir *dir;
	const struct conf_listen *l;
	size_t i;

	if (!c->is_daemon)
		return;
	check_absolute(w, "config", c->config_path);
	check_absolute(w, "pid-file", c->pid_file);
	for (dir = w->dirs; dir != NULL; dir = dir->next)
		check_absolute(w, "profile-dir", dir->path);
	if (c->profile_name != NULL && strchr(c->profile_name, '/') != NULL)
		check_absolute(w, "profile", c->profile_name);
	for (l = c->listen; l < c->listen + c->nlisten; l++)
		if (l->profile_name != NULL &&
		    strchr(l->profile_name, '/') != NULL)
			check_absolute(w, "profile", l->profile_name);
	for (i = 0; i < c->nclients; i++)
		if (strchr(c->clients[i].profile_name, '/') != NULL)
			check_absolute(w, "profile",
			    c->clients[i].profile_name);
}

static void
check_explain(struct confwork *w)
{
	struct conf *c = &w->conf;
	size_t i;

	if (c->explain_log == NULL &&
	    !http_is_token(span_of(c->explain_method)))
		confwork_mistake(w, "--explain %s: not a method, as GET is",
		    c->explain_method);
	/* One profile must decide: the global one, or what all share. */
	for (i = 0; i < c->nlisten; i++) {
		if (c->profile == NULL && c->profile_name == NULL && i == 0)
			c->profile = c->listen[0].profile;
		else if (c->profile_name == NULL &&
		    c->profile != c->listen[i].profile)
			confwork_mistake(w, "--explain: %s has a profile of "
			    "its own: say which one with --profile",
			    c->listen[i].text);
	}
}

/* The original of this program has the same rule: who opens everything must
 * at least leave a trace. */
static void
check_unprotected(struct confwork *w, const struct profile *p)
{
	if (p != NULL && strcmp(p->name, UNPROTECTED) == 0 &&
	    !w->conf.log_requests && w->conf.mode != CONF_EXPLAIN)
		confwork_mistake(w, "profile %s: allows everything, so "
		    "requests must be logged: add --log-requests (or "
		    "LOG_REQUESTS=true)", p->name);
}

/* Whether the global profile is asked for, and not named. */
static bool
lacks_profile(const struct conf *c)
{
	size_t i;

	if (c->profile_name != NULL)
		return false;
	for (i = 0; i < c->nlisten; i++)
		if (c->listen[i].profile_name == NULL)
			return true;
	return false;
}

/* What is learned from a log needs no profile; one may be kept. */
static void
load_kept(struct confwork *w)
{
	struct conf *c = &w->conf;

	if (c->keep_name == NULL)
		return;
	c->profile = confprofile_load(w, c->keep_name);
	if (c->profile != NULL)
		c->keep_text = confprofile_text(w, c->profile);
}

static void
load_clients(struct confwork *w)
{
	struct conf_client *client;
	size_t i;

	for (i = 0; i < w->conf.nclients; i++) {
		client = &w->conf.clients[i];
		client->profile = confprofile_load(w, client->profile_name);
		check_unprotected(w, client->profile);
	}
}

static void
load_profiles(struct confwork *w, char *const envp[])
{
	struct conf *c = &w->conf;
	/* None is needed while everything passes.  And a mistake before this
	 * may have been in the name of the option. */
	bool is_open = c->learn_for_ms > 0 && c->mode != CONF_EXPLAIN;
	bool may_be_missing = w->has_mistake || is_open;
	struct conf_listen *l;

	if (c->profile_name != NULL)
		c->profile = confprofile_load(w, c->profile_name);
	if (lacks_profile(c)) {
		c->switches = confswitch_make(w, envp);
		may_be_missing = w->has_mistake || is_open;
	}
	if (is_open)
		c->open_profile = confprofile_make(w, UNPROTECTED, open_text);
	if (c->switches != NULL)
		c->profile = confprofile_make(w, SWITCHES, c->switches);
	check_unprotected(w, c->profile);
	for (l = c->listen; l < c->listen + c->nlisten; l++) {
		if (l->profile_name != NULL) {
			l->profile = confprofile_load(w, l->profile_name);
			if (l->profile != c->profile)
				check_unprotected(w, l->profile);
		} else if (c->profile_name != NULL || c->switches != NULL) {
			l->profile = c->profile;
		} else if (!may_be_missing) {
			confwork_mistake(w, "no profile: say what %s allows "
			    "with --profile NAME (or PROFILE=NAME), for "
			    "example readonly", l->text);
		}
		if (l->only_warns)
			l->profile = confprofile_warning(w, l->profile);
	}
	load_clients(w);
}

struct conf *
conf_load(int argc, char *const argv[], char *const envp[],
    conf_report *report)
{
	struct confwork *w;

	w = confwork_new(report);
	add_fallbacks(w);
	confargs_flags(w, argc, argv);
	apply(w, CONFOPT_FLAG, true);
	if (w->conf.mode == CONF_STATUS ||
	    w->conf.mode == CONF_HEALTHCHECK) {
		/* Its addresses are all that is asked with. */
		read_sources(w, envp);
	} else if (w->conf.mode == CONF_LEARN) {
		read_sources(w, envp);
		load_kept(w);
	} else if (w->conf.mode != CONF_HELP &&
	    w->conf.mode != CONF_VERSION) {
		read_sources(w, envp);
		/* After a mistake it is not known who wants which. */
		if (w->conf.mode == CONF_RUN && !w->has_mistake)
			conffd_claim(w);
		load_profiles(w, envp);
		confpool_make(w);
		if (w->conf.mode != CONF_EXPLAIN)
			confclient_resolve(w);
		check_identity(w);
		check_workers(w);
		check_metrics(w);
		check_daemon(w);
		if (w->conf.mode == CONF_EXPLAIN)
			check_explain(w);
	}
	if (w->conf.keep_name != NULL && w->conf.mode < CONF_LEARN)
		confwork_mistake(w, "--keep %s: does nothing without --learn",
		    w->conf.keep_name);
	if (w->has_mistake) {
		conf_free(&w->conf);
		return NULL;
	}
	return &w->conf;
}

/* Every struct conf is the head of a struct confwork. */
void
conf_free(struct conf *conf)
{
	struct confwork *w = (struct confwork *)conf;

	if (w == NULL)
		return;
	confprofile_free(w->profiles);
	confwork_free(w);
}
