#ifndef DSP_STATUS_H
#define DSP_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "abstract.h"
#include "conf.h"
#include "pool.h"

/*
 * --status: a running master tells whoever may ask on a socket in the
 * abstract name space, whose name both sides make from the address of the
 * first listener.  It needs no folder, so it works in a read-only container
 * too.  The master reads nothing from it, and waits for nobody.
 */

/* Bytes of the name, with a NUL in front and behind. */
#define STATUS_NAME_CAP (ABSTRACT_NAME_CAP + 1)

/*
 * status_name(buf, address):
 * The name, without the NUL in front: "docker-socket-protector/" and the
 * address; of long ones the beginning, and a number made of all.
 */
void status_name(char buf[STATUS_NAME_CAP - 1], const char *address);

/*
 * status_open(conf):
 * The master's side: listen under the name for conf, and no longer under
 * another.  Failure is logged and leaves --status without an answer.
 */
void status_open(const struct conf *conf);

/* status_close(): the end of it. */
void status_close(void);

/* status_fd(deadline): what to poll for reading, or -1 while there is
 * nothing; *deadline is lowered to when that changes. */
int status_fd(int64_t *deadline);

/* status_answer(p): answer those who ask, some in a turn, without waiting:
 * root and our own user get the text, others nothing. */
void status_answer(const struct pool *p);

/* status_log(p): SIGUSR1: one line of numbers. */
void status_log(const struct pool *p);

/*
 * status_ask(conf):
 * The other side: print what the master with this configuration says.
 * Believes only root and our own user.  The exit code, 0 or 1.
 */
int status_ask(const struct conf *conf);

#endif /* DSP_STATUS_H */
