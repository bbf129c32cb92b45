#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-manuals.py FORELAND MANDIR: each command line of foreland's that a manual page shows can be given.

They stand in the pages' literal blocks, and are run by a shell, in a folder that has the files they name, with a
process of this test's where a page says 4711. What a command line needs of the machine (BPF, a guest, a
device) need not be there: status 1 says that in its own words, and is right. Wrong is 2, which says that the page
shows what the program does not take; a program that is not found; and any other than 0 where nothing special
is needed. The judge is the command contract, and the program that reads its command line."""
import concurrent.futures
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile

from tap import done, expect

foreland, mandir = (os.path.abspath(p) for p in sys.argv[1:3])
# What needs nothing but files, in front of its first option: it must give 0 (docs: 1 is a finding).
PLAIN = r"foreland (?:alloc (?:run|diff|show --input)|epdma (?:plan|demo)|doctor$|docs check --only)"
DUMP = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n        4096        2 mm/a.c:10 func:f \n"


def literal(path):
    """Lines of the page's literal blocks, as the reader sees them."""
    inside, held = False, ""
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if re.match(r"\.(EX|nf)\b", line):
            inside = True
        elif re.match(r"\.(EE|fi)\b", line):
            inside = False
        elif inside:
            line = re.sub(r"\\([-e&]|\(dq)", lambda m: {"-": "-", "e": "\\", "&": "", "(dq": '"'}[m.group(1)], line)
            held += line
            if held.endswith("\\"):
                held = held[:-1]
                continue
            yield held
            held = ""


def commands():
    for path in sorted(glob.glob(f"{mandir}/*.[17]")):
        for line in literal(path):
            # In a table of tasks the command is the second column.
            found = re.match(r"(?:.*\s{2,}|.*in a guest )?(foreland (?!trace --vm).*)$", line.strip())
            if found and "..." not in line and "doctor --clean" not in line: # that one is for the whole machine
                yield os.path.basename(path), found.group(1).strip()


def run(line, pid):
    line = re.sub(r"\b(4711|1234)\b", str(pid), line).replace("/tmp/", "./")
    # The group is the shell's own: all of a line is ended, also what it left in the background.
    p = subprocess.Popen(["bash", "-c", line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         start_new_session=True, text=True, errors="replace")
    try:
        return p.communicate(timeout=2)[0], p.returncode
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGINT)
    try:
        return p.communicate(timeout=30)[0], p.returncode
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        return p.communicate()[0], "it does not end"


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    os.symlink(foreland, "foreland")
    os.environ["PATH"] = f"{work}:/usr/sbin:/usr/bin:/sbin:/bin"
    os.makedirs("Documentation/hwmon")
    for name, text in (("tags", DUMP), ("before", DUMP), ("fix.patch", ""), ("MAINTAINERS", ""), ("Makefile", "all:\n"), ("howto.sh", ""),
                       ("Documentation/hwmon/ltc4283.rst", "T\n=\n")):
        with open(name, "w", encoding="utf-8") as f:
            f.write(text)
    target = subprocess.Popen(["sleep", "600"])
    lines = list(commands())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda c: run(c[1], target.pid), lines))
    for (page, line), (said, status) in zip(lines, results):
        ok = status in (0, 1) or (status in (130, 143) and "--children" in line)
        if re.match(PLAIN, line):
            ok = status == 0 or (status == 1 and "docs check" in line)
        expect(f"{page}: {line}: {status}", ok and "unknown option" not in said, said[-800:])
    expect(f"there are some: {len(lines)}", len(lines) >= 30)
    target.kill()
sys.exit(done())
