"""What a worker that was taken over may say to the gate, and send on a
connection that the gate gave it."""

import json
import re
import struct

import harness as h
from hijack_agent import (CHUNKED, CONTINUE, LENGTH, MSG_NOSIGNAL, OPEN,
                          ORDER_CAP, SAYS_NO_BODY, USE, Gone, order)
from wire import Wire, json_of, request

NAME = 'dsp-hijacked'
CAT = 'dsp-hijack-cat'
POST = b'POST'
CREATE_PATH = f'/v1.41/containers/create?name={NAME}'
BODY = json.dumps({'Image': h.IMAGE, 'Cmd': ['true']}).encode()
CREATE = (f'POST {CREATE_PATH} HTTP/1.1\r\nHost: docker\r\n'
          'Content-Type: application/json\r\n'
          f'Content-Length: {len(BODY)}\r\n\r\n').encode() + BODY
START = f'/v1.41/containers/{CAT}/start'.encode()
RESIZE = f'/v1.41/containers/{CAT}/resize?h=1&w=1'.encode()
JSON = ((b'Content-Type', b'application/json'),)
FORM = ((b'Content-Type', b'application/x-www-form-urlencoded'),)
MORE = 0xffffffff
GOOD = order()


# what, the order, the gate's word for it
FORGED = (
    ('cut within its fixed part', GOOD[:47], 'size'),
    ('of one byte', b'x', 'size'),
    ("of the size of the master's question", b'\1\0\0\0', 'size'),
    ('cut by a byte', GOOD[:-1], 'size'),
    ('with a byte too many', GOOD + b'x', 'size'),
    ('with a method that reaches beyond it',
     order(lengths=(MORE, 8, 0)), 'size'),
    ('with a target that reaches beyond it',
     order(lengths=(3, MORE, 0)), 'size'),
    ('with an upgrade that reaches beyond it',
     order(lengths=(3, 8, MORE)), 'size'),
    ('with lengths that overflow together',
     order(lengths=(3, MORE, 12)), 'size'),
    ('with a field that is not there', order(nfields=1), 'size'),
    ('with a field that reaches beyond it',
     order(nfields=1) + struct.pack('=II', 6, MORE) + b'Accept', 'size'),
    ('with too many fields', order(nfields=129), 'number'),
    ('with very many fields', order(nfields=MORE), 'number'),
    ('of HTTP/1.2', order(minor=2), 'number'),
    ('with an unknown flag', order(flags=4), 'number'),
    ('for a line that there is not', order(line=3), 'number'),
    ('for a line far from any', order(line=MORE), 'number'),
    ('with a body of unknown kind', order(START, POST, body=4), 'number'),
    ('with a body until the end', order(START, POST, body=3), 'number'),
    ('larger than any', order() + bytes(ORDER_CAP), 'size'),
    ('with a length but no body', order(body_len=5), 'framing'),
    ('with a body of no length', order(START, POST, body=LENGTH), 'framing'),
    ('with a body of 19 digits',
     order(RESIZE, POST, body=LENGTH, body_len=10 ** 18), 'framing'),
    ('with chunks in HTTP/1.0',
     order(RESIZE, POST, body=CHUNKED, minor=0), 'framing'),
    ('with a body on GET', order(body=LENGTH, body_len=5), 'framing'),
    ('with chunks on GET', order(body=CHUNKED), 'framing'),
    ('with a body and none',
     order(RESIZE, POST, body=CHUNKED, flags=SAYS_NO_BODY), 'framing'),
    ('that expects without a body', order(flags=CONTINUE), 'framing'),
    ('with another request in the method',
     order(method=CREATE + b'GET'), 'method'),
    ('with no method', order(method=b''), 'method'),
    ('with a blank in the method', order(method=b'GET '), 'method'),
    ('with another request in the target',
     order(b'/version HTTP/1.1\r\n\r\n' + CREATE), 'target'),
    ('with a line end in the target', order(b'/version\r\n'), 'target'),
    ('with a NUL in the target', order(b'/version\0'), 'target'),
    ('with no target', order(b''), 'target'),
    ('with an empty segment', order(b'//version'), 'target'),
    ('with a dot segment', order(b'/containers/../version'), 'target'),
    ('with an escaped letter', order(b'/%76ersion'), 'target'),
    ('with an absolute target', order(b'http://docker/version'), 'target'),
    ('with an odd version', order(b'/v1.041/version'), 'target'),
    ('with a long target', order(b'/version?' + b'x' * 16384), 'target'),
    ('with an upgrade of what is no tunnel', order(upgrade=b'tcp'),
     'upgrade'),
    ('with another request in the upgrade',
     order(b'/exec/x/start', POST, upgrade=b'tcp\r\n\r\n' + CREATE),
     'upgrade'),
    ('with an upgrade in HTTP/1.0',
     order(b'/exec/x/start', POST, upgrade=b'tcp', minor=0), 'upgrade'),
    *((f'with the field {name.decode()}', order(fields=((name, value),)),
       'field') for name, value in (
           (b'Connection', b'keep-alive'), (b'connection', b'keep-alive'),
           (b'Content-Length', b'5'), (b'Transfer-Encoding', b'chunked'),
           (b'Host', b'x'), (b'Upgrade', b'tcp'), (b'Expect', b'x'),
           (b'Cookie', b'x'), (b'Accept ', b'x'), (b'Accept:', b'x'))),
    ('with a field without a name', order(fields=((b'', b'x'),)), 'field'),
    ('with a line end in a field',
     order(fields=((b'Accept', b'x\r\n\r\n' + CREATE),)), 'field'),
    ('with a line feed in a field',
     order(fields=((b'Accept', b'x\nConnection: keep-alive'),)), 'field'),
    ('with a NUL in a field', order(fields=((b'Accept', b'\0'),)), 'field'),
    ('with two content types', order(fields=JSON + FORM), 'field'),
    ('with a content type that is not ASCII',
     order(fields=((b'Content-Type', b'application/\xe2\x84\xaason'),)),
     'field'),
    ('of another listener', order(listener=1), 'listener'),
    ('of a listener that is not there', order(listener=MORE), 'listener'),
    ('of another listener, whose profile allows it',
     order(CREATE_PATH.encode(), POST, listener=1, body=LENGTH,
           body_len=len(BODY), fields=JSON), 'listener'),
    ('for what the profile denies',
     order(CREATE_PATH.encode(), POST, body=LENGTH, body_len=len(BODY),
           fields=JSON), 'no-rule'),
    ('for another method', order(method=b'DELETE'), 'no-rule'),
    ('for an old version', order(b'/v1.23/containers/x/start', POST),
     'min-api'),
    ('with a form',
     order(b'/images/create?fromImage=a', POST, body=LENGTH, body_len=5,
           fields=FORM), 'form-body'),
    ('to start with a body',
     order(START, POST, body=LENGTH, body_len=8, fields=JSON), 'start-body'),
    ('to start with chunks', order(START, POST, body=CHUNKED), 'start-body'),
    ('for a terminal that no rule names',
     order(b'/containers/x/attach/ws'), 'no-rule'),
    ('with a slash that no rule names',
     order(b'/containers/x%2Fjson'), 'no-rule'),
)

