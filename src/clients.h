#ifndef DSP_CLIENTS_H
#define DSP_CLIENTS_H

#include "conf.h"

/* clients_say(conf): log who gets which profile, and what is wrong with
 * that. */
void clients_say(const struct conf *conf);

#endif /* DSP_CLIENTS_H */
