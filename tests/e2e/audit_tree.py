"""A tree of files for docker-socket-protector-audit: made, compared to the
last byte and nanosecond, and killed in the middle of being changed."""

import hashlib
import os
import shutil
import signal
import subprocess

NAME = 'docker-socket-protector'
UNITS = '/usr/lib/systemd/system'
# What the script changes files with; a stop before each of them is tried.
CHANGING = ('chmod', 'chown', 'cp', 'ln', 'mkdir', 'mv', 'rm', 'rmdir',
            'touch')
OLD = (1_500_000_000_123_456_789, 1_400_000_000_987_654_321)


def write(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)


def make(root, contrib, activated=True, daemon_json=b'{"debug": true}\n'):
    """A host on which systemd makes the socket, or dockerd does."""
    write(root + '/etc/passwd', 'root:x:0:0::/root:/bin/sh\n'
          'alice:x:1000:1000::/home/alice:/bin/sh\n')
    write(root + '/etc/group', 'root:x:0:\ndocker:x:998:alice\n'
          f'{NAME}:x:997:\nalice:x:1000:\n')
    if activated:
        write(root + UNITS + '/docker.socket', '[Socket]\n'
              'ListenStream=/run/docker.sock\nSocketMode=0660\n'
              'SocketUser=root\nSocketGroup=docker\n')
        write(root + UNITS + '/docker.service', '[Service]\n'
              'ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n')
    for unit in 'drift.path', 'authz.service':
        write(f'{root}{UNITS}/{NAME}-{unit}',
              '[Install]\nWantedBy=multi-user.target\n')
    if daemon_json is not None:
        write(root + '/etc/docker/daemon.json', daemon_json, 0o640)
        os.chown(root + '/etc/docker/daemon.json', 0, 997)
    os.makedirs(root + '/etc/systemd/system', exist_ok=True)
    os.makedirs(root + '/var/lib', exist_ok=True)
    write(f'{root}/usr/share/{NAME}/audit/{NAME}.rules',
          '-a always,exit -F arch=b64 -S connect '
          '-F path=/run/docker.sock -F key=docker-sock-connect\n')
    age(root)


def age(root):
    """All of it was made long ago, at odd nanoseconds."""
    for folder, _folders, files in os.walk(root, topdown=False):
        for name in files:
            os.utime(f'{folder}/{name}', ns=OLD, follow_symlinks=False)
        os.utime(folder, ns=OLD)


def picture(root):
    """path -> everything that can be seen of it."""
    found = {}
    for folder, folders, files in os.walk(root):
        links = [name for name in folders
                 if os.path.islink(f'{folder}/{name}')]
        for path in [folder, *(f'{folder}/{name}' for name in files + links)]:
            s = os.lstat(path)
            what = ''
            if os.path.islink(path):
                what = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, 'rb') as f:
                    what = hashlib.sha256(f.read()).hexdigest()
            found[path[len(root):]] = (s.st_mode, s.st_uid, s.st_gid,
                                       s.st_mtime_ns, what)
    return found


def differences(one, two):
    return [(path, one.get(path), two.get(path))
            for path in sorted(set(one) | set(two))
            if one.get(path) != two.get(path)]


class Killer:
    """Commands that count, and kill all of it before the Nth.  The script is
    in a session of its own, so what it runs dies with it."""

    def __init__(self, folder):
        self.dir = folder
        os.mkdir(folder)
        for name in CHANGING:
            real = shutil.which(name)
            write(f'{folder}/{name}', '#!/bin/sh\n'
                  'read -r n <"$DSP_COUNT"\n'
                  'echo $((n + 1)) >"$DSP_COUNT"\n'
                  '[ $((n + 1)) != "$DSP_KILL" ] || kill -9 0\n'
                  f'exec {real} "$@"\n', 0o755)

    def run(self, command, before=0):
        """Run it, up to a step; the number of steps that there were."""
        count = f'{self.dir}/count'
        write(count, '0\n')
        env = dict(os.environ, DSP_COUNT=count, DSP_KILL=str(before),
                   TMPDIR=os.path.dirname(self.dir) + '/tmp',
                   PATH=self.dir + ':' + os.environ['PATH'])
        done = subprocess.run(command, env=env, start_new_session=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if before and done.returncode != -signal.SIGKILL:
            raise AssertionError(f'not killed at {before}: {done.stdout}')
        with open(count, encoding='ascii') as number:
            return int(number.read()), done
