#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Endpoint and host as two processes: what is written into endpoint memory and read out of it again, by
every size and on every board, judged by sha256sum on the file behind the endpoint's memory and on the
host's files. TAP output."""
import os, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND = sys.argv[1]
SIZES = [1, 2, 3, 1024, 1025, 4095, 4096, 4097, 1024000, 1024001, 64 << 20]


def host(ep, *args, **kw):
    return subprocess.run([FORELAND, "epdma", "host", args[0], "--socket", ep.socket, *args[1:]],
                          capture_output=True, timeout=120, **kw)


for board in BOARDS:
    ep = Endpoint(FORELAND, board)
    given = os.path.join(ep.dir, "given")
    got = os.path.join(ep.dir, "got")
    good = True
    for i, size in enumerate(SIZES):
        at = 4096 * i + i
        with open(given, "wb") as f:
            f.write(os.urandom(size))
        how = ["--polled"] if i % 2 else []
        w = host(ep, "write", *how, hex(ep.ram + at), given)
        inside = sha256(ep.memory(), at, size)
        r = host(ep, "read", *how, hex(ep.ram + at), str(size))
        with open(got, "wb") as f:
            f.write(r.stdout)
        same = w.returncode == 0 and r.returncode == 0 and inside == sha256(given) == sha256(got)
        if not same:
            print(f"# {size} bytes: {w.returncode} {w.stderr} {r.returncode} {r.stderr}")
        good = good and same
    check(good, f"{board}: {len(SIZES)} sizes there and back, equal by sha256sum on both sides")
    v = host(ep, "verify", hex(ep.ram))
    check(v.returncode == 0 and b" 0 different" in v.stdout, f"{board}: verify over every channel")
    refused = host(ep, "read", hex(ep.ram - 4096), "64")
    check(refused.returncode == 1 and b"aborted the transfer [EIO]\nhelp: " in refused.stderr and not refused.stdout,
          f"{board}: an address outside of its memory is refused")
    lines, code = ep.stop()
    check(code == 0 and lines[-1]["type"] == "summary" and lines[-1]["refused_addresses"] == 1,
          f"{board}: it ends by a signal and says what it did")

ep = Endpoint(FORELAND, "rk3588", "--trusted")
before = host(ep, "read", hex(0x10000000), "64")  # descriptor memory: the list that reads itself
check(before.returncode == 0 and len(before.stdout) == 64, "with --trusted other memory can be read")
ep.stop()

ep = Endpoint(FORELAND, "rk3588", "--fault", "lost-doorbell:2,poisoned-read:1")
r = host(ep, "write", hex(ep.ram), "/bin/true")
check(r.returncode == 1 and b"aborted" in r.stderr, "a poisoned read is reported")
r = host(ep, "write", hex(ep.ram), "/bin/true")
check(r.returncode == 0 and sha256(ep.memory(), 0, os.path.getsize("/bin/true")) == sha256("/bin/true"),
      "a doorbell that is lost is rung again")
ep.stop()

ep = Endpoint(FORELAND, "rk3588", "--fault", "no-ready")
r = host(ep, "ls")
check(r.returncode == 1 and b"did not set READY within 2000 ms [ETIMEDOUT]" in r.stderr, "READY that does not come")
r = host(ep, "ls")
check(r.returncode == 0, "and that comes when asked again")
ep.stop()

ep = Endpoint(FORELAND, "generic", "--msi", "0", "--msix", "5")
r = host(ep, "verify", hex(ep.ram))
l = host(ep, "ls")
check(r.returncode == 0 and b", 5 vectors" in l.stdout and ep.stop()[0][-1]["interrupts"] >= 192,
      "an endpoint that has MSI-X alone")

ep = Endpoint(FORELAND, "rk3588", "--metadata-layout", "B")
r = host(ep, "ls", "--seed-compat")
check(r.returncode == 1 and b"ETIMEDOUT" in r.stderr, "a host that knows layout A alone is not heard in B")
r = host(ep, "verify", hex(ep.ram))
check(r.returncode == 0, "and what it wrote there keeps nobody else out")
ep.stop()

