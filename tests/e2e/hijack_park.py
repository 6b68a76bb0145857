"""What a worker that was taken over does with the place where idle clients
wait: it can leave anything there, and take who speaks."""

import struct
import time

import harness as h
import hijack_inside as inside
from hijack_agent import Gone, order
from hijack_kept import ENDLESS
from machine import descriptors
from wire import Wire

PASS = struct.Struct('=20s4xq')         # struct pass of park.c
TICKET = struct.Struct('=20sIIIIxxxxQq72s256s')     # of ticket.h
CHUNKED, CLOSE = 2, 3
DAY = 86400000
MANY = 300
IDLE_S = 1.3            # a client is parked then
KEPT_FILES = 9          # of what is left there, a good ticket each


def put(agent, data, *fds):
    """Park descriptors, with any message."""
    message = agent.message(agent.put(data), len(data), agent.rights(*fds))
    return agent.call('sendmsg', 'park', message, 0x40)


def ticket(left_ms, peer=b''):
    return PASS.pack(peer, left_ms)


TICKETS = (ticket(DAY), ticket(DAY + 1), ticket(-1), b'x', ticket(DAY) * 2,
           ticket(DAY)[:-1])


def ping(wire):
    wire.ask('GET', '/_ping')
    return wire.answer().status


def waiting(stand):
    """A client that is parked."""
    wire = Wire(stand.host)
    h.expect(ping(wire) == 200, 'a client')
    time.sleep(IDLE_S)
    return wire


def leave(agent, what):
    fd = getattr(agent, what) if isinstance(what, str) else what
    try:
        for data in TICKETS:
            h.expect(put(agent, data, fd).errno == 0, 'parked')
            agent.used = 0
    except Gone:
        pass            # the client went to another worker


def parked(stand):
    """Everything that a worker has goes there."""
    park = stand.proxy.parks()[0]
    held = len(descriptors(park))
    with waiting(stand) as other:
        for what in ('listen', 'gate', 'park', 'wake', 'pipe', 'client', 0, 1,
                     2):
            with stand.agent() as agent:
                if what == 'pipe':
                    agent.opened()
                leave(agent, what)
            yield (inside.is_well(stand) and stand.proxy.parks() == [park],
                   f'park {what}, with every message: all go on')
        yield ping(other) == 200, 'who was parked is served'
    # What never speaks may stay as long as its ticket says.
    yield (len(descriptors(park)) <= held + KEPT_FILES,
           'nothing heaps up in the park', descriptors(park))


def crowd(stand):
    """The place is filled with copies of one connection."""
    park = stand.proxy.parks()[0]
    held = len(descriptors(park))
    with stand.agent() as agent, waiting(stand) as other:
        data = ticket(DAY)
        message = agent.message(agent.put(data), len(data),
                                agent.rights(agent.client))
        agent.spam(MANY, 'sendmsg', 'park', message, 0x40)
        try:
            agent.hear()
        except Gone:
            pass
        yield (ping(other) == 200 and inside.is_well(stand),
               f'{MANY} copies of a client: all go on')
    h.until(lambda: len(descriptors(park)) <= held, 'the park is as before')
    yield True, 'the park is as before when the client has gone'


# -- streams ----------------------------------------------------------------

def stream(**more):
    """A ticket that an honest worker could write, but for what is said."""
    says = {'peer': b'', 'row': 1, 'kind': CHUNKED, 'lives_on': 1, 'line': 1,
            'out': 0, 'began': 0, 'client': b'192.0.2.1:1',
            'path': b'/v1.47/containers/stolen/logs'} | more
    return TICKET.pack(*says.values())


STREAMS = {
    'a good one': stream(),
    'until the end': stream(kind=CLOSE, lives_on=0),
    'no such row': stream(row=200),
    'row 127': stream(row=127),
    'no such kind': stream(kind=9),
    'a request with a body': stream(kind=1),
    'lives on for ever': stream(lives_on=0xffffffff),
    'no rule': stream(line=0),
    'of tomorrow': stream(began=1 << 62),
    'no client': stream(client=b''),
    'a client that forges lines': stream(client=b'x\nerror forged'),
    'a client without an end': stream(client=b'x' * 72),
    'a path without an end': stream(path=b'/' + b'x' * 255),
    'a path that forges lines': stream(path=b'/x\ninfo forged/logs'),
    'no path of a stream': stream(path=b'/containers/create'),
    'a tunnel': stream(path=b'/containers/x/attach/ws'),
    'a query': stream(path=b'/events?x=1'),
    'cut': stream()[:-1],
    'too long': stream() + b'x',
}
FORGED = b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'


def forged_tickets(stand):
    """Rubbish about a stream that there is."""
    park, dead = stand.proxy.parks()[0], deaths(stand)
    for what, data in STREAMS.items():
        with stand.agent() as agent:
            agent.order(order(ENDLESS))
            answer = agent.answer()
            h.expect(answer and answer[3] is not None, 'no stream:', answer)
            try:
                put(agent, data, agent.client, answer[3])
            except Gone:
                pass    # somebody else has it
        yield (inside.is_well(stand) and stand.proxy.parks() == [park]
               and deaths(stand) == dead, f'a stream, {what}: all go on')
    log = stand.proxy.err()
    yield ('\nerror forged' not in log and '\ninfo forged' not in log
           and 'x' * 200 not in log and 'path=/containers/create' not in log
           and 'path=/events?x=1' not in log, 'no line of the log is forged')


def deaths(stand):
    return sum(word in line for line in stand.proxy.err().splitlines()
               for word in (' killed by signal ', ' exited with '))


def foreign_halves(stand):
    """Streams of which one half, or both, is something else."""
    park, dead = stand.proxy.parks()[0], deaths(stand)
    held = len(descriptors(park))
    with waiting(stand) as other:
        for what in ('listen', 'gate', 'park', 'wake', 0, 1, 2, 'client'):
            for data in stream(), stream(kind=CLOSE, lives_on=0):
                for turn in range(3):
                    h.until(lambda: len(stand.proxy.workers()) > 1,
                            'workers are left', 3)
                    with stand.agent() as agent:
                        fd = getattr(agent, what) if isinstance(what, str) \
                            else what
                        halves = ((fd, agent.client), (agent.client, fd),
                                  (fd, fd))[turn]
                        try:
                            put(agent, data, *halves)
                        except Gone:
                            pass
            yield (inside.is_well(stand) and stand.proxy.parks() == [park]
                   and deaths(stand) == dead,
                   f'a stream with {what}: all go on')
        yield ping(other) == 200, 'who was parked is served'
    h.until(lambda: len(descriptors(park)) <= held + KEPT_FILES,
            'nothing heaps up in the park')
    yield True, 'nothing heaps up in the park'
