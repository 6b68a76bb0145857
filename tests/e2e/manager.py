"""What the tests of services share: the program started as a service manager
starts it, and the socket that it tells its state on."""

import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import time

import harness as h
from wire import address

LAUNCHER = os.path.dirname(os.path.abspath(__file__)) + '/launcher.py'
PR_GET_MDWE = 66

# Of /proc, as ProtectProc= and ProcSubset= say.
PROC = {'ProtectProc=default': 'hidepid=0',
        'ProtectProc=invisible': 'hidepid=invisible',
        'ProcSubset=pid': 'subset=pid'}


def listening(host):
    """A socket as a socket unit makes it."""
    family, where = address(host)
    sock = socket.socket(family)
    if family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(where)
    sock.listen(64)
    return sock


class Service(h.Proxy):
    """The program with sockets (name, socket) passed to it."""

    def __init__(self, docker_socket, sockets=(), settings=None, **more):
        self.sockets = sockets
        self.settings = dict(settings or {})
        if sockets:
            self.settings['fds'] = [sock.fileno() for _name, sock in sockets]
            self.settings['names'] = ':'.join(name for name, _s in sockets)
        super().__init__(docker_socket, **more)

    def start_here(self):
        fds = self.settings.get('fds', [])
        with open(self.dir + '/out', 'ab') as out, \
                open(self.dir + '/err', 'ab') as err:
            return subprocess.Popen(
                [LAUNCHER, json.dumps(self.settings), *self.command],
                env=h.clean_environment(self.env), pass_fds=fds,
                stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def run(self):
        """To its end, which is expected at once."""
        self.process = self.start_here()
        code = self.process.wait(h.PATIENCE)
        self.process = None
        return code, self.err()

    def clean(self):
        """After that."""
        shutil.rmtree(self.dir, ignore_errors=True)


class Ear:
    """NOTIFY_SOCKET."""

    def __init__(self, folder=None, room=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.name = f'{folder}/notify' if folder else \
            f'@dsp-notify-{os.getpid()}-{time.monotonic_ns()}'
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.bind(self.name.replace('@', '\0', 1)
                         if not folder else self.name)

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        self.socket.close()

    def hear(self, seconds=h.PATIENCE):
        """The next message as a dictionary, or nothing."""
        self.socket.settimeout(seconds)
        try:
            text = self.socket.recv(65536).decode()
        except (TimeoutError, BlockingIOError):
            return None
        return dict(line.split('=', 1) for line in text.split('\n'))

    def wait(self, word, seconds=h.PATIENCE):
        """The next message that has word, and those before it."""
        before = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self.hear(max(0.01, end - time.monotonic()))
            if message and word in message:
                return message, before
            if message:
                before.append(message)
        raise AssertionError(f'not told within {seconds} s: {word}; but '
                             f'{before}')


def need_mdwe():
    if ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) == -1:
        raise h.Skip('this kernel has no PR_SET_MDWE (Linux 6.3)')


# -- what a unit says ------------------------------------------------------

def expand(name, groups):
    """The system calls of a name as of SystemCallFilter=."""
    if not name.startswith('@'):
        return {name}
    return set().union(*(expand(part, groups) for part in groups[name]))


def call_groups():
    h.need_tool('systemd-analyze')
    text = subprocess.run(['systemd-analyze', 'syscall-filter', '--no-pager'],
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    groups = {}
    for line in text.splitlines():
        word = line.strip()
        if line.startswith('@'):
            parts = groups.setdefault(word, [])
        elif line.startswith('    ') and not word.startswith('#'):
            parts.append(word)
    return groups


def call_numbers():
    """By name, of this machine."""
    h.need_tool('cc')
    text = subprocess.run(['cc', '-E', '-dM', '-x', 'c', '-'],
                          input=b'#include <asm/unistd.h>\n',
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    return {name: int(number) for name, number in
            re.findall(r'^#define __NR_(\w+) (\d+)$', text, re.M)}


def restrictions(unit):
    """Those settings of the launcher that are what a unit says."""
    groups, numbers = call_groups(), call_numbers()
    calls = set()
    settings = {'socket': numbers['socket'], 'proc': ''}
    for line in h.read(unit).splitlines():
        key, _equal, value = line.partition('=')
        if key == 'SystemCallFilter' and value.startswith('~'):
            for word in value[1:].split():
                calls -= expand(word, groups)
        elif key == 'SystemCallFilter':
            for word in value.split():
                calls |= expand(word, groups)
        elif key == 'RestrictAddressFamilies':
            settings['families'] = [int(getattr(socket, word))
                                    for word in value.split()]
        elif line == 'PrivateNetwork=yes':
            settings['network'] = False
        elif line in PROC:
            settings['proc'] += ',' + PROC[line]
    h.expect(len(calls) > 100 and settings.get('families'), unit)
    settings['proc'] = settings['proc'][1:]
    settings['calls'] = sorted(numbers[name] for name in calls
                               if name in numbers)
    return settings
