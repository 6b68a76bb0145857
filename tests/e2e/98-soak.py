#!/usr/bin/python3 -B
"""Honest and hostile clients for a while, with a real dockerd, reloads,
deaths and restarts beside: every honest one gets what is its own, and in the
end all is as before.

DSP_SOAK_S  seconds (30; 600 and more say something about leaks)
DSP_SEED    repeats the order of what happens (the number is printed)
"""

import collections
import os
import random
import signal

import harness as h
import soak_honest
from soak_book import AFTER, COSTS, Book, Clients
from soak_honest import KEEP, Command, Events, Library, Raw, Upload
from soak_hostile import DENIED, Denied, Hostile
from soak_trace import Trace
from soak_trouble import Trouble, rules
from wire import json_of, request

SOAK = float(os.environ.get('DSP_SOAK_S') or 30)
SEED = int(os.environ.get('DSP_SEED') or random.randrange(1 << 30))
AROUND = 180            # seconds of a test file that are no soak
# How many of each client, and seconds between two of its turns.
HONEST = ((Raw, 4, 0.05), (Upload, 1, 0.2), (Events, 1, 0.2),
          (Command, 2, 0.2), (Library, 1, 0.3))
HOSTILE = 3
DENIALS = 1
# Laws about next to nothing prove nothing: so many each second at least.
FEWEST = {'raw': 20, 'stream': 0.1, 'command': 0.05, 'library': 0.1}
FEWEST_KEPT = 10
FEWEST_DENIED = 2
RELOADS = 16            # after that many the memory grows no more
CONTROL = DENIED + '-control'


def clients_of(p, book):
    clients = Clients(book, SEED)
    names = []
    for kind, count, pause in HONEST:
        if kind is Library and not soak_honest.docker:
            continue
        for number in range(count):
            names.append(f'{kind.__name__.lower()}{number}')
            clients.add(names[-1], kind(p.host, book, names[-1]), pause)
    for number in range(HOSTILE):
        clients.add(f'hostile{number}', Hostile(p.host, book), 0.1)
    for number in range(DENIALS):
        name = f'denied{number}'
        clients.add(name, Denied(p.host, book, name), 0.1)
    return clients, names + ['hostile']


def judge_honest(book):
    outside = book.outside()
    count = collections.Counter(call.kind for call in outside)
    for kind in FEWEST:
        every = [call for call in book.calls if call.kind == kind]
        h.note(f'{kind}: {len(every)} calls, {count[kind]} outside, '
               f'{sum(call.why is not None for call in every)} failed')
        if kind == 'library' and not soak_honest.docker:
            h.skip('library', 'no python3-docker')
            continue
        h.check(count[kind] >= FEWEST[kind] * SOAK,
                f'{kind}: enough calls outside of troubles: {count[kind]}')
    failed = [call for call in outside if call.why]
    h.check(not failed, f'all {len(outside)} honest calls outside of '
            'troubles are answered right', *map(str, failed[:9]))
    h.check(not book.foreign, f'none of {len(book.calls)} got another\'s '
            'bytes, not even in a trouble', *book.foreign[:9])
    slowest = book.slowest()
    h.check(slowest.ended - slowest.began < h.PATIENCE, 'no call took '
            f'{h.PATIENCE} s', slowest)
    h.note(f'slowest: {slowest.ended - slowest.began:.2f} s, {slowest.kind} '
           f'{slowest.name}')
    h.check(book.kept >= FEWEST_KEPT * SOAK, 'enough answers on connections '
            f'with more than three: {book.kept}')


def judge_hostile(d, book):
    statuses = collections.Counter(status for _what, status in book.denials)
    h.check(set(statuses) == {403} and
            statuses[403] >= FEWEST_DENIED * SOAK,
            f'all {len(book.denials)} denied requests get 403', statuses)
    h.check(len(book.attacks) > 8 and not book.breaches,
            f'{sum(book.attacks.values())} attacks get nothing created',
            book.attacks, *book.breaches[:3])
    found = json_of(request(d.host, 'GET', '/volumes'))['Volumes']
    h.same([each['Name'] for each in found], [CONTROL],
           'dockerd has executed none of them: no volume but our own')
    state = json_of(request(d.host, 'GET', f'/containers/{KEEP}/json'))
    h.same((state['State']['Running'], state['RestartCount']), (True, 0),
           'and the container that they were to kill runs')


def judge_trouble(trouble, book):
    count = collections.Counter(window.what for window in book.windows)
    costs = book.costs()
    h.note('troubles: ' + str(dict(count)))
    h.note('calls that failed by them: ' + str(dict(costs)))
    h.check(len(count) == len(trouble.turns), 'each trouble has come', count)
    for what, most in COSTS.items():
        h.check(costs[what] <= most * count[what], f'{count[what]} times '
                f'{what}: {most} failed calls each at most: {costs[what]}',
                *[call for call in book.failed()
                  if book.excuses(call) == {what}][:9])


def warm_up(trouble):
    """What the first reloads take of memory is not given back."""
    for _turn in range(RELOADS):
        trouble.reload()


def soak(d, p):
    book = Book()
    clients, names = clients_of(p, book)
    soak_honest.prepare(d, names)
    h.docker_ok(d.host, 'volume', 'create', CONTROL)
    trouble = Trouble(d, p, book, SEED)
    warm_up(trouble)
    trace = Trace(d, p)
    with clients:
        h.until(lambda: trace.in_dockerd() and trace.on_port(),
                'connections are seen while there are some')
        trouble.run(SOAK)
    h.same((clients.stuck(), book.crashes), ([], []),
           'no client is stuck, none has crashed')
    judge_trouble(trouble, book)
    judge_honest(book)
    judge_hostile(d, book)
    trace.check()
    h.same([line for line in p.err().splitlines() if ' security ' in line],
           [], 'no process did what its sandbox forbids')


def body():
    h.need_root()
    h.need_tool('ss')
    signal.alarm(int(SOAK) + AROUND)
    h.note(f'DSP_SEED={SEED} DSP_SOAK_S={SOAK:g}, {AFTER} s behind a trouble')
    h.Dockerd.flags = ('--live-restore',)
    with h.Dockerd(must_own=True) as d, \
            h.Proxy(d.socket, rules=rules(),
                    args=['--head-timeout', '2', '--log-level', 'warn']) as p:
        soak(d, p)


h.main(body)
