"""What a worker that was taken over may try with system calls, one attempt a
row: what, call, arguments, and what refuses it when there is no filter
(--sandbox log): names of errors, or nothing where the filter stands alone.
HERE: only where the worker has another user than the master.

Arguments: numbers; bytes, of which the address is passed; names of what the
worker knows (see Agent), 'docker' (the path of the Docker socket), 'address'
(of it), 'rights' (a message with a descriptor).
"""

import os
import socket
import struct

import harness as h
from hijack_agent import Agent, Gone, Numbers, order
from machine import descriptors

AT = -100                       # AT_FDCWD
RW, CREAT, PATH, TMPFILE = 2, 0o102, 0o10000000, 0o20200002
PASSWD = b'/etc/passwd\0'
NEW = b'/tmp/dsp-hijacked\0'
MEM = b'/proc/self/mem\0'
ZERO = bytes(256)
RWX, RX, SHARED, PRIVATE_ANON = 7, 5, 1, 0x22
TERM, KILL = 15, 9
NEWUSER = 0x10000000

HERE = '* '
DENIED = 'EACCES EPERM ENOENT EROFS'
FILES = (
    ('open a file', 'open', (PASSWD, 0), DENIED),
    ('open a file', 'openat', (AT, PASSWD, 0), DENIED),
    ('open a file', 'openat2', (AT, PASSWD, ZERO, 24), DENIED),
    ('create a file', 'creat', (NEW, 0o600), DENIED),
    ('create a file', 'openat', (AT, NEW, CREAT, 0o600), DENIED),
    ('create a file without a name', 'openat', (AT, b'/tmp\0', TMPFILE, 384),
     DENIED + ' EISDIR'),
    ('open its own memory', 'openat', (AT, MEM, RW), DENIED),
    ("open the master's memory", 'openat', (AT, 'master_mem', RW), DENIED),
    ("list the gate's descriptors", 'openat', (AT, 'gate_fds', 0), DENIED),
    ('open the Docker socket', 'openat', (AT, 'docker', RW),
     DENIED + ' ENXIO'),
    ('open a folder by path only', 'openat', (AT, b'/\0', PATH), ''),
    ('a file in memory', 'memfd_create', (b'x\0', 0), ''),
    ('secret memory', 'memfd_secret', (0,), ''),
    ('a handle of a file', 'name_to_handle_at', (AT, PASSWD, ZERO, ZERO, 0),
     ''),
    ('open by handle', 'open_by_handle_at', (AT, ZERO, 0), ''),
    ('a tree of files', 'open_tree', (AT, b'/\0', 0), ''),
    ('look at the Docker socket', 'stat', ('docker', ZERO), ''),
    ('look at the Docker socket', 'newfstatat', (AT, 'docker', ZERO, 0), ''),
    ('look at the Docker socket', 'statx', (AT, 'docker', 0, 4095, ZERO), ''),
    ('may it open', 'access', ('docker', 6), ''),
    ('may it open', 'faccessat', (AT, 'docker', 6), ''),
    ('read a link', 'readlink', (b'/proc/self/exe\0', ZERO, 256), ''),
    ('read a link', 'readlinkat', (AT, b'/proc/self/exe\0', ZERO, 256), ''),
    ('list a folder', 'getdents64', ('client', ZERO, 256), 'ENOTDIR'),
    ('remove the Docker socket', 'unlink', ('docker',), DENIED),
    ('remove the Docker socket', 'unlinkat', (AT, 'docker', 0), DENIED),
    ('rename the Docker socket', 'rename', ('docker', NEW), DENIED + ' EXDEV'),
    ('link the Docker socket', 'linkat', (AT, 'docker', AT, NEW, 0),
     DENIED + ' EXDEV'),
    ('a symbolic link', 'symlinkat', (b'/\0', AT, NEW), DENIED),
    ('a device', 'mknodat', (AT, NEW, 0o20666, 0x101), DENIED),
    ('a folder', 'mkdirat', (AT, NEW, 0o700), DENIED),
    ('mode of the Docker socket', 'fchmodat', (AT, 'docker', 0o666),
     HERE + DENIED),
    ('owner of the Docker socket', 'fchownat', (AT, 'docker', 65534, -1, 0),
     DENIED),
    ('cut a file', 'truncate', (PASSWD, 0), DENIED),
    ('times of a file', 'utimensat', (AT, PASSWD, 0, 0), DENIED),
    ('an attribute of a file', 'setxattr', (PASSWD, b'user.x\0', ZERO, 1, 0),
     DENIED + ' EOPNOTSUPP'),
    ('another folder', 'chdir', (b'/\0',), ''),
    ('another root', 'chroot', (b'/\0',), 'EPERM'),
    ('watch files', 'inotify_init1', (0,), ''),
    ('watch all files', 'fanotify_init', (0, 0), 'EPERM'),
    ('read standard input', 'read', (0, ZERO, 256), ''),
    ('read the log', 'read', (2, ZERO, 256), ''),
    ('read the listener', 'read', ('listen', ZERO, 1), 'EINVAL ENOTCONN'),
    ("read the gate's answer without its descriptor", 'read',
     ('gate', ZERO, 256), ''),
    ("take the master's wake-up", 'read', ('wake', ZERO, 8), ''),
    ('read at an offset', 'pread64', (0, ZERO, 256, 0), ''),
    ('read into pieces', 'readv', ('client', 'vector', 1), ''),
    ('read into pieces', 'preadv2', ('client', 'vector', 1, -1, -1, 0), ''),
    ('write elsewhere than the wake-up', 'write', ('client', b'x', 1), ''),
    ('overwrite the log', 'pwrite64', (2, b'x', 1, 0), ''),
    ('overwrite the log', 'pwritev2', (2, ZERO, 1, 0, 0, 0), ''),
    ('cut the log', 'ftruncate', (2, 0), ''),
    ('control a terminal', 'ioctl', (0, 0x5412, b'x'), 'ENOTTY EACCES EPERM'),
    ('control a terminal', 'ioctl', (2, 0x5412, b'x'), 'ENOTTY EACCES EPERM'),
    ('flags of the log', 'fcntl', (2, 4, 0), ''),
    ('a copy of a descriptor', 'fcntl', ('listen', 0, 0), ''),
    ('a copy of a descriptor', 'dup', ('listen',), ''),
    ('a descriptor as another', 'dup2', ('client', 'gate'), ''),
    ('a descriptor as another', 'dup3', ('client', 'gate', 0), ''),
    ('close all', 'close_range', (100, 200, 0), ''),
    ('move bytes in the kernel', 'splice', ('client', 0, 'gate', 0, 1, 0),
     'EINVAL'),
    ('move bytes in the kernel', 'tee', ('client', 'gate', 1, 0), 'EINVAL'),
    ('move bytes in the kernel', 'vmsplice', ('gate', ZERO, 1, 0), ''),
    ('move bytes in the kernel', 'sendfile', ('gate', 0, 0, 1), ''),
    ('a pipe', 'pipe2', (ZERO, 0), ''),
)

