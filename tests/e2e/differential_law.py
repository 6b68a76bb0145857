"""What must hold for every request that reaches dockerd through the proxy.

wire        one request on a connection, written in the one way, with
            "Connection: close" or "Upgrade, close", and nothing behind it
spelling    its target has no other spelling
rule        a rule of the profile names it, by these rules read again here
handler     dockerd's answer is that of the handler which the rule names, and
            of none that the profile denies
refused     it is not what is refused whatever the profile says
same        dockerd makes of it what it makes of the bytes sent directly
"""

import json
import re
from urllib.parse import unquote_to_bytes

from differential_cases import A, B, CANONICAL, VERSIONS, marked

LAWS = ('wire', 'spelling', 'rule', 'handler', 'refused', 'same')
NAME = r'[a-zA-Z0-9][a-zA-Z0-9_.-]*'

# Profiles: method, target, and the handler that the rule names ("*": any
# but those that need a rule of their own).
PROFILES = {
    'exact': (
        ('GET', r'/v\d+\.\d+/containers/json', 'containers'),
        ('GET', r'/v\d+\.\d+/containers/json\?.+', 'containers'),
        ('GET', r'/v\d+\.\d+/containers/[0-9a-fA-F]+/json', 'inspect'),
        ('GET', rf'/v\d+\.\d+/containers/{A}/json', 'inspect:' + A),
        ('GET', r'/v\d+\.\d+/networks', 'networks'),
        ('GET', r'/v\d+\.\d+/networks\?filters=.+', 'networks'),
        ('GET', r'/v\d+\.\d+/version', 'version'),
        ('GET', r'/v\d+\.\d+/tasks', 'swarm')),
    'startstop': (
        ('GET', r'/v1\.\d+/containers/json', 'containers'),
        ('POST', rf'/v1\.\d+/containers/{NAME}/(start|stop|restart)(\?t=\d+)?',
         'startstop')),
    'kill': (
        ('POST', rf'/v1\.\d+/containers/{NAME}/kill\?signal=(SIG)?(HUP|USR1)',
         'kill'),
        ('POST', rf'/v1\.\d+/containers/{NAME}/rename\?name={B}', 'rename')),
    'image': (
        ('GET', r'/v1\.\d+/images/[a-z0-9._/:@-]+/json', 'image'),),
    'wide': (
        ('GET', r'/.*', '*'),),
    'loose': (
        ('GET|HEAD', r'/(v[\d.]+/)?_ping', 'ping'),
        ('GE[T]', r'/(v[\d.]+/)?containers/json', 'containers'),
        ('GET', r'^/v1\.\d+/networks|/v1\.\d+/volumes$',
         ('networks', 'volumes')),
        ('POST', rf'/(v[\d.]+/)?containers/[^/?]+/start(\?.*)?', 'startstop')),
    'except': (
        ('GET', rf'/v[\d.]+/containers/(?!{B}/)[^/?]+/json', 'inspect'),
        ('GET', r'/v[\d.]+/(?!containers|images|debug|v)[^?]+', '*')),
    'named': (
        ('GET', r'/v1\.\d+/images/dsp%2F[a-z0-9:]+/json', 'image'),
        ('GET', rf'/v1\.\d+/containers/{B}/attach/ws(\?stream=1)?',
         'attach-ws'),
        ('POST', rf'/v1\.\d+/containers/{B}/attach', 'attach')),
    'nothing': (
        ('GET', r'/_ping', 'ping'),),
}


def rules_text(name):
    return ''.join(f'{method}  {target}\n'
                   for method, target, _handler in PROFILES[name])


def rule_for(profile, method, target):
    """The handlers that the first matching rule names, or None."""
    path = target.partition('?')[0]
    for rule_method, rule_target, handler in PROFILES[profile]:
        if route(method, target) == 'attach-ws' \
                and 'attach/ws' not in rule_target:
            continue
        if '%2f' in path.lower() and '%2f' not in rule_target.lower():
            continue
        if re.fullmatch(rule_method, method) \
                and re.fullmatch(rule_target, target, re.A):
            return handler if isinstance(handler, tuple) else (handler,)
    return None


def allowed_by(profile):
    """The canonical requests that a profile lets through."""
    return [row for row in CANONICAL
            if any(rule_for(profile, row[1], version + row[2])
                   for version in VERSIONS)]


def denied_by(profile):
    """The handlers that nothing canonical reaches under a profile."""
    allowed = {row[0] for row in allowed_by(profile)}
    return {row[0] for row in CANONICAL} - allowed


