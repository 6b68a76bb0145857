#!/usr/bin/python3 -B
"""Programs for node, each through the profile that is shipped for it."""

import json
import os
import shutil
import tempfile

import harness as h
import npm
from programs import IMAGE, SYSTEM, WEB, Job, good, main, run

# A test that needs a container, as its authors' manual has it.
CONTAINERS = r'''
const {GenericContainer, Wait} = require('testcontainers');
(async () => {
  const made = await new GenericContainer('%s:latest')
      .withCommand(['sh', '-c', 'echo ready; exec sleep 1000'])
      .withWaitStrategy(Wait.forLogMessage('ready'))
      .withNetworkMode('none')
      .withEnvironment({WORD: 'given'})
      .withCopyContentToContainer([{content: 'copied', target: '/tmp/x'}])
      .start();
  const done = await made.exec(['sh', '-c', 'cat /tmp/x; echo " $WORD"']);
  console.log(done.exitCode, done.output);
  let length = 0;
  for await (const part of await made.copyArchiveFromContainer('/tmp/x'))
    length += part.length;
  console.log(length);
  await made.stop();
})().catch(why => { console.error(why.message); process.exit(1); });
''' % IMAGE

BUILD = r'''
const {GenericContainer} = require('testcontainers');
GenericContainer.fromDockerfile(process.argv[1]).build()
    .catch(why => { console.error(why.message); process.exit(1); });
'''

CONFIGURATION = {'image': IMAGE + ':latest', 'runArgs': ['--network', 'none'],
                 'overrideCommand': True,
                 'postCreateCommand': 'echo created >/tmp/made'}


def node(host, *args, check=good):
    with tempfile.TemporaryDirectory(prefix='dsp-node.') as folder:
        return check(host, 'node', *args, env={
            'NODE_PATH': npm.folder(), 'TMPDIR': folder,
            'TESTCONTAINERS_RYUK_DISABLED': 'true',
            # Else it asks for a network that this dockerd has not.
            'TESTCONTAINERS_HOST_OVERRIDE': '127.0.0.1'})


def testcontainers(host):
    """testcontainers"""
    out = node(host, '-e', CONTAINERS).out
    h.expect(out.split() == ['0', 'copied', 'given', '2048'], out)
    return out


def builds(host):
    with tempfile.TemporaryDirectory(prefix='dsp-build.') as folder:
        h.write(folder + '/Dockerfile', f'FROM {IMAGE}\n')
        return node(host, '-e', BUILD, folder, check=run)


def devcontainers(host):
    """the command of Dev Containers"""
    program = npm.folder() + '/@devcontainers/cli/devcontainer.js'
    folder = tempfile.mkdtemp(prefix='dsp-devcontainer.', dir='/tmp')
    os.mkdir(folder + '/.devcontainer')
    h.write(folder + '/.devcontainer/devcontainer.json',
            json.dumps(CONFIGURATION))
    where = ('--workspace-folder', folder, '--docker-path', SYSTEM)
    made = None
    try:
        up = json.loads(node(host, program, 'up', *where).out.splitlines()[-1])
        made = up['containerId']
        inside = node(host, program, 'exec', *where, 'cat', '/tmp/made').out
        h.expect(inside == 'created\n', inside)
        return up['outcome'], up['remoteUser'], inside
    finally:
        if made:
            h.remove(h.Dockerd.running.host, made)
        shutil.rmtree(folder)


main([
    Job('testcontainers', testcontainers, [
        'POST /build', f'POST /commit?container={WEB}', 'POST /volumes/create',
        'POST /containers/prune', f'GET /containers/{WEB}/attach/ws'],
        tries=builds),
    Job('devcontainers', devcontainers, [
        'POST /containers/prune', f'POST /commit?container={WEB}',
        f'GET /containers/{WEB}/export', 'POST /plugins/pull']),
])
