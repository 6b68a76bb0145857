"""A stand-in for dockerd that fails as it is told, and a bench that puts
the program between it and a client.

It speaks no Docker API.  A request for /_ping is answered; every other is
given to the script of the moment, which sends what bytes it likes.
"""

import os
import select
import signal
import socket
import struct
import tempfile
import threading
import time

import harness as h
from wire import Wire, address, request

HERE = os.path.dirname(os.path.abspath(__file__))
PING = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'
SWITCH = b'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n' \
    b'Upgrade: tcp\r\n\r\n'
LENGTH = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
UPGRADE = ('Connection: Upgrade', 'Upgrade: tcp')
BIG = 64 << 20          # more than all buffers on the way take
SOON = 3                # seconds in which what is left over must be gone
TICKS = os.sysconf('SC_CLK_TCK')


class Conn:
    """A connection that the program has made to the stand-in."""

    def __init__(self, sock):
        self.socket = sock
        self.target = ''
        self.got = b''          # read so far
        self.sent = 0
        self.has_eof = False    # the program has ended its side
        self.is_closed = False  # we have

    def peek_head(self):
        """Wait for a whole head, and leave it unread."""
        end = time.monotonic() + h.PATIENCE
        while time.monotonic() < end:
            data = self.socket.recv(1 << 17, socket.MSG_PEEK)
            if not data:
                return False
            if b'\r\n\r\n' in data:
                self.target = data.split(b' ')[1].decode()
                return True
            time.sleep(0.005)
        return False

    def more(self):
        """Read something; false at the end."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b''
        self.got += data
        self.has_eof = self.has_eof or not data
        return bool(data)

    def take_head(self):
        """Read the head and what came with it."""
        while b'\r\n\r\n' not in self.got:
            if not self.more():
                return

    def body(self):
        return self.got.partition(b'\r\n\r\n')[2]

    def wait_body(self, part):
        """Read until part stands in the body."""
        while part not in self.body():
            if not self.more():
                return

    def wait_eof(self):
        while self.more():
            pass

    def send(self, data):
        self.socket.sendall(data)
        self.sent += len(data)

    def drip(self, data, pause):
        for byte in data:
            self.send(bytes([byte]))
            time.sleep(pause)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        """With bytes unread this is a reset for the other side."""
        self.is_closed = True
        self.socket.close()

    def abort(self):
        """Close what a thread may be waiting at."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass        # closed by its script
        self.close()

    def is_left(self):
        """The program has closed its end.  Not to be told apart from two
        half-closes: see Bench.busy for those."""
        if self.is_closed:
            return True
        watch = select.poll()
        watch.register(self.socket, 0)
        try:
            return any(what & (select.POLLHUP | select.POLLERR)
                       for _fd, what in watch.poll(0))
        except (OSError, ValueError):
            return True


class Faulty:
    """The stand-in.  Conns of scripts are kept; pings are not."""

    def __init__(self, backlog=128, accepts=True):
        self.dir = tempfile.mkdtemp(prefix='dsp-faulty.', dir='/tmp')
        os.chmod(self.dir, 0o777)       # a program in a container listens here
        self.path = self.dir + '/docker.sock'
        self.script = None
        self.conns = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(backlog)
        self.acceptor = None
        if accepts:
            self.accept()

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        # Not only close: a thread on its way to accept() would take the next
        # listener with that number for this one.
        self.listener.shutdown(socket.SHUT_RDWR)
        if self.acceptor:
            self.acceptor.join()
        self.listener.close()
        self.drop_all()
        h.shutil.rmtree(self.dir, ignore_errors=True)

    def accept(self):
        self.acceptor = threading.Thread(target=self.accept_all, daemon=True)
        self.acceptor.start()

    def accept_all(self):
        while True:
            try:
                sock, _who = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(Conn(sock),),
                             daemon=True).start()

    def serve(self, conn):
        try:
            if not conn.peek_head():
                conn.close()
            elif conn.target == '/_ping':
                conn.take_head()
                conn.send(PING)
                conn.close()
            else:
                self.conns.append(conn)
                self.script(conn)
        except OSError:
            pass        # what the program did is judged by the test

    def wait_conn(self, count=1):
        """The newest connection, when there are so many."""
        h.until(lambda: len(self.conns) >= count, 'a connection upstream')
        return self.conns[-1]

    def leaks(self):
        return [conn.target for conn in self.conns if not conn.is_left()]

    def drop_all(self):
        for conn in self.conns:
            conn.abort()
        self.conns = []


