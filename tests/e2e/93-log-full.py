#!/usr/bin/python3 -B
"""A log whose reader stops reading, or is gone: requests are served, and the
lines that were lost are counted and told."""

import fcntl
import json
import os
import re
import select
import signal
import socket
import stat
import subprocess
import threading
import time

import faulty
import harness as h
from wire import Wire, request

SMALL = 4096            # bytes of a full pipe: some 30 lines
SET_PIPE_SIZE = 1031    # F_SETPIPE_SZ
MANY = 200              # requests: far more than fit
CROWD = 14              # clients at once: more than a few workers
SPARE = 20              # seconds until spare workers have gone
LOST = re.compile(r'^(?:warn lost lines=|\{"level":"warn","event":"lost",'
                  r'"lines":)(\d+)\}?$', re.MULTILINE)


class Reader:
    """The other end of a log.  It reads when it is told to."""

    def __init__(self, kind):
        if kind == 'pipe':
            self.end, self.log = os.pipe()
            fcntl.fcntl(self.log, SET_PIPE_SIZE, SMALL)
        else:               # as the journal of systemd has it
            one, two = socket.socketpair()
            two.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
            self.end, self.log = one.detach(), two.detach()
        self.text = ''
        self.is_over = False
        self.reads = threading.Event()
        self.reads.set()
        self.thread = threading.Thread(target=self.read_all, daemon=True)
        self.thread.start()

    def read_all(self):
        while not self.is_over:
            if not self.reads.wait(0.05) or not \
                    select.select([self.end], [], [], 0.05)[0]:
                continue
            if self.reads.is_set():
                self.text += os.read(self.end, 65536).decode()

    def flags(self):
        return fcntl.fcntl(self.log, fcntl.F_GETFL)

    def close(self):
        """For good: only the program is left with it."""
        if not self.is_over:
            self.is_over = True
            self.thread.join()
            os.close(self.log)
            os.close(self.end)

    def count(self, text):
        return self.text.count(text)

    def lost(self):
        return sum(int(number) for number in LOST.findall(self.text))


class Logged(h.Proxy):
    """The program with readers at its standard output and error."""

    def __init__(self, docker_socket, out='pipe', err='pipe', args=()):
        super().__init__(docker_socket, args=['--log-requests', *args],
                         rules='[A-Z]+ /.*\n')
        self.readers = {'out': Reader(out), 'err': Reader(err)}

    def start(self):
        self.process = subprocess.Popen(
            self.command, env=h.clean_environment(self.env),
            stdin=subprocess.DEVNULL, stdout=self.readers['out'].log,
            stderr=self.readers['err'].log)
        h.until(lambda: self.serves(self.host), 'it serves')

    def out(self):
        return self.readers['out'].text

    def err(self):
        return self.readers['err'].text

    def __exit__(self, *why):
        for reader in self.readers.values():
            reader.reads.set()
        super().__exit__(*why)
        for reader in self.readers.values():
            reader.close()


def served(p, count):
    """How many requests were served, and none of them late."""
    good = 0
    for _turn in range(count):
        began = time.monotonic()
        try:
            answer = request(p.host, 'GET', '/_ping', timeout=1)
        except OSError:
            break
        good += answer.status == 200 and time.monotonic() - began < 0.5
    return good


def settle(p, count, lines):
    """Serve until count requests and those served here have told as many
    lines(): each process tells its own losses with its next line, so many
    have a client at once, and spare ones, which may get none, do so when they
    go.  The number of requests in all."""
    end = time.monotonic() + SPARE
    while lines() < count and time.monotonic() < end:
        wires = [Wire(p.host) for _client in range(CROWD)]
        for wire in wires:
            wire.ask('GET', '/_ping')
        count += sum(wire.answer().status == 200 for wire in wires)
        for wire in wires:
            wire.close()
        time.sleep(0.05)
    return count


def full(d):
    """The reader of the log stops reading"""
    for kind in 'pipe', 'socket':
        with Logged(d.path, err=kind) as p:
            reader = p.readers['err']
            before = served(p, 10)
            flags = reader.flags()
            reader.reads.clear()
            stopped = served(p, MANY)
            h.same((before, stopped), (10, MANY),
                   f'full {kind}: requests are served')
            # What the master loses is not for those to tell that it forks.
            p.process.send_signal(signal.SIGUSR1)
            time.sleep(0.1)
            h.check(grows(p), f'full {kind}: the pool grows when needed')
            burnt = sum_burnt(p)
            h.check(burnt < 0.1, f'full {kind}: no busy loop', burnt)
            reader.reads.set()
            # grows() has 12 requests.
            total = settle(p, before + stopped + 12, lambda: told(reader))
            h.check(reader.lost() > 0, f'full {kind}: lost lines are told',
                    reader.text[-1000:])
            # The status has a line, and so have the connections that ask
            # whether the program accepts, if it waits for a request.
            h.check(total <= told(reader) <= total + 5,
                    f'full {kind}: their number is right',
                    f'{total} requests, {told(reader)} lines')
            whole = all(re.match('(info|warn|error|debug) ', line)
                        for line in reader.text.splitlines())
            h.check(whole, f'full {kind}: no line is cut', reader.text)
            h.same(reader.flags(), flags,
                   f'full {kind}: the flags that others share are as before')


