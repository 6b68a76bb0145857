#!/usr/bin/python3 -B
"""Holes that other proxies for this socket have or had, by name.  For each:
dockerd itself takes the bytes for the dangerous request (where that can be
shown), and our answer is a refusal that dockerd never hears of."""

import json

import harness as h
from wire import Wire
import worlds

NAME = 'dsp-holes'
RULES = '''GET /(v1\\.\\d+/)?version|/(v1\\.\\d+/)?_ping
GET|HEAD /(v1\\.\\d+/)?containers/json(\\?.*)?
GET /(v1\\.\\d+/)?containers/.*
POST /(v[\\d.]+/)?containers/[\\w-]+/(start|restart)(\\?t=\\d+)?
POST /v1\\.\\d+/containers/[\\w-]+/kill\\?signal=(SIG)?WINCH
POST /v1\\.\\d+/images/create\\?fromImage=[a-z]+&tag=[a-z]+
'''
# Docker 28 refuses what is older than API 1.24 itself.
OLD_API = 400 if worlds.DOCKERD == '28' else 204
FORM = 'Content-Type: application/x-www-form-urlencoded'


def head(line, *fields):
    return '\r\n'.join([line, 'Host: docker', *fields, '', '']).encode()


def post(target, body, *fields):
    return head(f'POST {target} HTTP/1.1', f'Content-Length: {len(body)}',
                *fields) + body


def first_status(host, data):
    """The status of the first answer to these bytes."""
    with Wire(host) as wire:
        wire.send(data)
        return wire.head().status


BIND = json.dumps({'Binds': ['/:/host']}).encode()
WS = ('Connection: Upgrade', 'Upgrade: websocket',
      'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==')

# what, bytes, dockerd's status (None: no matter), our status
HOLES = (
    ('an encoded letter: images/json',
     head('GET /v1.41/%69mages/json HTTP/1.1'), 200, 400),
    ('an encoded letter behind a wide rule: export',
     head(f'GET /v1.41/containers/{NAME}/%65xport HTTP/1.1'), 200, 400),
    ('an encoded slash: images/json',
     head('GET /v1.41%2Fimages/json HTTP/1.1'), 200, 403),
    ('an encoded slash behind a wide rule: top',
     head(f'GET /v1.41/containers%2F{NAME}/top HTTP/1.1'), 200, 403),
    ('an API version with a dot behind: /v1.41./',
     head('GET /v1.41./containers/json HTTP/1.1'), 200, 400),
    ('an API version with two dots behind',
     post(f'/v1.41../containers/{NAME}/restart', b''), None, 400),
    ('an API version with a leading zero: /v01.41/',
     head('GET /v01.41/containers/json HTTP/1.1'), 200, 400),
    ('the absolute form',
     head('GET http://docker/v1.41/containers/json HTTP/1.1'), 200, 400),
    ('the absolute form of any scheme',
     head('GET foo://x/v1.41/images/json HTTP/1.1'), 200, 400),
    ('a|b: the first half anchored at the left only',
     head('GET /version?x=1 HTTP/1.1'), 200, 403),
    ('a|b: the second half anchored at the right only',
     head('GET /images/json?x=/_ping HTTP/1.1'), 200, 403),
    ('GET|HEAD: a method that begins like one',
     head('GETTT /v1.41/containers/json HTTP/1.1'), 404, 403),
    ('a form body over the query: signal',
     post(f'/v1.41/containers/{NAME}/kill?signal=WINCH', b'signal=NOPE',
          FORM), 400, 403),
    ('a form body over the query, with a parameter and in capitals',
     post(f'/v1.41/containers/{NAME}/kill?signal=WINCH', b'signal=NOPE',
          FORM.upper() + '; charset=utf-8'), 400, 403),
    ('a form body over the query: pull from elsewhere',
     post('/v1.41/images/create?fromImage=a&tag=b',
          b'fromImage=localhost:1/x', FORM), None, 403),
    ('HostConfig on start below API 1.24',
     post(f'/v1.23/containers/{NAME}-new/start', BIND,
          'Content-Type: application/json'), OLD_API, 403),
    ('HostConfig on start, without a version',
     post(f'/containers/{NAME}-new/start', BIND,
          'Content-Type: application/json'), None, 403),
    ('attach/ws under a wide GET rule',
     head(f'GET /v1.41/containers/{NAME}/attach/ws?stream=1&stdin=1 '
          'HTTP/1.1', *WS), 101, 403),
    ('attach/ws with an encoded letter',
     head(f'GET /v1.41/containers/{NAME}/%61ttach/ws?stdin=1 HTTP/1.1',
          *WS), 101, 400),
    ('attach/ws with an encoded slash',
     head(f'GET /v1.41/containers/{NAME}/attach%2Fws?stdin=1 HTTP/1.1',
          *WS), 101, 403),
    ('a line feed behind the target',
     head('GET /version%0A HTTP/1.1'), 404, 400),
    ('a raw line feed behind the target',
     head('GET /version\n HTTP/1.1'), None, 400),
    ('dot segments behind a wide rule',
     head(f'GET /v1.41/containers/{NAME}/../../images/json HTTP/1.1'), 301,
     400),
    ('two lengths', post('/v1.41/containers/x/restart', b'GET /info',
                         'Content-Length: 0'), None, 400),
    ('length and chunked together',
     head(f'POST /v1.41/containers/{NAME}/restart HTTP/1.1',
          'Content-Length: 4', 'Transfer-Encoding: chunked') +
     b'0\r\n\r\n', None, 400),
    ('the preface of HTTP/2',
     b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', None, 505),
    ('a page of a hostile web site',
     head('GET /version HTTP/1.1', 'Origin: http://evil.example'), 200, 403),
)


def each_hole(d, p):
    for what, data, theirs, ours in HOLES:
        if theirs is not None:
            h.same(first_status(d.host, data), theirs,
                   f'{what}: dockerd says {theirs}')
        h.same(first_status(p.host, data), ours, f'{what}: {ours}')


def second_in_segment(d, p):
    """two requests in one segment, the second is denied"""
    both = head('GET /v1.41/version HTTP/1.1') + \
        head('GET /v1.41/images/json HTTP/1.1')
    with Wire(p.host) as wire:
        wire.send(both)
        h.same(wire.answer().status, 200, 'the first is allowed')
        h.same(wire.answer().status, 403, h.title(second_in_segment))


def hidden_in_body(d, p):
    """a request behind a body that is shorter than dockerd may think"""
    inner = head('GET /v1.41/images/json HTTP/1.1')
    with Wire(p.host) as wire:
        wire.send(post(f'/v1.41/containers/{NAME}/kill?signal=WINCH', b'') +
                  inner)
        h.same(wire.answer().status, 204, 'the outer request is allowed')
        h.same(wire.answer().status, 403, h.title(hidden_in_body))


def body():
    with h.Dockerd() as d, h.Proxy(d.socket, rules=RULES) as p:
        h.run_container(d.host, 'sleep', '1000',
                        options=('-i', '--name', NAME))
        h.docker_ok(d.host, 'create', '--network', 'none', '--name',
                    NAME + '-new', '--label', h.LABEL, h.IMAGE, 'true')
        each_hole(d, p)
        h.each([second_in_segment, hidden_in_body], d, p)
        bad = [line for line in p.err().splitlines()
               if 'allow' in line and 'images/json' in line]
        h.same(bad, [], 'no denied request was let through')


h.main(body)
