#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-clocks.py FORELAND: times of each clock lie between what the system's own clocks said before
and after: clock_gettime() of Python, and for dmesg's clock the stamps of two lines written to /dev/kmsg.
Text, JSON, and recordings, which trace-cmd reads, too."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from tap import done, expect, skip

foreland = sys.argv[1]
DEF = "t:demo/exec sched_process_exec name=bprm->filename:string"
CLOCKS = {"mono": time.CLOCK_MONOTONIC, "boot": time.CLOCK_BOOTTIME, "tai": 11, "wall": time.CLOCK_REALTIME}


def stamps(fd, mark):
    """Of the lines with @mark, in ns: printk has microseconds of local_clock()."""
    found = []
    while True:
        try:
            line = os.read(fd, 8192).decode(errors="replace")
        except BlockingIOError:
            return found
        if mark in line:
            found.append(int(line.split(",")[2]) * 1000)


def ns(text):
    """"12.345678" or nanoseconds, in nanoseconds."""
    whole, _, part = text.partition(".")
    return int(whole) * 10**9 + int(part) * 1000 if part else int(whole)


def times(work, clock, what, before="", after=""):
    """Of the program that was run, in ns, by each reader."""
    name = f"{work}/./true"
    run = lambda *args: subprocess.run([foreland, *args], capture_output=True, text=True, errors="replace")
    out = f"{work}/out.dat" if what == "recording" else f"{work}/out"
    r = run("trace", "--clock", clock, "-o", out, *(["--json"] if what == "JSON" else []), DEF, "--", "sh", "-c", f"{before}{name}; {after}exit 0")
    if r.returncode:
        return {"": r.stderr}
    # trace-cmd 3.3 has no blank between flags and nanoseconds
    at = re.compile(rf'[ .](\d+(?:\.\d+)?): exec: .*name="{re.escape(name)}"')
    if what == "recording":
        shown = {"report": run("report", out).stdout}
        if shutil.which("trace-cmd"):
            shown["trace-cmd"] = subprocess.run(["trace-cmd", "report", "-N", out], capture_output=True, text=True,
                                                errors="replace").stdout.replace("]", "] ")
        return {reader: ns(at.search(text)[1]) for reader, text in shown.items()}
    text = open(out, errors="replace").read()
    if what == "text":
        return {"text": ns(at.search(text)[1])}
    rows = [json.loads(line) for line in text.splitlines()]
    return {"JSON": [row["time_ns"] for row in rows if row.get("args", {}).get("name") == name][0],
            "clock": rows[0]["clock"]}


probe = subprocess.run([foreland, "trace", "-n", "1", "t sched_switch"], capture_output=True)
if probe.returncode:
    print("1..0 # SKIP raw tracepoint programs cannot be loaded here")
    sys.exit(0)
with tempfile.TemporaryDirectory() as work:
    shutil.copy("/bin/true", f"{work}/true")
    try:
        log = os.open("/dev/kmsg", os.O_RDWR | os.O_NONBLOCK)
        os.lseek(log, 0, os.SEEK_END)
    except OSError:
        log = None
    for clock in [*CLOCKS, "local"]:
        for what in ("text", "JSON", "recording"):
            if clock != "local":
                before = time.clock_gettime_ns(CLOCKS[clock])
                got = times(work, clock, what)
                after = time.clock_gettime_ns(CLOCKS[clock])
            elif log is None:
                skip(f"{clock}, {what}", "/dev/kmsg is not ours to read and write")
                continue
            else:
                mark = f"foreland clocks {os.getpid()} {what}"
                got = times(work, clock, what, *[f"echo '<7>{mark}' >/dev/kmsg; "] * 2)
                before, after = stamps(log, mark)
            named = got.pop("clock", clock)
            # text is rounded to a microsecond
            expect(f"{clock}, {what}: {' and '.join(got)}", named == clock and
                   all(isinstance(t, int) and before - 2000 <= t <= after + 2000 for t in got.values()), (before, got, after, named))
sys.exit(done())
