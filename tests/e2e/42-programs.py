#!/usr/bin/python3 -B
"""Programs that watch, copy, build or clean up, each through the profile that
is shipped for it."""

import concurrent.futures
import json
import os
import re
import tempfile
import time

import debs
import harness as h
from programs import (CHANGES, IMAGE, NO_EXEC, SYSTEM, WEB, Job, good, main,
                      steady)


def together(act, each_one):
    """act for all of them at once: these mostly wait."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(act, each_one))


# -- those that watch --------------------------------------------------------

def docker_py(host):
    """docker-py"""
    try:
        import docker
    except ImportError as why:
        raise h.Skip('no docker-py') from why
    client = docker.DockerClient(base_url=host, version='auto', timeout=30)
    try:
        web = client.containers.get(WEB)
        return (client.ping(), client.version()['Version'],
                client.info()['Containers'], client.df()['LayersSize'],
                sorted(each.name for each in client.containers.list(all=True)),
                web.attrs['Config']['Cmd'], web.logs(), web.top()['Titles'],
                web.stats(stream=False)['name'], web.diff(),
                sorted(tag for each in client.images.list()
                       for tag in each.tags),
                client.images.get(IMAGE).history()[0]['Size'],
                sorted(each.name for each in client.networks.list()),
                client.volumes.list(),
                [each['Action'] for each in client.events(
                    since=1, until=int(time.time()), decode=True,
                    filters={'container': WEB, 'event': 'create'})])
    finally:
        client.close()


def glances(host):
    """glances"""
    place = debs.folder()
    done = good(host, '/usr/bin/python3', '-B', place + '/usr/bin/glances',
                '--stdout', 'docker', '--time', '1', '--stop-after', '3',
                env={'PYTHONPATH': place + '/usr/lib/python3/dist-packages'})
    last = [line for line in done.out.splitlines()
            if line.startswith('docker: [{')][-1]
    found = [re.findall(f"'{key}': ('[^']*'|\\[[^]]*\\])", last)
             for key in ('name', 'Status', 'Image', 'Command')]
    # Filled from the stream of statistics.
    return found, bool(re.search(r"'memory_usage': [1-9]", last))


def netdata(host):
    """netdata's names of cgroups"""
    name = good(host, SYSTEM, 'inspect', '--format', '{{.Id}}', WEB).out
    done = good(host, debs.folder()
                + '/usr/lib/netdata/plugins.d/cgroup-name.sh',
                '/docker/' + name.strip(), 'docker_' + name.strip())
    h.expect(done.out == WEB + '\n', done)
    return done.out


def prometheus(host):
    """prometheus, the discovery of targets"""
    with tempfile.TemporaryDirectory(prefix='dsp-prometheus.') as folder:
        h.write(folder + '/conf', json.dumps({'scrape_configs': [
            {'job_name': 'all', 'docker_sd_configs': [{'host': host}]},
            {'job_name': 'some', 'docker_sd_configs': [{
                'host': host, 'filters': [
                    {'name': 'name', 'values': [WEB]}]}]}]}))


        def discover(job):
            done = good(host, debs.folder() + '/usr/bin/promtool', 'check',
                        'service-discovery', '--timeout=2s', folder + '/conf',
                        job)
            h.expect('/' + WEB in done.out, done)
            return sorted(line for line in done.out.splitlines()
                          if '__meta_docker' in line)
        return together(discover, ['all', 'some'])


def zabbix(host):
    """zabbix-agent2"""
    with tempfile.TemporaryDirectory(prefix='dsp-zabbix.') as folder:


        def get(key):
            own = tempfile.mkdtemp(dir=folder)
            h.write(own + '/conf', 'Server=127.0.0.1\nLogType=console\n'
                    f'ControlSocket={own}/control\n'
                    f'PluginSocket={own}/plugin\n'
                    f'Plugins.Docker.Endpoint={host}\n')
            done = good(host, debs.folder() + '/usr/sbin/zabbix_agent2',
                        '-c', own + '/conf', '-t', key)
            h.expect('[s|' in done.out, key, done)
            return key, told(json.loads(
                done.out.partition('[s|')[2].rstrip()[:-1]))
        return together(get, [
            'docker.ping', 'docker.info', 'docker.containers',
            'docker.containers.discovery', 'docker.containers.discovery[true]',
            'docker.images', 'docker.images.discovery', 'docker.data_usage',
            f'docker.container_info[{WEB}]',
            f'docker.container_info[{WEB},full]',
            f'docker.container_stats[{WEB}]'])


