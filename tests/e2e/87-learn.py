#!/usr/bin/python3 -B
"""A profile that --learn makes lets its clients do the same again, and
nothing dangerous that they did not ask for."""

import os
import re
import shutil
import subprocess
import tempfile

import harness as h
import wire

try:
    import docker
except ImportError:
    docker = None

NAME = 'dsp-learn'
TALK = 'echo one; sleep 1; echo two'

# What the clients below do, in the words of DANGERS.
DONE = {'inspect', 'logs', 'create', 'start', 'attach', 'remove', 'exec',
        'exec-start', 'exec-inspect'}
COMPOSE = {'stop'}

DOCKERODE = r'''
const Docker = require('dockerode');
const [host, port] = process.argv[1].split(':');
const docker = new Docker({host, port});
(async () => {
  const all = await docker.listContainers({all: true,
    filters: {name: ['dsp-learn']}});
  console.log(all.map(one => one.Names[0]).sort().join());
  const made = docker.getContainer('dsp-learn');
  console.log((await made.inspect()).Config.Image);
})();
'''

COMPOSE_FILE = '''services:
  web:
    image: %s
    command: sleep 1000
    network_mode: none
    labels: [%s]
'''


def steady(text):
    """Without ids, ages, and the widths of columns."""
    text = re.sub(r'\b([0-9a-f]{64}|[0-9a-f]{12})\b', 'ID', text)
    text = re.sub(r'(Up |Exited \(\d+\) )?(About |Less than )?'
                  r'(an?|\d+) (second|minute)s?( ago)?', 'AGE', text)
    return re.sub(r'[ \t]+', ' ', text)


def cli(*args):
    """What a docker command says, and its exit code."""
    def case(host):
        done = h.docker(host, *args)
        return done.code, steady(done.out), steady(done.err)
    case.__doc__ = 'docker ' + ' '.join(args)
    return case


def run(*command, options=()):
    return cli('run', '--network', 'none', '--label', h.LABEL, *options,
               h.IMAGE, *command)


def py(host):
    """docker-py: list, run, logs, exec, stop, remove"""
    client = docker.DockerClient(base_url=host, version='auto', timeout=30)
    try:
        names = sorted(each.name for each in client.containers.list(
            all=True, filters={'name': NAME}))
        out = client.containers.run(h.IMAGE, 'echo hello', remove=True,
                                    network_mode='none', labels=[h.LABEL])
        made = client.containers.run(
            h.IMAGE, ['sh', '-c', TALK], detach=True, labels=[h.LABEL],
            network_mode='none', name=NAME + '-py')
        lines = b''.join(made.logs(stream=True, follow=True))
        code = made.wait()['StatusCode']
        made.remove(force=True)
        found = client.containers.get(NAME).exec_run('true')
        return names, out, lines, code, found.exit_code
    finally:
        client.close()


def asked(host, target):
    """Status and length of an answer, as scripts with curl ask."""
    answer = wire.request(host, 'GET', target)
    return answer.status, steady(answer.body.decode('utf-8', 'replace'))


def scripts(host):
    """queries as dockerode and curl scripts spell them"""
    found = [asked(host, target)[0] for target in (
        '/containers/json?all=true&limit=-1',
        f'/containers/json?filters={{"name":["{NAME}"]}}',
        f'/containers/json?filters=%7B%22name%22%3A%5B%22{NAME}%22%5D%7D',
        f'/v1.41/containers/{NAME}/json',
        '/events?since=1&until=2')]
    h.expect(set(found) == {200}, found)
    return found, asked(
        host, f'/containers/{NAME}/logs?stdout=true&stderr=1&tail=5')


def dockerode(host):
    """node with dockerode"""
    done = subprocess.run(
        ['node', '-e', DOCKERODE, host.partition('://')[2]], timeout=30,
        capture_output=True, check=False)
    h.expect(done.returncode == 0 and b'/dsp-learn' in done.stdout, done)
    return done.stdout, done.stderr


def has_dockerode():
    return shutil.which('node') is not None and subprocess.run(
        ['node', '-e', 'require("dockerode")'], capture_output=True,
        check=False).returncode == 0


def compose(host):
    """docker compose up and down"""
    with tempfile.TemporaryDirectory(prefix='dsp-compose.') as folder:
        path = folder + '/compose.yaml'
        h.write(path, COMPOSE_FILE % (h.IMAGE, h.LABEL))
        args = ('compose', '-p', NAME, '-f', path, '--progress', 'quiet')
        up = h.docker(host, *args, 'up', '-d')
        ps = h.docker(host, *args, 'ps', '-q')
        down = h.docker(host, *args, 'down', '-t', '0')
        found = up.code, len(ps.out.split()), down.code
        h.expect(found == (0, 1, 0), up, ps, down)
        return found


