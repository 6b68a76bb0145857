#!/usr/bin/python3 -B
"""Files in and out: archives of 64 MiB keep every byte, both ways."""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile

import harness as h

SIZE = 64 << 20
NAME = 'dsp-files'


def digest(path):
    with open(path, 'rb') as f:
        return file_digest(f)


def file_digest(f):
    made = hashlib.sha256()
    for block in iter(lambda: f.read(1 << 20), b''):
        made.update(block)
    return made.hexdigest()


def digests(path):
    """name -> digest of the regular files of an archive, and of the
    archives in it."""
    with tarfile.open(path) as archive:
        return {member.name: file_digest(archive.extractfile(member))
                for member in archive if member.isfile()}


class Files:
    """A folder with the big file, its digest, and an image with it."""

    def __init__(self, docker_host):
        self.dir = tempfile.mkdtemp(prefix='dsp-files.', dir='/tmp')
        self.big = self.dir + '/big'
        with open(self.big, 'wb') as f:
            for _block in range(SIZE >> 20):
                f.write(os.urandom(1 << 20))
        self.digest = digest(self.big)
        self.container = h.sleeper(docker_host, '--name', NAME)
        self.image = self.dir + '/image.tar'
        with tarfile.open(self.image, 'w') as archive:
            archive.add(h.BUSYBOX, 'bin/sh')
            archive.add(self.big, 'big')

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return f'{self.dir}/{name}'


files = None


def copy(host):
    """cp: 64 MiB in and out, into a folder, link targets, a missing file"""
    out = files.path('copied')
    h.docker_ok(host, 'cp', files.big, NAME + ':/big')
    inside = h.docker_ok(host, 'exec', NAME, 'sha256sum', '/big')
    h.docker_ok(host, 'cp', NAME + ':/big', out)
    h.expect(inside.split()[0] == files.digest, inside)
    h.expect(digest(out) == files.digest, 'the file that came back differs')
    missing = h.docker(host, 'cp', NAME + ':/missing', out)
    h.expect(missing.code == 1, missing)
    return missing.err


def copy_stdin(host):
    """cp - : an archive from stdin and to stdout"""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode='w') as archive:
        member = tarfile.TarInfo('small')
        member.size = 5
        archive.addfile(member, io.BytesIO(b'small'))
    done = h.docker(host, 'cp', '-', NAME + ':/tmp-in',
                    stdin=made.getvalue())
    h.expect(done.code == 1, done)
    h.docker_ok(host, 'exec', NAME, 'mkdir', '-p', '/in')
    h.docker_ok(host, 'cp', '-', NAME + ':/in', stdin=made.getvalue())
    back = h.docker(host, 'cp', NAME + ':/in/small', '-')
    with tarfile.open(fileobj=io.BytesIO(back.raw)) as archive:
        content = archive.extractfile('small').read()
    h.expect(content == b'small', content)
    return done.err, back.code


def image_files(host):
    """import, save, rmi, load: 64 MiB each way, the same digests"""
    with open(files.image, 'rb') as f:
        image = h.docker_ok(host, 'import', '-', 'dsp-e2e-big',
                            stdin=f.read())
    saved = files.path('saved.tar')
    h.docker_ok(host, 'save', '-o', saved, 'dsp-e2e-big')
    h.docker_ok(host, 'rmi', 'dsp-e2e-big')
    with open(saved, 'rb') as f:
        loaded = h.docker_ok(host, 'load', stdin=f.read())
    again = h.docker_ok(host, 'image', 'inspect', '-f', '{{.Id}}',
                        'dsp-e2e-big')
    h.expect(again == image, image, again)
    layers = [value for value in digests(saved).values()]
    h.expect(len(layers) > 2, layers)
    h.expect(os.path.getsize(saved) > SIZE, os.path.getsize(saved))
    h.docker_ok(host, 'rmi', 'dsp-e2e-big')
    return loaded


def saved_twice(docker_host, proxy_host):
    """save of one image: equal files directly and through the proxy"""
    saved = []
    for host in docker_host, proxy_host:
        path = files.path('saved.tar')
        h.docker_ok(host, 'save', '-o', path, h.IMAGE)
        saved.append(digests(path))
    h.check(len(saved[0]) > 2, 'the saved image has files')
    h.same(saved[1], saved[0], h.title(saved_twice))


def export(host):
    """export: the 64 MiB file and all others are in the archive"""
    path = files.path('exported.tar')
    with open(files.big, 'rb') as f:
        h.docker_ok(host, 'exec', '-i', NAME, 'sh', '-c', 'cat > /big2',
                    stdin=f.read())
    h.docker_ok(host, 'export', '-o', path, NAME)
    found = digests(path)
    h.expect(found.get('big2') == files.digest, sorted(found))
    return found


def export_pipe(host):
    """export to a reader that goes away does not hang"""
    process = subprocess.Popen(
        ['docker', '-H', host, 'export', NAME], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=h.docker_environment())
    process.stdout.read(1000)
    process.stdout.close()
    return process.wait(h.PATIENCE) != 0


def build(host):
    """build: context with 64 MiB, COPY, RUN; rmi"""
    context = files.path('context')
    os.makedirs(context, exist_ok=True)
    if not os.path.exists(context + '/big'):
        os.link(files.big, context + '/big')
    h.write(context + '/Dockerfile',
            f'FROM {h.IMAGE}\nCOPY big /big\n'
            'RUN sha256sum /big > /sum\nCMD ["cat", "/sum"]\n')
    built = h.docker(host, 'build', '--no-cache', '--network', 'none',
                     '-t', 'dsp-e2e-built', context)
    h.expect(built.code == 0, built)
    done = h.docker(host, 'run', '--rm', '--network', 'none',
                    'dsp-e2e-built')
    gone = h.docker_ok(host, 'rmi', 'dsp-e2e-built').splitlines()
    h.expect(done.out.split()[0] == files.digest, done)
    return [line for line in built.out.splitlines() if 'Step' in line], \
        done.code, gone[0]


def build_failure(host):
    """build with an instruction that does not exist"""
    context = files.path('bad')
    os.makedirs(context, exist_ok=True)
    h.write(context + '/Dockerfile', f'FROM {h.IMAGE}\nNONSENSE\n')
    done = h.docker(host, 'build', context)
    h.expect(done.code == 1, done)
    return done.code, done.err


def body():
    global files
    with h.Dockerd() as d, h.Proxy(d.socket) as p:
        files = Files(d.host)
        try:
            h.compare(d.host, p.host, [
                copy, copy_stdin, image_files, export, export_pipe, build,
                build_failure])
            h.each([saved_twice], d.host, p.host)
        finally:
            files.close()


h.main(body)
