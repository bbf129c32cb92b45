#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the dump of `foreland probe check` with the fetch programs that Linux 7.3 makes of the same
definitions: those of the recorded answers and COUNT that are made from SEED. The kernel prints them itself, by
module fetchargs.
usage: test-dumps.py FORELAND ORACLE VM COUNT SEED
"""
import importlib
import os
import re
import subprocess
import sys
import tempfile

import probe_gen

differential = importlib.import_module('test-differential')
HERE = os.path.dirname(os.path.abspath(__file__))


def addresses_masked(line):
    """A symbol's address is another one at each boot."""
    return re.sub(r'IMM\(0x[0-9a-f]{16}\)', 'IMM(0xN)', line)


def compare(definitions, kernel, ours):
    """(dump lines compared, how many definitions differ): of those that both accept; what is refused is
    test-differential's."""
    lines = wrong = 0
    for text, k, o in zip(definitions, kernel, ours):
        if k['errno'] or not o['ok']:
            continue
        theirs = [addresses_masked(x) for x in k['list'].splitlines() if x.startswith('#  ')]
        mine = [addresses_masked(x) for x in o.get('dump') or []]
        lines += len(theirs)
        if mine != theirs:
            wrong += 1
            print(f'{text!r}\n  kernel {theirs}\n  ours   {mine}')
    return lines, wrong


def main():
    program, oracle, vm, count, seed = sys.argv[1:6]
    build = subprocess.run([HERE + '/fetchargs/build'], capture_output=True, text=True, check=False)
    if build.returncode:
        print('skipped:', build.stderr)
        return build.returncode
    guest = [vm, '--kernel', '7.3', '--copy', build.stdout.strip(), '--copy', HERE + '/fetchargs/load']
    facts = subprocess.run([vm, '--kernel', '7.3', '--exported'], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.strip()
    gen = probe_gen.Generator(probe_gen.Facts(facts), int(seed))
    count = int(count)
    definitions = differential.recorded(['selftests', 'casts'] if count > 1000 else ['casts'])
    definitions += [*gen.typed_lines(count // 2), *gen.lines(count // 2)]
    kernel = differential.kernel_answers(guest, oracle, definitions, ['./load'])
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(root + '/bin')
        for name in ('bin/busybox', 'bin/sh', 'init'):
            open(root + '/' + name, 'w').close()
        ours = differential.Ours(program, facts, root, '7.3').answers(definitions)
    if len(kernel) != len(definitions) or len(ours) != len(definitions):
        print(f'{len(definitions)} definitions, {len(kernel)} answers of the kernel, {len(ours)} ours')
        return 1
    lines, wrong = compare(definitions, kernel, ours)
    print(f'seed {seed}: {len(definitions)} definitions, {lines} fetch programs compared, {wrong} differ')
    return 1 if wrong or not lines else 0


if __name__ == '__main__':
    sys.exit(main())
