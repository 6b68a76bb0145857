#!/usr/bin/python3 -B
"""The program as dockerd's authorization plugin: what a profile denies, it
denies to everybody on the daemon's own socket."""

import base64
import json
import os
import tempfile
import threading
import time

import authz_corpus
import authzd
import harness as h
from wire import Wire, json_of, request

REQUEST = '/AuthZPlugin.AuthZReq'
MIB = 1024 * 1024
RULES = {'alice': '[A-Z]+ /.*\n', 'carol': 'GET /_ping\n',
         'dave': 'POST /images/create\\?fromSrc=-\n'
                 'POST /volumes/create\n'}
NOWHERE = b'fromImage=nowhere.invalid/other'
FORM = b'application/x-www-form-urlencoded'


# -- through dockerd ---------------------------------------------------------

def denied(d, p, _tls):
    """root's own docker run is denied, on the daemon's own socket"""
    done = h.docker(d.host, 'run', '--rm', '--network', 'none', h.IMAGE,
                    'true')
    h.check(done.code != 0 and f'authorization denied by plugin {d.plugin}: '
            'docker-socket-protector: denied by profile readonly: POST /v1.'
            in done.err, h.title(denied), done)
    h.has(p.err(), ' profile=readonly reason=no-rule peer=uid:0 worker=',
          'and logged')
    h.has(p.out(), 'request rule:  POST /v1\\.', 'as a rule, too')
    h.docker_ok(d.host, 'ps')
    h.check(h.IMAGE in h.docker_ok(d.host, 'images'),
            'what the profile allows works')
    answer = request(d.host, 'POST', '/containers/x/start')
    h.same((answer.status, json.loads(answer.body)['message'].partition(
        ': ')[2]), (403, 'docker-socket-protector: denied by profile '
                    'readonly: POST /containers/x/start'), 'and by hand')


def users(d, p, tls):
    """each user of a certificate has a profile, others that of all"""
    run = ('run', '--rm', '--network', 'none', h.IMAGE, 'echo', 'ran')
    done = h.docker(d.tcp, *tls.flags('alice'), *run)
    h.same((done.code, done.out), (0, 'ran\n'), h.title(users))
    h.has(p.err(), ' profile=alice rule=1 ms=', 'by the rules of alice')
    h.has(p.err(), ' peer=uid:0 user=alice worker=', 'who is named')
    done = h.docker(d.tcp, *tls.flags('bob'), *run)
    h.check(done.code != 0 and 'denied by profile readonly' in done.err,
            'bob has none of his own', done)
    h.has(p.err(), ' user=bob worker=', 'and is named, too')
    with tls.wire(d.tcp, 'carol') as wire:
        wire.ask('GET', '/info')
        h.has(wire.answer().body.decode(), 'denied by profile carol: GET ',
              'carol may do less than others')


def odd_paths(d, _p, _tls):
    """what dockerd reads in another way than it is spelled is denied"""
    got = [request(d.host, method, path).status for method, path in (
        ('GET', '/v1.41/containers/json'),
        ('GET', '/v1.41/%63ontainers/json'),
        ('GET', '/v1.41%2Fcontainers%2Fjson'),
        ('GET', '/v1.41./containers/json'),
        ('GET', '/v01.41/containers/json'),
        ('GET', '/v1.23/containers/json'),
        ('GET', '/containers/json?all=%00'),
        ('GET', '/containers/a/attach/ws'),
        ('GET', 'http://d/containers/json'))]
    h.same(got, [200] + [403] * 8, h.title(odd_paths))


def volume(name, size):
    """JSON of that many bytes for volumes/create."""
    empty = len(json.dumps({'Name': name, 'Labels': {'a': ''}}))
    return json.dumps({'Name': name, 'Labels': {
        'a': 'x' * (size - empty)}}).encode() if size > empty else b'1'


def send_body(d, tls, *pieces):
    """As alice; dockerd may answer, and end it, before all is sent."""
    with tls.wire(d.tcp, 'alice') as wire:
        try:
            for data in pieces:
                wire.send(data)
            return wire.answer().status
        except (EOFError, OSError):
            return None


