#ifndef DSP_AUTHZ_H
#define DSP_AUTHZ_H

#include <stddef.h>

#include "board.h"
#include "conf.h"
#include "session.h"

/*
 * dockerd as the client of its authorization plugin, which a worker of an
 * authz listener is.  Such a worker has no gate and no way to dockerd: it says
 * what passes, and can send nothing.
 * Source: Docker's documentation of access authorization plugins, moby
 * pkg/authorization and pkg/plugins.
 */

/*
 * authz_prepare(env, conf, user_rows):
 * Before the first client: env is that of this worker, and of clients that
 * --client names as user:, those with a profile of their own count on these
 * rows of the tally, in the order of conf->clients.
 */
void authz_prepare(const struct session_env *env, const struct conf *conf,
    const size_t *user_rows);

/*
 * authz_serve(fd, peer, key):
 * Serve dockerd on fd until it or we end, or it is parked; closes fd.  As
 * session_serve.
 */
void authz_serve(int fd, const char *peer, const struct board_peer *key);

#endif /* DSP_AUTHZ_H */
