#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A function, types and an event of a module that was built elsewhere: a timer's callback on each
of two CPUs, whose data are reached by a container_of cast and whose per-CPU counter starts below
zero. The module's own event, traced by the kernel at the same time, says what the callback saw: it
knows nothing of BTF, of casts or of probes.
"""
import json, os, re, subprocess, sys, tempfile

from guest import done, expect, need, run

here = os.path.dirname(os.path.abspath(__file__))
FIRINGS = 60

CAST = '(foo_timer_data,timer)t'
COUNT = f'count=this_cpu_read({CAST}->counter):s32'
VALUES = f'name={CAST}->name:string {COUNT}'
# The hook of each, and what it can see of the callback's data.
PROBES = {
    'entry': ('fentry', f'f:s/entry sample_timer_cb {VALUES}'),
    'leave': ('fexit', f'f:s/leave sample_timer_cb%return {VALUES}'),
    'many': ('kprobe.multi', 'f:s/many sample_timer_c* ' + VALUES.replace(')t->', ')$arg1->')),
    'regs': ('kprobe', f'p:s/regs sample_timer_cb {VALUES}'),
    'back': ('kretprobe', f'r:s/back sample_timer_cb {VALUES}'),
    'raw': ('raw tracepoint', 't:s/raw foo_timer_fn name=data->name:string '
                              'count=this_cpu_read(data->counter):s32'),
    'field': ('tracepoint', 'e:s/field sample-trace/foo_timer_fn name=$name:string count=$count:s32'),
}

# Timers interrupt whoever runs, the tracer too: its own are wanted as well.
SCRIPT = f'''
tracing=/sys/kernel/tracing
run=/sys/module/trace_events_sample/parameters
insmod ./trace-events-sample.ko || exit
echo -5 >$run/first
echo {FIRINGS} >$run/firings
echo 8 >$run/period_ms
echo mono >$tracing/trace_clock
echo 1 >$tracing/events/sample-trace/enable
chmod +x fire
foreland trace --self --explain --json -o bpf.json --file probes -- ./fire 2>bpf.err
echo bpf $? >status
grep foo_timer_fn: $tracing/trace >static
echo >$tracing/trace
foreland trace --via tracefs --json -o via.json 'f:s/entry sample_timer_cb name={CAST}->name:string' \\
	'r:s/back sample_timer_cb' 'e:s/field sample-trace/foo_timer_fn name=$name:string count=$count:s32' \\
	-- ./fire 2>via.err
echo via $? >>status
grep foo_timer_fn: $tracing/trace >static.via
foreland trace --self --json -o hist.json --hist 'keys=name,count:vals=hitcount' 'f:s/entry sample_timer_cb {VALUES}' -- ./fire 2>hist.err
echo hist $? >>status
foreland probe list types 'foo_timer*' >types
foreland probe list functions 'sample_timer*' >>types
foreland probe list tracepoints 'foo_timer*' >>types
'''
FIRE = '''#!/bin/sh
run=/sys/module/trace_events_sample/parameters/run
echo 2 >$run
while [ $(cat $run) != 0 ]; do usleep 20000; done
'''
BRING = ('bpf.json', 'bpf.err', 'via.json', 'via.err', 'hist.json', 'static', 'static.via', 'status',
         'types')


def static_rows(path):
    """(CPU, name, count) of each firing, as the module's own event has it."""
    line = re.compile(r'\[(\d+)\] .{5} +\d+\.\d{6}: foo_timer_fn: name=(\S+) count=(-?\d+)')
    return [(int(m[1]), m[2], int(m[3])) for m in (line.search(text) for text in open(path)) if m]


def rows(path):
    objects = [json.loads(line) for line in open(path)]
    return objects[1:-1], {e['event']: e for e in objects[-1]['events']}


def by_cpu(values):
    return {cpu: [v[1:] for v in values if v[0] == cpu] for cpu in {v[0] for v in values}}


