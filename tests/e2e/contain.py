"""The program in a container, as its image runs it.

    with h.Dockerd() as d:
        box = contain.start(d, program, ['--docker-socket', d.socket,
                                         '--profile', 'readonly', ...])
        ...
        code = box.stop()

The image is made from nothing: the static program and /profiles.  The
container runs on d, read-only, without capabilities and new privileges, on
the machine's network, with d's socket mounted at its own path.  A static
program comes from configure --enable-static; without one, start() raises
Skip.

start(d, program, args, user=None, mounts=(), env=None, folder=None,
      profiles=None, max_files=None, sees_host=False):
    user      'UID:GID' of the container; None: root, without capabilities.
              socket_user(d) gives 65534 and the group of the Docker socket.
    mounts    folders of the machine, at the same path inside: 'PATH' to
              read and write, 'PATH:ro' to read only.
    env       dictionary of environment variables.
    folder    where the files out and err (standard output and error of the
              program) grow; a new one below d.dir when not given.
    profiles  folder that becomes /profiles; harness.PROFILES by default.
    max_files limit of descriptors of each process; dockerd's own by default.
    sees_host it has the pid namespace of the machine.

The result is like a subprocess.Popen: poll, wait(seconds), send_signal,
terminate, kill, returncode (128 + N after signal N), and besides

    pid       of the master, as the machine sees it (so /proc/PID works);
              machine.children_of(box.pid) are its children, and
              machine.inner_pid(pid) is what the program itself logs
    id        of the container
    out, err  texts so far, once they have stopped growing for a moment
    stop()    TERM, then KILL; the exit code; the container is removed

In harness.Proxy, DSP_TEST_CONTAINER=root or =user does all this by itself.
"""

import io
import os
import subprocess
import tarfile
import tempfile
import time

from client import docker_environment, docker_ok
from machine import end, is_static, read
from tap import PATIENCE, Skip, until
from wire import json_of, request

SELF_IMAGE = 'dsp-e2e-self'
PROGRAM_IN_IMAGE = '/docker-socket-protector'
NOBODY = 65534
QUIET_S = 0.1           # no growth for so long: the log has come through
QUIET_LIMIT_S = 2
CONFINED = ('--read-only', '--cap-drop', 'ALL', '--security-opt',
            'no-new-privileges', '--network', 'host')


def start(dockerd, program, args, user=None, mounts=(), env=None,
          folder=None, profiles=None, max_files=None, sees_host=False):
    """Start the program in a container; see above."""
    folder = folder or tempfile.mkdtemp(prefix='box.', dir=dockerd.dir)
    image = image_of(dockerd, program, profiles)
    words = ['create', *CONFINED]
    if max_files:
        words += ['--ulimit', f'nofile={max_files}:{max_files}']
    if sees_host:
        words += ['--pid', 'host']
    if user:
        words += ['--user', user]
    for mount in (dockerd.socket, *mounts):
        words += ['--mount', mount_words(mount)]
    for name, value in (env or {}).items():
        words += ['--env', f'{name}={value}']
    name = docker_ok(dockerd.host, *words, image, *args)
    return Contained(dockerd, name, folder)


def socket_user(dockerd):
    """A user without rights, with the group of the Docker socket."""
    return f'{NOBODY}:{os.stat(dockerd.socket).st_gid}'


def mount_words(mount):
    path, _colon, mode = mount.partition(':')
    words = f'type=bind,src={path},dst={path}'
    return words + ',readonly' if mode == 'ro' else words


def image_of(dockerd, program, profiles):
    """The image's id; made once for each program and daemon."""
    if not is_static(program):
        raise Skip(f'{program} is not static: configure --enable-static')
    profiles = profiles or os.environ.get('DSP_PROFILES') or os.path.join(
        os.environ.get('srcdir') or '.', 'profiles')
    made = dockerd.self_images
    key = program, profiles
    if key not in made:
        made[key] = docker_ok(
            dockerd.host, 'import', '--change',
            f'ENTRYPOINT ["{PROGRAM_IN_IMAGE}"]', '-',
            f'{SELF_IMAGE}:{len(made)}', stdin=archive(program, profiles))
    return made[key]


def archive(program, profiles):
    """A tar of what is in the image, and nothing else."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode='w') as tar:
        add(tar, program, PROGRAM_IN_IMAGE, 0o755)
        folder = tarfile.TarInfo('/profiles')
        folder.type = tarfile.DIRTYPE
        folder.mode = 0o755
        tar.addfile(folder)
        for name in sorted(os.listdir(profiles)):
            add(tar, f'{profiles}/{name}', f'/profiles/{name}', 0o644)
    return made.getvalue()


def add(tar, path, name, mode):
    member = tar.gettarinfo(path, name)
    member.uid = member.gid = 0
    member.uname = member.gname = ''
    member.mode = mode
    with open(path, 'rb') as f:
        tar.addfile(member, f)


class Contained:
    """A container that was created: started, and followed to its end."""

    def __init__(self, dockerd, name, folder):
        self.host = dockerd.host
        self.id = name
        self.folder = folder
        self.is_there = True
        with open(folder + '/out', 'ab') as out, \
                open(folder + '/err', 'ab') as err:
            # Attached before the start, so that no line is missed.
            self.process = subprocess.Popen(
                ['docker', '-H', self.host, 'start', '--attach', self.id],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=docker_environment(), start_new_session=True)
        try:
            self.pid = until(self.find_pid, 'the container runs')
        except BaseException:
            self.kill()
            self.process.kill()
            self.wait()
            raise

    def find_pid(self):
        """The master's; -1 when it has ended already."""
        answer = request(self.host, 'GET', f'/containers/{self.id}/json')
        return json_of(answer)['State']['Pid'] or \
            (-1 if self.process.poll() is not None else None)

    @property
    def returncode(self):
        return self.process.returncode

    def poll(self):
        if self.process.poll() is not None:
            self.remove()
        return self.process.returncode

    def wait(self, seconds=PATIENCE):
        code = self.process.wait(seconds)
        self.remove()
        return code

    def remove(self):
        if self.is_there:
            self.is_there = False
            request(self.host, 'DELETE',
                    f'/containers/{self.id}?force=1&v=1')

    def send_signal(self, number):
        request(self.host, 'POST',
                f'/containers/{self.id}/kill?signal={int(number)}')

    def terminate(self):
        self.send_signal(15)

    def kill(self):
        self.send_signal(9)

    def stop(self):
        return end(self)

    def out(self):
        self.settle()
        return read(self.folder + '/out')

    def err(self):
        self.settle()
        return read(self.folder + '/err')

    def settle(self):
        """Lines come by way of dockerd: wait until they have come."""
        settle(self.folder + '/out', self.folder + '/err')


def settle(*paths):
    """Wait until files have not grown for a moment."""
    limit = time.monotonic() + QUIET_LIMIT_S
    quiet_since, sizes = time.monotonic(), None
    while time.monotonic() < min(limit, quiet_since + QUIET_S) \
            or sizes is None:
        now = [os.path.getsize(path) for path in paths]
        if now != sizes:
            quiet_since, sizes = time.monotonic(), now
        time.sleep(0.01)
