#!/usr/bin/python3 -B
"""Wrong words: exit code 2 and one line that says what to change.  And
the modes that start nothing."""

import os
import re
import subprocess
import sys
import tempfile

import harness as h

# Knows the addresses of one name.
NAME_SERVER = '''
import socket
KNOWN = {1: socket.inet_pton(socket.AF_INET, '10.9.8.7'),
         28: socket.inet_pton(socket.AF_INET6, 'fd00::9')}
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(('127.0.0.1', 53))
print('ready', flush=True)
while True:
    query, client = sock.recvfrom(512)
    question = query[12:query.index(b'\\0', 12) + 5]
    kind = int.from_bytes(question[-4:-2], 'big')
    if question.startswith(b'\\3box\\4test\\0') and kind in KNOWN:
        data = KNOWN[kind]
        record = (b'\\xc0\\x0c' + question[-4:] + b'\\0\\0\\0\\x10\\0' +
                  bytes([len(data)]) + data)
        answer = b'\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0' + question + record
    else:
        answer = b'\\x81\\x83\\0\\1\\0\\0\\0\\0\\0\\0' + question
    sock.sendto(query[:2] + answer, client)
'''
GOOD = ('--profile-dir', h.PROFILES, '--profile', 'readonly')


class Case:
    """Arguments, environment and configuration of one wrong start."""

    def __init__(self, text, words, args=(), env=None, conf='', lines=1):
        self.text = text
        self.words = words          # all must be in the message
        self.args = args
        self.env = env
        self.conf = conf
        self.lines = lines          # of the message


def with_profile(name, *args):
    return ('--profile-dir', h.PROFILES, '--profile', name) + args


