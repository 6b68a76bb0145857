#!/usr/bin/python3 -B
"""--client container:NAME: a profile for each container at one unix socket."""

import os
import select
import signal
import socket
import subprocess
import time

import harness as h
import worlds
from users import as_user
from wire import Wire, request

SOON = 5
FAST = 1

IDLE_S = 1.3                    # a client is parked then

# What each profile allows.
TARGETS = {
    'base': '/version',
    'first': '/images/json',
    'second': '/networks',
}
LINES = [('container:aa', 'first'), ('container:bb', 'second')]
# The programs of this machine, in a container.
PROGRAMS = ('-v', '/usr:/usr:ro', '-v', '/usr/lib:/lib:ro',
            '-v', '/usr/lib64:/lib64:ro')
UNKNOWN = 'reason=unknown-container '


class Told(h.Proxy):
    """The program with profile base on a unix socket, and with these lines."""

    def __init__(self, d, lines, args=(), upstream=None):
        super().__init__(upstream or d.socket, rules='GET /none\n',
                         listen=[f'unix://{d.room}/proxy.sock'],
                         args=['--workers', '1', *args])
        for name, target in TARGETS.items():
            h.write(f'{self.dir}/{name}', f'GET {target}\n')
        self.command[self.command.index('--profile') + 1] = self.dir + '/base'
        self.sees_host = True
        self.say(lines)

    def say(self, lines):
        self.write_conf(''.join(f'client {who} profile {self.dir}/{name}\n'
                                for who, name in lines))

    def hang_up(self):
        done = self.err().count('info reloaded')
        self.process.send_signal(signal.SIGHUP)
        h.until(lambda: self.err().count('info reloaded') > done, 'reloaded',
                SOON)

    def whois(self):
        return h.until(lambda: self.named('dsp-whois'), 'whois', SOON)[0]

    def here(self):
        """The profile of a process of this machine."""
        return profile_of([request(self.host, 'GET', target).status
                           for target in TARGETS.values()])


def profile_of(statuses):
    """The profile that allows what it allows."""
    statuses = list(statuses)
    found = [name for name, status in zip(TARGETS, statuses)
             if status == 200]
    return found[0] if len(found) == 1 else statuses


class Box:
    """A container with the folder of the socket, or something else."""

    def __init__(self, d, name, mount=None, command=('sleep', '1000')):
        self.host = d.host
        self.name = name
        self.room = d.room
        self.id = h.docker_ok(
            d.host, 'run', '-d', '--name', name, '--network', 'none',
            '--label', h.LABEL, *PROGRAMS, '-v', mount or f'{d.room}:{d.room}',
            h.IMAGE, *command)

    def curl(self):
        words = ['curl', '-s', '-w', '%{http_code} ', '--unix-socket',
                 self.room + '/proxy.sock']
        for target in TARGETS.values():
            words += ['-o', '/dev/null', 'http://docker' + target]
        return words

    def profile(self):
        """What a process in it gets, or the failure of its connect."""
        done = h.docker(self.host, 'exec', self.name, *self.curl())
        if done.code != 0:
            return f'curl: {done.code}'
        return profile_of([int(word) for word in done.out.split()])

    def remove(self):
        h.docker_ok(self.host, 'rm', '-f', '-v', self.name)


