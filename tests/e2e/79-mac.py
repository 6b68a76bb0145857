#!/usr/bin/python3 -B
"""Policies of AppArmor and SELinux: compiled, and asked what they mean.

No kernel enforces them here.  For AppArmor the tables are read that a kernel
would read, and what the program asks for by path over its life, as strace
sees it, is looked up in them; for SELinux the linked policy is searched.
"""

import os
import re
import shutil
import tempfile

import aatables as aa
import harness as h
import mactrace
import selink as se

CONTRIB = os.path.abspath(os.environ.get('srcdir') or '.') + '/contrib'
STUBS = os.path.abspath(os.environ.get('srcdir') or '.') + '/tests/selinux'
NAME = mactrace.NAME
OURS = '/run/docker-socket-protector/traefik/docker.sock'
DOCKER = ('/run/docker.sock', '/var/run/docker.sock')
OTHERS = ('/run/containerd/containerd.sock', '/run/podman/podman.sock',
          '/run/docker/containerd/containerd.sock', '/run/crio/crio.sock',
          '/run/user/1000/docker.sock', '/home/joe/.docker/run/docker.sock')
# What our program may write to.
WRITES = re.compile(r"""(/var)?/run/(
        docker\.sock | docker-socket-protector(\.pid(\.new)?|/.*)
        | docker/(plugins/(docker-socket-protector\.sock)?)?
        | systemd/(notify|journal/(dev-log|socket|stdout)
                   |userdb/[^/]*|resolve/io\.systemd\.Resolve)
        | \.?nscd(_|/)socket | avahi-daemon/socket | .*winbind.*
        | dbus/system_bus_socket)
    | /dev/(log|null|zero|full|tty|console|pts/.*|ptmx)
    | /var/lib/sss/pipes/nss | /var/log/docker-socket-protector.*""", re.X)
# A world of programs that look reasonable, and what they must not get.
CONFINED = """abi <abi/3.0>,
include <tunables/global>
include <tunables/docker-sockets>
profile confined /usr/bin/confined {{
  file,
  {rules}
}}
"""
# A profile as it is handed around.
HANDED_AROUND = """include <tunables/global>
profile docker-only-proxy {
  deny /var/run/docker.sock w,
  /usr/bin/docker-proxy rwix,
  /usr/bin/dockerd rwix,
  /var/run/docker.sock rw,
}
"""


class World:
    def __init__(self, folder):
        self.folder = folder
        self.opened = []        # files, by the program over its life
        self.policy = None      # of SELinux
        self.base = folder + '/apparmor.d'
        shutil.copytree('/etc/apparmor.d', self.base)
        shutil.copytree(CONTRIB + '/apparmor', self.base, dirs_exist_ok=True)
        self.ours = aa.compiled(
            f'{self.base}/usr.sbin.{NAME}', self.base)[NAME]
        self.container = aa.compiled(
            f'{self.base}/docker-no-socket', self.base)['docker-no-socket']

    def compiled(self, name, text):
        h.write(f'{self.base}/{name}', text)
        return aa.compiled(f'{self.base}/{name}', self.base)


# -- AppArmor ----------------------------------------------------------------

def reads(w):
    """the tables are read as the kernel reads them"""
    p = w.compiled('known', 'profile known /usr/bin/k* { /a r, /b rw, '
                   'deny /b w, owner /c rw, /d{e,f}* mrk, /l l, /q ix, '
                   'capability setuid, capability kill, }\n')['known']
    h.same({path: p.allowed(path) for path in
            ('/a', '/b', '/c', '/dex', '/q', '/', '/aa', '/de/x')},
           {'/a': 'r', '/b': 'r', '/c': '', '/dex': 'kmr', '/q': 'mx', '/': '',
            '/aa': '', '/de/x': ''}, 'aatables.py: files')
    h.same(p.allowed('/c', is_owner=True), 'arw', 'aatables.py: owners')
    h.same(p.capabilities, {'setuid', 'kill'}, 'aatables.py: capabilities')
    h.same([p.attaches_to('/usr/bin/' + name) for name in ('k', 'kk', 'j')],
           [True, True, False], 'aatables.py: programs')


def compiles(w):
    """apparmor_parser has nothing to say"""
    for name in f'usr.sbin.{NAME}', 'docker-no-socket':
        done = aa.parse('--warn=all', '--base', w.base, '--ofile',
                              '/dev/null', f'{w.base}/{name}')
        h.check(done.code == 0 and not done.out + done.err,
                f'{name}: {h.title(compiles)}', done)