# -- dockerd's routes, for answers that do not tell their handler ------------

ROUTES = [(method, re.compile(path, re.S), handler)
          for method, path, handler in (
    ('GET|HEAD', '/_ping', 'ping'),
    ('GET', '/version', 'version'),
    ('GET', '/info', 'info'),
    ('GET', '/events', 'events'),
    ('GET', '/containers/json', 'containers'),
    ('GET', '/containers/(.*)/export', 'export'),
    ('GET', '/containers/(.*)/changes', 'changes'),
    ('GET', '/containers/(.*)/json', 'inspect:'),
    ('GET', '/containers/(.*)/top', 'top'),
    ('GET', '/containers/(.*)/logs', 'logs'),
    ('GET', '/containers/(.*)/stats', 'stats'),
    ('GET', '/containers/(.*)/attach/ws', 'attach-ws'),
    ('GET|HEAD|PUT', '/containers/(.*)/archive', 'archive'),
    ('POST', '/containers/create', 'create'),
    ('POST', '/containers/(.*)/kill', 'kill'),
    ('POST', '/containers/(.*)/(start|stop|restart)', 'startstop'),
    ('POST', '/containers/(.*)/attach', 'attach'),
    ('POST', '/containers/(.*)/exec', 'exec'),
    ('POST', '/containers/(.*)/rename', 'rename'),
    ('DELETE', '/containers/(.*)', 'delete'),
    ('GET', '/images/json', 'images'),
    ('GET', '/images/(.*)/history', 'history'),
    ('GET', '/images/(.*)/json', 'image'),
    ('GET', '/networks/?', 'networks'),
    ('GET', '/networks/(.+)', 'network'),
    ('GET', '/volumes', 'volumes'),
    ('GET', '/(tasks|services|nodes|secrets|configs|swarm)(/.*)?', 'swarm'),
    ('GET', '/debug/.*', 'debug'),
    ('POST', '/(session|grpc)', 'session'),
)]


def route(method, target):
    """The handler that dockerd's router picks."""
    path = unquote_to_bytes(target.partition('?')[0].encode('latin-1'))
    path = path.decode('latin-1')
    for path in re.sub(r'^/v[0-9.]+(?=/)', '', path), path:
        for methods, expression, handler in ROUTES:
            found = expression.fullmatch(path)
            if found and method in methods.split('|'):
                return handler + found[1] if handler[-1] == ':' else handler
    return 'other'


# -- answers -------------------------------------------------------------

class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body


def answers_in(data):
    """The final answers in what dockerd sent on one connection."""
    found = []
    while data.startswith(b'HTTP/1.') and b'\r\n\r\n' in data:
        head, _end, data = data.partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        fields = {name.lower(): value.strip() for name, _colon, value
                  in (line.partition(':') for line in lines[1:])}
        status = int(lines[0][9:12])
        if status == 100:
            continue
        body, data = body_in(status, fields, data)
        found.append(Answer(status, fields, body))
    return found


def body_in(status, fields, data):
    """The body, and what is behind it.  That of HEAD is known by what
    follows."""
    if status in (204, 304) or data.startswith(b'HTTP/1.'):
        return b'', data
    if fields.get('transfer-encoding') == 'chunked':
        body = b''
        while True:
            size, _end, data = data.partition(b'\r\n')
            try:
                count = int(size, 16)
            except ValueError:
                return body, b''
            body, data = body + data[:count], data[count + 2:]
            if count == 0:
                return body, data
    count = fields.get('content-length', '')
    count = int(count) if count.isdigit() else len(data)
    return data[:count], data[count:]


# Words of an error that only one handler has.
MESSAGES = (
    ('page not found', 'none'), ('client version', 'old'),
    ('context canceled', 'canceled'), ('at least one stream', 'logs'),
    ('pathcannot be empty', 'archive'), ('path cannot be empty', 'archive'),
    ('same name as its current', 'rename'), ('nvalid signal', 'kill-bad'),
    ('nvalid container name', 'rename-bad'), ('annot kill', 'kill'),
    ('annot remove', 'delete'), ('onfig cannot be empty', 'create'),
    ('No exec command', 'exec'), ('no upgrade proto', 'session'),
    ('not a swarm manager', 'swarm'), ('not websocket', 'attach-ws'))

