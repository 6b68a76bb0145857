#!/usr/bin/python3 -B
"""Connections to dockerd that are kept for a client: whatever ends while one
is idle or under way, no request fails that need not, none is answered with
what is another's, and what changes something never goes there."""

import collections
import os
import signal
import time

import faulty
import harness as h
from kept_bench import FIRST, answer, bench, get, good, is_close, rests, warm
from once_chaos import Trace
from wire import Wire

KEEP_S = 1              # seconds that a connection is kept without a request
CLIENTS = 8
FILES = 300             # descriptors, of which 51 connections can be kept
KEPT = 51
TIGHT = 160             # descriptors of which none is left to keep any
CROWD = 60
UID = 64322             # of nobody else


# -- used again ---------------------------------------------------------------

def used_again(text='one connection for many requests'):
    """one connection for many requests, all but the first two"""
    with bench() as b:
        trace = Trace(b.proxy)
        with warm(b) as wire:
            got = [get(wire, f'/more/{number}') for number in range(20)]
            h.same(got, [good(f'/more/{number}') for number in range(20)],
                   f'{text}: each gets its own answer')
            h.same(get(wire, '/head', 'HEAD'), (200, ''), f'{text}: HEAD')
            h.same(get(wire, '/behind'), good('/behind'),
                   f'{text}: GET behind HEAD')
        h.same(b.up.opened, FIRST, f'{text}: {FIRST} connections upstream')
        h.same([is_close(head) for _conn, head in b.up.heads],
               [True] * (FIRST - 1) + [False] * 23,
               f'{text}: "close" is said on those of one request only')
        rests(b, text, trace)


def pipelined(text='requests sent at once'):
    """many requests sent at once are answered in their order"""
    with bench() as b, Wire(b.host) as wire:
        targets = [f'/at-once/{number}' for number in range(20)]
        wire.send(b''.join(b'GET %s HTTP/1.1\r\nHost: x\r\n\r\n'
                           % target.encode() for target in targets))
        got = [wire.answer().body.decode() for _target in targets]
        h.same(got, targets, f'{text}: answers in their order')
        h.same([b.up.times(target) for target in targets], [1] * 20,
               f'{text}: each is executed once')


def two_clients(text='two clients by turns'):
    """two clients by turns, each gets its own answers"""
    with bench() as b:
        trace = Trace(b.proxy)
        with warm(b, 'one') as one, warm(b, 'other') as other:
            wires = {'one': one, 'other': other}
            for number in range(20):
                for name, wire in wires.items():
                    wire.ask('GET', f'/{name}/turn/{number}')
                for name, wire in wires.items():
                    got = wire.answer().body.decode()
                    h.expect(got == f'/{name}/turn/{number}', name, got)
        h.check(True, f'{text}: each gets its own answers')
        seen = collections.defaultdict(set)
        for conn, head in b.up.heads:
            seen[conn].add(head.split(b'/')[1])
        h.check(all(len(names) == 1 for names in seen.values()),
                f'{text}: no connection is used for both')
        rests(b, text, trace)


def next_client(text='the next client of a worker'):
    """a client that comes behind another one starts anew"""
    with bench(args=['--workers', '1', '--max-workers', '2']) as b:
        warm(b, 'first').close()
        opened = b.up.opened
        time.sleep(0.1)
        h.same(len(b.daemon.leaks()), 0,
               f'{text}: the connection ends with its client')
        with warm(b, 'second'):
            h.same(b.up.opened, opened + FIRST,
                   f'{text}: it has connections of its own')


def idle(text='a client that says nothing for a while'):
    """an idle connection is given back, and the client's stays"""
    with bench() as b:
        trace = Trace(b.proxy)
        with warm(b) as wire:
            time.sleep(0.5 * KEEP_S)
            h.same(len(b.daemon.leaks()), 1, f'{text}: it is kept')
            time.sleep(KEEP_S)
            h.same(b.daemon.leaks(), [], f'{text}: it is given back')
            h.same(get(wire, '/later'), good('/later'),
                   f'{text}: the next request is served')
        rests(b, text, trace)


