#!/usr/bin/python3 -B
"""Streams with whom nothing happens are parked: they cost no worker, and go on
as if they had not been."""

import os
import re
import time

import faulty
import harness as h
from faulty import CHUNKED, WireFrom
from parkstream import HEADS, Streams, chunk, end, hears, leave, speaks
from parkyard import allow_files, close_all, is_served, status
from wire import Wire

MANY = 1000
TURNS = 4


# -- many -------------------------------------------------------------------

def many():
    """1000 streams hold no worker"""
    allow_files(MANY)
    with Streams(backlog=MANY) as b:
        began = time.monotonic()
        pairs = b.open(MANY)
        took = time.monotonic() - began
        h.note(f'{took:.1f} s to open them, then {len(b.proxy.workers())} '
               'workers')
        b.wait_parked(2 * MANY)
        h.same(b.busy(), 0, h.title(many))
        burnt = b.burnt(2)
        h.check(burnt < 0.1, 'they cost no processor time', burnt)
        slow = [speaks(pair) for pair in pairs[::10]]
        h.check(max(slow) < 1, 'bytes come at once', f'{max(slow):.3f} s')
        h.note(f'a tenth one by one, half of them within '
               f'{sorted(slow)[len(slow) // 2] * 1000:.1f} ms')
        b.wait_parked(2 * MANY)
        began = time.monotonic()
        for _wire, conn in pairs:
            conn.send(chunk(conn.target.encode()))
        h.same([hears(wire, chunk(conn.target.encode()))
                for wire, conn in pairs].count(True), MANY,
               'all at once: each gets its own')
        h.note(f'in {time.monotonic() - began:.1f} s')
        b.wait_parked(2 * MANY)
        leave(pairs)
        b.wait_parked(0)
        h.same(b.trouble(), '', 'they go, and all is well')


def all_workers_busy():
    """streams are parked at once where workers are needed"""
    with Streams('--max-workers', '2', '--workers', '1') as b:
        began = time.monotonic()
        pairs = b.open(30)
        took = time.monotonic() - began
        h.check(took < 15, h.title(all_workers_busy), f'{took:.1f} s')
        h.check(b.pings(), 'there is a worker for others')
        for pair in pairs:
            speaks(pair)
        h.same(b.proxy.err().count('reason=busy'), 0, 'nobody was refused')
        leave(pairs)
        h.same(b.trouble(), '', 'all is well')


# -- bytes ------------------------------------------------------------------

def pieces():
    """bytes that come around the moment of parking are in order"""
    with Streams() as b:
        for kind in HEADS:
            pairs = b.open(60, kind)
            texts = [b''.join(chunk(b'%d.%d ' % (number, turn) * 9)
                              for turn in range(TURNS))
                     for number in range(len(pairs))]
            drip(pairs, texts)
            h.same([hears(wire, text) for (wire, _conn), text
                    in zip(pairs, texts)].count(True), len(pairs),
                   f'{kind}: {h.title(pieces)}')
            leave(pairs)
        h.same(b.trouble(), '', 'all is well')


def drip(pairs, texts):
    """In pieces of any size, with a silence of about a second in between, once
    between two chunks and once within one."""
    now = time.monotonic()
    plan = []
    for number, ((_wire, conn), text) in enumerate(zip(pairs, texts)):
        when, at = now + 0.97 + number * 0.001, 0
        size = len(text) // TURNS
        for piece in (3, size - 3, size - 2, 5, 7, 1, 1, len(text)):
            plan.append((when, number, conn, text[at:at + piece]))
            at += piece
            when += 0.98 + number * 0.001 if at in (size, 2 * size - 2) \
                else 0.0007
    for when, _number, conn, data in sorted(plan, key=lambda row: row[:2]):
        time.sleep(max(0, when - time.monotonic()))
        if data:
            conn.send(data)


