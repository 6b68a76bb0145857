#!/usr/bin/python3 -B
"""As a service: sockets that are passed to it, telling the service manager
how it is, what the units take away, and signals to all processes at once."""

import os
import signal
import socket
import subprocess
import tempfile
import time

import harness as h
from faulty import WireFrom
from manager import Ear, Service, listening, need_mdwe, restrictions
from parkstream import Streams, chunk
from parkyard import has_ended
from standin import VERSION
from wire import Wire, json_of, request

STANDIN = os.path.dirname(os.path.abspath(__file__)) + '/standin.py'
NONE = '/nonexistent/docker.sock'
RULES = '(GET|HEAD) /_ping\n'
UNITS = os.path.abspath(os.environ.get('builddir') or '.') + \
    '/contrib/systemd/'
USER = 62375            # has no entry


class Place:
    """A folder, a stand-in for dockerd, and addresses."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='dsp-service.')
        self.dir = self.folder.name
        os.chmod(self.dir, 0o755)
        self.docker = self.dir + '/docker.sock'
        self.tcp = f'tcp://127.0.0.1:{h.free_port()}'
        self.unix = f'unix://{self.dir}/dsp.sock'
        self.standin = subprocess.Popen([STANDIN, self.docker],
                                        stderr=subprocess.DEVNULL)

    def __enter__(self):
        h.until(lambda: os.path.exists(self.docker), 'the stand-in', 5)
        # As a drop-in for docker.socket does for the group.
        os.chmod(self.docker, 0o666)
        return self

    def __exit__(self, *_why):
        h.end(self.standin)
        self.folder.cleanup()

    def both(self):
        """Sockets at both addresses, named web and local."""
        if os.path.exists(self.dir + '/dsp.sock'):
            os.unlink(self.dir + '/dsp.sock')
        return [('web', listening(self.tcp)), ('local', listening(self.unix))]

    def service(self, listen, sockets=(), **more):
        """hosts is where clients connect, listen what the program is told."""
        more = {'rules': RULES + 'GET /version\n', **more}
        s = Service(self.docker, sockets, listen=listen, **more)
        s.hosts = [self.tcp, self.unix] if sockets else s.hosts
        s.host = s.hosts[0]
        return s


def close_all(sockets):
    for _name, sock in sockets:
        sock.close()


def status(host, target='/_ping'):
    return request(host, 'GET', target).status


def version(host):
    return json_of(request(host, 'GET', '/version'))['Version']


# -- sockets that are passed -----------------------------------------------

def by_systemd(place):
    """systemd-socket-activate starts it with the first client"""
    h.need_tool('systemd-socket-activate')
    s = place.service(['fd://'])
    s.hosts = [place.tcp, place.unix]
    tool = ['systemd-socket-activate', '-l', place.tcp[6:],
            '-l', place.unix[7:], '--fdname=web:local']
    if 'DSP_SANDBOX' in os.environ:
        tool += ['-E', 'DSP_SANDBOX']
    s.command[0:0] = tool
    with s:
        h.same([version(host) for host in s.hosts],
               [VERSION['Version']] * 2, h.title(by_systemd))
        for name in f'web({place.tcp})', f'local({place.unix})':
            h.has(s.err(), f'listening on fd://{name} with', 'by its name')
        h.has(s.wait_err(' protection '), 'proven=yes', 'and protected')


def listeners(s):
    """Both sockets that were passed, as a process's descriptors name them."""
    return {os.readlink(f'/proc/{s.process.pid}/fd/{fd}') for fd in (3, 4)}


def passed(place):
    """sockets that are passed serve, each as its listener says"""
    sockets = place.both()
    with place.service(['fd://web', 'fd://local,profile=readonly'],
                       sockets) as s:
        h.same([version(host) for host in s.hosts],
               [VERSION['Version']] * 2, h.title(passed))
        h.same([status(host, '/info') for host in s.hosts], [403, 200],
               'each with its profile')
        names = [f'fd://web({place.tcp})', f'fd://local({place.unix})']
        log = s.err()
        done = s.status('--listen', 'fd://web')
        h.same(done.code, 0, '--status finds it by what was written')
        for name in names:
            h.has(log, f'listening on {name} with', 'the log names it')
            h.has(done.out, f'address={name}\n', '--status names it')
        s.write_rules(RULES)
        s.process.send_signal(signal.SIGHUP)
        h.until(lambda: status(place.tcp, '/version') == 403, 'reloaded', 5)
        h.same([status(host) for host in s.hosts], [200, 200],
               'HUP keeps them')
        h.same([len(s.named(kind)) for kind in ('dsp-park', 'dsp-gate')],
               [2, 1], 'with the same parking processes')
        own = listeners(s)
        for pid in s.workers():
            h.expect(len(own & set(h.descriptors(pid))) == 1,
                     'a worker has one listener')
        h.check(not any(own & set(h.descriptors(pid))
                        for pid in s.gates() + s.parks()),
                'gate and park have none of them')
    close_all(sockets)


