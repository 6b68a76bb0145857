"""Requests in thousands of spellings, from a seed.

A case starts from a canonical request and is mangled by one or more of the
mutations below.  A mutation must leave the daemon as it is whatever dockerd
makes of the bytes: is_harmless() throws away what might not.
"""

import random
import re
from urllib.parse import unquote_to_bytes

from differential_mangle import (CHANGES_PARAMETERS, MUTATIONS,
                                 MUTATION_WEIGHTS)

A, B, TRAP = 'dsp-a', 'dsp-b', 'json'   # containers: running, created, created
IMAGE, SLASH_IMAGE = 'dsp-e2e-bb', 'dsp/bb'
VERSIONS = ('/v1.41', '/v1.41', '/v1.41', '/v1.40', '/v1.24', '')
WEBSOCKET = ('Connection: Upgrade', 'Upgrade: websocket',
             'Sec-WebSocket-Version: 13',
             'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==')

# name of the handler: what is seen in its answer (see differential_law);
# method, target without the version, how often.
CANONICAL = (
    ('ping', 'GET', '/_ping', 2),
    ('ping', 'HEAD', '/_ping', 1),
    ('version', 'GET', '/version', .3),
    ('info', 'GET', '/info', .2),
    ('containers', 'GET', '/containers/json', 8),
    ('containers', 'GET', '/containers/json?all=1', 3),
    ('containers', 'GET', '/containers/json?filters='
     '%7B%22name%22%3A%5B%22dsp%22%5D%7D', 2),
    ('inspect:' + A, 'GET', f'/containers/{A}/json', 6),
    ('inspect:' + B, 'GET', f'/containers/{B}/json', 5),
    ('inspect:' + TRAP, 'GET', f'/containers/{TRAP}/json', 2),
    ('logs', 'GET', f'/containers/{A}/logs', 3),
    ('archive', 'GET', f'/containers/{A}/archive', 3),
    ('archive', 'HEAD', f'/containers/{A}/archive?path=/', 1),
    ('attach-ws', 'GET', f'/containers/{B}/attach/ws', 6),
    ('attach-ws', 'GET', f'/containers/{B}/attach/ws?stream=1', 2),
    ('images', 'GET', '/images/json', 4),
    ('image', 'GET', f'/images/{IMAGE}/json', 4),
    ('image', 'GET', f'/images/{SLASH_IMAGE}/json', 2),
    ('image', 'GET', f'/images/{SLASH_IMAGE.replace("/", "%2F")}/json', 2),
    ('history', 'GET', f'/images/{IMAGE}/history', 3),
    ('networks', 'GET', '/networks', 4),
    ('network', 'GET', '/networks/none', 2),
    ('volumes', 'GET', '/volumes', 4),
    ('swarm', 'GET', '/tasks', 2),
    ('swarm', 'GET', '/secrets', 2),
    ('debug', 'GET', '/debug/vars', 1),
    ('startstop', 'POST', f'/containers/{A}/start', 4),
    ('startstop', 'POST', f'/containers/{B}/stop', 2),
    ('startstop', 'POST', f'/containers/{B}/stop?t=1', 1),
    ('kill', 'POST', f'/containers/{B}/kill?signal=HUP', 5),
    ('kill', 'POST', f'/containers/{B}/kill?signal=SIGUSR1', 2),
    ('kill-bad', 'POST', f'/containers/{B}/kill?signal=NOPE', 4),
    ('rename', 'POST', f'/containers/{B}/rename?name={B}', 4),
    ('rename-bad', 'POST', f'/containers/{B}/rename?name=*bad*', 2),
    ('create', 'POST', '/containers/create', 3),
    ('exec', 'POST', f'/containers/{B}/exec', 3),
    ('attach', 'POST', f'/containers/{B}/attach', 2),
    ('delete', 'DELETE', f'/containers/{A}', 3),
    ('session', 'POST', '/session', 1),
)

# A renaming that is mangled might succeed.
UNBREAKABLE = [row for row in CANONICAL if row[0] != 'rename']

