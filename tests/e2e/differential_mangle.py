"""The ways a request is mangled: functions of a generator and a case."""

import re


def put(text, at, piece, instead=0):
    return text[:at] + piece + text[at + instead:]


def path_end(target):
    return target.find('?') if '?' in target else len(target)


# -- the path -------------------------------------------------------------

def pct_letter(g, c):
    """Escape what needs none."""
    for _turn in range(g.rng.choice((1, 1, 1, 2, 3))):
        at = g.rng.randrange(path_end(c.target) or 1)
        case = g.rng.choice(('%%%02x', '%%%02X') * 3 + ('%%25%02X',))
        if c.target[at:at + 1] not in ('', '%', '/'):
            c.target = put(c.target, at, case % ord(c.target[at]), 1)


def pct_word(g, c):
    """Escape a whole segment."""
    parts = c.target[:path_end(c.target)].split('/')
    at = g.rng.randrange(len(parts))
    parts[at] = ''.join('%%%02X' % ord(each) for each in parts[at])
    c.target = '/'.join(parts) + c.target[path_end(c.target):]


def pct_slash(g, c):
    places = [m.start() for m in re.finditer('/', c.target)]
    if places:
        slash = g.rng.choice(('%2F', '%2f', '%252F', '%5C', '\\', '%c0%af'))
        c.target = put(c.target, g.rng.choice(places), slash, 1)


PIECES = (
    '/', '//', '/./', '/../', '/x/../', '/%2e/', '/%2E%2e/', '/.%2e/',
    '%2f', '%2F', '%2f..%2f', '/..;/', '/;/', ';', ';x=1', '#', '%23', '?',
    '%3f', '%3F', '??', '%00', '\0', '%0a', '%0A', '%0d%0a', '\n', '\r\n',
    '\r', '%20', ' ', '\t', '%09', '\x0b', '+', '%2b', '*', '%2a', '|', '"',
    '<', '>', '{', '}', '^', '`', '[', ']', '~', '%7e', '\x80', '\xff',
    '\xa0', '\xc5\xbf', '%c5%bf', '%80', '%ff', '\x7f', '%7f', '\x1b', '%1b',
    '%', '%z', '%zz', '%2', '%u0063', '%%20', '@', ':', '%3a', '&', '%26',
    '=', '$', '!', ',', '.', '..', '...', '%2e', '%2E', '%2E%2E', '%25',
    '%252e', '%2525', 'x', '1', '\\', '%5c', '%5C..%5C', '.json', 'json',
    '\xe2\x80\xae', '\xe2\x84\xaa', '%e2%84%aa', '%C0%80', '%c0%ae')


def piece_anywhere(g, c):
    at = g.rng.randrange(len(c.target) + 1)
    c.target = put(c.target, at, g.rng.choice(PIECES))


def piece_at_slash(g, c):
    places = [m.start() + g.rng.randrange(2)
              for m in re.finditer('/', c.target)]
    if places:
        c.target = put(c.target, g.rng.choice(places), g.rng.choice(PIECES))


def piece_at_end(g, c):
    at = g.rng.choice((path_end(c.target), len(c.target)))
    c.target = put(c.target, at, g.rng.choice(PIECES))


def piece_in_front(g, c):
    c.target = put(c.target, g.rng.randrange(2), g.rng.choice(PIECES))


VERSION_LIKE = (
    '/v1.41.', '/v1.41..', '/v1.41.0', '/v01.41', '/v1.041', '/v0001.0041',
    '/v1', '/v1.', '/v.1.41', '/v', '/v.', '/v..', '/v1..41', '/V1.41',
    '/v1.23', '/v1.12', '/v1.20', '/v1.0', '/v1.22', '/v1.23.', '/v01.23',
    '/v1.9', '/v1.99', '/v2.0',
    '/v1.41/v1.41', '/v1.41/v1.23', '/%761.41', '/v%31.41', '/v1%2e41',
    '/v1.4%31', '/v1,41', '/v1.41x', '/v1.41%20', '/v1.41;', '/v1.41%00',
    '/v+1.41', '/v-1.41', '/v1.4e1', '/v1.\xd9\xa4\xd9\xa1', '/v1.41-',
    '/libpod', '/v4.0.0/libpod', '/v1.41/libpod', '/v1.4294967337',
    '/v1.18446744073709551657', '/v18446744073709551617.41', '/v1.65577',
    '/v1.0x29', '/v1.41%2F', '/v1.41%2f..', '/v1.41/..', '/v1.41/.', '',
    '/v1.24', '/v1.41.41', '/v0.41', '/v00.0', '/v1.40')


