#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""alloc-profiling.py BUILD VM STATIC: a kernel that has allocation profiling and its requests (allocinfo/build).

The kernel's own selftest runs there unmodified, so that the kernel is known to be what the others hold our
model against; and what foreland shows by the requests is what the kernel's text has. TAP output."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import check, done

build, vm, static = sys.argv[1:4]
SCRIPT = r"""
/bin/selftest; echo "selftest $?"
cat /proc/allocinfo >/tmp/text
sed 's/^/text /' /tmp/text
for f in '--file mm/memory.c' '--function dup_mm' '--file kernel/fork.c --min-size 1' '--module fuse' ''; do
	echo "filter $f"
	foreland alloc show --json $f; echo "status $?"
done
foreland alloc show --function no_such_function --json; echo "none $?"
rmmod fuse; foreland alloc show --module fuse --json; echo "gone $?"
echo 0 >/proc/sys/vm/mem_profiling; foreland alloc show -n 1 2>&1 >/dev/null | sed 's/^/off /'
"""


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


if subprocess.run([vm, "--ready"], capture_output=True).returncode == 77:
    skip("no guest is possible here")
made = subprocess.run([build], capture_output=True, text=True)
if made.returncode == 77:
    skip((made.stderr.strip() or "no kernel").splitlines()[-1])
if made.returncode:
    sys.exit(made.stderr)
out = made.stdout.strip()
release = subprocess.run(["ls", f"{out}/lib/modules"], capture_output=True, text=True, check=True).stdout.strip()
program = subprocess.run([static], capture_output=True, text=True, check=True).stdout.strip()
p = subprocess.run([vm, "--kernel-image", f"{out}/bzImage", "--modules-dir", f"{out}/lib/modules/{release}", "--foreland", program,
                    "--copy", f"{out}/allocinfo_ioctl_test:/bin/selftest", "--modules", "fuse", "--timeout", "550", "--", "sh", "-c", SCRIPT],
                   capture_output=True, text=True, stdin=subprocess.DEVNULL)


def ok(good, what):
    check(good, what, p.stdout[:3000] + p.stderr[-2000:])


for name in ("filename", "function", "size", "lineno"):
    ok(re.search(rf"^ok \d+ test_{name}_filter", p.stdout, re.M), f"the kernel's own test_{name}_filter")
text = set()
for line in re.findall(r"^text +-?\d+ +\d+ (\S+:\d+) (?:\[(\w+)\] )?func:(\S+)", p.stdout, re.M):
    text.add(line)
for words, rows in re.findall(r"^filter (.*)\n((?:\{.*\n)*)status 0$", p.stdout, re.M):
    found = {(f'{x["file"]}:{x["line"]}', x["module"] or "", x["function"]) for x in map(json.loads, rows.splitlines()) if "type" not in x}
    wanted = {t for t in text if ("mm/memory.c" not in words or t[0].startswith("mm/memory.c:")) and
              ("dup_mm" not in words or t[2] == "dup_mm") and ("fuse" not in words or t[1] == "fuse")}
    ok(found and (found <= wanted if "min-size" in words else found == wanted),
       f"'{words}' by the requests: {len(found)} tags, as in the text")
ok(len(re.findall(r"^filter ", p.stdout, re.M)) == 5 and p.stdout.count("status 0") == 5, "all five were answered")
ok(re.search(r'"module":"fuse".*^gone 0$', p.stdout, re.M | re.S) and '"module":"fuse"' not in p.stdout.split("none ")[-1],
   "a module is there until it goes")
ok(re.search(r"^none 0$", p.stdout, re.M), "no tag is no failure")
ok(re.search(r"^off .*vm.mem_profiling is 0", p.stdout, re.M), "a kernel that has stopped counting is told")
sys.exit(done())