SMUGGLED = b'x\r\n\r\n' + CREATE


def on_line(how, line):
    """What is no order for a connection that the gate keeps: GET and HEAD of
    HTTP/1.1 without a body are, if the profile allows them."""
    def a(*args, **more):
        return order(*args, line=line, **more)

    return tuple((f'to {how} {what}', data, word) for what, data, word in (
        ('with POST', a(RESIZE, POST), 'framing'),
        ('with POST and no body', a(RESIZE, POST, flags=SAYS_NO_BODY),
         'framing'),
        ('with a body', a(RESIZE, POST, body=LENGTH, body_len=4), 'framing'),
        ('with chunks', a(RESIZE, POST, body=CHUNKED), 'framing'),
        ('with a body on GET', a(body=LENGTH, body_len=len(CREATE)),
         'framing'),
        ('with chunks on GET', a(body=CHUNKED), 'framing'),
        ('that expects', a(flags=CONTINUE), 'framing'),
        ('with DELETE', a(b'/containers/x', b'DELETE'), 'framing'),
        ('with another method', a(method=b'get'), 'framing'),
        ('of HTTP/1.0', a(minor=0), 'framing'),
        ('with an upgrade', a(b'/containers/x/attach', POST, upgrade=b'tcp'),
         'framing'),
        ('with an upgrade on GET',
         a(b'/containers/x/attach/ws', upgrade=b'websocket'), 'framing'),
        ('with another request in the upgrade',
         a(b'/containers/x/attach/ws', upgrade=SMUGGLED), 'upgrade'),
        ('with another request in the method', a(method=CREATE + b'GET'),
         'method'),
        ('with another request in the target',
         a(b'/version HTTP/1.1\r\n\r\n' + CREATE), 'target'),
        ('with another request in a field',
         a(fields=((b'Accept', SMUGGLED),)), 'field'),
        ('with another request in the name of a field',
         a(fields=((b'X-Meta-' + SMUGGLED, b'x'),)), 'field'),
        ('with a length in the fields',
         a(fields=((b'Content-Length', b'500'),)), 'field'),
        ('with a coding in the fields',
         a(fields=((b'Transfer-Encoding', b'chunked'),)), 'field'),
        ('with a byte too many', a() + b'x', 'size'),
        ('for another listener', a(listener=1), 'listener'),
        ('for what the profile denies', a(b'/secrets'), 'no-rule'),
        ('for HEAD, which the profile denies', a(method=b'HEAD'), 'no-rule'),
        ('for an old version', a(b'/v1.23/version'), 'min-api'),
    ))


