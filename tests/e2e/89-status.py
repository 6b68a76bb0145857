#!/usr/bin/python3 -B
"""--status, SIGUSR1 and the protection line: what they say is so."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import harness as h
import worlds
from wire import Wire, request

NOBODY = 65534
CLIENTS = 200
DEAD = 'unix:///nonexistent/dsp.sock'
# Takes a name, says so, and answers everybody with a lie.
SQUATTER = '''
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind('\\0' + sys.argv[1])
s.listen(8)
print('ready', flush=True)
while True:
    c = s.accept()[0]
    try:
        c.sendall(b'all is well\\nend workers=0 shown=0\\n')
    except BrokenPipeError:
        pass
    c.close()
'''


# -- asking --------------------------------------------------------------

def parse(line):
    """'worker a=1 b=2' as a dictionary."""
    return dict(pair.split('=', 1) for pair in line.split()[1:])


def told(p, *args):
    """What it prints.  Listeners are open a moment before it answers."""
    done = h.until(lambda: answered(p.status(*args)), 'an answer', 5)
    h.expect(not done.err, '--status:', done)
    return done.out


def answered(done):
    return done if done.code == 0 else None


def ask(p):
    """The lines of --status by their first word."""
    found = {}
    for line in told(p).splitlines():
        found.setdefault(line.split()[0], []).append(parse(line))
    return found


def name_of(p):
    return 'docker-socket-protector/' + p.listen[0]


def is_off():
    return os.environ.get('DSP_SANDBOX') == 'off' or \
        'no sandbox' in h.program('--version').out


# -- the text ------------------------------------------------------------

def text(d):
    """--status: every field is so"""
    listen = [f'tcp://127.0.0.1:{h.free_port()}' for _ in range(2)]
    with h.Proxy(d.socket, profile='readonly', listen=listen,
                 args=['--workers', '3']) as p, Wire(p.hosts[1]) as wire:
        wire.send(b'GET /events HTTP/1.1\r\n')    # and no more
        h.until(lambda: [one['idle'] for one in ask(p)['listener']] ==
                ['3', '3'], 'three idle ones each')
        said = h.until(lambda: calm(p), 'a second without a change')
        daemon = said['docker-socket-protector'][0]
        h.same(daemon['pid'], str(h.inner_pid(p.process.pid)), 'its pid')
        h.same(daemon['generation'], '1', 'its generation')
        h.check(1 <= int(daemon['uptime']) < 60, 'its age', daemon)
        h.has(h.program('--version').out, daemon['version'], 'its version')
        for number, one in enumerate(said['listener']):
            h.same((one['number'], one['address'], one['profile'],
                    one['busy'], one['waiting']),
                   (str(number + 1), listen[number], 'readonly',
                    str(number), '0'), f'listener {number + 1}')
        workers(p, said)
        gate(p, said)


def calm(p):
    """--status, if workers neither came nor went for a second ("since" is in
    whole ones)."""
    before = p.workers()
    time.sleep(1.1)
    said = ask(p)
    return said if sorted(p.workers()) == sorted(before) else None


def workers(p, said):
    pids = {str(h.inner_pid(pid)): pid for pid in p.workers()}
    h.same(sorted(one['pid'] for one in said['worker']), sorted(pids),
           'one line for each worker, and no other')
    h.same(said['end'], [{'workers': str(len(pids)),
                          'shown': str(len(pids))}], 'the last line')
    for one in said['worker']:
        as_in_proc(one, pids[one['pid']], 'worker ' + one['number'])
        h.check(1 <= int(one['since']) < 60, 'its state is that old', one)
    # A worker that the harness's own connection made the master fork may be
    # one more than asked for, for a while.
    idle = {one['number']: int(one['idle']) for one in said['listener']}
    h.check(all(count >= 3 for count in idle.values()), 'three idle ones', idle)
    h.same(sorted((one['listener'], one['state'], one['requests'])
                  for one in said['worker']),
           [('1', 'idle', '0')] * idle['1'] + [('2', 'busy', '0')] +
           [('2', 'idle', '0')] * idle['2'], 'listeners, states, requests')


def gate(p, said):
    pids = p.gates()
    h.same([one['pid'] for one in said['gate']],
           [str(h.inner_pid(pid)) for pid in pids], 'the gate')
    as_in_proc(said['gate'][0], pids[0], 'gate')


def as_in_proc(one, pid, who):
    real = h.fields(f'/proc/{pid}/status')
    held = int(real['CapPrm'], 16) | int(real['CapEff'], 16)
    h.same((one['uid'], one['seccomp'], one['no_new_privs']),
           (real['Uid'].split()[0], real['Seccomp'], real['NoNewPrivs']),
           f'{who}: uid, seccomp, no_new_privs as in /proc')
    h.same(one['capabilities'],
           {0: 'none', 2: 'dac_override'}.get(held, hex(held)),
           f'{who}: capabilities')


def counters(d):
    """the counters move"""
    with h.Proxy(d.socket, profile='readonly') as p:
        # The harness has tried whether it accepts.
        h.until(lambda: ask(p)['counters'][0]['connections'] == '1', 'one')
        before = ask(p)['counters'][0]
        for method, target in (('GET', '/version'), ('GET', '/_ping'),
                               ('POST', '/version')):
            request(p.host, method, target)
        after = ask(p)['counters'][0]
        moved = {key: int(after[key]) - int(before[key]) for key in after}
        h.same(moved, {'connections': 3, 'requests': 3, 'denied': 1,
                       'failed': 0, 'attacks': 0}, h.title(counters))


# -- who is asked, and who asks ----------------------------------------------

def nobody_there(d):
    """without an instance: exit code 1, and what was asked for"""
    with h.Proxy(d.socket, profile='readonly') as p:
        for other in DEAD, f'tcp://127.0.0.1:{h.free_port()}':
            done = p.status('--listen', other)
            h.check(done.code == 1 and not done.out,
                    h.title(nobody_there), done)
            h.has(done.err, other, 'it names the listener')
        done = p.status('--listen', 'nonsense')
        h.same(done.code, 2, 'a wrong address: exit code 2')


def other_user(d):
    """another user is told nothing"""
    h.need_root()
    h.need_tool('setpriv')
    with h.Proxy(d.socket, profile='readonly') as p:
        shutil.copy(h.PROGRAM, p.dir + '/program')
        h.check(told(p), 'root is told')
        done = h.Done(subprocess.run(
            ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}',
             '--clear-groups', p.dir + '/program', '--config', p.conf_path,
             '--listen', p.listen[0], '--status'],
            env=h.clean_environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=h.PATIENCE, check=False))
        h.check(done.code == 1 and not done.out, h.title(other_user), done)
        h.has(done.err, 'only root', 'it says who is told')


class Squatter:
    """Somebody who has the name already."""

    def __init__(self, name, uid):
        self.process = subprocess.Popen(
            ['setpriv', f'--reuid={uid}', '--clear-groups', sys.executable,
             '-c', SQUATTER, name], stdout=subprocess.PIPE)

    def __enter__(self):
        h.expect(self.process.stdout.readline() == b'ready\n', 'not ready')

    def __exit__(self, *_why):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def squatter(d):
    """a name that is taken does not stop the daemon"""
    h.need_root()
    h.need_tool('setpriv')
    p = h.Proxy(d.socket, profile='readonly')
    with Squatter(name_of(p), NOBODY), p:
        h.same(request(p.host, 'GET', '/version').status, 200,
               h.title(squatter))
        p.wait_err('--status gets no answer')
        h.same(p.err().count('--status gets no answer'), 1, 'one warning')
        done = p.status()
        h.check(done.code == 1 and not done.out,
                'what a squatter says is not believed', done)
        h.has(done.err, f'user {NOBODY}', 'it says who has taken the name')
    # The test of the test: root would have been.
    with Squatter(name_of(p), 0):
        done = h.program('--listen', p.listen[0], '--status')
        h.same(done.out, 'all is well\nend workers=0 shown=0\n',
               'but of root everything is')


def silent(_d):
    """an instance that does not answer is not waited for"""
    h.need_root()
    name = f'{DEAD}/silent.{os.getpid()}'
    with socket.socket(socket.AF_UNIX) as s:
        s.bind('\0docker-socket-protector/' + name)
        s.listen()
        began = time.monotonic()
        done = h.program('--listen', name, '--status')
        h.check(done.code == 1 and not done.out, h.title(silent), done)
        h.check(3 < time.monotonic() - began < 10, 'for five seconds')


def flood(d):
    """200 clients of --status that never read do not stop serving"""
    with h.Proxy(d.socket, profile='readonly') as p:
        h.expect(told(p), 'no answer')
        before = len(h.descriptors(p.process.pid))
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(CLIENTS)]
        try:
            slowest = crowd(p, waiting)
            h.check(slowest < 1, h.title(flood), f'{slowest:.2f} s')
            h.until(lambda: len(h.descriptors(p.process.pid)) <= before,
                    'nothing of them is left with the master', 5)
            h.check(waiting[0].recv(100).startswith(
                b'docker-socket-protector version='), 'they were answered')
        finally:
            for s in waiting:
                s.close()
        h.check(told(p), '--status goes on')


def crowd(p, waiting):
    """Connect all, with requests between; the time of the slowest one."""
    slowest = 0
    left = list(waiting)
    for s in left:
        s.setblocking(False)
    while left:
        left = [s for s in left if s.connect_ex('\0' + name_of(p)) != 0]
        began = time.monotonic()
        h.expect(request(p.host, 'GET', '/version').status == 200, 'no')
        slowest = max(slowest, time.monotonic() - began)
    h.until(lambda: not [s for s in waiting if not has_ended(s)],
            'all are answered')
    return slowest


def has_ended(s):
    """True when the answer has come, without taking it."""
    try:
        return len(s.recv(1, socket.MSG_PEEK)) == 1
    except BlockingIOError:
        return False


def reload(d):
    """after a reload the first listener that is new is its name"""
    p = h.Proxy(d.socket, profile='readonly')
    new = f'tcp://127.0.0.1:{h.free_port()}'
    p.without('--listen')
    p.write_conf(f'listen {p.listen[0]}\n')
    with p:
        h.check(told(p), 'the first one')
        p.wait_err('info protection ')
        p.write_conf(f'listen {new}\n')
        p.process.send_signal(signal.SIGHUP)
        p.wait_err('reloaded')
        h.check(told(p, '--listen', new), h.title(reload))
        h.same(p.status().code, 1, 'and no longer the old one')
        h.until(lambda: p.err().count('info protection ') == 2,
                'the protection is looked at again', 5)


# -- the log -----------------------------------------------------------------

def status_line(d):
    """SIGUSR1: one line of numbers"""
    with h.Proxy(d.socket, profile='readonly') as p:
        p.process.send_signal(signal.SIGUSR1)
        line = p.wait_err('info status ').splitlines()[0]
        fields = parse(line.replace('info ', '', 1))
        h.same(list(fields), ['generation', 'workers', 'idle', 'waiting',
                              'busy', 'max_workers', 'connections',
                              'requests', 'denied', 'failed', 'attacks'],
               h.title(status_line))
        h.check(all(value.isdigit() for value in fields.values()),
                'numbers', line)


def landlock_abi():
    create_ruleset = 444
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, libc.syscall(create_ruleset, None, 0, 1))


def protection_line(p):
    line = p.wait_err('info protection ').splitlines()[0]
    return parse(line.replace('info ', '', 1))


def protection(d):
    """the protection line: as in /proc"""
    with h.Proxy(d.socket, profile='readonly') as p:
        said = protection_line(p)
        h.same(said['proven'], 'yes', h.title(protection))
        worker = h.fields(f'/proc/{p.workers()[0]}/status')
        h.same((said['user'], said['group']), (
            worker['Uid'].split()[0], worker['Gid'].split()[0]),
            'user and group')
        h.same(said['capabilities'], 'none', 'no capabilities')
        h.same(int(worker['CapPrm'], 16), 0, 'really none')
        h.same(said['filter'], 'no' if is_off() else 'yes', 'filter')
        h.same(said['landlock'], '0' if is_off() else str(landlock_abi()),
               'Landlock')
        h.check('NO system call filter' not in p.err() or is_off(),
                'nothing loud without need', p.err())
        shown = ask(p)['protection'][0]
        h.same(shown, said, '--status says the same')


def loud(d):
    """--sandbox off and log are loud"""
    with h.Proxy(d.socket, profile='readonly', args=[
            '--sandbox', 'off', '--log-level', 'error']) as p:
        h.check(p.wait_err('error --sandbox off: NO system call filter'),
                '--sandbox off says so, whatever the level')
    with h.Proxy(d.socket, profile='readonly',
                 args=['--sandbox', 'off']) as p:
        said = protection_line(p)
        h.same((said['sandbox'], said['filter'], said['landlock']),
               ('off', 'no', '0'), '--sandbox off in the line')
        # (In a container the workers may have a filter of Docker's.)
        h.check(worlds.CONTAINER or {one['seccomp'] for one in
                                     ask(p)['worker']} == {'0'},
                '--sandbox off: no worker has a filter')
    if 'no sandbox' in h.program('--version').out:
        raise h.Skip('there is no sandbox in this build')
    with h.Proxy(d.socket, profile='readonly',
                 args=['--sandbox', 'log']) as p:
        h.check(p.wait_err('warn --sandbox log: '),
                '--sandbox log says so')
        h.same(protection_line(p)['sandbox'], 'log', 'in the line too')


def as_root(d):
    """workers that run as root are warned of"""
    h.need_root()
    with h.Proxy(d.socket, profile='readonly', args=['--user', 'root']) as p:
        h.check(p.wait_err('warn workers run as root'),
                h.title(as_root))
        h.same(protection_line(p)['user'], '0', 'and the line has it')


def body():
    with h.Dockerd() as d:
        h.each([text, counters, nobody_there, other_user, squatter, silent,
                flood, reload, status_line, protection, loud, as_root], d)


h.main(body)
