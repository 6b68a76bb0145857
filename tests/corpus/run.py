#!/usr/bin/python3
"""Send the raw requests of tests/corpus/http through the real program.

http/index.tsv has one row per file of http/req: name, profile, expected
answers, what dockerd itself does with these bytes, and why.  Expected:
alternatives separated by "|", each the comma-separated answers on one
connection: "forward" (a fake Docker socket answered 299), a status of our
own, and "close" as the last one when the connection must end there.  Names
that begin with "trunc" are followed by a half-close.  http/not-yet.tsv
names rows that are skipped, with the reason.

The program is $DSP_PROGRAM, or docker-socket-protector in $builddir or in
the current folder.  Output is TAP.  Arguments, if any, are the names (or
beginnings of names) of the rows to run.
"""

import collections
import concurrent.futures
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "http")

LANES = 8           # programs that run at the same time
LANE_ROWS = 40      # rows that share one program
ANSWER_S = 15.0     # an answer may take this long on a busy machine
SETTLE_S = 0.15     # silence after the last answer expected
QUIET_S = 3.0       # until connections to the Docker socket have ended
START_S = 20.0      # until the program listens
STOP_S = 20.0       # until it has ended after SIGTERM

MARK = b"\xff"      # begins no request: the end of the queue

# Families whose fault lies in the body: the head may have gone on, but
# never the whole request.
BODY_FAULTS = ("chunk", "trunc_body")

Row = collections.namedtuple("Row", "no name profile expected")


