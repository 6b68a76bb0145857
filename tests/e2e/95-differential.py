#!/usr/bin/python3 -B
"""Mangled requests, sent directly to dockerd and through the proxy: what the
proxy lets through means to dockerd what it meant to the rule.

DSP_SEED    repeats a run (the number is printed)
DSP_CASES   how many for each daemon; else as many as go in DEFAULT_SECONDS,
            DEFAULT_CASES at most
"""

import os
import random

import daemon28
import differential_cases as cases
import differential_law as law
import differential_run as run
import harness as h
from differential_holes import HOLES, Workshop
from wire import json_of, request

DEFAULT_CASES = 20000
DEFAULT_SECONDS = 40
FEWEST = 500            # less than this says nothing
HOLE_CASES = 3000
HOLE_SEED = 1           # so that a hole is found always or never

SEED = int(os.environ.get('DSP_SEED') or random.randrange(1 << 30))
CASES = int(os.environ.get('DSP_CASES') or 0)
SECONDS = 4 * 3600 if CASES else DEFAULT_SECONDS


def prepare(d):
    h.sleeper(d.host, '--name', cases.A)
    for name in cases.B, cases.TRAP:
        h.docker_ok(d.host, 'create', '--name', name, '--network', 'none',
                    h.IMAGE, 'true')
    h.docker_ok(d.host, 'tag', h.IMAGE, cases.SLASH_IMAGE)


def state_of(d):
    """What no case may have changed."""
    containers = json_of(request(d.host, 'GET', '/containers/json?all=1'))
    images = json_of(request(d.host, 'GET', '/images/json'))
    return (sorted((each['Names'], each['State']) for each in containers),
            sorted(tag for each in images for tag in each['RepoTags']))


def canonical(name, d):
    """Every canonical request is answered by its handler."""
    wrong = []
    for row in cases.CANONICAL:
        data, _settled = run.exchange(d.socket, cases.plain(row, 0, ''))
        got = [law.handler_of(answer) for answer in law.answers_in(data)]
        if got != [row[0]]:
            wrong.append(f'{row[1]} {row[2]}: {got}, {data[:200]!r}')
    h.check(not wrong, f'{name}: {len(cases.CANONICAL)} canonical requests '
            'are told apart by their answers', *wrong)


def laws(name, d):
    """The laws, for one daemon."""
    before = state_of(d)
    done = run.Run(d, SEED).run(CASES or DEFAULT_CASES, SECONDS)
    count = len(done.cases)
    h.note(f'{name}: {count} cases in {done.seconds:.0f} s; '
           f'{done.forwarded} requests came through the proxy')
    h.note('answered by the proxy or through it: ' + ', '.join(
        f'{status} {times}' for status, times in done.statuses.most_common()))
    h.note('mutations: ' + ', '.join(
        f'{each} {times}' for each, times in sorted(done.classes.items())))
    h.check(count >= min(FEWEST, CASES or FEWEST)
            and done.forwarded > count // 50,
            f'{name}: {count} cases, some of them forwarded')
    h.check(done.tempting > count // 50,
            f'{name}: sent directly, {done.tempting} reach a handler that '
            'the profile denies')
    for each in law.LAWS:
        rows = done.under(each)
        h.check(not rows, f'{name}: law {each}: {done.forwarded} requests of '
                f'{count} cases', f'{len(rows)} breaches',
                *[run.describe(row) for row in rows[:5]])
    h.same(state_of(d), before, f'{name}: containers and images are as they '
           'were')


def holes(d):
    """The test of the test: every planted hole is found."""
    with Workshop() as workshop:
        for name, file, text, instead, expected, profile in HOLES:
            program = workshop.program(file, text, instead)
            done = run.Run(d, HOLE_SEED, program, [profile]).run(
                HOLE_CASES, SECONDS)
            found = {each: len(done.under(each)) for each in law.LAWS}
            h.check(found[expected] > 0, f'planted: {name}: {found[expected]}'
                    f' breaches of "{expected}" in {len(done.cases)} cases',
                    found)


def on(name, daemon, *parts):
    with daemon as d:
        prepare(d)
        canonical(name, d)
        laws(name, d)
        for part in parts:
            h.each([part], d)


def body():
    h.note(f'seed {SEED}')
    on("the system's dockerd", h.Dockerd(must_own=True), holes)
    try:
        newer = daemon28.Dockerd()
    except h.Skip as why:
        h.skip('dockerd 28', why)
        return
    on('dockerd 28', newer)


# Two runs, their daemons, and the holes.
h.FILE_LIMIT = 2 * SECONDS + 600
h.main(body)
