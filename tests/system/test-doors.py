#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-doors.py FORELAND [VM]: root writes and reads where another user has rights, and that user does what
he can. Judged by what lies in the folders afterwards, as stat(2) and the files' bytes have it."""
import ctypes
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import userns

from tap import done, expect

DUMP = "allocinfo - version: 2.0\n#     <size>  <calls> <tag info>\n         100        1 mm/a.c:1 func:f \n"


def put(name, text, mode=0o644, user=0):
    with open(name, "w") as f:
        f.write(text)
    os.chown(name, user, user)
    os.chmod(name, mode)


def folder(name, user=0, mode=0o755):
    os.makedirs(name)
    os.chown(name, user, user)
    os.chmod(name, mode)
    return name


def link(target, name, user=0):
    os.symlink(target, name)
    os.lchown(name, user, user)


def read(name):
    with open(name) as f:
        return f.read()


def mode(name):
    return stat.S_IMODE(os.lstat(name).st_mode)


def run(*argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=60, **kw)


def trace_through_a_link():
    """Tracing takes the machine's own root; the folder, the link and what it leads to are the test's."""
    with tempfile.TemporaryDirectory(prefix="foreland-doors-") as d:
        os.chmod(d, 0o755)
        folder(f"{d}/theirs", userns.NOBODY)
        for name in ("x", "x.dat"):
            put(f"{d}/precious", "precious")
            link("../precious", f"{d}/theirs/{name}", userns.NOBODY)
            r = run(sys.argv[1], "trace", "-t", "10ms", "-o", f"{d}/theirs/{name}", "t:x sched_switch")
            expect(f"trace -o {name} is not led through another user's link",
                   read(f"{d}/precious") == "precious" and r.returncode == 1 and "FOREIGN_LINK" in r.stderr, r)


