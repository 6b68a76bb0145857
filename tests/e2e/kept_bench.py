"""A stand-in for dockerd that keeps connections, and clients that have one
kept for them, for 97-kept.py."""

import threading

import faulty
import harness as h
from wire import Wire

FIRST = 3               # the request of a connection that is the first kept


class Upstream:
    """What the stand-in does: answers with the target, again and again, and
    writes down who asked what where."""

    def __init__(self):
        self.heads = []         # connection, head
        self.opened = 0
        self.hold = threading.Event()   # ends what is under way
        self.acts = {}          # target -> what to do instead of an answer

    def __call__(self, conn):
        self.opened += 1
        while True:
            conn.got = self.body_behind(conn)
            if conn.got is None:
                conn.close()
                return
            head = conn.head
            self.heads.append((conn, head))
            target = head.split(b' ')[1].decode()
            act = self.acts.get(target, answer)
            if not act(self, conn, target) or is_close(head):
                conn.close()
                return

    def body_behind(self, conn):
        """Read a request; what has come behind it, or nothing at the end."""
        conn.take_head()
        head, end, rest = conn.got.partition(b'\r\n\r\n')
        if not end:
            return None
        conn.head = head
        words = dict(line.lower().split(b': ', 1)
                     for line in head.split(b'\r\n')[1:])
        length = int(words.get(b'content-length', b'0'))
        while len(rest) < length:
            if not conn.more():
                return None
            rest = conn.got.partition(b'\r\n\r\n')[2]
        return rest[length:]

    def times(self, target):
        return [head.split(b' ')[1].decode() for _conn, head in
                self.heads].count(target)

    def asked(self, method):
        """Connections and heads of requests with this method."""
        return [(conn, head) for conn, head in self.heads
                if head.startswith(method.encode() + b' ')]


def is_close(head):
    return b'\r\nconnection: close' in head.lower()


def answer(_upstream, conn, target):
    if conn.head.startswith(b'HEAD '):
        conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
    else:
        conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s'
                  % (len(target), target.encode()))
    return True


def bench(**more):
    b = faulty.Bench(**more)
    b.daemon.script = b.up = Upstream()
    return b


def get(wire, target, method='GET', body=b''):
    """Status and body; (0, why) when there is no answer."""
    try:
        wire.ask(method, target, body)
        got = wire.answer(method)
    except (OSError, EOFError, ValueError) as why:
        return 0, repr(why)
    return got.status, got.body.decode()


def good(target):
    return 200, target


def warm(b, name='warm', wire=None):
    """A client for whom a connection is kept, and idle."""
    wire = wire or Wire(b.host)
    for number in range(FIRST):
        target = f'/{name}/{number}'
        got = get(wire, target)
        h.expect(got == good(target), target, got)
    h.expect(not is_close(b.up.heads[-1][1]), 'not kept', b.up.heads[-1])
    return wire


def rests(b, text, trace):
    h.same(b.trouble(), '', f'{text}: no trouble, nothing is left upstream')
    trace.check(text)