def version_like(g, c):
    c.target = g.rng.choice(VERSION_LIKE) + re.sub(r'^/v[0-9.]+', '',
                                                   c.target)


def letter_case(g, c):
    parts = c.target[:path_end(c.target)].split('/')
    at = g.rng.randrange(len(parts))
    parts[at] = g.rng.choice((str.upper, str.title, str.swapcase))(parts[at])
    c.target = '/'.join(parts) + c.target[path_end(c.target):]


FORMS = ('http://docker', 'http://x:y@evil:80', 'HTTP://d', 'https://d',
         'foo://x', 'http:', 'http:/', 'http://', '//docker', '///', 'unix:',
         '*', 'docker:80', 'x', '.', '?', '#', '\\', 'http://d/..', '%2f')


def other_form(g, c):
    form = g.rng.choice(FORMS)
    c.target = form + c.target[g.rng.choice((0, 0, 0, 1)):]
    if g.rng.random() < .1:
        c.target = form


JOINTS = ('', '?', '??', '#', '%3f', '%23', '%00', '\0', '%0a', '%0d%0a',
          '\n', '%20', ' ', ';', ',', '/..', '/../..', '/../../..',
          '/../../../..', '%2f..%2f..', '/%2e%2e/%2e%2e', '|', '\\', '%5c..',
          '/', '//', '?x=', '&', '=', '%2f%2e%2e', '/.', '?../..')


def splice(g, c):
    """Two targets in one, joined in a way someone may take for an end."""
    pair = [c.target, g.other_target()]
    if g.rng.random() < .5:
        pair.reverse()
    c.target = g.rng.choice(JOINTS).join(pair)


def segments(g, c):
    """Take one from another request, lose, double or exchange one."""
    end = path_end(c.target)
    parts, query = c.target[:end].split('/'), c.target[end:]
    at = g.rng.randrange(1, len(parts)) if len(parts) > 1 else 0
    other = g.other_target().partition('?')[0].split('/')
    what = g.rng.randrange(5)
    if what < 2:
        parts[at] = g.rng.choice(other)
    elif what == 2:
        del parts[at]
    elif what == 3:
        parts.insert(at, parts[at])
    else:
        parts[at], parts[-1] = parts[-1], parts[at]
    c.target = '/'.join(parts) + query


# -- the query --------------------------------------------------------------

PARAMETERS = (
    'all=1', 'limit=1', '%61ll=1', 'ALL=1', 'all', 'all=%31', 'x=1', '',
    'signal=NOPE', 'signal=HUP', '%73ignal=NOPE', 'Signal=NOPE',
    'signal%00=NOPE', 'signal%20=NOPE', 'signal=', 'signal', 'signal=%4eOPE',
    'signal=HUP%00', 'signal=HUP%0a', 'signal=HUP+', 'signal=+HUP', 't=1',
    'signal[]=NOPE', 'name=*bad*', 'filters={"a":["b"]}', 'filters=%7B%7D',
    'filters=%7b%7d', 'x=%zz', 'x=%', 'x=%00', 'x=%0a', 'x=%0d%0a', 'x="',
    'x=<>', 'x=^', 'x=`', 'x=|', 'x=[]', 'x={}', 'x=\x80', 'x=%80', 'x=\\',
    'x=%5c', 'x=#', 'x=%23', 'x=/../', 'x=%2e%2e%2f', 'x=a?b', '?', '=',
    '=signal', 'x=y=z', 'x=%u0031', 'x=' + 'y' * 3000, '_method=DELETE',
    'version=1.12', 'stream=1', 'path=/', 'x=1;signal=NOPE', ';', 'x=\t',
    'x= ', 'x=\r\n', 'x=\n', 'x=\x7f')
BETWEEN = ('&', '&', '&', ';', '&&', '?', '%26', '%3B', '+', ' ', '#', '')