# What would change the daemon: words that must not follow one another.
HARMFUL = tuple(tuple(word.encode() for word in row) for row in (
    ('post', 'dsp-a', 'stop'), ('post', 'dsp-a', 'restart'),
    ('post', 'dsp-a', 'kill'), ('post', 'dsp-a', 'rename'),
    ('post', 'dsp-b', 'start'), ('post', 'containers', 'json', 'start'),
    ('post', 'containers', 'json', 'stop'), ('delete', 'dsp-b'),
    ('post', 'containers', 'json', 'rename'), ('delete', 'images'),
    ('delete', 'containers', 'json'), ('pause',), ('update',), ('prune',),
    ('force',), ('wait',)))


def marker(no):
    """What tells whose request it is; a changed one is no marker."""
    return f'dsp-{no}-{no * 7919 % 9973}.'


def marked(text):
    """The number in a marker, or None."""
    found = re.search(r'dsp-([0-9]{1,9})-[0-9]+\.', text)
    if found and marker(int(found[1])) == found[0]:
        return int(found[1])
    return None


class Case:
    """A request while it is mangled; text is latin-1."""

    def __init__(self, no, profile, canonical, version):
        self.no = no
        self.profile = profile
        self.handler, self.method, target, _weight = canonical
        self.target = version + target
        self.is_fragile = 'rename' in target
        self.http = 'HTTP/1.1'
        self.host = ['Host: docker']
        self.fields = [f'User-Agent: {marker(no)}']
        self.content = '{}' if self.handler in ('create', 'exec') else ''
        self.content_type = ['Content-Type: application/json'] \
            if self.content else []
        self.framing = None             # fields and body, instead of content
        self.behind = ''                # more bytes on the same connection
        self.connection = ['Connection: close']
        self.raw_edits = []             # functions on the whole, at the end
        self.classes = []               # names of the mutations
        if self.handler == 'attach-ws':
            self.connection = []
            self.fields += WEBSOCKET

    def head_and_body(self):
        framing, body = self.framing or ([], self.content)
        if not self.framing and (body or self.method == 'POST'):
            framing = [f'Content-Length: {len(body)}']
        lines = [f'{self.method} {self.target} {self.http}', *self.host,
                 *self.fields, *self.content_type, *framing,
                 *self.connection, '', '']
        return '\r\n'.join(lines) + body

    def data(self):
        text = self.head_and_body() + self.behind
        for edit in self.raw_edits:
            text = edit(text)
        return text.encode('latin-1')


def is_harmless(data):
    """No request line in data, however it is decoded, changes anything."""
    for piece in re.split(rb'HTTP/[0-9]', data):
        for _turn in range(3):
            if any(is_in_order(row, piece.lower()) for row in HARMFUL):
                return False
            piece = unquote_to_bytes(piece)
    return True


def is_in_order(words, text):
    at = 0
    for word in words:
        at = text.find(word, at)
        if at < 0:
            return False
    return True


def plain(canonical, no, version='/v1.41'):
    """The bytes of a canonical request."""
    return Case(no, None, canonical, version).data()


class Generator:
    """Cases from a seed.  profiles: name -> the canonical requests that it
    allows."""

    def __init__(self, seed, profiles):
        self.rng = random.Random(seed)
        self.profiles = profiles

    def canonical(self, rows=CANONICAL):
        return self.rng.choices(rows, [row[3] for row in rows])[0]

    def other_target(self):
        """A target for splicing: never one that must stay whole."""
        row = self.canonical([row for row in UNBREAKABLE
                              if 'rename' not in row[2]])
        return self.rng.choice(VERSIONS) + row[2]

    def hidden(self, no):
        """A second request to put behind or into the first."""
        row = self.canonical(UNBREAKABLE)
        return plain(row, no, self.rng.choice(VERSIONS)).decode('latin-1')

    def case(self, no):
        while True:
            case = self.one(no)
            case.bytes = case.data()
            if is_harmless(case.bytes):
                return case

    def one(self, no):
        rng = self.rng
        profile = rng.choice(list(self.profiles))
        allowed = self.profiles[profile]
        rows = allowed if rng.random() < .6 else CANONICAL
        case = Case(no, profile, self.canonical(rows), rng.choice(VERSIONS))
        for _turn in range(rng.choices((0, 1, 2, 3, 4),
                                       (2, 10, 6, 3, 1))[0]):
            mutate = rng.choices(MUTATIONS, MUTATION_WEIGHTS)[0]
            if case.is_fragile and mutate in CHANGES_PARAMETERS:
                continue
            mutate(self, case)
            case.classes.append(mutate.__name__)
        return case
