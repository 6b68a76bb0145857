#!/usr/bin/python3 -B
"""A profile that --learn makes lets its clients do the same again, and
nothing dangerous that they did not ask for."""

import os
import shutil
import tempfile

import daemon28
import harness as h
import npm
import wire
from programs import good, plugin_home, steady

try:
    import docker
except ImportError:
    docker = None

NAME = 'dsp-learn'
ENDED = 'dsp-learn-ended'
TALK = 'echo one; sleep 1; echo two'

DOCKERODE = r'''
const Docker = require('dockerode');
const docker = new Docker();
(async () => {
  const all = await docker.listContainers({all: true,
    filters: {name: ['dsp-learn']}});
  console.log(all.map(one => one.Names[0]).sort().join());
  const made = docker.getContainer('dsp-learn');
  console.log((await made.inspect()).Config.Image);
  const [result, ran] = await docker.run('%s',
    ['sh', '-c', 'echo in; exit 5'], process.stdout,
    {Labels: {'%s': ''}, HostConfig: {NetworkMode: 'none'}});
  console.log('ran', result.StatusCode);
  const lines = await ran.logs({stdout: true, follow: false, tail: 3});
  console.log(lines.length);
  await ran.remove({force: true, v: true});
})().catch(why => { console.error(why.message); process.exit(1); });
''' % (h.IMAGE, h.LABEL)

COMPOSE_FILE = '''services:
  web:
    image: %s
    command: sh -c "echo composed; exec sleep 1000"
    network_mode: none
    labels: [%s]
'''


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
    done = good(host, 'node', '-e', DOCKERODE,
                env={'NODE_PATH': npm.folder()})
    h.expect('/dsp-learn' in done.out and 'ran 5' in done.out, done)
    return steady(done.out)


def compose(host, *command, home=None):
    """A project, up and down."""
    with tempfile.TemporaryDirectory(prefix='dsp-compose.') as folder:
        path = folder + '/compose.yaml'
        h.write(path, COMPOSE_FILE % (h.IMAGE, h.LABEL))
        args = (*command, '-p', NAME, '-f', path)
        up = good(host, *args, 'up', '-d', home=home)
        ps = good(host, *args, 'ps', '-q', home=home)
        logs = good(host, *args, 'logs', '--no-color', home=home)
        down = good(host, *args, 'down', '-t', '0', home=home)
        h.expect(len(ps.out.split()) == 1 and 'composed' in logs.out, ps, logs)
        return up.code, steady(logs.out), down.code


def compose_1(host):
    """docker-compose up and down"""
    return compose(host, 'docker-compose')


def compose_2(host):
    """docker compose up and down"""
    folder = daemon28.clients()
    home = plugin_home(folder)
    try:
        return compose(host, folder + '/usr/bin/docker', 'compose',
                       '--progress', 'quiet', home=home)
    finally:
        shutil.rmtree(home)


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


def need_py():
    if docker is None:
        raise h.Skip('no docker-py')


def need_nothing():
    pass


LOOKING = [
    cli('ps', '-a', '--no-trunc', '--filter', 'name=' + NAME),
    cli('logs', '-f', ENDED),
    cli('logs', '--tail', '1', NAME),
    cli('inspect', '--type', 'container', '--format', '{{.Name}}', NAME),
]

# What some clients do together; what they ask for, in the words of DANGERS;
# and what raises where they are not to be had.
LOOK = {'inspect', 'logs'}
RUN = LOOK | {'create', 'start', 'attach', 'remove'}
GROUPS = [
    ('docker, looking', LOOKING, LOOK, need_nothing),
    ('docker', CLI + [scripts],
     RUN | {'exec', 'exec-start', 'exec-inspect'}, need_nothing),
    ('docker-py', [py], RUN | {'exec', 'exec-start', 'exec-inspect'},
     need_py),
    ('dockerode', [dockerode], RUN, npm.folder),
    ('docker-compose', [compose_1], RUN - {'attach'} | {'stop'},
     lambda: h.need_tool('docker-compose')),
    ('docker compose', [compose_2], RUN - {'attach'} | {'stop'},
     daemon28.clients),
]
ROOT = '# HOST ROOT: '


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
    """All dangers but those that were asked for are refused."""
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


def round_trip(d, name, cases, words, need):
    """Record, learn, and do the same with the profile: log, and results."""
    need()
    with h.Proxy(d.socket) as p:
        first = do_all(cases, p.host)
        log = p.out()
    h.check(log.count('request rule:') > 3, f'{name}: requests were logged',
            log[-500:])
    rules = learn(log)
    h.check(rules.startswith(ROOT) == ('create' in words),
            f'{name}: it says whether it is HOST ROOT', rules)
    with h.Proxy(d.socket, rules=rules) as p:
        for (case, want), (_case, got) in zip(first, do_all(cases, p.host)):
            h.same(got, want, f'{name}, learned: {case}')
        denied = [line for line in p.err().splitlines() if ' deny ' in line]
        h.same(denied, [], f'{name}: nothing was denied')
        refused(p.host, words)
    return log, first


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
        h.docker_ok(d.host, 'run', '--name', ENDED, '--network', 'none',
                    '--label', h.LABEL, h.IMAGE, 'echo', 'ended')
        found = {}
        for name, *group in GROUPS:
            try:
                found[name] = round_trip(d, name, *group)
            except h.Skip as why:
                h.skip(name, why)
        log, first = found['docker']
        first = first[:len(CLI)]
        h.same([result[0] for _, result in first], CODES,
               'the commands did what they should')
        kept(d, CLI, log, first)


h.main(body)
