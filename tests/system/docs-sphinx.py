#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-sphinx.py FORELAND TREE RECORDED [SUITE_ROOT]: names of pages, as Sphinx judges them.

TREE is a small tree of pages that are wrong in many ways; RECORDED is what Sphinx 9.2 with docutils 0.23 says of
it, a line "FILE<TAB>LINE<TAB>MESSAGE" each. With SUITE_ROOT, Sphinx itself is asked, in a root of sid, and must say
what is recorded; with --update after it, that is printed instead of being compared.
"""
import json
import os
import re
import subprocess
import sys

FORELAND, TREE = map(os.path.abspath, sys.argv[1:3])
LIVE = ("cp -r /src /tmp/t && cd /tmp/t && sphinx-build -q -b dummy -d /tmp/d Documentation /tmp/o 2>&1")
# What one side alone says, each with its cause.
CAUSES = [
    ("theirs", r"^Unparseable C (cross-reference|expression)", "a :c:...: whose text is no name: text, and no reference"),
    ("theirs", r"declarations 75 |declarations 79 ", "members and enumerators are not compared"),
    ("theirs", r"invalid option value: \(option: delim|\"table\" widths do not match",
     "an option's value that only a reading of the table could judge"),
    ("theirs", r"^image file not readable|^toctree contains", "judged elsewhere"),
]


def normal(message):
    message = re.sub(r" \[[\w.]+\]$|\(id=\"[^\"]*\"\) ", "", message)
    message = re.sub(r"(other instance in|also defined at).*", r"\1", message)
    message = re.sub(r"(^Problems with \"[\w-]+\" directive path:).*", r"\1", message)
    message = re.sub(r"^Duplicate C declaration.*", "Duplicate C declaration", message)
    message = re.sub(r"^(Error in declarator.*|Invalid C declaration.*)", "Invalid C declaration", message)
    message = re.sub(r"\"(\w+)\"; value", r"\1; value", message)
    message = re.sub(r"footnotes? available", "footnotes available", message)
    return re.sub(r"\s+", " ", message).strip()


def sphinx(suite_root):
    run = subprocess.run([suite_root, "--name", "docs", "--packages", "python3-sphinx python3-yaml", "--bind", TREE + ":/src",
                          "sid", "--", "sh", "-c", LIVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode == 77:
        print("1..0 # SKIP %s" % run.stderr.strip().split("\n")[-1])
        sys.exit(0)
    rows, text = set(), run.stdout + run.stderr
    text = re.sub(r"(Error (?:in|with CSV data in) \"[\w-]+\" directive:)\n", r"\1 ", text)
    for m in re.finditer(r"^/tmp/t/(Documentation/\S+?):(?:(\d+):)? (?:WARNING|ERROR|CRITICAL): (.*)$", text, re.M):
        rows.add((m.group(1), m.group(2) or "0", normal(m.group(3))))
    return rows


def ours():
    out = subprocess.run([FORELAND, "docs", "check", "--json", "--docutils", "0.23", "."], cwd=TREE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True).stdout
    rows = [r for r in map(json.loads, out.split("\n")[:-1]) if "file" in r]
    return {(r["file"], str(r.get("docutils_line", r["line"])), normal(r["message"])) for r in rows}


def cause(side, row):
    text = row[2] + "\n" + "%s %s %s" % (os.path.basename(row[0])[:-4], row[1], row[2])
    return next((c for s, p, c in CAUSES if s == side and re.search(p, text, re.M)), None)


def is_same(theirs, mine):
    """Sphinx tells the paragraph, the element behind a label or the line above a term; we the place itself."""
    return (theirs[0] == mine[0] and theirs[2] == mine[2] and abs(int(theirs[1]) - int(mine[1])) < 4 and
            re.match("duplicate|term not in|Too many", mine[2]))


def main():
    with open(sys.argv[3]) as f:
        recorded = {tuple(line.rstrip("\n").split("\t")) for line in f if not line.startswith("#")}
    if "--update" in sys.argv:
        print("\n".join(sorted("\t".join(r) for r in sphinx(sys.argv[4]))))
        return 0
    if len(sys.argv) > 4:
        live = sphinx(sys.argv[4])
        print("1..1\n%sok 1 - Sphinx says what is recorded" % ("" if live == recorded else "not "))
        for row in sorted(live ^ recorded):
            print("# %s: %s" % ("now" if row in live else "recorded", row))
        return int(live != recorded)
    mine, failed = ours(), []
    near = [(a, b) for a in recorded - mine for b in mine - recorded if is_same(a, b)]
    recorded -= {a for a, b in near}
    mine -= {b for a, b in near}
    for side, part in (("theirs", recorded - mine), ("ours", mine - recorded)):
        failed += [(side, row) for row in sorted(part) if not cause(side, row)]
    both = len(recorded & mine)
    print("1..1\n%sok 1 - %d warnings of Sphinx, %d of them ours word by word" %
          ("not " if failed or both < 60 else "", len(recorded), both))
    for side, row in failed:
        print("# %s: %s" % (side, row))
    return int(bool(failed) or both < 60)


sys.exit(main())