class Asker:
    """A process in a container that keeps its connection.  It is spoken to by
    files of the folder that it shares with us: dockerd may be asleep."""

    CODE = '''
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
told = open(sys.argv[3], "w")
for line in open(sys.argv[2]):
    try:
        s.sendall(b"GET %s HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" %
                  line.strip().encode())
        print((s.recv(65536) or b"- end").split()[1].decode(), file=told,
              flush=True)
    except OSError:
        print("end", file=told, flush=True)
'''
    count = 0

    def __init__(self, box):
        Asker.count += 1
        paths = [f'{box.room}/{word}.{Asker.count}'
                 for word in ('ask', 'told')]
        for path in paths:
            os.mkfifo(path)
        h.docker_ok(box.host, 'exec', '-d', box.name, 'python3', '-c',
                    self.CODE, box.room + '/proxy.sock', *paths)
        # For both, so that opening waits for nobody.
        self.told = os.open(paths[1], os.O_RDWR)
        self.requests = os.open(paths[0], os.O_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        os.close(self.requests)
        os.close(self.told)

    def ask(self, name):
        """Ask for what that profile allows."""
        os.write(self.requests, (TARGETS[name] + '\n').encode())

    def status(self):
        h.expect(select.select([self.told], [], [], SOON)[0], 'no answer')
        return os.read(self.told, 64).decode().strip()


def is_quiet(p):
    h.check('security' not in p.err() and 'cannot tell' not in p.err(),
            'no false alarm')


# -- who ------------------------------------------------------------------

def told(d, a, b, c):
    """each container its profile, others that of the listener"""
    for lines, expected in (
            (LINES, 'first second base base'),
            # the first line that names the client
            ([('container:bb', 'first'), ('uid:0', 'second'),
              ('container:aa', 'base')], 'second first second second'),
            ([('uid:1', 'first'), ('container:aa', 'second'),
              ('gid:0', 'first')], 'second first first first'),
            # a part of the number is no name
            ([(f'container:{c.id[:4]}', 'first'),
              (f'container:{c.id}', 'first'),
              ('container:nobody', 'second')], 'base base base base')):
        with Told(d, lines) as p:
            h.same([a.profile(), b.profile(), c.profile(), p.here()],
                   expected.split(), f'{lines}: a, b, c, this machine')
            h.same(len(p.named('dsp-whois')), 1, 'one process finds it out')
            is_quiet(p)
    with Told(d, [('uid:0', 'first')]) as p:
        h.same((p.here(), p.named('dsp-whois')), ('first', []),
               'without such a line, no such process')
    done = h.program('--listen', 'tcp://127.0.0.1:1', '--profile', 'readonly',
                     '--profile-dir', h.PROFILES, '--client',
                     'container:aa,profile=ping', '--test')
    h.has(done.out, 'client: container:aa NO LISTENER TELLS CLIENTS SO, '
          'profile ping ', 'on TCP it is about nobody')


def renamed(d, a, b, _c):
    """who has the name has the profile"""
    with Told(d, LINES) as p, Asker(b) as held:
        held.ask('second')
        h.same((held.status(), a.profile()), ('200', 'first'), 'before')
        h.docker_ok(d.host, 'rename', 'aa', 'xx')
        h.docker_ok(d.host, 'rename', 'bb', 'aa')
        a.name, b.name = 'xx', 'aa'
        time.sleep(IDLE_S)
        held.ask('second')
        h.same((held.status(), a.profile(), b.profile()),
               ('end', 'base', 'first'), h.title(renamed))
        h.has(p.err(), 'warn security what=foreign-client profile=second ',
              'an idle connection is closed: it could be another\'s')
        h.docker_ok(d.host, 'rename', 'aa', 'bb')
        h.docker_ok(d.host, 'rename', 'xx', 'aa')
        a.name, b.name = 'aa', 'bb'
        h.same((a.profile(), b.profile()), ('first', 'second'), 'and back')
        old = a.id
        a.remove()
        again = Box(d, 'aa')
        h.same((again.profile(), again.id != old), ('first', True),
               'another container with the same name')
        again.remove()
        last = Box(d, 'aa', command=a.curl())
        h.until(lambda: h.docker_ok(d.host, 'wait', 'aa') == '0', 'its end')
        h.same(profile_of([int(word) for word in h.docker_ok(
            d.host, 'logs', 'aa').split()]), 'first', 'its first process')
        last.remove()
        a.__init__(d, 'aa')


# -- when it cannot be found out -----------------------------------------------

def refused(p, box, why):
    began = time.monotonic()
    found = box.profile()
    took = time.monotonic() - began
    h.same(found, [403, 403, 403], f'{why}: refused')
    h.has(p.err(), UNKNOWN, f'{why}: the log names the reason')
    return took


def no_dockerd(d, a, _b, _c):
    """without dockerd who is in a container is refused at once"""
    with Told(d, LINES, upstream=d.dir + '/none.sock') as p:
        h.check(refused(p, a, 'no dockerd') < FAST, 'without waiting')
        h.same([request(p.host, 'GET', target).status
                for target in TARGETS.values()], [502, 403, 403],
               'others are no containers: nobody need be asked')
        h.has(p.err(), 'cannot tell which container a client is in (process',
              'why is told')


def stuck(d, a, _b, c):
    """with a dockerd that hangs it is refused soon"""
    with Told(d, LINES) as p, Asker(a) as held, Asker(c) as other:
        held.ask('first')
        h.same(held.status(), '200', 'before')
        time.sleep(IDLE_S)
        os.kill(d.process.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            held.ask('first')
            other.ask('base')
            h.same((held.status(), other.status()), ('403', '403'),
                   h.title(stuck))
            h.check(1.5 < time.monotonic() - began < 4, 'both at once')
        finally:
            os.kill(d.process.pid, signal.SIGCONT)
        h.has(p.err(), 'dockerd does not answer', 'the log says why')
        h.same(a.profile(), 'first', 'and then it is as before')


def gone(d, _a, _b, _c):
    """a process that has ended is nobody"""
    with Told(d, LINES) as p:
        os.kill(p.whois(), signal.SIGSTOP)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(SOON)
            child = os.fork()
            if child == 0:
                sock.connect(p.host[7:])
                os._exit(0)
            os.waitpid(child, 0)
            time.sleep(0.3)
            os.kill(p.whois(), signal.SIGCONT)
            sock.sendall(b'GET /version HTTP/1.0\r\n\r\n')
            h.has(sock.recv(4096).decode(), 'HTTP/1.1 403 ', h.title(gone))
        h.has(p.err(), 'it has ended', 'the log says why')
        h.same(p.here(), 'base', 'another one is served')


HEADLESS = '''
import ctypes, os, socket, sys, threading, time
def ask():
    time.sleep(0.2)
    told = []
    for target in sys.argv[3:]:
        s = socket.socket(socket.AF_UNIX)
        s.connect(sys.argv[1])
        s.sendall(b"GET %s HTTP/1.0\\r\\n\\r\\n" % target.encode())
        told.append(s.recv(65536).split()[1].decode())
    with open(sys.argv[2], "w") as f:
        f.write(" ".join(told) + "\\n")
    os._exit(0)
threading.Thread(target=ask).start()
ctypes.CDLL(None).syscall({"x86_64": 60}.get(os.uname().machine, 93), 0)
'''


def headless(d, a, _b, _c):
    """a process whose first thread has ended is not taken for one in none"""
    # It is shown so where control groups are of version 1.
    words = ['python3', '-c', HEADLESS, f'{d.room}/proxy.sock']
    found = []
    with Told(d, LINES) as p:
        for number, before in enumerate((
                [], ['docker', '-H', d.host, 'exec', '-d', a.name])):
            path = f'{d.room}/headless.{number}'
            subprocess.run(before + words + [path, *TARGETS.values()],
                           env=h.docker_environment(), check=True)
            h.until(lambda: os.path.exists(path) and
                    h.read(path).endswith('\n'), 'answers', SOON)
            found.append(profile_of(map(int, h.read(path).split())))
        h.check(found[0] == [403, 403, 403] and found[1] in (found[0],
                'first'), h.title(headless), found)
        h.has(p.err(), 'it ends, or its first thread has', 'the log says why')


def pretended(d, a, _b, _c):
    """a control group with a container's name elsewhere is not the container"""
    root = next((path for path in ('/sys/fs/cgroup/memory', '/sys/fs/cgroup')
                 if os.path.exists(path + '/cgroup.procs')), None)
    folder = f'{root}/dsp-e2e-{os.getpid()}'
    try:
        os.makedirs(f'{folder}/{a.id}')
    except OSError as why:
        raise h.Skip(f'no control group can be made here: {why}') from why
    try:
        with Told(d, LINES) as p:
            h.same(in_group(f'{folder}/{a.id}', p.here), [403, 403, 403],
                   h.title(pretended))
            h.has(p.err(), 'its control group is not where that container is',
                  'the log says why')
            h.same((in_group(folder, p.here), a.profile()), ('base', 'first'),
                   'another group is none')
    finally:
        os.rmdir(f'{folder}/{a.id}')
        os.rmdir(folder)


def in_group(folder, call):
    """What call returns in a process of that control group."""
    def inside():
        h.write(folder + '/cgroup.procs', str(os.getpid()))
        return call()
    return as_user(inside, 0, 0)


def hidden(d, a, _b, _c):
    """in a pid namespace of its own it sees nobody, says so and refuses"""
    p = Told(d, LINES)
    p.sees_host = False
    if not worlds.CONTAINER:
        h.need_tool('unshare')
        p.command[0:0] = ['unshare', '--pid', '--fork', '--kill-child',
                          '--mount-proc']
    with p:
        h.has(p.err(), 'warn client container: nobody is found out, so all '
              'who might be meant are refused: processes of the host are not '
              'seen from here; run with the pid namespace of the host (pid: '
              'host)', 'a warning at start, with the remedy')
        refused(p, a, 'hidden')
        h.same(request(p.host, 'GET', '/version').status, 403,
               'nor does it know who is in none')
        if not worlds.CONTAINER:
            # unshare itself would not pass it on.
            for pid in p.children():
                os.kill(pid, signal.SIGTERM)
            h.same(p.process.wait(h.PATIENCE), 0, 'it stops')


# -- processes ----------------------------------------------------------------

def reload(d, a, b, _c):
    """HUP: other lines, and who waits meanwhile is not lost"""
    with Told(d, LINES) as p, Asker(a) as held:
        held.ask('first')
        h.same(held.status(), '200', 'before')
        time.sleep(IDLE_S)
        p.hang_up()
        held.ask('first')
        h.same(held.status(), '200', 'the same lines: it lives on')
        os.kill(p.whois(), signal.SIGSTOP)
        old = p.whois()
        with Wire(p.host) as waiting:
            waiting.ask('GET', '/version')
            time.sleep(0.3)
            p.hang_up()
            os.kill(old, signal.SIGCONT)
            h.same(waiting.answer().status, 200, 'one who waits is served')
        p.say([('container:bb', 'first'), ('container:aa', 'second')])
        p.hang_up()
        held.ask('first')
        h.same((held.status(), a.profile(), b.profile()),
               ('end', 'second', 'first'), 'other lines')
        p.say([])
        p.hang_up()
        h.same((a.profile(), b.profile()), ('base', 'base'), 'no line')
        h.until(lambda: not p.named('dsp-whois'), 'no whois', SOON)
        p.say(LINES)
        p.hang_up()
        h.same((a.profile(), b.profile()), ('first', 'second'),
               'and lines again')
        is_quiet(p)


def death(d, a, _b, _c):
    """whois that dies is replaced"""
    with Told(d, LINES) as p:
        old = p.whois()
        os.kill(old, signal.SIGKILL)
        h.until(lambda: p.named('dsp-whois') not in ([], [old]), 'another',
                SOON)
        h.same((a.profile(), p.here()), ('first', 'base'), h.title(death))
        h.has(p.err(), 'the whois (pid ', 'the log says so')
        fds = [what for what in h.descriptors(p.whois())
               if what.startswith('socket:')]
        h.check(len(fds) >= 4, 'it has who can ask', fds)
        p.wait_confined('Seccomp', '2')


def restart(d, a, b, _c):
    """the folder is mounted, not the socket, which is new at each start"""
    with Told(d, LINES) as p:
        at = d.room + '/proxy.sock'
        fixed = Box(d, 'fixed', f'{at}:{at}')
        p.say([*LINES, ('container:fixed', 'first')])
        p.hang_up()
        h.same([a.profile(), b.profile(), fixed.profile()],
               ['first', 'second', 'first'], 'folder, folder, socket')
        p.stop()
        p.start()
        h.same([a.profile(), b.profile()], ['first', 'second'],
               'started again: the folder shows the new socket')
        h.same(fixed.profile(), 'curl: 7', 'a mounted socket is the old one')
        fixed.remove()


def body():
    h.need_root()
    h.need_tool('curl')
    with h.Dockerd(must_own=True) as d:
        boxes = [Box(d, name) for name in ('aa', 'bb', 'cc')]
        h.each([told, renamed, no_dockerd, stuck, gone, headless, pretended,
                hidden, reload, death, restart], d, *boxes)


h.main(body)
