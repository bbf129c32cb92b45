# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of --listen, --otlp and the agent share: checks, a process that makes as many calls as it is told
to, and the judges' programs."""
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from tap import done, expect, skip

GETPPID = 110 if os.uname().machine == "x86_64" else 173
check = expect


def end():
    sys.exit(done())


def until(fn, seconds=60):
    """What @fn returns once it is true, or its last answer."""
    last = time.monotonic() + seconds
    while True:
        got = fn()
        if got or time.monotonic() > last:
            return got
        time.sleep(0.1)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Caller:
    """Each line it is given is a number of calls of getppid; it answers with a line when they are made."""
    CODE = ("import os, sys\nprint(flush=True)\n"
            "for n in sys.stdin:\n    for i in range(int(n)): os.getppid()\n    print(flush=True)")

    def __init__(self):
        self.p = subprocess.Popen([sys.executable, "-c", self.CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.p.stdout.readline()
        self.pid = self.p.pid

    def call(self, n):
        self.p.stdin.write(f"{n}\n")
        self.p.stdin.flush()
        self.p.stdout.readline()

    def end(self):
        self.p.stdin.close()
        self.p.wait()


def listening(*words):
    """A program that says where it listens; port 0, and what it said, where it ended instead."""
    p = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = ""
    for line in p.stderr:
        said += line
        m = re.search(r"metrics are at http://127\.0\.0\.1:(\d+)/metrics", line)
        if m:
            return p, int(m[1]), said
    p.wait()
    return p, 0, said


def may_not(said):
    """Why probes cannot run here; None: they could."""
    if re.search(r"EPERM|EACCES|not permitted|ermission denied|without lib|is not installed", said):
        return said.strip().splitlines()[-1]
    return None


def get(port, accept="", path="/metrics", method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as r:
            return r.status, r.headers["Content-Type"], r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, "", ""


def value(text, name, **labels):
    for line in text.splitlines():
        m = re.match(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
        if m and m[1] == name and all(f'{k}="{v}"' in (m[2] or "") for k, v in labels.items()):
            return float(m[3])
    return None


def peers(script, *words):
    """Where Debian's packages lie unpacked, or (None, why not)."""
    r = subprocess.run([script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = (r.stderr or r.stdout).strip().splitlines() or ["?"]
    return (r.stdout.strip(), None) if r.returncode == 0 else (None, lines[-1])
