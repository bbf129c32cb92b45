#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-seccomp.py FORELAND FOREIGN1: each command works where the kernel lets it call nothing but what foreland(1)
lists, section SYSTEM CALLS.

The lists are read out of the built page, the numbers out of the C library's header. The judge is the kernel's seccomp,
which kills at any other call. What a command says and its status must be what they are without a filter."""
import ctypes
import os
import re
import struct
import subprocess
import sys
import tempfile

from tap import done, expect, skip

foreland, page = (os.path.abspath(p) for p in sys.argv[1:3])
HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
if os.uname().machine != "x86_64" or not os.path.exists(HEADER):
    print("1..0 # SKIP the page lists x86-64's, and their numbers are in a header that is not here")
    sys.exit(77)
libc = ctypes.CDLL(None, use_errno=True)
numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", open(HEADER, encoding="utf-8").read()))
text = open(page, encoding="utf-8").read()
part = text[text.index('.SH "SYSTEM CALLS"'):text.index(".SH DIAGNOSTICS")]
lists = [set(re.findall(r"\w+", body.removeprefix("besides these").removeprefix("besides the first")))
         for body in re.findall(r"^\.TP\n\.B .*\n((?:[^.].*\n)+)", part, re.M)]
expect("the page has three lists", len(lists) == 3 and all(len(one) > 8 for one in lists), lists)
unknown = [name for name in set().union(*lists) if name not in numbers]
expect("each name is a system call", not unknown, unknown)


def confined(names):
    """Makes the process one that may call these alone (struct sock_filter: code, jt, jf, k)."""
    program = [(0x20, 0, 0, 4), (0x15, 1, 0, 0xC000003E), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0)]
    for name in sorted(names):
        program += [(0x15, 0, 1, int(numbers[name])), (0x06, 0, 0, 0x7FFF0000)]
    program += [(0x06, 0, 0, 0x80000000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in program))
    head = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))

    def enter():
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, head, 0, 0):
            os._exit(99)
    enter.keep = code
    return enter


def run(words, names=None):
    return subprocess.run([foreland, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=60, check=False, close_fds=False, preexec_fn=confined(names) if names else None)


r = run(["--version"], lists[0] - {"openat"})
expect("a filter filters: without openat nothing runs", r.returncode == -31, r)
COMMANDS = [
    (0, ["help", "trace"]), (0, ["schema"]), (0, ["probe", "check", "p vfs_read"]), (0, ["probe", "syntax"]),
    (0, ["report", "junk"]), (0, ["docs", "check", "d"]), (0, ["docs", "check", "--json", "d"]),
    (0, ["docs", "check", "--fix", "--write", "d"]), (0, ["alloc", "show", "--input", "tags", "--json"]),
    (0, ["alloc", "show", "--input", "tags", "--prometheus", "m.prom"]), (0, ["alloc", "show", "--input", "tags", "-o", "out"]),
    (0, ["alloc", "diff", "tags", "tags"]), (0, ["alloc", "watch", "--input", "tags", "--count", "2", "--interval", "0.1"]),
    (0, ["epdma", "plan", "--board", "rk3588"]), (1, ["trace", "-t", "0.3", "t sched_switch"]),
    (1, ["trace", "-t", "0.3", "-o", "x.dat", "t sched_switch"]),
    (1, ["trace", "-t", "0.3", "--hist", "keys=common_pid", "t sched_switch"]),
    (1, ["trace", "-t", "0.3", "--with", "container", "t sched_switch"]),
    (1, ["trace", "-t", "0.3", "--sample", "99", "--stack", "--ustack"]), (1, ["trace", "-p", "1", "-t", "0.3", "t sched_switch"]),
    (1, ["alloc", "show", "--kernel", "-t", "0.3"]), (2, ["epdma", "demo"]), (2, ["epdma", "host", "ls", "--socket", "tags"]),
]
with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    os.makedirs("d/Documentation")
    for name, content in (("tags", "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n        4096        2 mm/a.c:10 func:f \n"),
                          ("junk", "junk\n"), ("d/MAINTAINERS", ""), ("d/Documentation/a.rst", "Title\n==\n\ntext\n")):
        with open(name, "w", encoding="utf-8") as f:
            f.write(content)
    for which, words in COMMANDS:
        name = " ".join(words)
        plain = run(words)
        if plain.returncode == 2 and "unknown command" in plain.stderr:
            continue
        if "--write" in words:  # the first has done it
            plain = run(words)
        r = run(words, lists[0] | lists[which])
        if r.returncode == 99:
            skip(name, "this kernel has no seccomp")
            continue
        same = which != 0 or "watch" in words or r.stdout == plain.stdout
        expect(f"{name}: {r.returncode}, as without a filter", r.returncode == plain.returncode and same,
               plain.returncode, r.stdout[:300], r.stderr[-500:])
sys.exit(done())
