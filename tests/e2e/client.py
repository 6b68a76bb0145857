"""The docker command, and containers of the test image."""

import os
import subprocess
import tempfile

from tap import PATIENCE, expect, until

IMAGE = 'dsp-e2e-bb'
LABEL = 'dsp-e2e'

for _name in list(os.environ):
    if _name.lower().endswith('_proxy') or _name.startswith('DOCKER_CON'):
        del os.environ[_name]
for _name in ('DOCKER_HOST', 'DOCKER_API_VERSION', 'DOCKER_TLS_VERIFY',
              'DOCKER_CERT_PATH', 'NOTIFY_SOCKET', 'LISTEN_FDS'):
    os.environ.pop(_name, None)


class Done:
    """The end of a command."""

    def __init__(self, completed):
        self.code = completed.returncode
        self.raw = completed.stdout
        self.out = completed.stdout.decode('utf-8', 'replace')
        self.err = completed.stderr.decode('utf-8', 'replace')

    def __repr__(self):
        return f'code {self.code}, out {self.out!r}, err {self.err!r}'


def docker_environment():
    config = tempfile.gettempdir() + '/dsp-no-docker-config'
    return dict(os.environ, DOCKER_CONFIG=config, DOCKER_BUILDKIT='0',
                DOCKER_CLI_HINTS='false')


def docker(host, *args, stdin=b'', timeout=60):
    """Run the docker command to its end."""
    return Done(subprocess.run(
        ['docker', '-H', host, *args], input=stdin, timeout=timeout,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=docker_environment(), check=False))


def docker_ok(host, *args, **more):
    """The same; it must succeed.  Its output without the line end."""
    done = docker(host, *args, **more)
    expect(done.code == 0, 'docker', *args, '->', done)
    return done.out.rstrip('\n')


def run_container(host, *command, options=()):
    """Start a container in the background; its id."""
    return docker_ok(host, 'run', '-d', '--network', 'none', '--label',
                     LABEL, *options, IMAGE, *command)


def sleeper(host, *options):
    return run_container(host, 'sleep', '1000', options=options)


def remove(host, *names):
    docker_ok(host, 'rm', '-f', *names)


class Client:
    """The docker command in the background."""

    def __init__(self, host, *args, stdin=subprocess.DEVNULL):
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ['docker', '-H', host, *args], stdin=stdin, stdout=self.file,
            stderr=self.file, env=docker_environment())

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        self.kill()
        self.file.close()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        return self.process.wait(PATIENCE)

    def out(self):
        size = os.fstat(self.file.fileno()).st_size
        return os.pread(self.file.fileno(), size, 0).decode('utf-8',
                                                            'replace')

    def wait_out(self, text, times=1, seconds=PATIENCE):
        until(lambda: self.out().count(text) >= times,
              f'{text!r} {times} times in {self.out()!r}', seconds)

    def wait(self, seconds=PATIENCE):
        return self.process.wait(seconds)
