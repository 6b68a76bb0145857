#!/usr/bin/python3 -B
"""Started by root, workers are nobody, without capabilities and without a
way back; the gate keeps what opens the Docker socket."""

import os
import pwd

import harness as h
from wire import Wire, request

NONE = '0' * 16


def workers(p):
    """Status of the workers; one more is busy than idle ones are kept."""
    p.wait_confined()
    found = [h.fields(f'/proc/{pid}/status')
             for pid, uid in p.children().items() if uid != 0]
    h.expect(len(found) >= 2, 'workers:', found)
    return found


def no_power(status, who):
    for name in 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb':
        h.same(status[name], NONE, f'{who}: {name}')
    h.same(status['NoNewPrivs'], '1', f'{who}: no new privileges')


def is_user(status, name, who):
    user = pwd.getpwnam(name)
    h.same(status['Uid'].split(), [str(user.pw_uid)] * 4, f'{who}: uid')
    h.same(status['Gid'].split(), [str(user.pw_gid)] * 4, f'{who}: gid')
    groups = set(status['Groups'].split()) - {str(user.pw_gid)}
    h.same(groups, set(), f'{who}: no other groups')


def identity(d, name, *args):
    with h.Proxy(d.socket, args=args) as p, Wire(p.host) as wire:
        wire.ask('GET', '/events')
        h.expect(wire.head().status == 200, 'no answer')
        for number, status in enumerate(workers(p)):
            who = f'{name}: worker {number}'
            is_user(status, name, who)
            no_power(status, who)
        h.same(request(p.host, 'GET', '/info').status, 200,
               f'{name}: dockerd is reached all the same')


def nobody(d):
    """workers run as nobody"""
    identity(d, 'nobody')


def daemon(d):
    """--user daemon"""
    identity(d, 'daemon', '--user', 'daemon')


def gate(d):
    """the gate: root, no new privileges, no capability but one"""
    with h.Proxy(d.socket) as p:
        p.wait_confined()
        gates = [pid for pid, uid in p.children().items() if uid == 0]
        h.same(len(gates), 1, 'one gate')
        status = h.fields(f'/proc/{gates[0]}/status')
        h.same(status['NoNewPrivs'], '1', 'gate: no new privileges')
        for name in 'CapInh', 'CapPrm', 'CapEff', 'CapBnd':
            h.same(int(status[name], 16) & ~(1 << 1), 0,
                   f'gate: {name} holds at most CAP_DAC_OVERRIDE')


def descriptors(d):
    """no worker holds a listening socket of another, nor a file"""
    path = d.dir + '/two.sock'
    with h.Proxy(d.socket, listen=[f'tcp://127.0.0.1:{h.free_port()}',
                                   f'unix://{path},mode=0666']) as p:
        request(p.host, 'GET', '/_ping')
        p.wait_confined()
        for pid, uid in p.children().items():
            if uid == 0:
                continue
            names = [os.readlink(f'/proc/{pid}/fd/{fd}')
                     for fd in os.listdir(f'/proc/{pid}/fd')]
            odd = [name for name in names if name.startswith('/')
                   and name != '/dev/null' and not name.startswith(p.dir)]
            h.same(odd, [], 'a worker holds no file of others')
            h.check(len(names) <= 12, 'and few descriptors', names)


def dumpable(d):
    """workers cannot be traced by their own user"""
    with h.Proxy(d.socket) as p:
        p.wait_confined()
        owners = {os.stat(f'/proc/{pid}/mem').st_uid
                  for pid, uid in p.children().items() if uid != 0}
        h.same(owners, {0}, h.title(dumpable))


def policies(p):
    """How the processes are scheduled."""
    p.wait_confined()
    pids = [p.process.pid, *p.children()]
    h.expect(len(pids) >= 4, 'processes:', pids)
    return {os.sched_getscheduler(pid) for pid in pids}


def policy(d):
    """all processes wake each other up as batch, unless started otherwise"""
    with h.Proxy(d.socket) as p:
        h.same(policies(p), {os.SCHED_BATCH}, 'as batch')
        h.same(request(p.host, 'GET', '/_ping').status, 200, 'it serves')
    p = h.Proxy(d.socket)
    p.command[:0] = ['chrt', '--idle', '0']
    with p:
        h.same(policies(p), {os.SCHED_IDLE}, 'another policy stays')


def body():
    h.need_root()
    with h.Dockerd() as d:
        h.each([nobody, daemon, gate, descriptors, dumpable, policy], d)


h.main(body)
