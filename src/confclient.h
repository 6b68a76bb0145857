#ifndef DSP_CONFCLIENT_H
#define DSP_CONFCLIENT_H

#include "confwork.h"

/* confclient_set(w, v): WHO,profile=NAME of v, behind those that there are.
 * In the file blanks may stand for comma and equals sign. */
void confclient_set(struct confwork *w, const struct confopt_value *v);

/* confclient_resolve(w): find out whom names of hosts stand for now.  One that
 * nobody knows stands for nobody. */
void confclient_resolve(struct confwork *w);

#endif /* DSP_CONFCLIENT_H */
