#!/usr/bin/python3 -B
"""The Debian package: built from this tree by one command, twice the same;
installed on a copy of this machine, run there as a service in front of a real
Docker daemon, upgraded, and purged.

The copy is an overlay over / in a mount name space of this test: what is
installed there is gone when the test ends.
"""

import glob
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time

import harness as h
from wire import request

NAME = 'docker-socket-protector'
WORKER = 'docker-socket-worker'
CONF = f'/etc/{NAME}/{NAME}.conf'
BUILD = os.path.abspath((os.environ.get('srcdir') or '.')
                        + '/contrib/debian/build-package')
BUILD_SECONDS = 200
# What dpkg and the tools that it calls write down for themselves, and users:
# whoever has once had a number keeps it.  What dh_apparmor writes into packages
# removes that folder where it is empty, whosever it is.
NOTES = ('/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow',
         '/etc/.pwd.lock', '/etc/subuid', '/etc/subgid', '/var/lib/dpkg/',
         '/var/log/', '/var/cache/', '/var/lib/systemd/',
         '/etc/apparmor.d/disable')


def run(*command, env=None, cwd=None, umask=-1, seconds=h.PATIENCE):
    """Run a command to its end."""
    return h.Done(subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=seconds, cwd=cwd, umask=umask,
        env=dict(h.clean_environment(), **env or {}), check=False))


def run_ok(*command, **more):
    done = run(*command, **more)
    h.expect(done.code == 0, *command, '->', done)
    return done.out


def build(out, **more):
    """Build the package into a folder."""
    env = {'DEB_BUILD_OPTIONS': 'nocheck parallel=2', **more.pop('env', {})}
    return run(BUILD, out, env=env, seconds=BUILD_SECONDS, **more)


def sums(folder):
    """file -> sum, of what must be the same in every build."""
    found = {}
    for kind in '*.deb', '*.dsc', '*.tar.xz':
        for path in glob.glob(f'{folder}/{kind}'):
            with open(path, 'rb') as f:
                found[os.path.basename(path)] = hashlib.sha256(
                    f.read()).hexdigest()
    return found


class Copy:
    """A copy of this machine, which can be changed without changing it."""

    def __init__(self, folder):
        self.top = folder
        self.root = folder + '/root'

    def make(self):
        run_ok('mount', '-t', 'tmpfs', 'tmpfs', self.top)
        for name in 'root', 'upper', 'work':
            os.mkdir(f'{self.top}/{name}')
        run_ok('mount', '-t', 'overlay', 'overlay', '-o',
               f'lowerdir=/,upperdir={self.top}/upper,'
               f'workdir={self.top}/work', self.root)
        for name in 'proc', 'dev':
            run_ok('mount', '--rbind', '/' + name, f'{self.root}/{name}')
        for name in 'run', 'tmp':
            run_ok('mount', '-t', 'tmpfs', 'tmpfs', f'{self.root}/{name}')
        # Services are started on this machine: no policy against it, and a
        # runlevel, though there is no init.
        for path in '/usr/sbin/policy-rc.d', '/sbin/runlevel':
            if os.path.lexists(self.root + path):
                os.unlink(self.root + path)
        h.write(self.root + '/sbin/runlevel', '#!/bin/sh\necho N 2\n')
        os.chmod(self.root + '/sbin/runlevel', 0o755)

    def bind(self, outside, inside):
        os.makedirs(self.root + inside)
        run_ok('mount', '--bind', outside, self.root + inside)

    def run(self, *command, **more):
        return run('chroot', self.root, *command, **more)

    def changes(self):
        """What differs from this machine, without NOTES: what is new, what
        is changed, and what is gone.  A folder in which something was and is
        no more is no difference."""
        for folder, folders, files in os.walk(self.top + '/upper'):
            inside = folder[len(self.top + '/upper'):]
            for name in folders + files:
                path = f'{inside}/{name}'
                if not path.startswith(NOTES) and not (
                        name in folders and os.path.isdir(path)):
                    yield path


