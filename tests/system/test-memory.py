#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-memory.py FORELAND OOM_SO [COMMAND...]: command lines, and each allocation of theirs (the
first 2000) failing in turn: once alone, once with all that follow. A run must do what it does with all
its memory, to the byte, or end with status 1 and one line that says what it lacked. Never by a signal,
never with another answer and the status of a right one."""
import concurrent.futures
import os
import shutil
import subprocess
import sys

from tap import done, expect, folder

FORELAND, OOM = (os.path.abspath(p) for p in sys.argv[1:3])
FIRST = 2000
SAYS = b"Cannot allocate memory [ENOMEM]"

home = folder("memory")
os.chdir(home)


def put(name, text):
    with open(name, "w") as f:
        f.write(text)


put("tags", "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n" + "".join(
    f"{100 * i:12} {i:8} mm/{'abc'[i % 3]}.c:{i} [mod{i % 5}] func:f{i} \n" for i in range(60)))
put("more", "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n" + "".join(
    f"{101 * i:12} {i:8} mm/{'abc'[i % 3]}.c:{i + 1} [mod{i % 5}] func:f{i} \n" for i in range(50)))
put("page.rst", """Title long
====

Text with ``literal``, :ref:`there` and Documentation/missing.rst.

.. toctree::

   no
   such

=== ===
a   b
ccccc d
=== ===

+---+---+
| a | b |
+---+---+

- one
 two

.. [1] a note
""")
put("code.c", """/**
 * f() - does
 * @a: one
 * @b: missing
 */
int f(int a, struct { int x; } c)
{
}
""")
put("syms", "ffffffff81000000 T _text\nffffffff81001000 T vfs_read\nffffffff81002000 T vfs_write\n")
put("defs", "p:g/a vfs_read a=%di:u64 b=+0(%si):string\np:g/b vfs_write nosuch=+0(%zz)\n-:g/a\n")
put("map", "mkdir /sys/kernel/config/pci_ep/functions/pci_epf_dma/x\nls /sys/kernel/config/pci_ep\n")
TYPED = "f:g/t vfs_read name=file->f_path.dentry->d_name.name:string count=count"

CASES = {
    "docs check": ["docs", "check", "page.rst"],
    "docs check --fix": ["docs", "check", "--fix", "page.rst"],
    "docs check --json": ["docs", "check", "--json", "page.rst", "code.c"],
    "probe list": ["probe", "list", "--kallsyms", "syms", "--btf", "btf", "functions", "vfs_*"],
    "probe matrix": ["probe", "check", "--kallsyms", "syms", "--matrix", "btf", TYPED],
    "help": ["trace", "--help"],
    "completion": ["--print-completion"],
    "docs check of C": ["docs", "check", "code.c"],
    "alloc show": ["alloc", "show", "--input", "tags"],
    "alloc show --tree": ["alloc", "show", "--input", "tags", "--tree", "dir"],
    "alloc show --json": ["alloc", "show", "--input", "tags", "--json", "--sort", "avg"],
    "alloc diff": ["alloc", "diff", "--json", "tags", "more"],
    "alloc show --prometheus": ["alloc", "show", "--input", "tags", "--prometheus", "/dev/stdout"],
    "epdma plan": ["epdma", "plan", "--board", "r-car-s4", "--msi", "4"],
    "epdma plan --json": ["epdma", "plan", "--json"],
    "epdma inspect": ["epdma", "inspect", "--board", "rk3588"],
    "probe check": ["probe", "check", "--kallsyms", "syms", "--btf", "btf", "--sequence", "--file", "dynamic_events", "--json",
                    "-"],
    "probe check with types": ["probe", "check", "--kallsyms", "syms", "--btf", "btf", TYPED],
    "probe lower": ["probe", "lower", "--kallsyms", "syms", "--btf", "btf", TYPED],
    "probe dump": ["probe", "dump", "--kallsyms", "syms", "--btf", "btf", TYPED],
    "report": ["report", "rec.dat"],
    "report --json": ["report", "--json", "rec.dat"],
}
INPUT = {"probe check": "defs"}

if os.access("/sys/kernel/btf/vmlinux", os.R_OK):
    shutil.copy("/sys/kernel/btf/vmlinux", "btf")
subprocess.run([FORELAND, "trace", "-n", "20", "-t", "2", "-o", "rec.dat",
                "t:x sched_switch p=prev->pid c=next->comm:string"], capture_output=True)


def run(name, **env):
    with open(INPUT.get(name, "/dev/null")) as f:
        try:
            return subprocess.run([FORELAND, *CASES[name]], stdin=f, capture_output=True, timeout=60,
                                  env=dict(os.environ, LD_PRELOAD=OOM, **env))
        except subprocess.TimeoutExpired:
            return None


def verdict(base, r):
    """What is wrong with a run, or None."""
    if r is None:
        return "hangs"
    if r.returncode < 0:
        return f"signal {-r.returncode}"
    said = r.stderr.count(SAYS)
    if (r.returncode, r.stdout, r.stderr) == (base.returncode, base.stdout, base.stderr):
        return None
    if r.returncode != 1:
        return f"status {r.returncode} and another answer" if r.stdout != base.stdout or not said else \
            f"status {r.returncode} with a complaint"
    return None if said == 1 else f"status 1 and {said} words of memory"


def attack(name):
    base = run(name, OOM_COUNT=f"{home}/count")
    with open("count") as f:
        total = int(f.read())
    bad = {}
    jobs = [(n, on) for n in range(min(total, FIRST)) for on in (False, True)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        def one(job):
            env = {"OOM_AT": str(job[0])}
            if job[1]:
                env["OOM_ON"] = "1"
            r = run(name, **env)
            return job, verdict(base, r), r
        for job, why, r in pool.map(one, jobs):
            if why:
                bad.setdefault(why, []).append((job, r.stdout[-100:] if r else "", r.stderr[-200:] if r else ""))
    expect(f"{name}: {total} allocations, {len(jobs)} runs", not bad,
           *(f"{len(v)} times {why}: number {v[0][0][0]}{' and all behind' if v[0][0][1] else ''}: {v[0][1:]} all: {[j for j, *_ in v][:12]}"
             for why, v in bad.items()))


for name in sys.argv[3:] or CASES:
    if any(n in ("btf", "rec.dat") and not os.path.exists(n) for n in CASES[name]):
        print(f"# {name}: this kernel has nothing to make its input of")
        continue
    attack(name)
os.chdir("/")
sys.exit(done())
