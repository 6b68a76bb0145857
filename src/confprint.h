#ifndef DSP_CONFPRINT_H
#define DSP_CONFPRINT_H

#include "conf.h"

/*
 * What is printed of the configuration, to standard output.
 */

/* confprint_usage(): print --help, from the option table, to standard output. */
void confprint_usage(void);

/* confprint_version(): print --version with compiled-in features. */
void confprint_version(void);

/* confprint_summary(conf): print what --test shows: listeners, profiles with
 * their number of rules, Docker socket, limits; of each profile the endpoints
 * that it opens, and warnings. */
void confprint_summary(const struct conf *conf);

/*
 * confprint_explain(conf):
 * Print "allow PROFILE:LINE RULE" or "deny REASON" for the method and target
 * of --explain.  Returns the exit code, 0 or 1.
 */
int confprint_explain(const struct conf *conf);

#endif /* DSP_CONFPRINT_H */