def bodies(d, p, tls):
    """bodies of any size; those that dockerd does not tell are denied"""
    head = b'POST /v1.41/volumes/create HTTP/1.1\r\nHost: d\r\nContent-Type:' \
        b' application/JSON; charset=utf-8\r\n'
    first = send_body(d, tls, head + b'Content-Length: 1\r\n\r\n1')
    for number, size in enumerate((100, MIB + 4096, 3 * MIB, 5 * MIB)):
        send_body(d, tls, head + b'Content-Length: %d\r\n\r\n' % size,
                  volume(f'v{number}', size))
    send_body(d, tls, head + b'Transfer-Encoding: chunked\r\n\r\n%x\r\n'
              % (3 * MIB), volume('v4', 3 * MIB) + b'\r\n0\r\n\r\n')
    made = sorted(v['Name'] for v in json_of(request(
        d.host, 'GET', '/volumes'))['Volumes'] or [])
    told_all = ['v0', 'v1', 'v2', 'v4']
    h.same((first in (400, 500), made),
           (True, told_all if h.worlds.DOCKERD else ['v0']), h.title(bodies))
    h.same(p.err().count(' profile=alice reason=body-not-told '),
           0 if h.worlds.DOCKERD else 4, 'and logged')


def archives(d, _p, tls):
    """archives, which are not told, go where they belong"""
    as_alice = (d.tcp, *tls.flags('alice'))
    saved = h.docker(*as_alice, 'save', h.IMAGE).raw
    done = [h.docker(*as_alice, *words, stdin=data) for words, data in (
        (('load',), saved),
        (('import', '-', 'dsp-e2e-other'), saved),
        (('build', '-'), b'FROM scratch\nLABEL a=b\n'),
        (('create', '--name', 'c1', h.IMAGE, 'true'), b''),
        (('cp', '-', 'c1:/'), saved),
        (('rm', 'c1'), b''))]
    h.same([one.code for one in done], [0] * 6, h.title(archives))
    for user, target, *types in (
            ('alice', b'/images/create?fromImage=nowhere.invalid/this', FORM,
             b'text/plain'),
            # The type that is told has the name of no form, or of an archive.
            ('dave', b'/volumes/create', FORM, b'application/xform'),
            ('dave', b'/images/create?fromSrc=-', FORM, b'text/plain'),
            ('dave', b'/images/create?fromSrc=-', b'text/plain')):
        with tls.wire(d.tcp, user) as wire:
            wire.send(b'POST %s HTTP/1.1\r\nHost: d\r\n%s'
                      b'Content-Length: %d\r\n\r\n' % (
                          target, b''.join(b'Content-Type: %s\r\n' % one
                                           for one in types), len(NOWHERE))
                      + NOWHERE)
            h.has(wire.answer().body.decode(), 'does not tell its plugins '
                  'this body', f'it may be a form: {user} {target} {types}')


