#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-perfetto-peer.py FORELAND VM SUITE-ROOT FETCH-DEB KERNEL: Perfetto's own recorder and report say the same of one load.

Debian sid's traced and traced_probes record in the guest's main buffer while trace-cmd (this machine's) records the same
events in an instance; report turns that into Perfetto's form. Both are taken apart here, by the wire format alone: the
same messages, in them the same fields, and of one program the same values in the same order."""
import collections
import os
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import done, expect

foreland, vm, suite_root, fetch_deb, kernel = sys.argv[1:6]
EVENTS = ["sched/sched_switch", "sched/sched_waking", "sched/sched_process_exec", "sched/sched_process_exit", "sched/sched_process_fork",
          "sched/sched_process_free", "sched/sched_wakeup_new", "task/task_newtask", "task/task_rename", "raw_syscalls/sys_enter",
          "raw_syscalls/sys_exit", "irq/softirq_entry", "irq/softirq_exit", "irq/softirq_raise", "irq/irq_handler_entry", "irq/irq_handler_exit"]
CONFIG = "\n".join(["buffers { size_kb: 65536 }", "duration_ms: 9000", "data_sources { config { name: \"linux.ftrace\" ftrace_config {",
                    *(f'ftrace_events: "{e}"' for e in EVENTS), "buffer_size_kb: 8192", "compact_sched { enabled: false } } } }"])
SCRIPT = """
mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null
mkdir -p /tmp/o; cd ~/peer; ld="./ld-linux-x86-64.so.2 --library-path ."
$ld ./traced >/tmp/traced.log 2>&1 &
$ld ./traced_probes >/tmp/probes.log 2>&1 &
sleep 2
$ld ./perfetto -c ~/config --txt -o /tmp/o/theirs.pftrace >/tmp/perfetto.log 2>&1 &
sleep 3
~/trace-cmd record -B peer -b 8192 %s -o /tmp/o/ours.dat sh -c 'sleep 0.3; dd if=/dev/zero of=/tmp/judged bs=64 count=20 2>/dev/null; sleep 0.1; (echo x); sleep 0.3' >/tmp/log 2>&1 || tail -3 /tmp/log
wait %%3
ls -la /tmp/o; tail -n 20 /tmp/perfetto.log /tmp/probes.log /tmp/traced.log
kill %%1 %%2
""" % " ".join(f"-e {e.replace('/', ':')}" for e in EVENTS)
# TracePacket.ftrace_events, FtraceEventBundle.event; FtraceEvent.timestamp, .pid and .sched_process_exec
BUNDLE, EVENT, TIME, PID, EXEC = 1, 2, 1, 2, 237


def varint(b, at):
    v = shift = 0
    while True:
        v |= (b[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if b[at - 1] < 128:
            return v, at


def fields(b):
    at = 0
    while at < len(b):
        key, at = varint(b, at)
        kind = key & 7
        if kind == 0:
            v, at = varint(b, at)
        elif kind == 2:
            n, at = varint(b, at)
            v, at = b[at:at + n], at + n
        else:
            n = 8 if kind == 1 else 4
            v, at = struct.unpack("<Q" if n == 8 else "<I", b[at:at + n])[0], at + n
        yield key >> 3, v


def events(path):
    """(time, pid, number in FtraceEvent, its fields), in the order of time."""
    out = []
    for _, packet in fields(open(path, "rb").read()):
        for number, bundle in fields(packet):
            if number != BUNDLE or isinstance(bundle, int):
                continue
            for n, event in fields(bundle):
                if n != EVENT:
                    continue
                head, body = {}, None
                for k, v in fields(event):
                    if isinstance(v, int):
                        head[k] = v
                    else:
                        body = (k, tuple(fields(v)))
                if body:
                    out.append((head.get(TIME, 0), head.get(PID, 0), *body))
    return sorted(out, key=lambda e: e[0])


ready = subprocess.run([vm, "--ready"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
program = shutil.which("trace-cmd")
root = subprocess.run([suite_root, "sid"], capture_output=True, text=True)
if ready.returncode or not program or root.returncode:
    print(f"1..0 # SKIP {ready.stderr.strip() or root.stderr.strip()[-200:] or 'trace-cmd is not installed'}")
    sys.exit(0)
with tempfile.TemporaryDirectory() as tmp:
    got = subprocess.run([os.path.abspath(fetch_deb), "sid", "perfetto"], cwd=tmp, capture_output=True, text=True)
    deb = [f for f in os.listdir(tmp) if f.endswith(".deb")]
    if got.returncode or not deb or subprocess.run(["dpkg-deb", "-x", f"{tmp}/{deb[0]}", f"{tmp}/x"]).returncode:
        print(f"1..0 # SKIP sid's perfetto cannot be had: {got.stderr.strip()[-200:]}")
        sys.exit(0)
    os.makedirs(f"{tmp}/peer")
    tree, lib = root.stdout.strip(), root.stdout.strip() + "/usr/lib/x86_64-linux-gnu"
    for path in [f"{tmp}/x/usr/sbin/traced", f"{tmp}/x/usr/sbin/traced_probes", f"{tmp}/x/usr/bin/perfetto", f"{tmp}/x/usr/lib/perfetto/libperfetto.so",
                 f"{tree}/lib64/ld-linux-x86-64.so.2",
                 *(f"{lib}/{name}" for name in ("libstdc++.so.6", "libgcc_s.so.1", "libm.so.6", "libz.so.1", "libc.so.6"))]:
        shutil.copy(path, f"{tmp}/peer")
    with open(f"{tmp}/config", "w") as f:
        f.write(CONFIG)
    made = subprocess.run([vm, "--kernel", kernel, "--timeout", "400", "--mem", "2000", "--copy", program, "--copy", f"{tmp}/peer", "--copy", f"{tmp}/config",
                           "--bring", f"/tmp/o:{tmp}/o"], input=SCRIPT, capture_output=True, text=True)
    expect("the guest recorded with both", os.path.exists(f"{tmp}/o/ours.dat") and os.path.exists(f"{tmp}/o/theirs.pftrace"), made.stdout[-900:] + made.stderr[-300:])
    if not os.path.exists(f"{tmp}/o/ours.dat") or not os.path.exists(f"{tmp}/o/theirs.pftrace"):
        sys.exit(done())
    if os.environ.get("KEEP"):
        shutil.copytree(f"{tmp}/o", os.environ["KEEP"], dirs_exist_ok=True)
    subprocess.run([foreland, "report", f"{tmp}/o/ours.dat", "-o", f"{tmp}/ours.pftrace"], capture_output=True)
    mine, theirs = events(f"{tmp}/ours.pftrace"), events(f"{tmp}/o/theirs.pftrace")
expect("both hold events", len(mine) > 200 and len(theirs) > 200, (len(mine), len(theirs)))
shapes = [collections.defaultdict(set), collections.defaultdict(set)]
for shape, found in zip(shapes, (mine, theirs)):
    for _, _, number, body in found:
        shape[number].add(tuple(sorted({k for k, _ in body})))
expect(f"{len(shapes[0])} kinds of messages in both", set(shapes[0]) == set(shapes[1]) and len(shapes[0]) > 12, [sorted(k) for k in shapes])
for number in sorted(set(shapes[0]) & set(shapes[1])):
    expect(f"message {number}: the same fields", shapes[0][number] == shapes[1][number] != {()}, [sorted(k[number]) for k in shapes])
# What a program did that the shell started, from its fork on: it lived within both.
pids = [e[1] for e in mine if e[2] == EXEC]
pid = next((p for p in pids if p != pids[0]), -1)
own = [[(n, body) for _, p, n, body in found if p == pid] for found in (mine, theirs)]
kinds = {n for n, _ in own[0]}
expect(f"all that one program did, {len(own[0])} messages of {len(kinds)} kinds, has the same values", len(own[0]) > 50 and len(kinds) > 5 and own[0] == own[1],
       (pid, len(own[0]), len(own[1]), [(a, b) for a, b in zip(*own) if a != b][:2]))
sys.exit(done())
