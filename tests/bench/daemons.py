"""The Docker daemons that the proxies are put in front of."""

import os
import stat
import subprocess

import daemon28
import harness as h
from wire import post_json

CONTAINERS = 12


class StandIn:
    """standind: answers at once, so that only the proxy counts."""

    title = 'stand-in daemon'
    target = '/_ping'

    def __init__(self, tools, folder):
        self.command = tools + '/standind'
        self.socket = folder + '/standind.sock'
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen([self.command, self.socket],
                                        stdin=subprocess.DEVNULL)
        h.until(lambda: h.can_connect('unix://' + self.socket),
                'standind accepts')
        return self

    def __exit__(self, *_why):
        h.end(self.process)


class Real:
    """A dockerd with a dozen containers, which are not running."""

    target = '/containers/json?all=1'

    def __init__(self, dockerd, title):
        self.dockerd = dockerd
        self.title = title
        self.socket = dockerd.socket

    def __enter__(self):
        self.dockerd.__enter__()
        try:
            self.fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def fill(self):
        if not self.dockerd.is_given:
            # The build without gate has only workers, which are nobody.
            os.chmod(os.path.dirname(self.socket), 0o711)
            os.chmod(self.socket, stat.S_IFSOCK | 0o666)
        for number in range(CONTAINERS):
            post_json(self.dockerd.host,
                      f'/containers/create?name=dsp-bench-{number}',
                      {'Image': h.IMAGE, 'Cmd': ['sleep', '1000']})

    def __exit__(self, *_why):
        self.dockerd.__exit__()


def open_daemon(name, tools, folder):
    """One of NAMES; raises h.Skip where this machine cannot."""
    if name == 'fake':
        return StandIn(tools, folder)
    h.need_docker()
    if name == 'real':
        return Real(h.Dockerd(), 'dockerd of this machine')
    return Real(daemon28.Dockerd(), 'dockerd 28')


NAMES = ('fake', 'real', 'real28')
