"""The client of tests/hijack: a worker that was taken over does what this
says, in its own process.

    with Agent(host) as a:
        result = a.call('openat', -100, b'/etc/passwd\\0', 0)

A worker that does not survive a call raises Gone.
"""

import errno
import os
import re
import socket
import struct
import subprocess
import time

import harness as h
from wire import Wire

MASK = (1 << 64) - 1
PUT_STEP = 16 << 10     # bytes that go into a line
GET_STEP = 30 << 10

DOOR_S = 0.5            # nobody is taken over by one who waits for so long

MSG_NOSIGNAL = 0x4000
SOL_SOCKET = 1
SCM_RIGHTS = 1

# struct wire and struct wire_field of order.c
ORDER = struct.Struct('=QIIIIIIIIII')
FIELD = struct.Struct('=II')
# struct ask_answer, and one of its flags
ANSWER = struct.Struct('=IIiI')
KEPT = 2
NONE, LENGTH, CHUNKED = 0, 1, 2
SAYS_NO_BODY, CONTINUE = 1, 2
ONCE, OPEN, USE = 0, 1, 2
ORDER_CAP = 65536 + 4096


class Gone(EOFError):
    """The worker is dead, or has closed the connection."""


class Result:
    def __init__(self, value, number):
        self.value = value - (1 << 64) if value >> 63 else value
        self.errno = number if self.value == -1 else 0

    @property
    def word(self):
        return errno_name(self.errno)

    def __repr__(self):
        return self.word if self.errno else f'{self.value}'


def errno_name(number):
    return errno.errorcode.get(number, f'errno {number}')


class Numbers:
    """Names of system calls and their numbers, as the compiler knows
    them."""

    def __init__(self):
        compiler = os.environ.get('CC', 'cc').split()
        h.need_tool(compiler[0])
        done = subprocess.run(
            compiler + ['-dM', '-E', '-'], input=b'#include <sys/syscall.h>',
            stdout=subprocess.PIPE, check=True)
        words = (line.split() for line in done.stdout.decode().splitlines())
        self.of = {name[5:]: int(value) for _define, name, *values in words
                   for value in values[:1]
                   if name.startswith('__NR_') and value.isdigit()}

    def has(self, name):
        """Machines do not all have the same calls."""
        return not isinstance(name, str) or name in self.of


