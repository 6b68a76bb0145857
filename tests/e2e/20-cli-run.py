#!/usr/bin/python3 -B
"""Running, attaching and executing: the docker command does the same
directly and through the proxy, and ends when it should."""

import os
import pty
import select
import subprocess
import time

import harness as h

RUN = ('run', '--rm', '--network', 'none')
LATE = 'cat; sleep 1; echo late'
RANDOM = os.urandom(8 << 20)


def run_stdin(host):
    """echo hi | docker run -i --rm IMAGE cat"""
    done = h.docker(host, *RUN, '-i', h.IMAGE, 'cat', stdin=b'hi\n')
    h.expect(done.out == 'hi\n', done)
    return done.code, done.out, done.err


def run_code(host):
    """run --rm passes output, errors and exit code 7 on"""
    done = h.docker(host, *RUN, h.IMAGE, 'sh', '-c',
                    'echo out; echo err >&2; exit 7')
    h.expect(done.code == 7, done)
    return done.code, done.out, done.err


def run_bad_command(host):
    """run of a command that is not there fails in dockerd's words"""
    done = h.docker(host, *RUN, h.IMAGE, 'no-such-command')
    h.expect(done.code == 127, done)
    return done.code, done.out, done.err


def run_half_close(host):
    """run -i: output that comes long after stdin's end arrives"""
    done = h.docker(host, *RUN, '-i', h.IMAGE, 'sh', '-c', LATE,
                    stdin=b'early\n')
    h.expect(done.out == 'early\nlate\n', done)
    return done.code, done.out, done.err


def run_large(host):
    """run -i cat: 8 MiB come back unchanged"""
    done = h.docker(host, *RUN, '-i', h.IMAGE, 'cat', stdin=RANDOM)
    h.expect(done.raw == RANDOM, len(done.raw), done.err)
    return done.code


def run_detached(host):
    """run -d, logs, stop -t 0, start, restart, rm"""
    name = h.run_container(host, 'sh', '-c', 'echo ran; exec sleep 1000')
    h.docker_ok(host, 'stop', '-t', '0', name)
    stopped = state(host, name)
    h.docker_ok(host, 'start', name)
    started = state(host, name)
    h.docker_ok(host, 'restart', '-t', '0', name)
    h.until(lambda: h.docker_ok(host, 'logs', name).count('ran') == 3,
            'three runs in the log')
    h.remove(host, name)
    gone = h.docker(host, 'inspect', name)
    h.expect((stopped, started) == ('exited', 'running'), stopped, started)
    return stopped, started, gone.code


def state(host, name):
    return h.docker_ok(host, 'inspect', '-f', '{{.State.Status}}', name)


def start_attached(host):
    """create, start -ai with stdin, exit code 5"""
    name = h.docker_ok(host, 'create', '-i', '--network', 'none', h.IMAGE,
                       'sh', '-c', 'cat; exit 5')
    done = h.docker(host, 'start', '-ai', name, stdin=b'to start\n')
    h.remove(host, name)
    h.expect(done.out == 'to start\n', done)
    return done.code, done.out, done.err


def attach(host):
    """attach: output of a running container, stdin, exit code"""
    name = h.run_container(host, 'sh', '-c', 'read x; echo got $x; exit 3',
                           options=('-i',))
    with h.Client(host, 'attach', name, stdin=subprocess.PIPE) as c:
        c.process.stdin.write(b'word\n')
        c.process.stdin.flush()
        code = c.wait()
        h.remove(host, name)
        h.expect(c.out() == 'got word\n', c.out())
        return code, c.out()


def attach_silent(host):
    """attach without stdin ends with the container"""
    name = h.sleeper(host)
    with h.Client(host, 'attach', '--no-stdin', name) as c:
        time.sleep(0.5)
        h.expect(c.process.poll() is None, 'attach ended at once', c.out())
        h.docker_ok(host, 'kill', name)
        code = c.wait(5)
        h.remove(host, name)
        return code, c.out()


def with_container(text):
    """Give a case a running container, made and removed on that host."""
    def wrap(function):
        def case(host):
            name = h.sleeper(host)
            try:
                return function(host, name)
            finally:
                h.docker(host, 'rm', '-f', name)
        case.__doc__ = text
        return case
    return wrap


@with_container('exec without stdin: output, errors, exit code 7')
def exec_plain(host, name):
    done = h.docker(host, 'exec', name, 'sh', '-c',
                    'echo out; echo err >&2; exit 7')
    h.expect(done.code == 7 and done.out == 'out\n', done)
    return done.code, done.out, done.err


@with_container('exec without stdin: output after 1 s')
def exec_late(host, name):
    done = h.docker(host, 'exec', name, 'sh', '-c', 'sleep 1; echo late')
    h.expect(done.out == 'late\n', done)
    return done.code, done.out, done.err


