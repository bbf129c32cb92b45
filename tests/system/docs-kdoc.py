#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-kdoc.py FORELAND COMMENTS RECORDED: kernel-doc comments in both dialects.

COMMENTS holds C files; RECORDED is what the kernel's own scripts say of them: scripts/kernel-doc of
6.12.117 and tools/docs/kernel-doc of 7.3.4, a line "VERSION<TAB>FILE<TAB>MESSAGE" each, hints of names
left out. With --update VERSION SCRIPT... in place of RECORDED, prints such lines.
"""
import os
import re
import subprocess
import sys

from kernel_sources import kernel_doc_message
from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
COMMENTS = os.path.abspath(sys.argv[2])

# Messages of one side alone, each with its cause.
CAUSES = [
    ("theirs", "", r"member '' not described", "a bit-field without a name has nothing to describe"),
    ("", "6.12", r"DEFINE_FREE|DECLARE_X", "6.12 goes on past a line without semicolon: the commas of what follows count"),
    ("", "6.12", r"counted_by_ptr|guarded_by|VIRTIO|SYSFS_FUNCTION|features|'show|in 'attr'|'p' desc|'v' desc",
     "macros that 6.12 does not have, and that we know"),
    ("theirs", "6.12", r"Cannot parse struct", "6.12 reads no struct that a directive stands before"),
]


def record(version, script):
    files = sorted(f for f in os.listdir(COMMENTS) if f[-2:] in (".c", ".h"))
    said = set()
    for name in files:
        out = subprocess.run(script + ["-none", name], cwd=COMMENTS, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True).stdout
        out = re.sub(r"(on line:|Cannot understand .*)\n(.*)", r"\1 \2", out)
        for m in re.finditer(r"^(?:Warning: |Error: )?\S+?:\d+:? (?:warning: |error: )?(.*)$", out, re.M):
            said.add("%s\t%s\t%s" % (version, name, kernel_doc_message(m.group(1))))
    print("\n".join(sorted(said)))


def main():
    if sys.argv[3] == "--update":
        return record(sys.argv[4], sys.argv[5:])
    with open(sys.argv[3]) as f:
        theirs = {tuple(line.rstrip("\n").split("\t")) for line in f if not line.startswith("#")}
    for version in "6.12", "7.3":
        out = subprocess.run([FORELAND, "docs", "check", "--only", "kdoc", "--kernel-doc", version, "."], cwd=COMMENTS,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        mine = {(version, m.group(1), kernel_doc_message(m.group(2))) for m in
                re.finditer(r"^(\S+?):\d+:\d+: warning: (.*) \[[-\w]+\]$", out, re.M)}
        his = {t for t in theirs if t[0] == version}
        left = [(side, *row) for side, rows in (("theirs", his - mine), ("ours", mine - his)) for row in rows
                if not any(s in (side, "") and v in (version, "") and re.search(p, row[2]) for s, v, p, why in CAUSES)]
        check(not left, "%s: %d messages, %d of them word by word" % (version, len(his), len(his & mine)),
              *("\t".join(row) for row in sorted(left)))
    return done()


sys.exit(main())