WRONG = [
    Case('no profile', ['--profile', 'readonly']),
    Case('an unknown profile', ['portainer-rx'],
         with_profile('portainer-rx')),
    Case('a profile that is not there', ['/nonexistent/rules'],
         with_profile('/nonexistent/rules')),
    Case('a folder as a profile', [h.PROFILES], with_profile(h.PROFILES)),
    Case('unprotected without request log', ['unprotected',
                                             '--log-requests'],
         with_profile('unprotected')),
    Case('an unknown flag', ['--profil', '--profile'],
         GOOD + ('--profil', 'x')),
    Case('a misspelt flag', ['--log-requets', '--log-requests'],
         GOOD + ('--log-requets',)),
    Case('an unknown letter', ['-z'], GOOD + ('-z',)),
    Case('a flag without its value', ['--listen'], GOOD + ('--listen',)),
    Case('a value for a switch', ['--test'], GOOD + ('--test=1',)),
    Case('a word that is no flag', ['start'], GOOD + ('start',)),
    Case('an unknown variable', ['DSP_LISTEM', 'DSP_LISTEN'], GOOD,
         {'DSP_LISTEM': 'tcp://localhost:1'}),
    Case('a wrong variable', ['DSP_MAX_WORKERS'], GOOD,
         {'DSP_MAX_WORKERS': 'many'}),
    Case('LOG_REQUESTS neither true nor false', ['LOG_REQUESTS', 'true'],
         GOOD, {'LOG_REQUESTS': 'maybe'}),
    Case('an unknown word in the file', ['conf:2:', 'profle', 'profile'],
         conf='# a comment\nprofle readonly\n'),
    Case('a wrong value in the file', ['conf:1:', 'head-timeout'],
         GOOD, conf='head-timeout soon\n'),
    Case('a file that is not there', ['/nonexistent/conf'],
         GOOD + ('--config', '/nonexistent/conf')),
    Case('a number too small', ['--max-workers'],
         GOOD + ('--max-workers', '0')),
    Case('more workers than max-workers', ['max-workers', 'workers'],
         GOOD + ('--workers', '5', '--max-workers', '4')),
    Case('a number with a sign', ['--workers'], GOOD + ('--workers', '+1')),
    Case('a time to learn that is none', ['--learn-for', '86400'],
         GOOD + ('--learn-for', '1h')),
    Case('an unknown level', ['--log-level', 'debug'],
         GOOD + ('--log-level', 'loud')),
    Case('an unknown format', ['--log-format', 'json'],
         GOOD + ('--log-format', 'xml')),
    Case('a wrong API version', ['--min-api', '1.'],
         GOOD + ('--min-api', '2')),
    Case('an unknown sandbox', ['--sandbox', 'trap, kill, log or off'],
         GOOD + ('--sandbox', 'on')),
    Case('an option that is a flag only', ['DSP_STATUS', '--status'], GOOD,
         {'DSP_STATUS': '1'}),
    Case('an unknown user', ['no-such-user'],
         GOOD + ('--user', 'no-such-user')),
    Case('a Docker socket by URL', ['--docker-socket', '/var/run'],
         GOOD + ('--docker-socket', 'unix:///var/run/docker.sock')),
    Case('a listener without scheme', ['--listen', 'tcp://'],
         GOOD + ('--listen', 'localhost:2375')),
    Case('a listener without port', ['--listen', 'port'],
         GOOD + ('--listen', 'tcp://localhost')),
    Case('a port too large', ['--listen', '65535'],
         GOOD + ('--listen', 'tcp://localhost:65536')),
    Case('IPv6 without brackets', ['--listen', 'brackets'],
         GOOD + ('--listen', 'tcp://::1:2375')),
    Case('an unknown key', ['mod', 'mode'],
         GOOD + ('--listen', 'unix:///tmp/dsp.sock,mod=0600')),
    Case('a mode that is not octal', ['mode'],
         GOOD + ('--listen', 'unix:///tmp/dsp.sock,mode=999')),
    Case('mode on TCP', ['mode', 'unix'],
         GOOD + ('--listen', 'tcp://localhost:2375,mode=0600')),
    Case('allow= that is no address', ['allow=here', '172.18.0.0/16'],
         GOOD + ('--listen', 'tcp://localhost:2375,allow=here')),
    Case('allow= with bits behind the prefix',
         ['allow=172.18.0.5/16', 'allow=172.18.0.0/16',
          'allow=172.18.0.5 for'],
         GOOD + ('--listen', 'tcp://localhost:2375,allow=172.18.0.5/16')),
    Case('allow= with a prefix too long', ['allow=fd00::/129', '128'],
         GOOD + ('--listen', 'tcp://localhost:2375,allow=fd00::/129')),
    Case('a user on TCP', ['allow=uid:0', 'allow=172.18.0.0/16', 'unix'],
         GOOD + ('--listen', 'tcp://localhost:2375,allow=uid:0')),
    Case('an address on a unix socket', ['allow=::1', 'allow=uid:USER'],
         GOOD + ('--listen', 'unix:///tmp/dsp.sock,allow=::1')),
    Case('an address on an abstract one', ['10.0.0.0/8', 'allow=uid:USER'],
         GOOD + ('--listen', 'unix://@dsp,allow=10.0.0.0/8')),
    Case('allow= of an unknown user', ['allow', 'no-such-user'],
         GOOD + ('--listen', 'unix://@dsp,allow=uid:no-such-user')),
    Case('allow= of an unknown group', ['conf:2:', 'no-such-group'], GOOD,
         conf='# x\nlisten unix://@dsp,allow=gid:no-such-group\n'),
    Case('an unknown group', ['no-such-group'],
         GOOD + ('--listen', 'unix:///tmp/dsp.sock,group=no-such-group')),
    Case('a relative path', ['unix:///'],
         GOOD + ('--listen', 'unix://dsp.sock')),
    Case('a socket that nobody passes', ['fd://web', 'socket unit'],
         GOOD + ('--listen', 'fd://web')),
    Case('a socket without a name for metrics', ['--metrics', 'fd://metrics'],
         GOOD + ('--metrics', 'fd://')),
    Case('a mode for a socket that is passed', ['mode', 'SocketMode='],
         GOOD + ('--listen', 'fd://web,mode=0600')),
    Case('an owner for it', ['owner', 'SocketUser='],
         GOOD + ('--listen', 'fd://,owner=root')),
    Case('a group for it', ['group', 'SocketGroup='],
         GOOD + ('--listen', 'fd://web,group=root')),
    Case('an address given twice', ['tcp://localhost:2375', 'twice'],
         GOOD + ('--listen', 'tcp://localhost:2375') * 2),
    Case('an unknown profile of a listener', ['nobodys'],
         GOOD + ('--listen', 'tcp://localhost:2375,profile=nobodys')),
    Case('a client without a profile', ['conf:2:', 'client 172.18.0.5',
                                        'profile=traefik'], GOOD,
         conf='# x\nclient 172.18.0.5\n'),
    Case('a client with an unknown profile', ['nobodys'], GOOD,
         conf='client 172.18.0.5 profile nobodys\n'),
    Case('a client that is no address', ['conf:1:', 'client here', 'uid:USER',
                                         'name:HOST', '172.18.0.0/16'], GOOD,
         conf='client here profile readonly\n'),
    Case('a client with bits behind the prefix',
         ['--client', '172.18.0.0/16', '172.18.0.5 for'],
         GOOD + ('--client', '172.18.0.5/16,profile=readonly')),
    Case('a client of an unknown user', ['uid:no-such-user', 'number'],
         GOOD + ('--client', 'uid:no-such-user,profile=readonly')),
    Case('a client whose container can have no such name',
         ['conf:1:', 'container:web/1', 'name of a container'], GOOD,
         conf='client container:web/1 profile readonly\n'),
    Case('a client given twice', ['conf:2:', '10.0.0.1', 'twice'], GOOD,
         conf='client 10.0.0.1 profile readonly\n'
              'client 10.0.0.1 profile ping\n'),
    Case('too many clients', ['conf:65:', 'at most 64'], GOOD,
         conf=''.join(f'client 10.0.0.{number} profile readonly\n'
                      for number in range(65))),
    Case('a client that may do all', ['unprotected', '--log-requests'],
         GOOD + ('--client', '10.0.0.1,profile=unprotected')),
    Case('a plugin with an address that is none', ['authz:///path/to.sock'],
         GOOD + ('--listen', 'authz://@plugin')),
    Case('a plugin that is no plugin', ['--authz', 'no value'],
         GOOD + ('--authz=yes',)),
    Case('a user of a certificate without a name', ['user:', 'needs a name'],
         GOOD + ('--client', 'user:,profile=readonly')),
    Case('two mistakes at once', ['--workers', '--log-level'],
         GOOD + ('--workers', 'x', '--log-level', 'x'), lines=2),
]