def attaches(w):
    """our profile is that of our program, and of no other"""
    h.same([path for path in
            (mactrace.INSTALLED, '/usr/bin/' + NAME, '/usr/bin/dockerd',
             '/usr/sbin/dockerd', '/usr/local/sbin/' + NAME,
             mactrace.INSTALLED + '.old') if w.ours.attaches_to(path)],
           [mactrace.INSTALLED, '/usr/bin/' + NAME], h.title(attaches))


def every_file():
    """The files of this machine, without those of /proc and /sys, and some
    that may not be there."""
    yield from (*DOCKER, *OTHERS, '/etc/shadow', mactrace.CONF,
                mactrace.SHARE + '/profiles/readonly', mactrace.INSTALLED,
                '/usr/bin/dockerd', '/root/.ssh/id_rsa', '/etc/cron.d/x',
                '/var/lib/docker/containers/x/config.v2.json')
    for top in '/etc', '/run', '/var', '/root', '/home', '/dev', '/boot', \
            '/usr/bin', '/usr/sbin', '/usr/lib/systemd':
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if not
                          os.path.ismount(f'{folder}/{name}')][:50]
            yield folder + '/'
            for name in files[:50]:
                yield f'{folder}/{name}'


def holds(w):
    """our daemon reaches Docker, and writes to nothing else"""
    h.check(all(w.ours.may(path, 'rw') for path in DOCKER),
            'our program may connect to the Docker socket')
    h.same([path for path in OTHERS if w.ours.may(path, 'w')], [],
           'and to no other way to root')
    paths = set(every_file())
    h.check(len(paths) > 3000, 'there are files to ask for', len(paths))
    allowed = {path: set(w.ours.allowed(path)) | set(
        w.ours.allowed(path, is_owner=True)) for path in paths}
    # Whose home is encrypted by ecryptfs reads and writes files there.
    allowed = {path: letters for path, letters in allowed.items()
               if '/.Private/' not in path}
    h.same(sorted(path for path in paths & set(allowed)
                  if allowed[path] & set('wal')
                  and not WRITES.fullmatch(path)), [],
           'of all files it may write to none but sockets and logs')
    h.same(sorted(path for path in paths & set(allowed)
                  if 'x' in allowed[path]), [], 'it may start no program')
    h.same([path for path in ('/etc/shadow', '/root/.ssh/id_rsa',
                              '/var/lib/docker/containers/x/config.v2.json')
            if w.ours.may(path, 'r')], [], 'nor read what is secret')
    h.same(w.ours.capabilities,
           {'chown', 'dac_override', 'fowner', 'kill', 'net_bind_service',
            'setgid', 'setpcap', 'setuid'}, 'its capabilities')


def protects(w):
    """a program with our abstraction does not reach Docker"""
    bare = w.compiled('bare', CONFINED.format(rules=''))['confined']
    h.check(all(bare.may(path, 'rw') for path in DOCKER + OTHERS),
            'a program that may use all files reaches Docker')
    rule = 'include <abstractions/docker-socket-deny>'
    for rules, name in ((rule, 'our abstraction'),
                        (rule + '\n/run/docker.sock rw,', 'it wins')):
        p = w.compiled('kept', CONFINED.format(rules=rules))['confined']
        h.same({path: p.allowed(path) for path in DOCKER + OTHERS
                if set(p.allowed(path, True)) & set('rwa')}, {},
               f'{name}: neither read nor write, whoever owns it')
    h.check(p.may(OURS, 'rw') and p.may('/etc/hosts', 'rw'),
            'our own socket is open to it, as everything else')
    if os.path.islink('/var/run'):
        h.same(os.path.realpath(DOCKER[1]), DOCKER[0],
               '/var/run/docker.sock is asked for as /run/docker.sock')
    h.check(bare.may_link('/tmp/x', '/run/docker.sock'),
            'a hard link is another name for the socket')
    h.check(not p.may_link('/tmp/x', '/run/docker.sock')
            and p.may_link('/tmp/x', '/etc/hosts'),
            'it may not make one')
    h.check(not p.may('/run/docker.sock', 'w'), 'nor rename the socket')


