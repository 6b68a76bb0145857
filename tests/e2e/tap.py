"""Test points, printed as TAP, and waiting with an end."""

import time
import traceback

PATIENCE = 20           # seconds that anything single may take


class Skip(Exception):
    """This machine cannot run the test."""


class score:
    count = 0
    failed = 0


def note(text):
    for line in str(text).splitlines() or ['']:
        print('#', line[:300], flush=True)


def check(is_ok, text, *notes):
    """One test point.  The notes are shown when it fails."""
    score.count += 1
    print('ok' if is_ok else 'not ok', score.count, '-', text, flush=True)
    if not is_ok:
        score.failed += 1
        for each in notes:
            note(each)
    return is_ok


def same(got, want, text):
    """Both must be equal.  Of long ones the first difference is shown."""
    one, two = repr(got), repr(want)
    at = next((place for place, pair in enumerate(zip(one, two))
               if pair[0] != pair[1]), 0)
    start = max(0, at - 80)
    return check(got == want, text, f'got:  {one[start:start + 280]}',
                 f'want: {two[start:start + 280]}')


def has(text, part, name):
    """part must stand in text."""
    return check(part in text, name, f'not there: {part!r}',
                 f'in: {text[-1500:]!r}')


def skip(text, why):
    score.count += 1
    print(f'ok {score.count} - {text} # SKIP {why}', flush=True)


class left_out:
    reasons = {}        # name of a case -> why it is not run here
    met = set()         # of these names


def each(cases, *args):
    """Call every case; one that raises is one failed test point."""
    for case in cases:
        if case.__name__ in left_out.reasons:
            left_out.met.add(case.__name__)
            skip(title(case), left_out.reasons[case.__name__])
            continue
        try:
            case(*args)
        except Skip as why:
            skip(title(case), why)
        except Exception:
            check(False, title(case), traceback.format_exc())


def title(case):
    return (case.__doc__ or case.__name__).strip().splitlines()[0]


def compare(docker_host, proxy_host, cases):
    """Each case(host) gives the same directly and through the proxy, which
    may take a little longer but waits for nothing."""
    for case in cases:
        try:
            began = time.monotonic()
            want = case(docker_host)
            direct = time.monotonic() - began
            got = case(proxy_host)
            proxied = time.monotonic() - began - direct
        except Exception:
            check(False, title(case), traceback.format_exc())
            continue
        same(got, want, title(case))
        note(f'direct {direct:.1f} s, proxy {proxied:.1f} s')
        if proxied > 3 * direct + 3:
            check(False, f'{title(case)}: in time')


def expect(is_ok, *what):
    """For use inside a case: raise unless is_ok."""
    if not is_ok:
        raise AssertionError(' '.join(str(part) for part in what))


def until(claim, what, seconds=PATIENCE):
    """Wait until claim() is true and return it; raise when time is up."""
    end = time.monotonic() + seconds
    while True:
        value = claim()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'not within {seconds} s: {what}')
        time.sleep(0.02)
