#!/usr/bin/python3 -B
"""Start a program as a service manager does, in its own place.

usage: launcher.py SETTINGS PROGRAM [ARGUMENT...]

SETTINGS is JSON, each part may be left out:
  fds       descriptors to pass on, as 3 and following ones
  names     LISTEN_FDNAMES
  network   false: none but what is passed on
  proc      options of a /proc of its own
  user      number of user and group to become, without capabilities
  mdwe      no memory that can be written to and executed
  calls     numbers of system calls; all others fail with EPERM
  families  of sockets; all others fail with EAFNOSUPPORT; with
  socket    the number of that call
  watchdog  set WATCHDOG_PID as well
"""

import ctypes
import errno
import json
import os
import struct
import sys

FIRST = 3               # where passed descriptors begin
CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_PRIVATE = 0x44000            # with all below
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
MODE_FILTER = 2
PR_SET_MDWE = 65
REFUSE_EXEC_GAIN = 1

# Of classic BPF: load a word, jump if equal, return.
LOAD, JUMP_EQ, RETURN = 0x20, 0x15, 0x06
OFFSET_NUMBER, OFFSET_ARGUMENT = 0, 16
ALLOW, ERRNO = 0x7fff0000, 0x00050000

libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('code', ctypes.c_char_p)]


def must(result, what):
    if result != 0:
        number = ctypes.get_errno()
        sys.exit(f'launcher: {what}: {os.strerror(number)}')


def prctl(*args):
    values = [ctypes.c_void_p(arg) if isinstance(arg, int) else arg
              for arg in args[1:]]
    values += [ctypes.c_void_p(0)] * (4 - len(values))
    must(libc.prctl(args[0], *values), f'prctl {args[0]}')


def own_proc(options):
    must(libc.unshare(CLONE_NEWNS), 'unshare')
    must(libc.mount(b'none', b'/', None, MS_PRIVATE, None), 'mount')
    must(libc.mount(b'proc', b'/proc', b'proc', 0, options.encode()),
         'mount /proc')


def pass_on(fds):
    """Their places may be taken by others of them."""
    high = []
    for fd in fds:
        copy = os.dup(fd)
        while copy < FIRST + len(fds):
            copy = os.dup(fd)
        high.append(copy)
    for place, fd in enumerate(high, FIRST):
        os.dup2(fd, place, inheritable=True)
    os.environ['LISTEN_FDS'] = str(len(fds))
    os.environ['LISTEN_PID'] = str(os.getpid())


def step(code, equal, unequal, value):
    return struct.pack('=HBBI', code, equal, unequal, value)


def refuse(settings):
    """A filter as of SystemCallFilter= and RestrictAddressFamilies=."""
    families = settings.get('families', [])
    steps = [step(LOAD, 0, 0, OFFSET_NUMBER)]
    if families:
        steps.append(step(JUMP_EQ, 0, len(families) * 2 + 2,
                          settings['socket']))
        steps.append(step(LOAD, 0, 0, OFFSET_ARGUMENT))
        for family in families:
            steps.append(step(JUMP_EQ, 0, 1, family))
            steps.append(step(RETURN, 0, 0, ALLOW))
        steps.append(step(RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT))
    for number in settings['calls']:
        steps.append(step(JUMP_EQ, 0, 1, number))
        steps.append(step(RETURN, 0, 0, ALLOW))
    steps.append(step(RETURN, 0, 0, ERRNO | errno.EPERM))
    program = Program(len(steps), b''.join(steps))
    prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program))


def become(user):
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def main():
    settings = json.loads(sys.argv[1])
    if 'fds' in settings:
        pass_on(settings['fds'])
    if 'names' in settings:
        os.environ['LISTEN_FDNAMES'] = settings['names']
    if settings.get('watchdog'):
        os.environ['WATCHDOG_PID'] = str(os.getpid())
    if settings.get('network') is False:
        must(libc.unshare(CLONE_NEWNET), 'unshare')
    if 'proc' in settings:
        own_proc(settings['proc'])
    if 'user' in settings:
        become(settings['user'])
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if settings.get('mdwe'):
        prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN)
    if 'calls' in settings:
        refuse(settings)
    os.execvp(sys.argv[2], sys.argv[2:])


main()
