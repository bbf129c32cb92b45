#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""filter.py VM FILTER_LINES [COUNT]: our event filter against the guest kernel's own.

A seeded generator writes filters for one event, whole and broken in every way; the kernel answers
each through the event's filter file and error_log, ours through filter-lines. Any difference in
acceptance, errno, message or column fails with its filter."""
import os
import random
import re
import subprocess
import sys
import tempfile

vm, ours = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else 1500
ready = subprocess.run([vm, "--ready"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
if ready.returncode:
    print(f"1..0 # SKIP {(ready.stdout + ready.stderr).strip()}")
    sys.exit(0)
rng = random.Random(20260620)
EVENT = "sched/sched_switch"
FIELDS = ["prev_comm", "prev_pid", "prev_prio", "prev_state", "next_comm", "next_pid", "common_pid",
          "common_flags", "comm", "cpu", "COMM", "CPU", "nothing", ""]
OPS = ["==", "!=", "<", "<=", ">", ">=", "&", "~", "=", "=>", "", "!", "&&"]
FUNCTIONS = ["vfs_read", "nosuch", "0", "1", "0xffffffff81000000", "0123456789012345678901234", "jiffies"]
VALUES = ["0", "1", "-1", "0x10", "010", "08", "1a", "99999999999999999999", "18446744073709551615",
          "123456789012345678901234567890", "'swapper*'", '"*kworker"', "'a", "swapper", "''", "'x' y",
          "-", "- 1", "'" + "y" * 260 + "'", "''x", "'it'"]


def pred():
    sane = rng.random() < 0.75
    field = rng.choice(FIELDS[:8] if sane else FIELDS)
    string = "comm" in field
    op = rng.choice(["==", "!=", "~"] if sane and string else OPS[:7] if sane else OPS)
    value = rng.choice(["'swapper/0'", '"k*"', "'*x*'"] if sane and string else VALUES[:4] if sane else VALUES)
    space = rng.choice(["", " ", "  "])
    if rng.random() < 0.04:
        return (rng.choice(["prev_state", "prev_state", "prev_pid"]) + ".function" + space +
                rng.choice(["==", "!=", ">"]) + space + rng.choice(FUNCTIONS))
    return field + rng.choice(["", "", "", ".ustring", ".function"][: 3 if sane else 5]) + space + op + space + value


def expr(depth):
    kind = rng.randrange(4) if depth else 0
    if kind == 0:
        return pred()
    if kind == 1:
        return rng.choice(["!", "! ", "!!", ""]) + "(" + expr(depth - 1) + ")"
    return expr(depth - 1) + rng.choice([" && ", "||", " || ", "&&"]) + expr(depth - 1)


def broken(text):
    for _ in range(rng.randrange(1, 3)):
        i = rng.randrange(len(text) + 1)
        text = rng.choice([text[:i], text[:i] + rng.choice("()!&|'\"=~<> x0-*") + text[i:],
                           text[:i] + text[i + 1:]])
    return text


lines = set()
while len(lines) < count:
    text = expr(rng.randrange(4))
    if rng.random() < 0.5:
        text = broken(text)
    text = " ".join(text.split("\n")).strip()
    # "0" clears a filter, CPUS{} is not ours, and an empty write never reaches the parser.
    if text and text != "0" and "CPUS" not in text and len(text) < 1500:
        lines.add(text)
lines = sorted(lines)

guest = r"""
cd /sys/kernel/tracing
while IFS= read -r line; do
    echo > error_log
    if printf '%s\n' "$line" | dd of=events/EVENT/filter bs=4096 2>/tmp/err; then echo ok; else cat /tmp/err; cat error_log; fi
    echo '%%%'
    echo 0 > events/EVENT/filter
done < /tmp/lines
cp events/EVENT/format /tmp/format
cat /proc/kallsyms >/tmp/kallsyms
""".replace("EVENT", EVENT)

with tempfile.TemporaryDirectory() as tmp:
    with open(f"{tmp}/lines", "w") as f:
        f.writelines(l + "\n" for l in lines)
    r = subprocess.run([vm, "--copy", f"{tmp}/lines:/tmp/lines", "--bring", f"/tmp/format:{tmp}/format",
                        "--bring", f"/tmp/kallsyms:{tmp}/kallsyms", "--timeout", "1500"],
                       input=guest, capture_output=True, text=True)
    if r.returncode:
        sys.exit(f"guest: {r.returncode} {r.stderr[-2000:]}")
    with open(f"{tmp}/lines") as f:
        mine = subprocess.run([ours, f"{tmp}/format", f"{tmp}/kallsyms"], stdin=f, capture_output=True, text=True, check=True).stdout.splitlines()

ERRNO = {os.strerror(e): e for e in range(1, 40)}
theirs = []
for block in r.stdout.split("%%%\n")[:-1]:
    if block.startswith("ok"):
        theirs.append("ok")
        continue
    rows = block.splitlines()
    errno = next((e for text, e in ERRNO.items() if text in block.split("\n[")[0]), "?")
    m = re.search(r"error: error: (.*)\n  Command: (.*)\n(.*)\^", block) or re.search(r"error: (.*)\n  Command: (.*)\n(.*)\^", block)
    theirs.append(f"{errno} {len(m.group(3)) - 2 - len('Command: ')} {m.group(1)}" if m else f"{errno} -")

print(f"1..{len(lines)}")
bad = 0
for i, (line, a, b) in enumerate(zip(lines, mine, theirs), 1):
    if a == b:
        print(f"ok {i}")
    else:
        bad += 1
        print(f"not ok {i} - {line!r}: ours {a!r}, the kernel's {b!r}")
sys.exit(1 if bad or len(mine) != len(theirs) or len(theirs) != len(lines) else 0)
