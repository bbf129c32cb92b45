#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-reopen.py FORELAND: --reopen, as a rotation of logs uses it.

The traced process counts by the offset of lseek(2), from a base that nobody else uses, until it is told to end. Its
file is renamed under the trace again and again: all files together hold each number once, in order."""
import json
import os
import re
import signal
import subprocess
import sys
import time

from tap import done, expect, folder

foreland = os.path.abspath(sys.argv[1])
BASE = 0x0be900000000
DEF = f"t:fl/seek sys_enter id n=regs->si:u64 if id == 8 && n >= {BASE} && n < {BASE + (1 << 32)}"
COUNT = f"""
import os, time
fd = os.open("/dev/null", os.O_RDONLY)
i = 0
while not os.path.exists("end"):
    try:
        os.lseek(fd, {BASE} + i, os.SEEK_SET)
    except OSError:
        pass
    i += 1
    time.sleep(0.0005)
print(i, flush=True)
"""


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def text_of(name):
    try:
        with open(name) as f:
            return f.read()
    except FileNotFoundError:
        return ""


def rotate(trace, name, n):
    """As logrotate does it: another name, the signal, and then the new file is awaited."""
    os.rename(name, f"{name}.{n}")
    trace.send_signal(signal.SIGHUP)
    return until(lambda: text_of(name).count("\n") > 2)


def session(name, options, body):
    """Traces into the file NAME while BODY does what it does. What the process counted, and the trace's end."""
    for left in os.listdir():
        os.unlink(left)
    trace = subprocess.Popen([foreland, "trace", "--reopen", *options, "-o", name, DEF, "--", sys.executable, "-c",
                              COUNT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        good = until(lambda: text_of(name).count("\n") > 2) and body(trace)
        with open("end", "w"):
            pass
        out, err = trace.communicate(timeout=60)
    finally:
        trace.kill()
    return good, int(out or 0), trace.returncode, err


def numbers(files, pattern):
    return [int(n) - BASE for f in files for n in re.findall(pattern, text_of(f))]


os.chdir(folder("reopen"))
probe = subprocess.run([foreland, "trace", "-n", "1", "t sys_enter", "--", "true"], capture_output=True, text=True)
if probe.returncode:
    print("1..0 # SKIP no tracing here: " + (probe.stderr.splitlines() or [""])[0])
    sys.exit(0)

files = ["log.1", "log.2", "log.3", "log"]
good, n, status, err = session("log", [], lambda t: all(rotate(t, "log", i) for i in (1, 2, 3)))
expect("a file that was renamed is followed by a new one, three times", good and status == 0, (status, err))
lost = re.search(r"[1-9]\d* lost", err)
got = numbers(files, r" n=(\d+)")
expect("each record is in one of them, in order", got == list(range(n)) or bool(lost), (n, len(got), got[:3], err))

files = ["log.json.1", "log.json"]
good, n, status, err = session("log.json", ["--json"], lambda t: rotate(t, "log.json", 1))
lines = [[json.loads(line) for line in text_of(f).splitlines()] for f in files]
expect("each file of JSON begins with the schema", good and all(f[0].get("type") == "schema" for f in lines), err)
expect("the summary is the last line of the last one, and no other", [f[-1].get("type") == "summary" for f in lines] ==
       [False, True])

good, n, status, err = session("log", [], lambda t: t.send_signal(signal.SIGHUP) or until(
    lambda: text_of("log").count("\n") > 200))
got = numbers(["log"], r" n=(\d+)")
expect("a file that was not renamed goes on", good and (got == list(range(n)) or re.search(r"[1-9]\d* lost", err)),
       (n, len(got), err))


def without_folder(t):
    os.mkdir("log.d")
    os.rename("log", "log.d/old")
    os.mkdir("log")
    t.send_signal(signal.SIGHUP)
    size = os.path.getsize("log.d/old")
    grown = until(lambda: os.path.getsize("log.d/old") > size + 1000)
    os.rename("log.d/old", "old")
    os.rmdir("log.d")
    os.rmdir("log")
    return grown


good, n, status, err = session("log", [], without_folder)
expect("where it cannot be opened, the old one is written on, and that is said", good and
       "goes on into the file that was 'log'" in err and status == 0, (status, err))
for options in (["-o", "a.dat"], [], ["--vm", "-o", "a"]):
    r = subprocess.run([foreland, "trace", "--reopen", *options, DEF], capture_output=True, text=True, timeout=60)
    expect(f"--reopen {' '.join(options)}: refused", r.returncode == 2 and "--reopen is for lines" in r.stderr, r)
sys.exit(done())