FORGED += on_line('open', OPEN) + on_line('use', USE)

EXEC = order(b'/v1.41/exec/none/start', POST, upgrade=b'tcp', body=LENGTH,
             body_len=2, fields=JSON)
ATTACH = order(b'/v1.41/containers/none/attach?stream=1&stdin=1', POST,
               upgrade=b'tcp')
TUNNEL = order(f'/v1.41/containers/{CAT}/attach?stream=1&stdin=1&stdout=1'
               .encode(), POST, upgrade=b'tcp')
CHUNKS = order(RESIZE, POST, body=CHUNKED)
END = None              # read to the end first

# what, order, pieces that are sent on the connection, statuses that come
SECOND = (
    ('nothing (to compare)', GOOD, (), [200]),
    ('behind the request', GOOD, (CREATE,), [200]),
    ('behind the answer', GOOD, (END, CREATE), [200]),
    ('behind a request of HTTP/1.0', order(minor=0), (CREATE,), [200]),
    ('behind a body', order(RESIZE, POST, body=LENGTH, body_len=4),
     (b'abcd' + CREATE,), None),
    ('inside a body',
     order(RESIZE, POST, body=LENGTH, body_len=len(CREATE)), (CREATE,), None),
    ('instead of a longer body',
     order(RESIZE, POST, body=LENGTH, body_len=1 << 40), (CREATE,), None),
    ('behind an answer to a body not sent',
     order(RESIZE, POST, body=LENGTH, body_len=1 << 40), (END, CREATE), None),
    ('behind a body of no bytes', order(RESIZE, POST, flags=SAYS_NO_BODY),
     (CREATE,), None),
    ('behind chunks', CHUNKS, (b'4\r\nabcd\r\n0\r\n\r\n' + CREATE,), None),
    ('behind chunks that are none', CHUNKS, (b'zz\r\n' + CREATE,), None),
    ('behind a chunk that ends oddly', CHUNKS, (b'0;x\n\n' + CREATE,), None),
    ('behind a trailer', CHUNKS,
     (b'0\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n' + CREATE,),
     None),
    ('behind an expected body',
     order(RESIZE, POST, body=LENGTH, body_len=4, flags=CONTINUE),
     (b'abcd' + CREATE,), None),
    ('behind a failed exec', EXEC, (b'{}' + CREATE,), [404]),
    ('behind the answer to a failed exec', EXEC, (b'{}', END, CREATE), [404]),
    ('behind a failed attach', ATTACH, (CREATE,), [404]),
    ('behind the answer to a failed attach', ATTACH, (END, CREATE), [404]),
    ('in a tunnel: it is input of the container', TUNNEL, (CREATE,), [101]),
)


