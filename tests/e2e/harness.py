"""What the end-to-end tests share.

A test talks to a real Docker daemon through the real program.  The daemon
is started in a temporary folder (root and dockerd needed), or is the one
that DOCKER_TEST_SOCKET names.  Results go to standard output as TAP.

DSP_PROGRAM   the program under test; else docker-socket-protector in
              $builddir or here
DSP_PROFILES  the folder of profiles; else profiles in $srcdir or here
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import traceback

# Tests say h.check and h.same: what tap.py has is passed on.
from tap import (PATIENCE, Skip, check, compare, each, expect, has, note,
                 same, score, skip, title, until)
from wire import address, json_of, request

IMAGE = 'dsp-e2e-bb'
LABEL = 'dsp-e2e'
BUSYBOX = '/bin/busybox'
FILE_LIMIT = 240        # seconds that a whole test file may take
TROUBLE = ('AddressSanitizer', 'LeakSanitizer', 'runtime error:',
           ' bug ', 'impossible')

for _name in list(os.environ):
    if _name.lower().endswith('_proxy') or _name.startswith('DOCKER_CON'):
        del os.environ[_name]
for _name in ('DOCKER_HOST', 'DOCKER_API_VERSION', 'DOCKER_TLS_VERIFY',
              'DOCKER_CERT_PATH', 'NOTIFY_SOCKET', 'LISTEN_FDS'):
    os.environ.pop(_name, None)


# -- running a test file ------------------------------------------------

def main(body, needs_docker=True):
    """Run a test file."""
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGALRM, interrupted)
    signal.alarm(FILE_LIMIT)
    if not os.access(PROGRAM, os.X_OK):
        print(f'Bail out! {PROGRAM} is not there: build it, '
              'or set DSP_PROGRAM')
        sys.exit(99)
    try:
        if needs_docker:
            need_docker()
        body()
    except Skip as why:
        if score.count == 0:
            print(f'1..0 # SKIP {why}')
            sys.exit(0)
        skip('the rest', why)
    except BaseException:
        check(False, 'runs to its end', traceback.format_exc())
    print(f'1..{score.count}', flush=True)
    sys.exit(1 if score.failed else 0)


def interrupted(number, _frame):
    raise KeyboardInterrupt(f'stopped by signal {number}')


def need_docker():
    for tool in ('docker', 'tar'):
        need_tool(tool)
    if not is_static(BUSYBOX):
        raise Skip(f'no static {BUSYBOX} (package busybox-static)')
    if not os.environ.get('DOCKER_TEST_SOCKET'):
        need_tool('dockerd')
        need_root()


def is_static(path):
    if not os.path.exists(path):
        return False
    with open(path, 'rb') as f:
        return b'/ld-' not in f.read(4096)


def need_tool(tool):
    if not shutil.which(tool):
        raise Skip(f'no {tool} on this machine')


def need_root():
    if os.geteuid() != 0:
        raise Skip('root is needed')


def can_connect(host):
    family, where = address(host)
    with socket.socket(family) as s:
        s.settimeout(2)
        return s.connect_ex(where) == 0


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def write(path, text):
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)


# -- a Docker daemon -------------------------------------------------------

class Dockerd:
    """A daemon of our own, or the one of DOCKER_TEST_SOCKET."""

    def __init__(self, must_own=False):
        given = os.environ.get('DOCKER_TEST_SOCKET')
        if must_own:
            need_tool('dockerd')
            need_root()
        self.is_given = bool(given) and not must_own
        self.dir = tempfile.mkdtemp(prefix='dsp-docker.', dir='/tmp')
        self.socket = given if self.is_given else self.dir + '/docker.sock'
        self.host = 'unix://' + self.socket
        self.process = None
        self.image = IMAGE

    def __enter__(self):
        try:
            self.start()
            self.load_image()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_why):
        self.stop()
        for path in mounts_below(self.dir):
            subprocess.run(['umount', '-l', path], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        if self.is_given:
            return
        command = ['dockerd', '--data-root', self.dir + '/data',
                   '--exec-root', self.dir + '/exec', '-H', self.host,
                   '--pidfile', self.dir + '/pid',
                   '--storage-driver', 'vfs', '--bridge=none',
                   '--iptables=false', '--ip6tables=false']
        with open(self.dir + '/log', 'ab') as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.is_up, 'dockerd answers', 60)

    def is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError('dockerd: ' + read(self.dir + '/log')[-2000:])
        try:
            return request(self.host, 'GET', '/_ping').status == 200
        except OSError:
            return False

    def stop(self):
        if self.is_given:
            self.remove_containers()
            docker(self.host, 'rmi', '-f', self.image)
        elif self.process:
            try:
                self.remove_containers()
            except OSError:
                pass
            end(self.process)
            self.process = None
            for pid in containerds(self.dir + '/'):
                os.kill(pid, signal.SIGKILL)

    def load_image(self):
        """Make an image of busybox, without any registry."""
        root = self.dir + '/rootfs'
        os.makedirs(root + '/bin')
        shutil.copy(os.path.realpath(BUSYBOX), root + '/bin/busybox')
        names = subprocess.run([BUSYBOX, '--list'], check=True,
                               stdout=subprocess.PIPE).stdout.decode()
        for name in set(names.split()) - {'busybox'}:
            os.symlink('busybox', f'{root}/bin/{name}')
        with tarfile.open(root + '.tar', 'w') as archive:
            archive.add(root, '.')
        with open(root + '.tar', 'rb') as f:
            done = docker(self.host, 'import', '-', IMAGE, stdin=f.read())
        expect(done.code == 0, done.err)
        self.image = done.out.strip()

    def remove_containers(self):
        """All containers of the test image, and no others."""
        query = '?all=1&filters=%7B%22ancestor%22%3A%5B%22' + IMAGE
        answer = request(self.host, 'GET',
                         f'/containers/json{query}%22%5D%7D')
        for container in json_of(answer):
            request(self.host, 'DELETE',
                    f'/containers/{container["Id"]}?force=1&v=1')


def end(process, seconds=PATIENCE):
    """Stop a child with TERM, then KILL; its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(seconds)