def told(value):
    """What does not change of a value: its keys, and some of its words."""
    kept = ('Name', 'Names', '{#NAME}', 'RepoTags', 'Image', 'Path', 'Args',
            'ServerVersion')
    if isinstance(value, list):
        return sorted((told(each) for each in value), key=str)
    if isinstance(value, dict):
        return {key: told(value[key]) if key in kept
                or isinstance(value[key], (dict, list)) else None
                for key in value}
    return value


# -- those that change something -----------------------------------------------

def skopeo(host):
    """skopeo, out of the daemon"""
    h.need_tool('skopeo')
    name = f'docker-daemon:{IMAGE}:latest'
    shown = good(host, 'skopeo', 'inspect', '--daemon-host', host, name).out
    with tempfile.TemporaryDirectory(prefix='dsp-skopeo.') as folder:
        good(host, 'skopeo', '--insecure-policy', 'copy', '--src-daemon-host',
             host, name, 'dir:' + folder)
        files = sorted(os.listdir(folder))
        h.expect('manifest.json' in files and len(files) == 4, files)
        return json.loads(shown)['Layers'], files


def docker_clean(host):
    """docker-clean"""
    h.need_tool('docker-clean')
    direct = h.Dockerd.running.host
    h.docker_ok(direct, 'create', '--name', 'dsp-gone', '-v', '/data', IMAGE,
                'true')
    h.docker_ok(direct, 'volume', 'create', 'dsp-gone')
    h.docker_ok(direct, 'tag', IMAGE, 'dsp-gone')
    dry = good(host, 'docker-clean', '-n')
    done = good(host, 'docker-clean', 'run', '-l')
    h.expect('DELETED' in done.out, done)
    left = h.docker_ok(direct, 'ps', '-aq', '--filter', 'name=dsp-gone')
    h.expect(left == '', left)
    h.docker_ok(direct, 'rmi', 'dsp-gone')
    # Volumes come in the order of their names, and one of them is a number.
    return [sorted(steady(each.out).splitlines()) for each in (dry, done)]


def imagebuilder(host):
    """imagebuilder"""
    h.need_tool('imagebuilder')
    direct = h.Dockerd.running.host
    with tempfile.TemporaryDirectory(prefix='dsp-build.') as folder:
        h.write(folder + '/Dockerfile', f'FROM {IMAGE}\nCOPY one /one\n'
                'RUN cat /one >/two\nENV A=b\n')
        h.write(folder + '/one', 'text\n')
        done = good(host, 'imagebuilder', '-t', 'dsp-built:1', folder)
    text = h.docker_ok(direct, 'run', '--rm', '--network', 'none',
                       'dsp-built:1', 'cat', '/two')
    h.expect(text == 'text', text)
    h.docker_ok(direct, 'rmi', 'dsp-built:1')
    return steady(done.out), text


main([
    Job('readonly', docker_py, CHANGES + NO_EXEC),
    Job('glances', glances, CHANGES + [f'GET /containers/{WEB}/logs']),
    Job('netdata', netdata, CHANGES + [f'GET /containers/{WEB}/logs']),
    Job('prometheus', prometheus, CHANGES + [f'GET /containers/{WEB}/json']),
    Job('zabbix-agent2', zabbix, CHANGES + ['GET /events']),
    Job('skopeo', skopeo, CHANGES + ['POST /v1.22/images/load?quiet=1'],
        args=['--min-api', '1.22']),
    Job('docker-clean', docker_clean, [
        'POST /containers/create', f'POST /containers/{WEB}/kill',
        'POST /containers/prune', f'GET /containers/{WEB}/logs?stdout=1']),
    Job('imagebuilder', imagebuilder, [
        'POST /build', 'POST /containers/prune', 'POST /images/load',
        f'GET /containers/{WEB}/logs?stdout=1']),
])
