#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""epdma-peers.py FORELAND: an honest client's latencies alone and beside three hostile peers, which connect,
say a byte, half a greeting or garbage, and leave; in turns of one run. Prints both and the ratio of the 99th
percentiles. What is measured is 'foreland epdma host bench'."""
import json, os, random, socket, statistics, subprocess, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "system"))
from epdma_lib import *

FORELAND, TURNS = sys.argv[1], 3
ep = Endpoint(FORELAND, "rk3588", "--msi", "4")
over = threading.Event()


def hostile(seed):
    rng = random.Random(seed)
    while not over.is_set():
        p = socket.socket(socket.AF_UNIX)
        p.settimeout(0.2)
        try:
            p.connect(ep.socket)
            p.send(rng.randbytes(rng.choice((1, 30, 5000))))
            time.sleep(0.005)
        except OSError:
            pass
        p.close()


def measure():
    r = subprocess.run([FORELAND, "epdma", "host", "bench", "--json", "--socket", ep.socket], capture_output=True, text=True)
    rows = [json.loads(l) for l in r.stdout.splitlines()]
    return {row["latency"]: row["p99_ns"] for row in rows if "latency" in row}


alone, beside = [], []
for _ in range(TURNS):
    over.set()
    alone.append(measure())
    over.clear()
    threads = [threading.Thread(target=hostile, args=(k,)) for k in range(3)]
    [t.start() for t in threads]
    beside.append(measure())
    over.set()
    [t.join() for t in threads]
ep.stop()
for what in alone[0]:
    a, b = (statistics.median(x[what] for x in rows) / 1e3 for rows in (alone, beside))
    print(f"{what}: p99 {a:.1f} us alone, {b:.1f} us beside three hostile peers, ratio {b / a:.2f}")
