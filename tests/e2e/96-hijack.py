#!/usr/bin/python3 -B
"""A worker that was taken over gains nothing: attacker code in a worker tries
everything, on this machine and in a container, and is refused."""

import secrets
import traceback

import harness as h
import hijack_calls as calls
import hijack_doors as doors
import hijack_holes as holes
import hijack_inside as inside
import hijack_kept as kept
import hijack_orders as lies
import hijack_park as place
from hijack_stand import Stand, Workshop

# name, see Stand
WORLDS = (('here', ''), ('container, root', 'root'),
          ('container, user', 'user'))


def show(name, points):
    """A part that cannot go on has failed; the others are still tried."""
    try:
        for is_ok, text, *notes in points:
            h.check(is_ok, f'{name}: {text}', *notes)
    except (OSError, EOFError, AssertionError):
        h.check(False, f'{name}: {points.__name__}', traceback.format_exc())


def world(d, program, name, where, token):
    """Everything, in one world."""
    with Stand(d, program, where, calls.COUNT) as stand:
        show(name, calls.refused(stand))
        show(name, calls.foreign(stand))
    with Stand(d, program, where, calls.LAST + 20) as stand:
        show(name, calls.every_number(stand))
    with Stand(d, program, where, len(lies.FORGED) + len(lies.SECOND) + 10,
               is_wide=True) as stand:
        show(name, lies.forged(stand))
        show(name, lies.second(stand))
    with Stand(d, program, where, 10) as stand:
        for part in (inside.outside, inside.board, inside.code, inside.numbers,
                     inside.wake_up, inside.garbage, inside.flood):
            show(name, part(stand))
    with Stand(d, program, where, 80) as stand:
        for part in (kept.silent, kept.expelled, kept.missing, kept.own,
                     kept.left, kept.many, kept.unread):
            show(name, part(stand))
    with Stand(d, program, where, 20) as stand:
        for part in (place.parked, place.crowd, place.forged_tickets,
                     place.foreign_halves):
            show(name, part(stand))
    with Stand(d, program, where, 10, has_door=True) as stand:
        for part in (doors.kept_in, doors.passed_on, doors.swapped,
                     doors.behind):
            show(name, part(stand))
    with Stand(d, program, where, 10, 'log', has_door=True) as stand:
        show(name + ', no filter', doors.made(stand))
    with doors.container(d) as wide, Stand(
            d, program, where, 10, container=wide) as stand:
        for part in (doors.kept_in, doors.passed_on, doors.asked):
            show(name + ', containers', part(stand))
    with Stand(d, program, where, 3) as stand:
        show(name, inside.wiped(stand, token))
        show(name, inside.stays(stand))
    with Stand(d, program, where, 10) as stand:
        show(name, inside.exits(stand))
    with Stand(d, program, where, 10, 'log') as stand:
        show(name + ', no filter', calls.along(stand))
        show(name + ', no filter', calls.second_wall(stand))
        show(name + ', no filter', calls.connections(stand))
    with Stand(d, program, where, 20, 'kill') as stand:
        show(name + ', kill', calls.killed(stand))


def body():
    token = secrets.token_hex(16)
    with Workshop() as workshop, h.Dockerd() as d:
        programs = {'': workshop.plain()}
        programs['root'] = programs['user'] = workshop.static()
        lies.prepare(d, token)
        before = lies.containers(d)
        for name, where in WORLDS:
            if not programs[where]:
                h.skip(name, 'no static libraries')
                continue
            world(d, programs[where], name, where, token)
            h.same(lies.containers(d), before,
                   f'{name}: dockerd has no container more')
        show('test of the test', holes.all_found(d, workshop, token))


# Three worlds, and a copy of the program for each hole.
h.FILE_LIMIT = 900
h.main(body)
