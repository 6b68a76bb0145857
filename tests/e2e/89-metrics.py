#!/usr/bin/python3 -B
"""--metrics: exact numbers, in a process that can do nothing else."""

import os
import re
import signal
import socket
import time

import exposition
import harness as h
import worlds
from wire import Wire, request

PREFIX = 'docker_socket_protector_'
RULES = '''# a comment
GET /version
GET /_ping

GET /events(\\?.*)?
POST /containers/create
POST /grpc
GET /info
'''
# Of volumes there are none, but of --status in a container there would be.
EVENTS = '/events?filters=%7B%22type%22%3A%5B%22volume%22%5D%7D'
BODY = b'{"Image": "none such"}'
SCRAPE_LIMIT = 1        # seconds that one who asks may hold up the next
SLACK = 1.5             # and what a busy machine may add


class Watched:
    """A proxy with metrics."""

    def __init__(self, docker_socket, address=None, **kwargs):
        self.address = address or f'tcp://127.0.0.1:{h.free_port()}'
        self.p = h.Proxy(docker_socket, **kwargs)
        if address is not False:
            self.p.command += ['--metrics', self.address]

    def __enter__(self):
        self.p.start()
        h.until(lambda: h.can_connect(self.address), 'metrics are told', 5)
        return self

    def __exit__(self, *why):
        self.p.__exit__(*why)

    def scrape(self, timeout=10):
        return scrape(self.address, timeout)

    def pid(self):
        """The child that has the listener of the metrics, when it is there:
        that accepts before."""
        return h.until(self.find_pid, 'the metrics process', 5)

    def find_pid(self):
        wanted = listener_inode(self.address)
        for pid in self.p.children():
            if f'socket:[{wanted}]' in descriptors_of(pid):
                return pid
        return None

    def new_pid(self, old):
        return h.until(lambda: self.pid() != old and
                       is_confined(self.pid()) and self.pid(),
                       'another process', 5)


def descriptors_of(pid):
    try:
        return h.descriptors(pid)
    except OSError:
        return []               # it has just ended


def is_confined(pid):
    try:
        status = h.fields(f'/proc/{pid}/status')
    except OSError:
        return False
    return status['NoNewPrivs'] == '1'


def listener_inode(address):
    port = int(address.rpartition(':')[2])
    for line in h.read('/proc/net/tcp').splitlines()[1:]:
        words = line.split()
        if words[3] == '0A' and int(words[1].partition(':')[2], 16) == port:
            return words[9]
    raise ValueError(f'nobody listens on {address}')


def scrape(address, timeout=10):
    answer = request(address, 'GET', '/metrics', timeout=timeout)
    h.expect(answer.status == 200, answer)
    h.expect(answer.fields['content-type'] ==
             'text/plain; version=0.0.4; charset=utf-8', answer.fields)
    return exposition.Metrics(answer.body)


def get(metrics, name, **labels):
    return metrics.get(PREFIX + name, **labels)


def by_rule(metrics, **labels):
    """(verdict, rule) -> count, those that are not 0."""
    found = {}
    for key, value in metrics.values[PREFIX + 'requests_total'].items():
        pairs = dict(key)
        if value and set(labels.items()) <= key:
            found[pairs['verdict'], pairs['rule']] = value
    return found


# -- the numbers -----------------------------------------------------------

def reader(_d):
    """the reader of the format refuses what is wrong"""
    exposition.self_test()
    h.check(True, h.title(reader))


