"""Sends cases directly and through the proxy, and keeps what dockerd gets.

    client --> proxy --> recorder --> dockerd
    client ------------------------> dockerd
"""

import collections
import os
import select
import shutil
import socket
import tempfile
import threading
import time

import harness as h
import differential_law as law
from differential_cases import Generator

THREADS = 24
RECORDERS = 64          # connections that the recorder takes at once
QUIET_S = 0.15          # no byte for so long: dockerd waits for more of us
PAUSE_S = 0.05          # the same between two answers
RETRIES = 3             # of a direct request whose answers differ
MAX_ANSWER = 1 << 20
TUNNEL_S = 3            # the most that the recorder keeps a connection


class Recorder:
    """A unix socket that passes everything on to dockerd."""

    def __init__(self, path, docker_socket):
        self.docker_socket = docker_socket
        self.found = []         # (number, what Received needs)
        self.lock = threading.Lock()
        self.begun = self.ended = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(4096)
        for _turn in range(RECORDERS):
            threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def serve(self):
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.begun += 1
                number = self.begun
            talk = Talk()
            try:
                with client, socket.socket(socket.AF_UNIX) as docker:
                    docker.connect(self.docker_socket)
                    talk.carry(client, docker)
            except OSError:
                pass                    # what came until then is kept
            with self.lock:
                self.found.append((number, bytes(talk.received), talk.before,
                                   bytes(talk.answered)))
                self.ended += 1

    def take(self):
        """What was recorded since the last call, in order, once nothing is
        under way."""
        h.until(lambda: self.begun == self.ended, 'the recorder is idle')
        with self.lock:
            found, self.found = sorted(self.found), []
        return [law.Received(*row[1:]) for row in found]


class Talk:
    """One connection of the proxy to dockerd."""

    def __init__(self):
        self.received, self.answered = bytearray(), bytearray()
        self.before = 0         # received before the answer began

    def carry(self, client, docker):
        """Both ways until both have ended, half-closes too."""
        poll = select.poll()
        poll.register(client, select.POLLIN)
        poll.register(docker, select.POLLIN)
        is_open = {client.fileno(), docker.fileno()}
        end = time.monotonic() + TUNNEL_S
        while is_open and time.monotonic() < end:
            for fd, _events in poll.poll(1000):
                take = self.up if fd == client.fileno() else self.down
                if not take(client, docker):
                    poll.unregister(fd)
                    is_open.discard(fd)

    def up(self, client, docker):
        data = client.recv(65536)
        self.received += data
        if not self.answered:
            self.before = len(self.received)
        try:
            pass_on(docker, data)
        except OSError:
            pass                        # it may have answered already
        return data

    def down(self, client, docker):
        data = docker.recv(65536)
        self.answered += data
        pass_on(client, data)
        return data


def pass_on(to, data):
    """Send data, or the end."""
    if data:
        to.sendall(data)
    else:
        to.shutdown(socket.SHUT_WR)


def exchange(path, data):
    """Send the bytes; everything that came back, and whether the other side
    had said all it had to say."""
    got = b''
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(2)
        s.connect(path)
        try:
            s.sendall(data)
        except OSError:
            pass                        # refused before its end
        s.settimeout(QUIET_S)
        try:
            while len(got) < MAX_ANSWER:
                more = s.recv(65536)
                if not more:
                    return got, True
                got += more
                s.settimeout(PAUSE_S)
        except socket.timeout:
            pass
        except OSError:
            return got, True
        if got:
            return got, True
        return after_half_close(s)


def after_half_close(s):
    got = b''
    try:
        s.shutdown(socket.SHUT_WR)
        while len(got) < MAX_ANSWER:
            more = s.recv(65536)
            if not more:
                break
            got += more
    except OSError:
        pass
    return got, False