class World:
    """What the cases have in common."""

    def __init__(self, folder, dockerd):
        self.dockerd = dockerd
        self.port = h.free_port()
        self.host = f'tcp://127.0.0.1:{self.port}'
        self.out = folder + '/out'
        self.copy = Copy(folder + '/copy')
        for name in 'out', 'copy', 'empty', 'elsewhere':
            os.mkdir(f'{folder}/{name}')
        self.folder = folder
        self.before = []

    def make_copy(self):
        try:
            self.copy.make()
        except AssertionError as why:
            raise h.Skip(f'no overlay over / on this machine: {why}') from why
        self.copy.bind(self.dockerd.dir, '/run/dockerd')

    def deb(self):
        found = glob.glob(f'{self.out}/{NAME}_*.deb')
        h.expect(len(found) == 1, 'one package', found)
        return found[0]

    def install(self):
        shutil.copy(self.deb(), self.copy.root + '/tmp/new.deb')
        return self.copy.run('dpkg', '--force-unsafe-io', '-i',
                             '/tmp/new.deb', seconds=60,
                             env={'DEBIAN_FRONTEND': 'noninteractive'})

    def configure(self, profile):
        with open(self.copy.root + CONF, encoding='ascii') as f:
            lines = [line for line in f
                     if line.split()[:1] not in (['profile'], ['listen'],
                                                 ['docker-socket'])]
        h.write(self.copy.root + CONF, ''.join(lines) +
                f'profile {profile}\nlisten {self.host}\n'
                'docker-socket /run/dockerd/docker.sock\n')

    def service(self, word):
        return self.copy.run('service', NAME, word, seconds=60)

    def masters(self):
        """The processes of the service, without those that they made."""
        ours = {}
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                is_ours = os.stat(f'/proc/{pid}/root').st_dev == \
                    os.stat(self.copy.root).st_dev
                parent = h.fields(f'/proc/{pid}/status')['PPid']
            except OSError:
                continue
            if is_ours and h.comm(pid) in (NAME[:15], 'dsp-gate',
                                           'dsp-worker', 'dsp-park',
                                           'dsp-whois'):
                ours[pid] = parent
        return sorted(int(pid) for pid in ours if ours[pid] not in ours)

    def status_of(self, method, target):
        try:
            return request(self.host, method, target).status
        except OSError:
            return None


def builds(w):
    """from an empty folder"""
    began = time.monotonic()
    done = build(w.out, cwd=w.folder + '/empty')
    h.check(done.code == 0, 'built by one command', done.out[-2000:],
            done.err[-2000:])
    h.note(f'{time.monotonic() - began:.0f} s')
    h.same(os.listdir(w.folder + '/empty'), [], 'nothing else is left behind')
    h.check(len(sums(w.out)) == 5, 'source and binary', os.listdir(w.out))


def builds_the_same(w):
    """another folder, time zone, language, mask and home give the same"""
    other = w.folder + '/other'
    done = build(other, cwd='/', umask=0o077, env={
        'TMPDIR': w.folder + '/elsewhere', 'TZ': 'Asia/Tokyo',
        'LC_ALL': 'C.UTF-8', 'HOME': '/nonexistent', 'USER': 'nobody',
        'DEB_BUILD_OPTIONS': 'nocheck'})
    h.expect(done.code == 0, done)
    for name, value in sorted(sums(w.out).items()):
        h.same(sums(other).get(name), value, f'{name} is the same')


def lintian(w):
    """lintian has nothing to say, not even what is pedantic"""
    h.need_tool('lintian')
    changes = glob.glob(w.out + '/*.changes')
    done = run('lintian', '--allow-root', '--no-cfg', '-I', '--pedantic',
               '--fail-on', 'error,warning,info,pedantic', *changes,
               seconds=100)
    h.check(done.code == 0 and not done.out, h.title(lintian), done)


