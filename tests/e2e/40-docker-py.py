#!/usr/bin/python3 -B
"""docker-py does the same directly and through the proxy."""

import io
import socket
import tarfile
import time

import harness as h

try:
    import docker
except ImportError:
    docker = None

NAME = 'dsp-py'


def client_of(host):
    return docker.DockerClient(base_url=host, version='auto', timeout=30)


def case(text):
    """A case gets a client of the host and a running container."""
    def wrap(function):
        def run(host):
            client = client_of(host)
            try:
                return function(client, client.containers.get(NAME))
            finally:
                client.close()
        run.__doc__ = text
        return run
    return wrap


def start(client, command, **more):
    return client.containers.run(
        h.IMAGE, command, network_mode='none', labels=[h.LABEL],
        detach=True, **more)


@case('ping, version, info, containers.list, images.list, df, inspect')
def reads(client, container):
    return (client.ping(), client.version(), client.info()['ID'],
            [each.id for each in client.containers.list(all=True)],
            sorted(each.id for each in client.images.list()),
            sorted(client.df()), container.attrs['Config'])


@case('containers.run gives the output')
def run(client, _container):
    return client.containers.run(h.IMAGE, 'echo hello', remove=True,
                                 network_mode='none')


@case('containers.run raises ContainerError with exit code 7')
def run_failing(client, _container):
    try:
        client.containers.run(h.IMAGE, ['sh', '-c', 'echo no >&2; exit 7'],
                              remove=True, network_mode='none')
    except docker.errors.ContainerError as error:
        return error.exit_status, error.stderr
    raise AssertionError('no ContainerError')


@case('an unknown container raises NotFound')
def not_found(client, _container):
    try:
        client.containers.get('dsp-nobody')
    except docker.errors.NotFound as error:
        return error.explanation
    raise AssertionError('no NotFound')


@case('logs stream: each line comes when it is written')
def logs_stream(client, _container):
    made = start(client, ['sh', '-c', 'echo 1; sleep 1; echo 2'])
    lines, times = [], []
    for line in made.logs(stream=True, follow=True):
        lines.append(line)
        times.append(time.monotonic())
    made.remove(force=True)
    h.expect(b''.join(lines) == b'1\n2\n', lines)
    h.expect(times[-1] - times[0] > 0.5, 'the lines came together')
    return b''.join(lines)


@case('exec_run: output, exit code, stream, demux')
def exec_run(_client, container):
    """What a command says at once may be lost in docker-py, see soak_honest:
    it may come before docker-py has read the answer's head."""
    plain = container.exec_run(['sh', '-c', 'sleep 1; echo out; exit 7'])
    both = container.exec_run(
        ['sh', '-c', 'sleep 1; echo out; echo err >&2'], demux=True)
    stream = container.exec_run(
        ['sh', '-c', 'sleep 1; echo 1; sleep 1; echo 2'], stream=True)
    text = b''.join(stream.output)
    h.expect((plain.exit_code, plain.output, both.output, text) ==
             (7, b'out\n', (b'out\n', b'err\n'), b'1\n2\n'),
             plain, both, text)
    return plain, both, text


@case('exec_run with a socket: stdin, half-close, late output')
def exec_socket(_client, container):
    result = container.exec_run(
        ['sh', '-c', 'cat; sleep 1; echo late'], stdin=True, socket=True)
    text = talk(result.output, b'word\n')
    h.expect(b'word\n' in text and b'late\n' in text, text)
    return text


@case('exec_run with tty and a socket')
def exec_terminal(_client, container):
    result = container.exec_run(['sh', '-c', 'read x; echo got $x'],
                                stdin=True, tty=True, socket=True)
    text = talk(result.output, b'word\n', shut=False)
    h.expect(b'got word' in text, text)
    return text


def talk(wrapped, data, shut=True):
    """Send data over a hijacked socket and read to its end."""
    raw = getattr(wrapped, '_sock', wrapped)
    raw.settimeout(h.PATIENCE)
    raw.sendall(data)
    if shut:
        raw.shutdown(socket.SHUT_WR)
    text = b''.join(iter(lambda: raw.recv(65536), b''))
    raw.close()
    return text


