#!/usr/bin/python3 -B
"""What the docker command reads is the same directly and through the
proxy; streams flow at once and end with their client."""

import re
import time

import harness as h
from parkyard import sockets

NAME = 'dsp-read'


def steady(text):
    """Without "2 seconds ago", "Up 3 seconds" and column widths, and with
    the runtimes of info, which come in any order, sorted."""
    text = re.sub(r'(Up |Exited \(\d+\) )?(About |Less than )?'
                  r'(an?|\d+) (second|minute|hour)s?( ago)?', 'AGE', text)
    text = re.sub(r'Runtimes: (.*)',
                  lambda found: ' '.join(sorted(found[1].split())), text)
    return re.sub(r' +', ' ', text)


def plain(*args):
    """A case that compares code, output and errors of a command.  Images of
    one second come in any order."""
    def case(host):
        done = h.docker(host, *args)
        h.expect(done.code == 0 and done.out + done.err, done)
        out = steady(done.out)
        if args[0] in ('images', 'image'):
            out = sorted(out.splitlines())
        return done.code, out, steady(done.err)
    case.__doc__ = 'docker ' + ' '.join(args)
    return case


READS = [plain(*line.split()) for line in (
    'version', 'ps', 'ps -a --no-trunc', 'ps -q --filter name=' + NAME,
    'inspect ' + NAME, 'inspect ' + h.IMAGE, 'images --digests',
    'history ' + h.IMAGE, 'logs ' + NAME, 'logs -t --tail 1 ' + NAME,
    'diff ' + NAME, 'info', 'system df', 'network ls', 'volume ls',
    'network inspect none', 'image ls -q')]


def top(host):
    """docker top"""
    done = h.docker(host, 'top', NAME, '-o', 'pid,args')
    h.expect(done.code == 0 and 'sleep' in done.out, done)
    return done.out


def unknown_container(host):
    """inspect of an unknown container fails with dockerd's words"""
    done = h.docker(host, 'inspect', 'dsp-nobody')
    h.expect(done.code == 1, done)
    return done.out, done.err


def events_window(host):
    """events with --until end by themselves"""
    done = h.docker(host, 'events', '--since', '1', '--until', '2')
    return done.code, done.out, done.err


def stats_once(host):
    """stats --no-stream"""
    done = h.docker(host, 'stats', '--no-stream', '--format',
                    '{{.Name}} {{.PIDs}}', NAME)
    h.expect(done.out.startswith(NAME), done)
    return done.code, done.out


def logs_follow(host):
    """logs -f: each line comes at once, killing the client ends it"""
    with h.Client(host, 'logs', '-f', '--tail', '0', NAME + '-talk') as c:
        h.expect(not c.out(), 'a line before it was written')
        h.until(lambda: say(host, 'begun') or 'begun' in c.out(),
                'the log is followed')
        for number in '1', '2':
            say(host, 'line ' + number)
            c.wait_out('line ' + number, seconds=5)
        return c.kill()


def say(host, text):
    """A line of output of the container."""
    h.docker_ok(host, 'exec', NAME + '-talk', 'sh', '-c',
                f'echo {text} > /proc/1/fd/1')


def logs_follow_to_end(host):
    """logs -f ends with its container"""
    name = h.run_container(host, 'sh', '-c', 'echo one; sleep 1; echo two')
    done = h.docker(host, 'logs', '-f', name)
    h.remove(host, name)
    return done.code, done.out


def events_open(host):
    """events come while other calls go on"""
    with h.Client(host, 'events', '--filter', 'type=container',
                  '--format', '{{.Status}}') as c:
        h.until(lambda: watches(host, c), 'events are watched')
        name = h.sleeper(host)
        c.wait_out('start', seconds=5)
        h.docker_ok(host, 'rename', name, NAME + '-renamed')
        c.wait_out('rename', seconds=5)
        h.remove(host, name)
        c.wait_out('destroy', seconds=5)
        return c.kill()


def watches(host, client):
    """Cause events until the client shows one."""
    h.docker_ok(host, 'exec', NAME, 'true')
    return 'exec_die' in client.out()


def stats_stream(host):
    """stats go on until the client is killed"""
    with h.Client(host, 'stats', '--format', 'row {{.Name}}', NAME) as c:
        c.wait_out('row ' + NAME, 3)
        return c.kill()


def late(host, text):
    """Have the container say something, which is an event too."""
    h.docker_ok(host, 'exec', NAME, 'sh', '-c', f'echo {text} >/proc/1/fd/1')


def silent_streams(host):
    """logs -f, events and stats that are silent for seconds go on"""
    with h.Client(host, 'logs', '-f', '--tail', '0', NAME) as logs, \
            h.Client(host, 'events', '--format', '{{.Action}}') as events, \
            h.Client(host, 'stats', '--format', 'row {{.Name}}',
                     NAME) as stats:
        stats.wait_out('row ' + NAME)
        h.until(lambda: watches(host, events), 'events are watched')
        for turn in range(3):
            time.sleep(2.5)
            seen = events.out().count('exec_die')
            late(host, f'late-{turn}')
            logs.wait_out(f'late-{turn}', seconds=2)
            events.wait_out('exec_die', seen + 1, 2)
            rows = stats.out().count('row ')
            stats.wait_out('row ', rows + 1, 4)
        late(host, 'last')
        logs.wait_out('last', seconds=2)
        said = re.findall(r'late-.|last', logs.out())
        return said, logs.kill(), events.kill(), stats.kill()


def are_parked(p):
    """and meanwhile they cost no worker"""
    with h.Client(p.host, 'logs', '-f', NAME) as logs, \
            h.Client(p.host, 'events') as events:
        h.until(lambda: watches(p.host, events), 'events are watched')
        h.until(lambda: sum(len(sockets(pid)) - 1 for pid in p.parks()) >= 4,
                'both are parked')
        late(p.host, 'woken')
        logs.wait_out('woken', seconds=2)
        h.check(True, h.title(are_parked))


def body():
    with h.Dockerd() as d, h.Proxy(d.socket) as p:
        h.run_container(d.host, 'sh', '-c',
                        'echo out; echo err >&2; echo x > /f; '
                        'exec sleep 1000', options=('--name', NAME))
        h.sleeper(d.host, '--name', NAME + '-talk')
        h.until(lambda: h.docker(d.host, 'diff', NAME).out, 'it ran')
        h.compare(d.host, p.host, READS + [
            top, unknown_container, events_window, stats_once, logs_follow,
            logs_follow_to_end, events_open, stats_stream,
            silent_streams])
        are_parked(p)
        h.check('request rule:  GET /_ping' in p.out()
                or 'request rule:  HEAD /_ping' in p.out(),
                'the requests went through the proxy', p.out()[-500:])


h.main(body)
