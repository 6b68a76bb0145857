#!/usr/bin/python3 -B
"""--learn-for: for a time everything passes and is logged; then the profile
applies, and without one the program ends."""

import datetime
import re
import signal
import time

import harness as h
from wire import Wire, request

NAME = 'dsp-learn-for'
RULES = 'GET /_ping\nGET /containers/[^/]+/logs.*\n'
CREATE = '/containers/create?name=' + NAME + '-none'
BODY = b'{"Image":"dsp-no-such-image"}'


class Learner(h.Proxy):
    """The program with --learn-for, and nothing else about requests."""

    def __init__(self, d, *args, **more):
        super().__init__(d.socket, rules=RULES, args=args, **more)
        if '--log-requests' in self.command:
            self.command.remove('--log-requests')

    def status_line(self):
        """The words of --status on learning."""
        lines = [line.split() for line in self.status().out.splitlines()
                 if line.startswith('LEARNING')]
        return dict(word.split('=') for word in lines[0][1:]) if lines \
            else None

    def asked(self):
        return self.out().count('request rule:')


def get(p, target='/version'):
    return request(p.host, 'GET', target).status


def ends(d):
    """an open time, and the profile afterwards"""
    with Learner(d, '--learn-for', '6') as p, Wire(p.host) as kept, \
            h.Client(p.host, 'logs', '-f', '--tail', '1', NAME) as stream:
        text = p.wait_err('LEARNING until ')
        h.has(text, 'every request passes', 'the start says it')
        h.has(text, 'has profile rules', 'and what comes afterwards')
        h.has(text, 'with profile unprotected', 'and what there is now')
        h.same((get(p), get(p, f'/containers/{NAME}/json')), (200, 200),
               'what the profile denies passes')
        # dockerd's own refusal.
        answer = request(p.host, 'POST', CREATE, BODY)
        h.same(answer.status, 404, 'so does what changes something')
        h.same(get(p, '/containers/../version'), 400,
               'but nothing that is not canonical')
        h.has(p.out(), 'request rule:  POST /containers/create\\?name='
              + NAME + '-none', 'and it is logged')
        found = p.status_line()
        h.check(found and 0 < int(found['left']) <= 6
                and found['then'] == 'profile', '--status says it', found)
        kept.ask('GET', '/version')
        h.same(kept.answer().status, 200, 'a connection is kept')
        stream.wait_out('talk', 3)
        time.sleep(2.5)
        p.process.send_signal(signal.SIGHUP)
        p.wait_err('reloaded')
        h.same(get(p), 200, 'HUP does not end it')
        p.wait_err('learning is over', 10)
        one, two = map(datetime.datetime.fromisoformat,
                       re.findall(r'LEARNING until (\S+)Z', p.err()))
        h.check(abs((two - one).total_seconds()) <= 1,
                'nor does it make it longer', one, two)
        h.until(lambda: get(p) == 403, 'the profile applies', 5)
        h.same((get(p, '/_ping'), get(p)), (200, 403), 'the profile applies')
        h.check(is_denied(kept), 'the kept connection follows')
        seen = stream.out().count('talk')
        stream.wait_out('talk', seen + 10, 5)
        h.check(True, 'a stream that ran lives on')
        h.same(p.status_line(), None, '--status says nothing more of it')
        before = p.asked()
        h.same((get(p, '/_ping'), p.asked()), (200, before),
               'requests are no longer logged')
        p.process.send_signal(signal.SIGHUP)
        h.until(lambda: p.err().count('info reloaded') == 3, 'a reload', 5)
        h.same(get(p), 403, 'HUP afterwards does not begin it anew')


def is_denied(wire):
    """No request is judged by the open rules: closed, or denied."""
    try:
        wire.ask('GET', '/version')
        return wire.answer().status == 403
    except (OSError, EOFError):
        return True


def broken(d):
    """a profile that has become wrong in the meantime"""
    with Learner(d, env={'DSP_LEARN_FOR': '2'}) as p:
        h.same(get(p), 200, 'open, as the variable says')
        p.write_rules('GET /version(\n')
        p.wait_err('reload failed', 10)
        h.until(lambda: get(p) == 403, 'closed', 5)
        h.same((get(p), get(p, '/_ping')), (403, 200),
               'the profile as it was at the start applies')


def changed(d):
    """a profile that was written in the meantime, and a shorter time"""
    with Learner(d) as p:
        h.same(get(p), 403, 'closed without --learn-for')
        p.write_conf('learn-for 600\n')
        p.process.send_signal(signal.SIGHUP)
        h.until(lambda: get(p) == 200, 'open', 5)
        h.check(True, 'a line in the configuration file opens it')
        p.write_rules('GET /info\n')
        p.write_conf('')
        p.process.send_signal(signal.SIGHUP)
        h.until(lambda: get(p) == 403, 'closed', 5)
        h.same((get(p, '/info'), get(p)), (200, 403),
               'without the line it ends, and new rules hold')


def learned(d):
    """no profile: the program ends, and says how to go on"""
    p = Learner(d, '--learn-for', '2')
    p.without('--profile')
    with p:
        h.has(p.wait_err('LEARNING'), 'after learning this program ends',
              'the start says that it will end')
        h.same((p.status_line() or {}).get('then'), 'end', '--status, too')
        h.same(get(p), 200, 'everything passes')
        h.until(lambda: p.process.poll() is not None, 'its end', 10)
        h.same(p.process.poll(), 0, 'its exit code')
        h.has(p.err(), '--learn LOG >PROFILE', 'it says how to go on')
        log = p.out()
    done = h.program('--config', '/dev/null', '--learn', stdin=log.encode())
    h.check(done.code == 0 and '/version' in done.out,
            '--learn makes a profile of its log', done)


def test_mode(d):
    """--test says it, with and without a profile"""
    args = ('--config', '/dev/null', '--test', '--learn-for', '60',
            '--docker-socket', d.socket, '--profile-dir', h.PROFILES)
    for more, word in ((), 'no profile'), (
            ('--profile', 'traefik'), 'profile traefik'):
        done = h.program(*args, *more)
        h.check(done.code == 0 and word in done.out
                and 'LEARNING: for 60 s' in done.out,
                f'--test: {word}', done)


def body():
    with h.Dockerd() as d:
        h.run_container(d.host, 'sh', '-c',
                        'while :; do echo talk; sleep 0.1; done',
                        options=('--name', NAME))
        h.each([ends, broken, changed, learned, test_mode], d)


h.main(body)
