#!/usr/bin/python3
"""Measure the program against other proxies: see README beside this file.

usage: run.py [--scenarios a,b] [--peers a,b] [--peer NAME=COMMAND]...
              [--daemons fake,real] [--conns 1,16] [--rounds N]
              [--seconds S] [--musl PATH] [--pin]

BENCH=short in the environment: fewer and shorter rounds.  DSP_PROGRAM is the
program, DSP_PROFILES the shipped profiles; the tools (standind, load, nogate)
are in $builddir/tests/bench.
"""

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + '/../e2e']
os.environ.setdefault('DSP_PROFILES', HERE + '/../../profiles')

import harness as h                                         # noqa: E402
from daemons import NAMES, open_daemon                      # noqa: E402
from goals import judge                                     # noqa: E402
from peers import PEERS, Peer, Running                      # noqa: E402
from scenarios import FULL, SCENARIOS, SHORT                # noqa: E402
from table import Results, section                          # noqa: E402
from tools import TOOLS, Failed                             # noqa: E402

QUIET = 0.7             # load of the machine that does no harm
FILES = 65536           # descriptors: HAProxy takes two for each client


def say(*words):
    print(*words, flush=True)


class Bench:
    def __init__(self, want, folder):
        self.want = want
        self.dir = folder
        self.words = {'program': h.PROGRAM, 'profiles': h.PROFILES,
                      'nogate': TOOLS + '/nogate',
                      'static': TOOLS + '/static', 'musl': want.musl,
                      'prefix': 'taskset -c 1' if want.pin else ''}
        self.results = Results()
        self.ours = None        # the first proxy

    def run(self):
        for name in self.want.daemons:
            scenarios = [scenario for scenario in self.want.scenarios
                         if name in scenario.daemons]
            if not scenarios:
                continue
            try:
                with open_daemon(name, TOOLS, self.dir) as daemon:
                    self.run_daemon(name, daemon, scenarios)
            except h.Skip as why:
                say(f'{name}: left out: {why}')
        if self.ours:
            say(f'\ngoals, for {self.ours}')
            for line in judge(self.results, self.ours, self.want.scenarios):
                say(line)
        return 1 if self.results.errors or not self.ours else 0

    def run_daemon(self, name, daemon, scenarios):
        with ExitStack() as stack:
            all_running = []
            for peer in self.want.peers:
                try:
                    all_running.append(stack.enter_context(Running(
                        peer, daemon.socket, daemon.target,
                        f'{self.dir}/{name}-{peer.name}', self.words)))
                except h.Skip as why:
                    say(f'{peer.name}: left out: {why}')
                except (AssertionError, RuntimeError) as why:
                    say(f'{peer.name}: ERROR: {why}')
                    self.results.fail((name, peer.name), str(why))
            if all_running:
                self.ours = self.ours or all_running[0].name
            for scenario in scenarios:
                self.run_scenario(scenario, name, daemon, all_running)

    def run_scenario(self, scenario, name, daemon, all_running):
        form = self.want.form
        able, lines = scenario.who(all_running, form)
        cases = scenario.cases(form, name)
        # All of them in turn, again and again, so that what else happens on
        # the machine hits each.
        for _ in range(scenario.rounds(form)):
            for case in cases:
                for running in able:
                    self.measure(scenario, name, case, running)
        names = [running.name for running in able]
        for case in cases:
            say(f'\n{daemon.title}, {scenario.title}: {case}'.rstrip(': '))
            for line in section(self.results, (scenario.name, name, case),
                                scenario.columns, names):
                say(line)
        for line in lines:
            say(line)

    def measure(self, scenario, name, case, running):
        key = (scenario.name, name, case, running.name)
        if key in self.results.errors:
            return
        try:
            self.results.add(key, scenario.measure(running, case,
                                                   self.want.form))
        except h.Skip as why:
            self.results.add(key, {'note': f'left out: {why}'})
        except (Failed, AssertionError, RuntimeError) as why:
            self.results.fail(key, str(why))


def arguments():
    default = SHORT if os.environ.get('BENCH') == 'short' else FULL
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument('--scenarios', metavar='A,B', default=','.join(names),
                        help='of ' + ','.join(names))
    parser.add_argument('--peers', metavar='A,B',
                        help='which, and in which order; ratios are those '
                             'of the first to each')
    parser.add_argument('--peer', metavar='NAME=COMMAND', action='append',
                        default=[], help='one more (words: see peers.py)')
    parser.add_argument('--daemons', default='fake,real', metavar='A,B',
                        help='of ' + ','.join(NAMES))
    parser.add_argument('--conns', metavar='N,N', default=','.join(
                        map(str, default.conns)), help='of keepalive')
    parser.add_argument('--rounds', type=int, default=default.rounds)
    parser.add_argument('--seconds', type=float, default=default.seconds)
    parser.add_argument('--musl', metavar='PATH', default='',
                        help='the program made with musl, for its size')
    parser.add_argument('--pin', action='store_true', help='proxies on CPU 1,'
                        ' load and daemon on CPU 0')
    return settle(parser, parser.parse_args(), default)


def settle(parser, want, default):
    """Names become what they stand for."""
    peers = {peer.name: peer for peer in PEERS}
    for text in want.peer:
        name, _equals, command = text.partition('=')
        peers[name] = Peer(name, command)
    scenarios = {scenario.name: scenario for scenario in SCENARIOS}
    daemons = {name: name for name in NAMES}
    want.peers = chosen(parser, want.peers or ','.join(peers), peers)
    want.scenarios = chosen(parser, want.scenarios, scenarios)
    want.daemons = chosen(parser, want.daemons, daemons)
    want.form = default._replace(
        rounds=want.rounds, seconds=want.seconds,
        conns=tuple(int(text) for text in want.conns.split(',')))
    return want


def chosen(parser, text, known):
    for name in text.split(','):
        if name not in known:
            parser.error(f'{name}: none of {", ".join(known)}')
    return [known[name] for name in text.split(',')]


def raise_files():
    """As many as all need, or as there may be."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (max(FILES, most), most):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return
        except (OSError, ValueError):
            continue


def main():
    want = arguments()
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:      # nohup
            signal.signal(number, h.interrupted)
    raise_files()
    if want.pin:
        os.sched_setaffinity(0, {0})
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