@with_container('exec -i: stdin, half-close, late output')
def exec_stdin(host, name):
    done = h.docker(host, 'exec', '-i', name, 'sh', '-c', LATE,
                    stdin=b'early\n')
    h.expect(done.out == 'early\nlate\n', done)
    return done.code, done.out, done.err


@with_container('exec -i cat: 8 MiB come back unchanged')
def exec_large(host, name):
    done = h.docker(host, 'exec', '-i', name, 'cat', stdin=RANDOM)
    h.expect(done.raw == RANDOM, len(done.raw), done.err)
    return done.code


@with_container('exec -i: the command ends before stdin is read')
def exec_early_end(host, name):
    done = h.docker(host, 'exec', '-i', name, 'sh', '-c', 'exit 4',
                    stdin=RANDOM)
    h.expect(done.code == 4, done.code, done.err)
    return done.code


@with_container('exec -d')
def exec_detached(host, name):
    done = h.docker(host, 'exec', '-d', name, 'touch', '/made')
    h.until(lambda: h.docker(host, 'exec', name, 'ls', '/made').code == 0,
            'the file is made')
    return done.code, done.out, done.err


@with_container('exec -it on a terminal: echo, size, exit code 7')
def exec_terminal(host, name):
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ['docker', '-H', host, 'exec', '-it', name, 'sh'], stdin=slave,
        stdout=slave, stderr=slave, env=h.docker_environment(),
        start_new_session=True)
    os.close(slave)
    try:
        text = read_until(master, b'# ')
        os.write(master, b'echo 4$((1+1)); tty\r')
        text += read_until(master, b'/dev/pts/0')
        os.write(master, b'exit 7\r')
        code = process.wait(h.PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    h.expect(b'42\r\n' in text, text)
    return code


def read_until(fd, part):
    text = b''
    while part not in text:
        ready, _write, _error = select.select([fd], [], [], h.PATIENCE)
        h.expect(ready, 'nothing more after', text)
        text += os.read(fd, 4096)
    return text


@with_container('exec in a container that is not running')
def exec_stopped(host, name):
    h.docker_ok(host, 'kill', name)
    done = h.docker(host, 'exec', name, 'true')
    h.expect(done.code == 1 and 'not running' in done.err, done)
    return done.code, done.out, done.err.replace(name, 'ID')


@with_container('wait ends when the container is killed, with its code')
def wait(host, name):
    with h.Client(host, 'wait', name) as c:
        time.sleep(0.5)
        h.expect(c.process.poll() is None, 'wait ended at once', c.out())
        h.docker_ok(host, 'kill', name)
        code = c.wait(5)
        h.expect(c.out() == '137\n', c.out())
        return code, c.out()


@with_container('rename, pause, unpause, kill -s, update, rm')
def small_calls(host, name):
    told = []
    for args in (('rename', name, 'dsp-new-name'),
                 ('pause', 'dsp-new-name'), ('unpause', 'dsp-new-name'),
                 ('update', '--restart', 'no', 'dsp-new-name'),
                 ('kill', '-s', 'KILL', 'dsp-new-name'),
                 ('rm', 'dsp-new-name')):
        done = h.docker(host, *args)
        told.append((args[0], done.code, done.out.replace(name, 'ID'),
                     done.err))
        h.expect(done.code == 0, args, done)
    return told


@with_container('commit')
def commit(host, name):
    h.docker_ok(host, 'exec', name, 'sh', '-c', 'echo kept > /kept')
    image = h.docker_ok(host, 'commit', '-m', 'a message', name,
                        'dsp-e2e-commit')
    done = h.docker(host, *RUN, 'dsp-e2e-commit', 'cat', '/kept')
    h.docker_ok(host, 'rmi', 'dsp-e2e-commit')
    h.expect(image.startswith('sha256:') and done.out == 'kept\n', done)
    return done.code, done.out


def prune(host):
    """container prune"""
    name = h.run_container(host, 'true')
    h.docker_ok(host, 'wait', name)
    done = h.docker(host, 'container', 'prune', '-f', '--filter',
                    'label=' + h.LABEL)
    h.expect(name in done.out, done)
    return done.code, done.out.replace(name, 'ID')


def objects(host):
    """network and volume create, rm, prune"""
    made = h.docker_ok(host, 'volume', 'create', 'dsp-e2e-volume')
    wrong = h.docker(host, 'volume', 'create', 'dsp/x')
    h.docker_ok(host, 'volume', 'rm', 'dsp-e2e-volume')
    pruned = h.docker(host, 'network', 'prune', '-f', '--filter',
                      'label=' + h.LABEL)
    return made, wrong.code, wrong.err, pruned.code, pruned.out


def body():
    with h.Dockerd() as d, h.Proxy(d.socket) as p:
        h.compare(d.host, p.host, [
            run_stdin, run_code, run_bad_command, run_half_close, run_large,
            run_detached, start_attached, attach, attach_silent, exec_plain,
            exec_late, exec_stdin, exec_large, exec_early_end,
            exec_detached, exec_terminal, exec_stopped, wait, small_calls,
            commit, prune, objects])


h.main(body)
