"""Processes that connect to a unix socket in every way there is: by any name,
as any user, in 32 bits, and by io_uring."""

import os
import shutil
import subprocess

import harness as h

# A program of 32 bits that connects and ends; CALLS is how.
SOURCE_32 = '''
	.globl _start
_start:	movl $359, %eax
	movl $1, %ebx
	movl $1, %ecx
	xorl %edx, %edx
	int $0x80
	movl %eax, words
CALLS
	int $0x80
	movl $1, %eax
	xorl %ebx, %ebx
	int $0x80
	.data
words:	.long 0, addr, end - addr
addr:	.short 1
	.asciz "PATH"
end:
'''
CALLS_32 = {
    'connect': '\tmovl %eax, %ebx\n\tmovl $362, %eax\n'
               '\tmovl $addr, %ecx\n\tmovl $end - addr, %edx',
    'socketcall': '\tmovl $102, %eax\n\tmovl $3, %ebx\n'
                  '\tmovl $words, %ecx'}


def must(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=h.PATIENCE)
    h.expect(done.returncode == 0, command, done.stdout)


class Connector:
    """Makes them, in a folder that all may read."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder + '/connector'
        h.need_tool('cc')
        source = os.path.dirname(os.path.abspath(__file__)) + '/connector.c'
        must('cc', '-static', '-O1', '-o', self.path, source)

    def start(self, path, how='call', cwd='/', user=None, before=None):
        """One that stays.  before: called in the child at first."""
        more = {} if user is None else {'user': user, 'group': user,
                                        'extra_groups': []}
        child = subprocess.Popen(
            [self.path, how, path], stdin=subprocess.PIPE, cwd=cwd,
            stdout=subprocess.PIPE, preexec_fn=before, **more)
        line = child.stdout.readline()
        h.expect(line, f'{self.path} {how} {path} says nothing')
        child.error = int(line)
        return child

    def once(self, path, **more):
        """One that ends; its number and its error."""
        child = self.start(path, **more)
        child.communicate(timeout=h.PATIENCE)
        return child.pid, child.error

    def once_32(self, path, how):
        """One of 32 bits.  It says nothing about errors."""
        if os.uname().machine != 'x86_64' or not shutil.which('ld'):
            raise h.Skip('programs of 32 bits are made for x86 here')
        place = f'{self.folder}/{how}32'
        h.write(place + '.s', SOURCE_32.replace('CALLS', CALLS_32[how])
                .replace('PATH', path))
        must('as', '--32', '-o', place + '.o', place + '.s')
        must('ld', '-m', 'elf_i386', '-o', place, place + '.o')
        must(place)


class Group:
    """A control group of version 2, in mounts of our own.  It may have the
    name of a container."""

    def __init__(self, folder, name):
        self.mount = folder + '/cgroup'
        self.path = f'{self.mount}/{name}'
        os.mkdir(self.mount)
        must('mount', '-t', 'cgroup2', 'cgroup2', self.mount)
        os.mkdir(self.path)

    def enter(self):
        h.write(self.path + '/cgroup.procs', str(os.getpid()))

    def remove(self):
        os.rmdir(self.path)
        must('umount', self.mount)
