#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps of 4,000, 100,000 and 1,000,000 tags, good and bad: test-large.py FORELAND

What is expected is computed here, from the numbers that the dumps are made of. Memory is bounded: a
dump that is read may take eight times its size, whatever is asked of it.
"""
import fcntl
import json
import os
import pty
import resource
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

FORELAND = sys.argv[1]
HEAD = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"
DIRS = ["mm", "fs/ext4", "drivers/net/ethernet/intel/ice", "kernel/bpf", "./include/linux"]
MODULES = ["", "[ext4] ", "[ice] "]
SANITIZED = b"__asan_init" in open(FORELAND, "rb").read()
BASE, FACTOR = 64 << 20, 8


def size_of(i):
    return (i * 2654435761 % 2**32) >> i % 28


def line_of(i, size, line):
    return (f"{size:12} {size // 64:8} {DIRS[i % 5]}/file{i % 700}.c:{line} {MODULES[i % 3]}"
            f"func:fn_{i} \n")


def write(path, tags):
    with open(path, "w") as f:
        f.write(HEAD)
        f.writelines(tags)


def run(*args, limit=None):
    """The command's result, and the most memory that it had."""
    def bounded():
        if limit and not SANITIZED:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return subprocess.run([FORELAND, "alloc", *args], capture_output=True, text=True, timeout=240,
                          preexec_fn=bounded)


def rows(p):
    return [r for r in map(json.loads, p.stdout.splitlines()) if "type" not in r]


def summary(p):
    return json.loads(p.stdout.splitlines()[-1])


def good(tmp, n):
    """show, its filter and tree, and the growth between two dumps, in which some lines have moved."""
    old, new = f"{tmp}/old", f"{tmp}/new"
    sizes = [size_of(i) for i in range(n)]
    write(old, (line_of(i, sizes[i], i % 3000 + 1) for i in range(n)))
    # every thousandth grew by its number, every tenth of those has moved too; one came, one went
    grown = {i: i + 1 for i in range(0, n, 1000)}
    write(new, [line_of(i, sizes[i] + grown.get(i, 0), i % 3000 + 1 + (i % 10000 == 0))
                for i in range(n - 1)] + [line_of(n, 12345, 1)])
    limit = BASE + FACTOR * os.path.getsize(old)
    p = run("show", "--input", old, "--json", "-n", "20", "--min-size", "1M", limit=limit)
    large = [s for s in sizes if s >= 1 << 20]
    check(p.returncode == 0 and [r["bytes"] for r in rows(p)] == sorted(large, reverse=True)[:20] and
          (summary(p)["tags"], summary(p)["bytes"]) == (len(large), sum(large)), f"{n}: the largest, filtered",
          p.stderr[-300:])
    p = run("show", "--input", old, "--json", "--tree", "module", "--depth", "1", limit=limit)
    groups = {r["name"]: r["bytes"] for r in map(json.loads, p.stdout.splitlines())
              if r.get("type") == "group"}
    check(groups == {"(built in)": sum(sizes[0::3]), "ext4": sum(sizes[1::3]), "ice": sum(sizes[2::3])},
          f"{n}: modules add up", p.stderr[-300:] + str(groups))
    p = run("diff", old, new, "--json", limit=BASE + FACTOR * 2 * os.path.getsize(old))
    changes = {r["function"]: (r["bytes_growth"], r["note"]) for r in rows(p)}
    expected = {f"fn_{i}": (g, "moved" if i % 10000 == 0 else None) for i, g in grown.items()}
    expected[f"fn_{n}"] = (12345, "new")
    expected[f"fn_{n - 1}"] = (-sizes[n - 1], "gone")
    check(changes == expected, f"{n}: growth, and what moved", p.stderr[-300:])


def top(tmp, n):
    """The screen is drawn and left."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(FORELAND, [FORELAND, "alloc", "top", "--input", f"{tmp}/old", "-i", "50ms", "-r"])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 100, 0, 0))
    text, end, asked = b"", time.time() + 120, False
    try:
        while time.time() < end:
            if select.select([fd], [], [], 1)[0]:
                text += os.read(fd, 65536)
            if text.count(b"\033[H") > 2 and not asked:
                os.write(fd, b"q")
                asked = True
    except OSError:  # the other side is closed
        pass
    status = os.waitpid(pid, 0)[1]
    largest = str(max(size_of(i) for i in range(n))).encode()
    check(status == 0 and largest in text and text.endswith(b"\033[?25h\033[?1049l"), f"{n}: top", text[-200:])


def bad(tmp, n):
    """Each bad line is one complaint with its place; the rest is read."""
    kinds = [("-9223372036854775809 1 a.c:1 func:f \n", "BYTES_RANGE", 1),
             ("99999999999999999999999 1 a.c:1 func:f \n", "BYTES_RANGE", 1),
             ("1 18446744073709551616 a.c:1 func:f \n", "CALLS_RANGE", 3),
             ("1 1 a.c:1 [ext4 func:f \n", "MODULE", 11),
             ("1 1 a.c:1 ext4] func:f \n", "LINE_NUMBER", 5),
             ("1 1 a.c:1 fun\0c:f \n", "NUL", 14),
             ("1 1 " + "x" * (10 << 20) + ":1 func:f \n", "TOO_LONG", 65537),
             ("\n", None, 0),
             ("-4096 1 a.c:1 func:negative \n", None, 0)]
    tags = [line_of(i, size_of(i), 1) for i in range(n)]
    places, total = [], sum(size_of(i) for i in range(n)) - 4096
    for k, (line, code, column) in enumerate(kinds):
        at = n // len(kinds) * k
        tags.insert(at, line)
        if code:
            places.append((at + 3, column, code))
    path = f"{tmp}/bad"
    write(path, tags)
    p = run("show", "--input", path, "--json", "-n", "1", "--sort", "-bytes",
            limit=BASE + FACTOR * os.path.getsize(path))
    missing = [x for x in places
               if not any(line.startswith(f"{path}:{x[0]}:{x[1]}: error: ") and line.endswith(f"[{x[2]}]")
                          for line in p.stderr.splitlines())]
    complaints = sum(": error: " in line for line in p.stderr.splitlines())
    check(p.returncode == 1 and not missing and complaints == len(places),
          f"{n}: one complaint a bad line, with its place", f"{missing} {p.stderr[:600]}")
    check([r["bytes"] for r in rows(p)] == [-4096] and
          (summary(p)["tags"], summary(p)["bytes"]) == (n + 1, total), f"{n}: the rest is read", p.stdout)
    check(len(p.stderr) < 10000, f"{n}: a line of 10 MB is not repeated", len(p.stderr))


with tempfile.TemporaryDirectory() as directory:
    for number in (4000, 100000) if SANITIZED else (4000, 100000, 1000000):
        good(directory, number)
        top(directory, number)
    for number in (4000, 100000 if SANITIZED else 1000000):
        bad(directory, number)
sys.exit(done())
