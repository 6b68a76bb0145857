"""Clients that send numbered requests and never one twice, somebody who
kills what serves them, and what must be as before afterwards."""

import itertools
import os
import random
import signal
import threading
import time

import harness as h
from wire import Wire

IDLE = 4                # workers that are kept idle for each listener
SLACK_KIB = 256         # by which a memory may differ
PAUSE = 0.1, 0.5        # seconds between two kills, from and to
ENDED = 'ended'         # the connection, before there was an answer


class Clients:
    """Each asks one request after the other, on one connection as long as
    that lives.

    make(number): method, target and body of a request.
    take(number, answer): the answer; raises when it is not this request's.
    """

    def __init__(self, host, count, make, take, pause=0.0):
        self.host = host
        self.make = make
        self.take = take
        self.pause = pause
        self.numbers = itertools.count(1)
        self.sent = {}          # number -> method
        self.got = {}           # number -> status, or ENDED
        self.wrong = []
        self.good_at = [time.monotonic()]   # when a request was served
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True)
                        for _each in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_why):
        self.is_over.set()
        for thread in self.threads:
            thread.join(2 * h.PATIENCE)
        h.expect(not any(thread.is_alive() for thread in self.threads),
                 'a client still waits for an answer')

    def run(self):
        wire = None
        while not self.is_over.wait(self.pause):
            try:
                wire = wire or Wire(self.host, h.PATIENCE)
            except OSError as why:
                self.wrong.append(f'the port is not open: {why}')
                return
            if not self.ask(wire, next(self.numbers)):
                wire.close()
                wire = None
        if wire:
            wire.close()

    def ask(self, wire, number):
        """One request, once; false when the connection is no longer good."""
        method, target, body = self.make(number)
        self.sent[number] = method
        try:
            wire.ask(method, target, body)
            answer = wire.answer()
        except TimeoutError:
            self.wrong.append(f'{number}: neither an answer nor an end')
            return False
        except (OSError, EOFError):
            self.got[number] = ENDED
            return False
        self.got[number] = answer.status
        try:
            if 200 <= answer.status < 300:
                self.take(number, answer)
                self.good_at.append(time.monotonic())
        except (ValueError, KeyError, AssertionError) as why:
            self.wrong.append(f'{number}: {why!r}: {answer!r}')
        return answer.fields.get('connection') != 'close'

    def good(self):
        return {number for number, status in self.got.items()
                if status != ENDED and status < 300}

    def longest_wait(self):
        """Seconds in which nobody was served."""
        times = sorted(self.good_at)
        return max(b - a for a, b in zip(times, times[1:]))

    def summary(self):
        counts = {}
        for status in self.got.values():
            counts[status] = counts.get(status, 0) + 1
        return f'{len(self.sent)} requests: {counts}, longest wait ' \
            f'{self.longest_wait():.1f} s'


class Killer:
    """Kills by turns, in an order that the seed gives."""

    def __init__(self, proxy, seed, restart=None):
        self.proxy = proxy
        self.random = random.Random(seed)
        self.turns = [self.gate, self.workers, self.workers]
        if restart:
            self.restart = restart
            self.turns.append(self.upstream)
        self.killed = {}        # what -> how many

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.random.shuffle(self.turns)
            for turn in self.turns:
                time.sleep(self.random.uniform(*PAUSE))
                turn()

    def count(self, what):
        self.killed[what] = self.killed.get(what, 0) + 1

    def kill(self, what, pid):
        try:
            os.kill(pid, signal.SIGKILL)
            self.count(what)
        except ProcessLookupError:
            pass        # it has just ended by itself

    def gate(self):
        for pid in self.proxy.gates()[:1]:
            self.kill('gate', pid)

    def workers(self):
        found = self.proxy.workers()
        count = min(len(found), self.random.randint(1, 2))
        for pid in self.random.sample(found, count):
            self.kill('worker', pid)

    def upstream(self):
        self.restart(self.random.uniform(0, 0.3))
        self.count('upstream')


class Trace:
    """What a running proxy holds, to be compared with later."""

    def __init__(self, proxy):
        self.proxy = proxy
        proxy.wait_confined()
        self.idle = IDLE * len(proxy.listen)
        self.held = self.settled()
        self.memory = self.memory_of_master()

    def now(self):
        """Descriptors of the master; of the gate, without one for each
        worker; whether all processes live.  Nothing while there is not one
        gate."""
        children = self.proxy.children()
        gates = self.proxy.gates()
        if len(gates) != 1:
            return None
        return (len(h.descriptors(self.proxy.process.pid)),
                len(h.descriptors(gates[0])) - len(children),
                all(map(h.is_alive, children)))

    def settled(self):
        """The same for a while: not in the middle of a fork."""
        def are_same():
            seen = set()
            for _turn in range(5):
                seen.add(self.now())
                time.sleep(0.02)
            return seen.pop() if len(seen) == 1 else None
        return h.until(are_same, 'the pool is at rest')

    def memory_of_master(self):
        status = h.fields(f'/proc/{self.proxy.process.pid}/status')
        return int(status['RssAnon'].split()[0])

    def check(self, text, is_calm=False):
        """Nobody is missing and nothing is left.  Spare workers are let go
        after some seconds: is_calm waits for that."""
        end = time.monotonic() + h.PATIENCE

        def is_over():
            count = len(self.proxy.workers())
            is_full = count == self.idle if is_calm else count >= self.idle
            return is_full and self.now() == self.held \
                or time.monotonic() > end

        h.until(is_over, 'all is as before', 2 * h.PATIENCE)
        count = len(self.proxy.workers())
        h.check(count == self.idle if is_calm else count >= self.idle,
                f'{text}: the pool is full again', f'{count} workers')
        h.same(self.settled(), self.held,
               f'{text}: descriptors and processes as before, no zombie')
        now = self.memory_of_master()
        h.check(now <= self.memory + SLACK_KIB,
                f'{text}: the master takes no more memory',
                f'{self.memory} KiB before, {now} KiB now')


def never_twice(text, clients, executed):
    """executed: number -> how often upstream has seen it.  A GET may be asked
    again where the connection that was kept for it had ended."""
    def most(number):
        return 2 if clients.sent.get(number) == 'GET' else 1

    h.same(clients.wrong, [], f'{text}: every answer is the request\'s own')
    h.same({number: times for number, times in executed.items()
            if times > most(number)}, {},
           f'{text}: none is executed twice, but GET')
    h.same([number for number in executed if number not in clients.sent], [],
           f'{text}: none is executed that nobody sent')
    h.same([number for number in sorted(clients.good())
            if executed.get(number, 0) < 1], [],
           f'{text}: what was answered as done was done')
