#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-htmldocs.py FORELAND SOURCE RECORDED CAUSES [SUITE_ROOT GROUP]: what Sphinx 9.2 says of Linux 7.3, with its comments.

SOURCE is a program that prints where the sources are. RECORDED is what Sphinx said, a line
"GROUP<TAB>FILE<TAB>LINE<TAB>LEVEL<TAB>MESSAGE" each: a group of folders was built with all comments that their pages
include; "whole" is all of Documentation, once, for the references that leave a group. Each must be ours, too, or its
kind a row of CAUSES ("PATTERN<TAB>REASON"), each of which must be of use; and what is an error to us must be there.
With SUITE_ROOT, Sphinx is asked again, in a root of sid, of the folders of GROUP.
"""
import json
import os
import re
import subprocess
import sys

import kernel_sources
from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
GROUPS = {
    "scheduler": "scheduler/** timers/** power/** virt/**",
    "filesystems": "filesystems/**",
    "networking": "networking/**",
    "driver-api": "driver-api/**",
    "dev-tools": "dev-tools/**",
    "gpu": "gpu/** hid/** i2c/** iio/** input/** leds/**",
}
SPHINX = ("cd /src && srctree=/src PYTHONDONTWRITEBYTECODE=1 python3 -m sphinx -q -b dummy -d /tmp/d -D version=7.3 -D release=7.3 "
          "-D kerneldoc_srctree=/src -D include_patterns=index.rst,%s -D exclude_patterns=netlink/** Documentation /tmp/o 2>&1")
# A page of a group names pages and labels of others, which are not built then.
LEAVES = re.compile(r"\[(ref\.(doc|ref)|toc\.not_(readable|included))\]$|is defined \d+ times")


def normal(message):
    message = re.sub(r" \[[\w.]+\]$| \(did you mean one of:.*", "", message)
    message = re.sub(r"^Duplicate C declaration.*", "Duplicate C declaration", message)
    message = re.sub(r"(is defined \d+ times):.*|(^Invalid xref: [^`]*`[^`]*`).*", r"\1\2", message)
    return re.sub(r"\s+", " ", message).strip()


def said(text):
    """What Sphinx printed: of pages and comments, and of comments by kernel-doc alone."""
    rows = set()
    for m in re.finditer(r"^(?:/src/Documentation/\S+?:\d+: )?/src/(\S+?)(?::(\d+))?: (WARNING|ERROR|CRITICAL): (.*)$", text, re.M):
        if not LEAVES.search(m.group(4)):
            rows.add((m.group(1), m.group(2) or "0", m.group(3), normal(m.group(4))))
    for m in re.finditer(r"^(WARNING|ERROR): (?:/src|\.\.)/(\S+):(\d+) (.*)$", text, re.M):
        rows.add((m.group(2), m.group(3), m.group(1), normal(m.group(4))))
    return rows


def live(tree, suite_root, group):
    run = subprocess.run([suite_root, "--name", "docs", "--packages", "python3-sphinx python3-yaml", "--bind", tree + ":/src",
                          "sid", "--", "sh", "-c", SPHINX % GROUPS[group].replace(" ", ",")], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    if run.returncode == 77:
        print("1..0 # SKIP %s" % run.stderr.strip().split("\n")[-1])
        sys.exit(0)
    return said(run.stdout)


def ours(tree):
    out = subprocess.run([FORELAND, "docs", "check", "--json", "--docutils", "0.23", "."], cwd=tree, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, errors="replace").stdout
    return [(r["file"], r["line"], r["level"], normal(r["message"])) for r in map(json.loads, out.split("\n")[:-1]) if "file" in r]


def compare(recorded, mine, causes):
    by_file = {}
    for file, line, _, message in mine:
        by_file.setdefault((file, message), []).append(line)
    left, used = [], set()
    for row in recorded:
        _, file, line, _, message = row
        comment = not re.match("Duplicate|A level|document|toctree", message)  # kernel-doc counts from the comment's start
        if any(comment or abs(n - int(line)) < 3 for n in by_file.get((file, message), ())):
            continue
        cause = next((p for p, _ in causes if re.search(p, " ".join(row[1:]))), None)
        used.add(cause)
        if not cause:
            left.append(row)
    check(not left, "each of %d warnings of Sphinx is ours, or its kind has a reason" % len(recorded), "\n".join(map(str, left)))
    check({p for p, _ in causes} <= used, "each of %d reasons is of use" % len(causes), {p for p, _ in causes} - used)
    theirs = [(file, int(line), message) for _, file, line, level, message in recorded if level != "WARNING"]
    # Pages outside Documentation are built by nobody: docutils alone judges them, elsewhere.
    errors = [r for r in mine if r[2] == "error" and (r[0].startswith("Documentation/") or not r[0].endswith(".rst"))]
    alone = [r for r in errors if not any(r[0] == f and r[3] == m and abs(r[1] - n) < 3 for f, n, m in theirs)]
    check(errors and not alone, "%d errors of ours are theirs" % len(errors), alone)


def main():
    tree = kernel_sources.tree(sys.argv[2], "7.3")
    with open(sys.argv[3]) as f:
        recorded = [tuple(line.rstrip("\n").split("\t")) for line in f if not line.startswith("#")]
    if len(sys.argv) > 5:
        group = sys.argv[6]
        now, then = live(tree, *sys.argv[5:]), {r[1:] for r in recorded if r[0] == group}
        check(now == then, "Sphinx says of %s what is recorded" % group, *sorted(now ^ then))
        return done()
    with open(sys.argv[4]) as f:
        causes = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    compare(recorded, ours(tree), causes)
    return done()


sys.exit(main())
