#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-mount-tools.py SUITE-ROOT SUITE: trace-cmd of that suite works on what "foreland mount" serves, in the guest.

It records, lists, shows, extracts and resets as on a kernel's own tracefs; what it must have seen is what the script
here has run: three times a program of a name that nobody else has."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import guest
from tap import check, sections

suite_root, suite = sys.argv[1:3]

SCRIPT = r'''
T=/sys/kernel/tracing
[ -e $T/events/enable ] || mount -t tracefs none $T
modprobe fuse 2>/dev/null
cp /bin/busybox /tmp/marked
cat >/tmp/inside <<'END'
cd /tmp
marked() { for i in 1 2 3; do /tmp/marked true; done; }
say() { echo "== $1"; shift; "$@" 2>&1; }
echo 'p:mine vfs_read count=%dx' >$T/kprobe_events
cat >/tmp/run <<'RUN'
# A recorder that is told to end before it was ready ends with nothing, on any tracefs.
for cpu in /sys/kernel/tracing/per_cpu/cpu*; do until [ -e $1.${cpu##*/} ]; do sleep 0.1; done; done
sleep 1; for i in 1 2 3; do /tmp/marked true; done; cat /proc/self/stat >/dev/null
RUN
say list $TC list -e sched_process_exec
say record $TC record --nosplice -e sched:sched_process_exec -e kprobes:mine -o a.dat sh /tmp/run a.dat
say report $TC report -i a.dat
say start $TC start -e sched:sched_process_exec
marked
say stat $TC stat
say show $TC show
$TC stop
say extract $TC extract -o b.dat
say report-b $TC report -i b.dat
say reset $TC reset
say reset-stat $TC stat
say clock $TC record --nosplice -C boot -e sched:sched_process_exec -o c.dat sh /tmp/run c.dat
say report-c $TC report -i c.dat
say place grep ' vfs_read$' /proc/kallsyms
say end true
END
T=$T TC=$PWD/trace-cmd foreland mount --only tracing - -- sh /tmp/inside
'''


def carried(tmp):
    """What the guest is given: the program with its own loader, which finds its own libraries."""
    root = subprocess.run([suite_root, '--packages', 'trace-cmd', suite], capture_output=True, text=True)
    if root.returncode:
        guest.need(f'no root of {suite}: {root.stderr.strip().splitlines()[-1:]}')
    root = root.stdout.strip()
    program, loader = f'{root}/usr/bin/trace-cmd', f'{root}/lib64/ld-linux-x86-64.so.2'
    lib = f'{root}/usr/lib/x86_64-linux-gnu'
    wanted = subprocess.run([loader, '--library-path', lib, '--list', program], capture_output=True, text=True).stdout
    os.makedirs(f'{tmp}/suite')
    for path in [program, loader, *re.findall(r'=> (\S+)', wanted)]:
        shutil.copy(path, f'{tmp}/suite')
    with open(f'{tmp}/trace-cmd', 'w') as f:
        f.write('#!/bin/sh\nd=${0%/*}/suite\nexec "$d/ld-linux-x86-64.so.2" --library-path "$d" "$d/trace-cmd" "$@"\n')
    os.chmod(f'{tmp}/trace-cmd', 0o755)
    return ['--copy', f'{tmp}/suite', '--copy', f'{tmp}/trace-cmd']


guest.need()
with tempfile.TemporaryDirectory() as tmp:
    ended = guest.run(SCRIPT, '--modules', 'fuse', *carried(tmp))
said = sections(ended.stdout)


def marked(part):
    return re.findall(r'\] .*sched_process_exec: +filename=(/tmp/marked)', said.get(part, ''))


def expect(part, good, what):
    check(good, what, said.get(part, ended.stdout[-2000:] + ended.stderr[-500:]))


expect('list', 'sched:sched_process_exec' in said.get('list', ''), 'list: the events')
expect('record', 'events lost' not in said.get('record', 'events lost'), 'record: nothing is lost')
expect('report', len(marked('report')) == 3, 'report: each program that was run, once')
places = re.findall(r' mine: +\((\w+)\S*\) count=', said.get('report', ''))
expect('report', places and set(places) <= set(re.split(r'\s+', said.get('place', ''))),
       'report: a definition, with its place as the kernel lists it')
expect('stat', 'sched_process_exec' in said.get('stat', '') and 'mine vfs_read' in said.get('stat', ''), 'stat: what is enabled, and the definitions')
expect('show', len(marked('show')) == 3, 'show: the same')
expect('report-b', len(marked('report-b')) == 3, 'extract: the same, out of the buffers')
expect('reset-stat', 'sched_process_exec' not in said.get('reset-stat', 'sched_process_exec'), 'reset: nothing is enabled')
expect('report-c', len(marked('report-c')) == 3, 'record -C: another clock')
sys.exit(guest.done())
