#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""alloc-kernel.py VM STATIC LOAD KERNEL: foreland alloc --kernel in a guest, against slabinfo.

LOAD makes the kernel allocate known numbers of objects from caches of their own. The kernel's slab
statistics say how many objects of a cache are there (after its per-CPU slabs were flushed, which it
counts as full); what it gained must be what was counted at the caller, to the object, and the bytes
that many times the cache's object size, although ten times as many sockets came and went meanwhile,
most of them freed in interrupts. The pages of files in memory are held against meminfo's Shmem, which
counts the guest's few other files too, and per-CPU objects against meminfo's Percpu, which counts the
chunks that they are in. TAP output.
"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

vm, static, load, kernel = sys.argv[1:5]
N = 3000
# cache, how many, the function that allocates from it by the kernel's source (or one that it was inlined into)
EXPECTED = [("eventpoll_epi", N, ["ep_alloc_epitem", "ep_insert", "do_epoll_ctl_file", "do_epoll_ctl"]),
            ("sock_inode_cache", N // 2, ["sock_alloc_inode"])]

SCRIPT = r"""
caches="eventpoll_epi sock_inode_cache"
slabs() {
	for c in $caches; do echo 1 >/sys/kernel/slab/$c/shrink; done
	sleep 1
	for c in $caches; do grep "^$c " /proc/slabinfo | sed "s/^/$1 /"; done
	grep -E 'Shmem:|Percpu:' /proc/meminfo | sed "s/^/$1 /"
}
mkfifo /tmp/hold
slabs before
foreland alloc show --kernel -t 12s --json >/tmp/out 2>/tmp/err &
counter=$!
sleep 4
/bin/alloc-load %d </tmp/hold >/tmp/ready &
exec 9>/tmp/hold
while ! grep -q ready /tmp/ready; do sleep 1; done
wait $counter
echo "status $?"
slabs after
echo "cpus $(cat /sys/devices/system/cpu/possible | sed 's/.*-//' | awk '{print $1 + 1}')"
cat /tmp/out
sed 's/^/err /' /tmp/err
""" % N

if subprocess.run([vm, "--kernel", kernel, "--ready"], capture_output=True).returncode == 77:
    print("1..0 # SKIP no guest is possible here")
    sys.exit(0)
program = subprocess.run([static], capture_output=True, text=True, check=True).stdout.strip()
p = subprocess.run([vm, "--kernel", kernel, "--foreland", program, "--copy", f"{load}:/bin/alloc-load",
                    "--append", "slab_nomerge", "--timeout", "900", "--", "sh", "-c", SCRIPT],
                   capture_output=True, text=True, stdin=subprocess.DEVNULL)
slabs, sites, count, failed = {"before": {}, "after": {}}, {}, 0, 0


for line in p.stdout.splitlines():
    words = line.split()
    if words and words[0] in slabs:
        number = 2 if words[1][-1] == ":" else 4
        slabs[words[0]][words[1]] = (int(words[2]), int(words[number]))  # objects, their size
    elif line.startswith("err "):
        print("#", line[4:])
    elif line.startswith("{"):
        row = json.loads(line)
        if "function" in row:
            sites[row["function"]] = [row["bytes"], row["calls"]]
check(p.returncode == 0 and "status 0" in p.stdout, f"{kernel}: counted")
if not sites:
    print("#", p.stdout[-1500:], p.stderr[-1500:])
for cache, number, functions in EXPECTED:
    if cache not in slabs["after"]:
        check(False, f"{kernel}: no {cache} in slabinfo")
        continue
    size = slabs["after"][cache][1]
    gained = slabs["after"][cache][0] - slabs["before"][cache][0]
    callers = {site: held for site, held in sites.items() if site.split("+")[0] in functions}
    expected = [number * size, number]
    function = next((site for site, held in callers.items() if held == expected), None)
    print(f"# {cache}: slabinfo +{gained} of {size} bytes; callers: {callers}")
    check(gained == number, f"{kernel}: slabinfo has the load's {number} {cache}")
    check(function, f"{kernel}: {function} holds {expected}, to the object")
# Files in memory are the load's and, a page or two each, the script's own.
pages = sum(held[1] for site, held in sites.items() if site.startswith("shmem"))
gained = (slabs["after"]["Shmem:"][0] - slabs["before"]["Shmem:"][0]) // 4
print(f"# Shmem: meminfo +{gained} pages; counted at shmem's callers: {pages}")
check(gained >= N and abs(pages - gained) <= 32, f"{kernel}: meminfo's Shmem and the pages counted agree")
# An element is one object a CPU, and where cgroups account for it a pointer for each 4 bytes of it.
calls = N // 2
cpus = int(next(x for x in p.stdout.splitlines() if x.startswith("cpus ")).split()[1])
holders = {site: held for site, held in sites.items()
           if site.split("+")[0] in ("bpf_map_alloc_percpu", "bpf_array_alloc_percpu", "array_map_alloc",
                                     "__alloc_percpu_gfp")}
expected = [[calls * size, calls] for size in (4096 * cpus, 4096 * cpus + 4096 // 4 * 8)]
check(any(held in expected for held in holders.values()), f"{kernel}: {calls} per-CPU objects, to the object")
gained = slabs["after"]["Percpu:"][0] - slabs["before"]["Percpu:"][0]
print(f"# Percpu: meminfo +{gained} kB; counted: {holders}; on {cpus} CPUs")
# The last chunk may have room to spare, and the first may have had some.
check(abs(gained - calls * 4 * cpus) <= 2048, f"{kernel}: meminfo's Percpu has them too")
note = next((x for x in p.stdout.splitlines() if x.startswith("err kernel: counted")), "")
told = [int(x) for x in re.findall(r"(\d+) (?:for want of room|missed|allocations)", note)]
check(len(told) == 3 and told[0] > 10 * N and told[1] == 0 and told[2] <= told[0] // 1000,
      f"{kernel}: one event in a thousand is missed at most, and it is told")
sys.exit(done())
