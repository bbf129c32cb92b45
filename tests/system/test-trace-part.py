#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-part.py FORELAND KILLS: a recording is never lost: it grows as FILE.part, and outlives kill -9.

The programs that are run while it is traced have names that nobody else uses; what FILE.part showed before the kill
must be in it afterwards, and in what it is converted to, which trace-cmd reads, too. Every second time the kill waits
until all of them are there: they come by themselves."""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tap import done, expect

foreland, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2])
DEF = "t:demo/exec sched_process_exec name=bprm->filename:string pid=p->pid"


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, errors="replace")


def marks(text):
    return re.findall(r'name="[^"]*/mark-(\d+)"', text)


with tempfile.TemporaryDirectory() as tmp:
    os.chdir(tmp)
    probe = run(foreland, "trace", "-o", "a.dat", DEF, "--", "/bin/true")
    if probe.returncode:
        print(f"1..0 # SKIP no BPF here: {probe.stderr.strip().splitlines()[-1:]}")
        sys.exit(0)
    expect("when it is done the file has its name, and there is no .part", os.listdir() == ["a.dat"], os.listdir())

    def mark(n):
        name = f"{tmp}/mark-{n}"
        if not os.path.exists(name):
            shutil.copy("/bin/true", name)
        subprocess.run([name], check=True)

    # ---- what it is converted to at the end ----
    for output, args in (("six.dat", []), ("seven.dat", ["--compress"])):
        r = run(foreland, "trace", *args, "-o", output, DEF, "--", "sh", "-c", "for i in 1 2 3; do /bin/true; done; sleep 1.2; /bin/true")
        hits = int(re.search(r"(\d+) hits", r.stderr).group(1))
        with open(output, "rb") as f:
            version = f.read(11)[-1:].decode()
        ours = run(foreland, "report", "--bytes", output)
        expect(f"{output} is of version {version} and holds as many records as there were hits",
               r.returncode == 0 and version == ("7" if args else "6") and ours.stdout.count(" exec: ") == hits, (r.stderr, ours.stderr))
        if shutil.which("trace-cmd"):
            theirs = run("trace-cmd", "report", "-N", output)
            expect(f"trace-cmd reads {output}", theirs.stdout.count(" exec: ") == hits and
                   re.findall(r'name="[^"]*" pid=\d+', theirs.stdout) == re.findall(r'name="[^"]*" pid=\d+', ours.stdout),
                   theirs.stderr + theirs.stdout[:500])
    r = run(foreland, "trace", "--stack", "-o", "t.pftrace", DEF, "--", "/bin/true")
    expect("-o FILE.pftrace is written the same way", r.returncode == 0 and os.path.getsize("t.pftrace") > 300 and
           not os.path.exists("t.pftrace.part"), r.stderr)

    # ---- followed ----
    p = subprocess.Popen([foreland, "trace", "-o", "f.dat", DEF], stderr=subprocess.DEVNULL)
    for _ in range(100):
        mark(9)
        if os.path.exists("f.dat.part") and marks(run(foreland, "report", "f.dat.part").stdout):
            break
        time.sleep(0.1)
    tail = subprocess.Popen([foreland, "report", "--tail", "f.dat.part"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
    for n in range(1, 9):
        mark(n)
        time.sleep(0.15)
    p.send_signal(signal.SIGINT)
    p.wait()
    shown, _ = tail.communicate(timeout=60)
    expect("--tail shows it while it grows, and to its end, each record once", tail.returncode == 0 and
           marks(shown) == marks(run(foreland, "report", "f.dat").stdout) and marks(shown)[-8:] == list("12345678"), (tail.returncode, marks(shown)))

    # ---- read once ----
    # A file that somebody else might cut short is read, not mapped, so that the bytes that were read are counted.
    many = rf"t:demo/many sys_exit ret a=\1:u64 b=\2:u64 c=\3:u64 if ret == {os.getppid()}"
    p = subprocess.Popen([foreland, "trace", "-o", "g.dat", many, DEF], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not os.path.exists("g.dat.part") and time.monotonic() < deadline:
        time.sleep(0.02)
    os.chmod("g.dat.part", 0o666)
    while os.path.getsize("g.dat.part") < 4 << 20 and time.monotonic() < deadline:
        for _ in range(5000):
            os.getppid()
    while marks(run(foreland, "report", "--filter", "exec", "g.dat.part").stdout)[-1:] != ["10"] and time.monotonic() < deadline:
        mark(10)  # until all of it is linked
        time.sleep(0.5)
    with open("tail.out", "w") as f:
        tail = subprocess.Popen([foreland, "report", "--tail", "--filter", "exec", "g.dat.part"], stdout=f, stderr=subprocess.DEVNULL)
    deadline, rounds = time.monotonic() + 120, 0
    while rounds < 8 and time.monotonic() < deadline:
        mark(11 + rounds)
        time.sleep(0.3)
        with open("tail.out", errors="replace") as f:
            rounds += str(11 + rounds) in marks(f.read())
    with open(f"/proc/{tail.pid}/io") as f:
        count = int(re.search(r"rchar: (\d+)", f.read()).group(1))
    size = os.path.getsize("g.dat.part")
    p.send_signal(signal.SIGINT)
    p.wait()
    tail.wait(timeout=60)
    expect(f"--tail reads what is added, and nothing twice: {count} bytes of {size}", rounds == 8 and 4 << 20 < count < size * 1.5 + (1 << 20), (count, size))

    # ---- killed ----
    rnd, bad = random.Random(9), []
    for i in range(kills):
        for name in ("k.dat", "k.dat.part", "r.dat"):
            if os.path.exists(name):
                os.unlink(name)
        p = subprocess.Popen([foreland, "trace", "-o", "k.dat", DEF], stderr=subprocess.DEVNULL)
        ran, deadline = [], time.monotonic() + 60
        while not os.path.exists("k.dat.part") and time.monotonic() < deadline:
            time.sleep(0.02)
        while time.monotonic() < deadline:  # it is there before the probes are
            mark(0)
            if marks(run(foreland, "report", "k.dat.part").stdout):
                break
            time.sleep(0.1)
        end = time.monotonic() + rnd.uniform(0.1, 2)
        while time.monotonic() < end:
            ran.append(str(len(ran) % 5 + 1))
            mark(ran[-1])
            time.sleep(rnd.uniform(0, 0.2))
        want, deadline = [], time.monotonic() + 60
        while time.monotonic() < deadline:
            want = [m for m in marks(run(foreland, "report", "k.dat.part").stdout) if m != "0"]
            if i % 2 or want == ran:
                break
            time.sleep(0.1)
        p.send_signal(signal.SIGKILL)
        p.wait()
        left = run(foreland, "report", "k.dat.part")
        made = run(foreland, "report", "k.dat.part", "-o", "r.dat")
        got = [m for m in marks(left.stdout) if m != "0"]
        again = [m for m in marks(run(foreland, "report", "r.dat").stdout) if m != "0"]
        theirs = [m for m in marks(run("trace-cmd", "report", "-N", "r.dat").stdout) if m != "0"] if shutil.which("trace-cmd") else got
        ok = ((i % 2 or want == ran) and left.returncode == 0 and made.returncode == 0 and got[:len(want)] == want and len(got) <= len(ran) and
              again == got and theirs == got and not os.path.exists("k.dat"))
        if not ok:
            bad.append((i, left.returncode, left.stderr[-200:], made.stderr[-200:], want, got, again, theirs))
    expect(f"{kills} kills: what was flushed is in FILE.part, and in what report makes of it", not bad, bad[:2])
    os.chdir("/")
sys.exit(done())
