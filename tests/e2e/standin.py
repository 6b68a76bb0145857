#!/usr/bin/python3 -B
"""A stand-in for the Docker API, for machines without Docker.

It answers a handful of read requests on a unix socket with made-up values,
so that the proxy can be shown at work.  It runs no containers.
"""

import argparse
import http.server
import json
import os
import re
import signal
import socketserver
import sys

NAME = 'standin'
CONTAINER = {
    'Id': '5ca1ab1e' * 8, 'Names': ['/' + NAME], 'Image': 'standin:latest',
    'ImageID': 'sha256:' + '0' * 64, 'Command': 'sleep 1000',
    'Created': 1700000000, 'State': 'running', 'Status': 'Up 2 hours',
    'Ports': [], 'Labels': {}, 'Mounts': [],
    'HostConfig': {'NetworkMode': 'none'},
    'NetworkSettings': {'Networks': {}},
}
INSPECTED = {
    'Id': CONTAINER['Id'], 'Name': '/' + NAME,
    'Created': '2024-01-01T00:00:00Z', 'Path': 'sleep', 'Args': ['1000'],
    'Image': CONTAINER['ImageID'],
    'State': {'Status': 'running', 'Running': True, 'ExitCode': 0},
    'Config': {'Image': 'standin:latest', 'Env': [], 'Labels': {}},
    'HostConfig': {'NetworkMode': 'none'},
    'NetworkSettings': {'Networks': {}}, 'Mounts': [],
}
VERSION = {
    'Version': '0-standin', 'ApiVersion': '1.41', 'MinAPIVersion': '1.24',
    'Os': 'linux', 'Arch': 'amd64', 'GoVersion': 'none',
    'GitCommit': 'none', 'KernelVersion': 'none', 'Components': [],
}
INFO = {
    'ID': 'STAND-IN', 'Name': NAME, 'Containers': 1,
    'ContainersRunning': 1, 'ContainersPaused': 0, 'ContainersStopped': 0,
    'Images': 1, 'Driver': 'none', 'ServerVersion': '0-standin',
    'OperatingSystem': 'a stand-in, not Docker', 'OSType': 'linux',
    'Architecture': 'x86_64', 'NCPU': 1, 'MemTotal': 0,
}
ANSWERS = (
    (r'/_ping', 'OK'),
    (r'/version', VERSION),
    (r'/info', INFO),
    (r'/containers/json', [CONTAINER]),
    (rf'/containers/({NAME}|5ca1ab1e\w*)/json', INSPECTED),
)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server_version = 'Docker/0-standin'

    def do_GET(self):
        path = re.sub(r'^/v1\.\d+(?=/)', '', self.path.partition('?')[0])
        for pattern, value in ANSWERS:
            if re.fullmatch(pattern, path):
                self.reply(200, value)
                return
        self.missing()

    def missing(self):
        """Everything else.  A body is not read, so the connection ends."""
        self.close_connection = True
        self.reply(404, {'message': 'this stand-in knows only reads'})

    do_HEAD = do_GET
    do_POST = do_PUT = do_DELETE = do_OPTIONS = missing

    def reply(self, status, value):
        is_text = isinstance(value, str)
        body = value.encode() if is_text else json.dumps(value).encode()
        self.send_response(status)
        self.send_header('Api-Version', VERSION['ApiVersion'])
        self.send_header('Content-Type', 'text/plain; charset=utf-8'
                         if is_text else 'application/json')
        self.send_header('Content-Length', str(len(body)))
        if self.close_connection:
            self.send_header('Connection', 'close')
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def address_string(self):
        return 'client'


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('socket', metavar='SOCKET',
                        help='unix socket to listen on; made anew')
    path = parser.parse_args().socket
    if os.path.exists(path):
        parser.error(f'{path} exists: remove it first, if it is not in use')
    server = Server(path, Handler)
    signal.signal(signal.SIGTERM, lambda *_what: sys.exit(0))
    print(f'{path}: this is a stand-in, not Docker', file=sys.stderr)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        os.unlink(path)


if __name__ == '__main__':
    main()
