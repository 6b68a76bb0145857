#!/usr/bin/python3 -B
"""Parked streams and the life of the program: what is told of them, reloads,
deaths, and the end."""

import os
import signal
import time

import exposition
import faulty
import harness as h
from parkstream import Streams, chunk, end, hears, leave, play, speaks
from parkyard import LISTENERS, SOON, WORKERS, close_all, has_ended, sockets
from wire import Wire, request

RELOADS = 36            # more than there may be earlier parking processes


def hup(b):
    seen = b.proxy.err().count('reloaded')
    b.proxy.process.send_signal(signal.SIGHUP)
    h.until(lambda: b.proxy.err().count('reloaded') > seen, 'it is in the log')


def all_speak(pairs):
    """Every stream passes bytes on, at once."""
    return max(map(speaks, pairs)) < 1


# -- what is told -----------------------------------------------------------

def told():
    """--status and --metrics know parked streams"""
    address = f'tcp://127.0.0.1:{h.free_port()}'
    with Streams('--metrics', address) as b:
        pairs = b.parked_streams(3)
        here, held = b.open(1, first=3)[0]
        held.send(b'5\r\nhe')
        h.same((shown(b, 'listener', 'parked'), shown(b, 'traffic', 'streams'),
                gauge(b, address)), (3, 4, 4), h.title(told))
        time.sleep(1.2)
        h.same((shown(b, 'listener', 'parked'), shown(b, 'traffic', 'streams'),
                gauge(b, address)), (3, 4, 4), 'and those that stay')
        held.send(b'llo\r\n')
        h.expect(hears(here, chunk(b'hello')), 'other bytes')
        b.wait_parked(8)
        h.same((shown(b, 'traffic', 'streams'), gauge(b, address)), (4, 4),
               'all parked')
        leave(pairs)
        b.wait_parked(2)
        h.same((shown(b, 'traffic', 'streams'), gauge(b, address)), (1, 1),
               'three have gone')
        for pid in b.proxy.parks():
            os.kill(pid, signal.SIGKILL)
        h.expect(has_ended(here), 'the last one ends')
        h.until(lambda: (shown(b, 'traffic', 'streams'), gauge(b, address)) ==
                (0, 0), 'the parking process is killed: none is left', 3)
        h.check(True, 'the parking process is killed: none is left')


def shown(b, line, key):
    """A number of --status, of all lines with that word."""
    done = h.program(*b.proxy.command[1:], '--status')
    h.expect(done.code == 0, done)
    return sum(int(word.partition('=')[2]) for text in done.out.splitlines()
               for word in text.split() if text.split()[0] == line
               and word.startswith(key + '='))


def gauge(b, address):
    """Open streams that are answers."""
    found = exposition.Metrics(request(address, 'GET', '/metrics').body)
    values = found.values['docker_socket_protector_open_streams']
    return sum(value for labels, value in values.items()
               if ('state', 'answer') in labels)


# -- reload -----------------------------------------------------------------

def new_rules():
    """parked streams live through a reload"""
    with Streams() as b:
        pairs = b.parked_streams(6) + b.parked_streams(2, 'close')
        parks = b.proxy.parks()
        b.proxy.write_rules('GET /new/.*\nGET /_ping\n')
        hup(b)
        h.same(sorted(b.proxy.parks()), sorted(parks), 'the same processes')
        h.check(all_speak(pairs), h.title(new_rules))
        wire, conn = pairs[0]
        conn.send(b'0\r\n\r\n')
        h.expect(hears(wire, b'0\r\n\r\n'), 'its end')
        wire.ask('GET', '/old')
        h.same(wire.answer().status, 403, 'then the new rules hold')
        leave(pairs)
        b.wait_parked(0)
        h.same(b.trouble(), '', 'all is well')