def query(g, c):
    """Another parameter behind, or in front of, the others."""
    path, mark, old = c.target.partition('?')
    new = g.rng.choice(PARAMETERS)
    if mark and g.rng.random() < .85:
        pair = [old, new]
        if g.rng.random() < .5:
            pair.reverse()
        new = g.rng.choice(BETWEEN).join(pair)
    mark = g.rng.choice(('?',) * 6 + ('??', '%3f', '%3F', '?&', '?;'))
    c.target = path + mark + new


def query_value(g, c):
    """The value written in another way."""
    path, mark, old = c.target.partition('?')
    key, equals, value = old.partition('=')
    if value:
        at = g.rng.randrange(len(value))
        value = g.rng.choice((
            put(value, at, '%%%02x' % ord(value[at]), 1), value.lower(),
            value.upper(), value + '%0a', value + '%00', '+' + value,
            value + '%20', put(value, at, g.rng.choice(PIECES)), 'NOPE'))
        c.target = path + mark + key + equals + value


# -- method and version of HTTP ----------------------------------------------

METHODS = ('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE',
           'CONNECT', 'PATCH', 'PROPFIND', 'PRI', '', 'G@T', 'GET:', 'G,T',
           'G%45T', 'GET\0', 'G(T', "G'T", 'GET\t', '\xa0GET', 'GETGET')


def method(g, c):
    m = c.method
    c.method = g.rng.choice((
        m.lower(), m.title(), m + 'X', 'X' + m, m + ' ', ' ' + m, '\t' + m,
        m[:-1], m * 300, m + '\n', '\r\n' + m, '\n' + m, '\0' + m,
        *[g.rng.choice(METHODS) for _turn in range(6)]))


HTTPS = ('HTTP/1.0', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/1.9', 'HTTP/2.0',
         'HTTP/3.0', 'HTTP/0.9', 'HTTP/9.9', 'HTTP/1.10', 'HTTP/01.1',
         'HTTP/1.01', 'http/1.1', 'HTTP/1', 'HTTP/1.', 'HTTP/11', 'HTTP1.1',
         'HTTPS/1.1', 'ICY/1.1', 'HTTP/1.1 ', ' HTTP/1.1', '\tHTTP/1.1', '',
         'HTTP/1.1\t', 'HTTP/1.1 x', 'x HTTP/1.1', 'HTTP/1,1', 'HTTP /1.1',
         'HTTP/1.1\0', 'HTTP/1.\xb1', 'HTTP/-1.1', 'HTTP/1.1\r', 'HTTP/2')


def http_version(g, c):
    c.http = g.rng.choice(HTTPS)


# -- header fields -----------------------------------------------------------

FIELDS = (
    'X-A: b', 'X-A:b', 'X-A:', 'X-A: \t b \t ', ' X-A: b', '\tX-A: b',
    'X-A : b', 'X-A\t: b', 'X-A', ': b', 'X A: b', 'X/A: b', 'X\0A: b',
    'X-\x80: b', 'X-A: b\0', 'X-A: \x7f', 'X-A: \x0b', 'X-A: \xff\x80',
    'X-A: b\r\n c', 'X-A: b\r\n\tc', 'X-A: b\rc: d', 'X-A: b\nX-B: c',
    '\xef\xbb\xbfX-A: b', 'X-A: b\r\n ', '(x): y', '"x": y', '\r', '\x00',
    'X-HTTP-Method-Override: DELETE', 'X-Method-Override: POST',
    'X-HTTP-Method: POST', 'X-Original-URL: /images/json',
    'X-Rewrite-URL: /images/json', 'X-Forwarded-For: 1.2.3.4',
    'X-Forwarded-Prefix: /..', 'X-Forwarded-Host: evil', 'Forwarded: for=x',
    'Origin: http://evil', 'Origin: null', 'Origin:',
    'Sec-Fetch-Site: cross-site', 'sec-fetch-mode: no-cors',
    'Referer: http://evil/', 'Cookie: a=b', 'Authorization: Basic eDp5',
    'Upgrade: tcp', 'Upgrade: h2c', 'Upgrade: websocket', 'Upgrade: foo',
    'Upgrade:', 'Upgrade: tcp\r\nConnection: Upgrade',
    'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n'
    'HTTP2-Settings: AAMAAABkAAQAAP__', 'Connection: Upgrade',
    'Upgrade: websocket\r\nConnection: keep-alive, Upgrade',
    'Connection: keep-alive', 'Connection: close, close',
    'Connection: Content-Length', 'Connection: Host', 'Connection: x, CLOSE',
    'Connection: User-Agent, Content-Type', 'Connection:', 'Connection: \xff',
    'Proxy-Connection: keep-alive', 'Keep-Alive: timeout=5', 'TE: trailers',
    'Trailer: X-T', 'Trailer: Content-Length', 'Via: 1.1 x',
    'Max-Forwards: 0', 'Expect: 100-continue', 'Expect: 100-Continue',
    'Expect: 200-ok', 'Expect:', 'Expect: 100-continue, x',
    'Expect: 100-continue\r\nExpect: 100-continue', 'Range: bytes=0-1',
    'If-None-Match: *', 'If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT',
    'Content-Encoding: gzip', 'Accept: */*', 'Accept-Encoding: gzip',
    'Content-Type: text/plain', 'Content-Type:', 'Content-Location: /x',
    'Api-Version: 1.12', 'X-Registry-Auth: e30=', 'User-Agent: other',
    'Content-Length: 0', 'content-length: 0', 'CONTENT-LENGTH: 0',
    'Transfer-Encoding: chunked', 'Transfer-Encoding: identity',
    'Transfer_Encoding: chunked', 'X-A: ' + 'b' * 9000, 'X-A: b\r\n' * 140,
    'X-A: ' + 'b' * 70000)


