#ifndef DSP_CONFARGS_H
#define DSP_CONFARGS_H

#include "confwork.h"

/* confargs_flags(w, argc, argv): add the values on the command line. */
void confargs_flags(struct confwork *w, int argc, char *const argv[]);

/* confargs_environment(w, envp): add those of DSP_* and the inherited
 * variables. */
void confargs_environment(struct confwork *w, char *const envp[]);

#endif /* DSP_CONFARGS_H */
