#!/usr/bin/python3 -B
"""Clients and daemons that are slow, that stand still or that vanish."""

import select
import threading
import time

import faulty
import harness as h
from faulty import (CHUNKED, SWITCH, Bench, ask, at_once, attach,
                    everything, memory, parts, push, vanish)
from wire import Wire

HEAD_TIMEOUT = 2
QUICK = ('--head-timeout', str(HEAD_TIMEOUT), '--idle-timeout', '2')
BULK = 128 << 20
CHUNK_S = 0.4           # between chunks: one that is held back comes that late


def drip(b, data, pause):
    """Send byte by byte; status and body of the answer."""
    with Wire(b.host) as wire:
        wire.socket.setsockopt(6, 1, 1)     # TCP_NODELAY
        for byte in data:
            wire.send(bytes([byte]))
            time.sleep(pause)
        answer = wire.answer()
        return answer.status, answer.body


def post(framing, text):
    return (f'POST /containers/x/exec HTTP/1.1\r\nHost: docker\r\n'
            f'Content-Type: application/json\r\n{framing}\r\n\r\n'
            f'{text}').encode()


LENGTH_10 = post('Content-Length: 10', '0123456789')
CHUNKS_10 = post('Transfer-Encoding: chunked',
                 '5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n')


def unchunked(body):
    """Bytes that came together make one chunk."""
    found = b''
    while body:
        size, _end, rest = body.partition(b'\r\n')
        found += rest[:int(size, 16)]
        body = rest[int(size, 16) + 2:]
    return found


def echoes(conn):
    """Answer with the bytes of the body."""
    conn.take_head()
    is_chunked = b'chunked' in conn.got
    conn.wait_body(b'9\r\n0\r\n\r\n' if is_chunked else b'9')
    body = unchunked(conn.body()) if is_chunked else conn.body()
    conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body)
              + body)
    conn.wait_eof()
    conn.close()


def slow_client():
    """A client that sends byte by byte"""
    with Bench() as b:
        b.play(echoes)
        ping = b'GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n'
        got = at_once(lambda: drip(b, ping, 0.05),
                      lambda: drip(b, LENGTH_10, 0.015),
                      lambda: drip(b, CHUNKS_10, 0.015))
        b.point(got, [(200, b'OK')] + [(200, b'0123456789')] * 2,
                'head, body with length and chunks byte by byte: served')


def slow_head(b):
    """Status of a head at a byte a second, and whether it came in time."""
    with Wire(b.host) as wire:
        began = time.monotonic()
        for byte in b'GET /_pi':
            if select.select([wire.socket], [], [], 1)[0]:
                break
            wire.send(bytes([byte]))
        status = parts(everything(wire))[0]
        took = time.monotonic() - began
    return status, HEAD_TIMEOUT <= took < HEAD_TIMEOUT + 3


def slow_body(b):
    """The answer to a body at a byte a second; each must go on at once."""
    head, end, text = LENGTH_10.partition(b'\r\n\r\n')
    with Wire(b.host) as wire:
        wire.send(head + end + text[:-4])
        conn = b.daemon.wait_conn()
        for byte in text[-4:]:
            time.sleep(1)
            wire.send(bytes([byte]))
            h.until(lambda: bytes([byte]) in conn.body(), 'it', 0.3)
        answer = wire.answer()
        return answer.status, answer.body


def too_slow():
    """A byte a second: no head in time, but as long a body as it takes"""
    with Bench(args=QUICK) as b:
        b.play(echoes)
        got = at_once(lambda: slow_head(b), lambda: slow_body(b))
        b.point(got[0], (408, True),
                'a head at a byte a second: 408 in time')
        b.point(got[1], (200, b'0123456789'),
                'a body at a byte a second: each goes on at once')


def slow_daemon():
    """A daemon that sends byte by byte"""
    text = CHUNKED + b'5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n'
    plain = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
    with Bench(args=QUICK) as b:
        for data, want in (text, b'helloyou'), (plain, b'hello'):
            def script(conn):
                conn.take_head()
                conn.drip(data, 0.015)
                conn.wait_eof()

            b.play(script)
            with Wire(b.host) as wire:
                wire.ask('GET', '/x')
                answer = wire.answer()
            b.point((answer.status, answer.body), (200, want),
                    f'an answer byte by byte: {want.decode()}')


def lags(b, target):
    """Seconds that each chunk of a stream was on its way."""
    with Wire(b.host) as wire:
        wire.ask('GET', target)
        h.expect(wire.head().status == 200, 'no stream')
        return [time.monotonic() - float(data)
                for data in iter(wire.chunk, b'')]


def silent_stream():
    """A daemon that is silent for longer than all timeouts, then talks"""
    def script(conn):
        conn.take_head()
        if conn.target == '/before':
            time.sleep(HEAD_TIMEOUT + 0.5)
        conn.send(CHUNKED)
        for _turn in range(5):
            time.sleep(CHUNK_S)
            said = repr(time.monotonic()).encode()
            conn.send(b'%x\r\n%s\r\n' % (len(said), said))
        if conn.target == '/within':
            time.sleep(HEAD_TIMEOUT + 0.5)
        conn.send(b'0\r\n\r\n')

    with Bench(args=QUICK) as b:
        b.play(script)
        got = at_once(lambda: lags(b, '/before'), lambda: lags(b, '/within'))
        b.point([(len(each), max(each) < CHUNK_S) for each in got],
                [(5, True)] * 2,
                'a stream with long silence: each chunk goes on at once')


