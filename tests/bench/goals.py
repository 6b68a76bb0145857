"""What is asked of the program, a row each."""

from collections import namedtuple

from table import BEST

# A figure of ours: its ratio to a peer's, or itself where there is no peer.
Goal = namedtuple('Goal', 'where figure peer most least')

REAL = 'keepalive', 'real'
FAKE = 'keepalive', 'fake'


def at_most(limit, where, case, figure, peer=None):
    where = where if isinstance(where, tuple) else (where, 'fake')
    return Goal((*where, case), figure, peer, limit, None)


def at_least(limit, where, case, figure, peer=None):
    where = where if isinstance(where, tuple) else (where, 'fake')
    return Goal((*where, case), figure, peer, None, limit)


GOALS = [
    at_least(1.05, REAL, 1, 'rate', 'haproxy'),
    at_least(1.05, REAL, 16, 'rate', 'haproxy'),
    at_least(0.85, REAL, 16, 'rate', 'direct'),
    at_most(0.95, FAKE, 1, 'p50', 'haproxy'),
    at_most(1.25, FAKE, 1, 'p50', 'nginx'),
    at_most(1.0, FAKE, 1, 'cpu', 'haproxy'),
    at_most(1.3, FAKE, 16, 'cpu', 'haproxy'),
    at_most(1.3, FAKE, 64, 'cpu', 'haproxy'),
    at_least(0.8, FAKE, 16, 'rate', 'haproxy'),
    at_least(0.8, FAKE, 64, 'rate', 'haproxy'),
    at_most(1.0, FAKE, 256, 'p999', 'haproxy'),
    at_most(1.0, FAKE, 256, 'p999', 'nginx'),
    # What it was at least to be when the gate came, and what that may cost.
    at_least(1.0, REAL, 1, 'rate', 'haproxy'),
    at_least(1.0, REAL, 16, 'rate', 'haproxy'),
    at_most(1.0, FAKE, 1, 'p50', 'haproxy'),
    at_most(1.1, FAKE, 1, 'cpu', 'haproxy'),
    at_most(1.5, FAKE, 16, 'cpu', 'haproxy'),
    at_most(1.6, FAKE, 1, 'cpu', 'nogate'),
    at_most(1.6, FAKE, 16, 'cpu', 'nogate'),
    at_most(16, 'calls', '1 conn.', 'calls'),
    at_most(1.4, 'new', 1, 'cpu', 'haproxy'),
    at_most(1.4, 'new', 16, 'cpu', 'haproxy'),
    at_most(1.1, 'denied', 16, 'cpu', 'nginx'),
    at_most(0.7, 'bulk', 'down chunked', 'cpu', 'nginx'),
    at_most(0.7, 'bulk', 'down length', 'cpu', 'nginx'),
    at_most(0.5, 'bulk', 'up chunked', 'cpu', 'nginx'),
    at_most(0.5, 'bulk', 'up length', 'cpu', 'nginx'),
    at_most(1.0, 'echo', 1, 'cpu', BEST),
    at_most(2000, 'first', '', 'p50'),
    at_most(4, 'start', '', 'ms'),
    at_most(300, 'burst', 1000, 'all'),
    at_most(0, 'burst', 1000, 'failed'),
    at_most(60 * 1024, 'memory', '5000 idle', 'total'),
    at_most(0, 'memory', '5000 idle', 'failed'),
    at_most(125, 'memory', '1000 streams', 'each'),
    at_most(2.5 * 1024, 'memory', '0 idle', 'pss'),
    at_most(1600, 'size', '', 'static'),
    at_most(750, 'size', '', 'musl'),
    at_most(0, 'held', 2000, 'failed'),
    at_most(20000, 'held', 2000, 'p99'),
]


def judge(results, ours, scenarios):
    """A line for each goal of these scenarios."""
    titles = {(scenario.name, column.figure): column.title
              for scenario in scenarios for column in scenario.columns}
    for goal in GOALS:
        scenario, daemon, case = goal.where
        if (scenario, goal.figure) not in titles:
            continue
        what = titles[(scenario, goal.figure)]
        if goal.peer:
            what += f' x {goal.peer}'
            found = results.ratio(goal.where, ours, goal.peer, goal.figure)
        else:
            found = results.figure((*goal.where, ours), goal.figure)
        limit = f'<= {goal.most:g}' if goal.least is None \
            else f'>= {goal.least:g}'
        yield (f'{daemon:5}{scenario:10}{case:<13}{what:16} {limit:9}'
               f'{said(goal, found)}')


def said(goal, found):
    if found is None:
        return 'not measured'
    value, lowest, highest = found
    is_met = value <= goal.most if goal.least is None \
        else value >= goal.least
    text = f'{value:9.2f}  {"met" if is_met else "NOT MET"}'
    if lowest != highest:
        text += f'  (rounds: {lowest:.2f} to {highest:.2f})'
    return text
