#!/usr/bin/python3 -B
"""--healthcheck tells each trouble apart, and what is at the path of the
Docker socket is logged once."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import harness as h
from wire import request

NOBODY = 65534
RULES = 'GET /nothing\n'            # none for what is asked
PING = b'GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n'
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'
SLOW = (2.5, 5)                     # seconds that a wait in vain takes
# Takes a name, says so, and answers everybody with a lie.
SQUATTER = '''
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind('\\0' + sys.argv[1])
s.listen(8)
print('ready', flush=True)
while True:
    c = s.accept()[0]
    try:
        c.send(b'+all is well')
    except BrokenPipeError:
        pass
    c.close()
'''


class Upstream:
    """A dockerd that answers each request with the same bytes: none: with
    the end; None: never."""

    def __init__(self, answer=OK):
        self.dir = tempfile.mkdtemp(prefix='dsp-health.', dir='/tmp')
        os.chmod(self.dir, 0o777)
        self.path = self.dir + '/docker.sock'
        self.answer = answer
        self.heads = []
        self.held = []
        self.listener = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_why):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        """As dockerd: whatever is there is removed."""
        self.leave()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self.serve, args=(self.listener,),
                         daemon=True).start()

    def stop(self):
        """Without removing the file, as one that is killed."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        self.listener = None
        for conn in self.held:
            conn.close()
        self.held = []

    def leave(self):
        if os.path.lexists(self.path):
            os.unlink(self.path)

    def serve(self, listener):
        while True:
            try:
                conn = listener.accept()[0]
            except OSError:
                return
            head = conn.recv(65536)
            self.heads.append(head)
            if self.answer is None and head == PING:
                self.held.append(conn)
                continue
            try:
                conn.sendall(OK if self.answer is None else self.answer)
            except OSError:
                pass
            conn.close()


def is_well(done):
    return done.code == 0 and not done.err and \
        done.out.startswith('serving, and dockerd answers on ') and \
        done.out.count('\n') == 1


def complaint(done):
    """What it says is wrong; one line and exit code 1."""
    h.expect(done.code == 1 and not done.out and done.err.count('\n') == 1
             and done.err.startswith('error unhealthy: '), done)
    return done.err[len('error unhealthy: '):].rstrip()


def timed(call):
    began = time.monotonic()
    value = call()
    return value, time.monotonic() - began


# -- well ----------------------------------------------------------------

def everywhere():
    """healthy by each kind of listener, without a rule for it"""
    with Upstream() as u:
        for listen in addresses(u):
            with h.Proxy(u.path, rules=RULES, listen=[listen]) as p:
                u.heads.clear()
                done, took = timed(p.health)
                h.check(is_well(done), f'healthy: {listen}', done)
                h.same(u.heads, [PING], 'dockerd was asked, once')
                h.check(took < 2, 'at once', took)
                h.same(request(p.host, 'GET', '/_ping').status, 403,
                       'clients may not')


def addresses(u):
    port = h.free_port()
    yield f'tcp://127.0.0.1:{port}'
    yield f'tcp://*:{port}'
    try:
        with socket.create_server(('::1', 0), family=socket.AF_INET6):
            yield f'tcp://[::1]:{port}'
    except OSError:
        h.skip('healthy: tcp://[::1]', 'no IPv6 on this machine')
    yield f'unix://{u.dir}/proxy.sock'
    yield f'unix://@dsp-health-{port}'
    # Its name is a number.
    yield f'unix://@dsp-health-{port}-' + 'x' * 80


def starting():
    """healthy means that it serves"""
    with Upstream() as u:
        p = h.Proxy(u.path, rules=RULES)
        h.has(complaint(p.health()), 'not running: ',
              'not running before the start')
        began = time.monotonic()
        p.process = p.start_here()
        try:
            h.until(lambda: is_well(p.health()), 'healthy', 2)
            took = time.monotonic() - began
            answer, more = timed(lambda: request(p.host, 'GET', '/x'))
            h.check(answer.status == 403 and more < 0.5, h.title(starting),
                    answer, more)
            h.note(f'healthy after {took:.2f} s')
        finally:
            p.__exit__()


# -- not well --------------------------------------------------------------

def troubles():
    """every trouble has words of its own"""
    said = {}
    with Upstream() as u, h.Proxy(u.path, rules=RULES) as p:
        for text, words, seconds, prepare in (
                ('an error', 'not with status 200', (0, 1), fails),
                ('no answer', 'without an answer', (0, 1), ends),
                ('hangs', 'dockerd hangs: connected', SLOW, hangs),
                ('full', 'hangs: it takes no connections', (0, 1), full),
                ('refused', 'connection refused', (0, 1), refused),
                ('absent', 'No such file', (0, 1), Upstream.leave),
                ('a directory', 'a directory, not a socket', (0, 1), folder),
                ('a file', 'a file, not a socket', (0, 1), file)):
            u.start()
            u.answer = OK
            h.expect(is_well(p.health()), text, 'well before')
            prepare(u)
            done, took = timed(p.health)
            said[text] = complaint(done)
            h.has(said[text], words, f'unhealthy: {text}')
            h.has(said[text], u.path, f'{text}: it says where')
            h.check(seconds[0] <= took < seconds[1], f'{text}: in time', took)
            u.stop()
            if os.path.isdir(u.path):
                os.rmdir(u.path)
    h.same(len(set(said.values())), len(said), h.title(troubles))


