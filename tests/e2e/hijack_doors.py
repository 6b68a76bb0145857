"""What a door that was taken over, or a worker behind one, gains: a client
keeps the profile that is due to it, whoever passes its connection on."""

import contextlib
import os
import signal
import socket
import struct
import time

import harness as h
import hijack_orders as lies
from faulty import WireFrom
from hijack_agent import MSG_NOSIGNAL, Gone, order
from hijack_park import stream, ticket
from hijack_stand import WIDE
from machine import is_alive
from wire import Wire

DAY = 86400000
SOON = 3
NEW = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK    # how a door accepts
# Pools: the door, what is behind it for others, and for WIDE.
DOOR, OTHERS, WIDER = range(3)
# What whois says besides the number of a line.
NO_LINE, NOT_KNOWN = 64, 65
REQUESTS = {
    'a container is made': lies.CREATE,
    'others are looked at': b'GET /v1.41/images/json HTTP/1.1\r\n'
                            b'Host: x\r\n\r\n',
}
FOREIGN = 'security what=foreign-client '


def lane(agent, pool):
    """Where a door passes on clients for that pool."""
    return agent.park + pool - OTHERS


def pass_on(agent, pool, data, *fds):
    message = agent.message(agent.put(data), len(data), agent.rights(*fds))
    return agent.call('sendmsg', lane(agent, pool), message, 0x40)


def leave(stand, agent):
    """The agent ends, but for what it has passed on.  It cannot be told so:
    who has got its client would hear that."""
    pid = stand.outer(agent)
    os.kill(pid, signal.SIGKILL)
    h.until(lambda: not is_alive(pid), 'its end', SOON)
    agent.wire.held = b''


def connect(stand, source):
    """A client; this machine is no container."""
    if stand.container:
        return Wire(stand.host, SOON)
    return WireFrom(stand.host, source, SOON)


def is_well(stand):
    """Both kinds of clients have what is theirs."""
    def status(source):
        if stand.container and source == WIDE:
            return from_container(stand)
        with connect(stand, source) as wire:
            wire.ask('GET', '/v1.41/images/json')
            return wire.answer().status
    try:
        return (status('127.0.0.1'), status(WIDE)) == (403, 200) and \
            stand.proxy.process.poll() is None
    except (OSError, EOFError):
        return False


@contextlib.contextmanager
def container(d):
    """One that has the programs of this machine, and the folder of sockets."""
    name = h.sleeper(d.host, '-v', '/usr:/usr:ro', '-v', '/usr/lib:/lib:ro',
                     '-v', '/usr/lib64:/lib64:ro', '-v', f'{d.room}:{d.room}',
                     '--name', 'wide')
    try:
        yield 'wide'
    finally:
        h.remove(d.host, name)


def from_container(stand):
    done = h.docker(stand.docker.host, 'exec', stand.container, 'curl', '-s',
                    '-o', '/dev/null', '-w', '%{http_code}', '--unix-socket',
                    stand.host[7:], 'http://docker/v1.41/images/json')
    return int(done.out) if done.code == 0 else done


def answer(wire):
    """What comes until the end, which must come."""
    try:
        while wire.more():
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return wire.held or b'no end'
    return wire.held


def events(stand):
    return stand.proxy.err().count(FOREIGN)


def kept_in(stand):
    """What a door has."""
    with stand.agent() as agent:
        yield (stand.outer(agent) in stand.proxy.named('dsp-door'),
               'a door is taken over')
        data = order(b'/_ping')
        result = agent.call('sendto', 'gate', agent.put(data), len(data),
                            MSG_NOSIGNAL, 0, 0)
        yield result.word == 'EBADF', 'it has no gate', result
    for what in 'client', 'listen', 'wake', 0, 1, 2:
        with stand.agent() as agent:
            pid = agent.pid
            message = agent.message(agent.put(b'x'), 1,
                                    agent.rights(agent.client))
            try:
                result = agent.call('sendmsg', what, message, 0x40)
            except Gone:
                result = None
        yield (result is None and h.until(
            lambda: stand.security()[0].get(pid), 'the log', SOON) ==
            'sendmsg', f'descriptors do not go to {what}', result)
    yield is_well(stand), 'all go on'


@contextlib.contextmanager
def accepted(stand, agent, source):
    """A client from there whom the agent accepts, and its descriptor."""
    own = stand.outer(agent)
    stopped = set()
    try:
        # A door that is just being started may be faster.
        for _turn in range(10):
            for pid in set(stand.proxy.named('dsp-door')) - {own} - stopped:
                os.kill(pid, signal.SIGSTOP)
                stopped.add(pid)
            with connect(stand, source) as wire:
                taken = agent.call('accept4', 'listen', 0, 0, NEW)
                if taken.value > 0:
                    yield wire, taken.value
                    return
        h.expect(False, 'no client', taken)
    finally:
        for pid in filter(is_alive, stopped):
            os.kill(pid, signal.SIGCONT)