SOCKETS = tuple(
    (f'a socket of family {family}', 'socket', (family, 1, 0), '')
    for family in range(46)) + (
    ('a datagram socket', 'socket', (1, 2, 0), ''),
    ('a raw socket', 'socket', (2, 3, 1), 'EPERM'),
    ('a packet socket', 'socket', (17, 3, 0), 'EPERM'),
    ('a socket pair', 'socketpair', (1, 1, 0, ZERO), ''),
    ('connect the pair to the Docker socket', 'connect',
     ('gate', 'address', 110), 'EISCONN EPROTOTYPE EACCES'),
    ('connect the client to the Docker socket', 'connect',
     ('client', 'address', 110), 'EISCONN EAFNOSUPPORT EINVAL'),
    ('connect the listener to the Docker socket', 'connect',
     ('listen', 'address', 110), 'EISCONN EAFNOSUPPORT EINVAL'),
    ('connect to the Docker socket of another root', 'connect',
     ('gate', 'root_address', 110), 'EISCONN EPROTOTYPE EACCES ENOENT'),
    ('undo the connection of the pair', 'connect', ('gate', ZERO, 2),
     'EINVAL EISCONN'),
    ('bind the pair', 'bind', ('gate', b'\1\0\0dsp-hijacked', 15), ''),
    ('listen elsewhere', 'listen', ('gate', 5), 'EINVAL'),
    ('change the backlog', 'listen', ('listen', 1), ''),
    ('accept', 'accept', ('gate', 0, 0), 'EINVAL'),
    ('accept on the pair', 'accept4', ('gate', 0, 0, 0), 'EINVAL'),
    ('accept on the client', 'accept4', ('client', 0, 0, 0), 'EINVAL'),
    ('pass a descriptor to the gate', 'sendmsg', ('gate', 'rights', 0), ''),
    ('pass a descriptor to the client', 'sendmsg', ('client', 'rights', 0),
     ''),
    ('pass descriptors', 'sendmmsg', ('gate', 'rights', 1, 0), ''),
    ('send to an address', 'sendto', ('gate', b'x', 1, 0, 'address', 110),
     ''),
    ('send to an address', 'sendto', ('client', b'x', 1, 0, 'address', 110),
     ''),
    ('take descriptors from a client', 'recvmsg', ('client', 'room', 0x40),
     ''),
    ('take descriptors from many', 'recvmmsg', ('client', 'room', 1, 0x40, 0),
     ''),
    ('receive with an address', 'recvfrom', ('client', ZERO, 1, 0x40, 0, 0),
     ''),
    ('receive with an address', 'recvfrom', ('gate', ZERO, 1, 0x40, 0, 0),
     ''),
    ('shut the listener down', 'shutdown', ('listen', 2), ''),
    ('a filter on the listener', 'setsockopt', ('listen', 1, 26, ZERO, 16),
     ''),
    ('time limit of the listener', 'setsockopt', ('listen', 1, 20, ZERO, 16),
     ''),
    ('options of the client', 'setsockopt', ('client', 1, 9, b'\1\0\0\0', 4),
     ''),
    ('options of the client', 'setsockopt', ('client', 6, 31, b'tls\0', 4),
     ''),
    ('look at the listener', 'getsockopt', ('listen', 1, 26, ZERO, ZERO), ''),
    ('descriptors of the peer', 'getsockopt', ('gate', 1, 77, ZERO, ZERO),
     ''),
    ('name of a socket', 'getsockname', ('listen', ZERO, ZERO), ''),
    ('name of a peer', 'getpeername', ('gate', ZERO, ZERO), ''),
    ('pass a descriptor to the log', 'sendmsg', (2, 'rights', 0), ''),
    ('shut the park down', 'shutdown', ('park', 2), ''),
    ("something else in the park's place", 'close', ('park',), ''),
)


