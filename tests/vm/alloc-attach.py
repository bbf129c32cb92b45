#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""alloc-attach.py VM STATIC HELD KERNEL: foreland alloc --attach counts a running program in a guest.

What is expected is what HELD does by its own text, to the block. TAP output."""
import json
import re
import subprocess
import sys

vm, static, held, kernel = sys.argv[1:5]
SCRIPT = r"""
mkfifo /tmp/in
/bin/held </tmp/in >/tmp/said &
pid=$!
exec 9>/tmp/in
while ! grep -q ready /tmp/said; do sleep 1; done
foreland alloc watch --attach $pid -i 1s -t 12s --json >/tmp/watched 2>/tmp/err2 &
foreland alloc show --attach $pid -t 12s --json >/tmp/out 2>/tmp/err &
counter=$!
sleep 5
echo >&9
while ! grep -q done /tmp/said; do sleep 1; done
wait $counter
echo "status $?"
cat /tmp/out
sed 's/^/err /' /tmp/err
foreland alloc show --attach 99999 -t 1s 2>&1 | sed 's/^/none /'
"""

if subprocess.run([vm, "--kernel", kernel, "--ready"], capture_output=True).returncode == 77:
    print("1..0 # SKIP no guest is possible here")
    sys.exit(0)
program = subprocess.run([static], capture_output=True, text=True, check=True).stdout.strip()
p = subprocess.run([vm, "--kernel", kernel, "--foreland", program, "--copy", f"{held}:/bin/held", "--timeout", "600", "--",
                    "sh", "-c", SCRIPT], capture_output=True, text=True, stdin=subprocess.DEVNULL)
failed = count = 0


def ok(good, what):
    global failed, count
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {kernel}: {what}")
    if not good:
        print("".join(f"# {line}\n" for line in (p.stdout + p.stderr).splitlines()[-40:]), end="")


rows = [json.loads(line) for line in p.stdout.splitlines() if line.startswith('{"bytes"')]
found = {x["function"].split("+")[0]: x for x in rows}
ok("status 0" in p.stdout, "it ends well")
ok("leak" in found and (found["leak"]["bytes"], found["leak"]["calls"]) == (1000000, 1000), "what is kept, to the block")
ok("grow" in found and (found["grow"]["bytes"], found["grow"]["calls"], found["grow"]["total_calls"]) == (100000, 1, 1000),
   "what realloc() grew is one block")
ok("main" in found and (found["main"]["bytes"], found["main"]["calls"]) == (333, 1), "posix_memalign()'s block")
ok("churn" not in found, "what was freed is gone")
note = re.search(r"err .*counted for .*: (\d+) allocations, (\d+) frees; (\d+) frees of what was there before; not "
                 r"counted: (\d+) .*, (\d+) missed; it was trapped (\d+) times", p.stdout)
ok(note and (note[1], note[2], note[3], note[4], note[5]) == ("5001", "2000", "1", "0", "0"), "the note is exact")
ok("none process 99999: error: No such process [ESRCH]" in p.stdout, "a process that is not there is told")
print(f"1..{count}")
sys.exit(failed != 0)