def judge_bpf(work):
    fired = by_cpu(static_rows(f'{work}/static'))
    got, summary = rows(f'{work}/bpf.json')
    err = open(f'{work}/bpf.err').read()
    expect('the event of the module saw both timers', sorted(map(len, fired.values())) == [FIRINGS] * 2
           and all(v[0][1] == -5 for v in fired.values()), fired)
    # what each CPU adds to its own counter is known from the module
    expect('and counters that go their own ways', {v[1][1] - v[0][1] for v in fired.values()} == {1, 11},
           fired)
    for event, (hook, text) in PROBES.items():
        step = {0: 1, 1: 11} if event in ('leave', 'back') else {}     # a return is after the counting
        ours = by_cpu([(r['cpu'], r['args']['name'], r['args']['count'] - step.get(r['cpu'], 0))
                       for r in got if r['event'] == event])
        expect(f'{hook}: name and counter of each firing, in the same order', ours == fired,
               f'{text}\n{ours}\n{fired}')
        taken = re.search(rf'^s/{event}: (.*), reads by', err, re.M)
        expect(f'{hook} is what was taken', taken and taken[1] == hook, err)
        expect(f'{hook}: nothing is missing', summary[event]['hits'] == summary[event]['records'] ==
               2 * FIRINGS, summary[event])
    places = {r['place'] for r in got if r['event'] == 'entry'}
    expect('the place names the module', len(places) == 1 and re.fullmatch(
         r'sample_timer_cb\+0x0/0x[0-9a-f]+ \[trace_events_sample\]', *places), places)


def judge_via(work):
    fired = by_cpu(static_rows(f'{work}/static.via'))
    got, summary = rows(f'{work}/via.json')
    names = by_cpu([(r['cpu'], r['args']['name']) for r in got if r['event'] == 'entry'])
    expect('--via tracefs: the names of all firings, the reader\'s own time included',
           names == {cpu: [v[:1] for v in values] for cpu, values in fired.items()},
           f'{names}\n{fired}\n{summary}')
    values = by_cpu([(r['cpu'], r['args']['name'], r['args']['count']) for r in got
                     if r['event'] == 'field'])
    expect('--via tracefs: an event on the module\'s event', values == fired, f'{values}\n{fired}')
    expect('--via tracefs: as many returns', summary['back']['records'] == 2 * FIRINGS, summary)


def judge_rest(work):
    fired = static_rows(f'{work}/static')
    table = [json.loads(line) for line in open(f'{work}/hist.json')]
    # The same timers again: the same names and counts, one each.
    got = sorted((r['keys']['name'], r['keys']['count'], r['hitcount']) for r in table
                 if 'keys' in r)
    expect('counted by name and counter', got == sorted((n, c, 1) for _, n, c in fired),
           f'{table[:4]}\n{got[:4]}')
    types = open(f'{work}/types').read()
    expect('listed: its type, function and event',
           re.search(r'^struct foo_timer_data \[trace_events_sample\]', types, re.M) and
           'void sample_timer_cb(struct timer_list *t) [trace_events_sample]' in types and
           'foo_timer_fn(struct foo_timer_data *data)' in types, types)


def main():
    need()
    built = subprocess.run([os.path.join(here, 'module', 'build')], capture_output=True, text=True)
    if built.returncode == 77:
        print(f'1..0 # SKIP {built.stderr.strip().splitlines()[-1]}')
        return 0
    expect('the module builds', built.returncode == 0, built.stderr)
    with tempfile.TemporaryDirectory() as work:
        with open(f'{work}/probes', 'w') as f:
            f.write(''.join(text + '\n' for _, text in PROBES.values()))
        with open(f'{work}/fire', 'w') as f:
            f.write(FIRE)
        bring = [word for name in BRING for word in ('--bring', f'/root/{name}:{work}/{name}')]
        ended = run(SCRIPT, '--copy', built.stdout.strip(), '--copy', f'{work}/probes',
                    '--copy', f'{work}/fire', *bring)
        if ended.returncode == 0:
            expect('the traces ended well', open(f'{work}/status').read() == 'bpf 0\nvia 0\nhist 0\n',
                   ended.stderr + open(f'{work}/bpf.err').read() + open(f'{work}/via.err').read())
            judge_bpf(work)
            judge_via(work)
            judge_rest(work)
    return done()


sys.exit(main())
