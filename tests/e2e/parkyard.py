"""What the tests of parking share: a bench whose stand-in answers with the
target, and which clients are parked."""

import os
import resource

import harness as h
from faulty import Bench
from wire import Wire

LISTENERS = 2           # of a Bench
WORKERS = 4             # that are kept idle for a listener
RULES = 'GET /.*\n'
SOON = 4                # seconds until an idle client is parked at the latest


def echo(conn):
    """The target as the answer's body."""
    conn.take_head()
    body = conn.target.encode()
    conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body) +
              body)
    conn.close()


def allow_files(count):
    """For so many clients, and their stand-in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3 * count:
        raise h.Skip(f'only {hard} open files are allowed')
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3 * count), hard))


class Yard(Bench):
    """A bench whose stand-in answers with the target."""

    def __init__(self, *args, **more):
        super().__init__(args, **{'rules': RULES, **more})
        self.play(echo)

    def __enter__(self):
        super().__enter__()
        try:
            # A listener accepts before all processes are there.
            self.proxy.wait_err(' protection ', h.PATIENCE)
        except BaseException:
            self.__exit__()
            raise
        return self

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


def status(wire):
    wire.ask('GET', '/x')
    return wire.answer().status


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
