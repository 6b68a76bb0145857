#!/usr/bin/python3 -B
"""dockerd that dies in every phase of a request, and dockerd that lies."""

import socket
import time

import faulty
import harness as h
from faulty import (BIG, CHUNKED, LENGTH, SWITCH, UPGRADE, Bench, attach,
                    everything, parts, push, upload_head)
from wire import Wire

UNTIL_CLOSE = b'HTTP/1.1 200 OK\r\nServer: x\r\n\r\n'
CUT = {                 # phase: what dockerd says before it dies
    'before answering': b'',
    'in the status line': b'HTTP/1.1 20',
    'in the answer head': b'HTTP/1.1 200 OK\r\nContent-Le',
    'after an interim answer': b'HTTP/1.1 100 Continue\r\n\r\n',
    'before the body': LENGTH,
    'in a body with length': LENGTH + b'12345',
    'before the chunks': CHUNKED,
    'in a chunk size': CHUNKED + b'5\r\nhello\r\n1',
    'in a chunk': CHUNKED + b'5\r\nhello\r\nff\r\nxy',
    'behind the data of a chunk': CHUNKED + b'5\r\nhello',
    'between chunks': CHUNKED + b'5\r\nhello\r\n',
    'in the last chunk': CHUNKED + b'5\r\nhello\r\n0\r\n',
}


def died(b):
    """dockerd dies"""
    for phase, data in CUT.items():
        for is_reset in False, True:
            def script(conn):
                if not is_reset:
                    conn.take_head()
                conn.send(data)
                conn.close()

            b.play(script)
            began = time.monotonic()
            with Wire(b.host) as wire:
                wire.ask('GET', '/x')
                status, text = parts(everything(wire))
            is_quick = time.monotonic() - began < 2
            began_answer = data.startswith(LENGTH) or \
                data.startswith(CHUNKED)
            if not began_answer:
                text = b'bad answer' if b'no valid answer' in text else text
            b.point((status, text, is_quick),
                    (200, parts(data)[1], True) if began_answer
                    else (502, b'bad answer', True),
                    f'dies {phase}, by {"reset" if is_reset else "close"}')


def died_until_close(b):
    """dockerd dies in a body that only its end delimits"""
    def script(conn):
        conn.take_head()
        conn.send(UNTIL_CLOSE + b'some')
        conn.close()

    b.play(script)
    with Wire(b.host) as wire:
        wire.ask('GET', '/x')
        answer = wire.head()
        text = everything(wire)
    b.point((answer.status, answer.fields.get('connection'), text),
            (200, 'close', b'some'), 'dies in a body without length: it ends')


def died_in_tunnel(b):
    """dockerd dies in a tunnel"""
    for is_reset in False, True:
        def script(conn):
            conn.take_head()
            conn.send(SWITCH + b'hello')
            if is_reset:        # what the client says stays unread
                conn.socket.recv(1, socket.MSG_PEEK)
            conn.close()

        b.play(script)
        with Wire(b.host) as wire:
            attach(wire)
            wire.send(b'input')
            data = everything(wire)
        b.point(parts(data), (101, b'hello'),
                f'dies after 101, by {"reset" if is_reset else "close"}')


def died_in_upload(b):
    """dockerd dies while the request body comes"""
    for is_reset in False, True:
        def script(conn):
            if is_reset:
                time.sleep(0.2)     # some of it is there, unread
            else:
                conn.take_head()
                conn.wait_body(bytes(100))
            conn.close()

        b.play(script)
        with Wire(b.host) as wire:
            wire.send(upload_head(BIG))
            push(wire, BIG)
            wire.socket.settimeout(5)
            data = everything(wire)
        b.point(parts(data)[0], 502,
                f'dies in the upload, by {"reset" if is_reset else "close"}')


