#!/usr/bin/python3 -B
"""allow=: who may connect to a listener, and --max-per-client, which counts
the connections of one address or uid."""

import os
import signal
import socket
import tempfile

import harness as h
from faulty import WireFrom
from users import as_user
from wire import Wire, json_of, request

USER = 64331            # of nobody else, like the groups
OWN, MORE, OTHER = 64332, 64333, 64334
REASON = 'reason=not-allowed '


def tcp(host='127.0.0.1'):
    return f'tcp://{host}:{h.free_port()}'


def status_from(host, source):
    """Status of GET /version from an address of this machine."""
    with WireFrom(host, source) as wire:
        wire.ask('GET', '/version')
        return wire.answer().status


def status_as(host, uid, gid, groups=()):
    return as_user(lambda: request(host, 'GET', '/version').status, uid, gid,
                   groups)


def denials(p):
    return [line for line in p.err().splitlines() if REASON in line]


def check_denials(p, found):
    """A line for each; the first one stands for the harness, too, which has
    looked whether the program accepts."""
    expected = list(found).count(403) + (found[0] == 403)
    h.until(lambda: len(denials(p)) >= expected, 'lines of the log', 5)
    h.same(len(denials(p)), expected, 'a line of the log for each denial')


def addresses(d):
    """addresses and networks of IPv4 and IPv6"""
    for allow, expected in (
            ('', (200, 200, 200)),
            (',allow=127.0.0.1', (200, 403, 403)),
            (',allow=127.0.0.0/31', (200, 403, 403)),
            (',allow=127.0.0.2/31', (403, 200, 403)),
            (',allow=127.0.0.0/8', (200, 200, 403)),
            (',allow=0.0.0.0/0', (200, 200, 403)),
            (',allow=::ffff:127.0.0.2', (403, 200, 403)),
            (',allow=::1', (403, 403, 200)),
            (',allow=::/0', (403, 403, 200)),
            (',allow=10.0.0.0/8,allow=::/64,allow=127.0.0.2',
             (403, 200, 200)),
            (',allow=10.0.0.0/8,allow=fd00::/8', (403, 403, 403))):
        port = h.free_port()
        with h.Proxy(d.socket, profile='readonly',
                     listen=[f'tcp://*:{port}{allow}']) as p:
            four, six = f'tcp://127.0.0.1:{port}', f'tcp://[::1]:{port}'
            found = [status_from(four, '127.0.0.1'),
                     status_from(four, '127.0.0.2')]
            if has_ipv6():
                found.append(request(six, 'GET', '/version').status)
            h.same(found, list(expected[:len(found)]),
                   f'tcp://*{allow}: 127.0.0.1, 127.0.0.2, ::1')
            check_denials(p, found)


def only_ipv4(d):
    """a listener for IPv4 alone"""
    with h.Proxy(d.socket, profile='readonly',
                 listen=[tcp() + ',allow=127.0.0.2']) as p:
        h.same([status_from(p.host, '127.0.0.1'),
                status_from(p.host, '127.0.0.2')], [403, 200],
               h.title(only_ipv4))


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(('::1', 0))
            return True
    except OSError:
        return False


def answer(d):
    """what the denied client and the log are told"""
    listen = [tcp() + ',allow=127.0.0.2,allow=10.0.0.0/8', tcp()]
    with h.Proxy(d.socket, profile='readonly', listen=listen,
                 args=['--log-requests']) as p:
        with Wire(p.host) as wire:
            port = wire.port()
            wire.ask('GET', '/version')
            got = wire.answer()
            h.same((got.status, got.fields['connection'],
                    got.fields['content-type']),
                   (403, 'close', 'application/json'), 'a whole answer')
            h.has(json_of(got)['message'],
                  'docker-socket-protector: not allowed from here',
                  'its message')
            h.check(wire.is_closed(), 'and the connection is closed')
        p.wait_err(f' peer=127.0.0.1:{port} ')
        line = denials(p)[-1]
        h.check(line.startswith('warn deny ') and f':{port} ' in line,
                'the line of the log', line)
        h.check('/version' not in line and p.out() == '',
                'what the client asks for is not even read', line)
        h.has(p.err(), f'listening on {p.hosts[0]} with profile readonly',
              'the log says that it listens')
        h.check('rules), allow 127.0.0.2 10.0.0.0/8\n' in p.err()
                and 'rules)\n' in p.err(), 'and whom each listener allows',
                p.err())
        h.same(request(p.hosts[1], 'GET', '/version').status, 200,
               'another listener has no such limit')
        done = h.docker(p.host, 'version')
        h.check(done.code != 0 and 'not allowed from here' in done.err,
                'docker shows the message', done)


