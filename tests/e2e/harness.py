"""What the end-to-end tests share.

A test talks to a real Docker daemon through the real program.  The daemon
is started in a temporary folder (root and dockerd needed), or is the one
that DOCKER_TEST_SOCKET names.  Results go to standard output as TAP.

DSP_PROGRAM   the program under test; else docker-socket-protector in
              $builddir or here
DSP_PROFILES  the folder of profiles; else profiles in $srcdir or here
DSP_SANDBOX   is passed on to the program: the whole suite runs under it

worlds.py has more variables, for another dockerd and for the program in a
container.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

import contain
import daemon28
import dockerd
import worlds
# Tests say h.check and h.docker: what other files have is passed on.
from client import (IMAGE, LABEL, Client, Done, docker, docker_environment,
                    docker_ok, remove, run_container, sleeper)
from dockerd import BUSYBOX
from machine import (can_connect, children_of, comm, descriptors, end, fields,
                     free_port, has_served, in_own_mounts, inner_pid,
                     is_alive, is_static, need_root, need_tool, read, write)
from tap import (PATIENCE, Skip, check, compare, each, expect, has, left_out,
                 note, same, score, skip, title, until)

FILE_LIMIT = 240        # seconds that a whole test file may take
TROUBLE = ('AddressSanitizer', 'LeakSanitizer', 'runtime error:',
           ' bug ', 'impossible')

Dockerd = daemon28.Dockerd if worlds.DOCKERD == '28' else dockerd.Dockerd


# -- running a test file ------------------------------------------------

def main(body, needs_docker=True):
    """Run a test file."""
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGALRM, interrupted)
    signal.alarm(FILE_LIMIT)
    look_around(os.path.basename(sys.argv[0]))
    try:
        if needs_docker or worlds.CONTAINER:
            need_docker()
        if needs_docker or not worlds.CONTAINER:
            body()
        else:
            with Dockerd():     # for the container of the program
                body()
    except Skip as why:
        if score.count == 0:
            print(f'1..0 # SKIP {why}')
            sys.exit(0)
        skip('the rest', why)
    except BaseException:
        check(False, 'runs to its end', traceback.format_exc())
    unmet = sorted(set(left_out.reasons) - left_out.met)
    if unmet and not score.failed:
        check(False, 'worlds.py names cases that there are', unmet)
    print(f'1..{score.count}', flush=True)
    sys.exit(1 if score.failed else 0)


def look_around(name):
    """End here when this test cannot run, or is not to run in this world."""
    wrong = worlds.wrong()
    if not os.access(PROGRAM, os.X_OK):
        wrong = f'{PROGRAM} is not there: build it, or set DSP_PROGRAM'
    elif worlds.CONTAINER and not is_static(PROGRAM):
        wrong = f'{PROGRAM} is not static: configure --enable-static'
    if wrong:
        print(f'Bail out! {wrong}')
        sys.exit(99)
    why = worlds.left_out(name)
    if isinstance(why, str):
        print(f'1..0 # SKIP {why}')
        sys.exit(0)
    left_out.reasons = why


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
           if name == 'DSP_SANDBOX' or not name.startswith('DSP_')
           and name not in ('PROFILE', 'LOG_REQUESTS', 'SOCKET_PATH')}
    env.update(extra or {})
    return env


def passed_on(extra=None):
    """What of this the program must be given in a container."""
    env = dict(extra or {})
    if 'DSP_SANDBOX' in os.environ:
        env.setdefault('DSP_SANDBOX', os.environ['DSP_SANDBOX'])
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
        os.chmod(self.dir, 0o755)
        self.listen = listen or [f'tcp://127.0.0.1:{free_port()}']
        self.hosts = [host_of(text) for text in self.listen]
        self.host = self.hosts[0]
        self.rules_path = self.dir + '/rules'
        self.conf_path = self.dir + '/conf'
        self.env = env
        self.max_files = None   # limit of descriptors, when there is one
        self.sees_host = False  # a container has the machine's processes
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
        if worlds.CONTAINER:
            self.process = self.start_contained()
        else:
            self.process = self.start_here()
        try:
            for host in self.hosts:
                until(lambda: self.serves(host), f'{host} serves')
        except BaseException:
            self.stop()
            shutil.rmtree(self.dir, ignore_errors=True)
            raise

    def start_here(self):
        before = ['prlimit', f'--nofile={self.max_files}:{self.max_files}',
                  '--'] if self.max_files else []
        with open(self.dir + '/out', 'ab') as out, \
                open(self.dir + '/err', 'ab') as err:
            return subprocess.Popen(
                before + self.command, env=clean_environment(self.env),
                stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def start_contained(self):
        """The same, in a container; the shipped profiles are found without
        being told where."""
        d = Dockerd.running
        expect(self.command[0] == PROGRAM, self.command)
        args = self.command[1:]
        if '--profile-dir' in args:
            at = args.index('--profile-dir')
            del args[at:at + 2]
        rooms = {os.path.dirname(word[7:]) for word in self.hosts + args
                 if word.startswith('unix:///')}
        expect(d.dir not in rooms, 'a socket for a container is in room')
        upstream = os.path.dirname(args[args.index('--docker-socket') + 1])
        if upstream != d.dir and os.path.isdir(upstream):
            rooms.add(upstream)         # of a stand-in
        user = contain.socket_user(d) if worlds.CONTAINER == 'user' else None
        return contain.start(
            d, PROGRAM, args, user=user, mounts=[self.dir + ':ro', *rooms],
            env=passed_on(self.env), folder=self.dir, profiles=PROFILES,
            max_files=self.max_files, sees_host=self.sees_host)

    def give_to(self, user):
        """All that it needs is this user's: copies, for the folders of the
        build may be closed to others."""
        for path in PROGRAM, PROFILES:
            copy = f'{self.dir}/{os.path.basename(path)}'
            if os.path.isdir(path):
                shutil.copytree(path, copy)
            else:
                shutil.copy(path, copy)
            self.command = [copy if word == path else word
                            for word in self.command]
        os.chmod(self.dir, 0o755)
        os.chown(self.dir, user, user)

    def serves(self, host):
        if self.process.poll() is not None:
            raise RuntimeError(f'the proxy ended with '
                               f'{self.process.returncode}: {self.err()}')
        return has_served(host)

    def stop(self):
        """TERM, and its exit code."""
        code = end(self.process)
        self.process = None
        return code

    def write_rules(self, text):
        write(self.rules_path, text)

    def write_conf(self, text):
        write(self.conf_path, text)

    def status(self, *args):
        """--status, in the container where there is one."""
        return self.ask('--status', *(args or ('--listen', self.listen[0])))

    def health(self):
        """--healthcheck; in a container without any argument, as dockerd
        runs it."""
        if worlds.CONTAINER:
            return self.ask('--healthcheck')
        return self.ask('--healthcheck', '--listen', self.listen[0])

    def ask(self, *args):
        if worlds.CONTAINER:
            return docker(self.process.host, 'exec', self.process.id,
                          contain.PROGRAM_IN_IMAGE, *args)
        return program('--config', self.conf_path, *args)

    def without(self, *flags):
        """Leave flags with their values out of the command."""
        for flag in flags:
            while flag in self.command:
                at = self.command.index(flag)
                del self.command[at:at + 2]

    def out(self):
        return self.settled('/out')

    def err(self):
        return self.settled('/err')

    def settled(self, name):
        """The text of a file that lines may come to by way of dockerd."""
        if self.process and worlds.CONTAINER:
            self.process.settle()
        return read(self.dir + name)

    def wait_err(self, text, seconds=5):
        """The log from the line on that has text in it."""
        until(lambda: text in self.err(), f'{text!r} in the log', seconds)
        return self.err()[self.err().index(text):]

    def children(self):
        """pid -> real uid of the master's children."""
        return children_of(self.process.pid)

    def wait_confined(self, name='NoNewPrivs', value='1'):
        """Until all children have given up what they give up, by a field
        of their status: a listener accepts before that."""
        def are_confined():
            try:
                found = [fields(f'/proc/{pid}/status')[name]
                         for pid in self.children()]
            except OSError:
                return False            # one has just ended
            return len(found) > 1 and set(found) == {value}
        until(are_confined, 'the children are confined', 5)

    def named(self, name):
        """Of these, the ones of that kind.  (In a container all may have the
        same uid.)"""
        return [pid for pid in self.children() if comm(pid) == name]

    def gates(self):
        return self.named('dsp-gate')

    def workers(self):
        return self.named('dsp-worker')

    def parks(self):
        return self.named('dsp-park')


def host_of(listen):
    """What a client must be told for a --listen text."""
    return listen.partition(',')[0].replace('tcp://*', 'tcp://127.0.0.1')
