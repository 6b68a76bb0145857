#ifndef DSP_ANNOUNCE_H
#define DSP_ANNOUNCE_H

#include "conf.h"

/* announce_conf(conf): log what holds from now on: who may connect where, with
 * which profile, and what is dangerous or useless in that. */
void announce_conf(const struct conf *conf);

#endif /* DSP_ANNOUNCE_H */
