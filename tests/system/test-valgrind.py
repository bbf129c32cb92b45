#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-valgrind.py BUILD [PART]...: the unit tests under valgrind, which finds what the sanitizers do not look for:
branches that depend on memory that nobody wrote, and all that is still held, by nobody, at the end.

The judge is memcheck alone: an error of its own is status 99. What a program says of itself there, or that it is not
over in time (threads that wait for each other, of which valgrind runs one at a time), is skipped by its name."""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

from tap import done, expect, skip

build, parts = os.path.abspath(sys.argv[1]), sys.argv[2:]
if not shutil.which("valgrind"):
    print("1..0 # SKIP there is no valgrind")
    sys.exit(0)
# memcheck knows no AVX-512, and cannot run what asks the processor for it.
COMMAND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
           "--num-callers=20", "--fair-sched=yes"]


def run(program):
    try:
        return subprocess.run([*COMMAND, program], cwd=build, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=900, check=False)
    except subprocess.TimeoutExpired:
        return None


LEFT_OUT = {"test-engine-bad": "two threads have to meet in it, and memcheck runs one at a time"}
programs = [p for p in sorted(glob.glob(f"{build}/tests/unit/test-*"))
            if os.path.isfile(p) and os.access(p, os.X_OK) and (not parts or any(part in p for part in parts))]
for name in sorted(LEFT_OUT.keys() & {os.path.basename(p) for p in programs}):
    skip(name, LEFT_OUT[name])
programs = [p for p in programs if os.path.basename(p) not in LEFT_OUT]
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for program, r in zip(programs, pool.map(run, programs)):
        name = os.path.basename(program)
        if r is None:
            skip(f"{name}: memcheck finds nothing", "it was not over after a quarter of an hour")
            continue
        said = "\n".join(line for line in r.stderr.splitlines() if line.startswith("=="))
        expect(f"{name}: memcheck finds nothing", r.returncode != 99 and not re.search(r"^==\d+== \w", said, re.M), said[:3000])
        if r.returncode not in (0, 77, 99):
            skip(f"{name}: its own checks", f"status {r.returncode} under memcheck")
expect(f"there are some: {len(programs)}", len(programs) > (0 if parts else 20))
sys.exit(done())
