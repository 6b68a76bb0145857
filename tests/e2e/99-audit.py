#!/usr/bin/python3 -B
"""docker-socket-protector-audit: each item good and bad, on a real dockerd;
names that are meant to break its output; and what --apply does, which --undo
takes back to the last byte, wherever it was killed.

All of it is in a mount name space of this test, with /etc and /run of its own.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import audit_tree as tree
import harness as h
import worlds
from users import as_user
from wire import request

NAME = 'docker-socket-protector'
CONTRIB = os.path.abspath((os.environ.get('srcdir') or '.') + '/contrib')
BUILT = os.path.abspath((os.environ.get('builddir') or '.')
                        + f'/{NAME}-audit')
ALICE, DOCKER, OURS = 1000, 998, 997
PARTS = ('socket', 'drift', 'audit-rules', 'authz')
PLUGIN = f'/run/docker/plugins/{NAME}.sock'
USERS = ('root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n'
         'alice:x:1000:1000::/:/bin/sh\n')
GROUPS = (f'root:x:0:\ndocker:x:{DOCKER}:\n{NAME}:x:{OURS}:\n'
          'nogroup:x:65534:\nalice:x:1000:\n')


class World:
    """What the cases have in common."""

    def __init__(self, folder):
        self.dir = folder
        self.bin = folder + '/bin'
        self.count = 0
        self.plugin = None
        os.mkdir(self.bin)
        os.mkdir(folder + '/tmp')
        self.daemon_json = folder + '/daemon.json'
        tree.write(self.daemon_json, '{}\n')
        self.d = h.Dockerd(must_own=True)
        self.d.flags = ('--config-file', self.daemon_json)
        self.script = self.packaged()

    def packaged(self):
        """The script as a package has it: only its folders differ."""
        lines = h.read(BUILT).splitlines(True)
        path = f'{self.dir}/{NAME}-audit'
        places = {'SYSCONFDIR': '/etc', 'LOCALSTATEDIR': '/var',
                  'PKGDATADIR': '/usr/share/' + NAME, 'SBINDIR': '/usr/sbin'}
        for i, line in enumerate(lines):
            key = line.partition('=')[0]
            if key in places:
                lines[i] = f"{key}='{places.pop(key)}'\n"
        h.expect(not places, 'folders', places)
        tree.write(path, ''.join(lines), 0o755)
        return path

    def command(self, *args):
        return [self.script, '--docker-socket', self.d.socket,
                '--daemon-json', self.daemon_json, '--program', h.PROGRAM,
                *args]

    def run(self, *args):
        return h.Done(subprocess.run(
            self.command(*args), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            timeout=60, env=self.environment()))

    def environment(self):
        return h.clean_environment({
            'TMPDIR': self.dir + '/tmp',
            'PATH': f'{self.bin}:{os.environ["PATH"]}'})

    def verdict(self, item, *args):
        """Its verdict, and all that was said."""
        done = self.run('--json', '--only', item, *args)
        try:
            [found] = json.loads(done.out)['items']
        except ValueError as why:
            raise AssertionError(f'{item}: {done}') from why
        h.expect(found['id'] == item, found)
        h.expect((done.code == 1) == (found['verdict'] == 'bad'), done)
        return found['verdict'], found['found']

    def is_now(self, item, verdict, part, why, *args):
        got, found = self.verdict(item, *args)
        h.check(got == verdict and part in found,
                f'{item} is {verdict}: {why}', got, found)

    def tool(self, name, text):
        """A command that is found before the machine's."""
        tree.write(f'{self.bin}/{name}', '#!/bin/sh\n' + text, 0o755)

    def no_tool(self, name):
        os.unlink(f'{self.bin}/{name}')

    def tree(self, **more):
        self.count += 1
        root = f'{self.dir}/tree{self.count}'
        os.mkdir(root)
        tree.make(root, CONTRIB, **more)
        return root

    def plugin_command(self, profile):
        """Our program, as the plugin."""
        os.makedirs(os.path.dirname(PLUGIN), exist_ok=True)
        return [h.PROGRAM, '--config', '/dev/null', '--profile-dir',
                h.PROFILES, '--profile', profile, '--log-requests',
                '--listen', 'authz://' + PLUGIN]

    def start_plugin(self, profile='readonly'):
        self.plugin = subprocess.Popen(
            self.plugin_command(profile), env=h.clean_environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        h.until(lambda: h.can_connect('unix://' + PLUGIN), 'the plugin', 5)

    def service_tool(self, profile='readonly'):
        """What starts services on a host without systemd."""
        self.tool('service', f'''
case $2 in
start)
	setsid env -i {shlex.join(self.plugin_command(profile))} \\
	    >/dev/null 2>&1 </dev/null &
	echo $! >{self.dir}/plugin.pid ;;
stop)
	kill "$(cat {self.dir}/plugin.pid)"
	rm -f {PLUGIN} {self.dir}/plugin.pid ;;
esac
''')

    def stop_plugin(self):
        if self.plugin:
            h.end(self.plugin)
            self.plugin = None
        if os.path.exists(self.dir + '/plugin.pid'):
            os.kill(int(h.read(self.dir + '/plugin.pid')), signal.SIGTERM)
            os.unlink(self.dir + '/plugin.pid')
        if os.path.exists(PLUGIN):
            os.unlink(PLUGIN)

    def hang_up(self, text):
        """dockerd with another daemon.json."""
        tree.write(self.daemon_json, text)
        self.d.process.send_signal(signal.SIGHUP)

    def is_denied(self):
        done = h.docker(self.d.host, 'rm', 'nobody')
        return f'denied by plugin {NAME}' in done.err


# -- items --------------------------------------------------------------------

def users_and_groups(users=USERS, groups=GROUPS):
    tree.write('/etc/passwd', users)
    tree.write('/etc/group', groups)


def socket_itself(w):
    """mode, owner, group and drift of the socket"""
    path = w.d.socket
    w.is_now('socket-path', 'ok', path, 'a socket')
    open_one = w.d.room + '/open.sock'
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(open_one)
        w.is_now('socket-path', 'bad', 'can replace it', 'in a folder of all',
                 '--docker-socket', open_one)
    w.is_now('socket-path', 'bad', 'is a directory', 'a folder',
             '--docker-socket', w.d.room)
    w.is_now('socket-path', 'unknown', 'no socket', 'none',
             '--docker-socket', '/nonexistent')
    for mode, verdict in ((0o660, 'ok'), (0o666, 'bad'), (0o662, 'bad'),
                          (0o600, 'ok')):
        os.chmod(path, mode)
        w.is_now('socket-mode', verdict, oct(mode)[2:], 'mode')
    w.is_now('socket-drift', 'bad', '600 0 998', 'changed by hand')
    w.is_now('socket-drift', 'warn', '660 0 998', 'repaired', '--repair')
    w.is_now('socket-drift', 'ok', '660 0 998', 'as configured')
    for owner, verdict in ((ALICE, 'bad'), (0, 'ok')):
        os.chown(path, owner, DOCKER)
        w.is_now('socket-owner', verdict, 'owner', f'owner {owner}')
    for group, verdict, part in ((OURS, 'ok', NAME), (0, 'ok', 'root'),
                                 (DOCKER, 'warn', 'docker')):
        os.chown(path, 0, group)
        w.is_now('socket-group', verdict, part, f'group {group}')


def members(w):
    """who is in the groups, by list and by number"""
    w.is_now('docker-group', 'ok', 'nobody', 'an empty group')
    users_and_groups(groups=GROUPS.replace(f'{DOCKER}:', f'{DOCKER}:alice'))
    w.is_now('docker-group', 'bad', ': alice', 'by the list')
    w.is_now('socket-group', 'bad', ': alice', 'of the socket, too')
    os.chown(w.d.socket, 0, OURS)
    w.is_now('docker-group', 'warn', 'gives nothing', 'of no use')
    os.chown(w.d.socket, 0, DOCKER)
    users_and_groups(users=USERS + f'bob:x:1001:{DOCKER}::/:/bin/sh\n')
    w.is_now('docker-group', 'bad', ': bob', 'by the primary group')
    users_and_groups(groups=GROUPS + f'other:x:{DOCKER}:alice\n')
    w.is_now('docker-group', 'bad', ': alice', 'by another name of it')
    users_and_groups(groups=GROUPS.replace(f'docker:x:{DOCKER}:\n', ''))
    w.is_now('docker-group', 'ok', 'no group', 'none at all')
    users_and_groups()


def aliases(w):
    """other names of the socket"""
    w.is_now('socket-aliases', 'ok', 'no other name', 'none')
    link, bound = w.d.room + '/link', w.d.room + '/bound'
    os.symlink(w.d.socket, link)
    w.is_now('socket-aliases', 'warn', link, 'a link')
    os.unlink(link)
    os.link(w.d.socket, link)
    w.is_now('socket-aliases', 'warn', link, 'a hard link')
    os.unlink(link)
    os.mkdir(bound)
    mount('--bind', w.d.dir, bound)
    w.is_now('socket-aliases', 'warn', bound + '/docker.sock', 'a mount')
    subprocess.run(['umount', bound], check=True)
    os.rmdir(bound)


def create(w, name, source, read_only=True):
    body = {'Image': h.IMAGE, 'Cmd': ['true'], 'HostConfig': {'Mounts': [{
        'Type': 'bind', 'Source': source, 'Target': '/it',
        'ReadOnly': read_only}]}}
    answer = request(w.d.host, 'POST', f'/containers/create?name={name}',
                     json.dumps(body).encode())
    h.expect(answer.status == 201, answer, answer.body)


def containers(w):
    """containers that have the socket, or are privileged"""
    w.is_now('socket-mounts', 'ok', 'no container', 'none')
    w.is_now('privileged', 'ok', 'no container', 'none')
    w.is_now('mac-containers', 'ok', 'no container', 'none')
    bad = f'{w.d.room}/a"b\\c\n\x01\u00e9\u2028'
    os.symlink(w.d.socket, bad)
    for source, read_only in ((w.d.socket, False), (w.d.dir, True),
                              ('/', True), (bad, True)):
        create(w, 'has-it', source, read_only)
        how = 'ro' if read_only else 'rw'
        w.is_now('socket-mounts', 'bad', f'has-it ({how} ',
                 repr(source)[:60])
        h.remove(w.d.host, 'has-it')
    os.unlink(bad)
    create(w, 'has-not', w.d.room)
    w.is_now('socket-mounts', 'ok', 'no container', 'another folder')
    h.remove(w.d.host, 'has-not')
    for options, item in ((['--privileged'], 'privileged'),
                          (['--security-opt', 'label=disable'],
                           'mac-containers')):
        h.docker_ok(w.d.host, 'create', '--name', 'it', *options, h.IMAGE,
                    'true')
        verdict = 'bad' if item == 'privileged' else 'warn'
        w.is_now(item, verdict, ': it', options[-1])
        h.remove(w.d.host, 'it')


def hostile_names(w):
    """names that are meant to break lines, terminals and JSON"""
    name = b'ev"il\\\xff\x1b[31m\xc3\xa9'
    tree.write('/etc/group', GROUPS.replace(
        f'{DOCKER}:', f'{DOCKER}:NAME').encode().replace(b'NAME', name))
    source = w.d.room + '/"\\\n\x01\u00e9\x7f'
    os.symlink(w.d.socket, source)
    create(w, 'evil', source)
    done = w.run('--json', '--strict')
    found = {item['id']: item for item in json.loads(done.raw)['items']}
    h.same(len(found), len(items(w)), 'every item is there once')
    h.has(found['docker-group']['found'], 'ev"il\\\\xff\\x1b[31m\\xc3\\xa9',
          'bytes of a user are shown')
    h.has(found['socket-mounts']['found'], 'evil (ro', 'the container')
    h.check(all(32 <= byte < 127 or byte == 10 for byte in done.raw),
            'JSON is printable ASCII')
    h.same(done.code, 1, 'something is bad')
    done = w.run()
    h.check(all(32 <= byte < 127 or byte == 10 for byte in done.raw),
            'text is, too')
    h.has(done.out, 'evil', 'and has the container')
    h.remove(w.d.host, 'evil')
    os.unlink(source)
    users_and_groups()


def items(w):
    return [line.split()[0] for line in w.run('--list').out.splitlines()]


def versions(w):
    """versions with and without known holes, other answers of dockerd"""
    answer = w.dir + '/answer'
    docker = shutil.which('docker')
    w.tool('docker', f'''
for word; do
	case $word in
	version) cat {answer}.version; exit ;;
	info) cat {answer}.info; exit ;;
	esac
done
exec {docker} "$@"
''')

    def answers(version, api='1.12', security='[]', plugins=''):
        tree.write(answer + '.version', f'{version} {api}\n')
        tree.write(answer + '.info', f'{security}\n{plugins}\n')

    table = (('18.09.0', 'hole'), ('18.09.1', 'ok'), ('19.03.15', 'hole'),
             ('20.10.24+dfsg1', 'hole'), ('23.0.14', 'hole'),
             ('23.0.15', 'ok'), ('24.0.9', 'hole'), ('25.0.5', 'hole'),
             ('25.0.6', 'ok'), ('26.1.4', 'hole'), ('26.1.5', 'ok'),
             ('27.1.0', 'hole'), ('27.1.1', 'ok'), ('28.5.2', 'ok'))
    for version, what in table:
        answers(version)
        w.is_now('cve-2024-41110', 'warn' if what == 'hole' else 'ok',
                 version, version)
    for version, verdict in (('29.3.0', 'warn'), ('29.3.1', 'ok')):
        answers(version)
        w.is_now('cve-2026-34040', verdict, version, version)
    answers('29.3.0', plugins='opa ')
    w.is_now('cve-2026-34040', 'bad', 'a plugin is in use', 'with a plugin')
    answers('dev')
    w.is_now('cve-2026-34040', 'unknown', 'dev', 'no number')
    for api, verdict in (('1.12', 'warn'), ('1.23', 'warn'), ('1.24', 'ok'),
                         ('1.44', 'ok'), ('x', 'unknown')):
        answers('20.10.24', api=api)
        w.is_now('api-minimum', verdict, api, api)
    for security, verdict in (('["name=userns"]', 'ok'),
                              ('["name=rootless"]', 'ok'),
                              ('["name=seccomp"]', 'warn')):
        answers('20.10.24', security=security)
        w.is_now('userns-remap', verdict, 'root', security)
    mac(w, answers)
    w.no_tool('docker')
    w.is_now('api-minimum', 'ok' if worlds.DOCKERD == '28' else 'warn',
             'API 1.', 'the real one')
    w.is_now('userns-remap', 'warn', 'root outside', 'the real one')


def mac(w, answers):
    """AppArmor and SELinux, by what the kernel shows"""
    for security, verdict in (('["name=apparmor"]', 'ok'), ('[]', 'warn')):
        answers('20.10.24', security=security)
        mount('-t', 'tmpfs', 'tmpfs', '/sys/module')
        tree.write('/sys/module/apparmor/parameters/enabled', 'Y\n')
        w.is_now('mac', verdict, 'apparmor', security)
        subprocess.run(['umount', '/sys/module'], check=True)
    root = w.tree()
    tree.write(root + '/sys/fs/selinux/enforce', '0')
    w.is_now('mac', 'bad', 'permissive', 'SELinux', '--root', root)


def on_tcp(w):
    """TCP: open, with certificates, and none"""
    w.is_now('tcp', 'ok', 'does not listen', 'none')
    port = h.free_port()
    for flags, verdict, part in (
            ([], 'bad', f'127.0.0.1:{port}'),
            (certificates(w.dir), 'ok', 'tlsverify')):
        w.d.stop()
        w.d.flags = ('--config-file', w.daemon_json, '-H',
                     f'tcp://127.0.0.1:{port}', *flags)
        w.d.start()
        w.is_now('tcp', verdict, part, ' '.join(flags[:1]) or 'open')
    for text, verdict in (('{"hosts": ["tcp://0.0.0.0:2375"]}', 'bad'),
                          ('{"hosts": ["tcp://0:1"], "tlsverify": true}',
                           'ok'), ('{"hosts": ["unix:///x"]}', 'ok')):
        root = w.tree(daemon_json=text.encode())
        w.is_now('tcp', verdict, 'TCP', 'in a file', '--root', root,
                 '--daemon-json', '/etc/docker/daemon.json')
    w.d.stop()
    w.d.flags = ('--config-file', w.daemon_json)


def certificates(folder):
    """Flags of dockerd: a key and certificate that signs itself."""
    key, cert = folder + '/key.pem', folder + '/cert.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
                    '-subj', '/CN=localhost', '-keyout', key, '-out', cert],
                   check=True, stderr=subprocess.DEVNULL)
    return ['--tlsverify', '--tlscacert', cert, '--tlscert', cert,
            '--tlskey', key]