# -- what never goes there ----------------------------------------------------

def changes(text='what changes something'):
    """POST, PUT and DELETE have connections of their own"""
    with bench() as b:
        trace = Trace(b.proxy)
        with warm(b) as wire:
            for number in range(5):
                for method in 'POST', 'GET', 'DELETE', 'PUT', 'GET':
                    target = f'/change/{method}/{number}'
                    body = b'{"a": 1}' if method[0] == 'P' else b''
                    got = get(wire, target, method, body)
                    h.expect(got == good(target), target, got)
            h.check(True, f'{text}: all are answered')
            got = get(wire, '/empty', 'POST')
            h.same(got, good('/empty'), f'{text}: POST without a body')
        for method, count in ('POST', 6), ('PUT', 5), ('DELETE', 5):
            asked = b.up.asked(method)
            alone = [conn for conn, head in asked if is_close(head) and
                     [one for one, _head in b.up.heads].count(conn) == 1]
            h.same((len(asked), len(alone)), (count, count),
                   f'{text}: {method}: each once, each with "close" on a '
                   'connection of its own')
        h.same(b.up.opened, FIRST + 16,
               f'{text}: GET goes on where it was')
        rests(b, text, trace)


def drop(_upstream, _conn, _target):
    """The connection ends without an answer."""
    return False


def cut(_upstream, conn, _target):
    """It ends in the middle of one."""
    conn.send(faulty.LENGTH + b'12345')
    return False


def cut_head(_upstream, conn, _target):
    conn.send(b'HTTP/1.1 200 OK\r\nContent-Le')
    return False


def never_twice(text='what was not answered'):
    """a POST that dockerd does not answer is not sent again"""
    with bench() as b:
        trace = Trace(b.proxy)
        for method in 'POST', 'PUT', 'DELETE':
            b.up.acts['/lost'] = drop
            b.up.heads.clear()
            with warm(b, method) as wire:
                status, _body = get(wire, '/lost', method)
            h.same((status, b.up.times('/lost')), (502, 1),
                   f'{text}: {method} is sent once, the client is told')
        rests(b, text, trace)


def cut_answers(text='an answer that has begun'):
    """a request whose answer has begun is not sent again"""
    with bench() as b:
        trace = Trace(b.proxy)
        for act, want in (cut, 0), (cut_head, 502):
            b.up.acts['/cut'] = act
            b.up.heads.clear()
            with warm(b, act.__name__) as wire:
                status, _body = get(wire, '/cut')
                wire.held = b''
                is_over = wire.is_closed()
            h.same((status, b.up.times('/cut'), is_over), (want, 1, True),
                   f'{text}: {act.__name__}: sent once, the client sees that '
                   'it is not whole')
        rests(b, text, trace)


# -- what ends it -------------------------------------------------------------

def restarted(text='dockerd restarted'):
    """dockerd ends all connections while they are idle"""
    with bench() as b:
        trace = Trace(b.proxy)
        for pause in 0, 0.2:
            wires = [warm(b, f'{pause}-{number}')
                     for number in range(CLIENTS)]
            b.daemon.drop_all()
            time.sleep(pause)
            got = [get(wire, f'/again/{pause}/{number}')
                   for number, wire in enumerate(wires)]
            h.same(got, [good(f'/again/{pause}/{number}')
                         for number in range(CLIENTS)],
                   f'{text}, {pause} s ago: the next requests are served')
            h.same([b.up.times(f'/again/{pause}/{number}')
                    for number in range(CLIENTS)], [1] * CLIENTS,
                   f'{text}, {pause} s ago: each is executed once')
            for wire in wires:
                wire.close()
        rests(b, text, trace)


