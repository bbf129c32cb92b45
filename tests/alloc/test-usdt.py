#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The USDT probes of libforeland-alloc, as sid's bpftrace finds and counts them.

usage: test-usdt.py LIBRARY SAMPLED SCRIPTS

SAMPLED (sampled.c) allocates ten million times, tells how many bytes it asked for, and one sigma of what is drawn.
bpftrace sums the weights in the kernel, and keeps book of which sampled blocks there are."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

library, sampled, scripts = sys.argv[1:4]
INSIDE = "/foreland/libforeland-alloc.so.0"  # as the root of sid has it
SCRIPT = f"""
BEGIN {{ printf("ready\\n"); }}
usdt:{INSIDE}:otel_memory:alloc
{{
	@sum = sum(arg2); @allocs = count();
	if (@live[arg0]) {{ @twice = count(); }}
	if (arg2 < arg1) {{ @light = count(); }}
	@live[arg0] = 1;
}}
usdt:{INSIDE}:otel_memory:free
{{
	@frees = count();
	if (!@live[arg0]) {{ @unknown = count(); }}
	delete(@live, arg0);
}}
END {{ clear(@live); }}
"""
# It ends when a line comes. Not every machine has tracefs mounted.
COMMAND = """
[ -e /sys/kernel/tracing/uprobe_events ] || mount -t tracefs none /sys/kernel/tracing || exit
BPFTRACE_MAX_MAP_KEYS=1000000 bpftrace -f json /foreland/script.bt &
read line
kill -INT $!
wait
"""


def bpftrace(tmp):
    return subprocess.Popen([f"{scripts}/suite-root", "--packages", "bpftrace", "--bind", f"{tmp}/libforeland-alloc.so.0:{INSIDE}",
                             "--bind", f"{tmp}/script.bt:/foreland/script.bt", "sid", "--", "sh", "-c", COMMAND],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_ready(p):
    for line in p.stdout:
        if "ready" in line:
            return True
    return False


def count(tmp, threads):
    """What the program said, and what bpftrace counted; None: it cannot be had."""
    p = bpftrace(tmp)
    if not wait_until_ready(p):
        err = p.communicate()[1].strip().splitlines()
        print(f"1..0 # SKIP {err[-1] if err else 'bpftrace ended'}")
        sys.exit(0)
    said = subprocess.run([sampled, "10000000", str(threads)], capture_output=True, text=True, check=True,
                          env={"LD_LIBRARY_PATH": tmp}).stdout.split()
    out, _ = p.communicate("\n")
    maps = {}
    for line in out.splitlines():
        value = json.loads(line) if line.startswith("{") else {}
        if value.get("type") == "map":
            maps.update(value["data"])
    return said, maps


def main():
    if os.geteuid():
        print("1..0 # SKIP only root may trace")
        return
    with tempfile.TemporaryDirectory() as tmp:  # a library of our own: nobody else passes its probes
        shutil.copy(library, f"{tmp}/libforeland-alloc.so.0")
        with open(f"{tmp}/script.bt", "w") as f:
            f.write(SCRIPT)
        for threads in (1, 4):
            # three sigma are exceeded once in 370 runs, twice in a row once in 137,000
            for _ in range(2):
                said, maps = count(tmp, threads)
                total, sigma = map(float, said[1:3])
                if abs(maps.get("@sum", 0) - total) <= 3 * sigma:
                    break
            check(abs(maps.get("@sum", 0) - total) <= 3 * sigma, f"{threads} threads: the weights are the bytes, within three sigma",
                  total, sigma, maps)
            check(maps.get("@allocs", 0) > 1000 and maps.get("@allocs") == maps.get("@frees")
                  and not {"@twice", "@light", "@unknown"} & maps.keys(), f"{threads} threads: each free has its alloc", maps)
    sys.exit(done())


main()