def prepare(d, token):
    """A container that gives back what it gets, and has a secret; and CREATE
    is a request that dockerd does."""
    h.run_container(d.host, 'cat', options=(
        '-i', '--name', CAT, '--env', 'TOKEN=' + token))
    with Wire(d.host) as wire:
        wire.send(CREATE)
        h.same(wire.answer().status, 201, 'sent directly, it creates')
    h.remove(d.host, NAME)


def containers(d):
    return sorted(each['Names'][0] for each in json_of(
        request(d.host, 'GET', '/containers/json?all=1')))


def send_forged(agent, data):
    """What became of an order: nothing when the worker died of it."""
    try:
        sent = agent.order(data)
        answer = agent.answer()
        if answer is None:
            agent.hear()
    except Gone:
        return None
    return f'sent {sent}, answer {answer}'


def forged(stand, rows=FORGED):
    """Orders that no honest worker sends end the worker."""
    got = []
    for what, data, word in rows:
        with stand.agent() as agent:
            got.append((what, word, agent.pid, send_forged(agent, data)))
    found, _killed = stand.security()
    for what, word, pid, result in got:
        yield (result is None and found.get(pid) == word,
               f'an order {what}: refused: {word}, worker killed',
               result, found.get(pid))


def read_all(agent, fd, patience_ms=3000):
    """What comes on a connection, to its end or until nothing comes."""
    data = b''
    room = agent.put(b'', 16384)
    wait = agent.put(struct.pack('=iHH', fd, 1, 0))
    while agent.call('poll', wait, 1, patience_ms).value > 0:
        got = agent.call('read', fd, room, 16384)
        if got.value <= 0:
            return data, True
        data += agent.get(room, got.value)
    return data, False


def statuses(data):
    return [int(status) for status in
            re.findall(rb'HTTP/1\.[01] (\d\d\d) ', data)
            if status != b'100']


def granted(agent, data):
    """A connection for an order."""
    agent.order(data)
    answer = agent.answer()
    h.expect(answer and answer[:3] == (1, 0, 0) and answer[3] is not None,
             'not granted:', answer)
    return answer[3]


def send_second(agent, data, pieces):
    """What comes for an order and what is sent on its connection; and
    whether it came to its end."""
    fd = granted(agent, data)
    patience_ms = 500 if data is TUNNEL else 3000
    came = b''
    for piece in pieces:
        if piece is END:
            came += read_all(agent, fd, patience_ms)[0]
        else:
            agent.call('sendto', fd, piece, len(piece), MSG_NOSIGNAL, 0, 0)
    more, is_end = read_all(agent, fd, patience_ms)
    return came + more, is_end


def second(stand, rows=SECOND):
    """One connection, one request."""
    before = containers(stand.docker)
    for what, data, pieces, wanted in rows:
        with stand.agent() as agent:
            came, is_end = send_second(agent, data, pieces)
        got = statuses(came)
        yield ((got == wanted if wanted else len(got) == 1)
               and is_end == (data is not TUNNEL)
               and containers(stand.docker) == before,
               f'a second request {what}: one answer, no effect',
               got, is_end, came[:300])
