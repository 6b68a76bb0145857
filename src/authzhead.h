#ifndef DSP_AUTHZHEAD_H
#define DSP_AUTHZHEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "authzmsg.h"
#include "bounds.h"
#include "http.h"
#include "policy.h"
#include "reason.h"

/*
 * From what dockerd tells an authorization plugin back to a request that a
 * policy can judge, by the same parsers that a request to the proxy goes
 * through.
 */

/*
 * authzhead_make(m, buf, len, head, request):
 * Write the head of the request that m tells of into buf, *len bytes, parse it
 * into *head and fill *request, whose spans point into buf.  REASON_NONE, or
 * why it is refused: head then has what is known of method and target, for messages.
 * Everything that dockerd could read in another way than it is told here is
 * refused.
 */
enum reason authzhead_make(const struct authzmsg *m,
    char buf[BOUNDS_HEAD_CAP], size_t *len, struct http_head *head,
    struct policy_request *request);

/*
 * authzhead_widen(m, request, buf, reason):
 * True when behind the type that is told another one may hide, of a form, which
 * dockerd takes instead of the query.  Then *request, as authzhead_make has
 * filled it, is changed to one whose query no rule names, AUTHZHEAD_ANY: only
 * who may say that, too, may say whatever the form does.  Its target points
 * into buf, and *reason is REASON_NONE, or why there is none.
 */
#define AUTHZHEAD_ANY "docker-socket-protector=any"
bool authzhead_widen(const struct authzmsg *m, struct policy_request *request,
    char buf[BOUNDS_REQUEST_LINE_CAP], enum reason *reason);

#endif /* DSP_AUTHZHEAD_H */
