"""What a running proxy, and its clients in dockerd, take of the machine."""

import gc
import os
import subprocess
import time

import harness as h
from once_chaos import IDLE
from wire import address

# KiB by which memory may grow.  Written: buffers that long orders touch, and
# what malloc has free.  As a share: what a process has in common with others
# changes with the age of these, and is part of what was written.
SLACK = {'RssAnon': 256, 'Pss': 2048}
LISTENING, TIME_WAIT = '0A', '06'


class Trace:
    """Taken of a proxy at rest, to be compared with later."""

    def __init__(self, dockerd, proxy):
        self.dockerd, self.proxy = dockerd, proxy
        proxy.wait_confined()
        h.until(self.settled, 'the pool is at rest')
        self.held = self.settled()
        self.memory = self.shares()

    def now(self):
        """Name -> figure, or nothing while there is not one gate."""
        gates, workers = self.proxy.gates(), self.proxy.workers()
        if len(gates) != 1:
            return None
        master = self.proxy.process.pid
        return {
            'processes': 2 + len(workers),
            'zombies': sum(not h.is_alive(pid)
                           for pid in self.proxy.children()),
            'descriptors of the master': len(h.descriptors(master)),
            'descriptors of the gate': len(h.descriptors(gates[0])),
            'descriptors of the workers': sorted(
                {len(h.descriptors(pid)) for pid in workers}),
            'connections in dockerd': self.in_dockerd(),
            'sockets of the port': self.on_port(),
        }

    def in_dockerd(self):
        """Whose other end is open.  dockerd may forget to close one whose
        peer has gone, until its garbage is collected."""
        rows = subprocess.run(['ss', '-xH', 'src', self.dockerd.socket],
                              check=True, stdout=subprocess.PIPE).stdout
        words = map(str.split, rows.decode().splitlines())
        return sum(row[1] == 'ESTAB' and row[-1] != '0' for row in words)

    def on_port(self):
        """TCP sockets of the proxy's port, of either side."""
        port = f':{address(self.proxy.host)[1][1]:04X}'
        count = 0
        for table in '/proc/net/tcp', '/proc/net/tcp6':
            if os.path.exists(table):
                for row in map(str.split, h.read(table).splitlines()[1:]):
                    count += port in (row[1][-5:], row[2][-5:]) \
                        and row[3] not in (LISTENING, TIME_WAIT)
        return count

    def settled(self):
        """The same for a while: not in the middle of a fork."""
        first = self.now()
        for _turn in range(5):
            time.sleep(0.02)
            if self.now() != first:
                return None
        return first if first and first['processes'] == 2 + IDLE else None

    def shares(self):
        """KiB of memory: (process, field) -> size."""
        pids = {'master': self.proxy.process.pid,
                'gate': self.proxy.gates()[0]}
        found = {}
        for name, pid in pids.items():
            figures = h.fields(f'/proc/{pid}/status')
            figures.update(h.fields(f'/proc/{pid}/smaps_rollup'))
            for field in SLACK:
                found[name, field] = int(figures[field].split()[0])
        return found

    def check(self):
        """Spare workers are let go after some seconds, and what a client
        sent before it left may still take a moment."""
        # docker-py leaves the sockets of exec to the collector.
        gc.collect()
        end = time.monotonic() + h.PATIENCE
        while self.settled() != self.held and time.monotonic() < end:
            time.sleep(0.1)
        now = self.now() or {}
        for name, figure in self.held.items():
            h.same(now.get(name), figure, f'as before: {name}: {figure}')
        for (name, field), size in self.shares().items():
            before = self.memory[name, field]
            h.note(f'{field} of the {name}: {before} KiB before, {size} '
                   'KiB after')
            h.check(size <= before + SLACK[field],
                    f'memory of the {name}: {field} has not grown by more '
                    f'than {SLACK[field]} KiB')
