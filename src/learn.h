#ifndef DSP_LEARN_H
#define DSP_LEARN_H

#include "conf.h"

/*
 * learn_run(conf):
 * Print to standard output a profile for the requests in the log that --learn
 * names; behind the profile that --keep names, if one is, rules for those
 * requests alone that it does not allow.  The exit code: 1 when there is no
 * request to learn from, 2 when the log cannot be read.
 */
int learn_run(const struct conf *conf);

#endif /* DSP_LEARN_H */