# On a connection that the gate keeps the worker has a pipe's end for reading.
KEPT = (
    ('speak on a kept connection', 'write', ('pipe', b'x', 1), 'EBADF'),
    ('speak on a kept connection', 'pwrite64', ('pipe', b'x', 1, 0),
     'ESPIPE'),
    ('speak on a kept connection', 'pwritev2', ('pipe', 'vector', 1, -1, -1,
                                                0), 'EBADF'),
    ('speak on a kept connection', 'splice', ('client', 0, 'pipe', 0, 1, 0),
     'EBADF'),
    ('speak on a kept connection', 'tee', ('pipe', 'pipe', 1, 0),
     'EBADF EINVAL'),
    ('speak on a kept connection', 'sendfile', ('pipe', 0, 0, 1), 'EBADF'),
    ('speak on a kept connection', 'vmsplice', ('pipe', 'vector', 1, 2), ''),
    ('speak on a kept connection', 'sendmsg', ('pipe', 'rights', 0),
     'ENOTSOCK'),
    # The pipe belongs to the gate's user.  Where that is the worker's it
    # could be opened, and the worker would read what it says itself.
    ('open a kept connection for writing', 'openat', (AT, 'pipe_path', 1),
     HERE + DENIED),
    ('open a kept connection for both', 'openat', (AT, 'pipe_path', RW),
     HERE + DENIED),
    ('look at a kept connection', 'readlinkat', (AT, 'pipe_path', ZERO, 256),
     ''),
    ('a larger pipe', 'fcntl', ('pipe', 1031, 1 << 20), ''),
    ('how full is the pipe', 'ioctl', ('pipe', 0x541b, ZERO), ''),
    ('a copy of the pipe', 'dup', ('pipe',), ''),
    ('the pipe as another', 'dup2', ('pipe', 'gate'), ''),
    ('pass the pipe on', 'sendmsg', ('gate', 'pipe_rights', 0), ''),
)


