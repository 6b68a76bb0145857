"""The proxies that are compared, a row each; to add one, add a row.

In a command, its environment and the file beside it these are put in:

    @host@ @port@   where it is to listen (TCP)
    @socket@        the Docker socket it is to use
    @dir@           a folder of its own; the file is @dir@/NAME
    @program@       the program under test
    @nogate@        the same without its gate (nogate.c)
    @profiles@      the folder of shipped profiles
    @rules@         the profile of the bench, which allows what it does
"""

import os
import shutil
import subprocess

import harness as h
from costs import Group

HOST = '127.0.0.1'
HERE = os.path.dirname(os.path.abspath(__file__))

# Started as root, as they would be in a container; each with a log line for
# each request, which goes to /dev/null.  Limits are raised, as they are for
# the others: a figure with 5000 clients is of 5000 clients.
OURS = ('@program@ --config @dir@/none --profile @rules@ '
        '--docker-socket @socket@ --listen tcp://@host@:@port@ '
        '--max-workers 8192 --idle-timeout 600')

# On what Tecnativa's switches allow of the file "rules".
SWITCHES = {'CONTAINERS': '1', 'EVENTS': '1', 'PING': '1', 'VERSION': '1',
            'POST': '1'}


class Peer:
    """A row: how a proxy is started."""

    def __init__(self, name, command, *, file=None, env=None, words=None,
                 only=None, cannot=None):
        self.name = name
        self.command = command      # '': the Docker socket itself
        self.file = file            # beside this one, copied to @dir@
        self.env = env or {}
        self.words = words or {}    # more of them, for its file
        self.only = only            # scenarios that it is there for
        self.cannot = cannot or {}  # scenario -> why it cannot do it


PEERS = [
    Peer('gate', OURS),
    Peer('haproxy', 'haproxy -db -f @dir@/haproxy.cfg', file='haproxy.cfg',
         env=SWITCHES, words={'upstream': 'http-server-close'}),
    Peer('nginx', 'nginx -p @dir@ -e /dev/null -c @dir@/nginx.conf',
         file='nginx.conf'),
    Peer('haproxy-ka', 'haproxy -db -f @dir@/haproxy.cfg',
         file='haproxy.cfg', env=SWITCHES,
         words={'upstream': 'http-keep-alive'}),
    Peer('socat', 'socat TCP-LISTEN:@port@,bind=@host@,reuseaddr,fork,'
         'nodelay,backlog=4096 UNIX-CONNECT:@socket@',
         cannot={'denied': 'has no rules'}),
    Peer('nogate', OURS.replace('@program@', '@nogate@') + ' --sandbox off',
         env={'BENCH_SOCKET': '@socket@'}, only=('keepalive', 'calls')),
    Peer('direct', '', cannot={'denied': 'has no rules'}),
]


class Running:
    """A proxy at work in front of one daemon."""

    def __init__(self, peer, docker_socket, target, folder, words):
        self.name = peer.name
        self.peer = peer
        self.dir = folder
        self.group = None
        self.process = None
        self.address = 'unix://' + docker_socket
        self.docker_socket = docker_socket
        self.target = target        # what is asked of this daemon
        self.more_words = words
        self.words = dict(words, socket=docker_socket, dir=folder, host=HOST,
                          rules=HERE + '/rules', **peer.words)

    def __enter__(self):
        if not self.peer.command:
            return self
        self.prepare()
        self.group = Group(os.path.basename(self.dir))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def again(self):
        """The same once more, not yet started."""
        return Running(self.peer, self.docker_socket, self.target,
                       self.dir + '-again', self.more_words)

    def prepare(self):
        """A free port, and its files."""
        os.makedirs(self.dir, exist_ok=True)
        h.write(self.dir + '/none', '')
        self.words['port'] = str(h.free_port())
        if self.peer.file:
            h.write(f'{self.dir}/{self.peer.file}',
                    self.fill(h.read(f'{HERE}/{self.peer.file}')))
        self.address = f'tcp://{HOST}:{self.words["port"]}'
        if not shutil.which(self.command()[0]):
            raise h.Skip(f'no {self.command()[0]}')

    def command(self):
        return [self.fill(word) for word in self.peer.command.split()]

    def env(self):
        return h.clean_environment({name: self.fill(value) for name, value
                                    in self.peer.env.items()})

    def start(self):
        command = self.words['prefix'].split() + self.command()
        self.process = self.group.start(
            command, env=self.env(), stdin=subprocess.DEVNULL,
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
