"""A Docker daemon for a test: one of its own, or the one that
DOCKER_TEST_SOCKET names.

room is a folder of it that anyone may write to: for sockets that a program
in a container makes, too.
"""

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile

from client import IMAGE, docker
from machine import end, mounts_below, need_root, need_tool, read
from tap import expect, until
from wire import json_of, request

BUSYBOX = '/bin/busybox'


class Dockerd:
    """A daemon of our own, or the one of DOCKER_TEST_SOCKET."""

    running = None          # the last one that was started
    flags = ()              # more of dockerd's, set before it is started
    before = ()             # a command that executes it

    def __init__(self, must_own=False):
        given = os.environ.get('DOCKER_TEST_SOCKET')
        if must_own:
            need_tool('dockerd')
            need_root()
        self.is_given = bool(given) and not must_own
        self.dir = tempfile.mkdtemp(prefix='dsp-docker.', dir='/tmp')
        self.room = self.dir + '/room'
        os.mkdir(self.room)
        os.chmod(self.room, 0o777)
        self.socket = given if self.is_given else self.dir + '/docker.sock'
        self.host = 'unix://' + self.socket
        self.process = None
        self.image = IMAGE
        self.self_images = {}   # of contain.py

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
        Dockerd.running = self
        if self.is_given:
            return
        command = [*self.before, 'dockerd', '--data-root', self.dir + '/data',
                   '--exec-root', self.dir + '/exec', '-H', self.host,
                   '--pidfile', self.dir + '/pid',
                   '--storage-driver', 'vfs', '--bridge=none',
                   '--iptables=false', '--ip6tables=false', *self.flags]
        with open(self.dir + '/log', 'ab') as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment())
        until(self.is_up, 'dockerd answers', 60)

    def environment(self):
        return dict(os.environ)

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
        """All containers of the test images, and no others."""
        images = ','.join(f'%22{name}%22' for name in
                          (IMAGE, *self.self_images.values()))
        answer = request(self.host, 'GET', '/containers/json?all=1&filters='
                         f'%7B%22ancestor%22%3A%5B{images}%5D%7D')
        for container in json_of(answer):
            request(self.host, 'DELETE',
                    f'/containers/{container["Id"]}?force=1&v=1')


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
