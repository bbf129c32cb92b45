#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-mount-writes.py WRITE-CASES: what is right and what is wrong is written to each file that can be written to, on
"foreland mount" and on the kernel's own tracefs beside it, of a kernel that has all of it (7.3). The errno, what the
file shows then and what error_log says must be the same. WRITE-CASES (write-cases.c) does it in the guest.

A write of no bytes is no case: the kernel answers it without asking a FUSE server.
"""
import os
import re
import sys
import tempfile

import guest
from tap import check

SS = 'events/sched/sched_switch'
FORK = 'events/sched/sched_process_fork' # which does not happen meanwhile
LONG = 'a' * 5000


def definitions():
    """Files of definitions: what each takes of the others' kinds, halves of lines, and what cannot be."""
    texts = [r'p:a vfs_read\n', 'p:b vfs_read', r'\n', '', ' ', r'\n\n', r'p\n', r'p:\n', r'p:/\n', r'p:g/\n', r'p:/e vfs_read\n',
             r'p:g/h/i vfs_read\n', r'p:1a vfs_read\n', r'p:a-b vfs_read\n', r'p vfs_read+0x100000\n', r'p no_such_function\n',
             r'p vfs_read+x\n', r'p vfs_read-1\n', r'p:c vfs_read a=%nn\n', r'p:c vfs_read a=$arg0\n', r'p:c vfs_read =%ax\n',
             r'p:c vfs_read a=%ax a=%bx\n', r'p:c vfs_read a=+0(%ax\n', r'p:c vfs_read a=+0(%ax))\n', r'p:c vfs_read a=%ax:u7\n',
             r'p:c vfs_read a=%ax:\n', r'p:c vfs_read a=@\n', r'p:c vfs_read a=$stack999999\n', r'p:c vfs_read a=\\"x\n',
             r'r:d vfs_read $retval\n', r'r0:d2 vfs_read\n', r'r99999:d3 vfs_read\n', r'r-1:d4 vfs_read\n', r'p5:d5 vfs_read\n',
             r'f:e vfs_read\n', r'f:e2 vfs_read%return $retval\n', r'f:e3 vfs_read%retur\n', r'f:e3 no_such_function\n',
             r't:t1 sched_switch\n', r't:t2 no_such_tracepoint\n', r'e:p1 sched/sched_switch a=$next_pid\n',
             r'e:p2 sched.sched_switch\n', r'e:p3 sched/nothing\n', r'e:p4 sched/sched_switch a=$nothing\n',
             r'e:p5 sched/sched_switch a=$next_pid if\n', r'e:p5 sched/sched_switch a=$next_pid if next_pid ==\n',
             r's:s1 int a\n', r's:s2 int a; long b\n', r's:s3 nothing a\n', r's:s4\n', r's:s5 int\n', r's:s6 int a;;\n',
             r'x:y z\n', r'#p:q vfs_read\n', r'p:r1 vfs_read\np:r2 no_such_function\np:r3 vfs_read\n', r'-:r1\n', r'-:r1\n',
             r'-:nothing\n', r'-\n', r'-:g/\n', r'-:kprobes/\n', r'p:u1 /bin/busybox:0x100\n', r'p:u2 /bin/busybox:x\n',
             r'p:u3 /no/such:0x100\n', r'p:u4 /bin:0x100\n', r'r:u5 /bin/busybox:0x100\n', r'p:u6 /bin/busybox:0x100(0x20)\n',
             r'p:u7 /bin/busybox:0x100%return\n', r'p:a vfs_write\n', r'p:a vfs_read\n', r'p:a vfs_write extra=%ax\n',
             r'p:nul vfs_read\0 %ax\n', r'p:' + LONG + r' vfs_read\n', 'p:l vfs_read ' + ' '.join(f'a{i}=%ax' for i in range(129)) + r'\n',
             r'p:\xc3\xa4 vfs_read\n', r'p:g2/z vfs_read', r'p:kw vfs_read common_pid=%ax\n', r'p:kw __x64_sys_getpid\n',
             r'p:cm vfs_read # comment\n', r'   p:sp   vfs_read    a=%ax  \n', r'p:tab\tvfs_read\ta=%ax\n']
    for file in ('dynamic_events', 'kprobe_events', 'uprobe_events'):
        for text in texts:
            yield f'a {file} {text}'
        yield f't {file} '
        yield 'show dynamic_events'
        yield 't dynamic_events '
    for text in [r'a1 int x\n', r'a2 int x; char y[16]; long z\n', 'a3 int x', r'a4\n', r'a5 x\n', r'a6 int\n', r'a7 int x x\n',
                 r'a8 int x; int x\n', r'a1 int x\n', r'a1 long x\n', r'!a1\n', r'!a1 long x\n', r'!a1 int x\n', r'!a1 int x\n', r'a9 char y[\n',
                 r'a9 char y[]\n', r'a9 char y[0]\n', r'a9 char y[99999]\n', r'a9 unsigned x\n', r'1a int x\n', r'a-b int x\n',
                 r'\n', '', r'#a int x\n', r'a10 int x;\n', r's:a11 int x\n', r'a12 u64 x; pid_t y; gfp_t z; bool b\n',
                 r'a13 struct foo x\n', r'a14 int *x\n', r'a15 long[] x\n', r'a15 unsigned long[] x\n',
                 r'p:a vfs_read\n', 'a16 ' + '; '.join(f'int x{i}' for i in range(17)) + r'\n', 'a17 ' + '; '.join(f'int x{i}' for i in range(65)) + r'\n',
                 'a' * 300 + r' int x\n', r'a18 int x\na19 int y\nb- int\na20 int z\n']:
        yield f'a synthetic_events {text}'
    yield 'show dynamic_events'
    yield 't synthetic_events '


