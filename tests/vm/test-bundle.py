#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-bundle.py: a bundle on a kernel without BTF. What is traced there is compared with what stat(1) says
of the same file and the shell of the same processes, and a kernel that the bundle does not know is told what it knows."""
import glob
import os
import re
import subprocess
import sys

import kernel_without_btf
from guest import need, static, vm
from tap import check, done, folder

need()
foreland = static()
work = folder("bundle")
DEFS = """# what a kernel without BTF is asked
p:b/read vfs_read inode=file->f_inode->i_ino:u64 name=file->f_path.dentry->d_name.name:string count
t:b/exec sched_process_exec name=bprm->filename:string old=old_pid:s32 comm=p->comm:string
"""
GUEST = r"""
mount -t tmpfs none /sys/kernel/btf
echo "stat $(stat -c %i known-file)"
foreland trace 'p vfs_read file->f_inode->i_ino' -t 1 >/dev/null 2>/tmp/without; echo "without $?"
foreland trace --bundle bundle --comm dd -- dd if=known-file >/tmp/out 2>/tmp/err; echo "with $?"
foreland trace --bundle other -t 1 >/dev/null 2>/tmp/other; echo "other $?"
sed 's/^/out: /' /tmp/out; sed 's/^/err: /' /tmp/err; sed 's/^/other: /' /tmp/other
"""


def run(*args, **more):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def prepare():
    facts = run(vm, "--exported")
    if facts.returncode:
        skip_all((facts.stderr.strip() or "no guest").splitlines()[-1])
    facts = facts.stdout.strip()
    release = open(f"{facts}/uname").read().split()
    release = next((w for w in release if re.match(r"\d+\.\d+", w)), os.path.basename(facts))
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "foreland/kernel", release)
    image = glob.glob(f"{cache}/boot/vmlinuz-*")
    if not image:
        skip_all("the kernel's image is not in the cache")
    why = kernel_without_btf.make(image[0], f"{facts}/btf/vmlinux", f"{facts}/kallsyms", f"{work}/vmlinux")
    if why:
        skip_all(why)
    return facts, release, cache


facts, release, cache = prepare()
with open(f"{work}/defs", "w") as f:
    f.write(DEFS)
with open(f"{work}/known-file", "w") as f:
    f.write("known\n")
for name, called in ("bundle", release), ("other", "5.4.0-other"):
    made = run(foreland, "probe", "bundle", f"{work}/defs", "--btf", f"{called}={facts}/btf/vmlinux", "-o", f"{work}/{name}")
    check(made.returncode == 0, f"a bundle for {called.split('-')[0]} is made", made.stderr)
guest = run(vm, "--kernel-image", f"{work}/vmlinux", "--modules-dir", f"{cache}/lib/modules/{release}", "--timeout", "400",
            "--copy", f"{work}/bundle", "--copy", f"{work}/other", "--copy", f"{work}/known-file", "--foreland", foreland,
            "--", "sh", "-c", GUEST)
said = guest.stdout + guest.stderr
check("without 1" in said, "without the bundle the definition is refused: there are no types", said)
check("with 0" in said, "with it both definitions are traced", said)
inode = re.search(r"stat (\d+)", said)
check(inode and f'inode={inode.group(1)} name="known-file"' in said, "the file's inode is stat's, and its name its own", said)
check(re.search(r'out: .*exec: .*name="[^"]*dd" old=\d+ comm="dd"', said),
      "a raw tracepoint's arguments are read", said)
check("other 1" in said and "other: other: note: covered: 5.4.0-other" in said,
      "of another bundle it is said which kernels it covers", said)
sys.exit(done())
