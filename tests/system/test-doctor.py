#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-doctor.py FORELAND: what doctor says of this very machine, against bpftool's own feature probes,
the files of proc and tracefs, and what an unprivileged process may do."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

from tap import done, expect, skip

foreland = sys.argv[1]


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def doctor(prefix=[]):
    got = run(prefix + [foreland, "doctor", "--json"])
    lines = [json.loads(line) for line in got.stdout.splitlines()]
    return got, lines[0], {row["name"]: row for row in lines[1:-1]}, lines[-1]


got, schema, rows, summary = doctor()
uname = os.uname()
expect("the first line is the schema", schema["type"] == "schema" and schema["command"] == "doctor" and
       schema["kernel"] == uname.release and schema["machine"] == uname.machine, schema)
states = [row["state"] for row in rows.values()]
expect("the last line counts the states", summary == {"type": "summary", **{s: states.count(s) for s in
       ("unknown", "no", "yes")}}, summary)
expect("every row says what to do", all(row["remedy"] and row["serves"] and row["about"]
       for row in rows.values()))
text = run([foreland, "doctor"])
expect("the text has every row", all(f"  {name:18} " in text.stdout for name in rows), text.stdout)
missing = [n for n, row in rows.items() if row["state"] == "no" and not row["denied"]]
expect("and advice for each that is missing", all(f"\n  {n}:" in text.stdout for n in missing), missing)
expect("exit status", got.returncode == (0 if "yes" in [rows[name]["state"] for name in ("raw_tp", "kprobe", "uprobe")]
       else 1), got.returncode)
can_tracepoint = rows["raw_tp"]["state"] == "yes"

caps = int(next(l for l in open("/proc/self/status") if l.startswith("CapEff")).split()[1], 16)
want = {"cap_bpf": 39, "cap_perfmon": 38, "cap_sys_admin": 21}
for name, bit in want.items():
    have = "yes" if caps >> bit & 1 or caps >> 21 & 1 else "no"
    expect(f"{name} is what /proc/self/status says", rows[name]["state"] == have, rows[name])
expect("btf", (rows["btf"]["state"] == "yes") == os.access("/sys/kernel/btf/vmlinux", os.R_OK))

expect("allocinfo", (rows["allocinfo"]["errno"] == "ENOENT") == (not os.path.exists("/proc/allocinfo")))

tracefs = "/sys/kernel/tracing"
if os.access(tracefs + "/README", os.R_OK):
    readme = open(tracefs + "/README").read()
    expect("fprobe_events", (rows["fprobe_events"]["state"] == "yes") == ("<func-name>[%return]" in readme))
    expect("btf_args", (rows["btf_args"]["state"] == "yes") == ("<argname>[->" in readme))
    count = len([f for f in glob.glob(tracefs + "/events/*/*") if os.path.isdir(f)])
    expect("events", rows["events"]["note"] == f"{count} events", rows["events"]["note"])
else:
    skip("tracefs", "it cannot be read here")

bpftool = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin")
probed = bpftool and rows["bpf"]["state"] == "yes" and run([bpftool, "-j", "feature", "probe", "kernel"])
if probed and probed.returncode == 0:
    features = json.loads(probed.stdout)
    helpers = features["helpers"]

    def same(name, there):
        expect(f"{name} is what bpftool finds", (rows[name]["state"] == "yes") == bool(there), rows[name])

    same("jit", features["system_config"]["bpf_jit_enable"])
    same("ringbuf", features["map_types"]["have_ringbuf_map_type"])
    for name, helper, kind in (
            ("probe_read_kernel", "bpf_probe_read_kernel", "raw_tracepoint"),
            ("current_task_btf", "bpf_get_current_task_btf", "raw_tracepoint"),
            ("bpf_loop", "bpf_loop", "raw_tracepoint"),
            ("cookie_raw_tp", "bpf_get_attach_cookie", "raw_tracepoint"),
            ("cookie", "bpf_get_attach_cookie", "kprobe"),
            ("copy_from_user", "bpf_copy_from_user", "kprobe")):
        same(name, helper in helpers[kind + "_available_helpers"])
