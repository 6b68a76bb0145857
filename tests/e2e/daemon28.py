"""A newer Docker daemon than the system's, and a newer docker command with
Compose 2, without installing them.

Debian's unstable suite has Docker 28.  Its packages are fetched with apt
from the mirror that this machine uses already, with lists and archives in a
folder of their own, and unpacked (not installed) into a cache, where later
runs find them.  What the machine has installed is not touched.

    with daemon28.Dockerd() as d:       # as dockerd.Dockerd
"""

import glob
import os
import shutil
import subprocess
import tempfile

import dockerd
from machine import need_root, need_tool, write
from tap import Skip

SUITE = 'sid'
PACKAGES = ('docker.io', 'containerd')
CLIENTS = ('docker-cli', 'docker-compose')
MAJOR = '28'
CACHE = 'docker-socket-protector-tests'
FETCH_LIMIT = 120       # seconds for one apt command


class Dockerd(dockerd.Dockerd):
    """dockerd.Dockerd with the daemon of folder() in front of PATH."""

    def __init__(self, must_own=True):
        self.folder = folder()
        super().__init__(must_own=True)

    def environment(self):
        path = ':'.join([self.folder + '/usr/sbin', self.folder + '/usr/bin',
                         os.environ['PATH']])
        return dict(os.environ, PATH=path)


def folder():
    """Where the daemon is unpacked; fetched now if need be."""
    return unpacked('/docker' + MAJOR, PACKAGES, '/usr/sbin/dockerd')


def clients():
    """The same of the docker command and its plugin."""
    return unpacked('/clients' + MAJOR, CLIENTS, '/usr/bin/docker')


def unpacked(name, packages, program):
    need_root()
    place = cache() + name
    if not os.access(place + program, os.X_OK):
        for tool in ('apt-get', 'dpkg', 'dpkg-deb'):
            need_tool(tool)
        fetch(place, packages)
    text = output([place + program, '--version'])
    if f'version {MAJOR}.' not in text:
        raise Skip(f'not Docker {MAJOR}: {text.strip()}')
    return place


def cache():
    base = os.environ.get('XDG_CACHE_HOME')
    if not base:
        base = '/var/cache' if os.access('/var/cache', os.W_OK) \
            else os.path.expanduser('~/.cache')
    return os.path.join(base, CACHE)


def fetch(place, packages):
    """Download and unpack.  The folder appears whole or not at all."""
    os.makedirs(cache(), exist_ok=True)
    work = tempfile.mkdtemp(prefix='fetch.', dir=cache())
    try:
        apt = with_lists(work)
        output(apt + ['update'])
        unpack(apt, packages, work, place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def unpack(apt, packages, work, place):
    output(apt + ['download', *packages], cwd=work)
    for package in glob.glob(work + '/*.deb'):
        output(['dpkg-deb', '-x', package, work + '/root'])
    shutil.rmtree(work + '/root/usr/share', ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)
    os.rename(work + '/root', place)


def with_lists(work):
    """apt-get with a source list, lists and archives below work."""
    for name in ('lists/partial', 'archives/partial', 'root'):
        os.makedirs(f'{work}/{name}')
    write(work + '/list', f'deb {mirror()} {SUITE} main\n')
    options = {'Dir::Etc::SourceList': work + '/list',
               'Dir::Etc::SourceParts': '-',
               'Dir::State::Lists': work + '/lists',
               'Dir::Cache': work,
               'APT::Sandbox::User': 'root',
               'Acquire::Languages': 'none',
               'Acquire::Retries': '1'}
    return ['apt-get', '-q', '-y'] + [
        word for name, value in options.items()
        for word in ('-o', f'{name}={value}')]


def mirror():
    """The Debian mirror of this machine's own sources."""
    text = output(['apt-get', 'indextargets', '--format',
                   '$(REPO_URI) $(ORIGIN) $(LABEL)', 'Created-By: Packages'])
    for line in text.splitlines():
        uri, origin_and_label = line.split(' ', 1)
        if origin_and_label == 'Debian Debian':
            return uri
    raise Skip('no Debian mirror among the sources of apt')


def output(command, **more):
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=FETCH_LIMIT, check=False,
            **more)
    except (OSError, subprocess.TimeoutExpired) as why:
        raise Skip(f'{command[0]}: {why}') from why
    text = done.stdout.decode('utf-8', 'replace')
    if done.returncode != 0:
        raise Skip(f'{command[0]} {command[-1]} failed: '
                     + ' '.join(text.split())[-200:])
    return text
