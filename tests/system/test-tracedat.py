#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-tracedat.py FORELAND VM: a recording is read by trace-cmd report.

The values in it are constants of the definitions and the names of the programs that the test runs,
so what trace-cmd prints is known beforehand. Traced here where BPF may be used, else in the guest."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pidns
from tap import done, expect, skip

foreland, vm = sys.argv[1:3]
if not shutil.which("trace-cmd"):
    print("1..0 # SKIP trace-cmd is not installed")
    sys.exit(0)

DEFS = ["t:demo/exec sched_process_exec name=bprm->filename:string pid=p->pid a=\\-5:s32 b=\\300:u16 "
        'c=\\0x1234:x32 d=\\-1:u64 s=\\"hello" n=+0(\\0):string arr=bprm->filename:string',
        "t:demo/quiet sched_process_fork child=child->pid"]
# Spellings that nobody else on the machine uses: the file name of an exec is the path as given.
NAMES = ["/bin/../bin/./true", "/bin/..//bin/true", "/bin/.././bin//true"]
# The shell goes by many names: a recording holds one a process, the last one, as saved_cmdlines does.
RENAMED = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "last name"]
SCRIPT = "; ".join([f"printf '{name}' >/proc/$$/comm; {NAMES[0]}" for name in RENAMED] +
                   [NAMES[1], "sleep 0.3", NAMES[2], "exit 0"])
RUNS = [NAMES[0]] * len(RENAMED) + NAMES[1:]


with tempfile.TemporaryDirectory() as tmp:
    dat = f"{tmp}/r.dat"
    here = subprocess.run([foreland, "trace", "-o", dat, *DEFS, "--", "sh", "-c", SCRIPT],
                          capture_output=True, text=True)
    where = "here"
    if here.returncode:
        where = "in the guest"
        ready = subprocess.run([vm, "--ready"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ready.returncode:
            print(f"1..0 # SKIP no BPF here ({here.stderr.strip().splitlines()[:1]}), no guest ({ready.stderr.strip()})")
            sys.exit(0)
        here = subprocess.run([vm, "--timeout", "600", "--bring", f"/tmp/r.dat:{dat}", "--", "foreland", "trace", "-o", "/tmp/r.dat",
                               *DEFS, "--", "sh", "-c", SCRIPT], capture_output=True, text=True)
    expect(f"recording {where} works", here.returncode == 0, here.stderr)
    report = subprocess.run(["trace-cmd", "report", "-N", dat], capture_output=True, text=True, errors="replace")
    expect("trace-cmd reads the file without a complaint",
           report.returncode == 0 and "error" not in report.stderr.lower(), report.stderr)
    rows = [l for l in report.stdout.splitlines() if " exec: " in l]
    # Others may run meanwhile, under whatever names: what is compared are our own processes.
    ours = [l for l in rows if any(f'name="{n}"' in l for n in NAMES)]
    expect("the programs that were run are there, in order",
           [re.search(r'name="([^"]*)"', l).group(1) for l in ours] == RUNS, report.stdout)
    expect("constants of every width and sign are what the definition says",
           bool(ours) and all('a=-5 b=300 c=0x1234 d=18446744073709551615 s="hello"' in r for r in ours), ours[:2])
    if pidns.is_initial():
        expect("the process in front of a line is the one in it",
               bool(ours) and all(re.match(r"\s*\S+-(\d+)\s", r).group(1) == re.search(r"pid=(\d+)", r).group(1)
                                  for r in ours), ours[:2])
    else:
        skip("the process in front of a line is the one in it", "a pid namespace has numbers of its own")
    times = [float(re.search(r" (\d+\.\d+): exec:", l).group(1)) for l in ours]
    expect("the pause of 0.3 s lies between the second and the third", times[-1] - times[-2] >= 0.3, times)
    stamps = [float(m) for m in re.findall(r" (\d+\.\d{6}): (?:exec|quiet):", report.stdout)]
    expect("times do not run backwards", stamps == sorted(stamps), report.stdout)
    n = int(re.search(r"demo/exec: (\d+) hits", here.stderr).group(1))
    expect("as many records as hits", len(rows) == n, (len(rows), here.stderr))
    # Our reader against trace-cmd's, on what trace-cmd can show rightly (it prints s8 as unsigned).
    again = subprocess.run([foreland, "report", "--bytes", dat], capture_output=True, text=True, errors="replace")
    shape = re.compile(r"^\s*(.+)-(\d+)\s+\[(\d+)\]\s+(?:[.\w]{5}\s+)?(\d+\.\d+): (\w+):\s+\(.*?\) ?(.*)$", re.M)
    theirs, mine = shape.findall(report.stdout), shape.findall(again.stdout)
    children = {m[1] for m in theirs if any(f'name="{n}"' in m[5] for n in NAMES)}
    numbers = {re.search(r"pid=(\d+)", m[5])[1] for m in theirs if m[1] in children and "pid=" in m[5]}  # the kernel's own
    shell = {m[1] for m in theirs if m[4] == "quiet" and m[5].removeprefix("child=") in numbers}
    theirs, mine = ([m for m in side if m[1] in children | shell] for side in (theirs, mine))
    expect("foreland report prints the same records as trace-cmd report",
           again.returncode == 0 and len(theirs) >= 2 * len(RUNS) and
           [m[:5] for m in mine] == [m[:5] for m in theirs], (again.stderr, mine, theirs))
    expect("and the same values", [m[5].replace("n=(fault)", 'n=""') for m in mine] == [m[5] for m in theirs],
           (mine[:2], theirs[:2]))
    expect("a process that changed its name has the last one in both", len(shell) == 1 and
           {m[0] for side in (mine, theirs) for m in side if m[1] in shell} == {RENAMED[-1]}, (shell, mine, theirs))
    stat = subprocess.run(["trace-cmd", "report", "-N", "--stat", dat], capture_output=True, text=True)
    lines = [l for l in here.stderr.splitlines() if " hits, " in l]
    expect("the summary is in the file: trace-cmd report --stat shows it, and foreland report",
           len(lines) == 2 and all(l in stat.stdout + stat.stderr for l in lines) and
           again.stderr.splitlines() == lines, (stat.stdout[-600:], stat.stderr, again.stderr, lines))
    rows = subprocess.run([foreland, "report", "--json", dat], capture_output=True, text=True).stdout.splitlines()
    # "GROUP/EVENT: 5 hits, 3 records, ..." as it stands on standard error
    said = [{"group": l.split("/")[0], "event": l.split("/")[1].split(":")[0],
             **{w.split()[1]: int(w.split()[0]) for w in l.split(": ")[1].split(", ")}} for l in lines]
    expect("and in JSON the last line", json.loads(rows[-1]) == {"type": "summary", "events": said}, rows[-1:])
    broken = f"{tmp}/cut.dat"
    with open(dat, "rb") as f, open(broken, "wb") as g:
        g.write(f.read()[:3000])
    cut = subprocess.run([foreland, "report", broken], capture_output=True, text=True)
    said = [l for l in cut.stderr.splitlines() if l.startswith(f"{broken}: error: ")]
    expect("a file that is cut short is a located complaint a CPU and exit status 1",
           cut.returncode == 1 and said and all("[CUT_SHORT]" in l for l in said) and
           [l for l in cut.stderr.splitlines() if l not in said + lines] == [], cut.stderr)
sys.exit(done())
