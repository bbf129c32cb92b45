#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tracefs.py VM TRACEFS_SCRIPT: our tracefs tree against the guest kernel's own tracefs.

The same shell lines run in the guest's /sys/kernel/tracing, by its shell, and on our tree, by the
script face; what every line prints, and whether it fails and how, must be equal. Time stamps and
the hashed addresses of address probes are masked."""
import os
import re
import subprocess
import sys

vm, ours = sys.argv[1:3]
ready = subprocess.run([vm, "--ready"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
if ready.returncode:
    print(f"1..0 # SKIP {(ready.stdout + ready.stderr).strip()}")
    sys.exit(0)

LINES = r"""
cat dynamic_events kprobe_events uprobe_events error_log
echo 'p:g1/a vfs_read file count=$arg3' > dynamic_events
echo 'r:g1/b vfs_read ret=$retval:s64' >> dynamic_events
echo 'r5:g1/c vfs_read $retval' >> kprobe_events
echo 'f:g1/d vfs_write count' >> dynamic_events
echo 'f vfs_write%return $retval' >> dynamic_events
echo 't sched_switch preempt' >> dynamic_events
echo 'e:g2/e sched/sched_switch pid=$next_pid:s32 comm=$next_comm if next_pid > 5' >> dynamic_events
echo 'p:g2/u /bin/busybox:0x1000 %ax' >> uprobe_events
cat dynamic_events
cat kprobe_events
cat uprobe_events
cat events/g1/a/format
cat events/g1/b/format events/g1/d/format events/fprobes/vfs_write__exit/format
cat events/tracepoints/sched_switch/format events/g2/e/format events/g2/u/format
echo 'p:g1/types vfs_write a=$arg1:u8 b=$arg1:s16 c=$arg1:x32 d=$arg1:char e=$arg1:symbol f=+0($arg2):ustring g=$arg1:b3@2/8 h=%ip:symstr' >> dynamic_events
echo 'p:g1/arrays vfs_write a=+0($arg1):u8[4] b=+0($arg1):x64[2] c=+0($arg1):char[3] d=+0($arg1):string[2] e=+0($arg1):symbol[1]' >> dynamic_events
cat events/g1/types/format
cat events/g1/arrays/format
echo '-:g1/types' >> dynamic_events
echo '-:g1/arrays' >> dynamic_events
ls events/g1/types
echo 'p:g1/a vfs_read file' >> kprobe_events
echo 'p:g1/a vfs_read file count=$arg3' >> kprobe_events
echo 'p:g1/a vfs_write' >> kprobe_events
cat kprobe_events
cat error_log
echo > error_log
cat error_log
echo 'p vfs_read fil' >> dynamic_events
echo 'p vfs_read file->f_pos.x' >> dynamic_events
echo 'p vfs_reed' >> dynamic_events
echo 'f vfs_read $arg1:foo' >> dynamic_events
echo 'p:1x vfs_read' >> dynamic_events
echo 'p vfs_read $arg9999' >> dynamic_events
echo 'e:g2/e2 sched/none' >> dynamic_events
echo 'e:g2/e2 sched/sched_switch if next_pid >>' >> dynamic_events
echo 'e:g2/e2 sched/sched_switch if' >> dynamic_events
echo 'p vfs_read +0(' >> dynamic_events
cat error_log
cat error_log
echo '-:g1/nothing' >> dynamic_events
echo '-:g1/b' >> uprobe_events
echo '-:g1/b' >> kprobe_events
cat dynamic_events
echo '# a comment' >> dynamic_events
echo '   p:g3/x    vfs_read   # and more' >> dynamic_events
echo 'nonsense' >> dynamic_events
echo '' >> dynamic_events
echo '-:' >> dynamic_events
echo '-:g1/' >> dynamic_events
cat dynamic_events
echo '-:a' >> dynamic_events
cat dynamic_events
echo > uprobe_events
cat dynamic_events
echo > kprobe_events
cat dynamic_events
echo 'f:h/f vfs_read file count' >> dynamic_events
echo 'p:h/k vfs_read a=$arg1' >> dynamic_events
echo 'e:h/ek h/k a=$a' >> dynamic_events
echo 'e:h/ef h/f a=$count b=$file:x64 c=$__probe_ip if count > 5' >> dynamic_events
echo 'e:h/ef2 h/f x=$nosuch' >> dynamic_events
echo 'e:h/ef3 h/f if nosuch > 1' >> dynamic_events
echo 't:h/t sched_switch preempt' >> dynamic_events
echo 'e:h/et h/t p=$preempt' >> dynamic_events
echo 'e:h/ee h/ef p=$a' >> dynamic_events
echo 'f:h/fr vfs_read%return $retval s=+0(file):string' >> dynamic_events
echo 'e:h/efr h/fr r=$arg1 ip=$__probe_ret_ip f=$__probe_func s=$s:string' >> dynamic_events
cat dynamic_events error_log
cat events/h/efr/format
echo '-:h/f' >> dynamic_events
echo > dynamic_events
cat dynamic_events
echo '-:h/ef' >> dynamic_events
echo '-:h/f' >> dynamic_events
echo '-:h/et' >> dynamic_events
echo '-:h/efr' >> dynamic_events
cat dynamic_events
echo > dynamic_events
cat dynamic_events
echo 'p:g1/ab vfs_read' > dynamic_events
cat dynamic_events
echo > dynamic_events
cat dynamic_events kprobe_events uprobe_events
echo 'f:x/y vfs_read' >> kprobe_events
echo 't:x/y sched_switch' >> uprobe_events
echo 'e:x/y sched/sched_switch' >> kprobe_events
cat dynamic_events
cat nothing
ls README dynamic_events error_log kprobe_events uprobe_events
rmdir dynamic_events
mkdir new
""".strip().splitlines()

# The guest prints each failure's errno by name, as the program on this side does.
guest = """cd /sys/kernel/tracing
"""
for line in LINES:
    redirect = re.search(r" (>>?) (\w+)$", line)
    if redirect:
        # dd tells write(2)'s errno, which the shell's echo keeps to itself
        mode = "" if redirect.group(1) == ">" else "conv=notrunc"
        run = f"{line[:redirect.start()]} | dd of={redirect.group(2)} bs=4096 {mode} 2>&1 >/dev/null | grep dd:"
    else:
        run = f"{line} 2>&1"
    guest += f"{run}\necho '%%%'\n"
script = "".join(line + "\necho '%%%'\n" for line in LINES)

NAMES = {"Invalid argument": "EINVAL", "No such file or directory": "ENOENT", "File exists": "EEXIST",
         "Permission denied": "EACCES", "Operation not permitted": "EPERM", "Not a directory": "ENOTDIR",
         "No such device": "ENODEV", "Operation not supported": "EOPNOTSUPP", "Argument list too long": "E2BIG",
         "No such process": "ESRCH", "Device or resource busy": "EBUSY", "Invalid or incomplete multibyte or wide character": "EILSEQ"}


def masked(text):
    text = re.sub(r"^ID: \d+$", "ID: N", text, flags=re.M)
    text = re.sub(r"^\[ *\d+\.\d{6}\]", "[T]", text, flags=re.M)
    for words, name in NAMES.items():
        text = re.sub(rf"^[a-z]+: .*: {words}$", f"failed: {name}", text, flags=re.M)
    return text


def blocks(text):
    return masked(text).split("%%%\n")[:-1]


kernel = os.environ.get("FORELAND_VM_KERNEL", "6.12")
dialect = "7.3" if kernel == "7.3" else "6.12"
facts = subprocess.run([vm, "--exported"], capture_output=True, text=True, check=True).stdout.strip()
theirs = blocks(subprocess.run([vm, '--timeout', '600'], input=guest, capture_output=True, text=True).stdout)
mine = blocks(subprocess.run([ours, "--no-dump", facts, dialect], input=script, capture_output=True, text=True, check=True).stdout)
print(f"1..{len(LINES)}")
bad = len(mine) != len(LINES) or len(theirs) != len(LINES)
for i, (line, a, b) in enumerate(zip(LINES, mine, theirs), 1):
    same = a == b
    bad |= not same
    print(f"{'ok' if same else 'not ok'} {i} - {line}")
    if not same:
        print("# ours:\n#   " + a.replace("\n", "\n#   ") + "\n# the kernel's:\n#   " + b.replace("\n", "\n#   "))
sys.exit(bad)