def passed_on(stand):
    """A door gives a client to those to whom another profile is due."""
    for what, data in REQUESTS.items():
        for kind, message in ('a client', ticket(DAY)), ('a stream',
                                                         stream()):
            before = events(stand)
            with stand.agent() as agent, \
                    accepted(stand, agent, '127.0.0.1') as (wire, fd):
                fds = [fd] * (2 if kind == 'a stream' else 1)
                result = pass_on(agent, WIDER, message, *fds)
                h.expect(result.errno == 0, 'passed on', result)
                leave(stand, agent)
                try:
                    wire.send(data)
                except OSError:
                    pass                # it is closed already
                got = answer(wire)
            yield got == b'', f'as {kind}, {what}: no answer', got
            if stand.is_broken:
                continue
            h.until(lambda: events(stand) > before, 'a line of the log', SOON)
            yield True, 'the log names an attack'
    with stand.agent() as agent, \
            accepted(stand, agent, '127.0.0.1') as (wire, fd):
        pass_on(agent, OTHERS, ticket(DAY), fd)
        leave(stand, agent)
        wire.ask('GET', '/v1.41/images/json')
        yield (wire.answer().status == 403,
               'to where it belongs: its own profile, no more')
    yield stand.is_broken or is_well(stand), 'all go on'


def asked(stand):
    """A door asks about clients, and about what is none."""
    with stand.agent() as agent, \
            accepted(stand, agent, '127.0.0.1') as (_wire, fd):
        found = [ask(agent, number, what) for number, what in enumerate(
            (fd, agent.wake, fd), 7)]
        yield (found == [NO_LINE, NOT_KNOWN, NO_LINE],
               'whois does not know what is no client', found)
        for data in b'', b'x', b'y' * 4096:
            pass_on(agent, WIDER + 1, data, fd)
        leave(stand, agent)
    yield is_well(stand), 'it bears nonsense, and all go on'
    with stand.agent() as agent:
        pid = agent.pid
        message = agent.message(agent.put(b'x'), 1)
        try:
            result = agent.call('recvmsg', lane(agent, WIDER + 1), message, 0)
        except Gone:
            result = None
    yield (result is None and h.until(
        lambda: stand.security()[0].get(pid), 'the log', SOON) ==
        'recvmsg', 'no descriptors come from there', result)
    yield is_well(stand), 'all go on'


def ask(agent, number, fd):
    """What whois says to a door: its lane is behind those of the pools."""
    pass_on(agent, WIDER + 1, struct.pack('=I', number), fd)
    place = agent.put(b'', 8)
    result = agent.call('read', lane(agent, WIDER + 1), place, 8)
    h.expect(result.value == 8, 'an answer', result)
    no, line = struct.unpack('=II', agent.get(place, 8))
    h.expect(no == number, 'its number', no)
    return line


def swapped(stand):
    """A client of the wider profile is not mixed up with others."""
    before = events(stand)
    with stand.agent() as agent, accepted(stand, agent, WIDE) as (wire, fd):
        pass_on(agent, OTHERS, ticket(DAY), fd)
        leave(stand, agent)
        wire.ask('GET', '/version')
        yield answer(wire) == b'', 'one who is mixed up is closed'
    h.until(lambda: events(stand) > before, 'a line of the log', SOON)
    yield is_well(stand), 'the log names an attack, and all go on'


def behind(stand):
    """A worker behind a door says that it is another one."""
    with stand.agent(is_behind=True) as agent:
        yield (stand.outer(agent) in stand.proxy.workers() and
               agent.listener == OTHERS, 'a worker is taken over')
        got = lies.granted(agent, order(b'/_ping', listener=OTHERS))
        yield got is not None, 'it has its own profile'
    for pool in DOOR, WIDER, 3, 127, 128, 0xffffffff:
        with stand.agent(is_behind=True) as agent:
            pid = agent.pid
            try:
                agent.order(order(b'/_ping', listener=pool))
                got = agent.answer()
            except Gone:
                got = None
        yield (got is None and h.until(
            lambda: stand.security()[0].get(pid), 'the log', SOON) ==
            'listener', f'an order as of pool {pool}: refused', got)
    time.sleep(0.2)
    yield is_well(stand), 'all go on'


def made(stand):
    """Connections that the door has made itself, where no filter forbids
    that."""
    for pool in OTHERS, WIDER:
        before = events(stand)
        with stand.agent() as agent:
            at = agent.put(b'', 8)
            result = agent.call('socketpair', 1, 1, 0, at)
            h.expect(result.errno == 0, 'a pair', result)
            ends = struct.unpack('=ii', agent.get(at, 8))
            pass_on(agent, pool, ticket(DAY), ends[0])
            agent.call('close', ends[0])
            data = b'GET /version HTTP/1.1\r\nHost: x\r\n' \
                b'Connection: close\r\n\r\n'
            agent.call('sendto', ends[1], agent.put(data), len(data),
                       MSG_NOSIGNAL, 0, 0)
            time.sleep(0.5)
            got = agent.call('read', ends[1], agent.put(b'', 4096), 4096)
        # The end: with what was written unread, it may be a reset.
        yield (got.value == 0 or got.word == 'ECONNRESET',
               f'a pair of its own for pool {pool}: closed', got)
        yield (stand.is_broken or events(stand) > before,
               'the log names an attack')
    yield stand.is_broken or is_well(stand), 'all go on'