PROFILES = [
    ('an empty profile', '', [('', ['rule'])]),
    ('only comments', '# nothing\n\n', [('', ['rule'])]),
    ('a method alone', 'GET\n', [(':1:', ['GET'])]),
    ('a bad target expression', '# x\nGET /version(\n',
     [(':2:', ['GET /version('])]),
    ('a bad method expression', '*GET /version\n', [(':1:', ['*GET'])]),
    ('a target without slash', 'GET version\n', [(':1:', ['version', '/'])]),
    ('a rule line too long', 'GET /' + 'x' * 5000 + '\n', [(':1:', ['4096'])]),
    ('three wrong lines of five',
     'GET /_ping\nGET\nGET /version\nPOST x\nGET /a[\n',
     [(':2:', ['GET']), (':4:', ['POST x']), (':5:', ['GET /a['])]),
]


def start(*args, env=None, conf=''):
    """Run with a configuration file of our own; it must not stay."""
    with tempfile.TemporaryDirectory(prefix='dsp-usage.') as folder:
        path = folder + '/conf'
        h.write(path, conf)
        if '--config' not in args:
            args = ('--config', path, *args)
        return h.program(*args, env=env)


def wrong_words():
    for case in WRONG:
        done = start(*case.args, env=case.env, conf=case.conf)
        h.check(done.code == 2, case.text + ': exit code 2', done)
        lines = done.err.splitlines()
        h.check(len(lines) == case.lines and not done.out,
                f'{case.text}: {case.lines} line on stderr', done)
        missing = [word for word in case.words if word not in done.err]
        h.check(not missing, case.text + ': it says what to change',
                f'missing {missing}', done)


def wrong_profiles():
    with tempfile.TemporaryDirectory(prefix='dsp-usage.') as folder:
        path = folder + '/rules'
        for text, rules, expected in PROFILES:
            h.write(path, rules)
            done = start('--profile', path)
            h.check(done.code == 2, text + ': exit code 2', done)
            lines = done.err.splitlines()
            h.same(len(lines), len(expected), text + ': one line each')
            for line, (place, words) in zip(lines, expected):
                h.check(path + place in line
                        and all(word in line for word in words),
                        f'{text}: file{place} and what', line)


def port_in_use():
    """An address in use is a failure that another start may cure"""
    with h.Proxy('/nonexistent/docker.sock') as p:
        done = start(*GOOD, '--listen', p.host)
        h.check(done.code == 1, h.title(port_in_use), done)
        h.check(p.host in done.err and 'in use' in done.err,
                'it names the address', done)


def test_mode():
    """--test"""
    done = start(*GOOD, '--test', '--listen', 'tcp://localhost:2375')
    h.check(done.code == 0 and not done.err, '--test: exit code 0', done)
    for word in ('readonly', 'tcp://localhost:2375', '/var/run/docker.sock',
                 'configuration is good'):
        h.has(done.out, word, f'--test: shows {word}')
    done = start('--test', '--profile', 'nobodys')
    h.check(done.code == 2 and 'nobodys' in done.err,
            '--test: exit code 2 for a wrong profile', done)


def shipped_profiles():
    """every shipped profile is good"""
    names = sorted(os.listdir(h.PROFILES))
    h.check(len(names) > 5, 'there are shipped profiles', names)
    for name in names:
        done = start('--profile-dir', h.PROFILES, '--profile', name,
                     '--test', '--log-requests')
        if name == 'classes':   # a fragment
            h.has(done.err, 'no rule', 'a fragment is no profile')
        else:
            h.check(done.code == 0, f'profile {name} is good', done)