def answered_early(b):
    """dockerd answers in the middle of the upload"""
    error = b'HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nthere'

    def dies(conn):
        time.sleep(0.2)
        conn.send(error)
        conn.close()

    def stays(conn):
        conn.take_head()
        conn.send(error)
        conn.socket.settimeout(10)
        conn.wait_eof()

    for name, script in ('and resets', dies), ('and reads on', stays):
        b.play(script)
        with Wire(b.host) as wire:
            wire.send(upload_head(BIG))
            push(wire, BIG)
            wire.socket.settimeout(5)
            data = everything(wire)
        b.point(parts(data), (404, b'there'), f'answers early {name}')


def answered_while_reading(b):
    """dockerd answers and reads on: both directions go on"""
    def script(conn):
        conn.take_head()
        conn.send(CHUNKED)
        for word in b'one', b'two':
            conn.wait_body(word)
            conn.send(b'3\r\n' + word + b'\r\n')
        conn.send(b'0\r\n\r\n')
        conn.close()

    b.play(script)
    with Wire(b.host) as wire:
        wire.send(upload_head(6))
        h.expect(wire.head().status == 200, 'no answer')
        told = []
        for word in b'one', b'two':
            wire.send(word)
            told.append(wire.chunk())
        told.append(wire.chunk())
        wire.ask('GET', '/_ping')
        status = wire.answer().status
    b.point((told, status), ([b'one', b'two', b''], 200),
            'answer and upload at once, then the next request')


# -- answers that are none --------------------------------------------------

def field(*lines):
    return b'\r\n'.join([b'HTTP/1.1 200 OK', *lines, b'', b'hello'])


MALFORMED = {
    'no HTTP': b'220 ftp ready\r\n\r\n',
    'HTTP/2': b'HTTP/2.0 200 OK\r\n\r\n',
    'a status of letters': b'HTTP/1.1 abc OK\r\n\r\n',
    'a status of two digits': b'HTTP/1.1 20 OK\r\n\r\n',
    'status 099': b'HTTP/1.1 099 OK\r\n\r\n',
    'status 600': b'HTTP/1.1 600 OK\r\n\r\n',
    'two spaces': b'HTTP/1.1  200 OK\r\n\r\n',
    'bare LF': b'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
    'bare LF in a field': field(b'A: b\nC: d', b'Content-Length: 5'),
    'bare CR': field(b'A: b\rC: d', b'Content-Length: 5'),
    'a folded line': field(b'A: b', b' c', b'Content-Length: 5'),
    'a space before the colon': field(b'Content-Length : 5'),
    'no colon': field(b'Content-Length 5'),
    'a NUL': field(b'A: b\0c', b'Content-Length: 5'),
    'length and chunked': field(b'Content-Length: 5',
                                b'Transfer-Encoding: chunked'),
    'two lengths': field(b'Content-Length: 5', b'Content-Length: 6'),
    'a signed length': field(b'Content-Length: +5'),
    'a length of 19 digits': field(b'Content-Length: ' + b'9' * 19),
    'gzip as coding': field(b'Transfer-Encoding: gzip'),
    'two codings': field(b'Transfer-Encoding: gzip, chunked'),
    'chunked in 1.0': b'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked'
                      b'\r\n\r\n0\r\n\r\n',
    'a head of 70 KiB': field(b'A: ' + b'x' * 70000, b'Content-Length: 5'),
    'a head without end': b'HTTP/1.1 200 OK\r\nA: ' + b'x' * 200000,
    '200 fields': field(*[b'A: b'] * 200, b'Content-Length: 5'),
    '101 that nobody asked for': SWITCH + b'hello',
}


def malformed_head(b):
    """A malformed answer head: 502"""
    for name, data in MALFORMED.items():
        def script(conn):
            conn.take_head()
            conn.send(data)
            conn.wait_eof()         # it stays: we are to end it

        b.play(script)
        with Wire(b.host) as wire:
            wire.ask('GET', '/x')
            status, text = parts(everything(wire))
        b.point((status, b'no valid answer' in text), (502, True),
                f'{name}: 502')


