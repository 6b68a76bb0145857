#ifndef DSP_MASTER_H
#define DSP_MASTER_H

#include "conf.h"

/*
 * The pool: spawn, reap, replace, reload, stop.  Never sees bytes of
 * clients.
 */

/*
 * master_run(conf, argc, argv, envp):
 * Open the listeners, start gate and workers, look after them until told to
 * stop; the exit code of the program.  Takes conf over; the rest is for
 * loading it anew on SIGHUP.
 */
int master_run(struct conf *conf, int argc, char *const argv[],
    char *const envp[]);

#endif /* DSP_MASTER_H */
