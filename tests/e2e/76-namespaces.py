#!/usr/bin/python3 -B
"""Without a network, and in namespaces of one's own: on the machine, and as
contrib/docker/no-network.yml has it on a dockerd with userns-remap.  And
commands that are copied around for the same purpose, which do less than they
say."""

import json
import os
import re
import signal
import subprocess
import tarfile
import tempfile

import dockerd
import harness as h
from contain import NOBODY, PROGRAM_IN_IMAGE, add
from wire import json_of, request

TOP = os.path.abspath(os.environ.get('srcdir') or '.')
EXAMPLE = TOP + '/contrib/docker/no-network.yml'
IMAGE = 'dsp-e2e-namespaces'
OWN = ('unshare', '--user', '--map-root-user', '--net')
FIRST = 100000          # of the users that a remapped dockerd takes
LIBRARIES = ('-v', '/usr:/usr:ro', '-v', '/usr/lib:/lib:ro',
             '-v', '/usr/lib64:/lib64:ro')
PRIVILEGED = json.dumps({
    'Image': h.IMAGE, 'Cmd': ['true'],
    'HostConfig': {'Privileged': True, 'Binds': ['/:/host']}}).encode()


def as_user(uid, command, **more):
    return h.Done(subprocess.run(
        ['setpriv', f'--reuid={uid}', f'--regid={uid}', '--clear-groups',
         *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=h.PATIENCE, check=False, **more))


def create(host):
    return request(host, 'POST', '/containers/create', PRIVILEGED,
                   'Content-Type: application/json')


def curl_command(socket, path, *words):
    """Prints the status."""
    return ['/usr/bin/curl', '-s', '-o', '/dev/null', '-w', '%{http_code}',
            '--unix-socket', socket, *words, 'http://docker' + path]


# -- on the machine ------------------------------------------------------------

def own(d):
    """a user namespace and a network of its own"""
    if h.worlds.CONTAINER:
        raise h.Skip('has the namespaces of its container')
    p = h.Proxy(d.socket, 'readonly', listen=[
        f'unix://{d.room}/own.sock,mode=0666'])
    p.command = [*OWN, *p.command]
    with p:
        h.same([request(p.host, 'GET', '/version').status,
                create(p.host).status],
               [200, 403], h.title(own))
        log = p.wait_err(' protection ')
        h.has(log, 'proven=yes', 'and protected')
        h.has(p.err(), 'workers stay root, without capabilities: this user '
              'namespace lets nobody change groups', 'which says so')
        for pid in (p.process.pid, *p.children()):
            found = h.read(f'/proc/{pid}/net/dev').splitlines()[2:]
            h.expect([row.split(':')[0].strip() for row in found] == ['lo'],
                     pid, found)
            h.expect(h.read(f'/proc/{pid}/uid_map').split() ==
                     ['0', '0', '1'], pid)
        h.check(True, 'no process has a network, or knows other users')
        done = as_user(1234, curl_command(p.host[7:], '/version'))
        h.same(done.out, '200', 'a user who has no name in there')
        h.has(p.wait_err(f'peer=uid:{NOBODY} '), f'peer=uid:{NOBODY} ',
              'is the same as all such users')
        h.has(p.err(), 'peer=uid:0 ', 'and another one than ours')


def anybody(_d):
    """who is everybody cannot be let in by a number"""
    rules = h.PROFILES, 'readonly'
    known = r'name another one, or run in the host'
    for name, words, has_name in (
            ('allow=uid', ('-l', 'unix:///tmp/x,allow=uid:65534'), False),
            ('allow=gid', ('-l', 'unix:///tmp/x,allow=gid:65534'), False),
            ('client uid', ('-l', 'unix:///tmp/x', '--client',
                            'uid:65534,profile=ping'), False),
            ('client gid', ('-l', 'unix:///tmp/x', '--client',
                            'gid:65534,profile=ping'), False),
            ('allow=uid:0', ('-l', 'unix:///tmp/x,allow=uid:0'), True),
            ('uid:1000', ('-l', 'unix:///tmp/x,allow=uid:1000'), True)):
        command = [h.PROGRAM, '--config', '/dev/null', '--profile-dir',
                   rules[0], '--profile', rules[1], '--test', *words]
        for where in ((), OWN):
            done = h.Done(subprocess.run(
                [*where, *command], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=h.PATIENCE, check=False,
                env=h.clean_environment()))
            is_good = has_name or not where
            h.check(done.code == (0 if is_good else 2) and
                    (known in done.err) != is_good,
                    f'{h.title(anybody)}: {name}' +
                    (', in a namespace' if where else ''), done)


def asked(_d):
    """--user of whom the namespace does not have"""
    for where, why in ((OWN, 'lets nobody change groups'),
                       (('unshare', '--user', '--net', 'setpriv',
                         '--no-new-privs'), 'may not change its user')):
        done = h.Done(subprocess.run(
            [*where, h.PROGRAM, '--config', '/dev/null', '--profile-dir',
             h.PROFILES, '--profile', 'readonly', '--user', '1234',
             '--listen', 'unix:///tmp/dsp-e2e-not-made'],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=h.PATIENCE, check=False, env=h.clean_environment()))
        h.check(done.code == 1 and f'user 1234, group {NOBODY}: this ' in
                done.err and why in done.err, f'{h.title(asked)}: {why}',
                done)


# -- containers ----------------------------------------------------------------

class Remapped(h.Dockerd):
    """Root of its containers is no user of the machine."""

    flags = ('--userns-remap=daemon',)

    def __init__(self):
        super().__init__(must_own=True)
        os.chmod(self.dir, 0o755)
        mounts = []
        for name in 'subuid', 'subgid':
            h.write(f'{self.dir}/{name}', f'daemon:{FIRST}:65536\n')
            if not os.path.exists('/etc/' + name):
                h.write('/etc/' + name, '')
            mounts.append(f'mount --bind {self.dir}/{name} /etc/{name}')
        self.before = ('unshare', '--mount', 'sh', '-c', ' && '.join(
            (*mounts, 'exec "$@"')), 'sh')


def make_image(d):
    """The program, with the libraries that it wants, and the profiles."""
    with tempfile.TemporaryFile() as made:
        with tarfile.open(fileobj=made, mode='w') as tar:
            for path, name, mode in (
                    (h.PROGRAM, PROGRAM_IN_IMAGE, 0o755),
                    *((os.path.realpath(path), path, 0o755)
                      for path in libraries(h.PROGRAM)),
                    *((f'{h.PROFILES}/{name}', f'/profiles/{name}', 0o644)
                      for name in sorted(os.listdir(h.PROFILES)))):
                add_folder(tar, os.path.dirname(name))
                add(tar, path, name, mode)
        made.seek(0)
        h.docker_ok(d.host, 'import', '--change',
                    f'ENTRYPOINT ["{PROGRAM_IN_IMAGE}"]', '-', IMAGE,
                    stdin=made.read())


def add_folder(tar, name):
    if '.' + name in tar.getnames():
        return
    if name != '/':
        add_folder(tar, os.path.dirname(name))
    folder = tarfile.TarInfo('.' + name)
    folder.type = tarfile.DIRTYPE
    folder.mode = 0o755
    tar.addfile(folder)


def libraries(path):
    done = subprocess.run(['ldd', path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    return re.findall(r'(/\S+) \(0x', done.stdout.decode())


class Example:
    """contrib/docker/no-network.yml, up."""

    def __init__(self, d, **env):
        self.d = d
        self.dir = d.room + '/app'
        os.makedirs(self.dir, exist_ok=True)
        os.chown(self.dir, NOBODY, -1)
        self.env = dict(
            h.docker_environment(), DOCKER_HOST=d.host, IMAGE=IMAGE,
            APP_IMAGE=h.IMAGE, DOCKER_SOCKET=d.socket, DIRECTORY=self.dir,
            DOCKER_GID=str(os.stat(d.socket).st_gid), **env)

    def compose(self, *words):
        done = h.Done(subprocess.run(
            ['docker-compose', '-f', EXAMPLE, '-p', 'dsp-e2e', *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
            check=False, env=self.env))
        h.expect(done.code == 0, words, done)
        return done.out.strip()

    def __enter__(self):
        self.compose('up', '-d')
        self.box = self.compose('ps', '-q', 'docker-socket-protector')
        self.app = self.compose('ps', '-q', 'app')
        h.until(lambda: os.path.exists(self.dir + '/docker.sock'),
                'the socket')
        return self

    def __exit__(self, *_why):
        self.compose('down', '-v', '-t', '1')

    def log(self):
        return h.docker(self.d.host, 'logs', self.box).err

    def curl(self, path, *words):
        """The status that a third container gets, which is as the app is."""
        return h.docker(
            self.d.host, 'run', '--rm', '--network', 'none', '--cap-drop',
            'ALL', '-v', f'{self.dir}:/run/docker-socket:ro', *LIBRARIES,
            h.IMAGE, *curl_command('/run/docker-socket/docker.sock', path,
                                   *words)).out


def example(d):
    """no network, on a dockerd with userns-remap"""
    h.need_tool('curl')
    h.need_tool('docker-compose')
    with Example(d) as e:
        h.same([e.curl('/version'),
                e.curl('/containers/create', '-X', 'POST')], ['200', '403'],
               h.title(example))
        h.has(e.log(), f'peer=uid:{FIRST} ',
              'root of a container is a user of its own there')
        found = {name: h.docker(d.host, 'exec', e.app, *words).out.split()
                 for name, words in (
                     ('net', ('ls', '/sys/class/net')),
                     ('map', ('cat', '/proc/self/uid_map')))}
        h.same(found, {'net': ['lo'], 'map': ['0', str(FIRST), '65536']},
               'the app has no network, and is nobody on the machine')
        state = json_of(request(d.host, 'GET', f'/containers/{e.box}/json'))
        pid = state['State']['Pid']
        status = h.fields(f'/proc/{pid}/status')
        h.same([status['CapEff'], status['NoNewPrivs'], status['Seccomp']],
               ['0' * 16, '1', '2'], 'the proxy has no capability')
        h.same([row.split(':')[0].strip() for row in
                h.read(f'/proc/{pid}/net/dev').splitlines()[2:]], ['lo'],
               'and no network')
        h.docker_ok(d.host, 'restart', '-t', '2', e.box)
        h.until(lambda: e.curl('/version') == '200', 'serves again')
        h.check(True, 'the app finds the proxy again after a restart')
    with Example(d, APP_UID='0') as e:
        h.same(e.curl('/version'), '403', 'another user is refused')
        h.has(e.log(), 'reason=not-allowed', 'which the log says')


# -- what is copied around -------------------------------------------------------

def settings_behind(d):
    """settings behind the image's name are its command"""
    name = h.docker_ok(d.host, 'create', '--network', 'none', h.IMAGE,
                       '-e', 'CONTAINERS=1', '-e', 'POST=0')
    config = json_of(request(d.host, 'GET', f'/containers/{name}/json'))
    h.same([config['Config']['Cmd'], [
        row for row in config['Config']['Env'] or []
        if not row.startswith('PATH=')]],
           [['-e', 'CONTAINERS=1', '-e', 'POST=0'], []],
           h.title(settings_behind))
    h.docker_ok(d.host, 'rm', name)


def socat(d):
    """socat in between lets everything through"""
    h.need_tool('socat')
    path = d.room + '/secure.sock'
    process = subprocess.Popen(
        ['socat', f'UNIX-LISTEN:{path},fork,mode=600',
         f'UNIX-CONNECT:{d.socket}'])
    try:
        h.until(lambda: os.path.exists(path), 'socat')
        with h.Proxy(d.socket, 'readonly') as p:
            answers = [create(host) for host in ('unix://' + path, p.host)]
        h.same([answer.status for answer in answers], [201, 403],
               f'{h.title(socat)}, a privileged container, too')
        h.docker_ok(d.host, 'rm', json_of(answers[0])['Id'])
    finally:
        h.end(process)


def missing(d):
    """a socket that is not there yet is mounted as a directory"""
    path = d.room + '/not-yet.sock'
    done = h.docker_ok(d.host, 'run', '--rm', '--network', 'none', '-v',
                       f'{path}:/s', h.IMAGE, 'stat', '-c', '%F', '/s')
    h.same([done, os.path.isdir(path)], ['directory', True],
           h.title(missing))
    os.rmdir(path)


def read_only(d):
    """:ro on a socket does not make it so, nor does giving up capabilities"""
    h.need_tool('curl')
    done = h.docker(d.host, 'run', '--rm', '--network', 'none', '--read-only',
                    '--cap-drop', 'ALL', '-v', f'{d.socket}:/s:ro',
                    *LIBRARIES, h.IMAGE, '/usr/bin/curl', '-s', '-o',
                    '/dev/null', '-w', '%{http_code}', '-H',
                    'Content-Type: application/json', '-d', '{}',
                    '--unix-socket', '/s', 'http://docker/volumes/create')
    h.same(done.out, '201', h.title(read_only))
    request(d.host, 'POST', '/volumes/prune')


def unknown_plugin():
    """a plugin that nobody runs, named in daemon.json: dockerd ends"""
    with dockerd.Dockerd(must_own=True) as d:
        path = d.dir + '/daemon.json'
        h.write(path, '{}')
        d.stop()
        d.flags = ('--config-file', path)
        d.start()
        h.write(path, '{"authorization-plugins": ["rules-plugin"]}')
        d.process.send_signal(signal.SIGHUP)
        try:
            code = d.process.wait(30)
        except subprocess.TimeoutExpired:
            code = 'it lives'
        h.same(code, 1, h.title(unknown_plugin))
        h.has(h.read(d.dir + '/log'), 'validating authorization plugin',
              'of that')


def body():
    h.need_root()
    h.need_tool('unshare')
    h.need_tool('setpriv')
    with h.Dockerd(must_own=True) as d:
        os.chmod(d.dir, 0o711)
        h.each([own, anybody, asked, settings_behind, socat, missing,
                read_only], d)
    h.each([unknown_plugin])
    with Remapped() as d:
        os.chmod(d.room, 0o777)
        make_image(d)
        h.each([example], d)


h.main(body)
