#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the same histograms and synthetic events, made from a seed, to a Debian kernel in the guest and to our
tree of files with that kernel's formats, and compares: errno, the whole of error_log, and what the written file
shows. The lines come in groups that meet one another; each group begins with nothing.

What may differ is a row of EXPLAINED, with the place in that kernel's source.
usage: test-hist-differential.py TRACEFS_SCRIPT ORACLE VM [COUNT [SEED [KERNEL]]]
"""
import collections
import errno
import json
import os
import re
import subprocess
import sys

import hist_gen

# (kernels, the kernel's file, function, what it does there, whether it is that)
EXPLAINED = []


def explanation(series, group, kernel, ours):
    for kernels, file, function, _, judge in EXPLAINED:
        if series in kernels and judge(group, kernel, ours):
            return f'{file}:{function}'
    return None


def kernel_answers(vm, oracle, groups):
    text = ''.join('=\n' + ''.join(f'{f}\t{t}\n' for f, t in g) for g in groups)
    out = subprocess.run([*vm, '--stdin', '--timeout', '3000', '--copy', oracle, '--', './' + os.path.basename(oracle)],
                         input=text.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in out.stdout.decode().splitlines()]


def reset(files):
    """What another one refers to goes after it."""
    return ''.join(f'echo > {f}\n' for _ in range(6) for f in [*files, 'dynamic_events']) + 'echo > error_log\n'


def our_answers(script, facts, dialect, groups):
    text = ''
    for g in groups:
        for f, t in g:
            text += f"echo '{t}' >> {f}\necho '%log'\ncat error_log\necho '%show'\ncat {f}\necho '%end'\n"
        text += reset(sorted({f for f, _ in g if f != 'dynamic_events'})) + "echo '%reset'\n"
    out = subprocess.run([script, facts, dialect, '/'], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    rows = []
    for part in out.split('%end\n')[:-1]:
        part = part.split('%reset\n')[-1]
        failed, rest = part.split('%log\n')
        log, show = rest.split('%show\n')
        m = re.search(r'failed: (\w+)', failed)
        rows.append({'errno': getattr(errno, m[1]) if m else 0, 'log': re.sub(r'^\[ *[\d.]+\] ', '', log, flags=re.M),
                     'show': '' if 'failed:' in show else show})
    return rows


def comparable(row, file):
    """The kernel lists its other triggers, and of an event that is gone nothing is to be read."""
    show = re.sub(r'# Available triggers:\n#.*\n', '', row['show'])
    return row['errno'], row['log'], re.sub(r'^#  .*\n', '', show, flags=re.M) if file == 'dynamic_events' else show


def main():
    script, oracle, vm = sys.argv[1:4]
    count, seed, series = (sys.argv[4:] + ['400', '1', '7.3'][len(sys.argv) - 4:])[:3]
    guest = [vm, '--kernel', series]
    ready = subprocess.run([*guest, '--ready'], capture_output=True, text=True, check=False)
    if ready.returncode:
        print('skipped:', ready.stdout + ready.stderr)
        return 77
    facts = subprocess.run([*guest, '--exported'], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    groups = hist_gen.Generator(facts, int(seed)).sequences(int(count))
    kernel, ours = kernel_answers(guest, oracle, groups), our_answers(script, facts, series, groups)
    n = sum(map(len, groups))
    if len(kernel) != n or len(ours) != n:
        print(f'{n} lines, {len(kernel)} answers of the kernel, {len(ours)} ours')
        return 1
    wrong, at, explained = 0, 0, collections.Counter()
    for g in groups:
        for i, (f, t) in enumerate(g):
            k, o = comparable(kernel[at + i], f), comparable(ours[at + i], f)
            if k == o:
                continue
            why = explanation(series, g[:i + 1], k, o)
            if why:
                explained[why] += 1
            else:
                wrong += 1
                lines = '\n  '.join(f'{x}: {y}' for x, y in g[:i + 1])
                print(f'differs:\n  {lines}\nkernel: {k[0]}\n{k[1]}{k[2]}ours: {o[0]}\n{o[1]}{o[2]}')
            break
        at += len(g)
    accepted = sum(k['errno'] == 0 for k in kernel)
    print(f'seed {seed}, kernel {series}: {len(groups)} groups of {n} lines, {accepted} accepted; {wrong} unexplained differences')
    for why, times in explained.most_common():
        print(f'explained: {times} by {why}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
