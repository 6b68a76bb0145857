#!/usr/bin/python3 -B
"""dockerd goes and comes under a running proxy: 502 with a clear message
meanwhile, then all works again."""

import harness as h
from wire import Wire, json_of, request


def is_502(p, d, text):
    answer = request(p.host, 'GET', '/version')
    h.same(answer.status, 502, text + ': 502')
    message = json_of(answer)['message']
    h.has(message, 'docker-socket-protector: ', text + ': it says who')
    h.has(message, 'Docker socket', text + ': it says what')
    done = h.docker(p.host, 'ps')
    h.check(done.code == 1 and message in done.err,
            text + ': the docker command shows it', done)
    line = p.wait_err(' fail ').splitlines()[0]
    h.check('reason=no-docker' in line and d.socket in line
            and ('No such file' in line or 'refused' in line),
            text + ': the log says it', line)


def is_served(p, text):
    done = h.docker(p.host, 'run', '--rm', '--network', 'none', h.IMAGE,
                    'echo', 'hi')
    h.same((done.code, done.out), (0, 'hi\n'), text)


def started_before(d):
    """the proxy is started before dockerd"""
    d.stop()
    with h.Proxy(d.socket) as p:
        is_502(p, d, 'dockerd is not there yet')
        d.start()
        is_served(p, 'dockerd has come: a container runs')


def restarted(d):
    """dockerd is stopped and started again"""
    with h.Proxy(d.socket) as p, Wire(p.host) as kept, \
            h.Client(p.host, 'events') as c:
        kept.ask('GET', '/_ping')
        h.expect(kept.answer().status == 200, 'no pong')
        is_served(p, 'a container runs')
        c.wait_out('destroy')
        pid = p.process.pid
        d.stop()
        c.wait(5)
        h.check(True, 'a stream ends with dockerd')
        is_502(p, d, 'dockerd is stopped')
        kept.ask('GET', '/version')
        h.same(kept.answer().status, 502,
               'a connection kept open is told as well')
        d.start()
        is_served(p, 'dockerd is back: a container runs')
        h.same((p.process.poll(), p.process.pid), (None, pid),
               'the proxy was not restarted')


def body():
    with h.Dockerd(must_own=True) as d:
        h.each([started_before, restarted], d)


h.main(body)
