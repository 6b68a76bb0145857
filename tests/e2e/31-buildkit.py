#!/usr/bin/python3 -B
"""BuildKit: its context and its control go through two upgraded streams of
HTTP/2, /session and /grpc, of which the daemon opens one."""

import hashlib
import os
import shutil
import subprocess
import tempfile

import harness as h

SIZE = 8 << 20


def clients():
    """docker commands that have BuildKit built in, without a plugin."""
    for command in ('docker', '/usr/bin/docker'):
        path = shutil.which(command)
        if path is None:
            continue
        done = subprocess.run([path, '--version'], capture_output=True,
                              text=True, timeout=10, check=False)
        version = done.stdout.split('version ')[-1]
        if version.split('.')[0].isdigit() and \
                18 <= int(version.split('.')[0]) < 23:
            yield path


def build(command, host, folder):
    env = dict(h.docker_environment(), DOCKER_BUILDKIT='1')
    return subprocess.run(
        [command, '-H', host, 'build', '--no-cache', '--network', 'none',
         '--progress', 'plain', '-t', 'dsp-e2e-buildkit', folder],
        env=env, capture_output=True, text=True, timeout=120, check=False)


def buildkit(d, p):
    """build with BuildKit: context, COPY, RUN, and the image is right"""
    command = next(clients(), None)
    if command is None:
        h.skip(h.title(buildkit), 'needs a docker command of 18.09 to 20.10')
        return
    with tempfile.TemporaryDirectory(prefix='dsp-buildkit.',
                                     dir='/tmp') as folder:
        content = os.urandom(SIZE)
        with open(folder + '/big', 'wb') as f:
            f.write(content)
        h.write(folder + '/Dockerfile',
                f'FROM {h.IMAGE}\nCOPY big /big\nRUN sha256sum /big > /sum\n'
                'CMD ["cat", "/sum"]\n')
        done = build(command, p.host, folder)
        h.check(done.returncode == 0, h.title(buildkit), done.stderr[-2000:])
    ran = h.docker(d.host, 'run', '--rm', '--network', 'none',
                   'dsp-e2e-buildkit')
    h.same(ran.out.split()[:1], [hashlib.sha256(content).hexdigest()],
           'the context came whole')
    log = p.err()
    h.has(log, 'path=/session profile=unprotected', 'through /session')
    h.docker_ok(d.host, 'rmi', 'dsp-e2e-buildkit')


def denied(d, _p):
    """without /session in the profile the build is denied"""
    command = next(clients(), None)
    if command is None:
        h.skip(h.title(denied), 'needs a docker command of 18.09 to 20.10')
        return
    rules = '(GET|HEAD) /_ping\nPOST /(v1\\.\\d+/)?build(\\?.*)?\n'
    with h.Proxy(d.socket, rules=rules) as p, \
            tempfile.TemporaryDirectory(prefix='dsp-buildkit.',
                                        dir='/tmp') as folder:
        h.write(folder + '/Dockerfile', f'FROM {h.IMAGE}\n')
        done = build(command, p.host, folder)
        h.check(done.returncode != 0, h.title(denied), done.stderr[-500:])
        h.has(p.err(), 'warn deny method=POST target=/session',
              'and the log says so')


def body():
    with h.Dockerd() as d, h.Proxy(d.socket) as p:
        h.each([buildkit, denied], d, p)


h.main(body)
