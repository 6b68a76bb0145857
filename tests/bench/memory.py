"""What the processes of a proxy hold in memory.

Of their own: the proportional set size, in which a page shared by n processes
counts as one n-th for each.  In the kernel for them: page tables, stacks,
sockets, as their control group counts it.
"""

import re
import time

from costs import read

STEADY_S = 60


def pss_kib(pids):
    total = 0
    for pid in pids:
        try:
            text = read(f'/proc/{pid}/smaps_rollup')
        except OSError:         # it has ended
            continue
        found = re.search(r'^Pss: +(\d+) kB', text, re.M)
        total += int(found.group(1)) if found else 0
    return total


def wait_steady(group, settle):
    """Until no process has come or gone for so many seconds: some proxies let
    those that are not needed any more go slowly.  At most for a minute."""
    end = time.monotonic() + STEADY_S
    pids, since = set(group.pids()), time.monotonic()
    while time.monotonic() < min(since + settle, end):
        time.sleep(0.2)
        now = set(group.pids())
        if now != pids:
            pids, since = now, time.monotonic()


def weigh(group):
    """Figures in KiB; None where nobody counts what the kernel holds."""
    pss = pss_kib(group.pids())
    kernel = group.kernel_bytes()
    if kernel is None:
        return {'pss': pss, 'kernel': None, 'total': None}
    return {'pss': pss, 'kernel': kernel / 1024,
            'total': pss + kernel / 1024}
