#!/usr/bin/python3 -B
"""mode=warn: what the profile denies passes and is told, at that listener
alone; what is refused whatever a profile says is not."""

import harness as h
from wire import request

FORM = 'Content-Type: application/x-www-form-urlencoded'


def scrape(address):
    answer = request(address, 'GET', '/metrics')
    h.expect(answer.status == 200, answer)
    return answer.body.decode()


def warned(p, metrics):
    """docker run works under readonly"""
    done = h.docker(p.hosts[0], 'run', '--rm', '--network', 'none', h.IMAGE,
                    'sh', '-c', 'echo ran; exit 3')
    h.same((done.code, done.out), (3, 'ran\n'), h.title(warned))
    line = p.wait_err('warn would-deny ').splitlines()[0]
    path = line.partition(' target=')[2].split()[0]
    h.check(path.endswith('/containers/create') and line.startswith(
        f'warn would-deny method=POST target={path} profile=readonly '
        'reason=no-rule peer='), 'and is told of', line)
    h.has(p.err(), f'info allow method=POST path={path} profile=readonly '
          'rule=0 status=201 ', 'with its answer')
    h.has(scrape(metrics), f'listener="{p.listen[0].partition(",")[0]}",'
          'profile="readonly",verdict="warn",rule=""} ', 'and counted')
    before = p.err().count('would-deny')
    h.docker_ok(p.hosts[0], 'ps')
    h.same(p.err().count('would-deny'), before, 'what is allowed is no news')


def denied(p, _metrics):
    """the other listener denies"""
    done = h.docker(p.hosts[1], 'run', '--rm', h.IMAGE, 'true')
    h.check(done.code != 0 and 'denied by profile readonly' in done.err,
            h.title(denied), done)


def refused(p, _metrics):
    """what is always refused is so here, too"""
    got = [request(p.hosts[0], *what).status for what in (
        ('GET', '//info'), ('POST', '/v1.23/containers/x/start'),
        ('POST', '/containers/x/kill', b'signal=KILL', FORM),
        ('GET', '/containers/x/attach/ws'))]
    h.same(got, [400, 403, 403, 403], h.title(refused))


def told(p, _metrics):
    """it is said at start, and in the status"""
    h.has(p.err(), f'warn {p.listen[0].partition(",")[0]} only warns: what '
          'profile readonly denies is logged, and passes\n', h.title(told))
    lines = [line for line in p.status().out.splitlines()
             if line.startswith('listener ')]
    h.same([' mode=warn ' in line for line in lines], [True, False],
           'and in the status of that listener')


def body():
    metrics = f'tcp://127.0.0.1:{h.free_port()}'
    listen = [f'tcp://127.0.0.1:{h.free_port()}' for _each in range(2)]
    listen[0] += ',mode=warn'
    with h.Dockerd() as d, h.Proxy(
            d.socket, profile='readonly', listen=listen,
            args=['--metrics', metrics]) as p:
        h.each([told, warned, denied, refused], p, metrics)


h.main(body)
