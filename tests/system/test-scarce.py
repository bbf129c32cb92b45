#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-scarce.py FORELAND: little room on the disk, few descriptors, little address space, files that may not
grow, standard output that is full or closed. A command does what it does with plenty of all of these, or
ends with status 1 and says what it lacked; it never crashes, hangs or calls half an answer whole."""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys

import userns

import cgroup
from tap import done, expect, folder, skip

FORELAND = os.path.abspath(sys.argv[1])
HEAD = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"


def put(name, text):
    with open(name, "w") as f:
        f.write(text)


def run(argv, limit=None, value=0, **kw):
    def before():
        if limit is not None:
            resource.setrlimit(limit, (value, value))
    kw.setdefault("stdout", subprocess.PIPE)
    try:
        return subprocess.run([FORELAND, *argv], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60,
                              preexec_fn=before, **kw)
    except (subprocess.TimeoutExpired, subprocess.SubprocessError) as e:
        return e


home = folder("scarce")
os.chdir(home)
put("tags", HEAD + "".join(f"{100 * i:12} {i:8} mm/a.c:{i} func:f{i} \n" for i in range(3000)))
put("page.rst", "Title long\n====\n\nText.\n")
put("syms", "ffffffff81000000 T _text\nffffffff81001000 T vfs_read\n")
CASES = {
    "alloc show": ["alloc", "show", "--input", "tags"],
    "alloc diff": ["alloc", "diff", "tags", "tags"],
    "docs check": ["docs", "check", "page.rst"],
    "docs check --fix": ["docs", "check", "--fix", "page.rst"],
    "probe check": ["probe", "check", "--kallsyms", "syms", "p:g/e vfs_read a=%di:u64"],
    "epdma plan": ["epdma", "plan", "--board", "r-car-s4"],
    "epdma inspect": ["epdma", "inspect", "--board", "rk3588"],
    "doctor --json": ["doctor", "--json"],
    "help": ["--help"],
}


def same_or_said(base, r):
    if isinstance(r, Exception):
        return False
    if (r.returncode, r.stdout) == (base.returncode, base.stdout):
        return True
    return r.returncode == 1 and r.stderr


for name, argv in CASES.items():
    base = run(argv)
    if name != "doctor --json":
        bad = [(n, r) for n in range(3, 16) for r in [run(argv, resource.RLIMIT_NOFILE, n)]
               if not same_or_said(base, r) and not (not isinstance(r, Exception) and r.returncode == 127)]
        expect(f"{name}: few descriptors", not bad, *bad[:2])
        bad = [(mb, r) for mb in (4, 6, 8, 10, 12, 16, 24, 32) for r in [run(argv, resource.RLIMIT_AS, mb << 20)]
               if not same_or_said(base, r) and not (not isinstance(r, Exception) and r.returncode in (127, -signal.SIGSEGV)
                                                     and not r.stdout and mb <= 12)]
        expect(f"{name}: little address space", not bad, *bad[:2])
    with open("/dev/full", "w") as full:
        r = run(argv, stdout=full)
        expect(f"{name}: standard output is full", not isinstance(r, Exception) and r.returncode == 1
               and b"ENOSPC" in r.stderr, r)
    if len(base.stdout) <= 64:
        continue
    put("out", "")
    with open("out", "w") as f:
        r = run(argv, resource.RLIMIT_FSIZE, 64, stdout=f)
        expect(f"{name}: a file that may not grow", not isinstance(r, Exception) and r.returncode == 1
               and b"EFBIG" in r.stderr, r)

made = cgroup.make("scarce")
if made:
    group, limit_file = made[:2]
    for name, argv in CASES.items():
        base = run(argv)
        if name == "doctor --json":
            continue
        bad, killed = [], 0
        for pages in (64, 128, 256, 512, 1024, 2048, 4096):
            try:
                put(f"{group}/{limit_file}", str(pages * 4096))
            except OSError:
                continue # what the last one left is still counted there
            r = subprocess.run(["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, FORELAND, *argv],
                               stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            killed += r.returncode == -signal.SIGKILL
            bad += [(pages, r)] if r.returncode != -signal.SIGKILL and not same_or_said(base, r) else []
        expect(f"{name}: a control group with little memory: the whole answer, or the kernel's kill ({killed} of 7)",
               not bad, *bad[:2])
    cgroup.remove(group)
else:
    skip("a control group with little memory", "none can be made here")

CROWD = 60
one = [FORELAND, "trace", "--children", "t:crowd/read sys_enter id n=regs->dx:u64 if id == 0 && n == 1", "--",
       "dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=1000", "status=none"]
if os.uname().machine == "x86_64" and subprocess.run(one, capture_output=True).returncode == 0:
    crowd = [subprocess.Popen(one, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(CROWD)]
    bad = []
    for p in crowd:
        out, err = p.communicate(timeout=300)
        m = re.search(r": (\d+) hits, (\d+) records, \d+ filtered, (\d+) lost, (\d+) missed", err)
        if not m or p.returncode or int(m[2]) != out.count("\n") or int(m[2]) + int(m[3]) + int(m[4]) != 1000:
            bad.append((p.returncode, out.count("\n"), err))
    expect(f"{CROWD} traces at once: each has its own program's 1,000 events, or says what it lost", not bad, *bad[:2])
else:
    skip("many traces at once", "no programs can be loaded here")

put("m", "old")
r = run(["alloc", "show", "--input", "tags", "--prometheus", "m"], resource.RLIMIT_FSIZE, 4096)
with open("m") as f:
    expect("--prometheus: a file that may not grow stays what it was", not isinstance(r, Exception)
           and r.returncode == 1 and b"EFBIG" in r.stderr and f.read() == "old" and sorted(os.listdir(".")) ==
           ["m", "out", "page.rst", "syms", "tags"], r)

put("many", HEAD + "".join(f"{i + 1:12} {1:8} mm/a.c:{i} func:f{i} \n" for i in range(10100)))
r = run(["alloc", "show", "--input", "many", "--prometheus", "metrics"])
with open("metrics") as f:
    series = [line for line in f if line.startswith("foreland_alloc_bytes{")]
with open("metrics") as f:
    expect("--prometheus: of 10,100 places the 10,000 largest, and it is said, here and there", r.returncode == 0
           and len(series) == 10000 and min(int(s.split()[-1]) for s in series) == 101
           and b"10100" in r.stderr and 'foreland_series_cut{metric="foreland_alloc_bytes"} 100\n' in f.read(), r)

if os.geteuid() == 0:
    os.chdir("/")
    shutil.rmtree(home)
    userns.enter(FORELAND)
    FORELAND = os.path.abspath("foreland")
    put("tags", HEAD + "".join(f"{100 * i:12} {i:8} mm/a.c:{i} func:f{i} \n" for i in range(3000)))
    os.mkdir("disk")
    if userns.libc.mount(b"none", b"disk", b"tmpfs", 0, b"size=8k"):
        print("# a full disk: no tmpfs in this namespace")
    else:
        put("disk/m", "old")
        r = run(["alloc", "show", "--input", "tags", "--prometheus", "disk/m"])
        with open("disk/m") as f:
            expect("a full disk: the old file stays, and nothing else", r.returncode == 1 and b"ENOSPC" in r.stderr
                   and f.read() == "old" and os.listdir("disk") == ["m"], r)
        r = run(["epdma", "demo", "--trace", "disk/t"])
        expect("a full disk: what is written while it grows", r.returncode == 1 and b"ENOSPC" in r.stderr, r)
else:
    os.chdir("/")
    shutil.rmtree(home)
sys.exit(done())
