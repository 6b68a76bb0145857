"""Broken copies of the program, one hole each, to see that the laws find
them."""

import glob
import os
import shutil
import subprocess
import tempfile

import harness as h

# name, file, text, what is put in its place, the law that must be broken,
# the profile under which it is looked for
HOLES = (
    ('escapes of plain letters pass', 'target.c',
     'if (is_needless_escape(c.byte))', 'if (0)', 'handler', 'except'),
    ('rules are not anchored at the end', 'rule.c',
     'PCRE2_ANCHORED | PCRE2_ENDANCHORED', 'PCRE2_ANCHORED', 'rule', 'exact'),
    ('rules ignore case', 'rule.c', 'PCRE2_ANCHORED | ',
     'PCRE2_CASELESS | PCRE2_ANCHORED | ', 'rule', 'startstop'),
    ('any API version passes', 'target.c',
     'if (version.p == NULL)', 'if (1)', 'spelling', 'loose'),
    ('empty and dot segments pass', 'target.c', 'if (segment.len == 0 || ',
     'if (segment.len > 99 && ', 'handler', 'wide'),
    ('attach/ws and %2F need no rule that names them', 'policy.c',
     'if (!may_allow(rule, &request->target))', 'if (0)', 'handler', 'wide'),
    ('form bodies pass', 'policy.c', 'if (is_form(r))', 'if (0)', 'handler',
     'kill'),
    ('start takes a body', 'policy.c', 'if (is_start_with_body(r))',
     'if (0)', 'refused', 'startstop'),
    ('old API versions pass', 'policy.c', 'r->target.api_minor < min_api',
     '0', 'refused', 'exact'),
    ('with length and coding the length counts', 'body.c',
     'return REASON_LENGTH_AND_CODING;', 'return length_of(head, body);',
     'same', 'startstop'),
    ('GET takes a body', 'body.c', 'return !span_eq(method, SPAN("GET")) &&',
     'return method.len > 0 ||', 'refused', 'wide'),
    ('connections to dockerd are kept', 'forward.c',
     '"Connection: close\\r\\n");\n\t\treturn;',
     '"Connection: keep-alive\\r\\n");\n\t\treturn;', 'wire', 'exact'),
    ('all fields pass', 'order.c', 'known = kept[i];',
     'known = name;', 'wire', 'exact'),
)

DEFINES = ('-D_FORTIFY_SOURCE=2', '-DCONFIG_FILE="/nonexistent/conf"',
           '-DPROFILE_DIR_ADMIN="/nonexistent"',
           '-DPROFILE_DIR_SHIPPED="/nonexistent"')


class Workshop:
    """A copy of the sources, compiled; for each hole one file anew."""

    def __init__(self):
        self.compiler = os.environ.get('CC', 'cc').split()
        h.need_tool(self.compiler[0])
        h.need_tool('pkg-config')
        source = os.path.abspath(os.environ.get('srcdir') or '.') + '/src'
        build = os.path.abspath(os.environ.get('builddir') or '.')
        if not os.path.exists(build + '/config.h'):
            raise h.Skip('no config.h in the build folder')
        self.flags = pkg_config('--cflags')
        self.libs = pkg_config('--libs')
        self.dir = tempfile.mkdtemp(prefix='dsp-holes.', dir='/tmp')
        os.chmod(self.dir, 0o755)
        for made in ('config.h', 'callnames.h'):
            if os.path.exists(f'{build}/{made}'):
                shutil.copy(f'{build}/{made}', self.dir)
        shutil.copytree(source, self.dir + '/src',
                        ignore=shutil.ignore_patterns('*.o', '.*'))

    def __enter__(self):
        try:
            for source in sorted(glob.glob(self.dir + '/src/*.c')):
                self.compile(source, source[:-2] + '.o')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_why):
        shutil.rmtree(self.dir)

    def compile(self, source, target):
        run(self.compiler + ['-O1', '-fPIE', *DEFINES, *self.flags, '-I',
                             self.dir, '-I', self.dir + '/src', '-c', source,
                             '-o', target])

    def program(self, file, text, instead):
        """Where the program with that hole is."""
        with open(f'{self.dir}/src/{file}', encoding='utf-8') as f:
            before = f.read()
        h.expect(before.count(text) == 1, file, 'does not have once:', text)
        broken = f'{self.dir}/broken-{file}'
        h.write(broken, before.replace(text, instead))
        self.compile(broken, self.dir + '/broken.o')
        os.unlink(broken)
        objects = [path for path in glob.glob(self.dir + '/src/*.o')
                   if os.path.basename(path) != file[:-1] + 'o']
        run(self.compiler + ['-pie', '-o', self.dir + '/program', *objects,
                             self.dir + '/broken.o', *self.libs])
        return self.dir + '/program'


def pkg_config(option):
    done = subprocess.run(['pkg-config', option, 'libpcre2-8'], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        raise h.Skip('pkg-config does not find libpcre2-8')
    return done.stdout.decode().split()


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    h.expect(done.returncode == 0, *command, '->',
             done.stdout.decode('utf-8', 'replace')[-2000:])