def together(_d, p, _tls):
    """one daemon is proxy and plugin, and asks itself, with few workers"""
    done = h.docker(p.hosts[1], 'run', '--rm', h.IMAGE, 'true')
    h.check('Error response from daemon: docker-socket-protector: denied by'
            in done.err, 'the proxy denies before dockerd asks', done)
    got = []

    def ask_often():
        for _turn in range(20):
            got.append(request(p.hosts[1], 'GET', '/v1.41/images/json',
                               timeout=30).status)
    threads = [threading.Thread(target=ask_often) for _each in range(12)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    h.note(f'{got.count(200)} of {len(got)} with 6 workers')
    h.check(len(got) == 240 and set(got) <= {200, 503} and
            got.count(200) > 20 and took < 20, h.title(together),
            f'{got.count(200)} of {len(got)} in {took:.1f} s', set(got))


def health(d, p, _tls):
    """--healthcheck asks dockerd, which asks the plugin; --status knows it"""
    done = p.health()
    h.check(done.code == 0, h.title(health), done)
    h.has(p.status().out, f'address=authz://{d.plugin_socket}\n', 'status')


def idle(d, p, _tls):
    """dockerd's connections are kept without a worker, over a reload, too"""
    h.until(lambda: parked(p) > 0, 'they are parked')
    before = parked(p)
    p.process.send_signal(1)
    p.wait_err('info reloaded')
    began = time.monotonic()
    got = request(d.host, 'GET', '/_ping').status
    took = time.monotonic() - began
    h.check(got == 200 and took < 0.9 and before > 0,
            h.title(idle), got, took, before)


def parked(p):
    line = next(line for line in p.status().out.splitlines()
                if line.startswith('listener '))
    return int(line.partition('parked=')[2].split()[0])


# -- by hand -----------------------------------------------------------------

def told(**more):
    """What dockerd would say of GET /info."""
    message = {'RequestMethod': 'GET', 'RequestUri': '/info',
               'RequestHeaders': {}}
    message.update(more)
    return json.dumps({name: value for name, value in message.items()
                       if value is not None}).encode()


def ask(p, data, call=REQUEST, method='POST'):
    answer = request(p.host, method, call, data)
    return answer.status, json.loads(answer.body).get('Allow')


def hostile(p):
    """a malformed message is an error, and never a yes"""
    good = told()
    h.same(ask(p, good), (200, True), 'a good one is allowed')
    bad = [b'', b'{', b'[]', b'null', good[:-1], good + b'{}',
           good + b'\0', good.replace(b'/info', b'/\xff'),
           good.replace(b'"GET"', b'"GET","RequestMethod":"GET"'),
           good.replace(b'"GET"', b'1'), told(RequestMethod=None),
           told(RequestUri=None), told(RequestHeaders='x'),
           told(RequestBody='YQ='), told(RequestUri='/' + 'a' * 40000),
           told(User='a' * 300), b'{"a":' * 40 + b'1' + b'}' * 40]
    h.same([ask(p, data) for data in bad], [(400, False)] * len(bad),
           h.title(hostile))
    h.same([ask(p, good, call) for call in (
        '/', '/AuthZPlugin.authzreq', REQUEST + '?', REQUEST + '/',
        '//AuthZPlugin.AuthZReq', '/AuthZPlugin.AuthZReq%20')],
           [(404, False)] * 6, 'so is another path')
    h.same([ask(p, good, method=method) for method in ('GET', 'PUT', 'post')],
           [(404, False)] * 3, 'and another method')
    h.same([ask(p, data, '/AuthZPlugin.AuthZRes') for data in (
        good, b'{}', b'{"ResponseStatusCode":200}', b'x')],
           [(200, True)] * 3 + [(400, False)], 'what is done is no question')


def framing(p):
    """nor is one whose length is not what the head says"""
    head = f'POST {REQUEST} HTTP/1.1\r\nHost:\r\n'.encode()
    good = told()
    rows = [
        (b'Content-Length: %d\r\n\r\n' % (len(good) - 1) + good, 400),
        (b'Transfer-Encoding: chunked\r\n\r\n%x\r\n' % len(good) + good
         + b'\r\n0\r\n\r\n', 400),
        (b'\r\n' + good, 400),
        (b'Content-Length: %d\r\nContent-Length: %d\r\n\r\n'
         % (len(good), len(good)) + good, 400),
        (b'Content-Length: 99999999\r\n\r\n' + good, 413),
        (b'Expect: 100-continue\r\nContent-Length: %d\r\n\r\n' % len(good)
         + good, 417),
        (b'Content-Length: %d\r\n\r\n' % (len(good) + 1) + good, None)]
    got = []
    for data, _status in rows:
        with Wire(p.host) as wire:
            wire.send(head + data)
            wire.half_close()
            try:
                got.append(wire.answer().status)
            except (EOFError, OSError):
                got.append(None)
    h.same(got, [status for _data, status in rows], h.title(framing))
    with Wire(p.host) as wire:
        for at in range(0, 2 * len(good), 7):
            if at == 0:
                wire.send(head + b'Content-Length: %d\r\n\r\n' % len(good))
            wire.send((good + b' ')[at:at + 7] if at < len(good) else b'')
        h.same(json.loads(wire.answer().body), {'Allow': True},
               'a good one may come in pieces')


def streams(p):
    """a body of 40 MiB streams through"""
    size = 40 * MIB
    text = base64.b64encode(b'x' * size).decode()
    before = rss(p)
    got = ask(p, told(RequestMethod='POST', RequestUri='/volumes/create',
                      RequestBody=text, RequestHeaders={
                          'Content-Type': 'application/json',
                          'Content-Length': str(size)}))
    h.same(got, (200, False), h.title(streams))
    h.check(rss(p) - before < 8192, 'and stays nowhere',
            f'{before} KiB, then {rss(p)} KiB')


def rss(p):
    return sum(int(h.fields(f'/proc/{pid}/status')['VmRSS'].split()[0])
               for pid in p.workers())


def learned(p):
    """--learn makes rules of its log"""
    h.has(h.program('--learn', stdin=p.out().encode()).out,
          '\nPOST ', h.title(learned))


def counted(p):
    """metrics count its verdicts, those of users by themselves"""
    text = request(p.metrics, 'GET', '/metrics').body.decode()
    for profile, verdict in (('readonly', 'allow'), ('readonly', 'deny'),
                             ('alice', 'allow')):
        number = sum(float(line.rpartition(' ')[2])
                     for line in text.splitlines()
                     if f',profile="{profile}",verdict="{verdict}"' in line
                     and 'listener="authz://' in line)
        h.check(number > 0, f'{profile}, {verdict}: {number:.0f}', text)


def no_gate(p):
    """its workers have no way to the gate, and the gate none to them"""
    def are_alone():
        """But for the listener, and where idle connections are parked."""
        ends = [h.descriptors(pid) for pid in p.workers()]
        return ends and all(sum('socket:' in end for end in each) == 2
                            for each in ends)
    h.until(are_alone, 'no worker has another socket')
    h.check(True, h.title(no_gate))
    ends = [end for end in h.descriptors(p.gates()[0]) if 'socket:' in end]
    h.same(len(ends), 1, 'but to the master')


def other_keys():
    """mode=warn lets pass and tells; allow= and mode= are of the socket"""
    with tempfile.TemporaryDirectory(prefix='dsp-authz.') as folder:
        os.chmod(folder, 0o755)
        path = folder + '/made/plugins/a.sock'
        with authzd.Plugin(
                path, '/nowhere/docker.sock', profile='readonly',
                args=['--listen', f'authz://{folder}/b.sock,mode=warn,'
                      'mode=0640', '--listen',
                      f'authz://{folder}/c.sock,allow=uid:7',
                      '--client', 'uid:0,profile=ping']) as p:
            h.has(p.err(), 'warn client uid:0: nobody, for no listener tells '
                  'clients by users', 'root is no user here')
            h.same([oct(os.stat(name).st_mode)[-3:] for name in (
                folder + '/made', folder + '/made/plugins', path,
                folder + '/b.sock')], ['700', '700', '600', '640'],
                   'missing folders are made')
            no_gate(p)
            p.host = f'unix://{folder}/b.sock'
            h.same(ask(p, told(RequestMethod='POST')), (200, True),
                   h.title(other_keys))
            h.has(p.err(), 'warn would-deny method=POST target=/info profile='
                  'readonly reason=no-rule peer=uid:0 worker=', 'and told')
            h.same(ask(p, told(RequestUri='//info')), (200, False),
                   'but not what is always refused')
            p.host = f'unix://{folder}/c.sock'
            h.same(request(p.host, 'POST', REQUEST, told()).status, 403,
                   'another user is not even heard')
            h.check('answering 502' not in p.err(),
                    'that dockerd is not there yet is no news')


# -- without it --------------------------------------------------------------

def fails_closed(d, p, tls):
    """while the plugin is gone nothing passes, and when it is back all is
    well"""
    got = []
    p.kill()
    waiting = threading.Thread(target=lambda: got.append(request(
        d.host, 'GET', '/_ping', timeout=60).status))
    waiting.start()
    corpus()
    waiting.join()
    h.same(got, [500], h.title(fails_closed))
    p.start()
    h.same(request(d.host, 'GET', '/_ping').status, 200, 'back again')
    denied(d, p, tls)


def corpus():
    """the corpus of raw requests: as the proxy"""
    profiles = sorted({row.profile for row in authz_corpus.rows()})
    with Second() as d:
        sockets = {name: f'{d.room}/{name}.sock' for name in profiles}
        between = authz_corpus.Between(d.plugin_socket, {
            name: 'unix://' + path for name, path in sockets.items()})
        p = h.Proxy(d.socket, profile='readonly', args=['--workers', '1'],
                    listen=[f'authz://{path},profile={authz_corpus.CORPUS}'
                            f'/profiles/{name}'
                            for name, path in sockets.items()])
        p.hosts = list(between.sockets.values())
        with p:
            d.enforce()
            never, same, classed = authz_corpus.compare(d, between)
    h.note(f'{len(never)} rows dockerd answers alone')
    for why, names in classed.items():
        h.note(f'not told: {why}: ' + ' '.join(names))
    h.check(len(same) > 100 and len(never) < 200,
            f'{h.title(corpus)} in {len(same)} rows', same, never)


class Second(authzd.Daemon):
    def load_image(self):
        """It has none."""


def body():
    with authzd.Daemon() as d:
        tls = authzd.Authority(d.dir + '/tls', ['alice', 'bob', 'carol', 'dave'])
        port = h.free_port()
        d.tcp = f'tcp://127.0.0.1:{port}'
        for name, rules in RULES.items():
            h.write(f'{d.room}/{name}', rules)
        p = authzd.Plugin(
            d.plugin_socket, d.socket, profile='readonly',
            args=['--listen', f'tcp://127.0.0.1:{h.free_port()}',
                  '--workers', '2', '--max-workers', '6',
                  '--metrics', f'unix://{d.room}/metrics', '--log-requests',
                  *(word for name in RULES for word in (
                      '--client', f'user:{name},profile={d.room}/{name}'))])
        p.hosts.append(p.command[p.command.index('--workers') - 1])
        p.metrics = f'unix://{d.room}/metrics'
        with p:
            d.enforce('-H', d.tcp, *tls.flags('server'))
            h.each([denied, users, odd_paths, bodies, archives, together,
                    health, idle], d, p, tls)
            h.each([hostile, framing, streams, learned, counted], p)
            h.each([other_keys])
            h.each([fails_closed], d, p, tls)


h.main(body)