class Agent:
    """A worker that was taken over."""

    numbers = None

    def __init__(self, host, timeout=10, is_behind=False):
        """is_behind: the worker behind a door, not the door."""
        Agent.numbers = Agent.numbers or Numbers()
        self.used = 0
        self.kept = None
        self.wire = Wire(host, timeout)
        # A park passes on whoever has said something, which this byte alone
        # is not.
        said = 'wher' if is_behind else ''
        time.sleep(DOOR_S if is_behind else 0)
        self.wire.socket.send(said.encode() + b'!', socket.MSG_OOB)
        (self.arena, self.arena_cap, self.pid, self.master, self.client,
         self.listen, self.gate, self.park, self.wake, self.listener,
         self.worker) = (
             int(word, 16) for word in self.ask('where'[len(said):]).split())

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        self.wire.close()

    def say(self, line):
        try:
            self.wire.send(line.encode() + b'\n')
        except OSError as why:
            raise Gone(line.split()[0]) from why

    def hear(self):
        wire = self.wire
        try:
            while b'\n' not in wire.held:
                if not wire.more():
                    raise Gone('end')
        except ConnectionError as why:
            raise Gone('reset') from why
        line, _end, wire.held = wire.held.partition(b'\n')
        return line.decode()

    def ask(self, line):
        self.say(line)
        return self.hear()

    # -- memory --

    def put(self, data, room=0):
        """Bytes, and zeroes up to room; their address."""
        at = self.used
        self.used += (max(len(data), room) + 31) & ~15
        h.expect(self.used <= self.arena_cap, 'the arena is full')
        for start in range(0, len(data), PUT_STEP):
            self.ask(f'put {at + start:x} '
                     f'{data[start:start + PUT_STEP].hex()}')
        return self.arena + at

    def get(self, address, count):
        data = b''
        while len(data) < count:
            step = min(GET_STEP, count - len(data))
            at = address - self.arena + len(data)
            data += bytes.fromhex(self.ask(f'get {at:x} {step:x}'))
        return data

    def poke(self, address, count, data):
        """Write a few bytes anywhere, again and again."""
        return self.ask(f'poke {address:x} {count:x} {data.hex()}')

    def page(self):
        """A page of the arena that is not used otherwise."""
        return (self.arena + self.arena_cap - 8192) & ~4095

    # -- system calls --

    def words(self, args):
        for each in args:
            if isinstance(each, bytes):
                each = self.put(each)
            elif isinstance(each, str):
                each = getattr(self, each)
            yield f'{each & MASK:x}'

    def number(self, name):
        return self.numbers.of[name] if isinstance(name, str) else name

    def call(self, name, *args, way='call'):
        """args: numbers; bytes, of which the address is given; the name of
        what this worker has ('gate', 'master')."""
        line = ' '.join([way, f'{self.number(name):x}', *self.words(args)])
        # What the call sent to us stands in front.
        found = re.search('([0-9a-f]+) ([0-9a-f]+)$', self.ask(line))
        if not found:
            raise Gone('another worker answers')
        return Result(*(int(word, 16) for word in found.groups()))

    def spam(self, count, name, *args):
        """The same call many times; the answer is to be heard later."""
        self.say(' '.join([f'spam {count:x}', f'{self.number(name):x}',
                           *self.words(args)]))

    def message(self, data_at, length, control=b'', room=0):
        """A struct msghdr; with room for what comes along, its place is
        self.control_at."""
        self.control_at = self.put(control, room)
        size = max(len(control), room)
        vector = self.put(struct.pack('=QQ', data_at, length))
        return self.put(struct.pack(
            '=QIIQQQQII', 0, 0, 0, vector, 1, self.control_at if size else 0,
            size, 0, 0))

    def rights(self, *fds):
        """Control data that passes descriptors."""
        data = struct.pack(f'=QII{len(fds)}i', 16 + 4 * len(fds), SOL_SOCKET,
                           SCM_RIGHTS, *fds)
        return data + bytes(-len(data) % 8)

    # -- the gate --

    def order(self, data):
        """Send it to the gate, as it is."""
        return self.call('sendto', 'gate', self.put(data), len(data),
                         MSG_NOSIGNAL, 0, 0)

    @property
    def pipe(self):
        """Of a connection that the gate keeps, opened when first asked
        for."""
        if self.kept is None:
            self.kept = self.opened()
        return self.kept

    def opened(self, target=b'/version'):
        """Where the answers of a new one come from."""
        self.order(order(target, line=OPEN))
        answer = self.answer()
        h.expect(answer and answer[:3] == (1, 0, 0) and answer[3] is not None
                 and answer[4] & KEPT, 'not kept:', answer)
        return answer[3]

    def answer(self):
        """The gate's answer: number, reason, error, descriptor or None,
        flags; nothing at its end."""
        data_at = self.put(b'', 64)
        head = self.message(data_at, 64, room=24)
        result = self.call('recvmsg', 'gate', head, 0)
        if result.value != ANSWER.size:
            return None
        kind = struct.unpack('=QIIiI', self.get(self.control_at, 24))
        data = self.get(data_at, ANSWER.size)
        fd = kind[3] if kind[:3] == (20, SOL_SOCKET, SCM_RIGHTS) else None
        no, reason, error, flags = ANSWER.unpack(data)
        return no, reason, error, fd, flags


def order(target=b'/version', method=b'GET', no=1, listener=0, minor=1,
          body=NONE, body_len=0, flags=0, upgrade=b'', fields=(), line=ONCE,
          nfields=None, lengths=None):
    """An order as an honest worker makes it, or not."""
    method_len, target_len, upgrade_len = lengths or (
        len(method), len(target), len(upgrade))
    data = ORDER.pack(
        body_len, no, listener, minor, body, flags,
        len(fields) if nfields is None else nfields, method_len, target_len,
        upgrade_len, line) + method + target + upgrade
    for name, value in fields:
        data += FIELD.pack(len(name), len(value)) + name + value
    return data
