#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Histograms whose actions make synthetic events: a program asks for its parent N times, and knows that it did;
each call must be one line, or be counted as lost. What a call is, and when it ended, tell the machine's
tracepoints of system calls.

usage: test-trace-actions.py FORELAND
"""
import json, os, re, subprocess, sys, tempfile

from tap import check as tell, done

foreland = sys.argv[1]
CALLS = 3000
GETPPID = {'x86_64': 110, 'aarch64': 173}.get(os.uname().machine)
LOAD = [sys.executable, '-c', f'import os\nfor i in range({CALLS}): os.getppid()']
SYNTH = 's:call u64 lat; int pid; char what[]; u64 twice; s64 ret'
START, END = f't:q/start sys_enter id if id == {GETPPID}', 't:q/end sys_exit ret'
FIRST = 'keys=common_pid:ts0=common_timestamp,name=common_comm'
SECOND = 'keys=common_pid:lat=common_timestamp-$ts0,n=$name:two=$lat*2:onmatch(q.start).trace(call,$lat,common_pid,$n,$two,ret)'


def run(*args, command=LOAD):
    return subprocess.run([foreland, 'trace', '--children', *args, '--', *command], capture_output=True, text=True, timeout=120)


def totals(rows):
    return {e['event']: e for e in rows[-1]['events']}


def balance(rows, what):
    """Starts, of which the program knows how many there were, are pairs, unmatched, or dropped."""
    t = totals(rows)
    calls = [r for r in rows[1:-1] if r['event'] == 'call']
    start, made = t['start'], t['call']
    tell(start['records'] + start['unpaired'] + start['lost'] == CALLS and
         start['hits'] - start['filtered'] == CALLS, f'{what}: {CALLS} starts', t)
    tell(made['hits'] == CALLS - start['unpaired'] - start['lost'] and start['unpaired'] == 0 and
         len(calls) + made['lost'] == made['hits'], f'{what}: pairs + unmatched + dropped = starts', t)
    return calls


def main():
    if not GETPPID:
        print('1..0 # SKIP no number of getppid() is known for this machine')
        return 0
    if subprocess.run([foreland, 'trace', '-n', '1', 't sched_switch'], capture_output=True).returncode:
        print('1..0 # SKIP raw tracepoint programs cannot be loaded here')
        return 0
    both = ['--hist', FIRST, '--hist', SECOND]
    rows = [json.loads(line) for line in run('--json', SYNTH, START, END, *both).stdout.splitlines()]
    calls = balance(rows, 'json')
    parent = os.getpid()
    tell(all(r['args']['pid'] == r['pid'] and r['args']['what'] == r['comm'] for r in calls) and calls,
         'fields and strings of the first event are the task\'s', calls[:3])
    tell(all(0 < r['args']['lat'] < 10**10 and (r['args']['twice'] - 2 * r['args']['lat']) % 2**64 == 0 for r in calls) and calls,
         'times and what is worked out of them', calls[:3])
    tell(len({r['args']['ret'] for r in calls}) == 1, 'a field of the second event', {r['args']['ret'] for r in calls})

    out = run(SYNTH, START, END, *both)
    lines = [line for line in out.stdout.splitlines() if ': call: ' in line]
    lost = int(re.search(r'synthetic/call: .* (\d+) lost', out.stderr)[1])
    tell(len(lines) + lost == CALLS and
         all(re.search(r': call: lat=\d+ pid=\d+ what=\S+ twice=\d+ ret=\d+$', line) for line in lines),
         'text is as the kernel prints synthetic events', out.stderr + '\n'.join(lines[:3]))

    with tempfile.TemporaryDirectory() as folder:
        dat = folder + '/calls.dat'
        err = run('-o', dat, SYNTH, START, END, *both).stderr
        shown = subprocess.run([foreland, 'report', dat], capture_output=True, text=True, timeout=60).stdout
        lost = int(re.search(r'synthetic/call: .* (\d+) lost', err)[1])
        count = len(re.findall(r': call: +lat=\d+ pid=\d+ what=\S+ twice=\d+ ret=\d+', shown))
        tell(count + lost == CALLS, 'a recording has them', err + shown[-400:])

        name = folder + '/defs'
        with open(name, 'w', encoding='utf-8') as f:
            f.write(f'# what, then who makes it\n{SYNTH}\n{START}\nhist:{FIRST}\n{END}\nhist:{SECOND}\n'
                    f't:q/table sys_enter id if id == {GETPPID}\nhist:keys=id:vals=id\n')
        out = run('--json', '--file', name)
        rows = [json.loads(line) for line in out.stdout.splitlines()]
        balance(rows, 'a file')
        table = [r for r in rows if r.get('event') == 'table' and 'hitcount' in r]
        tell([(r['keys']['id'], r['hitcount'], r['vals']['id']) for r in table] == [(GETPPID, CALLS, CALLS * GETPPID)],
             'a table beside them', table)
        with open(name, 'w', encoding='utf-8') as f:
            f.write(f'hist:{FIRST}\n{START}\n')
        out = run('--file', name)
        tell(out.returncode == 1 and ':1: error: a histogram stands behind' in out.stderr, 'a histogram of nothing is refused', out)

    out = run(SYNTH, START, END, '--hist', FIRST, '--hist', SECOND.replace('call,', 'nosuch,'))
    tell(out.returncode == 1 and "Couldn't find synthetic event" in out.stderr and out.stderr.splitlines()[-1].index('^') ==
         ('hist:' + SECOND).index('call,'), "what is wrong is said in the kernel's words, with its caret", out.stderr)
    out = run(SYNTH, START, END, '--hist', FIRST, '--hist', SECOND + ':onmax($lat).save(ret)')
    tell(out.returncode == 1 and 'not done here yet' in out.stderr, 'what is not done is refused', out.stderr)
    for end, why in (('name=t', 'name'), ('nohitcount', 'nohitcount'), ('pause', 'pause'), ('clear', 'clear')):
        out = run(SYNTH, START, '--hist', f'keys=id:{end}')
        tell(out.returncode == 1 and why in out.stderr and 'hits' not in out.stderr.splitlines()[-1], f'{end} is not passed over', out.stderr)
    return done()


if __name__ == '__main__':
    sys.exit(main())