def names_of_a_program(change):
    """Runs a copy of a program under 'alloc run', lets @change loose on its file, and asks."""
    with tempfile.TemporaryDirectory(prefix="foreland-doors-") as d:
        program = f"{d}/program"
        shutil.copy("/bin/cat", program)
        p = subprocess.Popen([sys.argv[1], "alloc", "run", "--", program], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        children = f"/proc/{p.pid}/task/{p.pid}/children"
        until = time.time() + 20
        while time.time() < until:
            pid = read(children).split()
            if pid and os.readlink(f"/proc/{pid[0]}/exe") == program:
                break
            time.sleep(0.02)
        time.sleep(0.2)
        change(program)
        try:
            return run(sys.argv[1], "alloc", "show", "--pid", pid[0])
        except subprocess.TimeoutExpired:
            return None
        finally:
            p.stdin.close()
            p.wait()


def fifo(program):
    os.unlink(program)
    os.mkfifo(program + " (deleted)")


def other(program):
    shutil.copy("/bin/ls", program + ".new")
    os.rename(program + ".new", program)


for what, change in (("deleted, and a FIFO has the name that maps shows", fifo), ("replaced by another", other)):
    r = names_of_a_program(change)
    expect(f"a running program whose file was {what}: it is asked all the same",
           r is not None and r.returncode == 0 and "program" in r.stdout, r)
def what_root_runs():
    """In a folder of the test's own, with scripts that only leave a mark: root of a namespace would not do,
    because the way to that folder is not his."""
    def doctor(where, **env):
        r = run(f"{where}/foreland", "doctor", env=dict(os.environ, **env))
        return r, os.path.exists(f"{d}/ran")

    with tempfile.TemporaryDirectory(prefix="foreland-doors-") as d:
        os.chmod(d, 0o755)
        script = f"#!/bin/sh\n: >{d}/ran\n"
        for name, owner, m, script_owner, why in (
                ("ww", 0, 0o1777, userns.NOBODY, "of another user beside the program"),
                ("ww2", 0, 0o1777, 0, "of root's in a folder that all can write"),
                ("his", userns.NOBODY, 0o755, 0, "of root's in another user's folder"),
                ("his/deeper", 0, 0o755, 0, "of root's below another user's folder")):
            folder(f"{d}/{name}", owner, m)
            shutil.copy(sys.argv[1], f"{d}/{name}/foreland")
            put(f"{d}/{name}/foreland-vm", script, 0o755, script_owner)
            r, ran = doctor(f"{d}/{name}")
            expect(f"doctor runs no script {why}, and says so", not ran and "root alone can write" in r.stdout, r)
        folder(f"{d}/good")
        shutil.copy(sys.argv[1], f"{d}/good/foreland")
        put(f"{d}/good/foreland-vm", script, 0o755)
        r, ran = doctor(f"{d}/good", FORELAND_VM=f"{d}/ww/foreland-vm")
        expect("nor one that FORELAND_VM names", not ran and "root alone can write" in r.stdout, r)
        r, ran = doctor(f"{d}/good")
        expect("but root's own", ran, r)
        if not VM:
            return
        put(f"{d}/victim", "precious")
        folder(f"{d}/cache", userns.NOBODY)
        folder(f"{d}/cache/foreland", userns.NOBODY)
        link(f"{d}/victim", f"{d}/cache/foreland/lock", userns.NOBODY)
        r = run(*VM, "--ready", env=dict(os.environ, XDG_CACHE_HOME=f"{d}/cache",
                                         FORELAND_SECURITY_MIRROR="http://127.0.0.1:9/x"))
        expect("scripts/vm uses no cache of another user",
               r.returncode == 77 and read(f"{d}/victim") == "precious" and "others can write" in r.stderr, r)
        for name, *words in (("debian-kernel", "6.12"), ("linux-source", "7.3"), ("docutils", "0.22"), ("suite-root", "sid")):
            link(f"{d}/victim", f"{d}/cache/foreland/{name}.lock", userns.NOBODY)
            r = run(os.path.join(os.path.dirname(VM[0]), name), *words, env=dict(os.environ, XDG_CACHE_HOME=f"{d}/cache"))
            expect(f"nor does scripts/{name}",
                   r.returncode == 77 and read(f"{d}/victim") == "precious" and "others can write" in r.stderr, r)


VM = sys.argv[2:3]
if os.geteuid() == 0:
    what_root_runs()
if os.geteuid() == 0 and run(sys.argv[1], "trace", "-t", "10ms", "t:x sched_switch").returncode == 0:
    trace_through_a_link()
userns.enter(sys.argv[1])
FORELAND = os.path.abspath("foreland")
NOBODY = userns.NOBODY
put("in", DUMP)
folder("theirs", NOBODY)
folder("ours")
folder("sticky", 0, 0o1777)


def prometheus(path, **kw):
    return run(FORELAND, "alloc", "show", "--input", "in", "--prometheus", path, **kw)


# -- symbolic links, and what is behind them --
put("ours/precious", "precious", 0o4755)
for where in ("theirs", "sticky"):
    link("../ours/precious", f"{where}/link", NOBODY)
    r = prometheus(f"{where}/link")
    expect(f"another user's link in the folder '{where}' is refused, by its name",
           r.returncode == 1 and f"{where}/link" in r.stderr and "[FOREIGN_LINK]" in r.stderr
           and read("ours/precious") == "precious" and mode("ours/precious") == 0o4755, r)
link("../ours/precious", "theirs/roots")
r = prometheus("theirs/roots")
expect("root's own link in another user's folder is refused: he can move it",
       r.returncode == 1 and "FOREIGN_LINK" in r.stderr and read("ours/precious") == "precious", r)
link("../ours", "theirs/way", NOBODY)
r = prometheus("theirs/way/new")
expect("a link on the way is refused as well", r.returncode == 1 and not os.path.exists("ours/new"), r)
link("precious", "ours/link")
r = prometheus("ours/link")
expect("root's link in root's folder is followed, and what is behind it is no set-user-ID program any more",
       r.returncode == 0 and os.path.islink("ours/link") and "foreland" in read("ours/precious")
       and mode("ours/precious") == 0o755, r)
put("theirs/page", "x", 0o6775, NOBODY)
r = prometheus("theirs/page")
st = os.stat("theirs/page")
expect("another user's set-user-ID file stays his, and loses that",
       r.returncode == 0 and st.st_uid == NOBODY and mode("theirs/page") == 0o775, r, st)
os.mkfifo("theirs/fifo", 0o666)
os.chown("theirs/fifo", NOBODY, NOBODY)
r = prometheus("theirs/fifo")
expect("another user's FIFO is not waited for", r.returncode == 1 and "EACCES" in r.stderr, r)

for cmd in (["alloc", "run", "-o", "theirs/l", "--", "/bin/true"], ["epdma", "demo", "--trace", "theirs/l"]):
    put("ours/precious", "precious")
    if os.path.lexists("theirs/l"):
        os.unlink("theirs/l")
    link("../ours/precious", "theirs/l", NOBODY)
    r = run(FORELAND, *cmd)
    expect(f"'{' '.join(cmd[:3])}' writes through no link of another user", read("ours/precious") == "precious", r)

# -- a tree of another user's --
PAGE = "* * * * * root id >/tmp/owned\n\nWhat:\t\t/sys/a%d\nWDate:\t\tMay 2026\nContact:\ta@b.c\nDescription:\n\t\tText.\n"
SHORT = "Title long\n====\n\nText.\n"
for name in ("tree", "tree/Documentation", "tree/Documentation/ABI", "tree/Documentation/ABI/testing"):
    folder(name, NOBODY)
put("tree/Documentation/e.rst", SHORT, 0o4755, NOBODY)
r = run(FORELAND, "docs", "check", "--fix", "--write", "tree")
expect("docs check --write gives a page of mode 4755 back without it, to its owner",
       "Title long\n==========" in read("tree/Documentation/e.rst") and mode("tree/Documentation/e.rst") == 0o755
       and os.stat("tree/Documentation/e.rst").st_uid == NOBODY, r, oct(mode("tree/Documentation/e.rst")))

for i in range(40):
    put(f"tree/Documentation/ABI/testing/job{i}", PAGE % i, user=NOBODY)
folder("cron")
os.chmod("cron", 0o755)
link("../../../cron", "tree/Documentation/ABI/link", NOBODY)
LIBC = ctypes.CDLL(None)


def attacker(step):
    """A process of nobody's that does that for ever."""
    pid = os.fork()
    if pid == 0:
        userns.become(NOBODY)()
        while True:
            step()
    return pid


def stop(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def swap():
    LIBC.renameat2(-100, b"tree/Documentation/ABI/testing", -100, b"tree/Documentation/ABI/link", 2)
    time.sleep(random.random() / 1000)


pid = attacker(swap)
for i in range(40):
    run(FORELAND, "docs", "check", "--fix", "--write", "tree")
stop(pid)
expect("while a folder and a link change places, docs check --write (40 times) writes nothing outside",
       not os.listdir("cron"), os.listdir("cron"))

# -- the name is exchanged while it is written --
def exchange():
    os.symlink("../ours/precious", "theirs/t")
    os.rename("theirs/t", "theirs/flip")
    open("theirs/t", "w").close()
    os.rename("theirs/t", "theirs/flip")


put("ours/precious", "precious", 0o600)
pid = attacker(exchange)
codes = [prometheus("theirs/flip").returncode for _ in range(200)]
stop(pid)
expect("while a file and a link change places, 200 runs write nothing behind the link",
       read("ours/precious") == "precious" and set(codes) <= {0, 1}, codes)

# -- kill -9 --
folder("kill")
put("kill/m", "old")
put("big", DUMP + "".join(f"         100        1 mm/a.c:{i} func:f{i} \n" for i in range(20000)))
rng = random.Random(13)
for _ in range(60):
    p = subprocess.Popen([FORELAND, "alloc", "show", "--input", "big", "--prometheus", "kill/m"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.random() * 0.06)
    p.send_signal(signal.SIGKILL)
    p.wait()
# A new file has its name among others for the time of one call, the rename: a kill just then leaves it, whole.
beside = [n for n in os.listdir("kill") if n != "m"]
expect("60 runs that are killed leave the old file or a whole new one, and at most two whole ones of a moment's name",
       len(beside) <= 2 and all(read(f"kill/{n}").endswith("\n") for n in beside) and
       (read("kill/m") == "old" or read("kill/m").endswith("\n")), os.listdir("kill"))

sys.exit(done())