def told_apart(place):
    """clients are told apart on sockets that are passed, too"""
    narrow = place.dir + '/narrow'
    h.write(narrow, RULES)
    me = 'uid:' + str(os.getuid())
    sockets = place.both()
    with Ear(place.dir) as ear:
        s = place.service(['fd://'], sockets,
                          env={'NOTIFY_SOCKET': ear.name})
        s.write_conf(f'client 127.0.0.2 profile {narrow}\n'
                     f'client {me} profile {narrow}\n')
        with s:
            h.same(ear.wait('READY')[0]['STATUS'], 'serving on 2 listeners',
                   'READY=1, with pools behind doors')
            h.same(len(s.parks()), 4, 'each pool has a parking process')
            own = listeners(s)
            h.same(set().union(*(own & set(h.descriptors(pid))
                                 for pid in s.named('dsp-door'))),
                   own, 'both have doors')
            for source, want in ('127.0.0.2', 403), ('127.0.0.3', 200):
                with WireFrom(place.tcp, source) as wire:
                    wire.ask('GET', '/version')
                    h.same(wire.answer().status, want,
                           f'{h.title(told_apart)}: {source}')
            h.same(status(place.unix, '/version'), 403,
                   f'{h.title(told_apart)}: {me}')
            h.check('nobody' not in s.err(), 'each line is about somebody',
                    s.err())
    os.unlink(place.dir + '/notify')
    close_all(sockets)


def left_behind(place):
    """who comes between two of us is served by the next"""
    sockets = place.both()
    with place.service(['fd://'], sockets) as s:
        h.same(status(place.unix), 200, 'the first serves')
    with Wire(place.tcp) as one, Wire(place.unix) as two:
        h.check(os.path.exists(place.dir + '/dsp.sock'),
                'the socket stays when we end')
        for wire in one, two:
            wire.ask('GET', '/_ping')
        with place.service(['fd://'], sockets) as s:
            h.same([wire.answer().status for wire in (one, two)],
                   [200, 200], h.title(left_behind))
            h.check('stays' not in s.err(), 'without a word')
    close_all(sockets)


def without_listen(place):
    """sockets that are passed are the default of --listen"""
    sockets = place.both()
    s = place.service([], sockets, args=['--metrics',
                                         f'unix://{place.dir}/metrics'])
    s.without('--listen')
    with s:
        h.same([status(host) for host in s.hosts], [200, 200],
               h.title(without_listen))
        text = request(f'unix://{place.dir}/metrics', 'GET',
                       '/metrics').body.decode()
        h.has(text, f'listener="fd://web({place.tcp})"',
              'metrics name them')
        h.same(s.status('--config', s.conf_path).code, 0,
               '--status needs no flag')
    close_all(sockets)


def metrics(place):
    """metrics on a socket that is passed"""
    sockets = place.both()
    s = place.service(['fd://web'], sockets, args=['--metrics', 'fd://local'])
    s.hosts = [place.tcp]
    with s:
        for _round in range(2):
            h.until(lambda: b'build_info' in request(
                place.unix, 'GET', '/metrics').body, h.title(metrics), 5)
            s.process.send_signal(signal.SIGHUP)
            h.until(lambda: s.err().count('info reloaded') > _round, 'HUP', 5)
        h.check(True, h.title(metrics))
        h.check('error' not in s.err(), 'no errors', s.err()[-500:])
    close_all(sockets)


def unwanted(place):
    """a socket that nobody asked for is an error that names it"""
    sockets = place.both()
    for listen, words in (
            ([f'tcp://127.0.0.1:{h.free_port()}'], ['nobody asked for: web, descriptor 3, ' +
                                 place.tcp, 'local, descriptor 4']),
            (['fd://web'], [f'local, descriptor 4, {place.unix}; add '
                            '--listen fd://local']),
            (['fd://', 'fd://wep'], ['fd://wep: no socket of that name'])):
        s = place.service(listen, sockets)
        code, err = s.run()
        h.same(code, 2, f'{listen}: exit code 2')
        for word in words:
            h.has(err, word, 'it says which')
        s.clean()
    close_all(sockets)


