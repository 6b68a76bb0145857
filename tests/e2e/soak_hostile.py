"""Hostile clients of a soak, and one that is denied again and again."""

import re
import socket
import time

import harness as h
from faulty import reset
from soak_book import Asker, Seen, expect_status
from soak_honest import KEEP, MARK

DENIED = 'dsp-denied'   # what would be there if one had been executed
WAIT = 1                # seconds that a hostile client waits for more
SLOW = 4                # the same, of one that sends slowly
VICTIM = f'{MARK}-hostile'
INNER = (f'POST /volumes/create HTTP/1.1\r\nHost: docker\r\n'
         'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s')
NOT_EXECUTED = re.compile(rb'HTTP/1\.[01] 201 ')


def inner(chance):
    body = '{"Name": "%s-%d"}' % (DENIED, chance.randrange(1 << 30))
    return INNER % (len(body), body)


# What the inner request is hidden in; %d is its length.
OUTER = (
    'GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n',
    'GET /_ping HTTP/1.1\r\nHost: docker\r\nContent-Length: %d\r\n\r\n',
    'GET /_ping HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n'
    '\r\n0\r\n\r\n',
    'POST /containers/dsp-nobody/wait HTTP/1.1\r\nHost: docker\r\n'
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /containers/dsp-nobody/wait HTTP/1.1\r\nHost: docker\r\n'
    'Content-Length: 0\r\nContent-Length: %d\r\n\r\n',
    'POST /containers/dsp-nobody/wait HTTP/1.1\r\nHost: docker\r\n'
    'Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
    'POST /containers/dsp-nobody/wait HTTP/1.1\r\nHost: docker\r\n'
    'Transfer-Encoding: chunked\r\n\r\n1;x=\n\r\na\r\n0\r\n\r\n',
    'POST /containers/dsp-nobody/wait HTTP/1.1\r\nHost: docker\r\n'
    'Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n',
    'GET /_ping HTTP/1.1\nHost: docker\n\n',
    'GET /_ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    'GET /_ping?a=%%0d%%0a HTTP/1.1\r\nHost: docker\r\nX-A:\r\n b\r\n\r\n',
    'HEAD /_ping HTTP/1.1\r\nHost: docker\r\nUpgrade: tcp\r\n'
    'Connection: Upgrade\r\n\r\n',
    'GET /../volumes HTTP/1.1\r\nHost: docker\r\n\r\n',
)


class Hostile:
    """One attack after the other, each on a connection of its own."""

    def __init__(self, host, book):
        self.host, self.book = host, book
        self.ways = [slow_head, garbage, smuggle, smuggle, smuggle_kept,
                     reset_download, reset_kept, reset_upload, half_close,
                     never_read, leave_at_once]

    def __call__(self, chance):
        way = chance.choice(self.ways)
        self.book.attacks[way.__name__] += 1
        wire = None
        try:
            wire = Seen(self.host, WAIT)
            way(wire, chance)
        except (OSError, EOFError, ValueError, AssertionError):
            pass        # this is what it asked for
        if wire:
            if NOT_EXECUTED.search(wire.held):
                self.book.breaches.append((way.__name__, wire.held[-300:]))
            wire.close()


def listen(wire):
    """All that comes, and is kept in held."""
    while wire.more():
        pass


def keep(wire):
    """So many answers that the connection to dockerd is a kept one."""
    for number in range(4):
        wire.ask('GET', f'/containers/dsp-nobody-hostile-{number}/json')
        h.expect(wire.answer().status == 404, 'not 404')


def slow_head(wire, chance):
    end = time.monotonic() + SLOW
    for byte in b'GET /_ping HTTP/1.1\r\nHost: ' + b'x' * 1000:
        wire.send(bytes([byte]))
        time.sleep(chance.uniform(0, 0.5))
        if time.monotonic() > end:
            return


def garbage(wire, chance):
    if chance.random() < 0.5:
        keep(wire)
    wire.send(chance.randbytes(chance.randint(1, 70000)))
    listen(wire)


def smuggle(wire, chance):
    hidden = inner(chance)
    outer = chance.choice(OUTER)
    wire.send((outer % ((len(hidden),) if '%d' in outer else ())
               + hidden).encode())
    listen(wire)


def smuggle_kept(wire, chance):
    keep(wire)
    smuggle(wire, chance)


def reset_download(wire, _chance):
    wire.ask('GET', f'/images/{h.IMAGE}/get')
    wire.head()
    reset(wire)


def reset_kept(wire, chance):
    """With an answer under way on a kept connection."""
    keep(wire)
    for _number in range(chance.randint(1, 20)):
        wire.ask('GET', '/images/json')
    reset(wire)


def reset_upload(wire, chance):
    wire.send(f'PUT /containers/{VICTIM}/archive?path=/ HTTP/1.1\r\n'
              'Host: docker\r\nContent-Type: application/x-tar\r\n'
              'Content-Length: 1000000\r\n\r\n'.encode())
    wire.send(chance.randbytes(chance.randint(0, 50000)))
    reset(wire)


def half_close(wire, chance):
    if chance.random() < 0.5:
        keep(wire)
    wire.ask('GET', chance.choice(['/_ping', '/events',
                                   f'/images/{h.IMAGE}/get']))
    wire.half_close()
    listen(wire)


def never_read(wire, chance):
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    keep(wire)
    target = chance.choice([f'/images/{h.IMAGE}/get', '/images/json'])
    try:
        for _number in range(200):
            wire.ask('GET', target)
    finally:
        time.sleep(chance.uniform(0, 2 * WAIT))


def leave_at_once(wire, chance):
    for _number in range(chance.randint(1, 20)):
        wire.ask('GET', f'/containers/{KEEP}/json')


class Denied:
    """Asks for what its profile denies, between requests that it allows."""

    def __init__(self, host, book, name):
        self.host, self.book, self.name = host, book, name
        self.number = 0

    def __call__(self, chance):
        with Asker(self.host, self.book) as asker:
            for _turn in range(chance.randint(1, 20)):
                self.number += 1
                if chance.random() < 0.5:
                    self.book.call('raw', 'allowed', self.allowed, asker)
                self.book.call('raw', 'denied', self.deny, asker, chance)

    def allowed(self, asker):
        answer, = asker.ask('HEAD', '/_ping')
        expect_status(answer, 200)

    def deny(self, asker, chance):
        body = b'{"Name": "%s-%s-%d"}' % (DENIED.encode(),
                                          self.name.encode(), self.number)
        method, target, body = chance.choice([
            ('POST', '/volumes/create', body),
            ('POST', '/v1.41/volumes/create', body),
            ('DELETE', f'/containers/{KEEP}?force=1', b''),
            ('POST', f'/containers/{KEEP}/kill', b''),
            ('GET', '/secrets', b'')])
        # A denied request may be repeated: it does nothing.
        answer, = asker.ask(method, target, body=body)
        self.book.denials.append((f'{method} {target}', answer.status))
        expect_status(answer, 403)
