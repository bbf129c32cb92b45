#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hands definitions with casts and paths of fields, lowered, to an older kernel's own tracefs.

Each must be accepted there. Besides, the lowered text, read again, must make the same fetch program
as the definition: both say the same reads. The definitions come from walks through the structs of
that kernel's own BTF. usage: test-lower.py FORELAND ORACLE VM LEVEL [COUNT [SEED]]
"""
import importlib
import json
import os
import re
import subprocess
import sys

import probe_gen
import rawbtf

differential = importlib.import_module('test-differential')
STRUCTS = ['task_struct', 'file', 'dentry', 'inode', 'sk_buff', 'mm_struct', 'page', 'rq', 'hrtimer',
           'super_block', 'net_device', 'sock', 'cred', 'signal_struct', 'perf_event_attr']


class Casts(probe_gen.Generator):
    """Definitions that v6 accepts, with a cast or a path in nearly every argument."""

    def walk(self, i):
        """A path that exists, and the type at its end."""
        out, arrow = '', True
        for _ in range(self.r.randint(1, 3)):
            members = [m for m in self.facts.members(i) if m[0]]
            if not members:
                break
            name, t = self.r.choice(members)
            out += ('->' if arrow else '.') + name
            t = self.facts.btf.strip(t)
            kind = self.facts.btf.types[t].kind if t else 0
            if self.facts.is_struct(t):
                i, arrow = t, False
            elif kind == rawbtf.PTR and self.facts.is_struct(
                    self.facts.btf.strip(self.facts.btf.types[t].ref)):
                i, arrow = self.facts.btf.strip(self.facts.btf.types[t].ref), True
            else:
                break
        return out

    def cast(self):
        name = self.r.choice(STRUCTS)
        i = self.facts.btf.find(rawbtf.STRUCT, name)
        if not i:
            return self.cast()
        option = ''
        if self.maybe(0.3):
            whole = [m for m, t in self.facts.members(i) if m and not self.bits(i, m)]
            option = ',' + self.r.choice(whole)
        inner = self.pick('$arg1', '$arg2', '%di', '$stack1', '@init_task', '($arg1)', '+8($arg1)',
                          '(+u8(%si))')
        return f'({name}{option}){inner}{self.walk(i)}'

    def bits(self, i, member):
        found = self.facts.btf.member(i, member)
        return found[1] or found[0] % 8

    def lowerable(self):
        place = self.pick('vfs_read', 'vfs_write', 'kfree', 'do_exit')
        args = [f'a{k}={self.cast()}{self.pick("", "", "", ":u8", ":x32", ":s64", ":u8[4]")}'
                for k in range(self.r.randint(1, 3))]
        text = f'low/e{self.r.randrange(10**6)} {place} ' + ' '.join(args)
        if self.maybe(0.7):
            return 'p:' + text
        return 'f:' + text.replace('%di', '$arg1').replace('%si', '$arg2')


def lowered(program, options, level, definitions):
    """Each definition lowered, or None where it is refused: each is run alone, lines keep apart."""
    out = []
    run = subprocess.run([program, 'probe', 'lower', '--level', level, *options, '-'], text=True,
                         input='\n'.join(definitions) + '\n', capture_output=True, check=False)
    by_name = {line.split()[0].split(':')[1]: line for line in run.stdout.splitlines()}
    for text in definitions:
        out.append(by_name.get(text.split()[0].split(':')[1]))
    return out


def dumps(program, options, dialect, definitions):
    run = subprocess.run([program, 'probe', 'check', '--json', '--dialect', dialect, *options, '-'],
                         text=True, input='\n'.join(definitions) + '\n', stdout=subprocess.PIPE,
                         check=False)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    # an f probe's symbols get their address when it is enabled
    return [re.sub(r'(NOP_SYMBOL\([^)]*\) -> IMM)\([^)]*\)', r'\1', str(r.get('dump')))
            for r in rows if 'type' not in r]


def main():
    program, oracle, vm, level = sys.argv[1:5]
    count = int(sys.argv[5]) if len(sys.argv) > 5 else 200
    seed = int(sys.argv[6]) if len(sys.argv) > 6 else 1
    vm_command = [vm, '--timeout', '900', '--kernel', level]
    ready = subprocess.run([*vm_command, '--ready'], capture_output=True, text=True, check=False)
    if ready.returncode:
        print('skipped:', ready.stdout + ready.stderr)
        return 77
    folder = subprocess.run([*vm_command, '--exported'], stdout=subprocess.PIPE, text=True,
                            check=True).stdout.strip()
    btf = folder + '/btf/vmlinux' if os.path.isdir(folder + '/btf') else folder + '/vmlinux.btf'
    options = ['--btf', btf, '--kallsyms', folder + '/kallsyms', '--events', folder + '/events',
               '--arch', 'x86_64']
    gen = Casts(probe_gen.Facts(folder), seed)
    definitions, texts = [], []
    while len(texts) < count:
        some = [gen.lowerable() for _ in range(100)]
        pairs = [(d, t) for d, t in zip(some, lowered(program, options, level, some)) if t]
        definitions += [d for d, _ in pairs]
        texts += [t for _, t in pairs]
    definitions, texts = definitions[:count], texts[:count]
    wrong = 0
    rows = differential.kernel_answers(vm_command, oracle, texts)
    for text, row in zip(texts, rows):
        if row['errno']:
            wrong += 1
            print(f'{text}\n  kernel {row}')
    same = 0
    for d, t, a, b in zip(definitions, texts, dumps(program, options, '7.3', definitions),
                          dumps(program, options, '6.12', texts)):
        bits = 'MOD_BF(basesize=8' in a
        same += a == b or bits
        if a != b and not bits:
            print(f'{d}\n  {t}\n  {a}\n  {b}')
    print(f'{level}: {count - wrong} of {count} accepted, {same} of {count} mean the same')
    return 1 if wrong or same != count or len(rows) != count else 0


if __name__ == '__main__':
    sys.exit(main())