def refused_reload(place):
    """HUP: a configuration that wants others is not taken"""
    sockets = place.both()
    s = place.service([], sockets)
    s.without('--listen')
    s.write_conf('listen fd://\n')
    with s:
        s.write_conf('listen fd://web\n')
        s.process.send_signal(signal.SIGHUP)
        s.wait_err('reload failed')
        h.has(s.err(), 'nobody asked for: local', h.title(refused_reload))
        h.same([status(host) for host in s.hosts], [200, 200],
               'the old one goes on')
        s.write_conf('listen fd://local,profile=readonly\nlisten fd://web\n')
        s.process.send_signal(signal.SIGHUP)
        h.until(lambda: status(place.unix, '/info') == 200, 'moved', 5)
        h.same(status(place.tcp, '/info'), 403, 'keys and order may change')
    close_all(sockets)


# -- telling the manager -----------------------------------------------------

def told(place):
    """READY, RELOADING, STOPPING"""
    with Ear(place.dir) as ear:
        s = place.service([place.unix, 'unix://@dsp-told'],
                          env={'NOTIFY_SOCKET': ear.name})
        with s:
            message, before = ear.wait('READY')
            h.same((message['READY'], before), ('1', []), 'READY=1 first')
            h.same(message['MAINPID'], str(s.process.pid), 'and MAINPID')
            h.same(message['STATUS'], 'serving on 2 listeners', 'and STATUS')
            shown = s.status().out
            h.same(shown.count(' idle=0 '), 0,
                   'when every listener has workers')
            s.process.send_signal(signal.SIGHUP)
            reloading, before = ear.wait('RELOADING')
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            h.check(0 <= now - int(reloading['MONOTONIC_USEC']) < 5000000,
                    'RELOADING=1 with MONOTONIC_USEC', reloading)
            message, between = ear.wait('READY')
            h.same((before, between), ([], []), 'then READY=1, nothing else')
            s.write_rules('GET (\n')
            s.process.send_signal(signal.SIGHUP)
            ear.wait('RELOADING')
            h.has(ear.wait('READY')[0]['STATUS'], 'reload failed',
                  'a reload that fails is told')
            s.process.terminate()
            message, before = ear.wait('STOPPING')
            h.check(not before and
                    int(message['EXTEND_TIMEOUT_USEC']) > 10000000,
                    'STOPPING=1 with the time that it may take', message)
        h.check(ear.hear(0.05) is None, 'and nothing after that')
    os.unlink(place.dir + '/notify')


def abstract(place):
    """an abstract NOTIFY_SOCKET, of a daemon in the background"""
    with Ear() as ear:
        s = place.service([place.tcp], args=['--daemon', '--pid-file',
                                             place.dir + '/pid'],
                          env={'NOTIFY_SOCKET': ear.name})
        code, err = s.run()
        h.same(code, 0, 'it goes into the background')
        pid = int(h.read(place.dir + '/pid'))
        try:
            h.same(ear.wait('READY')[0]['MAINPID'], str(pid),
                   h.title(abstract))
            h.check(status(place.tcp) == 200, 'it serves', err)
        finally:
            os.kill(pid, signal.SIGTERM)
            h.until(lambda: not h.is_alive(pid), 'it ends', 5)
            s.clean()


def watchdog(place):
    """WATCHDOG=1 at half of its time, while the master lives"""
    with Ear(place.dir) as ear:
        env = {'NOTIFY_SOCKET': ear.name, 'WATCHDOG_USEC': '400000'}
        with place.service([place.tcp], env=env,
                           settings={'watchdog': True}) as s:
            ear.wait('WATCHDOG', 1)
            began = time.monotonic()
            for _beat in range(5):
                ear.wait('WATCHDOG', 1)
            took = time.monotonic() - began
            h.check(0.9 < took < 1.6, h.title(watchdog), f'{took:.2f} s')
            os.kill(s.process.pid, signal.SIGSTOP)
            while ear.hear(0.05):
                pass
            h.check(ear.hear(0.6) is None, 'a master that hangs says nothing')
            os.kill(s.process.pid, signal.SIGCONT)
            ear.wait('WATCHDOG', 1)
        env['WATCHDOG_PID'] = '1'
        with place.service([place.tcp], env=env) as s:
            ear.wait('READY')
            h.check(ear.hear(0.5) is None, 'unless it is for another process')
    os.unlink(place.dir + '/notify')