def on_process(what, pid):
    """Attempts against another process of ours."""
    alone = 'EPERM EACCES'
    yield f'signal {what}', 'kill', (pid, TERM), alone
    yield f'ask for {what}', 'kill', (pid, 0), alone
    yield f'signal {what}', 'tgkill', (pid, pid, KILL), alone
    yield f'signal {what}', 'tkill', (pid, KILL), alone
    yield f'signal {what}', 'rt_sigqueueinfo', (pid, TERM, ZERO), alone
    yield (f'signal {what}', 'rt_tgsigqueueinfo', (pid, pid, TERM, ZERO),
           alone)
    yield f'a handle of {what}', 'pidfd_open', (pid, 0), ''
    yield f'trace {what}', 'ptrace', (16, pid, 0, 0), alone
    yield f'trace {what}', 'ptrace', (0x4206, pid, 0, 0), alone
    yield (f'read memory of {what}', 'process_vm_readv',
           (pid, 'vector', 1, 'vector', 1, 0), alone)
    yield (f'write memory of {what}', 'process_vm_writev',
           (pid, 'vector', 1, 'vector', 1, 0), alone)
    yield f'limits of {what}', 'prlimit64', (pid, 7, ZERO, 0), ''
    yield f'compare with {what}', 'kcmp', (pid, 'pid', 1, 0, 0), ''


PROCESSES = (
    *on_process('the master', 'master'), *on_process('the gate', 'gate_pid'),
    *on_process('another worker', 'sibling'),
    ('signal everybody', 'kill', (-1, TERM), ''),
    ('signal its group', 'kill', (0, TERM), ''),
    ('signal by handle', 'pidfd_send_signal', (0, TERM, 0, 0), 'EBADF EINVAL'),
    ('take a descriptor', 'pidfd_getfd', (0, 3, 0), 'EBADF EINVAL EPERM'),
    ('advise another', 'process_madvise', (0, 'vector', 1, 21, 0),
     'EBADF EINVAL EPERM'),
    ('end the memory of another', 'process_mrelease', (0, 0), 'EBADF EINVAL'),
    ('be traced', 'ptrace', (0, 0, 0, 0), ''),
    ('a new process', 'fork', (), HERE + 'EAGAIN'),
    ('a new process', 'vfork', (), HERE + 'EAGAIN'),
    ('a new process', 'clone', (17, 0, 0, 0, 0), HERE + 'EAGAIN'),
    ('a new process', 'clone3', (bytes(32) + b'\x11' + bytes(55), 88),
     HERE + 'EAGAIN'),
    ('a new thread', 'clone', (0x50f00, ZERO, 0, 0, 0), ''),
    ('another program', 'execve', (b'/proc/self/exe\0', 0, 0), 'EACCES'),
    ('another program', 'execveat', (AT, b'/bin/sh\0', 0, 0, 0),
     'EACCES ENOENT'),
    ('another group of processes', 'setpgid', (0, 0), ''),
    ('another session', 'setsid', (), ''),
    ('priority of the master', 'setpriority', (0, 'master', 19),
     HERE + 'EPERM'),
    ('processors of the master', 'sched_setaffinity', ('master', 8, ZERO),
     'EPERM EINVAL'),
    ('more descriptors', 'setrlimit', (7, b'\0\x10' + bytes(6) +
                                       b'\0\x10' + bytes(6)), 'EPERM'),
    ('handle signals itself', 'rt_sigaction', (31, ZERO, 0, 8), ''),
    ('another stack for signals', 'sigaltstack', (ZERO, 0), ''),
    ('a timer', 'timer_create', (0, 0, ZERO), ''),
    ('an alarm', 'alarm', (1,), ''),
    ('a signal from a descriptor', 'fcntl', ('client', 8, 'master'), ''),
    ('wait for others', 'wait4', (-1, 0, 1, 0), 'ECHILD'),
)

