#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""alloc-attach.py VM STATIC HELD KERNEL: foreland alloc --attach counts a running program in a guest.

What is expected is what HELD does by its own text, to the block. TAP output."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

vm, static, held, kernel = sys.argv[1:5]
SCRIPT = r"""
mkfifo /tmp/in
/bin/held </tmp/in >/tmp/said &
pid=$!
exec 9>/tmp/in
while ! grep -q ready /tmp/said; do sleep 1; done
foreland alloc watch --attach $pid -i 1s --prometheus /tmp/metrics --json >/tmp/watched 2>/tmp/err2 &
watcher=$!
foreland alloc show --attach $pid -t 500s --json >/tmp/out 2>/tmp/err &
counter=$!
foreland alloc show --attach $pid --objects 10 -t 500s >/tmp/few 2>&1 &
few=$!
for f in /tmp/err /tmp/err2 /tmp/few; do
	while ! grep -q 'counting from now on' $f; do sleep 1; done
done
echo >&9
while ! grep -q done /tmp/said; do sleep 1; done
while ! grep -q 'bytes.*function="leak.* 1000000$' /tmp/metrics; do sleep 1; done
kill -TERM $counter $watcher $few
wait $few
echo "few status $?"
sed 's/^/few /' /tmp/few
wait $watcher
echo "watch status $?"
wait $counter
echo "status $?"
cat /tmp/watched
cat /tmp/out
sed 's/^/err /' /tmp/err
foreland alloc show --attach 99999 -t 1s 2>&1 | sed 's/^/none /'
mkfifo /tmp/in2
/bin/held moved </tmp/in2 >/tmp/said2 &
pid=$!
exec 8>/tmp/in2
while ! grep -q ready /tmp/said2; do sleep 1; done
foreland alloc show --attach $pid -t 1s >/tmp/out 2>&1
echo "moved $?"
sed 's/^/moved /' /tmp/out
"""

if subprocess.run([vm, "--kernel", kernel, "--ready"], capture_output=True).returncode == 77:
    print("1..0 # SKIP no guest is possible here")
    sys.exit(0)
program = subprocess.run([static], capture_output=True, text=True, check=True).stdout.strip()
p = subprocess.run([vm, "--kernel", kernel, "--foreland", program, "--copy", f"{held}:/bin/held", "--timeout", "600", "--",
                    "sh", "-c", SCRIPT], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def ok(good, what):
    check(good, f"{kernel}: {what}", p.stdout + p.stderr)


rows = [json.loads(line) for line in p.stdout.splitlines() if line.startswith('{"bytes"')]
grown, rows = [x for x in rows if "bytes_growth" in x], [x for x in rows if "bytes_growth" not in x]
found = {x["function"].split("+")[0]: x for x in rows}
ok(p.stdout.count("status 0\n") == 2, "both end well")
ok([x for x in grown if x["function"].startswith("leak") and x["bytes_growth"] == 1000000], "a watch has seen it grow")
ok("leak" in found and (found["leak"]["bytes"], found["leak"]["calls"]) == (1000000, 1000), "what is kept, to the block")
ok("grow" in found and (found["grow"]["bytes"], found["grow"]["calls"], found["grow"]["total_calls"]) == (100000, 1, 1000),
   "what realloc() grew is one block")
ok("main" in found and (found["main"]["bytes"], found["main"]["calls"]) == (333, 1), "posix_memalign()'s block")
ok("few status 1\n" in p.stdout and re.search(r"few process .*not counted: [1-9]\d* for want of room", p.stdout),
   "room for too few blocks is told, and in the status")
ok("churn" not in found, "what was freed is gone")
note = re.search(r"err .*counted for .*: (\d+) allocations, (\d+) frees; (\d+) frees of what was there before; not "
                 r"counted: (\d+) .*, (\d+) missed; it was trapped (\d+) times", p.stdout)
ok(note and (note[1], note[2], note[3], note[4], note[5]) == ("5001", "2000", "1", "0", "0"), "the note is exact")
ok("none process 99999: error: No such process [ESRCH]" in p.stdout, "a process that is not there is told")
ok("moved 1\n" in p.stdout and re.search(r"moved process \d+: note: the kernel took the probe of \w+\(\) in /bin/held, "
                                        "but the process does not meet it", p.stdout) and
   not re.search("moved process.*counting from now on", p.stdout), "a probe that the process does not meet is an error")
sys.exit(done())
