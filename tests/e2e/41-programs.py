#!/usr/bin/python3 -B
"""The docker command and Compose, old and new, each through the profile that
is shipped for it."""

import shutil
import tempfile
import time

import daemon28
import harness as h
from programs import (CHANGES, IMAGE, NO_EXEC, SYSTEM, WEB, Job, good, main,
                      plugin_home, run, steady)

COMPOSE = '''version: "2.4"
services:
  web:
    image: %s
    command: sh -c "echo composed; exec sleep 1000"
    network_mode: none
'''

# -- the docker command ------------------------------------------------------

def looks(host, docker):
    """What a docker command shows."""
    until = str(int(time.time()) + 1)
    shown = []
    for args in (
            ('version', '--format', '{{.Server.Version}}'),
            ('info', '--format', '{{.Containers}} {{.Driver}}'),
            ('ps', '-a', '--no-trunc'),
            ('ps', '-a', '-s', '--filter', 'name=' + WEB),
            ('inspect', '--format', '{{.Name}} {{.Config.Cmd}}', WEB),
            ('inspect', '--format', '{{.RepoTags}}', IMAGE),
            ('inspect', '--size', '--type', 'container', '--format',
             '{{.SizeRootFs}}', WEB),
            ('container', 'ls'), ('image', 'ls', '-a', '--digests'),
            ('logs', '--tail', '1', '-t', WEB), ('top', WEB),
            ('top', WEB, '-o', 'pid,comm'), ('port', WEB), ('diff', WEB),
            ('stats', '--no-stream', '--format', '{{.Name}}'),
            ('images', '--filter', 'reference=dsp-*'),
            ('history', '--no-trunc', IMAGE),
            ('image', 'inspect', '--format', '{{.Os}}', IMAGE),
            ('network', 'ls'), ('network', 'inspect', 'none', '--format',
                                '{{.Driver}}'),
            ('volume', 'ls', '-q'), ('volume', 'ls', '--filter',
                                     'dangling=true'),
            ('system', 'df', '--format', '{{.Type}} {{.TotalCount}}'),
            ('events', '--since', '1', '--until', until, '--filter',
             'container=' + WEB, '--filter', 'event=create', '--format',
             '{{.Action}}')):
        lines = steady(good(host, docker, *args).out).splitlines()
        # What else is there changes with the time.
        shown.append((args[0], lines[:1] if args == ('top', WEB)
                      else sorted(lines)))
    return shown


def docker_20(host):
    """docker 20.10"""
    return looks(host, SYSTEM)


def docker_28(host):
    """docker 28"""
    return looks(host, daemon28.clients() + '/usr/bin/docker')


def removes(host):
    return run(host, SYSTEM, 'rm', '-f', WEB)


# -- Docker Compose ----------------------------------------------------------

LIFE = [['up', '-d'], ['ps', '-q'], ['logs', '--no-color'],
        ['exec', '-T', 'web', 'echo', 'inside'],
        ['run', '--rm', 'web', 'echo', 'run'], ['down', '-t', '0', '-v']]
LONG = LIFE[:-1] + [
    ['top'], ['pause'], ['unpause'], ['stop', '-t', '0'], ['rm', '-f'],
    ['create'], ['images']] + LIFE[-1:]


def composes(host, life, *command, home=None):
    """The life of a project."""
    with tempfile.TemporaryDirectory(prefix='dsp-compose.') as folder:
        path = folder + '/compose.yaml'
        h.write(path, COMPOSE % IMAGE)
        args = [*command, '-p', 'dsp', '-f', path]
        found = []
        for words in life:
            done = good(host, *args, *words, home=home)
            out = steady(done.out) if words[0] in (
                'ps', 'logs', 'exec', 'run', 'images') else ''
            found.append((words[0], out))
        return found


def compose_1(host):
    """docker-compose 1.29"""
    h.need_tool('docker-compose')
    return composes(host, LIFE, 'docker-compose')


def compose_2(host):
    """docker compose 2"""
    folder = daemon28.clients()
    home = plugin_home(folder)
    try:
        return composes(host, LONG, folder + '/usr/bin/docker', 'compose',
                        '--progress', 'quiet', home=home)
    finally:
        shutil.rmtree(home)


def builds(host):
    with tempfile.TemporaryDirectory(prefix='dsp-compose.') as folder:
        h.write(folder + '/Dockerfile', f'FROM {IMAGE}\n')
        h.write(folder + '/compose.yaml', 'version: "2.4"\n'
                'services:\n  web:\n    build: .\n')
        return run(host, 'docker-compose', '-f', folder + '/compose.yaml',
                   'build')


NO_PRUNE = ['POST /containers/prune', 'POST /build', 'POST /plugins/pull',
            'POST /swarm/init', f'GET /containers/{WEB}/export']

main([
    Job('docker-cli-ro', docker_20, CHANGES + NO_EXEC, tries=removes),
    Job('docker-cli-ro', docker_28, CHANGES),
    Job('compose', compose_1, NO_PRUNE, tries=builds),
    Job('compose', compose_2, NO_PRUNE),
])