def field(g, c):
    new = g.rng.choice(FIELDS)
    c.fields.insert(g.rng.randrange(1, len(c.fields) + 1), new)


HOSTS = ((), ('Host:',), ('Host: docker', 'Host: docker'), ('host: x',),
         ('Host: docker', 'HOST: evil'), ('Host: evil.example',),
         ('Host: [::1]:2375',), ('Host: a b',), ('Host: a,b',),
         ('Host: a/b',), ('Host: a?b',), ('Host: a\\b',), ('Host: a#b',),
         ('Host: a@b',), ('Host: %2Fvar',), ('Host: %zz',), ('Host: \0',),
         ('Host: \x80',), ('Host: ' + 'h' * 300,), ('Host: a\r\n b',),
         ('Host : a',), (' Host: a',), ('Host: docker:99999',),
         ('Host: 127.0.0.1\r\nX-Forwarded-For: x\r\nOrigin: http://127.0.0.1',
          ), ('X-First: y', 'Host: docker'), ('Host: "x"',), ('Host: <>',))


def host(g, c):
    c.host = list(g.rng.choice(HOSTS))


def keep_alive(g, c):
    c.connection = list(g.rng.choice(((), ('Connection: keep-alive',),
                                      ('Connection: x, CLOSE',))))


# -- line ends ----------------------------------------------------------------

def line_ends(g, c):
    """Other line ends: everywhere, or of one line."""
    end = g.rng.choice(('\n', '\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\t\r\n',
                        '\x0b\r\n', '\r\n\r\n', '\x85', ''))
    if g.rng.random() < .4:
        c.raw_edits.append(lambda text: text.replace('\r\n', end))
        return
    chance = g.rng.random()

    def one(text):
        places = [m.start() for m in re.finditer('\r\n', text)]
        at = places[int(chance * len(places))] if places else 0
        return put(text, at, end, 2)
    c.raw_edits.append(one)


def in_front(g, c):
    front = g.rng.choice(('\r\n', '\n', '\r\n\r\n\r\n\r\n', ' ', '\0', '\r',
                          'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'X\r\n',
                          'GET /_ping\r\n', '\x16\x03\x01\x02', '0\r\n\r\n'))
    c.raw_edits.append(lambda text: front + text)


def cut_short(g, c):
    share = g.rng.random()
    c.raw_edits.append(lambda text: text[:int(share * len(text)) + 1])


# -- framing ------------------------------------------------------------------

LENGTHS = ('05', '+5', '-5', '-0', '0x5', '5, 5', '5,5', '5.0', '5e0', '0_5',
           '', ' ', '5 5', '"5"', '5;', '\xd9\xa5', '9223372036854775807',
           '9223372036854775808', '18446744073709551621', '0' * 40 + '5',
           '5\r\nContent-Length: 5', '5\r\nContent-Length: 6',
           '5\r\ncontent-length: 05', '\t5\t', '5\x0b', '5\r\n ', '6', '4',
           '0', '00', '5\0', '999999999999999999', '1' * 20)