MEMORY = (
    ('memory to execute', 'mmap', (0, 4096, RX, PRIVATE_ANON, -1, 0), ''),
    ('memory to write and execute', 'mmap',
     (0, 4096, RWX, PRIVATE_ANON, -1, 0), ''),
    ('any memory', 'mmap', (0, 4096, 3, PRIVATE_ANON, -1, 0), ''),
    ('its data executable', 'mprotect', ('page', 4096, RWX), ''),
    ('its data executable', 'pkey_mprotect', ('page', 4096, RWX, -1), ''),
    ('its data read-only', 'mprotect', ('page', 4096, 1), ''),
    ('move memory', 'mremap', ('page', 4096, 8192, 1, 0), ''),
    ('drop memory', 'munmap', ('page', 4096), ''),
    ('advise memory', 'madvise', ('page', 4096, 4), ''),
    ('remap memory', 'remap_file_pages', ('page', 4096, 0, 0, 0), 'EINVAL'),
    ('more memory', 'brk', (0,), ''),
    ('lock memory', 'mlock', ('page', 4096), ''),
    ('faults by itself', 'userfaultfd', (1,), ''),
    ('shared memory', 'shmget', (0, 4096, 0o1600), ''),
    ('shared memory', 'shmat', (0, 0, 0), 'EINVAL EACCES'),
    ('a shadow stack', 453, (0, 4096, 0), ''),
    ('read implies execute', 'personality', (0x400000,), ''),
    ('segments', 'modify_ldt', (1, ZERO, 16), ''),
    ('segment registers', 'arch_prctl', (0x1002, 'page'), ''),
    ('ports', 'iopl', (3,), 'EPERM ENOSYS'),
    ('ports', 'ioperm', (0x80, 1, 1), 'EPERM EIO ENOSYS'),
)

