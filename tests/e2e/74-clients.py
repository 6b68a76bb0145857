#!/usr/bin/python3 -B
"""--client: a profile for each client of one listener."""

import os
import signal
import socket
import time

import harness as h
from faulty import WireFrom
from machine import inner_pid, is_alive
from parkyard import has_ended
from users import as_user
from wire import Wire, request

USER, OTHER = 64331, 64332      # of nobody else, like the groups
OWN, MORE = 64333, 64334
IDLE_S = 1.3                    # a client is parked then
SOON = 5

# What each profile allows, besides /_ping.
TARGETS = {
    'base': '/version',
    'first': '/images/json',
    'second': '/containers/json',
    'third': '/networks',
}


class Clients(h.Proxy):
    """The program with profile base, and with these lines."""

    def __init__(self, d, lines, listen=None, args=(), env=None):
        super().__init__(d.socket, rules='GET /_ping\n', listen=listen,
                         args=args, env=env)
        for name, target in TARGETS.items():
            h.write(f'{self.dir}/{name}', f'GET /_ping\nGET {target}\n')
        h.write(self.dir + '/all', '.* /.*\n')
        self.command[self.command.index('--profile') + 1] = self.dir + '/base'
        self.say(lines)

    def say(self, lines):
        """The lines of the file: WHO and profile."""
        self.write_conf(''.join(
            f'client {who} profile {self.dir}/{name}\n'
            for who, name in lines))

    def hang_up(self):
        done = self.err().count('info reloaded')
        self.process.send_signal(signal.SIGHUP)
        h.until(lambda: self.err().count('info reloaded') > done, 'reloaded',
                SOON)


def profile_of(ask):
    """The profile that allows what it allows; ask(target) is the status."""
    found = [name for name, target in TARGETS.items() if ask(target) == 200]
    return found[0] if len(found) == 1 else found


def on(wire):
    def ask(target):
        wire.ask('GET', target)
        return wire.answer().status
    return ask


def from_address(host, source):
    with WireFrom(host, source) as wire:
        return profile_of(on(wire))


def now_from(host, source):
    """The same just behind a HUP that tells others apart: who has come before
    it may be closed then."""
    def profile():
        try:
            return from_address(host, source)
        except (OSError, EOFError):
            return None

    return h.until(profile, 'an answer', SOON)


def from_user(host, uid, gid, groups=()):
    return as_user(lambda: profile_of(
        lambda target: request(host, 'GET', target).status), uid, gid, groups)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(('::1', 0))
            return True
    except OSError:
        return False


# -- who ------------------------------------------------------------------

def addresses(d):
    """addresses, networks and names on TCP"""
    sources = ('127.0.0.1', '127.0.0.2', '127.0.0.3', '127.1.0.1')
    for lines, expected in (
            ([], 'base base base base base'),
            ([('127.0.0.2', 'first')], 'base first base base base'),
            # the first that matches, whatever else does
            ([('127.0.0.2', 'first'), ('127.0.0.0/24', 'second'),
              ('127.0.0.0/8', 'third')], 'second first second third base'),
            ([('127.0.0.0/8', 'third'), ('127.0.0.2', 'first')],
             'third third third third base'),
            ([('name:localhost', 'first'), ('127.0.0.2', 'second')],
             'first second base base first'),
            ([('::1', 'first'), ('::/0', 'second')],
             'base base base base first'),
            ([('::ffff:127.0.0.3', 'first')], 'base base first base base'),
            # the profile of the listener, by name
            ([('127.0.0.2', 'base'), ('127.0.0.0/31', 'first'),
              ('127.0.0.0/24', 'second')],
             'first base second base base'),
            # users have no address, and are not known here
            ([('uid:0', 'first'), ('gid:0', 'second'),
              ('127.0.0.3', 'third')], 'base base third base base')):
        port = h.free_port()
        with Clients(d, lines, [f'tcp://*:{port}']) as p:
            found = [from_address(f'tcp://127.0.0.1:{port}', source)
                     for source in sources]
            if has_ipv6():
                with Wire(f'tcp://[::1]:{port}') as wire:
                    found.append(profile_of(on(wire)))
            h.same(found, expected.split()[:len(found)],
                   f'{lines}: {" ".join(sources)} ::1')
            h.check('security' not in p.err(), 'no false alarm')