def lost_once(upstream, _conn, target):
    """As if dockerd had ended the connection just before."""
    upstream.acts.pop(target)
    return False


def raced(text='dockerd ends it when a request is on its way'):
    """dockerd ends an idle connection while the next request is under way"""
    with bench() as b:
        trace = Trace(b.proxy)
        with warm(b) as wire:
            b.up.acts['/raced'] = lost_once
            h.same(get(wire, '/raced'), good('/raced'),
                   f'{text}: it is asked again')
            b.up.acts['/never'] = drop
            h.same((get(wire, '/never')[0], b.up.times('/never')), (502, 2),
                   f'{text}: once more and not for ever')
        rests(b, text, trace)


def held(upstream, conn, target):
    """The answer waits."""
    upstream.hold.wait(h.PATIENCE)
    return answer(upstream, conn, target)


def half(upstream, conn, _target):
    """Its second half waits."""
    conn.send(faulty.LENGTH + b'12345')
    upstream.hold.wait(h.PATIENCE)
    conn.send(b'67890')
    return True


def under_way(b, wire, act, target='/held'):
    """Send a request, and wait until dockerd has it."""
    b.up.hold.clear()
    b.up.acts[target] = act
    wire.ask('GET', target)
    h.until(lambda: b.up.times(target) > 0, 'it is under way')
    h.expect(not is_close(b.up.heads[-1][1]), 'it is not kept')
    if act is half:
        h.until(lambda: len(wire.held) > 0 or wire.more(), 'a first half')


def killed(text, act, find, wants_gate):
    """Kill one while a kept request is under way."""
    with bench() as b:
        trace = Trace(b.proxy)
        with warm(b) as wire:
            gate = b.proxy.gates()[0]
            # In a container the log is a pipe, too.
            log = set(h.descriptors(b.proxy.process.pid))
            busy = [pid for pid in b.proxy.workers()
                    if any(each.startswith('pipe:')
                           for each in set(h.descriptors(pid)) - log)]
            h.expect(len(busy) == 1, 'who keeps one:', busy)
            under_way(b, wire, act)
            os.kill(find(gate, busy[0]), signal.SIGKILL)
            data = faulty.everything(wire)
            status, _body = faulty.parts(data)
            whole = act is half and data.endswith(b'1234567890')
            want = {200} if act is half else {502, 0} if wants_gate else {0}
            h.check(status in want and not whole, f'{text}: the client sees '
                    'it', data)
            b.up.hold.set()
            serves_soon(b, text)
        h.check(b.up.times('/held') <= 2 and (act is not half
                or b.up.times('/held') == 1), f'{text}: not asked for ever',
                b.up.times('/held'))
        left = leaks_at_last(b)
        h.same(left, [], f'{text}: nothing is left upstream')
        trace.check(text)


def leaks_at_last(b):
    try:
        h.until(lambda: not b.daemon.leaks(), 'none', faulty.SOON)
    except AssertionError:
        pass
    return b.daemon.leaks()


def serves_soon(b, text):
    """A client finds everything as before, with a kept connection."""
    def works():
        try:
            warm(b, 'soon').close()
        except (OSError, EOFError, AssertionError):
            return False
        return True

    began = time.monotonic()
    h.until(works, f'{text}: it serves')
    h.check(time.monotonic() - began < 2, f'{text}: it serves within 2 s')


def gate_killed():
    """the gate is killed while a kept request is under way"""
    def find(gate, _worker):
        return gate

    killed('the gate killed, no answer yet', held, find, True)
    killed('the gate killed within an answer', half, find, True)


def worker_killed():
    """a worker is killed while a kept request is under way"""
    def find(_gate, worker):
        return worker

    killed('the worker killed, no answer yet', held, find, False)
    killed('the worker killed within an answer', half, find, False)


