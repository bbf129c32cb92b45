#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The endpoint as a PCI device of QEMU 11 (Debian sid's, vfio-user-pci): what the guest's kernel enumerates
is what 'inspect --config' says; resets, removal and rescan, hot unplug and plug, reboot, guests in turn,
and either side killed. Usage: ... FORELAND [short]: the first boot alone. TAP output."""
import json, re, socket, struct, sys, os, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from qemu_lib import *

FORELAND = sys.argv[1]
kernel = ready()


class Config:
    def __init__(self, raw):
        self.raw = raw

    def word(self, off, fmt="<H"):
        return struct.unpack_from(fmt, self.raw, off)[0]

    def caps(self):
        at, out = self.raw[0x34], {}
        while at and at not in out:
            out[at] = self.raw[at]
            at = self.raw[at + 1]
        return {i: o for o, i in out.items()}

    def what(self):
        """Ids, class, and what the capabilities offer; not what a host writes."""
        c = self.caps()
        return {"ids": self.raw[0:4].hex(), "class": self.raw[8:12].hex(), "subsystem": self.raw[0x2C:0x30].hex(),
                "capabilities": sorted(c), "msi": self.word(c[5] + 2) >> 1 & 7 if 5 in c else None,
                "msix": self.word(c[17] + 2) & 0x7FF if 17 in c else None,
                "flr": self.word(c[16] + 4, "<I") >> 28 & 1}


def parse(dump):
    """hexdump's lines of 16 bytes, or inspect's."""
    return bytes(int(b, 16) for l in dump.splitlines() for b in re.sub(r"^[0-9a-f]+: ", "", l).split()
                 if re.fullmatch("[0-9a-f]{2}", b))


# ---- four boards, enumerated; reset, removed, found again ----

BOARDS4 = ["generic", "r-car-s4", "rk3588", "spacemit-k3"]
MSIX = {"r-car-s4": []}
eps = [Endpoint(FORELAND, b, *MSIX.get(b, ["--msi", "4", "--msix", "4"])) for b in BOARDS4]
script = """
show() { echo "=== $1"; hexdump -v -n 256 -e '16/1 "%02x " "\\n"' /sys/bus/pci/devices/$2/config; echo "== bars"; head -6 /sys/bus/pci/devices/$2/resource; }
for n in 1 2 3 4; do
	bdf=0000:00:0$n.0
	show first$n $bdf
	echo "== methods $(cat /sys/bus/pci/devices/$bdf/reset_method)"
	echo 1 >/sys/bus/pci/devices/$bdf/reset && show reset$n $bdf
	echo 1 >/sys/bus/pci/devices/$bdf/remove
