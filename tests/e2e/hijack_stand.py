"""Where the attacks of 96-hijack.py happen: the program with the attacker
code of tests/hijack in it, and what is known of its processes."""

import glob
import os
import re
import shutil

import differential_holes
import harness as h
import worlds
from machine import inner_pid, is_alive
from hijack_agent import Agent, Numbers

# Who is told apart from other clients, where there is a door.
WIDE = '127.0.0.2'

# The profile of the listener that is attacked.
RULES = '''GET /(v1\\.\\d+/)?(version|_ping|info)(\\?.*)?
GET /(v1\\.\\d+/)?containers/.*
POST /(v1\\.\\d+/)?containers/[\\w-]+/(attach|resize|start)(\\?.*)?
POST /(v1\\.\\d+/)?exec/\\w+/start(\\?.*)?
POST /(v1\\.\\d+/)?images/create\\?.*
'''


class Workshop(differential_holes.Workshop):
    """A copy of the sources with the attacker code."""

    def __init__(self):
        super().__init__()
        if '#define WITH_SANDBOX 1' not in h.read(self.dir + '/config.h'):
            shutil.rmtree(self.dir)
            raise h.Skip('built without the sandbox')
        here = os.path.abspath(os.environ.get('srcdir') or '.')
        found = glob.glob(here + '/tests/hijack/*.[ch]')
        h.expect(found, 'tests/hijack is not there')
        for path in found:
            shutil.copy(path, self.dir + '/src')
        # What the Makefile makes of the system's headers.
        h.write(self.dir + '/src/callnames.h', ''.join(
            f'{{ {number}, "{name}" }},\n'
            for name, number in Numbers().of.items()))

    def compile(self, source, target):
        differential_holes.run(
            self.compiler + ['-O1', '-fPIE', '-DWITH_HIJACK_TEST',
                             *differential_holes.DEFINES, *self.flags, '-I',
                             self.dir, '-I', self.dir + '/src', '-c', source,
                             '-o', target])

    def plain(self, name='plain', link=('-pie', '-Wl,-z,relro,-z,now')):
        """Without a hole."""
        target = f'{self.dir}/{name}'
        differential_holes.run(
            self.compiler + [*link, '-o', target,
                             *glob.glob(self.dir + '/src/*.o'), *self.libs])
        return target

    def static(self):
        """For containers; nothing where there are no static libraries."""
        try:
            return self.plain('static', ('-static',))
        except AssertionError as why:
            h.note(why)
            return None


class Stand:
    """The program with a listener for attacks (RULES) and, if is_wide, one
    that allows all.  world: '' here, or as DSP_TEST_CONTAINER.  is_broken: it
    has a hole, so it may end as it likes.  has_door: WIDE may do all, by
    --client.  container: that one may, and the listener is a unix socket."""

    def __init__(self, d, program, world='', workers=1, sandbox='trap',
                 is_wide=False, is_broken=False, has_door=False,
                 container=None):
        self.docker = d
        self.world = world
        self.is_broken = is_broken
        self.container = container
        has_door = has_door or container is not None
        self.count = workers * (2 if is_wide else 1) + has_door
        h.PROGRAM = program
        worlds.CONTAINER = world
        listen = [f'tcp://127.0.0.1:{h.free_port()}']
        more = []
        if is_wide:
            more = ['--log-requests']
            listen.append(f'tcp://127.0.0.1:{h.free_port()},'
                          'profile=unprotected')
        if has_door:
            who = f'container:{container}' if container else WIDE
            more = ['--log-requests', '--client',
                    f'{who},profile=unprotected']
        if container:
            listen = [f'unix://{d.room}/attack.sock']
        self.proxy = h.Proxy(
            d.socket, rules=RULES, listen=listen,
            args=['--workers', str(workers), '--max-workers', '1500',
                  '--stop-timeout', '1',
                  '--sandbox', sandbox, *more])
        self.proxy.sees_host = container is not None

    def __enter__(self):
        self.proxy.__enter__()
        self.host = self.proxy.host
        self.master = self.proxy.process.pid
        # Workers that die early are replaced slowly: all must be there.
        h.until(lambda: len(self.proxy.workers()) >= self.count and
                self.proxy.gates(), 'gate and workers are there')
        self.gate = self.proxy.gates()[0]
        self.inner_gate = inner_pid(self.gate)
        self.sibling = None
        return self

    def __exit__(self, *why):
        if self.is_broken:
            self.proxy.stop()
            shutil.rmtree(self.proxy.dir)
        else:
            if why[0] is None:
                # A log full of refusals is what is wanted here.
                self.proxy.failed_before = h.score.failed
            self.proxy.__exit__(*why)
        worlds.CONTAINER = ''

    def agent(self, host=None, **how):
        """A worker that is taken over."""
        agent = Agent(host or self.host, **how)
        agent.gate_pid = self.inner_gate
        agent.sibling = self.other_than(agent)
        return agent

    def other_than(self, agent):
        """Another worker's pid, as an agent knows it: the youngest, who is
        the last to get a client."""
        if not self.sibling or not is_alive(self.sibling) or \
                inner_pid(self.sibling) == agent.pid:
            self.sibling = max(pid for pid in self.proxy.workers()
                               if inner_pid(pid) != agent.pid)
        return inner_pid(self.sibling)

    def outer(self, agent):
        """The number of an agent's process for us."""
        for pid in self.proxy.children():
            if inner_pid(pid) == agent.pid:
                return pid
        raise ProcessLookupError(agent.pid)

    def security(self):
        """What the log says of attacks: pid -> name of the refused call, or
        why the order was refused; and the pids that the filter killed."""
        refused, killed = {}, set()
        for line in self.proxy.err().splitlines():
            words = dict(re.findall(r'(\w+)=(\S+)', line))
            if ' security ' not in line or 'pid' not in words:
                continue
            if words['what'] == 'killed-by-filter':
                killed.add(int(words['pid']))
            else:
                refused[int(words['pid'])] = words.get('call') or \
                    words.get('why')
        return refused, killed