def hardened(w):
    """the program is hardened"""
    folder = w.folder + '/unpacked'
    run_ok('dpkg-deb', '-x', w.deb(), folder)
    program = f'{folder}/usr/sbin/{NAME}'
    what = run_ok('readelf', '-dlW', program)
    for word in 'BIND_NOW', 'PIE', 'GNU_RELRO':
        h.has(what, word, f'the program has {word}')
    stack = [line.split()[6] for line in what.splitlines()
             if 'GNU_STACK' in line]
    h.same(stack, ['RW'], 'its stack is not executable')
    h.check('RPATH' not in what and 'RUNPATH' not in what,
            'it looks for libraries nowhere else')
    needed = [line.split('[')[1][:-1] for line in what.splitlines()
              if '(NEEDED)' in line]
    h.same(sorted(needed), ['libc.so.6', 'libpcre2-8.so.0'],
           'it needs libc and PCRE2')
    calls = run_ok('nm', '-D', program)
    for word in '__stack_chk_fail', '__memcpy_chk':
        h.has(calls, word, f'it calls {word}')
    if os.uname().machine == 'x86_64':
        h.has(run_ok('objdump', '-d', program), 'endbr64',
              'its functions say that they may be called')


def content(w):
    """files where they belong"""
    lines = run_ok('dpkg-deb', '-c', w.deb()).splitlines()
    h.same({line.split()[1] for line in lines}, {'root/root'},
           'all are root\'s')
    paths = {line.split()[5][1:] for line in lines}
    shipped = {f'/usr/share/{NAME}/profiles/{name}'
               for name in os.listdir(h.PROFILES)}
    h.check(shipped <= paths, 'all profiles', shipped - paths)
    for path in (CONF, f'/etc/init.d/{NAME}', f'/usr/sbin/{NAME}',
                 f'/lib/systemd/system/{NAME}.service',
                 f'/lib/systemd/system/{NAME}@.service',
                 f'/lib/systemd/system/{NAME}-authz.service',
                 f'/lib/systemd/system/{NAME}.socket',
                 f'/lib/systemd/system/{NAME}-drift.path',
                 f'/lib/systemd/system/{NAME}-drift.service',
                 f'/usr/sbin/{NAME}-audit',
                 f'/usr/share/man/man8/{NAME}-audit.8.gz',
                 f'/usr/lib/sysusers.d/{NAME}.conf',
                 f'/usr/lib/tmpfiles.d/{NAME}.conf', f'/etc/default/{NAME}',
                 f'/etc/apparmor.d/usr.sbin.{NAME}',
                 '/etc/apparmor.d/docker-no-socket',
                 f'/usr/share/bash-completion/completions/{NAME}',
                 f'/usr/share/{NAME}/audit/{NAME}.rules',
                 f'/usr/share/doc/{NAME}/audit/README',
                 f'/usr/share/man/man8/{NAME}.8.gz'):
        h.check(path in paths, path, sorted(paths - shipped))
    kept = run_ok('dpkg-deb', '-I', w.deb(), 'conffiles').split()
    policies = [path for path in kept if path.startswith('/etc/apparmor.d/')]
    h.same(len(policies), 4, 'policies of AppArmor')
    h.same(sorted(set(kept) - set(policies)),
           [f'/etc/default/{NAME}', CONF, f'/etc/init.d/{NAME}'],
           'what the admin may change is kept')
    parser = shutil.which('apparmor_parser')
    if parser:
        folder = w.folder + '/unpacked/etc/apparmor.d'
        for name in 'usr.sbin.' + NAME, 'docker-no-socket':
            done = run(parser, '-QKT', '--base', '/etc/apparmor.d',
                       '--Include', folder, f'{folder}/{name}')
            h.check(done.code == 0, f'apparmor_parser takes {name}', done)
    writable = [line for line in lines if 'w' in line[4:10]
                or line[3] in 'sS']
    h.same(writable, [], 'only root can write to them')


