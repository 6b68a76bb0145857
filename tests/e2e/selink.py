"""SELinux policies, linked with our module and asked: no kernel is needed.

The policy is Debian's own, fetched and unpacked into a cache, not installed:
a machine that installs it gets ready for it.  What it lacks, the names of
Docker and of containers, comes from the stubs in tests/selinux.
"""

import bz2
import glob
import os
import re
import shutil
import subprocess
import tempfile

import daemon28
from machine import need_tool, read, write
from tap import PATIENCE, Skip, expect

PACKAGE = 'selinux-policy-default'
MODULE = 'docker_socket_protector'
MAKEFILE = '/usr/share/selinux/devel/Makefile'
TO_CIL = '/usr/libexec/selinux/hll/pp'

# The names of interfaces in Fedora's policy, and Debian's for the same: what
# has only one of them there.
FEDORA_NAMES = (('systemd_unit_file', 'init_unit_file'),
                ('files_pid_file', 'files_runtime_file'),
                ('files_pid_filetrans', 'files_runtime_filetrans'),
                ('init_write_pid_socket', 'init_write_runtime_socket'))


def run(*command, stdin=None, **more):
    return subprocess.run(
        command, input=stdin, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=PATIENCE, check=False, **more)


def run_ok(*command, **more):
    done = run(*command, **more)
    expect(done.returncode == 0, *command, '->',
           done.stdout[-2000:].decode('utf-8', 'replace'))
    return done.stdout


def folder():
    """Where Debian's policy is unpacked; fetched now if need be."""
    place = f'{daemon28.cache()}/{PACKAGE}'
    if not os.path.isdir(place):
        for tool in 'apt-get', 'dpkg-deb':
            need_tool(tool)
        os.makedirs(daemon28.cache(), exist_ok=True)
        work = tempfile.mkdtemp(prefix='fetch.', dir=daemon28.cache())
        try:
            daemon28.output(['apt-get', '-q', '-y', 'download', PACKAGE],
                            cwd=work)
            deb, = glob.glob(work + '/*.deb')
            daemon28.output(['dpkg-deb', '-x', deb, work + '/root'])
            os.rename(work + '/root', place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return place


def to_cil(package):
    return run_ok(TO_CIL, stdin=package).decode()


def base(out):
    """Debian's policy without its modules, as a source.  Who logs in as whom
    is no matter of a policy."""
    path = folder() + '/usr/share/selinux/default/base.pp.bz2'
    with bz2.open(path) as f:
        text = to_cil(f.read())
    write(out, re.sub(r'(?m)^\(selinuxuser(default)? .*$', '', text))
    return out


def module(source, work, is_fedora=False):
    """Our module, built as its users build it."""
    os.mkdir(work)
    for path in glob.glob(f'{source}/{MODULE}.*'):
        shutil.copy(path, work)
    args = []
    if is_fedora:
        args = ['DISTRO=redhat']
        write(f'{work}/{MODULE}.te', ''.join(
            f"define(`{theirs}', defn(`{ours}'))undefine(`{ours}')dnl\n"
            for theirs, ours in FEDORA_NAMES) + read(f'{work}/{MODULE}.te'))
    run_ok('make', '-s', '-f', MAKEFILE, 'NAME=default', *args,
           MODULE + '.pp', cwd=work)
    with open(f'{work}/{MODULE}.pp', 'rb') as f:
        write(f'{work}/{MODULE}.cil', to_cil(f.read()))
    return f'{work}/{MODULE}.cil'


def link(out, *sources):
    """secilc's word on them together: nothing, or what is wrong.  What it
    made is out, and out.files, which says what file has which type."""
    done = run('secilc', '--mls=true', '--policyvers=33', '--output=' + out,
               f'--filecontext={out}.files', *sources)
    text = done.stdout.decode('utf-8', 'replace')
    return '' if done.returncode == 0 else text or 'secilc failed'


class Policy:
    def __init__(self, path):
        try:
            import setools
        except ImportError as why:
            raise Skip(f'{why} (package python3-setools)') from why
        self.path = path
        self.query = setools.TERuleQuery
        self.policy = setools.SELinuxPolicy(path)

    def who(self, target, kind, perm, source=None):
        """The domains that may do it, or of these the one."""
        query = self.query(
            self.policy, ruletype=['allow'], target=target, tclass=[kind],
            perms=[perm], **({'source': source} if source else {}))
        return {str(t) for rule in query.results()
                for t in expanded(rule.source)} & (
                    {source} if source else self.types())

    def whom(self, source, kind, perm):
        """What that domain may do it to."""
        query = self.query(
            self.policy, ruletype=['allow'], source=source, tclass=[kind],
            perms=[perm])
        return {str(t) for rule in query.results()
                for t in expanded(rule.target)}

    def types(self):
        return {str(t) for t in self.policy.types()}

    def type_of(self, path, kind=''):
        """By the name of a file (kind: "socket", "file", "directory")."""
        mode = {'socket': '-t socket', 'file': '-t file',
                'directory': '-t dir'}.get(kind, '').split()
        text = run_ok('selabel_lookup', '-b', 'file', '-f',
                      self.path + '.files', '-k', path, *mode).decode()
        return text.split('object_r:')[1].split(':')[0]


def expanded(type_or_attribute):
    return type_or_attribute.expand() \
        if hasattr(type_or_attribute, 'expand') else [type_or_attribute]