def within_chunk():
    """a stream that stops within a chunk stays with its worker"""
    with Streams() as b:
        pairs = b.open(3)
        for (_wire, conn), part in zip(pairs, (b'5\r\nhel', b'5\r\nhello\r',
                                               b'5')):
            conn.send(part)
        time.sleep(2)
        h.same((b.parked(), b.busy()), (0, 3), h.title(within_chunk))
        for (_wire, conn), part in zip(pairs, (b'lo\r\n', b'\n',
                                               b'\r\nhello\r\n')):
            conn.send(part)
        h.check(all(hears(wire, chunk(b'hello')) for wire, _conn in pairs),
                'nothing is lost')
        b.wait_parked(6)
        h.same(b.busy(), 0, 'then it is parked')
        leave(pairs)


def bulk():
    """a parked stream becomes a flood and rests again"""
    data = os.urandom(1 << 20)
    with Streams() as b:
        [(wire, conn)] = b.parked_streams(1)
        for _turn in range(3):
            faulty.at_once(lambda: conn.send(chunk(data) * 4),
                           lambda: h.expect(hears(wire, chunk(data) * 4),
                                            'other bytes'))
            b.wait_parked(2)
        h.check(True, h.title(bulk))
        wire.close()
        h.same(b.trouble(), '', 'all is well')


# -- ends -------------------------------------------------------------------

def clean():
    """when a parked stream ends the client goes on"""
    with Streams() as b:
        pairs = b.parked_streams(5)
        for number, (wire, conn) in enumerate(pairs):
            conn.send(chunk(b'last') + b'0\r\n\r\n')
            end(conn)
            h.expect(hears(wire, chunk(b'last') + b'0\r\n\r\n'), 'its end')
            h.expect(is_served(wire, f'/next/{number}'), 'not served')
        h.check(True, h.title(clean))
        b.wait_parked(5)
        h.check(all(is_served(wire, '/more') for wire, _conn in pairs),
                'also when it is idle for a while')
        leave(pairs)
        h.same(b.trouble(), '', 'all is well')


def truncated():
    """a stream that is cut is seen to be cut"""
    with Streams() as b:
        pairs = b.parked_streams(2)
        end(pairs[0][1])
        h.same(faulty.everything(pairs[0][0]), b'', h.title(truncated))
        pairs[1][1].send(chunk(b'some') + b'9\r\nand')
        end(pairs[1][1])
        h.same(faulty.everything(pairs[1][0]), chunk(b'some') +
               b'9\r\nand', 'with all bytes there were')
        b.wait_parked(0)
        [(wire, conn)] = b.parked_streams(1, 'close')
        conn.send(b'text')
        end(conn)
        h.same(faulty.everything(wire), b'text',
               'a body until the end ends with the connection')
        h.same(b.trouble(), '', 'all is well')


def wrong():
    """what is no chunk ends a stream"""
    with Streams() as b:
        [(wire, conn)] = b.parked_streams(1)
        conn.send(b'zz\r\nhello')
        h.check(b'hello' not in faulty.everything(wire), h.title(wrong))
        h.same(b.trouble(), '', 'all is well')


def client_leaves():
    """dockerd sees soon that the client has gone"""
    with Streams() as b:
        for what, away in (('close', Wire.close), ('reset', faulty.reset),
                           ('end of its side', Wire.half_close)):
            [(wire, conn)] = b.parked_streams(1)
            away(wire)
            h.until(lambda: conn.is_closed, f'{what}: it sees', 3)
            h.check(conn.has_eof, f'{what}: {h.title(client_leaves)}')
            wire.close()
            b.wait_parked(0)
        h.same(b.trouble(), '', 'all is well')


def next_request():
    """a request sent while the stream goes on is answered after it"""
    with Streams() as b:
        [(wire, conn)] = b.parked_streams(1)
        wire.ask('GET', '/later')
        time.sleep(1.5)
        conn.send(chunk(b'one'))
        h.expect(hears(wire, chunk(b'one')), 'its bytes')
        time.sleep(1.5)
        h.same(b.parked(), 0, 'it stays with its worker')
        conn.send(b'0\r\n\r\n')
        end(conn)
        h.check(hears(wire, b'0\r\n\r\n') and
                wire.answer().body == b'/later', h.title(next_request))
        wire.close()


