#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py FORELAND DATWRITER-DIR [TRACE-CMD...]: how fast recordings are printed and converted.

CPU time, the best of three runs; beside it that of trace-cmd (this machine's, or the command that follows)."""
import os
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, sys.argv[2])
from datwriter import Machine, Recording, format_of  # noqa: E402

foreland, peer = sys.argv[1], sys.argv[3:] or [shutil.which("trace-cmd")]
m = Machine()
COUNT = 400000
SAMPLE = format_of("sample", 300, [("int", "a", 8, 4, True), ("unsigned int", "b", 12, 4, False)], '"a=%d b=%u", REC->a, REC->b')
MASK = "((((0x0 | 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40) + 1) << 1) - 1)"
SWITCH = format_of("sched_switch", 301, [("char", "prev_comm[16]", 8, 16, True), ("pid_t", "prev_pid", 24, 4, True), ("long", "prev_state", 32, 8, True),
                                         ("char", "next_comm[16]", 40, 16, True), ("pid_t", "next_pid", 56, 4, True)],
                   '"prev_comm=%s prev_pid=%d prev_state=%s ==> next_comm=%s next_pid=%d", REC->prev_comm, REC->prev_pid, '
                   f'(REC->prev_state & {MASK}) ? __print_flags(REC->prev_state & {MASK}, "|", {{ 1, "S" }}, {{ 2, "D" }}, {{ 4, "T" }}) : "R", '
                   'REC->next_comm, REC->next_pid')


def sample(i):
    return m.record(300, 100 + i % 3, m.pack("iI", i, 2 * i))


def switch(i):
    return m.record(301, 100 + i % 3, b"from".ljust(16, b"\0") + m.pack("i4xq", i % 5, i % 3) + b"to".ljust(16, b"\0") + m.pack("i4x", 13))


def seconds(*command):
    best = None
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = took if best is None else min(best, took)
    return best


with tempfile.TemporaryDirectory() as tmp:
    out = f"{tmp}/out.pftrace"
    for name, record, system, text in (("two numbers", sample, "test", SAMPLE), ("sched_switch", switch, "sched", SWITCH)):
        streams = {c: m.pages([(1000 * i, record(i)) for i in range(COUNT) if i % 2 == c]) for c in range(2)}
        rec = Recording(m, {system: [text]}, [("", "mono", streams)], comms={100: "a", 101: "b", 102: "c"})
        for version, data in ((6, rec.version_6()), (7, rec.version_7("zstd" if shutil.which("zstd") else "zlib", 10))):
            path = f"{tmp}/r.dat"
            with open(path, "wb") as f:
                f.write(data)
            ours = seconds(foreland, "report", path)
            convert = seconds(foreland, "report", "--to", "perfetto", "-o", out, path)
            line = (f"{name}, version {version}: {COUNT / ours / 1e6:.1f} M records/s as text, {COUNT / convert / 1e6:.1f} M/s to Perfetto "
                    f"({os.path.getsize(out) / COUNT:.0f} bytes a record, {len(data) / COUNT:.0f} in the .dat)")
            if peer[0]:
                theirs = seconds(*peer, "report", "-N", path)
                line += f"; trace-cmd {COUNT / theirs / 1e6:.2f} M/s, {theirs / ours:.1f} times slower"
            print(line, flush=True)
