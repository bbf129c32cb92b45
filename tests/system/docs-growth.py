#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-growth.py FORELAND: no shape of input costs the square of its size.

Each reader's shapes at n, 2n and 4n, by the instructions that valgrind counts, not by the clock: what the
last n to 2n steps cost must be about twice what the first cost (n log n), not four times. A count
that valgrind did not print is a failure that shows what it printed instead.
"""
from concurrent.futures import ThreadPoolExecutor
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])
LIMIT = 2.9  # 2 is linear, 4 the square
N = 250

SHAPES = [
    ("missing pages of a toctree", "a.rst", (), lambda n: "T\n=\n\n.. toctree::\n\n" + "".join(
        "   a%d\n" % i for i in range(n))),
    ("parameters of a function", "a.c", (), lambda n: "/**\n * f() - x\n" + "".join(
        " * @a%d: x\n" % i for i in range(n)) + " */\nint f(" + ",\n".join("int b%d" % i for i in range(n)) + ")\n{\n}\n"),
    ("members of a struct", "a.c", (), lambda n: "/**\n * struct f - x\n" + "".join(
        " * @a%d: x\n" % i for i in range(n)) + " */\nstruct f {\n" + "".join("int a%d;\n" % i for i in range(n)) + "};\n"),
    ("values of an enum", "a.c", (), lambda n: "/**\n * enum f - x\n" + "".join(
        " * @A%d: x\n" % i for i in range(n)) + " */\nenum f {\n" + "".join("A%d,\n" % i for i in range(n)) + "};\n"),
    ("sections of a comment", "a.c", (), lambda n: "/**\n * f() - x\n" + " *\n * Note: x\n" * n + " */\nint f(void);\n"),
    ("titles of one name, with transitions", "a.rst", (), lambda n: "T\n=\n\nx\n\n----\n\n" * n),
    ("lists that end without a blank line, fixed", "a.rst", ("--fix",), lambda n: "T\n=\n\n" + "".join(
        "1. a\n   b\nSec%d text\n" % i for i in range(n))),
    ("short underlines, fixed", "a.rst", ("--fix",), lambda n: "T\n=\n\n" + "".join(
        "Section %d long\n===---\n".replace("===---", "-" * 5) % i + "\n" for i in range(n))),
    ("a table's rows, fixed", "a.rst", ("--fix",), lambda n: "T\n=\n\n== ==\n" + "".join(
        "a%d  b\n" % i if i % 2 else "aaaaa b\n" for i in range(n)) + "== ==\n\nText.\n"),
    ("one What many times", "Documentation/ABI/testing/a", (), lambda n: "".join(
        "What:\t\t/sys/a%d\nDescription:\n\t\tText.\n" % (i // 2) for i in range(n))),
    ("labels twice", "Documentation/a.rst", (), lambda n: ":orphan:\n\n" + "".join(
        ".. _l%d:\n\n" % (i // 2) for i in range(n)) + "T\n=\n\ntext\n"),
    ("rows of a simple table", "a.rst", (), lambda n: "T\n=\n\n=== ===\n" + "".join(
        "a%d b\n" % (i % 10) for i in range(n)) + "=== ===\n"),
    ("places to be ignored", "a.rst", (), lambda n: "T\n=\n\n" + "".join(
        ".. foreland: ignore sysfs-modules   %d\n\n/sys/modules/x\n\n" % i for i in range(n))),
    ("quoted fields in one line", "a.rst", (), lambda n: "T\n=\n\n.. csv-table::\n\n   " + '"a""b",' * (4 * n) + "x\n"),
    ("options of one directive", "a.rst", (), lambda n: "T\n=\n\n.. automodule:: x\n" + "".join(
        "   :o%d: x\n" % k for k in range(n))),
    ("paths in one line", "a.rst", (), lambda n: "T\n=\n\n" + "/sys/modules/x " * (4 * n) + "\n"),
    ("indirect targets in a circle", "a.rst", (), lambda n: "T\n=\n\n" + "".join(
        ".. _a%d: a%d_\n" % (i, (i + 1) % n) for i in range(n)) + "\na1_\n"),
    ("nested lists, side by side", "a.rst", (), lambda n: "T\n=\n\n" + "* a\n\n  * b\n\n" * n),
]


def count(top, path, options, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w") as f:
        f.write(text)
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", FORELAND, "docs", "check",
                          "--level", "style", *options, path], cwd=top, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True)
    found = re.search(r"Collected\s*:\s*(\d+)", run.stderr)
    if not found:
        raise RuntimeError("status %d, no count: %s" % (run.returncode, run.stderr[-300:].replace("\n", " | ")))
    return int(found.group(1))


def measure(row):
    what, path, options, shape = row
    with tempfile.TemporaryDirectory() as top:
        with open(os.path.join(top, "MAINTAINERS"), "w") as f:
            f.write("x\n")
        os.mkdir(os.path.join(top, "Documentation"))
        try:
            a, b, c = (count(top, path, options, shape(size)) for size in (N, 2 * N, 4 * N))
        except RuntimeError as e:
            return False, "%s: %s" % (what, e)
    ratio = (c - b) / (b - a) if b > a else 0
    return 0 < ratio < LIMIT, "%s: %.1f, %.1f, %.1f million instructions, growth %.2f" % (
        what, a / 1e6, b / 1e6, c / 1e6, ratio)


def main():
    if not shutil.which("valgrind"):
        print("1..0 # SKIP valgrind is not installed")
        return 0
    with ThreadPoolExecutor(2) as two:
        for good, what in two.map(measure, SHAPES):
            check(good, what)
    return done()


sys.exit(main())