def has_compose(host):
    return h.docker(host, 'compose', 'version').code == 0


CLI = [
    cli('version', '--format', '{{.Server.Version}}'),
    cli('ps', '-a', '--no-trunc', '--filter', 'name=' + NAME),
    cli('ps', '-q', '--filter', 'status=running', '--filter',
        'name=' + NAME),
    run('echo', 'hello', options=('--rm',)),
    run('sh', '-c', 'echo no >&2; exit 7', options=('--rm',)),
    run('cat', options=('--rm', '-i')),
    run('sh', '-c', TALK, options=('-d', '--name', NAME + '-talk')),
    cli('logs', '-f', NAME + '-talk'),
    cli('rm', '-f', NAME + '-talk'),
    cli('exec', NAME, 'sh', '-c', 'sleep 1; echo in; exit 3'),
    cli('inspect', '--format', '{{.Config.Image}}', NAME),
    cli('logs', '--tail', '1', NAME),
    cli('inspect', 'dsp-nobody'),
]
CODES = [0, 0, 0, 0, 7, 0, 0, 0, 0, 3, 0, 0, 1]


def clients(host):
    """The cases that can be run here, and the words of DANGERS for them."""
    cases, words = CLI + [scripts], set(DONE)
    if docker is None:
        h.note('docker-py is not installed: left out')
    else:
        cases.append(py)
    if has_dockerode():
        cases.append(dockerode)
    else:
        h.note('dockerode is not installed: left out')
    if has_compose(host):
        cases.append(compose)
        words |= COMPOSE
    else:
        h.note('docker compose is not installed: left out')
    return cases, words


def do_all(cases, host):
    return [(case.__doc__, case(host)) for case in cases]


def learn(log, *args):
    """The profile for a log."""
    done = h.program('--config', '/dev/null', '--profile-dir', h.PROFILES,
                     '--learn', *args, stdin=log.encode())
    h.check(done.code == 0, ' '.join(['--learn', *args]), done)
    return done.out


def dangers():
    """word, method and target of each row"""
    path = os.path.join(os.environ.get('srcdir') or '.',
                        'tests/corpus/rules/DANGERS')
    rows = [line.split('\t') for line in h.read(path).splitlines()
            if line and line[0] != '#']
    h.check(len(rows) > 100, 'there are dangers', len(rows))
    return rows


def refused(host, words):
    """All dangers but those of the words are refused."""
    passed, count = [], 0
    for word, method, target in dangers():
        if word in words:
            continue
        answer = wire.request(host, method, target)
        count += 1
        # 400: not canonical; 403 must be the program's own.
        if answer.status == 400 or answer.status == 403 \
                and b'docker-socket-protector' in (answer.body or b''):
            continue
        if method == 'HEAD' and answer.status == 403:
            continue
        passed.append((answer.status, method, target))
    h.same(passed, [], f'{count} dangers that were not asked for: refused')


def again(d, cases, words, rules, first):
    """The same with the profile."""
    with h.Proxy(d.socket, rules=rules) as p:
        for name, result in do_all(cases, p.host):
            h.same(result, first.pop(0)[1], f'learned: {name}')
        denied = [line for line in p.err().splitlines() if ' deny ' in line]
        h.same(denied, [], 'nothing was denied')
        refused(p.host, words)


def kept(d, cases, log, first):
    """A profile that allows less, and what --keep adds to it."""
    mine = 'include ping\n\nGET /{V}containers/json(\\?all=1)?\n'
    with tempfile.TemporaryDirectory(prefix='dsp-learn.') as folder:
        h.write(folder + '/mine', mine)
        rules = learn(log, '--keep', folder + '/mine')
        h.check(rules.startswith(mine), 'the kept profile is unchanged')
        h.write(folder + '/mine', rules)
        h.same(learn(log, '--keep', folder + '/mine'), rules,
               'then nothing is missing')
    with h.Proxy(d.socket, rules=rules) as p:
        h.same(do_all(cases, p.host), first, 'the clients work with it')


def body():
    with h.Dockerd() as d:
        h.run_container(d.host, 'sh', '-c', 'echo out; exec sleep 1000',
                        options=('--name', NAME))
        with h.Proxy(d.socket) as p:
            cases, words = clients(d.host)
            first = do_all(cases, p.host)
            log = p.out()
        h.check(log.count('request rule:') > 50, 'requests were logged',
                log[-500:])
        h.same([result[0] for _, result in first[:len(CLI)]], CODES,
               'the commands did what they should')
        rules = learn(log)
        h.check(rules.startswith('# HOST ROOT: '), 'it says HOST ROOT',
                rules)
        again(d, cases, words, rules, list(first))
        kept(d, CLI, log, first[:len(CLI)])


h.main(body)