def containerds(folder):
    """What dockerd has started, if it is left: containerd and its shims.
    They have the folder, which is ours alone, in their arguments."""
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            words = read(f'/proc/{pid}/cmdline').split('\0')
        except OSError:
            continue
        is_ours = any(word.startswith(folder) for word in words)
        if is_ours and os.path.basename(words[0]).startswith('containerd'):
            yield int(pid)


def mounts_below(folder):
    for line in read('/proc/self/mounts').splitlines():
        path = line.split()[1]
        if path.startswith(folder + '/'):
            yield path


# -- the program under test ------------------------------------------------

def program_path():
    given = os.environ.get('DSP_PROGRAM')
    folder = os.environ.get('builddir') or '.'
    return os.path.abspath(given or folder + '/docker-socket-protector')


def profiles_path():
    folder = os.environ.get('srcdir') or '.'
    return os.path.abspath(os.environ.get('DSP_PROFILES')
                           or folder + '/profiles')


PROGRAM = program_path()
PROFILES = profiles_path()


def clean_environment(extra=None):
    """The environment without anything the program would read."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith('DSP_')
           and name not in ('PROFILE', 'LOG_REQUESTS', 'SOCKET_PATH')}
    env.update(extra or {})
    return env


def program(*args, env=None, stdin=b''):
    """Run the program to its end."""
    return Done(subprocess.run(
        [PROGRAM, *args], input=stdin, env=clean_environment(env),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE,
        check=False))


class Proxy:
    """The program, started and waited for.

    rules: the text of a profile, instead of the name of a shipped one.
    listen: addresses, a port of our own when not given.
    """

    def __init__(self, docker_socket, profile='unprotected', rules=None,
                 listen=None, args=(), env=None):
        self.dir = tempfile.mkdtemp(prefix='dsp-proxy.', dir='/tmp')
        self.listen = listen or [f'tcp://127.0.0.1:{free_port()}']
        self.hosts = [host_of(text) for text in self.listen]
        self.host = self.hosts[0]
        self.rules_path = self.dir + '/rules'
        self.conf_path = self.dir + '/conf'
        self.env = env
        self.process = None
        self.failed_before = score.failed
        self.write_rules(rules or '')
        self.write_conf('')
        self.command = [PROGRAM, '--config', self.conf_path,
                        '--profile-dir', PROFILES,
                        '--docker-socket', docker_socket,
                        '--profile', self.rules_path if rules else profile]
        if self.command[-1] == 'unprotected':
            self.command.append('--log-requests')
        for text in self.listen:
            self.command += ['--listen', text]
        self.command += args

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_why):
        if self.process:
            code = self.stop()
            check(code == 0, 'the proxy ends with 0', f'code {code}')
        for word in TROUBLE:
            if word in self.err():
                check(False, f'no {word.strip()} in the log')
        if score.failed > self.failed_before:
            note('log of the proxy: ' + self.err()[-4000:])
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        with open(self.dir + '/out', 'ab') as out, \
                open(self.dir + '/err', 'ab') as err:
            self.process = subprocess.Popen(
                self.command, env=clean_environment(self.env),
                stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            for host in self.hosts:
                until(lambda: self.accepts(host), f'{host} accepts')
        except BaseException:
            self.stop()
            shutil.rmtree(self.dir, ignore_errors=True)
            raise

    def accepts(self, host):
        if self.process.poll() is not None:
            raise RuntimeError(f'the proxy ended with '
                               f'{self.process.returncode}: {self.err()}')
        return can_connect(host)

    def stop(self):
        """TERM, and its exit code."""
        code = end(self.process)
        self.process = None
        return code

    def write_rules(self, text):
        write(self.rules_path, text)

    def write_conf(self, text):
        write(self.conf_path, text)

    def without(self, *flags):
        """Leave flags with their values out of the command."""
        for flag in flags:
            while flag in self.command:
                at = self.command.index(flag)
                del self.command[at:at + 2]

    def out(self):
        return read(self.dir + '/out')

    def err(self):
        return read(self.dir + '/err')

    def wait_err(self, text, seconds=5):
        """The log from the line on that has text in it."""
        until(lambda: text in self.err(), f'{text!r} in the log', seconds)
        return self.err()[self.err().index(text):]

    def children(self):
        """pid -> real uid of the master's children."""
        found = {}
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                status = fields(f'/proc/{pid}/status')
            except OSError:
                continue
            if status['PPid'] == str(self.process.pid):
                found[int(pid)] = int(status['Uid'].split()[0])
        return found