class Proxy(h.Proxy):
    """The program, or a broken copy of it, with a unix socket for each
    profile of the laws."""

    def __init__(self, folder, docker_socket, program=None):
        self.paths = {name: f'{folder}/{name}.sock' for name in law.PROFILES}
        for name in law.PROFILES:
            h.write(f'{folder}/{name}', law.rules_text(name))
        super().__init__(
            docker_socket, rules=law.rules_text('nothing'),
            listen=[f'unix://{path},mode=0666,profile={folder}/{name}'
                    for name, path in self.paths.items()],
            args=['--log-level', 'error'])
        self.command[0] = program or self.command[0]


class Run:
    """Some cases against one daemon."""

    def __init__(self, daemon, seed, program=None, profiles=law.PROFILES):
        self.generator = Generator(seed, {
            name: law.allowed_by(name) for name in profiles})
        self.docker_socket = daemon.socket
        self.program = program
        self.cases = {}
        self.lock = threading.Lock()
        self.dir = tempfile.mkdtemp(prefix='dsp-differential.', dir='/tmp')
        self.broken = []                # (law, what, case, Received)
        self.classes = collections.Counter()
        self.statuses = collections.Counter()
        self.forwarded = self.tempting = self.seconds = 0

    def run(self, count, seconds):
        """Send count cases, or as many as go in some seconds."""
        began = time.monotonic()
        os.chmod(self.dir, 0o755)
        recorder = Recorder(self.dir + '/recorder', self.docker_socket)
        try:
            with Proxy(self.dir, self.dir + '/recorder',
                       self.program) as proxy:
                threads = [threading.Thread(
                    target=self.work, args=(proxy, count, began + seconds))
                    for _turn in range(THREADS)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            self.judge(recorder.take())
        finally:
            recorder.close()
            shutil.rmtree(self.dir)
        self.seconds = time.monotonic() - began
        return self

    def work(self, proxy, count, end):
        while time.monotonic() < end:
            with self.lock:
                no = len(self.cases)
                if no >= count:
                    return
                case = self.generator.case(no)
                self.cases[no] = case
            self.ask_directly(case)
            data, _settled = exchange(proxy.paths[case.profile], case.bytes)
            answers = law.answers_in(data)
            case.status = answers[0].status if answers else 0

    def ask_directly(self, case):
        data, case.is_settled = exchange(self.docker_socket, case.bytes)
        case.direct = [law.handler_of(answer)
                       for answer in law.answers_in(data)]

    def judge(self, received):
        """Hold every request that dockerd got against the laws."""
        by_case = collections.defaultdict(list)
        for got in received:
            case = self.cases.get(got.no)
            by_case[got.no].append(got)
            profile = case.profile if case else None
            for name, what in law.breaches(profile, got):
                self.broken.append((name, what, case, got))
        self.forwarded = len(received)
        for no, case in self.cases.items():
            self.judge_case(case, by_case[no])

    def judge_case(self, case, received):
        self.classes.update(set(case.classes))
        self.statuses[case.status] += 1
        if set(case.direct) & law.denied_by_profile(case.profile):
            self.tempting += 1
        through = [law.handler_of(got.answers[0])
                   for got in received if got.answers]
        if not case.is_settled or 'canceled' in through + case.direct \
                or law.TUNNELLED & set(case.direct):
            return      # what follows cannot be compared
        for _turn in range(RETRIES):
            if law.is_within(through, case.direct):
                return
            # dockerd drops a pipelined request now and then.
            self.ask_directly(case)
        if not law.is_within(through, case.direct):
            self.broken.append((
                'same', f'directly {case.direct}, through the proxy '
                f'{through}', case, received[0]))

    def under(self, name):
        """What broke one law, the shortest first."""
        return sorted((row for row in self.broken if row[0] == name),
                      key=lambda row: len(row[3].data) + (
                          len(row[2].bytes) if row[2] else 0))


def describe(row):
    """A breach for the log."""
    _law, what, case, got = row
    lines = [what]
    if case:
        lines.append(f'case {case.no}, profile {case.profile}, '
                     f'{" ".join(case.classes)}')
        lines.append(f'sent {case.bytes[:250]!r}')
    return '\n'.join(lines + [f'dockerd got {got.data[:250]!r}'])
