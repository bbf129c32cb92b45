#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The bring-up report against a driver of this file's own, on each register map: as it should be, where the
report is empty, and in eight copies with one sin each, where it holds exactly that finding. What each sin
is called is said here, from the manual. Usage: ... FORELAND. TAP output."""
import os, re, struct, sys, time, xml.etree.ElementTree as xml
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND = sys.argv[1]
HOST = 0x100000000
SINS = ["bar-before-enable", "doorbell-without-master", "doorbell-while-disabled", "no-such-register", "reserved-bits",
        "stuck-poll", "cycle-never-turns", "interrupt-not-acknowledged"]


def drive(ep, board, sin):
    """One transfer of 64 bytes over write channel 0, and what goes with it."""
    c = Client(ep.socket)
    c.version()
    fd = os.memfd_create("client")
    os.ftruncate(fd, 1 << 16)
    c.map(HOST, 1 << 16, fd)
    if sin == "bar-before-enable":
        c.read(0, 0, 4)
    for bar in range(6):
        c.write(7, 0x10 + 4 * bar, struct.pack("<I", 0x80000000 + bar * 0x1000000))
    c.write(7, 4, struct.pack("<H", 2 if sin == "doorbell-without-master" else 6))
    for bar in range(6):
        if c.read(bar, 0, 4) == b"PEDM":
            break
    c.write(bar, 8, struct.pack("<I", struct.unpack("<I", c.read(bar, 8, 4))[0] | 1 << 30))
    while not struct.unpack("<I", c.read(bar, 8, 4))[0] >> 31:
        time.sleep(0.01)
    blob = c.read(bar, 0, 0x48)
    regbar, regs = struct.unpack_from("<I", blob, 8)[0] & 7, struct.unpack_from("<Q", blob, 0xC)[0]
    ctl, off, _, desc = struct.unpack_from("<IQIQ", blob, 0x1C)
    put = lambda o, v: c.write(regbar, regs + o, struct.pack("<I", v))
    get = lambda o: struct.unpack("<I", c.read(regbar, regs + o, 4))[0]
    native = board == "spacemit-k3"
    en, bell, clear, block = (0, 4, 0x8C, 0) if native else (0x128 if board == "generic" else 0xC, 0x10, 0x58, 0x200)
    if sin == "no-such-register":
        put(0x1F0 if not native else 0x1F8, 1)
    if sin != "doorbell-while-disabled":
        put(en, 1)
    if native:
        put(0x90, 0xFEE00000), put(0x88, 0x7D), put(0x34, 1)
    else:
        put(0x60, 0xFEE00000), put(0x90, 1), put(0x200, 0x300)
    if sin == "reserved-bits":
        put(0x30 if native else 0x54, 0xFFFFFFFE if native else 0xFFFF0000)
    cb = 0 if sin == "cycle-never-turns" else 1
    c.write(ctl >> 8 & 7, off, struct.pack("<IIQQIIQQ", 24 | cb, 64, ep.ram, HOST, 6, 0, desc, 0))
    put(block + (0x10 if native else 0x1C), desc & 0xFFFFFFFF), put(block + (0x14 if native else 0x20), desc >> 32)
    if native:
        put(0x18, 3)
    put(bell, 1 if native else 0)
    status = (lambda: get(0x84) & 7) if native else (lambda: get(0x4C))
    for _ in range(20):
        if status():
            break
        time.sleep(0.01)
    if sin == "stuck-poll":
        for _ in range(1500):
            get(0x38 if native else 0x18)
        put(0x38 if native else 0x18, 0)
    if sin != "interrupt-not-acknowledged":
        put(clear, 7 if native else 0x10001)
    c.close()
    os.close(fd)


for board in ("rk3588", "generic", "spacemit-k3"):
    for sin in [None, *SINS]:
        path = os.path.join(folder("report"), "report")
        ep = Endpoint(FORELAND, board, "--report", path)
        drive(ep, board, sin)
        _, code = ep.stop()
        lines = open(path).read().splitlines()
        names = [l.split(":")[0] for l in lines]
        check(names == ([sin] if sin else []) and code == bool(sin), f"{board}, {sin or 'without sin'}: {lines}")

# each finding tells register, field, value, time and count
path = os.path.join(folder("report"), "report.xml")
ep = Endpoint(FORELAND, "rk3588", "--report", path)
drive(ep, "rk3588", "reserved-bits")
ep.stop()
suite = xml.parse(path).getroot()
failures = suite.findall("testcase/failure")
check([c.get("name") for c in suite.findall("testcase")] == SINS and suite.get("tests") == "8" and suite.get("failures") == "1",
      "JUnit: a test for each kind")
check(len(failures) == 1 and re.search(r"WR_INT_MASK at 0x54, field bits 0xff000000, value 0xffff0000, first at \d+\.\d{6} s, 1 times",
                                       failures[0].text), f"JUnit: {failures[0].text if failures else None}")
sys.exit(done())