def fails(u):
    u.answer = b'HTTP/1.1 500 Internal Server Error\r\n\r\n'


def ends(u):
    u.answer = b''


def hangs(u):
    u.answer = None


def full(u):
    """A backlog that takes no more."""
    u.stop()
    u.leave()
    u.listener = socket.socket(socket.AF_UNIX)
    u.listener.bind(u.path)
    os.chmod(u.path, 0o666)
    u.listener.listen(0)
    while True:
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        u.held.append(s)
        if s.connect_ex(u.path) != 0:
            return


def refused(u):
    u.stop()


def folder(u):
    u.leave()
    os.mkdir(u.path)


def file(u):
    u.leave()
    h.write(u.path, 'not a socket')


def hanging():
    """a dockerd that hangs for the check does not hang the gate"""
    with Upstream() as u, h.Proxy(u.path, profile='readonly') as p:
        u.answer = None
        before = len(h.descriptors(p.gates()[0]))
        checks = [threading.Thread(target=p.health) for _ in range(12)]
        for one in checks:
            one.start()
        h.until(lambda: len(u.held) >= len(checks), 'all were asked')
        took = max(timed(lambda: request(p.host, 'GET', '/version'))[1]
                   for _ in range(20))
        h.check(took < 1, h.title(hanging), took)
        for one in checks:
            one.join()
        more = len(h.descriptors(p.gates()[0])) - before
        h.check(more < len(checks), 'and costs it few descriptors', more)
        u.answer = OK
        h.check(is_well(p.health()), 'healthy when dockerd answers again')
        h.same(p.err().count('security'), 0, 'nobody was taken for a thief')


def stopped():
    """a gate or a master that hangs"""
    with Upstream() as u, h.Proxy(u.path, rules=RULES) as p:
        for text, pid, words in (
                ('gate', p.gates()[0], 'the gate does not answer'),
                ('master', p.process.pid, 'the instance does not answer')):
            os.kill(pid, signal.SIGSTOP)
            try:
                done, took = timed(p.health)
            finally:
                os.kill(pid, signal.SIGCONT)
            h.has(complaint(done), words, f'unhealthy: the {text} hangs')
            h.check(SLOW[0] < took < SLOW[1], 'in time', took)
            h.until(lambda: is_well(p.health()), 'well again', 3)
            h.check(True, f'healthy: the {text} goes on')


def no_worker():
    """no worker is ready"""
    with Upstream() as u, h.Proxy(u.path, rules=RULES) as p:
        is_over = threading.Event()

        def kill_all():
            while not is_over.wait(0.002):
                for pid in p.workers():
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass

        killer = threading.Thread(target=kill_all)
        killer.start()
        try:
            said = h.until(lambda: unserved(p), 'not serving')
        finally:
            is_over.set()
            killer.join()
        h.has(said, p.listen[0], h.title(no_worker) + ': it says where')
        h.until(lambda: is_well(p.health()), 'well again')
        h.check(True, 'healthy with new workers')


def unserved(p):
    done = p.health()
    return '' if done.code == 0 or 'no worker is ready' not in done.err \
        else complaint(done)


def wrong_words():
    """a wrong configuration"""
    for args in (['--listen', 'nonsense'], ['--config', '/nonexistent/conf'],
                 ['--no-such']):
        done = h.program('--healthcheck', *args)
        h.check(done.code == 2 and args[-1] in done.err,
                f'{h.title(wrong_words)}: exit code 2: {args}', done)


# -- whoever it runs as ------------------------------------------------------

def as_user():
    """a user who may not open the Docker socket"""
    h.need_root()
    h.need_tool('setpriv')
    with Upstream() as u:
        os.chmod(u.path, 0o600)
        p = h.Proxy(u.path, rules=RULES)
        mine = p.dir + '/program'
        shutil.copy(h.PROGRAM, mine)
        user = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}',
                '--clear-groups']
        p.command[0:1] = [*user, mine]
        with p:
            done = run(*user, mine, '--config', p.conf_path, '--listen',
                       p.listen[0], '--healthcheck')
            h.has(complaint(done), u.path + ': Permission denied',
                  f'unhealthy: {h.title(as_user)}')
            h.has(complaint(p.health()), f'user {NOBODY}',
                  'root does not believe an instance of a user')
            os.chmod(u.path, 0o666)
            done = run(*user, mine, '--config', p.conf_path, '--listen',
                       p.listen[0], '--healthcheck')
            h.check(is_well(done), 'healthy: as a user', done)
        with h.Proxy(u.path, rules=RULES) as p:
            shutil.copy(h.PROGRAM, p.dir + '/program')
            done = run(*user, p.dir + '/program', '--config', p.conf_path,
                       '--listen', p.listen[0], '--healthcheck')
            h.has(complaint(done), 'only root',
                  'another user is told nothing')


