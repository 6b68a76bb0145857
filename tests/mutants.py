#!/usr/bin/python3 -B
"""The tables of the shipped profiles, tested: each profile is made wider in
one place, or loses a rule, in all the ways below, and its table must notice.
TAP: one point for each profile; who is not noticed is named.

usage: tests/mutants.py [-v|-a] [PROFILE...]
  -v  all mutants, one a line
  -a  add rows to the tables that notice more of them: requests near those that
      are allowed, which the profile denies.  Look at them before you keep them.
"""

import os
import re
import subprocess
import sys
import tempfile

TOP = os.environ.get('srcdir') or os.path.dirname(__file__) + '/..'
PROGRAM = os.environ.get('DSP_PROGRAM') or './docker-socket-protector'
PROFILES = TOP + '/profiles'
TABLES = TOP + '/tests/corpus/rules'
CAUGHT = 0.95           # of all mutants
LEAST = 300             # mutants
NO_RULES = ('unprotected',)    # everything passes: nothing to make wider

SPECIAL = re.compile(r'([\\.+*?()|\[\]{}^$])')

# What stands in a rule, and what is put in its place, once for each place.
WIDER = (
    (r'\{V\}', r'(v1\\.\\w+/)?'),
    (r'\{V\}', r'(.*/)?'),
    (r'\{ID\}', r'.+'),
    (r'\{ID\}', r'[^/]+'),
    (r'\{ID\}', r'[\\w.-]+'),
    (r'\{HEX\}', r'\\w+'),
    (r'\{IMAGE\}', r'.+'),
    (r'\{IMAGE\}', r'[^?]+'),
    (r'\\d', r'\\w'),
    (r'\\w', r'.'),
    (r'\\\.', r'.'),
    (r'\[[^]]+\]', r'.'),
    (r'(?<=\))\?(?=[^)]*$)', r'.*'),
    (r'\([a-z|]+\)', r'[a-z]+'),
    (r'=\([^()]*\)', r'=.*'),
    (r'=\w+(?=$|&|\))', r'=.*'),
)


def mutants(text):
    """Texts with one change each, and what it is."""
    lines = text.split('\n')
    for number, line in enumerate(lines):
        # (What classes defines may be known by another include.)
        if (not line.strip() or line.startswith('#') or
                line == 'include classes'):
            continue
        for new, what in changes(line):
            yield ('\n'.join(lines[:number] + new + lines[number + 1:]),
                   f'line {number + 1}: {what}')


def changes(line):
    yield [], 'deleted: ' + line
    word, target = (line.split(None, 1) + [''])[:2]
    if not target.startswith('/'):
        return                  # include, define
    wider = [(method, target) for method in wider_methods(word)]
    wider += [(word, new) for new in wider_targets(target)]
    for method, new in wider:
        yield [f'{method} {new}'], f'{method} {new}'


def wider_methods(method):
    yield '[A-Z]+'
    yield f'({method})[A-Z]*'


def wider_targets(target):
    yield f'({target}).*'           # no anchor at the end
    yield '/.*' + target[1:]        # nor at the beginning
    if r'\?' not in target and '{QUERY}' not in target:
        yield target + r'(\?.*)?'
        yield target + r'(/[^?]+)?'
    seen = {target}
    for old, new in WIDER:
        for found in re.finditer(old, target):
            changed = (target[:found.start()] + found.expand(new) +
                       target[found.end():])
            if changed not in seen:
                seen.add(changed)
                yield changed


class Table:
    """Requests and what is expected."""

    def __init__(self, name):
        self.expected = {}
        with open(f'{TABLES}/{name}.tab', encoding='ascii') as f:
            for line in f:
                if line.strip() and not line.startswith('#'):
                    verdict, method, target, _why = line.split('\t')
                    self.expected[method, target] = verdict == 'ALLOW'

    def wrong(self, path):
        """The first row that the profile at path gets wrong, '' for none, or
        None when the profile does not load."""
        allowed = judge(path, self.expected)
        if allowed is None:
            return None
        for row, is_expected in self.expected.items():
            if is_expected != (row in allowed):
                return ' '.join(row)
        return ''


def judge(path, rows):
    """Those that the profile at path allows, or None when it does not
    load."""
    log = '\n'.join('request rule:  ' + SPECIAL.sub(r'\\\1', method) + ' ' +
                    SPECIAL.sub(r'\\\1', target) for method, target in rows)
    done = subprocess.run(
        [PROGRAM, '--config', '/dev/null', '--profile', path, '--profile-dir',
         PROFILES, '--explain', '--log', '-'], input=log + '\n',
        capture_output=True, text=True, timeout=60, check=False,
        env={'PATH': os.environ['PATH']})
    if done.returncode == 2:
        return None
    found = re.findall(r'^\d+ x (\S+) (.*)\n    (allow|deny) ', done.stdout,
                       re.M)
    if len(found) != len(set(rows)):
        raise RuntimeError(f'{path}: {len(found)} of {len(set(rows))} rows: '
                           f'{done.stderr}')
    return {(method, target) for method, target, verdict in found
            if verdict == 'allow'}


# -- requests near those that are allowed --------------------------------

