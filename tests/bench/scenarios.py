"""What is measured, a row each; to add one, write a function and add a row.

A function takes a proxy at work, the case and the form (short or full), and
returns figures by name.  "failed" counts what a client would complain of.
"""

import os
import shutil
import subprocess
import time
from collections import namedtuple

import harness as h
from costs import Trace
from memory import wait_steady, weigh
from tools import Failed, Tool, launch

EVENTS = '/v1.47/events'
SMALL = '/_ping'
DENIED = '/v1.47/secrets'
CONTAINER = '/v1.47/containers/bench'
ATTACH = CONTAINER + '/attach?stream=1&stdin=1&stdout=1'

# How much of everything, in the short form and in the full one.
Form = namedtuple('Form', 'name rounds seconds settle steady conns mib firsts '
                          'burst idle streams held held_seconds traced starts')
# Many short rounds: what disturbs one of them is lost in the median.
SHORT = Form('short', rounds=2, seconds=0.2, settle=0.3, steady=1,
             conns=(1, 16, 64, 256), mib=128, firsts=2, burst=1000,
             idle=(0, 100, 1000), streams=200, held=2000, held_seconds=10,
             traced=500, starts=3)
FULL = Form('full', rounds=7, seconds=1.0, settle=1.5, steady=13,
            conns=(1, 16, 64, 256), mib=1024, firsts=10, burst=1000,
            idle=(0, 100, 1000, 5000), streams=1000, held=2000,
            held_seconds=60, traced=2000, starts=15)
ALL = 1000

# A figure as it is printed; with a ratio, ours to each one's stands beside.
Column = namedtuple('Column', 'figure title digits has_ratio')


class Scenario:
    """A row.  cases: what differs within it; is_once: one round; most: for so
    many proxies only, in the short and in the full form; needs_proxy: the
    Docker socket itself has no such figure."""

    def __init__(self, name, title, measure, columns, *, cases,
                 daemons=('fake',), is_once=False, most=(ALL, ALL),
                 needs_proxy=False):
        self.name = name
        self.title = title
        self.measure = measure
        self.columns = [Column(*column) for column in columns]
        self.cases = cases
        self.daemons = daemons
        self.is_once = is_once
        self.most = dict(zip(('short', 'full'), most))
        self.needs_proxy = needs_proxy

    def rounds(self, form):
        return 1 if self.is_once else form.rounds

    def who(self, all_running, form):
        """Who can do it, and lines on those who cannot."""
        able, lines = [], []
        for running in all_running:
            peer = running.peer
            if peer.only and self.name not in peer.only or \
                    self.needs_proxy and not peer.command:
                continue
            if self.name in peer.cannot:
                lines.append(f'{peer.name}: left out: '
                             f'{peer.cannot[self.name]}')
            else:
                able.append(running)
        return able[:self.most[form.name]], lines


# -- requests ------------------------------------------------------------

def under_load(running, *arguments):
    """The load client's figures, and processor time for each request."""
    with Tool('load', *arguments) as load:
        before = cpu_ns(running)
        result = load.go()
        return with_cpu(running, result, before, result['requests'])


def cpu_ns(running):
    return running.group.cpu_ns() if running.group else None


def with_cpu(running, result, before, count):
    """Microseconds for each of so many things, since before."""
    result['cpu'] = None
    if before is not None and count:
        result['cpu'] = (running.group.cpu_ns() - before) / count / 1000
    return result


def keepalive(running, case, form):
    return under_load(running, '-c', case, '-s', form.seconds,
                      running.address, running.target)


def new(running, case, form):
    return under_load(running, '-N', '-c', case, '-s', form.seconds,
                      running.address, SMALL)


def denied(running, case, form):
    return under_load(running, '-c', case, '-s', form.seconds, '-e', 403,
                      running.address, DENIED)


def echo(running, case, form):
    return under_load(running, '-E', '-c', case, '-s', form.seconds,
                      running.address, ATTACH)


def calls(running, _case, form):
    """System calls for each request, on one connection."""
    h.need_tool('strace')
    with Tool('load', '-c', 1, '-n', form.traced, running.address,
              SMALL) as load:
        time.sleep(form.settle)
        trace = Trace(running.group.pids(), running.dir + '/strace')
        try:
            result = load.go()
        finally:
            counts = trace.stop()
    if result['errors']:
        raise Failed('wrong answers under strace')
    each = {name: count / form.traced for name, count in counts.items()}
    often = sorted(each.items(), key=lambda item: -item[1])
    return {'calls': round(sum(each.values()), 1),
            'note': ' '.join(f'{name} {count:.2f}' for name, count in often
                             if count >= 0.05)}


# -- bodies --------------------------------------------------------------

# case -> options, target
BODIES = {
    'down chunked': ((), '/export?mib=%d'),
    'down length': ((), '/export?mib=%d&length'),
    'up chunked': (('-u', '-C'), '/archive?mib=%d'),
    'up length': (('-u',), '/archive?mib=%d'),
}


def bulk(running, case, form):
    options, target = BODIES[case]
    with Tool('bulk', *options, '-m', form.mib, running.address,
              CONTAINER + target % form.mib) as client:
        before = cpu_ns(running)
        result = client.go()
        gib = form.mib / 1024
        with_cpu(running, result, before, gib * 1e6)    # then in seconds
    result['rate'] = form.mib / result['seconds']
    return result


# -- streams -------------------------------------------------------------

def first(running, _case, form):
    """One after the other, each with its first byte before the next."""
    with Tool('hold', '-n', form.firsts, running.address, EVENTS) as hold:
        return hold.go()


