"""What a worker that was taken over does with the place where idle clients
wait: it can leave anything there, and take who speaks."""

import struct
import time

import harness as h
import hijack_inside as inside
from hijack_agent import Gone
from machine import descriptors
from wire import Wire

TICKET = struct.Struct('=20s4xq')       # struct ticket of park.c
DAY = 86400000
MANY = 300
IDLE_S = 1.3            # a client is parked then
KEPT_FILES = 9          # of what is left there, a good ticket each


def put(agent, fd, data):
    """Park a descriptor, with any message."""
    message = agent.message(agent.put(data), len(data), agent.rights(fd))
    return agent.call('sendmsg', 'park', message, 0x40)


def ticket(left_ms, peer=b''):
    return TICKET.pack(peer, left_ms)


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
            h.expect(put(agent, fd, data).errno == 0, 'parked')
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