@case('attach_socket: stdin and output of a container')
def attach_socket(client, _container):
    made = client.containers.create(
        h.IMAGE, ['sh', '-c', 'read x; echo got $x'], stdin_open=True,
        network_mode='none')
    wrapped = made.attach_socket(params={
        'stdin': 1, 'stdout': 1, 'stderr': 1, 'stream': 1})
    made.start()
    text = talk(wrapped, b'word\n', shut=False)
    code = made.wait()
    made.remove(force=True)
    h.expect(b'got word' in text, text)
    return text, code


@case('put_archive and get_archive: 4 MiB come back')
def archives(_client, container):
    data = bytes(range(256)) * (4 << 12)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode='w') as archive:
        member = tarfile.TarInfo('data')
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    put = container.put_archive('/', made.getvalue())
    stream, stat = container.get_archive('/data')
    back = io.BytesIO(b''.join(stream))
    with tarfile.open(fileobj=back) as archive:
        h.expect(archive.extractfile('data').read() == data, 'it differs')
    return put, stat['name'], stat['size']


@case('events: a stream that sees another call')
def events(client, container):
    stream = client.events(decode=True, filters={
        'container': container.id, 'event': 'rename'})
    container.rename('dsp-py-renamed')
    container.rename(NAME)
    seen = [next(stream)['Action'], next(stream)['Action']]
    stream.close()
    return seen


@case('stats: once and as a stream')
def stats(client, container):
    once = container.stats(stream=False)
    stream = container.stats(stream=True, decode=True)
    times = {next(stream)['read'] for _turn in range(3)}
    h.expect(len(times) > 1, times)
    return sorted(once) == sorted(next(stream)), once['name']


@case('build with a context of its own')
def build(client, _container):
    context = io.BytesIO()
    text = f'FROM {h.IMAGE}\nRUN echo built > /f\n'.encode()
    with tarfile.open(fileobj=context, mode='w') as archive:
        member = tarfile.TarInfo('Dockerfile')
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    context.seek(0)
    image, log = client.images.build(
        fileobj=context, custom_context=True, nocache=True,
        network_mode='none', tag='dsp-e2e-py', rm=True)
    out = client.containers.run(image, 'cat /f', remove=True,
                                network_mode='none')
    client.images.remove('dsp-e2e-py', force=True)
    h.expect(out == b'built\n', out)
    return [line['stream'] for line in log
            if line.get('stream', '').startswith('Step')]


@case('wait, stop, kill, pause, restart, top, diff, rename, remove')
def life(client, _container):
    made = start(client, 'sleep 1000')
    made.pause()
    made.unpause()
    made.restart(timeout=0)
    processes = made.top(ps_args='-o pid,args')['Titles']
    made.kill()
    code = made.wait()
    made.start()
    made.stop(timeout=0)
    changed = made.diff()
    made.remove()
    h.expect(code['StatusCode'] == 137, code)
    return processes, code, changed


@case('images.save and images.load')
def save_load(client, _container):
    image = client.images.get(h.IMAGE)
    image.tag('dsp-e2e-py-save')
    data = b''.join(client.images.get('dsp-e2e-py-save').save(
        named='dsp-e2e-py-save:latest'))
    client.images.remove('dsp-e2e-py-save')
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = sorted(archive.getnames())
    loaded = client.images.load(data)
    client.images.remove('dsp-e2e-py-save')
    h.expect([each.id for each in loaded] == [image.id], loaded)
    return names


@case('volumes and networks')
def objects(client, _container):
    made = client.volumes.create('dsp-e2e-py', labels={h.LABEL: 'x'})
    named = [each.name for each in client.volumes.list(
        filters={'label': h.LABEL})]
    made.remove()
    return named, sorted(each.name for each in client.networks.list())


def body():
    if not docker:
        raise h.Skip('no docker module for Python (package python3-docker)')
    with h.Dockerd() as d, h.Proxy(d.socket) as p:
        h.sleeper(d.host, '--name', NAME)
        h.compare(d.host, p.host, [
            reads, run, run_failing, not_found, logs_stream, exec_run,
            exec_socket, exec_terminal, attach_socket, archives, events,
            stats, build, life, save_load, objects])


h.main(body)
