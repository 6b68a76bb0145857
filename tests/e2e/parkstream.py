"""What the tests of parked streams share: a stand-in whose streams the test
goes on with."""

import socket
import time

import harness as h
from faulty import CHUNKED
from parkyard import Yard, close_all, echo
from wire import Wire

CLOSED = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n'
HEADS = {'chunked': CHUNKED, 'close': CLOSED}


def play(conn):
    """A stream that the test goes on with; anything else as echo."""
    for kind, head in HEADS.items():
        if f'/{kind}' in conn.target:
            conn.take_head()
            conn.send(head)
            # As dockerd: it ends when the client does.
            conn.wait_eof()
            conn.close()
            return
    echo(conn)


def chunk(data):
    return b'%x\r\n%s\r\n' % (len(data), data)


class Streams(Yard):
    """A bench with streams."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.play(play)

    def open(self, count, kind='chunked', first=0, host=None):
        """So many streams, whose heads have come: (client, dockerd)."""
        had = len(self.daemon.conns)
        wires = [Wire(host or self.host, 20) for _each in range(count)]
        for number, wire in enumerate(wires, first):
            wire.ask('GET', f'/{kind}/{number}/logs?follow=1')
            h.expect(wire.head().status == 200, 'no answer')
        conns = {conn.target: conn for conn in self.daemon.conns[had:]}
        return [(wire, conns[f'/{kind}/{number}/logs?follow=1'])
                for number, wire in enumerate(wires, first)]

    def parked_streams(self, count, *args, **more):
        """The same, parked."""
        held = self.parked()
        pairs = self.open(count, *args, **more)
        self.wait_parked(held + 2 * count)
        return pairs

    def lines(self, path):
        return [line for line in self.proxy.err().splitlines()
                if f' path={path} ' in line]


def hears(wire, want):
    return wire.take(len(want)) == want


def end(conn):
    """dockerd ends it; its thread closes it, or has done so."""
    try:
        conn.socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def leave(pairs):
    close_all(wire for wire, _conn in pairs)


def speaks(pair):
    """Seconds until the client has what dockerd says."""
    wire, conn = pair
    began = time.monotonic()
    conn.send(chunk(b'hello'))
    h.expect(hears(wire, chunk(b'hello')), 'not what was sent')
    return time.monotonic() - began