def length(g, c):
    """A length written oddly, with or without a request hidden behind."""
    body = g.rng.choice(('hello', 'hello' + g.hidden(c.no)))
    c.framing = ['Content-Length: ' + g.rng.choice(LENGTHS)], body


CODINGS = ('chunked', 'CHUNKED', ' chunked ', '\tchunked', 'chunked, chunked',
           'chunked\r\nTransfer-Encoding: chunked', 'identity', 'gzip',
           'gzip, chunked', 'chunked, identity', 'xchunked', 'chunked;q=1',
           '"chunked"', '', 'chunked,', ',chunked', '\x0bchunked', 'chun ked',
           '\r\n chunked', 'chunked\0', 'chun\xe2\x84\xaaed', 'chunked\x85')


def coding(g, c):
    """Chunks, rightly, with an odd name of the coding."""
    c.framing = ['Transfer-Encoding: ' + g.rng.choice(CODINGS)], \
        chunks(g.rng.choice((c.content, 'hello', g.hidden(c.no))))


def chunks(text):
    size = f'{len(text):x}\r\n{text}\r\n' if text else ''
    return size + '0\r\n\r\n'


CHUNKS = (
    '5;x=y\r\nhello\r\n0\r\n\r\n', '5 \r\nhello\r\n0\r\n\r\n',
    '5\t\r\nhello\r\n0\r\n\r\n', '05\r\nhello\r\n0\r\n\r\n',
    '0000000000000005\r\nhello\r\n0\r\n\r\n', 'A\r\nhellohello\r\n0\r\n\r\n',
    '00000000000000005\r\nhello\r\n0\r\n\r\n', '5\nhello\n0\n\n',
    '5\r\nhello\n0\r\n\r\n', '5\nhello\r\n0\r\n\r\n', '5\r\nhello0\r\n\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n', '+5\r\nhello\r\n0\r\n\r\n',
    '-5\r\nhello\r\n0\r\n\r\n', ' 5\r\nhello\r\n0\r\n\r\n', '\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\nX-T: y\r\n\r\n', ';x\r\n\r\n',
    '5\r\nhello\r\n000\r\n\r\n',
    '5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n', '0;x=y\r\n\r\n',
    '5\r\nhello\r\n0\r\n\n', '5\r\nhello\r\n0\n\r\n', '5\rhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n', '5\r\nhel', '5\r\nhello\r\n0\r\n', 'zz\r\n', '5',
    '7fffffffffffffff\r\nhello', '8000000000000000\r\nhello',
    'ffffffffffffffff\r\nhello', '10000000000000000\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0 \r\n\r\n', '5\r\nhello\r\n0\r\n \r\n\r\n',
    '5;"\r\nhello\r\n0\r\n\r\n"\r\nhello\r\n0\r\n\r\n',
    '5;' + 'x' * 5000 + '\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n',
    '\xd9\xa5\r\nhello\r\n0\r\n\r\n', '5\x00\r\nhello\r\n0\r\n\r\n',
    '2\r\nhello\r\n0\r\n\r\n', '6\r\nhello\r\n0\r\n\r\n')


def chunk(g, c):
    """Chunks that are not quite chunks, perhaps with a request behind."""
    body = g.rng.choice(CHUNKS)
    behind = g.hidden(c.no) if g.rng.random() < .5 else ''
    c.framing = ['Transfer-Encoding: chunked'], body + behind


def both_framings(g, c):
    """A length and a coding, and a request that one of them hides."""
    inner = g.hidden(c.no)
    body = g.rng.choice((chunks(inner), '0\r\n\r\n' + inner,
                         chunks('hello') + inner))
    first_line = body.index('\r\n') + 2
    lines = ['Transfer-Encoding: ' + g.rng.choice(('chunked',) * 3 + CODINGS),
             'Content-Length: ' + str(g.rng.choice((
                 first_line, len(body), 0, 5, len(body) - len(inner))))]
    g.rng.shuffle(lines)
    c.framing = lines, body


def hidden_in_body(g, c):
    """A right length, and the body is a request."""
    inner = g.hidden(c.no)
    c.framing = [f'Content-Length: {len(inner)}'], inner


