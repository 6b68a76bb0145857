"""What the program asks of the kernel by path, over its life, as strace sees
it: for rules that must not be less.

    with Rooms(folder):                 # needs a mount name space of our own
        found = life(folder)            # {(path, letters)}

It runs where packages install it.  Letters are those of AppArmor; what needs
no rule there is left out: looking at what a file is, following a link.
"""

import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import harness as h
from wire import request

NAME = 'docker-socket-protector'
INSTALLED = f'/usr/sbin/{NAME}'
ETC, SHARE, RUN = f'/etc/{NAME}', f'/usr/share/{NAME}', f'/run/{NAME}'
CONF = f'{ETC}/{NAME}.conf'
SOCKET = f'{RUN}/traefik/docker.sock'
PLUGIN = f'/run/docker/plugins/{NAME}.sock'
PID_FILE = f'/run/{NAME}.pid'
OLD_LOG = f'/var/log/{NAME}/requests'
NOTIFY = '/run/systemd/notify'

FREE = {'access', 'faccessat', 'faccessat2', 'stat', 'lstat', 'newfstatat',
        'fstatat64', 'statx', 'statfs', 'readlink', 'readlinkat', 'chdir',
        'getcwd'}
CHANGED = {'chmod': 'w', 'fchmodat': 'w', 'chown': 'w', 'lchown': 'w',
           'fchownat': 'w', 'unlink': 'w', 'unlinkat': 'w', 'mkdir': 'w'}
MOVED = {'rename', 'renameat', 'renameat2'}
OPENED = {'open', 'openat', 'creat'}
SOCKETS = {'connect': 'rw', 'bind': 'w', 'sendto': 'w', 'sendmsg': 'w'}


class Rooms:
    """Places of this machine that are changed without changing it."""

    def __init__(self, folder):
        self.folder = folder
        self.done = []

    def __enter__(self):
        rooms = self.folder + '/rooms'
        os.makedirs(rooms)
        for path in rooms, '/run', '/var/log':
            self.mount(path, '-t', 'tmpfs', 'tmpfs')
        for path in '/etc', '/usr/sbin', '/usr/share':
            room = rooms + path
            os.makedirs(room + '/upper')
            os.makedirs(room + '/work')
            self.mount(path, '-t', 'overlay', 'overlay', '-o',
                       f'lowerdir={path},upperdir={room}/upper,'
                       f'workdir={room}/work')
        for path in ETC + '/profiles', SHARE, os.path.dirname(SOCKET), \
                os.path.dirname(OLD_LOG), os.path.dirname(NOTIFY):
            os.makedirs(path, exist_ok=True)
        shutil.copy(h.PROGRAM, INSTALLED)
        shutil.copytree(h.PROFILES, SHARE + '/profiles', dirs_exist_ok=True)
        return self

    def mount(self, path, *args):
        done = subprocess.run(['mount', *args, path], check=False,
                              stderr=subprocess.PIPE)
        if done.returncode:
            self.__exit__()
            raise h.Skip(f'no room over {path}: {done.stderr.decode()}')
        self.done.append(path)

    def __exit__(self, *_why):
        for path in reversed(self.done):
            subprocess.run(['umount', '-l', path], check=False)


