#!/usr/bin/python3 -B
"""A stand-in for the AuthZ plugin: it lets reading pass, and denies the rest.

usage: audit_plugin.py SOCKET [allow]    with allow it denies nothing
"""

import http.server
import json
import os
import socketserver
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        if self.path == '/Plugin.Activate':
            self.reply({'Implements': ['authz']})
        elif self.path == '/AuthZPlugin.AuthZReq':
            method = json.loads(body)['RequestMethod']
            allow = self.server.is_open or method in ('GET', 'HEAD')
            self.reply({'Allow': allow, 'Msg': '' if allow else 'reads only'})
        else:
            self.reply({'Allow': True})

    def reply(self, answer):
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self):
        return 'dockerd'

    def log_message(self, *_what):
        pass


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    is_open = False


def main():
    path = sys.argv[1]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    with Server(path, Handler) as server:
        server.is_open = sys.argv[2:] == ['allow']
        server.serve_forever()


if __name__ == '__main__':
    main()
