#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-exact.py FORELAND PATCHES [SEED [TREE]]: patch mode is the difference of two full checks.

A tree of about 300 files is made from the seed (or TREE is taken), and so many random changes of it: labels,
titles, files, toctree entries, comments, ABI entries and references moved, renamed, dropped, added, doubled.
Each is a patch; what docs check --patch says must be, finding by finding, what a check of the whole
changed tree says and one of the whole old tree does not. Those two are the judges.
"""
import collections
import difflib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

FORELAND = os.path.abspath(sys.argv[1])
WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi omicron pi rho sigma tau".split()
DIRS = ["core", "admin", "driver-api", "core/deep", "net"]


def check(top, *args, stdin=None):
    p = subprocess.run([FORELAND, "docs", "check", "--json", *args, top], input=stdin, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    if p.returncode not in (0, 1):
        raise SystemExit("exit %d: %s" % (p.returncode, p.stderr.decode(errors="replace")))
    rows = [json.loads(line) for line in p.stdout.decode(errors="replace").split("\n") if line]
    return collections.Counter((r["file"], r["code"], re.sub(r"\d+", "#", r["message"])) for r in rows if "file" in r and
                               not r["code"].startswith(("patch-", "mail-")))


def page(rng, n, pages, sources, labels):
    out = []
    for k in range(rng.randint(1, 3)):
        label = "%s-%d" % (rng.choice(WORDS), rng.randrange(120))
        if rng.random() < 0.7:
            out += [".. _%s:" % label, ""]
            labels.append(label)
        title = "%s %s %d" % (rng.choice(WORDS), rng.choice(WORDS), rng.randrange(50))
        out += [title, ("=" if not k else "-") * len(title), ""]
        for _ in range(rng.randint(1, 3)):
            kind = rng.randrange(19)
            if kind == 0 and labels:
                out.append("See :ref:`%s`." % rng.choice(labels))
            elif kind == 1 and pages:
                out.append("See :doc:`/%s`." % rng.choice(pages)[14:-4])
            elif kind == 2 and pages:
                out.append("See %s." % rng.choice(pages))
            elif kind == 3 and sources:
                out += [".. kernel-doc:: %s" % rng.choice(sources), "   :identifiers: %s" % rng.choice(WORDS)]
            elif kind == 4:
                out.append(".. c:function:: int %s(void)" % rng.choice(WORDS))
            elif kind == 5 and labels:
                out.append("See :ref:`text <%s>`." % rng.choice(labels).upper())
            elif kind == 6 and sources:
                out.append("See %s." % rng.choice(sources))
            elif kind == 7:
                out += [".. include:: /%s.txt" % rng.choice(WORDS[:6])]
            elif kind == 8:
                out += [".. glossary::", "", "   %s %d" % (rng.choice(WORDS), rng.randrange(9)), "      text"]
            elif kind == 9:
                out.append("See :term:`%s %d`." % (rng.choice(WORDS).title(), rng.randrange(9)))
            elif kind == 10:
                out.append(".. [%s%d] a book" % (rng.choice(WORDS), rng.randrange(9)))
            elif kind == 11:
                out.append("See [%s%d]_." % (rng.choice(WORDS), rng.randrange(9)))
            elif kind == 12:
                out += [".. csv-table::", "   :file: /%s.csv" % rng.choice(WORDS[:6]), "   :widths: 1 2 3"]
            elif kind == 13:
                out += [".. literalinclude:: /%s.txt" % rng.choice(WORDS[:6]),
                        rng.choice(("   :lines: 1-5", "   :start-after: Part", "   :end-before: text", "   :lines: 8"))]
            elif kind == 14:
                out.append("The |%s| and what is `%s`_." % (rng.choice(WORDS), rng.choice(WORDS)))
            elif kind == 15:
                out += [".. image:: /%s.svg" % rng.choice(WORDS[:8])]
            elif kind == 16:
                out += [".. c:struct:: %s" % rng.choice(WORDS), "", "   .. c:member:: int %s" % rng.choice(WORDS)]
            elif kind == 17:
                out += [".. include:: /%s.txt" % rng.choice(WORDS[:6]), "   :start-after: %s" % rng.choice(WORDS[:6])]
            else:
                out.append("Text of %s." % rng.choice(WORDS))
            out.append("")
    return "\n".join(out)


def comment(rng):
    name = rng.choice(WORDS)
    extra = " * .. _%s-%d:\n *\n * Part\n * ----\n *\n" % (rng.choice(WORDS), rng.randrange(60)) if rng.random() < 0.3 else ""
    return "/**\n * %s() - does\n *\n%s * See :ref:`%s-%d`.\n */\nint %s(void);\n\n" % (
        name, extra, rng.choice(WORDS), rng.randrange(120), name)


def make(top, rng):
    files = {"MAINTAINERS": "THE REST\nF:\tDocumentation/\nF:\tinclude/*.h\n", "Kconfig": "config X\n"}
    sources = ["include/%s.h" % w for w in WORDS]
    for s in sources:
        files[s] = "".join(comment(rng) for _ in range(rng.randint(1, 3)))
    for w in WORDS[:6]:
        files["Documentation/%s.txt" % w] = ".. _%s-1:\n\nPart %s\n~~~~~~~~~~~~~~~~\n\n* a\n\ntext\n" % (w, w)
        files["Documentation/%s.csv" % w] = "a,b,%s\nc,*d,e\n" % w
        files["Documentation/%s.svg" % w] = "<svg/>\n"
    files["Documentation/conf.py"] = "extensions = ['kerneldoc']\nrst_epilog = '''\n%s'''\n" % "".join(
        ".. |%s| replace:: x\n.. _%s: y\n" % (w, w) for w in WORDS[:9])
    files["Documentation/conf.py"] += 'rst_prolog = """\n.. include:: /around.txt\n"""\n'
    files["Documentation/around.txt"] = "".join(".. |%s| replace:: x\n" % w for w in WORDS[9:12])
    files["Documentation/.gitignore"] = "/%s.svg\n%s.csv\n" % (WORDS[7], WORDS[1])
    files["Documentation/sphinx/kerneldoc.py"] = "def setup(app):\n    app.add_directive('kernel-doc', KernelDoc)\n"
    pages, labels = [], []
    for n in range(220):
        pages.append("Documentation/%s/%s%d.rst" % (rng.choice(DIRS), rng.choice(WORDS), n))
    for n, p in enumerate(pages):
        files[p] = page(rng, n, pages, sources, labels)
    for d in DIRS:
        mine = [p[len("Documentation/" + d) + 1:-4] for p in pages if os.path.dirname(p) == "Documentation/" + d]
        glob = d == "net"
        files["Documentation/%s/index.rst" % d] = ":orphan:\n\n%s\n%s\n\n.. toctree::\n%s\n%s\n" % (
            d, "=" * len(d), "   :glob:\n" if glob else "", "   *\n" if glob else "".join("   %s\n" % m for m in mine))
    files["Documentation/index.rst"] = "Top\n===\n\ntext\n"
    for n in range(50):
        files["Documentation/ABI/testing/%s%d" % (rng.choice(WORDS), n)] = "".join(
            "What:\t\t/sys/%s%d\nDescription:\n\t\tText %d.\n\n" % (rng.choice(WORDS), rng.randrange(40), k)
            for k in range(rng.randint(1, 3)))
    for path, text in files.items():
        put(top, path, text)
    return files


def put(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", errors="surrogateescape") as f:
        f.write(text)


def change(files, rng):
    """A copy of @files with some change: {path: text or None}."""
    new = {}
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = rng.choice(sorted(files))
        if rng.random() < 0.2:  # what pages show or include, and what the tree says of itself
            path = rng.choice(sorted(f for f in files if f.endswith((".csv", ".svg", ".txt", ".py", ".gitignore"))))
        if path in new or path in ("Documentation/index.rst", "MAINTAINERS"):  # without them it is no such tree
            continue
        lines = files[path].split("\n")
        kind = rng.randrange(10)
        at = rng.randrange(len(lines))
        marked = [i for i, s in enumerate(lines) if s.startswith((".. _", "What:", ".. kernel", ".. inc", ".. [", "   ", " * ", "See ", ".. |"))]
        if kind == 0:
            new[path] = None
        elif kind == 1:
            new[path] = None
            new[os.path.join(os.path.dirname(path), rng.choice(WORDS) + "-moved" + os.path.splitext(path)[1])] = files[path]
        elif kind == 2 and marked:
            del lines[rng.choice(marked)]
        elif kind == 3 and marked:
            i = rng.choice(marked)
            lines[i] = re.sub(r"(%s)(-?\d*)" % "|".join(WORDS), lambda m: rng.choice(WORDS) + m.group(2), lines[i], count=1)
        elif kind == 4 and marked:
            other = rng.choice(sorted(files))
            i = rng.choice(marked)
            if other not in new and other != path and os.path.splitext(other)[1] == os.path.splitext(path)[1]:
                new[other] = files[other] + "\n" + lines[i] + "\n"
            if rng.random() < 0.5:
                del lines[i]
        elif kind == 5:
            lines = files[rng.choice(sorted(files))].split("\n") if rng.random() < 0.2 else lines[:at]
        elif kind == 6:
            del lines[at:at + 4]
        elif kind == 7:
            lines[at:at] = ["", ".. _%s-%d:" % (rng.choice(WORDS), rng.randrange(120)), ""]
        elif kind == 8:
            lines[at:at] = ["Plain text %d." % rng.randrange(1000)]
        else:
            lines[at:at] = lines[max(0, at - 5):at]
        if path not in new:
            new[path] = "\n".join(lines)
    return new


def diff(files, new):
    out = []
    for path, text in sorted(new.items()):
        old = files.get(path)
        if old == text:
            continue
        a = (old or "").splitlines(True)
        b = (text or "").splitlines(True)
        lines = list(difflib.unified_diff(a, b, "a/" + path if old is not None else "/dev/null",
                                          "b/" + path if text is not None else "/dev/null"))
        if not lines:  # an empty file that goes or comes
            out.append("diff --git a/%s b/%s\n%s\n" % (path, path, "deleted file mode 100644" if text is None else
                                                       "new file mode 100644"))
        for line in lines:
            out.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(out)


def main():
    count = int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as top:
        files = make(top, rng)
        before = check(top)
        bad = new_ones = 0
        for n in range(count):
            new = change(files, rng)
            patch = diff(files, new)
            if not patch:
                continue
            said = check(top, "--patch", "-", stdin=patch.encode(errors="surrogateescape"))
            for path, text in new.items():
                if text is None:
                    os.unlink(os.path.join(top, path))
                else:
                    put(top, path, text)
            after = check(top)
            for path in new:
                if path in files:
                    put(top, path, files[path])
                else:
                    os.unlink(os.path.join(top, path))
            want = after - before
            new_ones += sum(want.values())
            if said != want:
                bad += 1
                if bad <= 5:
                    print("# patch %d: missing %s, too much %s" % (n, sorted((want - said).items())[:4],
                                                                   sorted((said - want).items())[:4]))
                    print("# " + patch[:1500].replace("\n", "\n# "))
        print("# %d files, %d findings before; %d new ones in all" % (len(files), sum(before.values()), new_ones))
        print("%s 1 - seed %d: %d of %d patches say what two full checks say" %
              ("not ok" if bad or not new_ones else "ok", seed, count - bad, count))
    print("1..1")
    return 1 if bad or not new_ones else 0


sys.exit(main())