def deaf(place):
    """a manager that does not listen holds up nothing"""
    with Ear(place.dir) as ear, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        filler.setblocking(False)
        count = 0
        try:
            while True:
                filler.sendto(b'X=1', ear.name)
                count += 1
        except BlockingIOError:
            pass
        with place.service([place.tcp],
                           env={'NOTIFY_SOCKET': ear.name}) as s:
            h.same(status(s.host), 200, h.title(deaf))
            for _message in range(count):
                h.expect('X' in ear.hear(1), 'the filling')
            ear.wait('READY')
            h.check(True, 'it is told when there is room')
    os.unlink(place.dir + '/notify')
    for name, words in ((ear.name, 'cannot tell the service manager'),
                        ('notify', 'NOTIFY_SOCKET=notify: neither a path')):
        with place.service([place.tcp], env={'NOTIFY_SOCKET': name}) as s:
            h.same(status(s.host), 200, 'nor does one that is not there')
            s.wait_err(words)


# -- what units take away ----------------------------------------------------

def no_new_code(place):
    """without memory that is written to and executed"""
    need_mdwe()
    with place.service([place.unix], settings={'mdwe': True}) as s:
        h.same((version(s.host), status(s.host, '/info')),
               (VERSION['Version'], 403), h.title(no_new_code))
        h.has(s.wait_err(' protection '), 'proven=yes', 'and protected')


def confined(place):
    """the system calls, user and address families of the units"""
    h.need_root()
    for unit in ('docker-socket-protector.service',
                 'docker-socket-protector@.service'):
        h.expect(os.path.exists(UNITS + unit), UNITS + unit)
        settings = {**restrictions(UNITS + unit), 'user': USER}
        sockets = place.both()
        s = place.service(['fd://web', 'fd://local,profile=readonly'],
                          sockets, settings=settings)
        s.give_to(USER)
        with s:
            h.same([version(host) for host in s.hosts],
                   [VERSION['Version']] * 2, f'{unit}: it serves')
            log = s.wait_err(' protection ')
            h.has(log.splitlines()[0], f'user={USER} group={USER} '
                  'capabilities=none gate_capabilities=none proven=yes',
                  f'{unit}: its own sandbox holds')
            h.check('landlock=0' not in log or not has_landlock(),
                    f'{unit}: with Landlock', log)
            s.process.send_signal(signal.SIGHUP)
            s.wait_err('info reloaded')
            h.same(status(s.host), 200, f'{unit}: it reloads')
            h.check(' error ' not in s.err() and 'security' not in s.err(),
                    f'{unit}: without errors', s.err())
        close_all(sockets)


def has_landlock():
    try:
        return 'landlock' in h.read('/sys/kernel/security/lsm')
    except OSError:
        return False


# -- signals to all processes --------------------------------------------------

def to_all():
    """TERM to all processes: streams get their time, nothing is an error"""
    with Streams('--metrics', f'tcp://127.0.0.1:{h.free_port()}',
                 '--stop-timeout', '2') as b:
        p = b.proxy
        h.until(lambda: p.named('dsp-metrics'), 'metrics', 5)
        [(wire, conn)] = b.parked_streams(1)
        [(busy, upstream)] = b.open(1, first=7)
        children = list(p.children())
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            for pid in children:
                os.kill(pid, number)
        time.sleep(0.3)
        h.same(sorted(p.children()), sorted(children),
               'children wait for the master')
        began = time.monotonic()
        for pid in [*children, p.process.pid]:
            os.kill(pid, signal.SIGTERM)
        time.sleep(1)
        for one, other in (wire, conn), (busy, upstream):
            other.send(chunk(b'late'))
            h.same(one.take(len(chunk(b'late'))), chunk(b'late'),
                   'a stream goes on')
        code = p.process.wait(h.PATIENCE)
        took = time.monotonic() - began
        h.same(code, 0, 'exit code 0')
        h.check(1.5 < took < 4, h.title(to_all), f'{took:.1f} s')
        h.check(has_ended(wire) and has_ended(busy), 'and end then')
        h.check(' error ' not in '\n ' + p.err(), 'no errors in the log',
                p.err()[-600:])
        h.check(not any(map(h.is_alive, children)), 'no process is left')


def body():
    with Place() as place:
        h.each([by_systemd, passed, told_apart, left_behind, without_listen,
                metrics, unwanted, refused_reload, told, abstract, watchdog,
                deaf, no_new_code, confined], place)
    h.each([to_all])


h.main(body, needs_docker=False)