KERNEL = (
    ('io_uring', 'io_uring_setup', (8, ZERO), ''),
    ('io_uring', 'io_uring_enter', (0, 1, 0, 0, 0, 0), ''),
    ('io_uring', 'io_uring_register', (0, 0, 0, 0), ''),
    ('old asynchronous calls', 'io_setup', (8, ZERO), ''),
    ('bpf', 'bpf', (5, ZERO, 72), 'EPERM EINVAL EACCES'),
    ('performance events', 'perf_event_open', (ZERO, 0, -1, -1, 0),
     'EACCES EPERM EINVAL E2BIG ENOENT'),
    ('keys', 'keyctl', (0, -3, 1), ''),
    ('keys', 'add_key', (b'user\0', b'x\0', b'x', 1, -2), ''),
    ('keys', 'request_key', (b'user\0', b'x\0', 0, 0), ''),
    ('a name space for users', 'unshare', (NEWUSER,), ''),
    ('a name space for mounts', 'unshare', (0x20000,), 'EPERM'),
    ("another's name space", 'setns', (0, 0), 'EBADF EINVAL EPERM'),
    ('a process in a name space', 'clone', (NEWUSER | 17, 0, 0, 0, 0),
     'EAGAIN EPERM'),
    ('mount', 'mount', (b'x\0', b'/\0', b'proc\0', 0, 0), 'EPERM'),
    ('unmount', 'umount2', (b'/proc\0', 2), 'EPERM'),
    ('another root', 'pivot_root', (b'/\0', b'/\0'), 'EPERM'),
    ('a file system', 'fsopen', (b'tmpfs\0', 0), 'EPERM'),
    ('a mount moved', 'move_mount', (AT, b'/\0', AT, b'/\0', 0), 'EPERM'),
    ('a mount changed', 'mount_setattr', (AT, b'/\0', 0, ZERO, 32), ''),
    ('swap', 'swapon', (PASSWD, 0), 'EPERM'),
    ('accounts', 'acct', (NEW,), 'EPERM'),
    ('quotas', 'quotactl', (0, 0, 0, 0), 'EPERM EACCES ENODEV EINVAL'),
    ('a kernel module', 'finit_module', (0, b'\0', 0), 'EPERM ENOSYS'),
    ('a kernel module', 'init_module', (ZERO, 1, b'\0'), 'EPERM ENOSYS'),
    ('another kernel', 'kexec_load', (0, 0, 0, 0), 'EPERM ENOSYS'),
    ('restart the machine', 'reboot', (0xfee1dead, 672274793, 0, 0), 'EPERM'),
    ('kernel log', 'syslog', (5, 0, 0), 'EPERM'),
    ('the clock', 'clock_settime', (0, ZERO), 'EPERM'),
    ('the clock', 'clock_adjtime', (0, b'\1' + ZERO), 'EPERM'),
    ('name of the machine', 'sethostname', (b'x', 1), 'EPERM'),
    ('name of the machine', 'uname', (bytes(512),), ''),
    ('be root', 'setuid', (0,), HERE + 'EPERM'),
    ('be root', 'setresuid', (0, 0, 0), HERE + 'EPERM'),
    ('be root', 'setgid', (0,), HERE + 'EPERM'),
    ('groups', 'setgroups', (1, b'\0\0\0\0'), 'EPERM'),
    ('who for files', 'setfsuid', (0,), ''),
    ('capabilities', 'capset', ('caps', 'cap_data'), 'EPERM'),
    ('can be dumped', 'prctl', (4, 1, 0, 0, 0), ''),
    ('new privileges again', 'prctl', (38, 0, 0, 0, 0), 'EINVAL'),
    ('outlive the master', 'prctl', (1, 0, 0, 0, 0), ''),
    ('may be traced', 'prctl', (0x59616d61, -1, 0, 0, 0), ''),
    ('ambient capabilities', 'prctl', (47, 2, 21, 0, 0), 'EPERM'),
    ('memory layout', 'prctl', (35, 1, 'page', 0, 0), 'EPERM EINVAL'),
    ('a filter of its own', 'prctl', (22, 2, ZERO), 'EACCES EINVAL EFAULT'),
    ('a filter of its own', 'seccomp', (1, 0, ZERO), 'EACCES EINVAL EFAULT'),
    ('ask about filters', 'seccomp', (2, 0, b'\0\0\5\0'), ''),
    ('rules for files', 'landlock_create_ruleset', (0, 0, 1), ''),
    ('rules for files', 'landlock_restrict_self', (0, 0), 'EBADF EBADFD'),
    ('wait for events', 'epoll_create1', (0,), ''),
    ('an event', 'eventfd2', (0, 0), ''),
    ('signals to read', 'signalfd4', (-1, ZERO, 8, 0), ''),
    ('a timer to read', 'timerfd_create', (0, 0), ''),
    ('messages', 'mq_open', (b'x\0', 0o102, 0o600, 0), ''),
    ('messages', 'msgget', (0, 0o1600), ''),
    ('semaphores', 'semget', (0, 1, 0o1600), ''),
    ('restartable sequences', 'rseq', (ZERO, 32, 0, 0), 'EINVAL EBUSY'),
    ('a barrier', 'membarrier', (0, 0, 0), ''),
    ('wait on memory', 'futex', (ZERO, 1, 1, 0, 0, 0), ''),
    ('robust locks of the gate', 'get_robust_list', ('gate_pid', ZERO, ZERO),
     'EPERM'),
    ('pages of the master', 'move_pages', ('master', 0, 0, 0, 0, 0), 'EPERM'),
    ('no processor', 'pause', (), None),
    ('sleep', 'nanosleep', (ZERO, 0), ''),
)