def switches():
    numbers = ['0', '1', r'1\n', '2', '-1', '', r'\n', 'x', '01', '0x1', ' 1', '1 ', '1 1', '10', '99999999999999999999', r'1\0', 'y', 'on', '+1']
    for file in (SS + '/enable', 'events/signal/enable', 'tracing_on', 'options/event-fork', 'options/stacktrace'):
        for text in numbers:
            yield f'w {file} {text}'
        yield f'w {file} ' + ('1' if file == 'tracing_on' else '0')
    for text in ['0', '2', 'x', '']:
        yield f'w events/enable {text}'
    for text in numbers + ['1408', '7', '4096', '123456789012']:
        if text not in ('99999999999999999999',):
            yield f'w buffer_size_kb {text}'
    yield 'w buffer_size_kb 64'
    yield 'w per_cpu/cpu0/buffer_size_kb 32'
    yield 'show per_cpu/cpu0/buffer_size_kb'
    yield 'w buffer_size_kb 1408'
    for text in ['mono', r'boot\n', 'local', ' local', 'loca', 'locally', '', r'\n', 'local mono', 'nothing', r'local\n\n', 'LOCAL']:
        yield f'w trace_clock {text}'
    for text in ['nop', r'nop\n', ' nop', 'nop ', '', r'\n', 'nopnop', 'nothing', 'x' * 200]:
        yield f'w current_tracer {text}'
    for text in ['1', r'1\n', '3', '0', '', 'x', '1,1', '00000001', 'f', '1 1', ',', '100000000', '-1', r'3\n']:
        yield f'w tracing_cpumask {text}'
    yield 'w tracing_cpumask 3'
    for text in ['0', '1', '2', '', 'x', '-1', '1 ', '0x1', '3']:
        yield f'w snapshot {text}'
    yield 'w snapshot 0'
    for text in ['', 'x', r'\n', 'anything']:
        yield f'- tracing_on w trace {text}'
        yield f'- tracing_on t trace {text}'


