#!/usr/bin/python3 -B
"""Clients that leave or reset in every phase, and states in which nothing
happens."""

import threading
import time

import faulty
import harness as h
from faulty import (BIG, CHUNKED, LENGTH, SWITCH, Bench, ask, attach, deaf,
                    everything, parts, push, reset, says, silent, stubborn,
                    upload_head)
from wire import Wire


def switches_late(conn):
    """A client's end is kept from dockerd until its 101."""
    conn.take_head()
    time.sleep(0.3)
    conn.send(SWITCH)
    conn.wait_eof()
    conn.close()


def deaf_tunnel(conn):
    conn.take_head()
    conn.send(SWITCH)


def attach_and_take(wire):
    attach(wire)
    h.expect(wire.head().status == 101, 'no 101')


def get_and_take(wire):
    ask(wire)
    wire.head()
    while len(wire.held) < 3:
        h.expect(wire.more(), 'no body')


def half_closed(wire):
    ask(wire)
    wire.half_close()


def chunked_upload(wire):
    wire.send(upload_head(0, 'Transfer-Encoding: chunked')
              + b'5\r\nhello\r\n5\r\nhe')


def blocked_tunnel(wire):
    attach_and_take(wire)
    push(wire, BIG)


def blocked_upload(wire):
    wire.send(upload_head(BIG))
    push(wire, BIG)


# phase, what dockerd does, what the client does before it leaves
PHASES = (
    ('before a byte', None, lambda wire: None),
    ('in the head', None, lambda wire: wire.send(b'GET /x HT')),
    ('in a body with length', stubborn,
     lambda wire: wire.send(upload_head(10) + b'12345')),
    ('in a chunked body', stubborn, chunked_upload),
    ('before the answer', silent, ask),
    ('before the answer, half-closed', silent, half_closed),
    ('in the answer head', says(b'HTTP/1.1 200 OK\r\nCon'), ask),
    ('in a body', says(LENGTH + b'123'), get_and_take),
    ('in a stream', says(CHUNKED + b'2\r\nhi\r\n'), get_and_take),
    ('in a tunnel', says(SWITCH), attach_and_take),
    ('just before 101', switches_late, attach),
)
RESET_ONLY = (
    ('before the answer', stubborn, ask),
    ('in a stream', says(CHUNKED + b'2\r\nhi\r\n', stubborn), get_and_take),
    ('before 101', stubborn, attach),
    ('in a tunnel', says(SWITCH, stubborn), attach_and_take),
    ('in an upload that dockerd does not read', deaf, blocked_upload),
    ('in a tunnel that dockerd does not read', deaf_tunnel, blocked_tunnel),
)


def upload(wire):
    wire.send(upload_head(10) + b'hello')


def cut_upload(b):
    """A body that ends too early is not complete for dockerd either"""
    for kind, act in ('with length', upload), ('chunked', chunked_upload):
        for name, leave in (('closes', Wire.close), ('resets', reset),
                            ('half-closes', Wire.half_close)):
            b.play(silent)
            with Wire(b.host) as wire:
                act(wire)
                conn = b.daemon.wait_conn()
                h.until(lambda: b'hello' in conn.body(), 'the body', 2)
                leave(wire)
                h.until(lambda: conn.has_eof, 'the end', 2)
                status = 400
                if leave == Wire.half_close:
                    status = parts(everything(wire))[0]
            b.point((status, conn.body() in (b'hello', b'5\r\nhello\r\n',
                                             b'5\r\nhello\r\n2\r\nhe\r\n')),
                    (400, True), f'the client {name} in a body {kind}')


def left(b):
    """The client leaves"""
    for phase, script, act in PHASES:
        for name, leave, host in (('closes', Wire.close, b.host),
                                  ('resets', reset, b.host),
                                  ('closes on unix', Wire.close, b.unix)):
            leave_once(b, script, act, leave, host)
            b.point('', '', f'the client {name} {phase}')


def leave_once(b, script, act, leave, host):
    b.play(script)
    wire = Wire(host)
    act(wire)
    if script:
        b.daemon.wait_conn()
    time.sleep(0.05)
    leave(wire)