def users(d):
    """users and groups on unix sockets"""
    h.need_root()
    for lines, expected in (
            ([(f'uid:{USER}', 'first')], 'base first first base'),
            ([(f'uid:{USER}', 'first'), (f'gid:{OWN}', 'second')],
             'base first first second'),
            ([(f'gid:{MORE}', 'third'), (f'uid:{USER}', 'first'),
              ('uid:0', 'second')], 'second first third base'),
            # nobody has an address here
            ([('0.0.0.0/0', 'first'), ('::/0', 'first'),
              ('name:localhost', 'first'), ('gid:0', 'third')],
             'third base base base')):
        with Clients(d, lines, [f'unix://@dsp-clients-{os.getpid()}']) as p:
            found = [profile_of(lambda target: request(
                p.host, 'GET', target).status),
                     from_user(p.host, USER, OWN),
                     from_user(p.host, USER, OWN, [MORE]),
                     from_user(p.host, OTHER, OWN)]
            h.same(found, expected.split(), f'{lines}: root, user, in a '
                   'group, another')
            h.check('security' not in p.err(), 'no false alarm')


def each_listener(d):
    """lines hold for all listeners, others for each its own"""
    h.need_root()
    p = Clients(d, [(f'uid:{USER}', 'first'), ('127.0.0.2', 'second')],
                [f'unix://@dsp-clients-{os.getpid()}',
                 f'tcp://127.0.0.1:{h.free_port()}'])
    p.command += ['--listen',
                  f'tcp://127.0.0.1:{h.free_port()},profile={p.dir}/third']
    p.hosts.append(p.command[-1].partition(',')[0])
    with p:
        h.same([from_user(p.hosts[0], USER, OWN),
                from_user(p.hosts[0], OTHER, OWN),
                from_address(p.hosts[1], '127.0.0.2'),
                from_address(p.hosts[1], '127.0.0.1'),
                from_address(p.hosts[2], '127.0.0.2'),
                from_address(p.hosts[2], '127.0.0.1')],
               ['first', 'base', 'second', 'base', 'second', 'third'],
               h.title(each_listener))


def sources(d):
    """lines by flag and by variable"""
    p = Clients(d, [('127.0.0.1', 'third')])
    p.command += ['--client', f'127.0.0.2,profile={p.dir}/first',
                  '--client', f'127.0.0.3,profile={p.dir}/second']
    with p:
        h.same([from_address(p.host, f'127.0.0.{number}')
                for number in (1, 2, 3)], ['base', 'first', 'second'],
               'by flag')
    p = Clients(d, [('127.0.0.1', 'third')])
    p.env = {'DSP_CLIENT': f'127.0.0.2,profile={p.dir}/second '
                           f'127.0.0.3,profile={p.dir}/first'}
    with p:
        h.same([from_address(p.host, f'127.0.0.{number}')
                for number in (1, 2, 3)], ['base', 'second', 'first'],
               'by variable')


# -- connections that last ----------------------------------------------------

def parked(d):
    """idle clients come back to the profile due to them"""
    who = {'127.0.0.2': 'first', '127.0.0.3': 'second', '127.0.0.4': 'base'}
    with Clients(d, list(who.items())[:2]) as p:
        wires = {source: WireFrom(p.host, source) for source in who}
        for turn in range(3):
            found = {source: profile_of(on(wire))
                     for source, wire in wires.items()}
            h.same(found, who, f'turn {turn}: each its own')
            time.sleep(IDLE_S)
        wires['127.0.0.2'].send(b'GET /images/json HTTP/1.1\r\n')
        time.sleep(0.3)
        wires['127.0.0.2'].send(b'Host: x\r\n\r\n')
        h.same(wires['127.0.0.2'].answer().status, 200, 'in two pieces')
        h.check('security' not in p.err(), 'no false alarm')
        for wire in wires.values():
            wire.close()


