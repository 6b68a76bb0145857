"""What the processes of a proxy cost: processor time, and system calls.

Processor time comes from a control group of the proxy's own, exact to the
nanosecond and with all children, living or dead.  Where no group can be made,
the times of its living processes are added up.
"""

import os
import re
import signal
import subprocess
import time

# Where groups are made, by what they count: a file that tells, for version 1
# of control groups and for version 2.
PLACES = {
    'cpu': (('/sys/fs/cgroup/cpuacct', 'cpuacct.usage'),
            ('/sys/fs/cgroup', 'cpu.stat'),
            ('/sys/fs/cgroup/unified', 'cpu.stat')),
    'memory': (('/sys/fs/cgroup/memory', 'memory.kmem.usage_in_bytes'),
               ('/sys/fs/cgroup', 'memory.stat')),
}
JOIN = ('while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; '
        'shift; done; shift; exec "$@"')
TICK_NS = 10**9 // os.sysconf('SC_CLK_TCK')


def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def number_of(text, name):
    """Of a file of "name number" lines."""
    found = re.search(rf'^{name} (\d+)$', text, re.M)
    return int(found.group(1)) if found else 0


class Group:
    """The control groups that a proxy is started in."""

    def __init__(self, name):
        self.process = None
        self.paths = []         # to be removed
        self.files = {what: self.make(name, places)
                      for what, places in PLACES.items()}

    def make(self, name, places):
        """The file that tells, of a new group; None where there is none."""
        for base, file in places:
            path = f'{base}/bench-{os.getpid()}-{name}'
            if path not in self.paths:
                try:
                    os.mkdir(path)
                except OSError:
                    continue
                if not os.path.exists(f'{path}/{file}'):
                    os.rmdir(path)
                    continue
                self.paths.append(path)
            if os.path.exists(f'{path}/{file}'):
                return f'{path}/{file}'
        return None

    def start(self, command, **more):
        """Start a process as the first one of the groups."""
        if self.paths:
            command = ['sh', '-c', JOIN, 'sh', *self.paths, '--', *command]
        self.process = subprocess.Popen(command, **more)
        return self.process

    def close(self):
        """Also ends what is left of it, such as socat's children."""
        for pid in self.pids() if self.process else []:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        for path in self.paths:
            remove(path)

    def cpu_ns(self):
        if not self.files['cpu']:
            return sum(cpu_ns_of(pid) for pid in self.pids())
        text = read(self.files['cpu'])
        if self.files['cpu'].endswith('cpu.stat'):
            return number_of(text, 'usage_usec') * 1000
        return int(text)

    def kernel_bytes(self):
        """What the kernel holds for its processes; None: not counted."""
        file = self.files['memory']
        if not file:
            return None
        text = read(file)
        if file.endswith('memory.stat'):
            return number_of(text, 'kernel') + number_of(text, 'sock')
        # Buffers of TCP are counted apart.
        tcp = os.path.dirname(file) + '/memory.kmem.tcp.usage_in_bytes'
        return int(text) + (int(read(tcp)) if os.path.exists(tcp) else 0)

    def pids(self):
        """Its processes; where there is no group, without those whose
        parents have ended."""
        if self.paths:
            return [int(pid) for pid in
                    read(self.paths[0] + '/cgroup.procs').split()]
        if self.process.poll() is not None:
            return []
        return list(family(self.process.pid))


def remove(path):
    for _ in range(100):
        try:
            os.rmdir(path)
            return
        except OSError:     # the last process is just going
            time.sleep(0.02)


def family(pid):
    """A process, and all that come from it."""
    yield pid
    try:
        children = read(f'/proc/{pid}/task/{pid}/children').split()
    except OSError:
        return
    for child in children:
        yield from family(int(child))


def cpu_ns_of(pid):
    try:
        tasks = os.listdir(f'/proc/{pid}/task')
    except OSError:
        return 0
    return sum(cpu_ns_of_task(f'/proc/{pid}/task/{task}') for task in tasks)


def cpu_ns_of_task(path):
    try:
        return int(read(path + '/schedstat').split()[0])
    except OSError:
        pass
    try:
        fields = read(path + '/stat').rpartition(')')[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) * TICK_NS


class Trace:
    """Counts the system calls of processes, with strace."""

    def __init__(self, pids, result):
        self.result = result
        command = ['strace', '-q', '-f', '-c', '-U', 'calls,name',
                   '-o', result]
        for pid in pids:
            command += ['-p', str(pid)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not all(is_traced(pid) for pid in pids):
            if time.monotonic() > end or self.process.poll() is not None:
                self.process.kill()
                raise RuntimeError('strace cannot attach')
            time.sleep(0.02)

    def stop(self):
        """name -> number of calls."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        rows = re.findall(r'^ *(\d+) (\w+)$', read(self.result), re.M)
        return {name: int(calls) for calls, name in rows if name != 'total'}


def is_traced(pid):
    """All threads of a process that is still there."""
    try:
        tasks = os.listdir(f'/proc/{pid}/task')
        texts = [read(f'/proc/{pid}/task/{task}/status') for task in tasks]
    except OSError:
        return True
    return not any('TracerPid:\t0\n' in text for text in texts)
