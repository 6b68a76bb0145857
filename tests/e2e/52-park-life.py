#!/usr/bin/python3 -B
"""The parking process: what it may do, what its death costs, reloads, and the
end of the program."""

import os
import pwd
import signal
import time

import faulty
import harness as h
import worlds
from parkyard import (LISTENERS, RULES, SOON, WORKERS, Yard, close_all, echo,
                      has_ended, is_served, sockets, status)
from wire import Wire

KILLS = 20


# -- reload and end ---------------------------------------------------------

def reload(b):
    seen = b.proxy.err().count(' reloaded')
    b.proxy.process.send_signal(signal.SIGHUP)
    h.until(lambda: b.proxy.err().count(' reloaded') > seen,
            'it is in the log')


def new_rules():
    """after a reload parked clients live on, under the new rules"""
    with Yard() as b:
        wires = b.clients(20)
        b.wait_parked(20)
        parks = b.proxy.parks()
        b.proxy.write_rules('GET /new/.*\n')
        reload(b)
        h.same(sorted(b.proxy.parks()), sorted(parks), 'the same processes')
        got = []
        for wire in wires:
            wire.ask('GET', '/old')
            got.append(wire.answer().status)
        h.same(got, [403] * 20, 'what is not allowed any more: 403')
        h.check(all(is_served(wire, '/new/x') for wire in wires),
                h.title(new_rules))
        b.wait_parked(20)
        close_all(wires)


def other_start(b, what, conf, check):
    """A reload that needs other parking processes."""
    wires = b.clients(5)
    b.wait_parked(5)
    old = b.proxy.parks()
    b.proxy.write_conf(conf)
    b.proxy.process.send_signal(signal.SIGHUP)
    h.same([has_ended(wire) for wire in wires], [True] * 5,
           f'{what}: clients are closed')
    h.until(lambda: len(b.proxy.parks()) == LISTENERS
            and not set(old) & set(b.proxy.parks()), 'new processes', 5)
    wires += b.clients(5)
    b.wait_parked(5)
    h.check(check(b.proxy.parks()), f'{what}: others are parked')
    close_all(wires)


def uids(pids):
    return {h.fields(f'/proc/{pid}/status')['Uid'].split()[0]
            for pid in pids}


def new_user():
    """a reload with another user"""
    h.need_root()
    with Yard() as b:
        want = {str(pwd.getpwnam('daemon').pw_uid)}
        other_start(b, 'another user', 'user daemon\n',
                    lambda pids: uids(pids) == want)
        h.check(b.pings(), 'all is well')


def new_log():
    """a reload with another log"""
    with Yard() as b:
        other_start(b, 'another log', 'log-format json\n', len)
        h.check(b.pings(), 'all is well')


def no_listener():
    """a reload without a listener closes who is parked there"""
    with faulty.Faulty() as d:
        d.script = echo
        p = h.Proxy(d.path, rules=RULES)
        lines = [f'listen tcp://127.0.0.1:{h.free_port()}\n'
                 for _each in range(2)]
        p.without('--listen')
        p.write_conf(''.join(lines))
        p.hosts = [line.split()[1] for line in lines]
        with p:
            wires = [Wire(host) for host in p.hosts]
            h.same([status(wire) for wire in wires], [200] * 2, 'served')
            h.until(lambda: all(len(sockets(pid)) == 2
                                for pid in p.parks()), 'all are parked')
            p.write_conf(lines[1])
            p.process.send_signal(signal.SIGHUP)
            h.check(has_ended(wires[0]), h.title(no_listener))
            h.until(lambda: len(p.parks()) == 1, 'its process has ended', 5)
            h.same(status(wires[1]), 200, 'the other one lives on')
            close_all(wires)


def term():
    """TERM with parked clients"""
    with Yard() as b:
        wires = b.clients(100)
        b.wait_parked(100)
        children = list(b.proxy.children())
        began = time.monotonic()
        b.proxy.process.terminate()
        code = b.proxy.process.wait(10)
        took = time.monotonic() - began
        h.same(code, 0, 'TERM with parked clients: 0')
        h.check(took < 1, 'within a second', f'{took:.2f} s')
        h.same([has_ended(wire) for wire in wires].count(True), 100,
               'clients see an end')
        h.check(not any(map(h.is_alive, children)), 'no process is left')
        close_all(wires)


