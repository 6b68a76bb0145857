#!/usr/bin/python3 -B
"""Bytes that well-behaved clients seldom send: hijacked streams, early
answers, old HTTP, pipelines."""

import json
import socket
import time

import harness as h
from wire import Wire, json_of, post_json, request

NAME = 'dsp-raw'
TCP = ('Connection: Upgrade', 'Upgrade: tcp')
START = b'{"Detach":false,"Tty":true}'


def new_exec(d, *command, tty=True):
    """Make an exec instance directly; its id.  With a tty its output is
    plain bytes."""
    return post_json(d.host, f'/containers/{NAME}/exec', {
        'AttachStdin': True, 'AttachStdout': True, 'AttachStderr': True,
        'Tty': tty, 'Cmd': command})['Id']


def start_head(number, *fields, body=START):
    lines = [f'POST /exec/{number}/start HTTP/1.1', 'Host: docker',
             'Content-Type: application/json',
             f'Content-Length: {len(body)}', *fields, '', '']
    return '\r\n'.join(lines).encode() + body


def one_segment(d, p):
    """exec start with stdin and half-close in one segment"""
    number = new_exec(d, 'sh', '-c', 'cat; sleep 1; echo late', tty=False)
    with Wire(p.host) as wire:
        wire.send(start_head(number, *TCP,
                             body=b'{"Detach":false,"Tty":false}')
                  + b'early bytes\n')
        wire.half_close()
        answer = wire.head()
        h.same(answer.status, 101, h.title(one_segment) + ': 101')
        text = wire.rest()
        h.check(b'early bytes' in text and b'late' in text,
                'nothing is lost, output goes on after the half-close',
                text)


def tunnel(d, p):
    """exec start with Upgrade: a dialogue through the tunnel"""
    number = new_exec(d, 'sh', '-c', 'stty -echo; echo ready; '
                      'while read x; do echo "got $x"; done')
    with Wire(p.host) as wire:
        wire.send(start_head(number, *TCP))
        answer = wire.head()
        h.same((answer.status, answer.fields.get('upgrade')), (101, 'tcp'),
               h.title(tunnel) + ': 101')
        read_to(wire, b'ready\r\n')
        for word in b'one', b'two':
            wire.send(word + b'\n')
            read_to(wire, b'got ' + word + b'\r\n')
        h.check(True, 'each line is answered at once')
        wire.send(b'GET /version HTTP/1.1\n')
        read_to(wire, b'got GET /version HTTP/1.1\r\n')
        h.check(True, 'what looks like a request is only a line')
        wire.send(b'\x04')
        h.same(wire.rest(), b'', 'the end of the command ends the tunnel')


def read_to(wire, part):
    while part not in wire.held:
        h.expect(wire.more(), 'ended:', wire.held)
    wire.held = wire.held.partition(part)[2]


def no_upgrade(d, p):
    """exec start without Upgrade: 200, raw both ways until the end"""
    number = new_exec(d, 'sh', '-c', 'stty -echo; echo ready; read x; '
                      'echo "got $x"')
    with Wire(p.host) as wire:
        wire.ask('GET', '/_ping')           # on a used connection
        wire.answer()
        wire.send(start_head(number))
        answer = wire.head()
        h.same((answer.status, answer.fields.get('content-length'),
                answer.fields.get('transfer-encoding')), (200, None, None),
               h.title(no_upgrade))
        read_to(wire, b'ready\r\n')
        wire.send(b'word\n')
        h.same(wire.rest(), b'got word\r\n', 'stdin and the rest of it')


def plain_route(d, p):
    """Upgrade on a plain route changes nothing"""
    with h.Proxy(d.socket, profile='readonly') as ro, Wire(ro.host) as wire:
        wire.ask('GET', '/version', b'', *TCP)
        first = wire.answer()
        h.check(first.status == 200 and json_of(first),
                h.title(plain_route), first)
        wire.ask('POST', '/containers/create', b'{}')
        h.same(wire.answer().status, 403, 'the next request is judged')
        wire.ask('GET', '/version')
        h.same(wire.answer().status, 200, 'and the one after it')