def audit_rules(w):
    """rules of the kernel's audit"""
    path = w.d.socket
    for rules, verdict in (
            (f'-a always,exit -F arch=b64 -S connect -F path={path}', 'ok'),
            (f'-a always,exit -S bind,connect -F path={path} -F key=x', 'ok'),
            (f'-w {path} -p rwa', 'bad'),
            ('-a always,exit -S connect -F path=/var/run/docker.sock', 'bad'),
            ('No rules', 'warn')):
        w.tool('auditctl', f"echo '{rules}'\n")
        w.is_now('audit-rules', verdict, '', rules)
    w.tool('auditctl', 'echo nothing allowed >&2; exit 1\n')
    w.is_now('audit-rules', 'unknown', 'nothing allowed', 'an error')
    w.no_tool('auditctl')


def our_own(w):
    """the proxy and its profiles"""
    conf = w.dir + '/our.conf'

    def configure(profile, listen):
        tree.write(conf, f'profile-dir {h.PROFILES}\nprofile {profile}\n'
                   f'listen {listen}\n')

    with h.Proxy(w.d.socket, profile='readonly') as p:
        configure('readonly', p.listen[0])
        w.is_now('proxy', 'ok', 'workers', 'it runs', '--config', conf)
        configure('readonly', 'unix:///nonexistent/sock')
        w.is_now('proxy', 'warn', 'not running', 'another', '--config', conf)
    for profile, verdict in (('readonly', 'ok'), ('portainer-rw', 'bad'),
                             ('nobodys', 'warn')):
        configure(profile, 'tcp://localhost:2375')
        w.is_now('profile-risks', verdict, profile, profile, '--config', conf)


