"""What clients of a soak have asked and what came of it; when there was
trouble; and the threads that ask."""

import collections
import json
import random
import subprocess
import threading
import time

import harness as h
from wire import Wire

AFTER = 2               # seconds behind a trouble in which clients may fail

# Whom a trouble may make fail.  Kept answers, reloads and stopped workers
# cost a client that asks again on a new connection nothing at all; clients
# that do not ask again may meet the end of an idle connection.
HARMS = {
    'worker killed': {'raw', 'stream', 'command', 'library'},
    'gate killed': {'raw', 'command', 'library'},
    'dockerd restarted': {'raw', 'stream', 'command', 'library'},
    'reload': {'command', 'library'},
    'broken reload': set(),
    'worker stopped': set(),
}

# The most calls that one such trouble makes fail: a worker serves one, and
# those who do not ask again are three.
COSTS = {'worker killed': 1, 'reload': 3}

Call = collections.namedtuple('Call', 'kind name began ended why')
Window = collections.namedtuple('Window', 'what began ended')


class Foreign(Exception):
    """A whole answer, but not to what was asked."""


class Book:
    def __init__(self):
        self.calls = []
        self.foreign = []
        self.windows = []
        self.denials = []       # (name, status, whether it could harm)
        self.breaches = []      # what hostile clients should not have got
        self.kept = 0           # answers from the fourth on of a connection
        self.attacks = collections.Counter()
        self.crashes = []       # faults of the test itself

    def call(self, kind, name, function, *args, began=None):
        """Call it; what it gives, or None when it failed."""
        began, why, value = began or time.monotonic(), None, None
        try:
            value = function(*args)
        except Foreign as what:
            why = f'foreign: {what}'
            self.foreign.append(f'{name}: {what}')
        except (OSError, EOFError, ValueError, KeyError, AssertionError,
                subprocess.TimeoutExpired) as what:
            why = repr(what)[:300] or 'failed'
        self.calls.append(Call(kind, name, began, time.monotonic(), why))
        return None if why else value

    def window(self, what, began):
        self.windows.append(Window(what, began, time.monotonic()))

    def excuses(self, call):
        """The kinds of trouble that may have made it fail."""
        return {w.what for w in self.windows
                if call.kind in HARMS[w.what] and call.ended > w.began
                and call.began < w.ended + AFTER}

    def costs(self):
        """What -> how many calls failed for which there is no other excuse."""
        return collections.Counter(
            next(iter(why)) for why in map(self.excuses, self.failed())
            if len(why) == 1)

    def failed(self):
        return [call for call in self.calls if call.why]

    def outside(self):
        """Calls that no trouble excuses."""
        return [call for call in self.calls if not self.excuses(call)]

    def slowest(self):
        return max(self.calls, key=lambda call: call.ended - call.began)


class Clients:
    """Threads that call turn(random) again and again."""

    def __init__(self, book, seed):
        self.book = book
        self.seed = seed
        self.is_over = threading.Event()
        self.threads = []

    def add(self, name, turn, pause):
        chance = random.Random(f'{self.seed} {name}')
        self.threads.append(threading.Thread(
            target=self.run, args=(turn, chance, pause), name=name,
            daemon=True))

    def run(self, turn, chance, pause):
        while not self.is_over.wait(chance.uniform(0, 2 * pause)):
            try:
                turn(chance)
            except Exception as what:
                self.book.crashes.append(repr(what))
                break
        getattr(turn, 'leave', int)()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_why):
        self.is_over.set()
        end = time.monotonic() + 3 * h.PATIENCE
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))

    def stuck(self):
        return [thread.name for thread in self.threads if thread.is_alive()]


class Seen(Wire):
    """A connection that knows whether an answer has begun."""

    has_begun = False
    answers = 0

    def more(self):
        is_open = super().more()
        self.has_begun = self.has_begun or is_open
        return is_open


class Asker:
    """A client that keeps its connection, and may ask what is safe to repeat
    once more on a new one when a kept one ends before it answers."""

    def __init__(self, host, book):
        self.host = host
        self.book = book
        self.wire = None

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        self.leave()

    def leave(self):
        if self.wire:
            self.wire.close()
        self.wire = None

    def ask(self, method, *targets, body=b''):
        """Answers to all, which are sent at once."""
        answers = []
        while len(answers) < len(targets):
            is_fresh = self.wire is None
            try:
                self.wire = self.wire or Seen(self.host, h.PATIENCE)
                is_fresh = self.wire.answers == 0
                for target in targets[len(answers):]:
                    self.wire.ask(method, target, body)
                self.take(method, len(targets), answers)
            except TimeoutError:
                self.leave()
                raise
            except (OSError, EOFError):
                is_lost = is_fresh and not (self.wire and self.wire.answers)
                has_begun = self.wire and self.wire.has_begun
                self.leave()
                if is_lost or has_begun:
                    raise
        return answers

    def take(self, method, count, answers):
        while len(answers) < count:
            wire = self.wire
            wire.has_begun = bool(wire.held)
            answers.append(wire.answer(method))
            wire.answers += 1
            wire.has_begun = False
            if wire.answers > 3:
                self.book.kept += 1
            if answers[-1].fields.get('connection') == 'close':
                self.leave()
                return


def expect_status(answer, *statuses):
    """Troubles give 5xx; anything else is the answer to something else."""
    if answer.status not in statuses and answer.status < 500:
        raise Foreign(f'{answer!r}, not {statuses}')
    h.expect(answer.status in statuses, 'not', statuses, answer)


def expect_own(got, want, what):
    if got != want:
        raise Foreign(f'{what}: {str(got)[:200]!r}, not {str(want)[:200]!r}')


def parsed(answer):
    try:
        return json.loads(answer.body)
    except ValueError as why:
        raise Foreign(f'no JSON: {answer!r}') from why