def reload(d):
    """HUP: the next request of a connection is not judged by the old line"""
    who = [('127.0.0.2', 'first'), ('127.0.0.3', 'second')]
    with Clients(d, who) as p:
        held = [WireFrom(p.host, '127.0.0.2'), WireFrom(p.host, '127.0.0.9')]
        h.same([profile_of(on(wire)) for wire in held], ['first', 'base'],
               'before')
        time.sleep(IDLE_S)
        p.hang_up()
        h.same([profile_of(on(wire)) for wire in held], ['first', 'base'],
               'nothing has changed: connections live on')
        time.sleep(IDLE_S)
        p.say([('127.0.0.2', 'third'), ('127.0.0.3', 'second')])
        p.hang_up()
        h.same(profile_of(on(held[0])), 'third', 'another profile: a parked '
               'connection has the new one')
        time.sleep(IDLE_S)
        p.say([('127.0.0.3', 'second')])
        p.hang_up()
        h.check(has_ended(held[0]), 'others are told apart: it is closed')
        h.same([now_from(p.host, '127.0.0.2'),
                now_from(p.host, '127.0.0.3')], ['base', 'second'],
               'new ones have the new one')
        p.say([])
        p.hang_up()
        h.same([now_from(p.host, '127.0.0.3')], ['base'], 'no line')
        p.say(who)
        p.hang_up()
        h.same([now_from(p.host, '127.0.0.2')], ['first'], 'and lines '
               'again')
        p.write_conf('client 127.0.0.2 profile none\n')
        p.process.send_signal(signal.SIGHUP)
        p.wait_err('reload failed')
        h.same([now_from(p.host, '127.0.0.2')], ['first'],
               'a wrong one changes nothing')
        h.check('security' not in p.err(), 'no false alarm')
        for wire in held:
            wire.close()


