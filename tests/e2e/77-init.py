#!/usr/bin/python3 -B
"""Traditional init: the scripts of contrib/init, with their real tools."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

import harness as h
from wire import request

INIT = os.path.join(os.environ.get('srcdir') or '.', 'contrib/init')
NAME = 'docker-socket-protector'
PING = '(GET|HEAD) /_ping\n'
INSTALLED = '/usr/sbin/' + NAME


class Place:
    """A folder that stands for the folders of the system."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='dsp-init.')
        self.host = f'tcp://127.0.0.1:{h.free_port()}'
        self.write_conf(f'listen {self.host}\nprofile {self.dir}/rules\n'
                        'docker-socket /nonexistent/docker.sock\n')
        self.write_rules(PING)
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        """Whatever a failed test has left."""
        if self.process:
            h.end(self.process, 5)
        for pid in self.masters():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.dir)

    def write_conf(self, text):
        h.write(self.dir + '/conf', text)

    def write_rules(self, text):
        h.write(self.dir + '/rules', text)

    def install(self, source, target):
        """A script with our folders instead of the system's."""
        text = h.read(os.path.join(INIT, source))
        for old, new in (('/usr/sbin/$NAME', h.PROGRAM),
                         (INSTALLED, f'{h.PROGRAM} --config {self.dir}/conf'),
                         ('/run/', f'{self.dir}/run/'),
                         ('/var/log/', f'{self.dir}/log/'),
                         ('/etc/default/$NAME', self.dir + '/default')):
            text = text.replace(old, new)
        target = os.path.join(self.dir, target)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        h.write(target, text)
        os.chmod(target, 0o755)
        return target

    def masters(self):
        """Of the processes.  A child has its master's name for a moment."""
        found = self.processes()
        return [pid for pid in found
                if NAME.startswith(h.comm(pid) or '?')
                and parent_of(pid) not in found]

    def processes(self):
        """Those of the program that have our configuration."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                words = h.read(f'/proc/{pid}/cmdline').split('\0')
            except OSError:
                continue
            if self.dir + '/conf' in words and h.is_alive(pid):
                found.append(int(pid))
        return found

    def status(self, target='/_ping'):
        try:
            return request(self.host, 'GET', target).status
        except (OSError, EOFError):
            return None     # the end of one may come between

    def is_gone(self):
        h.until(lambda: not self.processes(), 'all processes end', 5)
        return self.status() is None


def sysv():
    """the SysV script"""
    h.need_root()
    with Place() as p:
        script = p.install(NAME + '.sysv', 'init.d/' + NAME)
        default = h.read(os.path.join(INIT, NAME + '.default'))
        h.write(p.dir + '/default', default + f'OPTIONS="--config '
                f'{p.dir}/conf --log-to syslog"\n')
        os.mkdir(p.dir + '/run')
        pid_file = f'{p.dir}/run/{NAME}.pid'

        def call(word, code, text):
            done = h.Done(subprocess.run(
                [script, word], env=h.clean_environment(),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=h.PATIENCE, check=False))
            h.check(done.code == code, f'{word}: exit code {code}, {text}',
                    done)
            return done

        call('nonsense', 2, 'a word that it does not know')
        call('status', 3, 'not running')
        call('reload', 7, 'not running')
        call('stop', 0, 'not running')
        call('start', 0, 'not running')
        h.same(p.status(), 502, 'it serves as soon as start is back')
        h.check(os.path.isdir(f'{p.dir}/run/{NAME}'),
                'there is a folder for sockets')
        first = int(h.read(pid_file))
        call('status', 0, 'running')
        call('start', 0, 'running')
        h.same(int(h.read(pid_file)), first, 'it is not started again')
        sysv_reload(p, call)
        call('restart', 0, 'running')
        second = int(h.read(pid_file))
        h.check(second != first and p.masters() == [second],
                'there is another one, and no more')
        call('try-restart', 0, 'running')
        call('stop', 0, 'running')
        h.check(p.is_gone(), 'nothing is left')
        h.check(not os.path.exists(pid_file), 'no pid file either')
        call('try-restart', 0, 'not running')
        h.same(p.masters(), [], 'which starts nothing')
        h.write(pid_file, f'{os.getpid()}\n')
        call('status', 1, 'the number is that of another process')
        call('stop', 0, 'the number is that of another process')
        p.write_conf('profle x\n')
        h.has(call('start', 6, 'wrong configuration').err, 'profle',
              'it says what is wrong')
        h.same(p.masters(), [], 'and starts nothing')


def sysv_reload(p, call):
    h.same(p.status('/version'), 403, 'before a reload')
    p.write_rules(PING + 'GET /version\n')
    call('reload', 0, 'running')
    h.until(lambda: p.status('/version') == 502, 'the new rules hold', 5)
    p.write_rules('GET (\n')
    done = call('force-reload', 6, 'wrong profile')
    h.has(done.err, p.dir + '/rules:1: ', 'it says which line')
    h.same((p.status('/version'), p.status('/x')), (502, 403),
           'the old rules hold')
    p.write_rules(PING)


def parent_of(pid):
    try:
        return int(h.fields(f'/proc/{pid}/status')['PPid'])
    except OSError:
        return None         # it has just ended


def tool(*words):
    return subprocess.run(words, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=h.PATIENCE,
                          check=False).stdout.decode()


def supervised(p, start, hup, is_down, output=None):
    """What both have in common: start, restart, reload, no loop."""
    p.process = subprocess.Popen(start, env=h.clean_environment(),
                                 stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=output)
    name = start[0]
    h.until(lambda: p.status() == 502, f'{name}: it serves', 10)
    h.check(True, f'{name}: it serves')
    [first] = p.masters()
    os.kill(first, signal.SIGKILL)
    h.until(lambda: p.status() == 502 and p.masters() != [first],
            f'{name}: it is started again', 10)
    h.check(True, f'{name}: a dead one is started again')
    p.write_rules(PING + 'GET /version\n')
    tool(*hup)
    h.until(lambda: p.status('/version') == 502, 'the new rules hold', 5)
    h.check(True, f'{name}: HUP reaches it')
    p.write_conf('profle x\n')
    os.kill(p.masters()[0], signal.SIGTERM)
    h.until(is_down, f'{name}: it stays down', 10)
    log = f'{p.dir}/log/{NAME}/current'
    h.until(lambda: os.path.exists(log) and 'profle' in h.read(log),
            'the log', 5)
    said = h.read(log).count('profle')
    time.sleep(1.5)
    h.same((p.masters(), h.read(log).count('profle') - said), ([], 0),
           f'{name}: exit code 2 is not tried again')


def ended(p, *down):
    tool(*down)
    h.same(p.process.wait(h.PATIENCE), 0, f'{down[0]}: it ends')
    p.process = None
    h.check(p.is_gone(), 'nothing is left')


def runit():
    """the runit scripts"""
    h.need_root()
    h.need_tool('runsv')
    with Place() as p:
        for script in 'run', 'finish', 'log/run':
            p.install('runit/' + script, 'sv/' + script)
        folder = p.dir + '/sv'
        supervised(p, ['runsv', folder], ['sv', 'hup', folder],
                   lambda: tool('sv', 'status', folder).startswith('down:'))
        ended(p, 'sv', 'exit', folder)


def s6():
    """the s6 scripts"""
    h.need_root()
    h.need_tool('s6-supervise')
    with Place() as p:
        for script in 'run', 'finish':
            p.install('s6/' + script, 's6/' + script)
        log = p.install('s6/log/run', 'log-run')
        folder = p.dir + '/s6'
        # A scanner would make this pipe.
        logger = subprocess.Popen([log], stdin=subprocess.PIPE)
        try:
            supervised(p, ['s6-supervise', folder],
                       ['s6-svc', '-h', folder],
                       lambda: tool('s6-svstat', '-u', folder) == 'false\n',
                       output=logger.stdin)
            ended(p, 's6-svc', '-x', folder)
            logger.stdin.close()
            h.same(logger.wait(h.PATIENCE), 0, 'the log ends with it')
        finally:
            logger.stdin.close()
            logger.kill()


h.main(lambda: h.each([sysv, runit, s6]), needs_docker=False)