# The other numberings of an x86_64 kernel; no handler hears of int 0x80.
FOREIGN = (
    ('open in x32', 0x40000000 | 257, (AT, PASSWD, 0), ''),
    ('connect in x32', 0x40000000 | 42, ('gate', 'address', 110), ''),
    ('open by int 0x80', 5, (0, 0), 'call32'),
    ('socketcall by int 0x80', 102, (1, 0), 'call32'),
    ('another program by int 0x80', 11, (0, 0, 0), 'call32'),
)

ROWS = FILES + SOCKETS + KEPT + PROCESSES + MEMORY + KERNEL
COUNT = len(ROWS) + len(FOREIGN) + 20

# What a worker needs whatever its arguments are (filter.c says why).  Every
# other number from 0 to LAST must be refused when its arguments are -1.
NEEDED = {'read', 'poll', 'ppoll', 'writev', 'clock_gettime', 'close',
          'getpid', 'gettid', 'rt_sigprocmask', 'shutdown', 'epoll_wait',
          'epoll_pwait', 'getpeername', 'getsockname'}
# Needed, too, but nothing would be heard of the worker behind them.
ENDS = {'rt_sigreturn', 'restart_syscall', 'exit', 'exit_group'}
# Numbers that newer x86_64 kernels use for probes and keep from every filter;
# whoever is no probe is killed or gets an error.
PROBES = {335, 336}
LAST = 600


def address_of(path):
    """struct sockaddr_un"""
    return bytes([socket.AF_UNIX, 0]) + path.encode().ljust(108, b'\0')


def known(agent, name, docker_socket):
    """What rows name, made in the agent's memory."""
    path = docker_socket.encode() + b'\0'
    made = {
        'docker': lambda: agent.put(path),
        'address': lambda: agent.put(address_of(docker_socket)),
        'root_address': lambda: agent.put(address_of(
            ('/proc/self/root' + docker_socket)[:107])),
        'master_mem': lambda: agent.put(b'/proc/%d/mem\0' % agent.master),
        'gate_fds': lambda: agent.put(b'/proc/%d/fd\0' % agent.gate_pid),
        'page': agent.page,
        'vector': lambda: agent.put(struct.pack('=QQ', agent.page(), 64)),
        'rights': lambda: agent.message(agent.put(b'x'), 1, agent.rights(2)),
        'pipe_path': lambda: agent.put(b'/proc/self/fd/%d\0' % agent.pipe),
        'pipe_rights': lambda: agent.message(agent.put(b'x'), 1,
                                             agent.rights(agent.pipe)),
        'room': lambda: agent.message(agent.put(ZERO), 64, room=24),
        'caps': lambda: agent.put(struct.pack('=QQ', 0x20080522, 0)),
        'cap_data': lambda: agent.put(b'\xff' * 24),
    }
    return made[name]() if name in made else getattr(agent, name)


def attempt(agent, row, docker_socket):
    """Do it; the result, or None when the worker died of it."""
    _what, name, args, way = row
    args = [known(agent, each, docker_socket) if isinstance(each, str)
            else each for each in args]
    try:
        return agent.call(name, *args,
                          way='call32' if way == 'call32' else 'call')
    except Gone:
        return None


def tried(stand, rows):
    """Every attempt is the last of its worker: row, pid, result."""
    numbers = Agent.numbers = Agent.numbers or Numbers()
    done = []
    for row in rows:
        if numbers.has(row[1]):
            with stand.agent() as agent:
                result = attempt(agent, row, stand.docker.socket)
                done.append((row, agent.pid, result))
    pids = {pid for _row, pid, result in done if result is None}
    try:
        h.until(lambda: pids <= stand.security()[1], 'deaths in the log', 5)
    except AssertionError:
        pass            # each is looked at
    return done


def refused(stand, rows=ROWS):
    """Attempts with system calls: each is named in the log."""
    done = tried(stand, rows)
    found, killed = stand.security()
    for (what, call, *_rest), pid, result in done:
        yield (result is None and found.get(pid) == str(call)
               and pid in killed, f'{what}: {call}: refused by the filter',
               result, found.get(pid), pid in killed)


