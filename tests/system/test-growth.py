#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-growth.py FORELAND: nothing costs more than n log n of what a stranger can supply. Each reader's shapes
at n, 2n and 4n by the instructions that valgrind counts, not by the clock: what the step from 2n to 4n
costs must be about twice what the step from n to 2n costs, and not four times. (Documents have a test of
their own, docs-growth.)"""
import os
import re
import shutil
import subprocess
import sys

from datwriter import Machine, Recording, format_of
from tap import check, done, folder

FORELAND = os.path.abspath(sys.argv[1])
LIMIT = 2.9  # 2 is linear, a little more n log n, 4 the square
HEAD = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"
SYMS = "ffffffff81000000 T _text\nffffffff81001000 T vfs_read\n"


def tag(i, file="a.c", line=1, function="f"):
    return f"{i + 1:12} {i + 1:8} {file}:{line} func:{function} \n"


def alloc(make, *args):
    return lambda n: ({"in": HEAD + "".join(make(i) for i in range(n))}, ["alloc", "show", "--input", "in", *args], None)


def diff(before, after):
    return lambda n: ({"a": HEAD + "".join(before(i) for i in range(n)), "b": HEAD + "".join(after(i) for i in range(n))},
                      ["alloc", "diff", "a", "b"], None)


def checked(make, *args):
    return lambda n: ({"syms": SYMS}, ["probe", "check", "--kallsyms", "syms", "--file", "dynamic_events", *args,
                                       "-"], make(n))


def framed(n):
    """A recording that names the files of n frames, each another one."""
    m = Machine()
    test = format_of("test", 300, [("int", "a", 8, 4, True)], '"%d", REC->a')
    told = b"4d 0 prog\n" + b"".join(b"frame %x c 1 %040x /lib/f%d[+0x10]\n" % (4096 + i, i, i) for i in range(n)) + b"\0"
    data = m.record(300, 77, m.pack("i", 1))
    rec = Recording(m, {"test": [test]}, [("", "mono", {0: m.pages([(5000, data)])})], comms={77: "a"}, options=[("procmaps", told)])
    return {"r.dat": rec.version_6()}, ["report", "--stat", "r.dat"], None


SHAPES = [
    ("tags of one place", 2000, alloc(tag)),
    ("tags of many places, by directory", 2000, alloc(lambda i: tag(i, f"d{i % 7}/e{i % 50}/f{i}.c", i), "--tree", "dir")),
    ("tags of one directory each", 2000, alloc(lambda i: tag(i, f"d{i}/a.c"), "--tree", "dir")),
    ("tags of one function each", 2000, alloc(lambda i: tag(i, function=f"f{i}"), "--tree", "function")),
    ("metrics of one place", 2000, alloc(tag, "--prometheus", "out")),
    ("a difference of equal tags", 1000, diff(tag, tag)),
    ("a difference of tags that moved", 1000, diff(lambda i: tag(i, line=i), lambda i: tag(i, line=i + 10**6))),
    ("definitions of one group", 500, checked(lambda n: "".join(f"p:g/e{i} vfs_read a=%di:u64\n" for i in range(n)),
                                            "--sequence")),
    ("definitions of one event, again and again", 500, checked(lambda n: "".join(
        f"p:g/e vfs_read+{i} a=%di:u64\n" for i in range(n)), "--sequence")),
    ("definitions without a name", 500, checked(lambda n: "p vfs_read a=%di:u64\n" * n, "--sequence")),
    ("definitions and removals", 500, checked(lambda n: "".join(
        f"p:g/e{i} vfs_read\n" for i in range(n)) + "".join(f"-:g/e{i}\n" for i in range(n)), "--sequence")),
    ("definitions, each alone", 500, checked(lambda n: "p:g/e vfs_read a=%di:u64\n" * n)),
    ("one long word", 40000, checked(lambda n: "p:g/e vfs_read a=" + "x" * n + "\n")),
    ("parentheses", 40000, checked(lambda n: "p:g/e vfs_read a=" + "+0(" * n + "\n")),
    ("blanks", 40000, checked(lambda n: "p:g/e vfs_read" + " " * n + "a=%di\n")),
    ("arguments", 30, checked(lambda n: "p:g/e vfs_read " + " ".join(f"a{i}=%di" for i in range(n)) + "\n")),
    ("terms of a filter", 4000, checked(lambda n: "p:g/e vfs_read a=%di:u64 if " + " || ".join(
        f"a=={i}" for i in range(n)) + "\n")),
    ("symbols of one name", 2000, lambda n: (
        {"syms": "".join(f"ffffffff81{i:06x} t f\n" for i in range(n))},
        ["probe", "check", "--kallsyms", "syms", "p:g/e f"], None)),
    ("symbols of many names", 2000, lambda n: (
        {"syms": "".join(f"ffffffff81{i:06x} t f{i}\n" for i in range(n))},
        ["probe", "list", "--kallsyms", "syms", "functions", "f*"], None)),
    ("files of a recording's frames", 2000, framed),
]


def count(files, argv, text):
    for name, content in files.items():
        with open(name, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
    r = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", FORELAND, *argv],
                       input=text, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
                       env={**os.environ, "MALLOC_PERTURB_": "0"})  # meson has freed memory filled, which is counted
    m = re.search(r"Collected\s*:\s*(\d+)", r.stderr)
    return int(m[1]) if m else 0


if not shutil.which("valgrind"):
    print("1..0 # SKIP valgrind is not installed")
    sys.exit(0)
os.chdir(folder("growth"))
for name, n, shape in SHAPES:
    if sys.argv[2:] and name not in sys.argv[2:]:
        continue
    a, b, c = (count(*shape(k * n)) for k in (1, 2, 4))
    ratio = (c - b) / (b - a) if b > a else 2.0
    check(a and c > 1.2 * a and ratio < LIMIT,  # where it does not grow it was not read
          f"{name}: {a}, {b}, {c} instructions: {ratio:.2f}")
sys.exit(done())