def exact(d):
    """known requests give exact counters"""
    listen = [f'tcp://127.0.0.1:{h.free_port()}' for _ in range(2)]
    with Watched(d.socket, rules=RULES, listen=listen) as w:
        first, second = w.p.hosts
        # The harness has tried whether they accept.
        h.until(lambda: get(w.scrape(), 'connections_total') == 2, 'both', 5)
        before = w.scrape()
        h.same(by_rule(before), {}, 'nothing yet')
        h.same(get(before, 'requests_total', verdict='allow'), 0,
               'each rule is there with 0')
        h.same(before.labels(PREFIX + 'requests_total', 'rule'),
               {'', '2', '3', '5', '6', '7', '8'}, 'by its line')
        out = 0
        for target in ['/version'] * 3 + ['/_ping'] * 2:
            out += len(request(first, 'GET', target).body)
        answer = request(second, 'POST', '/containers/create', BODY)
        h.expect(400 <= answer.status < 500, answer)
        out += len(answer.body)
        request(second, 'DELETE', '/containers/x')
        request(second, 'GET', '/no//segment')
        request(second, 'GET', '/version', b'', 'Expect: magic')
        after = h.until(lambda: complete(w, 6), 'all are counted', 5)
        h.same(by_rule(after, listener=listen[0]),
               {('allow', '2'): 3, ('allow', '3'): 2}, h.title(exact))
        h.same(by_rule(after, listener=listen[1]),
               {('allow', '6'): 1, ('deny', ''): 3}, 'of each listener')
        h.same(after.labels(PREFIX + 'requests_total', 'profile'),
               {'rules'}, 'with the name of the profile')
        reasons = {reason: get(after, 'refused_total', reason=reason)
                   for reason in after.labels(PREFIX + 'refused_total',
                                              'reason')}
        h.same({word: n for word, n in reasons.items() if n},
               {'no-rule': 1, 'target-segment': 1, 'expect': 1}, 'reasons')
        h.same(get(after, 'connections_total') -
               get(before, 'connections_total'), 9, 'connections')
        h.same((get(after, 'body_bytes_total', direction='in'),
                get(after, 'body_bytes_total', direction='out')),
               (len(BODY), out), 'bytes in and out')
        h.same(get(after, 'request_duration_seconds_count',
                   listener=listen[0]), 5, 'each has a time')
        h.check(0 < get(after, 'request_duration_seconds_sum',
                        listener=listen[0]) < 5, 'which is short')
        daemon(w, h.until(lambda: all_started(w), 'all have started', 5),
               listen)


def complete(w, count):
    """The answer comes before it is counted."""
    m = w.scrape()
    return m if get(m, 'request_duration_seconds_count') == count else None


def all_started(w):
    """A worker that is being started is counted in two steps."""
    m = w.scrape()
    return m if get(m, 'starts_total', process='worker') == \
        get(m, 'workers') else None


def daemon(w, m, listen):
    started = get(m, 'start_time_seconds')
    h.check(time.time() - 120 < started <= time.time(), 'start time', started)
    h.same(m.labels(PREFIX + 'build_info', 'version'),
           {h.program('--version').out.split()[1]}, 'version')
    h.same(get(m, 'config_generation'), 1, 'generation')
    h.same(get(m, 'max_workers'), 1024, 'max_workers')
    for one in listen:
        h.check(get(m, 'workers', listener=one) >= 4, 'workers of ' + one)
    h.same([get(m, 'starts_total', process=who)
            for who in ('gate', 'metrics')], [1, 1], 'starts')
    h.same([get(m, name) for name in (
        'deaths_total', 'sandbox_deaths_total', 'gate_disagreements_total',
        'upstream_errors_total', 'open_streams')], [0] * 5, 'nothing bad')
    h.has(w.p.status('--listen', listen[0], '--listen', listen[1]).out,
          'deaths=0', '--status says the same')


def open_now(m):
    return (get(m, 'open_streams', state='answer'),
            get(m, 'open_streams', state='tunnel'),
            get(m, 'workers', state='busy'))


def streams(d):
    """open streams, and a worker that is killed in one"""
    with Watched(d.socket, rules=RULES) as w, Wire(w.p.host) as events, \
            Wire(w.p.host) as tunnel:
        events.ask('GET', EVENTS)
        h.expect(events.head().status == 200, 'no events')
        tunnel.ask('POST', '/grpc', b'', 'Connection: Upgrade',
                   'Upgrade: h2c')
        h.expect(tunnel.head().status == 101, 'no tunnel')
        h.expect(tunnel.held or tunnel.more(), 'dockerd does not speak')
        # One that is parked just now is on its way for a moment.
        h.until(lambda: open_now(w.scrape()) == (1, 1, 1),
                'an answer and a tunnel are open, with one worker busy', 5)
        m = w.scrape()
        h.same(by_rule(m), {('allow', '5'): 1, ('allow', '7'): 1},
               'they count as allowed before they end')
        carried = len(tunnel.held)
        h.until(lambda: get(w.scrape(), 'body_bytes_total',
                            direction='out') == carried,
                'bytes of a stream that is open', 5)
        shown(w, tunnel)
        kill_one(w, carried, get(m, 'connections_total'))
        events.close()
        h.until(lambda: get(w.scrape(), 'open_streams') == 0, 'none open', 5)
        h.same(get(w.scrape(), 'request_duration_seconds_count'), 0,
               'streams have no time')


def status_lines(w):
    return [dict(pair.split('=', 1) for pair in line.split()[1:])
            for line in w.p.status().out.splitlines()
            if line.startswith('worker ')]