def rpm(w):
    """an RPM package of the same tarball"""
    h.need_tool('rpmbuild')
    folder = w.folder + '/rpm'
    os.mkdir(folder)
    [tarball] = glob.glob(w.out + '/*.orig.tar.xz')
    version = tarball.split('_')[-1].removesuffix('.orig.tar.xz')
    source = f'{folder}/{NAME}-{version}.tar.xz'
    shutil.copy(tarball, source)
    # The packages that it names are those of other distributions.
    done = run('rpmbuild', '--nodeps', '--nocheck', '-D',
               f'_topdir {folder}', '-ta', source, seconds=100)
    found = glob.glob(f'{folder}/RPMS/*/{NAME}-{version}-*.rpm')
    h.check(done.code == 0 and len(found) == 1, h.title(rpm), done)
    paths = set(run_ok('rpm', '-qlp', *found).split())
    shipped = {f'/usr/share/{NAME}/profiles/{name}'
               for name in os.listdir(h.PROFILES)}
    wanted = shipped | {f'/usr/sbin/{NAME}', CONF, f'/usr/sbin/{NAME}-audit',
                        f'/usr/lib/systemd/system/{NAME}.service'}
    h.check(wanted <= paths, 'it has program, profiles, configuration, unit',
            wanted - paths)
    kept = run_ok('rpm', '-qcp', *found).split()
    h.same(kept, [CONF], 'the configuration is kept')


def installs(w):
    """installed, and not started without a profile"""
    w.before = sorted(w.copy.changes())
    done = w.install()
    h.check(done.code == 0, 'dpkg -i', done)
    said = [line for line in done.err.splitlines()
            if line.startswith(NAME + ': not started')]
    h.check(len(said) == 1 and CONF in said[0],
            'one line says what is missing, and where', done)
    h.same(w.masters(), [], 'it does not run')
    new = set(w.copy.changes())
    h.check(CONF in new and f'/usr/sbin/{NAME}' in new, 'its files are there',
            new)
    links = glob.glob(w.copy.root + f'/etc/rc[2-5].d/S*{NAME}')
    h.same(len(links), 4, 'it is enabled')


def has_users(w):
    """service and workers have users of their own"""
    for name in NAME, WORKER:
        entry = w.copy.run('getent', 'passwd', name).out.strip().split(':')
        h.check(entry[0] == name and entry[6].endswith('nologin')
                and int(entry[2]) < 1000,
                f'{name}: a system user without a shell', entry)
        groups = w.copy.run('id', '-Gn', name).out.split()
        h.same(groups, [name], 'in no other group')
        shadow = w.copy.run('getent', 'shadow', name).out.split(':')
        h.check(shadow[1].startswith('!'), 'without a password', shadow[1])


def refuses_to_start(w):
    """started without a profile it says why"""
    done = w.service('start')
    h.check('profile' in done.out + done.err, h.title(refuses_to_start), done)
    h.same(w.masters(), [], 'and does not run')


def starts(w):
    """the service serves"""
    w.configure('readonly')
    done = w.service('start')
    h.check(done.code == 0, 'service start', done)
    h.until(lambda: h.can_connect(w.host), 'it listens')
    h.same(w.status_of('GET', '/containers/json'), 200, 'a request passes')
    h.same(w.status_of('POST', '/containers/create'), 403,
           'another is denied')
    done = w.service('status')
    h.check(done.code == 0, 'service status', done)
    done = w.copy.run(NAME + '-audit', '--only', 'proxy')
    h.check(done.code == 0 and done.out.startswith('ok '),
            'the examination of the host finds it', done)
    uid = int(w.copy.run('id', '-u', WORKER).out)
    h.check(uid not in (0, pwd.getpwnam('nobody').pw_uid), 'not nobody')
    pids = w.masters()
    h.expect(pids, 'it runs')
    uids = [of for pid, of in h.children_of(pids[0]).items()
            if h.comm(pid) == 'dsp-worker']
    h.check(uids and set(uids) == {uid}, 'workers run as their user', uids)


def reloads(w):
    """service reload takes a new profile"""
    before = w.masters()
    w.configure('ping')
    done = w.service('reload')
    h.check(done.code == 0, 'service reload', done)
    h.until(lambda: w.status_of('GET', '/containers/json') == 403,
            'what only the old profile allowed is denied')
    h.same(w.status_of('GET', '/_ping'), 200, 'what the new one allows passes')
    h.same(w.masters(), before, 'it is the same process')


