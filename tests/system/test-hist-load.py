#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pairs of two events under full load on two CPUs: every start is a pair, unmatched, or dropped, exactly. How many
starts and ends there were, the programs count that make them.

usage: test-hist-load.py FORELAND [SECONDS]
"""
import json
import os
import subprocess
import sys
import tempfile

from tap import done, expect as check

foreland = sys.argv[1]
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 15

# Each of two programs, on a CPU of its own: its starts and its ends into a file.
LOAD = '''
import os, sys, time
folder, kind, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
first = os.fork() == 0
cpus = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cpus[0 if first else -1]})
a, b, starts, ends = os.open('/dev/zero', 0), os.open('/dev/zero', 0), 0, 0
os.dup2(a, 200), os.dup2(b, 201)
end = time.monotonic() + seconds
while time.monotonic() < end:
    for i in range(1000):
        if kind == 'calls':
            os.getppid()
            ends += 1
        else:
            os.lseek(200, 2 * starts + first, 0)
            if i % 2:
                os.lseek(201, 2 * starts + first, 0)
                ends += 1
        starts += 1
with open(f'{folder}/{first}', 'w') as f:
    f.write(f'{starts} {ends}')
if first:
    os._exit(0)
os.wait()
'''


def run(kind, *args):
    """What became of each event, the rows between, and what the programs counted."""
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run([foreland, 'trace', '--json', '--children', *args, '--', sys.executable, '-c', LOAD, folder, kind, str(seconds)],
                             stdout=subprocess.PIPE, text=True, timeout=seconds + 300, check=True)
        rows = [json.loads(line) for line in out.stdout.splitlines()]
        starts = ends = 0
        for name in os.listdir(folder):
            with open(f'{folder}/{name}', encoding='utf-8') as f:
                s, e = f.read().split()
            starts, ends = starts + int(s), ends + int(e)
    return {e['event']: e for e in rows[-1]['events']}, rows[1:-1], starts, ends


def main():
    if os.uname().machine != 'x86_64' or len(os.sched_getaffinity(0)) < 2:
        print('1..0 # SKIP two CPUs of x86-64 are needed')
        return 0
    if subprocess.run([foreland, 'trace', '-n', '1', 't sched_switch'], capture_output=True).returncode:
        print('1..0 # SKIP raw tracepoint programs cannot be loaded here')
        return 0
    # one key a program: all are pairs, and a table counts them
    n, rows, starts, ends = run('calls', '--slice', 'start,end,common_pid,save=id', '--hist', 'keys=id:vals=lat_ns',
                                't:q/start sys_enter id if id == 110', 't:q/end sys_exit ret')
    table = sum(r['hitcount'] for r in rows if 'hitcount' in r)
    more = n['start']['hits'] - n['start']['filtered'] - starts  # of the interpreter, while it began
    print(f'# {starts} starts in {seconds} s')
    check('calls: pairs + unmatched + dropped = starts', 0 <= more < 10 and
          n['slice']['hits'] + n['start']['unpaired'] + n['start']['lost'] + n['start']['missed'] == starts + more, n)
    check('calls: each pair is in the table', table + n['slice']['lost'] == n['slice']['hits'] and table, n)
    # a key of its own for each start, of which half have no end: their table becomes full
    n, rows, starts, ends = run('keys', '--slice', 'start,end,key', 't:q/start sys_enter key=regs->si fd=regs->di id if id == 8 && fd == 200',
                                't:q/end sys_enter key=regs->si fd=regs->di id if id == 8 && fd == 201')
    print(f'# {starts} starts, {ends} ends, {n["slice"]["hits"]} pairs, {n["start"]["lost"]} dropped')
    check('keys: pairs + unmatched + dropped = starts',
          n['slice']['hits'] + n['start']['unpaired'] + n['start']['lost'] + n['start']['missed'] == starts, (n, starts))
    check('keys: pairs + ends without a start = ends', n['slice']['hits'] + n['end']['unpaired'] + n['end']['missed'] == ends, (n, ends))
    check('keys: the table was full, and what waited stands in it', n['start']['lost'] > 0 and n['start']['unpaired'] > 0, n)
    check('keys: a line a pair, or it is lost', len(rows) + n['slice']['lost'] == n['slice']['hits'], n)
    return done()


if __name__ == '__main__':
    sys.exit(main())
