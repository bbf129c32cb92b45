#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-sphinx.py FORELAND TREE RECORDED [SUITE_ROOT]: pages that are wrong in many ways, as Sphinx judges them.

TREE is a small tree, or a file that holds one: "=== PATH", and below it what is in the file. RECORDED is what
Sphinx 9.2 with docutils 0.23 says of it, a line "FILE<TAB>LINE<TAB>MESSAGE" each. With SUITE_ROOT, Sphinx itself is
asked, in a root of sid, and must say what is recorded; with --update after it, that is printed instead of being
compared. Pages on which Sphinx itself dies are recorded, too: there we must tell of an error.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

FORELAND, TREE = map(os.path.abspath, sys.argv[1:3])
DRIVER = """
import sys
from sphinx.builders import Builder
from sphinx.cmd.build import main
whole = Builder.read_doc
def one(self, name, *args, **options):
    try:
        return whole(self, name, *args, **options)
    except Exception as e:
        print('/tmp/t/Documentation/%s.rst:1: ERROR: DIES %s' % (name, str(e).split(chr(10))[0][:60]), file=sys.stderr)
Builder.read_doc = one
sys.exit(main(['-q', '-b', 'dummy', '-d', '/tmp/d', 'Documentation', '/tmp/o']))
"""
LIVE = "cp -r /src /tmp/t && cd /tmp/t && python3 -c \"$DRIVER\" 2>&1"
# What one side alone says, each with its cause.
CAUSES = [
    ("theirs", r"^Unparseable C expression|^Parsing of expression failed", "expressions in C are not parsed"),
    ("theirs", r"invalid option value: \(option: encoding", "names of encodings are Python's"),
    ("theirs", r"^(duplicate (object|\w+) description|Duplicate C\+\+|Error when parsing function|Invalid C\+\+|"
     r"duplicate description of (directive|role))", "names of C++, Python, JavaScript: no page of the kernel declares any"),
    ("theirs", r"^p2\d\d \d+ Invalid C declaration", "the same, and the arguments of namespaces"),
    ("theirs", r"^p002 8 undefined label|Any number is not assigned|^equation not found|label of equation", "numbered figures and equations: "
     "no conf.py of the kernel numbers them"),
    ("theirs", r"^Circular substitution", "a substitution in itself: Sphinx finds the circle, and we no end"),
    ("theirs", r"^Invalid meta directive|^Error in \"(role|class)\" directive|^No format \(Writer", "options of new roles"),
    ("theirs", r"^exception while evaluating only", "the expression of only is Python's"),
    ("theirs", r"^Invalid class attribute value for \"container\"", "names of classes"),
    ("theirs", r"^unknown (option|keyword):", "command line options and Python's words as targets"),
    ("theirs", r"^(PEP|RFC) number must be", "docutils' own names of these roles"),
    ("theirs", r"^parsing '.*' failed: SyntaxError|non-whitespace stripped by dedent", "the text that a listing shows"),
    ("theirs", r"^p007 12 duplicate label", "the same file included twice"),
    ("", r"cit2", "a citation in a file that is included twice: told once, in the file"),
    ("", r"^Unexpected section title", "docutils counts from the start of the cell"),
    ("", r"undefined label: 'nope'", "a label that is no label of a figure"),
    ("theirs", r"^p098 4 Duplicate C", "DEFINE_X(a) declares an a"),
    ("ours", r"^p405 6 Unknown interpreted", "docutils keeps roles of pages that it has read before"),
    ("theirs", r"^DIES", "told as an error: see below"),
]


def normal(message):
    message = re.sub(r" \[[\w.]+\]$|\(id=\"[^\"]*\"\) ", "", message)
    message = re.sub(r"(other instance in|also defined at).*", r"\1", message)
    message = re.sub(r"(^Problems with \"[\w-]+\" directive path:).*", r"\1", message)
    message = re.sub(r"^Duplicate C declaration.*", "Duplicate C declaration", message)
    message = re.sub(r"^(Error in declarator.*|Invalid C declaration.*)", "Invalid C declaration", message)
    message = re.sub(r"\"(\w+)\"; value", r"\1; value", message)
    message = re.sub(r"_StrPath\(('[^']*')\)", r"\1", message)
    message = re.sub(r"/tmp/t/|(?<=Malformed table\.) .*|(?<=option of \"include\" directive:) .*", "", message)
    message = re.sub(r"footnotes? available", "footnotes available", message)
    return re.sub(r"\s+", " ", message).strip()


def sphinx(suite_root):
    run = subprocess.run([suite_root, "--name", "docs", "--packages", "python3-sphinx python3-yaml", "--bind", TREE + ":/src",
                          "sid", "--", "sh", "-c", LIVE.replace("$DRIVER", DRIVER)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode == 77:
        print("1..0 # SKIP %s" % run.stderr.strip().split("\n")[-1])
        sys.exit(0)
    rows, text = set(), run.stdout + run.stderr
    text = re.sub(r"(Error (?:in|with CSV data in) \"[\w:-]+\" directive:)\n", r"\1 ", text)
    for m in re.finditer(r"^/tmp/t/(Documentation/\S+?):(?:(\d+):)? (?:WARNING|ERROR|CRITICAL): (.*)$", text, re.M):
        rows.add((re.sub(r"(\.rst)\.rst$|:$", r"\1", m.group(1)), m.group(2) or "0", normal(m.group(3))))
    return rows


def ours():
    out = subprocess.run([FORELAND, "docs", "check", "--json", "--docutils", "0.23", "."], cwd=TREE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True).stdout
    rows = [r for r in map(json.loads, out.split("\n")[:-1]) if "file" in r]
    return {(r["file"], str(r.get("docutils_line", r["line"])), normal(r["message"])) for r in rows}


def cause(side, row):
    text = row[2] + "\n" + "%s %s %s" % (os.path.basename(row[0])[:-4], row[1], row[2])
    return next((c for s, p, c in CAUSES if s in (side, "") and re.search(p, text, re.M)), None)


def is_same(theirs, mine):
    """Sphinx tells the paragraph, the element behind a label, the line above a term, the directive or the whole
    page; we the place itself."""
    return theirs[0] == mine[0] and theirs[2] == mine[2] and (
        re.match("Anonymous|Unknown target", mine[2]) or (abs(int(theirs[1]) - int(mine[1])) < 7 and re.match(
            "[Dd]uplicate|term not in|Too many|toctree|Un(known|defined)", mine[2])))


def unpack(name):
    """The tree that a file holds."""
    tree = tempfile.mkdtemp()
    with open(name) as f:
        parts = re.split(r"^=== (.*)\n", f.read(), flags=re.M)
    for path, text in zip(parts[1::2] + ["MAINTAINERS"], parts[2::2] + [""]):
        os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
        with open(os.path.join(tree, path), "w") as f:
            f.write(text)
    return tree


def main():
    global TREE
    if os.path.isfile(TREE):
        TREE = unpack(TREE)
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
    dead = {r[0] for r in recorded if r[2].startswith("DIES")}
    failed += [("dies", name) for name in dead if not any(r[0] == name for r in mine)]
    mine = {r for r in mine if r[0] not in dead and not r[0].endswith("index.rst")}
    recorded = {r for r in recorded if not r[0].endswith("index.rst")}
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