def client_left(text='the client gone'):
    """the client leaves while a kept request is under way"""
    for act in held, half:
        for how in Wire.close, faulty.reset:
            with bench() as b:
                trace = Trace(b.proxy)
                wire = warm(b)
                under_way(b, wire, act)
                how(wire)
                # An end alone may be a client's that still listens.
                if how is faulty.reset:
                    h.same(leaks_at_last(b), [],
                           f'{text} by a reset: dockerd is let go at once')
                b.up.hold.set()
                h.same(leaks_at_last(b), [],
                       f'{text}: dockerd is let go when it has answered')
                h.same(b.up.times('/held'), 1, f'{text}: asked once')
                rests(b, text, trace)


# -- answers that are none ----------------------------------------------------

def says(data, unasked=b'', is_end=False):
    """An answer of these bytes, then more after a while."""
    def act(_upstream, conn, _target):
        conn.send(data)
        if unasked:
            time.sleep(0.1)
            conn.send(unasked)
        return not is_end
    return act


OK = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
EVIL = b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
ODD = {
    'with more behind it': says(OK + EVIL),
    'with a byte behind it': says(OK + b'\n'),
    'with another one a moment later': says(OK, EVIL),
    'with half of another one a moment later': says(OK, EVIL[:20]),
    'with an interim one a moment later':
        says(OK, b'HTTP/1.1 100 Continue\r\n\r\n'),
    'of HTTP/1.0': says(OK.replace(b'1.1', b'1.0') + EVIL),
    'with "close"': says(OK.replace(b'OK\r', b'OK\r\nConnection: close\r')
                         + EVIL),
    'with chunks and more behind them':
        says(faulty.CHUNKED + b'2\r\nok\r\n0\r\n\r\n' + EVIL),
    'to HEAD with a body': says(OK),
}


def odd(text='an answer'):
    """bytes that nobody asked for are never taken for an answer"""
    for what, act in ODD.items():
        with bench() as b, warm(b) as wire:
            b.up.acts['/odd'] = act
            method = 'HEAD' if 'HEAD' in what else 'GET'
            status, body = get(wire, '/odd', method)
            # The moment that some of them take.
            time.sleep(0.3)
            h.same(((status, body), get(wire, '/next')),
                   ((200, 'ok' if method == 'GET' else ''), good('/next')),
                   f'{text} {what}: the next request gets its own')


# -- many ---------------------------------------------------------------------

def crowd(b, text):
    """Many clients that each have one kept, as far as there is room."""
    wires, got = [], []
    for number in range(CROWD):
        wires.append(Wire(b.host))
        got += [get(wires[-1], f'/crowd/{number}/{turn}')[0]
                for turn in range(FIRST)]
    # Kept ones are idle for a second only, so all ask once more.
    for number, wire in enumerate(wires):
        got.append(get(wire, f'/crowd/{number}/last')[0])
    kept = sum(1 for conn in {conn for conn, head in b.up.heads
                              if not is_close(head)} if not conn.is_left())
    h.check(got == [200] * CROWD * (FIRST + 1), f'{text}: no request fails',
            collections.Counter(got), *[line for line in b.proxy.err().split('\n')
                                       if 'status=200' not in line])
    for wire in wires:
        wire.close()
    return kept


def few_files(text='few descriptors'):
    """few descriptors: requests come before connections that are kept"""
    args = ['--max-workers', '100']
    for count, most in (FILES, KEPT), (TIGHT, 0):
        # As another user: what all processes of one have on its way counts.
        with bench(args=args, max_files=count, user=UID) as b:
            kept = crowd(b, f'{text}, {count}')
            h.check(0 < kept <= most or kept == most == 0,
                    f'{text}, {count}: {kept} connections are kept', most)
            h.same(b.trouble(), '', f'{text}, {count}: no trouble')


def body():
    h.need_root()
    h.each([used_again, pipelined, two_clients, next_client, idle, changes,
            never_twice, cut_answers, restarted, raced, gate_killed,
            worker_killed, client_left, odd, few_files])


h.main(body, needs_docker=False)
