#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""epdma-peers.py FORELAND: an honest client's latencies alone, beside three hostile peers at its endpoint, which connect,
say a byte, half a greeting or garbage, and leave, and beside the same three at another endpoint; in turns of one run. At
its own endpoint they wait until it goes; the other one has nobody else and attends to them, which is what their work
costs on this machine. Prints medians and the ratios of the percentiles, and how often the client lost its processor.
What is measured is 'foreland epdma host bench'."""
import json, os, random, resource, socket, statistics, subprocess, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "system"))
from epdma_lib import *

FORELAND, TURNS = sys.argv[1], 5
ep, other = (Endpoint(FORELAND, "rk3588", "--msi", "4") for _ in range(2))
over = threading.Event()
# What a 99th percentile depends on: with a hundred of these and more in ten thousand requests, it is the scheduler's
# slice and not ours.
PREEMPTED = "the honest client was preempted"


def hostile(seed, at):
    rng = random.Random(seed)
    while not over.is_set():
        p = socket.socket(socket.AF_UNIX)
        p.settimeout(0.2)
        try:
            p.connect(at.socket)
            p.send(rng.randbytes(rng.choice((1, 30, 5000))))
            time.sleep(0.005)
        except OSError:
            pass
        p.close()


def measure():
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nivcsw
    r = subprocess.run([FORELAND, "epdma", "host", "bench", "--json", "--socket", ep.socket], capture_output=True, text=True)
    rows = [json.loads(l) for l in r.stdout.splitlines()]
    took = {f"{row['latency']}: {q}": row[f"{q}_ns"] / 1e3 for row in rows if "latency" in row for q in ("p50", "p99")}
    return took | {PREEMPTED: resource.getrusage(resource.RUSAGE_CHILDREN).ru_nivcsw - before}


def with_peers(at):
    over.clear()
    threads = [threading.Thread(target=hostile, args=(k, at)) for k in range(3)]
    [t.start() for t in threads]
    row = measure()
    over.set()
    [t.join() for t in threads]
    return row


load = os.getloadavg()[0]
alone, elsewhere, beside = [], [], []
for _ in range(TURNS):
    alone.append(measure())
    elsewhere.append(with_peers(other))
    beside.append(with_peers(ep))
ep.stop(), other.stop()
print(f"{os.cpu_count()} processors, load {load:.1f} before this")
for what in alone[0]:
    a, e, b = (statistics.median(x[what] for x in rows) for rows in (alone, elsewhere, beside))
    unit = "times" if what == PREEMPTED else "us"
    ratios = "" if what == PREEMPTED else f", ratios {b / a:.2f} and {b / e:.2f}"
    print(f"{what} {b:.1f} {unit} beside three hostile peers, {a:.1f} alone, {e:.1f} beside the same peers of another endpoint{ratios}")
