"""Honest clients of a soak.  Each asks with a marker that nobody else has
and looks for it in what it gets."""

import http.client
import io
import tarfile
import time
import urllib.parse

import client
import harness as h
from soak_book import (Asker, Foreign, Seen, expect_own, expect_status,
                       parsed)
from wire import Wire, request

try:
    import docker
except ImportError:
    docker = None

KEEP = 'dsp-soak-keep'  # a container that runs all the time
MARK = 'dsp-soak-mark'  # containers that never run: one for each client
PIPELINED = 3
PIECE = 700             # bytes of a chunk of an upload
IDLE = 1.3              # seconds: longer than a connection to dockerd is kept
WORD = 'soak-talk'      # what KEEP says
MARKS = 'word'          # what commands say begins with that
# How the error of a dockerd ends that stops while it starts a command: it
# comes as the command's output.  (Without the proxy, 12 clients at once got
# it seven times in 20 restarts.)
STOPPED = b': unavailable\r\n'


def filters(**values):
    text = '{%s}' % ','.join(f'"{name}":["{value}"]'
                             for name, value in values.items())
    return urllib.parse.quote(text, safe='')


def tar_of(name, data):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode='w') as tar:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return made.getvalue()


def member_of(data):
    """The content of a tar's only file."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return tar.extractfile(tar.getmembers()[0]).read()
    except (tarfile.TarError, IndexError, AttributeError) as why:
        raise Foreign(f'no tar: {data[:200]!r}') from why


def expect_part(got, want, what):
    """Cut off: that may be.  Another's: never."""
    if got.endswith(STOPPED) and MARKS.encode() not in got:
        raise ValueError(f'dockerd stops: {got[:200]!r}')
    if not want.startswith(got):
        raise Foreign(f'{what}: {got[:200]!r}, not {want!r}')


def prepare(d, names):
    """A container that runs, and one with a marker for each client."""
    h.run_container(d.host, 'sh', '-c',
                    f'while sleep 0.2; do echo {WORD}; done',
                    options=('--name', KEEP))
    for name in names:
        h.docker_ok(d.host, 'create', '--name', f'{MARK}-{name}',
                    '--network', 'none', '--label', f'soak={name}', h.IMAGE,
                    'true')
        answer = request(d.host, 'PUT', f'/containers/{MARK}-{name}/archive'
                         '?path=/', tar_of('marker', name.encode()))
        h.expect(answer.status == 200, answer)


# -- raw connections ---------------------------------------------------------

class Raw:
    """Many requests on one connection, some of them at once."""

    def __init__(self, host, book, name):
        self.host, self.book, self.name = host, book, name
        self.own = f'{MARK}-{name}'
        self.number = 0
        self.ways = [self.nobody] * 4 + [self.listed, self.inspected] * 2 + \
            [self.ping, self.marker]

    def __call__(self, chance):
        with Asker(self.host, self.book) as asker:
            for _turn in range(chance.randint(1, 40)):
                way = chance.choice(self.ways)
                self.number += 1
                self.book.call('raw', way.__name__, way, asker)
                # Now and then longer than the gate keeps its connection.
                time.sleep(IDLE if chance.random() < 0.01
                           else chance.uniform(0, 0.04))

    def nobody(self, asker):
        names = [f'dsp-nobody-{self.name}-{self.number}-{number}'
                 for number in range(1 + self.number % PIPELINED)]
        answers = asker.ask('GET', *[f'/containers/{name}/json'
                                     for name in names])
        for name, answer in zip(names, answers):
            expect_status(answer, 404)
            expect_own(parsed(answer)['message'],
                       'No such container: ' + name, 'nobody')

    def listed(self, asker):
        answer, = asker.ask('GET', '/containers/json?all=1&filters='
                            + filters(label=f'soak={self.name}'))
        expect_status(answer, 200)
        expect_own([each['Names'] for each in parsed(answer)],
                   [['/' + self.own]], 'listed')

    def inspected(self, asker):
        answer, = asker.ask('GET', f'/containers/{self.own}/json')
        expect_status(answer, 200)
        expect_own(parsed(answer)['Name'], '/' + self.own, 'inspected')

    def ping(self, asker):
        answer, = asker.ask('HEAD', '/_ping')
        expect_status(answer, 200)
        expect_own(answer.body, b'', 'HEAD')

    def marker(self, asker):
        answer, = asker.ask('GET', f'/containers/{self.own}/archive'
                            '?path=/marker')
        expect_status(answer, 200)
        expect_own(member_of(answer.body), self.name.encode(), 'marker')


