#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The endpoint under Linux's own host driver, in a guest of QEMU 11. Usage: ... FORELAND [long]

Nothing on the host's side is ours but the client of the DMAengine interface (tests/vm/edma): QEMU's
vfio-user-pci is the client of the protocol, and dw-edma-pcie of Linux 7.3, as shipped and with the patch that
was posted for metadata, programs the engine. Bytes are compared in the guest by memcmp(), and what the
endpoint recorded of the run replays "all as recorded". With "long": not these boots but the others. TAP output."""
import os, re, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from qemu_lib import *

FORELAND, LONG = sys.argv[1], "long" in sys.argv[2:]
RAM = {"synopsys-edda": 0x4000000000, "amd-mdb": 0x4000000000, **BOARDS}
TRIALS = """
	client dev=$1 ep=$2 size=4096 rounds=3
	client dev=$1 ep=$2 size=1 rounds=2
	client dev=$1 ep=$2 size=65536 pieces=400 channel=1
	client dev=$1 ep=$2 size=4096 count=64
	client dev=$1 ep=$2 mode=interleaved
	client dev=$1 ep=$2 mode=cyclic
	client dev=$1 ep=$2 mode=terminate size=65536 count=16 rounds=10
	client dev=$1 ep=$2 mode=bad
"""
MORE = """
	client dev=$1 ep=$2 size=4194304 rounds=2
	client dev=$1 ep=$2 size=1000 pieces=1000
	client dev=$1 ep=$2 size=64 count=1024
	LINES=2 client dev=$1 ep=$2 mode=speed size=1048576 rounds=8
"""


# What the report says of Linux's own driver, and why it is no fault of either.
LISTED = {
    "no-such-register: (WR|RD)_ENGINE_EN at": "HDMA's compatible mode has no ENGINE_EN, and dw-edma-v0-core.c writes it in "
                                              "every mode: dw_edma_v0_core_ch_enable() and dw_edma_v0_core_off()",
}


def board(name, base, *changes):
    """A preset with lines replaced, or left out (None), as a file of its own."""
    text = open(os.path.join(TOP, "boards", base + ".board")).read().splitlines()
    for key, line in changes:
        text = [l if not l.startswith(key) else line for l in text]
    path = os.path.join(folder("board"), name)
    with open(path, "w") as f:
        f.write("\n".join(l for l in text if l is not None) + "\n")
    return path


def boot(what, boards, driver, args="", kind="plain", trials=TRIALS, append="", qemu=(), machine=""):
    names = [os.path.basename(b[0]) for b in boards]
    keep = folder("trace")
    kept = [os.path.join(keep, str(i)) for i in range(len(boards))]
    eps = [Endpoint(FORELAND, b[0], "--trace", kept[i], "--report", kept[i] + ".report", *b[1:])
           for i, b in enumerate(boards)]
    script = f"insmod ./dw-edma.ko; insmod ./dw-edma-pcie.ko\ntry() {{{trials}}}\n"
    for i, ep in enumerate(eps):
        bdf = f"0000:00:{i + 1:02x}.0"
        script += f"echo '=== device {i}'\n"
        if driver:
            script += (f"echo dw-edma-pcie >/sys/bus/pci/devices/{bdf}/driver_override\n"
                       f"echo {bdf} >/sys/bus/pci/drivers/dw-edma-pcie/bind\n")
        script += f"try {bdf} {hex(ep.ram)}\n"
        script += (f"echo {bdf} >/sys/bus/pci/drivers/dw-edma-pcie/unbind\n"
                   f"echo {bdf} >/sys/bus/pci/drivers/dw-edma-pcie/bind\n"
                   f"client dev={bdf} ep={hex(ep.ram)} size=4096\n")
    script += "echo '=== interrupts'; grep -i edma /proc/interrupts; dmesg | grep -i -e dmar -e iommu | tail -n 5\n"
    out = Guest(eps, kernel, script, kind=kind, append=append, args=qemu, machine=machine).wait(280)
    if "=== end" not in out:
        print("# " + out[-3000:].replace("\n", "\n# "))
    trials_seen = out.split("=== ")
    for i, (ep, name) in enumerate(zip(eps, names)):
        part = next((t for t in trials_seen if t.startswith(f"device {i}")), "")
        lines = part.splitlines()[1:]
        bad = [l for l in lines if not l.startswith("speed: ") and ": ok" not in l]
        want = trials.count("client") + trials.count("LINES=2") + 1
        check(len(lines) == want and not bad, f"{what}, {name}: {len(lines)} of {want} trials {bad or ''}")
        for l in lines:
            if l.startswith("speed: "):
                print("#", name, l)
        stats = ep.stop()[0][-1]
        r = subprocess.run([FORELAND, "epdma", "inspect", kept[i]], capture_output=True, text=True)
        check(r.returncode == 0 and "all as recorded" in r.stdout and stats["aborts"] >= 1,
              f"{what}, {name}: {r.stdout.strip() or r.stderr.strip()[:300]}; {stats['bytes']} bytes")
        findings = open(kept[i] + ".report").read().splitlines()
        extra = [f for f in findings if not any(re.match(k, f) for k in LISTED)]
        check(not extra, f"{what}, {name}: the report holds what is listed, {len(findings)} findings {extra or ''}")
    return out


kernel = ready()
compat = board("compat", "synopsys-edda", ("map", "map compat"))
native = board("native", "synopsys-edda", ("map", "map native"))
legacy = board("legacy", "synopsys-edda", ("map", "map legacy"))
no_list = board("no-list", "amd-mdb", ("vsec device-memory", None))
presets = [("generic",), ("r-car-s4",), ("rk3588",), ("spacemit-k3",)]
if not LONG:
    out = boot("as shipped", [("synopsys-edda",), (compat,), ("amd-mdb",)], False)
    check(out.count("PCI-MSI-") == 3, "three drivers with an interrupt each")
    boot("as posted", presets, True, kind="posted", trials=TRIALS.replace(" channel=1", ""))
else:
    boot("as shipped, more", [("synopsys-edda",), (native,), (legacy,), ("amd-mdb",)], False, trials=TRIALS + MORE)
    # without lists the driver takes one descriptor of one piece at a time, and has neither cyclic nor interleaved
    boot("without lists", [(no_list,)], False, trials="\tclient dev=$1 ep=$2 size=4096 rounds=3\n\tclient dev=$1 ep=$2 mode=bad\n")
    out = boot("MSI-X", [("synopsys-edda", "--msi", "0", "--msix", "4"), ("amd-mdb", "--msi", "0", "--msix", "16")], False)
    check(out.count("PCI-MSIX-") == 2, "MSI-X it is")
    out = boot("behind an IOMMU", [("synopsys-edda",), ("amd-mdb",)], False, append="intel_iommu=on iommu.strict=1",
               qemu=["-device", "intel-iommu,intremap=off,caching-mode=on"], machine=",kernel-irqchip=split")
    check("DMAR" in out, "which translates")
sys.exit(done())