def malformed_switch(b):
    """101 to an attach without Upgrade, or before the body is there"""
    def script(conn):
        conn.take_head()
        conn.send(SWITCH + b'hello')
        conn.wait_eof()

    for name, body, fields, status in (
            ('without Upgrade', b'', (), 502),
            ('before the body', b'12345', UPGRADE, 400)):
        b.play(script)
        with Wire(b.host) as wire:
            wire.send(b'\r\n'.join([
                b'POST /containers/x/attach HTTP/1.1', b'Host: docker',
                b'Content-Length: %d' % len(body),
                *[text.encode() for text in fields], b'', body[:2]]))
            data = everything(wire)
        b.point(parts(data)[0], status,
                f'101 to an attach {name}: {status}')


BAD_CHUNKS = {
    'no digits': b'\r\nhello\r\n',
    'other letters': b'zz\r\nhello\r\n',
    'an extension': b'5;a=b\r\nhello\r\n',
    'bare LF': b'5\nhello\n',
    '2^63': b'8000000000000000\r\nhello\r\n',
    '17 digits': b'00000000000000005\r\nhello\r\n',
    'a longer chunk than said': b'4\r\nhello\r\n',
    'a trailer': b'0\r\nA: b\r\n\r\n',
}


def malformed_chunk(b):
    """A malformed chunk: the connection ends, the body does not"""
    for name, data in BAD_CHUNKS.items():
        def script(conn):
            conn.take_head()
            conn.send(CHUNKED + b'4\r\ngood\r\n' + data + b'0\r\n\r\n')
            conn.wait_eof()

        b.play(script)
        with Wire(b.host) as wire:
            wire.ask('GET', '/x')
            status, text = parts(everything(wire))
        b.point((status, text.startswith(b'4\r\ngood\r\n'),
                 text.endswith(b'0\r\n\r\n')), (200, True, False),
                f'a chunk with {name}: cut')


def extra_bytes(b):
    """Bytes behind the answer reach nobody"""
    extra = b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
    for method, data in (
            ('GET', LENGTH + b'0123456789'), ('HEAD', LENGTH),
            ('GET', CHUNKED + b'2\r\nhi\r\n0\r\n\r\n'),
            ('GET', b'HTTP/1.1 204 No Content\r\n\r\n'),
            ('GET', b'HTTP/1.1 304 Not Modified\r\n\r\n'),
            ('GET', b'HTTP/1.1 404 Nope\r\nContent-Length: 0\r\n\r\n')):
        def script(conn):
            conn.take_head()
            conn.send(data + extra)
            conn.wait_eof()

        b.play(script)
        with Wire(b.host) as wire:
            wire.ask(method, '/x')
            first = wire.answer(method)
            wire.ask('GET', '/_ping')
            second = wire.answer()
        line = data.partition(b'\r\n')[0].decode()
        b.point((first.line, second.body), (line, b'OK'),
                f'bytes behind {method} {line}: dropped')


def interim_flood(b):
    """Interim answers: some, many, and without end"""
    interim = b'HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n'

    def several(conn):
        conn.take_head()
        conn.send(interim * 5 + LENGTH + b'0123456789')
        conn.wait_eof()

    def many(conn):
        conn.take_head()
        conn.send(interim * 20000 + LENGTH + b'0123456789')
        conn.wait_eof()

    def endless(conn):
        conn.take_head()
        while True:
            conn.send(interim * 1000)

    b.play(several)
    with Wire(b.host) as wire:
        wire.ask('GET', '/x')
        answer = wire.answer()
    b.point((answer.status, answer.body), (200, b'0123456789'),
            'five interim answers, then one: the one')
    for script, name in (many, '20000'), (endless, 'endless'):
        b.play(script)
        with Wire(b.host, 3) as wire:
            wire.ask('GET', '/x')
            status = parts(everything(wire))[0]
        b.point(status, 502, f'{name} interim answers: 502')


def body():
    with Bench() as b:
        faulty.run(__file__, [
            died, died_until_close, died_in_tunnel, died_in_upload,
            answered_early, answered_while_reading, malformed_head,
            malformed_switch, malformed_chunk, extra_bytes, interim_flood],
            b)


h.main(body, needs_docker=False)
