#ifndef DSP_TRIAL_H
#define DSP_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "profile.h"
#include "rule.h"
#include "span.h"
#include "target.h"

/*
 * A rule of a profile, tried out: strings that it lets pass are made from its
 * expressions and shown to earlier rules, and requests that should not pass
 * are shown to it.
 */

/* Strings made of a rule: the first ones in order, which may be all there
 * are, else as many again from anywhere. */
#define TRIAL_SAMPLES_CAP 128
#define TRIAL_SAMPLES_IN_ORDER 64

/* Bytes of one. */
#define TRIAL_LEN_CAP 512

struct trial_sample {
	char		buf[TRIAL_LEN_CAP];	/* method, then target */
	struct span	method;
	struct target	target;
};

struct trial {
	const struct profile	*profile;
	const struct rule	*rule;		/* of the profile */
	unsigned		 min_api;
	struct span		 method, target;	/* its expressions */
	struct trial_sample	 samples[TRIAL_SAMPLES_CAP];
	size_t			 nsamples;
	bool			 is_all;	/* it lets nothing else pass */
};

/* What a rule lets pass; a set. */
enum trial_danger {
	TRIAL_TERMINAL = 1,		/* GET attach/ws */
	TRIAL_ARCHIVE = 2,		/* GET of the same name, too: */
	TRIAL_EXPORT = 4,
	TRIAL_IMAGES = 8,		/* images/get, images/NAME/get */
	TRIAL_START = 16,		/* start with a host configuration */
	TRIAL_START_SERVED = 32		/* and --min-api lets it */
};

enum trial_result {
	TRIAL_NO,
	TRIAL_SEEMS,		/* all strings tried say so */
	TRIAL_SURE
};

/*
 * trial_init(t, profile, rule, min_api):
 * Fill *t for this rule of the profile, and make its samples.  min_api: the N
 * of the lowest API version 1.N that is served.  Nothing need be released.
 */
void trial_init(struct trial *t, const struct profile *profile,
    const struct rule *rule, unsigned min_api);

/* trial_dangers(t): a set of enum trial_danger. */
unsigned trial_dangers(const struct trial *t);

/* trial_is_old(t): whether all that the rule allows is refused for its API
 * version. */
enum trial_result trial_is_old(const struct trial *t);

/* trial_is_shadowed(t, by): whether an earlier rule, *by, allows all that
 * this one does. */
enum trial_result trial_is_shadowed(const struct trial *t,
    const struct rule **by);

#endif /* DSP_TRIAL_H */