class Docker:
    """A fake Docker socket: records, complains, and answers 299."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.path = path
        self.busy = 0           # connections that have not ended
        self.reset()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(128)
        threading.Thread(target=self.accept, daemon=True).start()

    def reset(self):
        with self.lock:
            self.complete = 0   # whole requests
            self.partial = 0    # connections with a part of one
            self.faults = []

    def note(self, **changes):
        with self.lock:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)

    def accept(self):
        while True:
            try:
                conn = self.listener.accept()[0]
            except OSError:
                return
            self.note(busy=1)
            threading.Thread(target=self.serve, args=(conn,),
                             daemon=True).start()

    def serve(self, conn):
        conn.settimeout(ANSWER_S)
        stream = conn.makefile("rb")
        try:
            first = stream.read(1)
            if first in (b"", MARK):
                return
            if not self.read_request(first, stream):
                self.note(partial=1)
                return
            self.note(complete=1)
            conn.sendall(b"HTTP/1.1 299 Forwarded\r\nContent-Type: "
                         b"text/plain\r\nContent-Length: 2\r\n\r\nok")
            conn.shutdown(socket.SHUT_WR)
            behind = stream.read()
            if behind:
                self.note(faults=["bytes behind the request: %r"
                                  % behind[:60]])
        except OSError:
            pass
        finally:
            self.note(busy=-1)
            stream.close()
            conn.close()

    def read_request(self, first, stream):
        """One strict request; False when it ends too early."""
        head = first
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line.endswith(b"\n"):
                return False
            head += line
        lines = head[:-4].split(b"\r\n")
        fields = [line.split(b": ", 1) for line in lines[1:]]
        fields = [(f[0].lower(), f[1] if len(f) > 1 else None)
                  for f in fields]
        self.judge(lines[0], head, fields)
        lengths = [v for n, v in fields if n == b"content-length"]
        codings = [v for n, v in fields if n == b"transfer-encoding"]
        if codings:
            return self.read_chunks(stream)
        length = int(lengths[0]) if lengths else 0
        return len(stream.read(length)) == length

    def judge(self, line, head, fields):
        """What every head that we get must be like."""
        faults = []
        if not re.fullmatch(rb"[A-Z]+ /[!-~]* HTTP/1\.[01]", line):
            faults.append("request line %r" % line)
        if re.search(rb"[^\r]\n|\r[^\n]|\x00", head):
            faults.append("bytes %r" % head)
        names = [n for n, v in fields]
        if any(v is None for n, v in fields):
            faults.append("fields %r" % fields)
        if names.count(b"host") != 1:
            faults.append("Host %d times" % names.count(b"host"))
        if [v for n, v in fields if n == b"connection"] not in (
                [b"close"], [b"Upgrade, close"]):
            faults.append("Connection in %r" % head)
        if (names.count(b"content-length")
                + names.count(b"transfer-encoding") > 1):
            faults.append("framing of %r" % head)
        if faults:
            self.note(faults=faults)

    def read_chunks(self, stream):
        while True:
            line = stream.readline()
            if not line.endswith(b"\n"):
                return False
            if not re.fullmatch(rb"[0-9a-f]{1,16}\r\n", line):
                self.note(faults=["chunk line %r" % line[:60]])
                return False
            size = int(line, 16)
            data = stream.read(size + 2)
            if len(data) < size + 2:
                return False
            if not data.endswith(b"\r\n"):
                self.note(faults=["chunk end %r" % data[-2:]])
                return False
            if size == 0:
                return True

    def wait_quiet(self):
        """Until all connections of the program have been seen to end.

        Ours comes behind them in the queue; one that is kept without a
        byte, dialled ahead, only costs the wait.
        """
        with socket.socket(socket.AF_UNIX) as mark:
            mark.connect(self.path)
            mark.sendall(MARK)
            mark.recv(1)
        end = time.monotonic() + QUIET_S
        while self.busy > 0 and time.monotonic() < end:
            time.sleep(0.002)


class Program:
    """The real program with one profile, in a temporary folder."""

    def __init__(self, program, profile):
        self.folder = tempfile.mkdtemp(prefix="dsp-corpus-")
        os.chmod(self.folder, 0o755)
        self.address = os.path.join(self.folder, "p.sock")
        upstream = os.path.join(self.folder, "up.sock")
        self.docker = Docker(upstream)
        self.log = open(os.path.join(self.folder, "log"), "w+b")
        environ = {k: v for k, v in os.environ.items()
                   if not k.startswith("DSP_") and
                   k not in ("PROFILE", "LOG_REQUESTS", "SOCKET_PATH")}
        self.process = subprocess.Popen(
            [program, "--profile", os.path.join(HERE, "profiles", profile),
             "--listen", "unix://" + self.address,
             "--docker-socket", upstream, "-w", "2"],
            env=environ, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)

    def wait_ready(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            try:
                with self.connect():
                    return True
            except OSError:
                time.sleep(0.02)
        return False

    def connect(self):
        conn = socket.socket(socket.AF_UNIX)
        try:
            conn.settimeout(ANSWER_S)
            conn.connect(self.address)
        except OSError:
            conn.close()
            raise
        return conn

    def stop(self):
        """The faults of the run as a whole, then the end of its log."""
        faults = []
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
            faults.append("did not end after SIGTERM")
        if status != 0:
            faults.append("exit status %d" % status)
        self.docker.listener.close()
        self.log.seek(0)
        lines = self.log.read().decode("ascii", "replace").splitlines()
        self.log.close()
        # A build for sanitizers says loudly that it has no sandbox.
        errors = [x for x in lines if re.search(r"(^|\s)error\s", x) and
                  "error --sandbox off: " not in x]
        faults += ["log: " + x for x in errors[:5]]
        shutil.rmtree(self.folder, ignore_errors=True)
        return faults, lines[-5:]


class Answers:
    """Reads answers off a connection, one after the other."""

    def __init__(self, conn, data):
        self.conn = conn
        self.is_head = data.startswith(b"HEAD ")
        self.buf = b""
        self.seen = []
        self.is_closed = False

    def read(self, expected):
        """Until one of the alternatives is there and nothing follows."""
        end = time.monotonic() + ANSWER_S
        while not self.is_closed:
            is_met = self.matches(expected)
            left = end - time.monotonic()
            if not is_met and left <= 0:
                return
            self.conn.settimeout(SETTLE_S if is_met else left)
            try:
                got = self.conn.recv(65536)
            except socket.timeout:
                return
            except OSError:
                got = b""
            self.is_closed = not got
            self.buf += got
            while self.take():
                pass
        if self.buf:
            self.seen.append("garbage %r" % self.buf[:40])

    def take(self):
        """Cut one whole answer off the buffer."""
        head, mark, rest = self.buf.partition(b"\r\n\r\n")
        if not mark:
            return False
        line = re.match(rb"HTTP/1\.[01] (\d\d\d) ", head)
        if not line:
            return False
        status = line.group(1).decode()
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        size = int(length.group(1)) if length else 0
        if status == "100" or self.is_head:
            size = 0
        if len(rest) < size:
            return False
        self.buf = rest[size:]
        if status != "100":
            self.seen.append("forward" if status == "299" else status)
        return True

    def matches(self, expected):
        for alternative in expected.split("|"):
            wanted = alternative.split(",")
            must_close = wanted[-1] == "close"
            if must_close:
                wanted.pop()
            if self.seen == wanted and (self.is_closed or not must_close):
                return not self.buf
        return False


def run_row(program, row):
    """None, or what was wrong."""
    with open(os.path.join(HERE, "req", row.name + ".req"), "rb") as file:
        data = file.read()
    docker = program.docker
    docker.reset()
    try:
        conn = program.connect()
    except OSError as error:
        return "connect: %s" % error
    with conn:
        answers = Answers(conn, data)
        # A refusal and the end may come before all has been sent.
        sender = threading.Thread(target=send, args=(conn, row, data))
        sender.start()
        answers.read(row.expected)
        hang_up(conn)
        sender.join()
    docker.wait_quiet()
    got = ",".join(answers.seen) + (",close" if answers.is_closed else "")
    if not answers.matches(row.expected):
        return "expected %s, got %s" % (row.expected, got or "nothing")
    if docker.complete != answers.seen.count("forward"):
        return "%s, but %d requests reached the Docker socket" % (
            got, docker.complete)
    if docker.partial and not row.name.startswith(BODY_FAULTS):
        return "%s, but a part of a request reached the Docker socket" % got
    if docker.faults:
        return "what reached the Docker socket: " + "; ".join(docker.faults)
    return None


def hang_up(conn):
    """End both directions, which also wakes a blocked sender."""
    try:
        conn.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def send(conn, row, data):
    try:
        conn.sendall(data)
        if row.name.startswith("trunc"):
            conn.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def run_lane(path, profile, rows):
    """Rows that share a program: results by number, and its own."""
    program = Program(path, profile)
    results = {}
    if program.wait_ready():
        for row in rows:
            results[row.no] = run_row(program, row)
    else:
        results = {row.no: "the program does not start" for row in rows}
    faults, log = program.stop()
    return profile, results, faults, log


def read_table(name, columns):
    rows = []
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                cells = line.rstrip("\n").split("\t")
                if len(cells) != columns:
                    bail("%s: not a row: %r" % (name, line))
                rows.append(cells)
    if not rows:
        bail("%s is empty" % name)
    return rows


def bail(why):
    print("Bail out! " + why)
    sys.exit(1)


def find_program():
    path = os.environ.get("DSP_PROGRAM") or os.path.join(
        os.environ.get("builddir", "."), "docker-socket-protector")
    if not os.access(path, os.X_OK):
        bail("no program at " + path)
    return os.path.abspath(path)


def read_rows():
    rows = [Row(no, c[0], c[1], c[2])
            for no, c in enumerate(read_table("index.tsv", 5), 1)]
    files = {f[:-4] for f in os.listdir(os.path.join(HERE, "req"))
             if f.endswith(".req")}
    names = [row.name for row in rows]
    if sorted(files) != sorted(names):
        bail("index.tsv and req/ differ: %s" % sorted(
            files.symmetric_difference(names)))
    return rows


def make_lanes(rows):
    by_profile = collections.defaultdict(list)
    for row in rows:
        by_profile[row.profile].append(row)
    lanes = []
    for profile, group in by_profile.items():
        count = (len(group) + LANE_ROWS - 1) // LANE_ROWS
        lanes += [(profile, group[i::count]) for i in range(count)]
    return sorted(lanes, key=lambda lane: -len(lane[1]))


def point(is_ok, no, text, details=()):
    print("%s %d - %s" % ("ok" if is_ok else "not ok", no, text))
    for line in details:
        print("# " + line)


def main():
    program = find_program()
    skips = dict(read_table("not-yet.tsv", 2))
    rows = read_rows()
    unknown = set(skips) - {row.name for row in rows}
    if unknown:
        bail("not-yet.tsv names no row: %s" % sorted(unknown))
    if sys.argv[1:]:
        rows = [r for r in rows if r.name.startswith(tuple(sys.argv[1:]))]
    lanes = make_lanes([row for row in rows if row.name not in skips])
    results, ends = {}, []
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        for profile, part, faults, log in pool.map(
                lambda lane: run_lane(program, *lane), lanes):
            results.update(part)
            ends.append((profile, faults, log))
    print("1..%d" % (len(rows) + len(ends)))
    failed = 0
    for no, row in enumerate(rows, 1):
        if row.name in skips:
            point(True, no, "%s # SKIP %s" % (row.name, skips[row.name]))
            continue
        why = results[row.no]
        failed += why is not None
        point(why is None, no, row.name, [why] if why else [])
    for no, (profile, faults, log) in enumerate(ends, len(rows) + 1):
        failed += bool(faults)
        point(not faults, no, "the program with profile %s ends well"
              % profile, faults + log if faults else [])
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
