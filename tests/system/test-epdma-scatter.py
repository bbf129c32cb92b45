#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists cut at random on both sides, over 1 to 8 channels at once, many laps of each list, with every
register layout; what arrives is judged by sha256sum on both sides. TAP output."""
import os, random, re, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND, SCATTER, ROUNDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
SEED = int(os.environ.get("SEED", time.time_ns() & 0xFFFF))
random.seed(SEED)
print(f"# SEED={SEED}")
for board, most in (("generic", 8), ("rk3588", 2), ("spacemit-k3", 4)):
    ep = Endpoint(FORELAND, board)
    for channels in range(1, most + 1):
        good, laps = True, 1 << 30
        for k in range(ROUNDS):
            size = random.choice([1, random.randrange(2, 5000), random.randrange(2 << 20, 4 << 20)]) if k else 4 << 20
            at = random.randrange(0, 1 << 20)
            src, dst = os.path.join(ep.dir, "src"), os.path.join(ep.dir, "dst")
            with open(src, "wb") as f:
                f.write(os.urandom(size))
            with open(src, "rb") as i, open(dst, "wb") as o:
                r = subprocess.run([SCATTER, ep.socket, hex(ep.ram + at), str(random.randrange(1 << 30)), str(channels)],
                                   stdin=i, stdout=o, stderr=subprocess.PIPE, text=True, timeout=100)
            same = r.returncode == 0 and sha256(src) == sha256(dst) == sha256(ep.memory(), at, size)
            if not same:
                print(f"# {size} bytes at {at}: {r.returncode} {r.stderr}")
            good = good and same
            if k == 0:
                laps = min([laps] + [int(p) // int(s) for s, p in re.findall(r"slots (\d+) pieces (\d+)", r.stderr)])
        ok(good and laps >= 3, f"{board}: {channels} channels each way at once, {laps} laps and more")
    lines, code = ep.stop()
    ok(code == 0 and lines[-1]["aborts"] == 0, f"{board}: {lines[-1]['elements']} elements, no abort")
done()