def other_start():
    """parked streams live through a reload that needs other processes"""
    with Streams() as b:
        [idle] = b.clients(1)
        b.wait_parked(1)
        pairs = b.parked_streams(12)
        for conf in 'log-level debug\n', 'log-level info\n', 'user daemon\n':
            old = b.proxy.parks()
            b.proxy.write_conf(conf)
            hup(b)
            h.until(lambda: len(set(b.proxy.parks()) - set(old)) ==
                    LISTENERS, 'new processes', 5)
            h.check(all_speak(pairs), f'{conf.strip()}: they go on')
            pairs += b.parked_streams(1, first=len(pairs))
        h.check(has_ended(idle), 'an idle client is closed')
        conn = pairs[0][1]
        conn.send(b'0\r\n\r\n')
        h.check(hears(pairs[0][0], b'0\r\n\r\n') and has_ended(pairs[0][0]),
                'its end ends the connection: the new rules are others')
        leave(pairs)
        h.until(lambda: len(b.proxy.parks()) == LISTENERS, 'old ones go', 5)
        want = 2 + LISTENERS * (1 + WORKERS)
        h.until(lambda: len(b.processes()) == want, 'so do their workers', 5)
        h.same(b.trouble(), '', h.title(other_start))


def many_reloads():
    """earlier parking processes do not heap up without end"""
    with Streams('--workers', '1') as b:
        pairs = []
        for number in range(RELOADS):
            pairs += b.open(1, first=number)
            b.proxy.write_conf(f'log-level {("debug", "info")[number % 2]}\n')
            hup(b)
        h.check(b.pings(), 'new requests are served')
        ended = [number for number, (wire, _conn) in enumerate(pairs)
                 if has_ended(wire, 0.01)]
        h.note(f'of {RELOADS} streams these ended: {ended}')
        h.check(0 < len(ended) < RELOADS / 2, h.title(many_reloads), ended)
        for wire, _conn in pairs:
            wire.socket.settimeout(20)
        left = [pair for number, pair in enumerate(pairs)
                if number not in ended]
        h.check(all_speak(left), 'all others go on')
        h.check('streams of an earlier configuration' in b.proxy.err(),
                'the log tells of it')
        leave(pairs)
        h.until(lambda: len(b.proxy.parks()) == LISTENERS, 'old ones go', 5)
        h.same(b.trouble(), '', 'all is well')


def no_listener():
    """parked streams live on without their listener"""
    with faulty.Faulty() as d:
        d.script = play
        p = h.Proxy(d.path, rules='GET /.*\n')
        lines = [f'listen tcp://127.0.0.1:{h.free_port()}\n'
                 for _each in range(2)]
        p.without('--listen')
        p.write_conf(''.join(lines))
        p.hosts = [line.split()[1] for line in lines]
        with p:
            wires = [Wire(p.hosts[0]) for _each in range(3)]
            for wire in wires:
                wire.ask('GET', '/chunked/logs')
                h.expect(wire.head().status == 200, 'no answer')
            h.until(lambda: sum(len(sockets(pid)) - 1 for pid in p.parks())
                    == 6, 'all are parked', SOON)
            p.write_conf(lines[1])
            p.process.send_signal(signal.SIGHUP)
            h.until(lambda: ' reloaded' in p.err(), 'a reload')
            pairs = list(zip(wires, d.conns))
            for conn in d.conns:
                conn.send(chunk(b'hello'))
            h.check(all(hears(wire, chunk(b'hello')) for wire, _conn
                        in pairs), h.title(no_listener))
            h.until(lambda: len(p.parks()) == 2, 'its process is there', 1)
            close_all(wires)
            h.until(lambda: len(p.parks()) == 1, 'and then no more', 5)


# -- deaths -----------------------------------------------------------------

def worker_killed():
    """the death of all workers costs no parked stream"""
    with Streams() as b:
        pairs = b.parked_streams(5)
        for pid in b.proxy.workers():
            os.kill(pid, signal.SIGKILL)
        h.check(all_speak(pairs), h.title(worker_killed))
        leave(pairs)