def failed_hijack(d, p):
    """exec start of an unknown exec: JSON, the next request is judged"""
    with Wire(p.host) as wire:
        wire.send(start_head('0123456789abcdef', *TCP))
        answer = wire.answer()
        h.check(answer.status == 404 and 'message' in json_of(answer),
                h.title(failed_hijack), answer)


def failed_attach(d, p):
    """attach to an unknown container: 404 and text, as dockerd gives it"""
    told = []
    for host in d.host, p.host:
        with Wire(host) as wire:
            wire.ask('POST', '/containers/dsp-nobody/attach?stream=1'
                     '&stdout=1', b'', *TCP)
            answer = wire.answer()
            told.append((answer.status, answer.body))
    h.expect(told[0][0] == 404, told)
    h.same(told[1], told[0], h.title(failed_attach))


def daemon_first(d, p):
    """grpc with Upgrade: h2c: dockerd speaks first"""
    with Wire(p.host) as wire:
        wire.ask('POST', '/grpc', b'', 'Connection: Upgrade', 'Upgrade: h2c')
        answer = wire.head()
        h.same((answer.status, answer.fields.get('upgrade')), (101, 'h2c'),
               h.title(daemon_first) + ': 101')
        h.check(wire.held or wire.more(), 'and sends its first frame')
        wire.half_close()


def early_answer(d, p):
    """PUT archive to an unknown container with 50 MB: 404, not 502"""
    size = 50 << 20
    for kind in 'with length', 'chunked':
        with Wire(p.host) as wire:
            framing = f'Content-Length: {size}' if kind == 'with length' \
                else 'Transfer-Encoding: chunked'
            wire.send(b'PUT /containers/dsp-nobody/archive?path=/ HTTP/1.1'
                      b'\r\nHost: docker\r\nContent-Type: application/x-tar'
                      b'\r\n' + framing.encode() + b'\r\n\r\n')
            block = bytes(1 << 16)
            if kind == 'chunked':
                block = b'10000\r\n' + block + b'\r\n'
            push(wire, block, size >> 16)
            answer = wire.answer()
            h.same(answer.status, 404, f'{h.title(early_answer)}: {kind}')
            h.has(json_of(answer)['message'], 'dsp-nobody',
                  "with dockerd's message")


def push(wire, block, times):
    """Send until all is sent or the other side has had enough."""
    try:
        for _turn in range(times):
            wire.send(block)
    except (BrokenPipeError, ConnectionResetError, socket.timeout):
        pass


def expect_continue(d, p):
    """Expect: 100-continue"""
    data = h.docker(d.host, 'save', h.IMAGE).raw
    with Wire(p.host, 20) as wire:
        wire.send(b'POST /images/load HTTP/1.1\r\nHost: docker\r\n'
                  b'Content-Type: application/x-tar\r\n'
                  b'Expect: 100-continue\r\n'
                  b'Content-Length: %d\r\n\r\n' % len(data))
        h.same(wire.head().status, 100, 'load with Expect: 100 comes')
        wire.send(data)
        answer = wire.answer()
        h.check(answer.status == 200 and b'Loaded' in answer.body,
                'and the body is loaded', answer)
    with Wire(p.host) as wire:
        wire.ask('POST', '/containers/dsp-nobody/update', b'',
                 'Expect: 100-continue')
        h.check(wire.answer().status >= 400, 'an error without 100')
    with Wire(p.host) as wire:
        wire.ask('GET', '/version', b'', 'Expect: 200-ok')
        h.same(wire.answer().status, 417, 'another expectation: 417')


