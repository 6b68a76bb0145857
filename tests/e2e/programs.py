"""Programs that ask Docker, run against one socket after the other: directly,
and through a shipped profile.

What a job returns must be the same both times, so that what it says of times,
sizes in use and ids is left out.  The profile must let all of it pass, and what
it does not name is refused, and changes nothing.
"""

import json
import os
import re
import subprocess
import tempfile
import time

import harness as h
import wire

IMAGE = 'dsp-e2e-user'          # busybox, with a user root
WEB = 'dsp-web'
SYSTEM = '/usr/bin/docker'      # Debian's, whatever else is in front of it
OURS = b'docker-socket-protector: '

# What a program that only looks must not do.
CHANGES = ['POST /containers/prune', f'DELETE /containers/{WEB}?force=1',
           f'POST /containers/{WEB}/kill', 'POST /containers/create',
           f'GET /containers/{WEB}/archive?path=/etc/passwd']
NO_EXEC = [f'POST /containers/{WEB}/exec', f'GET /containers/{WEB}/attach/ws',
           f'GET /containers/{WEB}/export']


def steady(text):
    """Without ids, ages, and the widths of columns."""
    text = re.sub(r'\b([0-9a-f]{64}|[0-9a-f]{12})\b', 'ID', text)
    text = re.sub(r'(Up |Exited \(\d+\) )?(About |Less than )?'
                  r'(an?|\d+) (second|minute)s?( ago)?', 'AGE', text)
    return re.sub(r'[ \t]+', ' ', text)


def run(host, *command, env=None, stdin=b'', home=None, limit=60):
    """Run a program that is told where Docker is by DOCKER_HOST."""
    with tempfile.TemporaryDirectory(prefix='dsp-home.') as empty:
        home = home or empty
        os.makedirs(home + '/.docker', exist_ok=True)
        h.write(home + '/.docker/config.json', '{"auths": {}}')
        more = {'HOME': home, 'DOCKER_CONFIG': home + '/.docker',
                'DOCKER_HOST': host, 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb'}
        return h.Done(subprocess.run(
            command, input=stdin, timeout=limit, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(h.docker_environment(), **more, **(env or {}))))


def good(host, *command, **more):
    """The same; it must succeed."""
    done = run(host, *command, **more)
    h.expect(done.code == 0, *command, '->', done)
    return done


def plugin_home(folder):
    """A HOME for the docker command with the plugins below folder."""
    home = tempfile.mkdtemp(prefix='dsp-home.')
    os.makedirs(home + '/.docker')
    os.symlink(folder + '/usr/libexec/docker/cli-plugins',
               home + '/.docker/cli-plugins')
    return home


class Job:
    """What a program does, and what its profile keeps it from."""

    def __init__(self, profile, act, refused, args=(), tries=None):
        self.profile = profile
        self.act = act              # act(host): the result
        self.refused = refused      # "METHOD TARGET", by hand
        self.args = args            # of the proxy
        self.tries = tries          # tries(host): Done; by the program itself
        self.__name__ = act.__name__

    def check(self, d):
        name = h.title(self.act)
        began = time.monotonic()
        before = inventory(d)
        want = self.act(d.host)
        with h.Proxy(d.socket, profile=self.profile, args=self.args,
                     listen=[f'unix://{d.room}/programs.sock']) as p:
            h.same(self.act(p.host), want, f'{name}: as without it')
            denied = [line for line in p.err().splitlines()
                      if ' deny ' in line or ' fail ' in line]
            h.same(denied, [], f'{name}: profile {self.profile} lets it all '
                   'pass')
            for request in self.refused:
                self.check_refused(p, *request.split(' ', 1))
            if self.tries is not None:
                done = self.tries(p.host)
                text = f'denied by profile {self.profile}'
                h.check(done.code != 0 and text in done.out + done.err,
                        f'{name}: it shows who refuses', done)
        h.same(inventory(d), before, f'{name}: nothing was changed')
        h.note(f'{time.monotonic() - began:.1f} s')

    def check_refused(self, p, method, target):
        answer = wire.request(p.host, method, target)
        text = f'denied by profile {self.profile}: {method}'
        h.check(answer.status == 403 and OURS + text.encode() in answer.body,
                f'{self.profile} refuses {method} {target}', answer)


def inventory(d):
    """What dockerd has, by what cannot be the same of another one."""
    def ask(target):
        answer = wire.request(d.host, 'GET', target)
        h.expect(answer.status == 200, target, answer)
        return json.loads(answer.body)
    return (sorted((each['Id'], each['State'], *each['Names'])
                   for each in ask('/containers/json?all=1')),
            sorted((each['Id'], *sorted(each['RepoTags'] or []))
                   for each in ask('/images/json?all=1')),
            sorted(each['Name'] for each in ask('/volumes')['Volumes'] or []),
            sorted(each['Id'] for each in ask('/networks')))


def make_image(d):
    """dsp-e2e-user: some programs want a user in /etc/passwd."""
    root = d.dir + '/rootfs'
    os.makedirs(root + '/etc', exist_ok=True)
    os.makedirs(root + '/tmp', exist_ok=True)
    h.write(root + '/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n')
    h.write(root + '/etc/group', 'root:x:0:\n')
    packed = subprocess.run(['tar', '-C', root, '-c', '.'], check=True,
                            stdout=subprocess.PIPE).stdout
    h.docker_ok(d.host, 'import', '-', IMAGE, stdin=packed)


def main(jobs):
    """Each on a daemon of our own: some of them clean up whatever there is."""
    def body():
        if not os.access(SYSTEM, os.X_OK):
            raise h.Skip(f'no {SYSTEM} (package docker.io)')
        with h.Dockerd(must_own=True) as d:
            make_image(d)
            h.run_container(d.host, 'sh', '-c', 'echo out; exec sleep 1000',
                            options=('--name', WEB))
            h.each([checker(job) for job in jobs], d)
    h.main(body)


def checker(job):
    def check(d):
        job.check(d)
    check.__name__ = job.__name__
    check.__doc__ = h.title(job.act)
    return check
