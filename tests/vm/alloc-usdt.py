#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""alloc-usdt.py SCRIPTS STATIC SAMPLED LIBRARY KERNEL: bpftrace listens to libforeland-alloc's probes in a guest.

bpftrace is sid's, out of a root of its suite. It attaches by the notes, the kernel raises the semaphores; what is
expected is what SAMPLED (tests/alloc/sampled.c) knows of itself. TAP output."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

scripts, static, sampled, library, kernel = sys.argv[1:6]
PROGRAM = """usdt:%s:otel_memory:alloc { @weights = sum(arg2); @allocs = count(); @live[arg0] = 1; if (arg2 < arg1) { @light = count(); } }
usdt:%s:otel_memory:free { @frees = count(); if (@live[arg0]) { delete(@live[arg0]); } else { @unknown = count(); } }
END { clear(@live); }"""
SCRIPT = """
B="/b/ld-linux-x86-64.so.2 --library-path /b /b/bpftrace"
mount -t tracefs none /sys/kernel/tracing 2>/dev/null; mount -t debugfs none /sys/kernel/debug 2>/dev/null
$B -l 'usdt:{library}:*'
$B /program.bt >/tmp/out 2>/tmp/err &
pid=$!
n=0
while ! grep -q Attach /tmp/out /tmp/err && [ $n -lt 200 ]; do sleep 1; n=$((n + 1)); done
sleep 2
echo "said $({sampled} 2000000 2)"
kill -INT $pid
wait $pid
cat /tmp/out /tmp/err
"""


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def root(*command):
    p = subprocess.run([f"{scripts}/suite-root", "sid", "--packages", "bpftrace", *command], capture_output=True, text=True)
    if p.returncode:
        skip((p.stderr.strip() or "no root of sid").splitlines()[-1])
    return p.stdout


def closure(to):
    at = root().strip()
    for name in ["/usr/bin/bpftrace", *re.findall(r"(/\S+) \(0x", root("--", "ldd", "/usr/bin/bpftrace"))]:
        found = os.path.realpath(at + name) if os.path.exists(os.path.realpath(at + name)) else at + name
        shutil.copy(found, os.path.join(to, os.path.basename(name)))


if subprocess.run([f"{scripts}/vm", "--kernel", kernel, "--ready"], capture_output=True).returncode == 77:
    skip("no guest is possible here")
program = subprocess.run([static], capture_output=True, text=True, check=True).stdout.strip()
with tempfile.TemporaryDirectory() as tmp:
    os.mkdir(f"{tmp}/b")
    closure(f"{tmp}/b")
    inside = os.path.realpath(library)
    with open(f"{tmp}/program.bt", "w") as f:
        f.write(PROGRAM % (inside, inside))
    p = subprocess.run([f"{scripts}/vm", "--kernel", kernel, "--foreland", program, "--mem", "3000", "--timeout", "900",
                        "--copy", f"{tmp}/b:/b", "--copy", f"{tmp}/program.bt:/program.bt", "--copy", f"{inside}:{inside}",
                        "--copy", f"{sampled}:/bin/sampled", "--", "sh", "-c",
                        SCRIPT.format(library=inside, sampled=f"env LD_LIBRARY_PATH={os.path.dirname(inside)} /bin/sampled")],
                       capture_output=True, text=True, stdin=subprocess.DEVNULL)
said = re.search(r"said (.*)", p.stdout)
values = {k: int(v) for k, v in re.findall(r"@(\w+): (\d+)", p.stdout)}
failed = count = 0


def ok(good, what):
    global failed, count
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {kernel}: {what}")
    if not good:
        print("".join(f"# {line}\n" for line in (p.stdout + p.stderr).splitlines()[-40:]), end="")


ok("otel_memory:alloc" in p.stdout and "otel_memory:free" in p.stdout, "bpftrace lists both probes")
ok(said and values.get("allocs", 0) > 1000, "it hears them")
if said:
    weights, total, sigma = map(float, said[1].split()[:3])
    # three sigma as in the test without a guest, and what the threads themselves allocate
    ok(abs(values.get("weights", 0) - total) <= 4 * sigma, f"the weights are {values.get('weights')} of {total:.0f}, sigma {sigma:.0f}")
    ok(values.get("frees") == values.get("allocs") and "unknown" not in values and "light" not in values,
       f"each free has its block: {values}")
print(f"1..{count}")
sys.exit(failed != 0)