def unread(d):
    """a denied client's bytes are not parsed, and need not come"""
    with h.Proxy(d.socket, listen=[tcp() + ',allow=::1']) as p:
        for text, data in (
                ('nothing', b''),
                ('half a request', b'GET /ver'),
                ('no HTTP at all', b'\x00\xff\r\n\r\n' * 1000),
                ('a tunnel', b'POST /containers/x/attach HTTP/1.1\r\n'
                 b'Host: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n'
                 b'Content-Length: 0\r\n\r\n')):
            with Wire(p.host, timeout=3) as wire:
                wire.send(data)
                h.same(wire.answer().status, 403, 'it sends ' + text)
                h.check(wire.is_closed(), 'and is closed')
        check_denials(p, [403] * 4)


def crowd(d):
    """many who are not allowed, and one who is"""
    with h.Proxy(d.socket, listen=[tcp() + ',allow=127.0.0.2']) as p:
        wires = [Wire(p.host) for _client in range(100)]
        h.same(status_from(p.host, '127.0.0.2'), 200,
               'another is served meanwhile')
        h.same({wire.answer().status for wire in wires}, {403},
               'all get their answer')
        for wire in wires:
            wire.close()


def users_path(d):
    """users and groups of a unix socket with a path"""
    with tempfile.TemporaryDirectory(prefix='dsp-allow.') as folder:
        os.chmod(folder, 0o777)
        check_users(d, f'unix://{folder}/sock,mode=0666')


def users_abstract(d):
    """users and groups of one without"""
    check_users(d, f'unix://@dsp-allow-{os.getpid()}')


def check_users(d, listen):
    check_each(d, listen, (
        ('', (200, 200, 200, 200)),
        (',allow=uid:0', (200, 403, 403, 403)),
        (f',allow=uid:{USER}', (403, 200, 200, 403)),
        (f',allow=gid:{OWN}', (403, 200, 200, 200)),
        (f',allow=gid:{MORE}', (403, 403, 200, 403)),
        (f',allow=uid:0,allow=gid:{MORE}', (200, 403, 200, 403)),
        (f',allow=uid:{OWN},allow=gid:{USER}', (403, 403, 403, 403))))


def users_named(d):
    """users and groups by their names"""
    check_each(d, f'unix://@dsp-names-{os.getpid()}', (
        (',allow=uid:root', (200, 403, 403, 403)),
        (',allow=gid:root', (200, 403, 403, 403))))


def check_each(d, listen, table):
    h.need_root()
    for allow, expected in table:
        with h.Proxy(d.socket, profile='readonly',
                     listen=[listen + allow]) as p:
            found = (request(p.host, 'GET', '/version').status,
                     status_as(p.host, USER, OWN),
                     status_as(p.host, USER, OWN, [OTHER, MORE]),
                     status_as(p.host, USER + 100, OWN))
            h.same(found, expected, f'{listen[:8]}{allow}: root, user, in a '
                   'group, another')
            check_denials(p, found)


def many_groups(d):
    """a user in very many groups"""
    h.need_root()
    with open('/proc/sys/kernel/ngroups_max', encoding='ascii') as limit:
        groups = list(range(100000, 100000 + int(limit.read())))
    last = groups[-1]
    with h.Proxy(d.socket, profile='readonly',
                 listen=[f'unix://@dsp-many-{os.getpid()},allow=gid:{last}']
                 ) as p:
        h.same((status_as(p.host, USER, OWN, groups),
                status_as(p.host, USER, OWN, groups[:-1])), (200, 403),
               h.title(many_groups))


