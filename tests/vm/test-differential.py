#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks Debian's 6.12 kernel in the guest and `foreland probe check --dialect 6.12` the same
definitions, made from a seed, and compares what they say: accepted or not, errno, message, caret,
Command text, every entry of the log, listing.

What may differ, and why:
- places whose text only the kernel can see (instruction boundaries, blacklists): foreland accepts
  them and says what it took for granted.
- carets behind a path of fields: that kernel adds a pointer to its offset there (fixed later).
- "string" on what is neither pointer nor array: that kernel takes the type's size for a type's
  number (fixed later), so its answer depends on the BTF.
The definitions of the kernel's own syntax tests (tests/data/vectors/selftests) come first; in a long
run those of casts, which 6.12 does not know, as well. Sequences of definitions on one list, with removals among them, are compared in the same boot.
usage: test-differential.py FORELAND ORACLE VM [COUNT [SEED]]
"""
import errno
import json
import os
import re
import subprocess
import sys
import tempfile

import probe_gen


def kernel_answers(vm, oracle, lines):
    text = '\n'.join(lines).encode('utf-8', 'surrogateescape') + b'\n'
    out = subprocess.run([*([vm] if isinstance(vm, str) else vm), '--stdin', '--timeout', '3000', '--copy', oracle,
                          '--', './' + os.path.basename(oracle)], input=text, stdout=subprocess.PIPE, check=True)
    rows = []
    for line in out.stdout.decode().splitlines():
        row = json.loads(line)
        row['list'] = row['list'].encode('latin-1').decode('utf-8', 'replace')
        row['log'] = [[e[0], e[1].encode('latin-1').decode('utf-8', 'replace'), e[2]]
                      for e in row['log']]
        rows.append(row)
    return rows


class Ours:
    def __init__(self, program, facts, root):
        btf = facts + '/btf/vmlinux' if os.path.isdir(facts + '/btf') else facts + '/vmlinux.btf'
        self.command = [program, 'probe', 'check', '--json', '--dialect', '6.12', '--arch',
                        'x86_64', '--btf', btf, '--kallsyms', facts + '/kallsyms', '--events',
                        facts + '/events', '--root', root]

    def answers(self, definitions, *options):
        out = subprocess.run([*self.command, *options, '-'],
                             input='\n'.join(definitions).encode('utf-8') + b'\n',
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        rows = [json.loads(line) for line in out.stdout.decode().splitlines()]
        return [r for r in rows if 'type' not in r]


def behind_path(definition):
    return '->' in definition


def masked(text):
    return re.sub(r'0x[0-9a-f]{16}\b', '0xN', text)


def differences(text, kernel, ours):
    live = any(w in e[0] for e in kernel['log'] for w in ('instruction boundary', 'Failed to register'))
    if ours['ok'] and kernel['errno'] and ours.get('assumed') and \
       (live or kernel['errno'] in (errno.EILSEQ,)):
        return [], 'place'
    code = (ours.get('error') or {}).get('code')
    if code == 'BAD_TYPE4STR' and (kernel['errno'] == 0 or (
            kernel['log'] and kernel['log'][-1][2] > ours['error']['column'])):
        return [], 'size as type'
    diff = []
    if ours['ok'] != (kernel['errno'] == 0):
        return ['ok'], None
    if ours['ok']:
        if masked(ours['listing'] or '') != masked(kernel['list'].rstrip('\n')):
            diff.append('listing')
        return diff, None
    if getattr(errno, ours['errno']) != kernel['errno']:
        diff.append('errno')
    if bool(kernel['log']) != bool(ours['error']):
        return diff + ['log'], None
    if not kernel['log']:
        return diff, None
    head, command, column = kernel['log'][-1]
    if ours['error']['message'] != head.split(': error: ', 1)[1]:
        diff.append('message')
    if ours.get('command', text) != command:
        diff.append('command')
    if ours['error']['column'] != column:
        if behind_path(text) and column > 200:
            return diff, 'caret'
        diff.append('caret')
    return diff, None


def sequence_differences(text, kernel, ours):
    """Beside events that are there already, the listing has those as well."""
    if ours['ok'] and kernel['errno'] == 0:
        there = masked(kernel['list']).splitlines()
        return [] if not ours['listing'] or masked(ours['listing']) in there else ['listing']
    return differences(text, kernel, dict(ours, listing=kernel['list']))[0]


def compare_sequences(groups, kernel, ours):
    """The number of lines that differ; the kernel's answers come in the order of all lines."""
    wrong, at = 0, 0
    for group in groups:
        mine = ours.answers(group, '--sequence')
        theirs = kernel[at:at + len(group)]
        at += len(group)
        for i, (text, k, o) in enumerate(zip(group, theirs, mine)):
            diff = sequence_differences(text, k, o)
            if diff:
                wrong += 1
                print(f'{group[:i + 1]}: {" ".join(diff)}\n  kernel {k}\n  ours   {o}')
                break
    return wrong


