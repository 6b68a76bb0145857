"""Broken copies of the program, one hole each, to see that the attacks of
96-hijack.py find them."""

import contextlib

import hijack_calls as calls
import hijack_doors as doors
import hijack_inside as inside
import hijack_kept as kept
import hijack_orders as lies
import hijack_park as place
from hijack_stand import Stand

WORKERS = 40
ROWS_BEGIN = 'static const struct filtercode_row worker_rows[] = {\n'


def rows(table, *names):
    """Those rows; all of the names must be there."""
    found = [row for row in table if set(names) & set(row[:2])]
    assert len(found) >= len(names), names
    return found


def attack(what, call):
    """The attempts that are called so."""
    found = [row for row in calls.ROWS if row[:2] == (what, call)]
    assert found, (what, call)
    return lambda stand: calls.refused(stand, found)


def lie(*names):
    found = rows(lies.FORGED, *names)
    return lambda stand: lies.forged(stand, found)


def again(*names):
    found = rows(lies.SECOND, *names)
    return lambda stand: lies.second(stand, found)


def secret(*whats):
    """Only those secrets count, any of them."""
    return lambda stand: (
        point for point in inside.wiped(stand, stand.token)
        if any(f'client, {what}:' in point[1] for what in whats))


# what is broken, file, text, what is put in its place, the attack, the mode
HOLES = (
    ('openat is allowed', 'filter.c', ROWS_BEGIN,
     ROWS_BEGIN + '\tCALL(openat),\n', attack('open a file', 'openat')),
    ('socket is allowed', 'filter.c', ROWS_BEGIN,
     ROWS_BEGIN + '\tCALL(socket),\n',
     attack('a socket of family 1', 'socket')),
    ('mmap is allowed', 'filter.c', ROWS_BEGIN,
     ROWS_BEGIN + '\tCALL(mmap),\n', attack('memory to execute', 'mmap')),
    ('a call of no name here is allowed', 'filter.c', ROWS_BEGIN,
     ROWS_BEGIN + '\t{ .nr = 453 },\n', attack('a shadow stack', 453)),
    ('accept4 on any socket', 'filter.c',
     'must not block on it */\n\tCALL_IF(accept4, IS_OWN(0, LISTEN),\n'
     '\t    IS(3, SOCK_CLOEXEC | SOCK_NONBLOCK))',
     'must not block on it */\n\tCALL(accept4)',
     attack('accept on the pair', 'accept4')),
    ('recvmsg from anybody', 'filter.c',
     'CALL_IF(recvmsg, IS_OWN(0, GATE))', 'CALL(recvmsg)',
     attack('take descriptors from a client', 'recvmsg')),
    ('descriptors go anywhere', 'filter.c',
     'CALL_IF(sendmsg, IS_OWN(0, PARK)),\t/* park one who is idle */',
     'CALL(sendmsg),', attack('pass a descriptor to the gate', 'sendmsg')),
    ('shutdown of the listener', 'filter.c',
     'CALL_IF(shutdown, NOT_OWN(0, LISTEN), NOT_OWN(0, PARK))',
     'CALL(shutdown)',
     attack('shut the listener down', 'shutdown')),
    ('write to anything', 'filter.c',
     'getting few */\n\tCALL_IF(write, IS_OWN(0, WAKE))',
     'getting few */\n\tCALL(write)', attack('write elsewhere than the wake-up', 'write')),
    ('read from anything', 'filter.c', 'CALL_IF(read, ABOVE_OWN(0, WAKE))',
     'CALL(read)', attack('read standard input', 'read')),
    ('sendto to any address', 'filter.c',
     'takes no descriptors along */\n\tCALL_IF(sendto, IS_ZERO(4), '
     'IS_ZERO(5))', 'takes no descriptors along */\n\tCALL(sendto)',
     attack('send to an address', 'sendto')),
    ('other architectures are not refused', 'filtercode.c',
     'FILTER_ARCH, p->len + 2, p->len + 1);\n\tadd_return(p, wish->foreign);',
     'FILTER_ARCH, p->len + 2, p->len + 1);\n'
     '\tadd_return(p, SECCOMP_RET_ALLOW);', calls.foreign),
    ('code of rules can be written', 'sandbox.c', '\tseal_memory();\n', '',
     inside.code),
    ('no Landlock', 'sandbox.c',
     'landlock_enter(role == FILTER_GATE || role == FILTER_WHOIS,\n'
     '\t    role == FILTER_WHOIS);', '', calls.connections, 'log'),
    ('descriptors of others are not closed', 'duty.c',
     'io_close_from(behind);', '(void)0;', inside.outside),
    ("the master's part of the board can be written", 'board.c',
     'mprotect(page, page_len, PROT_READ) : -1;', '0 : -1;',
     inside.board),
    ('the gate judges nothing again', 'gate.c',
     '&verdict) == POLICY_ALLOW)', '&verdict) == POLICY_ALLOW || true)',
     lie('for what the profile denies')),
    ("the gate takes another listener's word", 'gate.c',
     'if (order.listener != seat->worker.listener)', 'if (0)',
     lie('of another listener, whose profile allows it')),
    ('orders have any fields', 'order.c', '!is_kept(field->name) ||', '',
     lie('with the field Connection')),
    ('orders have any target', 'order.c',
     'target_parse(target, &r->target) != REASON_NONE',
     'target_parse(target, &r->target) == REASON_COUNT',
     lie('with another request in the target')),
    ('no "close" in the head', 'forward.c',
     '"Connection: close\\r\\n");\n\t\treturn;',
     '"Connection: keep-alive\\r\\n");\n\t\treturn;',
     again('behind the request', 'behind the answer', 'behind a body')),
    ('no word of the connection in any head', 'forward.c',
     'if (order->line != ORDER_ONCE)', 'if (1)',
     again('behind the request', 'behind the answer', 'behind a body')),
    ('kept connections take anything', 'order.c',
     'if (order->line != ORDER_ONCE && (order->upgrade.p != NULL ||\n'
     '\t    !is_safe(r, order->minor)))', 'if (0)',
     lie('to open with POST', 'to open with a body', 'to open of HTTP/1.0',
         'to open with an upgrade')),
    ('kept connections take POST', 'order.c',
     '(span_eq(request->method, SPAN("GET")) ||', '(true ||',
     lie('to open with POST')),
    ('kept connections take HTTP/1.0', 'order.c',
     'return minor == 1 && request', 'return request',
     lie('to open of HTTP/1.0')),
    ('there are more lines than there are', 'order.c',
     'wire->line > ORDER_USE ||', '', lie('for a line that there is not')),
    ('a worker gets a kept connection itself', 'gate.c',
     'return pipe_fd == -1 ? fd : pipe_fd;', 'return fd;', kept.silent),
    ('the end of a pipe is not noticed', 'gate.c',
     '\tif (!s->is_taken || s->keep.upstream_fd == -1 ||',
     '\tif ((uint32_t)event->data.u64 % TAG_COUNT == TAG_PIPE ||\n'
     '\t    !s->is_taken || s->keep.upstream_fd == -1 ||', kept.left),
    ("a worker's end leaves its connection", 'gate.c',
     '\tkeep_close(&seats[seat].keep);\n\t(void)close(seat);',
     '\t(void)close(seat);', kept.expelled),
    ('a connection is kept beside another', 'gate.c',
     '\tkeep_close(&s->keep);\n\ts->keep_no++;', '\ts->keep_no++;',
     kept.many),
    ('a full pipe is not waited for', 'keep.c',
     'if (k->is_full == is_full)', 'if (1)', kept.unread),
    ('a connection that takes no more stays', 'gate.c',
     'if (reason != REASON_NONE || send_head(k->upstream_fd) == -1)',
     'if (reason != REASON_NONE || (send_head(k->upstream_fd), 0))',
     kept.unread),
    ('no "close" beside an upgrade', 'forward.c', 'Upgrade, close', 'Upgrade',
     again('behind a failed exec', 'behind the answer to a failed exec')),
    ('tickets of streams are believed', 'session.c',
     'if (ticket_is_sound(stream->ticket, &target)) {',
     'if (ticket_is_sound(stream->ticket, &target) || 1) {',
     place.forged_tickets),
    ('anything is parked as a stream', 'park.c',
     'fd >= YARD_PLACES || !is_stream(fd) ||', 'fd >= YARD_PLACES ||',
     place.foreign_halves),
    ('any client is served behind a door', 'worker.c',
     'if (args->listener < conf->nlisten)',
     'if (args->listener < BOUNDS_POOL_CAP)', doors.passed_on),
    ('a client behind a door has come from anywhere', 'worker.c',
     'if (!peer_came_by(fd, &door))', 'if (0)', doors.made, 'log'),
    ('any container behind a door is the first one', 'whois.c',
     '\t\telse\n\t\t\tsettle(q, CONFPOOL_NO_LINE);',
     '\t\telse\n\t\t\tsettle(q, 0);', doors.passed_on),
    ('a door sends anything to anybody', 'filter.c',
     'CALL_IF(sendmsg, ABOVE_OWN(0, WAKE), UP_TO_OWN(0, LANE))',
     'CALL(sendmsg)', doors.kept_in),
    ('requests are not wiped', 'session.c',
     'explicit_bzero(s->in, s->in_most);\n\tif (', 'if (',
     # Which of them the next request overwrites is chance.
     secret('allowed, body', 'denied, body', 'refused, body', 'chunked, body',
            'half a head', 'tunnel')),
    ('answers are not wiped', 'exchange.c',
     'explicit_bzero(x->received, x->received_most);', '(void)0;',
     secret('answer')),
)


def found(d, workshop, hole, token):
    """What of the attack succeeds where that hole is."""
    name, file, text, instead, part, *mode = hole
    program = workshop.program(file, text, instead)
    with contextlib.ExitStack() as stack:
        container = stack.enter_context(doors.container(d)) \
            if 'container' in name else None
        stand = stack.enter_context(Stand(
            d, program, '', WORKERS, mode[0] if mode else 'trap',
            'listener' in name, is_broken=True, has_door='door' in name,
            container=container))
        stand.token = token
        return list(breaches(part(stand)))


def breaches(points):
    try:
        for is_ok, what, *_notes in points:
            if not is_ok:
                yield what
    except (OSError, EOFError, AssertionError) as why:
        yield f'{type(why).__name__}: {why}'


def all_found(d, workshop, token):
    """Each hole makes an attack succeed."""
    for hole in HOLES:
        what = found(d, workshop, hole, token)
        yield (what, f'planted: {hole[0]}: no longer true: '
               f'{(what or ["?"])[0]} ({len(what)} in all)')
