#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-recordings.py FORELAND VM SUITE-ROOT all|some|i386|s390x [SUITE [KERNEL]]: trace-cmd's own recordings are read alike.

Some hundred recordings are made in the guest by trace-cmd (this machine's, or that of another SUITE), or in one of
another machine (32 bits, the other byte order), and read by both. The same records must come in the same order with the
same text, but for what DIFFERENCES lists.
RECORDINGS=DIR in the environment keeps them there, or takes those that are there."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
from tap import done, expect

foreland, vm, suite_root, extent = sys.argv[1:5]
suite, kernel = (sys.argv[5:7] + ["", ""])[:2]
here = os.path.dirname(os.path.abspath(__file__))
LINE = re.compile(r"^\s*(?:\w+: +)?\s*(.+?)-(-?\d+)\s+\[(\d+)\]\s*(?:[-.\w]{4,5}\s+|\.[-.\w]{4}(?=\d))?(\d+\.\d+|\d+): +(\S+?):\s*(.*)$")

# Of both texts the one in the middle is cut out before they are compared.
DIFFERENCES = [
    ("hrtimer's modes as the kernel prints them; trace-cmd leaves them numbers", r"(hrtimer=.* mode=)\S+", r"\1"),
    ("%pS has the function's size as the kernel prints it; trace-cmd leaves it out", r"(\+0x[0-9a-f]+)/0x[0-9a-f]+", r"\1"),
    ("trace-cmd takes 'vmemmap_base' for 0 and prints addresses that are none", r"page=\S+", "page="),
    ("trace-cmd cannot parse it, or shows names that are no strings as numbers", r".*FAILED TO PARSE.*", None),
]
# Whole events of which the two say something else.
OTHER = {
    "raw_data": "print fmt shows the first byte alone; the kernel's trace file, and report, show all",
    "timer_start": "its flags: trace-cmd 3.1.6 matches names whose value it could not parse",
    "kernel_stack": "frames as the kernel prints them, all of them and none behind the last",
    "user_stack": "as kernel_stack",
}
CLOCKS = {"clock-uptime": "trace-cmd shows jiffies as microseconds, the kernel as they are",
          "clock-boot": "trace-cmd does not know that this clock counts nanoseconds, the kernel does"}


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def parse(text):
    """Records, each with the lines behind it that belong to it."""
    out = []
    for line in text.splitlines():
        m = LINE.match(line)
        if m:
            out.append([m.group(1).strip(), *m.groups()[1:5], m.group(6).rstrip()])
        elif "<stack trace>" in line or "<user stack trace>" in line:
            out.append(line)
        elif out and line.strip() and not line.startswith("cpus="):
            out.append(line.strip()) if "EVENTS DROPPED" in line else None
    return out


def known(mine, theirs):
    if isinstance(mine, str) or isinstance(theirs, str):
        stack = [x for x in (mine, theirs) if "<" in x] if isinstance(mine, str) else []
        return mine == theirs or (stack and not isinstance(theirs, str) and theirs[4] in OTHER)
    if mine[:5] != theirs[:5]:
        return False
    if theirs[4] in OTHER:
        return True
    a, b = mine[5].split("\n")[0], theirs[5]
    for _, pattern, by in DIFFERENCES:
        if by is None and re.search(pattern, b):
            return True
        if by is not None:
            a, b = re.sub(pattern, by, a), re.sub(pattern, by, b)
    return re.sub(r"\s+", " ", a).strip() == re.sub(r"\s+", " ", b).strip()


def compare(path, reader):
    name = os.path.basename(path)[:-4]
    ours = subprocess.run([foreland, "report", "--bytes", path], capture_output=True)
    mine = parse(ours.stdout.decode(errors="replace"))
    theirs = parse(subprocess.run([*reader, "report", "-N", path], capture_output=True).stdout.decode(errors="replace"))
    if name in CLOCKS:
        for row in mine + theirs:
            row[3] = "" if not isinstance(row, str) else row
    bad = [(m, t) for m, t in zip(mine, theirs) if not known(m, t)]
    expect(f"{name}: {len(theirs)} records as trace-cmd shows them", ours.returncode == 0 and len(mine) == len(theirs) and not bad,
           (ours.returncode, ours.stderr[:300], len(mine), bad[:2]))
    return len(theirs)


with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as tmp:
    program = shutil.which("trace-cmd")
    if suite:
        root = subprocess.run([suite_root, "--packages", "trace-cmd", suite], capture_output=True, text=True)
        if root.returncode:
            skip(f"no root of {suite}: {root.stderr.strip().splitlines()[-1:]}")
        root = root.stdout.strip()
        # Its own loader finds its own libraries; the guest is given both.
        lib = f"{root}/usr/lib/x86_64-linux-gnu"
        loader = [f"{root}/lib64/ld-linux-x86-64.so.2", "--library-path", lib]
        reader = [*loader, f"{root}/usr/bin/trace-cmd"]
        need = subprocess.run([*loader[:1], "--list", *loader[1:], f"{root}/usr/bin/trace-cmd"], capture_output=True, text=True).stdout
        libs = f"{tmp}/suite"
        os.makedirs(libs)
        for path in [f"{root}/usr/bin/trace-cmd", loader[0], *re.findall(r"=> (\S+)", need)]:
            shutil.copy(path, libs)
        wrapper = f"{tmp}/trace-cmd"
        with open(wrapper, "w") as f:
            f.write('#!/bin/sh\nd=${0%/*}/suite\nexec "$d/ld-linux-x86-64.so.2" --library-path "$d" "$d/trace-cmd" "$@"\n')
        os.chmod(wrapper, 0o755)
        copies = ["--copy", libs, "--copy", wrapper]
    elif program:
        reader, copies = [program], ["--copy", program]
    else:
        skip("trace-cmd is not installed")
    kept = os.environ.get("RECORDINGS", "")
    ready = subprocess.run([vm, "--ready"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ready.returncode:
        skip(ready.stderr.strip())
    out = kept or f"{tmp}/o"
    if not os.path.exists(out) and extent in ("i386", "s390x"):
        made = subprocess.run([f"{os.path.dirname(vm)}/leash", f"{here}/foreign-samples", extent, f"{os.path.dirname(vm)}/fetch-deb", suite_root, out],
                              capture_output=True, text=True)
        if made.returncode == 77:
            skip(made.stderr.strip().splitlines()[-1])
        print("# " + made.stderr.strip().replace("\n", "\n# "))
        expect(f"the guest of {extent} recorded", made.returncode == 0, made.stderr[-500:])
    elif not os.path.exists(out):
        made = subprocess.run([vm, *(["--kernel", kernel] if kernel else []), "--timeout", "1800", "--mem", "2000", "--foreland", foreland,
                               *copies, "--copy", f"{here}/record-samples.sh", "--bring", f"/tmp/o:{out}"],
                              input="mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null\n"
                                    f"sh record-samples.sh $PWD/trace-cmd /tmp/o {extent}\n", capture_output=True, text=True)
        print("# " + made.stdout.replace("\n", "\n# "))
        expect("the guest recorded", made.returncode == 0, made.stderr[-500:])
    files = sorted(glob.glob(f"{out}/*.dat"))
    expect(f"{len(files)} recordings are enough", len(files) >= (60 if extent in ("all", "some") else 25))
    records = sum(compare(f, reader) for f in files)
    print(f"# {records} records in {len(files)} recordings")
for text in [d[0] for d in DIFFERENCES] + [f"{k}: {v}" for k, v in (OTHER | CLOCKS).items()]:
    print(f"# listed difference: {text}")
sys.exit(done())