class Upload:
    """Files to a container and back."""

    def __init__(self, host, book, name):
        self.host, self.book = host, book
        self.target = f'/containers/{MARK}-{name}/archive?path=/'

    def __call__(self, chance):
        data = chance.randbytes(chance.randint(1, 300000))
        is_chunked = chance.random() < 0.5
        done = self.book.call('raw', 'upload', self.put,
                              tar_of('upload', data), is_chunked)
        if done:
            self.book.call('raw', 'download', self.get, data)

    def put(self, body, is_chunked):
        with Wire(self.host, h.PATIENCE) as wire:
            if is_chunked:
                wire.send(f'PUT {self.target} HTTP/1.1\r\nHost: docker\r\n'
                          'Content-Type: application/x-tar\r\n'
                          'Transfer-Encoding: chunked\r\n\r\n'.encode())
                wire.send(chunked(body))
            else:
                wire.ask('PUT', self.target, body,
                         'Content-Type: application/x-tar')
            answer = wire.answer()
        expect_status(answer, 200)
        return True

    def get(self, data):
        answer = request(self.host, 'GET', self.target + 'upload',
                         timeout=h.PATIENCE)
        expect_status(answer, 200)
        expect_own(member_of(answer.body), data, 'upload')


def chunked(body):
    parts = [body[at:at + PIECE] for at in range(0, len(body), PIECE)]
    return b''.join(b'%x\r\n%s\r\n' % (len(part), part)
                    for part in [*parts, b''])


class Events:
    """A stream that is held open, and must tell of its own containers."""

    def __init__(self, host, book, name):
        self.host, self.book, self.name = host, book, name
        self.wire = None
        self.number = 0
        self.good_at = None     # when the stream was last known to be good

    def __call__(self, _chance):
        if not self.wire:
            self.wire = self.book.call('stream', 'events', self.open)
            self.good_at = time.monotonic()
        if not self.wire:
            return
        self.number += 1
        own = f'{MARK}-{self.name}-{self.number}'
        if self.book.call('raw', 'create', self.create, own) and \
                not self.book.call('stream', 'event', self.hear, own,
                                   began=self.good_at):
            self.leave()
        self.good_at = time.monotonic()
        self.book.call('raw', 'delete', self.delete, own)

    def leave(self):
        if self.wire:
            self.wire.close()
        self.wire = None

    def open(self):
        wire = Seen(self.host, h.PATIENCE)
        try:
            wire.ask('GET', '/events?filters=' + filters(
                label=f'soak={self.name}', event='create'))
            expect_status(wire.head(), 200)
        except BaseException:
            wire.close()
            raise
        return wire

    def create(self, own):
        answer = request(
            self.host, 'POST', f'/containers/create?name={own}',
            b'{"Image": "%s", "Cmd": ["true"], "Labels": {"soak": "%s"}}'
            % (h.IMAGE.encode(), self.name.encode()), timeout=h.PATIENCE)
        expect_status(answer, 201)
        return True

    def hear(self, own):
        chunk = self.wire.chunk()
        h.expect(chunk, 'the stream has ended')
        # One of an earlier call, whose answer was lost, may come first.
        while own.encode() not in chunk:
            if f'"{MARK}-{self.name}-'.encode() not in chunk:
                raise Foreign(f'event: {chunk!r}, not of {own}')
            chunk = self.wire.chunk()
        return True

    def delete(self, own):
        answer = request(self.host, 'DELETE', f'/containers/{own}?force=1',
                         timeout=h.PATIENCE)
        # Its creation may have failed, or been lost.
        expect_status(answer, 204, 404)


# -- the docker command ------------------------------------------------------

