#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-linux.py FORELAND SOURCE VERDICTS [DIR...]: Linux 7.3, on which nothing was tuned.

SOURCE is a program that prints where the sources are. Every error of ours is one of VERDICTS, which were read
one by one; and over the folders DIR the tree's own tools/docs/kernel-doc says what we
say, apart from what the list below explains.
"""
import collections
import json
import os
import re
import subprocess
import sys

import kernel_sources
from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
CAUSES = [
    (r"DECLARE_RDMA_OBJ_SIZE", "a macro of members: the script cuts it at each comma, we name it once"),
    (r"in '(int|void|bool|uint32_t)'$|was for (int|void|bool|uint32_t)\(\)|"
     r"_(cb|cb_t|handler|callback|t|gmem_populate)(\(\)|'$)|was for cgs_\w+_t\(\)",
     "the script takes a typedef of a function for a function of that type"),
    (r"DECLARE_EVENT_CLASS", "a template of tracepoints is no function of that name"),
    (r"nf_tables\.h: .*'buf'|bmap\.h: .*'u_data'", "the script loses the inner struct of a dimension with sizeof()"),
    (r"TRACE_EVENT_FN|Unrecognized tracepoint", "a tracepoint with functions of its own: the script reads its fields"),
    (r"xe_guc_submit_types\.h: .*'wq'|member '' not described", "the script loses a member whose dimension is computed"),
    (r"irq-omap-intc\.h|dalsmc\.h", "a comment in front of the file's guard"),
    (r"snd_iprintf|hash_for_each_possible_rcu", "a macro's \"args...\" that the script finds by its comment alone"),
    (r"pipapo\.h|member '(int|long|short|char|\w*32|)' not", "a bit-field without a name has nothing to describe"),
]


def normal(message):
    message = re.sub(r" ?\(did you mean one of:.*", "", message)
    message = re.sub(r"^.*error: Cannot parse", "error: Cannot parse", message)
    message = re.sub(r"^(Cannot find identifier on line:|wrong kernel-doc identifier on line:|"
                     r"cannot understand function prototype:).*", r"\1", message)
    return re.sub(r"\s+", " ", message).strip()


def rows(*args):
    out = subprocess.run([FORELAND, "docs", "check", "--json", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, errors="replace").stdout
    return [r for r in map(json.loads, out.split("\n")[:-1]) if "file" in r]


def errors(tree, verdicts):
    with open(verdicts) as f:
        said = {tuple(line.split("\t")[1:3]) for line in f if line.startswith("true")}
    mine = {(r["code"], "%s:%d" % (r["file"], r["line"])) for r in rows("--level", "error", tree)}
    check(mine == said, "%d errors, each of them read and true" % len(said), mine - said, said - mine)


def warnings(tree, verdicts):
    """The same of what is milder, but for comments, which their own tool judges below."""
    with open(verdicts) as f:
        said = {tuple(line.split("\t")[1:3]) for line in f if line.startswith("true")}
    mine = {(r["code"], "%s:%d" % (r["file"], r["line"])) for r in rows("--skip", "kdoc", tree) if r["level"] == "warning"}
    check(mine == said, "%d warnings, each of them true" % len(said), mine - said, said - mine)


def sample(tree, verdicts):
    """Of what is said of comments, the part that was read: none of it is silently gone."""
    with open(verdicts) as f:
        said = {tuple(line.split("\t")[1:3]) for line in f if line.startswith("true")}
    mine = {(r["code"], "%s:%d" % (r["file"], r["line"])) for r in rows("--only", "kdoc", tree) if r["level"] != "style"}
    check(said <= mine, "%d warnings of comments that were drawn and read" % len(said), said - mine)


def comments(tree, folder):
    out = subprocess.run([sys.executable, "tools/docs/kernel-doc", "-none", folder], cwd=tree, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True, errors="replace").stderr
    theirs = {(m.group(1), normal(m.group(2))) for m in re.finditer(r"^\w+: (\S+?):\d+ (.*)$", out, re.M)}
    mine = {(r["file"], normal(r["message"])) for r in rows("--only", "kdoc", "--skip", "kdoc-doc-duplicate",
                                                           os.path.join(tree, folder))}
    left, why = [], collections.Counter()
    for side, part in (("theirs", theirs - mine), ("ours", mine - theirs)):
        for row in part:
            cause = next((c for p, c in CAUSES if re.search(p, "%s: %s" % row)), None)
            why[cause] += 1
            if not cause:
                left.append((side, *row))
    for cause, n in why.items():
        print("#   %d: %s" % (n, cause))
    check(not left and theirs & mine, "kernel-doc over %s: %d messages, %d of them word by word ours" %
          (folder, len(theirs), len(theirs & mine)), "\n".join(map(str, sorted(left)[:20])))


def main():
    tree = kernel_sources.tree(sys.argv[2], "7.3")
    errors(tree, sys.argv[3])
    warnings(tree, sys.argv[3] + "-warnings")
    sample(tree, sys.argv[3] + "-kernel-doc")
    for folder in sys.argv[4:]:
        comments(tree, folder)
    return done()


sys.exit(main())
