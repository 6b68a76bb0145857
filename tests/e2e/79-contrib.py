#!/usr/bin/python3 -B
"""What comes with the program: completion in real shells, the examples for
Docker Compose, the numbers of the version, the index of contrib."""

import glob
import os
import pty
import re
import select
import shlex
import subprocess
import tempfile
import time

import harness as h

SOURCE = os.path.abspath(os.environ.get('srcdir') or '.')
CONTRIB = SOURCE + '/contrib'
COMPLETION = os.path.abspath(os.environ.get('builddir')
                             or '.') + '/completion'
NAME = 'docker-socket-protector'


def run(*command, stdin='', env=None):
    return h.Done(subprocess.run(
        command, input=stdin.encode(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=h.PATIENCE, check=False,
        env=h.clean_environment(env)))


# -- completion --------------------------------------------------------------

def options():
    """The long options of --help."""
    found = set(re.findall(r'^ .*?(--[a-z-]+)', h.program('--help').out, re.M))
    h.expect(len(found) > 20, found)
    return found


def in_bash(*words):
    """What bash offers for the last of these words."""
    return set(run(
        'bash', '--norc', '-c', f'source "$0"; COMP_WORDS=("$@"); '
        'COMP_CWORD=$(($# - 1)); _docker_socket_protector; '
        r'printf "%s\n" "${COMPREPLY[@]}"', f'{COMPLETION}/{NAME}',
        NAME, *words).out.split())


def bash():
    """bash completes"""
    h.need_tool('bash')
    offered = {word for word in in_bash('') if word.startswith('--')}
    h.same(offered, options(), 'bash: the options of --help, and no other')
    for words, wanted in (
            (['--log-f'], {'--log-format'}),
            (['--log-format', ''], {'text', 'json'}),
            (['--log-level', '=', 'd'], {'debug'}),
            (['-l', ''], {'tcp://', 'unix://', 'fd://'}),
            (['--metrics', ''], {'tcp://', 'unix://'}),
            (['--user', 'nobod'], {'nobody'}),
            (['-e', 'G'], {'GET'}),
            (['--workers', ''], set()),
            (['-P', h.PROFILES, '--profile', 'portainer-ro'],
             {'portainer-ro', 'portainer-ro-whitelist'}),
            (['--learn', '--kee'], {'--keep'}),
            (['--config', '/etc/passw'], {'/etc/passwd'})):
        got = in_bash(*words)
        if words[0] == '--config':
            h.check(wanted <= got, 'bash: files', got)
        else:
            h.same(got, wanted, 'bash: ' + ' '.join(words))


def fish():
    """fish completes"""
    h.need_tool('fish')
    with tempfile.TemporaryDirectory(prefix='dsp-fish.') as home:
        def offered(line):
            done = run('fish', '--no-config', '-c',
                       f'source {shlex.quote(COMPLETION)}/{NAME}.fish; '
                       f'complete -C "{NAME} {line}"', env={'HOME': home})
            return {row.split('\t')[0] for row in done.out.splitlines()}
        h.same(offered('--'), options(),
               'fish: the options of --help, and no other')
        for line, wanted in (('--log-f', {'--log-format'}),
                             ('--log-format ', {'text', 'json'}),
                             ('--workers ', set()),
                             ('--sandbox k', {'kill'})):
            h.same(offered(line), wanted, f'fish: {line}')


class Zsh:
    """An interactive zsh."""

    def __init__(self, home):
        env = dict(h.clean_environment(), HOME=home, TERM='dumb', PS1='',
                   COLUMNS='500')
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execvpe('zsh', ['zsh', '-f', '-i'], env)
        self.pid = pid
        self.seen = b''

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def send(self, text, *wanted):
        """Type, and wait until all of these are seen behind it."""
        self.seen = b''
        os.write(self.fd, text.encode())
        end = time.monotonic() + h.PATIENCE
        while not all(word.encode() in self.seen for word in wanted):
            left = end - time.monotonic()
            if left < 0 or not select.select([self.fd], [], [], left)[0]:
                return False
            self.seen += os.read(self.fd, 65536)
        return True


def zsh():
    """zsh completes"""
    h.need_tool('zsh')
    h.same(run('zsh', '-n', f'{COMPLETION}/_{NAME}').err, '', 'zsh reads it')
    with tempfile.TemporaryDirectory(prefix='dsp-zsh.') as home, \
            Zsh(home) as z:
        z.send(f'fpath=({COMPLETION} $fpath); autoload -U compinit; '
               'compinit -u -D; unsetopt beep; LISTMAX=999; '
               'echo re""ady\n', 'ready')
        for typed, words in ((f'{NAME} --log-f\t', ['--log-format']),
                             (f'{NAME} --log-format j\t', ['json']),
                             (f'{NAME} --sandbox k\t', ['kill']),
                             (f'{NAME} --\t', options())):
            h.check(z.send(typed, *words), 'zsh: ' + typed.strip(), z.seen)
            z.send('\x15')      # away with the line


# -- examples ----------------------------------------------------------------

def listeners(text):
    """The lines for the configuration in the head of an example, without
    groups, which are not on this machine."""
    lines = re.findall(r'^#   listen (.*)$', text, re.M)
    return [re.sub(r',group=[^,]*', '', line) for line in lines]


def with_us(name, text, listener):
    """An example with a container of ours."""
    flags = re.findall(r'^      - (--.*)$', text, re.M)
    h.check(f'--listen={listener}' in flags, f'{name}: the same listener',
            flags)
    done = h.program('--config', '/dev/null', '--profile-dir', h.PROFILES,
                     '--test', *flags)
    names = re.findall(r'^client: container:([a-z]+), profile \1 ', done.out,
                       re.M)
    h.check(done.code == 0 and names, f'{name}: its flags are good', done)
    h.same(re.findall('^    container_name: ([a-z]+)$', text, re.M), names,
           f'{name}: the containers are those')
    h.check('    pid: host\n' in text, f'{name}: it sees whose they are')
    folder = os.path.dirname(listener.partition(',')[0][7:])
    h.same(re.findall('- filtered:([^:\n]+)', text)[0], folder,
           f'{name}: the folder is mounted')
    h.check(not re.search(r'- filtered:.*\.sock', text),
            f'{name}: and not the socket')


def examples():
    """the examples for Docker Compose"""
    h.need_tool('docker-compose')
    paths = sorted(glob.glob(CONTRIB + '/compose/*.yml'))
    h.check(len(paths) >= 10, 'there are ten of them', paths)
    for path in paths:
        name = os.path.basename(path)
        text = h.read(path)
        done = run('docker-compose', '-f', path, 'config',
                   env={'SOCKET_GID': '65531'})
        h.check(done.code == 0, f'{name}: docker-compose takes it', done)
        is_with_us = f'    image: {NAME}\n' in text
        h.same(done.out.count(':/var/run/docker.sock'), int(is_with_us),
               f'{name}: only we mount the Docker socket')
        h.check(is_with_us or '/run/docker.sock' not in done.out,
                f'{name}: nobody else does so', done.out)
        found = listeners(text)
        h.check(len(found) == 1 and 'profile=' in found[0],
                f'{name}: one listener with a profile', found)
        done = h.program('--config', '/dev/null', '--profile-dir', h.PROFILES,
                         '--test', '--listen', *found)
        h.check(done.code == 0, f'{name}: its listener is good', done)
        where = found[0].partition(',')[0]
        if is_with_us:
            with_us(name, text, found[0])
        elif where.startswith('unix://'):
            folder = os.path.dirname(where[7:])
            h.check(f'mkdir -p {folder}\n' in text
                    and f'source: {folder}\n' in text,
                    f'{name}: its folder is made, and mounted')
        profile = re.search('profile=([a-z-]+)', found[0]).group(1)
        is_root = 'HOST ROOT' in h.read(f'{h.PROFILES}/{profile}')
        h.check(not is_root or 'HOST ROOT' in text,
                f'{name}: says so when it gives the host away')


# -- packages ----------------------------------------------------------------

def versions():
    """one version everywhere"""
    version = re.search(r'AC_INIT\(\[.*?\], \[(.*?)\]',
                        h.read(SOURCE + '/configure.ac')).group(1)
    for path, pattern in (
            ('CHANGES', r'^(\d[\d.]*)\n-'),
            ('debian/changelog', r'^docker-socket-protector \((.*)-\d+\)'),
            (f'rpm/{NAME}.spec', r'^Version: +(.*)$'),
            (f'rpm/{NAME}.spec', r'^%changelog\n.* - (.*)-\d+$'),
            ('alpine/APKBUILD', '^pkgver=(.*)$'),
            ('arch/PKGBUILD', '^pkgver=(.*)$')):
        found = re.search(pattern, h.read(f'{CONTRIB}/{path}'), re.M)
        h.same(found and found.group(1), version, f'{path}: the version')
    h.has(h.program('--version').out, f'{NAME} {version}\n',
          '--version says the same')


def index():
    """contrib/README names all that is there"""
    text = h.read(CONTRIB + '/README')
    names = [name + '/' * os.path.isdir(f'{CONTRIB}/{name}')
             for name in os.listdir(CONTRIB)]
    h.check(len(names) > 5, 'there is something', names)
    missing = [name for name in names if name != 'README'
               and not re.search(f'\n    {name}[ \n]', text)]
    h.same(missing, [], h.title(index))


def body():
    h.each([bash, fish, zsh, examples, versions, index])


h.main(body, needs_docker=False)
