#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""trace-figures.py FORELAND SUITE_ROOT: what tracing costs, and how soon it is there, beside bpftrace of sid; many user
probes beside one.

The program that is traced measures itself: what a call takes, and when it was started. Runs are interleaved, and medians
told; what a tracer costs is a call with it less a call without. bpftrace wants tracefs mounted: where it is not, it is
mounted for this program alone.
"""
import glob
import os
import statistics
import subprocess
import sys
import tempfile
import time

foreland, suite_root = (os.path.abspath(a) for a in sys.argv[1:3])
RUNS, CALLS = 7, 200000
LOAD = '#include <stdio.h>\n#include <stdlib.h>\n#include <sys/syscall.h>\n#include <time.h>\n#include <unistd.h>\n' + ''.join(
    f'__attribute__((noinline)) int many_{i}(int n) {{ __asm__ volatile(""); return n + {i}; }}\n' for i in range(200)) + '''
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
int main(int argc, char **argv)
{
	double start = now();
	long n = argc > 1 ? atol(argv[1]) : 0;
	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	printf("load %.0f %.1f\\n", start, n ? (now() - start) / n : 0);
	return 0;
}
'''
ENTER = {'x86_64': 110, 'aarch64': 173}.get(os.uname().machine)
TRACING = '/sys/kernel/tracing'


def pair(kind, begin, end):
    """By the thread, which is bpftrace's usual way of pairing what begins and ends."""
    return [f'{kind}:q/a {begin} if id == {ENTER}', '--hist', 'keys=common_pid:ts0=common_timestamp.usecs',
            f'{kind}:q/b {end}', '--hist', 'keys=us.log2:us=common_timestamp.usecs-$ts0']


OURS = {'t': pair('t', 'sys_enter id', 'sys_exit ret'),
        'e': pair('e', 'raw_syscalls.sys_enter id=$id:u64', 'raw_syscalls.sys_exit ret=$ret:s64')}
OTHERS = (f'tracepoint:raw_syscalls:sys_enter /args.id == {ENTER}/ {{ @start[tid] = nsecs; }} '
          'tracepoint:raw_syscalls:sys_exit /@start[tid]/ { @us = hist((nsecs - @start[tid]) / 1000); delete(@start[tid]); }')
# Those of its tools that want no functions of the kernel, which not every kernel lets be traced.
TOOLS = ['bashreadline', 'biosnoop', 'bitesize', 'cpuwalk', 'gethostlatency', 'killsnoop', 'pidpersec', 'runqlat', 'setuids',
         'statsnoop', 'syncsnoop', 'syscount', 'tcpdrop', 'threadsnoop', 'writeback']


def said(command):
    """When the program was started, in ns from the command's start, and what a call took; None: it was not."""
    begin = time.monotonic_ns()
    with tempfile.TemporaryFile('w+') as talk:
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=talk, text=True, check=False)
        talk.seek(0)
        words = talk.read(4096).strip().splitlines()
    for line in out.stdout.splitlines():
        if line.startswith('load '):
            return float(line.split()[1]) - begin, float(line.split()[2])
    print(f'{command[-1][:60]}: {(words or ["nothing was run"])[-1]}', file=sys.stderr)
    return None


def medians(commands, which, runs=RUNS):
    """Of each command, if all of them run the program."""
    rows = [[said(c) for c in commands] for _ in range(runs)]
    return [statistics.median(r[which] for r in column) for column in zip(*rows)] if all(all(row) for row in rows) else None


def starts(theirs, load):
    """How soon a tool is there: bpftrace's, and ours of the same name."""
    ratios = []
    for name in TOOLS:
        both = medians([[foreland, 'trace', '--file', name, '--', load], [*theirs, '-c', '/mnt/load', f'/usr/sbin/{name}.bt']], 0, 3)
        if both:
            ratios.append(both[0] / both[1])
            print(f'{name}: attached after {both[0] / 1e6:.1f} ms, bpftrace\'s after {both[1] / 1e6:.0f} ms, ratio {ratios[-1]:.3f}')
    if ratios:
        print(f'{len(ratios)} tools, median ratio {statistics.median(ratios):.3f}')


def in_root(work):
    """A command of the root, in this pid namespace: in another one bpftrace's tid is an error on some kernels."""
    root = subprocess.run([suite_root, '--packages', 'bpftrace', 'sid'], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    mounts = ''.join(f'mount --rbind {a} {root}/{b} && ' for a, b in (('/sys', 'sys'), ('/proc', 'proc'), ('/dev', 'dev'), (work, 'mnt')))
    return ['unshare', '-m', 'sh', '-c', f'{mounts} exec timeout 30 chroot {root} "$@"', 'sh']


def traced():
    """This process sees tracefs, or begins anew as one that does."""
    mount = f'mount -t tracefs tracefs {TRACING} && exec "$@"'
    if not glob.glob(f'{TRACING}/events/*') and not os.environ.get('TRACE_FIGURES'):
        os.environ['TRACE_FIGURES'] = '1'
        os.execvp('unshare', ['unshare', '-m', 'sh', '-c', mount, 'sh', sys.executable, *sys.argv])


def main():
    with tempfile.TemporaryDirectory() as work:
        source, load = f'{work}/load.c', f'{work}/load'
        with open(source, 'w', encoding='utf-8') as f:
            f.write(LOAD)
        subprocess.run([os.environ.get('CC', 'cc').split()[-1], '-O1', '-static', '-o', load, source], check=True)
        probes = medians([[foreland, 'trace', f'p {load}:many_{glob}', '--', load] for glob in ('7', '*')], 0)
        if not probes:
            sys.exit('nothing can be traced here')
        one, many = probes
        print(f'user probes: one {one / 1e6:.2f} ms, 200 by a glob {many / 1e6:.2f} ms, ratio {many / one:.2f}')
        theirs = [*in_root(work), 'bpftrace']
        commands = [[load, str(CALLS)], *([foreland, 'trace', *p, '--', load, str(CALLS)] for p in OURS.values()),
                    [*theirs, '-c', f'/mnt/load {CALLS}', '-e', OTHERS]]
        costs = medians(commands, 1) or medians(commands[:-1], 1)
        if not costs:
            sys.exit('events of system calls cannot be traced here')
        plain, *costs = costs
        for kind, cost in zip(OURS, costs):
            print(f'a call {plain:.0f} ns; a pair counted by its latency: {kind}: {cost - plain:.0f} ns' +
                  (f', bpftrace {costs[2] - plain:.0f} ns, ratio {(cost - plain) / (costs[2] - plain):.2f}' if len(costs) > 2 else ''))
        starts(theirs, load)


if __name__ == '__main__':
    traced()
    main()