def fields(path):
    """A file of "name: value" lines as a dictionary."""
    lines = (line.partition(':') for line in read(path).splitlines())
    return {name: value.strip() for name, _colon, value in lines}


def is_alive(pid):
    """A zombie is not."""
    try:
        state = fields(f'/proc/{pid}/status')['State']
    except OSError:
        return False
    return state[0] != 'Z'


def host_of(listen):
    """What a client must be told for a --listen text."""
    return listen.partition(',')[0].replace('tcp://*', 'tcp://127.0.0.1')


# -- the docker command ----------------------------------------------------

class Done:
    """The end of a command."""

    def __init__(self, completed):
        self.code = completed.returncode
        self.raw = completed.stdout
        self.out = completed.stdout.decode('utf-8', 'replace')
        self.err = completed.stderr.decode('utf-8', 'replace')

    def __repr__(self):
        return f'code {self.code}, out {self.out!r}, err {self.err!r}'


def docker_environment():
    config = tempfile.gettempdir() + '/dsp-no-docker-config'
    return dict(os.environ, DOCKER_CONFIG=config, DOCKER_BUILDKIT='0',
                DOCKER_CLI_HINTS='false')


def docker(host, *args, stdin=b'', timeout=60):
    """Run the docker command to its end."""
    return Done(subprocess.run(
        ['docker', '-H', host, *args], input=stdin, timeout=timeout,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=docker_environment(), check=False))


def docker_ok(host, *args, **more):
    """The same; it must succeed.  Its output without the line end."""
    done = docker(host, *args, **more)
    expect(done.code == 0, 'docker', *args, '->', done)
    return done.out.rstrip('\n')


def run_container(host, *command, options=()):
    """Start a container in the background; its id."""
    return docker_ok(host, 'run', '-d', '--network', 'none', '--label',
                     LABEL, *options, IMAGE, *command)


def sleeper(host, *options):
    return run_container(host, 'sleep', '1000', options=options)


def remove(host, *names):
    docker_ok(host, 'rm', '-f', *names)


class Client:
    """The docker command in the background."""

    def __init__(self, host, *args, stdin=subprocess.DEVNULL):
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ['docker', '-H', host, *args], stdin=stdin, stdout=self.file,
            stderr=self.file, env=docker_environment())

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        self.kill()
        self.file.close()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        return self.process.wait(PATIENCE)

    def out(self):
        size = os.fstat(self.file.fileno()).st_size
        return os.pread(self.file.fileno(), size, 0).decode('utf-8',
                                                            'replace')

    def wait_out(self, text, times=1, seconds=PATIENCE):
        until(lambda: self.out().count(text) >= times,
              f'{text!r} {times} times in {self.out()!r}', seconds)

    def wait(self, seconds=PATIENCE):
        return self.process.wait(seconds)