def foreign(stand):
    """The other numberings of the kernel."""
    done = tried(stand, FOREIGN)
    _found, killed = stand.security()
    for (what, *_rest), pid, result in done:
        yield (result is None and pid in killed,
               f'{what}: killed by the filter', result)


def every_number(stand):
    """All system calls, by number; what is not needed is refused."""
    numbers = Agent.numbers = Agent.numbers or Numbers()
    ends = {numbers.of.get(name) for name in ENDS}
    needed = {numbers.of[name] for name in NEEDED if numbers.has(name)}
    rows = [('', number, (-1,) * 6, '') for number in range(LAST + 1)
            if number not in ends]
    done = tried(stand, rows)
    found, killed = stand.security()
    passed = {number for (_what, number, *_rest), pid, result in done
              if (result is not None or pid not in found
                  or pid not in killed)
              and (number not in PROBES or result and not result.errno)}
    yield (passed == needed, f'system calls 0 to {LAST}: '
           f'{len(rows) - len(passed)} refused, {len(needed)} needed',
           sorted(passed ^ needed))


def killed(stand, rows=FILES[:4] + SOCKETS[:2]):
    """--sandbox kill: there is no word of the worker itself."""
    done = tried(stand, rows)
    found, dead = stand.security()
    for (what, call, *_rest), pid, result in done:
        yield (result is None and pid in dead and pid not in found,
               f'{what}: {call}: killed by the filter', result)


def second_wall(stand):
    """What holds without the filter: Landlock, user, limits."""
    agent = stand.agent()
    for what, call, args, wall in ROWS:
        words = (wall or '').split()
        if not words or not agent.numbers.has(call) or \
                words[0] == '*' and stand.world:
            continue
        agent.used = 0
        row = what, call, args, ''
        result = attempt(agent, row, stand.docker.socket)
        if result is None:
            agent = stand.agent()
        yield (result is not None and result.word in words,
               f'{what}: {call}: {result}')
    agent.wire.close()
    new = NEW[:-1].decode()
    yield not os.path.lexists(new), f'there is no {new}'


def connections(stand):
    """New sockets that the filter does not forbid reach nothing."""
    with stand.agent() as agent:
        yield from connect_all(stand, agent)


def connect_all(stand, agent):
    to = socket.socket()
    to.bind(('127.0.0.1', 0))
    to.listen()
    with to, socket.socket(socket.AF_UNIX) as near:
        near.bind('\0dsp-hijack-test')
        near.listen()
        where = [(2, 'TCP', struct.pack('>HHI8x', 0x0200, to.getsockname()[1],
                                        0x7f000001), 'EACCES'),
                 (1, 'an abstract socket', b'\1\0\0dsp-hijack-test',
                  'EPERM')]
        if not stand.world:
            where.append((1, 'the Docker socket',
                          address_of(stand.docker.socket), 'EACCES'))
        for family, what, name, word in where:
            fd = agent.call('socket', family, 1, 0).value
            result = agent.call('connect', fd, name, len(name))
            yield (fd >= 0 and result.word == word,
                   f'connect to {what}: {result}')


def along(stand):
    """Descriptors that come along with orders are not the gate's."""
    def others():
        return len(descriptors(stand.gate)) - len(stand.proxy.workers())

    # Three standard ones, the master's pair, and two that it waits with.
    h.until(lambda: others() == 6, 'the gate has its own and the workers')
    with stand.agent() as agent:
        data = order(b'/_ping')
        message = agent.message(agent.put(data), len(data), agent.rights(2))
        for _time in range(20):
            agent.call('sendmsg', 'gate', message, 0)
            answer = agent.answer()
            agent.call('close', answer[3] if answer else -1)
        yield bool(answer), 'orders with descriptors are answered'
        h.until(lambda: others() == 6, 'the gate holds no more', 5)
        yield True, 'descriptors passed to the gate are dropped'