def burst(running, case, form):
    """Of a proxy that has just been started: no pool has grown before."""
    with running.again() as fresh:
        time.sleep(form.settle)
        with Tool('hold', '-n', case, '-c', case, fresh.address,
                  EVENTS) as hold:
            before = cpu_ns(fresh)
            return with_cpu(fresh, hold.go(), before, case)


def held(running, _case, form):
    """New connections, so many in a second, beside streams held open."""
    with running.again() as fresh, \
            Tool('hold', '-n', form.held, '-c', 64, fresh.address,
                 EVENTS) as hold:
        opened = hold.go()
        result = under_load(fresh, '-N', '-r', 200, '-s', form.held_seconds,
                            fresh.address, SMALL)
        result['failed'] = opened['failed'] + hold.finish()['lost'] + \
            result.pop('errors')
    return result


# -- what it takes -------------------------------------------------------

def memory_cases(form, _daemon):
    return [f'{count} idle' for count in form.idle] + \
        [f'{form.streams} streams']


def memory(running, case, form):
    """Of a proxy that has just been started, with so many connections."""
    count = int(case.split()[0])
    with running.again() as fresh:
        time.sleep(form.settle)
        before = weigh(fresh.group)
        result = with_clients(fresh, count, case, form) if count else \
            dict(before, failed=0)
    result['each'] = None
    if count and before['total'] is not None:
        result['each'] = (result['total'] - before['total']) / count
    return result


def with_clients(running, count, case, form):
    idle, target = (('-i',), SMALL) if 'idle' in case else ((), EVENTS)
    with Tool('hold', *idle, '-n', count, '-c', 32, running.address,
              target) as hold:
        opened = hold.go()
        wait_steady(running.group, form.steady)
        result = weigh(running.group)
        result['failed'] = opened['failed'] + hold.finish()['lost']
    return result


def start(running, _case, form):
    fresh = running.again()
    times = []
    for _ in range(form.starts):
        fresh.prepare()
        times.append(launch(fresh.words['host'], fresh.words['port'], SMALL,
                            fresh.command(), fresh.env()))
    return {'ms': sorted(times)[len(times) // 2], 'least': min(times),
            'most': max(times)}


def size(running, _case, _form):
    """Of programs without symbols, in units of 1000 bytes."""
    h.need_tool('strip')
    programs = {'dynamic': running.command()[0]}
    if '@program@' in running.peer.command:
        programs.update(static=running.words['static'],
                        musl=running.words['musl'])
    return {name: stripped_kb(shutil.which(path), running.dir)
            for name, path in programs.items()}


def stripped_kb(path, folder):
    if not path:
        return None
    subprocess.run(['strip', '-o', folder + '/stripped', path], check=True)
    return os.path.getsize(folder + '/stripped') / 1000


# -- all of them ---------------------------------------------------------

def only(*cases):
    return lambda _form, _daemon: cases


def conns(form, daemon):
    """Real daemons are the limit beyond 16."""
    return [count for count in form.conns
            if daemon == 'fake' or count in (1, 16)] or form.conns


RATE = (('rate', 'req/s', 0, True), ('p50', 'p50 us', 1, True),
        ('p99', 'p99 us', 0, False), ('p999', 'p99.9 us', 0, True),
        ('cpu', 'CPU us', 1, True))
FIRST = (('all', 'all ms', 1, True), ('p50', 'p50 us', 0, True),
         ('max', 'max us', 0, False), ('failed', 'failed', 0, False))

SCENARIOS = [
    Scenario('calls', 'system calls for each request', calls,
             [('calls', 'calls', 1, False)], cases=only('1 conn.'),
             is_once=True, most=(2, ALL), needs_proxy=True),
    Scenario('keepalive', 'keep-alive connections', keepalive, RATE,
             cases=conns, daemons=('fake', 'real', 'real28')),
    Scenario('new', 'a new connection for each request, at once', new, RATE,
             cases=only(1, 16)),
    Scenario('denied', 'denied requests, keep-alive connections', denied,
             RATE, cases=only(16)),
    Scenario('echo', 'echo of 64 bytes through attach, connections', echo,
             RATE, cases=only(1)),
    Scenario('bulk', 'a large body', bulk,
             [('rate', 'MiB/s', 0, True), ('cpu', 's/GiB', 3, True)],
             cases=lambda _form, _daemon: list(BODIES)),
    Scenario('first', 'first byte of a stream, one at a time', first, FIRST,
             cases=only('')),
    Scenario('burst', 'new streams at once', burst,
             [*FIRST, ('cpu', 'CPU us', 1, True)],
             cases=lambda form, _daemon: [form.burst]),
    Scenario('start', 'from exec to the first answer', start,
             [('ms', 'ms', 1, True), ('least', 'least', 1, False),
              ('most', 'most', 1, False)],
             cases=only(''), is_once=True, needs_proxy=True),
    Scenario('size', 'programs, without symbols', size,
             [(name, f'{name[:6]} kB', 0, False)
              for name in ('dynamic', 'static', 'musl')],
             cases=only(''), is_once=True, needs_proxy=True),
    Scenario('memory', 'memory with connections', memory,
             [('pss', 'PSS KiB', 0, False), ('kernel', 'kern. KiB', 0, False),
              ('total', 'all KiB', 0, True), ('each', 'each KiB', 1, True),
              ('failed', 'failed', 0, False)],
             cases=memory_cases, is_once=True, most=(2, ALL),
             needs_proxy=True),
    Scenario('held', 'streams held, and beside them 200 new connections a '
             'second', held,
             [('rate', 'req/s', 0, False), ('p50', 'p50 us', 0, False),
              ('p99', 'p99 us', 0, True), ('max', 'max us', 0, False),
              ('cpu', 'CPU us', 1, True), ('failed', 'failed', 0, False)],
             cases=lambda form, _daemon: [form.held], is_once=True,
             most=(1, 3), needs_proxy=True),
]
