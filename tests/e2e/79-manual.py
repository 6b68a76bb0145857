#!/usr/bin/python3 -B
"""The examples of the manual pages, run as they stand there: every command,
every configuration, every rule of a profile."""

import glob
import os
import re
import shutil
import subprocess
import tempfile

import harness as h

MANUALS = (os.environ.get('srcdir') or '.') + '/man/'
NAME = 'docker-socket-protector'
ESCAPES = {r'\e': '\\', r'\(ha': '^', r'\(dq': '"', r'\(ti': '~',
           r'\(ga': '`', r'\&': '', r'\ ': ' ', r'\-': '-'}
COMMAND = re.compile(r'([A-Z]+=\S* )*(docker|docker-socket-protector)( |$)')
RULE = re.compile(r'(\(?[A-Z|]+\)? +/|include |define )')
ONCE = ('--test', '-e', '--explain', '--learn', '--status', '--healthcheck')
ASKS = {'--status', '--healthcheck'}    # an instance
ADDRESS = '172.18.0.1'          # the examples' network, here on lo
MINE = ('include ping\ninclude classes\nGET /{V}containers/json{QUERY}\n'
        'GET /{V}containers/{ID}/json\n')
# Configurations and rules that are shown as somebody else's, or as wrong.
OTHERS = re.compile(r'-allow|.*%[A-Z_]+%|[A-Z_]+=[01]|GET\|HEAD ')


# -- the pages ------------------------------------------------------------

def plain(text):
    """A line of mdoc as it is printed."""
    return re.sub(r'\\(\(..|.)', lambda m: ESCAPES[m.group()], text)


def examples(page):
    """(section, lines) of each: a .Dl, or all of a literal .Bd."""
    section, block = '', None
    for line in h.read(MANUALS + page).splitlines():
        if block is not None and line == '.Ed':
            yield section, block
            block = None
        elif block is not None:
            block.append(plain(line))
        elif line.startswith('.Bd -literal'):
            block = []
        elif line.startswith('.Sh '):
            section = line[4:]
        elif line.startswith('.Dl '):
            yield section, [plain(line[4:])]


def commands(lines):
    """Commands of an example, without the prompt; long ones are continued."""
    text = '\n'.join(lines).replace('\\\n', '')
    for line in text.splitlines():
        line = re.sub(r'^[#$] ', '', line)
        if COMMAND.match(line):
            yield line


# -- a machine ------------------------------------------------------------

class Machine:
    """A shell with a network, users and a /run of its own."""

    def __init__(self, docker_socket):
        self.dir = tempfile.mkdtemp(prefix='dsp-manual.', dir='/tmp')
        os.chmod(self.dir, 0o755)
        os.mkdir(self.dir + '/bin')
        os.symlink(h.PROGRAM, f'{self.dir}/bin/{NAME}')
        h.write(self.dir + '/mine', MINE)
        for name in 'passwd', 'group':
            text = ''.join(f'{user}:x:{number}:{number}::/:/bin/false\n'
                           if name == 'passwd' else f'{user}:x:{number}:\n'
                           for user, number in (('traefik', 7001),
                                                ('diun', 7002)))
            h.write(f'{self.dir}/{name}', h.read('/etc/' + name) + text)
        env = h.clean_environment({
            'DSP_DOCKER_SOCKET': docker_socket, 'DSP_PROFILE_DIR': h.PROFILES,
            'PATH': f'{self.dir}/bin:{os.environ["PATH"]}'})
        self.shell = subprocess.Popen(
            ['unshare', '--net', '--mount', 'sh'], cwd=self.dir, env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding='utf-8')
        self.server = None
        self.served = ''

    def __enter__(self):
        for line in ('mount -t tmpfs none /run', 'mkdir /run/dsp',
                     'mount --bind passwd /etc/passwd',
                     'mount --bind group /etc/group', 'ip link set lo up',
                     f'ip address add {ADDRESS}/16 dev lo'):
            code, out = self.run(line)
            h.expect(code == 0, line, out)
        return self

    def __exit__(self, *_why):
        self.stop()
        self.shell.stdin.close()
        h.end(self.shell)
        self.shell.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def run(self, line):
        """Exit status and what is printed."""
        self.shell.stdin.write(line + ' </dev/null\necho "== $?"\n')
        self.shell.stdin.flush()
        out = ''
        for got in self.shell.stdout:
            if got.startswith('== '):
                return int(got[3:]), out
            out += got
        raise EOFError('the shell has ended')

    def serve(self, line, hosts=None):
        """Start a daemon; what is wrong with it, or nothing."""
        self.stop()
        hosts = hosts or re.findall(r'-l (\S+?)(?:,| |$)', line) or \
            ['tcp://localhost:2375']
        _code, pid = self.run(f': >errors; {line} 2>>errors & echo $!; true')
        self.server, self.served = int(pid), line
        try:
            h.until(lambda: self.log().count('info protection') == 1,
                    'its start')
        except Exception:
            return self.log()
        return ''.join(self.ask(host) for host in hosts)

    def ask(self, host):
        """A client that finds it there; its profile may be the smallest."""
        host = re.sub(r'//(0\.0\.0\.0|\*):', f'//{ADDRESS}:', host)
        code, out = self.run(f'docker -H {host} version')
        is_good = code == 0 or 'denied by profile ping: GET' in out
        return '' if is_good else out + self.log()

    def log(self):
        return h.read(self.dir + '/errors')

    def stop(self):
        if self.server:
            code, _out = self.run(f'kill {self.server}; wait {self.server}')
            h.same(code, 0, f'ends with 0: {self.served}')
        self.server = None


