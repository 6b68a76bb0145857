#!/usr/bin/python3 -B
"""The container image: built as users build it, and at work with all that a
container can be denied."""

import io
import os
import shutil
import subprocess
import tarfile
import time

import harness as h
from contain import NOBODY, PROGRAM_IN_IMAGE
from wire import Wire, json_of, request

TOP = os.path.abspath(os.environ.get('srcdir') or '.')
IMAGE = 'dsp-e2e-image'
MOST = 2500000          # bytes
SOON = 2                # seconds until it is healthy
STREAMS = 200
CONFINED = ('--read-only', '--cap-drop', 'ALL', '--security-opt',
            'no-new-privileges', '--memory', '32m', '--pids-limit', '300')
HERE = os.path.dirname(os.path.abspath(__file__))


def environment(d, **more):
    return dict(h.docker_environment(), DOCKER_HOST=d.host, **more)


def build(d, tag, *folder, **env):
    return h.Done(subprocess.run(
        [TOP + '/contrib/docker/build-image', tag, *folder],
        env=environment(d, **env), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=180, check=False))


def inspect(d, name):
    return json_of(request(d.host, 'GET', f'/containers/{name}/json'))


def start(d, name, *options, args=(), most=SOON):
    """A container of the image, and how long until it was healthy."""
    h.docker_ok(d.host, 'run', '-d', '--name', name, *options, IMAGE, *args)
    began = time.monotonic()
    h.until(lambda: health(d, name) != 'starting', 'a check', 20)
    took = time.monotonic() - began
    h.check(health(d, name) == 'healthy' and took < most,
            f'{name}: healthy in time', took, inspect(d, name)['State'],
            h.docker(d.host, 'logs', name))
    h.note(f'{name}: healthy after {took:.2f} s')


def health(d, name):
    state = inspect(d, name)['State']
    h.expect(state['Running'], state, h.docker(d.host, 'logs', name))
    return state['Health']['Status']


def stop(d, name):
    began = time.monotonic()
    h.docker_ok(d.host, 'stop', name)
    took = time.monotonic() - began
    h.check(inspect(d, name)['State']['ExitCode'] == 0 and took < 1,
            f'{name}: stops at once', took)
    h.docker_ok(d.host, 'rm', '-f', '-v', name)


def mount(d):
    return '--volume', f'{d.socket}:/var/run/docker.sock:ro'


# -- building ------------------------------------------------------------

def image(d):
    """the image is built, small, and holds nothing else"""
    done = build(d, IMAGE)
    h.check(done.code == 0, 'build-image, classic builder', done)
    found = json_of(request(d.host, 'GET', f'/images/{IMAGE}/json'))
    h.check(0 < found['Size'] < MOST, h.title(image), found['Size'])
    h.note(f'{found["Size"]} bytes')
    config = found['Config']
    h.same((config['Entrypoint'], config['User'],
            config['Healthcheck']['Test']),
           ([PROGRAM_IN_IMAGE], '', ['CMD', PROGRAM_IN_IMAGE,
                                     '--healthcheck']),
           'entry point, user and health check')
    h.has(h.program('--version').out,
          config['Labels']['org.opencontainers.image.version'] + '\n',
          'its version is in a label')
    names = sorted(os.listdir(h.PROFILES))
    h.same(listed(d), ['docker-socket-protector'] +
           [f'profiles/{name}' for name in names], 'program and profiles')
    done = h.docker(d.host, 'run', '--rm', '--network', 'none', IMAGE,
                    '--version')
    h.check(done.code == 0 and ', sandbox, ' in done.out, 'it runs', done)


def export(d):
    """A tar of what is in the image."""
    name = h.docker_ok(d.host, 'create', IMAGE)
    raw = h.docker(d.host, 'export', name).raw
    h.docker_ok(d.host, 'rm', name)
    return tarfile.open(fileobj=io.BytesIO(raw))


def listed(d):
    """Files that were put in: dockerd makes places for its own, all empty."""
    with export(d) as tar:
        return sorted(member.name for member in tar
                      if member.isfile() and member.size > 0)


