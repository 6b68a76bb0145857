#ifndef DSP_CONFFD_H
#define DSP_CONFFD_H

#include "confwork.h"

/*
 * conffd_claim(w):
 * Listeners fd://NAME and fd:// become one for each descriptor that was
 * passed to us, with "fd://NAME(ADDRESS)" as text; so do metrics.  Where no
 * listener was asked for, fd:// is the default.  Reports descriptors that are
 * missing, that are no listening stream sockets, and those that nobody wants.
 */
void conffd_claim(struct confwork *w);

#endif /* DSP_CONFFD_H */
