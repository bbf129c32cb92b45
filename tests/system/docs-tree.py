#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-tree.py FORELAND LINUX-SOURCE VERDICTS: what is known of Debian's linux-source-6.12 is found, by
its text; what a sample was judged to be is still said; and the kernel's own checkers, run on that
tree, say what we say, but for differences of which each has its cause here.

The defects were found by reading what docutils, Sphinx, kernel-doc, documentation-file-ref-check,
get_abi.pl and get_maintainer.pl say of 6.12.117, and by hand.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

import kernel_sources
from tap import check, done

FORELAND, SOURCE, VERDICTS = sys.argv[1:4]
TREE = ""

DEFECTS = [  # file, check, text in the line (or in the message)
    ("Documentation/virt/kvm/api.rst", "table-malformed", "KVM_X86_QUIRK_VMCS12_ALLOW_FREEZE_IN_SMM"),
    ("Documentation/core-api/symbol-namespaces.rst", "inline-end", ""),
    ("drivers/gpu/drm/xe/xe_ggtt_types.h", "unexpected-indentation", "after init"),
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


def rows(*args):
    run = subprocess.run([FORELAND, "docs", "check", "--json", *args], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    return [r for r in map(json.loads, run.stdout.splitlines()) if "file" in r]


def line_of(row):
    with open(os.path.join(TREE, row["file"]), errors="replace") as f:
        lines = f.read().split("\n")
    return lines[row["line"] - 1] if row["line"] else ""


def explained(what, rows, causes):
    """Each of @rows (side, file, message) by the first of @causes (side, pattern, cause) that it fits."""
    count, left = collections.Counter(), []
    for side, file, message in sorted(rows):
        for s, pattern, cause in causes:
            if s in (side, "") and re.search(pattern, "%s: %s" % (file, message)):
                count[cause] += 1
                break
        else:
            left.append("%s: %s: %s" % (side, file, message))
    for cause, n in count.most_common():
        print("#   %d: %s" % (n, cause))
    for line in left[:20]:
        print("#   unexplained, " + line)
    check(not left, "%s: %d differences, each with its cause" % (what, len(rows)))


REF_CAUSES = [
    ("theirs", r"netlink_spec/", "a page that the build makes from Documentation/netlink/specs"),
    ("ours", r"fsl,qoriq-mc\.txt", "a name with a line of MAINTAINERS behind it; the script reads no patterns there"),
]


def ref_check(ours):
    """The kernel's script wants a repository; a shell function of git's name serves it."""
    with tempfile.TemporaryDirectory() as top:
        git = os.path.join(top, "git")
        with open(git, "w") as f:  # git grep PATTERN [DIR]
            f.write('#!/bin/sh\nshift\nexec grep -rI --exclude-dir=.git -e "$1" ${2:-$(ls -A | grep -v "^\\.")}\n')
        os.chmod(git, 0o755)
        work = os.path.join(top, "tree")  # the same files, and a place for .git
        os.mkdir(work)
        for name in os.listdir(TREE):
            os.symlink(os.path.join(TREE, name), os.path.join(work, name))
        os.mkdir(os.path.join(work, ".git"))
        env = dict(os.environ, PATH=top + ":" + os.environ["PATH"])
        out = subprocess.run(["perl", "scripts/documentation-file-ref-check", "--warn"], cwd=work, env=env,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    theirs = set(re.findall(r"Warning: (\S+) references a file that doesn't exist: (\S+)", out))
    mine = {(r["file"], r["message"].split(": ")[-1]) for r in ours if r["code"] == "ref-file"}
    print("# documentation-file-ref-check: %d, %d of them ours too" % (len(theirs), len(theirs & mine)))
    check(len(theirs & mine) >= 3, "documentation-file-ref-check finds what we find")
    explained("documentation-file-ref-check", {("theirs", *x) for x in theirs - mine} |
              {("ours", *x) for x in mine - theirs}, REF_CAUSES)


ABI_CAUSES = [
    ("ours", r"^abi-date", "the script reads no dates"),
    ("ours", r"^abi-missing-tag", "the script asks for no Contact, Date and KernelVersion"),
    ("ours", r"^abi-swallowed-tag|^abi-tag: .*WDate", "the script takes other tags for text"),
    ("ours", r"^abi-margin", "the script makes block quotes of it"),
    ("ours", r"^abi-no-description: .*power/level", "the script takes an empty Description for one"),
]


def get_abi(ours):
    out = subprocess.run(["perl", "scripts/get_abi.pl", "validate", "--dir", "Documentation/ABI"], cwd=TREE,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    theirs = set(re.findall(r"Warning: file (\S+?)#\d+:", out))
    mine = [r for r in ours if r["code"].startswith("abi-")]
    check(theirs <= {r["file"] for r in mine}, "get_abi.pl validate: %d files, all found" % len(theirs))
    explained("get_abi.pl validate", [("ours", r["code"], r["message"]) for r in mine
                                      if r["file"] not in theirs], ABI_CAUSES)


KDOC_CAUSES = [
    ("", r"DECLARE_RDMA_OBJ_SIZE", "a macro of members: the script cuts it at each comma, we name it once"),
    ("theirs", r"in '(int|void|bool)'$|Prototype was for (int|void|bool)\(\)",
     "the script takes a typedef of a function for a function of that type"),
    ("theirs", r"property\.h: .*'(u\d+_data|str)'|nf_tables\.h: .*'buf'",
     "the script stops at sizeof() in a dimension, and loses the inner struct"),
    ("theirs", r"rethook\.h", "the script does not see the name in (__rcu *name)"),
    ("theirs", r"Cannot parse", "the script reads no struct that a #define stands before"),
    ("ours", r"l2tp\.h|dcbnl\.h", "and so it has no members of it"),
    ("theirs", r"DECLARE_EVENT_CLASS|TP_ARGS", "a template of tracepoints is no function of that name"),
    ("", r"spi-mem\.h", "a function behind a comment that says struct: the script reads on to the next struct"),
    ("", r"wrong kernel-doc identifier", "the script prints the line's text in a line of its own"),
    ("theirs", r"Excess function parameter '\w+' description in 'trace_", "the script drops what a TP_ARGS holds"),
]


def kernel_doc():
    """Messages of include/ alone: kernel-doc is slow."""
    files = subprocess.run("find include -name '*.[ch]' | sort", cwd=TREE, shell=True, stdout=subprocess.PIPE,
                           text=True).stdout.split()
    out = ""
    for i in range(0, len(files), 500):
        out += subprocess.run(["perl", "scripts/kernel-doc", "-none", *files[i:i + 500]], cwd=TREE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              errors="replace").stderr
    theirs = {(m.group(1), m.group(2).strip())
              for m in re.finditer(r"^(\S+?):\d+: (?:warning: |error: )?(.*)$", out, re.M)}
    mine = {(r["file"], re.sub(r"^(Cannot understand .*?) on line \d+.*", r"\1", r["message"]).strip())
            for r in rows("--only", "kdoc", os.path.join(TREE, "include"))}
    theirs = {(f, re.sub(r"^(Cannot understand .*?) on line \d+.*", r"\1", m).strip()) for f, m in theirs
              if not m.startswith(("contents before", "no structured"))}
    # a typedef that the script takes for a function is ours by its name
    typedefs = {(f, m.group(1)) for f, t in theirs
                for m in [re.match(r".*'(\w+)' not described in '(?:int|void|bool)'", t)] if m}
    different = {("theirs", *x) for x in theirs - mine}
    different |= {("ours", f, t) for f, t in mine - theirs if
                  not any(f == g and name in t for g, name in typedefs)}
    print("# kernel-doc over include/: %d messages, %d of them ours, word by word; we have %d" %
          (len(theirs), len(theirs & mine), len(mine)))
    explained("kernel-doc", different, KDOC_CAUSES)


def verdicts(ours):
    """Each finding that was judged is still there; but where one was false, that is as well as not."""
    with open(VERDICTS) as f:
        lines = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    said = {(r["code"], "%s:%d" % (r["file"], r["line"])) for r in ours}
    false = sum(v[0] == "false" for v in lines)
    gone = [v[2] for v in lines if v[0] == "true" and (v[1], v[2]) not in said]
    check(len(lines) >= 200 and false <= 2, "%d findings judged one by one: %d false" % (len(lines), false))
    check(not gone, "the true ones are still found %s" % gone[:3])


def main():
    global TREE
    TREE = kernel_sources.tree(SOURCE)
    ours = rows("--level", "style", TREE)
    for file, code, text in DEFECTS:
        hit = [r for r in ours if r["file"] == file and r["code"] == code and
               (text in line_of(r) or text in r["message"])]
        check(hit, "%s: %s %s" % (file, code, text))
    sysfs = {(r["file"], r["line"]) for r in ours if r["group"] == "paths"}
    check(len(sysfs) >= 18, "18 lines with wrong sysfs paths: %d" % len(sysfs))
    colons = sum(r["code"] == "title-colon" for r in ours)
    check(colons >= 290, "about 307 titles with a colon: %d" % colons)
    verdicts(ours)
    ref_check(ours)
    get_abi(ours)
    kernel_doc()
    return done()


sys.exit(main())