def connected(d):
    """who a client is does not change with its connection's holder"""
    h.need_root()
    with h.Proxy(d.socket, profile='readonly',
                 listen=[f'unix://@dsp-who-{os.getpid()},allow=uid:0']) as p:
        with Wire(p.host) as wire:
            def ask():
                wire.ask('GET', '/version')
                return wire.answer().status
            h.same(as_user(ask, USER, OWN), 200, h.title(connected))


def reload(d):
    """HUP takes new ones, and keeps the old ones where they are wrong"""
    p = h.Proxy(d.socket, profile='readonly')
    p.without('--listen')

    def listen(allow):
        p.write_conf(f'listen {p.host}{allow}\n')

    def hang_up():
        p.process.send_signal(signal.SIGHUP)

    def found():
        return [status_from(p.host, '127.0.0.1'),
                status_from(p.host, '127.0.0.2')]

    listen('')
    with p:
        with Wire(p.host) as kept:
            kept.ask('GET', '/version')
            h.same(kept.answer().status, 200, 'everybody before')
            listen(',allow=127.0.0.2')
            hang_up()
            h.until(lambda: found() == [403, 200], 'one after HUP', 5)
            h.check(True, 'one after HUP')
            h.check(is_refused(kept), "the other's connection is of no use")
        listen(',allow=127.0.0.1/8')
        hang_up()
        p.wait_err('write allow=127.0.0.0/8')
        h.same(found(), [403, 200], 'the same after a wrong one')
        listen(',allow=127.0.0.0/8')
        hang_up()
        h.until(lambda: found() == [200, 200], 'both', 5)
        h.check(True, 'both after the right one')


def is_refused(wire):
    """Closed, or answered with a refusal."""
    try:
        wire.ask('GET', '/version')
        return wire.answer().status == 403
    except TimeoutError:
        return False
    except (OSError, EOFError):
        return True


def per_address(d):
    """--max-per-client counts by address"""
    port = h.free_port()
    with h.Proxy(d.socket, profile='readonly', listen=[f'tcp://*:{port}'],
                 args=['--max-per-client', '2']) as p:
        check_counts(lambda: Wire(p.host),
                     lambda: WireFrom(p.host, '127.0.0.2'), 'address')
        if has_ipv6():
            check_counts(lambda: Wire(f'tcp://[::1]:{port}'),
                         lambda: Wire(p.host), 'IPv6 address')


def per_uid(d):
    """--max-per-client counts by uid"""
    h.need_root()
    with h.Proxy(d.socket, profile='readonly',
                 listen=[f'unix://@dsp-per-{os.getpid()}'],
                 args=['--max-per-client', '2']) as p:
        def other():
            """A connection that another user has made."""
            wire = Wire.__new__(Wire)
            wire.held = b''
            wire.socket = socket.socket(socket.AF_UNIX)
            wire.socket.settimeout(10)
            where = p.host[len('unix://'):].replace('@', '\0')
            as_user(lambda: wire.socket.connect(where), USER, OWN)
            return wire

        check_counts(lambda: Wire(p.host), other, 'uid')
        check_counts(other, lambda: Wire(p.host), 'other uid')


def check_counts(same, other, what):
    """Two connections may be there at once, and a third of another."""
    def ask(wire):
        wire.ask('GET', '/version')
        return wire.answer().status

    held = []

    def has_two():
        """Not at once: the connection before may still be there."""
        while held:
            held.pop().close()
        held.extend((same(), same()))
        return [ask(wire) for wire in held] == [200, 200]

    h.until(has_two, f'{what}: two', 5)
    h.check(True, f'{what}: two are served')
    with same() as third:
        h.same(ask(third), 429, f'{what}: a third one is too many')
    with other() as wire:
        h.same(ask(wire), 200, f'{what}: one of another is not')
    held.pop().close()

    def again():
        with same() as wire:
            return ask(wire)
    h.until(lambda: again() == 200, 'room again', 5)
    h.check(True, f'{what}: when one is gone there is room')
    held.pop().close()


def body():
    with h.Dockerd() as d:
        h.each([addresses, only_ipv4, answer, unread, crowd, users_path,
                users_abstract, users_named, many_groups, connected, reload,
                per_address, per_uid], d)


h.main(body)