def park_killed():
    """the death of the parking process ends its streams, and no other"""
    with Streams() as b:
        other = b.open(1, first=9)
        other[0][1].send(b'5\r\nhel')
        h.expect(hears(other[0][0], b'5\r\nhel'), 'other bytes')
        pairs = b.parked_streams(5)
        for pid in b.proxy.parks():
            os.kill(pid, signal.SIGKILL)
        h.same([has_ended(wire) for wire, _conn in pairs], [True] * 5,
               h.title(park_killed))
        other[0][1].send(b'lo\r\n')
        h.check(hears(other[0][0], b'lo\r\n'), 'one with a worker goes on')
        h.until(lambda: all(conn.is_closed for _wire, conn in pairs),
                'dockerd sees it', 3)
        h.check(b.pings(), 'new requests work at once')
        h.until(lambda: len(b.proxy.parks()) == LISTENERS, 'a new one', 5)
        pairs += b.parked_streams(2, first=20)
        h.check(all_speak(pairs[5:]), 'others are parked')
        leave(pairs + other)


# -- the end ----------------------------------------------------------------

def stopped(b, began, least, most, what):
    code = b.proxy.process.wait(20)
    took = time.monotonic() - began
    h.same(code, 0, f'{what}: exit code 0')
    h.check(least <= took < most, f'{what}: in time', f'{took:.2f} s')
    return b.proxy.err()


def stop_late():
    """TERM: parked streams get their time and no more"""
    with Streams('--stop-timeout', '2') as b:
        [idle] = b.clients(1)
        b.wait_parked(1)
        pairs = b.parked_streams(3)
        children = list(b.proxy.children())
        began = time.monotonic()
        b.proxy.process.terminate()
        h.check(has_ended(idle, 1), 'an idle client is closed')
        h.check(all_speak(pairs * 2), h.title(stop_late))
        log = stopped(b, began, 2, 3.5, 'with streams')
        h.check('closing 3 connections that did not end' in log,
                'the log tells how many', log[-400:])
        h.same([has_ended(wire) for wire, _conn in pairs], [True] * 3,
               'clients see an end')
        h.check(not any(map(h.is_alive, children)), 'no process is left')


def stop_early():
    """TERM: the program ends with the last stream"""
    with Streams() as b:
        pairs = b.parked_streams(6)
        began = time.monotonic()
        b.proxy.process.terminate()
        time.sleep(0.5)
        for wire, conn in pairs[:3]:
            conn.send(chunk(b'last') + b'0\r\n\r\n')
            h.expect(hears(wire, chunk(b'last') + b'0\r\n\r\n') and
                     has_ended(wire), 'its end')
        for wire, conn in pairs[3:]:
            end(conn)
        log = stopped(b, began, 0.5, 3, 'streams that end')
        h.check('closing' not in log, h.title(stop_early))
        h.same(log.count('info allow'), 6, 'all are logged')


def stop_now():
    """a second TERM closes parked streams"""
    with Streams() as b:
        pairs = b.parked_streams(2)
        began = time.monotonic()
        b.proxy.process.terminate()
        time.sleep(0.3)
        b.proxy.process.terminate()
        log = stopped(b, began, 0.3, 2, h.title(stop_now))
        h.check('closing 2 connections' in log, 'both', log[-400:])
        h.check(all(has_ended(wire) for wire, _conn in pairs),
                'clients see an end')


def master_killed():
    """kill -9 of the master ends parked streams"""
    b = Streams()
    with b:
        pairs = b.parked_streams(3)
        children = list(b.proxy.children())
        b.proxy.process.kill()
        b.proxy.process.wait()
        h.same([has_ended(wire) for wire, _conn in pairs], [True] * 3,
               h.title(master_killed))
        h.until(lambda: not any(map(h.is_alive, children)),
                'no process is left', 2)
        b.proxy.start()
        h.check(b.pings(), 'it can be started again')


def body():
    h.each([told, new_rules, other_start, many_reloads, no_listener,
            worker_killed, park_killed, stop_late, stop_early, stop_now,
            master_killed])


h.main(body, needs_docker=False)
