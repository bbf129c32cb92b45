#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-mount-peers.py FORELAND SUITE-ROOT: people's own tools on the files of "foreland mount", unmodified, of sid:
perf, bpftrace and trace-cmd's sqlhist, in the command's namespace on this machine. Each knows nothing of us; what they
must find is what a line of shell has defined, or what the kernel's own files say.

rtla is none of them: it is a face of the kernel's own latency tracers.
"""
import os
import re
import subprocess
import sys

from tap import check, done, sections, skip

foreland, suite_root = os.path.abspath(sys.argv[1]), sys.argv[2]


def leave(why):
    print('1..0 # SKIP', why)
    sys.exit(0)


# The kernel's events are read from its tracefs, which not every machine has mounted.
if os.geteuid() == 0 and 'FORELAND_OWN_MOUNTS' not in os.environ and subprocess.run(['unshare', '-m', 'true'], stderr=subprocess.DEVNULL).returncode == 0:
    os.environ['FORELAND_OWN_MOUNTS'] = '1'
    os.execvp('unshare', ['unshare', '-m', 'sh', '-c', '[ -e /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing\n'
                          'exec "$@"', 'sh', sys.executable, *sys.argv])
mount = subprocess.run([foreland, 'mount', '--only', 'tracing', '-', '--', 'test', '-d', '/sys/kernel/tracing/events/sched/sched_switch'],
                       stderr=subprocess.PIPE, text=True)
if mount.returncode:
    leave(mount.stderr.strip().split('\n')[-1] or 'the events of the kernel cannot be read here')
root = subprocess.run([suite_root, '--packages', 'linux-perf bpftrace trace-cmd', 'sid'], capture_output=True, text=True)
if root.returncode:
    leave(root.stderr.strip().split('\n')[-1])
root = root.stdout.strip()
TOOL = f"""
tool() {{ p=$1; shift; {root}/lib64/ld-linux-x86-64.so.2 --library-path {root}/usr/lib/x86_64-linux-gnu {root}/usr/bin/$p "$@" 2>&1; }}
say() {{ echo "== $1"; shift; tool "$@"; }}
cd /sys/kernel/tracing
"""
INSIDE = TOOL + """
echo 'p:mine vfs_read a=%ax' >kprobe_events
say listed perf probe -l
say events perf list 'kprobes:*'
say ours perf record -o /dev/null -e kprobes:mine true
say theirs perf record -o /dev/null -e sched:sched_process_exec true
say tracepoints bpftrace -l 'tracepoint:sched:sched_sw*'
say removed perf probe -d mine
echo == left; cat kprobe_events
say sqlhist trace-cmd sqlhist -n waking -e 'select start.pid from sched_waking as start join sched_switch as end on start.pid = end.next_pid'
echo == synthetic; cat synthetic_events
echo == end
"""


said = sections(subprocess.run([foreland, 'mount', '--only', 'tracing', '-', '--', 'sh', '-c', INSIDE], stdout=subprocess.PIPE, text=True).stdout)
outside = subprocess.run(['sh', '-c', TOOL + 'tool perf record -o /dev/null -e sched:sched_process_exec true >/dev/null'],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def expect(part, pattern, what):
    check(re.search(pattern, said.get(part, ''), re.M), what, said.get(part))


expect('listed', r'kprobes:mine +\(on vfs_read', 'perf probe -l: a definition')
expect('events', r'kprobes:mine .*Tracepoint event', 'perf list: it is an event')
expect('ours', r"Failure to open event 'kprobes:mine'|Permission|permitted", 'perf record of it is refused, and records no other event')
if outside.returncode:
    skip('perf record of an event of the kernel', 'it may not here, with the kernel\'s own files')
else:
    expect('theirs', r'Captured and wrote', 'perf record of an event of the kernel')
expect('tracepoints', r'^tracepoint:sched:sched_switch$', 'bpftrace -l: events')
expect('removed', r'Removed event: kprobes:mine', 'perf probe -d: the definition')
expect('left', r'\A\Z', 'which then is gone')
expect('sqlhist', r"echo 's:waking pid_t pid;'", 'trace-cmd sqlhist: what it would write')
expect('synthetic', r'^waking\tpid_t pid$', 'and what it has written')
sys.exit(done())