# -- the cases ------------------------------------------------------------

def is_once(line):
    return any(word in ONCE for word in line.split())


def try_once(m, line):
    """A command that ends by itself; what is wrong, or nothing."""
    words = line.split()
    # What would have been made before.
    if ASKS & set(words) and not m.server:
        h.expect(not m.serve(f'{NAME} --profile readonly'), 'for', line)
    for name in 'log', 'requests':
        if name in words and not os.path.exists(f'{m.dir}/{name}'):
            m.serve(f'{NAME} -p unprotected --log-requests >{name}')
            m.stop()
    code, out = m.run(line)
    if '--log' not in words and ('-e' in words or '--explain' in words):
        is_good = out.startswith('deny ' if code else 'allow ')
    else:
        is_good = code == 0
    if is_good and '>' in line:
        file = line.rpartition('>')[2].strip()
        code, out = m.run(f'{NAME} -p ./{file} --test')
        is_good = code == 0 and 'error' not in out
    return '' if is_good else f'{code}: {out}'


def try_client(m, line):
    if not m.server:
        h.expect(not m.serve(f'{NAME} --profile readonly'), 'for', line)
    code, out = m.run(line)
    return '' if code == 0 else out


def all_commands(docker_socket):
    """commands"""
    count = 0
    for path in sorted(glob.glob(MANUALS + '*.[1-8]')):
        page = os.path.basename(path)
        with Machine(docker_socket) as m:
            for _section, lines in examples(page):
                for line in commands(lines):
                    act = try_once if is_once(line) else \
                        try_client if line.startswith('docker ') else \
                        lambda m, line: m.serve(line)
                    wrong = act(m, line)
                    h.check(not wrong, f'{page}: {line}', wrong)
                    count += 1
    h.check(count >= 20, 'that many commands', count)


def verdicts(docker_socket):
    """what the examples of --explain say"""
    with Machine(docker_socket) as m:
        got = [m.run(line)[1].split()[0]
               for section, lines in examples(f'{NAME}.8')
               if section == 'EXAMPLES'
               for line in commands(lines) if ' -e ' in line]
    h.same(got, ['allow', 'deny'], 'a list is allowed, a new container is not')


def configuration(docker_socket):
    """configuration files; sockets that are passed are 76-service.py's"""
    found = [[line for line in lines if not line.startswith('listen fd:')]
             for section, lines in examples(f'{NAME}.conf.5')
             if section == 'EXAMPLES']
    h.check(len(found) >= 2, 'there are some', found)
    for lines in found:
        hosts = re.findall(r'^listen ([^,]+),', '\n'.join(lines), re.M)
        with Machine(docker_socket) as m:
            h.write(m.dir + '/conf', '\n'.join(lines) + '\n')
            wrong = m.serve(f'{NAME} -c conf --log-level info', hosts)
            h.check(hosts and not wrong, f'{NAME}.conf.5: {lines[0]}', wrong)


def rules(_docker_socket):
    """rules: each example is a profile without mistakes and warnings"""
    count = 0
    with tempfile.TemporaryDirectory(prefix='dsp-manual.') as folder:
        for path in sorted(glob.glob(MANUALS + '*.[1-8]')):
            page = os.path.basename(path)
            for section, lines in examples(page):
                ours = [line for line in lines if RULE.match(line) and
                        not OTHERS.match(line)]
                if section == 'CAVEATS' or not ours:
                    continue
                count += 1
                h.write(folder + '/it', ''.join(
                    line + '\n' for line in ['include classes', *ours]))
                done = h.program('-P', h.PROFILES, '-p', folder + '/it',
                                 '--test')
                h.check(done.code == 0 and 'warning' not in done.out +
                        done.err, f'{page}: {ours[0]}', done)
    h.check(count >= 25, 'that many examples of rules', count)


def body():
    for tool in 'unshare', 'ip':
        h.need_tool(tool)
    h.need_root()
    with h.Dockerd() as d:
        h.each([all_commands, verdicts, configuration, rules], d.socket)


h.main(body)
