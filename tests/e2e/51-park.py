#!/usr/bin/python3 -B
"""Idle clients are parked: they cost no worker, and are served again when they
speak."""

import signal
import time

import faulty
import harness as h
from faulty import WireFrom
from parkyard import (LISTENERS, RULES, WORKERS, Yard, allow_files, close_all,
                      echo, has_ended, is_answered, is_served, sockets, status)
from wire import Wire

MANY = 1000             # idle clients


def pss(pids):
    """KiB of memory, what is shared counted once."""
    total = 0
    for pid in pids:
        try:
            fields = h.fields(f'/proc/{pid}/smaps_rollup')
        except OSError:
            continue            # it has just ended
        total += int(fields['Pss'].split()[0])
    return total


# -- many ---------------------------------------------------------------

def many(least, *args):
    allow_files(MANY)
    what = f'{MANY} idle clients {" ".join(args)}: '
    with Yard(*args) as b:
        spare = 2 + LISTENERS * (1 + WORKERS)
        h.until(lambda: len(b.processes()) == spare, 'all are there')
        before = pss(b.processes())
        began = time.monotonic()
        wires = b.clients(MANY)
        h.note(f'{what}{time.monotonic() - began:.1f} s to serve each once, '
               f'then {len(b.proxy.workers())} workers')
        b.wait_parked(MANY)
        h.same(b.busy(), 0, what + 'none holds a worker')
        b.proxy.process.send_signal(signal.SIGHUP)
        h.until(lambda: len(b.processes()) <= spare, 'spare ones are gone', 5)
        h.note(f'{what}{len(b.processes())} processes, PSS '
               f'{pss(b.processes())} KiB, without them {before} KiB')
        h.same(b.parked(), MANY, what + 'they cost no more processes than '
               'none')
        burnt = b.burnt(2)
        h.check(burnt < 0.1, what + 'they cost no processor time', burnt)
        one_by_one(b, wires, what)
        b.wait_parked(MANY)
        wires = all_at_once(wires, least, what)
        b.wait_parked(len(wires))
        close_all(wires[::2])
        b.wait_parked(len(wires) // 2)
        close_all(wires[1::2])
        b.wait_parked(0)
        h.same(b.trouble(), '', what + 'they go, and all is well')


def one_by_one(b, wires, what):
    began = time.monotonic()
    served = [is_served(wire, f'/again/{number}')
              for number, wire in enumerate(wires[::10])]
    h.same(served.count(True), len(served), what + 'served again')
    h.note(f'{what}{len(served)} one by one in '
           f'{time.monotonic() - began:.1f} s')


def all_at_once(wires, least, what):
    """Those who are still there: so many at least, and who is refused comes
    when all workers have a request."""
    began = time.monotonic()
    for number, wire in enumerate(wires):
        wire.ask('GET', f'/together/{number}')
    answers = [wire.answer() for wire in wires]
    took = time.monotonic() - began
    wrong = [answer for number, answer in enumerate(answers)
             if answer.status != 503
             and answer.body != f'/together/{number}'.encode()]
    h.same(wrong, [], what + 'all at once: no wrong answer')
    busy = [wire for wire, answer in zip(wires, answers)
            if answer.status == 503]
    h.check(len(wires) - len(busy) >= least, f'{what}and {least} at least '
            'are served', len(busy))
    h.check(took < 20, what + 'in time', f'{took:.1f} s')
    h.note(f'{what}all at once in {took:.1f} s, {len(busy)} got 503')
    close_all(busy)
    return [wire for wire in wires if wire not in busy]


def many_default():
    """1000 idle clients"""
    many(MANY)


def many_small():
    """1000 idle clients and 16 workers"""
    many(16, '--max-workers', '16')


# -- bytes ----------------------------------------------------------------

def pieces():
    """bytes that come around the moment of parking are in order"""
    with Yard() as b:
        wires = b.clients(80)
        wrong = 0
        for turn in range(3):
            wrong += sum(not was for was in split_all(wires, turn))
        h.same(wrong, 0, h.title(pieces))
        b.wait_parked(len(wires))
        wires[0].send(b'G')
        time.sleep(0.3)
        wires[0].send(b'ET /slow HTTP/1.1\r\nHost: d\r\n\r\n')
        h.check(is_answered(wires[0], '/slow'), 'a byte, and later the rest')
        wires[1].ask('GET', '/one')
        wires[1].ask('GET', '/two')
        h.check(is_answered(wires[1], '/one') and
                is_answered(wires[1], '/two'), 'two requests at once')
        close_all(wires)


def split_all(wires, turn):
    """Each is idle for a little less or more than a second, then sends a
    request in three pieces."""
    idle = []
    for number, wire in enumerate(wires):
        h.expect(is_served(wire, f'/{turn}/a{number}'), 'not served')
        idle.append(time.monotonic())
    plan = []
    for number in range(len(wires)):
        text = (f'GET /{turn}/b{number} HTTP/1.1\r\nHost: d\r\n\r\n').encode()
        start = idle[number] + 0.98 + number * 0.0005
        plan += [(start, number, text[:5]), (start + 0.0007, number,
                                             text[5:9]),
                 (start + 0.02, number, text[9:])]
    for when, number, data in sorted(plan):
        time.sleep(max(0, when - time.monotonic()))
        wires[number].send(data)
    return [is_answered(wire, f'/{turn}/b{number}')
            for number, wire in enumerate(wires)]


def says_nothing():
    """a client that connects and says nothing is parked too"""
    with Yard() as b:
        wires = [Wire(b.host) for _client in range(4)]
        b.wait_parked(4)
        h.same(b.busy(), 0, h.title(says_nothing))
        wires[0].send(b'\x16\x03\x01 what is this\r\n\r\n')
        h.same(wires[0].answer().status, 400, 'garbage: 400')
        h.check(is_served(wires[1], '/hello'), 'a request: served')
        wires[2].half_close()
        h.check(has_ended(wires[2]), 'an end: closed')
        wires[3].close()
        b.wait_parked(1)        # the one that was served, in a while
        h.check(is_served(wires[1], '/again'), 'and parked again')
        close_all(wires)
        h.same(b.trouble(), '', 'all is well')


def half_closed():
    """a parked client sends a request and ends its side"""
    with Yard() as b:
        wires = b.clients(2)
        b.wait_parked(2)
        wires[0].ask('GET', '/last')
        wires[0].half_close()
        h.check(is_answered(wires[0], '/last') and has_ended(wires[0]),
                h.title(half_closed))
        wires[1].half_close()
        h.check(has_ended(wires[1]), 'without a request: closed')
        b.wait_parked(0)
        close_all(wires)


def timeout():
    """--idle-timeout counts from the last request, not from parking"""
    with Yard('--idle-timeout', '2') as b:
        wires = b.clients(3)
        began = time.monotonic()
        ended = [has_ended(wire, 6) for wire in wires]
        took = time.monotonic() - began
        h.same(ended, [True] * 3, 'parked clients are closed')
        h.check(1.5 < took < 3.5, h.title(timeout), f'{took:.1f} s')
        h.same(b.parked(), 0, 'none is left')
        close_all(wires)


# -- limits ---------------------------------------------------------------

def per_client():
    """--max-per-client counts parked ones"""
    with Yard('--max-per-client', '3') as b:
        wires = b.clients(3)
        b.wait_parked(3)
        with Wire(b.host) as more:
            h.same(status(more), 429, 'one too many: 429')
        with WireFrom(b.host, '127.0.0.2') as other:
            h.same(status(other), 200, 'another address: served')
        h.check(all(is_served(wire, '/x') for wire in wires),
                'parked ones are not counted twice when they speak')
        wires.pop().close()
        b.wait_parked(2)
        with Wire(b.host) as more:
            h.same(status(more), 200, 'one has gone: served')
        close_all(wires)


def per_client_everywhere():
    """--max-per-client counts what is parked at any listener"""
    with faulty.Faulty() as d:
        d.script = echo
        listen = [f'tcp://127.0.0.1:{h.free_port()}' for _each in range(3)]
        with h.Proxy(d.path, rules=RULES, listen=listen,
                     args=['--max-per-client', '3']) as p:
            wires = [Wire(host) for host in p.hosts]
            h.same([status(wire) for wire in wires], [200] * 3, 'served')
            h.until(lambda: all(len(sockets(pid)) == 2
                                for pid in p.parks()), 'all are parked')
            refused = []
            for host in p.hosts:
                with Wire(host) as more:
                    refused.append(status(more))
            h.same(refused, [429] * 3, h.title(per_client_everywhere))
            close_all(wires)


def body():
    h.each([many_default, many_small, pieces, says_nothing, half_closed,
            timeout, per_client, per_client_everywhere])


h.main(body, needs_docker=False)
