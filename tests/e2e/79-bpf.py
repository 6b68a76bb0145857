#!/usr/bin/python3 -B
"""contrib/bpf: docker-socket-monitor tells who connects to the Docker socket
besides us, and with --enforce keeps them from it.  What its text says that a
hook misses is shown to be missed, so that it stays true.  In mounts of its
own, without those of the kernel's tracing."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import harness as h
from connector import Connector, Group, must
from wire import request

BUILT = os.path.abspath(os.environ.get('builddir') or '.')
MONITOR = BUILT + '/contrib/bpf/docker-socket-monitor'
TRACING = '/sys/kernel/tracing'
SOMEONE = 1234
EPERM, EACCES = 1, 13


class Monitor:
    """The program, until it watches and to its end."""

    def __init__(self, path, *args):
        self.file = tempfile.TemporaryFile()
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [MONITOR, '--docker-socket', path, *args], stdout=self.file,
            stdin=subprocess.DEVNULL, stderr=self.errors)

    def __enter__(self):
        h.until(lambda: 'by hook' in self.said()
                or self.process.poll() is not None, 'the monitor watches')
        h.expect(self.process.poll() is None, self.said())
        return self

    def __exit__(self, *_why):
        code = h.end(self.process)
        h.check(code == 0, 'the monitor ends with 0', code, self.said())

    def text(self, file):
        size = os.fstat(file.fileno()).st_size
        return os.pread(file.fileno(), size, 0).decode()

    def said(self):
        return self.text(self.errors)

    def lines(self, part=''):
        return [line for line in self.text(self.file).splitlines()
                if part in line]

    def tells(self, text, pid, *parts):
        """There is one line about this process, with these parts."""
        part = f' pid={pid} '
        h.until(lambda: self.lines(part), f'{part} in {self.lines()}')
        line = self.lines(part)[0]
        h.check(len(self.lines(part)) == 1
                and all(each in line for each in parts), text,
                *self.lines(part), parts)
        return line


class World:
    """What the cases have in common."""

    def __init__(self, folder, dockerd):
        self.folder = folder
        self.dockerd = dockerd
        self.connector = Connector(folder)
        self.path = folder + '/docker.sock'
        self.socket = None

    def listen(self):
        """A socket of our own, made anew."""
        if self.socket:
            self.socket.close()
            os.unlink(self.path)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.listen(64)


def tracing_is_mounted():
    return f' {TRACING} ' in h.read('/proc/self/mounts')


def first(w):
    """the first hook that works, without any mounts"""
    h.same(tracing_is_mounted(), False, 'nothing is mounted before')
    with Monitor(w.path) as m:
        hook = re.search(r'by hook (\w+), which misses:\n', m.said()).group(1)
        h.note(m.said())
        h.has(m.said(), 'handed over when connected', 'it says what it misses')
        pid, _error = w.connector.once(w.path)
        m.tells(f'hook {hook} sees a connection', pid, f' hook={hook}')
    h.same(tracing_is_mounted(), False, 'nothing is mounted afterwards')


def names(w):
    """by any name, as any user"""
    os.makedirs(w.folder + '/other')
    alias = w.folder + '/other/alias'
    os.symlink(w.path, alias)
    with Monitor(w.path, '--hook', 'tracepoint') as m:
        for path, cwd, user in (
                (w.path, '/', None), (w.path, '/', SOMEONE),
                ('docker.sock', w.folder, None), (alias, '/', SOMEONE),
                ('other/alias', w.folder, None)):
            child = w.connector.start(path, cwd=cwd, user=user)
            m.tells(f'{path} in {cwd}, user {user or 0}', child.pid,
                    ' connect ok other ', f' uid={user or 0} ',
                    ' container=host ', ' comm="connector" ',
                    f' exe="{w.connector.path}" ', f' path="{path}" ')
            child.communicate(timeout=h.PATIENCE)
        name = 'gone'
        os.symlink(w.path, f'{w.folder}/{name}')
        # Nothing can be looked up any more when the monitor comes to it.
        m.process.send_signal(signal.SIGSTOP)
        pid, _error = w.connector.once(name, cwd=w.folder)
        os.unlink(f'{w.folder}/{name}')
        m.process.send_signal(signal.SIGCONT)
        m.tells('name and process are gone', pid, ' connect ok other ',
                ' container=unknown ')


def others(w):
    """not other sockets; refused and missing ones"""
    decoy = w.folder + '/other/docker.sock'
    with socket.socket(socket.AF_UNIX) as sock, \
            Monitor(w.path, '--hook', 'tracepoint') as m:
        sock.bind(decoy)
        sock.listen(8)
        child = w.connector.start(decoy)
        os.chmod(w.path, 0o600)
        pid, error = w.connector.once(w.path, user=SOMEONE)
        os.chmod(w.path, 0o666)
        h.same(error, EACCES, 'who is refused')
        m.tells('is told of', pid, ' connect EACCES other ')
        h.same(m.lines(f' pid={child.pid} '), [],
               'a socket of the same name elsewhere is not')
        child.communicate(timeout=h.PATIENCE)
        slow(w, m)
        w.listen()
        pid, _error = w.connector.once(w.path)
        m.tells('the socket made anew', pid, ' connect ok other ')
        os.rename(w.path, w.path + '.away')
        pid, _error = w.connector.once(w.path)
        m.tells('no socket there', pid, ' connect ENOENT other ')
        os.rename(w.path + '.away', w.path)
    os.unlink(decoy)


def slow(w, m):
    """By a link that the kernel does not remember: it must be asked."""
    must('mount', '-t', 'tmpfs', 'tmpfs', w.folder + '/other')
    for name in 'lower', 'upper', 'work', 'all':
        os.mkdir(f'{w.folder}/other/{name}')
    os.symlink(w.path, w.folder + '/other/lower/link')
    place = w.folder + '/other/all'
    must('mount', '-t', 'overlay', 'overlay', '-o', ','.join(
        f'{name}dir={w.folder}/other/{name}'
        for name in ('lower', 'upper', 'work')), place)
    os.chmod(w.path, 0o600)
    child = w.connector.start(place + '/link', user=SOMEONE)
    os.chmod(w.path, 0o666)
    m.tells('by a link of an overlay', child.pid, ' connect EACCES other ')
    child.communicate(timeout=h.PATIENCE)
    must('umount', place)
    must('umount', w.folder + '/other')


def container(w):
    """from a container, by a name that only it has"""
    d = w.dockerd
    with Monitor(d.socket, '--hook', 'tracepoint') as m:
        room = h.run_container(
            d.host, 'sh', '-c', 'ln -s /x/docker.sock /alias; '
            'exec /connector call /alias', options=(
                '-i', '-v', f'{d.socket}:/x/docker.sock', '-v',
                f'{w.connector.path}:/connector:ro'))
        part = f' container={room[:12]} '
        h.until(lambda: m.lines(part), f'{part} in {m.lines()}')
        h.check(len(m.lines(part)) == 1, 'one line', *m.lines(part))
        for text in (' connect ok other ', ' uid=0 ', ' exe="/connector" ',
                     ' path="/alias" '):
            h.has(m.lines(part)[0], text, 'a container:' + text)
        h.remove(d.host, room)


def allowed(w):
    """our own gate is not told of, nor who else is allowed"""
    d = w.dockerd
    with h.Proxy(d.socket) as p:
        gate = p.gates()[0]
        for args in (['exe:' + h.PROGRAM], [f'pid:{gate}'],
                     [f'pid:{os.getpid()}', 'uid:root']):
            more = [word for each in args for word in ('--allow', each)]
            with Monitor(d.socket, '--hook', 'tracepoint', *more) as m:
                h.same(request(p.host, 'GET', '/version').status, 200,
                       f'{args[-1]}: a request')
                os.chmod(d.socket, 0o666)
                pid, _error = w.connector.once(d.socket, user=SOMEONE)
                m.tells(f'{args[-1]}: another', pid, ' other ')
                h.same(m.lines(f' pid={gate} '), [],
                       f'{args[-1]}: not our gate')
        with Monitor(d.socket, '--hook', 'tracepoint', '--all', '--allow',
                     'exe:' + h.PROGRAM) as m:
            request(p.host, 'GET', '/version')
            h.until(lambda: m.lines(f' pid={gate} '), 'the gate')
            h.has(m.lines(f' pid={gate} ')[0], ' connect ok allowed ',
                  '--all: our gate')


def ring(w):
    """by io_uring, which no hook on calls sees"""
    alias = w.folder + '/other/alias'
    with Monitor(w.path, '--hook', 'tracepoint') as m:
        for path in w.path, alias:
            pid, error = w.connector.once(path, how='uring', user=SOMEONE)
            h.same(error, 0, f'io_uring connects to {path}')
            m.tells(f'{path}: is told of', pid, ' connect ok other ',
                    f' uid={SOMEONE} ')
        with socket.socket(socket.AF_UNIX) as decoy:
            decoy.bind(w.folder + '/decoy')
            decoy.listen(8)
            other, error = w.connector.once(w.folder + '/decoy', how='uring')
            h.same(error, 0, 'io_uring connects elsewhere')
        pid, _error = w.connector.once(w.path)
        m.tells('a later connection', pid)
        h.same(m.lines(f' pid={other} '), [], 'that is not told of')


def narrow(w):
    """what tracepoints miss: calls of 32 bits"""
    with Monitor(w.path, '--hook', 'tracepoint') as m:
        w.listen()
        w.connector.once_32(w.path, 'connect')
        w.socket.settimeout(h.PATIENCE)
        w.socket.accept()[0].close()    # it came to the socket
        pid, _error = w.connector.once(w.path)
        m.tells('an ordinary connection', pid)
        h.same(len(m.lines(' comm="connect')), 1, 'is all that is seen')
        h.has(m.said(), ' by 32-bit calls', 'it said so')


def enforce(w):
    """--enforce in a control group"""
    try:
        group = Group(w.folder, f'dsp-test-{os.getpid()}')
    except AssertionError as why:
        raise h.Skip(f'no control group of version 2: {why}') from why
    friend = w.folder + '/friend'
    shutil.copy(w.connector.path, friend)
    try:
        with Monitor(w.path, '--enforce', '--hook', 'cgroup', '--cgroup',
                     group.path, '--allow', 'exe:' + friend) as m:
            h.has(m.said(), 'protects', 'it protects')
            for how in 'call', 'uring':
                pid, error = w.connector.once(w.path, how=how,
                                              before=group.enter)
                h.same(error, EPERM, f'{how}: nobody in the group')
                m.tells(f'{how}: is told of', pid, ' connect EPERM other ',
                        ' hook=cgroup')
            h.same(w.connector.once(w.path)[1], 0, 'others do')
            alias = w.folder + '/other/alias'
            for path in alias, 'docker.sock':
                h.same(w.connector.once(path, cwd=w.folder,
                                        before=group.enter)[1], 0,
                       f'{path} passes')
            h.check('symbolic links, relative paths' in m.said(),
                    'it said so', m.said())
            w.connector.path, kept = friend, w.connector.path
            pid, error = w.connector.once(w.path, before=group.enter)
            w.connector.path = kept
            h.same(error, 0, 'who is allowed does')
            h.same(m.lines(f' pid={pid} '), [], 'and is not told of')
        h.same(w.connector.once(w.path, before=group.enter)[1], 0,
               'afterwards everybody does')
    finally:
        group.remove()


def by_inode(w):
    """hooks lsm and fentry: they see all, or say that they cannot be had"""
    for hook in 'lsm', 'fentry':
        try:
            with Monitor(w.path, '--hook', hook) as m:
                pid, error = w.connector.once(w.folder + '/other/alias',
                                              how='uring')
                m.tells(f'{hook}: io_uring and an alias', pid)
        except AssertionError as why:
            h.has(str(why), f'hook {hook} cannot be had here: ',
                  f'{hook}: it says so')
            h.has(str(why), 'no hook can do that here', f'{hook}: it ends')


def wrong(_w):
    """wrong options"""
    for args, text in ((['--allow', 'exe:x'], 'exe:x'), (['x'], ': x'),
                       (['--allow', 'uid:no such'], ': no such\n'),
                       (['--allow', 'pid:-'], ': -\n'),
                       (['--hok', 'lsm'], '--hok')):
        done = subprocess.run([MONITOR, *args], stderr=subprocess.PIPE,
                              check=False, timeout=h.PATIENCE)
        h.check(done.returncode == 2 and text in done.stderr.decode(),
                ' '.join(args), done)
    done = subprocess.run([MONITOR, '--help'], stdout=subprocess.PIPE,
                          check=True, timeout=h.PATIENCE)
    for text in '32-bit', 'symbolic links', 'handed over', 'file modes':
        h.has(done.stdout.decode(), text, f'--help: {text}')


def opens(w):
    """a program on open, as it is copied everywhere, sees nothing"""
    must('mount', '-t', 'tracefs', 'tracefs', TRACING)
    place = f'{TRACING}/instances/dsp-test-{os.getpid()}'
    os.mkdir(place)
    try:
        for name in 'open', 'openat', 'openat2', 'connect':
            event = f'{place}/events/syscalls/sys_enter_{name}'
            if os.path.isdir(event):
                h.write(event + '/filter', 'comm == "connector"')
                h.write(event + '/enable', '1')
        pid, error = w.connector.once(w.path)
        h.same(error, 0, 'a connection')
        seen = re.findall(rf'connector-{pid} .*: sys_(\w+)\(',
                          h.read(place + '/trace'))
        h.same(seen, ['connect'], 'it opens nothing')
    finally:
        os.rmdir(place)
        must('umount', TRACING)


def need_bpf():
    """A kernel that has it, and the right to use it."""
    if not os.path.exists('/sys/kernel/btf/vmlinux') \
            or '\ttracefs\n' not in h.read('/proc/filesystems'):
        raise h.Skip('this kernel has no BPF with types, or no tracing')
    if not int(h.fields('/proc/self/status')['CapEff'], 16) & 1 << 21:
        raise h.Skip('CAP_SYS_ADMIN is needed')


def body():
    if not os.access(MONITOR, os.X_OK):
        raise h.Skip('no docker-socket-monitor: configure --enable-bpf')
    h.need_root()
    h.need_tool('unshare')
    need_bpf()
    if tracing_is_mounted():
        must('umount', '-l', TRACING)
    with tempfile.TemporaryDirectory(prefix='dsp-bpf.') as folder, \
            h.Dockerd() as d:
        os.chmod(folder, 0o755)
        w = World(folder, d)
        w.listen()
        h.each([first, names, others, container, allowed, ring, narrow,
                enforce, by_inode, wrong, opens], w)


h.in_own_mounts()
h.main(body)
