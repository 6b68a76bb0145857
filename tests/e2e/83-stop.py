#!/usr/bin/python3 -B
"""TERM: requests under way end well, idle connections are closed, streams
get their time and no more."""

import os
import signal
import time

import harness as h
from wire import Wire

NAME = 'dsp-stop'


def term(p, number=signal.SIGTERM):
    p.process.send_signal(number)
    h.until(lambda: not h.can_connect(p.host), 'it stops accepting', 3)


def ended(p, seconds):
    """The exit code, when it comes in that time."""
    code = p.process.wait(seconds)
    p.process = None
    return code


def finishes(d):
    """TERM while requests run"""
    name = h.sleeper(d.host)
    with h.Proxy(d.socket) as p, Wire(p.host) as idle, \
            Wire(p.host) as fresh, Wire(p.host) as busy, \
            h.Client(p.host, 'wait', name) as c:
        idle.ask('GET', '/_ping')
        h.expect(idle.answer().status == 200, 'no pong')
        busy.ask('POST', f'/containers/{name}/wait')
        h.expect(busy.head().status == 200, 'no answer')
        h.until(lambda: p.out().count('/wait') == 2,
                'the docker command waits')
        time.sleep(0.2)
        term(p)
        h.check(True, 'new connections are refused')
        h.check(idle.is_closed(), 'an idle keep-alive client is closed')
        h.check(fresh.is_closed(), 'and one that never sent a byte')
        h.check(p.process.poll() is None, 'the program waits for requests')
        h.docker_ok(d.host, 'kill', name)
        h.same(b'"StatusCode":137' in busy.chunk(), True,
               'a running request finishes')
        h.same((c.wait(5), c.out()), (0, '137\n'),
               'so does the docker command')
        began = time.monotonic()
        h.same(ended(p, 5), 0, 'exit code 0')
        h.check(time.monotonic() - began < 3, 'right after the last one')


def streams(d):
    """--stop-timeout ends streams"""
    with h.Proxy(d.socket, args=['--stop-timeout', '2']) as p, \
            Wire(p.host) as wire:
        wire.ask('GET', '/events')
        h.expect(wire.head().status == 200, 'no answer')
        began = time.monotonic()
        term(p)
        wire.rest()
        took = time.monotonic() - began
        h.check(1.5 < took < 5, 'a stream is closed after 2 s',
                f'{took:.1f} s')
        h.same(ended(p, 5), 0, 'exit code 0 even so')


def sockets(d):
    """unix sockets are removed; INT is as good as TERM"""
    path = d.room + '/stop.sock'
    with h.Proxy(d.socket, listen=['unix://' + path]) as p:
        h.check(os.path.exists(path), 'there is a socket')
        p.process.send_signal(signal.SIGINT)
        h.same(ended(p, 5), 0, 'INT: exit code 0')
        h.check(not os.path.exists(path), 'the socket is removed')


def idle(d):
    """an idle program ends at once"""
    with h.Proxy(d.socket) as p:
        began = time.monotonic()
        children = h.until(p.children, 'children')
        term(p)
        h.same(ended(p, 5), 0, 'idle: exit code 0')
        h.check(time.monotonic() - began < 2, 'idle: within 2 s')
        h.until(lambda: not any(map(h.is_alive, children)),
                'all processes end', 2)
        h.check(True, 'no process is left')


def powerless(d):
    """a master that may not signal its workers ends all the same"""
    if h.worlds.CONTAINER:
        raise h.Skip('the program has the capabilities of its container')
    h.need_tool('setpriv')
    p = h.Proxy(d.socket, args=['--stop-timeout', '1'])
    p.command = ['setpriv', '--bounding-set=-kill', *p.command]
    with p, Wire(p.host) as wire:
        wire.ask('GET', '/events')
        h.expect(wire.head().status == 200, 'no stream')
        p.wait_confined()
        children = list(p.children())
        term(p)
        h.same(ended(p, 6), 0, h.title(powerless))
        h.until(lambda: not any(h.is_alive(pid) for pid in children),
                'its children end with it', 2)
        h.has(p.err(), 'workers stay root, without capabilities: this process '
              'could not end them (CAP_KILL)', 'for it does not have others')


def body():
    with h.Dockerd() as d:
        h.each([finishes, streams, sockets, idle, powerless], d)


h.main(body)
