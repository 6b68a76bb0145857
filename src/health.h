#ifndef DSP_HEALTH_H
#define DSP_HEALTH_H

#include <stdint.h>

#include "conf.h"
#include "pool.h"

/*
 * --healthcheck: whether a running instance serves, and dockerd answers it.
 *
 * The master says what it sees of its workers, and has the gate send dockerd a
 * request that is always the same (ping.h).  No worker has a part in it, no
 * profile needs a rule for it, and nobody gets a connection.  It is asked on a
 * socket in the abstract name space: that of the first listener's address or,
 * where the master is the first process of a container, of the container, for
 * Docker starts a HEALTHCHECK without the arguments of the instance.  The
 * master reads nothing from it, and waits for nobody.
 */

/* health_open(conf), health_close(), health_fd(deadline): as those of
 * status.h. */
void health_open(const struct conf *conf);
void health_close(void);
int health_fd(int64_t *deadline);

/* health_answer(p): take those who ask, and have the gate ask for them.  Only
 * root and our own user are answered. */
void health_answer(const struct pool *p);

/* health_hear(conf, no, error): what the gate says of that question:
 * EINPROGRESS when dockerd has been asked, else as ping.h. */
void health_hear(const struct conf *conf, uint32_t no, int error);

/* health_forget(): the gate will not answer any more. */
void health_forget(void);

/*
 * health_check(conf):
 * The other side: ask the instance of this configuration, and say in one line
 * how it is.  The exit code: 0 when it serves and dockerd answers, else 1,
 * after BOUNDS_HEALTH_MS at the latest.
 */
int health_check(const struct conf *conf);

#endif /* DSP_HEALTH_H */
