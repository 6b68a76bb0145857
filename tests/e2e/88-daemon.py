#!/usr/bin/python3 -B
"""--daemon and --pid-file, for a traditional init."""

import os
import signal
import subprocess
import tempfile
import time

import harness as h
from wire import request

PING = '(GET|HEAD) /_ping\n'


def start(folder, *args):
    """Start in the background.  The daemon keeps its outputs, so they are
    a file here: a pipe would not end."""
    command = [h.PROGRAM, '--config', folder + '/conf', '--daemon',
               '--pid-file', folder + '/pid', *args]
    with open(folder + '/err', 'wb') as err:
        code = subprocess.run(
            command, env=h.clean_environment(), stdin=subprocess.DEVNULL,
            stdout=err, stderr=err, timeout=h.PATIENCE,
            check=False).returncode
    return code, h.read(folder + '/err')


def life(folder):
    host = f'tcp://127.0.0.1:{h.free_port()}'
    h.write(folder + '/conf', f'listen {host}\nprofile {folder}/rules\n'
            'docker-socket /nonexistent/docker.sock\n')
    h.write(folder + '/rules', PING)
    began = time.monotonic()
    code, err = start(folder)
    h.check(code == 0, 'it goes into the background: exit code 0', code, err)
    h.check(time.monotonic() - began < 5, 'soon')
    pid = int(h.read(folder + '/pid'))
    background(folder, host, pid)
    second(folder, host)
    reload(folder, host, pid)
    os.kill(pid, signal.SIGTERM)
    h.until(lambda: not h.is_alive(pid), 'it ends', 5)
    h.check(not os.path.exists(folder + '/pid'),
            'TERM ends it and the pid file is gone')


def background(folder, host, pid):
    h.same(request(host, 'GET', '/_ping').status, 502,
           'it serves as soon as the start has returned')
    h.check(h.is_alive(pid), 'the pid file names it')
    h.check(os.getsid(pid) != os.getsid(0), 'in a session of its own')
    h.same(os.readlink(f'/proc/{pid}/fd/0'), '/dev/null', 'no stdin')
    h.same(h.read(folder + '/pid'), f'{pid}\n', 'the pid and a line end')


def second(folder, host):
    before = h.read(folder + '/pid')
    code, err = start(folder)
    h.check(code == 1 and host in err,
            'a second start fails, and says so at once', code, err)
    h.same(h.read(folder + '/pid'), before, 'the pid file stays')
    code, err = start(folder, '--workers', 'x')
    h.same(code, 2, 'a wrong flag: exit code 2')
    code, err = start(folder, '--profile', './rules')
    h.check(code == 2 and './rules' in err and 'absolute' in err,
            'a relative name: exit code 2', code, err)


def reload(folder, host, pid):
    h.same(request(host, 'GET', '/version').status, 403, 'before HUP: 403')
    h.write(folder + '/rules', PING + 'GET /version\n')
    os.kill(pid, signal.SIGHUP)
    h.until(lambda: request(host, 'GET', '/version').status == 502,
            'the new rules hold', 5)
    h.check(True, 'after HUP the new rules hold')


def end_it(folder):
    """Whatever a failed test has left behind."""
    if os.path.exists(folder + '/pid'):
        os.kill(int(h.read(folder + '/pid')), signal.SIGKILL)


def body():
    with tempfile.TemporaryDirectory(prefix='dsp-daemon.') as folder:
        try:
            h.each([life], folder)
        finally:
            end_it(folder)


h.main(body, needs_docker=False)