def contains(w):
    """a container with our profile does not reach Docker"""
    h.same({path: w.container.allowed(path) for path in DOCKER + OTHERS
            if set(w.container.allowed(path, True)) & set('rwa')}, {},
           h.title(contains))
    h.check(all(w.container.may(path, 'rw') for path in
                (OURS, '/run/docker/docker.sock', '/etc/passwd', '/tmp/x'))
            and w.container.may('/bin/sh', 'rx'), 'it can do the rest')
    h.same([path for path in
            ('/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern',
             '/proc/sys/kernel/sysrq', '/proc/sys/vm/panic_on_oom',
             '/sys/module/x/parameters/y', '/sys/kernel/uevent_helper')
            if w.container.may(path, 'w')], [], 'but set up the machine')
    h.check(w.container.may('/proc/sys/kernel/shmmax', 'w')
            and w.container.may('/proc/self/oom_score_adj', 'w')
            and w.container.may('/sys/fs/cgroup/x/cgroup.procs', 'w'),
            'what is its own it can set')
    h.check(not w.container.attaches_to('/bin/sh'),
            'no program has it unless dockerd says so')


def handed_around(w):
    """a profile that is handed around does not do what it says"""
    p = w.compiled('around', HANDED_AROUND)['docker-only-proxy']
    h.same([path for path in ('/usr/bin/docker-proxy', '/usr/bin/dockerd',
                              mactrace.INSTALLED) if p.attaches_to(path)],
           [], 'it attaches to no program')
    h.check(not p.may('/var/run/docker.sock', 'w'),
            '"deny w" beats its "rw": whom it confines cannot connect')
    h.same(p.allowed('/run/docker.sock'), '',
           '/var/run is not the name that the kernel asks for')
    h.check(p.may('/usr/bin/dockerd', 'wx'), 'it may replace dockerd')


def lives(w):
    """what our program asks for, over its life, is allowed"""
    h.need_tool('strace')
    with mactrace.Rooms(w.folder):
        found = mactrace.life(w.folder)
        w.opened = [path for path, letters in found if letters in ('r', 'mr')
                    and os.path.isfile(path)
                    and not path.startswith(('/proc/', '/sys/'))]
    h.check(len(found) > 40, 'it asks for something', sorted(found))
    for path, letters in ((mactrace.SOCKET, 'w'), ('/run/docker.sock', 'rw'),
                          (mactrace.PID_FILE, 'w'), (mactrace.NOTIFY, 'w'),
                          (mactrace.CONF, 'r'), (mactrace.OLD_LOG, 'r'),
                          ('/dev/log', 'rw'), (mactrace.INSTALLED, 'exec')):
        h.check((path, letters) in found, f'seen: {path}', sorted(found))
    h.check(any(re.fullmatch('/proc/[0-9]+/status', path)
                for path, _letters in found), 'seen: /proc/PID/status')
    h.same(refused(w.ours, found), [], h.title(lives))
    # Each rule is one that the test can miss.
    text = h.read(f'{w.base}/usr.sbin.{NAME}')
    for rule, path in ((r'@{run}/docker.sock rw,', '/run/docker.sock'),
                       (r'@{run}/docker-socket-protector/{,**} rw,',
                        mactrace.SOCKET),
                       (r'/etc/docker-socket-protector/{,**} r,',
                        mactrace.CONF)):
        h.expect(rule in text, rule)
        p = w.compiled('less', text.replace(rule, ''))[NAME]
        h.check(path in [path for path, _letters in refused(p, found)],
                f'without its rule {path} is missed')


def refused(profile, found):
    """What the profile does not allow.  A datagram socket is written to."""
    return sorted(
        (path, letters) for path, letters in found
        if not (profile.attaches_to(path) if letters == 'exec' else
                profile.may(path, 'w' if path == '/dev/log' else letters)))


def capable(w):
    """it can live with the capabilities of its profile"""
    h.need_tool('setpriv')
    names = sorted(w.ours.capabilities)
    folder = w.folder + '/capable'
    with mactrace.Rooms(folder), mactrace.docker():
        h.same(mactrace.Life(folder).with_capabilities(names), 0,
               h.title(capable))
        names.remove('chown')
        h.check(mactrace.Life(folder).with_capabilities(names) != 0,
                'and not without one for "owner="')


# -- SELinux -----------------------------------------------------------------

def selinux(w):
    """the module of SELinux"""
    for tool in 'make', 'secilc', 'checkmodule', 'selabel_lookup':
        h.need_tool(tool)
    if not os.path.exists(se.MAKEFILE):
        raise h.Skip(f'no {se.MAKEFILE} (package selinux-policy-dev)')
    base = se.base(w.folder + '/base.cil')
    plain = se.module(CONTRIB + '/selinux', w.folder + '/module')
    redhat = se.module(CONTRIB + '/selinux', w.folder + '/redhat', True)
    h.check(all('(type dsp_t)' in h.read(path) for path in (plain, redhat)),
            'it builds, with the names of either family')
    out = w.folder + '/policy'
    h.same(se.link(out, base, plain), '', 'Debian\'s policy takes it')
    w.policy = p = se.Policy(out)
    h.same(p.who('dsp_t', 'unix_stream_socket', 'connectto'), {'dsp_t'},
           'which knows no containers: only we connect to us')
    for family, ours, socket, engine in (
            ('refpolicy', plain, 'container_runtime_t', 'dockerd_t'),
            ('fedora', redhat, 'container_var_run_t',
             'container_runtime_t')):
        sources = [base, f'{STUBS}/stub_{family}.cil', f'{STUBS}/law.cil',
                   ours]
        linked = f'{out}-{family}'
        h.same(se.link(linked, *sources), '', f'{family}: no law is broken')
        ask_policy(se.Policy(linked), family, socket, engine)
        break_laws(w.folder, family, sources, socket, engine)


