#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-kernel-text.py FORELAND VM KERNEL: of one buffer the kernel's own trace file and report say the same.

All events of the guest's kernel are on while it does what it can; trace-cmd (this machine's) extracts the records that
the trace file shows. Compared are the same records, their flags, times and text; OTHER lists what differs, and why."""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import done, expect

foreland, vm, kernel = sys.argv[1:4]
LOAD = """
mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null
cd /sys/kernel/tracing
load() { ls -lR /sys/kernel/btf /proc/self >/dev/null 2>&1; echo x | grep -q x; kill -0 $$; mkdir -p /tmp/d; echo y >/tmp/d/f
	mv /tmp/d/f /tmp/d/g; rm -r /tmp/d; ping -c 1 10.0.2.2 >/dev/null 2>&1; sleep 0.05; }
echo 0 >tracing_on; echo >trace; echo mono >trace_clock; echo 8192 >buffer_size_kb
for system in events/*/; do
	case $system in events/preemptirq/|events/ftrace/) ;; *) echo 1 >${system}enable 2>/dev/null ;; esac
done
echo 1 >tracing_on; load; echo marked >trace_marker; load; echo 0 >tracing_on; echo 0 >events/enable
cp trace /tmp/o/kernel.txt; cd /root; ./trace-cmd extract -o /tmp/o/kernel.dat >/tmp/log 2>&1 || tail -3 /tmp/log
"""
LINE = re.compile(r"^\s*(.+?)-(\d+)\s+(?:\(\s*\S+\)\s*)?\[(\d+)\] (\S+)\s+([\d.]+): (.*)$")
ADDRESS = re.compile(r"\b(?:0{8}[0-9a-f]{8}|0x[0-9a-f]{4,16})\b|\(nil\)|\(null\)")
OTHER = [
    ("system calls' own short form, which no format says", lambda k: k.startswith("sys_") and not k.startswith(("sys_enter:", "sys_exit:"))),
    ("a struct page's address, of the address where all begin, which no file holds", lambda k: k.startswith("mm_page_") and "page=" in k),
    ("flags of inodes by enumerators, whose values no file holds", lambda k: "I_DIRTY" in k),
    ("the event's name in front of a marker", lambda k: k.startswith("tracing_mark_write: ")),
]


def records(path):
    found = []
    for line in open(path, errors="replace"):
        m = LINE.match(line)
        if m:
            found.append([m[2], m[3], m[4], m[5], m[6].rstrip()])
        elif found and not line.startswith(("#", "CPU:")):
            found[-1][4] += " " + line.strip()
    return found


def text(t):
    """%p is hashed by the kernel's own printing: that there is an address is compared, and not which."""
    return re.sub(r"0x0+(?=[0-9a-f])", "0x", ADDRESS.sub("ADDRESS", re.sub(r"\s+", " ", t).strip()))


def same(k, o):
    return text(k[4]) == text(o[4]) and k[:3] == o[:3] and abs(float(k[3]) - float(o[3])) < 2e-6


ready = subprocess.run([vm, "--ready"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
program = shutil.which("trace-cmd")
if ready.returncode or not program:
    print(f"1..0 # SKIP {ready.stderr.strip() or 'trace-cmd is not installed'}")
    sys.exit(0)
with tempfile.TemporaryDirectory() as tmp:
    made = subprocess.run([vm, "--kernel", kernel, "--timeout", "500", "--mem", "2000", "--copy", program, "--bring", f"/tmp/o:{tmp}/o"],
                          input="mkdir -p /tmp/o\n" + LOAD, capture_output=True, text=True)
    expect("the guest recorded", made.returncode == 0 and os.path.exists(f"{tmp}/o/kernel.dat"), made.stdout[-300:] + made.stderr[-300:])
    with open(f"{tmp}/ours", "w") as f:
        ours = subprocess.run([foreland, "report", "--bytes", f"{tmp}/o/kernel.dat"], stdout=f, stderr=subprocess.PIPE, text=True)
    expect("report reads it without a complaint", ours.returncode == 0 and "error" not in ours.stderr, ours.stderr[-300:])
    theirs, mine = records(f"{tmp}/o/kernel.txt"), records(f"{tmp}/ours")
expect("as many records", len(theirs) == len(mine) > 1000, (len(theirs), len(mine)))
queues, bad, events = collections.defaultdict(collections.deque), collections.defaultdict(list), collections.Counter()
for r in mine:
    queues[r[1]].append(r)
for k in theirs:
    o = queues[k[1]].popleft() if queues[k[1]] else ["", "", "", "0", ""]
    name = o[4].split(":")[0]
    events[name] += 1
    listed = any(test(k[4]) for _, test in OTHER)
    if not same(k, o) and not (listed and k[:3] == o[:3]):
        bad[name].append((k, o))
expect(f"{len(theirs)} records of {len(events)} events have the kernel's text", not bad and len(events) > 150,
       {n: v[0] for n, v in list(bad.items())[:5]})
for why, _ in OTHER:
    print(f"# listed difference: {why}")
sys.exit(done())
