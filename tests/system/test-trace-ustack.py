#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-ustack.py FORELAND PROGRAM: functions of processes have their names; what calls what is known from
PROGRAM's source (ustack.c)."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tap import done, expect

foreland, program = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
DEF = "t:u/call sys_enter id if id == 110"


def stacks(command, *options):
    """Of COMMAND and what it starts, the names of each stack, innermost first."""
    r = subprocess.run([foreland, "trace", "--ustack", "--children", *options, DEF, "--", *command], capture_output=True,
                       text=True, errors="replace")
    found = []
    for line in r.stdout.splitlines():
        if "<user stack trace>" in line:
            found.append([])
        elif line.startswith(" => ") and found:
            m = re.search(r" ([\w@.]+)\+0x[0-9a-f]+$", line)
            found[-1].append(m[1] if m else line[4:])
    return found, r


if os.uname().machine != "x86_64" or subprocess.run([foreland, "trace", "-n", "1", "t sched_switch"], capture_output=True).returncode:
    print("1..0 # SKIP raw tracepoint programs cannot be loaded here")
    sys.exit(0)
WANT = ["call_directly", "middle_function", "outer_function", "main"]
found, r = stacks([program], "-n", "1")
expect("a position-independent program's functions, static ones too", any(s[:4] == WANT for s in found), (found, r.stderr))
r = subprocess.run([foreland, "trace", "--ustack", "--json", "-n", "1", "--children", DEF, "--", program], capture_output=True, text=True)
rows = [json.loads(line) for line in r.stdout.splitlines()]
expect("JSON has them, too", any([f.split()[-1].split("+")[0] for f in row.get("user_stack", [])][:4] == WANT for row in rows), r.stdout[-800:])

# who is gone before anybody can look: its last system call's frame is libc's _exit(), which its symbols have
r = subprocess.run([foreland, "trace", "--ustack", "--children", "t:u/end sys_enter id if id == 231", "--", "sh", "-c", "/bin/true; /bin/true; true"],
                   capture_output=True, text=True)
frames = re.findall(r"true-\d+ .*<user stack trace>\n => (.*)", r.stdout)
perf = subprocess.run(["cat", "/proc/sys/kernel/perf_event_paranoid"], capture_output=True, text=True).stdout.strip()
expect("the functions of processes that have ended", len(frames) == 2 and
       all(re.search(r"/libc[.-]\S*\[\+0x[0-9a-f]+\] (__GI_)?_[Ee]xit\+0x[0-9a-f]+$", f) for f in frames), (frames, r.stderr, perf))
# a recording has them, too, when the process is long gone; the build-id is readelf's
with tempfile.TemporaryDirectory() as tmp:
    copy, dat = f"{tmp}/copied", f"{tmp}/u.dat"
    shutil.copy(program, copy)
    subprocess.run([foreland, "trace", "--ustack", "--children", "-n", "1", "-o", dat, DEF, "--", copy], capture_output=True)
    said = subprocess.run(["readelf", "-n", copy], capture_output=True, text=True).stdout if shutil.which("readelf") else ""
    os.unlink(copy)
    text = subprocess.run([foreland, "report", dat], capture_output=True, text=True).stdout
    expect("a recording names the functions of a process and a file that are gone", re.findall(r"^ => \S+/copied\[\+0x[0-9a-f]+\] (\w+)\+", text, re.M) == WANT, text)
    rows = [json.loads(line) for line in subprocess.run([foreland, "report", "--json", dat], capture_output=True, text=True).stdout.splitlines()]
    names = [[f.split()[-1].split("+")[0] for f in row["user_stack"]] for row in rows if "user_stack" in row]
    expect("and in JSON", names and names[0][:4] == WANT, rows[-2:])
    folded = subprocess.run([foreland, "report", "--to", "folded", dat], capture_output=True, text=True).stdout
    expect("folded stacks have them by name", ";main;outer_function;middle_function;call_directly 1" in folded, folded)
    stat = subprocess.run([foreland, "report", "--stat", dat], capture_output=True, text=True).stdout
    build_id = re.search(r"Build ID: (\w+)", said)
    expect("build-ids are in it" + ("" if build_id else " # SKIP the program has none, or there is no readelf"),
           not build_id or f"build-id: {copy} {build_id[1]}\n" in stat, stat)
    subprocess.run([foreland, "report", dat, "-o", f"{tmp}/again.dat"], capture_output=True)
    again = subprocess.run([foreland, "report", f"{tmp}/again.dat"], capture_output=True, text=True).stdout
    expect("a recording that is written anew keeps them", again == text, again)
    peer = shutil.which("trace-cmd")
    r = subprocess.run([peer, "report", "-i", dat], capture_output=True, text=True) if peer else None
    expect("trace-cmd reads it without a complaint" + ("" if peer else " # SKIP there is no trace-cmd"), not peer or
           (r.returncode == 0 and not r.stderr and "user_stack" in r.stdout), r)
found, r = stacks([program, "jit"], "-n", "1")
for pid in re.findall(r"ustack-(\d+)", r.stdout):  # it was ended before it could do so
    if os.path.exists(f"/tmp/perf-{pid}.map"):
        os.unlink(f"/tmp/perf-{pid}.map")
expect("memory of no file by /tmp/perf-PID.map", any(s[:4] == ["made_by_hand"] + WANT[1:] for s in found), (found, r.stderr))
hidden = f"mount -t tmpfs none /mnt && cp {program} /mnt/hidden && exec /mnt/hidden"
if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
    expect("a file of another mount namespace # SKIP there can be none", True)
else:
    found, r = stacks(["unshare", "-m", "sh", "-c", hidden])
    expect("a file of another mount namespace", any(s[:4] == WANT for s in found) and "/mnt/hidden[+0x" in r.stdout, (found, r.stderr))
    # the same path, and another file here: its names would be wrong
    found, r = stacks(["unshare", "-m", "sh", "-c", f"mount --bind {program} /bin/true && exec /bin/true"])
    expect("a path that is another file here", any(s[:4] == WANT for s in found), (found, r.stderr))
sys.exit(done())
