"""What a worker that was taken over finds in its own memory, does to what it
shares with others, and what the machine says of it."""

import os
import secrets
import signal
import struct
import subprocess
import time

import harness as h
import hijack_orders as lies
from hijack_agent import MSG_NOSIGNAL, Gone, order
from machine import descriptors, fields, is_alive
from wire import Wire, request

FLOOD = 100000
FLOOD_S = 60            # as long as it may take
GARBAGE = (b'\xff', b'\0', b'\x01', b'\x02', b'\x03', b'\x04', b'\x05',
           b'\x7f', b'\x80', b'\xaa')


# -- what the machine says --------------------------------------------------

def mappings(pid):
    """start, end, rights, name"""
    for line in h.read(f'/proc/{pid}/maps').splitlines():
        span, rights, _offset, _device, _inode, *name = line.split(None, 5)
        start, end = (int(part, 16) for part in span.split('-'))
        yield start, end, rights, ''.join(name)


def outside(stand):
    """/proc about every process of ours."""
    nobody = {'Seccomp': '2', 'NoNewPrivs': '1', 'CapInh': '0' * 16,
              'CapPrm': '0' * 16, 'CapEff': '0' * 16, 'CapBnd': '0' * 16,
              'CapAmb': '0' * 16, 'Threads': '1'}
    stand.proxy.wait_confined('Seccomp', '2')
    workers = stand.proxy.workers()
    rights, files = [], []
    for pid in workers:
        status = fields(f'/proc/{pid}/status')
        wanted = dict(nobody)
        if not stand.world:
            wanted.update(Groups='', Uid='\t'.join(['65534'] * 4))
        rights += [{name: status[name] for name in wanted
                    if status[name] != wanted[name]}]
        held = descriptors(pid)
        kinds = sorted(each.split(':')[0] for each in held
                       if each.startswith(('socket:', 'anon_inode:')))
        if len(held) != 8 or kinds != ['anon_inode'] * 2 + ['socket'] * 3:
            files.append(held)
    yield len(workers) >= 10, f'{len(workers)} workers are looked at'
    yield (not any(rights), 'Seccomp 2, NoNewPrivs 1, no capabilities'
           + ('' if stand.world else ', no groups, user nobody'), rights)
    yield (not files, 'a worker holds its listener, two pairs, what it '
           'waits with, the wake-up and the three standard descriptors',
           files)
    status = fields(f'/proc/{stand.gate}/status')
    yield ((status['Seccomp'], status['NoNewPrivs']) == ('2', '1')
           and int(status['CapPrm'], 16) & ~2 == 0,
           'the gate is shut in as well', status)
    for pid in (*workers[:1], stand.gate):
        both = [each for each in mappings(pid)
                if 'w' in each[2] and 'x' in each[2]]
        yield not both, 'no memory can be written and executed', both


def code(stand):
    """The machine code of rules cannot be changed."""
    with stand.agent() as agent:
        pid = stand.outer(agent)
        jit = [start for start, _end, rights, name in mappings(pid)
               if 'x' in rights and not name]
        yield bool(jit), f'rules are machine code: {len(jit)} mappings'
        for start in jit[:1]:
            yield dies(agent, start), 'write into code of rules: dies'


def dies(agent, address):
    try:
        return agent.poke(address, 1, b'\xcc') is None
    except Gone:
        return True


# -- other clients' data ------------------------------------------------------

def find(pid, needle):
    """Where bytes are in the memory of a process."""
    found = []
    with open(f'/proc/{pid}/mem', 'rb', buffering=0) as mem:
        for start, end, rights, name in mappings(pid):
            if not rights.startswith('rw'):
                continue
            try:
                mem.seek(start)
                at = read_whole(mem, end - start).find(needle)
            except OSError:
                continue
            if at >= 0:
                found.append(f'{name or "memory"} + {at:#x}')
    return found


def read_whole(mem, count):
    data = b''
    while len(data) < count:
        more = mem.read(count - len(data))
        if not more:
            break
        data += more
    return data


