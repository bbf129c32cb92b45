#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-flight.py FORELAND: what --flight, --until and --rotate keep.

The traced process counts: each of its calls of lseek(2) has the next number as its offset, from a base that nobody
else uses. So what a recording must hold is known: numbers without a gap, up to the last one."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tap import done, expect

foreland = os.path.abspath(sys.argv[1])
BASE = 0x5eed00000000
DEF = f"t:fl/seek sys_enter id n=regs->si:u64 if id == 8 && n >= {BASE} && n < {BASE + (1 << 32)}"
COUNT = f"""
import os, signal, sys, time
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}}) # each CPU keeps its own newest
fd = os.open("/dev/null", os.O_RDONLY)
def count(a, b):
    for i in range(a, b):
        if i % 500 == 0:
            time.sleep(0.002)
        try:
            os.lseek(fd, {BASE} + i, os.SEEK_SET)
        except OSError:
            pass
"""


def trace(options, script, may_lose=False):
    """On a busy machine the reader may come too late to the rings, which it says: then it is done again."""
    for _ in range(20):
        for name in os.listdir():
            os.unlink(name)
        r = subprocess.run([foreland, "trace", *options, DEF, "--", sys.executable, "-c", COUNT + script],
                           capture_output=True, text=True, timeout=120)
        if may_lose or not re.search(r'[1-9]\d* lost|"lost":[1-9]', r.stderr + r.stdout[-500:]):
            break
    return r


def numbers(text):
    return [int(n) - BASE for n in re.findall(r" n=(\d+)", text)]


def read(path):
    """What report shows of it; and trace-cmd, the same."""
    mine = numbers(subprocess.run([foreland, "report", path], capture_output=True, text=True).stdout)
    if shutil.which("trace-cmd"):
        theirs = numbers(subprocess.run(["trace-cmd", "report", "-N", path], capture_output=True, text=True).stdout)
        if theirs != mine:
            return ["trace-cmd", len(theirs), "report", len(mine)]
    return mine


def counts(text):
    m = re.search(r"(\d+) hits, (\d+) records, (\d+) filtered, (\d+) lost, .*?(\d+) overwritten", text)
    return dict(zip(("hits", "records", "filtered", "lost", "overwritten"), map(int, m.groups()))) if m else {}


def by_size():
    r = trace(["--flight", "64K", "-o", "size.dat"], "count(0, 20000)")
    got, n = read("size.dat"), counts(r.stderr)
    expect("--flight: the newest are there, without a gap", r.returncode == 0 and got and got == list(range(got[0], 20000)) and
           200 < len(got) < 5000, (r.stderr, got[:3], got[-3:], len(got)))
    expect("--flight: the others were overwritten, and none lost", n and n["records"] == 20000 and n["lost"] == 0 and
           n["overwritten"] == 20000 - len(got), (n, len(got)))
    r = trace(["--flight", "64K", "--json"], "count(0, 20000)")
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    got = [row["args"]["n"] - BASE for row in rows[1:-1]]
    expect("--flight --json: the same, as rows", got and got == list(range(got[0], 20000)) and
           rows[-1]["events"][0]["overwritten"] == 20000 - len(got), (r.stderr, rows[-1]))
    r = trace(["--flight", "64M", "-o", "all.pftrace"], "count(0, 300)")
    expect("--flight: what has room is all kept, and -o FILE.pftrace is written", r.returncode == 0 and
           counts(r.stderr)["overwritten"] == 0 and os.path.getsize("all.pftrace") > 3000, r.stderr)
    r = trace(["--flight", "16", "-o", "small.dat"], "count(0, 3)")
    expect("--flight: room for no record is an error", r.returncode == 1 and "small" not in os.listdir(), r.stderr)


