"""The worlds that the end-to-end tests run in, and what is left out where.

DSP_TEST_DOCKERD     28: Docker 28 (daemon28.py) instead of the system's
DSP_TEST_CONTAINER   root (or 1) or user: the program runs in a container on
                     the test's daemon (contain.py), as root without
                     capabilities or as a user with the socket's group
"""

import os

DOCKERD = os.environ.get('DSP_TEST_DOCKERD') or ''
CONTAINER = os.environ.get('DSP_TEST_CONTAINER') or ''
if CONTAINER == '1':
    CONTAINER = 'root'

USER_GIVEN = 'it is left to whom the container runs as'
AMONG_THEM = 'it lists containers, and the program would be one of them'
NO_IDENTITY = 'without capabilities there is no other identity'

# Test files, and cases of test files, that make no sense in a container.
NOT_CONTAINED = {
    '41-programs.py': AMONG_THEM,
    '42-programs.py': AMONG_THEM,
    '43-programs.py': AMONG_THEM,
    '52-park-life.py': {
        'new_user': NO_IDENTITY},
    '53-park-streams.py': {
        'full': 'its limit of descriptors is set outside'},
    '79-manual.py': 'it starts the program as the examples do',
    '74-health.py': {
        'as_user': USER_GIVEN,
        'squatter': 'the container has one user only',
        'starting': 'it is timed without dockerd',
        'stale_file': 'it mounts the socket by itself',
        'fresh_folder': 'it mounts the socket by itself',
        'wrong_words': 'nothing is started'},
    '75-image.py': 'it starts containers of the image by itself',
    '74-clients.py': {
        'names': 'its file of names is outside'},
    '76-service.py': 'a container has no service manager',
    '77-init.py': 'a container has no init scripts',
    '78-package.py': 'the package is of no container',
    '79-auditd.py': 'the container sees no other folder that it mounts',
    '79-bpf.py': 'the processes of a container have other numbers outside',
    '79-contrib.py': 'nothing is started',
    '79-mac.py': 'a container has the policy of its dockerd',
    '80-restart.py': 'a container ends with its dockerd',
    '82-reload.py': {
        'configuration': 'its configuration file names folders outside'},
    '84-usage.py': 'nothing is started',
    '85-log.py': {
        'syslog': 'there is no system log in a container'},
    '86-allow.py': {
        'users_named': 'the image knows no names of users'},
    '86-listeners.py': {
        'unix_mode': 'changing the owner of a socket needs capabilities'},
    '87-identity.py': NO_IDENTITY,
    '88-daemon.py': 'nothing goes into the background in a container',
    '89-status.py': {
        'other_user': 'the container has one user only',
        'squatter': 'the container has one user only',
        'as_root': USER_GIVEN},
    '93-limits.py': {
        'in_flight': USER_GIVEN,
        'few_processes': USER_GIVEN},
    '93-log-full.py': 'the log of a container is always read, by its dockerd',
    '95-authz.py': 'dockerd is started after it',
    '95-differential.py': 'it starts broken copies of the program',
    '96-hijack.py': 'it enters containers by itself',
    '97-once.py': {
        'with_dockerd': 'a container ends with its dockerd'},
    '98-soak.py': 'a container ends with its dockerd',
    '99-audit.py': 'it examines the host',
}

# The same for another dockerd.
NOT_ON_28 = {
    '42-programs.py': {
        'skopeo': 'it speaks API 1.22, which Docker 28 does not'},
    '78-package.py': 'it is not about dockerd',
    '79-auditd.py': 'it is not about dockerd',
    '79-contrib.py': 'it is not about dockerd',
    '79-mac.py': 'it is not about dockerd',
    '95-differential.py': 'it runs with both daemons by itself',
}


def wrong():
    """What is wrong with the variables, or nothing."""
    if DOCKERD not in ('', '28'):
        return f'DSP_TEST_DOCKERD is 28 or not set, not {DOCKERD}'
    if CONTAINER not in ('', 'root', 'user'):
        return f'DSP_TEST_CONTAINER is root or user, not {CONTAINER}'
    return None


def left_out(name):
    """Why a test file is left out, or the names of its cases that are, each
    with its reason."""
    cases = {}
    for is_here, table in ((CONTAINER, NOT_CONTAINED), (DOCKERD, NOT_ON_28)):
        found = table.get(name, {}) if is_here else {}
        if isinstance(found, str):
            return found
        cases.update(found)
    return cases