class Client:
    """Somebody else's secrets, by what they are."""

    def __init__(self, host):
        self.host = host
        self.secrets = {}

    def secret(self, what):
        return self.secrets.setdefault(what, secrets.token_hex(16))

    def ask(self, wire, kind, target, method='POST'):
        """A request with a secret in every part."""
        wire.ask(method, f'{target}?x={self.secret(kind + ", query")}',
                 b'{"x":"%s"}' % self.secret(kind + ', body').encode(),
                 'X-Registry-Auth: ' + self.secret(kind + ', field'))
        return wire.answer().status

    def allowed(self, wire):
        return self.ask(wire, 'allowed', '/v1.41/exec/none/start') == 404

    def denied(self, wire):
        return self.ask(wire, 'denied', '/v1.41/images/x/push') == 403

    def refused(self, wire):
        return self.ask(wire, 'refused', '/v1.41//x') == 400

    def answered(self, wire):
        wire.ask('GET', f'/v1.41/containers/{lies.CAT}/json')
        return self.secrets['answer'].encode() in wire.answer().body

    def chunked(self, wire):
        data = self.secret('chunked, body').encode()
        wire.send(b'POST /v1.41/exec/none/start HTTP/1.1\r\nHost: x\r\n'
                  b'Content-Type: application/json\r\n'
                  b'Transfer-Encoding: chunked\r\n\r\n22\r\n"%s"\r\n'
                  b'0\r\n\r\n' % data)
        return wire.answer().status in (400, 404)

    def tunnel(self, wire):
        data = self.secret('tunnel').encode()
        wire.ask('POST', f'/v1.41/containers/{lies.CAT}/attach?stream=1&'
                 'stdin=1&stdout=1', b'', 'Connection: Upgrade',
                 'Upgrade: tcp')
        status = wire.head().status
        wire.send(data)
        while data not in wire.held and wire.more():
            pass
        return status == 101

    def half(self, wire):
        wire.send(b'GET /version HTTP/1.1\r\nHost: x\r\nX-Registry-Auth: '
                  + self.secret('half a head').encode())
        return True


def wiped(stand, token):
    """What one client said is not there for the next."""
    before = stand.proxy.workers()
    client = Client(stand.host)
    client.secrets['answer'] = token
    for part in (client.allowed, client.denied, client.refused,
                 client.answered, client.chunked, client.tunnel):
        with Wire(stand.host) as wire:
            yield part(wire), f'a client with secrets: {part.__name__}'
    with Wire(stand.host) as wire:
        client.half(wire)
        time.sleep(0.2)
        half = client.secrets['half a head'].encode()
        yield (any(find(pid, half) for pid in stand.proxy.workers()),
               'while a client is there, what it said is found')
    # All have left when every worker waits for the next client.
    h.until(lambda: all(len(descriptors(pid)) == 8
                        for pid in stand.proxy.workers()), 'all have left')
    time.sleep(0.1)
    workers = stand.proxy.workers()
    # A spare one may have been let go meanwhile.
    yield len(set(before) - set(workers)) <= 1, 'those workers still live'
    for what, secret in client.secrets.items():
        found = [place for pid in workers
                 for place in find(pid, secret.encode())]
        yield not found, f'a secret of another client, {what}: gone', found


# -- what is shared --

def is_well(stand):
    """Nothing has changed but the worker that was taken over."""
    try:
        status = request(stand.host, 'GET', '/version').status
    except (OSError, EOFError):
        return False
    return (status == 200 and stand.proxy.process.poll() is None
            and stand.proxy.gates() == [stand.gate])


def board(stand):
    """Nonsense in everything that is shared."""
    decoy = subprocess.Popen(['sleep', '1000'])
    try:
        with stand.agent() as agent:
            shared = [each for each in mappings(stand.outer(agent))
                      if each[2][3] == 's']
            writable = [each for each in shared if each[2][1] == 'w']
            yield bool(writable), f'{len(writable)} shared mappings'
            # A master that signals what it reads here must not find the
            # numbers of others than the decoy: 1, or a group.
            garbage = (*(() if stand.is_broken else GARBAGE),
                       struct.pack('=I', decoy.pid),
                       struct.pack('=Q', decoy.pid))
            for piece in garbage:
                for start, end, _rights, _name in writable:
                    agent.poke(start, end - start, piece)
                time.sleep(0.15)
                yield (is_well(stand) and decoy.poll() is None,
                       f'{piece.hex()} all over the shared pages: all go on')
            closed = [each for each in shared if each[2][1] != 'w']
            yield bool(closed), "the master's part is read-only"
            for start, *_rest in closed[:1]:
                yield dies(agent, start), "write into the master's part: dies"
        time.sleep(0.3)
        yield is_well(stand) and decoy.poll() is None, 'all go on behind it'
    finally:
        decoy.kill()
        decoy.wait()