def master():
    """kill -9 of the master"""
    b = Yard()
    with b:
        wires = b.clients(10)
        b.wait_parked(10)
        children = list(b.proxy.children())
        b.proxy.process.kill()
        b.proxy.process.wait()
        h.same([has_ended(wire) for wire in wires].count(True), 10,
               'the master killed: clients see an end')
        h.until(lambda: not any(map(h.is_alive, children)),
                'no process is left', 2)
        b.proxy.start()
        h.check(b.pings(), 'it can be started again')
        close_all(wires)


def killed():
    """kill -9 of the parking process"""
    with Yard() as b:
        wires = b.clients(20)
        b.wait_parked(20)
        old = set(b.proxy.workers())
        for pid in b.proxy.parks():
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        h.same([has_ended(wire) for wire in wires].count(True), 20,
               'its clients see an end')
        h.check(b.pings() and time.monotonic() - began < 1,
                'new requests work at once')
        close_all(wires)
        # Clients may see their end before workers see that of the process:
        # whom one of those takes is not parked.
        h.until(lambda: not old & set(b.proxy.workers()), 'workers go', 10)
        wires = b.clients(20)
        b.wait_parked(20, 3 * SOON)
        h.check(all(is_served(wire, '/x') for wire in wires),
                'others are parked and served')
        h.same(b.proxy.err().count('park (pid '), LISTENERS,
               'the log tells of it')
        close_all(wires)


def killed_often():
    """it is killed again and again"""
    with Yard() as b:
        open_before = len(h.descriptors(b.proxy.process.pid))
        began = time.monotonic()
        for _turn in range(KILLS):
            pids = h.until(b.proxy.parks, 'a parking process', 15)
            os.kill(pids[0], signal.SIGKILL)
            h.until(lambda: not h.is_alive(pids[0]) and
                    len(b.proxy.parks()) == LISTENERS, 'a new one', 15)
            h.expect(b.pings(), 'no answer')
        took = time.monotonic() - began
        h.check(took > KILLS * 0.08, f'{KILLS} deaths: not without a pause '
                'between', f'{took:.1f} s')
        h.same(len(h.descriptors(b.proxy.process.pid)), open_before,
               'the master has no more descriptors')
        want = 1 + 1 + LISTENERS + LISTENERS * WORKERS
        h.until(lambda: len(b.processes()) == want, 'as many processes as '
                'at first', 10)
        wires = b.clients(5)
        b.wait_parked(5)
        h.check(True, 'and clients are parked')
        close_all(wires)


# -- what it is -------------------------------------------------------------

def identity():
    """what the parking process may do, and what it holds"""
    h.need_root()
    with Yard() as b:
        b.proxy.wait_confined()
        wires = b.clients(3)
        b.wait_parked(3)
        h.same(len(b.proxy.parks()), LISTENERS, 'one for each listener')
        # In a container it stays who it is.
        master = h.fields(f'/proc/{b.proxy.process.pid}/status')
        user = pwd.getpwnam('nobody')
        uid, gid = (master['Uid'], master['Gid']) if worlds.CONTAINER else \
            ('\t'.join([str(number)] * 4)
             for number in (user.pw_uid, user.pw_gid))
        for pid in b.proxy.parks():
            is_confined(h.fields(f'/proc/{pid}/status'), uid, gid)
            holds_little(pid)
        close_all(wires)


def is_confined(found, uid, gid):
    for name in 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb':
        h.same(int(found[name], 16), 0, f'park: {name}')
    h.same(found['Uid'], uid, 'park: uid')
    h.same(found['Gid'], gid, 'park: gid')
    h.same(found['NoNewPrivs'], '1', 'park: no new privileges')
    mode = os.environ.get('DSP_SANDBOX', 'trap')
    h.same(found['Seccomp'], '0' if mode == 'off' else '2',
           'park: the system call filter')


def holds_little(pid):
    """Standard input, output and error, the pair, its set, and clients."""
    what = {int(name): os.readlink(f'/proc/{pid}/fd/{name}')
            for name in os.listdir(f'/proc/{pid}/fd')}
    kinds = [what[fd].partition(':')[0] for fd in sorted(what) if fd > 2]
    h.same((kinds[:2], set(kinds[2:]) <= {'socket'}),
           (['socket', 'anon_inode'], True), 'park: its descriptors')
    h.same(what.get(4), 'anon_inode:[eventpoll]', 'park: its set')


def body():
    h.each([new_rules, new_user, new_log, no_listener, term, master, killed,
            killed_often, identity])


h.main(body, needs_docker=False)
