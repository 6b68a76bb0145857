#ifndef DSP_FORWARD_H
#define DSP_FORWARD_H

#include <stdbool.h>
#include <stddef.h>

#include "body.h"
#include "http.h"
#include "order.h"

/*
 * The heads that go on: written anew from what was judged, never copied.
 * Hop-by-hop fields are ours.  Source: RFC 9110 section 7.6.
 */

/* A head written anew is at most as long as what it is made of, an order or
 * a head received, and the fields that are ours. */
#define FORWARD_CAP (ORDER_CAP + 1024)

/*
 * forward_request_make(buf, cap, order):
 * Write the request head for dockerd: the judged method and target, framing
 * from the order's body, Host of our own, the order's fields, and
 * "Connection: close" ("Upgrade, close" with the order's protocol), so that
 * dockerd reads exactly one request from the connection; on one that is kept
 * nothing about it.  Returns its length, 0 when cap is too small.
 */
size_t forward_request_make(char *buf, size_t cap,
    const struct order *order);

/*
 * forward_answer_make(buf, cap, head, body, is_close):
 * Write dockerd's answer head for the client: status and end-to-end fields
 * as they are, framing from body (of a 101: Connection and Upgrade as
 * dockerd said).  is_close: say that the connection ends with this answer;
 * otherwise HTTP/1.0 is told keep-alive.  Length, or 0.
 */
size_t forward_answer_make(char *buf, size_t cap,
    const struct http_head *head, const struct body *body, bool is_close);

#endif /* DSP_FORWARD_H */