def become(user):
    """Words in front of a command that is to run as this user."""
    return ['setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups']


class Bench:
    """The program between a stand-in and us.

    args: flags of the program; before: words in front of its command;
    max_files: its limit of descriptors; user: who it runs as, unless that is
    left to its container.
    It listens on TCP (host) and on a unix socket (unix).
    """

    def __init__(self, args=(), before=(), profile='unprotected',
                 rules=None, max_files=None, user=None, **more):
        self.daemon = Faulty(**more)
        self.unix = f'unix://{self.daemon.dir}/proxy.sock'
        self.proxy = h.Proxy(
            self.daemon.path, profile, rules, args=args,
            listen=[f'tcp://127.0.0.1:{h.free_port()}', self.unix])
        if user and not h.worlds.CONTAINER:
            before = [*self.run_as(user), *before]
        self.proxy.command[0:0] = before
        self.proxy.max_files = max_files
        self.host = self.proxy.host

    def __enter__(self):
        try:
            self.proxy.start()
        except BaseException:
            self.daemon.__exit__()
            raise
        return self

    def __exit__(self, *why):
        self.daemon.drop_all()
        self.proxy.__exit__(*why)
        self.daemon.__exit__(*why)

    def run_as(self, user):
        """Words that make it run as this user, who owns what it needs."""
        h.need_root()
        os.chmod(self.daemon.dir, 0o755)
        os.chown(self.daemon.dir, user, user)
        self.proxy.give_to(user)
        return become(user)

    def play(self, script):
        """What the stand-in does with requests from now on."""
        self.daemon.drop_all()
        self.daemon.script = script

    def pings(self, host=None):
        answer = request(host or self.host, 'GET', '/_ping', timeout=3)
        return answer.status == 200 and answer.body == b'OK'

    def busy(self):
        """Workers that serve somebody, as the program counts them."""
        seen = self.proxy.err().count('status generation=')
        self.proxy.process.send_signal(signal.SIGUSR1)
        h.until(lambda: self.proxy.err().count('status generation=') > seen,
                'the status in the log', 5)
        line = self.proxy.err().rpartition('status generation=')[2]
        words = dict(word.split('=')
                     for word in line.splitlines()[0].split()[1:])
        return int(words['busy']) + int(words['waiting'])

    def trouble(self, seconds=SOON):
        """What is wrong after a fault; an empty text when nothing is: all
        connections upstream are gone, all workers are back, a request is
        served at once, and none has died."""
        end = time.monotonic() + seconds
        try:
            left = self.daemon.leaks()
            while left and time.monotonic() < end:
                time.sleep(0.01)
                left = self.daemon.leaks()
            if left:
                return f'left upstream: {left}'
            while self.busy() and time.monotonic() < end:
                time.sleep(0.05)
            if self.busy():
                return f'{self.busy()} workers are not back'
            began = time.monotonic()
            if not self.pings() or time.monotonic() - began > 1:
                return 'no ping at once'
        except (OSError, EOFError, AssertionError) as why:
            return f'trouble: {why!r}'
        return ''.join(line for line in self.proxy.err().splitlines()
                       if is_death(line))

    def point(self, got, want, text):
        """One test point: the outcome, and no trouble afterwards."""
        h.same((got, self.trouble()), (want, ''), text)

    def processes(self):
        return [self.proxy.process.pid, *self.proxy.children()]

    def burnt(self, seconds=0.4):
        """CPU seconds that all processes use while nothing happens."""
        before = {pid: cpu(pid) for pid in self.processes()}
        time.sleep(seconds)
        return sum(max(0, cpu(pid) - had) for pid, had in before.items())


