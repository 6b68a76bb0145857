#!/usr/bin/python3 -B
"""Whatever is killed while an order is under way: serving resumes by itself,
nothing leaks, no request is executed twice.

DSP_SEED    repeats the order of the kills (the number is printed)
"""

import collections
import io
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

import dockerd
import faulty
import harness as h
from once_chaos import Clients, Killer, Trace, never_twice
from wire import Wire, json_of, request

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = int(os.environ.get('DSP_SEED') or random.randrange(1 << 30))
GATE_FD = '0x4'         # of a worker: see worker.c
DIAL = 5                # seconds that a worker waits for the gate
SOON = 2                # seconds in which serving resumes
CHAOS = 15              # seconds of killing, with the stand-in
DOCKER_CHAOS = 4        # the same with dockerd, before and after its restart
FEWEST = 500            # requests served: less than this says nothing
DOCKER_FEWEST = 25
BACK_OFF = 15           # seconds after many early deaths, and some more
TICK = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
EMPTY = 'dsp-once'      # an image of next to nothing


# -- one order under way ---------------------------------------------------

def upstream(conn):
    """What the stand-in does: answers with the target, or streams."""
    conn.take_head()
    if conn.target == '/stream':
        conn.send(TICK)
        while True:
            conn.send(b'4\r\ntick\r\n')
            time.sleep(0.05)
    length = re.search(rb'content-length: (\d+)', conn.got.lower())
    while length and len(conn.body()) < int(length[1]):
        if not conn.more():
            return
    target = conn.target.encode()
    conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s'
              % (len(target), target))
    conn.close()


def bench(**more):
    b = faulty.Bench(**more)
    b.daemon.script = upstream
    return b


def times(b, target):
    """How often upstream has read this request."""
    return [conn.target for conn in b.daemon.conns].count(target)


def stream(b):
    wire = Wire(b.host)
    wire.ask('GET', '/stream')
    h.expect(wire.head().status == 200 and wire.chunk(), 'no stream')
    return wire


def flows(wire):
    """True when more comes than can have been on the way."""
    end = time.monotonic() + 0.3
    try:
        while time.monotonic() < end:
            if wire.chunk() != b'tick':
                return False
    except (OSError, EOFError, ValueError):
        return False
    return True


def is_asking(pid):
    """A worker that waits for the gate."""
    try:
        return h.read(f'/proc/{pid}/syscall').split()[1:2] == [GATE_FD]
    except OSError:
        return False


def order(b, wire, target):
    """Send a request whose order is certain to be under way: the gate has
    been stopped and cannot have read it.  Pids of gate and worker."""
    gate = b.proxy.gates()[0]
    os.kill(gate, signal.SIGSTOP)
    h.until(lambda: h.fields(f'/proc/{gate}/status')['State'][0] == 'T',
            'the gate is stopped')
    wire.ask('POST', target, b'{"some": "body"}')
    asking = h.until(lambda: [pid for pid in b.proxy.workers()
                              if is_asking(pid)], 'a worker asks')
    h.expect(len(asking) == 1, 'workers that ask:', asking)
    h.expect(times(b, target) == 0, 'it is executed already')
    return gate, asking[0]


def end_of(wire):
    """Status (0: none) of what comes, up to the end of the connection."""
    return faulty.parts(faulty.everything(wire))[0]


def serves(b, target):
    try:
        answer = request(b.host, 'GET', target, timeout=SOON)
    except (OSError, EOFError):
        return False
    return (answer.status, answer.body) == (200, target.encode())


def resumes(b, text):
    """A request made now, or the next one, is served soon; each has a
    number of its own."""
    began = time.monotonic()
    turn = 0
    while not serves(b, f'/resume/{turn}') and \
            time.monotonic() < began + h.PATIENCE:
        turn += 1
        time.sleep(0.02)
    took = time.monotonic() - began
    h.check(took < SOON, f'{text}: requests are served within {SOON} s',
            f'after {took:.1f} s and {turn} that were not')


