"""What a compiled AppArmor policy means: the tables that apparmor_parser
writes for the kernel, asked as the kernel asks them.

    policy = compiled(path, base)       # profiles by name
    policy['name'].may('/run/x', 'rw')

Source: Linux security/apparmor: policy_unpack.c, match.c, file.c, and the
binary that parser_interface.c of apparmor_parser writes.
"""

import os
import struct
import subprocess
import tempfile

from client import Done
from tap import PATIENCE, expect

# A kernel that knows all that policies of this version can say.
FEATURES = '/etc/apparmor.d/abi/3.0'

# What may be done to a file, as bits of a state that accepts.
BITS = {'x': 1, 'w': 2, 'r': 4, 'a': 8, 'l': 16, 'k': 32, 'm': 64}
LETTERS = 127
OTHERS_AT = 14          # of bits for files that belong to somebody else

MAGIC = b'\x1b\x5e\x78\x3d'
ACCEPT, BASE, CHECK, DEFAULT, CLASSES, NEXT = 1, 2, 3, 4, 5, 8
UNITS = {1: 'B', 2: 'H', 4: 'I'}
AGAIN = 0x80000000      # in BASE: look once more, from the default state

# Marks of the values in a binary.
NUMBERS = {0: 'B', 1: 'H', 2: 'I', 3: 'Q'}
NAME, TEXT, BLOB, STRUCT, STRUCT_END = 4, 5, 6, 7, 8
LIST, LIST_END, ARRAY, ARRAY_END = 9, 10, 11, 12

CAPABILITIES = (
    'chown dac_override dac_read_search fowner fsetid kill setgid setuid '
    'setpcap linux_immutable net_bind_service net_broadcast net_admin '
    'net_raw').split()


def parse(*args):
    """apparmor_parser, which needs no kernel for these."""
    return Done(subprocess.run(
        ['apparmor_parser', '--skip-kernel-load', '--skip-cache',
         '--skip-read-cache', '--kernel-features', FEATURES, *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=PATIENCE, check=False))


def compiled(path, base):
    """name -> Profile, of a file whose includes are below base."""
    with tempfile.TemporaryDirectory(prefix='dsp-apparmor.') as folder:
        out = folder + '/out'
        done = parse('--base', base, '--ofile', out, path)
        expect(done.code == 0 and os.path.exists(out), path, done)
        with open(out, 'rb') as f:
            return {p.name: p for p in profiles_of(f.read())}


def profiles_of(data):
    values = list(tokens(data))
    starts = [at for at, (name, mark, _value) in enumerate(values)
              if mark == STRUCT and name == 'profile']
    for start, end in zip(starts, starts[1:] + [len(values)]):
        yield Profile(values[start + 1:end])


def tokens(data):
    """(name or None, mark, value), one after the other."""
    at, name = 0, None
    while at < len(data):
        mark = data[at]
        at += 1
        if mark in NUMBERS:
            form = '<' + NUMBERS[mark]
            value, = struct.unpack_from(form, data, at)
            at += struct.calcsize(form)
        elif mark in (NAME, TEXT):
            size, = struct.unpack_from('<H', data, at)
            value = data[at + 2:at + 2 + size].rstrip(b'\0').decode()
            at += 2 + size
        elif mark == BLOB:
            size, = struct.unpack_from('<I', data, at)
            value = data[at + 4:at + 4 + size]
            at += 4 + size
        elif mark == ARRAY:
            value, = struct.unpack_from('<H', data, at)
            at += 2
        else:
            expect(mark in (STRUCT, STRUCT_END, LIST, LIST_END, ARRAY_END),
                   'mark', mark, 'at', at)
            value = None
        if mark == NAME:
            name = value
            continue
        yield name, mark, value
        name = None


class Profile:
    """In a binary: the names that it attaches to, if any; flags; bits of
    capabilities; rules that are not of files; rules of files."""

    def __init__(self, values):
        self.name = next(v for _name, mark, v in values if mark == TEXT)
        at = [name for name, _mark, _value in values].index('flags')
        machines = [Machine(v) for _name, mark, v in values[:at]
                    if mark == BLOB]
        self.attached = machines[0] if machines else None
        at = [mark for _name, mark, _value in values].index(STRUCT_END)
        bits = next(v for name, mark, v in values[at:]
                    if NUMBERS.get(mark) == 'I' and name != 'path_flags')
        self.capabilities = {c for i, c in enumerate(CAPABILITIES)
                             if bits >> i & 1}
        self.files = [Machine(v) for _name, mark, v in values
                      if mark == BLOB][-1]

    def attaches_to(self, path):
        """Whether execve of that program enters it."""
        if self.attached:
            return self.attached.accepts(path) != 0
        return self.name == path

    def allowed(self, path, is_owner=False):
        """The letters of what may be done, to a file of somebody else."""
        bits = self.files.accepts(path)
        if not is_owner:
            bits >>= OTHERS_AT
        return ''.join(sorted(c for c in BITS if bits & BITS[c]))

    def may(self, path, wanted):
        """Every letter of wanted, whoever owns the file."""
        return set(wanted) <= set(self.allowed(path))

    def may_link(self, name, target):
        """Whether a hard link of that name may be made: the pair must be
        allowed, and where it says so, name may not be worth more than target.
        apparmor_parser says so for files of one's own only."""
        def may(shift):
            of_name, pair, of_target = (
                self.files.accepts(path) >> shift
                for path in (name, name + '\0' + target, target))
            if not of_name & pair & BITS['l']:
                return False
            return not pair & BITS['k'] or \
                of_name & ~BITS['l'] & ~of_target & LETTERS == 0
        return may(0) or may(OTHERS_AT)


class Machine:
    """A state machine over the bytes of a path."""

    def __init__(self, blob):
        at = blob.index(MAGIC)
        blob = blob[at:]
        head, whole = struct.unpack_from('>II', blob, 4)
        self.tables = {}
        at = head
        while at < whole:
            kind, unit, _high, count = struct.unpack_from('>HHII', blob, at)
            self.tables[kind] = struct.unpack_from(
                f'>{count}{UNITS[unit]}', blob, at + 12)
            size = 12 + count * unit
            at += size + -size % 8

    def step(self, state, byte):
        t = self.tables
        if CLASSES in t:
            byte = t[CLASSES][byte]
        while True:
            base = t[BASE][state]
            at = (base & 0xffffff) + byte
            if t[CHECK][at] == state:
                return t[NEXT][at]
            state = t[DEFAULT][state]
            if not base & AGAIN:
                return state

    def accepts(self, path, state=1):
        for byte in os.fsencode(path):
            state = self.step(state, byte)
            if state == 0:
                return 0
        return self.tables[ACCEPT][state]