# -- plugins ------------------------------------------------------------------

def plugins(w):
    """a plugin counts when it denies"""
    w.start_plugin()
    on = json.dumps({'authorization-plugins': [NAME]})
    w.d.start()
    w.is_now('authz', 'warn', 'none', 'none')
    w.d.stop()
    tree.write(w.daemon_json, on)
    w.d.start()
    w.is_now('authz', 'ok', NAME, 'asked')
    w.hang_up('{}')
    h.until(lambda: not w.is_denied(), 'let go', 5)
    w.is_now('authz', 'bad', 'not asked', 'named by docker info, not asked')
    w.stop_plugin()
    w.start_plugin('unprotected')
    w.hang_up(on)
    h.until(lambda: w.verdict('authz')[0] == 'warn', 'warned of', 5)
    w.is_now('authz', 'warn', 'allows much', 'one that allows all')
    w.hang_up('{}\n')
    h.until(lambda: w.verdict('authz')[0] == 'bad', 'off', 5)
    w.stop_plugin()


# -- --apply and --undo -------------------------------------------------------

def on_tree(w, root, *args):
    return w.run('--root', root, '--daemon-json', '/etc/docker/daemon.json',
                 *args)


def undone(w, root, before, why):
    done = on_tree(w, root, '--undo')
    h.expect(done.code == 0, why, done)
    return tree.differences(before, tree.picture(root))