ep = Endpoint(FORELAND, "rk3588", "--fault", "link-loss:2000")
r = host(ep, "bench", hex(ep.ram))
check(r.returncode == 1 and b"DIRECTION" in r.stdout and b"transfer: " in r.stderr,
      "a measurement that ends early shows what it has")
ep.stop()

ep = Endpoint(FORELAND, "rk3588", "--fault", "link-loss:1")
r = host(ep, "read", hex(ep.ram), "64")
check(r.returncode == 1, "a link that is lost is reported")
time.sleep(0.4)
r = host(ep, "verify", hex(ep.ram))
check(r.returncode == 0, "and the next host finds it up again")
ep.stop()

# what was recorded can be run again, and a recording that was bent is noticed
for board in BOARDS:
    trace = f"/tmp/foreland-trace.{os.getpid()}"
    ep = Endpoint(FORELAND, board, "--trace", trace, "--fault", "poisoned-read:20,lost-doorbell:9,link-loss:40")
    for _ in range(3):
        host(ep, "verify", hex(ep.ram))
        host(ep, "read", "0x10", "64")
        time.sleep(0.25)
    ep.stop()
    lines = open(trace).read().splitlines()
    kinds = {l.split()[1] for l in lines[1:]}
    r = subprocess.run([FORELAND, "epdma", "inspect", "--json", trace], capture_output=True, text=True)
    check(r.returncode == 0 and json.loads(r.stdout.splitlines()[-1]) == {"type": "summary", "events": len(lines) - 1, "same": True}
          and kinds >= set("RWEIAXO"), f"{board}: {len(lines) - 1} recorded events again, {''.join(sorted(kinds))}")
    for kind, old, new in (("E", "size=0x", "size=0x1"), ("I", " 0x", " 0x1"), ("R", "LLP_LO", "LLP_HI")):
        at = next(i for i, l in enumerate(lines) if l.split()[1] == kind and old in l and i > 60)
        words = lines[at].split()
        if kind == "R":
            words[3] = f"0x{int(words[3], 16) ^ 0x18:08x}"
        elif kind == "I":
            words[3] = f"0x{int(words[3], 16) ^ 1:08x}"
        else:
            words[3] = f"0x{int(words[3], 16) + 24:x}"
        bent = lines[:at] + [" ".join(words)] + lines[at + 1:]
        with open(trace, "w") as f:
            f.write("\n".join(bent) + "\n")
        r = subprocess.run([FORELAND, "epdma", "inspect", "--json", trace], capture_output=True, text=True)
        res = json.loads(r.stdout.splitlines()[-1])
        check(r.returncode == 1 and res["line"] == at + 1, f"{board}: a bent {kind} line is noticed where it stands")
    with open(trace, "w") as f:
        f.write(lines[0] + "\n0.1 Q what\n")
    r = subprocess.run([FORELAND, "epdma", "inspect", trace], capture_output=True, text=True)
    check(r.returncode == 1 and ":2:" in r.stderr and "TRACE_LINE" in r.stderr, f"{board}: a line that is none is pointed at")
    os.unlink(trace)

r = subprocess.run([FORELAND, "epdma", "endpoint", "--board", "rk3588", "--wr-chans", "1", "--socket", "/nowhere/x"],
                   capture_output=True, text=True)
check(r.returncode == 1 and "EOPNOTSUPP" in r.stderr, "a configuration that cannot be bound says why")
r = subprocess.run([FORELAND, "epdma", "endpoint", "--board", "rk3588"], capture_output=True, text=True)
check(r.returncode == 2, "--socket is required")
r = subprocess.run([FORELAND, "epdma", "host", "ls", "--socket", "/nowhere/x"], capture_output=True, text=True)
check(r.returncode == 1 and "No such file" in r.stderr and "help: 'foreland epdma endpoint" in r.stderr, "no server there")
r = subprocess.run([FORELAND, "epdma", "host", "ls", "99:99.9"], capture_output=True, text=True)
check(r.returncode == 1 and "No such file" in r.stderr and "help: a device's address" in r.stderr, "no device there")

# verify and bench, where the endpoint tells where its memory is, and where nobody does
ep = Endpoint(FORELAND, "rk3588")
with open(ep.memory(), "r+b") as f:
    f.write(bytes(4096))
