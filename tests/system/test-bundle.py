#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-bundle.py FORELAND: a bundle's archive is read by Python's tarfile, its types by bpftool, which says of the whole
kernel's the same; the fetch programs made of few types are those made of all; and what is wrong is said."""
import os
import re
import shutil
import subprocess
import sys
import tarfile

from tap import check, done, folder

foreland, btf = os.path.abspath(sys.argv[1]), "/sys/kernel/btf/vmlinux"
DEFS = ("p:b/read vfs_read inode=file->f_inode->i_ino:u64 name=file->f_path.dentry->d_name.name:string count",
        "t:b/switch sched_switch prev=prev->comm:string next=next->pid:s32")
work = folder("bundle")


def run(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def write(name, text):
    with open(f"{work}/{name}", "w") as f:
        f.write(text)
    return f"{work}/{name}"


def members(dump, struct):
    """{member: bits of its offset} of a struct, as bpftool says it."""
    m = re.search(rf"^\[\d+\] STRUCT '{struct}' size=(\d+) vlen=\d+\n((?:\t.*\n)*)", dump, re.M)
    return m.group(1), dict(re.findall(r"\t'(\w+)' type_id=\d+ bits_offset=(\d+)", m.group(2)))


def compare_types(path):
    program = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not program:
        print("# SKIP bpftool is missing: nobody else reads the types")
        return
    few, all_ = (run(program, "btf", "dump", "file", p).stdout for p in (path, btf))
    for struct in ("task_struct", "inode", "file"):
        (size, some), (whole_size, whole) = members(few, struct), members(all_, struct)
        check(size == whole_size and some and all(whole[m] == some[m] for m in some), f"bpftool: {struct} is the kernel's",
              some)
        check(len(some) < len(whole), f"{struct} has fewer members than the kernel's")


if not os.access(btf, os.R_OK):
    print("1..0 # SKIP this kernel shows no types")
    sys.exit(0)
bundle = f"{work}/bundle"
defs = write("defs", "# two\n" + "\n".join(DEFS) + "\nhist:keys=next\n")
r = run(foreland, "probe", "bundle", defs, "--btf", "1.2-here=" + btf, "-o", bundle)
check(r.returncode == 0 and "1.2-here" in r.stderr, "a bundle is made", r.stderr)
with tarfile.open(bundle) as t:
    check(t.getnames() == ["definitions"] + [f"kernels/1.2-here/{n}" for n in ("id", "btf", "lowered")], "tarfile reads it", t.getnames())
    check(t.extractfile("definitions").read().decode() == open(defs).read(), "the definitions are as they were")
    with open(f"{work}/btf", "wb") as f:
        f.write(t.extractfile("kernels/1.2-here/btf").read())
    lowered = t.extractfile("kernels/1.2-here/lowered").read().decode()
check(os.path.getsize(f"{work}/btf") * 20 < os.path.getsize(btf), "the types are few")
compare_types(f"{work}/btf")
few, all_ = (run(foreland, "probe", "dump", "--btf", p, *DEFS).stdout for p in (f"{work}/btf", btf))
check(few == all_ and "DEREF" in few, "of few types the same programs are made", few, all_)
check("->" not in lowered and len(lowered.splitlines()) == 2, "the lowered text has offsets alone", lowered)
os.mkdir(f"{work}/9.9-folder")
os.symlink(btf, f"{work}/9.9-folder/vmlinux")
write("9.9-folder/module", "no types")
r = run(foreland, "probe", "bundle", defs, "--btf", f"{work}/9.9-folder/", "-o", f"{work}/folder")
check(r.returncode == 1 and "module" in r.stderr and not os.path.exists(f"{work}/folder"),
      "a folder's file that has no types is refused", r.returncode, r.stderr)
os.unlink(f"{work}/9.9-folder/module")
for given, called in ((f"{work}/9.9-folder/", "9.9-folder"), (f"other={work}/9.9-folder", "other"), (os.path.dirname(btf), None)):
    r = run(foreland, "probe", "bundle", defs, "--btf", given, "-o", f"{work}/folder")
    with tarfile.open(f"{work}/folder") as t:
        id_ = t.extractfile(next(n for n in t.getnames() if n.endswith("/id"))).read().decode()
    check(r.returncode == 0 and f"release {called or os.uname().release}\n" in id_, f"a folder is called {called or 'after the running kernel'}", id_)
bad = write("bad", DEFS[0] + "\np:b/x vfs_read file->no_such_field\n")
r = run(foreland, "probe", "bundle", bad, "--btf", btf, "-o", f"{work}/none")
check(r.returncode == 1 and f"{bad}:2" in r.stderr and "NO_BTF_FIELD" in r.stderr and not os.path.exists(f"{work}/none"),
      "a definition that the types do not suit is said with its line, and nothing is written", r.stderr)
data = open(bundle, "rb").read()
for what, wrong in (("cut off", data[:3000]), ("no archive", b"x" * 2048), ("empty", b""), ("a sum that is wrong", b"X" + data[1:])):
    with open(f"{work}/wrong", "wb") as f:
        f.write(wrong)
    r = run(foreland, "trace", "--bundle", f"{work}/wrong", "-t", "1")
    check(r.returncode == 1 and "no bundle" in r.stderr, f"a bundle that is {what} is refused", r.returncode, r.stderr)
sys.exit(done())