def each_part(w):
    """each part alone and all together, then undone"""
    for activated in True, False:
        for parts in (*((part,) for part in PARTS), PARTS):
            root = w.tree(activated=activated)
            before = tree.picture(root)
            done = on_tree(w, root, '--apply', *parts)
            name = f'{" ".join(parts)}{"" if activated else ", no systemd"}'
            h.check(done.code == 0 and '--yes does it' in done.out,
                    name + ': said', done)
            h.same(tree.differences(before, tree.picture(root)), [],
                   name + ': nothing is done without --yes')
            done = on_tree(w, root, '--apply', *parts, '--yes')
            changed = tree.differences(before, tree.picture(root))
            h.check(done.code == 0 and changed, name + ': done', done)
            again = on_tree(w, root, '--apply', *parts, '--yes')
            h.check(again.code == 0, name + ': done again', again)
            h.same(undone(w, root, before, name), [], name + ': undone')
    h.has(on_tree(w, root, '--undo').out, 'nothing to undo', 'once is all')


def what_it_makes(w):
    """what the parts make"""
    root = w.tree()
    h.expect(on_tree(w, root, '--apply', *PARTS, '--yes').code == 0)
    folder = root + '/etc/systemd/system'
    h.has(h.read(f'{folder}/docker.socket.d/{NAME}-audit.conf'),
          f'SocketMode=0660\nSocketUser=root\nSocketGroup={NAME}\n',
          'a drop-in of docker.socket')
    for unit in 'drift.path', 'authz.service':
        h.same(os.readlink(f'{folder}/multi-user.target.wants/{NAME}-{unit}'),
               f'{tree.UNITS}/{NAME}-{unit}', f'{unit} is enabled')
    path = root + '/etc/docker/daemon.json'
    h.same(h.read(path), f'{{"authorization-plugins": ["{NAME}"],'
           '"debug": true}\n', 'daemon.json')
    s = os.stat(path)
    h.same((s.st_mode & 0o777, s.st_gid), (0o640, OURS),
           'its mode and owner are kept')
    for item, verdict in (('socket-group', 'ok'), ('audit-rules', 'ok'),
                          ('authz', 'ok')):
        w.is_now(item, verdict, '', 'then', '--root', root, '--daemon-json',
                 '/etc/docker/daemon.json', '--docker-socket',
                 '/var/run/docker.sock')
    root = w.tree(activated=False)
    h.expect(on_tree(w, root, '--apply', 'socket', '--yes').code == 0)
    h.has(h.read(root + '/etc/docker/daemon.json'), f'"group": "{NAME}"',
          'without systemd it is the group in daemon.json')