def upgrades(w):
    """an upgrade keeps the configuration and starts the new program"""
    before = w.masters()
    text = h.read(w.copy.root + CONF)
    done = w.install()
    h.check(done.code == 0, 'dpkg -i of the next one', done)
    h.same(h.read(w.copy.root + CONF), text, 'the configuration is kept')
    h.until(lambda: w.status_of('GET', '/_ping') == 200, 'it serves again')
    after = w.masters()
    h.check(len(after) == 1 and after != before, 'it is a new process',
            before, after)


def upgrades_wrong(w):
    """an upgrade with a wrong configuration leaves the old one running"""
    before = w.masters()
    w.configure('nobodys')
    done = w.install()
    h.check(done.code == 0, 'dpkg -i all the same', done)
    h.has(done.err, 'not restarted', 'it says so')
    h.same(w.masters(), before, 'the old one runs')
    h.same(w.status_of('GET', '/_ping'), 200, 'and serves')
    w.configure('readonly')


def stops(w):
    """service stop"""
    done = w.service('stop')
    h.check(done.code == 0, 'service stop', done)
    h.same(w.masters(), [], 'nothing runs')
    h.check(not h.can_connect(w.host), 'nothing listens')
    h.check(w.service('status').code != 0, 'service status says so')


def stays(w):
    """not removed while dockerd asks it as its plugin"""
    path = w.copy.root + '/etc/docker/daemon.json'
    is_new = not os.path.exists(os.path.dirname(path))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for text, is_asked in (
            ('{"authorization-plugins": [\n\t"x", "%s"]}\n', True),
            ('{"authorization-plugins":["%s"]}', True),
            ('{"authorization-plugins":["x"], "y": "%s"}', False)):
        h.write(path, text % NAME)
        done = w.copy.run('dpkg', '--force-unsafe-io', '-r', NAME,
                          seconds=60)
        h.check((done.code == 1) == is_asked and
                ('first' in done.err) == is_asked,
                f'{h.title(stays)}: {text.strip()}', done)
    if is_new:
        shutil.rmtree(os.path.dirname(path))
    else:
        os.unlink(path)
    w.install()


def removes(w):
    """removed while it runs, it is stopped, and its configuration stays"""
    h.check(w.service('start').code == 0, 'started once more')
    h.until(lambda: h.can_connect(w.host), 'it listens')
    done = w.copy.run('dpkg', '--force-unsafe-io', '-r', NAME, seconds=60)
    h.check(done.code == 0, 'dpkg -r', done)
    h.same(w.masters(), [], 'nothing runs')
    h.check(os.path.exists(w.copy.root + CONF), 'the configuration stays')
    h.check(not os.path.exists(w.copy.root + f'/usr/sbin/{NAME}'),
            'the program is gone')


def purges(w):
    """purged, nothing is left"""
    done = w.copy.run('dpkg', '--force-unsafe-io', '-P', NAME, seconds=60)
    h.check(done.code == 0, 'dpkg -P', done)
    h.same(sorted(w.copy.changes()), w.before, 'no file is left behind, and '
           'none is missing')
    left = [name for name in os.listdir(w.copy.root + '/run')
            if NAME in name]
    h.same(left, [], 'nothing is left in /run')


def body():
    h.need_root()
    for tool in 'unshare', 'dpkg-deb', 'dpkg-buildpackage':
        h.need_tool(tool)
    with tempfile.TemporaryDirectory(prefix='dsp-package.') as folder, \
            h.Dockerd() as d:
        os.chmod(folder, 0o755)
        w = World(folder, d)
        try:
            h.each([builds, builds_the_same, lintian, hardened, content,
                    rpm], w)
            w.make_copy()
            h.each([installs, has_users, refuses_to_start, starts, reloads,
                    upgrades, upgrades_wrong, stops, stays, removes, purges], w)
        finally:
            for pid in w.masters():
                os.kill(pid, 15)
            run('umount', '-R', '-l', w.copy.top)


h.in_own_mounts()
# Three packages are built.
h.FILE_LIMIT = 600
h.main(body)
