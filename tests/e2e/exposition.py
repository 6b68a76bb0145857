"""The text format of Prometheus, version 0.0.4, read strictly.

Source: Prometheus, "Exposition formats", text-based format.  What it only
advises (help and type of every metric, names of counters) is demanded here.
"""

import re

NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r'[0-9]+(\.[0-9]+)?')
TYPES = ('counter', 'gauge', 'histogram')
ESCAPES = {'\\\\': '\\', '\\"': '"', '\\n': '\n'}
LIMIT = 2 ** 53         # beyond it numbers are not exact


class Wrong(Exception):
    """Not the format."""


def demand(condition, *what):
    if not condition:
        raise Wrong(*what)


class Metrics:
    """All samples: values[name][labels], labels a frozenset of pairs."""

    def __init__(self, data):
        self.types = {}
        self.values = {}
        text = data.decode('utf-8')
        demand(text.endswith('\n'), 'the last line has no end', text[-80:])
        lines = text[:-1].split('\n')
        while lines:
            self.take_family(lines)
        for name in self.types:
            if self.types[name] == 'histogram':
                self.check_histogram(name)

    def take_family(self, lines):
        """Help, type, and at least one sample, all of one metric."""
        help_line, type_line = lines.pop(0), lines.pop(0)
        word = re.fullmatch(r'# HELP (\S+) ([^\\]+)', help_line)
        demand(word and NAME.fullmatch(word[1]), 'no help', help_line)
        name = word[1]
        demand(name not in self.types, 'told twice', name)
        kind = type_line.removeprefix(f'# TYPE {name} ')
        demand(kind in TYPES, 'no type', type_line)
        demand((kind == 'counter') == name.endswith('_total'), name, kind)
        self.types[name] = kind
        count = 0
        while lines and not lines[0].startswith('#'):
            self.take_sample(name, kind, lines.pop(0))
            count += 1
        demand(count > 0 or kind == 'histogram', 'no sample', name)

    def take_sample(self, family, kind, line):
        name = NAME.match(line)
        demand(name, 'no name', line)
        name, rest = name[0], line[name.end():]
        suffixes = ('_bucket', '_sum', '_count') if kind == 'histogram' \
            else ('',)
        demand(name in [family + suffix for suffix in suffixes],
               'a sample of another metric', family, line)
        labels = {}
        if rest.startswith('{'):
            labels, rest = take_labels(rest[1:])
        demand(rest.startswith(' ') and NUMBER.fullmatch(rest[1:]),
               'no number', line)
        value = float(rest[1:]) if '.' in rest else int(rest[1:])
        demand(value < LIMIT, 'too large', line)
        samples = self.values.setdefault(name, {})
        key = frozenset(labels.items())
        demand(key not in samples, 'told twice', line)
        samples[key] = value

    def check_histogram(self, name):
        series = {}
        for key, value in self.values.get(name + '_bucket', {}).items():
            labels = dict(key)
            le = labels.pop('le')
            series.setdefault(frozenset(labels.items()), []).append(
                (float(le.replace('+Inf', 'inf')), value))
        demand(set(series) == set(self.values.get(name + '_count', {})) ==
               set(self.values.get(name + '_sum', {})), name, 'is not whole')
        for key, buckets in series.items():
            ends = [le for le, _value in buckets]
            values = [value for _le, value in buckets]
            demand(ends == sorted(set(ends)) and ends[-1] == float('inf'),
                   name, 'ends', ends)
            demand(values == sorted(values), name, 'falls', values)
            demand(values[-1] == self.values[name + '_count'][key],
                   name, 'counts', values)

    def get(self, name, **labels):
        """The sum of all samples that have these labels."""
        found = [value for key, value in self.values.get(name, {}).items()
                 if set(labels.items()) <= key]
        demand(found, 'no such sample', name, labels)
        return sum(found)

    def labels(self, name, label):
        return {dict(key)[label] for key in self.values[name]}


def take_labels(text):
    labels = {}
    while True:
        found = LABEL.match(text)
        demand(found, 'no label', text)
        demand(found[1] not in labels, 'a label twice', text)
        labels[found[1]] = re.sub(r'\\.', lambda e: ESCAPES[e[0]], found[2])
        text = text[found.end():]
        if text.startswith('}'):
            return labels, text[1:]
        demand(text.startswith(','), 'no end of labels', text)
        text = text[1:]


GOOD = b'''# HELP a_total Some help.
# TYPE a_total counter
a_total{x="1",y="\\\\ \\" \\n"} 1
a_total{x="2",y=""} 2
# HELP h Some.
# TYPE h histogram
h_bucket{le="0.5"} 1
h_bucket{le="+Inf"} 3
h_sum 1.25
h_count 3
'''

BAD = (
    (b'\nh_count 3\n', b'\nh_count 3'), (b'h_count 3', b'h_count 4'),
    (b'"0.5"} 1', b'"0.5"} 4'), (b'0.5', b'abc'), (b'a_total{x="2",y=""} 2',
                                                   b'b_total 2'),
    (b'x="2",y=""', b'x="1",y="\\\\ \\" \\n"'), (b'\\n"', b'\\t"'),
    (b'\\"', b'"'), (b'} 1\n', b'}  1\n'), (b'} 1\n', b'} 1 \n'),
    (b'} 2', b'} -2'), (b'counter', b'conter'), (b'# TYPE h', b'# TYPE g'),
    (b'# HELP h Some.\n', b''), (b'\n# HELP h', b'\n\n# HELP h'),
    (b'x="2",y=""', b'x="2",x=""'), (b'h_sum 1.25\n', b''),
    (b'le="+Inf"', b'le="0.25"'), (b'a_total', b'a'), (b'1.25', b'nan'),
    (b'Some help.', b'Some \xff help.'), (b'a_total{x="1"', b'1a{x="1"'),
)


def self_test():
    """The reader takes what is right, and nothing of what is wrong."""
    good = Metrics(GOOD)
    demand(good.get('a_total', x='1') == 1 and good.get('a_total') == 3 and
           good.labels('a_total', 'y') == {'\\ " \n', ''}, good.values)
    for old, new in BAD:
        demand(old in GOOD, 'no such part', old)
        try:
            Metrics(GOOD.replace(old, new))
        except (Wrong, ValueError, IndexError, KeyError):
            continue
        raise Wrong('taken', old, new)
