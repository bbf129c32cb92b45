#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""doc/guide/epdma-processes.rst: its "$" lines, in order, in one folder; a line that ends with "&" stays,
and the ones behind it wait until its socket is there. TAP output."""
import os, re, signal, subprocess, sys, time

from tap import check, done, folder

FORELAND, ROOT = os.path.abspath(sys.argv[1]), sys.argv[2]


tmp = folder()
os.mkdir(tmp + "/bin")
os.symlink(FORELAND, tmp + "/bin/foreland")
env = dict(os.environ, PATH=tmp + "/bin:" + os.environ["PATH"])
running = []


def stop():
    good = True
    for p in running:
        p.send_signal(signal.SIGINT)
        good &= p.wait(30) == 0
    running.clear()
    return good


lines = open(ROOT + "/doc/guide/epdma-processes.rst").read().splitlines()
for i, line in enumerate(lines):
    if not line.startswith("\t$ "):
        continue
    cmd = line[3:]
    want = re.match(r"\t\[exit (\d+)\]", lines[i + 1])
    if cmd == "stop":
        check(stop(), f"line {i + 1}: the endpoints end")
    elif cmd.endswith("&"):
        p = subprocess.Popen("exec " + cmd[:-1], shell=True, cwd=tmp, env=env, stderr=subprocess.DEVNULL)
        running.append(p)
        path = os.path.join(tmp, re.search(r"--socket (\S+)", cmd)[1])
        for _ in range(500):
            if os.path.exists(path) or p.poll() is not None:
                break
            time.sleep(0.02)
        check(p.poll() is None and os.path.exists(path), f"line {i + 1}: {cmd}")
    else:
        r = subprocess.run(cmd, shell=True, cwd=tmp, env=env, capture_output=True, timeout=120)
        check(r.returncode == (int(want[1]) if want else 0), f"line {i + 1}: {cmd}")
        if r.stderr:
            print("#", r.stderr.decode()[:300].replace("\n", "\n# "))
check(stop(), "nothing is left running")
sys.exit(done())
