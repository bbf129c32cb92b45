#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The alloc engine's figures, each a median of ratios of CPU times of runs that took turns.

usage: alloc-figures.py FORELAND PAIR_PLAIN PAIR_TAGGED PAIR_DEAF CHAIN_FP CHAIN_TABLES ELF_NAMES
"""
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

foreland, plain, tagged, deaf, chain_fp, chain_tables, elf_names = sys.argv[1:8]
ROUNDS = 15
TAGS = 100000


def output(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def nanoseconds(*args):
    """What alloc-pair says of itself: CPU time of a pair. heaptrack prints around it."""
    for line in output(*args).decode().splitlines():
        try:
            return float(line)
        except ValueError:
            continue
    raise RuntimeError("no figure from " + " ".join(args))


def own_time(*pids):
    """CPU time that living processes have had, in seconds."""
    return sum(int(open(f"/proc/{pid}/schedstat").read().split()[0]) for pid in pids) / 1e9


def cpu(*args, helpers=()):
    """CPU time of a command and of those that serve it: how long it waits for others means nothing."""
    start, before = own_time(*helpers), resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(os.devnull, "w") as null:
        subprocess.run(args, stdout=null, stderr=null, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own_time(*helpers) - start + after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(what, goal, measured, base, unit, scale, rounds=ROUNDS):
    pairs = []
    for _ in range(rounds):
        b = base()
        pairs.append((measured() / b, b))
    ratio = statistics.median(p[0] for p in pairs)
    against = statistics.median(p[1] for p in pairs) * scale
    print(f"{what:<62} {ratio:8.3f}   (goal {goal}; against {against:.2f} {unit})", flush=True)


def dump(path):
    random.seed(1)
    dirs = ["mm", "fs/ext4", "drivers/net/ethernet/intel/ice", "kernel/bpf", "./include/linux"]
    with open(path, "w") as f:
        f.write("allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n")
        for i in range(TAGS):
            size = int(random.paretovariate(0.6) * 100) % 10**11
            module = random.choice(["", "", "[ext4] ", "[ice] "])
            f.write(f"{size:12} {size // 64:8} {random.choice(dirs)}/file{i % 700}.c:{i % 3000 + 1} "
                    f"{module}func:fn_{i % 5000} \n")


def pairs():
    for threads, goal in (("1", "<= 1.06"), ("2", "<= 1.2")):
        report(f"malloc/free pair, {threads} thread(s), with the library / without", goal,
               lambda: nanoseconds(tagged, threads, "1000000"),
               lambda: nanoseconds(plain, threads, "1000000"), "ns", 1)
    report("the same, with probes that nobody listens to / without probes", "<= 1.02",
           lambda: nanoseconds(tagged, "1", "1000000"), lambda: nanoseconds(deaf, "1", "1000000"), "ns", 1)


def heaptrack(tmp):
    if not shutil.which("heaptrack"):
        print("heaptrack is not there: one figure less")
        return
    trace = os.path.join(tmp, "trace")
    report("the same program under heaptrack / with the library", ">= 5",
           lambda: nanoseconds("heaptrack", "-o", trace, plain, "1", "300000"),
           lambda: nanoseconds(tagged, "1", "300000"), "ns", 1, 5)


def parsing(tmp):
    path = os.path.join(tmp, "dump")
    dump(path)
    report("filter by size and top 20 of 100,000 tags / wc -l", "<= 2",
           lambda: cpu(foreland, "alloc", "show", "--input", path, "--min-size", "1M", "-n", "20"),
           lambda: cpu("wc", "-l", path), "ms", 1000)


def chains(tmp):
    run = (foreland, "alloc", "run", "--stack", "16", "-o", os.path.join(tmp, "dump"), "--")
    for what, program, goal in (("frame pointers", chain_fp, "<= 2"), ("unwind tables", chain_tables, "<= 6")):
        report(f"pair 100 frames deep, {what}: alloc run --stack 16 / plain", goal,
               lambda: nanoseconds(*run, program), lambda: nanoseconds(program), "ns", 1)
    if shutil.which("heaptrack"):
        report("the same: heaptrack / alloc run --stack 16", ">= 4",
               lambda: nanoseconds("heaptrack", "-o", os.path.join(tmp, "trace"), chain_tables, "300000"),
               lambda: nanoseconds(*run, chain_tables, "300000"), "ns", 1, 5)


def names(tmp):
    """Ten thousand addresses of code, as addr2line -fiC answers them."""
    for path in ("/usr/bin/python3.11-dbg", "/usr/lib/x86_64-linux-gnu/debug/libstdc++.so.6.0.30"):
        if not os.path.exists(path):
            print(f"{path} is not there: one figure less (scripts/deps --long)")
            continue
        text = subprocess.run(["readelf", "-WS", path], capture_output=True, text=True, check=True).stdout.split(" .text ")[1].split()
        start, size = int(text[1], 16), int(text[3], 16)
        random.seed(5)
        addresses = os.path.join(tmp, "addresses")
        with open(addresses, "w") as f:
            f.write("".join(f"{start + random.randrange(size):#x}\n" for _ in range(10000)))
        report(f"names of 10,000 addresses of {os.path.basename(path)} / addr2line -fiC", "<= 0.33",
               lambda: cpu("sh", "-c", f"exec {elf_names} {path} <{addresses}"),
               lambda: cpu("sh", "-c", f"exec addr2line -fiC -e {path} <{addresses}"), "ms", 1000, 7)


with tempfile.TemporaryDirectory() as directory:
    os.chmod(directory, 0o700)
    pairs()
    heaptrack(directory)
    parsing(directory)
    chains(directory)
    names(directory)
