#!/usr/bin/python3 -B
"""A stand-in for dockerd that can be killed at any moment: every request
that it reads is a line in a file before it is answered with its number:
method, number, and "once" when the connection is to end behind it, or "kept".
Some are not answered at all.

    once_upstream.py SOCKET FILE
"""

import os
import random
import socket
import sys
import threading
import time

from wire import Wire

HALF_DONE = 0.03        # seconds at most, so that kills find such requests
UNANSWERED = 0.03       # of all: whoever asks those again does them twice


class Conn(Wire):
    """The other side of a connection."""

    def __init__(self, sock):
        self.socket = sock
        self.held = b''

    def request(self):
        """Method, target and fields of a head."""
        method, target, _version = self.take_line().decode().split(' ')
        lines = iter(self.take_line, b'')
        fields = dict(line.decode().lower().split(': ', 1) for line in lines)
        return method, target, fields


def serve_one(conn, record):
    """False when the connection is to end."""
    method, target, fields = conn.request()
    number = target.rpartition('/')[2]
    line = 'once' if fields.get('connection') == 'close' else 'kept'
    # One write: lines of two threads, or of two lives, never mix.
    os.write(record, f'{method} {number} {line}\n'.encode())
    time.sleep(random.uniform(0, HALF_DONE))
    conn.take(int(fields.get('content-length', '0')))
    if random.random() < UNANSWERED:
        return False
    conn.send(f'HTTP/1.1 200 OK\r\nContent-Length: {len(number)}'
              f'\r\n\r\n{number}'.encode())
    return line == 'kept'


def serve(sock, record):
    try:
        with Conn(sock) as conn:
            while serve_one(conn, record):
                pass
    except (OSError, EOFError):
        pass        # whoever asked has been killed


def main(path, file):
    record = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(128)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], record),
                         daemon=True).start()


if __name__ == '__main__':
    main(*sys.argv[1:])