def old_http(d, p):
    """HTTP/1.0"""
    with Wire(p.host) as wire:
        wire.ask('GET', f'/containers/{NAME}/json', version='1.0')
        answer = wire.head()
        text = wire.rest()
        h.same(answer.fields.get('transfer-encoding'), None,
               'HTTP/1.0: no chunks')
        h.same(json.loads(text)['Name'], '/' + NAME,
               'HTTP/1.0: the whole answer, then the end')
    with Wire(p.host) as wire:
        for turn in 'first', 'second':
            wire.ask('GET', '/_ping', b'', 'Connection: keep-alive',
                     version='1.0')
            h.same(wire.answer().body, b'OK',
                   f'HTTP/1.0 with keep-alive: {turn}')
    with Wire(p.host) as wire:
        wire.ask('GET', '/_ping', b'', 'Connection: close')
        answer = wire.head()
        h.same(answer.fields.get('connection'), 'close',
               'Connection: close is answered so')
        h.same(wire.rest(), b'OK', 'and kept')


def heads(d, p):
    """HEAD and answers without a body"""
    target = '/containers/dsp-nobody/archive?path=/'
    direct = request(d.host, 'HEAD', target)
    with Wire(p.host) as wire:
        wire.ask('HEAD', target)
        answer = wire.answer('HEAD')
        h.same((answer.status, answer.fields.get('content-length')),
               (404, direct.fields.get('content-length')),
               'HEAD: 404 with the length and no body')
        wire.ask('POST', f'/containers/{NAME}/start')
        h.same(wire.answer().status, 304, 'start of a running one: 304')
        wire.ask('POST', f'/containers/{NAME}/pause')
        h.same(wire.answer().status, 204, 'pause: 204')
        wire.ask('POST', f'/containers/{NAME}/unpause')
        h.same(wire.answer().status, 204, 'unpause: 204')
        wire.ask('HEAD', '/_ping')
        h.same(wire.answer('HEAD').status, 200,
               'all on one connection, and it serves on')


def pipeline(d, p):
    """Pipelined requests are judged one by one, in order"""
    with h.Proxy(d.socket, profile='readonly') as ro, Wire(ro.host) as wire:
        one = b'GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n'
        two = b'POST /containers/prune HTTP/1.1\r\nHost: x\r\n' \
            b'Content-Length: 0\r\n\r\n'
        body = b'PUT /containers/x/archive?path=/ HTTP/1.1\r\nHost: x\r\n' \
            b'Content-Length: %d\r\n\r\n' % len(two) + two
        wire.send(one + two + one + body + one)
        h.same([wire.answer().status for _turn in range(5)],
               [200, 403, 200, 403, 200], h.title(pipeline))
        slow = b'GET /containers/json?all=1 HTTP/1.1\r\nHost: x\r\n\r\n'
        wire.send(slow * 20)
        h.same({wire.answer().status for _turn in range(20)}, {200},
               'twenty requests in one segment')


def byte_by_byte(d, p):
    """A request that comes byte by byte"""
    body = b'{"AttachStdout":true,"Cmd":["true"]}'
    text = f'POST /containers/{NAME}/exec HTTP/1.1\r\nHost: docker\r\n' \
        'Content-Type: application/json\r\nTransfer-Encoding: chunked' \
        '\r\n\r\n'
    data = text.encode() + b''.join(
        b'%x\r\n%c\r\n' % (1, byte) for byte in body) + b'0\r\n\r\n'
    with Wire(p.host) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            wire.send(bytes([byte]))
        h.same(wire.answer().status, 201, h.title(byte_by_byte))
        wire.ask('GET', '/_ping')
        h.same(wire.answer().status, 200, 'and the connection serves on')


