#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-mount-modules.py KERNEL: modules that come and go while "foreland mount" serves, in the guest.

The module is the kernel's own sample (tests/vm/samples); what must be seen is what it does, once a second in a thread
of its name, and the number of its event in the kernel's own tracefs."""
import os
import re
import subprocess
import sys
import tempfile

import guest
from tap import check, sections

kernel = sys.argv[1]
os.environ['FORELAND_VM_KERNEL'] = kernel

INSIDE = r'''
cd /sys/kernel/tracing
say() { echo "== $1"; shift; "$@" 2>&1; }
wait_for() { i=0; until grep -q "$1" trace || [ $i = 100 ]; do sleep 0.1; i=$((i+1)); done; }
enable() { echo 1 >$1/enable; }
echo 't:early foo_bar' >>dynamic_events
enable events/tracepoints/early
modprobe trace-events-sample
wait_for 'early:'
say early grep -m 1 'early: ' trace
say new sh -c 'echo "f:timer sample_timer_cb" >>dynamic_events && tail -n 1 dynamic_events'
say listed ls -d events/sample-trace/foo_bar
echo 0 >events/enable; echo >dynamic_events
say rmmod rmmod trace-events-sample
say gone cat events/sample-trace/foo_bar/id
say unlisted sh -c 'ls events | grep -c sample-trace; grep -c ^sample-trace available_events'
modprobe trace-printk
say symbol sh -c 'echo "p:late trace_printk_irq_work" >>kprobe_events && cat kprobe_events'
modprobe trace-events-sample
say id cat events/sample-trace/foo_bar/id
say kernels cat /tmp/real/events/sample-trace/foo_bar/id
enable events/sample-trace/foo_bar
wait_for 'foo_bar:'
say again grep -m 1 'foo_bar: ' trace
say end true
'''
SCRIPT = r'''
mkdir -p /lib/modules/$(uname -r) /tmp/real && cp samples/*.ko /lib/modules/$(uname -r) && depmod
T=/sys/kernel/tracing; [ -e $T/events/enable ] || mount -t tracefs none $T
mount --bind $T /tmp/real
modprobe fuse 2>/dev/null
foreland mount --only tracing - -- sh inside
'''

guest.need()
built = subprocess.run([os.path.join(guest.top, 'tests/vm/samples/build'), '--kernel', kernel], capture_output=True, text=True)
if built.returncode == 77:
    guest.need(built.stderr.strip().split('\n')[-1])
with tempfile.TemporaryDirectory() as tmp:
    with open(f'{tmp}/inside', 'w') as f:
        f.write(INSIDE)
    ended = guest.run(SCRIPT, '--modules', 'fuse', '--copy', f'{built.stdout.strip()}:samples', '--copy', f'{tmp}/inside')
said = sections(ended.stdout)


def expect(part, pattern, what):
    check(re.search(pattern, said.get(part, '')), what, said.get(part, ended.stdout[-2000:] + ended.stderr[-500:]))


expect('early', r'event-sample.* early: ', 'an event that waits for a module begins when it comes')
expect('new', r'^f:fprobes/timer sample_timer_cb$', "a function of a module that has come can be probed")
expect('listed', r'^events/sample-trace/foo_bar$', 'its events are there')
expect('rmmod', r'\A\Z', 'the module goes, once nothing is enabled')
expect('gone', r'No such file', 'and its events with it, for who names them')
expect('unlisted', r'\A0\n0\n\Z', 'and for who lists them')
expect('symbol', r'^p:kprobes/late trace_printk_irq_work$', 'a name that was not known before is, with its module')
check(said.get('id') == said.get('kernels', '?'), "an event that comes again has the kernel's new number", f"{said.get('id')} {said.get('kernels')}")
expect('again', r'event-sample.* foo_bar: foo hello', 'and can be enabled')
sys.exit(guest.done())
