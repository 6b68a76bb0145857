"""The proxies that are compared, a row each; to add one, add a row.

In a command, its environment and the file beside it these are put in:

    @host@ @port@   where it is to listen (TCP)
    @socket@        the Docker socket it is to use
    @dir@           a folder of its own; the file is @dir@/NAME
    @program@       the program under test
    @nogate@        the same without its gate (nogate.c)
    @profiles@      the folder of shipped profiles
"""

import os
import shutil
import subprocess

import harness as h
from costs import Group

HOST = '127.0.0.1'
HERE = os.path.dirname(os.path.abspath(__file__))

# Started as root, as they would be in a container; each with a log line for
# each request, which goes to /dev/null.
OURS = ('@program@ --config @dir@/none --profile-dir @profiles@ '
        '--profile readonly --docker-socket @socket@ '
        '--listen tcp://@host@:@port@')


class Peer:
    """A row: how a proxy is started."""

    def __init__(self, name, command, file=None, env=None, is_default=True):
        self.name = name
        self.command = command      # '': the Docker socket itself
        self.file = file            # beside this one, copied to @dir@
        self.env = env or {}
        self.is_default = is_default


PEERS = [
    Peer('gate', OURS),
    Peer('nogate', OURS.replace('@program@', '@nogate@') + ' --sandbox off',
         env={'BENCH_SOCKET': '@socket@'}),
    Peer('haproxy', 'haproxy -db -f @dir@/haproxy.cfg', 'haproxy.cfg',
         env={'CONTAINERS': '1', 'EVENTS': '1', 'PING': '1', 'VERSION': '1',
              'POST': '0'}),
    Peer('direct', ''),
]


class Running:
    """A proxy at work in front of one daemon."""

    def __init__(self, peer, docker_socket, folder, words):
        self.name = peer.name
        self.peer = peer
        self.dir = folder
        self.group = None
        self.process = None
        self.address = 'unix://' + docker_socket
        self.words = dict(words, socket=docker_socket, dir=folder, host=HOST)

    def __enter__(self):
        if not self.peer.command:
            return self
        os.makedirs(self.dir)
        h.write(self.dir + '/none', '')
        self.words['port'] = str(h.free_port())
        if self.peer.file:
            h.write(f'{self.dir}/{self.peer.file}',
                    self.fill(h.read(f'{HERE}/{self.peer.file}')))
        self.address = f'tcp://{HOST}:{self.words["port"]}'
        self.group = Group(os.path.basename(self.dir))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        env = h.clean_environment({name: self.fill(value) for name, value
                                   in self.peer.env.items()})
        command = [self.fill(word) for word in self.peer.command.split()]
        if not shutil.which(command[0]):
            raise h.Skip(f'no {command[0]}')
        self.process = self.group.start(
            command, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        h.until(self.accepts, f'{self.name} accepts')

    def fill(self, text):
        for word, value in self.words.items():
            text = text.replace(f'@{word}@', value)
        return text

    def accepts(self):
        if self.process.poll() is not None:
            raise RuntimeError(
                f'{self.name} ended with {self.process.returncode}; try: '
                + self.fill(self.peer.command))
        return h.can_connect(self.address)

    def __exit__(self, *_why):
        if self.process:
            h.end(self.process)
        if self.group:
            self.group.close()