def logged():
    """one line tells of the whole stream"""
    with Streams() as b:
        began = time.monotonic()
        pairs = b.parked_streams(2)
        port = pairs[0][0].port()
        for turn in range(2):
            for pair in pairs:
                speaks(pair)
            b.wait_parked(4)
        h.same(b.lines('/chunked/0/logs'), [], 'nothing before its end')
        pairs[0][1].send(b'0\r\n\r\n')
        h.expect(hears(pairs[0][0], b'0\r\n\r\n'), 'its end')
        faulty.reset(pairs[1][0])
        took = (time.monotonic() - began) * 1000
        for number, (wire, conn) in enumerate(pairs):
            lines = h.until(lambda: b.lines(f'/chunked/{number}/logs'),
                            'the line')
            found = re.fullmatch(
                r'info allow method=GET path=/chunked/\d/logs profile=rules '
                r'rule=1 status=200 in=0 out=10 ms=(\d+) '
                r'peer=127\.0\.0\.1:(\d+) worker=\d+', lines[0])
            h.check(found and len(lines) == 1, h.title(logged), lines)
            h.check(found and 2000 < int(found[1]) <= took + 100,
                    'its time is that of all', lines[0])
            h.check(found and (number > 0 or int(found[2]) == port),
                    'its client', lines[0])
        leave(pairs)


# -- limits -----------------------------------------------------------------

def per_client():
    """--max-per-client counts a parked stream once"""
    with Streams('--max-per-client', '3') as b:
        pairs = b.parked_streams(3)
        with Wire(b.host) as more:
            h.same(status(more), 429, 'one too many: 429')
        with WireFrom(b.host, '127.0.0.2') as other:
            h.same(status(other), 200, 'another address: served')
        for pair in pairs:
            speaks(pair)
        b.wait_parked(6)
        pairs[0][0].close()
        b.wait_parked(4)
        h.until(lambda: b.busy() == 0, 'a worker has ended it', 5)
        with Wire(b.host) as more:
            h.same(status(more), 200, 'one has gone: served')
        leave(pairs)


def long_path():
    """a stream with a very long path stays with its worker"""
    with Streams() as b, Wire(b.host, 20) as wire:
        path = '/chunked/' + 'x' * 300 + '/logs'
        wire.ask('GET', path)
        h.expect(wire.head().status == 200, 'no answer')
        time.sleep(2)
        h.same((b.parked(), b.busy()), (0, 1), h.title(long_path))
        b.daemon.conns[-1].send(chunk(b'hello') + b'0\r\n\r\n')
        h.check(hears(wire, chunk(b'hello') + b'0\r\n\r\n'), 'and goes on')
        h.check(h.until(lambda: b.lines(path), 'the line'), 'its line is '
                'whole')


def others_stay():
    """what is no endless answer to a GET is never parked"""
    length = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
    with Streams(rules='.* /.*\n') as b:
        b.play(lambda conn: (conn.take_head(), conn.send(
            faulty.SWITCH if 'attach' in conn.target else
            length if 'known' in conn.target else CHUNKED), conn.wait_eof(),
            conn.close()))
        wires = [Wire(b.host) for _each in range(4)]
        wires[0].ask('POST', '/containers/x/attach?stream=1', b'',
                     *faulty.UPGRADE)
        wires[1].ask('POST', '/containers/x/wait')
        wires[2].ask('GET', '/containers/known/logs')
        wires[3].ask('GET', '/containers/json')
        statuses = [wire.head().status for wire in wires]
        h.expect(statuses == [101, 200, 200, 200], statuses)
        time.sleep(2)
        h.same((b.parked(), b.busy()), (0, 4), h.title(others_stay))
        close_all(wires)


def full():
    """when the parking process is full streams stay with their workers"""
    with Streams(before=('prlimit', '--nofile=400:400')) as b:
        pairs = b.open(40) + b.open(80, first=40)
        time.sleep(2)
        h.same(b.busy(), 120 - b.parked() // 2, 'all is counted')
        h.check(40 < b.parked() // 2 < 120, h.title(full), b.parked())
        for pair in pairs:
            speaks(pair)
        h.check(b.pings(), 'all go on')
        leave(pairs)
        h.same(b.trouble(), '', 'all is well')


def body():
    h.each([many, all_workers_busy, pieces, within_chunk, bulk, clean,
            truncated, wrong, client_leaves, next_request, logged, per_client,
            long_path, others_stay, full])


h.main(body, needs_docker=False)
