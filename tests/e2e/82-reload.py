#!/usr/bin/python3 -B
"""HUP: a broken profile keeps the old rules and says why; with a good one
new requests follow it, and what runs goes on."""

import concurrent.futures
import signal
import time

import harness as h
from wire import Wire, request

NAME = 'dsp-reload'
PING = '(GET|HEAD) /(v1\\.\\d+/)?_ping\n'
LOGS = PING + 'GET /(v1\\.\\d+/)?containers/[^/]+/(json|logs).*\n'


def status(p, target='/version'):
    return request(p.host, 'GET', target).status


def serving(p):
    """Gates and workers; parking processes stay."""
    return {*p.gates(), *p.workers()}


def hang_up(p):
    p.process.send_signal(signal.SIGHUP)


def broken(d):
    """HUP with a broken profile"""
    with h.Proxy(d.socket, rules=LOGS) as p:
        h.same((status(p), status(p, '/_ping')), (403, 200), 'before')
        p.write_rules(LOGS + 'GET /version(\nGET\n')
        hang_up(p)
        for number in 3, 4:
            p.wait_err(f'{p.rules_path}:{number}: ')
            h.check(True, f'the log names the wrong line {number}')
        time.sleep(0.3)
        h.same((status(p), status(p, '/_ping')), (403, 200),
               'the old rules hold')
        p.write_rules('')
        before = p.err()
        hang_up(p)
        h.until(lambda: p.err() != before, 'a log line', 5)
        h.same((status(p), status(p, '/_ping')), (403, 200),
               'the same with an empty profile')
        p.write_rules(PING + 'GET /version\n')
        hang_up(p)
        h.until(lambda: status(p) == 200, 'the new rules hold', 5)
        h.check(True, 'a good profile is taken afterwards')


def good(d):
    """HUP with a good profile, a logs -f and a kept connection running"""
    with h.Proxy(d.socket, rules=LOGS) as p, \
            h.Client(p.host, 'logs', '-f', '--tail', '1', NAME) as c, \
            Wire(p.host) as kept:
        c.wait_out('talk', 3)
        old = serving(p)
        kept.ask('GET', '/_ping')
        h.same(kept.answer().status, 200, 'a connection is kept open')
        p.write_rules(PING + 'GET /version\n')
        hang_up(p)
        h.until(lambda: status(p) == 200, 'the new rules hold', 5)
        h.check(True, 'new requests follow the new rules')
        h.same(status(p, f'/containers/{NAME}/json'), 403,
               'what the old ones allowed is denied')
        seen = c.out().count('talk')
        c.wait_out('talk', seen + 10, 5)
        h.check(True, 'the running logs -f lives on')
        h.check(is_old_gone(kept), 'the kept connection follows, too')
        c.kill()
        h.until(lambda: not old & serving(p), 'old ones end', 5)
        h.check(True, 'the old generation ends with its last stream')


def is_old_gone(wire):
    """No request is judged by the old rules: closed, or denied."""
    try:
        wire.ask('GET', f'/containers/{NAME}/json')
        return wire.answer().status == 403
    except (OSError, EOFError):
        return True


def full(d):
    """HUP while streams fill the pool: every listener answers at once"""
    listen = [f'tcp://127.0.0.1:{h.free_port()}' for _number in range(2)]
    name = h.sleeper(d.host)
    with h.Proxy(d.socket, rules=PING + 'POST /containers/.*/wait\n',
                 listen=listen, args=['-w', '2', '-m', '4']) as p:
        streams = [Wire(p.host) for _number in range(4)]
        for stream in streams:
            # Such a one is never parked.
            stream.ask('POST', f'/containers/{name}/wait')
            h.same(stream.head().status, 200, 'a stream')
        old = serving(p)
        hang_up(p)
        h.until(lambda: serving(p) - old, 'new workers', 5)
        for host in p.hosts:
            answer = request(host, 'GET', '/_ping', timeout=2)
            h.same(answer.status, 503, h.title(full))
        for stream in streams:
            stream.close()


def many(d):
    """ten HUPs under load lose no request"""
    with h.Proxy(d.socket, rules=PING) as p, \
            concurrent.futures.ThreadPoolExecutor(8) as pool:
        # A gate and four workers; more come with the load.
        old = h.until(lambda: len(p.children()) >= 5
                      and serving(p), 'a pool')
        futures = [pool.submit(status, p, '/_ping') for _turn in range(800)]
        for _turn in range(10):
            hang_up(p)
            time.sleep(0.1)
        results = [future.result() for future in futures]
        h.same(set(results), {200}, h.title(many))
        h.until(lambda: not old & serving(p)
                and len(p.children()) < 3 * len(old), 'old ones end', 10)
        h.check(True, 'the old generations end')


def configuration(d):
    """HUP reads the configuration file anew"""
    one, two = (f'tcp://127.0.0.1:{h.free_port()}' for _turn in range(2))
    text = f'profile-dir {h.PROFILES}\nlisten {one}\n'
    p = h.Proxy(d.socket, listen=[one])
    p.without('--listen', '--profile', '--docker-socket', '--profile-dir')
    p.command.remove('--log-requests')
    p.write_conf(text + 'profile readonly\n'
                 'docker-socket /nonexistent/docker.sock\n')
    with p:
        h.same(status(p), 502, 'before: a socket that is not there')
        text += f'docker-socket {d.socket}\n'
        p.write_conf(text + 'profile diun\n' + f'listen {two}\n')
        hang_up(p)
        h.until(lambda: h.can_connect(two), 'a new listener', 5)
        h.same(request(two, 'GET', '/version').status, 200,
               'a new listener serves, by the new socket')
        h.until(lambda: status(p, '/info') == 403, 'the new profile', 5)
        h.check(True, 'the old listener follows the new profile')
        p.write_conf(text.replace(one, two) + 'profile readonly\n')
        hang_up(p)
        h.until(lambda: not h.can_connect(one), 'it is closed', 5)
        h.until(lambda: request(two, 'GET', '/info').status == 200,
                'the other follows', 5)
        h.check(True, 'a listener left out is closed, the other serves')
        p.write_conf(text + 'profle readonly\n')
        hang_up(p)
        p.wait_err(f'{p.conf_path}:4: unknown word profle')
        h.same(request(two, 'GET', '/info').status, 200,
               'a wrong word is named, and all stays')


def body():
    with h.Dockerd() as d:
        h.run_container(d.host, 'sh', '-c',
                        'while sleep 0.1; do echo talk; done',
                        options=('--name', NAME))
        h.each([broken, good, full, many, configuration], d)


h.main(body)
