#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw tracepoints at full speed on every CPU: hits = records + filtered + lost, exactly, each time.
Then a thousand starts and stops: nothing is left by the kernel's own listings.

usage: test-trace-load.py FORELAND TRACE-CYCLES [SECONDS [CYCLES]]
"""
import json, os, subprocess, sys, time

from tap import done, expect

foreland, cycles = sys.argv[1:3]
seconds = sys.argv[3] if len(sys.argv) > 3 else '30'
times = sys.argv[4] if len(sys.argv) > 4 else '1000'


def listed():
    """Programs and maps of ours that the kernel holds."""
    out = ''
    for kind in ('prog', 'map'):
        out += subprocess.run(['bpftool', kind, 'list'], capture_output=True, text=True).stdout
    return sum(' name foreland' in line or ' name fl_' in line for line in out.splitlines())


def trace(*args):
    """How many rows were printed, and the last of them; they are millions and not kept."""
    run = subprocess.Popen([foreland, 'trace', '--json', *args], stdout=subprocess.PIPE)
    n, last = 0, b''
    while block := run.stdout.read(1 << 20):
        n += block.count(b'\n')
        last = (last + block)[-8192:]
    return run.wait(), n, json.loads(last.splitlines()[-1])['events']


def spin(cpu):
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, {cpu})
        while True:
            os.getppid()
    return pid


def main():
    if subprocess.run([foreland, 'trace', '-n', '1', 't sched_switch'], capture_output=True).returncode:
        print('1..0 # SKIP raw tracepoint programs cannot be loaded here')
        return 0
    spinners = [spin(cpu) for cpu in os.sched_getaffinity(0)]
    try:
        for turn in range(3):
            status, rows, summary = trace('-t', seconds, 't sys_enter id',
                                          't:load/some sys_exit ret c=$comm if ret > 5')
            expect(f'turn {turn}: ended well', status == 0, status)
            for e in summary:
                expect(f'turn {turn}, {e["event"]}: {e["hits"]} hits, {e["lost"]} lost: none is missing',
                       e['hits'] == e['records'] + e['filtered'] + e['lost'] and e['hits'] > 1000, e)
            expect(f'turn {turn}: as many rows as records',
                   rows - 2 == sum(e['records'] for e in summary), rows)
    finally:
        for pid in spinners:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    before = listed()
    out = subprocess.run([cycles, times], capture_output=True, text=True)
    fds = out.stdout.split()
    expect(f'{times} starts and stops in one process leave no descriptor',
           len(fds) == 2 and fds[0] == fds[1], (out.returncode, fds))
    for _ in range(int(times) // 10):
        subprocess.run([foreland, 'trace', '-n', '1', 't sched_switch'], capture_output=True, check=True)
    for _ in range(50):
        if listed() <= before:
            break
        time.sleep(0.1)
    expect('no program and no map is left', listed() <= before, (before, listed()))
    return done()


sys.exit(main())
