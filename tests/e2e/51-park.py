#!/usr/bin/python3 -B
"""Idle clients are parked: they cost no worker, are served again when they
speak, and one process dies with them or ends with the program."""

import os
import pwd
import resource
import signal
import time

import faulty
import harness as h
from faulty import Bench, WireFrom
from wire import Wire

MANY = 1000             # idle clients
WORKERS = 4             # that are kept idle for a listener
LISTENERS = 2           # of a Bench
KILLS = 20
RULES = 'GET /.*\n'
SOON = 4                # seconds until an idle client is parked at the latest


def echo(conn):
    """The target as the answer's body."""
    conn.take_head()
    body = conn.target.encode()
    conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body) +
              body)
    conn.close()


class Yard(Bench):
    """A bench whose stand-in answers with the target."""

    def __init__(self, *args, **more):
        super().__init__(args, rules=RULES, **more)
        self.play(echo)

    def parked(self):
        """Connections that the parking processes hold."""
        return sum(len(sockets(pid)) - 1 for pid in self.proxy.parks())

    def wait_parked(self, count, seconds=SOON):
        h.until(lambda: self.parked() == count, f'{count} are parked, not '
                f'{self.parked()}', seconds)

    def clients(self, count):
        """Idle ones that have been served once."""
        wires = []
        for number in range(count):
            wires.append(Wire(self.host, 20))
            h.expect(is_served(wires[-1], f'/first/{number}'), 'not served')
        return wires


def sockets(pid):
    """Those of a parking process, beside standard output and error."""
    found = []
    for name in os.listdir(f'/proc/{pid}/fd'):
        try:
            if int(name) > 2:
                found.append(os.readlink(f'/proc/{pid}/fd/{name}'))
        except FileNotFoundError:
            pass                # closed just now
    return [what for what in found if what.startswith('socket:')]


def is_served(wire, target):
    wire.ask('GET', target)
    return is_answered(wire, target)


def is_answered(wire, target):
    answer = wire.answer()
    if (answer.status, answer.body) != (200, target.encode()):
        h.note(f'{target}: {answer!r}')
        return False
    return True


def has_ended(wire, seconds=2):
    """The connection ends cleanly, without a byte."""
    wire.socket.settimeout(seconds)
    try:
        return wire.socket.recv(1) == b''
    except OSError:
        return False


def close_all(wires):
    for wire in wires:
        wire.close()


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

def allow_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3 * MANY:
        raise h.Skip(f'only {hard} open files are allowed')
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3 * MANY), hard))


def many(*args):
    allow_files()
    what = f'{MANY} idle clients {" ".join(args)}: '
    with Yard(*args) as b:
        spare = len(b.processes())
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
        all_at_once(wires, what)
        b.wait_parked(MANY)
        close_all(wires[:MANY // 2])
        b.wait_parked(MANY - MANY // 2)
        close_all(wires)
        b.wait_parked(0)
        h.same(b.trouble(), '', what + 'they go, and all is well')


def one_by_one(b, wires, what):
    began = time.monotonic()
    served = [is_served(wire, f'/again/{number}')
              for number, wire in enumerate(wires[::10])]
    h.same(served.count(True), len(served), what + 'served again')
    h.note(f'{what}{len(served)} one by one in '
           f'{time.monotonic() - began:.1f} s')


def all_at_once(wires, what):
    began = time.monotonic()
    for number, wire in enumerate(wires):
        wire.ask('GET', f'/together/{number}')
    served = [is_answered(wire, f'/together/{number}')
              for number, wire in enumerate(wires)]
    took = time.monotonic() - began
    h.same(served.count(True), len(served), what + 'served all at once')
    h.check(took < 15, what + 'in time', f'{took:.1f} s')
    h.note(f'{what}all at once in {took:.1f} s')


def many_default():
    """1000 idle clients"""
    many()


def many_small():
    """1000 idle clients and 16 workers"""
    many('--max-workers', '16')


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


def status(wire):
    wire.ask('GET', '/x')
    return wire.answer().status


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


def other_start(b, conf, check):
    """A reload that needs other parking processes."""
    wires = b.clients(5)
    b.wait_parked(5)
    old = b.proxy.parks()
    b.proxy.write_conf(conf)
    b.proxy.process.send_signal(signal.SIGHUP)
    h.same([has_ended(wire) for wire in wires], [True] * 5,
           f'{conf.strip()}: clients are closed')
    h.until(lambda: len(b.proxy.parks()) == LISTENERS
            and not set(old) & set(b.proxy.parks()), 'new processes', 5)
    wires += b.clients(5)
    b.wait_parked(5)
    h.check(check(b.proxy.parks()), f'{conf.strip()}: others are parked')
    close_all(wires)


def uids(pids):
    return {h.fields(f'/proc/{pid}/status')['Uid'].split()[0]
            for pid in pids}


def new_start():
    """a reload with another user or log"""
    h.need_root()
    with Yard() as b:
        want = {str(pwd.getpwnam('daemon').pw_uid)}
        other_start(b, 'user daemon\n', lambda pids: uids(pids) == want)
        other_start(b, 'user daemon\nlog-level debug\n', len)
        h.same(b.trouble(), '', 'all is well')


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
        for pid in b.proxy.parks():
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        h.same([has_ended(wire) for wire in wires].count(True), 20,
               'its clients see an end')
        h.check(b.pings() and time.monotonic() - began < 1,
                'new requests work at once')
        close_all(wires)
        wires = b.clients(20)
        b.wait_parked(20)
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
        user = pwd.getpwnam('nobody')
        for pid in b.proxy.parks():
            is_confined(h.fields(f'/proc/{pid}/status'), user)
            holds_little(pid)
        close_all(wires)


def is_confined(found, user):
    for name in 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb':
        h.same(int(found[name], 16), 0, f'park: {name}')
    h.same(found['Uid'].split(), [str(user.pw_uid)] * 4, 'park: uid')
    h.same(found['Gid'].split(), [str(user.pw_gid)] * 4, 'park: gid')
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
    h.each([many_default, many_small, pieces, says_nothing, half_closed,
            timeout, per_client, per_client_everywhere, new_rules, new_start,
            no_listener, term, master, killed, killed_often, identity])


h.main(body, needs_docker=False)
