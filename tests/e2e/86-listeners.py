#!/usr/bin/python3 -B
"""Listeners: several at once with profiles of their own, unix sockets with
mode and owner, stale and live ones, abstract names, both IP families."""

import os
import pwd
import socket
import stat

import harness as h
from wire import json_of, request


def status(host, target='/version', method='GET'):
    return request(host, method, target).status


def several(d):
    """several listeners, each with its profile"""
    path = d.room + '/several.sock'
    listen = [f'tcp://127.0.0.1:{h.free_port()}',
              f'tcp://localhost:{h.free_port()},profile=traefik',
              f'unix://{path},profile=diun,mode=0666']
    with h.Proxy(d.socket, profile='readonly', listen=listen) as p:
        for host, name, info, images in zip(
                p.hosts, ('readonly', 'traefik', 'diun'),
                (200, 403, 403), (200, 403, 403)):
            h.same(status(host, '/info'), info, f'{name}: /info')
            h.same(status(host, '/images/json'), images,
                   f'{name}: /images/json')
            answer = request(host, 'POST', '/containers/create', b'{}')
            h.has(json_of(answer)['message'], f'profile {name}:',
                  f'{name}: the denial names it')
            h.same(h.docker(host, 'version').code, 0,
                   f'{name}: docker version')


def without_global(d):
    """no global profile is needed when each listener has one"""
    host = f'tcp://127.0.0.1:{h.free_port()}'
    p = h.Proxy(d.socket, listen=[host + ',profile=readonly'])
    p.without('--profile')
    with p:
        h.same(status(host), 200, h.title(without_global))


def unix_mode(d):
    """mode, owner and group of a unix socket"""
    path = d.room + '/mode.sock'
    other = pwd.getpwnam('daemon')
    for keys, mode, uid, gid in (
            ('', 0o600, os.geteuid(), os.getegid()),
            (',mode=0660', 0o660, os.geteuid(), os.getegid()),
            (',mode=0660,owner=daemon,group=daemon', 0o660, other.pw_uid,
             other.pw_gid)):
        if uid != os.geteuid() and os.geteuid() != 0:
            continue
        with h.Proxy(d.socket, profile='readonly',
                     listen=[f'unix://{path}{keys}']) as p:
            found = os.stat(path)
            h.same((oct(stat.S_IMODE(found.st_mode)), found.st_uid,
                    found.st_gid), (oct(mode), uid, gid),
                   f'a unix socket{keys}')
            h.same(status(p.host), 200, 'and it serves')
            h.until(lambda: f'peer=uid:{os.geteuid()} ' in p.err(),
                    "the peer's uid in the log", 5)
        h.check(not os.path.exists(path), 'and it is removed at the end')


def stale(d):
    """a stale socket is replaced, a live one and a file are not"""
    path = d.room + '/stale.sock'
    host = 'unix://' + path
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        os.chmod(path, 0o666)
    with h.Proxy(d.socket, profile='readonly', listen=[host]) as p:
        h.same(status(host), 200, 'a stale socket is replaced')
        second = h.program('--config', p.conf_path, '--profile-dir',
                           h.PROFILES, '--profile', 'readonly', '--listen',
                           host)
        h.check(second.code == 1 and path in second.err,
                'a live one is refused', second)
        h.same(status(host), 200, 'and goes on serving')
    h.write(path, 'precious')
    third = h.program('--config', '/dev/null', '--profile-dir', h.PROFILES,
                      '--profile', 'readonly', '--listen', host)
    h.check(third.code == 1 and path in third.err, 'a file is refused',
            third)
    h.same(h.read(path), 'precious', 'and is left alone')


def abstract(d):
    """an abstract name"""
    host = f'unix://@dsp-e2e-{os.getpid()}'
    with h.Proxy(d.socket, profile='readonly', listen=[host]):
        h.same(status(host), 200, h.title(abstract))


def families(d):
    """tcp://* takes IPv4 and IPv6, 127.0.0.1 and [::1] only their own"""
    port = h.free_port()
    four, six = f'tcp://127.0.0.1:{port}', f'tcp://[::1]:{port}'
    with h.Proxy(d.socket, profile='readonly', args=['--log-requests'],
                 listen=[f'tcp://*:{port}']) as p:
        h.same(status(four), 200, 'tcp://*: IPv4')
        line = h.until(lambda: [line for line in p.err().splitlines()
                                if 'peer=' in line], 'a line')[-1]
        h.check('peer=127.0.0.1:' in line, 'the log shows the IPv4 peer',
                line)
        if not has_ipv6():
            raise h.Skip('no IPv6 here')
        h.same(status(six), 200, 'tcp://*: IPv6')
    for listen, other in (four, six), (six, four):
        with h.Proxy(d.socket, profile='readonly', listen=[listen]):
            h.same(status(listen), 200, f'{listen[:10]}...: it serves')
            h.check(not h.can_connect(other), 'and the other is refused')


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(('::1', 0))
            return True
    except OSError:
        return False


def one_fails(d):
    """one listener that cannot be opened stops the start"""
    path = d.room + '/one.sock'
    done = h.program('--config', '/dev/null', '--profile-dir', h.PROFILES,
                     '--profile', 'readonly', '--listen', 'unix://' + path,
                     '--listen', 'unix:///nonexistent/folder/x.sock')
    h.check(done.code == 1 and '/nonexistent/folder' in done.err,
            h.title(one_fails), done)
    h.check(not os.path.exists(path), 'and leaves no socket behind')


def body():
    with h.Dockerd() as d:
        h.each([several, without_global, unix_mode, stale, abstract,
                families, one_fails], d)


h.main(body)
