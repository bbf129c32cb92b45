# SPDX-License-Identifier: GPL-2.0-or-later
# What every other test in the guest stands on: the program runs, and the kernel shows what it reads.
check 'foreland --version runs' foreland --version
check 'foreland --help runs' foreland --help
status 2 'a command that does not exist is a usage error' foreland no-such-command
check 'the kernel has BTF' test -s /sys/kernel/btf/vmlinux
check 'tracefs takes probe events' test -w /sys/kernel/tracing/dynamic_events
check 'symbols have addresses' sh -c "grep -q '^ffffffff[0-9a-f]* [Tt] vfs_read\$' /proc/kallsyms"
check 'bpffs is mounted' test -d /sys/fs/bpf
check 'cgroup2 is mounted' test -f /sys/fs/cgroup/cgroup.procs
check 'debugfs is mounted' test -d /sys/kernel/debug/kprobes
prints 2 'two CPUs' nproc
