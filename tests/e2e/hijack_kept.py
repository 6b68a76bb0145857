"""What a worker that was taken over does with connections to dockerd that the
gate keeps for it: it can order requests on them, and read."""

import os
import re
import signal
import struct
import time

import harness as h
import hijack_inside as inside
import hijack_orders as lies
from faulty import cpu
from hijack_agent import MSG_NOSIGNAL, OPEN, USE, order
from hijack_orders import (CAT, CREATE, containers, read_all, send_forged,
                           statuses)
from machine import descriptors, fields, read

QUIET_MS = 400          # an answer has ended when nothing comes for so long
SOON = 1                # seconds in which dockerd must be let go
MANY = 1000
ROUNDS = 20
FLOOD = 20000
FEW = 20                # orders that dockerd's socket has room for
OF_KEPT = 2             # descriptors that a kept connection is to the gate
LITTLE = 0.1            # seconds of processor time of a gate with no work
ENDLESS = f'/containers/{CAT}/logs?follow=1&stdout=1'.encode()
LARGE = f'/containers/{CAT}/export'.encode()    # more than all buffers


def connected(stand):
    """Connections that dockerd has."""
    lines = (line.split() for line in read('/proc/net/unix').splitlines())
    return sum(1 for words in lines if words[5] == '03'
               and words[-1] == stand.docker.socket)


def files(stand):
    """What the gate holds besides its workers' pairs."""
    return len(descriptors(stand.gate)) - len(stand.proxy.workers())


def at_rest(stand):
    """Both numbers, when workers that were taken over before have ended."""
    def are_same():
        seen = set()
        for _turn in range(5):
            seen.add((connected(stand), files(stand)))
            time.sleep(0.05)
        return seen.pop() if len(seen) == 1 else None
    return h.until(are_same, 'nothing changes')


def use(agent, target=b'/version', **more):
    agent.order(order(target, line=USE, **more))


def comes(agent, fd):
    """Statuses of what comes, and whether it ends."""
    data, is_end = read_all(agent, fd, QUIET_MS)
    return statuses(data), is_end


def is_let_go(stand, count):
    """Whether dockerd soon has no more connections than those."""
    try:
        h.until(lambda: connected(stand) <= count, 'let go', SOON)
    except AssertionError:
        return False
    return True


def hears_nothing(stand, count, held):
    """Neither dockerd nor the gate has more than that.  A client of the
    test's own may have left dockerd meanwhile."""
    now = at_rest(stand)
    return now[0] <= count and now[1] == held


def is_full(agent, fd):
    """Wait until there is something to read, and more than a pipe takes."""
    wait = agent.put(struct.pack('=iHH', fd, 1, 0))
    h.expect(agent.call('poll', wait, 1, 5000).value == 1, 'no answer')
    time.sleep(0.2)


# -- nothing can be said on it ------------------------------------------------

def silent(stand):
    """Calls that the filter lets pass; it refuses the others."""
    before = containers(stand.docker)
    with stand.agent() as agent:
        fd = agent.opened()
        got = [comes(agent, fd)]
        at = agent.put(CREATE)
        vector = agent.put(struct.pack('=QQ', at, len(CREATE)))
        calls = (('sendto', fd, at, len(CREATE), MSG_NOSIGNAL, 0, 0),
                 ('writev', fd, vector, 1), ('shutdown', fd, 1),
                 ('getsockopt', fd, 1, 17, agent.put(bytes(16)),
                  agent.put(struct.pack('=I', 12))))
        words = [agent.call(*call).word for call in calls]
        pid = stand.outer(agent)
        link = os.readlink(f'/proc/{pid}/fd/{fd}')
        flags = int(fields(f'/proc/{pid}/fdinfo/{fd}')['flags'], 8)
        kinds = [each for each in descriptors(pid)
                 if each.startswith('socket:')]
        use(agent)
        got.append(comes(agent, fd))
    yield (link.startswith('pipe:') and flags & os.O_ACCMODE == os.O_RDONLY
           and len(kinds) == 4, 'a kept connection is a pipe to read from; '
           'sockets are the listener, two pairs and the client',
           link, oct(flags), kinds)
    yield (words == ['ENOTSOCK', 'EBADF', 'ENOTSOCK', 'ENOTSOCK'],
           f'send, writev, shutdown, getsockopt on it: {words}')
    yield (got == [([200], False)] * 2 and containers(stand.docker) == before,
           'what was said there had no effect; a request before and one '
           'behind it are answered', got)


def expelled(stand):
    """Bad orders for a connection that is there end the worker and it."""
    before = containers(stand.docker)
    rows = [(what, data, word) for what, data, word in lies.FORGED
            if what.startswith('to use')]
    count, _files = at_rest(stand)
    left, ends = [], []
    for what, data, word in rows:
        with stand.agent() as agent:
            agent.opened()
            result = send_forged(agent, data)
            # The gate does not wait for the worker's end.
            if not is_let_go(stand, count):
                left.append(what)
            ends.append((what, word, agent.pid, result))
    found, _killed = stand.security()
    for what, word, pid, result in ends:
        yield (result is None and found.get(pid) == word,
               f'on a kept connection, an order {what}: refused: {word}, '
               'worker killed', result, found.get(pid))
    yield not left, 'dockerd is let go within a second each time', left
    yield containers(stand.docker) == before, 'none of them had an effect'


# -- whose it is --------------------------------------------------------------

