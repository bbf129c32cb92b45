#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-killed.py FORELAND KILLS: kill -9, at a random moment, of each command that leaves something behind.

Afterwards no BPF program is there whose number the killed process held, no file has another content than the old
one or the whole new one, no name lies about that was not asked for, and no process goes on but COMMAND."""
import ctypes
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

from tap import done, expect, folder

foreland, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine] # the system call
random.seed(1)


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def programs_of(pid):
    """Numbers of the BPF programs that a process holds."""
    found = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with open(f"/proc/{pid}/fdinfo/{fd}") as f:
                found.update(int(n) for n in re.findall(r"^prog_id:\s*(\d+)", f.read(), re.M))
    except OSError:
        pass # it has ended, or closed that one
    return found


def is_loaded(number):
    """BPF_PROG_GET_FD_BY_ID."""
    attr = ctypes.create_string_buffer(struct.pack("<III", number, 0, 0), 16)
    fd = libc.syscall(BPF, 13, attr, 12)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def pages(count, text):
    shutil.rmtree("tree", ignore_errors=True)
    os.mkdir("tree")
    for i in range(count):
        with open(f"tree/page{i}.rst", "w") as f:
            f.write(text)


def tree_files():
    found = {}
    for name in os.listdir("tree"):
        with open(f"tree/{name}") as f:
            found[name] = f.read()
    return found


def kill_one(argv, longest, ready=None):
    """Starts it, kills it at some time up to LONGEST seconds after it is READY. The programs that it had, which
    were loaded just before."""
    child = subprocess.Popen([foreland, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    held = set()
    if ready:
        until(lambda: ready(child.pid) or child.poll() is not None, 20)
    end = time.monotonic() + random.random() * longest
    while time.monotonic() < end and child.poll() is None:
        held |= programs_of(child.pid)
        time.sleep(0.001)
    held |= programs_of(child.pid)
    held = set(filter(is_loaded, held))
    child.kill()
    child.wait()
    return child.pid, held


def others_of(session):
    """Processes of a session that are still there, by their command."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                stat = f.read()
            if int(stat.rpartition(")")[2].split()[3]) == session:
                found.append((int(pid), stat[stat.index("(") + 1:stat.rindex(")")]))
        except OSError:
            pass
    return found


def test_trace(what, argv, allowed):
    held, left, going = set(), set(), []
    for _ in range(kills):
        pid, programs = kill_one(argv, 0.1, programs_of)
        held |= programs
        left |= set(os.listdir()) - allowed
        for other, name in others_of(pid):
            going += [name] if name != "sleep" else []
            os.kill(other, signal.SIGKILL)
        for name in os.listdir():
            os.unlink(name)
    expect(f"{what}: none of {len(held)} programs outlives it", held and until(
        lambda: not any(map(is_loaded, held)), 30), [n for n in held if is_loaded(n)])
    expect(f"{what}: no other file, no other process", not left and not going, (left, going))


home = folder("killed")
os.chdir(home)
os.environ["TMPDIR"] = home
if subprocess.run([foreland, "trace", "-n", "1", "t sys_enter", "--", "true"], capture_output=True).returncode == 0:
    DEF = "t:k/e sys_enter id"
    test_trace("trace", ["trace", DEF], set())
    test_trace("trace -o FILE", ["trace", "-o", "lines", DEF], {"lines"})
    test_trace("trace -o FILE.dat", ["trace", "-o", "f.dat", DEF], {"f.dat", "f.dat.part"})
    test_trace("trace -- COMMAND", ["trace", DEF, "--", "sleep", "1"], set())
    test_trace("trace --hist", ["trace", DEF, "--hist", "keys=id", "--follow", "-p", str(os.getpid())], set())
else:
    print("# trace: no programs here")

OLD = "Title long\n====\n\nText.\n"
pages(40, OLD)
subprocess.run([foreland, "docs", "check", "--fix", "--write", "tree"], capture_output=True)
NEW = tree_files()["page0.rst"]
bad, seen = [], set()
for _ in range(kills):
    pages(40, OLD)
    kill_one(["docs", "check", "--fix", "--write", "tree"], 0.03)
    files = tree_files()
    seen.update(files.values())
    # a file with a name is replaced by one that has another, for a moment: that one is whole by then
    strange = [(n, t) for n, t in files.items() if not re.fullmatch(r"page\d+\.rst", n)]
    bad += [(n, t) for n, t in files.items() if t not in (OLD, NEW)] + (strange if len(strange) > 1 else [])
    bad += [(n, t) for n, t in strange if t != NEW or not n.startswith(".foreland-")]
    bad += [("pages", len(files))] if len(files) - len(strange) != 40 else []
expect("docs check --fix --write: each page is the old one or the new one, and of one file at most the new one "
       "has not its name yet", OLD != NEW and not bad, bad[:3])
shutil.rmtree("tree")

HEAD = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n"
with open("tags", "w") as f:
    f.write(HEAD + "".join(f"{100 * i:12} {i:8} mm/a.c:{i} func:f{i} \n" for i in range(3000)))
subprocess.run([foreland, "alloc", "show", "--input", "tags", "--prometheus", "m"], capture_output=True)
with open("m") as f:
    whole = f.read()
bad = []
for _ in range(kills):
    with open("m", "w") as f:
        f.write("old")
    kill_one(["alloc", "show", "--input", "tags", "--prometheus", "m"], 0.02)
    with open("m") as f:
        text = f.read()
    bad += [text[:80]] if text not in ("old", whole) else []
    strange = set(os.listdir()) - {"m", "tags"}
    bad += sorted(strange) if len(strange) > 1 else []
    for name in strange:
        os.unlink(name)
expect("alloc show --prometheus: the old file or the whole new one", not bad, bad[:3])

left = set()
for _ in range(kills):
    pid, _ = kill_one(["alloc", "run", "--", "sh", "-c", "while :; do :; done"], 0.15)
    for other, _ in others_of(pid):
        os.kill(other, signal.SIGKILL)
    left |= set(os.listdir()) - {"m", "tags"}
expect("alloc run: nothing of it, and nothing of its program, stays in the folder of temporary files", not left, left)
os.chdir("/")
sys.exit(done())
