#ifndef DSP_AUTHZHEAD_H
#define DSP_AUTHZHEAD_H

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

#endif /* DSP_AUTHZHEAD_H */
