"""Bytes on the wire: a small HTTP client that hides nothing."""

import json
import socket


def address(host):
    """Address family and address of tcp://HOST:PORT, unix:///path or
    unix://@name."""
    scheme, _slashes, rest = host.partition('://')
    if scheme == 'unix':
        return socket.AF_UNIX, rest.replace('@', '\0', 1) \
            if rest.startswith('@') else rest
    name, _colon, port = rest.rpartition(':')
    name = name.strip('[]')
    family = socket.AF_INET6 if ':' in name else socket.AF_INET
    return family, (name, int(port))


class Answer:
    def __init__(self, status, phrase, fields, line):
        self.status = status
        self.phrase = phrase
        self.fields = fields        # lower-case name -> value
        self.line = line            # the status line
        self.body = b''

    def __repr__(self):
        return f'{self.line!r} {self.fields!r} {self.body[:300]!r}'


class Wire:
    """A connection; what is read ahead is kept."""

    def __init__(self, host, timeout=10):
        family, where = address(host)
        self.socket = socket.socket(family)
        self.socket.settimeout(timeout)
        self.socket.connect(where)
        self.held = b''

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        self.close()

    def close(self):
        self.socket.close()

    def port(self):
        return self.socket.getsockname()[1]

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, method, target, body=b'', *fields, version='1.1'):
        """Send a request; Content-Length when there is a body."""
        lines = [f'{method} {target} HTTP/{version}', 'Host: docker']
        if body or method in ('POST', 'PUT'):
            lines.append(f'Content-Length: {len(body)}')
        if body and not any('Content-Type' in field for field in fields):
            lines.append('Content-Type: application/json')
        lines += fields
        self.send('\r\n'.join(lines + ['', '']).encode() + body)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def more(self):
        """Read something; false at the end."""
        data = self.socket.recv(65536)
        self.held += data
        return bool(data)

    def take(self, count):
        while len(self.held) < count:
            if not self.more():
                raise EOFError(f'ended within {count} bytes: {self.held!r}')
        data, self.held = self.held[:count], self.held[count:]
        return data

    def take_line(self):
        while b'\r\n' not in self.held:
            if not self.more():
                raise EOFError(f'ended within a line: {self.held!r}')
        line, _end, self.held = self.held.partition(b'\r\n')
        return line

    def rest(self):
        """Everything up to the end of the connection."""
        while self.more():
            pass
        data, self.held = self.held, b''
        return data

    def is_closed(self):
        """True when the peer ends the connection without another byte."""
        try:
            return self.rest() == b''
        except ConnectionResetError:
            return True

    def head(self):
        line = self.take_line().decode('latin-1')
        fields = {}
        for field in iter(self.take_line, b''):
            name, _colon, value = field.decode('latin-1').partition(':')
            fields[name.strip().lower()] = value.strip()
        _version, status, phrase = (line + ' ').split(' ', 2)
        return Answer(int(status), phrase.strip(), fields, line)

    def chunk(self):
        """One chunk; empty at the end of the body."""
        size = int(self.take_line(), 16)
        data = self.take(size)
        end = self.take_line()
        if end:
            raise ValueError(f'a chunk ends with {end!r}')
        return data

    def answer(self, method='GET'):
        """A whole answer."""
        answer = self.head()
        if method == 'HEAD' or answer.status in (101, 204, 304) \
                or 100 <= answer.status < 200:
            return answer
        if answer.fields.get('transfer-encoding') == 'chunked':
            answer.body = b''.join(iter(self.chunk, b''))
        elif 'content-length' in answer.fields:
            answer.body = self.take(int(answer.fields['content-length']))
        else:
            answer.body = self.rest()
        return answer


def request(host, method, target, body=b'', *fields, timeout=10):
    """One request on a connection of its own."""
    with Wire(host, timeout) as wire:
        wire.ask(method, target, body, *fields)
        return wire.answer(method)


def json_of(answer):
    return json.loads(answer.body)


def post_json(host, target, value):
    """POST a JSON value; what came back, as JSON too."""
    answer = request(host, 'POST', target, json.dumps(value).encode())
    if not 200 <= answer.status < 300:
        raise ValueError(f'POST {target}: {answer!r}')
    return json_of(answer) if answer.body else None
