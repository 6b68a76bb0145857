"""A Docker daemon that asks an authorization plugin, and who asks it by TLS.

    with Daemon(d.room + '/authz.sock') as d:
        ...                     # no plugin yet
        d.enforce(*flags)       # from now on
"""

import os
import ssl
import subprocess

import dockerd
import harness as h
from machine import end, need_tool, write
from tap import expect, until
from wire import Wire

SPECS = '/etc/docker/plugins'


class Daemon(h.Dockerd):
    """A daemon of our own, whose plugin is found by a .spec file."""

    turn = 0

    def __init__(self):
        super().__init__(must_own=True)
        Daemon.turn += 1
        self.plugin = f'dsp-test-{os.getpid()}-{Daemon.turn}'
        self.plugin_socket = f'{self.dir}/plugin.sock'
        self.spec = f'{SPECS}/{self.plugin}.spec'
        self.made = [path for path in (os.path.dirname(SPECS), SPECS)
                     if not os.path.isdir(path)]

    def __enter__(self):
        os.makedirs(SPECS, exist_ok=True)
        write(self.spec, f'unix://{self.plugin_socket}\n')
        return super().__enter__()

    def __exit__(self, *why):
        super().__exit__(*why)
        os.unlink(self.spec)
        for path in reversed(self.made):
            try:
                os.rmdir(path)
            except OSError:
                pass            # somebody else's

    def enforce(self, *flags):
        self.stop()
        self.flags = ('--authorization-plugin', self.plugin, *flags)
        self.start()

    def stop(self):
        """Without asking it for anything: its plugin may be gone."""
        if self.process:
            end(self.process)
            self.process = None
        for pid in dockerd.containerds(self.dir + '/'):
            os.kill(pid, 9)


class Authority:
    """Certificates: of the daemon, and of whoever is named."""

    def __init__(self, folder, names):
        need_tool('openssl')
        self.dir = folder
        os.makedirs(folder)
        write(folder + '/ext', 'subjectAltName=IP:127.0.0.1\n'
              'extendedKeyUsage=serverAuth,clientAuth\n')
        self.openssl('req', '-x509', *self.key('ca'), '-out',
                     self.path('ca.pem'), '-subj', '/CN=ca', '-days', '2')
        for name in ('server', *names):
            self.openssl('req', *self.key(name), '-out',
                         self.path(name + '.csr'), '-subj', f'/CN={name}')
            self.openssl('x509', '-req', '-in', self.path(name + '.csr'),
                         '-CA', self.path('ca.pem'), '-CAkey',
                         self.path('ca.key'), '-CAcreateserial', '-out',
                         self.path(name + '.pem'), '-days', '2', '-extfile',
                         self.path('ext'))

    def path(self, name):
        return f'{self.dir}/{name}'

    def key(self, name):
        return ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                '-nodes', '-keyout', self.path(name + '.key'))

    def openssl(self, *args):
        done = subprocess.run(['openssl', *args], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        expect(done.returncode == 0, 'openssl', args, done.stdout)

    def flags(self, name):
        """For dockerd as server, and for docker as somebody."""
        return ('--tlsverify', '--tlscacert', self.path('ca.pem'),
                '--tlscert', self.path(name + '.pem'),
                '--tlskey', self.path(name + '.key'))

    def wire(self, host, name):
        """A connection of somebody's."""
        context = ssl.create_default_context(cafile=self.path('ca.pem'))
        context.load_cert_chain(self.path(name + '.pem'),
                                self.path(name + '.key'))
        wire = Wire(host, timeout=30)
        wire.socket = context.wrap_socket(wire.socket,
                                          server_hostname='127.0.0.1')
        return wire


class Plugin(h.Proxy):
    """The program, as the plugin of that daemon, or of none."""

    def __init__(self, path, docker_socket, args=(), **more):
        super().__init__(docker_socket, listen=['authz://' + path],
                         args=args, **more)
        self.hosts = ['unix://' + path]
        self.host = self.hosts[0]

    def kill(self):
        """At once; its children go with it."""
        pids = self.children()
        self.process.kill()
        self.process.wait()
        self.process = None
        until(lambda: not any(h.is_alive(pid) for pid in pids),
              'its children are gone')