def body_on_any(g, c):
    """A body where none belongs."""
    body = g.rng.choice(('{}', '{"HostConfig":{"Binds":["/:/h"]}}', '[]',
                         '{"Privileged":true}', 'x', '1234567', '12345678'))
    c.content_type = g.rng.choice(([], ['Content-Type: application/json']))
    c.framing = g.rng.choice((
        ([f'Content-Length: {len(body)}'], body),
        (['Transfer-Encoding: chunked'], chunks(body))))


URLENCODED = 'application/x-www-form-urlencoded'
FORM_TYPES = tuple(text.replace('FORM', URLENCODED) for text in (
    'FORM', 'FORM', 'FORM', 'FORM; charset=utf-8', 'FORM;', 'FORM ; a=b',
    'FORM; a=b; a=c', 'FORM, text/plain', 'text/plain, FORM', ' FORM', 'FORM ',
    '\tFORM\t', 'FORM\xa0', '\xa0FORM', 'FORM\x85', 'FORM/', '"FORM"',
    'FORM; "', 'FORM;a', '\r\n FORM', 'FORM\x0b', ';FORM',
    'application/x-www-form-urlencoded;charset=\xff')) + (
    URLENCODED.upper(), URLENCODED.title(), 'multipart/form-data',
    'multipart/form-data; boundary=x', 'Multipart/Form-Data;boundary=x',
    'application/x-www-form-urlencode', 'application/x-www-form-urlencodedx',
    'application /x-www-form-urlencoded',
    'application/x-www-form\xadurlencoded',
    URLENCODED.replace('k', '\xe2\x84\xaa'),
    'application/\xc5\xbf-www-form-urlencoded')


def form_body(g, c):
    """dockerd merges a form into the query, and the form wins."""
    value = g.rng.choice(('signal=NOPE', 'name=*bad*', 't=9',
                          'signal=NOPE&name=*bad*', '%73ignal=NOPE'))
    if 'kill' in c.target:
        value = 'signal=NOPE'
    kind = g.rng.choice(FORM_TYPES)
    if kind.lower().startswith('multipart'):
        value = '--x\r\nContent-Disposition: form-data; name="signal"' \
            '\r\n\r\nNOPE\r\n--x--\r\n'
    types = ['Content-Type: ' + kind]
    if g.rng.random() < .15:
        types.append('Content-Type: application/json')
    if g.rng.random() < .3:
        types.reverse()
    c.content_type = types
    c.framing = g.rng.choice((
        ([f'Content-Length: {len(value)}'], value),
        (['Transfer-Encoding: chunked'], chunks(value))))


def pipelined(g, c):
    """More requests behind the first."""
    c.connection = []
    for _turn in range(g.rng.choice((1, 1, 2))):
        c.behind += g.rng.choice(('',) * 8 + ('\r\n', '\n', '\0')) \
            + g.hidden(c.no)


def byte(g, c):
    """One byte of the whole changed, lost or added."""
    share, value = g.rng.random(), chr(g.rng.randrange(256))
    instead = g.rng.choice((0, 1, 1))
    value = g.rng.choice((value, value, ''))
    c.raw_edits.append(lambda text: put(text, int(share * len(text)), value,
                                        instead))


WEIGHTED = (
    (pct_letter, 6), (pct_word, 2), (pct_slash, 3), (piece_anywhere, 4),
    (piece_at_slash, 4), (piece_at_end, 4), (piece_in_front, 2),
    (version_like, 6), (letter_case, 1), (other_form, 2), (splice, 5),
    (segments, 4), (query, 4), (query_value, 2), (method, 3),
    (http_version, 2), (field, 6), (host, 2), (keep_alive, 2),
    (line_ends, 3), (in_front, 1), (cut_short, .5), (length, 2), (coding, 2),
    (chunk, 3), (both_framings, 2), (hidden_in_body, 2), (body_on_any, 2),
    (form_body, 4), (pipelined, 3), (byte, 3))
MUTATIONS = [mutate for mutate, _weight in WEIGHTED]
MUTATION_WEIGHTS = [weight for _mutate, weight in WEIGHTED]

# Not for requests whose parameters must stay as they are.
CHANGES_PARAMETERS = {piece_anywhere, piece_at_slash, piece_at_end,
                      piece_in_front, splice, segments, query, query_value,
                      byte, cut_short, line_ends}