def explain():
    """--explain"""
    for method, target, code, words in (
            ('GET', '/containers/json?all=1', 0, 'allow readonly:'),
            ('GET', '/v1.41/version', 0, 'allow readonly:'),
            ('POST', '/containers/create', 1, 'deny no-rule'),
            ('GET', '/containers//json', 1, 'deny target-segment'),
            ('GET', '/v1.12/version', 1, 'deny min-api')):
        done = start(*GOOD, '--explain', method, target)
        h.check((done.code, done.err) == (code, '')
                and done.out.startswith(words),
                f'--explain {method} {target}: {words}', done)
        h.same(done.out.count('\n'), 4 if 'no-rule' in words else 1,
               'in one line, or with the nearest rule')
    done = start(*GOOD, '--explain', 'GET', '/version')
    for path in h.PROFILES + '/readonly', h.PROFILES + '/ping':
        at = done.out.split(os.path.basename(path) + ':')[1].split()[0]
        line = h.read(path).splitlines()[int(at) - 1]
        h.check(path.endswith('/readonly') and line == 'include ping' or
                done.out.endswith(f':{at} {line}\n'), '--explain shows both '
                'places of a rule that is included', done)


def strength():
    """flag, then variable, then file"""
    conf = f'profile-dir {h.PROFILES}\nprofile traefik\n'
    env = {'PROFILE': 'diun'}
    for text, args, env, name in (
            ('the file alone', (), {}, 'traefik'),
            ('a variable beats the file', (), env, 'diun'),
            ('DSP_PROFILE is the same', (), {'DSP_PROFILE': 'trivy'},
             'trivy'),
            ('a flag beats both', ('--profile', 'readonly'), env,
             'readonly')):
        done = start('--test', *args, env=env, conf=conf)
        h.check(done.code == 0 and f'profile {name} ' in done.out, text,
                done)


def texts():
    """--help and --version"""
    done = start('--help')
    h.check(done.code == 0 and not done.err, '--help: exit code 0', done)
    for option in ('--profile', '--listen', '--authz', '--docker-socket',
                   '--log-requests', '--learn-for', '--max-workers', '--user',
                   '--sandbox', '--test', '--explain', '--learn', '--keep',
                   '--status', '--healthcheck'):
        h.has(done.out, option, '--help shows ' + option)
    groups = [line for line in done.out.splitlines()
              if line.endswith(':') and not line.startswith(' ')]
    h.same(groups, ['What is protected, from whom:', 'What is told:',
                    'Limits:', 'Processes:', 'Instead of serving:'],
           '--help has its options in groups')
    # Paths of an installation are as long as they are.
    wide = [line for line in done.out.splitlines()
            if len(line) > 80 and not line.strip(" []").startswith("/")]
    h.same(wide, [], '--help fits a terminal')
    done = start('--version')
    h.check(done.code == 0 and not done.err, '--version: exit code 0', done)
    h.check(done.out.startswith('docker-socket-protector ')
            and 'features' in done.out, '--version: with features', done)


def name_servers():
    """names of hosts are asked of name servers, by a static program too"""
    h.need_root()
    for tool in 'unshare', 'ip':
        h.need_tool(tool)
    with tempfile.TemporaryDirectory() as folder:
        h.write(folder + '/resolv', 'nameserver 127.0.0.1\n'
                                    'options timeout:1 attempts:1\n')
        h.write(folder + '/server', NAME_SERVER)
        h.write(folder + '/run', f'''
            ip link set lo up && mount --bind {folder}/resolv /etc/resolv.conf
            {sys.executable} {folder}/server >{folder}/ready & server=$!
            until [ -s {folder}/ready ]; do sleep 0.02; done
            "$@"
            kill $server''')
        done = subprocess.run(
            ['unshare', '--net', '--mount', 'sh', folder + '/run', h.PROGRAM,
             *GOOD, '--client', 'name:box.test,profile=traefik',
             '--client', 'name:none.test,profile=diun', '--test'],
            stdout=subprocess.PIPE, timeout=h.PATIENCE, check=False,
            env=h.clean_environment())
    out = done.stdout.decode()
    found = re.search('^client: name:box.test (.*), profile', out, re.M)
    h.same(sorted(found.group(1).split() if found else ()),
           ['10.9.8.7', 'fd00::9'], 'both addresses of a name')
    h.has(out, 'client: name:none.test NOBODY KNOWS THIS NAME', 'or none')


def body():
    h.each([wrong_words, wrong_profiles, port_in_use, test_mode,
            shipped_profiles, explain, strength, texts, name_servers])


h.main(body, needs_docker=False)