def real_etc(w):
    """the same in a copy of a real /etc"""
    root = w.tree()
    shutil.rmtree(root + '/etc')
    subprocess.run(['cp', '-a', '/etc', root + '/etc'], check=True)
    before = tree.picture(root)
    h.expect(len(before) > 100, 'a real /etc')
    done = on_tree(w, root, '--apply', *PARTS, '--yes')
    h.check(done.code == 0, h.title(real_etc), done)
    h.same(undone(w, root, before, 'etc'), [], 'undone')


def daemon_json(w):
    """daemon.json keeps every other byte, whatever it looks like"""
    ours = f'"authorization-plugins": ["{NAME}"]'
    table = (
        (None, f'{{{ours}}}\n'), ('', f'{{{ours}}}\n'),
        ('\n', f'{{{ours}}}\n'), ('{}', f'{{{ours}}}'),
        ('{ }\n', f'{{{ours} }}\n'),
        ('{"a":1}', f'{{{ours},"a":1}}'),
        ('{\r\n\t"a": "\u00e9"\r\n}\r\n\r\n',
         f'{{\r\n\t{ours},\r\n\t"a": "\u00e9"\r\n}}\r\n\r\n'),
        ('{\n  "x": {"authorization-plugins": 1}\n}',
         f'{{\n  {ours},\n  "x": {{"authorization-plugins": 1}}\n}}'),
        ('{"authorization-plugins":["a"]}\n',
         f'{{"authorization-plugins":["a", "{NAME}"]}}\n'),
        ('{"authorization-plugins": [\n "a",\n "b"\n]}',
         f'{{"authorization-plugins": [\n "a",\n "b",\n "{NAME}"\n]}}'),
        ('{"authorization-plugins": []}',
         f'{{"authorization-plugins": ["{NAME}"]}}'))
    for text, want in table:
        data = None if text is None else text.encode()
        root = w.tree(daemon_json=data)
        before = tree.picture(root)
        done = on_tree(w, root, '--apply', 'authz', '--yes')
        with open(root + '/etc/docker/daemon.json', 'rb') as f:
            got = f.read()
        h.check(done.code == 0 and got == want.encode(),
                f'{text!r:.60}', got, done)
        json.loads(got)
        h.same(undone(w, root, before, text), [], 'and back')
    for text in ('[]', '{"a":1,}', '{"a":1}x', '\ufeff{}', '{"a":01}',
                 '{"a":1,"a":2}', '{"authorization-plugins":"a"}',
                 '{"authorization-plugins":[1]}', '{"a":"\t"}', '{"a":"\0"}',
                 '{"Authorization-Plugins":[]}', '{"a\\u0041":1}', '{"a'):
        root = w.tree(daemon_json=text.encode())
        before = tree.picture(root)
        done = on_tree(w, root, '--apply', 'authz', '--yes')
        h.check(done.code == 1 and f'by hand: {ours}' in done.err,
                f'{text!r} is left to the admin', done)
        h.same(tree.differences(before, tree.picture(root)), [],
               'and nothing is changed')