def by_record():
    for until, name in ((f"n == {BASE + 5000}", "filter"), (f"seek: n == {BASE + 5000}", "event and filter"),
                        (f"fl/seek: n > {BASE + 4999}", "group, event and filter")):
        r = trace(["--flight", "64K", "--until", until, "-o", "until.dat"], "count(0, 5001); time.sleep(60)")
        got = read("until.dat")
        expect(f"--until {name}: it ends with that record, and what came before it is there", got and
               got == list(range(got[0], 5001)), (r.stderr, got[:3], got[-3:]))
    r = trace(["--until", "seek"], "count(0, 100); time.sleep(60)")
    expect("--until EVENT: the first one, and without --flight, too", numbers(r.stdout) == [0], r.stdout + r.stderr)
    for until, word in (("nothing: n == 1", "NO_SUCH_EVENT"), ("m == 1", "FIELD_NOT_FOUND"), ("n == ", "")):
        r = trace(["--flight", "64K", "--until", until], "count(0, 1)")
        expect(f"--until '{until}' is refused, with its place", r.returncode == 1 and "--until: error: " in r.stderr and word in r.stderr and
               "^" in r.stderr, r.stderr)


def by_signal():
    r = trace(["--flight", "1M", "-o", "sig.dat"], """
count(0, 1000)
time.sleep(0.3)
os.kill(os.getppid(), signal.SIGUSR1)
end = time.monotonic() + 60
while not os.path.exists("sig-1.dat") and time.monotonic() < end:
    time.sleep(0.01)
count(1000, 1500)
""")
    first, last = read("sig-1.dat"), read("sig.dat")
    expect("SIGUSR1: what was there goes to another file, and the trace goes on", r.returncode == 0 and
           first == list(range(len(first))) and first + last == list(range(1500)), (r.stderr, len(first), len(last)))
    p = subprocess.Popen([foreland, "trace", "--flight", "1M", "-o", "int.dat", DEF, "--", sys.executable, "-c",
                          COUNT + "count(0, 700); open('counted', 'w'); time.sleep(60)"], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not os.path.exists("counted") and time.monotonic() < end:
        time.sleep(0.02)
    p.send_signal(signal.SIGINT)
    err = p.communicate()[1]
    expect("SIGINT: it is written then", read("int.dat") == list(range(700)), err)


def by_loss():
    """The reader is stopped while the process counts on: what the rings could not take is lost, not overwritten."""
    r = trace(["--flight", "64K", "-o", "loss.dat"], """
count(0, 100)
os.kill(os.getppid(), signal.SIGSTOP)
count(100, 60100)
os.kill(os.getppid(), signal.SIGCONT)
""", may_lose=True)
    n, got = counts(r.stderr), read("loss.dat")
    expect("loss and overwriting are told apart", n and n["lost"] > 0 and n["overwritten"] > 0 and
           n["overwritten"] + len(got) == n["records"] and n["records"] + n["lost"] == 60100, (r.stderr, n, len(got)))


def by_rotation():
    r = trace(["--rotate", "300K,3", "-o", "turn.dat"], """
for i in range(0, 60000, 1000):
    count(i, i + 1000)
    time.sleep(0.01)
""")
    names = sorted((name for name in os.listdir() if name.startswith("turn")), key=lambda n: int(re.findall(r"\d+", n)[0]))
    got = [n for name in names for n in read(name)]
    expect("--rotate: the newest files are there, without a gap between them", r.returncode == 0 and len(names) == 3 and
           got and got == list(range(got[0], 60000)) and int(re.findall(r"\d+", names[-1])[0]) > 3,
           (r.stderr, names, got[:2], got[-2:], len(got)))
    expect("--rotate: of the size that was asked for", all(200 << 10 <= os.path.getsize(n) < (300 << 10) + (4 + 2 * os.cpu_count() << 16) for n in names[:-1]),
           [os.path.getsize(n) for n in names])
    for bad in ("40K", "0,3", "40K,0", ",", "x,3"):
        expect(f"--rotate {bad} is refused", trace(["--rotate", bad, "-o", "x.dat"], "").returncode == 2)
    expect("--rotate needs a recording", trace(["--rotate", "1M,2"], "").returncode == 2)


if os.uname().machine != "x86_64" or subprocess.run([foreland, "trace", "-n", "1", "t sched_switch"], capture_output=True).returncode:
    print("1..0 # SKIP raw tracepoint programs cannot be loaded here")
    sys.exit(0)
with tempfile.TemporaryDirectory() as tmp:
    os.chdir(tmp)
    by_size()
    by_record()
    by_signal()
    by_loss()
    by_rotation()
    os.chdir("/")
sys.exit(done())