def ask_policy(p, family, socket, engine):
    h.same(p.who(socket, 'sock_file', 'write'), {'dsp_t'},
           f'{family}: who may write to the Docker socket')
    h.same(p.who(engine, 'unix_stream_socket', 'connectto'), {'dsp_t'},
           f'{family}: who may connect to Docker')
    h.same(p.who('dsp_t', 'unix_stream_socket', 'connectto'),
           {'dsp_t', 'container_t'}, f'{family}: who may connect to us')
    for target, kind, perm in (('dsp_var_run_t', 'sock_file', 'write'),
                               ('dsp_var_run_t', 'dir', 'search'),
                               ('dsp_port_t', 'tcp_socket', 'name_connect')):
        h.check('container_t' in p.who(target, kind, perm),
                f'{family}: a container may {perm} {target}')
    for target in 'dsp_conf_t', 'dsp_exec_t':
        h.check('container_t' not in p.who(target, 'file', 'write'),
                f'{family}: a container may not write {target}')
    for path, kind, wanted in (
            (mactrace.INSTALLED, 'file', 'dsp_exec_t'),
            (f'/usr/lib/systemd/system/{NAME}@.service', 'file',
             'dsp_unit_t'),
            (mactrace.CONF, 'file', 'dsp_conf_t'),
            (mactrace.SOCKET, 'socket', 'dsp_var_run_t'),
            ('/run/docker.sock', 'socket', socket)):
        h.same(p.type_of(path, kind), wanted, f'{family}: {path}')


def break_laws(folder, family, sources, socket, engine):
    """Laws that are broken are found."""
    for rule in (f'(allow container_t {socket} (sock_file (write)))',
                 f'(allow container_t {engine} '
                 '(unix_stream_socket (connectto)))',
                 '(allow container_t dsp_conf_t (file (read)))',
                 '(allow dsp_t self (process (execmem)))'):
        h.write(folder + '/planted.cil', rule + '\n')
        wrong = se.link(folder + '/wrong', *sources, folder + '/planted.cil')
        h.check('neverallow check failed' in wrong,
                f'{family}: refused: {rule}', wrong)


def files(w):
    """what our program opens, over its life, has types that it may open"""
    p = w.policy
    if not p or not w.opened:
        raise h.Skip('no policy, or no strace')
    h.check(len(w.opened) > 6 and mactrace.CONF in w.opened,
            'there are some', w.opened)
    types = {path: p.type_of(path, 'file') for path in w.opened}
    h.same({path: name for path, name in types.items()
            if not p.who(name, 'file', 'read', 'dsp_t')}, {}, h.title(files))
    asked = {(kind, perm): p.whom('dsp_t', kind, perm) for kind, perm in (
        ('tcp_socket', 'name_bind'), ('process', 'transition'),
        ('file', 'execute_no_trans'), ('file', 'write'), ('file', 'read'))}
    h.same(asked['tcp_socket', 'name_bind'], {'dsp_port_t'},
           'it may listen on its own ports alone')
    h.same(asked['process', 'transition'] | asked['file', 'execute_no_trans'],
           set(), 'it may start no program')
    h.same(asked['file', 'write'] & {'dsp_conf_t', 'dsp_exec_t', 'etc_t',
                                     'bin_t', 'usr_t', 'var_t', 'var_lib_t',
                                     'var_log_t', 'user_home_t'}, set(),
           'it may write to no file but its own')
    h.check('shadow_t' not in asked['file', 'read'], 'nor read what is secret')


def body():
    h.need_root()
    h.need_tool('apparmor_parser')
    with tempfile.TemporaryDirectory(prefix='dsp-mac.') as folder:
        w = World(folder)
        h.each([reads, compiles, attaches, holds, protects, contains,
                handed_around, lives, capable, selinux, files], w)


h.in_own_mounts()
h.main(body, needs_docker=False)