done
ls /sys/bus/pci/devices | grep -c 0000:00:0[1234] | sed 's/^/=== left /'
echo 1 >/sys/bus/pci/rescan
for n in 1 2 3 4; do show again$n 0000:00:0$n.0; done
"""

# ---- and driven from user space in the same boot: by vfio-pci's interrupts, and polled without it ----

static = subprocess.run([os.path.join(TOP, "scripts", "static")], stdout=subprocess.PIPE, text=True).stdout.strip()
files, order = modules("vfio-iommu-type1", "vfio-pci")
files.append((static, "bin/foreland"))
script += "cd modules; for m in " + " ".join(order) + "; do insmod ./$m allow_unsafe_interrupts=1 2>/dev/null || insmod ./$m; done; cd ..\n"
USER = """
drive() {
	bdf=0000:00:0$1.0
	echo "=== user$1"
	foreland epdma host ls $bdf; echo "unbound $?"
	echo vfio-pci >/sys/bus/pci/devices/$bdf/driver_override
	echo $bdf >/sys/bus/pci/drivers/vfio-pci/bind
	foreland epdma host ls $bdf; echo "ls $?"
	head -c 300001 /dev/urandom >given
	foreland epdma host write $bdf $2 given; echo "write $?"
	grep -i vfio /proc/interrupts | sed 's/^/during: /'
	foreland epdma host read $bdf $2 300001 >got; echo "read $?"
	cmp given got; echo "cmp $?"
	foreland epdma host verify $bdf $2; echo "verify $?"
	foreland epdma host read $bdf 0x10 64; echo "refused $?"
	sha256sum <given | sed 's/^/sum /'
}
"""
script += USER + "".join(f"drive {n} {hex(ep.ram)}\n" for n, ep in enumerate(eps, 1))
out = Guest(eps, kernel, script, files=files, append="intel_iommu=on", machine=",kernel-irqchip=split",
            args=["-device", "intel-iommu,intremap=off,caching-mode=on"]).wait(280)
if "=== end" not in out:
    print("# " + out[-3000:].replace("\n", "\n# "))
parts = dict(p.split("\n", 1) for p in out.split("=== ")[1:] if "\n" in p)
for n, b in enumerate(BOARDS4, 1):
    raw = subprocess.run([FORELAND, "epdma", "inspect", "--board", b, *MSIX.get(b, ["--msi", "4", "--msix", "4"]), "--config"],
                         capture_output=True, text=True).stdout
    want = Config(parse(raw))
    got = [Config(parse(parts.get(f"{k}{n}", "").split("== bars")[0])) for k in ("first", "reset", "again")]
    same = [len(g.raw) == 256 and g.what() == want.what() for g in got]
    bars = [re.findall(r"0x(\w+) 0x(\w+)", parts.get(f"{k}{n}", "").split("== bars")[1])[:6] if same[i] else []
            for i, k in enumerate(("first", "reset", "again"))]
    sizes = [[int(e, 16) - int(s, 16) + 1 if int(e, 16) else 0 for s, e in x] for x in bars]
    plan = subprocess.run([FORELAND, "epdma", "inspect", "--board", b, *MSIX.get(b, ["--msi", "4", "--msix", "4"])],
                          capture_output=True, text=True).stdout
    pictured = {int(k): v for k, v in re.findall(r"^BAR (\d), ([\d.]+[KMG]?)", plan, re.M)}
    check(all(same), f"{b}: enumerated as inspect --config says, after a reset and a rescan too {[g.what() for g in got if g.raw and g.what() != want.what()] or ''}")
    check(sizes[0] == sizes[1] == sizes[2] and {i for i, s in enumerate(sizes[0]) if s} == set(pictured), f"{b}: BARs {sizes[0]}")
    check("== methods flr" in parts.get(f"first{n}", ""), f"{b}: the kernel resets it by FLR")
check("left 0" in out, "removed they were gone")
for n, (b, ep) in enumerate(zip(BOARDS4, eps), 1):
    part = parts.get(f"user{n}", "")
    inside = sha256(ep.memory(), 0, 300001)
    lines, _ = ep.stop()
    good = all(f"{what} 0" in part for what in ("ls", "write", "read", "cmp", "verify")) and "refused 1" in part
    check(good and ", 0 different" in part and " 0 vectors" not in part, f"{b}: driven through vfio-pci, its metadata, bytes and refusals")
    check("the engine is polled" not in part.split("unbound")[1] and lines[-1]["interrupts"] >= 48,
          f"{b}: by interrupts, {lines[-1]['interrupts']} of the engine's")
    check("unbound 1" in part and "bind vfio-pci to it" in part.split("unbound")[0], f"{b}: without it, behind an IOMMU, it is said what to do")
    if not good:
        print("# " + part.replace("\n", "\n# "))


if "short" in sys.argv[2:]:
    sys.exit(done())

# ---- one endpoint: unplugged and plugged, rebooted, guests in turn, either side killed ----

def qmp(path, *commands):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    f = s.makefile("rw")
    f.readline()
    for c in ({"execute": "qmp_capabilities"}, *commands):
        f.write(json.dumps(c) + "\n")
        f.flush()
        while "event" in (r := json.loads(f.readline())):
            pass
    s.close()
    return r


def until(guest, text, seconds=90):
    for _ in range(seconds * 10):
        if text in guest.text() or guest.p.poll() is not None:
            break
        time.sleep(0.1)
    return text in guest.text()


PORT = ["-device", "pcie-root-port,id=rp0,chassis=1,addr=0x8", "-qmp", "unix:/w/qmp,server=on,wait=off"]
WATCH = """
dev=/sys/bus/pci/devices/0000:01:00.0
state() { [ -e $dev ] && echo "=== $1 $(cat $dev/vendor $dev/device | tr '\\n' ' ')" || echo "=== $1 gone"; }
state first
while [ -e $dev ]; do sleep 1; done
state unplugged
while [ ! -e $dev ]; do sleep 1; done
state plugged
insmod ./dw-edma.ko; insmod ./dw-edma-pcie.ko
client ep=0x4000000000 size=65536
read line </dev/ttyS0
reboot -f
"""
ep = Endpoint(FORELAND, "synopsys-edda")
before = ep.fds(), ep.maps()
g = Guest([ep], kernel, WATCH, args=PORT, bus="rp0")
good = until(g, "=== first 0x16c3 0xedda")
qmp(g.dir + "/qmp", {"execute": "device_del", "arguments": {"id": "ep0"}})
good &= until(g, "=== unplugged gone")
time.sleep(1)
qmp(g.dir + "/qmp", {"execute": "device_add", "arguments": {
    "driver": "vfio-user-pci", "id": "ep0", "bus": "rp0", "socket": {"path": "/ep0/ep.sock", "type": "unix"}}})
good &= until(g, "=== plugged 0x16c3 0xedda") and until(g, "verify size 65536")
check(good and "channel 0: ok" in g.text(), "unplugged, plugged, and its driver moves bytes")
qmp(g.dir + "/qmp", {"execute": "system_reset"})
time.sleep(1)
mark = len(g.text())
for _ in range(900):
    if "=== first 0x16c3 0xedda" in g.text()[mark:]:
        break
    time.sleep(0.1)
check("=== first 0x16c3 0xedda" in g.text()[mark:], "it is there after a reset of the machine")
g.kill()
for _ in range(100):
    if (ep.fds(), ep.maps()) == before:
        break
    time.sleep(0.1)
check((ep.fds(), ep.maps()) == before, f"QEMU killed: all is free again, {before} {(ep.fds(), ep.maps())}")

MOVE = """
insmod ./dw-edma.ko; insmod ./dw-edma-pcie.ko
client ep=0x4000000000 size=65536 rounds=2
"""
for turn in ("first", "second"):
    out = Guest([ep], kernel, MOVE).wait(120)
    check("channel 0: ok" in out, f"the {turn} of two guests in turn")

# killed in the middle of what it does
g = Guest([ep], kernel, MOVE.replace("rounds=2", "rounds=1000000"))
until(g, "reboot: never", 25)
g.kill()
out = Guest([ep], kernel, MOVE).wait(120)
check("channel 0: ok" in out, "QEMU killed while the engine moves: the next guest is served")

# the endpoint killed at rest: the guest goes on and reads all ones
g = Guest([ep], kernel, """
dev=/sys/bus/pci/devices/0000:00:01.0
echo 1 >$dev/enable
at=$(head -1 $dev/resource | cut -d' ' -f1)
echo "=== alive $(devmem $((at + 8)) 32)"
sleep 8
echo "=== dead $(devmem $((at + 8)) 32)"
""")
good = until(g, "=== alive 0x00020002")
ep.p.kill()
check(good and "=== dead 0xFFFFFFFF" in g.wait(60), "the endpoint killed at rest: the guest reads all ones")
sys.exit(done())
