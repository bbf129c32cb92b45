#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-tree.py FORELAND TREE: what is known of Debian's linux-source-6.12 is found, by its text; and
the kernel's own checkers, run on that tree, say nothing that we do not, but for what is listed here.

The defects were found by reading what docutils, Sphinx, kernel-doc, documentation-file-ref-check,
get_abi.pl and get_maintainer.pl say of 6.12.117, and by hand.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

FORELAND, TREE = sys.argv[1:3]
tests = failures = 0

DEFECTS = [  # file, check, text in the line (or in the message)
    ("Documentation/virt/kvm/api.rst", "table-malformed", "KVM_X86_QUIRK_VMCS12_ALLOW_FREEZE_IN_SMM"),
    ("Documentation/core-api/symbol-namespaces.rst", "inline-end", ""),
    ("drivers/gpu/drm/xe/xe_ggtt_types.h", "unexpected-indentation", "after init"),
    ("Documentation/translations/zh_CN/sound/hd-audio/controls.rst", "explicit-markup-end", ""),
    ("fs/pnode.c", "ref-file", "filesystems/propagate_umount.txt"),
    ("drivers/gpu/drm/nouveau/nvkm/subdev/bios/shadowrom.c", "ref-file", "gpu/nova/core/vbios.rst"),
    ("MAINTAINERS", "maintainers-pattern", "drivers/net/ethernet/mediatek/airoha_eth.c"),
    ("MAINTAINERS", "maintainers-pattern", "arch/arm/mach-ep93xx/ts72xx.c"),
    ("MAINTAINERS", "maintainers-pattern", "drivers/gpu/drm/ci/xfails/powervr*"),
    ("Documentation/driver-api/ipmi.rst", "sysfs-modules", "/sys/modules"),
    ("Documentation/sound/alsa-configuration.rst", "sysfs-modules", "/sys/modules"),
    ("Documentation/dev-tools/kgdb.rst", "sysfs-parameter", "/parameter/"),
    ("Documentation/ABI/testing/sysfs-kernel-mm-damon", "abi-tag", "WDate"),
    ("Documentation/filesystems/locking.rst", "ref-source", "fs/dquot.c"),
    ("Documentation/PCI/pci.rst", "ref-source", "drivers/net/tg3.c"),
    ("drivers/gpu/drm/xe/xe_guc_pc.c", "title-not-here", ""),
    ("Documentation/driver-api/usb/power-management.rst", "config-unknown", "CONFIG_USB_SUSPEND"),
    ("Documentation/core-api/irq/irqflags-tracing.rst", "config-unknown", "PROVE_RW_LOCKING"),
]


def check(ok, what):
    global tests, failures
    tests += 1
    failures += not ok
    print("%s %d - %s" % ("ok" if ok else "not ok", tests, what.replace("#", "")), flush=True)


def rows(*args):
    run = subprocess.run([FORELAND, "docs", "check", "--json", *args], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    return [r for r in map(json.loads, run.stdout.splitlines()) if "file" in r]


def line_of(row):
    with open(os.path.join(TREE, row["file"]), errors="replace") as f:
        lines = f.read().split("\n")
    return lines[row["line"] - 1] if row["line"] else ""


def ref_check(ours):
    """The kernel's script wants a repository; a shell function of git's name serves it."""
    with tempfile.TemporaryDirectory() as top:
        git = os.path.join(top, "git")
        with open(git, "w") as f:  # git grep PATTERN [DIR]
            f.write('#!/bin/sh\nshift\nexec grep -rI --exclude-dir=.git -e "$1" ${2:-$(ls -A | grep -v "^\\.")}\n')
        os.chmod(git, 0o755)
        marker = os.path.join(TREE, ".git")
        made = not os.path.exists(marker)
        if made:
            os.mkdir(marker)
        env = dict(os.environ, PATH=top + ":" + os.environ["PATH"])
        out = subprocess.run(["perl", "scripts/documentation-file-ref-check", "--warn"], cwd=TREE, env=env,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
        if made:
            os.rmdir(marker)
    theirs = set(re.findall(r"Warning: (\S+) references a file that doesn't exist: (\S+)", out))
    # pages that the build makes from Documentation/netlink/specs are no missing files
    theirs = {(f, n) for f, n in theirs if "netlink_spec" not in n}
    mine = {(r["file"], r["message"].split(": ")[-1]) for r in ours if r["code"] == "ref-file"}
    check(len(theirs) >= 3 and theirs <= mine, "documentation-file-ref-check: %d, all found: %s" %
          (len(theirs), sorted(theirs - mine)))
    print("# ours alone: %s" % sorted(mine - theirs))


def get_abi(ours):
    out = subprocess.run(["perl", "scripts/get_abi.pl", "validate", "--dir", "Documentation/ABI"], cwd=TREE,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    theirs = set(re.findall(r"Warning: file (\S+?)#\d+:", out))
    mine = {r["file"] for r in ours if r["code"].startswith("abi-")}
    check(theirs <= mine, "get_abi.pl validate: %d files, all found" % len(theirs))


def kernel_doc():
    """Messages of include/ alone: kernel-doc is slow."""
    files = subprocess.run("find include -name '*.[ch]' | sort", cwd=TREE, shell=True, stdout=subprocess.PIPE,
                           text=True).stdout.split()
    out = ""
    for i in range(0, len(files), 500):
        out += subprocess.run(["perl", "scripts/kernel-doc", "-none", *files[i:i + 500]], cwd=TREE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              errors="replace").stderr
    kinds = re.compile(r"not described in|^Excess|expecting prototype|duplicate section")
    theirs = {(m.group(1), m.group(2)) for m in re.finditer(r"^(\S+?):\d+: (?:warning: )?(.*)$", out, re.M)
              if kinds.search(m.group(2))}
    mine = {(r["file"], r["message"]) for r in rows("--only", "kdoc", os.path.join(TREE, "include"))
            if kinds.search(r["message"])}
    # Differences that are the script's faults: it takes attributes and the pieces of macros and
    # initializers for names, loses members behind "#if", and gives function types no name.
    rate = 100.0 * len(theirs & mine) / len(theirs)
    check(rate >= 97, "kernel-doc over include/: %.1f %% of %d messages the same; %d ours alone" %
          (rate, len(theirs), len(mine - theirs)))


def main():
    if not os.path.isdir(TREE):
        print("1..0 # SKIP no tree: scripts/linux-source fetches it")
        return 0
    ours = rows("--level", "style", TREE)
    for file, code, text in DEFECTS:
        hit = [r for r in ours if r["file"] == file and r["code"] == code and
               (text in line_of(r) or text in r["message"])]
        check(hit, "%s: %s %s" % (file, code, text))
    sysfs = {(r["file"], r["line"]) for r in ours if r["group"] == "paths"}
    check(len(sysfs) >= 18, "18 lines with wrong sysfs paths: %d" % len(sysfs))
    colons = sum(r["code"] == "title-colon" for r in ours)
    check(colons >= 290, "about 307 titles with a colon: %d" % colons)
    ref_check(ours)
    get_abi(ours)
    if shutil.which("perl"):
        kernel_doc()
    print("1..%d" % tests)
    return 1 if failures else 0


sys.exit(main())
