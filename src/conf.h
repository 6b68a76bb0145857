#ifndef DSP_CONF_H
#define DSP_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "allow.h"
#include "bounds.h"
#include "log.h"
#include "profile.h"
#include "sandbox.h"

/*
 * Everything the user can say: flags, environment, configuration file,
 * defaults, in this order of strength, from one table of options.
 */

enum conf_mode {
	CONF_RUN,
	CONF_TEST,		/* --test */
	CONF_EXPLAIN,		/* --explain METHOD TARGET */
	CONF_LEARN,		/* --learn [FILE] */
	CONF_STATUS,		/* --status */
	CONF_HEALTHCHECK,	/* --healthcheck */
	CONF_VERSION,
	CONF_HELP
};

enum conf_listen_kind {
	CONF_TCP,
	CONF_UNIX,		/* a path */
	CONF_ABSTRACT,		/* unix://@name */
	CONF_FD			/* passed to us: fd://NAME */
};

/*
 * One --listen ADDR[,key=value...].  Or a pool behind a door: a listener whose
 * clients are told apart by --client accepts them only, and passes each on to
 * the pool that has the profile due to it.  Such a pool is a copy of its
 * listener, but for what is said here.
 */
struct conf_listen {
	const char		*written;	/* ADDR, without keys */
	const char		*text;	/* the same; with its address behind
					 * when it was passed to us */
	enum conf_listen_kind	 kind;
	const char		*host;	/* TCP: name, address or "*" */
	const char		*port;	/* TCP: decimal digits */
	const char		*path;	/* UNIX: path; ABSTRACT: after the @;
					 * FD: its name, "" for all */
	int			 fd;	/* FD, in mode RUN: which; else 0 */
	bool			 has_users;	/* a unix socket: its clients
						 * are users, not addresses; of
						 * FD known when fd is */
	mode_t			 mode;	/* UNIX: default 0600 */
	uid_t			 owner;	/* UNIX: (uid_t)-1: leave */
	gid_t			 group;	/* UNIX: (gid_t)-1: leave */
	struct allow		 allow;	/* who may connect */
	bool			 is_authz;	/* UNIX: its client is dockerd,
						 * whose plugin we are */
	bool			 only_warns;	/* mode=warn */
	const char		*profile_name;	/* NULL: the global one */
	struct profile		*profile;	/* loaded; after conf_load in
						 * mode RUN NULL only with
						 * learn_for_ms */
	unsigned		 workers;	/* kept idle */
	bool			 is_door;
	unsigned		 door;		/* of a pool: its listener */
	unsigned		 others;	/* of a door: the pool of those
						 * that no --client names */
};

/* One --client WHO,profile=NAME. */
struct conf_client {
	const char		*text;		/* WHO, as written */
	const char		*host;		/* of name:, or NULL */
	const char		*container;	/* of container:, or NULL */
	bool			 is_user;	/* a client of a unix socket */
	const char		*tls_user;	/* of user:, or NULL: told by
						 * dockerd, on authz listeners
						 * only; no entries */
	const struct allow_entry *entries;	/* who it is now */
	size_t			 nentries;	/* 0: nobody, or a container */
	const char		*profile_name;
	struct profile		*profile;	/* as of a listener */
	struct profile		*warning;	/* of tls_user: the same that
						 * only warns */
	unsigned		 pool[BOUNDS_LISTEN_CAP];	/* where it is
						 * due, by listener; see
						 * confpool_fits */
};

struct conf {
	enum conf_mode		 mode;
	const char		*explain_method;
	const char		*explain_target;
	const char		*explain_log;	/* or a file of them */
	const char		*learn_log;	/* or one to learn from */
	const char		*keep_name;	/* and a profile to keep */
	struct span		 keep_text;	/* its own */
	const char		*config_path;	/* the file read, or NULL */
	const char		*profile_name;	/* as written, or NULL */
	struct profile		*profile;	/* the global one, or NULL; in
						 * mode LEARN that of --keep */
	const char		*switches;	/* its text, when it was made
						 * from switches, or NULL */
	struct conf_listen	 listen[BOUNDS_POOL_CAP];
	size_t			 nlisten;
	size_t			 npools;	/* and those behind doors */
	struct conf_client	 clients[BOUNDS_CLIENT_CAP];
	size_t			 nclients;
	bool			 has_metrics;
	struct conf_listen	 metrics;	/* without a profile */
	const char		*docker_socket;
	bool			 log_requests;
	int64_t			 learn_for_ms;	/* 0: not */
	struct profile		*open_profile;	/* for that time, or NULL */
	enum log_level		 log_level;
	enum log_format		 log_format;
	enum log_to		 log_to;
	unsigned		 workers;
	unsigned		 max_workers;
	unsigned		 max_per_client;	/* 0: no limit */
	int64_t			 head_timeout_ms;
	int64_t			 idle_timeout_ms;
	int64_t			 stop_timeout_ms;
	unsigned		 min_api;	/* the N of 1.N */
	const char		*user;		/* NULL: not said */
	const char		*group;		/* NULL: not said */
	enum sandbox_mode	 sandbox;
	bool			 is_daemon;
	const char		*pid_file;	/* NULL: none */
};

/*
 * Called for every mistake found, with the whole message ("FILE:LINE: what:
 * text", or one naming flag or variable and the fix).
 */
typedef void conf_report(const char *message);

/*
 * conf_load(argc, argv, envp, report):
 * Read flags, environment, configuration file and profiles into a new
 * struct conf, which lives until conf_free.  NULL when anything was wrong;
 * every mistake has been reported then, all wrong lines of a profile
 * included.  Modes HELP and VERSION read neither file nor profile, mode
 * STATUS and HEALTHCHECK no profile, mode LEARN that of --keep alone.
 * Can be called again for a reload.
 */
struct conf *conf_load(int argc, char *const argv[], char *const envp[],
    conf_report *report);
void conf_free(struct conf *conf);

#endif /* DSP_CONF_H */
