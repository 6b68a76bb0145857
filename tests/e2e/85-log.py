#!/usr/bin/python3 -B
"""The log: rule lines, verdicts, and nothing that is nobody's business."""

import json
import os
import re
import signal
import socket
import stat
import time

import harness as h
from wire import Wire, request

SECRET = 'sesame-open-4711'


def ask(p, method, target, *fields, body=b''):
    answer = request(p.host, method, target, body, *fields)
    return answer.status


def rule_lines(d):
    """--log-requests prints a rule for each request"""
    with h.Proxy(d.socket, profile='readonly',
                 args=['--log-requests']) as p:
        ask(p, 'GET', '/v1.41/containers/json?all=1')
        ask(p, 'POST', '/v1.41/containers/create?name=a(b)', body=b'{}')
        h.same(p.out(), 'request rule:  GET /v1\\.41/containers/json'
               '\\?all=1\nrequest rule:  POST /v1\\.41/containers/create'
               '\\?name=a\\(b\\)\n', h.title(rule_lines))
        rules = re.sub('(?m)^request rule:  ', '', p.out())
    with h.Proxy(d.socket, rules=rules) as p:
        h.same(ask(p, 'GET', '/v1.41/containers/json?all=1'), 200,
               'pasted into a profile the line allows its request')
        h.same(ask(p, 'GET', '/v1.41/containers/json?all=2'), 403,
               'and no other')
        h.same(p.out(), '', 'without --log-requests nothing is printed')


def before_verdict(d):
    """The rule line comes before dockerd's answer"""
    with h.Proxy(d.socket) as p, Wire(p.host) as wire:
        wire.ask('GET', '/events')
        wire.head()
        h.same(p.out(), 'request rule:  GET /events\n',
               h.title(before_verdict))


def verdicts(d):
    """Each request is one line on stderr"""
    with h.Proxy(d.socket, profile='readonly') as p:
        ask(p, 'POST', '/v1.41/containers/create?name=x', body=b'{}')
        line = h.until(lambda: find(p, 'deny'), 'a line')
        h.check(re.search(
            r'warn deny method=POST target=/v1\.41/containers/create'
            r'\?name=x profile=readonly .*reason=no-rule '
            r'.*peer=127\.0\.0\.1:\d+ .*worker=\d+', line),
            'a denial: method, target, profile, reason, peer, worker', line)
        ask(p, 'GET', '/v1.41/containers/json?all=1')
        line = h.until(lambda: find(p, 'allow'), 'a line')
        h.check(re.search(
            r'info allow method=GET path=/v1\.41/containers/json '
            r'.*status=200 ', line), 'an allowed request', line)
        h.check('?' not in line, 'an allowed request: no query', line)
        ask(p, 'GET', '/v1.41//x')
        line = h.until(lambda: find(p, 'target-segment'), 'a line')
        h.check('deny' in line, 'a refused target', line)


def find(p, word):
    lines = [line for line in p.err().splitlines() if f' {word} ' in line
             or f'={word} ' in line]
    return lines[-1] if lines else None


def levels(d):
    """--log-level"""
    for level, allow, deny in (('error', 0, 0), ('warn', 0, 1),
                               ('info', 1, 1)):
        with h.Proxy(d.socket, profile='readonly',
                     args=['--log-level', level]) as p:
            ask(p, 'GET', '/version')
            ask(p, 'POST', '/version')
            time.sleep(0.2)
            h.same((p.err().count(' allow '), p.err().count(' deny ')),
                   (allow, deny), f'--log-level {level}')


def json_lines(d):
    """--log-format json: every line is JSON"""
    with h.Proxy(d.socket, profile='readonly', args=[
            '--log-format', 'json', '--log-level', 'debug']) as p:
        ask(p, 'GET', '/containers/json')
        ask(p, 'POST', '/containers/create?name=%22', body=b'{}')
        with Wire(p.host) as wire:
            wire.send(b'GET /"\x1b\xff HTTP/1.1\r\nHost: x\r\n\r\n')
            wire.answer()
        h.until(lambda: p.err().count('"deny"') == 2, 'two denials', 5)
        p.process.terminate()
        code = p.process.wait(h.PATIENCE)
        lines = [json.loads(line) for line in p.err().splitlines()]
        p.process = None
        h.same(code, 0, 'json: exit code 0')
        events = [line.get('event') for line in lines]
        h.check('allow' in events and 'deny' in events,
                h.title(json_lines), events)
        deny = lines[events.index('deny')]
        h.same((deny['method'], deny['target'], deny['reason']),
               ('POST', '/containers/create?name=%22', 'no-rule'),
               'json: fields')
        h.same(deny.get('level'), 'warn', 'json: level')


