"""What happens to a soak: reloads, deaths, restarts, at times and in an
order that the seed gives."""

import os
import random
import signal
import time

import harness as h
from wire import request

# Seconds from one trouble to the next: longer than clients may suffer.
PAUSE = 2.2, 3.6
STOPPED = 0.2, 1.5      # seconds that a worker is stopped
DEAD = 0, 0.5           # seconds from dockerd's end to its start

RULES = r'''
(GET|HEAD) /(v1\.\d+/)?(_ping|version|events.*|exec/.*)
(GET|HEAD) /(v1\.\d+/)?(containers|images)/.*
POST /(v1\.\d+/)?containers/create.*
POST /(v1\.\d+/)?containers/[^/]+/(attach|wait|start|exec|resize)(\?.*)?
POST /(v1\.\d+/)?exec/[^/]+/(start|resize)(\?.*)?
POST /(v1\.\d+/)?images/(load|[^/]+/tag).*
PUT /(v1\.\d+/)?containers/[^/]+/archive.*
DELETE /(v1\.\d+/)?containers/(dsp-soak-mark|[0-9a-f]{64}).*
DELETE /(v1\.\d+/)?images/[^/]+
'''
PROBE = '/info'         # allowed after every other reload


def rules(allows_probe=False):
    return RULES + (f'GET {PROBE}\n' if allows_probe else '')


class Trouble:
    def __init__(self, dockerd, proxy, book, seed):
        self.dockerd, self.proxy, self.book = dockerd, proxy, book
        self.random = random.Random(seed)
        self.allows_probe = False
        self.turns = [self.reload, self.break_profile, self.kill_worker,
                      self.kill_gate, self.stop_worker, self.restart]

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.random.shuffle(self.turns)
            for turn in self.turns:
                pause = self.random.uniform(*PAUSE)
                time.sleep(max(0, min(pause, end - time.monotonic())))
                began = time.monotonic()
                if began >= end:
                    return
                self.book.window(turn(), began)

    def reload(self):
        self.allows_probe = not self.allows_probe
        self.proxy.write_rules(rules(self.allows_probe))
        self.proxy.process.send_signal(signal.SIGHUP)
        want = 200 if self.allows_probe else 403
        h.until(lambda: self.status(PROBE) == want, 'the new rules hold')
        return 'reload'

    def status(self, target):
        try:
            return request(self.proxy.host, 'GET', target).status
        except (OSError, EOFError):
            return None

    def break_profile(self):
        path = self.proxy.rules_path
        wrong = f'{path}:{len(rules().splitlines()) + 1}: '
        before = os.path.getsize(self.proxy.dir + '/err')
        self.proxy.write_rules(rules() + 'GET /(\n')
        self.proxy.process.send_signal(signal.SIGHUP)
        h.until(lambda: wrong.encode() in self.log_from(before),
                'the log names the wrong line')
        self.proxy.write_rules(rules(self.allows_probe))
        return 'broken reload'

    def log_from(self, place):
        with open(self.proxy.dir + '/err', 'rb') as f:
            f.seek(place)
            return f.read()

    def kill(self, pids):
        """One of them, unless it has just ended by itself."""
        try:
            os.kill(self.random.choice(pids), signal.SIGKILL)
        except (ProcessLookupError, IndexError):
            pass

    def kill_worker(self):
        self.kill(self.proxy.workers())
        return 'worker killed'

    def kill_gate(self):
        self.kill(self.proxy.gates())
        return 'gate killed'

    def stop_worker(self):
        pid = self.random.choice(self.proxy.workers())
        try:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self.random.uniform(*STOPPED))
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass        # it has just ended by itself
        return 'worker stopped'

    def restart(self):
        """Containers live on: see --live-restore."""
        h.end(self.dockerd.process)
        time.sleep(self.random.uniform(*DEAD))
        self.dockerd.start()
        return 'dockerd restarted'