def missing(stand):
    """USE without a connection, which never was or is no more."""
    count, held = at_rest(stand)
    with stand.agent() as agent:
        use(agent, ENDLESS)
        yield (hears_nothing(stand, count, held),
               'an order to use what there is not: dockerd hears nothing',
               connected(stand), count)
        fd = agent.opened()
        first = comes(agent, fd)
        agent.call('close', fd)
        is_gone = is_let_go(stand, count)
        use(agent, ENDLESS)
        yield (first == ([200], False) and is_gone
               and hears_nothing(stand, count, held),
               'an order to use what was closed: dockerd hears nothing',
               first, is_gone, connected(stand), count)
        again = agent.opened(ENDLESS)
        now = at_rest(stand)
        yield (now[1] == held + OF_KEPT,
               'to compare, an order to open: the gate keeps it', now, held)
        agent.call('close', again)
        yield (is_let_go(stand, count),
               'closing the pipe ends the request at dockerd within a second')
    yield inside.is_well(stand), 'all go on'


def own(stand):
    """Two workers, by turns, with names of their own in what they ask."""
    def mine(agent):
        return [b'/containers/dsp-own-%d-%d/json' % (agent.pid, number)
                for number in range(ROUNDS)]

    with stand.agent() as one, stand.agent() as other:
        both = {agent: (agent.opened(mine(agent)[0]), mine(agent))
                for agent in (one, other)}
        for number in range(1, ROUNDS):
            for agent, (_fd, targets) in both.items():
                agent.used = 0
                use(agent, targets[number])
        for agent, (fd, _targets) in both.items():
            data, is_end = read_all(agent, fd, QUIET_MS)
            seen = re.findall(rb'No such container: dsp-own-(\d+)-(\d+)',
                              data)
            want = [(b'%d' % agent.pid, b'%d' % number)
                    for number in range(ROUNDS)]
            yield (seen == want and not is_end,
                   f'a worker reads its own {ROUNDS} answers, in their order',
                   is_end, data[:300])


def left(stand):
    """A worker that ends in the middle of an answer lets dockerd go."""
    def ends(agent, _fd):
        agent.wire.close()

    def is_killed(agent, _fd):
        os.kill(stand.outer(agent), signal.SIGKILL)

    def closes(agent, fd):
        agent.call('close', fd)

    for part in ends, is_killed, closes:
        for target in LARGE, ENDLESS, b'/version':
            count, held = at_rest(stand)
            with stand.agent() as agent:
                fd = agent.opened(target)
                if target != ENDLESS:
                    is_full(agent, fd)
                was = at_rest(stand)[1]
                part(agent, fd)
                yield (was == held + OF_KEPT and is_let_go(stand, count),
                       f'a worker {part.__name__.replace("_", " ")}, '
                       f'{target.decode()} under way: dockerd is let go '
                       'within a second', was, held, connected(stand),
                       count)
    h.until(lambda: files(stand) <= held, 'as before')
    yield inside.is_well(stand), 'all go on'


# -- much of it ---------------------------------------------------------------

def many(stand):
    """One kept connection after the other, read and closed or not."""
    count, held = at_rest(stand)
    with stand.agent() as agent:
        most = 0
        for turn in range(MANY):
            agent.used = 0
            agent.call('close', agent.opened(b'/_ping'))
            if turn % 20 == 0:
                most = max(most, files(stand))
        yield (most <= held + 5, f'{MANY} orders to open, each closed: '
               'the gate does not grow', most, held)
        agent.used = 0
        data = order(b'/_ping', line=OPEN)
        agent.spam(MANY, 'sendto', 'gate', data, len(data), MSG_NOSIGNAL, 0,
                   0)
        taken = int(agent.hear().split()[0], 16)
        most = files(stand)
        yield (most <= held + 5, f'{MANY} orders to open ({taken} taken), '
               'nothing read: the gate does not grow', most, held)
        yield inside.is_well(stand), 'all go on'
    h.until(lambda: files(stand) <= held, 'as before')
    yield is_let_go(stand, count), 'dockerd is let go'


def unread(stand):
    """Large answers that nobody reads."""
    count, held = at_rest(stand)
    memory = inside.memory_of(stand.gate)
    with stand.agent() as agent:
        is_full(agent, agent.opened(LARGE))
        for _turn in range(FEW):
            use(agent, LARGE)
        yield idle(stand, 'a pipe that nobody reads')
        yield (files(stand) == held + OF_KEPT, 'its connection is there',
               files(stand), held)
        agent.used = 0
        data = order(LARGE, line=USE)
        agent.wire.socket.settimeout(inside.FLOOD_S)
        agent.spam(FLOOD, 'sendto', 'gate', data, len(data), MSG_NOSIGNAL, 0,
                   0)
        times = inside.latencies(stand.host, 1)
        most = files(stand), inside.memory_of(stand.gate)
        taken = int(agent.hear().split()[0], 16)
        yield (times[-1] < 5, f'a flood of orders to use it ({taken} taken): '
               f'others wait {inside.shown(times)}')
        yield (most[0] <= held + 10 and most[1] < memory + 1024,
               'the gate does not grow', most, held, memory)
        yield (is_let_go(stand, count),
               'dockerd, which does not read on, is let go')
        yield idle(stand, 'behind the flood')
    yield inside.is_well(stand), 'all go on'


def idle(stand, text):
    """The gate has nothing to do, and others are served meanwhile."""
    time.sleep(0.2)
    before = cpu(stand.gate)
    time.sleep(1)
    used = cpu(stand.gate) - before
    times = inside.latencies(stand.host, 0.3)
    return (used < LITTLE and times[-1] < 1,
            f'{text}: the gate takes {used:.2f} s of a second, others wait '
            f'{inside.shown(times)}')