def workers(b):
    """The processes that hold bytes of clients: all but the master."""
    return list(b.proxy.children())


def stands_still(conn):
    """What was sent, when no more of it goes."""
    def is_still():
        before = conn.sent
        time.sleep(0.3)
        return before == conn.sent
    h.until(is_still, 'it stands still')
    return conn.sent


def client_does_not_read():
    """A client that does not read while dockerd sends much"""
    def script(conn):
        conn.take_head()
        conn.send(CHUNKED)
        block = b'10000\r\n' + bytes(1 << 16) + b'\r\n'
        for _turn in range(BULK >> 16):
            conn.send(block)
        conn.send(b'0\r\n\r\n')
        conn.wait_eof()

    with Bench() as b:
        b.play(script)
        with Wire(b.host) as wire:
            before = memory(workers(b))
            count = len(workers(b))
            wire.ask('GET', '/x')
            conn = b.daemon.wait_conn()
            sent = stands_still(conn)
            is_served = all(b.pings() for _turn in range(20))
            burnt = b.burnt()
            wire.head()
            got = 0
            for data in iter(wire.chunk, b''):
                got += len(data)
            grown = memory(workers(b)) - before
        b.point((sent < BULK // 2, is_served, burnt < 0.1), (True,) * 3,
                f'dockerd is held up (after {sent >> 10} KiB)')
        b.point(got, BULK, 'the client gets all of it later')
        # A fresh worker, and the touched pages of one buffer each way.
        more = (len(workers(b)) - count + 1) * 1024
        h.check(grown < more, 'memory does not grow with it',
                f'{grown} KiB more')


def daemon_does_not_read():
    """A daemon that does not read while the client sends much"""
    go = threading.Event()

    def script(conn):
        conn.take_head()
        go.wait(h.PATIENCE)
        left = BULK - len(conn.body())
        while left > 0:
            left -= len(conn.socket.recv(1 << 16))
        conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK')
        conn.wait_eof()

    with Bench() as b:
        b.play(script)
        with Wire(b.host) as wire:
            before = memory(workers(b))
            count = len(workers(b))
            wire.send(post(f'Content-Length: {BULK}', ''))
            sent = push(wire, BULK)
            is_served = all(b.pings() for _turn in range(20))
            burnt = b.burnt()
            go.set()
            wire.socket.settimeout(10)
            wire.send(bytes(BULK - sent))
            answer = wire.answer()
            grown = memory(workers(b)) - before
        b.point((sent < BULK // 2, is_served, burnt < 0.1), (True,) * 3,
                f'the client is held up (after {sent >> 10} KiB)')
        b.point((answer.status, answer.body), (200, b'OK'),
                'dockerd gets all of it later')
        more = (len(workers(b)) - count + 1) * 1024
        h.check(grown < more, 'memory does not grow with it',
                f'{grown} KiB more')


def tcp_timer(wire):
    """The kernel's timer of the other end: 02 is keep-alive."""
    ends = [f':{port:04X}' for port in (wire.socket.getpeername()[1],
                                        wire.port())]
    for row in map(str.split, h.read('/proc/net/tcp').splitlines()):
        if row[1].endswith(ends[0]) and row[2].endswith(ends[1]):
            return row[5].partition(':')[0]
    return None


def speaks(data, later, go):
    """Say something, and go on when the time has come."""
    def script(conn):
        conn.take_head()
        conn.send(data)
        go.wait(h.PATIENCE)
        conn.send(later)
        conn.wait_eof()
        conn.close()
    return script


VANISH = (
    ('before the answer', CHUNKED[:20], CHUNKED[20:], ask),
    ('in a stream', CHUNKED, b'5\r\nhello\r\n', ask),
    ('in a tunnel', SWITCH, b'hello', attach),
)


def vanished():
    """A client whose machine vanishes"""
    with Bench(args=QUICK) as b:
        for phase, data, later, act in VANISH:
            go = threading.Event()
            b.play(speaks(data, later, go))
            wire = Wire(b.host)
            act(wire)
            b.daemon.wait_conn()
            h.until(lambda: tcp_timer(wire) != '01', 'acknowledged', 2)
            timer = tcp_timer(wire)
            vanish(wire)
            go.set()
            b.point(timer, '02', f'vanished {phase}: keep-alive is on, and '
                    'the next byte of dockerd finds it out')
        b.play(None)
        wire = Wire(b.host)
        wire.send(b'GET /x HT')
        time.sleep(0.05)
        vanish(wire)
        h.same(b.trouble(HEAD_TIMEOUT + 1.5), '',
               'vanished in the head: found out by the head timeout')


def body():
    faulty.run(__file__, [
        slow_client, too_slow, slow_daemon, silent_stream,
        client_does_not_read, daemon_does_not_read, vanished])


h.main(body, needs_docker=False)