def shown(w, tunnel):
    """--status names client and request."""
    found = {one['path']: one for one in status_lines(w) if 'path' in one}
    h.same(set(found) - {'/events'}, {'/grpc'}, '--status: requests')
    one = found['/grpc']
    h.same((one['client'], one['stream'], one['method'], one['in']),
           (f'127.0.0.1:{tunnel.port()}', 'tunnel', 'POST', '0'),
           '--status: client, stream, method, bytes in')
    h.check(int(one['out']) == len(tunnel.held) > 0 and int(one['age']) < 60,
            '--status: bytes out and age', one)
    # The other one is parked soon.
    h.same(found.get('/events', one | {'stream': 'answer'})['stream'],
           'answer', '--status: an answer')


def kill(w, number, **wanted):
    """One of the workers of which --status says that."""
    pids = {str(h.inner_pid(pid)): pid for pid in w.p.workers()}
    found = [pids[one['pid']] for one in status_lines(w)
             if wanted.items() <= one.items()]
    os.kill(found[0], number)


def kill_one(w, carried, connections):
    """Of the two that are busy, the one with the tunnel."""
    kill(w, signal.SIGKILL, stream='tunnel')
    h.until(lambda: get(w.scrape(), 'deaths_total', process='worker') == 1,
            'a worker killed is seen', 5)
    m = w.scrape()
    h.same((get(m, 'open_streams', state='answer'),
            get(m, 'open_streams', state='tunnel')), (1, 0),
           'its tunnel has gone')
    h.same((get(m, 'body_bytes_total', direction='out'),
            get(m, 'connections_total')), (carried, connections),
           'what it had counted is not lost')
    h.same(get(m, 'sandbox_deaths_total'), 0, 'no death by the filter')
    kill(w, signal.SIGSYS, state='idle')
    h.until(lambda: get(w.scrape(), 'sandbox_deaths_total',
                        process='worker') == 1,
            'a death by the filter is seen', 5)
    h.same(get(w.scrape(), 'deaths_total', process='worker'), 2,
           'and is a death too')


def no_docker(_d):
    """502 is an error, and no answer"""
    with Watched('/nonexistent/docker.sock', rules=RULES) as w:
        h.expect(request(w.p.host, 'GET', '/info').status == 502, 'no 502')
        m = w.scrape()
        h.same(by_rule(m), {('error', ''): 1}, h.title(no_docker))
        h.same((get(m, 'upstream_errors_total', reason='no-docker'),
                get(m, 'upstream_errors_total'),
                get(m, 'refused_total', status='502')), (1, 1, 1),
               'upstream errors')


# -- the process -------------------------------------------------------------

def process(d):
    """it holds its listener, and neither clients nor Docker"""
    with Watched(d.socket, rules=RULES) as w, Wire(w.p.host) as events:
        events.ask('GET', '/events')
        h.expect(events.head().status == 200, 'no events')
        w.scrape()
        pid = w.pid()
        h.until(lambda: is_confined(pid), 'shut in', 5)
        held = {n: os.readlink(f'/proc/{pid}/fd/{n}')
                for n in os.listdir(f'/proc/{pid}/fd')}
        h.same(held.pop('3'), f'socket:[{listener_inode(w.address)}]',
               'its listener')
        h.same(sorted(held), ['0', '1', '2'], h.title(process))
        h.check(not any('socket' in what for what in held.values()),
                'and no other socket', held)
        confined(pid)
        maps = h.read(f'/proc/{pid}/maps').splitlines()
        shared = [line.split()[1] for line in maps if line.split()[1][3] ==
                  's']
        h.check(len(shared) >= 5 and set(shared) == {'r--s'},
                'the shared pages are for reading only', shared)


def confined(pid):
    status = h.fields(f'/proc/{pid}/status')
    if os.geteuid() == 0 and not worlds.CONTAINER:
        h.same(set(status['Uid'].split() + status['Gid'].split()),
               {'65534'}, 'it is nobody')
        h.same(status['Groups'], '', 'of no other group')
    h.same({status[name] for name in ('CapInh', 'CapPrm', 'CapEff',
                                      'CapAmb')}, {'0' * 16},
           'no capabilities')
    if os.environ.get('DSP_SANDBOX') != 'off' and \
            'no sandbox' not in h.program('--version').out:
        h.same(status['Seccomp'], '2', 'a system call filter')


