"""The audit system of the kernel: rules that are ours alone, and the records
that they make, whoever else reads them."""

import os
import re
import select
import shutil
import socket
import struct
import subprocess

import debs
import harness as h

NETLINK_AUDIT = 9
READERS = 1             # the group of those who are sent all records
TYPES = {1300: 'SYSCALL', 1302: 'PATH', 1305: 'CONFIG_CHANGE',
         1306: 'SOCKADDR', 1307: 'CWD', 1320: 'EOE', 1327: 'PROCTITLE'}


class Records:
    """What the kernel says from now on.  Its log would lose some."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                    NETLINK_AUDIT)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # RCVBUFFORCE
        self.socket.bind((0, READERS))
        self.lines = []

    def take(self):
        """All lines since clear(), as auditd would write them."""
        while select.select([self.socket], [], [], 0)[0]:
            data = self.socket.recv(65536)
            size, kind = struct.unpack_from('=IH', data)
            text = data[16:size].decode('ascii', 'replace').rstrip('\0\n')
            self.lines.append(f'type={TYPES.get(kind, kind)} msg={text}')
        return self.lines

    def clear(self):
        self.take()
        self.lines = []


class Audit:
    """Switched on, with rules of ours, until the end."""

    def __init__(self, keys):
        self.keys = keys
        self.env = h.clean_environment()
        if not shutil.which('auditctl'):
            place = debs.folder(debs.AUDIT)
            self.env['PATH'] = f'{place}/sbin:' + self.env['PATH']
            self.env['LD_LIBRARY_PATH'] = ':'.join(
                os.path.join(place, 'lib', name)
                for name in os.listdir(place + '/lib'))
        self.was = None
        try:
            self.records = Records()
        except OSError as why:
            raise h.Skip(f'no audit system is to be had here: {why}') from why

    def __enter__(self):
        done = self.ctl('-s')
        found = re.search(r'^enabled (\d)', done.out, re.M)
        if done.code != 0 or not found:
            raise h.Skip(f'no audit system is to be had here: {done}')
        if found.group(1) == '2':
            raise h.Skip('the audit rules of this machine are locked')
        rules = self.ctl('-l').out
        if any(text in rules for text in (*self.keys, 'never,task')):
            raise h.Skip(f'this machine has audit rules already: {rules}')
        self.was = found.group(1)
        self.ctl('-e', '1')
        return self

    def __exit__(self, *_why):
        self.forget()
        if self.was:
            self.ctl('-e', self.was)
        self.records.socket.close()

    def run(self, *command, **more):
        return h.Done(subprocess.run(
            command, env=self.env, stdout=subprocess.PIPE, check=False,
            stderr=subprocess.PIPE, timeout=h.PATIENCE, **more))

    def ctl(self, *args):
        return self.run('auditctl', *args, stdin=subprocess.DEVNULL)

    def load(self, text, folder):
        """Rules from a file, and no others of ours."""
        self.forget()
        h.write(folder + '/rules', text)
        done = self.ctl('-R', folder + '/rules')
        self.records.clear()
        return done

    def forget(self):
        for key in self.keys:
            if key in self.ctl('-l').out:
                self.ctl('-D', '-k', key)