def names():
    for file in ('set_event', 'set_event_pid', 'set_event_notrace_pid'):
        yield f't {file} '
    for text in ['sched:sched_switch', r'sched:sched_wakeup\n', r'!sched:sched_switch\n', 'nothing', 'nothing:x', 'sched:nothing', 'signal:', '!signal:',
                 ':sched_switch', '!:sched_switch', '*', '!*', '!', '!nothing', r'signal:*\n', r'!signal:*\n', '*:sched_switch', '!*:sched_switch', 'signal', '!signal',
                 'sched_switch', '!sched_switch', 'sched:sched_sw*', '!sched:*', 'sched:sched_switch:x', '', r'\n', ' ', 'sched:sched_switch nothing signal:*',
                 r'sched:sched_switch\nsched:sched_wakeup\n', '!*:*', 'ftrace:print', 'ftrace', ':mod:nothing', ':mod:', '!:mod:nothing',
                 'sched:sched_switch:mod:nothing', '!sched:sched_switch:mod:nothing', '*:*:mod:nothing', '!*:*:mod:nothing', r'sched\0:sched_switch']:
        yield f'a set_event {text}'
    yield 't set_event sched:sched_switch'
    yield 't set_event '
    for file in ('set_event_pid', 'set_event_notrace_pid'):
        for text in ['1', r'1\n', '1 2 3', r'4\n5\n', '', r'\n', 'x', '1 x', '-1', '0', '99999999', '4194304', '4194303', '3 3 3', ' 7', '0x10', '!1', '1,2']:
            yield f'a {file} {text}'
        yield f't {file} 9'
        yield f't {file} '


def filters():
    F = SS + '/filter'
    for text in ['next_pid == 1', 'next_pid == 1 &&', '&& next_pid == 1', '(next_pid == 1', 'next_pid == 1)', 'next_pid', '== 1', 'next_pid = 1', 'next_pid == x',
                 'nothing == 1', 'next_comm == "a"', 'next_comm == a', 'next_comm ~ "a*"', 'next_comm ~ a', 'next_comm > "a"', 'next_pid ~ "a"', 'next_pid & 1',
                 'next_pid == 99999999999999999999', 'next_pid == -1', 'next_pid == 0x', 'next_pid == 1 || next_comm == "x"', '!(next_pid == 1)', '!', '()', '',
                 r'\n', ' ', '0', r'0\n', 'none', '1', 'next_comm == "unended', 'CPU == 0', 'CPU{1} == 0', 'cpu & CPUS{0-1}', 'CPU & CPUS{x}', 'CPU & CPUS{0',
                 'COMM == "a"', 'common_pid == 1', 'common_type == 1', 'next_pid == 1 && next_pid', 'next_pid == 1 next_pid == 2', 'next_pid==1&&prev_pid==2||prev_prio<3',
                 'next_comm == ""', 'next_comm == "' + 'x' * 300 + '"', 'next_pid & 0', 'next_pid <> 1', 'next_pid >== 1', 'next_comm == \'a\'',
                 '(' * 60 + 'next_pid == 1' + ')' * 60, 'next_pid == 1 &', 'next_pid | 1', '.', 'next_pid == 1;', 'next_pid.ustring == "a"', 'next_comm.ustring == "a"',
                 'next_pid.function == vfs_read', 'prev_state.function == no_such_fn', 'next_pid == 1 \\\\ x', 'prev_state != 0 && !next_pid', 'next_pid == "1"', 'x' * 4200]:
        yield f'w {F} {text}'
    yield f'w {F} 0'
    for text in ['next_pid == 1', 'nothing == 1', 'prev_pid == 1 &&', '0', '']:
        yield f'- {F} w events/sched/filter {text}'
    yield 'show events/sched/filter'
    yield 'w events/sched/filter 0'
    yield f'w {F} 0'


