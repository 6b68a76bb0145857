"""What is asked of the program, a row each."""

from collections import namedtuple

# A figure of ours: its ratio to a peer's, or itself where there is no peer.
Goal = namedtuple('Goal', 'daemon conns figure peer most least')


def at_most(limit, daemon, conns, figure, peer=None):
    return Goal(daemon, conns, figure, peer, limit, None)


def at_least(limit, daemon, conns, figure, peer=None):
    return Goal(daemon, conns, figure, peer, None, limit)


GOALS = [
    at_least(1.0, 'real', 1, 'rate', 'haproxy'),
    at_least(1.0, 'real', 16, 'rate', 'haproxy'),
    at_most(1.0, 'fake', 1, 'p50', 'haproxy'),
    at_most(1.1, 'fake', 1, 'cpu', 'haproxy'),
    at_most(1.5, 'fake', 16, 'cpu', 'haproxy'),
    at_most(1.6, 'fake', 1, 'cpu', 'nogate'),
    at_most(1.6, 'fake', 16, 'cpu', 'nogate'),
    at_most(16, 'fake', 1, 'calls'),
]


def judge(results, ours):
    """A line for each goal."""
    for goal in GOALS:
        if goal.peer:
            what = f'{goal.figure} x {goal.peer}'
            found = results.ratio(goal.daemon, goal.conns, ours, goal.peer,
                                  goal.figure)
        else:
            what = goal.figure
            value = results.figure(goal.daemon, goal.conns, ours,
                                   goal.figure)
            found = None if value is None else (value, value, value)
        limit = f'<= {goal.most}' if goal.least is None \
            else f'>= {goal.least}'
        yield (f'{goal.daemon:7}{goal.conns:3} conn.  {what:16} {limit:8}'
               f'{said(goal, found)}')


def said(goal, found):
    if found is None:
        return 'not measured'
    value, lowest, highest = found
    is_met = value <= goal.most if goal.least is None \
        else value >= goal.least
    text = f'{value:6.2f}  {"met" if is_met else "NOT MET"}'
    if lowest != highest:
        text += f'  (rounds: {lowest:.2f} to {highest:.2f})'
    return text