def nothing_upstream(b, text, streams=0):
    """Only streams are left open."""
    def is_rest():
        return len(b.daemon.leaks()) == streams
    end = time.monotonic() + faulty.SOON
    while not is_rest() and time.monotonic() < end:
        time.sleep(0.02)
    h.check(is_rest(), f'{text}: no connection is left upstream',
            b.daemon.leaks())


def not_twice(b, text, target, most=1):
    """After all has settled."""
    time.sleep(0.3)
    every = collections.Counter(conn.target for conn in b.daemon.conns
                                if conn.target != '/stream')
    h.check(times(b, target) <= most and set(every.values()) <= {1},
            f'{text}: executed {"at most once" if most else "never"}', every)


def worker_killed(text='the worker killed with its order under way'):
    """the worker is killed while its order is under way"""
    with bench() as b:
        trace = Trace(b.proxy)
        with stream(b) as other, Wire(b.host) as wire:
            gate, worker = order(b, wire, '/once')
            os.kill(worker, signal.SIGKILL)
            h.same(end_of(wire), 0, f'{text}: its connection ends')
            os.kill(gate, signal.SIGCONT)
            resumes(b, text)
            h.check(flows(other), f'{text}: a stream goes on')
            h.same(b.proxy.gates(), [gate], f'{text}: the gate lives on')
            nothing_upstream(b, text, 1)
        not_twice(b, text, '/once')
        trace.check(text)


def gate_killed(text='the gate killed with an order under way'):
    """the gate is killed while an order is under way"""
    with bench() as b:
        trace = Trace(b.proxy)
        with stream(b) as other, Wire(b.host) as wire:
            gate, worker = order(b, wire, '/once')
            os.kill(gate, signal.SIGKILL)
            h.same(end_of(wire), 502, f'{text}: the client is told')
            resumes(b, text)
            h.check(flows(other), f'{text}: a stream goes on')
            h.until(lambda: not h.is_alive(worker), 'the worker ends', 5)
            nothing_upstream(b, text, 1)
        not_twice(b, text, '/once', 0)
        trace.check(text)


def too_late(text='an answer that comes too late'):
    """the gate answers when the worker waits no longer"""
    with bench() as b:
        trace = Trace(b.proxy)
        with Wire(b.host, 2 * DIAL) as wire:
            gate, worker = order(b, wire, '/once')
            began = time.monotonic()
            status = end_of(wire)
            took = time.monotonic() - began
        h.check(status == 502 and DIAL - 0.5 < took < DIAL + 2,
                f'{text}: 502 after {DIAL} s', status, took)
        line = b.proxy.wait_err('reason=no-docker').splitlines()[0]
        has = re.search(r'worker=\d+', line)[0]
        os.kill(gate, signal.SIGCONT)
        # A late answer, if there is one, lies in the worker's pair now.
        time.sleep(0.3)
        nothing_upstream(b, text)
        wires = []
        try:
            while not is_served_by(b, has, wires) and h.is_alive(worker):
                h.expect(len(wires) < 20, has, 'serves nobody')
        finally:
            for each in wires:
                each.close()
        h.check(True, f'{text}: the next requests get answers of their own')
        not_twice(b, text, '/once')
        trace.check(text)
        h.same(b.trouble(), '', f'{text}: no trouble')


def is_served_by(b, worker, wires):
    """Make one more connection, keep it open, and say whether this worker
    got it.  The answer must be the request's own."""
    target = f'/next/{len(wires)}'
    wires.append(Wire(b.host))
    wires[-1].ask('GET', target)
    answer = wires[-1].answer()
    h.expect(answer.body == target.encode(), target, 'got', answer)
    line = b.proxy.wait_err(f'path={target} ').splitlines()[0]
    return worker in line.split()


def client_left(text='the client gone with its order under way'):
    """the client leaves while its order is under way"""
    for how in Wire.close, faulty.reset:
        with bench() as b:
            trace = Trace(b.proxy)
            wire = Wire(b.host)
            gate, _worker = order(b, wire, '/once')
            how(wire)
            time.sleep(0.1)
            os.kill(gate, signal.SIGCONT)
            resumes(b, text)
            nothing_upstream(b, text)
            not_twice(b, text, '/once')
            trace.check(text)
            h.same(b.trouble(), '', f'{text}: no trouble')


