"""Clients from the npm registry, in the versions that npm.d/package-lock.json
names, by their hashes.  They are installed into a cache, where later runs find
them, with npm as it is set up here, and none of their scripts is run.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile

import daemon28
from machine import need_tool
from tap import Skip

WANTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'npm.d')
FILES = ('package.json', 'package-lock.json')
FETCH_LIMIT = 120       # seconds


def folder():
    """Where they are; fetched now if need be."""
    need_tool('node')
    mark = hashlib.sha256()
    for name in FILES:
        with open(os.path.join(WANTED, name), 'rb') as f:
            mark.update(f.read())
    place = f'{daemon28.cache()}/npm-{mark.hexdigest()[:12]}'
    if not os.path.isdir(place):
        need_tool('npm')
        fetch(place)
    return place + '/node_modules'


def fetch(place):
    """The folder appears whole or not at all."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    work = tempfile.mkdtemp(prefix='npm.', dir=os.path.dirname(place))
    try:
        for name in FILES:
            shutil.copy(os.path.join(WANTED, name), work)
        done = subprocess.run(
            ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund',
             '--omit=optional'], cwd=work, timeout=FETCH_LIMIT, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Skip('npm failed: ' + ' '.join(
                done.stdout.decode('utf-8', 'replace').split())[-200:])
        if not os.path.isdir(place):
            os.rename(work, place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
