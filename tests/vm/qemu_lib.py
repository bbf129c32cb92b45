# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest of QEMU 11, which is Debian sid's, in a cached root of that suite: Linux 7.3's full kernel from an
initramfs of busybox, the modules that tests/vm/edma/build makes, and a script. Its PCI device is the endpoint
behind a socket."""
import atexit, glob, lzma, os, signal, shutil, subprocess, sys, tempfile
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "system"))
from epdma_lib import *

TOP = os.path.join(here, "..", "..")
ROOT = [os.path.join(TOP, "scripts", "suite-root"), "--packages", "qemu-system-x86"]
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
dmesg -n 1
cd /root
client() { insmod ./dma-client.ko "$@" 2>/dev/null; dmesg | grep 'dma-client: ' | tail -n ${LINES:-1} | sed 's/.*dma-client: //'; }
. ./script
echo "=== end"
poweroff -f
"""


def ready():
    """Where kernel and modules are; ends the test where they, or QEMU, are not to be had."""
    try:
        r = subprocess.run([*ROOT, "sid", "--", "qemu-system-x86_64", "-device", "help"], capture_output=True, text=True)
        if r.returncode == 0 and "vfio-user-pci" in r.stdout:
            r = subprocess.run([os.path.join(here, "edma", "build")], capture_output=True, text=True)
            if r.returncode == 0:
                return r.stdout.strip()
            if r.returncode != 77:
                print("Bail out! the modules do not build:", r.stderr[-2000:].replace("\n", " "))
                raise SystemExit(1)
    except OSError as e:
        r.stderr = str(e)
    print("1..0 # SKIP", (r.stderr.strip().splitlines() or ["no QEMU with vfio-user-pci in sid"])[-1])
    raise SystemExit(0)


def modules(*names):
    """Files for a Guest: modules of the guest's kernel and what they need, in order, in root/modules; modprobe MODULE is
    then 'insmod modules/MODULE.ko'."""
    r = subprocess.run([os.path.join(TOP, "scripts", "suite-root"), "trixie-backports"], capture_output=True, text=True)
    top = glob.glob(os.path.join(r.stdout.strip(), "usr/lib/modules/7.*-amd64"))[0]
    deps = {}
    for line in open(os.path.join(top, "modules.dep")):
        path, needs = line.split(":")
        deps[os.path.basename(path).split(".")[0].replace("_", "-")] = [path, *needs.split()]
    d = tempfile.mkdtemp(prefix="foreland-modules.")
    atexit.register(shutil.rmtree, d, ignore_errors=True)
    files, order = [], []
    for name in names:
        for path in reversed(deps[name.replace("_", "-")]):
            plain = os.path.basename(path).removesuffix(".xz")
            if plain in order:
                continue
            order.append(plain)
            with (lzma.open if path.endswith(".xz") else open)(os.path.join(top, path), "rb") as f, open(os.path.join(d, plain), "wb") as g:
                g.write(f.read())
            files.append((g.name, "root/modules/" + plain))
    return files, order


def initramfs(path, kernel, kind, script, files=()):
    d = tempfile.mkdtemp(prefix="foreland-guest.")
    for sub in ("bin", "dev", "proc", "sys", "root", "tmp"):
        os.mkdir(os.path.join(d, sub))
    shutil.copy(shutil.which("busybox"), os.path.join(d, "bin", "busybox"))
    os.symlink("busybox", os.path.join(d, "bin", "sh"))
    for ko in os.listdir(os.path.join(kernel, kind)):
        shutil.copy(os.path.join(kernel, kind, ko), os.path.join(d, "root"))
    for f, to in files:
        os.makedirs(os.path.dirname(os.path.join(d, to)), exist_ok=True)
        shutil.copy(f, os.path.join(d, to))
    with open(os.path.join(d, "root", "script"), "w") as f:
        f.write(script)
    with open(os.path.join(d, "init"), "w") as f:
        f.write(INIT)
    os.chmod(os.path.join(d, "init"), 0o755)
    subprocess.run("find . | cpio -o -H newc -R 0:0 --quiet | gzip -1 >" + path, shell=True, cwd=d, check=True)
    shutil.rmtree(d)


class Guest:
    """One boot; .out is what the script printed, or the console as far as it came."""

    def __init__(self, endpoints, kernel, script, kind="plain", args=(), append="", files=(), memory=768,
                 bus=None, machine=""):
        self.dir = tempfile.mkdtemp(prefix="foreland-guest.")
        initramfs(os.path.join(self.dir, "initrd"), kernel, kind, script, files)
        self.console = open(os.path.join(self.dir, "console"), "w+")
        cmd = [*ROOT, "--bind", f"{self.dir}:/w", "--bind", f"{kernel}:/k"]
        for i, ep in enumerate(endpoints):
            cmd += ["--bind", f"{ep.dir}:/ep{i}"]
        cmd += ["sid", "--",
               "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
               "-machine", "q35,memory-backend=m,accel=tcg" + machine, "-cpu", "max", "-smp", "1", "-m", str(memory),
               "-object", f"memory-backend-memfd,id=m,size={memory}M,share=on", "-kernel", "/k/vmlinuz",
               "-initrd", "/w/initrd", "-append", f"console=ttyS0 panic=-1 quiet {append}", "-serial", "stdio", *args]
        for i in range(len(endpoints)):
            where = f'"bus":"{bus}"' if bus else f'"addr":"0x{i + 1:x}"'
            cmd += ["-device", '{"driver":"vfio-user-pci","id":"ep%d",%s,"socket":{"path":"/ep%d/%s","type":"unix"}}'
                    % (i, where, i, os.path.basename(endpoints[i].socket))]
        self.p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=self.console, stderr=subprocess.STDOUT,
                                  start_new_session=True)
        atexit.register(self.kill)

    def kill(self):
        if self.p.poll() is None:
            os.killpg(self.p.pid, signal.SIGKILL)
            self.p.wait()

    def text(self):
        with open(os.path.join(self.dir, "console"), errors="replace") as f:
            return f.read()

    def wait(self, timeout=240):
        try:
            self.p.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        self.kill()
        # of ranges that were never mapped, which QEMU unmaps when an IOMMU comes to life: nothing of the guest's
        self.out = "\n".join(l for l in self.text().split("\n") if "vfio_container_dma_unmap" not in l)
        shutil.rmtree(self.dir, ignore_errors=True)
        return self.out