r = host(ep, "verify", text=True)
with open(ep.memory(), "rb") as f:
    check(r.returncode == 0 and "0 different" in r.stdout and f.read(64) != bytes(64), "verify: the endpoint's own word for where its memory begins")
r = host(ep, "bench", "--json", text=True)
check(r.returncode == 0 and json.loads(r.stdout.splitlines()[-1])["address"] == ep.ram, "bench: the same")
r = host(ep, "verify", "what", text=True)
check(r.returncode == 2 and "'what' is no number" in r.stderr, "verify: what is no address")
ep.stop()
for args, says in ((("verify", "0000:01:00.0"), "an ADDRESS of endpoint memory is expected behind '0000:01:00.0'"),
                   (("bench", "01:00.0"), "an ADDRESS of endpoint memory is expected behind '01:00.0'"),
                   (("read", "0000:01:00.0", "0x1000"), "an ADDRESS of endpoint memory and a LENGTH are expected"),
                   (("write", "0000:01:00.0", "given"), "an ADDRESS of endpoint memory and a FILE are expected"),
                   (("verify", "--socket", "x", "0000:01:00.0"), "either --socket or the address of a device"),
                   (("read", "0x1000", "64"), "either --socket or"), (("verify", "0x1000"), "either --socket or"),
                   (("verify",), "either --socket or")):
    r = subprocess.run([FORELAND, "epdma", "host", *args], capture_output=True, text=True)
    check(r.returncode == 2 and says in r.stderr, f"{' '.join(args)}: what to type: {r.stderr.splitlines()[:1]}")

# --json of read: rows that hold the bytes which lie in the endpoint's file
ep = Endpoint(FORELAND, "rk3588")
given = os.path.join(ep.dir, "given")
with open(given, "wb") as f:
    f.write(os.urandom(1000))
r = host(ep, "write", "--json", hex(ep.ram + 3), given, text=True)
rows = [json.loads(l) for l in r.stdout.splitlines()]
check(rows == [{"type": "schema", "command": "epdma host write", "version": 1},
               {"type": "summary", "address": ep.ram + 3, "bytes": 1000}], "write --json: what was written where")
r = host(ep, "read", "--json", hex(ep.ram), "1003", text=True)
rows = [json.loads(l) for l in r.stdout.splitlines()]
with open(ep.memory(), "rb") as f:
    want = f.read(1003)
check(r.returncode == 0 and b"".join(bytes.fromhex(x["bytes"]) for x in rows[1:-1]) == want and
      all(x["length"] == len(x["bytes"]) / 2 for x in rows[1:-1]) and
      [x["address"] for x in rows[1:-1]] == list(range(ep.ram, ep.ram + 1003, 64)) and
      rows[0]["command"] == "epdma host read" and rows[-1] == {"type": "summary", "address": ep.ram, "bytes": 1003},
      "read --json: rows of bytes, their addresses, and how many they are")

# an address that is refused is told of once a client, and counted
for _ in range(2):
    host(ep, "read", "0x10", "64")
    for _ in range(100):
        if ep.lines and '"detached"' in ep.lines[-1]:
            break
        time.sleep(0.02)
lines, _ = ep.stop()
told = [l for l in lines if l["type"] == "refused"]
check([(l["direction"], l["what"], l["address"], l["size"]) for l in told] == [("write", "endpoint address", 0x10, 64)] * 2
      and told[0]["client"] < told[1]["client"] and lines[-1]["refused_addresses"] == 2, f"refused addresses: {told}")
sock = os.path.join("/tmp", f"foreland-refused.{os.getpid()}")
p = subprocess.Popen([FORELAND, "epdma", "endpoint", "--board", "rk3588", "--socket", sock], stderr=subprocess.PIPE, text=True)
said = [p.stderr.readline()]
c = subprocess.run([FORELAND, "epdma", "host", "verify", "--socket", sock, "0x1000"], capture_output=True)
p.terminate()
said += p.stderr.read().splitlines()
p.wait()
said = [l for l in said if "refused;" in l]
check(len(said) == 1 and "client 1: read channel 0: endpoint address 0x1000, 1 bytes: refused; more" in said[0], f"in words: {said}")
sys.exit(done())
