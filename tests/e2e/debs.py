"""Programs of Debian packages without installing them: a package that is
installed would start its service.  They are fetched in the machine's own
versions and unpacked into a cache, as daemon28.py does it.
"""

import os
import shutil
import tempfile

import daemon28
from machine import need_tool

PACKAGES = ('glances', 'netdata-plugins-bash', 'prometheus', 'zabbix-agent2')
AUDIT = ('auditd', 'libauparse0')


def folder(packages=PACKAGES):
    """Where they are unpacked; fetched now if need be."""
    place = daemon28.cache() + '/debian-' + '-'.join(packages)
    if not os.path.isdir(place):
        for tool in ('apt-get', 'dpkg-deb'):
            need_tool(tool)
        os.makedirs(daemon28.cache(), exist_ok=True)
        work = tempfile.mkdtemp(prefix='fetch.', dir=daemon28.cache())
        try:
            daemon28.unpack(['apt-get', '-q', '-y'], packages, work, place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return place
