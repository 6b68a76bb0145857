#!/usr/bin/python3
"""Measure the program against other proxies: see README beside this file.

usage: run.py [--peers a,b] [--peer NAME=COMMAND]... [--daemons fake,real]
              [--conns 1,16] [--rounds N] [--seconds S] [--pin]

BENCH=short in the environment: fewer and shorter rounds.  DSP_PROGRAM is the
program, DSP_PROFILES the shipped profiles; the tools (standind, load, nogate)
are in $builddir/tests/bench.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + '/../e2e']
os.environ.setdefault('DSP_PROFILES', HERE + '/../../profiles')

import harness as h                                         # noqa: E402
from costs import Trace                                     # noqa: E402
from daemons import NAMES, open_daemon                      # noqa: E402
from goals import judge                                     # noqa: E402
from peers import PEERS, Peer, Running                      # noqa: E402
from table import Results, section                          # noqa: E402

TOOLS = os.path.abspath((os.environ.get('builddir') or '.') + '/tests/bench')
TRACED = 2000           # requests under strace
SETTLE = 1.5            # seconds for a pool to fork what it needs next
QUIET = 0.7             # load of the machine that does no harm
# Many short rounds: what disturbs one of them is lost in the median.
SHORT = {'rounds': 5, 'seconds': 0.6}
FULL = {'rounds': 15, 'seconds': 1.5}


class Load:
    """The load client: connected and warm, then let go once."""

    def __init__(self, address, target, *options):
        self.process = subprocess.Popen(
            [TOOLS + '/load', '-W', *options, address, target],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        self.expect('ready')
        return self

    def expect(self, word):
        line = self.process.stdout.readline().strip()
        if line != word:
            raise RuntimeError(f'load: {line!r} instead of {word!r}')

    def go(self):
        """Returns when time is up; connections are still open then."""
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        if not words:
            raise RuntimeError('load ended too early')
        result = dict(word.split('=') for word in words)
        self.expect('over')
        return {name: float(value) for name, value in result.items()}

    def __exit__(self, *_why):
        self.process.communicate('\n')


def measure(running, target, conns, seconds):
    with Load(running.address, target, '-c', str(conns),
              '-s', str(seconds)) as load:
        before = running.group.cpu_ns() if running.group else 0
        result = load.go()
        result['cpu'] = None
        if running.group and result['requests']:
            spent = running.group.cpu_ns() - before
            result['cpu'] = spent / result['requests'] / 1000
        return result


def count_calls(running, target):
    """name -> system calls for each request, on one connection; None when
    one was not answered well."""
    with Load(running.address, target, '-c', '1',
              '-n', str(TRACED)) as load:
        time.sleep(SETTLE)
        trace = Trace(running.group.pids(), running.dir + '/strace')
        result = load.go()
        calls = trace.stop()
    if result['errors']:
        return None
    return {name: count / TRACED for name, count in calls.items()}


def say(*words):
    print(*words, flush=True)


class Bench:
    def __init__(self, want, folder):
        self.want = want
        self.dir = folder
        self.words = {'program': h.PROGRAM, 'profiles': h.PROFILES,
                      'nogate': TOOLS + '/nogate'}
        self.results = Results()

    def run(self):
        names = []
        for name in self.want.daemons:
            try:
                with open_daemon(name, TOOLS, self.dir) as daemon:
                    names = self.run_daemon(name, daemon)
            except h.Skip as why:
                say(f'{name}: left out: {why}')
        if names:
            say(f'\ngoals, for {names[0]}')
            for line in judge(self.results, names[0]):
                say(line)
        return 1 if self.results.errors or not names else 0

    def run_daemon(self, name, daemon):
        with ExitStack() as stack:
            all_running = []
            for peer in self.want.peers:
                try:
                    all_running.append(stack.enter_context(Running(
                        peer, daemon.socket, f'{self.dir}/{name}-{peer.name}',
                        self.words)))
                except h.Skip as why:
                    say(f'{peer.name}: left out: {why}')
            # First: after the rounds pools shrink, which takes calls too.
            if shutil.which('strace'):
                self.calls(name, daemon.target, all_running)
            self.rounds(name, daemon.target, all_running)
            names = [running.name for running in all_running]
            for conns in self.want.conns:
                say(f'\n{daemon.title}, GET {daemon.target}, '
                    f'keep-alive connections: {conns}')
                for line in section(self.results, name, conns, names):
                    say(line)
            return names

    def rounds(self, name, target, all_running):
        """All of them in turn, again and again, so that what else happens
        on the machine hits each."""
        for _ in range(self.want.rounds):
            for conns in self.want.conns:
                for running in all_running:
                    self.results.add(
                        (name, conns, running.name),
                        measure(running, target, conns, self.want.seconds))

    def calls(self, name, target, all_running):
        say('\nsystem calls for each request, 1 connection '
            '(those below 0.05 left out)')
        for running in all_running:
            calls = running.group and count_calls(running, target)
            if calls:
                self.results.add((name, 1, running.name),
                                 {'calls': round(sum(calls.values()), 1)})
                shown = sorted(calls.items(), key=lambda item: -item[1])
                say(f'{running.name}:', ' '.join(
                    f'{call} {count:.2f}' for call, count in shown
                    if count >= 0.05))


def arguments():
    default = SHORT if os.environ.get('BENCH') == 'short' else FULL
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--peers', metavar='A,B',
                        help='which, and in which order; ratios are those '
                             'of the first to each')
    parser.add_argument('--peer', metavar='NAME=COMMAND', action='append',
                        default=[], help='one more (words: see peers.py)')
    parser.add_argument('--daemons', default='fake,real', metavar='A,B',
                        help='of ' + ','.join(NAMES))
    parser.add_argument('--conns', default='1,16', metavar='N,N')
    parser.add_argument('--rounds', type=int, default=default['rounds'])
    parser.add_argument('--seconds', type=float, default=default['seconds'])
    parser.add_argument('--pin', action='store_true', help='proxies on CPU 1,'
                        ' load and daemon on CPU 0')
    want = parser.parse_args()
    known = {peer.name: peer for peer in PEERS}
    for text in want.peer:
        name, _equals, command = text.partition('=')
        known[name] = Peer(name, command)
    chosen = want.peers.split(',') if want.peers else list(known)
    want.daemons = want.daemons.split(',')
    want.conns = [int(text) for text in want.conns.split(',')]
    for name in [*chosen, *want.daemons]:
        if name not in known and name not in NAMES:
            parser.error(f'{name}: none of {", ".join([*known, *NAMES])}')
    want.peers = [known[name] for name in chosen]
    if want.pin:
        os.sched_setaffinity(0, {0})
        for peer in want.peers:
            if peer.command:
                peer.command = 'taskset -c 1 ' + peer.command
    return want


def main():
    want = arguments()
    signal.signal(signal.SIGTERM, h.interrupted)
    folder = tempfile.mkdtemp(prefix='dsp-bench.', dir='/tmp')
    os.chmod(folder, 0o755)     # workers of ours are nobody
    start = time.monotonic()
    load = os.getloadavg()[0]
    say(f'{want.rounds} rounds of {want.seconds} s')
    if load > QUIET:
        say(f'NOTE: others are at work (load {load:.1f}): single figures '
            'mean little, ratios a bit more')
    try:
        code = Bench(want, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f'\n{time.monotonic() - start:.0f} s')
    return code


sys.exit(main())