def replaced(d):
    """it is replaced when it dies, and nothing is lost"""
    with Watched(d.socket, rules=RULES) as w:
        for _ in range(3):
            request(w.p.host, 'GET', '/version')
        before = w.pid()
        workers = set(w.p.children()) - {before}
        os.kill(before, signal.SIGKILL)
        w.new_pid(before)
        m = h.until(lambda: complete(w, 3), 'all are counted', 5)
        h.same(by_rule(m), {('allow', '2'): 3}, h.title(replaced))
        h.same([get(m, name, process='metrics') for name in
                ('deaths_total', 'starts_total')], [1, 2],
               'its death is counted')
        h.same(set(w.p.children()) - {w.pid()}, workers,
               'nobody else took notice')
        h.has(w.p.err(), 'the metrics process', 'the log says so')


def often(d):
    """one that dies again and again is started less and less often"""
    with Watched(d.socket, rules=RULES) as w:
        old = None
        began = time.monotonic()
        for _ in range(4):
            old = w.new_pid(old)
            os.kill(old, signal.SIGKILL)
        w.new_pid(old)
        h.check(time.monotonic() - began > 0.1 + 0.2 + 0.4 + 0.8,
                h.title(often), time.monotonic() - began)
        h.same(request(w.p.host, 'GET', '/version').status, 200,
               'requests are served')


def reload(d):
    """HUP keeps the counters"""
    with Watched(d.socket, rules=RULES) as w:
        request(w.p.host, 'GET', '/version')
        h.until(lambda: complete(w, 1), 'it is counted', 5)
        h.until(lambda: get(w.scrape(), 'connections_total') == 2, 'both', 5)
        before = w.scrape()
        old = w.pid()
        w.p.write_rules('GET /version\nGET /version\nGET /_ping\n')
        w.p.process.send_signal(signal.SIGHUP)
        w.p.wait_err('reloaded')
        w.new_pid(old)
        request(w.p.host, 'GET', '/version')
        m = h.until(lambda: complete(w, 2), 'one more', 5)
        h.same(by_rule(m), {('allow', '2'): 1, ('allow', '1'): 1},
               h.title(reload))
        h.check(get(m, 'connections_total') ==
                get(before, 'connections_total') + 1 and
                get(m, 'body_bytes_total') ==
                2 * get(before, 'body_bytes_total'), 'and all others')
        h.same((get(m, 'config_generation'),
                get(m, 'deaths_total')), (2, 0), 'nobody died of it')
        h.same(get(m, 'start_time_seconds'),
               get(before, 'start_time_seconds'), 'nor was it a start')


def moved(d):
    """HUP can move them, and end them"""
    old = f'tcp://127.0.0.1:{h.free_port()}'
    new = f'tcp://127.0.0.1:{h.free_port()}'
    w = Watched(d.socket, address=old, rules=RULES)
    w.p.without('--metrics')
    w.p.write_conf(f'metrics {old}\n')
    with w:
        request(w.p.host, 'GET', '/version')
        w.p.write_conf(f'metrics {new}\n')
        w.p.process.send_signal(signal.SIGHUP)
        w.p.wait_err('reloaded')
        h.until(lambda: h.can_connect(new), h.title(moved), 5)
        h.check(not h.can_connect(old), 'nobody is at the old place')
        h.same(by_rule(scrape(new)), {('allow', '2'): 1}, 'same numbers')
        bad_reload(w, new)
        w.p.write_conf('')
        w.p.process.send_signal(signal.SIGHUP)
        h.until(lambda: w.p.err().count('reloaded') == 2, 'again', 5)
        h.until(lambda: not h.can_connect(new), 'none', 5)


