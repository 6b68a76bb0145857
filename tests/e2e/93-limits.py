#!/usr/bin/python3 -B
"""Too many clients, and limits of the system that are reached."""

import collections
import glob
import os
import re
import resource
import select
import subprocess
import sys
import time

import faulty
import harness as h
from faulty import (CHUNKED, Bench, WireFrom, at_once, become, everything,
                    parts, says)
from wire import Wire, request

MANY = 1000             # slow clients
HEAD_TIMEOUT = 2
UID = 64321             # of nobody else
MAX_FILES = 160         # descriptors
# Sends one descriptor that often, and waits.
FLOOD = '''
import socket, sys
ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
for _turn in range(2):
    socket.send_fds(ends[0], [b'x'], [0] * int(sys.argv[1]))
print('ready', flush=True)
sys.stdin.read()
'''
# When we were started, and when a lesson ends: nothing goes by it.
ONLY_TOLD = ('->started = (int64_t)time(NULL);',
             'text_utc(t, (uint64_t)time(NULL) +')
UNSETTABLE = {'CLOCK_MONOTONIC', 'CLOCK_PROCESS_CPUTIME_ID',
              'CLOCK_THREAD_CPUTIME_ID'}


def thousand():
    """1000 clients that never finish a head, and one that does"""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < MANY + 100:
        raise h.Skip(f'only {hard} open files are allowed')
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY + 100),
                                                hard))
    with Bench(args=['--head-timeout', str(HEAD_TIMEOUT),
                     '--max-per-client', '50']) as b:
        began = time.monotonic()
        wires = [Wire(b.host) for _client in range(MANY)]
        for wire in wires:
            try:
                wire.send(b'GET /_ping HT')
            except OSError:
                pass            # refused already
        slowest = max(good_client(b) for _turn in range(10))
        h.check(slowest < 1, f'among {MANY} slow clients another is served '
                'within 1 s', f'{slowest:.2f} s')
        got = statuses(wires, began + HEAD_TIMEOUT + 5)
        took = time.monotonic() - began
        for wire in wires:
            wire.close()
        h.check(took < HEAD_TIMEOUT + 3, 'all are gone after the head '
                'timeout', f'{took:.1f} s')
        b.point(got, {408: 50, 429: MANY - 50},
                '50 of one address may wait, the others get 429')


def one_by_one():
    """a client that comes again as soon as its connection has ended is not
    counted twice"""
    with Bench(args=['--max-per-client', '1']) as b:
        got = {}
        for _turn in range(500):
            with Wire(b.host) as wire:
                wire.ask('GET', '/_ping', b'', 'Connection: close')
                answer = wire.answer()
                h.expect(not wire.more(), 'it has not ended')
            got[answer.status] = got.get(answer.status, 0) + 1
        h.same(got, {200: 500}, h.title(one_by_one))


def good_client(b):
    """Seconds that a request from another address takes."""
    began = time.monotonic()
    with WireFrom(b.host, '127.0.0.2') as wire:
        wire.ask('GET', '/_ping')
        h.expect(wire.answer().status == 200, 'not served')
    return time.monotonic() - began


def statuses(wires, end):
    """Read all to their ends; how many got which status.  0: no answer."""
    watch = select.poll()
    left = {wire.socket.fileno(): wire for wire in wires}
    for number in left:
        watch.register(number, select.POLLIN)
    while left and time.monotonic() < end:
        for number, _what in watch.poll(100):
            try:
                is_open = left[number].more()
            except ConnectionResetError:
                is_open = False
            if not is_open:
                watch.unregister(number)
                del left[number]
    found = {}
    for wire in wires:
        status = parts(wire.held)[0]
        found[status] = found.get(status, 0) + 1
    return found


def full_backlog():
    """dockerd does not accept and its backlog is full"""
    with Bench(profile='readonly', backlog=0, accepts=False) as b:
        waiting = [Wire(b.host) for _client in range(10)]
        began = time.monotonic()
        for wire in waiting:
            wire.ask('GET', '/_ping')
        time.sleep(0.3)
        with Wire(b.host) as wire:
            wire.ask('POST', '/containers/create', b'{}')
            is_judged = wire.answer().status == 403
        answered = select.select([each.socket for each in waiting], [], [],
                                 0)[0]
        h.check(is_judged and not answered, 'others are judged meanwhile')
        burnt = b.burnt(1)
        h.check(burnt < 0.2, 'little time of the CPU is used', burnt)
        watch = {wire.socket: wire for wire in waiting}
        got = []
        while len(watch) > 1 and time.monotonic() - began < 8:
            for sock in select.select(list(watch), [], [], 1)[0]:
                got.append(parts(everything(watch.pop(sock)))[0])
        took = time.monotonic() - began
        h.same(got, [502] * 9, 'all but the one in the backlog: 502')
        h.check(4 < took < 7, 'after the time limit', took)
        b.daemon.accept()
        h.same([wire.answer().status for wire in watch.values()], [200],
               'the one in the backlog is answered when dockerd accepts')
        for wire in waiting:
            wire.close()
        h.same(b.trouble(), '', 'and all is well again')