def exits(stand):
    """Whatever a worker says when it ends, the others stay."""
    for code in 0, 1, 2, 3, 255:
        with stand.agent() as agent:
            try:
                agent.call('exit_group', code)
            except Gone:
                pass
        time.sleep(0.1)
        ended = stand.proxy.process.poll()
        yield ended is None, f'a worker ends with {code}: the others stay'
        if ended is not None:
            return
    yield is_well(stand), 'all go on behind them'


def wake_up(stand):
    """The wake-up, full and again and again."""
    with stand.agent() as agent:
        most = agent.put(struct.pack('=Q', (1 << 64) - 2))
        agent.spam(200000, 'write', 'wake', most, 8)
        times = latencies(stand.host, 0.5)
        agent.hear()
        yield (is_well(stand) and times[-1] < 1,
               f'the wake-up is written full: others wait {shown(times)}')


def latencies(host, seconds):
    """How long others wait, sorted."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times) < 3:
        began = time.monotonic()
        h.expect(request(host, 'GET', '/_ping', timeout=20).status == 200)
        times.append(time.monotonic() - began)
    return sorted(times)


def shown(times):
    return (f'{times[len(times) // 2] * 1000:.1f} ms, at most '
            f'{times[-1] * 1000:.0f}')


def memory_of(pid):
    return int(fields(f'/proc/{pid}/status')['VmRSS'].split()[0])


def flood(stand):
    """Good orders whose answers nobody reads.  dockerd does what it is asked
    to, so others wait for dockerd, but the gate is there for them."""
    before = latencies(stand.host, 0.5)
    files, memory = len(descriptors(stand.gate)), memory_of(stand.gate)
    with stand.agent() as agent:
        data = order(b'/_ping')
        agent.wire.socket.settimeout(FLOOD_S)
        agent.spam(FLOOD // (5 if stand.world else 1), 'sendto', 'gate', data,
                   len(data), MSG_NOSIGNAL, 0, 0)
        during = latencies(stand.host, 1)
        most = len(descriptors(stand.gate)), memory_of(stand.gate)
        try:
            count = int(agent.hear().split()[0], 16)
        except Gone:
            count = 0
    yield (during[-1] < 5, f'a flood of orders ({count} taken): others wait '
           f'{shown(during)}, before {shown(before)}')
    yield (most[0] <= files + 20 and most[1] < memory + 1024,
           'the gate does not grow', most, files, memory)
    h.until(lambda: len(descriptors(stand.gate)) <= files, 'as before')
    yield is_well(stand), 'all go on behind the flood'


def garbage(stand):
    """Nonsense for the gate: the first ends the worker."""
    with stand.agent() as agent:
        agent.spam(FLOOD, 'sendto', 'gate', os.urandom(512), 512,
                   MSG_NOSIGNAL, 0, 0)
        try:
            result = agent.hear()
        except Gone:
            result = None
    try:
        word = h.until(lambda: stand.security()[0].get(agent.pid), 'word', 5)
    except AssertionError:
        word = None
    yield (result is None and word,
           'a flood of nonsense: the worker is killed', result)
    yield is_well(stand), 'all go on'


def numbers(stand):
    """Order numbers are the worker's own affair."""
    with stand.agent() as agent:
        first = lies.granted(agent, order(b'/_ping'))
        again = lies.granted(agent, order(b'/_ping'))
        both = [lies.statuses(lies.read_all(agent, fd)[0])
                for fd in (first, again)]
        yield (both == [[200], [200]],
               'the same order twice: two requests that are allowed', both)


def stays(stand):
    """A worker that hears no signal: the program ends all the same."""
    agent = stand.agent()
    result = agent.call('rt_sigprocmask', 0, b'\xff' * 8, 0, 8)
    yield result.value == 0, 'all signals blocked'
    pid = stand.outer(agent)
    began = time.monotonic()
    stand.proxy.process.send_signal(signal.SIGTERM)
    code = stand.proxy.process.wait(20)
    seconds = time.monotonic() - began
    yield (code == 0 and not is_alive(pid),
           f'stopped in {seconds:.1f} s with a worker that does not listen',
           code)
    agent.wire.close()