def run(*command):
    return h.Done(subprocess.run(
        command, env=h.clean_environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=h.PATIENCE, check=False))


def squatter():
    """who has taken the name is not believed"""
    h.need_root()
    h.need_tool('setpriv')
    listen = f'tcp://127.0.0.1:{h.free_port()}'
    with Squatter(listen, NOBODY):
        done = h.program('--healthcheck', '--listen', listen)
        h.has(complaint(done), f'user {NOBODY} has the name',
              h.title(squatter))
    # That of a container, whose first process it would have to be.
    with Squatter(os.readlink('/proc/self/ns/pid'), 0):
        done = h.program('--healthcheck', '--listen', listen)
        h.has(complaint(done), 'not running', 'not even root')
    # The test of the test: root would have been.
    with Squatter(listen, 0):
        done = h.program('--healthcheck', '--listen', listen)
        h.same((done.code, done.out), (0, 'all is well\n'),
               'but of root everything is')


class Squatter:
    """Somebody who has the name already."""

    def __init__(self, name, uid):
        self.process = subprocess.Popen(
            ['setpriv', f'--reuid={uid}', '--clear-groups', sys.executable,
             '-c', SQUATTER, f'docker-socket-protector/health/{name}'],
            stdout=subprocess.PIPE)

    def __enter__(self):
        h.expect(self.process.stdout.readline() == b'ready\n', 'not ready')

    def __exit__(self, *_why):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


# -- the path of the Docker socket -------------------------------------------

def comes_and_goes():
    """the log says once that the socket is absent, there, or another"""
    with Upstream() as u:
        u.stop()
        u.leave()
        absent = 'No such file or directory; answering 502 until it is there'
        there = 'the Docker socket is there'
        steps = [
            (absent, lambda: None),
            (there, u.start),
            ('this is a new socket: dockerd has been started again', u.start),
            (absent, u.leave),
            ('a directory, not a socket', lambda: os.mkdir(u.path)),
            (there, lambda: (os.rmdir(u.path), u.start()))]
        with h.Proxy(u.path, profile='readonly') as p:
            for count, (text, change) in enumerate(steps):
                change()
                h.until(lambda: len(noted(p, u.path)) > count,
                        f'{text!r} in the log', 5)
                for _ in range(20):
                    request(p.host, 'GET', '/version')
            time.sleep(1.2)         # longer than between two looks
            lines = noted(p, u.path)
            h.same(len(lines), len(steps), h.title(comes_and_goes))
            for line, (text, _change) in zip(lines, steps):
                h.has(line, f'{u.path}: {text}', f'the log: {text}')


def noted(p, path):
    """Lines about the path, not about requests."""
    return [line for line in p.err().splitlines()
            if line.startswith((f'warn {path}: ', f'info {path}: '))]


def mounted(u, what):
    """The program, with that of u mounted at a place of its own."""
    folder = u.dir + '/inside'
    os.mkdir(folder)
    if what != u.dir:
        h.write(folder + '/docker.sock', '')
    place = folder if what == u.dir else folder + '/docker.sock'
    p = h.Proxy(folder + '/docker.sock', profile='readonly')
    p.command[0:0] = ['unshare', '--mount', 'sh', '-c',
                      'mount --bind "$0" "$1" && shift && exec "$@"', what,
                      place]
    return p


def stale_file():
    """a mounted file is named as the mistake when dockerd was restarted"""
    h.need_root()
    h.need_tool('unshare')
    remedy = 'mount the directory instead of the file'
    with Upstream() as u, mounted(u, u.path) as p:
        h.check(is_well(p.health()), 'a mounted file: healthy', p.health())
        u.stop()
        u.start()
        p.wait_err(remedy)
        h.same(p.err().count('warn '), 1, h.title(stale_file))
        h.has(complaint(p.health()), remedy, 'unhealthy: with the remedy')
        for _ in range(10):
            h.expect(request(p.host, 'GET', '/version').status == 502, 'no')
        time.sleep(1.2)
        h.same(p.err().count(remedy), 1, 'once, not for each request')


def fresh_folder():
    """a mounted directory serves on"""
    h.need_root()
    h.need_tool('unshare')
    with Upstream() as u, mounted(u, u.dir) as p:
        u.stop()
        u.start()
        h.check(is_well(p.health()), h.title(fresh_folder), p.health())
        h.same(request(p.host, 'GET', '/version').status, 200, 'and so on')
        p.wait_err('this is a new socket')


def body():
    h.each([everywhere, starting, troubles, hanging, stopped, no_worker,
            wrong_words, as_user, squatter, comes_and_goes, stale_file,
            fresh_folder])


h.main(body, needs_docker=False)