def killed(w):
    """killed before any step, --undo restores everything"""
    for activated, old in ((True, b'{"a": 1}'), (False, None)):
        root = w.tree(activated=activated, daemon_json=old)
        before = tree.picture(root)
        killer = tree.Killer(f'{w.dir}/killer{activated}')
        arguments = ['--root', root, '--daemon-json',
                     '/etc/docker/daemon.json']
        # With these two there are entries of every kind.
        apply = [*arguments, '--apply', 'socket', 'authz', '--yes']
        command = w.command(*apply)
        steps, done = killer.run(command)
        h.expect(done.returncode == 0 and steps > 25, steps, done.stdout)
        h.expect(not undone(w, root, before, 'all'), 'undone')
        wrong = []
        # All of them on one of the two.
        for step in range(1, steps, 1 if activated else 7):
            killer.run(command, step)
            left = undone(w, root, before, f'step {step}')
            if left:
                wrong.append((step, left))
        h.same(wrong, [], f'steps of --apply, of {steps - 1}')
        undo = w.command(*arguments, '--undo')
        w.run(*apply)
        steps, done = killer.run(undo)
        # At the very end the time of a folder is restored, and the trace of it
        # is what was removed before.
        for step in range(1, steps - 1, 6 if activated else 9):
            w.run(*apply)
            killer.run(undo, step)
            left = undone(w, root, before, f'step {step}')
            if left:
                wrong.append((step, left))
        h.same(wrong, [], f'steps of --undo, of {steps - 2}')


def meanwhile(w):
    """what was changed meanwhile is left alone, and named"""
    root = w.tree()
    before = tree.picture(root)
    path = root + '/etc/docker/daemon.json'
    h.expect(on_tree(w, root, '--apply', *PARTS, '--yes').code == 0)
    for change, back in (
            (lambda: tree.write(path, '{"mine": 1}', 0o640), None),
            (lambda: os.chmod(path, 0o666), lambda: os.chmod(path, 0o640))):
        kept = h.read(path)
        change()
        now = tree.picture(root)
        done = on_tree(w, root, '--undo')
        h.check(done.code == 1 and path + ' was changed' in done.err,
                h.title(meanwhile), done)
        h.same(tree.differences(now, tree.picture(root)), [], 'nothing is')
        tree.write(path, kept, 0o640)
        if back:
            back()
    tree.write(path, 'other')
    done = on_tree(w, root, '--undo', '--force')
    h.check(done.code == 0, '--force', done)
    h.same(tree.differences(before, tree.picture(root)), [], 'all is back')


def manual(w):
    """the manual has every option, item and part"""
    page = h.read((os.environ.get('srcdir') or '.') + f'/man/{NAME}-audit.8')
    text = w.run('--help').out
    options = set(re.findall(r'--([a-z-]+)', text)) - {'version', 'help'}
    h.expect(len(options) > 15 and len(items(w)) > 15, options)
    missing = [word for word in options if f'Fl -{word}' not in page]
    missing += [word for word in (*items(w), *PARTS) if word not in page]
    h.same(missing, [], h.title(manual))


def usage(w):
    """exit codes"""
    for args, code in ((['--only', 'nonesuch'], 2), (['--apply'], 2),
                       (['--apply', 'nonesuch'], 2), (['--nonesuch'], 2),
                       (['word'], 2), (['--only'], 2), (['--root', ''], 2),
                       (['--apply', 'socket', '--undo'], 2),
                       (['--plugin', 'a b'], 2), (['--help'], 0),
                       (['--version'], 0), (['--list'], 0),
                       (['--root', '/nonexistent'], 3),
                       (['--only', 'socket-path'], 0),
                       (['--only', 'userns-remap'], 0),
                       (['--only', 'userns-remap', '--strict'], 1),
                       (['--only', 'privileged', '--docker-socket',
                         '/nonexistent'], 3)):
        h.same(w.run(*args).code, code, f'{" ".join(args)}: {code}')
    skipped = ','.join(set(items(w)) - {'socket-path'})
    done = w.run('--skip', skipped)
    h.check(done.code == 0 and len(done.out.splitlines()) == 2, '--skip',
            done)
    shutil.copy(w.script, '/run/audit')
    code = as_user(lambda: subprocess.run(
        ['/run/audit'], stderr=subprocess.DEVNULL, check=False).returncode,
        65534, 65534)
    h.same(code, 3, 'without root: 3')


# -- on the real dockerd ------------------------------------------------------

def may_connect(w, groups):
    return as_user(lambda: h.can_connect(w.d.host), ALICE, ALICE, groups)


