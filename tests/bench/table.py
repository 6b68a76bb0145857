"""Results of all rounds, and the tables made from them."""

from statistics import median

# Instead of a proxy's name: the lowest figure of all others in each round.
BEST = 'best'


class Results:
    """figure of (scenario, daemon, case, peer) -> a value for each round."""

    def __init__(self):
        self.values = {}
        self.errors = {}
        self.notes = {}

    def add(self, key, result):
        for figure, value in result.items():
            if figure == 'note':
                self.notes[key] = value
            else:
                self.values.setdefault((*key, figure), []).append(value)
        if result.get('errors'):
            self.fail(key, f'{int(result["errors"])} wrong answers')

    def fail(self, key, why):
        """From now on its figures mean nothing."""
        self.errors.setdefault(key, why)

    def rounds(self, key, figure):
        values = self.values.get((*key, figure), [])
        return [] if None in values or key in self.errors else values

    def figure(self, key, figure):
        """Median, lowest and highest of all rounds, or None."""
        values = self.rounds(key, figure)
        return (median(values), min(values), max(values)) if values else None

    def ratio(self, where, ours, theirs, figure):
        """The same of the ratios within a round."""
        mine = self.rounds((*where, ours), figure)
        other = self.best(where, ours, figure) if theirs == BEST \
            else self.rounds((*where, theirs), figure)
        ratios = [a / b for a, b in zip(mine, other) if b]
        return (median(ratios), min(ratios), max(ratios)) if ratios else None

    def best(self, where, ours, figure):
        others = [self.rounds(key[:-1], figure) for key in self.values
                  if key[:-2] == where and key[-1] == figure
                  and key[-2] != ours]
        return [min(values) for values in zip(*filter(None, others))]


def number(value, digits):
    return '-' if value is None else f'{value:.{digits}f}'


def line(name, cells):
    return f'{name:10}' + ''.join(f'{cell:>11}' for cell in cells)


def section(results, where, columns, peers):
    """A table: figures of each, then what ours is times each of them."""
    ratios = [column for column in columns if column.has_ratio]
    yield line('', [column.title for column in columns]
               + [f'x {column.title.split()[0]}' for column in ratios])
    for peer in peers:
        cells = []
        for column in columns:
            found = results.figure((*where, peer), column.figure)
            cells.append(number(found and found[0], column.digits))
        for column in ratios:
            ratio = results.ratio(where, peers[0], peer, column.figure)
            cells.append(number(ratio and ratio[0], 2))
        yield line(peer, cells)
    for peer in peers:
        if (*where, peer) in results.notes:
            yield f'{peer}: {results.notes[(*where, peer)]}'
    for peer in peers:
        if (*where, peer) in results.errors:
            yield f'{peer}: ERROR: {results.errors[(*where, peer)]}'
