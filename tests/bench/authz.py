#!/usr/bin/python3 -B
"""What an authorization plugin costs: the time of a request to dockerd without
one, with the least that one can be (yes.c), and with ours.

usage: authz.py [rounds]; root, dockerd; programs from $builddir
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, '..', '..')
BUILD = os.path.abspath(os.environ.get('builddir') or '.')
SPECS = '/etc/docker/plugins'
REQUESTS = 1000         # of each daemon in a round
ASK = b'GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n'


class Daemon:
    """A dockerd; command makes its plugin on a socket, if there is one."""

    def __init__(self, name, command):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix=f'dsp-bench-{name}.', dir='/tmp')
        self.plugin = f'dsp-bench-{os.getpid()}-{name}'
        self.spec = f'{SPECS}/{self.plugin}.spec'
        self.processes = []
        self.times = []
        if command:
            path = self.dir + '/plugin.sock'
            self.start([word.replace('%', path) for word in command])
            wait(path)
            with open(self.spec, 'w', encoding='ascii') as f:
                f.write(f'unix://{path}\n')
        where = self.dir + '/docker.sock'
        self.start(['dockerd', '--data-root', self.dir + '/data',
                    '--exec-root', self.dir + '/exec', '-H',
                    'unix://' + where, '--pidfile', self.dir + '/pid',
                    '--storage-driver', 'vfs', '--bridge=none',
                    '--iptables=false', '--ip6tables=false'] +
                   (['--authorization-plugin', self.plugin] if command
                    else []))
        wait(where)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(where)
        self.ask()

    def start(self, command):
        self.processes.append(subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL))

    def ask(self):
        self.socket.sendall(ASK)
        answer = self.socket.recv(4096)
        if not answer.startswith(b'HTTP/1.1 200 '):
            raise RuntimeError(f'{self.name}: {answer!r}')

    def measure(self):
        for _turn in range(REQUESTS):
            began = time.perf_counter_ns()
            self.ask()
            self.times.append(time.perf_counter_ns() - began)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)
        if os.path.exists(self.spec):
            os.unlink(self.spec)
        shutil.rmtree(self.dir, ignore_errors=True)


def wait(path):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f'nobody listens on {path}')


def show(daemons):
    for d in daemons:
        d.median = statistics.median(d.times) / 1000
        p99 = sorted(d.times)[len(d.times) * 99 // 100] / 1000
        print(f'{d.name:6} median {d.median:6.1f} us, 99 of 100 below '
              f'{p99:7.1f} us')
    none, least, ours = (d.median for d in daemons)
    print(f'ours to the least: {ours / least:.2f}; what they add: '
          f'{(ours - none) / (least - none):.2f}')


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    made = [path for path in (os.path.dirname(SPECS), SPECS)
            if not os.path.isdir(path)]
    os.makedirs(SPECS, exist_ok=True)
    daemons = []
    try:
        for name, command in (
                ('none', None),
                ('least', [BUILD + '/tests/bench/yes', '%']),
                ('ours', [BUILD + '/docker-socket-protector', '--config',
                          '/dev/null', '--profile-dir', TOP + '/profiles',
                          '-p', 'readonly', '-l', 'authz://%'])):
            daemons.append(Daemon(name, command))
        for _round in range(rounds):
            for d in daemons:
                d.measure()
        show(daemons)
    finally:
        for d in daemons:
            d.stop()
        for path in reversed(made):
            os.rmdir(path)


main()
