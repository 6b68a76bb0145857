#!/usr/bin/python3 -B
"""contrib/audit: the rules make the kernel record who connects to the Docker
socket, by every name and way but those that the text names; the report shows
it.  In mounts of its own, where /run is empty, so that the rules are loaded as
they are shipped."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

import harness as h
from auditsystem import Audit
from connector import Connector, Group, must
from users import as_user
from wire import request

SOURCE = os.path.abspath(os.environ.get('srcdir') or '.')
BUILT = os.path.abspath(os.environ.get('builddir') or '.')
RULES = BUILT + '/contrib/audit/docker-socket-protector.rules'
REPORT = SOURCE + '/contrib/audit/docker-socket-report'
DOCKER = '/run/docker.sock'
OURS = '/run/docker-socket-protector'
KEYS = ('docker-socket-connect', 'docker-socket-change',
        'docker-socket-config', 'docker-socket-client', 'dsp-test')
SOMEONE = 1234
ROOM = 'c0ffee' * 10 + 'cafe'


class World:
    """What the cases have in common."""

    def __init__(self, folder, audit):
        self.folder = folder
        self.audit = audit
        self.rules = h.read(RULES)
        self.connector = Connector(folder)
        self.socket = None

    def listen(self):
        """The Docker socket, made anew."""
        if self.socket:
            self.socket.close()
            os.unlink(DOCKER)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(DOCKER)
        os.chmod(DOCKER, 0o666)
        self.socket.listen(64)
        self.audit.records.clear()

    def report(self, *args, lines=None):
        """What it shows of the records, or of these lines."""
        text = '\n'.join(lines or self.audit.records.take()) + '\n'
        done = self.audit.run(REPORT, *args, '-', input=text.encode())
        h.expect(done.code == 0 and not done.err, done)
        return done.out

    def shows(self, text, part, *args):
        """One line with part in it comes; it also has these words."""
        def found():
            return [line for line in self.report(*args).splitlines()
                    if part in line]
        line = h.until(found, f'{part!r}, in {self.audit.records.lines}')
        words = dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line[0]))
        h.check(len(line) == 1, text, *line)
        self.audit.records.clear()
        return line[0], words


def rules(w):
    """the rules are loaded, each of them"""
    done = w.audit.load(w.rules, w.folder)
    h.check(done.code == 0 and 'rror' not in done.err, 'they are loaded', done)
    wanted = len(re.findall('^-', w.rules, re.M))
    h.check(wanted > 8, 'there are some', wanted)
    listed = [line for line in w.audit.ctl('-l').out.splitlines()
              if any(key in line for key in KEYS)]
    h.same(len(listed), wanted, 'each is listed')


def names(w):
    """connections by any name"""
    w.listen()
    os.makedirs('/run/other')
    os.symlink(DOCKER, '/run/other/alias')
    for path, cwd in ((DOCKER, '/'), ('/var/run/docker.sock', '/'),
                      ('docker.sock', '/run'), ('../docker.sock', '/run/other'),
                      ('/run/other/alias', '/'), ('alias', '/run/other')):
        pid, error = w.connector.once(path, cwd=cwd)
        h.expect(error == 0, path, error)
        line, words = w.shows(f'{path} in {cwd}', f'pid={pid} ')
        full = path if path[0] == '/' else f'{cwd}/{path}'
        h.check(re.match(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ connect ok other ',
                         line) is not None
                and words['path'] == f'"{full}"'
                and words['exe'] == f'"{w.connector.path}"'
                and words['comm'] == '"connector"'
                and words['cmd'] == f'"{w.connector.path} call {path}"',
                f'{path} in {cwd}: what it says', line)


def users(w):
    """connections of another user, who may and who may not"""
    pid, _error = w.connector.once(DOCKER, user=SOMEONE)
    _line, words = w.shows('another user', f'pid={pid} ')
    h.same(words['uid'], str(SOMEONE), 'the user')
    os.chmod(DOCKER, 0o600)
    pid, error = w.connector.once(DOCKER, user=SOMEONE)
    os.chmod(DOCKER, 0o666)
    h.same(error, 13, 'who is not let in')
    w.shows('is recorded, too', f' connect EACCES other pid={pid} uid=1234 ')


def narrow(w):
    """programs of 32 bits"""
    for how in 'connect', 'socketcall':
        w.audit.records.clear()
        w.connector.once_32(DOCKER, how)
        line, _words = w.shows(f'32 bits, {how}', f'comm="{how}32"')
        h.has(line, ' connect ok other ', f'32 bits, {how}: a connection')


def changes(w):
    """mode, owner, name"""
    for name, change in (
            ('chmod', lambda: os.chmod(DOCKER, 0o660)),
            ('chown', lambda: os.chown(DOCKER, 0, SOMEONE)),
            ('rename', lambda: os.rename(DOCKER, '/run/away')),
            ('rename', lambda: os.rename('/run/away', DOCKER)),
            ('link', lambda: os.link(DOCKER, '/run/second'))):
        w.audit.records.clear()
        as_user(change, 0, 0)
        w.shows(f'{name} is recorded', f' {name} ok other ')


def again(w):
    """removed and made anew"""
    as_user(lambda: os.unlink(DOCKER), 0, 0)
    w.shows('unlink is recorded', ' unlink ok other ')
    w.socket.close()
    w.socket = None
    w.listen()
    pid, _error = w.connector.once(DOCKER)
    w.shows('connections to the new socket are', f' connect ok other pid={pid}')


def config(w):
    """the configuration, profiles and the program"""
    for place in re.findall(r'(?:dir|path)=(\S+) -F perm=wa', w.rules):
        if place == DOCKER:
            continue
        path = place + '/new' if os.path.isdir(place) else place
        w.audit.records.clear()
        as_user(lambda: h.write(path, 'x\n'), 0, 0)
        w.shows(f'{path}: recorded', f'path="{path}"')


def gate(w):
    """our own gate, and a client of ours"""
    path = OURS + '/a/docker.sock'
    os.unlink(DOCKER)
    w.socket = None
    standin = subprocess.Popen(
        [sys.executable, '-B', SOURCE + '/tests/e2e/standin.py', DOCKER],
        stderr=subprocess.DEVNULL)
    try:
        h.until(lambda: os.path.exists(DOCKER), 'the stand-in is there')
        with h.Proxy(DOCKER, listen=['unix://' + path]) as p:
            w.audit.records.clear()
            h.same(request(p.host, 'GET', '/_ping').status, 200, 'a request')
            w.shows('the gate is told apart',
                    f' connect ok gate pid={p.gates()[0]} ',
                    '--ours', h.PROGRAM)
            pid, _error = w.connector.once(path)
            w.shows('a client of ours', f' client-connect ok other pid={pid} ')
            request(p.host, 'GET', '/_ping')
            pid, _error = w.connector.once(DOCKER)
            w.shows('others alone', ' connect ', '--ours', h.PROGRAM,
                    '--others')
            # The first rule, which is a comment, switched on.
            h.has(w.rules, '\n#-a never,exit ', 'there is a rule for it')
            text = re.sub(r'^#(-a never.*exe=).*', fr'\g<1>{h.PROGRAM}',
                          w.rules, flags=re.M)
            w.audit.load(text, w.folder)
            request(p.host, 'GET', '/_ping')
            pid, _error = w.connector.once(DOCKER)
            line, _words = w.shows('without the gate', ' connect ')
            h.has(line, f' pid={pid} ', 'that is another')
    finally:
        h.end(standin)
    w.audit.load(w.rules, w.folder)


def container(w):
    """the container of a process, while it is there"""
    w.listen()
    try:
        group = Group(w.folder, ROOM)
    except AssertionError as why:
        raise h.Skip(f'no control group of version 2: {why}') from why
    try:
        child = w.connector.start(DOCKER, before=group.enter)
        try:
            w.audit.records.take()
            _line, words = w.shows('it is there', f'pid={child.pid} ',
                                   '--ours', w.connector.path)
            h.same(words['container'], ROOM[:12], 'it has its number')
            h.has(_line, ' other ',
                  'a program with the name of ours, but in a container')
        finally:
            child.communicate(timeout=h.PATIENCE)
    finally:
        group.remove()
    pid, _error = w.connector.once(DOCKER)
    _line, words = w.shows('it is gone', f'pid={pid} ')
    h.same(words['container'], 'unknown', 'then that is not known')


def forms(w):
    """records of auditd, of the kernel's log, of ausearch; and what looks
    like one"""
    odd = w.folder + '/\u00e9"\n'
    os.symlink(DOCKER, odd)
    w.connector.once(odd)
    h.until(lambda: 'connect' in w.report(), 'the event')
    lines = list(w.audit.records.lines)
    want = w.report()
    h.has(want, r'/\xc3\xa9\x22\x0a"', 'odd bytes are made visible')
    numbers = {'SYSCALL': 1300, 'PATH': 1302, 'SOCKADDR': 1306, 'CWD': 1307,
               'EOE': 1320, 'PROCTITLE': 1327}
    log = [re.sub(r'^type=(\w+) msg=', lambda m: '[   12.345678] audit: '
                  f'type={numbers.get(m.group(1), m.group(1))} ', line)
           for line in lines]
    h.same(w.report(lines=log), want, 'the kernel\'s log gives the same')
    more = [line + '\x1dARCH=x86_64 SYSCALL=connect UID="x"' for line in lines]
    h.same(w.report(lines=more), want, 'what auditd adds changes nothing')
    fake = [f'type=USER_CMD msg=audit(1.0:1): text=\'{line}\''
            for line in lines] + ['a ' + line for line in lines]
    h.same(w.report(lines=fake), '', 'a record inside a record is none')
    h.same(w.report('--since', 'tomorrow', lines=lines), '', '--since')
    h.same(w.report('--since', 'yesterday', lines=lines), want,
           '--since: not too much')
    must('mount', '-t', 'tmpfs', 'tmpfs', '/var/log')
    in_log(w)
    os.mkdir('/var/log/audit')
    kept = [line for line in lines if 'type=EOE' not in line]
    h.write('/var/log/audit/audit.log', '\n'.join(kept) + '\n')
    done = w.audit.run(REPORT)
    h.same(done.out, want, 'ausearch gives the same')
    must('umount', '/var/log')
    done = w.audit.run(REPORT, '--sinse', 'x')
    h.check(done.code == 2 and '--sinse' in done.err, 'a wrong option', done)


def in_log(w):
    """In the log of the kernel, where nobody else takes records."""
    if not re.search(r'^pid 0$', w.audit.ctl('-s').out, re.M):
        h.skip('the log of the kernel', 'auditd takes the records')
        return
    limit = '/proc/sys/kernel/printk_ratelimit'
    kept = h.read(limit)
    h.write(limit, '0')
    try:
        pid, _error = w.connector.once(DOCKER)
        h.until(lambda: f' connect ok other pid={pid} '
                in w.audit.run(REPORT).out, 'it is in the kernel\'s log')
    finally:
        h.write(limit, kept)
    h.check(True, 'the log of the kernel is read where there is no other')


def blind(w):
    """what is not recorded: io_uring, a folder that is made anew"""
    w.audit.records.clear()
    try:
        _pid, error = w.connector.once(DOCKER, how='uring')
    except AssertionError as why:
        raise h.Skip(f'no io_uring: {why}') from why
    if error in (1, 38):
        raise h.Skip('io_uring is switched off here')
    h.same(error, 0, 'io_uring connects')
    pid, _error = w.connector.once(DOCKER)
    line, _words = w.shows('of two connections one is recorded', ' connect ')
    h.has(line, f' pid={pid} ', 'not that of io_uring')
    path = OURS + '/b'
    for is_recorded in True, False:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
            sock.listen(8)
            pid, error = w.connector.once(path)
            h.expect(error == 0, error)
            w.connector.once(DOCKER)
            h.until(lambda: ' connect ' in w.report(), 'a later connection')
            h.same(f' client-connect ok other pid={pid} ' in w.report(),
                   is_recorded, 'a folder that is made anew is not watched'
                   if not is_recorded else 'the folder is watched')
        shutil.rmtree(OURS)
        os.mkdir(OURS)
        w.audit.records.clear()


def watch(w):
    """the watch that is copied everywhere sees no connection"""
    for place in '/var/run/docker.sock', DOCKER:
        done = w.audit.load(f'-w {place} -p rwa -k dsp-test\n', w.folder)
        h.check(done.code == 0, f'watch {place}: it is loaded', done)
        for path in DOCKER, '/var/run/docker.sock':
            h.expect(w.connector.once(path)[1] == 0, path)
        as_user(lambda: os.chmod(DOCKER, 0o666), 0, 0)

        def calls():
            return re.findall(r'syscall=(\w+) .*key="dsp-test"',
                              '\n'.join(w.audit.records.take()))
        h.until(calls, 'chmod is recorded')
        h.same(len(calls()), 1, f'watch {place}: of two connections and a '
               'change the change alone is recorded')


def prepare(text):
    """An empty /run, and copies of the folders in which the rules want to find
    something; only this test sees them."""
    must('mount', '-t', 'tmpfs', 'tmpfs', '/run')
    os.makedirs(OURS + '/a')
    for place in re.findall(r'(?:dir|path)=(\S+) -F perm=wa', text):
        if place == DOCKER:
            continue
        top = '/' + place.split('/')[1]
        if not os.path.isdir('/run/dsp-test' + top):
            for name in 'upper', 'work':
                os.makedirs(f'/run/dsp-test{top}/{name}')
            must('mount', '-t', 'overlay', 'overlay', '-o', f'lowerdir={top},'
                 f'upperdir=/run/dsp-test{top}/upper,'
                 f'workdir=/run/dsp-test{top}/work', top)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if place.endswith('/sbin/docker-socket-protector'):
            h.write(place, 'a program\n')
        else:
            os.makedirs(place, exist_ok=True)


def body():
    h.need_root()
    h.need_tool('unshare')
    with Audit(KEYS) as audit:
        prepare(h.read(RULES))
        with tempfile.TemporaryDirectory(prefix='dsp-audit.') as folder:
            os.chmod(folder, 0o755)
            h.each([rules, names, users, narrow, changes, again, config, gate,
                    container, forms, blind, watch], World(folder, audit))


h.in_own_mounts()
h.main(body, needs_docker=False)
