#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-trace-percpu.py FORELAND: per-CPU variables on the running kernel, whether its list of symbols has
data or not (KALLSYMS_ALL=n leaves it out). What they hold is known otherwise: the number of the CPU and
the thread that runs on it stand in front of each line.
"""
import json, os, re, subprocess, sys

import pidns
from tap import done, expect

foreland = sys.argv[1]


def variables():
    """Names of vmlinux's per-CPU variables, by bpftool."""
    dump = subprocess.run(['bpftool', 'btf', 'dump', 'file', '/sys/kernel/btf/vmlinux'],
                          capture_output=True, text=True)
    return set(re.findall(r"^\[\d+\] VAR '(\w+)'", dump.stdout, re.M))


def main():
    probe = subprocess.run([foreland, 'trace', '-n', '1', 't sched_switch'], capture_output=True, text=True)
    if probe.returncode:
        print('1..0 # SKIP raw tracepoint programs cannot be loaded here')
        return 0
    known = variables()
    hot = 'pcpu_hot' in known       # 6.2 to 6.14 keep them in one struct
    if not hot and not {'cpu_number', 'current_task'} <= known:
        print('1..0 # SKIP no per-CPU variable of a known value in BTF')
        return 0
    number = '(pcpu_hot)(this_cpu_ptr(@pcpu_hot))->cpu_number' if hot else 'this_cpu_read(@cpu_number)'
    task = '(pcpu_hot)(this_cpu_ptr(@pcpu_hot))->current_task' if hot else 'this_cpu_read(@current_task)'
    args = [f'cpu={number}:s32', f'pid=(task_struct)({task})->pid:s32', 'same=$current', f'task={task}:x64',
            'off=this_cpu_read(@this_cpu_off):x64']
    symbols = open('/proc/kallsyms').read()
    where = 'with' if re.search(r'^[0-9a-f]*[1-9a-f][0-9a-f]* \w this_cpu_off$', symbols, re.M) else 'without'
    # something to switch to on each CPU
    work = ' '.join(f'taskset -c {cpu} sh -c "for n in 1 2 3 4 5 6 7 8; do sleep 0.01; done";' for cpu in os.sched_getaffinity(0))
    run = subprocess.run([foreland, 'trace', '--dialect', 'mainline', '--json', 't:per/cpu sched_switch ' + ' '.join(args),
                          '--', 'sh', '-c', work], capture_output=True, text=True)
    out, err = run.stdout, run.stderr
    rows = [r for r in map(json.loads, out.splitlines()) if 'args' in r]
    expect(f'traced, {where} symbols of data', run.returncode == 0 and rows, err)
    expect('the number of the CPU', all(r['args']['cpu'] == r['cpu'] for r in rows), rows[:3])
    expect('the thread that runs on it', all(r['args']['task'] == r['args']['same'] and
                                             (r['args']['pid'] == r['pid'] or not pidns.is_initial()) for r in rows), rows[:3])
    offsets = {cpu: {r['args']['off'] for r in rows if r['cpu'] == cpu} for cpu in {r['cpu'] for r in rows}}
    expect('an offset a CPU, each its own', len(offsets) == len(os.sched_getaffinity(0)) and
           all(len(v) == 1 for v in offsets.values()) and
           len(set.union(*offsets.values())) == len(offsets), offsets)
    none = subprocess.run([foreland, 'trace', '-n', '1', 't sched_switch x=this_cpu_read(@no_such_variable)'],
                          capture_output=True, text=True)
    expect('a variable that does not exist is refused at its argument', none.returncode == 1 and
           "symbol 'no_such_variable' has no address on this kernel" in none.stderr, none.stderr)
    return done()


sys.exit(main())