def triggers():
    T = FORK + '/trigger'
    for text in ['traceon', 'traceoff', 'traceoff:1', 'traceoff', '!traceoff', '!traceoff', 'traceon:', 'traceon:x', 'traceon:0', '!traceon', 'traceon:-1', '!traceon:5',
                 'traceon if child_pid == 1', '!traceon if child_pid == 7', 'traceon if', 'traceon if nothing == 1', 'traceon if child_pid ==', 'traceon child_pid == 1', 'traceon:1:2', '!traceon',
                 'snapshot', '!snapshot', 'snapshot:1', '!snapshot:1', 'stacktrace', 'stacktrace', '!stacktrace', 'stacktrace:3', '!stacktrace',
                 'enable_event', 'enable_event:', 'enable_event:sched', 'enable_event:sched:', 'enable_event:sched:nothing', 'enable_event:sched:sched_wakeup', 'enable_event:sched:sched_wakeup:2',
                 '!enable_event:sched:sched_wakeup', 'disable_event:sched:sched_wakeup:1', 'enable_event:sched:sched_wakeup', '!disable_event:sched:sched_wakeup', 'enable_event:sched:sched_wakeup:x', '!enable_event:sched:sched_wakeup',
                 'enable_hist:sched:sched_wakeup', '!enable_hist:sched:sched_wakeup', 'nothing', '!nothing', '', r'\n', ' ', '!', 'hist', 'hist:', 'hist:keys', 'hist:keys=', 'hist:keys=nothing', 'hist:keys=child_pid',
                 'hist:keys=child_pid', '!hist:keys=child_pid', '!hist:keys=child_pid', 'hist:keys=child_pid:vals=nothing', 'hist:keys=child_pid:vals=', 'hist:vals=child_pid', 'hist:keys=child_pid.hex', '!hist:keys=child_pid.hex',
                 'hist:keys=child_pid.nothing', 'hist:keys=child_pid,child_pid', '!hist:keys=child_pid,child_pid', 'hist:keys=child_pid:size=100', '!hist:keys=child_pid:size=100', 'hist:keys=child_pid:size=x', 'hist:keys=child_pid:size=0', 'hist:keys=child_pid:sort=nothing',
                 'hist:keys=child_pid:sort=child_pid', '!hist:keys=child_pid:sort=child_pid', 'hist:keys=child_pid:sort=', 'hist:keys=child_pid:pause', 'hist:keys=child_pid:cont', 'hist:keys=child_pid:clear', '!hist:keys=child_pid', 'hist:keys=child_pid if nothing', 'hist:keys=child_pid if child_pid > 3',
                 '!hist:keys=child_pid if child_pid > 3', 'hist:keys=child_pid:name=a', '!hist:keys=child_pid:name=a', 'hist:keys=child_pid:x=child_pid', '!hist:keys=child_pid:x=child_pid', 'hist:keys=child_pid:x=$nothing', 'hist:keys=child_pid:x=1+', 'hist:keys=child_pid:nothing', 'hist:keys=child_pid:onmax($x).save(child_pid)',
                 'hist:keys=child_pid:onmatch(a.b).trace(c)', 'hist:keys=child_pid:onmatch(a.b)', 'hist:keys=child_pid.log2', '!hist:keys=child_pid.log2', 'hist:keys=child_pid.buckets=10', '!hist:keys=child_pid.buckets=10', 'hist:keys=child_pid.buckets', 'hist:keys=common_timestamp', '!hist:keys=common_timestamp',
                 'hist:keys=stacktrace', '!hist:keys=stacktrace', 'hist:keys=child_comm.hex', 'hist:keys=child_comm:vals=child_comm', 'traceon snapshot', 'traceoff:1 if child_pid == 1', '!traceoff:1']:
        yield f'w {T} {text}'
    yield f't {T} '
    yield 'w tracing_on 1'
    yield f'show {FORK}/hist'


def markers():
    for text in ['a', '', r'\n', r'a\nb\n', r'a\0b', 'x' * 100]:
        yield f'- tracing_on w trace_marker {text}'
    for text in ['', 'a', 'abc', 'abcd', r'\x01\0\0\0data', 'abcd' + 'x' * 3500, 'abcd' + 'x' * 4100]:
        yield f'- tracing_on w trace_marker_raw {text}'
    yield 'w tracing_on 0'
    yield '- tracing_on w trace_marker a'
    yield '- tracing_on w trace_marker_raw abcdef'
    yield 'w tracing_on 1'


def read_only():
    for file in ('README', 'available_events', 'available_tracers', 'enabled_functions', 'kprobe_profile', 'uprobe_profile', SS + '/id', SS + '/format', SS + '/hist',
                 'events/header_page', 'per_cpu/cpu0/stats', 'trace_pipe', 'per_cpu/cpu0/trace_pipe_raw', 'saved_cmdlines', 'events/sched', 'events', 'instances', '.',
                 'events/nothing/enable', 'nothing', 'events/sched/nothing'):
        yield f'- tracing_on w {file} x'
    yield '- tracing_on t error_log '
    yield 't error_log x'
    for file in ('trace_marker', 'trace_marker_raw'):
        yield f'show {file}'