def wrong(d, p):
    """What could be read two ways is refused and closed"""
    end = b'Host: x\r\n\r\n'
    post = b'POST /containers/create HTTP/1.1\r\nContent-Type: ' \
        b'application/json\r\n'
    for status, data in (
            (400, b'GET /version HTTP/1.1\nHost: x\n\n'),
            (400, b'GET  /version HTTP/1.1\r\n' + end),
            (400, b'GET /version HTTP/1.1\r\n\r\n'),
            (400, b'GET /version HTTP/1.1\r\nHost: x\r\n' + end),
            (400, b'GET /version HTTP/1.1\r\nA : b\r\n' + end),
            (400, b'GET /version HTTP/1.1\r\nContent-Length: 5\r\n' + end),
            (400, post + b'Content-Length: 5\r\nTransfer-Encoding: '
             b'chunked\r\n' + end + b'0\r\n\r\n'),
            (400, post + b'Content-Length: 5\r\nContent-Length: 5\r\n'
             + end + b'12345'),
            (400, post + b'Content-Length: +5\r\n' + end + b'12345'),
            (400, post + b'Transfer-Encoding: chunked\r\n' + end
             + b'5;x=y\r\n12345\r\n0\r\n\r\n'),
            (400, post + b'Transfer-Encoding: chunked\r\n' + end
             + b'zz\r\n'),
            (501, post + b'Transfer-Encoding: gzip\r\n' + end),
            (505, b'GET /version HTTP/2.0\r\n' + end),
            (414, b'GET /' + b'x' * 17000 + b' HTTP/1.1\r\n' + end),
            (431, b'GET /version HTTP/1.1\r\nA: ' + b'x' * 66000 + b'\r\n'
             + end),
            (431, b'GET /version HTTP/1.1\r\n' + b'A: b\r\n' * 130 + end)):
        with Wire(p.host) as wire:
            wire.send(data)
            answer = wire.answer()
            text = f'{data[:60]!r}...: {status}'
            h.same(answer.status, status, text)
            h.check(wire.is_closed(), 'and it is closed')


def large_head(d, p):
    """A head of 60 KiB with 100 fields passes"""
    fields = [f'X-Field-{number}: ' + 'x' * 600 for number in range(100)]
    answer = request(p.host, 'GET', '/version', b'', *fields)
    h.same(answer.status, 200, h.title(large_head))


def half_closed(d, p):
    """A client that ends its side right after a request is answered"""
    with Wire(p.host) as wire:
        wire.ask('GET', '/version')
        wire.half_close()
        answer = wire.answer()
        h.check(answer.status in (200, 500), h.title(half_closed), answer)
        h.check(wire.is_closed(), 'and then closed')


def timeouts(d, p):
    """--head-timeout and --idle-timeout"""
    with h.Proxy(d.socket, args=['--head-timeout', '1', '--idle-timeout',
                                 '2']) as quick:
        with Wire(quick.host) as wire:
            began = time.monotonic()
            wire.send(b'GET /version HT')
            h.same(wire.answer().status, 408, 'half a head: 408')
            took = time.monotonic() - began
            h.check(0.8 < took < 2.5, 'after the head timeout', took)
            h.check(wire.is_closed(), 'and closed')
        with Wire(quick.host) as wire:
            wire.ask('GET', '/_ping')
            wire.answer()
            began = time.monotonic()
            h.check(wire.is_closed(), 'an idle connection is closed')
            took = time.monotonic() - began
            h.check(1.8 < took < 3.5, 'after the idle timeout', took)
        with Wire(quick.host) as wire:
            wire.ask('GET', '/events')
            wire.head()
            time.sleep(3)
            h.sleeper(quick.host)
            h.check(wire.chunk(), 'a silent stream knows no timeout')


def unfinished_body(_d, p):
    """attach with a body that does not end: 400, not a stream"""
    for fields, part in (('Content-Length: 99', 'hello'),
                         ('Transfer-Encoding: chunked', '5')):
        with Wire(p.host) as wire:
            wire.send(f'POST /v1.41/containers/{NAME}/attach?stream=1 '
                      f'HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n'
                      f'{part}'.encode())
            h.same(wire.answer().status, 400,
                   f'{h.title(unfinished_body)}: {fields}')


def body():
    with h.Dockerd() as d, h.Proxy(d.socket) as p:
        h.sleeper(d.host, '--name', NAME)
        h.each([one_segment, tunnel, no_upgrade, plain_route, failed_hijack,
                failed_attach, unfinished_body, daemon_first, early_answer,
                expect_continue, old_http, heads, pipeline, byte_by_byte,
                wrong, large_head, half_closed, timeouts], d, p)


h.main(body)
