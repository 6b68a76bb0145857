#!/usr/bin/python3 -B
"""What a death costs: a worker's its connection, the gate's nothing that
runs, the master's everything, and the port is free."""

import os
import signal
import time

import harness as h
from wire import Wire, address, request

NAME = 'dsp-kill'
IDLE = 4            # workers that are kept idle


def stream(p):
    """A connection that streams the log of a talking container."""
    wire = Wire(p.host)
    wire.ask('GET', f'/containers/{NAME}/logs?stdout=1&follow=1&tail=1')
    h.expect(wire.head().status == 200, 'no answer')
    h.expect(wire.chunk(), 'no first chunk')
    return wire


def flows(wire):
    """True when several more chunks come."""
    try:
        return all(wire.chunk() for _turn in range(3))
    except (OSError, EOFError, ValueError):
        return False


def worker_of(p, wire):
    """The process that holds the other end of a TCP connection."""
    ends = (f':{address(p.host)[1][1]:04X}', f':{wire.port():04X}')
    inodes = set()
    for table in '/proc/net/tcp', '/proc/net/tcp6':
        if not os.path.exists(table):
            continue
        for row in map(str.split, h.read(table).splitlines()[1:]):
            if row[1].endswith(ends[0]) and row[2].endswith(ends[1]):
                inodes.add(f'socket:[{row[9]}]')
    found = [pid for pid in p.children() if inodes & set(h.descriptors(pid))]
    h.expect(len(found) == 1, 'workers of the connection:', found)
    return found[0]


def works(p):
    try:
        return request(p.host, 'GET', '/version').status == 200
    except (OSError, EOFError):
        return False


def worker(d):
    """kill -9 of a busy worker"""
    with h.Proxy(d.socket) as p, stream(p) as one, stream(p) as two, \
            stream(p) as three:
        pid = worker_of(p, two)
        told = str(h.inner_pid(pid))
        os.kill(pid, signal.SIGKILL)
        h.check(ends(two), 'the connection of a killed worker ends')
        h.check(flows(one) and flows(three), 'the others stream on')
        h.check(works(p), 'new requests work')
        h.until(lambda: len(p.workers()) >= 2 + IDLE, 'a new worker', 5)
        h.check(pid not in p.children(), 'the worker is replaced')
        h.has(p.err(), told, 'the log tells of it')


def ends(wire):
    try:
        wire.rest()
    except ConnectionResetError:
        pass
    return True


def idle_workers(d):
    """kill -9 of all idle workers at once"""
    with h.Proxy(d.socket) as p, stream(p) as one:
        busy = worker_of(p, one)
        for pid in p.workers():
            if pid != busy:
                os.kill(pid, signal.SIGKILL)
        h.until(lambda: works(p), 'requests work again', 5)
        h.check(True, 'all idle workers killed: requests work within 5 s')
        h.check(flows(one), 'and a stream goes on')


def gate(d):
    """kill -9 of the gate"""
    with h.Proxy(d.socket) as p, stream(p) as one:
        gates = p.gates()
        h.same(len(gates), 1, 'one gate')
        os.kill(gates[0], signal.SIGKILL)
        time.sleep(0.1)
        h.until(lambda: works(p), 'requests work again', 2)
        h.check(True, 'the gate killed: requests work within 2 s')
        h.check(flows(one), 'and a stream goes on')


def master(d):
    """kill -9 of the master"""
    p = h.Proxy(d.socket)
    p.start()
    with stream(p) as one:
        children = list(p.children())
        h.check(len(children) > 2, 'there are children', children)
        p.process.kill()
        p.process.wait()
        h.until(lambda: not any(map(h.is_alive, children)),
                'all children are dead', 2)
        h.check(True, 'the master killed: all children die within 2 s')
        h.check(ends(one), 'a stream ends')
        h.until(lambda: not h.can_connect(p.host), 'the port is free', 2)
        h.check(True, 'and the port refuses connections')
        p.start()
        h.check(works(p), 'the same port can be used again')
    p.__exit__()


def body():
    h.need_root()
    with h.Dockerd() as d:
        h.run_container(d.host, 'sh', '-c',
                        'while sleep 0.1; do echo talk; done',
                        options=('--name', NAME))
        h.each([worker, idle_workers, gate, master], d)


h.main(body)