def no_secrets(d):
    """Header values and bodies are never logged"""
    with h.Proxy(d.socket, args=['--log-level', 'debug']) as p:
        hide = (f'X-Registry-Auth: {SECRET}', f'Authorization: {SECRET}',
                f'Cookie: {SECRET}', f'X-{SECRET}: x')
        body = json.dumps({'Image': 'x', 'Env': [SECRET]}).encode()
        ask(p, 'POST', '/containers/create', *hide, body=body)
        ask(p, 'GET', '/version', *hide)
        ask(p, 'POST', '/build?remote=x', *hide, 'Content-Type: multipart'
            f'/form-data; boundary={SECRET}', body=body)
        with Wire(p.host) as wire:
            wire.send(f'GET /version HTTP/1.1\r\nHost: x\r\nA: {SECRET}\r\n'
                      f' {SECRET}\r\n\r\n'.encode())
            h.same(wire.answer().status, 400, 'a folded line')
        with Wire(p.host) as wire:
            wire.send(f'POST /images/load HTTP/1.1\r\nHost: x\r\n'
                      'Transfer-Encoding: chunked\r\n\r\n'
                      f'{SECRET}\r\n'.encode())
            wire.rest()
        ask(p, 'GET', '/containers/json?limit=' + SECRET)
        time.sleep(0.2)
        h.check(p.out().count(SECRET) == 1,
                'the query is in its rule line only', p.out())
        h.check(SECRET not in p.err(), h.title(no_secrets), p.err())
        h.check(len(p.err().splitlines()) > 4, 'there is a log', p.err())


def hostile(d):
    """Bytes from outside are escaped, lines are cut at 1024 bytes"""
    with h.Proxy(d.socket, profile='readonly') as p:
        with Wire(p.host) as wire:
            wire.send(b'GET /\x1b[31m\xfe HTTP/1.1\r\nHost: x\r\n\r\n')
            h.same(wire.answer().status, 400, 'control bytes: 400')
        ask(p, 'GET', '/' + 'x' * 9000)
        h.until(lambda: p.err().count(' deny ') == 2, 'two denials', 5)
        with open(p.dir + '/err', 'rb') as f:
            lines = f.read().splitlines(keepends=True)
        odd = [line for line in lines
               if any(byte > 126 or byte < 32 for byte in line[:-1])]
        h.same(odd, [], 'only printable ASCII is written')
        longest = max(map(len, lines))
        h.check(1000 < longest <= 1024, h.title(hostile), longest)


def status_line(p):
    """Ask for the counters; the line that comes."""
    before = p.err().count('info status ')
    p.process.send_signal(signal.SIGUSR1)
    h.until(lambda: p.err().count('info status ') > before, 'status', 5)
    lines = [line for line in p.err().splitlines()
             if line.startswith('info status ')]
    return lines[-1] + ' '


def status(d):
    """USR1: the counters"""
    with h.Proxy(d.socket, profile='readonly') as p:
        ask(p, 'GET', '/version')
        ask(p, 'POST', '/version')
        with Wire(p.host) as wire:
            wire.ask('GET', '/_ping')
            wire.answer()
            wire.send(b'GET /events HTTP/1.1\r\n')    # and no more
            # The workers of the first two may still be seeing their ends.
            h.until(lambda: ' busy=1 ' in status_line(p), 'busy=1', 5)
            line = status_line(p)
        for word in 'requests=3', 'denied=1', 'failed=0':
            h.has(line, f' {word} ', f'{h.title(status)}: {word}')


def make_dev(folder):
    """A /dev of our own, with null and a socket for the system log."""
    os.mkdir(folder)
    os.mknod(folder + '/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.chmod(folder + '/null', 0o666)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(folder + '/log')
    os.chmod(folder + '/log', 0o666)
    log.settimeout(5)
    return log


def received(log, word):
    """The first line that has word; others may come before."""
    return h.until(lambda: [line for line in [log.recv(2048)]
                            if word in line], word)[0]


def syslog(d):
    """--log-to syslog: master, workers and a new gate say it there"""
    p = h.Proxy(d.socket, profile='readonly', args=['--log-to', 'syslog'])
    log = make_dev(p.dir + '/dev')
    p.command = ['unshare', '--mount', 'sh', '-c',
                 f'mount --bind {p.dir}/dev /dev && exec "$@"', 'sh',
                 *p.command]
    with p:
        h.has(log.recv(2048), b': listening on tcp://', h.title(syslog))
        h.same(ask(p, 'POST', '/version'), 403, 'a denial')
        line = received(log, b': deny ')
        h.has(line, b': deny method=POST target=/version ', 'is there')
        h.check(line.startswith(b'<28>'), 'as a warning of a daemon', line)
        gate = [pid for pid, uid in p.children().items() if uid == 0]
        os.kill(gate[0], signal.SIGKILL)
        h.has(received(log, b': the gate '), b' was killed by signal 9',
              'so is the end of the gate')
        h.until(lambda: ask(p, 'GET', '/version') == 200, 'a new gate', 5)
        h.same(p.err(), '', 'nothing goes to stderr')
    log.close()


def body():
    with h.Dockerd() as d:
        h.each([rule_lines, before_verdict, verdicts, levels, json_lines,
                no_secrets, hostile, status, syslog], d)


h.main(body)
