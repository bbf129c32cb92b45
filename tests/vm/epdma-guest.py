#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""epdma-guest.py FORELAND BOARD...: the endpoint as a PCI device of a Debian guest (QEMU's
x-pci-proxy-dev): ids, class and BARs as the guest's kernel sees them, inspect and the handshake in the
guest, bytes into and out of guest memory. sha256sum judges in the guest, and outside of it on the file
behind the endpoint's memory. TAP output."""
import os, re, socket, subprocess, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "system"))
from epdma_lib import *

VM = os.path.join(here, "..", "..", "scripts", "vm")
FORELAND = sys.argv[1]
IDS = {"rk3588": "1d87 3588", "spacemit-k3": "201f 0003", "r-car-s4": "1912 0031", "generic": "1234 ed0a"}
BARS = {"rk3588": {0: 1 << 20, 1: 1 << 20, 4: 8192}, "spacemit-k3": {0: 65536, 1: 65536, 4: 8192},
        "r-car-s4": {0: 1 << 20, 2: 2 << 20}, "generic": {0: 4096, 1: 131072}}
SIZES = [1, 4095, 100000, 1024001]

SCRIPT = r"""
cd /sys/bus/pci/devices
set -- {ids}
for d in *; do
	[ "$(cat $d/vendor) $(cat $d/device)" != "0x$1 0x$2" ] || dev=$d
done
echo "class $(cat $dev/class)"
cat $dev/resource | head -6 | sed 's/^/bar /'
foreland epdma inspect $dev >/tmp/before; echo "inspect $? $(head -1 /tmp/before)"
foreland epdma host ls $dev; echo "ls $?"
for n in {sizes}; do
	head -c $n /dev/urandom >/tmp/a
	foreland epdma host write $dev {ram} /tmp/a || echo "write $n failed"
	foreland epdma host read $dev {ram} $n >/tmp/b || echo "read $n failed"
	echo "sum $n $(sha256sum </tmp/a | cut -d' ' -f1) $(sha256sum </tmp/b | cut -d' ' -f1)"
done
foreland epdma host read $dev {given} 300000 | sha256sum | sed 's/^/given /'
foreland epdma host read $dev 0x1000 64 2>&1 | grep -c aborted | sed 's/^/refused /'
"""

if subprocess.run([VM, "--ready"], capture_output=True).returncode == 77:
    print("1..0 # SKIP no guest is possible here")
    sys.exit(0)



def proxy_needs_kvm(ended):
    """From QEMU 9 on x-pci-proxy-dev gives its interrupt to KVM, and where there is none that is a null pointer."""
    said = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True).stdout
    version = re.search(r"version (\d+)\.", said)
    return ended.returncode == 125 and "Segmentation fault" in ended.stderr and not os.path.exists("/dev/kvm") and \
        version and int(version[1]) >= 9


for board in sys.argv[2:]:
    ep = Endpoint(FORELAND, board)
    given = os.urandom(300000)
    with open(ep.memory(), "r+b") as f:
        f.seek(8 << 20)
        f.write(given)
    s = socket.socket(socket.AF_UNIX)
    s.connect(ep.socket)
    fd = os.dup(s.fileno())
    os.set_inheritable(fd, True)
    script = SCRIPT.format(ids=IDS[board], sizes=" ".join(map(str, SIZES)), ram=hex(ep.ram + 4096),
                           given=hex(ep.ram + (8 << 20)))
    r = subprocess.run([VM, "--timeout", "900", "--qemu",
                        "-object memory-backend-memfd,id=m,size=1024M,share=on -numa node,memdev=m "
                        f"-device x-pci-proxy-dev,id=p,fd={fd}", "--", "sh", "-c", script],
                       pass_fds=[fd], capture_output=True, text=True)
    if proxy_needs_kvm(r):
        skip(f"{board}: in a guest", "this QEMU's x-pci-proxy-dev is for KVM alone, which is not here")
        ep.stop()
        continue
    out = r.stdout
    check(r.returncode == 0 and "class 0x080100" in out, f"{board}: enumerated, class 0x0801")
    bars = [re.findall(r"0x(\w+)", l) for l in out.splitlines() if l.startswith("bar ")]
    sizes = {i: int(b[1], 16) - int(b[0], 16) + 1 for i, b in enumerate(bars) if int(b[1], 16)}
    check(sizes == BARS[board], f"{board}: BARs {sizes}")
    check("inspect 0 " in out and "valid" in out, f"{board}: inspect finds the metadata in the guest")
    check("ls 0" in out, f"{board}: the handshake is done")
    sums = re.findall(r"sum (\d+) (\w{64}) (\w{64})", out)
    check(len(sums) == len(SIZES) and all(a == b for _, a, b in sums), f"{board}: {SIZES} bytes there and back")
    check(sums and sha256(ep.memory(), 4096, SIZES[-1]) == sums[-1][1], f"{board}: and they are in the endpoint's memory")
    want = subprocess.run(["sha256sum"], input=given, capture_output=True).stdout.decode().split()[0]
    check(f"given {want}" in out, f"{board}: what lay in the endpoint's memory came into the guest's")
    check("refused 1" in out, f"{board}: an address off the allow-list is refused")
    if r.returncode:
        print("#", r.stderr[-2000:].replace("\n", "\n# "))
    os.close(fd)
    s.close()
    lines, code = ep.stop()
    check(code == 0 and any(l["type"] == "detached" for l in lines), f"{board}: the endpoint saw the guest go")
sys.exit(done())