# -- a backlog that is full -------------------------------------------------

def fill(b):
    """Connections that nobody accepts, until there is no room."""
    wires = []
    while True:
        wire = socket.socket(socket.AF_UNIX)
        wire.setblocking(False)
        wires.append(wire)
        if wire.connect_ex(b.daemon.path) != 0:
            return wires
        h.expect(len(wires) < 10, 'the backlog has no end')


def all_ask(b, count):
    """So many ask at once, each for its own."""
    wires = [Wire(b.host, 2 * DIAL) for _each in range(count)]
    for number, wire in enumerate(wires):
        wire.ask('POST', f'/once/{number}', b'body')
    return wires


def backlog_full(text='a backlog that stays full'):
    """dockerd's backlog is full"""
    with bench(backlog=0, accepts=False) as b:
        trace = Trace(b.proxy)
        held = fill(b)
        began = time.monotonic()
        wires = all_ask(b, 8)
        gate = b.proxy.gates()[0]
        before = faulty.cpu(gate)
        got = [end_of(wire) for wire in wires]
        took = time.monotonic() - began
        h.same(got, [502] * 8, f'{text}: all are told')
        # One that made the others wait would need eight times as long.
        h.check(DIAL - 1 < took < DIAL + 2, f'{text}: at once, after '
                f'{DIAL} s', took)
        h.check(faulty.cpu(gate) - before < 0.5,
                f'{text}: the gate has little work', faulty.cpu(gate))
        b.daemon.accept()
        for each in held:
            each.close()
        resumes(b, text)
        h.same([times(b, f'/once/{number}') for number in range(8)], [0] * 8,
               f'{text}: none of them is executed')
        trace.check(text)
        h.same(b.trouble(), '', f'{text}: no trouble')


def backlog_clears(text='a backlog that is full for a while'):
    """dockerd's backlog is full, and dockerd accepts again"""
    with bench(backlog=0, accepts=False) as b:
        trace = Trace(b.proxy)
        held = fill(b)
        wires = all_ask(b, 8)
        time.sleep(1)
        b.daemon.accept()
        began = time.monotonic()
        answers = [wire.answer() for wire in wires]
        took = time.monotonic() - began
        h.same([(answer.status, answer.body) for answer in answers],
               [(200, f'/once/{number}'.encode()) for number in range(8)],
               f'{text}: each gets its own answer')
        h.check(took < SOON, f'{text}: within {SOON} s', took)
        for each in wires + held:
            each.close()
        h.same([times(b, f'/once/{number}') for number in range(8)], [1] * 8,
               f'{text}: each is executed once')
        trace.check(text)
        h.same(b.trouble(), '', f'{text}: no trouble')


# -- kills at random ---------------------------------------------------------

