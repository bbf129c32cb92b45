#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""foreland epdma demo: every board, both layouts, options and scripts, and a refused one; and an
endpoint of its own that a script sets up, with options before and behind the host's command. TAP output.
"""
import json, os, signal, subprocess, sys

from tap import check, done, folder

FORELAND, HOWTO = os.path.abspath(sys.argv[1]), sys.argv[2]


def demo(*args, stdin=None):
    p = subprocess.run([FORELAND, "epdma", "demo", "--json", *args], input=stdin, capture_output=True,
                       text=True, timeout=120)
    return p.returncode, json.loads(p.stdout.splitlines()[-1]), p.stderr


for board in ["generic", "r-car-s4", "rk3588", "spacemit-k3", "synopsys-edda", "amd-mdb"]:
    for layout in "AB":
        code, s, err = demo("--board", board, "--metadata-layout", layout)
        check(code == 0 and s["ok"] and s["recovered"] and s["transfers"] >= 16 and not s["different"] and
              f"metadata {layout} in BAR" in err, f"{board}, layout {layout} {err if code else ''}")
howto = open(HOWTO).read().replace("<vendor-id>", "0x1912").replace("<device-id>", "0x0031")
code, s, err = demo("--configfs", "-", stdin=howto)
check(code == 0 and s["board"] == "r-car-s4" and s["recovered"] and "Kernel driver in use" in err,
      "the posted how-to sets both sides up")
# As posted, a lost link is not recovered from where BARs have to be mapped again (W5); two boards need no window.
for board, recovers in (("generic", False), ("r-car-s4", False), ("rk3588", False), ("spacemit-k3", False),
                        ("synopsys-edda", True), ("amd-mdb", True)):
    code, s, err = demo("--board", board, "--seed-compat")
    check(code == 0 and s["ok"] and not s["different"] and s["recovered"] == recovers, f"{board}, as posted {err if code else ''}")
code, s, err = demo("--seed-compat", "--metadata-layout", "B")
check(code == 1 and "[ETIMEDOUT]" in err, "as posted, a host knows layout A alone")
code, s, err = demo("--board", "rk3588", "--wr-chans", "1")
check(code == 1 and not s["ok"] and "[EPF_WHOLE] -EOPNOTSUPP" in err, "a refused binding")
code, s, err = demo("--board", "rk3588", "--wr-chans", "0")
check(code == 1 and "a channel of each direction" in err, "one direction alone")
code, s, err = demo("--configfs", "-", stdin="cd /sys\n")
check(code == 1 and s["errno"] == "ENODEV" and "binds no driver" in err, "a script that binds nothing")
tmp = folder()
sock = tmp + "/ls"  # the name of a command, as an option's value
try:
    ep = subprocess.Popen([FORELAND, "epdma", "endpoint", "--json", "--configfs", "-", "--socket", sock],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ep.stdin.write(howto)
    ep.stdin.close()
    schema, up = json.loads(ep.stdout.readline()), json.loads(ep.stdout.readline())
    check(schema == {"type": "schema", "command": "epdma endpoint", "version": 1} and up["type"] == "listening" and up["board"] == "r-car-s4", "an endpoint of the how-to's lines listens")
    for order in (["host", "--socket", "ls", "ls"], ["host", "ls", "--socket", "ls"]):
        p = subprocess.run([FORELAND, "epdma", *order, "--json"], cwd=tmp, capture_output=True, text=True)
        rows = [json.loads(l) for l in p.stdout.splitlines()]
        first = rows[1]
        check(rows[0]["type"] == "schema" and rows[-1] == {"type": "summary", "channels": 4} and
              p.returncode == 0 and (first["vendor"], first["device"]) == (0x1912, 0x0031), " ".join(order))
    p = subprocess.run([FORELAND, "epdma", "host", "--json", "--socket", sock, "verify", hex(up["memory"])],
                       capture_output=True, text=True)
    check(p.returncode == 0 and json.loads(p.stdout.splitlines()[-1])["different"] == 0, "and serves transfers")
    ep.send_signal(signal.SIGTERM)
    ep.wait(20)
    p = subprocess.run([FORELAND, "epdma", "endpoint", "--configfs", "-", "--socket", sock], input="cd /sys\n",
                       capture_output=True, text=True)
    check(p.returncode == 1 and "binds and starts no function" in p.stderr, "a script that binds nothing, again")
finally:
    ep.kill()
p = subprocess.run([FORELAND, "epdma", "--bogus"], capture_output=True, text=True)
check(p.returncode == 2 and "unknown option '--bogus'" in p.stderr, "an option where a command is expected")
sys.exit(done())