else:
    skip("bpftool's features", "bpftool is missing, or BPF is not permitted here")

setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
if os.geteuid() == 0 and os.access("/", os.X_OK) and run(setpriv + [foreland, "--version"]).returncode == 0:
    got, _, rows, _ = doctor(setpriv)
    expect("nobody can trace nothing", got.returncode == 1 and "--vm" in got.stderr, got.stderr)
    expect("who can trace with a file's capabilities is said with the advice to give them",
           all("whoever may execute it can then trace all processes" in rows[name]["remedy"] for name in ("cap_bpf", "cap_perfmon")))
    expect("nobody has no privilege", all(rows[name]["state"] == "no" for name in want))
    expect("what is denied is not called missing", rows["raw_tp"]["denied"] and rows["raw_tp"]["errno"] ==
           "EPERM" and "\n  raw_tp:" not in run(setpriv + [foreland, "doctor"]).stdout, rows["raw_tp"])
else:
    skip("an unprivileged process", "not root, or the program lies where nobody may go")

expect("--clean with nothing to clean", run([foreland, "doctor", "--clean"]).returncode ==
       (0 if os.access(tracefs + "/dynamic_events", os.R_OK) else 1))

def without(hidden, *args):
    """Runs foreland where files of the kernel are others: @hidden is pairs of a file and what lies over it."""
    mounts = " && ".join(f"mount --bind {there} {here}" for here, there in hidden)
    return run(["unshare", "-m", "sh", "-c", mounts + ' && exec "$@"', "sh", foreland, *args])


if os.geteuid() == 0 and run(["unshare", "-m", "mount", "--make-rprivate", "/"]).returncode == 0:
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(f"{d}/empty")
        with open("/proc/kallsyms") as f, open(f"{d}/zero", "w") as g:
            g.writelines("0" * 16 + line[16:] for line in f)
        # /sys/kernel/btf is empty where CONFIG_DEBUG_INFO_BTF is not set; the text is the kernel's, which names no cause
        types = "/sys/kernel/btf", f"{d}/empty"
        if os.path.isdir("/sys/kernel/btf"):
            got = without([types], "probe", "check", "f vfs_read a=file->f_pos")
            expect("a kernel without types is told from a function without", "No BTF entry for this probe point" in got.stderr
                   and "--btf FILE" in got.stderr and got.returncode == 1, got.stderr)
            got = without([types], "doctor")
            expect("what can be traced without types counts", got.returncode == (0 if can_tracepoint else 1), got.stderr)
        # kernel.kptr_restrict=2
        hidden = "/proc/kallsyms", f"{d}/zero"
        got = without([hidden], "alloc", "show", "--kernel", "-t", "0.1")
        expect("call sites without names are not summed up", got.returncode == 1 and got.stdout == "" and
               (not can_tracepoint or "kernel.kptr_restrict" in got.stderr), got.stdout + got.stderr)
        if can_tracepoint:
            got = without([hidden], "trace", "-n", "1", "--stack", "t sched_switch")
            expect("why stacks have no names is said", got.returncode == 0 and "=> 0x" in got.stdout and
                   "kernel.kptr_restrict" in got.stderr, got.stdout + got.stderr)
            got = without([hidden], "trace", "-n", "1", "t sched_switch a=@vfs_read")
            expect("and why a symbol has no address", got.returncode == 1 and "kernel.kptr_restrict" in got.stderr, got.stderr)
else:
    skip("a kernel that hides what it has", "no mounts of its own")

lines = [json.loads(line) for line in run([foreland, "doctor", "--clean", "--json"]).stdout.splitlines()]
expect("its JSON starts with the schema and ends with the summary", lines[0]["type"] == "schema" and
       lines[-1]["type"] == "summary" and lines[-1]["removed"] == len(lines) - 2, lines)
sys.exit(done())