def no_accept():
    """dockerd does not accept for a while, its backlog has room"""
    with Bench(accepts=False) as b:
        with Wire(b.host) as wire:
            wire.ask('GET', '/_ping')
            is_waiting = not select.select([wire.socket], [], [], 0.5)[0]
            burnt = b.burnt()
            b.daemon.accept()
            status = wire.answer().status
        b.point((is_waiting, burnt < 0.1, status), (True, True, 200),
                'the request waits, and is answered later')


STREAMS = says(CHUNKED + b'5\r\nhello\r\n')


def ask_stream(wire):
    """Status of a request for a stream."""
    wire.ask('GET', '/x')
    return wire.head().status


def ask_or_leave(wire):
    """The same; who is refused goes at once."""
    status = ask_stream(wire)
    if status != 200:
        wire.close()
    return status


def too_many():
    """More clients than --max-workers, connected before they ask"""
    with Bench(args=['--max-workers', '10']) as b:
        b.play(STREAMS)
        wires = [Wire(b.host, 4) for _client in range(40)]
        time.sleep(0.1)
        got = at_once(*[lambda wire=wire: ask_or_leave(wire)
                        for wire in wires])
        h.same((got.count(200), got.count(503)), (10, 30),
               'as many streams as workers, the others get 503')
        for wire in wires:
            wire.close()
        h.same(b.trouble(), '', 'afterwards all is well')


def few_files():
    """The proxy is out of descriptors"""
    # As another user: what all processes of one have on its way counts, too.
    with Bench(args=['--max-workers', '200'], max_files=96, user=UID) as b:
        b.play(STREAMS)
        wires = [Wire(b.host, 8) for _client in range(150)]
        got = at_once(*[lambda wire=wire: ask_or_leave(wire)
                        for wire in wires])
        h.check(got.count(200) >= 8 and set(got) <= {200, 502, 503},
                'streams, and 502 or 503 for what is too much',
                collections.Counter(got))
        burnt = b.burnt()
        h.check(burnt < 0.1, 'and no busy loop', burnt)
        for wire in wires:
            wire.close()
        h.same(b.trouble(5), '', 'afterwards all is well')
        served = at_once(*[b.pings for _turn in range(10)])
        served += [b.pings() for _turn in range(40)]
        h.same(served.count(True), 50, 'and no request fails any more')


def in_flight():
    """Other processes of this user have more descriptors on their way than
    one of ours may have open"""
    with Bench(args=['--max-workers', '100'], max_files=MAX_FILES,
               user=UID) as b:
        with subprocess.Popen(
                become(UID) + [sys.executable, '-c', FLOOD, str(MAX_FILES)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            h.same(other.stdout.readline(), b'ready\n', 'they are')
            began = time.monotonic()
            status = request(b.host, 'GET', '/_ping').status
            took = time.monotonic() - began
        h.same(status, 502, 'a request fails')
        h.check(took < 2, 'at once', took)
        b.proxy.wait_err('error="Too many references')
        h.check(b.pings(), 'when they have arrived, the next is served')
        h.same(b.trouble(), '', 'nothing is left of it')


def few_processes():
    """The limit of processes is reached"""
    with Bench(rules='GET /.*\n', user=UID,
               before=['prlimit', '--nproc=9:1000', '--']) as b:
        b.play(STREAMS)
        held = [Wire(b.host) for _client in range(4)]
        h.same([ask_stream(wire) for wire in held], [200] * 4,
               'as many streams as there are workers')
        b.proxy.wait_err('start a worker')
        with Wire(b.host) as wire:
            wire.ask('GET', '/x')
            burnt = b.burnt(1)
            h.check(burnt < 0.1, 'no busy loop without a fork', burnt)
            tries = b.proxy.err().count('start a worker')
            h.check(1 <= tries < 10, 'it is tried now and then', tries)
            held.pop().close()
            h.same(wire.head().status, 200, 'who is next is served when '
                   'a worker is free')
            subprocess.run(become(UID) + [
                'prlimit', '--nproc=100:1000', '--pid',
                str(b.proxy.process.pid)], check=True)
            more = [Wire(b.host) for _client in range(4)]
            h.same([ask_stream(wire) for wire in more], [200] * 4,
                   'and with a higher limit all are')
            for wire in held + more:
                wire.close()
        h.same(b.trouble(), '', 'nothing is left of it')


def clock():
    """The clock of the machine is set while the proxy runs"""
    folder = os.path.join(os.environ.get('srcdir') or '.', 'src')
    files = glob.glob(folder + '/*.c')
    if not files:
        raise h.Skip('no source here')
    found = set()
    for path in files:
        text = h.read(path)
        for words in ONLY_TOLD:
            text = text.replace(words, '')
        found.update(re.findall(
            r'\b(?:time|ftime|gettimeofday|timespec_get|alarm|setitimer|'
            r'timer_create|timerfd_create)\(|\bCLOCK_\w+', text))
    h.check('CLOCK_MONOTONIC' in found and found <= UNSETTABLE,
            'no clock is used that can be set', found)


def body():
    faulty.run(__file__, [thousand, one_by_one, full_backlog, no_accept,
                          too_many, few_files, in_flight, few_processes,
                          clock])


h.main(body, needs_docker=False)
