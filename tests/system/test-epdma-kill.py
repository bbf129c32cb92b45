#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 of either side at random moments, ROUNDS times each. What the host was told is done must be in
the endpoint's memory (a file that outlives its process here); the other side says what happened, takes
the next peer, and has as many descriptors and mappings afterwards as before. TAP output."""
import os, random, re, struct, subprocess, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND, STREAM, ROUNDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
SEED = int(os.environ.get("SEED", time.time_ns() & 0xFFFF))
random.seed(SEED)
print(f"# SEED={SEED}")
PAGE, PAGES = 4096, 1024


def reader(pipe, acked):
    while True:
        raw = pipe.read(8)
        if len(raw) < 8:
            return
        n = struct.unpack("=Q", raw)[0]
        acked.setdefault(n >> 32, []).append(n & 0xFFFFFFFF)


def check_memory(mem, rnd, pages):
    """Every page that was acknowledged last for its place is there whole, or a later one over it."""
    last = {}
    for k in pages:
        last[k % PAGES] = k
    for place, k in last.items():
        mem.seek(place * PAGE)
        words = struct.unpack("=512Q", mem.read(PAGE))
        if any(w >> 32 != rnd or w & 0xFFFFFFFF < k or w & 0xFFFFFFFF & (PAGES - 1) != place for w in words):
            return f"page {k}: {words[0]:#x} {words[-1]:#x}"
    return None


# ---- the host is killed: one endpoint sees all of them come and go
ep = Endpoint(FORELAND, "rk3588")
mem = open(ep.memory(), "rb")
lost, total, base = None, 0, None
for rnd in range(ROUNDS):
    host = subprocess.Popen([STREAM, ep.socket, hex(ep.ram), "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    acked = {}
    t = threading.Thread(target=reader, args=(host.stdout, acked))
    t.start()
    time.sleep(random.random() * 0.06)
    host.kill()
    host.wait()
    t.join()
    pages = acked.get(0, [])
    total += len(pages)
    lost = lost or check_memory(mem, 0, pages)
    if rnd == 2:
        time.sleep(0.3)
        base = ep.fds(), ep.maps()
time.sleep(0.3)
check(lost is None, f"{ROUNDS} hosts killed: none of {total} acknowledged pages is lost{': ' + lost if lost else ''}")
check(total > ROUNDS, "and some had been acknowledged at all")
r = subprocess.run([FORELAND, "epdma", "host", "verify", "--socket", ep.socket, hex(ep.ram)], capture_output=True, timeout=60)
check(r.returncode == 0, "the endpoint takes the next host")
time.sleep(0.3)
# a thread's first malloc() may map an arena at any time; a leak would be one mapping a host
check(ep.fds() == base[0] and ep.maps() - base[1] < min(10, ROUNDS), f"the endpoint has the descriptors and mappings of before: {base} {(ep.fds(), ep.maps())}")
mem.close()
lines, code = ep.stop()
check(code == 0 and lines[-1]["clients"] >= ROUNDS // 2, f"the endpoint told of {lines[-1]['clients']} hosts")

# ---- the endpoint is killed: one host sees all of them come and go
ep = Endpoint(FORELAND, "rk3588")
path, ram = ep.socket, ep.ram
host = subprocess.Popen([STREAM, path, hex(ram), str(ROUNDS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False)
acked, said = {}, []
t = threading.Thread(target=reader, args=(host.stdout, acked))
t.start()
e = threading.Thread(target=lambda: said.extend(l.decode().strip() for l in host.stderr))
e.start()
lost = None
for rnd in range(ROUNDS):
    mem = open(ep.memory(), "rb")
    limit = time.time() + 20
    while not acked.get(rnd) and time.time() < limit and host.poll() is None:
        time.sleep(0.002)
    time.sleep(random.random() * 0.04)
    ep.p.kill()
    ep.p.wait()
    limit = time.time() + 20
    while len(said) <= rnd and time.time() < limit:
        time.sleep(0.002)
    lost = lost or check_memory(mem, rnd, acked.get(rnd, []))
    mem.close()
    if rnd + 1 < ROUNDS:
        # the next one at the same place
        ep.p = subprocess.Popen([FORELAND, "epdma", "endpoint", "--board", "rk3588", "--socket", path, "--json"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ep.p.stdout.readline() and ep.p.stdout.readline()  # the schema, and that it listens
host.wait(30)
t.join()
e.join()
told = [re.match(r"round \d+: (No such device|Link has been severed), (\d+) fds, (\d+) maps", l) for l in said]
check(lost is None, f"{ROUNDS} endpoints killed: no acknowledged page is lost{': ' + lost if lost else ''}")
check(len(told) == ROUNDS and all(told), "the host reports each, and takes the next")
if not all(told):
    print("#", [l for l, m in zip(said, told) if not m][:3])
counts = {(m[2], m[3]) for m in told[2:] if m}
check(len({c[0] for c in counts}) == 1, f"the host's descriptors stay as many: {sorted({c[0] for c in counts})}")
maps = [int(m[3]) for m in told if m]
check(max(maps[2:] or [0]) - min(maps[2:] or [0]) < min(10, ROUNDS), f"and its mappings: {min(maps)} to {max(maps)}")
subprocess.run(["rm", "-rf", ep.dir])
sys.exit(done())
