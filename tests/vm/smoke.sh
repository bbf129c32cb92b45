# SPDX-License-Identifier: GPL-2.0-or-later
# The least that must work on every kernel: each hook sees what a process of known behaviour does, with
# values that the process knows itself, and nothing is left behind.
echo hello >/tmp/here
words() { foreland trace --comm busybox "$@" 2>err | sed -n 's/^.*: [a-z_0-9]*: ([^)]*) //p' | sort -u; }
reads() { words "$1" -- busybox dd if=/tmp/here of=/dev/null bs=77 count=1 2>/dev/null; }

matches '^  yes  kprobe ' 'doctor has an answer' foreland doctor
prints 'name="here" n=77' 'kprobe, a path and a register' \
	reads 'p vfs_read name=file->f_path.dentry->d_name.name:string n=count if n == 77'
prints 'n=77' 'function entry' reads 'f vfs_read n=count if n == 77'
prints 'n=77 r=6' 'function return' reads 'f vfs_read%return n=count r=$retval if n == 77'
prints 'c="busybox"' 'kernel tracepoint' \
	words 't sched_process_exit c=p->comm:string' -- busybox true
prints 'c="busybox"' 'trace event' \
	words 'e sched.sched_process_exit c=$comm:string' -- busybox true
counted() { foreland trace --comm busybox --hist keys=count 'f vfs_read count' -- busybox dd if=/tmp/here of=/dev/null bs=77 count=1 2>/dev/null | grep -c '^{ count: *77 } hitcount: *1$'; }
prints 1 'a histogram' counted
native() { words --via tracefs "$@"; }
prints 'n=77' "through the kernel's own tracer" \
	native 'p vfs_read n=count if n == 77' -- busybox dd if=/tmp/here of=/dev/null bs=77 count=1
prints '' 'nothing is left' cat /sys/kernel/tracing/dynamic_events