# Keys of a JSON object, or of the first in a list, that tell the handler.
SHAPES = (
    (dict, {'ApiVersion', 'GitCommit'}, 'version'),
    (dict, {'DockerRootDir'}, 'info'),
    (dict, {'memstats'}, 'debug'),
    (dict, {'HostConfig', 'State', 'Name'}, 'inspect'),
    (dict, {'RootFS', 'RepoTags'}, 'image'),
    (dict, {'IPAM', 'Scope'}, 'network'),
    (dict, {'Volumes', 'Warnings'}, 'volumes'),
    (list, {'Names', 'ImageID'}, 'containers'),
    (list, {'ParentId', 'RepoTags'}, 'images'),
    (list, {'CreatedBy', 'Tags'}, 'history'),
    (list, {'IPAM', 'Scope'}, 'networks'))

TUNNELS = {'websocket': 'attach-ws', 'h2c': 'session'}
TUNNELLED = {'attach', 'attach-ws', 'session'}


def handler_of(answer):
    """Which handler gave an answer: its name; "none": no route; "redirect",
    "options"; "malformed": not even a request to dockerd; "unknown"."""
    kind = answer.fields.get('content-type', '')
    if answer.status == 101:
        return TUNNELS.get(answer.fields.get('upgrade', '').lower(), 'attach')
    if answer.status == 301:
        return 'redirect'
    if answer.status == 304:
        return 'startstop'
    if 'x-docker-container-path-stat' in answer.fields:
        return 'archive'
    if 'docker.raw-stream' in kind and answer.status == 200 \
            and 'transfer-encoding' not in answer.fields:
        return 'attach'
    if kind.startswith('text/plain'):
        return 'ping' if 'cache-control' in answer.fields else 'malformed'
    if not kind and answer.status == 200 and not answer.body:
        return 'options'
    return handler_of_body(answer.body)


def handler_of_body(body):
    text = body.decode('utf-8', 'replace')
    try:
        value = json.loads(text)
    except ValueError:
        value = {'message': text}
    if isinstance(value, dict) and 'message' in value:
        return next((handler for words, handler in MESSAGES
                     if words in value['message']), 'unknown')
    first = value[0] if isinstance(value, list) and value else value
    for kind, keys, handler in SHAPES:
        if isinstance(value, kind) and isinstance(first, dict) \
                and keys <= first.keys():
            return handler + ':' + first['Name'].strip('/') \
                if handler == 'inspect' else handler
    return 'unknown'


# -- what dockerd received ---------------------------------------------------

HEAD = re.compile(
    r'([!#-\'*+.^_`|~0-9A-Za-z-]+) (/[!-~]*) HTTP/1\.[01]\r\n'
    r'((?:[!#-\'*+.^_`|~0-9A-Za-z-]+: [\t -~\x80-\xff]*\r\n)*)\r\n')
KNOWN = re.compile(
    'host|connection|upgrade|expect|content-length|transfer-encoding|accept|'
    'accept-encoding|baggage|content-encoding|content-type|sec-websocket-.*|'
    'traceparent|tracestate|user-agent|x-docker-.*|x-meta-.*|x-registry-.*')
SINGLE = ('host', 'connection', 'content-length', 'transfer-encoding',
          'content-type', 'expect', 'upgrade')


class Received:
    """What came over one connection from the proxy, and dockerd's answer."""

    def __init__(self, data, before, answer):
        """before: how many of the bytes came before the answer began."""
        self.answers = answers_in(answer)
        self.method = self.target = self.content = ''
        if self.answers and handler_of(self.answers[0]) in TUNNELLED \
                and self.answers[0].status in (101, 200):
            data = data[:before]        # the rest is the tunnel's
        self.data = data.decode('latin-1')
        self.wrong = self.parse()
        self.no = marked(self.data)

    def handler(self):
        if not self.answers:
            return 'silent'
        found = handler_of(self.answers[0])
        return route(self.method, self.target) if found == 'unknown' \
            else found

    def parse(self):
        """None, or what is wrong with the bytes.  A body that is cut short
        is no fault: the proxy ends the connection."""
        found = HEAD.match(self.data)
        if not found:
            return 'malformed head'
        self.method, self.target, text = found.groups()
        pairs = [line.split(': ', 1) for line in text.split('\r\n')[:-1]]
        self.fields = {name.lower(): value for name, value in pairs}
        names = [name.lower() for name, _value in pairs]
        for name in names:
            if not KNOWN.fullmatch(name):
                return f'field {name}'
            if name in SINGLE and names.count(name) > 1:
                return f'{name} twice'
        if self.fields.get('host') != 'docker' or self.fields.get(
                'connection') not in ('close', 'Upgrade, close'):
            return 'Host or Connection'
        return self.parse_body(self.data[found.end():])

    def parse_body(self, body):
        length = self.fields.get('content-length')
        coding = self.fields.get('transfer-encoding')
        if length is not None and coding is not None:
            return 'length and coding'
        if coding is not None:
            return self.parse_chunks(body) if coding == 'chunked' else coding
        if length is not None and not re.fullmatch('0|[1-9][0-9]{0,17}',
                                                   length):
            return f'length {length}'
        count = int(length or 0)
        self.content = body[:count]
        return 'bytes behind the request' if len(body) > count else None

    def parse_chunks(self, body):
        while body:
            size = re.match(r'([1-9a-f][0-9a-f]*|0)\r\n', body)
            if not size:
                return None if re.fullmatch(r'[0-9a-f]+\r?', body) \
                    else 'chunk size'
            count, body = int(size[1], 16), body[size.end():]
            self.content += body[:count]
            end, body = body[count:count + 2], body[count + 2:]
            if not '\r\n'.startswith(end):
                return 'end of a chunk'
            if count == 0 and end == '\r\n':
                return 'bytes behind the last chunk' if body else None
        return None


