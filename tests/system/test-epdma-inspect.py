#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""foreland epdma inspect, on dumps and on device directories that are made here byte by byte.

The metadata's bit positions are written out from the format's description; lspci judges the
configuration space. TAP output.
"""
import json, os, shutil, struct, subprocess, sys

from tap import check, done, folder, skip

FORELAND = sys.argv[1]


def run(*args, stdin=None):
    p = subprocess.run([FORELAND, "epdma", "inspect", *args], input=stdin, capture_output=True)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def rows(*args, stdin=None):
    code, out, _ = run(*args, "--json", stdin=stdin)
    return code, [json.loads(l) for l in out.splitlines()]


def block(**over):
    """One write channel; registers in BAR 2 at 0x4000, descriptors in BAR 2 at 0."""
    w = {0x00: 0x4D444550, 0x04: 1 | 0x48 << 16, 0x08: 2 | 1 << 3 | 0x2C << 19, 0x0C: 0x4000,
         0x14: 1 | 1 << 8, 0x18: 0x1000, 0x1C: 2 << 8, 0x20: 0, 0x28: 0x1000, 0x2C: 0x80000000}
    w.update({int(k[1:], 16): v for k, v in over.items()})
    b = bytearray(0x48)
    for off, v in w.items():
        struct.pack_into("<I", b, off, v)
    return bytes(b)


def device(root, bars, config=None, resource=None):
    """bars: number -> (size, content). A line of "resource" each, as the kernel writes them."""
    d = os.path.join(root, "0000:01:00.0")
    shutil.rmtree(d, ignore_errors=True)
    os.makedirs(d)
    lines = []
    for i in range(13):
        size, content = bars.get(i, (0, b""))
        start = 0xE0000000 + i * 0x100000
        lines.append(f"0x{start:016x} 0x{start + size - 1:016x} 0x{0x40200:016x}" if size
                     else f"0x{0:016x} 0x{0:016x} 0x{0:016x}")
        if size:
            with open(f"{d}/resource{i}", "wb") as f:
                f.write(content[:size])
                f.truncate(size)
    with open(f"{d}/resource", "w") as f:
        f.write(resource or "\n".join(lines) + "\n")
    if config is None:
        config = bytearray(256)
        struct.pack_into("<HHHH", config, 0, 0x1912, 0x31, 6, 0)
        config[9:12] = bytes([0, 1, 8])
    with open(f"{d}/config", "wb") as f:
        f.write(config)
    return d


tmp = folder()
# --- dumps
code, out, _ = run("-", stdin=block())
check(code == 0 and "layout A, valid, not ready" in out, "a good dump on standard input")
path = tmp + "/dump"
open(path, "wb").write(block() + b"\xff\xff\xff")
code, r = rows(path)
check(code == 0 and r[-1]["ok"] and r[-1]["layout"] == "A", "a dump of odd length (row 59)")
check(rows(path, "--seed-compat")[0] == 0, "a dump of odd length (row 59), as posted")
check(r[0]["type"] == "schema" and r[-1]["type"] == "summary", "JSON begins and ends as documented")
fields = {(x["channel"], x["field"]): x for x in r if "type" not in x}
check(fields[None, "REG_OFF"]["value"] == 0x4000 and fields[0, "DESC_ADDR"]["value"] == 0x80000000 and
      fields[0, "DESC_ADDR"]["direction"] == "write", "JSON fields carry the values")
code, r = rows("-", stdin=block()[:0x47])
check(code == 1 and r[-1]["reason"] == "MD_LEN_BAR" and r[-1]["errno"] == "EINVAL",
      "a dump that ends too early (row 59)")
code, r = rows("--seed-compat", "-", stdin=block()[:0x47])
check(code == 1 and r[-1]["errno"] == "EINVAL", "a dump that ends too early (row 59), as posted")
code, r = rows("-", stdin=b"")
check(code == 1 and r[-1]["reason"] == "MD_SHORT" and r[-1]["errno"] == "ENODEV", "an empty dump")
code, r = rows("-", stdin=b"\xff" * 4096)
check(code == 1 and r[-1]["errno"] == "ENODEV", "all ones")
bad = block(o04=1 | 1 << 8 | 0x48 << 16, o18=0x10)
code, r = rows("-", stdin=bad)
why = [x["reason"] for x in r if x.get("type") == "finding"]
check(code == 1 and why == ["MD_RESERVED", "MD_REG_SMALL"], "every finding is listed")
verdicts = {x["field"]: x["reason"] for x in r if "type" not in x}
check(verdicts["REG_SIZE"] == "MD_REG_SMALL" and verdicts["RESERVED"] == "MD_RESERVED" and
      verdicts["MAGIC"] is None, "and stands beside its field")
code, r = rows("--seed-compat", "-", stdin=bad)
check(code == 0 and r[-1]["ok"], "--seed-compat accepts what the posted driver does")
code, r = rows("-", stdin=b"\0" * 256)
check({x["field"]: x["ok"] for x in r if "type" not in x}["REG_BAR"] is None and r[-1]["reason"] == "MD_MAGIC",
      "fields of what is no metadata are not judged")
code, r = rows("-", stdin=block(o08=2 | 1 << 3 | 0x20 << 19, o18=0x400))
f = {x["field"]: x["ok"] for x in r if "type" not in x}
check(f["CH_ENTRY_SIZE"] is False and f["REG_BAR"] is True and "HW_CH" not in f, "nor entries that cannot be read")
code, r = rows("-", stdin=block(o08=2 | 9 << 3 | 0x2C << 19))
f = {x["field"]: x["ok"] for x in r if "type" not in x}
check(f["WR_CH_COUNT"] is False and f["HW_CH"] is None, "nor those of too many channels")
b_blob = bytearray(block(o04=1 | 0x4C << 16)[:0x1C] + b"\0\0\0\0" + block()[0x1C:])
code, r = rows("-", stdin=bytes(b_blob))
check(code == 0 and r[-1]["layout"] == "B", "layout B is recognised")
code, r = rows("--metadata-layout", "A", "-", stdin=bytes(b_blob))
check(code == 1, "and refused where A is named")

# --- devices
d = device(tmp, {0: (0x1000, block()), 2: (0x10000, b"")})
before = {f: open(f"{d}/{f}", "rb").read() for f in os.listdir(d)}
code, out, err = run(d)
check(code == 0 and "1912:0031, class 0x080100: metadata in BAR 0" in out, "a device directory")
check("write channel 0, descriptors" in out and "DMA registers" in out, "with pictures of its BARs")
check(before == {f: open(f"{d}/{f}", "rb").read() for f in os.listdir(d)}, "nothing was written")
if shutil.which("strace"):
    p = subprocess.run(["strace", "-f", "-e", "trace=open,openat,write,pwrite64,mmap", FORELAND,
                        "epdma", "inspect", d], capture_output=True)
    calls = [l for l in p.stderr.decode().splitlines() if d in l or "resource" in l]
    check(calls and all("O_RDONLY" in l for l in calls), "every file is opened for reading only")
else:
    skip("every file is opened for reading only", "strace is missing")
d = device(tmp, {0: (0x1000, block()), 2: (0x10000, b"")})
os.truncate(d + "/resource0", 0x800)
code, out, _ = run(d)
check(code == 1 and "cannot be read" in out, "a resource file shorter than its BAR (row 59)")
check(run(d, "--seed-compat")[:2] == (code, out), "a resource file shorter than its BAR (row 59), as posted")
d = device(tmp, {0: (0x1000, block()), 2: (0x4FFF + 1, b"")})
check(rows(d)[0] == 0, "registers that end with their BAR")
d = device(tmp, {0: (0x1000, block()), 2: (0x4800, b"")})
code, r = rows(d)
check(code == 1 and r[-1]["reason"] == "MD_REG_RANGE", "registers that leave their BAR (row 16)")
d = device(tmp, {1: (0x1000, block(o04=2 | 0x48 << 16)), 0: (0x1000, b""), 2: (0x10000, b""),
                 3: (0x1000, block())})
code, r = rows(d)
check(code == 0 and r[-1]["bar"] == 3, "a bad block, then a good one (row 28)")
code, r = rows(d, "--seed-compat")
check(code == 1 and r[-1]["bar"] == 1 and r[-1]["reason"] == "MD_REVISION",
      "--seed-compat stops at the first (row 28)")
off = bytearray(256)
struct.pack_into("<HHH", off, 0, 0x1912, 0x31, 0)
d = device(tmp, {0: (0x1000, block()), 2: (0x10000, b"")}, config=off)
code, out, _ = run(d)
check(code == 1 and "memory decoding is off" in out, "a device that does not decode memory")
d = device(tmp, {0: (0x1000, b"\xff" * 4096), 2: (0x10000, b"\xff" * 65536)})
code, r = rows(d)
check(code == 1 and r[-1]["errno"] == "ENODEV", "a device of all ones (row 24)")
msix = bytearray(256)
struct.pack_into("<HHHH", msix, 0, 0x1912, 0x31, 6, 0x10)
msix[0x34] = 0xB0
struct.pack_into("<BBHII", msix, 0xB0, 0x11, 0, 7, 0x40, 0xC0)
d = device(tmp, {0: (0x1000, block()), 2: (0x10000, b"")}, config=msix)
code, r = rows(d)
check(code == 1 and r[-1]["reason"] == "MD_OVERLAP", "an MSI-X table over the metadata (row 31)")
struct.pack_into("<II", msix, 0xB4, 0x80, 0x100)
d = device(tmp, {0: (0x1000, block()), 2: (0x10000, b"")}, config=msix)
code, out, _ = run(d)
check(code == 0 and "MSI-X table, 8 vectors" in out and "pending bits" in out, "and one behind it")
loop = bytearray(msix)
loop[0xB0:0xB2] = bytes([5, 0xB0])
d = device(tmp, {0: (0x1000, block()), 2: (0x10000, b"")}, config=loop)
check(run(d)[0] == 0, "a capability chain that is a loop (row 58)")
check(run(d, "--seed-compat")[0] == 0, "a capability chain that is a loop (row 58), as posted")
check(run(device(tmp, {0: (0x1000, block())}, resource="0x1 0x\n"))[0] == 1, "a broken resource file")

# --- a modelled endpoint
for board in ["generic", "r-car-s4", "rk3588", "spacemit-k3"]:
    code, r = rows("--board", board)
    check(code == 0 and r[-1]["ready"], f"--board {board} comes up valid and ready")
code, r = rows("--board", "rk3588", "--metadata-layout", "B")
check(code == 0 and r[-1]["layout"] == "B", "in layout B too")
code, out, err = run("--board", "rk3588", "--wr-chans", "1")
check(code == 1 and "[EPF_WHOLE] -EOPNOTSUPP" in err and not out, "a refused binding names its errno")
# A legacy engine cannot be handed over; the board whose capability tells of it is bound all the same.
source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "boards")
for board, says in (("synopsys-edda", "REG_LAYOUT_DATA (0x0) at 0x0014: the legacy register map cannot be handed over"),
                    ("generic", "[EPF_LEGACY] -EOPNOTSUPP")):
    with open(f"{source}/{board}.board") as f, open(tmp + "/legacy", "w") as g:
        g.write("\n".join("map legacy" if l.startswith("map ") else l for l in f.read().splitlines()) + "\n")
    code, out, err = run("--board", tmp + "/legacy")
    check(code == 1 and says in out + err, f"a legacy engine on {board}: {says}")
check(run("--board", "nonesuch")[0] == 2 and run("-", "--board", "generic")[0] == 2 and run()[0] == 2,
      "boards and usage")
if shutil.which("lspci"):
    code, out, _ = run("--board", "generic", "--msi", "5", "--msix", "9", "--vendor", "0x1912", "--config")
    open(tmp + "/lspci", "w").write(out)
    p = subprocess.run(["lspci", "-n", "-vvv", "-F", tmp + "/lspci"], capture_output=True)
    text = p.stdout.decode()
    check("01:00.0 0801: 1912:ed0a" in text, "lspci reads the ids and the class")
    check("MSI: Enable- Count=1/8 Maskable- 64bit+" in text, "lspci reads MSI")
    check("MSI-X: Enable- Count=9 Masked-" in text and "Vector table: BAR=0 offset=000002e0" in text and
          "PBA: BAR=0 offset=00000370" in text, "lspci reads MSI-X")
    check("Express (v2) Endpoint" in text and "LnkSta:\tSpeed 16GT/s" in text, "lspci reads PCI Express")
    d = device(tmp, {0: (0x1000, block())}, config=msix)
    code, out, _ = run(d, "--config")
    open(tmp + "/lspci", "w").write(out)
    p = subprocess.run(["lspci", "-n", "-F", tmp + "/lspci"], capture_output=True)
    check(b"01:00.0" in p.stdout and b"1912:0031" in p.stdout, "lspci reads a device's too")
else:
    skip("lspci reads the configuration space", "lspci is missing")
code, out, err = run("-", "--config", stdin=block()[:32])
check(code == 1 and "no configuration space" in err, "--config without a configuration space")
sys.exit(done())
