#!/usr/bin/python3 -B
"""When a client is gone, its connection to dockerd goes with it, and so
does the worker's work."""

import subprocess
import tarfile
import time

import harness as h
from wire import Wire

NAME = 'dsp-gone'
SOON = 3            # seconds


def connections(d):
    """Connections to the Docker socket that have a peer.  dockerd itself
    keeps a dead end of its own now and then; those have none."""
    rows = subprocess.run(['ss', '-xH', 'state', 'established'], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    return sum(1 for row in map(str.split, rows.splitlines())
               if row[-4] == d.socket and row[-1] != '0')


def killed(d, host, text, *args):
    """Start a docker command, kill it, and look at dockerd's side."""
    before = connections(d)
    with h.Client(host, *args, stdin=subprocess.PIPE) as c:
        try:
            h.until(lambda: connections(d) > before, 'a connection', 5)
            time.sleep(0.7)
            h.expect(connections(d) > before, 'it has ended', c.out())
        finally:
            c.kill()
        gone(d, before, text)


def gone(d, before, text):
    end = time.monotonic() + SOON
    while connections(d) > before and time.monotonic() < end:
        time.sleep(0.05)
    now = connections(d)
    h.check(now <= before, f'{text}: gone after the client',
            f'{before} connections before, {now} now')


def commands(d, host, kind):
    for text, *args in (
            ('logs -f of a silent container', 'logs', '-f', NAME),
            ('logs -f of a talking one', 'logs', '-f', NAME + '-talk'),
            ('events', 'events'),
            ('wait', 'wait', NAME),
            ('stats', 'stats', NAME),
            ('exec -i', 'exec', '-i', NAME, 'cat'),
            ('attach to a talking container', 'attach', '--no-stdin',
             NAME + '-talk')):
        try:
            killed(d, host, f'{kind}: {text}', *args)
        except AssertionError as why:
            h.check(False, f'{kind}: {text}', why)


def half_closed(d, host, kind):
    """A client that ends only its sending side ends a stream, too: that
    is how dockerd takes it."""
    before = connections(d)
    with Wire(host) as wire:
        wire.ask('GET', f'/containers/{NAME}/logs?stdout=1&follow=1')
        h.expect(wire.head().status == 200, 'no answer')
        wire.half_close()
        gone(d, before, f'{kind}: logs -f with a half-close')


def upload_cut(d, host, kind):
    """A client that dies in the middle of an upload.  Docker 28 answers at
    the end of an archive, 20.10 at the end of the body: it is cut in a
    file."""
    member = tarfile.TarInfo('layer')
    member.size = 900000
    before = connections(d)
    with Wire(host) as wire:
        wire.send(b'POST /images/load HTTP/1.1\r\nHost: x\r\n'
                  b'Content-Type: application/x-tar\r\n'
                  b'Content-Length: 1000000\r\n\r\n' +
                  member.tobuf() + bytes(5000))
        h.until(lambda: connections(d) > before, 'the upload has begun', 5)
    gone(d, before, f'{kind}: a cut upload')


def body():
    h.need_tool('ss')
    tcp = f'tcp://127.0.0.1:{h.free_port()}'
    with h.Dockerd() as d:
        unix = f'unix://{d.room}/proxy.sock,mode=0666'
        with h.Proxy(d.socket, listen=[tcp, unix]) as p:
            h.sleeper(d.host, '--name', NAME)
            h.run_container(d.host, 'sh', '-c',
                            'while sleep 0.1; do echo talk; done',
                            options=('--name', NAME + '-talk'))
            for host, kind in zip(p.hosts, ('TCP', 'unix')):
                h.each([commands, half_closed, upload_cut], d, host, kind)


h.main(body)