class Upstream:
    """once_upstream.py as a process."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='dsp-once.', dir='/tmp')
        os.chmod(self.dir, 0o755)
        self.path = self.dir + '/docker.sock'
        self.record = self.dir + '/record'
        self.process = None

    def __enter__(self):
        self.start()
        h.until(lambda: os.path.exists(self.path)
                and h.can_connect('unix://' + self.path), 'the stand-in')
        return self

    def __exit__(self, *_why):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, '-B', HERE + '/once_upstream.py', self.path,
             self.record], stdin=subprocess.DEVNULL)

    def restart(self, pause):
        self.process.kill()
        self.process.wait()
        time.sleep(pause)
        self.start()

    def executed(self):
        return collections.Counter(int(number) for _method, number, _line
                                   in self.lines())

    def lines(self):
        """Method, number, and "once" or "kept"."""
        return [line.split() for line in h.read(self.record).splitlines()]


def numbered(number):
    method = 'POST' if number % 2 else 'GET'
    return method, f'/once/{number}', b'{"a": 1}' if number % 2 else b''


def take_number(number, answer):
    h.expect(answer.body == str(number).encode(), 'of another one')


def judge_chaos(text, clients, killer, executed, fewest):
    h.note(f'{text}: {clients.summary()}, killed: {killer.killed}')
    never_twice(text, clients, executed)
    h.check(len(clients.good()) >= fewest,
            f'{text}: {fewest} requests and more were served')
    h.check(len(killer.killed) == len(killer.turns) - 1
            and min(killer.killed.values()) > 2,
            f'{text}: of each kind more than two were killed')


def works(proxy, target):
    try:
        return request(proxy.host, 'GET', target).status == 200
    except (OSError, EOFError):
        return False


def chaos(text='chaos'):
    """gate, workers and upstream are killed at random"""
    with Upstream() as upstream_process, \
            h.Proxy(upstream_process.path) as p:
        trace = Trace(p)
        killer = Killer(p, SEED, upstream_process.restart)
        with Clients(p.host, 8, numbered, take_number, 0.005) as clients:
            killer.run(CHAOS)
        h.until(lambda: works(p, '/once/0'), 'it serves', BACK_OFF)
        executed = upstream_process.executed()
        del executed[0]
        kept = collections.Counter(
            method for method, _number, line in upstream_process.lines()
            if line == 'kept')
        h.check(set(kept) == {'GET'} and kept['GET'] >= FEWEST // 5,
                f'{text}: {kept["GET"]} GET and nothing else on connections '
                'that are kept', kept)
        judge_chaos(text, clients, killer, executed, FEWEST)
        trace.check(text, is_calm=True)
        # Some are never answered.
        h.check(any(works(p, '/once/0') for _turn in range(5)),
                f'{text}: requests are served')


# -- the same with dockerd ----------------------------------------------------

def load_empty(d):
    """An image whose containers cost next to nothing."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode='w') as archive:
        archive.addfile(tarfile.TarInfo('none'))
    h.expect(h.docker(d.host, 'import', '-', EMPTY,
                      stdin=tar.getvalue()).code == 0, 'no image')


def halt(d):
    """End dockerd and leave what it has on its disk."""
    h.end(d.process)
    d.process = None
    for pid in dockerd.containerds(d.dir + '/'):
        os.kill(pid, signal.SIGKILL)


def creation(number):
    """Without a name, so that nothing but the proxy prevents a second."""
    return 'POST', '/containers/create', (
        b'{"Image": "%s", "Cmd": ["none"], "Labels": {"once": "%d"}}'
        % (EMPTY.encode(), number))


def created(d):
    answer = request(d.host, 'GET', '/containers/json?all=1')
    return {each['Id']: int(each['Labels']['once'])
            for each in json_of(answer)}


def with_dockerd(text='with dockerd'):
    """gate and workers are killed, dockerd restarts"""
    ids = {}

    def take(number, answer):
        ids[json_of(answer)['Id']] = number

    with h.Dockerd(must_own=True) as d, h.Proxy(d.socket) as p:
        load_empty(d)
        trace = Trace(p)
        killer = Killer(p, SEED)
        with Clients(p.host, 4, creation, take, 0.1) as clients:
            killer.run(DOCKER_CHAOS)
            began = time.monotonic()
            halt(d)
            d.start()
            h.note(f'dockerd took {time.monotonic() - began:.1f} s')
            began = time.monotonic()
            h.until(lambda: clients.good_at[-1] > began, 'it serves',
                    BACK_OFF)
            h.check(True, f'{text}: it serves again when dockerd does')
            killer.run(DOCKER_CHAOS)
        found = created(d)
        judge_chaos(text, clients, killer,
                    collections.Counter(found.values()), DOCKER_FEWEST)
        h.check(ids.items() <= found.items(),
                f'{text}: what was told is what is there')
        h.until(lambda: works(p, '/version'), 'it serves', BACK_OFF)
        trace.check(text, is_calm=True)
        halt(d)         # its containers go with its folder


def body():
    h.need_root()
    h.note(f'DSP_SEED={SEED}')
    h.each([worker_killed, gate_killed, too_late, client_left, backlog_full,
            backlog_clears, chaos])
    h.need_docker()
    h.each([with_dockerd])


h.main(body, needs_docker=False)
