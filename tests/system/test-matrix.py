#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""foreland probe check --matrix on the BTF of 6.1 and of 6.12: whether a definition runs there must
follow from the function's parameters and the struct's members as rawbtf.py reads them.
usage: test-matrix.py FORELAND VM"""
import json
import os
import random
import subprocess
import sys

import rawbtf

FIELDS = ['file.f_mode', 'file.f_llist', 'task_struct.comm', 'task_struct.migration_flags', 'file.f_ref',
          'mm_struct.mm_mt', 'inode.i_ctime', 'inode.__i_ctime', 'sock.sk_rx_dst', 'page.flags']


def main():
    program, vm = sys.argv[1:3]
    files, btfs = [], []
    for series in ('6.1', '6.12'):
        if subprocess.run([vm, '--kernel', series, '--ready'], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode:
            print('skipped: no guest')
            return 77
        folder = subprocess.run([vm, '--kernel', series, '--exported'], stdout=subprocess.PIPE,
                                text=True, check=True).stdout.strip()
        files.append(folder + '/btf/vmlinux')
        with open(files[-1], 'rb') as f:
            btfs.append(rawbtf.Btf(f.read()))
    names = sorted({n for b in btfs for k, n in b.by_name if k == rawbtf.FUNC})
    definitions, wanted = [], []
    for name in random.Random(1).sample(names, 60):
        definitions.append(f'f {name}')
        wanted.append([b.find(rawbtf.FUNC, name) is not None for b in btfs])
    for field in FIELDS:
        struct, member = field.split('.')
        definitions.append(f'p do_exit v=({struct})$arg1->{member}')
        wanted.append([b.path(field) is not None for b in btfs])
    run = subprocess.run([program, 'probe', 'check', '--json', '--arch', 'x86_64',
                          *[x for f in files for x in ('--matrix', f)], '-'],
                         input='\n'.join(definitions) + '\n', stdout=subprocess.PIPE, text=True,
                         check=False)
    rows = [json.loads(line) for line in run.stdout.splitlines()][1:-1]  # between schema and summary
    wrong = 0
    for i, (definition, want) in enumerate(zip(definitions, wanted)):
        got = [r['ok'] for r in rows[2 * i:2 * i + 2]]
        if got != want or rows[2 * i]['definition'] != definition:
            wrong += 1
            print(f'{definition}: {got} and not {want}')
    both = sum(a != b for a, b in wanted)
    print(f'{len(definitions) - wrong} of {len(definitions)} agree; {both} differ between the kernels')
    text = subprocess.run([program, 'probe', 'check', '--arch', 'x86_64', '--matrix', files[1],
                           'f vfs_read m=file->f_mode'], stdout=subprocess.PIPE, text=True, check=False)
    return 0 if not wrong and both and 'bpf, tracefs from 5.10' in text.stdout else 1


if __name__ == '__main__':
    os.environ['LC_ALL'] = 'C'
    sys.exit(main())
