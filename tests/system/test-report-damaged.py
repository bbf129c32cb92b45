#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-report-damaged.py FORELAND N: of N damaged recordings report makes exit status 0 or 1, in bounded memory.

Bytes are changed, runs of them set, cut out, doubled, and the file's end taken off; from a fixed seed."""
import os
import random
import resource
import subprocess
import sys
import tempfile

from datwriter import Machine, Recording, format_of
from tap import check, done

foreland, count = sys.argv[1], int(sys.argv[2])
FORMS = [["--bytes"], ["--json"], ["--raw"], ["--stat"], ["--profile"], ["-F", "e*: u > 1 || s ~ \"*x*\""], ["--to", "perfetto"],
         ["--to", "chrome"], ["--to", "csv"], ["--to", "pprof"]]
LIMIT = 1 << 30


def originals():
    fields = [("u32", "u", 8, 4, False), ("char", "s[8]", 12, 8, True), ("__data_loc char[]", "d", 20, 4, True), ("u8", "a[4]", 24, 4, False)]
    print_fmts = ['"%s %d %pI4 %s", __get_str(d), REC->u, REC->a, __print_flags(REC->u, "|", { 1, "A" }, { 2, "B" })',
                  '"%s %*pbl", __print_array(__get_dynamic_array(d), __get_dynamic_array_len(d), 1), 32, REC->a',
                  '"%s", REC->s', '"%-8s|%5d|%u", REC->s, (REC->u << 3) / (REC->a[1] + 1), REC->a[REC->u & 7]']
    for big, long_size in ((False, 8), (True, 4)):
        m = Machine(big, long_size)
        formats = [format_of(f"event{i}", 300 + i, fields, f) for i, f in enumerate(print_fmts)]
        stack = format_of("kernel_stack", 4, [("int", "size", 8, 4, True), ("unsigned long", "caller[8]", 16, 64, False)], '"%ps", (void *)REC->caller[0]')
        body = [m.record(300 + i % 4, i % 3, m.pack("I", i) + b"text\0\0\0\0" + m.pack("I", 28 | 4 << 16) + bytes([1, 2, 3, 4]) + b"dyn\0") for i in range(200)]
        body[7] = m.record(4, 1, m.pack("I", 2) + bytes(4) + m.long(0x81000010) * 2 + m.long(0))
        streams = {c: m.pages([(i * 1000, r) for i, r in enumerate(body) if i % 2 == c]) for c in range(2)}
        rec = Recording(m, {"test": formats}, [("", "local", streams), ("foo", "x86-tsc", {1: streams[1]})], ftrace=[stack], comms={1: "one", 2: "two"},
                        kallsyms="81000000 T a\n81001000 T b\n", printk='0x100 : "%d %s"\n',
                        options=[("date", b"0x10\0"), ("cpustat", b"entries: 1\n\0"), ("time_shift", m.pack("QII", 1, 1, 1) + m.pack("I", 2) + 6 * m.pack("Q", 9))])
        yield rec.version_6()
        yield rec.version_7()
        yield rec.version_7("zlib", 2, True)


def damage(data, rnd):
    data = bytearray(data)
    for _ in range(rnd.choice([1, 1, 2, 4, 16])):
        # Most of what can go wrong is said in the first part, in tables and at the end.
        at = rnd.choice([rnd.randrange(len(data)), rnd.randrange(min(len(data), 4096)), len(data) - 1 - rnd.randrange(min(len(data), 2048))])
        n = rnd.choice([1, 1, 2, 4, 8, 64])
        kind = rnd.randrange(6)
        if kind == 0:
            data[at] ^= 1 << rnd.randrange(8)
        elif kind == 1:
            data[at:at + n] = bytes(rnd.choice([0, 0xff, 0x7f, 0x80]) for _ in range(min(n, len(data) - at)))
        elif kind == 2:
            data[at:at + n] = rnd.randbytes(min(n, len(data) - at))
        elif kind == 3:
            del data[at:at + n]
        elif kind == 4:
            data[at:at] = data[at:at + n]
        else:
            del data[rnd.randrange(len(data) // 2, len(data)):]
        if len(data) < 16:
            break
    return bytes(data)


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


rnd, bad = random.Random(20261130), []
whole = list(originals())
sanitized = b"__asan_init" in open(foreland, "rb").read()
with tempfile.TemporaryDirectory() as tmp:
    path = f"{tmp}/x.dat"
    for i in range(count):
        data = damage(whole[i % len(whole)], rnd)
        with open(path, "wb") as f:
            f.write(data)
        try:
            r = subprocess.run([foreland, "report", *FORMS[i // len(whole) % len(FORMS)], path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               timeout=60, preexec_fn=None if sanitized else limit)
            wrong = r.returncode not in (0, 1) or b"ENOMEM" in r.stderr or b"Sanitizer" in r.stderr
            why = (r.returncode, r.stderr[-300:])
        except subprocess.TimeoutExpired:
            wrong, why = True, "timeout"
        if wrong:
            bad.append(i)
            print(f"# number {i}: {why}", flush=True)
            keep = os.environ.get("KEEP_DAMAGED")
            if keep:
                with open(f"{keep}/{i}.dat", "wb") as f:
                    f.write(data)
check(not bad, f"{count} damaged recordings: exit status 0 or 1, within {LIMIT >> 20} MiB")
sys.exit(done())
