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

V1 = '/sys/fs/cgroup/cpuacct'
V2 = ('/sys/fs/cgroup', '/sys/fs/cgroup/unified')
TICK_NS = 10**9 // os.sysconf('SC_CLK_TCK')


def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


class Group:
    """The control group that a proxy is started in."""

    def __init__(self, name):
        self.process = None
        self.path = self.file = None
        for base, file in [(V1, 'cpuacct.usage')] + \
                [(base, 'cpu.stat') for base in V2]:
            path = f'{base}/bench-{os.getpid()}-{name}'
            try:
                os.mkdir(path)
            except OSError:
                continue
            if os.path.exists(f'{path}/{file}'):
                self.path, self.file = path, f'{path}/{file}'
                return
            os.rmdir(path)

    def start(self, command, **more):
        """Start a process as the first one of the group."""
        if self.path:
            join = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
            command = ['sh', '-c', join, self.path, *command]
        self.process = subprocess.Popen(command, **more)
        return self.process

    def close(self):
        if not self.path:
            return
        for _ in range(100):
            try:
                os.rmdir(self.path)
                return
            except OSError:     # the last process is just going
                time.sleep(0.02)

    def cpu_ns(self):
        if not self.path:
            return sum(cpu_ns_of(pid) for pid in self.pids())
        text = read(self.file)
        if self.file.endswith('cpu.stat'):
            return int(re.search(r'usage_usec (\d+)', text).group(1)) * 1000
        return int(text)

    def pids(self):
        if self.path:
            return [int(pid) for pid in
                    read(self.path + '/cgroup.procs').split()]
        return list(family(self.process.pid))


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
