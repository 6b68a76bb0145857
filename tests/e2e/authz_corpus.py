"""The corpus of raw requests, sent to a daemon that asks the program about
each, and compared with what the proxy says to the same bytes.

Between dockerd and the program stands a plugin of ours, which notes what the
program says and always denies, so that nothing is done.
"""

import collections
import json
import os
import socket
import socketserver
import threading

import harness as h
from wire import Wire

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, '..', 'corpus', 'http')
ANSWER_S = 0.5          # for the first answer, before our side is ended
END_S = 5

Row = collections.namedtuple('Row', 'name profile expected')
Asked = collections.namedtuple('Asked', 'message allowed text')

# Rows that differ, and must: what the proxy refuses them for is not in what
# dockerd tells.  By the beginning of the name.
CLASSES = {
    'line_end-': 'bytes of the head',
    'version-1': 'bytes of the head',
    'header_syntax-': 'bytes of the head',
    'limits-': 'size of the head',
    'cl-': 'a repeated or odd length, and what dockerd reads behind it',
    'te-': 'Transfer-Encoding',
    'body_on_get-te0': 'Transfer-Encoding',
    'chunk-': 'the chunks of a body',
    'trunc_body-chunk': 'the chunks of a body',
    'browser-relay_': 'Host, so what relays browsers is taken for one',
}


def rows():
    """What the proxy is known to answer: see corpus/run.py, which sees to
    that."""
    left_out = {line.split('\t')[0] for line in
                h.read(CORPUS + '/not-yet.tsv').splitlines()[1:]}
    for line in h.read(CORPUS + '/index.tsv').splitlines()[1:]:
        name, profile, expected = line.split('\t')[:3]
        if name not in left_out:
            yield Row(name, profile, expected)


class Between(socketserver.ThreadingUnixStreamServer):
    """dockerd's plugin."""

    daemon_threads = True

    def __init__(self, path, sockets):
        self.sockets = sockets          # profile -> socket of the program
        self.profile = None             # of the row under way
        self.asked = []
        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, call, body):
        if call == '/Plugin.Activate':
            return {'Implements': ['authz']}
        if not self.profile or call != '/AuthZPlugin.AuthZReq':
            return {'Allow': True}
        with Wire(self.sockets[self.profile]) as wire:
            wire.ask('POST', call, body)
            answer = wire.answer()
        said = json.loads(answer.body)
        self.asked.append(Asked(json.loads(body), said['Allow'] is True and
                                answer.status == 200, said.get('Msg')))
        return {'Allow': False, 'Msg': 'noted'}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            line = self.rfile.readline().split()
            if len(line) < 2:
                return
            length = 0
            for field in iter(self.rfile.readline, b'\r\n'):
                name, _colon, value = field.partition(b':')
                if name.lower() == b'content-length':
                    length = int(value)
            body = self.rfile.read(length)
            text = json.dumps(self.server.answer(line[1].decode(),
                                                 body)).encode()
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n'
                             % len(text) + text)


def send(docker_socket, data, is_cut):
    """Send it all, and wait until dockerd has done with it."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(docker_socket)
        s.settimeout(ANSWER_S)
        try:
            s.sendall(data)
            if not is_cut:
                s.recv(1)
        except OSError:
            pass
        try:
            s.shutdown(socket.SHUT_WR)
            s.settimeout(END_S)
            while s.recv(65536):
                pass
        except OSError:
            pass


def is_same(asked, expected):
    """Whether the proxy says the same to as many requests as dockerd has
    seen in these bytes."""
    for alternative in expected.split('|'):
        words = alternative.split(',')
        if words[-1] == 'close':
            words.pop()
        if len(asked) <= len(words) and all(
                one.allowed == (word == 'forward')
                for one, word in zip(asked, words)):
            return True
    return False


def class_of(name):
    return next((CLASSES[start] for start in CLASSES
                 if name.startswith(start)), None)


def compare(d, between):
    """Rows that dockerd asks nobody about, rows that are the same, and the
    classes of those that are not.  One test point for each other row."""
    same, never, classed = [], [], collections.defaultdict(list)
    for row in rows():
        with open(f'{CORPUS}/req/{row.name}.req', 'rb') as f:
            data = f.read()
        between.asked, between.profile = [], row.profile
        send(d.socket, data, row.name.startswith('trunc'))
        asked = between.asked
        if not asked:
            never.append(row.name)
        elif is_same(asked, row.expected):
            same.append(row.name)
        elif class_of(row.name):
            classed[class_of(row.name)].append(row.name)
        else:
            h.check(False, f'{row.name}: the plugin says what the proxy does',
                    f'proxy: {row.expected}', *asked)
    return never, same, classed