def buildkit(d):
    """the same with BuildKit"""
    command = next((path for path in ('/usr/bin/docker', shutil.which(
        'docker')) if is_old(path)), None)
    if command is None:
        raise h.Skip('needs a docker command of 18.09 to 20.10')
    folder = d.dir + '/made'
    with export(d) as tar:
        tar.extractall(folder, [m for m in tar if m.name.startswith(
            ('docker-socket-protector', 'profiles'))])
    done = build(d, IMAGE + '-buildkit', folder, DOCKER_BUILDKIT='1',
                 PATH=os.path.dirname(command) + ':' + os.environ['PATH'])
    h.check(done.code == 0 and '#1 ' in done.err, h.title(buildkit), done)
    one, two = (json_of(request(d.host, 'GET', f'/images/{name}/json'))
                for name in (IMAGE, IMAGE + '-buildkit'))
    h.same((two['Size'], two['Config']['Healthcheck'],
            two['RootFS']['Type']), (one['Size'],
            one['Config']['Healthcheck'], one['RootFS']['Type']),
           'the same image')


def is_old(path):
    if not path or not os.path.exists(path):
        return False
    version = h.Done(subprocess.run(
        [path, '--version'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=10, check=False)).out.split('version ')[-1].split('.')[0]
    return version.isdigit() and 18 <= int(version) < 23


# -- at work ---------------------------------------------------------------

def client(d, *command, options=()):
    """A command of this machine in a second container."""
    return h.docker(d.host, 'run', '--rm', *options,
                    '-v', '/usr:/usr:ro', '-v', '/usr/lib:/lib:ro',
                    '-v', '/usr/lib64:/lib64:ro', h.IMAGE, *command)


def curl(d, *words, options=()):
    """The status that a second container gets."""
    return client(d, '/usr/bin/curl', '-s', '-o', '/dev/null', '-w',
                  '%{http_code}', *words, options=options).out


def shared_volume(d):
    """two containers share a socket in a volume, and no network"""
    h.need_tool('curl')
    host = ('--volume', 'dsp-e2e-socket:/run/dsp', '--network', 'none')
    # Docker runs the check without these arguments.
    start(d, 'volume', *CONFINED, *mount(d), *host, args=[
        '--profile', 'readonly', '--listen', 'unix:///run/dsp/docker.sock'])
    at = ('--unix-socket', '/run/dsp/docker.sock')
    h.same(curl(d, *at, 'http://docker/version', options=host), '200',
           f'{h.title(shared_volume)}: allowed')
    h.same(curl(d, *at, '-X', 'POST', 'http://docker/containers/create',
                options=host), '403', f'{h.title(shared_volume)}: denied')
    h.same(curl(d, *at, '-X', 'POST', '-d', '{}', '-H',
                'Content-Type: application/json',
                'http://docker/containers/create', options=host), '403',
           'with a body')
    stop(d, 'volume')
    h.docker_ok(d.host, 'volume', 'rm', 'dsp-e2e-socket')


class Network:
    """An internal network, where this machine can make one."""

    def __init__(self, d):
        self.host = d.host

    def __enter__(self):
        done = h.docker(self.host, 'network', 'create', '--internal',
                        'dsp-e2e-net')
        if done.code != 0:
            raise h.Skip('this machine makes no networks: ' +
                         done.err.splitlines()[-1])
        return 'dsp-e2e-net'

    def __exit__(self, *_why):
        h.docker(self.host, 'network', 'rm', 'dsp-e2e-net')


def network(d):
    """a client on an internal network, by name; 200 streams"""
    user = f'{NOBODY}:{os.stat(d.socket).st_gid}'
    with Network(d) as net:
        for name, options in (('as-root', ()), ('as-user', ('--user', user))):
            start(d, name, *CONFINED, *mount(d), '--network', net, *options,
                  '--env', 'PROFILE=readonly')
            h.same(wget(d, net, f'http://{name}:2375/version'), 0,
                   f'{name}: allowed')
            h.same(wget(d, net, f'http://{name}:2375/containers/create',
                        '--post-data', ''), 1, f'{name}: denied')
            streams(d, name, net)
            stop(d, name)


def wget(d, net, url, *options):
    done = h.docker(d.host, 'run', '--rm', '--network', net, h.IMAGE, 'wget',
                    '-q', '-O', '-', *options, url)
    h.expect(done.code == 0 or '403' in done.err, done)
    return done.code


def streams(d, name, net):
    state = inspect(d, name)
    address = state['NetworkSettings']['Networks'][net]['IPAddress']
    host = f'tcp://{address}:2375'
    wires = []
    try:
        good = sum(1 for _ in range(STREAMS) if begins(host, wires))
        h.same(good, STREAMS, f'{name}: {STREAMS} streams in 32 MiB')
        began = time.monotonic()
        h.same(request(host, 'GET', '/version').status, 200,
               f'{name}: and it serves')
        h.check(time.monotonic() - began < 1, f'{name}: at once')
        h.docker_ok(d.host, 'volume', 'create', f'dsp-e2e-{name}')
        told = sum(1 for wire in wires if wire.chunk())
        h.same(told, STREAMS, f'{name}: each stream has the event')
        state = inspect(d, name)['State']
        h.check(state['Running'] and not state['OOMKilled'] and
                state['Health']['Status'] == 'healthy',
                f'{name}: alive and healthy', state)
    finally:
        for wire in wires:
            wire.close()
        h.docker(d.host, 'volume', 'rm', f'dsp-e2e-{name}')


def begins(host, wires):
    wire = Wire(host)
    wires.append(wire)
    wire.ask('GET', '/events')
    return wire.head().status == 200


def unhealthy(d):
    """without a Docker socket it says why and lives"""
    h.docker_ok(d.host, 'run', '-d', '--name', 'lone', *CONFINED,
                '--network', 'none', '--env', 'PROFILE=readonly',
                '--health-interval', '1s', '--health-retries', '1',
                '--health-start-period', '1ms', IMAGE)
    h.until(lambda: health(d, 'lone') == 'unhealthy', 'unhealthy', 10)
    log = inspect(d, 'lone')['State']['Health']['Log']
    h.has(log[-1]['Output'], '/var/run/docker.sock: No such file',
          h.title(unhealthy))
    stop(d, 'lone')


# -- what others' images were started with --------------------------------------

def compose(d, name, *args, **env):
    """docker-compose 1, which brings no plugin."""
    done = h.Done(subprocess.run(
        ['docker-compose', '-f', f'{HERE}/compose-{name}.yml', '-p',
         f'dsp-e2e-{name}', *args], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=120, check=False, env=environment(
            d, IMAGE=IMAGE, CLIENT_IMAGE=h.IMAGE, DOCKER_SOCKET=d.socket,
            **env)))
    h.expect(done.code == 0, 'docker-compose', args, done)
    return done.out.strip()


def of_original(d):
    """the original's compose file with this image"""
    h.need_tool('docker-compose')
    name = 'knrdl'
    try:
        compose(d, name, 'up', '-d')
        proxy = compose(d, name, 'ps', '-q', 'docker-socket-protector')
        box = compose(d, name, 'ps', '-q', 'client')
        h.until(lambda: health(d, proxy) == 'healthy', 'healthy')
        h.check(True, f'{h.title(of_original)}: healthy')
        for path, code in (('version', 0), ('v1.40/containers/json', 0),
                           ('v1.40/images/json', 1)):
            done = h.docker(d.host, 'exec', box, 'wget', '-q', '-O', '-',
                            f'http://docker-socket-protector:2375/{path}')
            h.check(done.code == code and (code == 0 or '403' in done.err),
                    f'{h.title(of_original)}: {path}', done)
        h.has(h.docker(d.host, 'logs', proxy).out,
              'request rule:  GET /v1\\.40/images/json\n',
              'its log of requests')
    finally:
        compose(d, name, 'down', '-v', '-t', '1')


def of_tecnativa(d):
    """the README of docker-socket-proxy with this image"""
    h.need_tool('docker-compose')
    name = 'tecnativa'
    port = str(h.free_port())
    host = f'tcp://127.0.0.1:{port}'
    env = {'PORT': port, 'PRIVILEGED': has_privileges(d)}
    try:
        compose(d, name, 'up', '-d', **env)
        h.until(lambda: health(d, 'dockerproxy') == 'healthy', 'healthy')
        h.check(True, f'{h.title(of_tecnativa)}: healthy')
        done = h.docker(host, 'version')
        h.check(done.code == 0 and 'Server' in done.out,
                f'{h.title(of_tecnativa)}: docker version', done)
        done = h.docker(host, 'container', 'ls')
        h.check(done.code == 1 and 'denied by profile environment' in done.err,
                f'{h.title(of_tecnativa)}: docker container ls is denied',
                done)
    finally:
        compose(d, name, 'down', '-v', '-t', '1', **env)


def has_privileges(d):
    done = h.docker(d.host, 'run', '--rm', '--network', 'none',
                    '--privileged', h.IMAGE, 'true')
    if done.code != 0:
        h.note('--privileged is left out, this machine does not give it: '
               + done.err)
    return 'true' if done.code == 0 else 'false'


def body():
    h.need_root()
    with h.Dockerd(must_own=True) as d:
        h.each([image], d)
        if not h.score.failed:
            h.each([buildkit, shared_volume, network, unhealthy, of_original,
                    of_tecnativa], d)


h.main(body)
