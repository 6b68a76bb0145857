#!/usr/bin/python3 -B
"""The switches of docker-socket-proxy in the place of a profile: the docker
command can do what they say."""

import signal

import harness as h

NAME = 'dsp-switches'
LOOKING = ('ps -a', 'inspect ' + NAME, 'logs ' + NAME, 'top ' + NAME,
           'stats --no-stream ' + NAME, 'version')


class Switched(h.Proxy):
    """The program without a profile."""

    def __init__(self, d, **switches):
        super().__init__(d.socket, env=switches)
        self.without('--profile')
        self.command.remove('--log-requests')


def can(p, lines):
    for line in lines:
        done = h.docker(p.host, *line.split())
        h.same((done.code, done.err), (0, ''), 'it can: docker ' + line)


def cannot(p, lines):
    for line in lines:
        done = h.docker(p.host, *line.split())
        h.check(done.code != 0 and 'denied by profile environment' in done.err,
                'it cannot: docker ' + line, done)


def looking(d):
    """CONTAINERS=1 is for looking"""
    with Switched(d, CONTAINERS='1') as p:
        can(p, LOOKING)
        cannot(p, ('info', 'images', f'exec {NAME} true', 'rm -f ' + NAME,
                   f'run --rm {h.IMAGE} true', 'export ' + NAME,
                   f'cp {NAME}:/bin/busybox -'))
        for text in ('info switches: (GET|HEAD) /{V}containers/json{QUERY}\n',
                     'warn switches: closed here, open in docker-socket-proxy:'
                     ' GET /{V}containers/{ID}/attach/ws{QUERY}\n'):
            h.has(p.err(), text, 'it says what is open, and what is not')
        p.process.send_signal(signal.SIGHUP)
        p.wait_err('info reloaded')
        can(p, LOOKING[:1])


def working(d):
    """CONTAINERS=1, POST=1 and EXEC=1 are for working"""
    with Switched(d, CONTAINERS='1', POST='1', EXEC='1') as p:
        h.has(p.err(), 'warn profile environment: HOST ROOT: POST with '
              'CONTAINERS, EXEC.\n', 'it warns of root')
        name = h.run_container(p.host, 'sleep', '1000')
        can(p, (f'exec {name} true', 'restart -t 0 ' + name,
                'stop -t 0 ' + name))
        cannot(p, ('rm -f ' + name, 'images'))
        h.remove(d.host, name)


def single(d):
    """ALLOW_RESTARTS=1 is for that"""
    with Switched(d, ALLOW_RESTARTS='1') as p:
        can(p, (f'restart -t 0 {NAME}',))
        cannot(p, ('ps', 'start ' + NAME))


def body():
    with h.Dockerd() as d:
        h.sleeper(d.host, '--name', NAME)
        h.each([looking, working, single], d)


h.main(body)