def is_death(line):
    return 'killed by signal' in line or 'exited with' in line


def cpu(pid):
    """User and system time of a process; 0 when it is gone."""
    try:
        words = h.read(f'/proc/{pid}/stat').rpartition(')')[2].split()
    except OSError:
        return 0
    return (int(words[11]) + int(words[12])) / TICKS


def memory(pids):
    """KiB that the processes have for themselves."""
    return sum(int(h.fields(f'/proc/{pid}/status')['RssAnon'].split()[0])
               for pid in pids)


# -- scripts of the stand-in ----------------------------------------------

def silent(conn):
    """As dockerd: says nothing, and ends when the client ends."""
    conn.take_head()
    conn.wait_eof()
    conn.close()


def stubborn(conn):
    """Says nothing and does not care."""
    conn.take_head()


def deaf(conn):
    """Does not even read."""


def says(data, after=silent):
    def script(conn):
        conn.take_head()
        conn.send(data)
        after(conn)
    return script


# -- clients that behave badly ---------------------------------------------

def ask(wire):
    wire.ask('GET', '/x')


def attach(wire):
    wire.ask('POST', '/containers/x/attach?stream=1', b'', *UPGRADE)


def upload_head(length, framing=None):
    framing = framing or f'Content-Length: {length}'
    return (f'PUT /containers/x/archive?path=/ HTTP/1.1\r\nHost: docker\r\n'
            f'Content-Type: application/x-tar\r\n{framing}\r\n\r\n').encode()


def reset(wire):
    """Leave with RST.  A unix socket knows only its close."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           struct.pack('ii', 1, 0))
    wire.close()


def vanish(wire):
    """Leave without any sign, as a machine does that loses its power."""
    tcp_repair = 19
    try:
        wire.socket.setsockopt(socket.IPPROTO_TCP, tcp_repair, 1)
    except PermissionError as why:
        raise h.Skip('CAP_NET_ADMIN is needed') from why
    wire.close()


def push(wire, count):
    """Send so many bytes, or what is taken before it stalls."""
    wire.socket.settimeout(0.2)
    left = count
    try:
        while left > 0:
            left -= wire.socket.send(bytes(min(left, 1 << 16)))
    except OSError:
        pass
    return count - left


def everything(wire):
    """All bytes up to the end, and how it ended."""
    try:
        while wire.more():
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return wire.held + b' (and no end)'
    return wire.held


def parts(data):
    """Status and body bytes of an answer as it came, whole or not."""
    head, _end, body = data.partition(b'\r\n\r\n')
    if not head.startswith(b'HTTP/1.1 '):
        return 0, data
    return int(head.split(b' ')[1]), body


class WireFrom(Wire):
    """A connection from a certain address of this machine."""

    def __init__(self, host, source, timeout=10):
        _family, where = address(host)
        self.socket = socket.create_connection(where, timeout,
                                               (source, 0))
        self.held = b''


def at_once(*calls):
    """Call all, each in a thread; their results."""
    results = [None] * len(calls)

    def one(number, call):
        try:
            results[number] = call()
        except Exception as why:
            results[number] = repr(why)

    threads = [threading.Thread(target=one, args=pair)
               for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# -- the table ----------------------------------------------------------

def run(file, cases, *args):
    """Run the cases of a test file; they are what tests/FAULTS says."""
    name = os.path.basename(file)
    lines = h.read(HERE + '/../FAULTS').splitlines()
    stated = [line.split()[-1] for line in lines
              if line.startswith('test:') and name in line]
    h.same([case.__name__ for case in cases], stated,
           'the table of faults names these cases')
    h.each(cases, *args)