class Life:
    def __init__(self, folder):
        self.out = folder + '/trace'
        self.port = h.free_port()
        self.host = f'tcp://127.0.0.1:{self.port}'
        h.write(CONF, 'profile readonly\nlog-requests yes\n'
                f'listen tcp://localhost:{self.port}\n'
                f'listen unix://{SOCKET},mode=0660,owner=nobody,'
                'group=nogroup,profile=mine\n'
                'client container:web profile mine\n'
                f'listen authz://{PLUGIN},profile=mine\n'
                'docker-socket /run/docker.sock\n')
        h.write(ETC + '/profiles/mine', 'GET /_ping\n')
        self.places = ['--config', CONF, '--profile-dir', ETC + '/profiles',
                       '--profile-dir', SHARE + '/profiles']

    def start(self, *args, before=None, **more):
        tracer = ['strace', '-ff', '-y', '-qq', '-s', '4096', '-o', self.out,
                  '-e', 'trace=%file,%network,execve,mmap']
        return subprocess.Popen(
            [*(before or tracer), INSTALLED, *self.places, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=h.clean_environment(more))

    def ends(self, process, code=0):
        out = process.communicate(timeout=h.PATIENCE)[0].decode()
        h.expect(process.returncode == code, process.args, out)

    def serves(self):
        h.until(lambda: h.has_served(self.host), 'it serves')
        for host in self.host, 'unix://' + SOCKET:
            h.expect(request(host, 'GET', '/_ping').status == 200, host)
        h.expect(request(self.host, 'POST', '/x').status == 403, 'denied')

    def in_front(self):
        """As a service: notified, reloaded, asked, stopped."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(NOTIFY)
            process = self.start('--metrics', f'tcp://127.0.0.1:'
                                 f'{h.free_port()}', NOTIFY_SOCKET=NOTIFY)
            try:
                self.serves()
                master, = h.children_of(process.pid)
                for number in signal.SIGHUP, signal.SIGUSR1:
                    os.kill(master, number)
                    self.serves()
                self.ends(self.start('--status'))
                self.ends(self.start('--healthcheck'))
            finally:
                for pid in h.children_of(process.pid):
                    os.kill(pid, signal.SIGTERM)
                self.ends(process)

    def behind(self):
        """As an init script starts it."""
        process = self.start('--daemon', '--pid-file', PID_FILE, '--log-to',
                             'syslog')
        try:
            h.until(lambda: os.path.exists(PID_FILE), 'it runs')
            self.serves()
        finally:
            if os.path.exists(PID_FILE):
                os.kill(int(h.read(PID_FILE)), signal.SIGTERM)
            self.ends(process)

    def asked(self):
        """On the command line."""
        h.write(OLD_LOG, 'request rule:  GET /_ping\n')
        self.ends(self.start('--test'))
        self.ends(self.start('--explain', 'GET', '/_ping'))
        self.ends(self.start('--learn', OLD_LOG))


    def with_capabilities(self, names):
        """The exit code of a life with these and no others."""
        process = self.start('--stop-timeout', '1', before=[
            'setpriv', '--bounding-set=-all' + ''.join(
                f',+{name}' for name in names)])
        try:
            h.until(lambda: process.poll() is not None
                    or h.can_connect(self.host), 'it serves, or ends')
            if process.poll() is None:
                self.serves()
        finally:
            code = h.end(process)
        return code


@contextlib.contextmanager
def docker():
    """A stand-in, where Docker is."""
    process = subprocess.Popen(
        [sys.executable, '-B', os.path.dirname(os.path.abspath(__file__))
         + '/standin.py', '/run/docker.sock'], stderr=subprocess.DEVNULL)
    try:
        h.until(lambda: os.path.exists('/run/docker.sock'), 'a stand-in')
        yield
    finally:
        h.end(process)


def life(folder):
    one = Life(folder)
    with docker():
        for part in one.in_front, one.behind, one.asked:
            part()
    found = set()
    for path in glob.glob(folder + '/trace.*'):
        with open(path, encoding='utf-8', errors='replace') as f:
            for line in f:
                found |= set(wanted(line))
    return found


# -- reading the trace -------------------------------------------------------

def resolved(path, folder='/'):
    """Without symbolic links on the way; the last one is its own."""
    path = os.path.join(folder, path)
    return os.path.join(os.path.realpath(os.path.dirname(path)),
                        os.path.basename(path))


def wanted(line):
    """(path, letters) of one call."""
    call, _bracket, rest = line.partition('(')
    result = rest.rpartition(' = ')[2]
    strings = re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"', rest)
    if call in FREE or call.startswith(('+++', '---')):
        return
    if call == 'execve':
        yield strings[0][1], 'exec'
    elif call == 'mmap':
        mapped = re.search(r'PROT_EXEC.*, \d+<(/[^>]*)>', rest)
        if mapped:
            yield mapped[1], 'mr'
    elif call in OPENED:
        yield opened(rest, result, *strings[0])
    elif call in CHANGED:
        yield resolved(strings[0][1], strings[0][0] or '/') + '/' * (
            call == 'mkdir'), CHANGED[call]
    elif call in MOVED:
        yield resolved(strings[0][1]), 'rw'
        yield resolved(strings[1][1]), 'w'
    elif call in SOCKETS:
        named = re.search(r'sun_path="(/[^"]*)"', rest)
        if named:
            yield os.path.realpath(named[1]), SOCKETS[call]
    elif '"/' in rest and 'sun_path' not in rest:
        raise AssertionError(f'a call that this test does not know: {line}')


def opened(rest, result, folder, path):
    letters = 'rw' if 'O_RDWR' in rest else \
        'w' if re.search('O_WRONLY|O_CREAT|O_TRUNC', rest) else 'r'
    real = re.match(r'\d+<(/[^>]*)>', result)
    path = real[1] if real else resolved(path, folder or '/')
    return path + '/' * ('O_DIRECTORY' in rest and path != '/'), letters
