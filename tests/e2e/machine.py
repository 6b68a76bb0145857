"""The machine that a test runs on: tools, files, ports, processes."""

import os
import random
import shutil
import socket
import subprocess
import sys

from tap import PATIENCE, Skip
from wire import address

FIRST_PORT = 10000      # of those that tests listen on

# -- what it must have ---------------------------------------------------

def need_tool(tool):
    if not shutil.which(tool):
        raise Skip(f'no {tool} on this machine')


def need_root():
    if os.geteuid() != 0:
        raise Skip('root is needed')


def is_static(path):
    """True for a program that needs no dynamic linker."""
    if not os.path.exists(path):
        return False
    with open(path, 'rb') as f:
        return b'/ld-' not in f.read(4096)


def in_own_mounts():
    """Go on in a mount name space of our own."""
    if os.geteuid() == 0 and shutil.which('unshare') \
            and not os.environ.get('DSP_TEST_UNSHARED'):
        os.execvpe('unshare', ['unshare', '--mount', '--propagation',
                               'private', sys.executable, '-B', *sys.argv],
                   dict(os.environ, DSP_TEST_UNSHARED='1'))


# -- addresses -------------------------------------------------------------

def can_connect(host):
    family, where = address(host)
    with socket.socket(family) as s:
        s.settimeout(2)
        return s.connect_ex(where) == 0


def has_served(host):
    """Whether a connection that says nothing is taken and ended: a listener
    takes connections before anybody serves them."""
    family, where = address(host)
    with socket.socket(family) as s:
        s.settimeout(2)
        try:
            s.connect(where)
            s.shutdown(socket.SHUT_WR)
            while s.recv(4096):
                pass            # the reason why it is not let in
        except ConnectionResetError:
            pass
        except OSError:
            return False
        return True


def free_port():
    """Below those that the kernel gives to clients: one of them could have it
    by the time that the program listens."""
    clients = read('/proc/sys/net/ipv4/ip_local_port_range')
    end = max(int(clients.split()[0]), 2 * FIRST_PORT)
    while True:
        port = random.randrange(FIRST_PORT, end)
        with socket.socket() as s:
            if is_free(s, port):
                return port


def is_free(sock, port):
    try:
        sock.bind(('', port))
        return True
    except OSError:
        return False


# -- files -----------------------------------------------------------------

def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def write(path, text):
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)


def fields(path):
    """A file of "name: value" lines as a dictionary."""
    lines = (line.partition(':') for line in read(path).splitlines())
    return {name: value.strip() for name, _colon, value in lines}


def mounts_below(folder):
    for line in read('/proc/self/mounts').splitlines():
        path = line.split()[1]
        if path.startswith(folder + '/'):
            yield path


# -- processes ---------------------------------------------------------------

def end(process, seconds=PATIENCE):
    """Stop a child with TERM, then KILL; its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(seconds)


def is_alive(pid):
    """A zombie is not."""
    try:
        state = fields(f'/proc/{pid}/status')['State']
    except OSError:
        return False
    return state[0] != 'Z'


def children_of(pid):
    """pid -> real uid of a process's children."""
    found = {}
    for other in filter(str.isdigit, os.listdir('/proc')):
        try:
            status = fields(f'/proc/{other}/status')
        except OSError:
            continue
        if status['PPid'] == str(pid):
            found[int(other)] = int(status['Uid'].split()[0])
    return found


def descriptors(pid):
    """What the descriptors of a process are; nothing when it is gone."""
    folder = f'/proc/{pid}/fd'
    try:
        return [os.readlink(f'{folder}/{name}')
                for name in os.listdir(folder)]
    except OSError:
        return []


def comm(pid):
    """The name of a process; nothing when it is gone."""
    try:
        return read(f'/proc/{pid}/comm').strip()
    except OSError:
        return ''


def inner_pid(pid):
    """The number that a process has for itself, inside a container."""
    return int(fields(f'/proc/{pid}/status')['NSpid'].split()[-1])