def names(d):
    """names that nobody knows, and are known after HUP"""
    h.need_root()
    h.need_tool('unshare')
    p = Clients(d, [('name:anna.invalid', 'first'), ('127.0.0.3', 'second')])
    hosts, resolver = p.dir + '/hosts', p.dir + '/resolv.conf'
    h.write(hosts, '127.0.0.1 localhost\n')
    # Nobody is asked but the file.
    h.write(resolver, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
    p.command[0:0] = [
        'unshare', '--mount', 'sh', '-c', f'mount --bind {hosts} /etc/hosts '
        f'&& mount --bind {resolver} /etc/resolv.conf && exec "$@"', 'sh']
    with p:
        h.has(p.err(), 'warn client name:anna.invalid: no address is known',
              'a warning names it')
        h.same([from_address(p.host, '127.0.0.2'),
                from_address(p.host, '127.0.0.3')], ['base', 'second'],
               'it is nobody, and the next line holds')
        h.write(hosts, '127.0.0.2 anna.invalid\n127.0.0.4 anna.invalid\n')
        p.hang_up()
        h.same([from_address(p.host, f'127.0.0.{number}')
                for number in (1, 2, 3, 4)],
               ['base', 'first', 'second', 'first'],
               'known after HUP, with all its addresses')
        h.has(p.err(), 'client name:anna.invalid 127.0.0.2 127.0.0.4 has '
              'profile first', 'the log tells them')


def tunnel(d):
    """docker exec through the profile of a client"""
    with Sleeper(d) as name, Clients(d, [('127.0.0.1', 'all')]) as p:
        done = h.docker(p.host, 'exec', '-i', name, 'sh', '-c',
                        'cat; echo end; exit 7', stdin=b'x' * 100000)
        h.same((done.code, done.out), (7, 'x' * 100000 + 'end\n'),
               h.title(tunnel))
        with WireFrom(p.host, '127.0.0.2') as wire:
            wire.ask('POST', f'/v1.41/containers/{name}/exec',
                     b'{"Cmd":["true"]}')
            h.same(wire.answer().status, 403, 'another one may not')
        p.wait_err('profile=base reason=no-rule peer=127.0.0.2:')


class Sleeper:
    """A container that sleeps."""

    def __init__(self, d):
        self.host = d.host

    def __enter__(self):
        self.name = h.sleeper(self.host)
        return self.name

    def __exit__(self, *_why):
        h.remove(self.host, self.name)


# -- limits -------------------------------------------------------------------

def per_client(d):
    """--max-per-client counts parked ones, too, in every pool"""
    with Clients(d, [('127.0.0.2', 'first'), ('127.0.0.3', 'second')],
                 args=['--max-per-client', '2']) as p:
        for source, target in (('127.0.0.2', '/images/json'),
                               ('127.0.0.3', '/containers/json'),
                               ('127.0.0.4', '/version')):
            held = [WireFrom(p.host, source) for _one in range(2)]
            h.same([on(wire)(target) for wire in held], [200, 200],
                   f'{source}: two are served')
            time.sleep(IDLE_S)
            with WireFrom(p.host, source) as third:
                h.same(on(third)(target), 429, 'a third one is too many')
            h.same([on(wire)(target) for wire in held], [200, 200],
                   'those that were there go on')
            for wire in held:
                wire.close()
        p.wait_err('profile=second reason=max-per-client peer=127.0.0.3:')


def full(d):
    """with all workers busy a new client gets 503 at once, and then not"""
    with Clients(d, [('127.0.0.2', 'first')],
                 args=['--workers', '1', '--max-workers', '2']) as p:
        busy = [WireFrom(p.host, '127.0.0.2') for _one in range(2)]
        for wire in busy:
            wire.send(b'GET /images/json HTTP/1.1\r\n')

        def refused():
            """The status and how long it took."""
            began = time.monotonic()
            with WireFrom(p.host, '127.0.0.3') as wire:
                status = on(wire)('/version')
            return status, time.monotonic() - began
        h.until(lambda: p.status().out.count('state=busy') == 2,
                'all are busy', SOON)
        h.same(refused()[0], 503, h.title(full))
        h.check(refused()[1] < 1, 'without waiting')
        with WireFrom(p.host, '127.0.0.2') as silent:
            h.same(silent.answer().status, 503, 'one that says nothing, too')
        for wire in busy:
            wire.send(b'Host: x\r\n\r\n')
            h.same(wire.answer().status, 200, 'who was served is served on')
            wire.close()
        h.until(lambda: refused()[0] == 200, 'room again', SOON)
        h.check(True, 'there is room again')


def crowd(d):
    """many clients at once, each its profile"""
    who = {f'127.0.0.{number}': ('first', 'second', 'base')[number % 3]
           for number in range(2, 62)}
    with Clients(d, [item for item in who.items() if item[1] != 'base'],
                 args=['--workers', '1']) as p:
        wires = {source: WireFrom(p.host, source) for source in who}
        for wire in wires.values():
            wire.ask('GET', '/images/json')
        found = {source: wire.answer().status
                 for source, wire in wires.items()}
        h.same(found, {source: 200 if name == 'first' else 403
                       for source, name in who.items()}, h.title(crowd))
        for wire in wires.values():
            wire.close()
        h.check('security' not in p.err(), 'no false alarm')


def refused(d):
    """allow= comes first"""
    port = h.free_port()
    with Clients(d, [('127.0.0.0/8', 'first')],
                 [f'tcp://127.0.0.1:{port},allow=127.0.0.2']) as p:
        h.same(from_address(p.host, '127.0.0.2'), 'first', 'one is allowed')
        with WireFrom(p.host, '127.0.0.3') as wire:
            h.same(on(wire)('/images/json'), 403, h.title(refused))
        p.wait_err('reason=not-allowed peer=127.0.0.3:')


# -- processes ----------------------------------------------------------------

def deaths(d):
    """a door, a park or a worker that dies is replaced"""
    with Clients(d, [('127.0.0.2', 'first'), ('127.0.0.3', 'second')]) as p:
        def is_well():
            try:
                return [from_address(p.host, f'127.0.0.{number}')
                        for number in (1, 2, 3)] == ['base', 'first',
                                                     'second']
            except (OSError, EOFError):
                return False
        h.check(is_well(), 'all three')
        h.same(len(p.parks()), 3, 'a park for each profile')
        h.check(len(p.named('dsp-door')) > 0, 'a door')
        for kind in 'dsp-door', 'dsp-park', 'dsp-worker':
            killed = p.named(kind)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            h.until(is_well, f'{kind}: all is well again', 10)
            h.check(not any(is_alive(pid) for pid in killed),
                    f'{kind} was killed, and all is well again')
        h.check('security' not in p.err(), 'no false alarm')


def stop(d):
    """TERM lets requests end"""
    with Clients(d, [('127.0.0.2', 'first')]) as p:
        with WireFrom(p.host, '127.0.0.2') as wire, \
                WireFrom(p.host, '127.0.0.2') as idle:
            h.same(on(idle)('/images/json'), 200, 'one that is idle')
            time.sleep(IDLE_S)
            wire.send(b'GET /images/json HTTP/1.1\r\n')
            time.sleep(0.3)
            p.process.send_signal(signal.SIGTERM)
            h.check(has_ended(idle), 'who is idle is closed')
            wire.send(b'Host: x\r\n\r\n')
            h.same(wire.answer().status, 200, 'a request that runs ends')
            h.check(wire.is_closed(), 'and then its connection')
            h.same(p.process.wait(h.PATIENCE), 0, 'it stops')


def told(d):
    """--status, metrics and --test tell the pools"""
    metrics = f'tcp://127.0.0.1:{h.free_port()}'
    with Clients(d, [('127.0.0.2', 'first')],
                 args=['--metrics', metrics]) as p:
        h.same([from_address(p.host, '127.0.0.2'),
                from_address(p.host, '127.0.0.1')], ['first', 'base'],
               'both have asked')
        lines = [line for line in p.status().out.splitlines()
                 if line.startswith('listener ')]
        h.same([('behind=' in line, 'parked=' in line,
                 ' profile=first ' in line) for line in lines],
               [(False, False, False), (True, True, False),
                (True, True, True)], '--status: a door, two pools behind it')
        h.check(all(f'address={p.host}' in line for line in lines),
                'with their address')
        text = request(metrics, 'GET', '/metrics').body.decode()
        for name, line in ('first', 2), ('base', 2):
            h.has(text, 'docker_socket_protector_requests_total{listener="'
                  f'{p.host}",profile="{name}",verdict="allow",rule="{line}"'
                  '} 1\n', f'metrics of {name}')
        if h.worlds.CONTAINER:
            return
        done = h.program('--config', p.conf_path, '--profile',
                         p.dir + '/base', '--test')
        h.has(done.out, 'client: 127.0.0.2, profile first (2 rules, ',
              '--test tells who gets what')
        h.has(done.out, '\nprofile first opens:\n', 'and what it opens')


def outside(d):
    """what the processes are"""
    with Clients(d, [('127.0.0.2', 'first')]) as p:
        p.wait_confined('Seccomp', '2')
        door = p.named('dsp-door')[0]
        kinds = sorted(each.split(':')[0] for each in h.descriptors(door)
                       if each.startswith(('socket:', 'anon_inode:')))
        h.same((len(h.descriptors(door)), kinds),
               (8, ['anon_inode'] * 2 + ['socket'] * 3),
               'a door has its listener, a lane to each pool, and no gate')
        pids = {inner_pid(pid) for pid in p.named('dsp-worker')}
        h.same(len(pids), 5, 'four workers kept idle, and one')


def body():
    with h.Dockerd() as d:
        h.each([addresses, users, each_listener, sources, parked, reload,
                names, tunnel, per_client, full, crowd, refused, deaths, stop,
                told, outside], d)


h.main(body)
