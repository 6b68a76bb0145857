#!/usr/bin/python3 -B
"""Profile readonly: looking works, all else is denied in words that the
docker command shows as Docker's own."""

import os

import harness as h
from wire import Wire, json_of, request

NAME = 'dsp-ro'
OURS = 'docker-socket-protector: denied by profile readonly: '


def allowed(d, p):
    for line in ('version', 'info', 'ps -a', 'inspect ' + NAME,
                 'logs ' + NAME, 'stats --no-stream ' + NAME,
                 'top ' + NAME, 'diff ' + NAME, 'images', 'system df',
                 'history ' + h.IMAGE, 'network ls', 'volume ls',
                 'events --since 1 --until 2'):
        done = h.docker(p.host, *line.split())
        h.same((done.code, done.err), (0, ''), 'allowed: docker ' + line)


def denied(d, p):
    """The docker command fails, and prints what we say."""
    before = state(d)
    for line, words in (
            (f'run --rm --network none {h.IMAGE} true',
             'POST /v1.41/containers/create'),
            (f'create --network none {h.IMAGE} true',
             'POST /v1.41/containers/create'),
            (f'exec {NAME} true', 'POST '),
            (f'cp {NAME}:/bin/busybox {d.dir}/out', 'GET '),
            (f'export -o {d.dir}/out {NAME}', 'GET '),
            (f'save -o {d.dir}/out {h.IMAGE}', 'GET '),
            (f'stop -t 0 {NAME}', 'POST '), (f'kill {NAME}', 'POST '),
            (f'rm -f {NAME}', 'DELETE '), (f'rmi -f {h.IMAGE}', 'DELETE '),
            (f'commit {NAME} dsp-e2e-stolen', 'POST '),
            (f'rename {NAME} dsp-other', 'POST '),
            ('volume create dsp-e2e-v', 'POST '),
            ('network create dsp-e2e-n', 'POST '),
            ('pull localhost:1/nothing', 'POST '),
            ('node ls', 'GET '), ('secret ls', 'GET '),
            ('search something', 'GET ')):
        words = words.replace('/v1.41', '')
        done = h.docker(p.host, *line.split())
        text = 'denied: docker ' + line.replace(d.dir, '')
        h.check(done.code != 0, text + ': it fails', done)
        h.check(is_told(done.err, words), text + ': it says why', done)
    h.same(state(d), before, 'nothing was changed')
    h.check(not os.path.exists(d.dir + '/out'), 'nothing was copied out')


def is_told(text, words):
    """Our message with this method and path (the API version aside)."""
    method, _blank, path = words.partition(' ')
    start = text.find(f'{OURS}{method} /')
    return start >= 0 and path in text[start:]


def state(d):
    """Images of one second come in any order."""
    return h.docker_ok(d.host, 'ps', '-a', '--format', '{{.ID}} {{.Names}}'
                       ), sorted(h.docker_ok(d.host, 'images', '-q').split())


def copy_in(d, p):
    """cp into a container fails"""
    done = h.docker(p.host, 'cp', h.BUSYBOX, NAME + ':/stolen')
    h.check(done.code != 0, h.title(copy_in), done)
    done = h.docker(d.host, 'exec', NAME, 'ls', '/stolen')
    h.same(done.code, 1, 'and nothing was copied')


def raw_denials(d, p):
    """Requests that the docker command would not send."""
    upgrade = ('Connection: Upgrade', 'Upgrade: websocket',
               'Sec-WebSocket-Version: 13',
               'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
    for method, target, status, fields in (
            ('GET', f'/containers/{NAME}/attach/ws?stream=1', 403, upgrade),
            ('GET', f'/containers/{NAME}/attach/ws', 403, ()),
            ('POST', f'/containers/{NAME}/attach?stream=1', 403,
             ('Connection: Upgrade', 'Upgrade: tcp')),
            ('HEAD', f'/containers/{NAME}/archive?path=/', 403, ()),
            ('GET', f'/containers/{NAME}/archive?path=/', 403, ()),
            ('GET', f'/v1.41/containers/{NAME}/export', 403, ()),
            ('GET', '/images/get?names=x', 403, ()),
            ('OPTIONS', '/containers/json', 403, ()),
            ('get', '/containers/json', 403, ()),
            ('GET', '/v1.12/containers/json', 403, ()),
            ('GET', '/containers/../containers/json', 400, ()),
            ('GET', '//containers/json', 400, ()),
            ('GET', '/containers/%6Ason', 400, ()),
            ('GET', f'/containers/x%2F..%2F{NAME}/json', 400, ()),
            ('GET', 'http://docker/containers/json', 400, ())):
        answer = request(p.host, method, target, b'', *fields)
        text = f'{method} {target}: {status}'
        if h.same(answer.status, status, text) and method != 'HEAD':
            h.has(json_of(answer)['message'], 'docker-socket-protector: ',
                  text + ' as JSON')


def kept(d, p):
    """After a denial the connection serves on, with and without a body"""
    with Wire(p.host) as wire:
        wire.ask('POST', f'/containers/{NAME}/exec', b'{"Cmd":["true"]}')
        first = wire.answer()
        wire.ask('DELETE', f'/containers/{NAME}')
        second = wire.answer()
        wire.ask('GET', '/_ping')
        h.same([first.status, second.status, wire.answer().status],
               [403, 403, 200], h.title(kept))


def exact_answer(d, p):
    """The form of a denial"""
    answer = request(p.host, 'POST', '/v1.41/containers/create?name=a',
                     b'{}')
    h.same(answer.line, 'HTTP/1.1 403 Forbidden', 'the status line')
    h.same(json_of(answer), {
        'message': OURS + 'POST /v1.41/containers/create?name=a'},
        'the message, with the whole target')
    h.same(answer.fields.get('content-type'), 'application/json',
           'the type')
    h.same(answer.fields.get('content-length'), str(len(answer.body)),
           'the length')


def body():
    with h.Dockerd() as d, h.Proxy(d.socket, profile='readonly') as p:
        h.run_container(d.host, 'sh', '-c', 'echo hello; exec sleep 1000',
                        options=('--name', NAME))
        h.each([allowed, denied, copy_in, raw_denials, kept, exact_answer],
               d, p)


h.main(body)