def instances():
    yield from ['c nothing x', 'c events/nothing x', 'c events/sched/nothing x', 'c instances/nothing x', 'mkdir instances/a', 'mkdir instances/a', 'stat instances/a/trace', 'mkdir instances/a/b', 'mkdir nothing', 'mkdir events/x', 'mkdir instances/' + 'n' * 256, 'mkdir instances/' + 'n' * 255,
                'rmdir instances/' + 'n' * 255, 'mkdir instances/x y', 'rmdir instances/x', 'mv instances/a instances/c', 'mv instances/a/trace instances/a/t', 'mv events/sched events/s', 'rmdir instances/nothing', 'rmdir instances', 'rmdir events/sched',
                'rmdir instances/a/events', 'rmdir instances/a/trace', 'w instances/a/' + SS + '/enable 1', 'show instances/a/set_event', 'show set_event', 'stat instances/a/kprobe_events', 'stat instances/a/dynamic_events', 'stat instances/a/synthetic_events',
                'stat instances/a/README', 'stat instances/a/instances', 'stat instances/a/error_log', 'stat instances/a/trace_clock', 'stat instances/a/snapshot', 'stat instances/a/trace_marker', 'stat instances/a/per_cpu/cpu0/trace_pipe_raw', 'stat instances/a/enabled_functions',
                'stat instances/a/available_events', 'stat instances/a/saved_cmdlines', 'stat instances/a/options/event-fork', 'stat instances/a/events/enable', 'stat instances/a/current_tracer', 'stat instances/a/buffer_size_kb', 'stat instances/a/set_event_pid',
                'rmdir instances/a', 'rmdir instances/a', 'mkdir instances/.', 'rmdir instances/.', 'rmdir instances/..']


SECTIONS = [definitions, switches, names, filters, triggers, markers, read_only, instances]
# What is no error and yet not the same, and why.
DIFFERENT = [
    (r' set_event .*( nothing signal|wakeup\\n$)', 'the kernel takes one word a write, and says so by a short count'),
    (r' set_event .*\\0', 'and a NUL ends a word'),
    (r' set_event .*:mod:', 'events of modules that are to come'),
]


def is_different(case):
    return any(re.search(pattern, case) for pattern, _ in DIFFERENT)


def masked(case, said):
    """Without what is this buffer's own: its sizes, the clocks that there are, help; events are in no order."""
    if said is None or re.search(r' (?:error_log|README) ', case):
        return said
    if 'buffer_size_kb' in case:
        return re.sub(r'\| \d+', '| N', said)
    if 'trace_clock' in case:
        return re.sub(r'\| .*(\[\w+\]).*', r'\1', said)
    if re.search(r'\b[ws] snapshot\b', case):
        return re.sub(r'\| # echo .*\n(?:  \| #  .*\n)*', '', said)
    if re.search(r'\bset_event\b', case):
        return '\n'.join(sorted(said.splitlines()))
    return said



if __name__ == '__main__':
    guest.need()
    cases = [line for section in SECTIONS for line in section()]
    with tempfile.TemporaryDirectory() as tmp:
        with open(f'{tmp}/cases', 'w') as f:
            f.write('\n'.join(cases) + '\n')
        keep = os.environ.get('KEEP', tmp)
        guest.run('T=/sys/kernel/tracing; [ -e $T/events/enable ] || mount -t tracefs none $T\n'
                  'chmod 755 write-cases; ./write-cases $T <cases >/tmp/theirs; foreland mount --only tracing - -- ./write-cases $T <cases >/tmp/ours\n',
                  '--modules', 'fuse', '--copy', f'{tmp}/cases', '--copy', sys.argv[1],
                  '--bring', f'/tmp/theirs:{keep}/theirs', '--bring', f'/tmp/ours:{keep}/ours')
        said = [dict(re.findall(r'^== (\d+) [^\n]*\n(.*?)(?=^== |\Z)', open(f'{keep}/{who}', errors='replace').read(), re.M | re.S)) for who in ('theirs', 'ours')]
    for i, case in enumerate(cases, 1):
        theirs, ours = (masked(case, s.get(str(i))) for s in said)
        if theirs != ours and not case.endswith(' ') and not is_different(case):
            check(False, f'{i} {case[:150]}', f'kernel:\n{theirs}\nours:\n{ours}')
    check(len(said[0]) == len(cases), f'{len(cases)} writes')
    sys.exit(guest.done())
