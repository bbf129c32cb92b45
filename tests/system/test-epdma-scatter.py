#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists cut at random on both sides, over 1 to 8 channels each way at once, with each of the three register
layouts: every size of a list, then ROUNDS times sizes at random, with three laps of the lists and more, and
64 MiB. What arrives is judged by sha256sum on both sides. TAP output."""
import os, random, re, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND, SCATTER, ROUNDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
SEED = int(os.environ.get("SEED", time.time_ns() & 0xFFFF))
random.seed(SEED)
print(f"# SEED={SEED}")
SIZES = [1, 2, 3, 1024, 1025, 4095, 4096, 4097, 1024000, 1024001]
BOARD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../boards/generic.board")


def there_and_back(ep, channels, sizes):
    """Laps of the longest list, or None where anything differs."""
    at, size = random.randrange(0, 1 << 20), sum(sizes)
    src, dst = os.path.join(ep.dir, "src"), os.path.join(ep.dir, "dst")
    with open(src, "wb") as f:
        f.write(os.urandom(size))
    with open(src, "rb") as i, open(dst, "wb") as o:
        r = subprocess.run([SCATTER, ep.socket, hex(ep.ram + at), str(random.randrange(1 << 30)), str(channels),
                            *map(str, sizes)], stdin=i, stdout=o, stderr=subprocess.PIPE, text=True, timeout=100)
    if r.returncode or not sha256(src) == sha256(dst) == sha256(ep.memory(), at, size):
        print(f"# {sizes} at {at}: {r.returncode} {r.stderr}")
        return None
    return max(int(p) // int(s) for s, p in re.findall(r"slots (\d+) pieces (\d+)", r.stderr))


tmp = folder()
for layout in ("unroll", "compat", "native"):
    board = f"{tmp}/{layout}.board"
    with open(board, "w") as f:
        f.write(re.sub("(?m)^map .*", f"map {layout}", open(BOARD).read()))
    ep = Endpoint(FORELAND, board)
    for channels in range(1, 9):
        laps = there_and_back(ep, channels, SIZES)
        check(laps is not None, f"{layout}: {len(SIZES)} sizes over {channels} channels each way at once")
        if not ROUNDS:
            continue
        laps = [there_and_back(ep, channels, [random.randrange(2, 5000), 4 << 20, random.randrange(1, 4 << 20)])
                for _ in range(ROUNDS)]
        check(None not in laps and min(laps) >= 3,
              f"{layout}: {3 * ROUNDS} random sizes over {channels}, " + ("" if None in laps else f"{min(laps)} laps and more"))
    for channels in (1, 8) if ROUNDS else ():
        check(there_and_back(ep, channels, [64 << 20]) is not None, f"{layout}: 64 MiB over {channels}")
    lines, code = ep.stop()
    check(code == 0 and lines[-1]["aborts"] == 0, f"{layout}: {lines[-1]['elements']} elements, no abort")
subprocess.run(["rm", "-rf", tmp])
sys.exit(done())