def compare(definitions, kernel, ours):
    wrong, excused = 0, {}
    for text, k, o in zip(definitions, kernel, ours):
        diff, why = differences(text, k, o)
        if why:
            excused[why] = excused.get(why, 0) + 1
        if diff:
            wrong += 1
            print(f'{text!r}: {" ".join(diff)}\n  kernel {k}\n  ours   {o}')
    return wrong, ', '.join(f'{n} {w}' for w, n in sorted(excused.items())) or 'none'


def recorded(names):
    """The definitions of tests/data/vectors that stand alone and fit into one line."""
    folder = os.path.dirname(os.path.abspath(__file__)) + '/../data/vectors/'
    out = []
    for name in names:
        with open(folder + name + '.v6.jsonl', encoding='utf-8') as f:
            records = [json.loads(line) for line in f]
        # the sample module of the selftests is not in the guest
        out += [r['def'] for r in records if not r.get('setup') and len(r['def']) < 4000 and
                'sample_timer_cb' not in r['def']]
    return out


def main():
    program, oracle, vm = sys.argv[1:4]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 2000
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    ready = subprocess.run([vm, '--ready'], capture_output=True, text=True, check=False)
    if ready.returncode:
        print('skipped:', ready.stdout + ready.stderr)
        return 77
    facts = subprocess.run([vm, '--exported'], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.strip()
    slow = min(0.5, 300 / max(1, count * 0.18))
    gen = probe_gen.Generator(probe_gen.Facts(facts), seed, slow)
    definitions = recorded(['selftests', 'casts'] if count > 5000 else ['selftests'])
    definitions = definitions[:count]
    definitions += list(gen.lines(count - len(definitions)))
    groups = [gen.sequence() for _ in range(count // 40)]
    lines = definitions + [x for g in groups for i, t in enumerate(g) for x in ['+'] * (i > 0) + [t]]
    kernel = kernel_answers(vm, oracle, lines)
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(root + '/bin')
        for name in ('bin/busybox', 'bin/sh', 'init'):
            open(root + '/' + name, 'w').close()
        ours = Ours(program, facts, root)
        single = ours.answers(definitions)
        if len(single) != count or len(kernel) != count + sum(map(len, groups)):
            print(f'{count} definitions, {len(kernel)} answers of the kernel, {len(single)} ours')
            return 1
        wrong, excused = compare(definitions, kernel, single)
        wrong_groups = compare_sequences(groups, kernel[count:], ours)
    accepted = sum(k['errno'] == 0 for k in kernel[:count])
    print(f'seed {seed}: {count - wrong} of {count} agree ({accepted} accepted; let pass: {excused}); '
          f'{len(groups) - wrong_groups} of {len(groups)} sequences agree')
    return 1 if wrong or wrong_groups else 0


if __name__ == '__main__':
    sys.exit(main())
