#!/usr/bin/python3 -B
"""Many clients at once: runs, idle connections, the end of the pool."""

import concurrent.futures
import time

import harness as h
from wire import Wire, json_of, request

RUNS = 50
IDLE = 200


def many_runs(d):
    """50 docker run --rm at once all succeed with default options"""
    with h.Proxy(d.socket) as p:
        with concurrent.futures.ThreadPoolExecutor(RUNS) as pool:
            done = list(pool.map(lambda number: one_run(p, number),
                                 range(RUNS)))
        wrong = [each for each in done if each]
        h.check(not wrong, h.title(many_runs), *wrong[:5])
        left = h.docker_ok(d.host, 'ps', '-aq', '--filter',
                           'ancestor=' + h.IMAGE)
        h.same(left, '', 'no container is left of them')


def one_run(p, number):
    """Nothing, or what went wrong."""
    done = h.docker(p.host, 'run', '--rm', '--network', 'none', h.IMAGE,
                    'echo', f'run {number}', timeout=150)
    if (done.code, done.out) != (0, f'run {number}\n'):
        return f'run {number}: {done}'
    return None


def idle_connections(d, *args):
    """Open many keep-alive connections and leave them idle."""
    with h.Proxy(d.socket, args=args) as p:
        idle = []
        try:
            for _number in range(IDLE):
                wire = Wire(p.host)
                idle.append(wire)
                wire.ask('GET', '/_ping')
                h.expect(wire.answer().status == 200, 'no pong')
            what = f'{IDLE} idle connections ' + ' '.join(args)
            began = time.monotonic()
            answer = request(p.host, 'GET', '/version')
            took = time.monotonic() - began
            h.same(answer.status, 200, what + ': a new request')
            h.check(took < 2, what + ': it does not wait', f'{took:.1f} s')
            done = h.docker(p.host, 'run', '--rm', '--network', 'none',
                            h.IMAGE, 'echo', 'hi')
            h.same((done.code, done.out, done.err), (0, 'hi\n', ''),
                   what + ': docker run')
        finally:
            for wire in idle:
                wire.close()


def idle_default(d):
    """200 idle connections do not stop a new request"""
    idle_connections(d)


def idle_small(d):
    """200 idle connections give way when workers run short"""
    idle_connections(d, '--max-workers', '16')


def last_worker_is_not_waited_for(d):
    """with all workers in requests a new one gets 503 at once"""
    name = h.sleeper(d.host)
    with h.Proxy(d.socket, args=['--max-workers', '4']) as p:
        waits = [begin(p.host, 'POST', f'/containers/{name}/wait')
                 for _number in range(4)]
        began = time.monotonic()
        answer = request(p.host, 'GET', '/version')
        took = time.monotonic() - began
        h.same(answer.status, 503, h.title(last_worker_is_not_waited_for))
        h.check(took < 1, '503 comes at once', f'{took:.2f} s')
        h.has(json_of(answer)['message'], 'docker-socket-protector: ',
              '503 says who refuses')
        h.same(answer.fields.get('connection'), 'close', '503 closes')
        done = h.docker(p.host, 'ps')
        h.check(done.code == 1 and 'busy' in done.err,
                'the docker command shows it', done)
        p.wait_err('reason=busy')
        h.check(True, 'it is in the log')
        waits.pop().close()
        h.until(lambda: request(p.host, 'GET', '/version').status == 200,
                'a request works after one has ended', 3)
        h.check(True, 'after one has ended a request works again')
        for wait in waits:
            wait.close()


def streams_give_way(d):
    """silent streams leave their workers to others"""
    with h.Proxy(d.socket, args=['--max-workers', '4']) as p:
        streams = [begin(p.host, 'GET', '/events') for _number in range(20)]
        h.same([request(p.host, 'GET', '/version').status for _turn
                in range(20)], [200] * 20, h.title(streams_give_way))
        for stream in streams:
            stream.close()


def begin(host, method, target):
    wire = Wire(host)
    wire.ask(method, target)
    answer = wire.head()
    h.expect(answer.status == 200, answer)
    return wire


def body():
    with h.Dockerd() as d:
        h.each([many_runs, idle_default, idle_small,
                last_worker_is_not_waited_for, streams_give_way], d)


h.main(body)