class Command:
    def __init__(self, host, book, name):
        self.host, self.book, self.name = host, book, name
        self.own = f'{MARK}-{name}'
        self.number = 0
        self.ways = [self.ps, self.run, self.run, self.execute, self.execute,
                     self.logs, self.copy, self.save_and_load]

    def __call__(self, chance):
        self.number += 1
        way = chance.choice(self.ways)
        self.book.call('command', way.__name__, way)

    def words(self):
        return f'{MARKS} {self.name} {self.number}\n'

    def docker(self, *args, code=0, out=None, **more):
        done = client.docker(self.host, *args, timeout=h.PATIENCE, **more)
        if out is not None:
            expect_part(done.raw, out.encode(), args[0])
        h.expect(done.code == code and out in (None, done.out), *args, '->',
                 repr(done)[:300])
        return done

    def ps(self):
        self.docker('ps', '-a', '--filter', f'label=soak={self.name}',
                    '--format', '{{.Names}}', out=self.own + '\n')

    def run(self):
        self.docker('run', '--rm', '--network', 'none', '--label', h.LABEL,
                    h.IMAGE, 'echo', self.words().strip(), out=self.words())

    def execute(self):
        self.docker('exec', KEEP, 'sh', '-c',
                    f'echo {self.words().strip()}; exit 7', code=7,
                    out=self.words())

    def logs(self):
        """logs -f, which is killed when it has said something new."""
        with h.Client(self.host, 'logs', '-f', '--tail', '1', KEEP) as c:
            h.until(lambda: c.out().count(WORD) >= 3
                    or c.process.poll() is not None, 'logs -f says more')
            code, out = c.kill(), c.out()
        lines = set(out.splitlines()[:-1]) - {WORD}
        if lines and code == -9:
            raise Foreign(f'logs: {lines}')
        h.expect(out.count(WORD) >= 3, 'logs ended', code, out)

    def copy(self):
        data = tar_of('copy', self.words().encode() * 1000)
        self.docker('cp', '-', f'{self.own}:/', stdin=data)
        done = self.docker('cp', f'{self.own}:/copy', '-')
        expect_own(member_of(done.raw), self.words().encode() * 1000, 'cp')

    def save_and_load(self):
        tag = f'{h.IMAGE}:{self.name}-{self.number}'
        self.docker('tag', h.IMAGE, tag)
        done = self.docker('save', tag)
        expect_own(f'"{tag}"'.encode() in done.raw, True, 'save')
        self.docker('load', stdin=done.raw, out=f'Loaded image: {tag}\n')
        self.docker('rmi', tag)


# -- docker-py ---------------------------------------------------------------

class Library:
    def __init__(self, host, book, name):
        self.host, self.book, self.name = host, book, name
        self.own = f'{MARK}-{name}'
        self.number = 0

    def __call__(self, chance):
        self.number += 1
        way = chance.choice([self.listed, self.executed, self.read])
        self.book.call('library', way.__name__, self.with_client, way)

    def with_client(self, way):
        made = None
        try:
            made = docker.DockerClient(base_url=self.host, version='auto',
                                       timeout=h.PATIENCE)
            way(made)
        except (docker.errors.DockerException,
                http.client.HTTPException) as why:
            raise ValueError(repr(why)) from why
        finally:
            if made:
                made.close()

    def listed(self, made):
        found = made.containers.list(
            all=True, filters={'label': f'soak={self.name}'})
        expect_own([each.name for each in found], [self.own], 'listed')

    def executed(self, made):
        """The command speaks when it is told to.  docker-py reads the head of
        an answer through a buffer, and what follows straight from the
        socket: what comes before it has read the head is lost in the buffer.
        With a busy interpreter and no proxy that hit 43 of 1698 calls of
        exec_run, and none of 687 like this one."""
        word = f'{MARKS} {self.name} {self.number}'
        own = made.api.exec_create(
            KEEP, ['sh', '-c', f'read go; echo {word}; exit 5'],
            stdin=True)['Id']
        stream = made.api.exec_start(own, socket=True)
        try:
            getattr(stream, '_sock', stream).sendall(b'go\n')
            out = b''.join(data for _number, data in
                           docker.utils.socket.frames_iter(stream, False))
        finally:
            stream.close()
        want = word.encode() + b'\n'
        expect_part(out, want, 'exec')
        code = made.api.exec_inspect(own)['ExitCode']
        h.expect((code, out) == (5, want), code, out)

    def read(self, made):
        parts, _stat = made.containers.get(self.own).get_archive('/marker')
        data = b''.join(parts)
        h.expect(len(data) % 512 == 0 and data, 'cut off', len(data))
        expect_own(member_of(data), self.name.encode(), 'read')
