"""Results of all rounds, and the tables made from them."""

from statistics import median

# What the load client and the accounting say, and how it is printed.
COLUMNS = (('rate', 'req/s', 0), ('p50', 'p50 us', 1), ('p99', 'p99 us', 0),
           ('p999', 'p99.9 us', 0), ('cpu', 'CPU us', 1))
RATIOS = ('rate', 'p50', 'cpu')


class Results:
    """figure of (daemon, connections, peer) -> a value for each round."""

    def __init__(self):
        self.values = {}
        self.errors = {}

    def add(self, key, result):
        for figure, value in result.items():
            self.values.setdefault((*key, figure), []).append(value)
        if result.get('errors'):
            self.errors[key] = self.errors.get(key, 0) + int(result['errors'])

    def figure(self, daemon, conns, peer, figure):
        """The median of all rounds, or None."""
        values = self.values.get((daemon, conns, peer, figure), [])
        return median(values) if values and None not in values else None

    def ratio(self, daemon, conns, ours, theirs, figure):
        """Median, lowest and highest of the ratios within a round."""
        mine = self.values.get((daemon, conns, ours, figure), [])
        other = self.values.get((daemon, conns, theirs, figure), [])
        if not mine or None in mine or not other or None in other:
            return None
        ratios = [a / b for a, b in zip(mine, other) if b]
        return (median(ratios), min(ratios), max(ratios)) if ratios else None


def number(value, digits):
    return '-' if value is None else f'{value:.{digits}f}'


def line(name, cells):
    return f'{name:10}' + ''.join(f'{cell:>10}' for cell in cells)


def section(results, daemon, conns, peers):
    """A table: figures of each, then what ours is times each of them."""
    ours = peers[0]
    head = [title for _, title, _ in COLUMNS] + ['calls']
    head += [f'x {dict((c[0], c[1]) for c in COLUMNS)[figure].split()[0]}'
             for figure in RATIOS]
    yield line('', head)
    for peer in peers:
        cells = [number(results.figure(daemon, conns, peer, figure), digits)
                 for figure, _, digits in COLUMNS]
        cells.append(number(results.figure(daemon, conns, peer, 'calls'), 1))
        for figure in RATIOS:
            ratio = results.ratio(daemon, conns, ours, peer, figure)
            cells.append(number(ratio and ratio[0], 2))
        yield line(peer, cells)
    for peer in peers:
        count = results.errors.get((daemon, conns, peer))
        if count:
            yield f'{peer}: {count} ERRORS, its figures mean nothing'