def mode_and_group(w):
    """a mode set by hand is gone with the next start, a group is not"""
    os.chmod(w.d.dir, 0o755)
    h.check(may_connect(w, [DOCKER]), 'group docker may connect')
    os.chmod(w.d.socket, 0o600)
    os.chown(w.d.socket, 0, DOCKER)
    h.check(not may_connect(w, [DOCKER]), 'chmod 600 locks it out')
    w.d.stop()
    w.d.start()
    h.check(may_connect(w, [DOCKER]), 'and the next start lets it in again')
    before = h.read(w.daemon_json)
    done = w.run('--apply', 'socket', '--yes')
    h.check(done.code == 0, '--apply socket', done)
    for when in 'at once', 'after the next start':
        if when != 'at once':
            w.d.stop()
            w.d.start()
        h.check(may_connect(w, [OURS]) and not may_connect(w, [DOCKER]),
                f'our group alone may connect, {when}')
    w.is_now('socket-group', 'ok', NAME, 'then')
    w.is_now('socket-drift', 'ok', w.daemon_json, 'then')
    done = w.run('--undo')
    h.check(done.code == 0 and h.read(w.daemon_json) == before, 'undone',
            done)
    done = w.run('--apply', 'socket', '--group', 'nonesuch')
    h.check(done.code == 1 and 'no group nonesuch' in done.err,
            'a group that is not there would keep dockerd from starting',
            done)


def live_picture(w):
    """What is ours, or could be; others change /var/lib, too."""
    found = {}
    for folder in '/etc/docker', '/etc/systemd', '/var/lib', w.dir:
        for path, what in tree.picture(folder).items():
            if (folder[:4] == '/etc' or NAME in path
                    or path == '/daemon.json') and not \
                    path.startswith('/tmp/'):
                found[folder + path] = what
    return found


def alive(w):
    return w.d.process.poll() is None and \
        request(w.d.host, 'GET', '/_ping').status == 200


def authz_on(w):
    """--apply authz: the plugin first, then proof; and back"""
    for text in '{"debug": true}', None:
        if text is None:
            os.unlink(w.daemon_json)
        else:
            w.hang_up(text)
        before = live_picture(w)
        w.service_tool()
        done = w.run('--apply', 'authz')
        h.check(done.code == 0 and not os.path.exists(PLUGIN)
                and live_picture(w) == before, 'only said', done)
        done = w.run('--apply', 'authz', '--yes')
        h.check(done.code == 0 and 'seen to deny' in done.out,
                f'--apply authz with {text!r}', done)
        h.check(w.is_denied() and alive(w), 'dockerd asks it')
        w.is_now('authz', 'ok', NAME, 'then')
        done = w.run('--undo')
        h.check(done.code == 0, '--undo', done)
        h.check(not w.is_denied() and alive(w), 'dockerd asks nobody')
        h.check(not os.path.exists(PLUGIN), 'the plugin is stopped')
        h.same(tree.differences(before, live_picture(w)), [], 'as it was')
    w.hang_up('{}\n')


def through_systemd(w):
    """with systemd and auditd: the same, in an order that undoes"""
    units, log = '/run/systemd/system', w.dir + '/calls'
    for unit in 'drift.path', 'authz.service':
        tree.write(f'{units}/{NAME}-{unit}',
                   '[Install]\nWantedBy=multi-user.target\n')
    rules = f'/usr/share/{NAME}/audit/{NAME}.rules'
    w.service_tool()
    # Each call says what of ours is there when it is made.
    seen = (f'echo "${{0##*/}} $* $(ls /etc/audit/rules.d '
            f'/etc/systemd/system/multi-user.target.wants 2>/dev/null | '
            f'grep -c {NAME})" >>{log}\n')
    w.tool('systemctl', seen + f'''
case $1 in
show) echo {w.d.process.pid} ;;
reload) kill -HUP {w.d.process.pid} ;;
start | stop)
	case $2 in
	*authz*) service x "$1" ;;
	esac ;;
esac
''')
    w.tool('auditctl', seen)
    script = w.script
    w.script = w.dir + '/with-rules'
    tree.write(w.script, h.read(script).replace(
        f"PKGDATADIR='/usr/share/{NAME}'", f"PKGDATADIR='{w.dir}/share'"),
               0o755)
    tree.write(rules.replace(f'/usr/share/{NAME}', w.dir + '/share'),
               '-a always,exit -S connect -F path=/run/docker.sock\n')
    before = live_picture(w)
    done = w.run('--apply', 'drift', 'audit-rules', 'authz', '--yes',
                 '--repair')
    h.check(done.code == 0 and w.is_denied(), h.title(through_systemd), done)
    h.same(h.read(f'/etc/{NAME}/drift.env'), 'DRIFT=--repair\n', 'drift.env')
    calls = h.read(log).splitlines()
    for call in ('systemctl daemon-reload 1',
                 f'systemctl start {NAME}-drift.path 1',
                 f'auditctl -R /etc/audit/rules.d/{NAME}.rules 2',
                 'systemctl daemon-reload 3',
                 f'systemctl start {NAME}-authz.service 3',
                 'systemctl reload docker.service 3'):
        h.check(call in calls, call, calls)
    os.unlink(log)
    done = w.run('--undo')
    h.check(done.code == 0 and not w.is_denied() and alive(w), 'undone', done)
    calls = h.read(log).splitlines()
    order = [call for call in calls if 'show' not in call]
    want = ['systemctl reload docker.service 3',
            f'systemctl stop {NAME}-authz.service 3',
            'systemctl daemon-reload 2', 'auditctl -R', f'systemctl stop '
            f'{NAME}-drift.path 1', 'systemctl daemon-reload 0']
    h.check(len(order) == len(want) and
            all(map(str.startswith, order, want)), 'each when its files are '
            'as they were', order)
    h.same(tree.differences(before, live_picture(w)), [], 'as it was')
    w.script = script
    shutil.rmtree('/run/systemd')
    for name in 'systemctl', 'auditctl':
        w.no_tool(name)