def near(method, target):
    """Requests like this one, each a little different, and in what."""
    for other in ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', method + 'X'):
        yield other, target, 'another method'
    path, mark, query = target.partition('?')
    _root, *names = path.split('/')
    has_version = re.fullmatch(r'v1\.\d+', names[0])
    for version in ('v1.51x', 'v1x51', 'x', 'v1.5-1'):
        rest = names[1:] if has_version else names
        yield method, '/' + '/'.join([version] + rest) + mark + query, (
            'no version')
    for number in range(1 if has_version else 0, len(names)):
        for new, why in spoiled(names[number]):
            changed = names[:number] + [new] + names[number + 1:]
            yield method, '/' + '/'.join(changed) + mark + query, why
    yield method, path + '/x' + mark + query, 'below it'
    if query:
        yield method, path, 'without a query'
        yield method, path + '?', 'an empty query'
        yield method, target + '/x', 'something behind the query'
        yield method, target + '?x', 'something behind the query'
        yield method, target + '&x=1', 'one parameter more'
        yield method, path + '?x=1&' + query, 'one parameter more'
        parts = query.split('&')
        for number, part in enumerate(parts):
            name, equals, value = part.partition('=')
            left = parts[:number] + parts[number + 1:]
            yield method, path + '?' + '&'.join(left), 'a parameter less'
            for new in ('', 'x', value + 'x', 'x' + value, value + '%20',
                        '-' + value, '0', value[:-1]):
                changed = parts[:number] + [name + equals + new] + (
                    parts[number + 1:])
                yield method, path + '?' + '&'.join(changed), 'another value'
            changed = parts[:number] + ['x' + part] + parts[number + 1:]
            yield method, path + '?' + '&'.join(changed), 'another name'
    else:
        yield method, path + '?x=1', 'a query'
        yield method, path + '?x=/json', 'a query'


def spoiled(name):
    """One segment of a path, a little different."""
    for new in ('x' + name, name + 'x', 'x', '-' + name, '.' + name,
                '_' + name, '~' + name, name + '~', name + '!', name + ':1',
                name + '@x', name + '+', name + ',', name + '%20', 'x:y',
                name + '-', name + '.', name + '=', name[:-1] + '~',
                name[1:], name[:-1], name.upper(), name + '/x', 'x/' + name,
                name.replace('.', 'x'), name.replace('.', '~'),
                name.replace('%40', '@'), name.replace('%40', '%41'),
                name.replace(':', '~'), re.sub(r'\w$', '~', name),
                re.sub('[0-9]$', 'g', name), re.sub('^[0-9a-f]', 'g', name),
                re.sub(r'(%40\w+:)', r'\1~', name),
                re.sub(r'(%40)', r'\1~', name)):
        yield new, 'another name'


def add_rows(name, path, table, folder, survivors):
    """Rows that notice survivors; they are written to the table."""
    near_ones = {}
    for (method, target), is_allowed in list(table.expected.items()):
        if is_allowed:
            for other, new, why in near(method, target):
                near_ones.setdefault((other, new), why)
    rows = [row for row in near_ones if row not in table.expected and
            all(' ' < c < '\x7f' for c in ''.join(row)) and
            row[1].startswith('/')]
    denied = set(rows) - judge(path, rows)
    added = []
    for mutant, what in survivors:
        with open(folder + '/' + name, 'w', encoding='ascii') as f:
            f.write(mutant)
        caught = judge(folder + '/' + name, sorted(denied)) or set()
        if not caught or caught & set(added):
            continue
        row = min(caught, key=lambda row: (len(''.join(row)), row))
        added.append(row)
    with open(f'{TABLES}/{name}.tab', 'a', encoding='ascii') as f:
        if added:
            f.write('# where a wider rule would go wrong\n')
        for row in added:
            f.write('\t'.join(('DENY',) + row) + f'\t# {near_ones[row]}\n')
    return len(added)


def run(name, flags, folder):
    """How many mutants there were, and those who were not noticed."""
    with open(f'{PROFILES}/{name}', encoding='ascii') as f:
        text = f.read()
    table = Table(name)
    path = folder + '/' + name
    if table.wrong(f'{PROFILES}/{name}') != '':
        raise RuntimeError(f'{name}: the table is wrong')
    count, survivors = 0, []
    for mutant, what in mutants(text):
        with open(path, 'w', encoding='ascii') as f:
            f.write(mutant)
        row = table.wrong(path)
        if row is None:
            continue
        count += 1
        if row == '':
            survivors.append((mutant, what))
        if '-v' in flags:
            print(f'# {name}: {what}: {row or "NOT NOTICED"}')
    if '-a' in flags and survivors:
        added = add_rows(name, f'{PROFILES}/{name}', table, folder, survivors)
        print(f'# {name}: {added} rows added')
    return count, [what for _mutant, what in survivors]


def main(args):
    flags = [arg for arg in args if arg.startswith('-')]
    names = [arg for arg in args if arg not in flags] or sorted(
        name for name in os.listdir(PROFILES)
        if os.path.exists(f'{TABLES}/{name}.tab') and name not in NO_RULES)
    total = caught = failed = 0
    with tempfile.TemporaryDirectory(prefix='dsp-mutants.') as folder:
        for number, name in enumerate(names, 1):
            count, survivors = run(name, flags, folder)
            total += count
            caught += count - len(survivors)
            for what in survivors:
                print(f'# {name}: not noticed: {what}')
            is_good = count - len(survivors) >= CAUGHT * count
            failed += not is_good
            print('ok' if is_good else 'not ok', number, '-', name +
                  f': {count - len(survivors)} of {count} mutants noticed',
                  flush=True)
    is_good = len(names) < 10 or total >= LEAST
    print('ok' if is_good else 'not ok', len(names) + 1, '-',
          f'{total} mutants in all, {caught} noticed')
    print(f'1..{len(names) + 1}')
    return 1 if failed or not is_good else 0


sys.exit(main(sys.argv[1:]))
