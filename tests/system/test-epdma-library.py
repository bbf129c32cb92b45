#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed host library: the example at the top of <foreland/dmaengine.h> is compiled as it stands, by
what pkg-config says, in C and as C++, and moves bytes; nothing but the documented names is exported; its
sources are all under the licence that lets other programs link it. TAP output."""
import os, re, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epdma_lib import *

FORELAND, BUILD, ROOT = sys.argv[1:4]
tmp = folder("lib")
r = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", tmp], capture_output=True, text=True)
pc = subprocess.run(["find", tmp, "-name", "libforeland-epdma.pc"], capture_output=True, text=True).stdout.strip()
check(r.returncode == 0 and pc, "it is installed")
header = subprocess.run(["find", tmp, "-name", "dmaengine.h"], capture_output=True, text=True).stdout.strip()
env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc), PKG_CONFIG_SYSROOT_DIR=tmp)
flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libforeland-epdma"], capture_output=True, text=True, env=env).stdout.split()
check(any("-lforeland-epdma" in f for f in flags), f"pkg-config: {' '.join(flags)}")

text = open(header).read()
example = [l[3:] for l in text.split("*/")[1].splitlines() if l.startswith(" *\t")]
decls = [l for l in example if re.match(r"(struct \w+ \*|fl_dma_addr_t|fl_dma_cookie_t|void \*)\w+;", l)]
body = [l for l in example if l not in decls]
ep = Endpoint(FORELAND, "rk3588")
program = ("#include <stdio.h>\n#include <foreland/dmaengine.h>\nint main(void)\n{\n" + "\n".join(decls)
           + "\n" + "\n".join(body).replace("/run/ep.sock", ep.socket).replace("0x40000000", hex(ep.ram))
           + "\nfwrite(buf, 1, 4096, stdout);\nfl_dma_device_close(dev);\nreturn 0;\n}\n")
given = os.urandom(4096)
with open(ep.memory(), "r+b") as f:
    f.write(given)
for cc, name in (("cc", "example.c"), ("c++", "example.cc")):
    src = os.path.join(tmp, name)
    with open(src, "w") as f:
        f.write(program if cc == "cc" else program.replace("&(struct fl_dma_slave_config){ .src_addr = ", "&config").replace(
            f"&config{hex(ep.ram)} }}", "&config").replace("void *buf;", f"void *buf; fl_dma_slave_config config = {{ {hex(ep.ram)}, 0 }};"))
    c = subprocess.run([cc, "-Wall", "-Werror", "-o", src + ".out", src, *flags], capture_output=True, text=True, env=env)
    libdir = os.path.dirname(subprocess.run(["find", tmp, "-name", "libforeland-epdma.*"], capture_output=True, text=True).stdout.split()[0])
    out = subprocess.run([src + ".out"], capture_output=True, env=dict(env, LD_LIBRARY_PATH=libdir)) if c.returncode == 0 else None
    check(out and out.returncode == 0 and out.stdout == given, f"the example, by {cc}")
    if c.returncode:
        print("#", c.stderr[:1500].replace("\n", "\n# "))
ep.stop()

so = subprocess.run(["find", tmp, "-name", "libforeland-epdma.so"], capture_output=True, text=True).stdout.strip()
if so:
    names = {l.split()[-1] for l in subprocess.run(["nm", "-D", "--defined-only", so], capture_output=True, text=True).stdout.splitlines()}
    documented = {n + "@@LIBFORELAND_EPDMA_0" for n in re.findall(r"FL_DMA_API[^;]*?\b(fl_\w+)\(", text, re.S)}
    names.discard("LIBFORELAND_EPDMA_0")
    check(names == documented, f"exported are the {len(documented)} documented functions, with a version {names ^ documented or ''}")
    needed = subprocess.run(["readelf", "-d", so], capture_output=True, text=True).stdout
    check("Shared library: [libforeland-epdma" not in needed and "[libforeland-epdma.so.0]" in needed, "its soname is libforeland-epdma.so.0")

# every header and source that goes into it: whole folders, and what they include
FOLDERS = [f"{ROOT}/src/epdma/{d}" for d in ("metadata", "regs", "mem", "vfu", "host")]
seen, todo = set(), [os.path.join(d, n) for d in FOLDERS for n in os.listdir(d)]
while todo:
    path = todo.pop()
    if path in seen or not os.path.exists(path):
        continue
    seen.add(path)
    for inc in re.findall(r'#\s*include ["<]((?:base|epdma|foreland)/[^">]+)[">]', open(path).read()):
        todo.append(f"{ROOT}/include/{inc}" if inc.startswith("foreland") else f"{ROOT}/src/{inc}")
wrong = [p for p in seen if "LGPL-2.1-or-later" not in open(p).readline()]
wrong += [p for d, _, names in os.walk(f"{ROOT}/src/epdma") for n in names if d not in FOLDERS
          for p in [os.path.join(d, n)] if "LGPL" in open(p).readline()]
check(len(seen) > 20 and not wrong, f"{len(seen)} files, all LGPL-2.1-or-later {wrong or ''}")
subprocess.run(["rm", "-rf", tmp])
sys.exit(done())