def reset_alone(b):
    """The client resets and dockerd does nothing at all"""
    for phase, script, act in RESET_ONLY:
        for name, leave, host in (('resets', reset, b.host),
                                  ('closes on unix', Wire.close, b.unix)):
            leave_once(b, script, act, leave, host)
            b.point('', '', f'the client {name} {phase}, dockerd is silent')


# -- nothing happens ----------------------------------------------------

def hold_head(conn):
    conn.take_head()
    conn.send(b'HTTP/1.1 200 OK\r\nCon')


def hold_eof(conn):
    """Ends its side of a tunnel, and the client stays."""
    conn.take_head()
    conn.send(SWITCH)
    conn.half_close()


def keep(after=None):
    """A client that stays, after it has done something."""
    def act(wire):
        ask(wire)
        if after:
            after(wire)
    return act


def floods_and_dies(head):
    """Sends what finds room, and closes."""
    def script(conn):
        conn.take_head()
        conn.send(head)
        push(conn, BIG)
        conn.close()
    return script


def tunnel_half_closed(wire):
    attach_and_take(wire)
    wire.half_close()


def attach_half_closed(wire):
    attach(wire)
    wire.half_close()


def pipelined(wire):
    """More behind the request than is read ahead."""
    ask(wire)
    push(wire, 8 << 20)


QUIET = (
    ('nothing is sent', deaf, lambda wire: None),
    ('half a head is there', deaf, lambda wire: wire.send(b'GET /x HT')),
    ('dockerd is silent', stubborn, ask),
    ('dockerd is silent, the client half-closed', stubborn, half_closed),
    ('dockerd is silent, more is pipelined', stubborn, pipelined),
    ('half an answer head is there', hold_head, ask),
    ('half a body is there', says(LENGTH + b'123', stubborn), ask),
    ('a stream is silent', says(CHUNKED + b'2\r\nhi\r\n', stubborn), ask),
    ('a stream is silent, the client half-closed',
     says(CHUNKED + b'2\r\nhi\r\n', stubborn), half_closed),
    ('half an upload is there', stubborn,
     lambda wire: wire.send(upload_head(10) + b'12345')),
    ('dockerd does not read', deaf, blocked_upload),
    ('the client does not read', says(CHUNKED + b'4000000\r\n'
                                      + bytes(BIG), stubborn), ask),
    ('the client does not read, dockerd is gone',
     floods_and_dies(CHUNKED + b'4000000\r\n'), ask),
    ('the client does not read, dockerd has ended the tunnel',
     floods_and_dies(SWITCH), attach),
    ('before 101', stubborn, attach),
    ('before 101, the client half-closed', stubborn, attach_half_closed),
    ('a tunnel is silent', says(SWITCH, stubborn), attach_and_take),
    ('a tunnel is silent, the client half-closed',
     says(SWITCH, stubborn), tunnel_half_closed),
    ('a tunnel is not read', deaf_tunnel, blocked_tunnel),
    ('dockerd has ended its side of a tunnel', hold_eof, attach),
)


def quiet(b):
    """No time of the CPU is used while nothing happens"""
    for host, kind in (b.host, 'tcp'), (b.unix, 'unix'):
        for phase, script, act in QUIET:
            b.play(script)
            with Wire(host) as wire:
                act(wire)
                time.sleep(0.05)
                burnt = b.burnt(0.25)
                wire.socket.setblocking(False)
                reset(wire)
            b.daemon.drop_all()
            b.point(burnt < 0.1, True,
                    f'no busy loop when {phase} ({kind}; {burnt:.2f} s)')


# -- at once -------------------------------------------------------------

def storm(b):
    """A hundred clients reset while dockerd dies"""
    def script(conn):
        conn.take_head()
        conn.send(CHUNKED + b'5\r\nhello\r\n')
        conn.close()

    def one():
        wire = Wire(b.host)
        ask(wire)
        reset(wire)

    b.play(script)
    for _turn in range(10):
        threads = [threading.Thread(target=one) for _client in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    b.point('', '', h.title(storm))


def body():
    with Bench() as b:
        faulty.run(__file__, [cut_upload, left, reset_alone, quiet, storm], b)


h.main(body, needs_docker=False)
