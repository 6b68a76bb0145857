"""The programs in C that measure, and how they are let go."""

import os
import subprocess

TOOLS = os.path.abspath((os.environ.get('builddir') or '.') + '/tests/bench')


class Failed(Exception):
    """A measurement came to no end."""


def numbers(line):
    """ "name=1 other=2.5" as a dictionary."""
    pairs = (word.split('=') for word in line.split())
    return {name: float(value) for name, value in pairs}


class Tool:
    """A client that says when it is ready, then is let go once; what it has
    opened stays open until it is told to end."""

    def __init__(self, name, *arguments):
        self.name = name
        self.process = subprocess.Popen(
            [f'{TOOLS}/{name}', '-W', *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        try:
            self.expect('ready')
        except BaseException:
            self.__exit__(Failed)
            raise
        return self

    def expect(self, word):
        line = self.line()
        if line != word:
            raise Failed(f'{self.name}: {line!r} instead of {word!r}')

    def line(self):
        line = self.process.stdout.readline().strip()
        if not line:
            raise Failed(f'{self.name} ended too early')
        return line

    def tell(self):
        try:
            self.process.stdin.write('\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f'{self.name} has ended') from None

    def go(self):
        """The result, by name; connections are still open then."""
        self.tell()
        result = numbers(self.line())
        self.expect('over')
        return result

    def finish(self):
        """What it says in the end."""
        self.tell()
        return numbers(self.line())

    def __exit__(self, why, *_more):
        if why:
            self.process.kill()
        try:
            self.process.communicate('\n')
        except (BrokenPipeError, ValueError):   # it has ended by itself
            self.process.wait()


def launch(host, port, target, command, env):
    """Milliseconds from a command's start to its first answer."""
    done = subprocess.run(
        [TOOLS + '/launch', host, port, target, *command], env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr.strip() or f'code {done.returncode}')
    return numbers(done.stdout)['ms']