def authz_refused(w):
    """--apply authz rolls back when a step fails"""
    for name, tool in (
            ('the service does not start', 'exit 1\n'),
            ('it starts, and nobody answers', 'exit 0\n'),
            ('it allows everything', None)):
        before = live_picture(w)
        if tool:
            w.tool('service', tool)
        else:
            w.service_tool('unprotected')
        done = w.run('--apply', 'authz', '--yes')
        h.check(done.code == 1 and 'undone' in done.err, name, done)
        h.check(alive(w) and not w.is_denied(), 'dockerd works')
        h.same(tree.differences(before, live_picture(w)), [], 'as it was')
    w.stop_plugin()
    w.d.stop()
    w.d.flags = ('--config-file', w.daemon_json, '--group', 'docker')
    w.d.start()
    done = w.run('--apply', 'socket', '--yes')
    h.check(done.code == 1 and '--group' in done.err,
            'what a flag says is not said again in daemon.json', done)


def authz_killed(w):
    """--apply authz killed in the middle; --undo gets back"""
    w.service_tool()
    tree.write(w.daemon_json, '{"debug": false}')
    before = live_picture(w)
    killer = tree.Killer(w.dir + '/killer')
    os.environ['PATH'] = w.bin + ':' + os.environ['PATH']
    command = w.command('--apply', 'authz', '--yes')
    steps, done = killer.run(command)
    h.expect(done.returncode == 0, done.stdout)
    before_kill = live_picture(w)
    h.expect(before != before_kill, 'something was done')
    wrong = []
    for step in range(2, steps, 6):
        w.run('--undo')
        killer.run(command, step)
        done = w.run('--undo')
        left = tree.differences(before, live_picture(w))
        if done.code or left or w.is_denied() or not alive(w):
            wrong.append((step, left, done))
    h.same(wrong, [], f'every sixth of {steps} steps')


ON_DOCKERD = (socket_itself, members, aliases, containers, hostile_names,
              versions, audit_rules, our_own, usage, manual, mode_and_group,
              on_tcp, plugins, authz_on, through_systemd, authz_refused,
              authz_killed)
ON_FILES = (each_part, what_it_makes, real_etc, daemon_json, killed, meanwhile)


def body():
    h.need_root()
    for tool in 'unshare', 'openssl', 'diff':
        h.need_tool(tool)
    with tempfile.TemporaryDirectory(prefix='dsp-audit.') as folder:
        os.chmod(folder, 0o755)
        if sys.argv[1:] == ['files']:
            w = World(folder)
            h.each(ON_FILES, w)
            shutil.rmtree(w.d.dir)
            return
        try:
            own_folders(folder)
            users_and_groups()
            w = World(folder)
            with w.d, beside() as files:
                h.each(ON_DOCKERD, w)
                w.stop_plugin()
                if h.score.failed:
                    h.note(h.read(w.d.dir + '/log')[-3000:])
                join(files)
        finally:
            subprocess.run(['umount', '-l', folder + '/over'], check=False)


def beside():
    """What needs no dockerd, at the same time."""
    return subprocess.Popen([sys.executable, '-B', sys.argv[0], 'files'],
                            stdout=subprocess.PIPE, encoding='utf-8')


def join(files):
    """Its test points are ours."""
    out = files.communicate()[0]
    for line in out.splitlines():
        point = re.match(r'(not )?ok \d+ - (.*)', line)
        if point:
            h.check(not point[1], point[2])
        elif line.startswith('#'):
            h.note(line)
    h.check(re.search(r'^1\.\.\d+$', out, re.M), 'those run to their end')


def own_folders(folder):
    """/etc, /var/lib and /run that can be changed."""
    over = folder + '/over'
    os.mkdir(over)
    try:
        mount('-t', 'tmpfs', 'tmpfs', over)
        # A copy: through an overlay one would see what other tests do there.
        # Without plugins: dockerd waits long for those that are gone.
        subprocess.run(['cp', '-a', '/etc', over + '/etc'], check=True)
        shutil.rmtree(over + '/etc/docker/plugins', ignore_errors=True)
        mount('--bind', over + '/etc', '/etc')
        for name in 'upper', 'work':
            os.mkdir(f'{over}/{name}')
        mount('-t', 'overlay', 'overlay', '-o', 'lowerdir=/var/lib,'
              f'upperdir={over}/upper,workdir={over}/work', '/var/lib')
        mount('-t', 'tmpfs', 'tmpfs', '/run')
    except subprocess.CalledProcessError as why:
        raise h.Skip(f'no overlay on this machine: {why}') from why


def mount(*words):
    subprocess.run(['mount', *words], check=True)


h.in_own_mounts()
h.main(body)