def bad_reload(w, address):
    """An address that cannot be: all stays as it was."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        s.listen()
        port = s.getsockname()[1]
        w.p.write_conf(f'metrics tcp://127.0.0.1:{port}\n')
        w.p.process.send_signal(signal.SIGHUP)
        w.p.wait_err('reload failed')
    h.same(by_rule(scrape(address)), {('allow', '2'): 1},
           'a reload that fails leaves them')


def ends(d):
    """it ends with the others"""
    with Watched(d.socket, rules=RULES) as w:
        pid = w.pid()
        began = time.monotonic()
        h.same(w.p.stop(), 0, h.title(ends))
        h.check(time.monotonic() - began < 5, 'at once')
        h.check(not os.path.exists(f'/proc/{pid}'), 'it is gone')
        h.check(not h.can_connect(w.address), 'and nobody listens')
        w.p.start()


# -- who asks ----------------------------------------------------------------

def methods(d):
    """GET and HEAD of /metrics, and nothing else"""
    with Watched(d.socket, rules=RULES) as w:
        head = request(w.address, 'HEAD', '/metrics')
        h.check(head.status == 200 and
                int(head.fields['content-length']) > 1000, h.title(methods))
        with Wire(w.address) as wire:
            wire.ask('HEAD', '/metrics')
            h.check(wire.rest().endswith(b'\r\n\r\n'), 'HEAD has no body')
        h.same(request(w.address, 'GET', '/metrics?a=b').status, 200,
               'a query says nothing')
        for target in '/', '/metrics/', '/metric', '/version', '/v1.41/info':
            h.same(request(w.address, 'GET', target).status, 404, target)
        for method in 'POST', 'DELETE', 'OPTIONS':
            answer = request(w.address, method, '/metrics')
            h.same((answer.status, answer.fields['allow']),
                   (405, 'GET, HEAD'), method)
        with Wire(w.address) as wire:
            wire.send(b'GET /metrics HTTP/1.1\nHost: x\n\n')
            h.same(wire.answer().status, 400, 'lines without CR')
            h.check(wire.is_closed(), 'each connection has one answer')
        h.same(get(w.scrape(), 'connections_total'), 1,
               'those who ask are no clients')


def send_garbage(wire):
    wire.send(os.urandom(100000))


def send_half(wire):
    wire.send(b'GET /metrics HTTP/1.1\r\nHost: x\r\n')


def send_long(wire):
    wire.send(b'GET /metrics HTTP/1.1\r\nHost: x\r\n' + b'X: y\r\n' * 100)


def send_slowly(wire):
    """A byte now and then, for longer than the limit."""
    for byte in b'GET /metr':
        wire.send(bytes([byte]))
        time.sleep(0.1)


def never_read(wire):
    wire.send(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' * 100)


def send_nothing(_wire):
    pass


def reset(wire):
    wire.send(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           b'\1\0\0\0\0\0\0\0')
    wire.close()


def hostile(d):
    """who is slow, rude or silent holds the next one up for a second"""
    with Watched(d.socket, rules=RULES) as w:
        pid = w.pid()
        for act in (send_nothing, send_half, send_garbage, send_long,
                    send_slowly, never_read, reset):
            with Wire(w.address) as wire:
                try:
                    act(wire)
                except (ConnectionResetError, BrokenPipeError):
                    pass
                began = time.monotonic()
                w.scrape()
                took = time.monotonic() - began
            h.check(took < SCRAPE_LIMIT + SLACK,
                    act.__name__.replace('_', ' '), f'{took:.2f} s')
        with Wire(w.address) as wire:
            send_half(wire)
            h.same(wire.answer().status, 408, 'half a head: 408')
        h.same(w.pid(), pid, 'it has survived all of them')
        h.check(not re.search('(error|warn).*metrics', w.p.err()),
                'and has nothing to complain', w.p.err())


def unix_socket(d):
    """on a unix socket, with the mode that was asked for"""
    path = f'{d.room}/metrics.sock'
    w = Watched(d.socket, address=f'unix://{path}', rules=RULES)
    w.p.command[-1] += ',mode=0640'
    with w:
        h.same(os.stat(path).st_mode & 0o777, 0o640, h.title(unix_socket))
        request(w.p.host, 'GET', '/_ping')
        h.until(lambda: by_rule(w.scrape()) == {('allow', '3'): 1},
                'the same numbers', 5)
    h.check(not os.path.exists(path), 'it is removed in the end')


def refused(_d):
    """addresses and keys that cannot be"""
    port = h.free_port()
    base = ('--profile-dir', h.PROFILES, '--profile', 'readonly', '--listen',
            f'tcp://127.0.0.1:{port}')
    for value, word in (
            (f'tcp://127.0.0.1:{port}', 'address of a listener'),
            ('unix:///x,profile=readonly', 'profile is only for --listen'),
            ('tcp://a', 'the port must be'), ('9100', 'must start with'),
            ('tcp://a:1,mode=0600', 'only for unix sockets')):
        done = h.program(*base, '--metrics', value, '--test')
        h.check(done.code == 2 and word in done.err, value, done)
    done = h.program(*base, '--metrics', 'tcp://127.0.0.1:9', '--test')
    h.check(done.code == 0 and 'metrics: tcp://127.0.0.1:9' in done.out,
            '--test shows them', done)


def body():
    with h.Dockerd() as d:
        h.each([reader, exact, streams, no_docker, process, replaced, often,
                reload, moved, ends, methods, hostile, unix_socket, refused],
               d)


h.main(body)