def told(reader):
    """Lines of requests that were read, and lines that were lost."""
    return reader.count('info allow') + reader.lost()


def sum_burnt(p):
    pids = [p.process.pid, *p.children()]
    before = {pid: faulty.cpu(pid) for pid in pids}
    time.sleep(0.4)
    return sum(max(0, faulty.cpu(pid) - had) for pid, had in before.items())


def grows(p):
    """More clients at once than there are idle workers are served."""
    wires = [Wire(p.host, 3) for _client in range(12)]
    try:
        for wire in wires:
            wire.ask('GET', '/_ping')
        return all(wire.answer().status == 200 for wire in wires)
    except OSError:
        return False
    finally:
        for wire in wires:
            wire.close()


def full_requests(d):
    """The reader of the requests' lines stops reading"""
    with Logged(d.path) as p:
        reader = p.readers['out']
        before = served(p, 10)
        reader.reads.clear()
        stopped = served(p, MANY)
        h.same((before, stopped), (10, MANY), 'full stdout: served')
        reader.reads.set()
        total = settle(p, before + stopped, lambda: reader.count('rule:')
                       + p.readers['err'].lost())
        lines = reader.count('request rule:')
        h.check(total - stopped <= lines < total,
                'full stdout: lines come again when it is read', lines)
        h.same(lines + p.readers['err'].lost(), total,
               'full stdout: the lost lines are told on stderr')


def full_both(d):
    """Both readers stop, in JSON, and the program is stopped"""
    with Logged(d.path, args=['--log-format', 'json']) as p:
        h.same(served(p, 10), 10, 'both read: served')
        for reader in p.readers.values():
            reader.reads.clear()
        h.same(served(p, MANY), MANY, 'both full: served')
        for reader in p.readers.values():
            reader.reads.set()
        served(p, 40)
        h.until(lambda: p.readers['err'].lost() > 0, 'it is told', 2)
        for line in p.err().splitlines():
            json.loads(line)
        h.check(True, 'in JSON it is told too, and each line is JSON')
        for reader in p.readers.values():
            reader.reads.clear()
        h.same(served(p, MANY), MANY, 'full again: served')
        began = time.monotonic()
        h.same(p.stop(), 0, 'TERM while the log is full: ends with 0')
        took = time.monotonic() - began
        h.check(took < 2, 'at once', took)


def gone(d):
    """The reader of the log is gone"""
    for which in ('err',), ('out',), ('out', 'err'):
        name = ' and '.join('std' + word for word in which)
        with Logged(d.path) as p:
            h.same(served(p, 10), 10, f'{name}: served')
            pids = set(p.children())
            for word in which:
                p.readers[word].close()
            h.same(served(p, MANY), MANY, f'{name} gone: served on')
            h.check(grows(p), f'{name} gone: the pool grows')
            h.check(pids <= set(p.children()), f'{name} gone: nobody dies',
                    pids, p.children())
            burnt = sum_burnt(p)
            h.check(burnt < 0.1, f'{name} gone: no busy loop', burnt)


def slow(d):
    """The reader of the log is slow"""
    with Logged(d.path) as p:
        reader = p.readers['err']
        reader.reads.clear()
        stop = threading.Event()

        def trickle():
            while not stop.wait(0.02):
                if select.select([reader.end], [], [], 0)[0]:
                    reader.text += os.read(reader.end, 100).decode()

        thread = threading.Thread(target=trickle)
        thread.start()
        count = served(p, MANY)
        stop.set()
        thread.join()
        reader.reads.set()
        h.same(count, MANY, 'served')
        count = settle(p, count, lambda: told(reader))
        h.check(count <= told(reader) <= count + 5, 'and each line is read '
                'or told as lost', count, told(reader))


def syslog_socket(folder):
    """A /dev with little more than a system log that is not read."""
    os.mkdir(folder, 0o755)
    os.mknod(folder + '/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.chmod(folder + '/null', 0o666)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(folder + '/log')
    os.chmod(folder + '/log', 0o666)
    log.settimeout(2)
    return log


def full_syslog(d):
    """The system log does not read"""
    h.need_root()
    h.need_tool('unshare')
    p = Logged(d.path, args=['--log-to', 'syslog'])
    log = syslog_socket(p.dir + '/dev')
    p.command = ['unshare', '--mount', 'sh', '-c', 'mount --bind '
                 f'{p.dir}/dev /dev && exec "$@"', 'sh', *p.command]
    with log, p:
        h.same(served(p, MANY), MANY, 'full syslog: requests are served')
        count = len(p.children())
        h.check(count < 30, 'full syslog: no worker waits for it',
                f'{count} processes')
        h.check(tells(p, log), 'full syslog: lost lines are told there')
        served(p, MANY)
        code, p.process = h.end(p.process, 3), None
        h.same(code, 0, 'TERM while the syslog is full: ends with 0')


def tells(p, log):
    """Read the system log, which was full, until it tells of lost lines."""
    for _turn in range(MANY):
        if b'lost lines=' in log.recv(4096):
            return True
        served(p, 1)
    return False


def body():
    with faulty.Faulty() as d:
        faulty.run(__file__, [full, full_requests, full_both, gone, slow,
                              full_syslog], d)


h.main(body, needs_docker=False)