# -- the laws ----------------------------------------------------------------

def breaches(profile, got):
    """(law, what is wrong) of one Received; profile None: unknown."""
    if got.wrong:
        yield 'wire', got.wrong
    if got.wrong == 'malformed head':
        return
    for check in (spelling, refused):
        wrong = check(got)
        if wrong:
            yield check.__name__, wrong
    if profile is None:
        return
    names = rule_for(profile, got.method, got.target)
    if names is None:
        yield 'rule', 'no rule of the profile names it'
    handler = got.handler()
    if handler in denied_by_profile(profile):
        yield 'handler', f'{handler} answers, which the profile denies'
    elif names and handler not in ('silent', 'canceled', 'old') \
            and not any(is_named(name, handler) for name in names):
        yield 'handler', f'{" or ".join(names)} is named, {handler} answers'


_denied = {}


def denied_by_profile(profile):
    if profile not in _denied:
        _denied[profile] = denied_by(profile)
    return _denied[profile]


def is_named(name, handler):
    if name == '*':
        return handler not in ('attach-ws', 'redirect', 'malformed',
                               'options')
    return handler == name or handler.startswith(name + ':')


def spelling(got):
    """None, or why the target could be written in another way."""
    path, _mark, query = got.target.partition('?')
    if re.search(r'//|/\.\.?(/|$)|.\/$', re.sub('(?i)%2f', '/', path)):
        return 'empty or dot segment'
    for escape in re.findall('%.{0,2}', path):
        if not re.fullmatch('%[0-9a-fA-F]{2}', escape):
            return f'escape {escape}'
        if re.fullmatch(r'[\x00-\x1f\x7f%\\?#A-Za-z0-9._~-]',
                        chr(int(escape[1:], 16))):
            return f'needless escape {escape}'
    if re.search(r'[\\#"<>^`{|}\[\]]', path) or re.search(r'[\\#;]', query) \
            or re.search('%(?![0-9a-fA-F]{2})|%00', query):
        return 'forbidden byte or escape'
    version = re.match(r'/v([0-9.]+)(/|%2[fF]|$)', path)
    if version and not re.fullmatch(r'1\.(0|[1-9][0-9]{0,3})', version[1]):
        if not re.match(r'/v\d+\.\d+\.\d+/libpod/', path):
            return f'version {version[1]}'
    return None


def refused(got):
    """None, or why it is refused under every profile."""
    version = re.match(r'/v1\.(\d+)/', got.target)
    if version and int(version[1]) < 24:
        return 'API version'
    kind = got.fields.get('content-type', '').lower().partition(';')[0]
    if got.content and (kind.strip() == 'application/x-www-form-urlencoded'
                        or kind.lstrip().startswith('multipart/')):
        return 'form body'
    if got.content and got.method in ('GET', 'HEAD', 'DELETE'):
        return f'body on {got.method}'
    if route(got.method, got.target) == 'startstop' \
            and '/start' in got.target and len(got.content) > 7:
        return 'body on start'
    return None


def is_within(through, direct):
    """What came through the proxy is what dockerd did directly, with some
    left out.  An error that names no handler may have been any: dockerd
    fails on some Host values, which the proxy never passes on."""
    rest = iter(direct)
    return all(any(other in (each, 'unknown') for other in rest)
               for each in through)
